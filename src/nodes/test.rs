//! Socket.IO Test: finds out whether and how the server can be reached.

use super::{Call, Executed};
use crate::connection::{Command, Place, Test};
use crate::diagnostics::{Refusal, RefusalKind};
use crate::registry::PLUGIN;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    let connection = call.connection()?;
    let Some(place) = Place::take() else {
        let text = "Eight connection tests are running already. Wait for the Result of one of them.";
        return Err(Refusal::new(RefusalKind::Busy, text));
    };
    let request = PLUGIN.next_request();
    connection.mailbox.put(Command::Test(Test { node: call.node, request, place }))?;
    Ok(Executed { request, ..Executed::default() })
}
