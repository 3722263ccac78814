//! How the host's threads wake the tasks of connections.
//!
//! Waking a task directly touches variables of the thread that does it, and a thread has none any more when a host calls
//! while it exits: from `atexit`, from the destructor of a global. So those threads ring one bell, and the plugin's thread
//! tells the tasks.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::Connection;

/// Connections stand in groups, so that only some of many are looked at after a ring.
const GROUPS: usize = u64::BITS as usize;

/// The host's side: one for all connections.
#[derive(Default)]
pub struct Doorbell {
    /// A bit for each group that somebody rang for.
    rung: AtomicU64,
    bell: Notify,
    /// Places given so far.
    places: AtomicUsize,
}

impl Doorbell {
    /// The group of the next connection.
    pub(super) fn place(&self) -> usize {
        self.places.fetch_add(1, Ordering::Relaxed) % GROUPS
    }

    /// Has the tasks of this group told.
    pub(super) fn ring(&self, group: usize) {
        // If a ring for this group has not been heard yet, this one is heard with it. Not so those for others: whoever rings
        // for them may have been interrupted before the bell.
        if self.rung.fetch_or(1 << group, Ordering::AcqRel) & 1 << group == 0 {
            self.bell.notify_one();
        }
    }
}

/// The plugin's side: who stands in which group.
pub struct Porter {
    door: Arc<Doorbell>,
    groups: [Vec<Weak<Connection>>; GROUPS],
}

impl Porter {
    /// For those who ring here.
    pub fn new(door: Arc<Doorbell>) -> Porter {
        Porter { door, groups: std::array::from_fn(|_| Vec::new()) }
    }

    /// Tells this connection's task from now on. What was put in before, the task sees when it begins.
    pub fn add(&mut self, connection: &Arc<Connection>) {
        let group = &mut self.groups[connection.mailbox.group()];
        group.retain(|other| other.strong_count() > 0);
        group.push(Arc::downgrade(connection));
    }

    /// Waits until somebody rings, and tells the tasks. Nothing is lost if it is dropped before.
    pub async fn serve(&self) {
        let mut rung = loop {
            match self.door.rung.swap(0, Ordering::AcqRel) {
                0 => self.door.bell.notified().await,
                rung => break rung,
            }
        };
        while rung != 0 {
            let group = &self.groups[rung.trailing_zeros() as usize];
            group.iter().filter_map(Weak::upgrade).for_each(|connection| connection.mailbox.pass_on());
            rung &= rung - 1;
        }
    }
}
