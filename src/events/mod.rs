//! What goes to the host: values, events, and the bounded queue between the plugin's thread and the host's.

mod blocks;
mod queue;
mod text;

use bytes::Bytes;

pub use blocks::{Blocks, give_room, keep_spare, take_room};
pub use queue::{EventQueue, InboundLimits, Kept, Slots};
pub use text::Text;

use crate::diagnostics::clock;

/// One value of an output pin.
#[derive(Debug, Clone)]
pub enum Output {
    /// No value.
    None,
    /// A pulse; true at the one that fires.
    Pulse(bool),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(Text),
    /// Text holding one JSON value.
    Json(Text),
    /// Any number of byte strings.
    Attachments(Vec<Bytes>),
}

/// The texts of a received event, in one block of memory: arguments, message and name follow each other, each ended by a
/// NUL. Positions are those of the first and the last byte without the NUL.
#[derive(Debug)]
pub struct Texts {
    /// The block.
    pub block: Bytes,
    /// Where the event's name is.
    pub name: (u32, u32),
    /// Where the message is.
    pub message: (u32, u32),
    /// Where the arguments are.
    pub arguments: (u32, u32),
}

/// A received event.
#[derive(Debug)]
pub struct Received {
    /// The namespace.
    pub namespace: Text,
    /// Its name, message and arguments.
    pub texts: Texts,
    /// Binary data.
    pub attachments: Vec<Bytes>,
    /// What Socket.IO Reply answers to; 0: no answer is wanted.
    pub reply_id: u64,
}

/// What an event carries.
#[derive(Debug)]
pub enum Body {
    /// On Socket.IO Receive, the one that comes in masses.
    Received(Received),
    /// Any other: the outputs in the order of the descriptor.
    Outputs(Vec<Output>),
}

/// How an event is treated when the host does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Life cycle, errors, replies: never dropped.
    Kept,
    /// Data: the oldest are dropped over the limit.
    Data,
    /// Data of which only the latest counts, among those with the same key.
    Latest(u64),
}

/// A node that fires.
#[derive(Debug)]
pub struct Event {
    /// Which node type.
    pub node_type: u32,
    /// Index of the output pulse that fires.
    pub pulse: u32,
    /// The host's tag of the node whose call it belongs to, or 0.
    pub node: u64,
    /// The request that it completes, or 0.
    pub request: u64,
    /// Handle of the connection.
    pub connection: u64,
    /// Set by the queue.
    pub sequence: u64,
    /// Microseconds since `enable`.
    pub time_us: u64,
    /// Range of an error; None: it is none.
    pub error: Option<crate::diagnostics::Range>,
    /// How it is treated when the host does not keep up.
    pub class: Class,
    /// What it carries.
    pub body: Body,
}

impl Event {
    /// An event of a listener node that no call caused.
    pub fn of(node_type: u32, connection: u64, outputs: Vec<Output>) -> Event {
        Event {
            node_type,
            pulse: 0,
            node: 0,
            request: 0,
            connection,
            sequence: 0,
            time_us: clock::now_us(),
            error: None,
            class: Class::Kept,
            body: Body::Outputs(outputs),
        }
    }

    /// Bytes that it holds, for the limits.
    fn size(&self) -> usize {
        let attached = |list: &[Bytes]| list.iter().map(|item| item.len() + size_of::<Bytes>()).sum::<usize>();
        let content = match &self.body {
            Body::Received(received) => received.texts.block.len() + attached(&received.attachments),
            Body::Outputs(outputs) => outputs
                .iter()
                .map(|output| match output {
                    Output::Text(text) | Output::Json(text) => text.as_bytes().len(),
                    Output::Attachments(list) => attached(list),
                    _ => 0,
                })
                .sum(),
        };
        content + size_of::<Event>()
    }
}
