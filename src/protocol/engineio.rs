//! Engine.IO packets: one in each text frame of a WebSocket, several in a payload of long-polling. A binary frame of a
//! WebSocket is an attachment as it stands and has no header; in a payload it is `b` and base64.

use std::time::Duration;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::Deserialize;

use super::Malformed;

/// A ping of the server is answered by this.
pub const PONG: &str = "3";
/// Ends the connection.
pub const CLOSE: &str = "1";
/// Asks over a WebSocket whether it gets through, before the connection is moved to it.
pub const PROBE: &str = "2probe";
/// The answer to [`PROBE`].
pub const PROBE_ANSWER: &str = "3probe";
/// Moves the connection to the WebSocket.
pub const UPGRADE: &str = "5";
/// Between the packets of a payload.
pub const SEPARATOR: u8 = 0x1e;
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
    /// The largest message in bytes that the server takes; None: any, and older servers don't say.
    #[serde(default)]
    pub max_payload: Option<u64>,
    /// The transports to which the connection can be moved.
    #[serde(default)]
    pub upgrades: Vec<String>,
}

impl Handshake {
    /// Reads the JSON of an open packet.
    pub fn decode(json: &str) -> Result<Handshake, Malformed> {
        // A struct is also read from an array of its fields, which is no handshake.
        if !json.trim_start().starts_with('{') {
            return Err(Malformed::new("a handshake that is no object"));
        }
        let mut handshake: Handshake = serde_json::from_str(json)
            .map_err(|error| Malformed::new(format!("a handshake that can't be read ({error})")))?;
        if handshake.silence().is_zero() {
            return Err(Malformed::new(
                "a handshake whose pingInterval and pingTimeout are 0, which no session outlives",
            ));
        }
        // The reference client takes it so.
        handshake.max_payload = handshake.max_payload.filter(|limit| *limit > 0);
        Ok(handshake)
    }

    /// How long the server may be silent: a ping is due, and as long as that of the client its answer may take.
    pub fn silence(&self) -> Duration {
        Duration::from_millis(u64::from(self.ping_interval) + u64::from(self.ping_timeout))
    }

    /// What it says, without the id of the session.
    pub fn describe(&self) -> String {
        let limit = self.max_payload.map_or("any size".into(), |limit| format!("at most {limit} B"));
        let upgrades = if self.upgrades.is_empty() { "none".into() } else { self.upgrades.join(", ") };
        format!(
            "ping every {} ms within {} ms, messages of {limit}, upgrades: {upgrades}",
            self.ping_interval, self.ping_timeout
        )
    }
}

/// Some servers leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes of an attachment in a payload.
pub fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4 + 1
}

/// The largest attachment that fits into a payload of so many bytes.
pub fn decoded_len(payload: usize) -> usize {
    payload.saturating_sub(1) / 4 * 3
}

/// Appends a text packet to a payload.
pub fn push_text(payload: &mut Vec<u8>, text: &str) {
    separate(payload);
    payload.extend_from_slice(text.as_bytes());
}

/// Appends an attachment to a payload.
pub fn push_binary(payload: &mut Vec<u8>, bytes: &[u8]) {
    separate(payload);
    payload.push(b'b');
    let begin = payload.len();
    payload.resize(begin + encoded_len(bytes.len()), 0);
    let written = STANDARD.encode_slice(bytes, &mut payload[begin..]).unwrap_or_default();
    payload.truncate(begin + written);
}

fn separate(payload: &mut Vec<u8>) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
}

/// A packet of a payload.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// Text, to be read by [`decode`].
    Text(String),
    /// An attachment.
    Binary(Vec<u8>),
}

/// Why a payload can't be read.
#[derive(Debug, PartialEq, Eq)]
pub enum WrongPayload {
    /// It is no payload.
    Malformed(Malformed),
    /// A packet has more bytes than are allowed.
    TooLarge,
}

/// Reads payloads piece by piece, as they arrive.
#[derive(Debug)]
pub struct PayloadReader {
    limit: usize,
    unfinished: Vec<u8>,
    is_empty: bool,
}

