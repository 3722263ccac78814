//! Something a foreign event loop can wait on: set between [`WakeHandle::set`] and [`WakeHandle::clear`]. Closed on drop,
//! and never inherited by a program that the host starts.

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "eventfd.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android", windows)), path = "none.rs")]
mod system;

pub use system::WakeHandle;

/// What the number of a wake handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "a system has one kind, or none")]
pub enum WakeKind {
    /// A descriptor that is readable while it is set.
    Descriptor,
    /// A manual-reset event of Windows.
    WindowsEvent,
}

#[cfg(test)]
#[cfg(any(target_os = "linux", target_os = "android", windows))]
mod tests {
    use super::*;

    #[test]
    fn it_stays_set_until_it_is_cleared() {
        let handle = WakeHandle::new().unwrap();
        assert!(!handle.is_set());
        for _ in 0..2 {
            handle.set();
            handle.set();
            assert!(handle.is_set() && handle.is_set());
            handle.clear();
            assert!(!handle.is_set());
        }
        assert!(WakeHandle::KIND.is_some() && handle.value() > 0);
    }
}
