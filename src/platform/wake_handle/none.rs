//! Systems that were not looked at yet: hosts poll, or wait.

use std::convert::Infallible;
use std::io;

use super::WakeKind;

/// There is none.
pub struct WakeHandle(Infallible);

impl WakeHandle {
    /// None: hosts get SOCKETIO_E_UNSUPPORTED.
    pub const KIND: Option<WakeKind> = None;

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
