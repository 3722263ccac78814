//! Socket.IO packets: `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]`.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Malformed, engineio, json};

/// Names of events that Socket.IO keeps for itself: neither side may send them.
pub const RESERVED_EVENTS: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// The default namespace.
pub const DEFAULT_NAMESPACE: &str = "/";

/// Type of a packet; the numbers are those of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Joins a namespace, or says that it was joined.
    Connect,
    /// Leaves a namespace.
    Disconnect,
    /// An event.
    Event,
    /// Answers an event.
    Ack,
    /// The namespace is refused.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// An answer with attachments.
    BinaryAck,
}

/// A packet as it stands in a message; attachments follow in frames of their own.
#[derive(Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its type.
    pub kind: Kind,
    /// How many attachments follow.
    pub attachments: usize,
    /// Its namespace, with the slash.
    pub namespace: &'a str,
    /// Id of an event that is to be answered, or of the event that this answers.
    pub id: Option<u64>,
    /// The JSON; empty: none.
    pub payload: &'a str,
}

/// Reads a packet.
pub fn decode(text: &str) -> Result<Packet<'_>, Malformed> {
    let kind = match text.as_bytes().first() {
        Some(b'0') => Kind::Connect,
        Some(b'1') => Kind::Disconnect,
        Some(b'2') => Kind::Event,
        Some(b'3') => Kind::Ack,
        Some(b'4') => Kind::ConnectError,
        Some(b'5') => Kind::BinaryEvent,
        Some(b'6') => Kind::BinaryAck,
        _ => return Err(Malformed::new("a packet of an unknown type")),
    };
    let mut rest = &text[1..];
    let mut attachments = 0;
    if matches!(kind, Kind::BinaryEvent | Kind::BinaryAck) {
        let (count, after) =
            rest.split_once('-').ok_or_else(|| Malformed::new("a binary packet without a count of attachments"))?;
        attachments = number(count)
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| Malformed::new("a binary packet with a wrong count"))?;
        rest = after;
    }
    let mut namespace = DEFAULT_NAMESPACE;
    if rest.starts_with('/') {
        (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        // Servers of version 2 appended the query.
        namespace = namespace.split_once('?').map_or(namespace, |(name, _)| name);
    }
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let id = match digits {
        0 => None,
        _ => Some(number(&rest[..digits]).ok_or_else(|| Malformed::new("an ack id that is too large"))?),
    };
    let packet = Packet { kind, attachments, namespace, id, payload: &rest[digits..] };
    let begins = packet.payload.as_bytes().first();
    let fits = match kind {
        Kind::Connect => matches!(begins, None | Some(b'{')),
        Kind::Disconnect => begins.is_none(),
        Kind::ConnectError => matches!(begins, Some(b'{' | b'"')),
        Kind::Event | Kind::BinaryEvent => begins == Some(&b'['),
        Kind::Ack | Kind::BinaryAck => begins == Some(&b'[') && id.is_some(),
    };
    if fits { Ok(packet) } else { Err(Malformed::new(format!("a packet of type {kind:?} with a wrong payload"))) }
}

fn number(digits: &str) -> Option<u64> {
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Bytes of the id of a session at most: servers use some twenty.
const ID_LIMIT: usize = 1 << 10;

/// The JSON of a CONNECT packet from the server.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Connected {
    /// Id of the session in this namespace.
    pub sid: String,
    /// Secret id by which the session can be recovered, if the server offers that.
    #[serde(default)]
    pub pid: Option<String>,
}

impl Connected {
    /// Reads the JSON of a CONNECT packet.
    pub fn decode(payload: &str) -> Result<Connected, Malformed> {
        let connected: Connected = serde_json::from_str(payload)
            .map_err(|error| Malformed::new(format!("a CONNECT packet that can't be read ({error})")))?;
        let longest = connected.pid.as_ref().map_or(0, String::len).max(connected.sid.len());
        if longest > ID_LIMIT {
            return Err(Malformed::new(format!("the id of a session with {longest} bytes")));
        }
        Ok(connected)
    }
}

/// Why a namespace was refused: the message, and the further data as JSON text.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The text of the server's middleware.
    pub message: String,
    /// What it added, as JSON text; empty: nothing.
    pub data: String,
}

impl Refused {
    /// Reads the JSON of a CONNECT_ERROR packet. Old servers send a string.
    pub fn decode(payload: &str) -> Refused {
        #[derive(Deserialize)]
        struct Object<'a> {
            #[serde(default)]
            message: Option<String>,
            #[serde(borrow, default)]
            data: Option<&'a serde_json::value::RawValue>,
        }
        match serde_json::from_str::<Object>(payload) {
            Ok(object) => Refused {
                message: object.message.unwrap_or_default(),
                data: object.data.map_or_else(String::new, |data| data.get().to_string()),
            },
            Err(_) => Refused {
                message: serde_json::from_str(payload).unwrap_or_else(|_| payload.to_string()),
                data: String::new(),
            },
        }
    }
}

