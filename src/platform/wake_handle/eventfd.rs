//! Linux: an eventfd.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::WakeKind;

/// See the module.
pub struct WakeHandle(OwnedFd);

impl WakeHandle {
    /// What hosts are told it is.
    pub const KIND: Option<WakeKind> = Some(WakeKind::Descriptor);

    /// A handle that is not set.
    pub fn new() -> io::Result<WakeHandle> {
        // SAFETY: `eventfd` has no memory arguments; a result of 0 or above is a descriptor that we own.
        unsafe {
            match libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) {
                fd if fd >= 0 => Ok(WakeHandle(OwnedFd::from_raw_fd(fd))),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Makes it readable.
    pub fn set(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: the descriptor is open, the buffer is 8 bytes as an eventfd wants. A full counter is set already.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Makes it no longer readable.
    pub fn clear(&self) {
        let mut count = [0u8; 8];
        // SAFETY: the descriptor is open and non-blocking, the buffer is 8 bytes as an eventfd wants.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }

    /// The descriptor's number. It stays ours.
    pub fn value(&self) -> isize {
        self.0.as_raw_fd() as isize
    }

    #[cfg(test)]
    pub fn is_set(&self) -> bool {
        let mut asked = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one struct, which is a local.
        unsafe { libc::poll(&mut asked, 1, 0) == 1 }
    }
}
