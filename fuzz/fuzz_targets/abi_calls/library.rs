//! The exported functions, as a C host sees them.

use std::ffi::{CStr, c_char};
use std::sync::LazyLock;

use socketio_plugin::abi::types::*;

unsafe extern "C" {
    pub fn socketio_abi_version() -> u32;
    pub fn socketio_plugin_descriptor() -> *const socketio_plugin_desc_t;
    pub fn socketio_status_name(status: i32) -> *const c_char;
    pub fn socketio_plugin_enable(host: *const socketio_host_t) -> i32;
    pub fn socketio_plugin_disable(timeout_ms: u32) -> i32;
    pub fn socketio_plugin_state() -> u32;
    pub fn socketio_settings_check(json: *const c_char, len: usize) -> i32;
    pub fn socketio_settings_apply(json: *const c_char, len: usize) -> i32;
    pub fn socketio_connection_find(name: *const c_char, len: usize, out: *mut u64) -> i32;
    pub fn socketio_connection_info(connection: u64, out: *mut socketio_connection_info_t) -> i32;
    pub fn socketio_node_execute(call: *const socketio_node_call_t, result: *mut socketio_node_result_t) -> i32;
    pub fn socketio_event_poll(max: u32, batch: *mut socketio_event_batch_t) -> i32;
    pub fn socketio_event_wait(timeout_ms: u32) -> i32;
    pub fn socketio_event_wake_handle(out: *mut socketio_wake_handle_t) -> i32;
    pub fn socketio_last_error(buf: *mut c_char, cap: usize) -> usize;
    pub fn socketio_set_log_level(level: u32) -> i32;
}

pub const OK: i32 = 0;
pub const ALREADY: i32 = 1;
pub const MORE: i32 = 2;
pub const NOTE: i32 = 3;
pub const TIMED_OUT: i32 = 4;
pub const E_INVALID: i32 = -1;
pub const E_ABI: i32 = -2;
pub const E_STATE: i32 = -3;
pub const E_NOT_FOUND: i32 = -4;
pub const E_STALE: i32 = -5;
pub const E_TYPE: i32 = -6;
pub const E_SETTINGS: i32 = -7;
pub const E_UNSUPPORTED: i32 = -8;
pub const E_BUSY: i32 = -100;
pub const E_QUEUE_FULL: i32 = -101;
pub const E_TIMEOUT: i32 = -102;

pub const START: u32 = 1;
pub const STOP: u32 = 2;
pub const STATE: u32 = 7;
pub const TEST: u32 = 8;
pub const ON_STOP: u32 = 102;
pub const ON_ERROR: u32 = 103;
pub const ON_RECEIVE: u32 = 104;

/// A rule of the header was broken. The library reports panics to its log, not to stderr: this is no panic.
macro_rules! fail {
    ($($argument:tt)*) => {{
        eprintln!("\nFINDING: {}\n{}", format_args!($($argument)*), std::backtrace::Backtrace::force_capture());
        std::process::abort()
    }};
}

/// Holds what must be so.
macro_rules! hold {
    ($condition:expr, $($argument:tt)*) => {
        if !$condition {
            fail!($($argument)*);
        }
    };
}

/// Texts of the library end with a NUL and are UTF-8.
pub fn text(string: socketio_string_t) -> String {
    hold!(!string.ptr.is_null(), "a text is NULL");
    // SAFETY: the header says that the text has so many bytes and a NUL.
    let bytes = unsafe { std::slice::from_raw_parts(string.ptr.cast::<u8>(), string.len + 1) };
    hold!(bytes[string.len] == 0, "a text has no NUL: {bytes:?}");
    match std::str::from_utf8(&bytes[..string.len]) {
        Ok(text) => text.to_owned(),
        Err(_) => fail!("a text is not UTF-8: {bytes:?}"),
    }
}

/// Name of a status.
pub fn name(status: i32) -> String {
    // SAFETY: the header says that the name is never NULL and ends with a NUL.
    let name = unsafe { CStr::from_ptr(socketio_status_name(status)) };
    name.to_str().unwrap_or_else(|_| fail!("the name of {status} is not UTF-8")).to_owned()
}

/// The text of the last failure.
pub fn last_error() -> String {
    let mut buffer = vec![0x55u8; 16 << 10];
    // SAFETY: the buffer has as many bytes as are said.
    let len = unsafe { socketio_last_error(buffer.as_mut_ptr().cast(), buffer.len()) };
    text(socketio_string_t { ptr: buffer.as_ptr().cast(), len })
}

/// Whether calls and events are shown, for whoever looks into a finding: FUZZ_TRACE is set.
pub static TRACE: LazyLock<bool> = LazyLock::new(|| std::env::var_os("FUZZ_TRACE").is_some());

/// Holds a status to those that the function documents, and a failure to its sentence.
#[track_caller]
pub fn expect(function: &str, status: i32, documented: &[i32]) {
    if *TRACE {
        let why = if status < 0 { last_error() } else { String::new() };
        eprintln!("{function}: {} {why}", name(status));
    }
    hold!(documented.contains(&status), "{function} returned {}: {}", name(status), last_error());
    hold!(status >= 0 && status != NOTE || !last_error().is_empty(), "{function}: {} without a text", name(status));
}

pub(crate) use {fail, hold};
