//! Commands from the host's threads to the connection's task.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Command;
use crate::diagnostics::Refusal;

/// A queue that is taken as a whole. Its lock is held for moving pointers only.
pub struct Mailbox {
    /// None: the connection is gone and takes no more.
    commands: Mutex<Option<Vec<Command>>>,
    /// Whether the task was told already: in a burst only the first command wakes it.
    rung: AtomicBool,
    bell: Notify,
}

impl Default for Mailbox {
    fn default() -> Mailbox {
        Mailbox { commands: Mutex::new(Some(Vec::new())), rung: AtomicBool::new(false), bell: Notify::new() }
    }
}

impl Mailbox {
    /// Puts a command in, if the connection is there and memory for one more besides: the last one, Shutdown, must find room.
    pub fn put(&self, command: Command) -> Result<(), Refusal> {
        match &mut *self.commands.lock() {
            Some(commands) => {
                if commands.try_reserve(2).is_err() && !command.is_last() {
                    return Err(Refusal::no_memory());
                }
                commands.push(command);
            }
            None => return Err(Refusal::stale()),
        }
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.notify_one();
        }
        Ok(())
    }

    /// Takes all commands, in order.
    pub fn take(&self) -> Vec<Command> {
        self.rung.store(false, Ordering::Release);
        self.commands.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes the last commands; from now on none is put in.
    pub fn close(&self) -> Vec<Command> {
        self.commands.lock().take().unwrap_or_default()
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
