//! A session of Socket.IO as a good server has it: namespaces are joined, questions answered, an event `end` tells that
//! all that a case says was said. In a session of a case its packets come in their place.

use std::sync::Arc;

use crate::case::{Act, Case, Item, text};

/// The event behind all that a case says.
const END: &str = r#"42["end"]"#;

/// See the module.
pub struct Conversation {
    /// None: a good one.
    case: Option<Arc<Case>>,
    /// What comes behind the answer to CONNECT has come.
    has_joined: bool,
    /// The case has answered a question.
    has_answered: bool,
}

impl Conversation {
    pub fn new(case: Option<Arc<Case>>) -> Conversation {
        Conversation { case, has_joined: false, has_answered: false }
    }

    /// What the case puts in.
    pub fn act(&self) -> Act {
        self.case.as_ref().map_or(Act::Nothing, |case| case.act)
    }

    /// Whether pings come all the time.
    pub fn keeps_pinging(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.keeps_pinging)
    }

    /// The answers to a text packet of the client.
    pub fn hear(&mut self, packet: &str) -> Vec<Item> {
        match packet.as_bytes() {
            [b'4', b'0', ..] => self.join(namespace(&packet[2..])),
            [b'4', b'2', ..] => self.event(&packet[2..]),
            [b'4', b'5', ..] => self.event(packet[2..].split_once('-').map_or("", |(_, rest)| rest)),
            _ => Vec::new(),
        }
    }

    fn join(&mut self, namespace: &str) -> Vec<Item> {
        let last = if self.case.as_ref().is_some_and(|case| case.joins) { "/n" } else { "/" };
        let answer = text(format!(r#"40{},{{"sid":"s"}}"#, namespace));
        if namespace != last || std::mem::replace(&mut self.has_joined, true) {
            return vec![answer];
        }
        let mut items = match self.act() {
            Act::Connect(make) => make(),
            Act::Answers(packet) => vec![text(packet)],
            Act::Joined(make) => std::iter::once(answer).chain(make()).collect(),
            Act::Says(packet) => vec![answer, text(packet)],
            Act::SaysWith(packet, bytes) => vec![answer, text(packet), Item::Binary(bytes.to_vec())],
            Act::Later(write) => vec![answer, Item::Raw(write)],
            Act::Bytes(bytes) => vec![answer, Item::Bytes(bytes)],
            _ => vec![answer],
        };
        items.push(text(END));
        items
    }

    fn event(&mut self, packet: &str) -> Vec<Item> {
        let namespace = namespace(packet);
        let rest = packet.strip_prefix(namespace).map_or(packet, |rest| rest.trim_start_matches(','));
        let id = rest.split('[').next().unwrap_or_default();
        match self.act() {
            _ if id.is_empty() => Vec::new(),
            Act::Question(make) if !std::mem::replace(&mut self.has_answered, true) => make(id),
            _ => vec![text(format!("43{namespace},{id}[]"))],
        }
    }
}

/// The namespace with which a packet begins behind its type, or the default one.
fn namespace(packet: &str) -> &str {
    if !packet.starts_with('/') {
        return "/";
    }
    packet.split(',').next().unwrap_or(packet)
}
