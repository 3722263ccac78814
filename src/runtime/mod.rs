//! The plugin's threads: one for all input and output, and short-lived ones for what the system only offers as a
//! blocking call. All are born with their signals blocked, and all can be waited for with a limit.

mod blocking;
pub mod environment;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

pub use blocking::Blocking;

use crate::platform::{thread_is_ours, with_signals_blocked};

/// The threads of one activation.
#[derive(Default)]
pub struct Threads {
    running: Mutex<Vec<Running>>,
    ended: Condvar,
}

/// The stack of each thread. Named, since otherwise the host's RUST_MIN_STACK would say it, however small.
const STACK: usize = 2 << 20;

struct Running {
    handle: JoinHandle<()>,
    done: Arc<AtomicBool>,
}

impl Threads {
    /// Starts a thread. A panic in it stays in it.
    pub fn spawn(self: &Arc<Self>, name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let done = Arc::new(AtomicBool::new(false));
        let ended = End { threads: Arc::clone(self), done: Arc::clone(&done) };
        let handle = with_signals_blocked(|| {
            std::thread::Builder::new().name(name.into()).stack_size(STACK).spawn(move || {
                thread_is_ours();
                let _ended = ended;
                body();
            })
        })?;
        let mut running = self.running.lock();
        join_done(&mut running);
        running.push(Running { handle, done });
        Ok(())
    }

    /// Waits until every thread has ended, at most until `deadline`. Tells whether all have.
    pub fn join(&self, deadline: Instant) -> bool {
        let mut running = self.running.lock();
        loop {
            join_done(&mut running);
            if running.is_empty() {
                return true;
            }
            if self.ended.wait_until(&mut running, deadline).timed_out() {
                join_done(&mut running);
                return running.is_empty();
            }
        }
    }
}

/// Tells that a thread is at its end, also when it ends by a panic.
struct End {
    threads: Arc<Threads>,
    done: Arc<AtomicBool>,
}

impl Drop for End {
    fn drop(&mut self) {
        let _running = self.threads.running.lock();
        self.done.store(true, Ordering::Release);
        self.threads.ended.notify_all();
    }
}

/// Joins those that are at their end: that takes microseconds.
fn join_done(running: &mut Vec<Running>) {
    for index in (0..running.len()).rev() {
        if running[index].done.load(Ordering::Acquire) {
            // A panic was reported by the hook; there is nothing to pass on.
            let _ = running.swap_remove(index).handle.join();
        }
    }
}

/// What runs the tasks of one thread. Made where its failure can be told, run where it belongs.
pub struct LocalRuntime(tokio::runtime::Runtime);

impl LocalRuntime {
    /// Fails when the process is out of descriptors.
    pub fn new() -> io::Result<LocalRuntime> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().map(LocalRuntime)
    }

    /// Runs a future and the local tasks it starts on this thread. Whatever still runs when it ends is dropped.
    pub fn run(self, main: impl Future<Output = ()>) {
        tokio::task::LocalSet::new().block_on(&self.0, main);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn threads_are_joined_within_the_limit() {
        let threads = Arc::new(Threads::default());
        let (release, wait) = std::sync::mpsc::channel::<()>();
        threads.spawn("test", move || wait.recv().unwrap_or_default()).unwrap();
        threads.spawn("test", || {}).unwrap();
        assert!(!threads.join(Instant::now() + Duration::from_millis(20)));
        drop(release);
        assert!(threads.join(Instant::now() + Duration::from_secs(30)));
    }
}
