//! The traffic log: each packet is one line, such as `main /chat <- "move" [{"x":1}] 16 B ack 12`. Secrets are masked.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::session::Session;
use crate::diagnostics::log::{self, Level};
use crate::protocol::json;
use crate::protocol::socketio::{self, Kind, Packet};

/// Bytes of a packet that a line shows.
const SHOWN: usize = 2 << 10;

/// Which way a packet goes.
#[derive(Debug, Clone, Copy)]
pub enum Direction {
    /// From the server.
    In,
    /// To the server.
    Out,
}

impl Direction {
    fn arrow(self) -> &'static str {
        match self {
            Direction::In => "<-",
            Direction::Out => "->",
        }
    }
}

impl Session {
    /// A packet of Engine.IO that carries none of Socket.IO.
    pub(super) fn log_engine(&self, direction: Direction, what: &str) {
        log::write(Level::Traffic, self.shared.handle, || {
            self.secrets.mask(&format!("{} {} {what}", self.shared.name, direction.arrow()))
        });
    }

    /// A packet of Socket.IO with its attachments.
    pub(super) fn log_packet(&self, direction: Direction, packet: &Packet<'_>, attachments: Option<&[Bytes]>) {
        log::write(Level::Traffic, self.shared.handle, || {
            let attachments: String =
                attachments.into_iter().flatten().map(|bytes| format!(" +{} B", bytes.len())).collect();
            let id = packet.id.map(|id| format!("ack {id}")).unwrap_or_default();
            let shown = |json: &str| self.secrets.mask_json(json, SHOWN);
            let size = packet.payload.len();
            let what = match packet.kind {
                Kind::Connect if matches!(direction, Direction::Out) => {
                    spaced(["CONNECT", &names_only(packet.payload), "", ""])
                }
                Kind::Connect => spaced(["CONNECT", &shown(packet.payload), "", ""]),
                Kind::Disconnect => "DISCONNECT".into(),
                Kind::ConnectError => spaced(["CONNECT_ERROR", &shown(packet.payload), "", ""]),
                Kind::Event | Kind::BinaryEvent => {
                    let (event, arguments) = split_event(packet.payload);
                    let arguments = if arguments.is_empty() { String::new() } else { format!("[{}", shown(arguments)) };
                    spaced([&shown(event), &arguments, &format!("{size} B{attachments}"), &id])
                }
                Kind::Ack | Kind::BinaryAck => {
                    spaced([&id, &shown(packet.payload), &format!("{size} B{attachments}"), ""])
                }
            };
            format!("{} {} {} {what}", self.shared.name, packet.namespace, direction.arrow())
        });
    }

    /// A text frame that is about to leave, with the attachments that follow it.
    pub(super) fn log_outgoing(&self, text: &str, attachments: &[Bytes]) {
        if log::wanted(Level::Traffic)
            && let Some(Ok(packet)) = text.get(1..).map(socketio::decode)
        {
            self.log_packet(Direction::Out, &packet, Some(attachments));
        }
    }
}

fn spaced(parts: [&str; 4]) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// Credentials with all their values masked.
fn names_only(payload: &str) -> String {
    let Ok(Value::Object(auth)) = serde_json::from_str::<Value>(payload) else { return String::new() };
    let masked: Map<String, Value> = auth.into_iter().map(|(name, _)| (name, "***".into())).collect();
    Value::Object(masked).to_string()
}

/// The name of an event, and the array of its arguments behind its first bracket.
fn split_event(payload: &str) -> (&str, &str) {
    let Ok(elements) = json::elements(payload) else { return (payload, "") };
    let Some(first) = elements.first else { return (payload, "") };
    let behind = first.as_ptr() as usize - payload.as_ptr() as usize + first.len();
    (first, payload[behind..].trim_start().trim_start_matches(',').trim_start())
}
