//! One namespace of a connection.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::SendEvent;
use crate::events::Text;
use crate::protocol::socketio::DEFAULT_NAMESPACE;

/// Where joining a namespace has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joining {
    /// Not asked for.
    Idle,
    /// The server ended it; to be asked for again then.
    Later(Instant),
    /// Asked for; to be answered by then.
    Asked(Instant),
    /// Connected.
    Joined,
    /// Asked for, and not answered in time. An answer that comes late is still taken.
    Late,
    /// The server said no. Not asked for again before the next session.
    Refused,
}

/// An event that has to wait until its namespace is joined.
pub struct Early {
    /// The server's ack id.
    pub id: Option<u64>,
    /// The JSON.
    pub payload: String,
    /// Binary data; None: let go, since nobody listened.
    pub attachments: Option<Vec<Bytes>>,
}

impl Early {
    /// Bytes that it holds.
    pub fn size(&self) -> usize {
        let attachments: usize = self.attachments.iter().flatten().map(|item| item.len() + size_of::<Bytes>()).sum();
        size_of::<Early>() + self.payload.len() + attachments
    }
}

/// See the module.
pub struct Namespace {
    /// Its name for events.
    pub text: Text,
    /// Where joining it has come to.
    pub joining: Joining,
    /// Messages that wait until it is joined.
    pub waiting: VecDeque<SendEvent>,
    /// Events that came before the answer to CONNECT: a server that recovers a session replays them first.
    pub early: Vec<Early>,
    /// Bytes that they hold.
    pub early_bytes: usize,
    /// Id by which the session can be recovered, if the server offers that.
    pub recovery_id: Option<String>,
    /// Offset of the last event, for the same.
    pub offset: Option<String>,
}

impl Namespace {
    /// A namespace that is not asked for.
    pub fn new(name: &str) -> Namespace {
        Namespace {
            text: if name == DEFAULT_NAMESPACE { Text::constant(c"/") } else { name.into() },
            joining: Joining::Idle,
            waiting: VecDeque::new(),
            early: Vec::new(),
            early_bytes: 0,
            recovery_id: None,
            offset: None,
        }
    }

    /// Takes the events that came too early.
    pub fn take_early(&mut self) -> Vec<Early> {
        self.early_bytes = 0;
        std::mem::take(&mut self.early)
    }
}
