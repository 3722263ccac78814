//! Processes made by `fork`: the threads of the plugin are not there, the locks that they held are never released, and the
//! descriptors are shared with the parent. Such a process must not touch them.

use std::sync::atomic::{AtomicBool, Ordering};

static RUNNING: AtomicBool = AtomicBool::new(false);
static LEFT_BEHIND: AtomicBool = AtomicBool::new(false);

/// Whether the plugin runs: a process that is forked meanwhile is one without its threads.
pub fn set_running(running: bool) {
    #[cfg(unix)]
    if running {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: the handler stays where it is, since the library is never unmapped, and only touches atomics. If the
        // system has no memory for it, a forked process is not recognised, as without it.
        ONCE.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(after_fork_in_child));
        });
    }
    RUNNING.store(running, Ordering::SeqCst);
}

/// Whether this process was forked while the plugin ran.
pub fn is_left_behind() -> bool {
    LEFT_BEHIND.load(Ordering::Relaxed)
}

#[cfg(unix)]
extern "C" fn after_fork_in_child() {
    if RUNNING.load(Ordering::SeqCst) {
        LEFT_BEHIND.store(true, Ordering::SeqCst);
    }
}
