//! Frames that RFC 6455 forbids, and some that it allows and that are easily got wrong; and what the client answers.

use std::collections::HashSet;
use std::io;

use super::{BROKEN, GONE, TOO_MUCH, Table};
use crate::case::Act::{Bytes, Later, Opened};
use crate::case::Expect::{self, Lives, Lost, Refused};
use crate::case::Write;
use crate::peer::{Peer, frame, held_to};

/// First bytes of frames: FIN and the opcode.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
/// Without FIN: more fragments follow.
const TEXT_BEGINS: u8 = 0x01;
const GOES_ON: u8 = 0x00;
const ENDS: u8 = 0x80;

/// An event, whole.
const ODD: &str = r#"42["odd"]"#;

/// Single frames as they stand on the wire, in a session that stands.
const FRAMES: &[(&str, Expect, &[u8])] = &[
    // Section 5.1: a client closes the connection if it detects a masked frame.
    ("masked_frame", BROKEN, &[TEXT, 0x81, 1, 2, 3, 4, b'6' ^ 1]),
    ("masked_ping", BROKEN, &[PING, 0x80, 1, 2, 3, 4]),
    // Section 5.2: reserved bits are 0 unless an extension was agreed on.
    ("reserved_bit_1", BROKEN, &[TEXT | 0x40, 1, b'6']),
    ("reserved_bit_2", BROKEN, &[TEXT | 0x20, 1, b'6']),
    ("reserved_bit_3", BROKEN, &[TEXT | 0x10, 1, b'6']),
    ("reserved_bit_of_a_ping", BROKEN, &[PING | 0x40, 0]),
    ("reserved_opcode_3", BROKEN, &[0x83, 1, b'6']),
    ("reserved_opcode_7", BROKEN, &[0x87, 0]),
    ("reserved_opcode_11", BROKEN, &[0x8b, 0]),
    ("reserved_opcode_15", BROKEN, &[0x8f, 0]),
    // Section 5.4.
    ("continuation_of_nothing", BROKEN, &[ENDS, 1, b'6']),
    ("continuation_of_nothing_that_goes_on", BROKEN, &[GOES_ON, 1, b'6']),
    ("frame_within_a_message", BROKEN, &[TEXT_BEGINS, 1, b'4', TEXT, 1, b'6']),
    ("binary_within_a_text", BROKEN, &[TEXT_BEGINS, 1, b'4', BINARY, 1, 0]),
    // Section 5.5: control frames are short and in one piece.
    ("ping_in_pieces", BROKEN, &[PING & 0x0f, 1, b'p', ENDS, 1, b'p']),
    ("ping_with_a_long_length", Lives(""), &[PING, 126, 0, 3, b'a', b'b', b'c']),
    ("close_in_pieces", BROKEN, &[CLOSE & 0x0f, 0]),
    // Sections 5.5.1 and 7.4.
    ("close_without_a_code", GONE, &[CLOSE, 0]),
    ("close_of_one_byte", BROKEN, &[CLOSE, 1, 3]),
    ("close_999", GONE, &[CLOSE, 2, 3, 0xe7]),
    ("close_1005", GONE, &[CLOSE, 2, 3, 0xed]),
    ("close_65535", GONE, &[CLOSE, 2, 0xff, 0xff]),
    ("close_whose_reason_ends_within_a_character", BROKEN, &[CLOSE, 5, 3, 0xe8, b'o', 0xe2, 0x82]),
    ("close_of_one_byte_between_fragments", BROKEN, &[TEXT_BEGINS, 1, b'4', CLOSE, 1, 3]),
    ("close_whose_reason_is_no_text", BROKEN, &[CLOSE, 4, 3, 0xe8, 0xff, 0xfe]),
    ("close_twice", GONE, &[CLOSE, 2, 3, 0xe8, CLOSE, 2, 3, 0xe8]),
    ("event_behind_close", GONE, &[CLOSE, 2, 3, 0xe8, TEXT, 1, b'6']),
    // Section 8.1.
    ("text_that_is_no_utf_8", BROKEN, &[TEXT, 3, b'4', 0xff, 0xfe]),
    ("text_that_ends_within_a_character", BROKEN, &[TEXT, 2, b'4', 0xc3]),
    ("text_with_a_surrogate", BROKEN, &[TEXT, 4, b'4', 0xed, 0xa0, 0x80]),
    ("text_with_an_overlong_nul", BROKEN, &[TEXT, 3, b'4', 0xc0, 0x80]),
    // Lengths that are announced, and nothing behind them.
    ("length_with_the_highest_bit", TOO_MUCH, &[TEXT, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ("length_of_63_bits", TOO_MUCH, &[TEXT, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ("length_of_2_gib", TOO_MUCH, &[BINARY, 127, 0, 0, 0, 0, 0x80, 0, 0, 0]),
    ("length_that_could_be_shorter", Lives(""), &[TEXT, 127, 0, 0, 0, 0, 0, 0, 0, 1, b'6']),
    ("unasked_pong", Lives(""), &[PONG, 3, b'a', b'b', b'c']),
    ("frame_without_a_byte", BROKEN, &[TEXT, 0]),
];

/// What takes more than a few bytes to say, in a session that stands.
const WRITES: &[(&str, Expect, Write)] = &[
    ("ping_of_126_bytes", BROKEN, |peer| peer.frame(PING, [b'p'; 126])),
    ("ping_of_125_bytes", Lives(""), |peer| peer.frame(PING, [b'p'; 125])),
    ("control_frames_between_fragments", Lives("odd"), |peer| {
        peer.frame(TEXT_BEGINS, &ODD[..3])?;
        peer.frame(PING, "in between")?;
        peer.frame(GOES_ON, &ODD[3..5])?;
        peer.frame(PONG, "")?;
        peer.frame(ENDS, &ODD[5..])
    }),
    ("close_between_fragments", GONE, |peer| {
        peer.frame(TEXT_BEGINS, &ODD[..3])?;
        peer.frame(CLOSE, [3, 0xe8])?;
        peer.frame(ENDS, &ODD[3..])
    }),
    ("fragments_that_cut_a_character", Lives("öдд"), |peer| {
        let event = r#"42["öдд"]"#.as_bytes();
        peer.frame(TEXT_BEGINS, &event[..5])?;
        event[5..event.len() - 1].iter().try_for_each(|byte| peer.frame(GOES_ON, [*byte]))?;
        peer.frame(ENDS, "]")
    }),
    ("empty_fragments", Lives("odd"), |peer| {
        peer.frame(TEXT_BEGINS, "")?;
        let many = frame(GOES_ON, "").repeat(100_000);
        peer.send(many)?;
        peer.frame(ENDS, ODD)
    }),
    ("many_frames_at_once", Lives("odd*1000"), |peer| peer.send(frame(TEXT, ODD).repeat(1000))),
    // The letter H has reserved bits.
    ("http_in_the_middle", BROKEN, |peer| {
        peer.answer("", "ok")?;
        peer.until_closed()
    }),
    ("frame_in_the_bytes_of_a_tls_alert", BROKEN, |peer| peer.send([0x15, 3, 3, 0, 2, 2, 40])),
    ("pings_whose_answers_are_not_read", BROKEN, |peer| peer.for_ever(frame(PING, "").repeat(10))),
    ("reset", GONE, Peer::reset),
    ("end_without_close", GONE, Peer::close),
];

/// The same, where the client lets in no more than 2,000 bytes a message.
const LIMITED: &[(&str, Expect, Write)] = &[
    ("message_at_the_limit", Lives("odd"), |peer| peer.frame(TEXT, padded(2000))),
    ("message_over_the_limit", TOO_MUCH, |peer| peer.frame(TEXT, padded(2001))),
    ("attachment_over_the_limit", TOO_MUCH, |peer| {
        peer.frame(TEXT, r#"451-["odd",{"_placeholder":true,"num":0}]"#)?;
        peer.frame(BINARY, [0; 2001])
    }),
    ("fragments_over_the_limit", TOO_MUCH, |peer| {
        peer.frame(TEXT_BEGINS, "4")?;
        peer.send(frame(GOES_ON, "x").repeat(3000))
    }),
    ("fragments_without_end", TOO_MUCH, |peer| {
        peer.frame(TEXT_BEGINS, "4")?;
        peer.for_ever(frame(GOES_ON, [b'x'; 100]))
    }),
];

/// What the client has to answer, as it stands on the wire.
const ANSWERED: &[(&str, Expect, Write)] = &[
    // Section 5.5.3: the same bytes, whatever they are.
    ("pongs_are_the_bytes_of_their_pings", Lives(""), |peer| {
        for length in [0, 1, 3, 4, 7, 8, 9, 124, 125] {
            let payload: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(37) ^ 0xff).collect();
            peer.frame(PING, &payload)?;
            held_to("a pong", peer.next_of(PONG & 0x0f)?.payload, payload);
        }
        Ok(())
    }),
    // More in one write than may wait unanswered where nobody reads.
    ("pongs_of_many_pings_at_once", Lives(""), |peer| {
        const MANY: u32 = 15_000;
        let pings: Vec<u8> = (0..MANY).flat_map(|number| frame(PING, number.to_be_bytes())).collect();
        peer.send(pings)?;
        for number in 0..MANY {
            held_to("a pong", peer.next_of(PONG & 0x0f)?.payload, number.to_be_bytes().to_vec());
        }
        Ok(())
    }),
    ("pong_between_fragments", Lives("odd"), |peer| {
        peer.frame(TEXT_BEGINS, &ODD[..3])?;
        peer.frame(PING, "now")?;
        held_to("a pong", peer.next_of(PONG & 0x0f)?.payload, b"now".to_vec());
        peer.frame(ENDS, &ODD[3..])
    }),
    // Section 5.3: one that nobody can foresee, for each frame.
    ("masks_change", Lives(""), |peer| {
        const MANY: usize = 2000;
        let mut masks = HashSet::new();
        peer.send(frame(PING, "").repeat(MANY))?;
        for _ in 0..MANY {
            masks.insert(peer.next_of(PONG & 0x0f)?.mask);
        }
        held_to("masks", masks.len() > MANY - 10, true);
        let zeros = masks.iter().filter(|mask| mask.contains(&0)).count();
        held_to("bytes of masks", zeros < MANY / 10, true);
        Ok(())
    }),
    // Section 5.5.1: the code comes back; section 7.4: if it is one that a frame may carry.
    ("close_1000_is_answered", GONE, |peer| closes(peer, &[3, 0xe8], &[3, 0xe8])),
    ("close_with_a_reason_is_answered", GONE, |peer| closes(peer, b"\x03\xe9on holiday", &[3, 0xe9])),
    ("close_1003_is_answered", GONE, |peer| closes(peer, &[3, 0xeb], &[3, 0xeb])),
    ("close_1004_is_answered", GONE, |peer| closes(peer, &[3, 0xec], &[3, 0xea])),
    ("close_1006_is_answered", GONE, |peer| closes(peer, &[3, 0xee], &[3, 0xea])),
    ("close_1015_is_answered", GONE, |peer| closes(peer, &[3, 0xf7], &[3, 0xea])),
    ("close_3000_is_answered", GONE, |peer| closes(peer, &[0x0b, 0xb8], &[0x0b, 0xb8])),
    ("close_4999_is_answered", GONE, |peer| closes(peer, &[0x13, 0x87], &[0x13, 0x87])),
    ("close_5000_is_answered", GONE, |peer| closes(peer, &[0x13, 0x88], &[3, 0xea])),
    ("close_0_is_answered", GONE, |peer| closes(peer, &[0, 0], &[3, 0xea])),
    ("close_without_a_code_is_answered", GONE, |peer| closes(peer, &[], &[])),
    ("close_with_the_longest_reason_is_answered", GONE, |peer| {
        closes(peer, &[&[3, 0xe8][..], &[b'r'; 123]].concat(), &[3, 0xe8])
    }),
];

/// Frames that come where the client expects a ping within 0.4 s.
const WITHOUT_PINGS: &[(&str, Write)] = &[
    ("half_a_frame", |peer| {
        peer.send([TEXT, 20, b'4', b'2'])?;
        peer.until_closed()
    }),
    ("half_a_length", |peer| {
        peer.send([TEXT, 127, 0, 0])?;
        peer.until_closed()
    }),
    ("empty_fragments_without_end", |peer| {
        peer.frame(TEXT_BEGINS, "")?;
        peer.for_ever(frame(GOES_ON, "").repeat(1000))
    }),
];

/// What stands where the handshake of Engine.IO is due.
const OPENINGS: &[(&str, Expect, Write)] = &[
    ("binary_handshake", Refused("not_socketio"), |peer| peer.frame(BINARY, "0{}")),
    ("ping_before_the_handshake", Refused("not_socketio"), |peer| peer.frame(TEXT, "2")),
    ("event_before_the_handshake", Refused("not_socketio"), |peer| peer.frame(TEXT, ODD)),
    ("control_frames_before_the_handshake", Lives(""), |peer| {
        peer.frame(PING, "")?;
        peer.frame(PONG, "")
    }),
    ("close_before_the_handshake", Refused("not_socketio"), |peer| peer.frame(CLOSE, [3, 0xe8])),
    ("masked_handshake", Refused("not_socketio"), |peer| peer.send([TEXT, 0x81, 0, 0, 0, 0, b'0'])),
    ("end_before_the_handshake", Refused("not_socketio"), Peer::close),
    ("two_handshakes", Refused("protocol_error"), |peer| {
        let handshake = peer.handshake.clone();
        peer.frame(TEXT, handshake)
    }),
    ("handshake_in_fragments", Lives(""), |peer| {
        let handshake = std::mem::replace(&mut peer.handshake, "6".to_owned());
        peer.frame(TEXT_BEGINS, &handshake[..1])?;
        handshake[1..].bytes().try_for_each(|byte| peer.frame(GOES_ON, [byte]))?;
        peer.frame(ENDS, "")
    }),
];

pub fn add(table: &mut Table) {
    for (name, expect, bytes) in FRAMES {
        table.websocket(name, *expect, Bytes(bytes));
    }
    for (name, expect, write) in WRITES.iter().chain(ANSWERED) {
        table.websocket(name, *expect, Later(*write));
    }
    for (name, expect, write) in LIMITED {
        table.websocket(name, *expect, Later(*write)).with(&[("message_bytes", "2000")]);
    }
    for (name, write) in WITHOUT_PINGS {
        table.websocket(name, Lost("ping_timeout"), Later(*write)).pings(200);
    }
    for (name, expect, write) in OPENINGS {
        table.websocket(name, *expect, Opened(*write));
    }
}

/// An event of so many bytes.
fn padded(bytes: usize) -> String {
    format!(r#"42["odd","{}"]"#, "x".repeat(bytes - r#"42["odd",""]"#.len()))
}

/// Says goodbye. The client answers so, and says nothing behind it.
fn closes(peer: &mut Peer, payload: &[u8], answer: &[u8]) -> io::Result<()> {
    peer.frame(CLOSE, payload)?;
    held_to("a goodbye", peer.next_of(CLOSE & 0x0f)?.payload, answer.to_vec());
    held_to("a frame behind its goodbye", peer.next_of(CLOSE & 0x0f).is_ok(), false);
    peer.close()
}
