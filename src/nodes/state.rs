//! Socket.IO State: how the connection is, at this moment.

use super::{Call, Executed};
use crate::connection::{State, Transport};
use crate::diagnostics::Refusal;
use crate::events::{Output, Text};
use crate::registry::PLUGIN;

pub(super) fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    let status = PLUGIN.connection_status(call.connection()?.handle)?;
    let state = match status.state {
        State::Stopped => c"Stopped",
        State::Connecting => c"Connecting",
        State::Connected => c"Connected",
        State::Waiting => c"Waiting",
    };
    let transport = match status.transport {
        Transport::None => c"None",
        Transport::WebSocket => c"WebSocket",
        Transport::Polling => c"Polling",
    };
    let count = |number: u64| Output::Int(i64::try_from(number).unwrap_or(i64::MAX));
    Ok(Executed {
        request: 0,
        outputs: vec![
            Output::Pulse(true),
            Output::Text(Text::constant(state)),
            count(u64::from(status.namespaces)),
            count(status.queued),
            count(status.dropped),
            Output::Float(status.round_trip_us as f64 / 1000.0),
            Output::Text(Text::constant(transport)),
        ],
    })
}
