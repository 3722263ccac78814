//! Socket.IO packets and the JSON in them. What is found quickly must be what a whole parser finds, and what is cut out
//! must lie in the text that it was cut from.

#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use socketio_plugin::fuzzing::json::{self, Elements};
use socketio_plugin::fuzzing::socketio::{self, Connected, Content, Kind, Refused};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    packet(text);
    // The payload by itself, so that no header has to be found first.
    payload(text);
});

fn range(text: &str) -> Range<usize> {
    let begin = text.as_ptr() as usize;
    begin..begin + text.len()
}

#[track_caller]
fn assert_inside(part: &str, whole: &str) {
    let (part, whole) = (range(part), range(whole));
    assert!(part.is_empty() || whole.start <= part.start && part.end <= whole.end, "{part:?} is not in {whole:?}");
}

fn packet(text: &str) {
    let Ok(packet) = socketio::decode(text) else { return };
    assert_inside(packet.payload, text);
    assert!(packet.namespace.starts_with('/'));
    if packet.namespace != socketio::DEFAULT_NAMESPACE {
        assert_inside(packet.namespace, text);
    }
    let is_binary = matches!(packet.kind, Kind::BinaryEvent | Kind::BinaryAck);
    assert!(is_binary || packet.attachments == 0);
    match packet.kind {
        Kind::Connect => {
            let _ = Connected::decode(packet.payload);
        }
        Kind::ConnectError => {
            let refused = Refused::decode(packet.payload);
            assert!(refused.message.len() <= text.len() && refused.data.len() <= text.len());
        }
        Kind::Disconnect => assert_eq!(packet.payload, ""),
        Kind::Event | Kind::BinaryEvent | Kind::Ack | Kind::BinaryAck => {
            payload(packet.payload);
            again(&packet);
        }
    }
}

/// What was read is read again when it is written anew.
fn again(packet: &socketio::Packet<'_>) {
    let is_own = socketio::is_namespace(packet.namespace) && packet.attachments < 4;
    let Ok(elements) = json::elements(packet.payload) else { return };
    if !is_own {
        return;
    }
    let none = std::iter::empty();
    let written = match packet.kind {
        Kind::Ack | Kind::BinaryAck => {
            let content = Content::Arguments(packet.payload);
            let id = packet.id.expect("an answer has an id");
            socketio::encode_ack(packet.namespace, id, content, packet.attachments, none)
        }
        _ => {
            let Some(name) = elements.first.filter(|name| name.starts_with('"')) else { return };
            let name = json::unescape(name);
            let rest = match elements.second {
                // From the second element to the end: the arguments.
                Some(second) => {
                    let begin = second.as_ptr() as usize - packet.payload.as_ptr() as usize;
                    format!("[{}", &packet.payload[begin..])
                }
                None => "[]".into(),
            };
            let content = Content::Arguments(&rest);
            socketio::encode_event(packet.namespace, packet.id, &name, content, packet.attachments, none)
        }
    };
    let read = socketio::decode(&written[1..]).unwrap_or_else(|wrong| panic!("{written}: {wrong:?}"));
    assert_eq!((read.namespace, read.id), (packet.namespace, packet.id), "{written}");
    assert_eq!(read.attachments, packet.attachments, "{written}");
    // A name with half a surrogate pair can't be written as it came; no parser takes it.
    let Some(values) = values(packet.payload) else { return };
    assert_eq!(self::values(read.payload).as_ref(), Some(&values), "{written}");
}

/// The elements of an array as a whole parser sees them. Keys that stand twice in an object are one to it.
fn values(array: &str) -> Option<Vec<Value>> {
    serde_json::from_str(array).ok()
}

fn payload(text: &str) {
    let parsed: Option<Vec<&RawValue>> = serde_json::from_str(text).ok();
    let found = json::elements(text);
    match (&parsed, &found) {
        (Some(parsed), Ok(found)) => {
            let get = |index: usize| parsed.get(index).map(|value| value.get());
            let last = if parsed.len() > 1 { get(parsed.len() - 1) } else { None };
            let plain = found.plain;
            let expected = Elements { count: parsed.len(), first: get(0), second: get(1), last, plain };
            assert_eq!(*found, expected, "{text}");
            if let Some(plain) = plain {
                assert_eq!((found.count, found.second), (2, Some(&*format!("\"{plain}\""))), "{text}");
                assert_eq!(json::unescape(found.second.unwrap_or_default()), plain, "{text}");
            }
            for part in [found.first, found.second, found.last].into_iter().flatten() {
                assert_inside(part, text);
                if part.starts_with('"') {
                    string(part);
                }
            }
        }
        (None, Err(_)) => {}
        (parsed, found) => panic!("{text}: a parser says {parsed:?}, elements {found:?}"),
    }
    if let Some(name) = json::quick_name(text) {
        assert_inside(name, text);
        if let Ok(found) = found {
            let first = found.first.expect("a name is an element");
            assert_eq!(first, format!("\"{name}\""));
            assert_eq!(json::unescape(first), name);
        }
    }
    let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
    assert_eq!(json::check(text).is_ok(), is_json, "{text}");
    if is_json {
        depth(text);
        placeholders(text);
    } else {
        let _ = (json::deeper_than(text, 3), json::placeholders(text));
    }
    let _ = socketio::looks_like_offset(text, 1_790_000_000_000);
    let normal = socketio::normal_namespace(text);
    assert!(normal.starts_with('/'));
    assert_eq!(socketio::normal_namespace(&normal), normal);
}

fn string(quoted: &str) {
    let text = json::unescape(quoted);
    match serde_json::from_str::<String>(quoted) {
        Ok(parsed) => assert_eq!(text, parsed),
        // A lone surrogate.
        Err(_) => assert!(text.contains('\u{fffd}'), "{quoted}"),
    }
    let mut written = Vec::new();
    json::push_string(&mut written, &text);
    assert_eq!(serde_json::from_slice::<String>(&written).ok().as_deref(), Some(&*text));
}

fn depth(text: &str) {
    // A parser gives up at 128: what it takes has a depth that can be counted.
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    fn of(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(of).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(of).max().unwrap_or(0),
            _ => 0,
        }
    }
    // A key that stands twice hides the value that came first.
    let depth = of(&value);
    for limit in 0..depth {
        assert!(json::deeper_than(text, limit), "{text} is deeper than {limit}");
    }
    if !text.contains('{') {
        assert!(!json::deeper_than(text, depth), "{text} is not deeper than {depth}");
    }
}

fn placeholders(text: &str) {
    let Ok(numbers) = json::placeholders(text) else { return };
    assert!(numbers.is_empty() || text.contains("_placeholder"));
    assert!(numbers.len() <= text.matches("true").count());
}
