//! Answers that RFC 9112 forbids, that never end, or that nobody asked for.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{BROKEN, GONE, TOO_MUCH, TOO_MUCH_AT_ONCE, Table};
use crate::case::Act::{Answer, Joined, Post, Probe, Upgrade};
use crate::case::Expect::{self, Lives, Lost, Refused, Told};
use crate::case::{Item, Write};
use crate::peer::{Peer, frame};

const NOT_HTTP: Expect = Refused("not_websocket");
const TOO_LATE: Expect = Refused("connect_timeout");
const SILENT: Expect = Lost("ping_timeout");
/// An answer before the answer (RFC 9110, section 15.2).
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
/// How long a WebSocket is waited for beside long-polling, which has to open within the same time.
const PATIENT: &[(&str, &str)] = &[("connect_timeout", "1")];

/// What comes where HTTP is due: instead of a WebSocket, of a session over long-polling, and of its packets.
const ANSWERS: &[(&str, [Expect; 3], Write)] = &[
    ("status_line_of_garbage", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send("\x01\x02\x03 what?\r\n\r\n")),
    ("status_of_letters", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send("HTTP/1.1 abc OK\r\n\r\n")),
    ("status_of_two_digits", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send("HTTP/1.1 20 OK\r\n\r\n")),
    ("status_999", [Refused("http_status"), Refused("http_status"), Lost("http_status")], |peer| {
        peer.send("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n")
    }),
    ("http_0_9", [NOT_HTTP, NOT_HTTP, GONE], |peer| {
        let handshake = peer.handshake.clone();
        peer.send(handshake)?;
        peer.close()
    }),
    ("http_2", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0])),
    ("http_9_9", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send("HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n")),
    ("header_without_a_colon", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")),
    ("header_without_a_name", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send("HTTP/1.1 200 OK\r\n: value\r\n\r\n")),
    ("header_with_a_nul", [NOT_HTTP, NOT_HTTP, GONE], |peer| peer.send("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n")),
    ("ten_thousand_headers", [TOO_MUCH_AT_ONCE, TOO_MUCH_AT_ONCE, TOO_MUCH], |peer| {
        peer.send(format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Many: 1\r\n".repeat(10_000)))
    }),
    ("headers_without_end", [TOO_MUCH_AT_ONCE, TOO_MUCH_AT_ONCE, TOO_MUCH], |peer| {
        peer.send("HTTP/1.1 200 OK\r\n")?;
        peer.for_ever("X-Long: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n".repeat(100))
    }),
    ("header_without_end", [TOO_MUCH_AT_ONCE, TOO_MUCH_AT_ONCE, TOO_MUCH], |peer| {
        peer.send("HTTP/1.1 200 OK\r\nX-Long: ")?;
        peer.for_ever([b'x'; 10_000])
    }),
    ("cookie_of_a_megabyte", [TOO_MUCH_AT_ONCE, TOO_MUCH_AT_ONCE, TOO_MUCH], |peer| {
        peer.send(format!("HTTP/1.1 200 OK\r\nSet-Cookie: a={}\r\n\r\n", "x".repeat(1 << 20)))
    }),
    ("ten_thousand_cookies", [TOO_MUCH_AT_ONCE, TOO_MUCH_AT_ONCE, TOO_MUCH], |peer| {
        let cookies: String = (0..10_000).map(|i| format!("Set-Cookie: c{i}={i}\r\n")).collect();
        peer.send(format!("HTTP/1.1 200 OK\r\n{cookies}Content-Length: 0\r\n\r\n"))
    }),
    ("end_at_once", [NOT_HTTP, NOT_HTTP, GONE], Peer::close),
    ("reset_at_once", [NOT_HTTP, NOT_HTTP, GONE], Peer::reset),
    ("end_within_the_head", [NOT_HTTP, NOT_HTTP, GONE], |peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Le")?;
        peer.close()
    }),
    ("no_content", [Refused("not_socketio"), Refused("not_socketio"), Lost("not_socketio")], |peer| {
        peer.send("HTTP/1.1 204 No Content\r\n\r\n")?;
        peer.close()
    }),
    (
        "redirect_to_itself",
        [Refused("http_redirect_loop"), Refused("http_redirect_loop"), Lost("http_status")],
        |peer| {
            let target = peer.request.target.clone();
            peer.send(format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"))
        },
    ),
    ("redirect_to_another_host", [Refused("http_redirect"), Refused("http_redirect"), Lost("http_status")], |peer| {
        peer.send("HTTP/1.1 302 Found\r\nLocation: http://other.invalid/\r\nContent-Length: 0\r\n\r\n")
    }),
    ("redirect_to_garbage", [Refused("http_redirect"), Refused("http_redirect"), Lost("http_status")], |peer| {
        peer.send("HTTP/1.1 302 Found\r\nLocation: http://[:::/\\\r\nContent-Length: 0\r\n\r\n")
    }),
    ("redirect_to_nowhere", [Refused("http_status"), Refused("http_status"), Lost("http_status")], |peer| {
        peer.send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
    }),
];

/// What is wrong with an answer that opens a WebSocket (RFC 6455, section 4.1).
const OPENINGS: &[(&str, Expect, Write)] = &[
    ("wrong_accept", NOT_HTTP, |peer| {
        peer.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        )
    }),
    ("no_accept", NOT_HTTP, |peer| {
        peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    }),
    ("no_upgrade_header", NOT_HTTP, |peer| {
        let accept = peer.accept();
        peer.send(format!("HTTP/1.1 101 Odd\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"))
    }),
    ("no_connection_header", NOT_HTTP, |peer| {
        let accept = peer.accept();
        peer.send(format!("HTTP/1.1 101 Odd\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"))
    }),
    ("upgrade_to_something_else", NOT_HTTP, |peer| {
        let accept = peer.accept();
        peer.send(format!(
            "HTTP/1.1 101 Odd\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        ))
    }),
    ("unasked_subprotocol", NOT_HTTP, |peer| peer.open("Sec-WebSocket-Protocol: chat\r\n")),
    ("unasked_extension", NOT_HTTP, |peer| peer.open("Sec-WebSocket-Extensions: permessage-deflate\r\n")),
    ("frames_right_behind_the_answer", Lives(""), |peer| {
        let mut all = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: upgrade\r\n\
sec-websocket-accept: {}\r\n\r\n",
            peer.accept()
        )
        .into_bytes();
        all.extend(frame(0x81, std::mem::replace(&mut peer.handshake, "6".to_owned())));
        peer.send(all)
    }),
    ("connection_header_of_two_tokens", Lives(""), |peer| {
        let accept = peer.accept();
        peer.send(format!(
            "HTTP/1.1 101 Odd\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
Sec-WebSocket-Accept: {accept}\r\n\r\n"
        ))
    }),
    ("frames_before_the_answer", NOT_HTTP, |peer| {
        let handshake = peer.handshake.clone();
        peer.frame(0x81, handshake)?;
        peer.open("")
    }),
    ("fifty_cookies", Lives(""), |peer| {
        let cookies: String = (0..50).map(|i| format!("Set-Cookie: c{i}={}\r\n", "x".repeat(1000))).collect();
        peer.open(&cookies)
    }),
];

/// Bodies over long-polling: of the first answer, and of one in a session that stands.
const BODIES: &[(&str, Expect, Expect, Write)] = &[
    ("negative_length", NOT_HTTP, GONE, |peer| peer.send("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n6")),
    ("length_of_words", NOT_HTTP, GONE, |peer| peer.send("HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n6")),
    ("length_that_overflows", NOT_HTTP, GONE, |peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n6")
    }),
    ("two_lengths", NOT_HTTP, GONE, |peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n66")
    }),
    ("body_shorter_than_said", NOT_HTTP, GONE, |peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n6")?;
        peer.close()
    }),
    ("chunk_without_a_size", NOT_HTTP, GONE, |peer| chunked(peer, "\r\n6\r\n")),
    ("chunk_size_of_words", NOT_HTTP, GONE, |peer| chunked(peer, "ten\r\n6\r\n")),
    ("chunk_size_that_overflows", NOT_HTTP, GONE, |peer| chunked(peer, "fffffffffffffffffffff\r\n6\r\n")),
    ("chunk_longer_than_its_size", NOT_HTTP, GONE, |peer| chunked(peer, "1\r\n66666\r\n0\r\n\r\n")),
    ("chunk_extension_without_end", NOT_HTTP, GONE, |peer| {
        chunked(peer, "1;")?;
        peer.for_ever([b'x'; 10_000])
    }),
    ("chunk_trailers_without_end", NOT_HTTP, GONE, |peer| {
        chunked(peer, "0\r\n")?;
        peer.for_ever("X-Trailer: odd\r\n".repeat(1000))
    }),
    ("chunk_that_is_cut", NOT_HTTP, GONE, |peer| {
        chunked(peer, "10\r\n6")?;
        peer.close()
    }),
    ("gzip_that_is_none", Refused("protocol_error"), BROKEN, |peer| {
        peer.answer("Content-Encoding: gzip\r\n", "this is not packed")
    }),
    ("gzip_that_is_cut", Refused("protocol_error"), BROKEN, |peer| {
        let packed = gzip("6", 1);
        peer.answer("Content-Encoding: gzip\r\n", &packed[..packed.len() - 9])
    }),
    ("gzip_bomb", Refused("limit_exceeded"), TOO_MUCH, |peer| {
        let bomb = gzip(&"0xxxxxxxxxxxxxxx".repeat(4096), 400);
        peer.answer("Content-Encoding: gzip\r\n", bomb)
    }),
    ("packed_as_nobody_asked", Refused("protocol_error"), BROKEN, |peer| peer.answer("Content-Encoding: br\r\n", "6")),
    ("body_without_end", Refused("limit_exceeded"), TOO_MUCH, |peer| {
        peer.send("HTTP/1.1 200 OK\r\n\r\n0")?;
        peer.for_ever([b'x'; 10_000])
    }),
    ("body_that_is_no_utf_8", Refused("not_socketio"), BROKEN, |peer| peer.answer("", b"4\xff\xfe")),
    ("attachment_that_is_no_base64", Refused("not_socketio"), BROKEN, |peer| peer.answer("", "b!!!!")),
    ("separators_alone", Refused("not_socketio"), BROKEN, |peer| peer.answer("", [0x1e; 100])),
    ("websocket_that_nobody_asked_for", Refused("http_status"), Lost("http_status"), |peer| peer.open("")),
];

