//! Socket.IO Subscribe: listens to an event.

use super::call::copied_text;
use super::{Call, Executed};
use crate::connection::{Command, Delivery, Subscribe};
use crate::descriptor::field_index::subscribe;
use crate::diagnostics::Refusal;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    call.connection()?.mailbox.put(Command::Subscribe(subscription(call)?))?;
    Ok(Executed::default())
}

/// What Subscribe and Unsubscribe are about.
pub(super) fn subscription(call: &Call<'_>) -> Result<Subscribe, Refusal> {
    Ok(Subscribe {
        node: call.node,
        event: copied_text(call.inputs[subscribe::EVENT_NAME].text())?,
        namespace: copied_text(call.inputs[subscribe::NAMESPACE].text())?,
        delivery: match call.choice(subscribe::DELIVERY) {
            1 => Delivery::Latest,
            _ => Delivery::Every,
        },
    })
}
