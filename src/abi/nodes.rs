//! Nodes: a pulse into an action node.

use super::boundary::{Reentrancy, call};
use super::convert;
use super::status::socketio_status_t;
use super::types::{socketio_node_call_t, socketio_node_result_t};

/// Executes an action node: checks the call, copies what it needs, queues it for the plugin's thread, and returns.
/// `result` may be NULL if nothing of it is wanted.
///
/// On SOCKETIO_OK, `result->pulse` is the output pulse that leaves now. If `result->request` is not 0, an event with
/// that number fires later: Reply or Timeout of a Send. Output values are written for nodes that have any at once
/// (Socket.IO State), in the order of the descriptor, up to `output_capacity`.
///
/// Returns SOCKETIO_OK; SOCKETIO_E_NOT_FOUND for an unknown node type or connection; SOCKETIO_E_STALE for a removed
/// connection; SOCKETIO_E_TYPE or SOCKETIO_E_INVALID for a value, named in `socketio_last_error`;
/// SOCKETIO_E_UNSUPPORTED for a listener node; SOCKETIO_E_QUEUE_FULL if the connection's queue is full: nothing was
/// queued and no pulse leaves; SOCKETIO_E_BUSY if eight connection tests run already (Socket.IO Test);
/// SOCKETIO_E_RESOURCES if the system gives no memory: nothing was done; SOCKETIO_E_STATE while not activated.
///
/// States: ENABLED. Threads: [any]. Never blocks, never waits for the plugin's thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketio_node_execute(
    node_call: *const socketio_node_call_t,
    result: *mut socketio_node_result_t,
) -> socketio_status_t {
    call(Reentrancy::Refused, || {
        // SAFETY: the caller hands in structs, arrays and texts that are valid for the call, as the header says.
        unsafe { convert::execute(node_call, result) }
    })
}
