//! Which threads are the plugin's. It is asked while there is no memory, so that asking must take none.

#[cfg(not(windows))]
mod system {
    use std::cell::Cell;

    thread_local! {
        // No destructor, nothing to make: it stands in the memory that a thread is born with.
        static IS_OURS: Cell<bool> = const { Cell::new(false) };
    }

    pub fn mark() {
        IS_OURS.set(true);
    }

    pub fn is_marked() -> bool {
        // A thread whose variables are gone already is at its end.
        IS_OURS.try_with(Cell::get).unwrap_or_default()
    }
}

/// There, `thread_local!` takes memory at the first use and ends the process if it gets none.
#[cfg(windows)]
mod system {
    use std::sync::OnceLock;

    use windows_sys::Win32::System::Threading::{TLS_OUT_OF_INDEXES, TlsAlloc, TlsGetValue, TlsSetValue};

    /// The slot of all threads that tells. Never given back: the library stays.
    static SLOT: OnceLock<u32> = OnceLock::new();

    pub fn mark() {
        // SAFETY: without arguments; the slot is ours. The value is a mark, and never followed.
        unsafe {
            let slot = *SLOT.get_or_init(|| TlsAlloc());
            if slot != TLS_OUT_OF_INDEXES {
                TlsSetValue(slot, (&raw const SLOT).cast());
            }
        }
    }

    pub fn is_marked() -> bool {
        // SAFETY: the slot is ours; one that a thread did not set is NULL.
        SLOT.get().is_some_and(|&slot| slot != TLS_OUT_OF_INDEXES && !unsafe { TlsGetValue(slot) }.is_null())
    }
}

/// Says that this thread is one of the plugin's.
pub fn thread_is_ours() {
    system::mark();
}

/// Whether this thread is one of the plugin's.
pub fn is_ours() -> bool {
    system::is_marked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_ours_once_it_says_so() {
        let ours = std::thread::spawn(|| {
            let before = is_ours();
            thread_is_ours();
            (before, is_ours(), std::thread::spawn(is_ours).join().unwrap())
        });
        assert_eq!(ours.join().unwrap(), (false, true, false));
    }
}
