//! Socket.IO Send: sends an event, and asks for a reply if Reply Timeout is not 0.

use std::time::Duration;

use super::call::copied_text;
use super::{Call, Executed};
use crate::connection::{Command, IfNotConnected, SHORT, SendEvent, Terms};
use crate::descriptor::field_index::send;
use crate::diagnostics::{Refusal, failpoint};
use crate::registry::PLUGIN;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    let connection = call.connection()?;
    let event = call.inputs[send::EVENT_NAME].text();
    failpoint::pass("execute", &connection.name);
    let bytes = event.len() + call.message_bytes(send::MESSAGE, send::ATTACHMENTS);
    let reservation = PLUGIN.reserve(&connection, bytes)?;
    let reply_timeout = call.attributes[send::REPLY_TIMEOUT].number();
    let request = if reply_timeout == 0.0 { 0 } else { PLUGIN.next_request() };
    let namespace = call.inputs[send::NAMESPACE].text();
    let format = call.format(send::MESSAGE_FORMAT);
    let policy = match call.choice(send::IF_NOT_CONNECTED) {
        1 => IfNotConnected::KeepLatest,
        2 => IfNotConnected::Drop,
        _ => IfNotConnected::Queue,
    };
    match call.only_text(format, send::MESSAGE, send::ATTACHMENTS) {
        Some(text) if bytes + namespace.len() <= SHORT => {
            let reply_timeout = reply_timeout as f32;
            let terms = Terms { node: call.node, request, reply_timeout, format, policy, reservation };
            connection.mailbox.put_short(terms, [event, namespace, text])?;
        }
        _ => connection.mailbox.put(Command::Send(SendEvent {
            node: call.node,
            request,
            event: copied_text(event)?,
            namespace: copied_text(namespace)?,
            message: call.message(format, send::MESSAGE, send::ATTACHMENTS)?,
            policy,
            reply_timeout: Duration::from_secs_f64(reply_timeout),
            reservation,
        }))?,
    }
    Ok(Executed { request, ..Executed::default() })
}
