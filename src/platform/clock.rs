//! Clocks that the standard library does not offer.

use std::time::Duration;

/// How long the device has slept so far. Its monotonic clock stands still meanwhile, the one of the time since boot goes on;
/// neither is moved when somebody sets the date.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn slept() -> Duration {
    let read = |clock| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a local.
        unsafe { libc::clock_gettime(clock, &mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    // Read in this order, the difference is never too large.
    let since_boot = read(libc::CLOCK_BOOTTIME);
    since_boot.saturating_sub(read(libc::CLOCK_MONOTONIC))
}

/// Nothing is missing: the monotonic clock of Windows (QueryPerformanceCounter) goes on while the device sleeps, and that of
/// other systems is taken to.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn slept() -> Duration {
    Duration::ZERO
}
