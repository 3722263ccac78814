//! Identity: who this library is. Any thread, any state, no side effects.

use std::ffi::c_char;

use super::boundary::guarded;
use super::status::{self, socketio_status_t};
use super::types::{SOCKETIO_ABI_VERSION, socketio_plugin_desc_t};

/// The ABI version of the library: major in the upper 16 bits, minor in the lower. This signature never changes.
///
/// States: all. Threads: [any]
#[unsafe(no_mangle)]
pub extern "C" fn socketio_abi_version() -> u32 {
    SOCKETIO_ABI_VERSION
}

/// What the studio shows: plugin, nodes with their pins and attributes, settings fields. Static: valid until the
/// process ends. Never NULL.
///
/// States: all. Threads: [any]
#[unsafe(no_mangle)]
pub extern "C" fn socketio_plugin_descriptor() -> *const socketio_plugin_desc_t {
    guarded(std::ptr::null(), super::descriptor::c_descriptor)
}

/// The name of a status, such as "SOCKETIO_E_STALE". Static, never NULL; "SOCKETIO_UNKNOWN" for other numbers.
///
/// States: all. Threads: [any]
#[unsafe(no_mangle)]
pub extern "C" fn socketio_status_name(status: socketio_status_t) -> *const c_char {
    guarded(c"SOCKETIO_UNKNOWN".as_ptr(), || status::name(status).as_ptr())
}
