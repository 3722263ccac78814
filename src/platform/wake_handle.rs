//! Something a foreign event loop can wait on.

use std::io;

/// Readable (set) between [`WakeHandle::set`] and [`WakeHandle::clear`]. Closed on drop.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub struct WakeHandle(std::os::fd::OwnedFd);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl WakeHandle {
    /// A handle that is not set.
    pub fn new() -> io::Result<WakeHandle> {
        use std::os::fd::FromRawFd;
        // SAFETY: `eventfd` has no memory arguments; a result of 0 or above is a descriptor that we own.
        unsafe {
            match libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) {
                fd if fd >= 0 => Ok(WakeHandle(std::os::fd::OwnedFd::from_raw_fd(fd))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Makes it readable.
    pub fn set(&self) {
        use std::os::fd::AsRawFd;
        let one = 1u64.to_ne_bytes();
        // SAFETY: the descriptor is open, the buffer is 8 bytes as an eventfd wants. A full counter is set already.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Makes it no longer readable.
    pub fn clear(&self) {
        use std::os::fd::AsRawFd;
        let mut count = [0u8; 8];
        // SAFETY: the descriptor is open and non-blocking, the buffer is 8 bytes as an eventfd wants.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }

    /// The descriptor's number. It stays ours.
    pub fn value(&self) -> isize {
        use std::os::fd::AsRawFd;
        self.0.as_raw_fd() as isize
    }
}

/// No wake handle on this platform yet.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub struct WakeHandle(std::convert::Infallible);

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl WakeHandle {
    /// Always fails here.
    pub fn new() -> io::Result<WakeHandle> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called: there is no value of this type.
    pub fn set(&self) {
        match self.0 {}
    }

    /// Never called: there is no value of this type.
    pub fn clear(&self) {
        match self.0 {}
    }

    /// Never called: there is no value of this type.
    pub fn value(&self) -> isize {
        match self.0 {}
    }
}
