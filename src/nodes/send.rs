//! Socket.IO Send: sends an event, and asks for a reply if Reply Timeout is not 0.

use std::time::Duration;

use super::call::copied_text;
use super::{Call, Executed};
use crate::connection::{Command, IfNotConnected, SendEvent};
use crate::descriptor::field_index::send;
use crate::diagnostics::{Refusal, failpoint};
use crate::registry::PLUGIN;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    let connection = call.connection()?;
    let event = call.inputs[send::EVENT_NAME].text();
    failpoint::pass("execute", &connection.name);
    let bytes = event.len() + call.message_bytes(send::MESSAGE, send::ATTACHMENTS);
    let reservation = PLUGIN.reserve(&connection, bytes)?;
    let message = call.message(send::MESSAGE_FORMAT, send::MESSAGE, send::ATTACHMENTS)?;
    let reply_timeout = Duration::from_secs_f64(call.attributes[send::REPLY_TIMEOUT].number());
    let request = if reply_timeout.is_zero() { 0 } else { PLUGIN.next_request() };
    connection.mailbox.put(Command::Send(Box::new(SendEvent {
        node: call.node,
        request,
        event: copied_text(event)?,
        namespace: copied_text(call.inputs[send::NAMESPACE].text())?,
        message,
        policy: match call.choice(send::IF_NOT_CONNECTED) {
            1 => IfNotConnected::KeepLatest,
            2 => IfNotConnected::Drop,
            _ => IfNotConnected::Queue,
        },
        reply_timeout,
        reservation,
    })))?;
    Ok(Executed { request, ..Executed::default() })
}