/// A text frame with the packet that joins a namespace. `auth` is a JSON object.
pub fn encode_connect(namespace: &str, auth: Option<&str>) -> String {
    let mut out = begin(b'0', None, namespace, auth.map_or(0, str::len));
    out.extend_from_slice(auth.unwrap_or_default().as_bytes());
    into_text(out)
}

/// A text frame with the packet that leaves a namespace.
pub fn encode_disconnect(namespace: &str) -> String {
    into_text(begin(b'1', None, namespace, 0))
}

/// What an event or an answer carries.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// One string.
    Text(&'a str),
    /// One JSON value, checked.
    Json(&'a str),
    /// A JSON array, checked, whose elements are the arguments.
    Arguments(&'a str),
    /// Attachments only.
    Nothing,
}

impl Content<'_> {
    /// Bytes of its text.
    fn len(&self) -> usize {
        match self {
            Content::Text(text) | Content::Json(text) | Content::Arguments(text) => text.len(),
            Content::Nothing => 0,
        }
    }
}

/// A text frame with an event. `appended` are the numbers of the attachments that follow the arguments.
pub fn encode_event(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    content: Content<'_>,
    attachments: usize,
    appended: impl Iterator<Item = usize>,
) -> String {
    let kind = if attachments > 0 { b'5' } else { b'2' };
    let mut out = begin(kind, Some(attachments), namespace, name.len() + content.len());
    push_number(&mut out, id);
    out.push(b'[');
    json::push_string(&mut out, name);
    push_content(&mut out, content, appended, true);
    into_text(out)
}

/// A text frame with the answer to an event.
pub fn encode_ack(
    namespace: &str,
    id: u64,
    content: Content<'_>,
    attachments: usize,
    appended: impl Iterator<Item = usize>,
) -> String {
    let kind = if attachments > 0 { b'6' } else { b'3' };
    let mut out = begin(kind, Some(attachments), namespace, content.len());
    push_number(&mut out, Some(id));
    out.push(b'[');
    push_content(&mut out, content, appended, false);
    into_text(out)
}

/// Bytes of a packet besides its texts, mostly.
const AROUND: usize = 32;

fn begin(kind: u8, attachments: Option<usize>, namespace: &str, content: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(AROUND + namespace.len() + content);
    out.push(engineio::MESSAGE as u8);
    out.push(kind);
    if let Some(count) = attachments.filter(|&count| count > 0) {
        push_number(&mut out, Some(count as u64));
        out.push(b'-');
    }
    if namespace != DEFAULT_NAMESPACE {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    out
}

fn push_content(out: &mut Vec<u8>, content: Content<'_>, appended: impl Iterator<Item = usize>, mut follows: bool) {
    let mut separate = |out: &mut Vec<u8>| {
        if std::mem::replace(&mut follows, true) {
            out.push(b',');
        }
    };
    match content {
        Content::Text(text) => {
            separate(out);
            json::push_string(out, text);
        }
        Content::Json(value) => {
            separate(out);
            out.extend_from_slice(value.trim().as_bytes());
        }
        Content::Arguments(array) => {
            let array = array.trim();
            let inner = array[1..array.len() - 1].trim();
            if !inner.is_empty() {
                separate(out);
                out.extend_from_slice(inner.as_bytes());
            }
        }
        Content::Nothing => {}
    }
    for number in appended {
        separate(out);
        out.extend_from_slice(br#"{"_placeholder":true,"num":"#);
        push_number(out, Some(number as u64));
        out.push(b'}');
    }
    out.push(b']');
}

fn push_number(out: &mut Vec<u8>, number: Option<u64>) {
    use std::io::Write;
    if let Some(number) = number {
        // Writing to a Vec can't fail.
        let _ = write!(out, "{number}");
    }
}

fn into_text(out: Vec<u8>) -> String {
    // Only text was put in; the check costs little against what follows.
    String::from_utf8(out).unwrap_or_default()
}

/// The name as Socket.IO writes it: with a slash before it. `chat` and `/chat` are the same.
pub fn normal_namespace(name: &str) -> Cow<'_, str> {
    match name.trim() {
        "" => Cow::Borrowed(DEFAULT_NAMESPACE),
        name if name.starts_with('/') => Cow::Borrowed(name),
        name => Cow::Owned(format!("/{name}")),
    }
}

/// Whether a namespace can have this name: a comma or a question mark in it would end it on the wire.
pub fn is_namespace(name: &str) -> bool {
    !name.chars().any(|c| c == ',' || c == '?' || c.is_control())
}

/// Whether a last argument looks like the offset that a server with connection state recovery appends to its events:
/// a time in base 64 (in-memory adapter), an id of a Redis stream, or an id of MongoDB. `now_ms` is the time now.
pub fn looks_like_offset(text: &str, now_ms: u64) -> bool {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    const WEEK_MS: u64 = 7 * 24 * 3_600_000;
    let near = |ms: u64| ms.abs_diff(now_ms) < WEEK_MS;
    let time = text.split_once('.').map_or(text, |(time, _)| time);
    if time.len() == 7 {
        let ms = time.bytes().try_fold(0u64, |value, byte| {
            DIGITS.iter().position(|&digit| digit == byte).map(|digit| value * 64 + digit as u64)
        });
        return ms.is_some_and(near);
    }
    if let Some((ms, sequence)) = text.split_once('-') {
        return ms.len() == 13 && number(sequence).is_some() && number(ms).is_some_and(near);
    }
    text.len() == 24
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && u64::from_str_radix(&text[..8], 16).is_ok_and(|seconds| near(seconds * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_every_form_are_read() {
        let packet = decode(r#"2["a"]"#).unwrap();
        assert_eq!((packet.kind, packet.namespace, packet.id), (Kind::Event, "/", None));
        let packet = decode(r#"52-/chat,17["a",{"_placeholder":true,"num":0}]"#).unwrap();
        assert_eq!((packet.attachments, packet.namespace, packet.id), (2, "/chat", Some(17)));
        assert_eq!(decode("0/chat,{\"sid\":\"x\"}").unwrap().payload, "{\"sid\":\"x\"}");
        assert_eq!(decode("1/chat,").unwrap().namespace, "/chat");
        assert_eq!(decode("1/chat").unwrap().namespace, "/chat");
        assert_eq!(decode("318446744073709551615[]").unwrap().id, Some(u64::MAX));
        assert_eq!(decode("4{\"message\":\"no\"}").unwrap().kind, Kind::ConnectError);
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for bad in [
            "",
            "7",
            "2",
            "2{}",
            "2\"s\"",
            "5[\"a\"]",
            "5x-[\"a\"]",
            "3[]",
            "1[]",
            "4",
            "0[]",
            "é",
            "318446744073709551616[]",
        ] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn events_are_written_as_the_reference_client_writes_them() {
        let none = || std::iter::empty();
        assert_eq!(encode_event("/", None, "a", Content::Text("é\"\n"), 0, none()), "42[\"a\",\"é\\\"\\n\"]");
        assert_eq!(
            encode_event("/c", Some(7), "a", Content::Json(" {\"x\": 1} "), 0, none()),
            "42/c,7[\"a\",{\"x\": 1}]"
        );
        assert_eq!(encode_event("/", None, "a", Content::Arguments("[ ]"), 0, none()), "42[\"a\"]");
        assert_eq!(encode_event("/", None, "a", Content::Arguments("[1, 2]"), 0, none()), "42[\"a\",1, 2]");
        assert_eq!(
            encode_event("/", None, "a", Content::Nothing, 2, 0..2),
            r#"452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
        );
        assert_eq!(encode_ack("/", 3, Content::Nothing, 0, none()), "43[]".replace("43", "433"));
        assert_eq!(encode_ack("/c", 3, Content::Text("x"), 1, 0..1), r#"461-/c,3["x",{"_placeholder":true,"num":0}]"#);
        assert_eq!(encode_connect("/", Some("{\"t\":1}")), "40{\"t\":1}");
        assert_eq!(encode_connect("/c", None), "40/c,");
        assert_eq!(encode_disconnect("/c"), "41/c,");
    }

    #[test]
    fn namespaces_have_one_spelling() {
        assert_eq!(normal_namespace(""), "/");
        assert_eq!(normal_namespace("chat"), "/chat");
        assert_eq!(normal_namespace("/chat"), "/chat");
    }

    #[test]
    fn refusals_carry_message_and_data() {
        let refused = Refused::decode(r#"{"message":"no","data":{"code":  42}}"#);
        assert_eq!((refused.message.as_str(), refused.data.as_str()), ("no", "{\"code\":  42}"));
        assert_eq!(Refused::decode("\"old\"").message, "old");
    }

    #[test]
    fn offsets_are_told_from_words() {
        // What yeast, the id maker of the reference server, gives for this moment.
        let now = 1_790_000_000_000;
        let mut value = now;
        let mut text = Vec::new();
        while value > 0 {
            text.push(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"[(value % 64) as usize]);
            value /= 64;
        }
        text.reverse();
        let text = String::from_utf8(text).unwrap();
        assert!(looks_like_offset(&text, now) && looks_like_offset(&format!("{text}.1"), now));
        assert!(looks_like_offset("1790000000001-0", now));
        assert!(looks_like_offset("6ab13b8000000000000000ff", now));
        for word in ["hello", "goodbye", "success", "", "a-b", "deadbeefdeadbeefdeadbeef", "1234567890123-x"] {
            assert!(!looks_like_offset(word, now), "{word}");
        }
    }
}
