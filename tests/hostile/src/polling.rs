//! Sessions over long-polling: a request that waits for packets, and requests that bring some.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::case::{Act, Item, text};
use crate::conversation::Conversation;
use crate::peer::{Peer, Wire};
use crate::server::Server;

const SEPARATOR: char = '\x1e';
/// How often a server pings that keeps pinging.
const PING: Duration = Duration::from_millis(50);

/// A session over long-polling.
pub struct Session {
    pub conversation: Conversation,
    /// What is to be said.
    pub out: VecDeque<Item>,
    wire: Option<Arc<Wire>>,
    /// An answer of the case to a request that sends was given.
    has_answered: bool,
}

/// Answers one request.
pub fn serve(server: &Server, peer: &mut Peer) -> io::Result<()> {
    match peer.request.session().map(str::to_owned) {
        None => begin(server, peer),
        Some(sid) if peer.request.is_post() => take(server, peer, &sid),
        Some(sid) => give(server, peer, &sid),
    }
}

fn begin(server: &Server, peer: &mut Peer) -> io::Result<()> {
    let (conversation, sid) = server.begin(peer);
    let act = conversation.act();
    let session = Session { conversation, out: VecDeque::new(), wire: peer.wire.clone(), has_answered: false };
    server.sessions.lock().unwrap().insert(sid, session);
    let handshake = peer.handshake.clone();
    match act {
        Act::Answer(write) => write(peer),
        _ => peer.answer("", handshake),
    }
}

fn unknown(peer: &mut Peer) -> io::Result<()> {
    let body = r#"{"code":1,"message":"Session ID unknown"}"#;
    peer.send(format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// The client brings packets.
fn take(server: &Server, peer: &mut Peer, sid: &str) -> io::Result<()> {
    let body = std::mem::take(&mut peer.request.body);
    let mut sessions = server.sessions.lock().unwrap();
    let Some(session) = sessions.get_mut(sid) else {
        drop(sessions);
        return unknown(peer);
    };
    peer.wire.clone_from(&session.wire);
    for packet in body.split(SEPARATOR) {
        let items = session.conversation.hear(packet);
        session.out.extend(items);
    }
    let brings_event = body.contains("42") && !body.starts_with("40");
    let act = match session.conversation.act() {
        Act::Post(write) if brings_event && !std::mem::replace(&mut session.has_answered, true) => Some(write),
        _ => None,
    };
    drop(sessions);
    server.said.notify_all();
    match act {
        Some(write) => write(peer),
        None => peer.answer("", "ok"),
    }
}

/// The client waits for packets.
fn give(server: &Server, peer: &mut Peer, sid: &str) -> io::Result<()> {
    let mut sessions = server.sessions.lock().unwrap();
    let items = loop {
        let Some(session) = sessions.get_mut(sid) else {
            drop(sessions);
            return unknown(peer);
        };
        if let Some(first) = session.out.pop_front() {
            peer.wire.clone_from(&session.wire);
            let mut items = vec![first];
            // Raw bytes are an answer of their own.
            while !matches!(items.last(), Some(Item::Raw(_)))
                && let Some(next) = session.out.pop_front_if(|next| !matches!(next, Item::Raw(_)))
            {
                items.push(next);
            }
            break items;
        }
        let pings = session.conversation.keeps_pinging();
        let (guard, waited) = server.said.wait_timeout(sessions, PING).unwrap();
        if pings && waited.timed_out() {
            sessions = guard;
            break vec![text("2")];
        }
        sessions = guard;
    };
    drop(sessions);
    let mut body = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            body.push(SEPARATOR as u8);
        }
        match item {
            Item::Text(text) => body.extend(text),
            Item::Binary(bytes) => body.extend(format!("b{}", STANDARD.encode(bytes)).into_bytes()),
            Item::Raw(write) => return write(peer),
            Item::Bytes(bytes) => return peer.send(bytes),
        }
    }
    peer.answer("", body)
}
