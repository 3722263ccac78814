//! Connections: names to handles, and a look at one.

use std::ffi::c_char;

use super::boundary::Failure;
use super::boundary::{Reentrancy, call};
use super::convert;
use super::lease::range_status;
use super::status::{SOCKETIO_OK, socketio_status_t};
use super::types::{socketio_connection_info_t, socketio_connection_t};
use crate::registry::PLUGIN;

/// Finds a connection by its name, which is compared byte by byte. The handle stays good until the settings lose that
/// name or the plugin is disabled.
///
/// Returns SOCKETIO_OK, SOCKETIO_E_NOT_FOUND, or SOCKETIO_E_STATE while not activated.
///
/// States: ENABLED. Threads: [any]. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_connection_find(
    name: *const c_char,
    len: usize,
    out: *mut socketio_connection_t,
) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        // SAFETY: the caller hands in `len` bytes that are valid for the call, as the header says.
        let name = unsafe { convert::text(name, len) }.map_err(|failure| failure.about("name"))?;
        let handle = PLUGIN.find_connection(name)?;
        // SAFETY: checked for NULL above; the caller owns the place.
        unsafe { out.write(handle) };
        Ok(SOCKETIO_OK)
    })
}

/// How a connection is right now. Fields are written up to `out->struct_size`.
///
/// Returns SOCKETIO_OK; SOCKETIO_E_STALE or SOCKETIO_E_NOT_FOUND for a handle; SOCKETIO_E_STATE while not activated.
///
/// States: ENABLED. Threads: [any]. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_connection_info(
    connection: socketio_connection_t,
    out: *mut socketio_connection_info_t,
) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        // SAFETY: the caller hands in NULL or a struct of its `struct_size`, as the header says.
        let size = unsafe { convert::out_size(out) }?;
        let status = PLUGIN.connection_status(connection)?;
        let info = socketio_connection_info_t {
            struct_size: size as u32,
            state: status.state as u32,
            transport: status.transport as u32,
            last_error: status.last_error.map_or(SOCKETIO_OK, range_status),
            namespaces: status.namespaces,
            attempts: status.attempts,
            queued: status.queued,
            dropped: status.dropped,
            round_trip_us: status.round_trip_us,
        };
        // SAFETY: `out` is valid for `size` bytes, checked by `out_size`.
        unsafe { convert::write_out(out, &info, size) };
        Ok(SOCKETIO_OK)
    })
}
