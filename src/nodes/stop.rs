//! Socket.IO Stop: ends the connection and all attempts.

use super::{Call, Executed};
use crate::connection::Command;
use crate::diagnostics::Refusal;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    call.connection()?.mailbox.put(Command::Stop)?;
    Ok(Executed::default())
}
