//! Socket.IO Reply: answers an event of the server.

use super::{Call, Executed};
use crate::connection::{Command, Reply};
use crate::descriptor::field_index::reply;
use crate::diagnostics::Refusal;
use crate::registry::PLUGIN;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    let connection = call.connection()?;
    let reservation = PLUGIN.reserve(&connection, call.message_bytes(reply::MESSAGE, reply::ATTACHMENTS))?;
    let message = call.message(call.format(reply::MESSAGE_FORMAT), reply::MESSAGE, reply::ATTACHMENTS)?;
    let id = call.inputs[reply::REPLY_ID].integer();
    connection.mailbox.put(Command::Reply(Box::new(Reply { node: call.node, id, message, reservation })))?;
    Ok(Executed::default())
}
