//! Packets of Engine.IO that are none, and handshakes whose fields are of a wrong kind.

use super::{BROKEN, GONE, NOT_BEGUN, Table};
use crate::case::Act::{Answers, Connect, Joined, Says};
use crate::case::Expect::{self, Lives, Lost, Refused};
use crate::case::{handshake, storm, text};

const NO_HANDSHAKE: Expect = Refused("not_socketio");

/// The JSON of the handshake; SID stands for the id.
const HANDSHAKES: &[(&str, Expect, &str)] = &[
    ("handshake_without_anything", NO_HANDSHAKE, ""),
    ("handshake_of_an_empty_object", NO_HANDSHAKE, "{}"),
    ("handshake_of_null", NO_HANDSHAKE, "null"),
    ("handshake_of_an_array", NO_HANDSHAKE, r#"["SID",25000,20000,null,[]]"#),
    ("handshake_of_text", NO_HANDSHAKE, r#""sid""#),
    ("handshake_that_differs_each_time", NO_HANDSHAKE, r#""SID""#),
    ("handshake_cut_off", NO_HANDSHAKE, r#"{"sid":"SID","upgrades":[],"pingInterval":250"#),
    ("handshake_with_something_behind", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":25000,"pingTimeout":20000}}"#),
    ("handshake_alone", Lives(""), r#"{"sid":"SID","pingInterval":25000,"pingTimeout":20000}"#),
    ("sid_missing", NO_HANDSHAKE, r#"{"pingInterval":25000,"pingTimeout":20000}"#),
    ("sid_null", NO_HANDSHAKE, r#"{"sid":null,"pingInterval":25000,"pingTimeout":20000}"#),
    ("sid_of_a_number", NO_HANDSHAKE, r#"{"sid":7,"pingInterval":25000,"pingTimeout":20000}"#),
    ("sid_of_an_object", NO_HANDSHAKE, r#"{"sid":{},"pingInterval":25000,"pingTimeout":20000}"#),
    ("ping_interval_missing", NO_HANDSHAKE, r#"{"sid":"SID","pingTimeout":20000}"#),
    ("ping_interval_null", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":null,"pingTimeout":20000}"#),
    ("ping_interval_of_text", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":"25000","pingTimeout":20000}"#),
    ("ping_interval_negative", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":-1,"pingTimeout":20000}"#),
    ("ping_interval_fractional", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":0.5,"pingTimeout":20000}"#),
    ("ping_interval_huge", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":1e300,"pingTimeout":20000}"#),
    ("ping_interval_of_an_object", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":{},"pingTimeout":20000}"#),
    (
        "ping_times_as_large_as_they_can_be",
        Lives(""),
        r#"{"sid":"SID","pingInterval":4294967295,"pingTimeout":4294967295}"#,
    ),
    ("ping_interval_0", Lives(""), r#"{"sid":"SID","pingInterval":0,"pingTimeout":20000}"#),
    ("ping_timeout_null", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":25000,"pingTimeout":null}"#),
    ("ping_timeout_negative", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":25000,"pingTimeout":-20000}"#),
    ("ping_times_0", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":0,"pingTimeout":0}"#),
    ("max_payload_null", Lives(""), r#"{"sid":"SID","pingInterval":25000,"pingTimeout":20000,"maxPayload":null}"#),
    ("max_payload_negative", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":25000,"pingTimeout":20000,"maxPayload":-1}"#),
    ("max_payload_of_text", NO_HANDSHAKE, r#"{"sid":"SID","pingInterval":25000,"pingTimeout":20000,"maxPayload":"1"}"#),
    (
        "max_payload_huge",
        Lives(""),
        r#"{"sid":"SID","pingInterval":25000,"pingTimeout":20000,"maxPayload":18446744073709551615}"#,
    ),
    ("max_payload_0", Lives(""), r#"{"sid":"SID","pingInterval":25000,"pingTimeout":20000,"maxPayload":0}"#),
    ("upgrades_null", NO_HANDSHAKE, r#"{"sid":"SID","upgrades":null,"pingInterval":25000,"pingTimeout":20000}"#),
    (
        "upgrades_of_text",
        NO_HANDSHAKE,
        r#"{"sid":"SID","upgrades":"websocket","pingInterval":25000,"pingTimeout":20000}"#,
    ),
    ("upgrades_of_numbers", NO_HANDSHAKE, r#"{"sid":"SID","upgrades":[1,2],"pingInterval":25000,"pingTimeout":20000}"#),
    (
        "upgrades_unknown",
        Lives(""),
        r#"{"sid":"SID","upgrades":["webtransport","","WEBSOCKET"],"pingInterval":25000,"pingTimeout":20000}"#,
    ),
    (
        "handshake_with_a_field_twice",
        NO_HANDSHAKE,
        r#"{"sid":"SID","sid":"SID","pingInterval":25000,"pingTimeout":20000}"#,
    ),
];

/// Single packets in a session that stands.
const PACKETS: &[(&str, Expect, &str)] = &[
    ("packet_of_unknown_type", BROKEN, "9"),
    ("packet_of_a_letter", BROKEN, "x"),
    ("packet_of_a_two_byte_character", BROKEN, "é"),
    ("packet_of_a_nul", BROKEN, "\0"),
    ("packet_of_a_blank", BROKEN, " 6"),
    ("packet_of_a_byte_order_mark", BROKEN, "\u{feff}6"),
    ("message_without_a_packet", BROKEN, "4"),
    ("unasked_pong_packet", Lives(""), "3"),
    ("unasked_probe_answer", Lives(""), "3probe"),
    ("probe_of_the_server", Lives(""), "2probe"),
    ("ping_with_data", Lives(""), "2anything"),
    ("noop", Lives(""), "6"),
    ("upgrade_packet", Lives(""), "5"),
    ("close_packet", GONE, "1"),
    ("close_packet_with_data", GONE, "1why"),
    ("payload_of_engine_io_3", BROKEN, r#"42["odd"]10:42["odd"]"#),
];

pub fn add(table: &mut Table) {
    for (name, expect, json) in HANDSHAKES {
        table.handshake(name, *expect, json);
    }
    for (name, expect, packet) in PACKETS {
        table.both(name, *expect, Says(packet));
    }
    handshakes(table);
    table.packets("second_handshake", BROKEN, || vec![text(format!("0{}", handshake(25_000, 20_000)))]);
    table.both("handshake_twice_at_once", NOT_BEGUN, Answers(r#"0{"sid":"again","pingInterval":1,"pingTimeout":1}"#));
    table.packets("ping_storm", Lives(""), || storm("2", 100_000));
    table.packets("pong_storm", Lives(""), || storm("3", 100_000));
    table.packets("noop_storm", Lives(""), || storm("6", 100_000));
    // Nothing but silence, after as many pings as wanted.
    table.both("no_ping", Lost("ping_timeout"), Joined(Vec::new)).pings(200);
    table.packets("pings_that_stop", Lost("ping_timeout"), || storm("2", 3)).pings(200);
    table.packets("events_instead_of_pings", Lost("ping_timeout"), || storm(r#"42["odd"]"#, 3)).pings(200);
    table.both("silence_after_the_handshake", Refused("ns_timeout"), Connect(Vec::new)).impatient();
}

/// Handshakes that have to be made.
fn handshakes(table: &mut Table) {
    let padded = |bytes: usize| {
        let json = handshake(25_000, 20_000);
        json.replace("SID\"", &format!("SID\",\"odd\":\"{}\"", "x".repeat(bytes - json.len() - 9)))
    };
    // The type of the packet counts as well, and the id takes the place of three letters.
    table.handshake("handshake_within_the_limit", Lives(""), &padded(1_990)).with(&[("handshake_bytes", "2000")]);
    table
        .handshake("handshake_over_the_limit", Refused("limit_exceeded"), &padded(2_010))
        .with(&[("handshake_bytes", "2000")]);
    table.handshake("handshake_of_a_megabyte", Refused("limit_exceeded"), &padded(1 << 20));
    let deep = handshake(25_000, 20_000)
        .replace("SID\"", &format!("SID\",\"odd\":{}1{}", "[".repeat(20_000), "]".repeat(20_000)));
    table.handshake("handshake_that_is_deep", Lives(""), &deep);
    let long = handshake(25_000, 20_000).replace("SID", &format!("SID{}", "/\\u0000\\r\\n?&#%".repeat(1000)));
    table.handshake("sid_of_many_odd_characters", Lives(""), &long);
    let many = handshake(25_000, 20_000).replace("[]", &format!("[{}]", vec!["\"x\""; 10_000].join(",")));
    table.handshake("upgrades_by_the_thousand", Lives(""), &many);
}
