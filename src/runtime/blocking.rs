//! Calls that the system only offers as blocking ones. Each runs on a short-lived thread of its own. A call that hangs
//! can't be ended: how many run at the same time is bounded, and so is how many of them are for the same thing, so that
//! one dead name or file leaves room for the others.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Threads;
use crate::diagnostics::failpoint;

/// Calls of one kind at the same time.
const CALLS: usize = 32;
/// Those for the same thing: a second one, since the first may hang for ever and only the next one find things mended.
const CALLS_FOR_ONE: usize = 2;

/// See the module.
pub struct Blocking {
    threads: Arc<Threads>,
    name: &'static str,
    free: Arc<Semaphore>,
    keys: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// The place of one call, among those for the same thing and among all.
struct Place {
    keys: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    key: String,
    for_one: Option<OwnedSemaphorePermit>,
    _among_all: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut keys = self.keys.lock();
        self.for_one = None;
        // Nobody else has it, or waits for it.
        if keys.get(&self.key).is_some_and(|places| Arc::strong_count(places) == 1) {
            keys.remove(&self.key);
        }
    }
}

impl Blocking {
    /// Calls of one kind, on threads of this name.
    pub fn new(threads: Arc<Threads>, name: &'static str) -> Blocking {
        Blocking { threads, name, free: Arc::new(Semaphore::new(CALLS)), keys: Arc::default() }
    }

    /// Runs a call for what `key` names. Whoever does not want to wait any longer drops the future; the call itself goes
    /// on to its end.
    pub async fn run<T: Send + 'static>(&self, key: &str, call: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let place = self.place(key).await.map_err(io::Error::other)?;
        let (answer, answered) = oneshot::channel();
        let name = self.name;
        self.threads.spawn(name, move || {
            failpoint::pass(name, "");
            let result = call();
            drop(place);
            // Nobody may be waiting any more.
            let _ = answer.send(result);
        })?;
        answered.await.map_err(io::Error::other)
    }

    async fn place(&self, key: &str) -> Result<Place, tokio::sync::AcquireError> {
        let places = {
            let mut keys = self.keys.lock();
            Arc::clone(keys.entry(key.into()).or_insert_with(|| Arc::new(Semaphore::new(CALLS_FOR_ONE))))
        };
        let for_one = Some(places.acquire_owned().await?);
        let mut place = Place { keys: Arc::clone(&self.keys), key: key.into(), for_one, _among_all: None };
        place._among_all = Some(Arc::clone(&self.free).acquire_owned().await?);
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::{Duration, Instant};

    use futures_util::FutureExt;

    use super::*;

    /// Begins a call that hangs until the sender is dropped.
    async fn hang(blocking: &Blocking, key: &str) -> Sender<()> {
        let (release, released) = channel();
        let (begun, began) = oneshot::channel();
        let call = move || {
            let _ = begun.send(());
            let _ = released.recv();
        };
        tokio::select! {
            _ = blocking.run(key, call) => panic!("{key} did not hang"),
            begun = began => begun.unwrap(),
        }
        release
    }

    #[tokio::test]
    async fn what_hangs_leaves_room_for_others() {
        let threads = Arc::new(Threads::default());
        let blocking = Blocking::new(Arc::clone(&threads), "test");
        let mut hanging = Vec::new();
        for _ in 0..CALLS_FOR_ONE {
            hanging.push(hang(&blocking, "dead").await);
        }
        assert!(blocking.run("dead", || ()).now_or_never().is_none());
        assert_eq!(blocking.run("other", || 7).await.unwrap(), 7);
        for i in CALLS_FOR_ONE..CALLS {
            hanging.push(hang(&blocking, &i.to_string()).await);
        }
        let mut waiting = Box::pin(blocking.run("other", || 8));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(blocking.keys.lock().len(), CALLS - CALLS_FOR_ONE + 2);
        // One comes back, also if nobody wants its answer any more.
        hanging.pop();
        assert_eq!(waiting.await.unwrap(), 8);
        hanging.clear();
        assert_eq!(blocking.run("dead", || 9).await.unwrap(), 9);
        assert!(threads.join(Instant::now() + Duration::from_secs(30)));
        assert!(blocking.keys.lock().is_empty());
    }
}
