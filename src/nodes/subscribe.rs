//! Socket.IO Subscribe: listens to an event.

use super::{Call, Executed};
use crate::connection::{Command, Delivery, Subscribe};
use crate::descriptor::field_index::subscribe;
use crate::diagnostics::Refusal;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    call.connection()?.command(Command::Subscribe(subscription(call)))?;
    Ok(Executed::default())
}

/// What Subscribe and Unsubscribe are about.
pub(super) fn subscription(call: &Call<'_>) -> Subscribe {
    Subscribe {
        node: call.node,
        event: call.inputs[subscribe::EVENT_NAME].text().to_owned(),
        namespace: call.inputs[subscribe::NAMESPACE].text().to_owned(),
        delivery: match call.choice(subscribe::DELIVERY) {
            1 => Delivery::Latest,
            _ => Delivery::Every,
        },
    }
}
