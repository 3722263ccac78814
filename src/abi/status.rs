//! Status codes of the boundary. The ranges are part of the ABI: an old host treats an unknown code by its range.

use std::ffi::CStr;

/// What a function returns: 0 ok, above 0 ok with a note, below 0 an error.
///
/// -1 to -99: the call was wrong, fix the host. -100 to -199: try again later. -200 to -299: network or peer,
/// the plugin deals with it. -900 to -999: a fault inside the plugin, disable it.
#[allow(non_camel_case_types)]
pub type socketio_status_t = i32;

/// Done.
pub const SOCKETIO_OK: i32 = 0;
/// Done: it was already so. Nothing changed.
pub const SOCKETIO_ALREADY: i32 = 1;
/// Done: and more events wait for the next poll.
pub const SOCKETIO_MORE: i32 = 2;
/// Done: with warnings. `socketio_last_error` has their text.
pub const SOCKETIO_NOTE: i32 = 3;
/// The time given passed without an event. Not an error.
pub const SOCKETIO_TIMED_OUT: i32 = 4;

/// An argument is wrong: NULL where memory is needed, a number out of range, text that is not UTF-8.
pub const SOCKETIO_E_INVALID: i32 = -1;
/// A struct_size is too small, or has fields set that this version does not know, or the ABI major differs.
pub const SOCKETIO_E_ABI: i32 = -2;
/// The plugin is not in the state for this call: most often it is deactivated.
pub const SOCKETIO_E_STATE: i32 = -3;
/// No such connection, node type or request, and there never was.
pub const SOCKETIO_E_NOT_FOUND: i32 = -4;
/// The handle was good once: its connection was removed from the settings, or the plugin was disabled since.
pub const SOCKETIO_E_STALE: i32 = -5;
/// A value has the wrong type for its pin or attribute.
pub const SOCKETIO_E_TYPE: i32 = -6;
/// The settings have errors. `socketio_last_error` lists all of them, a line each.
pub const SOCKETIO_E_SETTINGS: i32 = -7;
/// This platform or this version can't do it.
pub const SOCKETIO_E_UNSUPPORTED: i32 = -8;

/// Another call that excludes this one is running, or it was made from inside a callback.
pub const SOCKETIO_E_BUSY: i32 = -100;
/// The connection's queue is full: nothing was queued.
pub const SOCKETIO_E_QUEUE_FULL: i32 = -101;
/// The time limit passed. For `disable`: something still runs, call it again.
pub const SOCKETIO_E_TIMEOUT: i32 = -102;
/// Not connected, and the node says not to wait for a connection.
pub const SOCKETIO_E_NOT_CONNECTED: i32 = -103;

/// The network or the other end failed.
pub const SOCKETIO_E_NETWORK: i32 = -200;
/// The other end does not speak Socket.IO, or broke its rules.
pub const SOCKETIO_E_PROTOCOL: i32 = -201;
/// The server refused: a namespace, a token, the request.
pub const SOCKETIO_E_REFUSED: i32 = -202;
/// The other end was silent for too long.
pub const SOCKETIO_E_NO_ANSWER: i32 = -203;
/// A message breaks a limit or can't be sent as it is.
pub const SOCKETIO_E_MESSAGE: i32 = -204;

/// The operating system gave no thread, descriptor or memory.
pub const SOCKETIO_E_RESOURCES: i32 = -900;
/// A fault inside the plugin. It was contained; please report it.
pub const SOCKETIO_E_PANIC: i32 = -901;

/// The name of a status, such as "SOCKETIO_E_STALE"; "SOCKETIO_UNKNOWN" for a number that is none.
pub(crate) fn name(status: i32) -> &'static CStr {
    match status {
        SOCKETIO_OK => c"SOCKETIO_OK",
        SOCKETIO_ALREADY => c"SOCKETIO_ALREADY",
        SOCKETIO_MORE => c"SOCKETIO_MORE",
        SOCKETIO_NOTE => c"SOCKETIO_NOTE",
        SOCKETIO_TIMED_OUT => c"SOCKETIO_TIMED_OUT",
        SOCKETIO_E_INVALID => c"SOCKETIO_E_INVALID",
        SOCKETIO_E_ABI => c"SOCKETIO_E_ABI",
        SOCKETIO_E_STATE => c"SOCKETIO_E_STATE",
        SOCKETIO_E_NOT_FOUND => c"SOCKETIO_E_NOT_FOUND",
        SOCKETIO_E_STALE => c"SOCKETIO_E_STALE",
        SOCKETIO_E_TYPE => c"SOCKETIO_E_TYPE",
        SOCKETIO_E_SETTINGS => c"SOCKETIO_E_SETTINGS",
        SOCKETIO_E_UNSUPPORTED => c"SOCKETIO_E_UNSUPPORTED",
        SOCKETIO_E_BUSY => c"SOCKETIO_E_BUSY",
        SOCKETIO_E_QUEUE_FULL => c"SOCKETIO_E_QUEUE_FULL",
        SOCKETIO_E_TIMEOUT => c"SOCKETIO_E_TIMEOUT",
        SOCKETIO_E_NOT_CONNECTED => c"SOCKETIO_E_NOT_CONNECTED",
        SOCKETIO_E_NETWORK => c"SOCKETIO_E_NETWORK",
        SOCKETIO_E_PROTOCOL => c"SOCKETIO_E_PROTOCOL",
        SOCKETIO_E_REFUSED => c"SOCKETIO_E_REFUSED",
        SOCKETIO_E_NO_ANSWER => c"SOCKETIO_E_NO_ANSWER",
        SOCKETIO_E_MESSAGE => c"SOCKETIO_E_MESSAGE",
        SOCKETIO_E_RESOURCES => c"SOCKETIO_E_RESOURCES",
        SOCKETIO_E_PANIC => c"SOCKETIO_E_PANIC",
        _ => c"SOCKETIO_UNKNOWN",
    }
}