/// Good answers, unusually told.
const GOOD: &[(&str, Write)] = &[
    ("no_reason", |peer| whole(peer, "HTTP/1.1 200\r\nContent-Length: LENGTH\r\n\r\nBODY")),
    ("http_1_0", |peer| whole(peer, "HTTP/1.0 200 OK\r\nContent-Length: LENGTH\r\n\r\nBODY")),
    ("same_length_twice", |peer| {
        whole(peer, "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nContent-Length: LENGTH\r\n\r\nBODY")
    }),
    ("body_longer_than_said", |peer| whole(peer, "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\nBODYand more")),
    ("header_that_is_no_utf_8", |peer| {
        peer.send(b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xfe\r\n")?;
        whole(peer, "Content-Length: LENGTH\r\n\r\nBODY")
    }),
    ("byte_for_byte_in_chunks", |peer| {
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let body = peer.handshake.clone();
        body.chars().try_for_each(|char| peer.send(format!("1\r\n{char}\r\n")))?;
        peer.send("0\r\n\r\n")
    }),
    ("end_behind_the_body", |peer| {
        whole(peer, "HTTP/1.1 200 OK\r\n\r\nBODY")?;
        peer.close()
    }),
    ("fifty_cookies", |peer| {
        let cookies: String = (0..50).map(|i| format!("Set-Cookie: c{i}={}\r\n", "x".repeat(1000))).collect();
        let body = peer.handshake.clone();
        peer.answer(&cookies, body)
    }),
    ("thirty_thousand_noops_behind", |peer| {
        let body = format!("{}{}", peer.handshake, "\x1e6".repeat(30_000));
        peer.answer("", body)
    }),
];

/// What the WebSocket does that a session is to move to. The session stays where it is.
const MOVES: &[(&str, Write)] = &[
    ("answer_of_garbage", |peer| {
        peer.send("what?\r\n\r\n")?;
        peer.close()
    }),
    ("answer_that_does_not_come", Peer::until_closed),
    ("answer_without_end", |peer| {
        peer.send("HTTP/1.1 101 Odd\r\nX-Long: ")?;
        peer.for_ever([b'x'; 1000])
    }),
    ("reset", Peer::reset),
    ("bad_request", |peer| peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
];

/// What comes over that WebSocket in place of the answer to the probe.
const PROBES: &[(&str, Write)] = &[
    ("wrong_answer", |peer| peer.frame(0x81, "3wrong")),
    ("event", |peer| peer.frame(0x81, r#"42["odd"]"#)),
    ("second_handshake", |peer| {
        let handshake = peer.handshake.clone();
        peer.frame(0x81, handshake)
    }),
    ("masked_answer", |peer| peer.send([0x81, 0x80, 1, 2, 3, 4])),
    ("attachments_without_end", |peer| peer.for_ever(frame(0x82, "odd"))),
    ("close", |peer| peer.frame(0x88, "")),
    ("reset", Peer::reset),
    ("silence", Peer::until_closed),
];

pub fn add(table: &mut Table) {
    for (name, [opening, first, later], write) in ANSWERS {
        table.websocket(name, *opening, Answer(*write));
        table.answer(name, *first, *later, *write);
    }
    for (name, expect, write) in OPENINGS {
        table.websocket(name, *expect, Answer(*write));
    }
    for (name, first, later, write) in BODIES {
        table.answer(name, *first, *later, *write).with(&[("message_bytes", "100000")]);
    }
    for (name, write) in GOOD {
        table.polling(name, Lives(""), Answer(*write));
    }
    for (name, write) in MOVES {
        table.automatic(&format!("move_{name}"), Told("ws_blocked"), Upgrade(*write)).with(PATIENT);
    }
    for (name, write) in PROBES {
        table.automatic(&format!("probe_{name}"), Told("ws_blocked"), Probe(*write)).with(PATIENT);
    }
    slow(table);
    others(table);
}

/// What takes too long, or nearly.
fn slow(table: &mut Table) {
    table.both("no_answer", TOO_LATE, Answer(Peer::until_closed)).impatient();
    let half_a_head: Write = |peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Le")?;
        peer.until_closed()
    };
    table.both("half_a_head", TOO_LATE, Answer(half_a_head)).impatient();
    table.later("half_a_head", SILENT, half_a_head).pings(200);
    let half_a_body: Write = |peer| {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n6")?;
        peer.until_closed()
    };
    table.polling("half_a_body", TOO_LATE, Answer(half_a_body)).impatient();
    table.later("half_a_body", SILENT, half_a_body).pings(200);
    table.later("no_answer", SILENT, Peer::until_closed).pings(200);
    let continues: Write = |peer| peer.for_ever(CONTINUE.repeat(100));
    table.both("100_continue_without_end", TOO_MUCH_AT_ONCE, Answer(continues));
    table.websocket(
        "100_continue_a_thousand_times",
        Lives(""),
        Answer(|peer| {
            peer.send(CONTINUE.repeat(1000))?;
            peer.open("")
        }),
    );
    table.polling(
        "100_continue_a_thousand_times",
        Lives(""),
        Answer(|peer| {
            peer.send(CONTINUE.repeat(1000))?;
            let body = peer.handshake.clone();
            peer.answer("", body)
        }),
    );
    let hints: Write = |peer| {
        peer.send("HTTP/1.1 103 Early Hints\r\nLink: </odd>\r\n\r\n")?;
        peer.open("")
    };
    table.websocket("103_before_the_answer", Lives(""), Answer(hints));
}

/// Answers in a row, and answers to what the client sends.
fn others(table: &mut Table) {
    let empty: Write = |peer| peer.answer("", "");
    table.later("empty_answer", Lives(""), empty);
    table.polling(
        "empty_answers_in_a_row",
        BROKEN,
        Joined(|| (0..3).map(|_| Item::Raw(|peer| peer.answer("", ""))).collect()),
    );
    table.polling("post_answered_with_much", Lives(""), Post(|peer| peer.answer("", [b'x'; 10_000])));
    table.polling(
        "post_answered_without_end",
        Lives(""),
        Post(|peer| {
            peer.send("HTTP/1.1 200 OK\r\n\r\n")?;
            peer.for_ever([b'x'; 10_000])
        }),
    );
    table.polling(
        "post_answered_by_no_content",
        Lost("not_socketio"),
        Post(|peer| peer.send("HTTP/1.1 204 No Content\r\n\r\n")),
    );
    table.polling(
        "post_answered_by_an_error",
        Lost("http_status"),
        Post(|peer| peer.send("HTTP/1.1 500 Odd\r\nContent-Length: 0\r\n\r\n")),
    );
    table.polling("post_answered_by_garbage", GONE, Post(|peer| peer.send("what?\r\n\r\n")));
    table.polling("post_reset", GONE, Post(Peer::reset));
    table.polling("post_never_answered", Lost("send_timeout"), Post(Peer::until_closed)).pings(200).and_sends_them();
}

/// An answer whose template has the body for BODY and the length of it for LENGTH.
fn whole(peer: &mut Peer, template: &str) -> io::Result<()> {
    let body = peer.handshake.clone();
    let answer = template.replace("LENGTH", &body.len().to_string()).replace("BODY", &body);
    peer.send(answer)
}

fn chunked(peer: &mut Peer, chunks: &str) -> io::Result<()> {
    peer.send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"))
}

/// A text, so many times over, packed.
fn gzip(text: &str, times: usize) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a Vec does not fail.
    (0..times).for_each(|_| packer.write_all(text.as_bytes()).expect("memory takes it"));
    packer.finish().expect("memory takes it")
}
