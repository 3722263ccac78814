//! Windows: a manual-reset event, for WaitForMultipleObjects and its kin.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null;

use windows_sys::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent};

use super::WakeKind;

/// See the module.
pub struct WakeHandle(OwnedHandle);

impl WakeHandle {
    /// What hosts are told it is.
    pub const KIND: Option<WakeKind> = Some(WakeKind::WindowsEvent);

    /// A handle that is not set.
    pub fn new() -> io::Result<WakeHandle> {
        const MANUAL_RESET: i32 = 1;
        const NOT_SET: i32 = 0;
        // SAFETY: without attributes and without a name there is no memory to be valid; what is not NULL is ours.
        unsafe {
            let event = CreateEventW(null(), MANUAL_RESET, NOT_SET, null());
            if event.is_null() {
                return Err(io::Error::last_os_error());
            }
            Ok(WakeHandle(OwnedHandle::from_raw_handle(event)))
        }
    }

    /// Sets the event.
    pub fn set(&self) {
        // SAFETY: the handle is open, and an event.
        unsafe { SetEvent(self.0.as_raw_handle()) };
    }

    /// Resets it.
    pub fn clear(&self) {
        // SAFETY: as above.
        unsafe { ResetEvent(self.0.as_raw_handle()) };
    }

    /// The HANDLE as a number. It stays ours.
    pub fn value(&self) -> isize {
        self.0.as_raw_handle() as isize
    }

    #[cfg(test)]
    pub fn is_set(&self) -> bool {
        use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
        use windows_sys::Win32::System::Threading::WaitForSingleObject;
        // SAFETY: as above.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), 0) == WAIT_OBJECT_0 }
    }
}
