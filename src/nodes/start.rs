//! Socket.IO Start: begins to connect.

use super::{Call, Executed};
use crate::connection::Command;
use crate::diagnostics::Refusal;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    call.connection()?.mailbox.put(Command::Start)?;
    Ok(Executed::default())
}
