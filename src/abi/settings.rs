//! Project Settings.

use std::ffi::c_char;

use super::boundary::{Reentrancy, call, needs_memory};
use super::convert;
use super::status::socketio_status_t;
use crate::registry::PLUGIN;
use crate::settings::MAXIMUM_TEXT;

/// Checks a settings text without using it: {"connections":[{"name":"main","url":"http://localhost:3000"}]}.
/// The fields of a connection are those of the descriptor's `connection_fields`, by their ids.
///
/// Returns SOCKETIO_OK; SOCKETIO_NOTE with warnings or SOCKETIO_E_SETTINGS with errors: then `socketio_last_error`
/// has all of them, a line each: the connection's name, the field, what is wrong, what to do. SOCKETIO_E_RESOURCES if the
/// system gives no memory.
///
/// States: all. Threads: [any]. Never blocks, opens nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_settings_check(json: *const c_char, len: usize) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        // SAFETY: the caller hands in `len` bytes that are valid for the call, as the header says.
        let text = unsafe { convert::bytes(json.cast(), len) }?;
        needs_memory(text_memory(len))?;
        crate::registry::check_settings(text).map_err(Into::into)
    })
}

/// Makes this settings text the current one. All or nothing: with an error in it, nothing changes.
///
/// Connections are matched by name. A new one is stopped (or starts, with Autostart); an unchanged one lives on
/// untouched; a changed one keeps its handle and its subscriptions and, if it was started and needs it (its address, query,
/// headers, auth or message size changed), connects anew; one that is gone is stopped and its handle becomes stale.
///
/// Returns what `socketio_settings_check` does, or SOCKETIO_E_STATE while not activated, or SOCKETIO_E_BUSY during
/// another control call.
///
/// States: ENABLED. Threads: [control]. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_settings_apply(json: *const c_char, len: usize) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        // SAFETY: as for `socketio_settings_check`.
        let text = unsafe { convert::bytes(json.cast(), len) }?;
        needs_memory(text_memory(len))?;
        PLUGIN.apply_settings(text).map_err(Into::into)
    })
}

/// What reading a settings text takes at most: a value of one byte takes this much, and the connections come on top. One
/// that is too long is not read.
fn text_memory(len: usize) -> usize {
    64 * len.min(MAXIMUM_TEXT) + (64 << 10)
}
