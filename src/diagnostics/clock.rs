//! Time as the host sees it: microseconds since `enable`, monotonic.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub use crate::platform::slept;

static BASE: OnceLock<Instant> = OnceLock::new();
static ENABLED_AT: AtomicU64 = AtomicU64::new(0);

fn since_base() -> u64 {
    BASE.get_or_init(Instant::now).elapsed().as_micros() as u64
}

/// Starts counting anew.
pub fn reset() {
    ENABLED_AT.store(since_base(), Ordering::Relaxed);
}

/// Microseconds since [`reset`].
pub fn now_us() -> u64 {
    since_base().saturating_sub(ENABLED_AT.load(Ordering::Relaxed))
}
