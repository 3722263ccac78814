//! Commands from the host's threads to the connection's task.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Command;

/// A queue that is taken as a whole. Its lock is held for moving pointers only.
#[derive(Default)]
pub struct Mailbox {
    commands: Mutex<Vec<Command>>,
    /// Whether the task was told already: in a burst only the first command wakes it.
    rung: AtomicBool,
    bell: Notify,
}

impl Mailbox {
    /// Puts a command in.
    pub fn put(&self, command: Command) {
        self.commands.lock().push(command);
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.notify_one();
        }
    }

    /// Takes all commands, in order.
    pub fn take(&self) -> Vec<Command> {
        self.rung.store(false, Ordering::Release);
        std::mem::take(&mut *self.commands.lock())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        !self.rung.load(Ordering::Acquire)
    }

    /// Waits until something is put in.
    pub async fn rung(&self) {
        while self.is_empty() {
            self.bell.notified().await;
        }
    }
}
