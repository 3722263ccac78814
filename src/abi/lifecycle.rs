//! Life cycle: the Plugins Editor's Activated and Deactivated.

use super::boundary::{Failure, Reentrancy, call, needs_memory};
use super::host;
use super::status::{SOCKETIO_E_RESOURCES, socketio_status_t};
use super::types::socketio_host_t;
use crate::platform::stay;
use crate::registry::PLUGIN;

/// What the I/O thread takes before it waits for anything, its stack not counted.
const ENABLE_MEMORY: usize = 256 << 10;

/// Activates the plugin. Starts one thread; opens no socket. `host` may be NULL: no log and no wake.
///
/// The struct is copied, `context` and the callbacks must stay valid until `disable` returned SOCKETIO_OK.
/// Events of an earlier activation that were not polled are dropped.
///
/// Returns SOCKETIO_OK; SOCKETIO_ALREADY if it was activated (nothing changes, calls are not counted);
/// SOCKETIO_E_BUSY while draining or during another control call; SOCKETIO_E_ABI for another ABI major;
/// SOCKETIO_E_RESOURCES if the system gave no thread, descriptor or memory.
///
/// States: all. Threads: [control]. Takes below 5 ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_plugin_enable(host: *const socketio_host_t) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        // SAFETY: the caller hands in NULL or a struct that is valid for the call, as the header says.
        let hooks = unsafe { host::read(host) }?;
        needs_memory(ENABLE_MEMORY)?;
        stay().map_err(|error| {
            Failure::new(SOCKETIO_E_RESOURCES, format!("The system does not keep the library loaded: {error}."))
        })?;
        PLUGIN.enable(hooks).map_err(Into::into)
    })
}

/// Deactivates the plugin: ends every session (On Socket.IO Stop fires for each that was started), closes every
/// socket, joins every thread, forgets settings and handles. Blocks at most `timeout_ms` and a little scheduling.
///
/// A server that does not answer is given a quarter of a second at most, then its socket is cut. Events that were
/// not polled stay for polling until the next `enable`; a batch handed out stays valid until the next poll. The wake
/// handle is closed: take it out of your loop before. Log lines are handed over from inside this call.
///
/// Returns SOCKETIO_OK: nothing of the plugin runs any more; SOCKETIO_ALREADY: it was deactivated;
/// SOCKETIO_E_TIMEOUT: something still winds down (a name look-up or a file that does not answer, `log` of the host).
/// The plugin is then DRAINING: harmless, call again later. SOCKETIO_E_BUSY during another control call.
///
/// States: all. Threads: [control]. Blocks up to `timeout_ms`.
#[unsafe(no_mangle)]
pub extern "C" fn socketio_plugin_disable(timeout_ms: u32) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        let outcome = PLUGIN.disable(timeout_ms);
        if outcome.is_err() {
            host::deliver_logs();
        }
        outcome.map_err(Into::into)
    })
}

/// SOCKETIO_PLUGIN_DISABLED, SOCKETIO_PLUGIN_ENABLED or SOCKETIO_PLUGIN_DRAINING.
///
/// States: all. Threads: [any]
#[unsafe(no_mangle)]
pub extern "C" fn socketio_plugin_state() -> u32 {
    PLUGIN.state() as u32
}
