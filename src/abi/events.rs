//! Events: what the nodes of the graph are told.

use super::boundary::{Reentrancy, call};
use super::convert;
use super::host;
use super::lease;
use super::status::{SOCKETIO_OK, SOCKETIO_TIMED_OUT, socketio_status_t};
use super::types::{SOCKETIO_WAKE_FD, SOCKETIO_WAKE_WIN32_EVENT, socketio_event_batch_t, socketio_wake_handle_t};
use crate::platform::{WakeHandle, WakeKind};
use crate::registry::PLUGIN;

/// Takes up to `max` events from the queue; 0 stands for 4,096, which takes a fraction of a millisecond. What the poll
/// before handed out is no longer valid, also if this one fails with SOCKETIO_E_STATE or finds nothing.
///
/// Returns SOCKETIO_OK: the queue is empty now; SOCKETIO_MORE: poll again (this frame or the next). In the rare case
/// that the plugin's thread holds the queue at this moment, SOCKETIO_MORE with a count of 0. After `disable` it hands
/// out what was left, then returns SOCKETIO_E_STATE. SOCKETIO_E_BUSY if another thread polls; SOCKETIO_E_RESOURCES if
/// the system gives no memory: the events stay.
///
/// States: all. Threads: [poll]. Never blocks. Calls `log` of the host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_event_poll(max: u32, batch: *mut socketio_event_batch_t) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        // SAFETY: the caller hands in NULL or a struct of its `struct_size`, as the header says.
        let size = unsafe { convert::out_size(batch) }?;
        let mut lease = lease::claim()?;
        host::deliver_logs();
        let status = lease.fill(max)?;
        let mut filled = lease.batch();
        filled.struct_size = size as u32;
        // SAFETY: `batch` is valid for `size` bytes, checked by `out_size`.
        unsafe { convert::write_out(batch, &filled, size) };
        Ok(status)
    })
}

/// Waits until an event is in the queue, at most `timeout_ms`. Takes nothing out of it.
///
/// Returns SOCKETIO_OK: poll now; SOCKETIO_TIMED_OUT; SOCKETIO_E_STATE while not activated, also if it is disabled
/// during the wait; SOCKETIO_E_BUSY if another thread polls or waits.
///
/// States: ENABLED. Threads: [poll]. Blocks up to `timeout_ms`. Calls `log` of the host.
#[unsafe(no_mangle)]
pub extern "C" fn socketio_event_wait(timeout_ms: u32) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        let _lease = lease::claim()?;
        host::deliver_logs();
        let found = PLUGIN.wait_for_event(timeout_ms)?;
        host::deliver_logs();
        Ok(if found { SOCKETIO_OK } else { SOCKETIO_TIMED_OUT })
    })
}

/// Gives something to wait on in the host's own loop, set while events are in the queue: on Linux a descriptor that is
/// readable then (epoll, select, GLib, Qt), on Windows a manual-reset event (WaitForMultipleObjects and
/// MsgWaitForMultipleObjects, QWinEventNotifier). The host only waits on it; it never reads, writes, resets or closes
/// it. `disable` closes it.
///
/// Returns SOCKETIO_OK; SOCKETIO_E_STATE while not activated; SOCKETIO_E_UNSUPPORTED where the platform has none;
/// SOCKETIO_E_RESOURCES if the process is out of descriptors or handles.
///
/// States: ENABLED. Threads: [any]. Never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_event_wake_handle(out: *mut socketio_wake_handle_t) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        // SAFETY: the caller hands in NULL or a struct of its `struct_size`, as the header says.
        let size = unsafe { convert::out_size(out) }?;
        let value = PLUGIN.wake_handle()?;
        let kind = match WakeHandle::KIND {
            Some(WakeKind::Descriptor) => SOCKETIO_WAKE_FD,
            Some(WakeKind::WindowsEvent) => SOCKETIO_WAKE_WIN32_EVENT,
            // There was no value then.
            None => 0,
        };
        let handle = socketio_wake_handle_t { struct_size: size as u32, kind, value };
        // SAFETY: `out` is valid for `size` bytes, checked by `out_size`.
        unsafe { convert::write_out(out, &handle, size) };
        Ok(SOCKETIO_OK)
    })
}
