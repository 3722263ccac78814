//! Sessions that are cut, slow, or end in the middle.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::Table;
use crate::case::Act::{self, Later, Wire};
use crate::case::Expect::{Lives, Refused, Survives};
use crate::peer;

/// How a session is cut that has the number: one after the other a byte later, once by a reset, once politely.
const CUT: Act = Wire(|number| peer::Wire::Cut { left: AtomicUsize::new(number / 2), resets: number % 2 == 0 });

pub fn add(table: &mut Table) {
    table
        .both("cut_at_every_byte", Survives, CUT)
        .with(&[("reconnect_delay", "0.01"), ("reconnect_delay_max", "0.01")]);
    table.both("a_byte_each_5_ms", Lives(""), Wire(|_| peer::Wire::Slow(Duration::from_millis(5))));
    table
        .both(
            "a_byte_each_50_ms_is_too_slow",
            Refused("connect_timeout"),
            Wire(|_| peer::Wire::Slow(Duration::from_millis(50))),
        )
        .impatient();
    // The beginning of an event at once, what is left a byte a second.
    table.websocket(
        "a_byte_a_second",
        Lives("odd"),
        Later(|peer| {
            let event = peer::frame(0x81, r#"42["odd"]"#);
            let (begin, rest) = event.split_at(event.len() - 3);
            peer.send(begin)?;
            rest.iter().try_for_each(|byte| {
                std::thread::sleep(Duration::from_secs(1));
                peer.send([*byte])
            })
        }),
    );
    table.later("a_byte_a_second", Lives("odd"), |peer| {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n42[\"odd\"]";
        let (begin, rest) = answer.split_at(answer.len() - 3);
        peer.send(begin)?;
        rest.as_bytes().iter().try_for_each(|byte| {
            std::thread::sleep(Duration::from_secs(1));
            peer.send([*byte])
        })
    });
}
