//! Engine.IO: frames, the handshake, and payloads, which must come out the same however the network cuts them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use socketio_plugin::fuzzing::engineio::{self, Handshake, Packet, Part, PayloadReader, WrongPayload};

/// Bytes of a packet at most.
const LIMIT: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some((&seed, payload)) = data.split_first() else { return };
    if let Ok(text) = std::str::from_utf8(payload) {
        frame(text);
    }
    let whole = read(std::iter::once(payload));
    let pieces = pieces(payload, u32::from(seed));
    let cut = read(pieces.iter().copied());
    match (&whole, &cut) {
        (Ok(whole), Ok(cut)) => assert_eq!(whole, cut),
        // What is too large may be seen before the rest of it would have been found to be wrong.
        (Err(_), Err(_)) => {}
        _ => panic!("at once {whole:?}, in pieces {cut:?}"),
    }
    if let Ok(parts) = whole {
        again(&parts);
    }
});

fn frame(text: &str) {
    let _ = engineio::is_version_2(text);
    match engineio::decode(text) {
        Ok(Packet::Open(json)) => handshake(json),
        Ok(Packet::Message(rest)) => assert_eq!(rest, &text[1..]),
        Ok(_) => assert!(matches!(text.as_bytes()[0], b'1'..=b'6')),
        Err(wrong) => assert!(!wrong.0.is_empty()),
    }
    handshake(text);
}

fn handshake(json: &str) {
    match Handshake::decode(json) {
        Ok(handshake) => assert!(handshake.describe().contains(&handshake.ping_interval.to_string())),
        Err(wrong) => assert!(!wrong.0.is_empty()),
    }
}

/// Cuts a payload by numbers that follow from a seed.
fn pieces(mut rest: &[u8], mut seed: u32) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let (piece, after) = rest.split_at(rest.len().min((seed >> 16) as usize % 9));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Part>, WrongPayload> {
    let mut reader = PayloadReader::new(LIMIT);
    let mut parts = Vec::new();
    let mut is_empty = true;
    for piece in pieces {
        reader.read(piece, |part| parts.push(part))?;
        is_empty &= piece.is_empty();
        assert_eq!(reader.is_empty(), is_empty);
    }
    parts.extend(reader.end()?);
    for part in &parts {
        let len = match part {
            Part::Text(text) => text.len(),
            Part::Binary(bytes) => bytes.len(),
        };
        assert!(len <= LIMIT, "{len} bytes");
    }
    Ok(parts)
}

/// What was read can be written, and is read again.
fn again(parts: &[Part]) {
    // A text that is empty or looks like an attachment is written by nobody.
    let strange = |part: &Part| matches!(part, Part::Text(text) if text.is_empty() || text.starts_with('b'));
    if parts.iter().any(strange) {
        return;
    }
    let mut payload = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => engineio::push_text(&mut payload, text),
            Part::Binary(bytes) => engineio::push_binary(&mut payload, bytes),
        }
    }
    assert_eq!(read(std::iter::once(payload.as_slice())).as_deref(), Ok(parts));
}
