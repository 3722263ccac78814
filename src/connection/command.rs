//! What the host asks of a connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::acks::Ask;
use super::{Reservation, Test};
use crate::settings::ConnectionConfig;

/// One command. Those of one thread are carried out in their order.
pub enum Command {
    /// Socket.IO Start.
    Start,
    /// Socket.IO Stop.
    Stop,
    /// Socket.IO Send.
    Send(SendEvent),
    /// Socket.IO Subscribe.
    Subscribe(Subscribe),
    /// Socket.IO Unsubscribe.
    Unsubscribe(Subscribe),
    /// Socket.IO Reply.
    Reply(Box<Reply>),
    /// Socket.IO Test.
    Test(Test),
    /// A message was refused because the queue is full; told once for each time it fills.
    QueueFull,
    /// The settings of this connection changed.
    Configure(Arc<ConnectionConfig>),
    /// The connection is removed, or the plugin is deactivated: the reason for On Socket.IO Stop.
    Shutdown(&'static str),
}

/// What the host waits for after a command.
pub enum Owed {
    /// The final On Socket.IO Stop of a Start.
    End,
    /// The Reply or Timeout of a Send.
    Reply(Ask),
}

impl Command {
    /// Whether none comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Command::Shutdown(_))
    }

    /// What the host waits for after it. A test sees to its own end.
    pub fn owes(&self) -> Option<Owed> {
        match self {
            Command::Start => Some(Owed::End),
            Command::Send(send) if send.request != 0 => Some(Owed::Reply(send.ask())),
            _ => None,
        }
    }
}

impl SendEvent {
    /// Its question, not sent yet.
    pub fn ask(&self) -> Ask {
        Ask { node: self.node, request: self.request, namespace: self.namespace.clone(), sent: false }
    }
}

/// How a message is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One string.
    Text,
    /// One JSON value.
    Json,
    /// A JSON array of arguments.
    Arguments,
    /// Bytes.
    Binary,
}

/// What happens to a message that can't leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfNotConnected {
    /// It waits.
    Queue,
    /// It waits, and takes the place of an earlier one of the same event.
    KeepLatest,
    /// It is given up.
    Drop,
}

/// How received events are handed to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Each of them.
    Every,
    /// The latest between two polls.
    Latest,
}

/// The content of a Send or a Reply.
#[derive(Debug)]
pub struct Message {
    /// How `text` is to be read.
    pub format: Format,
    /// The message; empty for [`Format::Binary`], whose bytes are the first attachment.
    pub text: String,
    /// Binary data.
    pub attachments: Vec<Bytes>,
}

/// Socket.IO Send.
pub struct SendEvent {
    /// The host's tag of the node.
    pub node: u64,
    /// Number of the request, 0 if no reply is wanted.
    pub request: u64,
    /// Name of the event.
    pub event: String,
    /// The namespace as the node says it.
    pub namespace: String,
    /// The content.
    pub message: Message,
    /// What happens if it can't leave now.
    pub policy: IfNotConnected,
    /// How long to wait for a reply.
    pub reply_timeout: Duration,
    /// Its place in the queue.
    pub reservation: Reservation,
}

/// Socket.IO Subscribe and Unsubscribe.
pub struct Subscribe {
    /// The host's tag of the node.
    pub node: u64,
    /// Name of the event, or `*`.
    pub event: String,
    /// The namespace as the node says it.
    pub namespace: String,
    /// How events are handed to the host.
    pub delivery: Delivery,
}

/// Socket.IO Reply.
pub struct Reply {
    /// The host's tag of the node.
    pub node: u64,
    /// What On Socket.IO Receive gave.
    pub id: i64,
    /// The content.
    pub message: Message,
    /// Its place in the queue.
    pub reservation: Reservation,
}
