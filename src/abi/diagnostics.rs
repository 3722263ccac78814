//! Diagnostics: the last error of a thread, and the log level.

use std::ffi::c_char;

use super::boundary::{Failure, Reentrancy, call, guarded};
use super::last_error;
use super::status::{SOCKETIO_OK, socketio_status_t};
use super::types::SOCKETIO_LOG_TRAFFIC;
use crate::diagnostics::log;

/// Copies the text of the last failure (or SOCKETIO_NOTE) of a call on this thread, as `snprintf` does: at most
/// `cap` bytes with the final NUL, cut between characters. Returns the length of the whole text without the NUL, also
/// if `buf` is NULL or `cap` is 0; 0 if there was none. Successful calls leave it as it is. At most 8 KiB are kept.
///
/// States: all. Threads: [any]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_last_error(buf: *mut c_char, cap: usize) -> usize {
    // SAFETY: the caller hands in NULL or `cap` bytes, as the header says.
    guarded(0, || unsafe { last_error::copy_out(buf, cap) })
}

/// From which level on log lines are kept for the host's `log`: SOCKETIO_LOG_OFF to SOCKETIO_LOG_TRAFFIC; the default
/// is SOCKETIO_LOG_INFO. At SOCKETIO_LOG_TRAFFIC each packet is one line. Holds until it is set again.
///
/// Returns SOCKETIO_OK, or SOCKETIO_E_INVALID for another number.
///
/// States: all. Threads: [any]
#[unsafe(no_mangle)]
pub extern "C" fn socketio_set_log_level(level: u32) -> socketio_status_t {
    call(Reentrancy::Allowed, || {
        if level > SOCKETIO_LOG_TRAFFIC {
            return Err(Failure::invalid(format!("level is {level}; it goes from 0 to {SOCKETIO_LOG_TRAFFIC}")));
        }
        log::set_level(level);
        Ok(SOCKETIO_OK)
    })
}
