//! What each action node does when a pulse reaches it, one file a node. Nothing here waits: commands are put into the
//! connection's mailbox.

mod call;
mod reply;
mod send;
mod start;
mod state;
mod stop;
mod subscribe;
mod test;
mod unsubscribe;

pub use call::{Call, Value, Values};

use crate::descriptor::{Kind, type_id};
use crate::diagnostics::{Refusal, RefusalKind};
use crate::events::Output;

/// What a pulse came to: the first output pulse leaves, and perhaps a later one will.
#[derive(Debug, Default)]
pub struct Executed {
    /// Number of the later event that completes it; 0: there is none.
    pub request: u64,
    /// Values of the outputs; empty: the node has none now.
    pub outputs: Vec<Output>,
}

/// Executes a node.
pub fn execute(call: &Call<'_>) -> Result<Executed, Refusal> {
    call.check()?;
    match call.node_type.type_id {
        type_id::START => start::execute(call),
        type_id::STOP => stop::execute(call),
        type_id::SEND => send::execute(call),
        type_id::SUBSCRIBE => subscribe::execute(call),
        type_id::UNSUBSCRIBE => unsubscribe::execute(call),
        type_id::REPLY => reply::execute(call),
        type_id::STATE => state::execute(call),
        type_id::TEST => test::execute(call),
        _ => {
            debug_assert_eq!(call.node_type.kind, Kind::Listener);
            let text = format!("{} is a listener: it fires by itself and can't be executed.", call.node_type.label);
            Err(Refusal::new(RefusalKind::Unsupported, text))
        }
    }
}
