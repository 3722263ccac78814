//! Signal masks. A host's signals belong to the host: our threads take none, and no disposition is ever changed.

/// Runs `start` with all signals blocked that another thread could take, so that a thread started in it is born
/// with them blocked. A write to a dead peer then fails with EPIPE instead of ending the host by SIGPIPE.
///
/// Signals that tell of a fault of the thread itself (SIGSEGV and its kin) stay as they are: debuggers and crash
/// reporters need them.
#[cfg(unix)]
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    use std::mem::MaybeUninit;

    struct Restore(libc::sigset_t);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: the set was filled by `pthread_sigmask` below.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
        }
    }

    // SAFETY: `sigfillset` initialises the first set, `pthread_sigmask` the second; all pointers are to locals.
    let _restore = unsafe {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT] {
            libc::sigdelset(all.as_mut_ptr(), fault);
        }
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr());
        Restore(before.assume_init())
    };
    start()
}

/// There are no signals to block.
#[cfg(not(unix))]
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    start()
}
