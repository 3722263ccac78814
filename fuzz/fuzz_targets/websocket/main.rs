//! Frames of a WebSocket: what is read of a server's bytes is what a plain reader finds, at once, however the network
//! cuts them, and no more memory is held than came. What we write is read again.

#![no_main]

mod input;
mod reference;

use input::Input;
use libfuzzer_sys::fuzz_target;
use reference::{Message, Reading, Why};
use socketio_plugin::fuzzing::websocket::{self, Conversation, End, Moment};

/// What is set aside for a message before it came: src/transport/reader.rs.
const STEP: usize = 128 << 10;
/// Where it is read: src/transport/shared.rs.
const BUFFER: usize = 256 << 10;
/// So much is written: all three forms of a length.
const WRITTEN: usize = 70_000;
/// So much also comes byte by byte.
const BYTE_BY_BYTE: usize = 1_000;

fuzz_target!(|data: &[u8]| {
    let Some(input) = Input::read(data) else { return };
    let (bytes, limit) = (&input.bytes[..], input.limit);
    let expected = reference::read(bytes, limit);

    let whole = websocket::read(limit, &[], &[bytes, &[]], false);
    check(&whole, &expected, limit, 0);
    let cut = websocket::read(limit, &bytes[..input.before], &input.pieces(), input.waits);
    check(&cut, &expected, limit, input.before);
    assert_eq!(whole.end, cut.end, "at once, in pieces");
    if bytes.len() <= BYTE_BY_BYTE {
        let pieces: Vec<&[u8]> = bytes.chunks(1).chain([&[][..]]).collect();
        let single = websocket::read(limit, &[], &pieces, true);
        check(&single, &expected, limit, 0);
        assert_eq!(whole.end, single.end, "at once, byte by byte");
    }
    written(&bytes[..bytes.len().min(WRITTEN)]);
});

/// What was read is what the plain reader found, at the moment when it was there.
fn check(read: &Conversation, expected: &Reading, limit: usize, before: usize) {
    for ((opcode, content), message) in read.messages.iter().zip(&expected.messages) {
        assert_eq!((*opcode, content.len()), (message.opcode, message.content.len()));
        assert!(*content == message.content, "{} bytes are not those that came", content.len());
        assert!(content.len() <= if *opcode < 8 { limit } else { 125 }, "{opcode}: {} bytes", content.len());
    }
    assert_eq!(read.messages.len(), expected.messages.len(), "messages, then {:?}", read.end);
    let why = match read.end {
        End::Ended => Why::Ended,
        End::Wrong(_) => Why::Wrong,
        End::TooLarge(bytes, told) => {
            assert_eq!(told, limit);
            Why::TooLarge(bytes)
        }
    };
    assert_eq!(why, expected.why, "{:?}", read.end);
    let mut complete = Complete { messages: expected.messages.iter().peekable(), count: 0, end: 0 };
    for moment in &read.moments {
        let Moment { came, held, .. } = *moment;
        assert!(held <= 2 * came + STEP + BUFFER.max(before), "{moment:?}");
        if moment.waits {
            complete.until(came);
            assert_eq!(moment.taken, complete.count, "messages when it waits: {moment:?}");
            assert!(came < expected.shows, "it waits where it could know better: {moment:?}");
            // Who waits for a whole message holds nothing.
            let begun = came - complete.end;
            let bound = if begun == 0 { 0 } else { 2 * begun + STEP };
            assert!(held <= bound, "{begun} bytes begun: {moment:?}");
        }
    }
}

/// The messages that are complete.
struct Complete<'a, I: Iterator<Item = &'a Message>> {
    messages: std::iter::Peekable<I>,
    count: usize,
    /// Where the last one ends after which nothing is open.
    end: usize,
}

impl<'a, I: Iterator<Item = &'a Message>> Complete<'a, I> {
    fn until(&mut self, came: usize) {
        while let Some(message) = self.messages.next_if(|message| message.end <= came) {
            self.count += 1;
            if !message.is_between {
                self.end = message.end;
            }
        }
    }
}

/// A frame of ours has a mask, by which its payload comes out again.
fn written(payload: &[u8]) {
    let mask = payload.first_chunk().copied().unwrap_or([1, 2, 3, 4]);
    let mut plain = websocket::masked_binary(payload, mask);
    assert_eq!((plain[0], plain[1] & 0x80), (0x82, 0x80));
    plain[1] &= 0x7f;
    let header = match payload.len() {
        ..126 => 2,
        126..0x1_0000 => 4,
        _ => 10,
    };
    assert_eq!(plain.drain(header..header + 4).collect::<Vec<_>>(), mask);
    plain[header..].iter_mut().enumerate().for_each(|(index, byte)| *byte ^= mask[index % 4]);
    let again = reference::read(&plain, payload.len());
    assert!(again.why == Why::Ended && again.messages.len() == 1, "{:?}", again.why);
    let Message { opcode, content, end, .. } = &again.messages[0];
    assert!((*opcode, &content[..], *end) == (2, payload, plain.len()), "{} bytes", payload.len());
}
