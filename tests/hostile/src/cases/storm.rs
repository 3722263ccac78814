//! A hundred thousand of what is harmless alone.

use super::Table;
use crate::case::Act::{Connect, Later};
use crate::case::Expect::{Ended, Lives, Lost, Refused, Told};
use crate::case::{Item, storm, text};
use crate::peer::frame;

const MANY: usize = 100_000;

/// A packet for each number up to that.
fn numbered(packet: fn(usize) -> String) -> Vec<Item> {
    (0..MANY).map(|number| text(packet(number))).collect()
}

/// Packets that take turns.
fn alternating(packets: [&str; 2]) -> Vec<Item> {
    (0..MANY).map(|number| text(packets[number % 2])).collect()
}

pub fn add(table: &mut Table) {
    const CONNECTED: &str = r#"40{"sid":"s"}"#;
    table.packets("disconnects_and_connects", Ended("server_disconnect"), || alternating(["41", CONNECTED]));
    table
        .packets("disconnects_and_connects_with_reconnect", Lost("server_disconnect"), || {
            alternating(["41", CONNECTED])
        })
        .with(&[("reconnect_after_server_disconnect", "true")]);
    table
        .packets("disconnects_and_connects_of_one_of_two", Told("server_disconnect"), || {
            alternating(["41/n,", r#"40/n,{"sid":"s"}"#])
        })
        .joins();
    table
        .packets("disconnects_and_connects_of_one_of_two_with_reconnect", Told("server_disconnect"), || {
            alternating(["41/n,", r#"40/n,{"sid":"s"}"#])
        })
        .joins()
        .with(&[("reconnect_after_server_disconnect", "true"), ("reconnect_delay", "5"), ("reconnect_delay_max", "5")]);
    table.packets("connects", Lives(""), || storm(CONNECTED, MANY));
    table.packets("connects_of_other_namespaces", Lives(""), || numbered(|n| format!(r#"40/n{n},{{"sid":"s"}}"#)));
    table.packets("disconnects_of_other_namespaces", Lives(""), || numbered(|n| format!("41/n{n},")));
    table.packets("refusals", Lives(""), || numbered(|n| format!(r#"44{{"message":"no {n}"}}"#)));
    table.both(
        "refusals_at_once",
        Refused("ns_rejected"),
        Connect(|| numbered(|n| format!(r#"44{{"message":"no"}}{}"#, " ".repeat(n % 2)))),
    );
    table.packets("events_of_other_namespaces", Lives(""), || numbered(|n| format!(r#"42/n{n},["odd"]"#)));
    table.packets("acks_that_nobody_asked_for", Lives(""), || numbered(|n| format!("43{n}99[1]")));
    table
        .packets("questions", Lives("odd*5000"), || (0..5000).map(|n| text(format!(r#"42{n}["odd"]"#))).collect())
        .with(&[("unanswered_replies", "10")]);
    table.packets("attachments_of_other_namespaces", Lives(""), || {
        (0..20_000).flat_map(|n| [text(format!(r#"451-/n{n},["odd"]"#)), Item::Binary(vec![1])]).collect()
    });
    table.websocket("pings_of_websocket", Lives(""), Later(|peer| peer.send(frame(0x89, "odd").repeat(5000))));
    table.websocket("pongs_of_websocket", Lives(""), Later(|peer| peer.send(frame(0x8a, "odd").repeat(MANY))));
}
