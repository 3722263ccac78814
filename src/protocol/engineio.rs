//! Engine.IO packets in text frames. A binary frame of a WebSocket is an attachment as it stands and has no header.

use serde::Deserialize;

use super::Malformed;

/// A ping of the server is answered by this.
pub const PONG: &str = "3";
/// Begins a packet that carries one of Socket.IO.
pub const MESSAGE: char = '4';

/// A packet from the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The handshake, as JSON.
    Open(&'a str),
    /// The server ends the connection.
    Close,
    /// The server asks for a sign of life.
    Ping,
    /// Answers a ping; a server does not send it, a client ignores it.
    Pong,
    /// A Socket.IO packet.
    Message(&'a str),
    /// For other transports, nothing to do.
    Noop,
}

/// Reads a text frame.
pub fn decode(text: &str) -> Result<Packet<'_>, Malformed> {
    let Some(kind) = text.as_bytes().first() else {
        return Err(Malformed::new("an empty frame"));
    };
    let rest = text.get(1..).unwrap_or_default();
    match kind {
        b'0' => Ok(Packet::Open(rest)),
        b'1' => Ok(Packet::Close),
        b'2' => Ok(Packet::Ping),
        b'3' => Ok(Packet::Pong),
        b'4' => Ok(Packet::Message(rest)),
        b'5' | b'6' => Ok(Packet::Noop),
        _ => Err(Malformed::new(format!("a frame that begins with {:?}", text.chars().next().unwrap_or_default()))),
    }
}

/// What the server says when a connection opens.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    /// Id of the Engine.IO session.
    pub sid: String,
    /// Milliseconds between pings.
    pub ping_interval: u32,
    /// Milliseconds within which a ping is to be answered.
    pub ping_timeout: u32,
    /// The largest message in bytes that the server takes; older servers don't say.
    #[serde(default)]
    pub max_payload: Option<u64>,
}

impl Handshake {
    /// Reads the JSON of an open packet.
    pub fn decode(json: &str) -> Result<Handshake, Malformed> {
        serde_json::from_str(json).map_err(|error| Malformed::new(format!("a handshake that can't be read ({error})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_of_servers_old_and_new_is_read() {
        let new = r#"{"sid":"VnttPhFu0mlsHpzUAAAA","upgrades":["websocket","webtransport"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        let new = Handshake::decode(new).unwrap();
        assert_eq!((new.ping_interval, new.ping_timeout, new.max_payload), (25_000, 20_000, Some(1_000_000)));
        let old = Handshake::decode(r#"{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":2}"#).unwrap();
        assert_eq!(old.max_payload, None);
        assert!(Handshake::decode("{}").is_err());
    }

    #[test]
    fn frames_are_told_apart() {
        assert_eq!(decode("42[\"a\"]"), Ok(Packet::Message("2[\"a\"]")));
        assert_eq!(decode("2"), Ok(Packet::Ping));
        assert!(decode("").is_err());
        assert!(decode("é").is_err());
        assert!(decode("96:0{\"sid\"").is_err());
    }
}
