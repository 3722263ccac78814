//! Packets of Socket.IO that are none, that nobody asked for, or that are odd but right.

use super::{BROKEN, NOT_BEGUN, TOO_MUCH, TOO_MUCH_AT_ONCE, Table};
use crate::case::Act::{Answers, Connect, Question, Says, SaysWith};
use crate::case::Expect::{self, Ended, Lives, Lost, Refused};
use crate::case::{Item, storm, text};

const SAID_NO: Expect = Refused("ns_rejected");

/// Single packets in place of the answer to CONNECT. What does not answer it leaves it open.
const ANSWERS: &[(&str, Expect, &str)] = &[
    ("connect_of_version_2", Refused("proto_v2"), "40"),
    ("connect_without_a_sid", NOT_BEGUN, "40{}"),
    ("connect_with_a_null_sid", NOT_BEGUN, r#"40{"sid":null}"#),
    ("connect_with_a_number_as_sid", NOT_BEGUN, r#"40{"sid":1}"#),
    ("connect_with_an_array_as_sid", NOT_BEGUN, r#"40{"sid":["s"]}"#),
    ("connect_with_an_empty_sid", Lives(""), r#"40{"sid":""}"#),
    ("connect_with_a_number_as_pid", NOT_BEGUN, r#"40{"sid":"s","pid":1}"#),
    ("connect_with_a_null_pid", Lives(""), r#"40{"sid":"s","pid":null}"#),
    ("connect_of_an_array", NOT_BEGUN, r#"40["s"]"#),
    ("connect_of_text", NOT_BEGUN, r#"40"s""#),
    ("connect_of_null", NOT_BEGUN, "40null"),
    ("connect_cut_off", NOT_BEGUN, r#"40{"sid":"s"#),
    ("connect_with_something_behind", NOT_BEGUN, r#"40{"sid":"s"}x"#),
    ("connect_with_an_id", Lives(""), r#"407{"sid":"s"}"#),
    ("refusal_of_nothing", NOT_BEGUN, "44"),
    ("refusal_of_an_empty_object", SAID_NO, "44{}"),
    ("refusal_of_old", SAID_NO, r#"44"no""#),
    ("refusal_of_null", NOT_BEGUN, "44null"),
    ("refusal_with_a_number", SAID_NO, r#"44{"message":7}"#),
    ("refusal_with_a_null", SAID_NO, r#"44{"message":null,"data":null}"#),
    ("refusal_with_an_object", SAID_NO, r#"44{"message":{"a":[]},"data":{"b":1}}"#),
    ("refusal_cut_off", SAID_NO, r#"44{"message":"n"#),
    ("refusal_with_control_characters", SAID_NO, r#"44{"message":"\u0000\u001b[31m\r\n"}"#),
    ("disconnect_instead_of_connect", Refused("ns_timeout"), "41"),
    ("ack_before_connect", Refused("ns_timeout"), "430[]"),
    ("no_event_before_connect", NOT_BEGUN, "42"),
];

/// Single packets in a session that stands. All events are subscribed to.
const PACKETS: &[(&str, Expect, &str)] = &[
    // Types and namespaces.
    ("type_7", BROKEN, "47"),
    ("type_9_with_an_event", BROKEN, r#"49["odd"]"#),
    ("type_of_a_letter", BROKEN, "4a"),
    ("namespace_alone", BROKEN, "42/"),
    ("namespace_without_a_comma", BROKEN, r#"42/odd["odd"]"#),
    ("namespace_never_joined", Lives(""), r#"42/odd,["odd"]"#),
    ("namespace_with_a_query", Lives("odd"), r#"42/?a=b,["odd"]"#),
    ("namespace_of_a_blank", Lives(""), r#"42/ ,["odd"]"#),
    // Events.
    ("event_of_nothing", BROKEN, "42"),
    ("event_of_an_empty_array", BROKEN, "42[]"),
    ("event_of_an_object", BROKEN, "42{}"),
    ("event_of_text", BROKEN, r#"42"odd""#),
    ("event_of_null", BROKEN, "42null"),
    ("event_whose_name_is_null", BROKEN, "42[null]"),
    ("event_whose_name_is_true", BROKEN, "42[true]"),
    ("event_whose_name_is_an_object", BROKEN, "42[{}]"),
    ("event_whose_name_is_an_array", BROKEN, r#"42[["odd"]]"#),
    ("event_whose_name_is_a_number", Lives("7"), "42[7]"),
    ("event_whose_name_is_empty", Lives("(empty)"), r#"42["",1]"#),
    ("event_whose_name_is_reserved", BROKEN, r#"42["disconnect"]"#),
    ("event_whose_name_is_reserved_in_escapes", BROKEN, r#"42["\u0063onnect"]"#),
    ("event_cut_off", BROKEN, r#"42["odd""#),
    ("event_cut_off_in_its_name", BROKEN, r#"42["od"#),
    ("event_cut_off_in_an_escape", BROKEN, r#"42["odd","\u00"#),
    ("event_with_something_behind", BROKEN, r#"42["odd"]]"#),
    ("event_with_a_comma_too_much", BROKEN, r#"42["odd",]"#),
    ("event_with_an_unknown_escape", BROKEN, r#"42["odd","\x"]"#),
    ("event_with_a_bare_line_break", BROKEN, "42[\"odd\",\"a\nb\"]"),
    ("event_with_a_nan", BROKEN, r#"42["odd",NaN]"#),
    ("event_with_single_quotes", BROKEN, "42['odd']"),
    ("event_with_a_lone_surrogate", Lives("odd"), r#"42["odd","\ud800"]"#),
    ("event_with_a_nul", Lives("odd"), r#"42["odd","a\u0000b"]"#),
    ("event_with_a_huge_number", Lives("odd"), r#"42["odd",1e400,-123456789012345678901234567890]"#),
    ("event_with_a_key_twice", Lives("odd"), r#"42["odd",{"a":1,"a":2,"__proto__":{}}]"#),
    // Ids of acks.
    ("id_negative", BROKEN, r#"42-1["odd"]"#),
    ("id_fractional", BROKEN, r#"421.5["odd"]"#),
    ("id_of_2_to_the_64", BROKEN, r#"4218446744073709551616["odd"]"#),
    ("id_of_2_to_the_64_less_1", Lives("odd"), r#"4218446744073709551615["odd"]"#),
    ("id_with_zeros", Lives("odd"), r#"420000000000000000000001["odd"]"#),
    ("id_in_other_digits", BROKEN, "42\u{661}[\"odd\"]"),
    ("ack_without_an_id", BROKEN, "43[]"),
    ("ack_of_an_object", BROKEN, "431{}"),
    ("ack_cut_off", BROKEN, "431[1"),
    ("ack_that_nobody_asked_for", Lives(""), "43987654321[1,2]"),
    ("ack_of_a_namespace_never_joined", Lives(""), "43/odd,0[]"),
    // Namespaces come and go.
    ("connect_twice", Lives(""), r#"40{"sid":"again"}"#),
    ("connect_that_nobody_asked_for", Lives(""), r#"40/odd,{"sid":"s"}"#),
    ("connect_without_a_sid_later", BROKEN, "40{}"),
    ("refusal_later", Lives(""), r#"44{"message":"no"}"#),
    ("refusal_of_a_namespace_never_asked_for", Lives(""), r#"44/odd,{"message":"no"}"#),
    ("disconnect_of_a_namespace_never_joined", Lives(""), "41/odd,"),
    ("disconnect_with_data", BROKEN, "41{}"),
    ("disconnect", Ended("server_disconnect"), "41"),
    // Counts of attachments.
    ("attachments_without_a_count", BROKEN, r#"45["odd"]"#),
    ("attachments_without_a_dash", BROKEN, r#"451["odd"]"#),
    ("attachments_negative", BROKEN, r#"45-1-["odd"]"#),
    ("attachments_of_a_letter", BROKEN, r#"45a-["odd"]"#),
    ("attachments_by_the_billion", TOO_MUCH, r#"451000000000-["odd"]"#),
    ("attachments_of_2_to_the_64", BROKEN, r#"4518446744073709551616-["odd"]"#),
    ("attachments_of_none", Lives("odd"), r#"450-["odd"]"#),
    ("attachments_of_an_ack_without_an_id", BROKEN, "461-[]"),
];

pub fn add(table: &mut Table) {
    for (name, expect, packet) in ANSWERS {
        let added = table.both(name, *expect, Answers(packet));
        if *expect == Refused("ns_timeout") {
            added.impatient();
        }
    }
    for (name, expect, packet) in PACKETS {
        table.both(name, *expect, Says(packet));
    }
    attachments(table);
    acks(table);
    deep(table);
    large(table);
}

fn attachments(table: &mut Table) {
    const ONE: &str = r#"451-["odd",{"_placeholder":true,"num":0}]"#;
    const TWO: &str = r#"452-["odd",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    table.packets("attachment_never_announced", BROKEN, || vec![Item::Binary(vec![1])]);
    table.packets("attachments_too_many", Lost("protocol_error"), || {
        vec![text(ONE), Item::Binary(vec![1]), Item::Binary(vec![2])]
    });
    table.packets("attachments_too_few", BROKEN, || vec![text(TWO), Item::Binary(vec![1]), text(r#"42["odd"]"#)]);
    table
        .packets("attachments_that_never_come", Lost("attachment_timeout"), || {
            vec![text(TWO), Item::Binary(vec![1]), Item::Raw(|peer| peer.until_closed())]
        })
        .with(&[("attachment_timeout", "0.3")]);
    table
        .packets("attachments_that_stop_while_pings_go_on", Lost("attachment_timeout"), || {
            vec![text(TWO), text("2"), Item::Binary(vec![1]), text("2"), Item::Raw(|peer| peer.until_closed())]
        })
        .with(&[("attachment_timeout", "0.3")]);
    table.packets("ping_between_attachments", Lives("odd"), || {
        vec![text(TWO), text("2"), Item::Binary(vec![1]), text("6"), Item::Binary(vec![2])]
    });
    table.packets("disconnect_between_attachments", BROKEN, || vec![text(TWO), Item::Binary(vec![1]), text("41")]);
    table.packets("close_between_attachments", Lost("connection_lost"), || vec![text(TWO), text("1")]);
    table
        .packets("attachments_at_the_limit", Lives("odd"), || {
            vec![text(TWO), Item::Binary(vec![0; 1000]), Item::Binary(vec![0; 1000])]
        })
        .with(&[("message_bytes", "2000"), ("message_attachments", "2")]);
    table
        .packets("attachments_over_the_limit_together", TOO_MUCH, || {
            vec![text(TWO), Item::Binary(vec![0; 1000]), Item::Binary(vec![0; 1001])]
        })
        .with(&[("message_bytes", "2000")]);
    table.packets("attachments_over_the_count", TOO_MUCH, || vec![text(TWO)]).with(&[("message_attachments", "1")]);
    table.packets("attachments_that_are_empty", Lives("odd"), || {
        vec![text(TWO), Item::Binary(Vec::new()), Item::Binary(Vec::new())]
    });
    for (name, placeholder) in [
        ("missing", "1"),
        ("twice", r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}"#),
        ("out_of_range", r#"{"_placeholder":true,"num":7}"#),
        ("negative", r#"{"_placeholder":true,"num":-1}"#),
        ("of_text", r#"{"_placeholder":true,"num":"0"}"#),
        ("without_a_number", r#"{"_placeholder":true}"#),
    ] {
        // The project gets the arguments as they came, and the attachments beside them.
        let packet: &'static str = format!(r#"451-["odd",{placeholder}]"#).leak();
        table.both(&format!("placeholder_{name}"), Lives("odd"), SaysWith(packet, &[1, 2, 3]));
    }
    table.both("attachment_before_connect", NOT_BEGUN, Connect(|| vec![Item::Binary(vec![1])]));
}

/// Answers to a question of the client.
fn acks(table: &mut Table) {
    let mut add = |name, expect, make| {
        table.both(name, expect, Question(make));
    };
    add("ack_twice", Lives(""), |id| vec![text(format!("43{id}[1]")), text(format!("43{id}[2]"))]);
    add("ack_storm", Lives(""), |id| storm(&format!("43{id}[1]"), 50_000));
    add("ack_of_all_kinds", Lives(""), |id| {
        vec![text(format!(r#"43{id}[null,{{"a":[]}},"\ud800"]"#)), text(format!("460-{id}[]"))]
    });
    add("ack_that_is_no_json", BROKEN, |id| vec![text(format!("43{id}[nothing]"))]);
    add("ack_in_another_namespace_first", Lives(""), |id| {
        vec![text(format!("43/odd,{id}[1]")), text(format!("43{id}[2]"))]
    });
    add("ack_with_attachments", Lives(""), |id| {
        vec![text(format!(r#"461-{id}[{{"_placeholder":true,"num":0}}]"#)), Item::Binary(vec![1])]
    });
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn deep(table: &mut Table) {
    table.packets("json_as_deep_as_allowed", Lives("odd"), || vec![text(format!(r#"42["odd",{}]"#, nested(511)))]);
    table.packets("json_deeper_than_allowed", TOO_MUCH, || vec![text(format!(r#"42["odd",{}]"#, nested(512)))]);
    table.packets("json_a_million_deep", TOO_MUCH, || vec![text(format!(r#"42["odd",{}]"#, nested(1_000_000)))]);
    table.packets("json_that_only_goes_down", TOO_MUCH, || {
        vec![text(format!(r#"42["odd",{}"#, "[{\"a\":".repeat(300_000)))]
    });
    table.packets("brackets_in_a_text", Lives("odd"), || vec![text(format!(r#"42["odd","{}"]"#, "[".repeat(100_000)))]);
    table.both("ack_deeper_than_allowed", TOO_MUCH, Question(|id| vec![text(format!("43{id}[{}]", nested(512)))]));
    table.both(
        "connect_that_is_deep",
        Lives(""),
        Connect(|| vec![text(format!(r#"40{{"sid":"s","odd":{}}}"#, nested(100_000)))]),
    );
    table.both(
        "refusal_that_is_deep",
        SAID_NO,
        Connect(|| vec![text(format!(r#"44{{"message":"no","data":{}}}"#, nested(100_000)))]),
    );
}

fn large(table: &mut Table) {
    table.both(
        "refusal_of_a_megabyte",
        SAID_NO,
        Connect(|| vec![text(format!(r#"44{{"message":"{}"}}"#, "no ".repeat(350_000)))]),
    );
    table.both(
        "sid_of_a_megabyte",
        NOT_BEGUN,
        Connect(|| vec![text(format!(r#"40{{"sid":"{}"}}"#, "s".repeat(1 << 20)))]),
    );
    table
        .packets("namespace_of_a_megabyte", Lives(""), || vec![text(format!(r#"42/{},["odd"]"#, "n".repeat(1 << 20)))]);
    table.packets("event_name_of_a_megabyte", BROKEN, || vec![text(format!(r#"42["{}"#, "n".repeat(1 << 20)))]);
    table.packets("id_of_a_megabyte", BROKEN, || vec![text(format!(r#"42{}["odd"]"#, "1".repeat(1 << 20)))]);
    table.packets("count_of_a_megabyte", BROKEN, || vec![text(format!(r#"45{}-["odd"]"#, "1".repeat(1 << 20)))]);
    table.packets("event_of_a_hundred_thousand_arguments", Lives("odd"), || {
        vec![text(format!(r#"42["odd"{}]"#, ",1".repeat(100_000)))]
    });
    table
        .both("events_without_end_before_connect", TOO_MUCH_AT_ONCE, Connect(|| storm(r#"42["odd"]"#, 20_000)))
        .with(&[("inbound_bytes", "100000")]);
}
