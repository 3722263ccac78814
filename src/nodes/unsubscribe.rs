//! Socket.IO Unsubscribe: no longer listens to an event.

use super::subscribe::subscription;
use super::{Call, Executed};
use crate::connection::Command;
use crate::diagnostics::Refusal;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    call.connection()?.mailbox.put(Command::Unsubscribe(subscription(call)?))?;
    Ok(Executed::default())
}
