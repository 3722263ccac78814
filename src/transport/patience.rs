//! How long the other end may take nothing of what is written to it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The bytes that a stream has taken so far.
pub type Written = Rc<Cell<u64>>;

/// Watches a stream while something is to be written. A heartbeat does not tell: who sends pings may read nothing.
pub struct Patience {
    written: Written,
    limit: Duration,
    /// What was written when the time began to run, and its end.
    waiting: Option<(u64, Pin<Box<Sleep>>)>,
}

impl Patience {
    /// Patience of so long with one stream.
    pub fn new(written: Written, limit: Duration) -> Patience {
        Patience { written, limit, waiting: None }
    }

    /// How long it is.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Something is to be written. Ready: nothing was taken for too long.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let written = self.written.get();
        let (then, time) = self.waiting.get_or_insert_with(|| (written, Box::pin(sleep(self.limit))));
        if *then != written {
            *then = written;
            time.as_mut().reset(Instant::now() + self.limit);
        }
        time.as_mut().poll(cx)
    }

    /// All is written.
    pub fn rest(&mut self) {
        self.waiting = None;
    }
}
