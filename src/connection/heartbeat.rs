//! How long a server may be silent.

use std::time::{Duration, Instant};

use crate::diagnostics::clock;

/// How often is looked whether the device slept: timers stand still then. All connections look at the same moments.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a session of the server promised.
pub struct Heartbeat {
    deadline: Instant,
    limit: Duration,
    look: Instant,
    /// How long the device had slept at the last look.
    slept: Duration,
}

impl Heartbeat {
    /// Counts from now on.
    pub fn new(limit: Duration) -> Heartbeat {
        Heartbeat { deadline: Instant::now() + limit, limit, look: next_look(), slept: clock::slept() }
    }

    /// How long the server may be silent.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// A sign of life.
    pub fn beat(&mut self) {
        self.deadline = Instant::now() + self.limit;
    }

    /// When it is to be looked at again.
    pub fn next_look(&self) -> Instant {
        self.deadline.min(self.look)
    }

    /// Whether the server was silent for too long. The time that the device slept counts: the server waited.
    pub fn is_over(&mut self, now: Instant) -> bool {
        if self.look <= now {
            let slept = clock::slept();
            self.deadline = self.deadline.checked_sub(slept.saturating_sub(self.slept)).unwrap_or(now);
            (self.slept, self.look) = (slept, next_look());
        }
        self.deadline <= now
    }
}

fn next_look() -> Instant {
    let every = LOOK_EVERY.as_micros() as u64;
    Instant::now() + Duration::from_micros(every - clock::now_us() % every)
}
