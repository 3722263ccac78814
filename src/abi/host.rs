//! The host's callbacks: log on its own thread, wake on ours.

use std::ffi::{CStr, c_char, c_void};

use super::boundary::{Failure, in_callback};
use super::convert;
use super::status::SOCKETIO_E_ABI;
use super::types::{SOCKETIO_ABI_VERSION, socketio_host_t, socketio_log_record_t, socketio_string_t};
use crate::diagnostics::log::{self, Record, Sink};
use crate::registry::HostHooks;

/// Log lines handed over by one call: a host that was away is not drowned.
const LINES_AT_ONCE: usize = 256;

/// The host's pointer: ours to hand back, not to look into.
#[derive(Clone, Copy)]
struct Context(*mut c_void);

// SAFETY: the pointer is only handed back to the host, which is told on which threads (see `socketio_host_t`).
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

/// Reads what the host offers. It takes effect when the plugin is activated with it.
///
/// # Safety
/// `host` is NULL or points to a struct of its `struct_size`, whose texts are NULL or end with a NUL.
pub unsafe fn read(host: *const socketio_host_t) -> Result<HostHooks, Failure> {
    if host.is_null() {
        return Ok(HostHooks::default());
    }
    // SAFETY: as the caller says.
    let host = unsafe { convert::read_struct(host, "host") }?;
    if host.abi_version >> 16 != SOCKETIO_ABI_VERSION >> 16 {
        return Err(Failure::new(
            SOCKETIO_E_ABI,
            format!(
                "The host was built for ABI {}, this library has ABI {}. Use a matching pair.",
                host.abi_version >> 16,
                SOCKETIO_ABI_VERSION >> 16
            ),
        ));
    }
    let context = Context(host.context);
    let wake = host.wake.map(|wake| {
        Box::new(move || {
            let Context(context) = { context };
            // SAFETY: the host keeps callback and context valid until `disable` is done, as the header says.
            in_callback(|| unsafe { wake(context) });
        }) as Box<dyn Fn() + Send + Sync>
    });
    let log = host.log.map(|log| {
        Box::new(move |record: &Record| {
            let Context(context) = { context };
            let record = socketio_log_record_t {
                struct_size: size_of::<socketio_log_record_t>() as u32,
                level: record.level as u32,
                connection: record.connection,
                time_us: record.time_us,
                message: socketio_string_t { ptr: record.message.as_ptr().cast(), len: record.message.len() - 1 },
            };
            // SAFETY: as for `wake`; the record lives for the call.
            in_callback(|| unsafe { log(context, &record) });
        }) as Sink
    });
    // SAFETY: as the caller says.
    let (name, version) = unsafe { (text(host.name), text(host.version)) };
    Ok(HostHooks { wake, log, name: format!("{name} {version}").trim().to_string() })
}

/// Hands log lines to the host, on the calling thread.
pub fn deliver_logs() {
    log::deliver(LINES_AT_ONCE);
}

/// # Safety
/// `text` is NULL or ends with a NUL.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