impl PayloadReader {
    /// A reader of packets of at most `limit` bytes.
    pub fn new(limit: usize) -> PayloadReader {
        PayloadReader { limit, unfinished: Vec::new(), is_empty: true }
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Reads the next piece; what it completes goes to `take`.
    pub fn read(&mut self, mut piece: &[u8], mut take: impl FnMut(Part)) -> Result<(), WrongPayload> {
        self.is_empty &= piece.is_empty();
        while let Some(end) = memchr::memchr(SEPARATOR, piece) {
            self.append(&piece[..end])?;
            take(self.complete()?);
            piece = &piece[end + 1..];
        }
        self.append(piece)
    }

    /// The payload ends here: what it completes, if it is not empty.
    pub fn end(&mut self) -> Result<Option<Part>, WrongPayload> {
        if self.unfinished.is_empty() { Ok(None) } else { self.complete().map(Some) }
    }

    fn append(&mut self, piece: &[u8]) -> Result<(), WrongPayload> {
        let is_binary = self.unfinished.first().or(piece.first()) == Some(&b'b');
        let limit = if is_binary { encoded_len(self.limit) + 4 } else { self.limit };
        if self.unfinished.len() + piece.len() > limit {
            return Err(WrongPayload::TooLarge);
        }
        self.unfinished.extend_from_slice(piece);
        Ok(())
    }

    fn complete(&mut self) -> Result<Part, WrongPayload> {
        let packet = std::mem::take(&mut self.unfinished);
        let wrong = |what: &str| WrongPayload::Malformed(Malformed::new(what));
        match packet.strip_prefix(b"b") {
            Some(base64) => {
                let bytes = BASE64.decode(base64).map_err(|_| wrong("an attachment that is not base64"))?;
                if bytes.len() > self.limit { Err(WrongPayload::TooLarge) } else { Ok(Part::Binary(bytes)) }
            }
            None => String::from_utf8(packet).map(Part::Text).map_err(|_| wrong("text that is not UTF-8")),
        }
    }
}

/// Whether text is the payload with which a server of Socket.IO 2 (Engine.IO 3) opens: `97:0{...}`.
pub fn is_version_2(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with(":0{")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in_pieces(payload: &[u8], piece: usize, limit: usize) -> Result<Vec<Part>, WrongPayload> {
        let mut reader = PayloadReader::new(limit);
        let mut parts = Vec::new();
        for piece in payload.chunks(piece) {
            reader.read(piece, |part| parts.push(part))?;
        }
        parts.extend(reader.end()?);
        Ok(parts)
    }

    #[test]
    fn payloads_come_back_however_they_are_cut() {
        let mut payload = Vec::new();
        push_text(&mut payload, "42[\"é\"]");
        push_binary(&mut payload, &[0x1e, 0, 255, 0x1e]);
        push_binary(&mut payload, &[]);
        push_text(&mut payload, "2");
        let expected = [
            Part::Text("42[\"é\"]".into()),
            Part::Binary(vec![0x1e, 0, 255, 0x1e]),
            Part::Binary(Vec::new()),
            Part::Text("2".into()),
        ];
        for piece in 1..=payload.len() {
            assert_eq!(read_in_pieces(&payload, piece, 100).unwrap(), expected);
        }
        assert_eq!(read_in_pieces(b"bAQI", 2, 100).unwrap(), [Part::Binary(vec![1, 2])]);
        assert_eq!(read_in_pieces(b"", 1, 100).unwrap(), []);
    }

    #[test]
    fn wrong_payloads_are_refused() {
        assert!(matches!(read_in_pieces(b"b!!", 9, 100), Err(WrongPayload::Malformed(_))));
        assert!(matches!(read_in_pieces(b"4\xff", 9, 100), Err(WrongPayload::Malformed(_))));
        assert_eq!(read_in_pieces(&[b'4'; 11], 3, 10), Err(WrongPayload::TooLarge));
        let mut payload = Vec::new();
        push_binary(&mut payload, &[7; 11]);
        assert_eq!(read_in_pieces(&payload, 3, 10), Err(WrongPayload::TooLarge));
        assert_eq!(read_in_pieces(&payload, 3, 11).unwrap(), [Part::Binary(vec![7; 11])]);
    }

    #[test]
    fn an_attachment_fits_where_it_is_said_to_fit() {
        for payload in 0..200 {
            let bytes = decoded_len(payload);
            assert!(bytes == 0 || encoded_len(bytes) <= payload && encoded_len(bytes + 1) > payload, "{payload}");
        }
    }

    #[test]
    fn old_servers_are_recognised() {
        assert!(is_version_2("96:0{\"sid\":\"a\"}2:40"));
        assert!(!is_version_2("0{\"sid\"") && !is_version_2("96:1") && !is_version_2(""));
    }

    #[test]
    fn the_handshake_of_servers_old_and_new_is_read() {
        let new = r#"{"sid":"VnttPhFu0mlsHpzUAAAA","upgrades":["websocket","webtransport"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        let new = Handshake::decode(new).unwrap();
        assert_eq!((new.ping_interval, new.ping_timeout, new.max_payload), (25_000, 20_000, Some(1_000_000)));
        let old = Handshake::decode(r#"{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":2}"#).unwrap();
        assert_eq!(old.max_payload, None);
        assert!(Handshake::decode("{}").is_err());
        let unlimited = Handshake::decode(r#" {"sid":"a","pingInterval":0,"pingTimeout":2,"maxPayload":0}"#).unwrap();
        assert_eq!(unlimited.max_payload, None);
        for (wrong, says) in [
            (r#"["a",25000,20000]"#, "no object"),
            ("null", "no object"),
            ("", "no object"),
            (r#"{"sid":"a","pingInterval":0,"pingTimeout":0}"#, "are 0"),
        ] {
            assert!(Handshake::decode(wrong).unwrap_err().0.contains(says), "{wrong}");
        }
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
