//! A session over a WebSocket, from its request to its end.

use std::io;

use crate::case::{Act, Item};
use crate::conversation::Conversation;
use crate::peer::Peer;
use crate::polling::Session;
use crate::server::Server;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PONG: u8 = 0x8a;

/// Serves the WebSocket that was asked for.
pub fn serve(server: &Server, peer: &mut Peer) -> io::Result<()> {
    let session = peer.request.session().map(str::to_owned);
    let mut conversation = match session {
        Some(sid) => moved(server, &sid, peer)?,
        None => begun(server, peer)?,
    };
    loop {
        let frame = peer.next_frame()?;
        match frame.opcode {
            1 => {
                let items = conversation.hear(&String::from_utf8_lossy(&frame.payload));
                say(peer, items)?;
            }
            8 => {
                peer.frame(CLOSE, frame.payload)?;
                return peer.close();
            }
            9 => peer.frame(PONG, frame.payload)?,
            _ => {}
        }
    }
}

/// A session that begins here.
fn begun(server: &Server, peer: &mut Peer) -> io::Result<Conversation> {
    let (conversation, _) = server.begin(peer);
    match conversation.act() {
        Act::Answer(write) => write(peer)?,
        _ => peer.open("")?,
    }
    if let Act::Opened(write) = conversation.act() {
        write(peer)?;
    }
    let handshake = peer.handshake.clone();
    peer.frame(TEXT, handshake)?;
    Ok(conversation)
}

/// A session that moves here from long-polling (Engine.IO protocol, "Upgrade").
fn moved(server: &Server, sid: &str, peer: &mut Peer) -> io::Result<Conversation> {
    let act = server.sessions.lock().unwrap().get(sid).map(|session| session.conversation.act());
    match act.ok_or(io::ErrorKind::NotFound)? {
        Act::Upgrade(write) => write(peer)?,
        _ => peer.open("")?,
    }
    while peer.next_frame()?.payload != b"2probe" {}
    match act {
        Some(Act::Probe(write)) => write(peer)?,
        _ => peer.frame(TEXT, "3probe")?,
    }
    // The request that waits is released.
    if let Some(session) = server.sessions.lock().unwrap().get_mut(sid) {
        session.out.push_back(Item::Text(b"6".to_vec()));
    }
    server.said.notify_all();
    while peer.next_frame()?.payload != b"5" {}
    let session = server.sessions.lock().unwrap().remove(sid);
    let Session { conversation, out, .. } = session.ok_or(io::ErrorKind::NotFound)?;
    say(peer, out)?;
    Ok(conversation)
}

fn say(peer: &mut Peer, items: impl IntoIterator<Item = Item>) -> io::Result<()> {
    for item in items {
        match item {
            Item::Text(text) => peer.frame(TEXT, text)?,
            Item::Binary(bytes) => peer.frame(BINARY, bytes)?,
            Item::Raw(write) => write(peer)?,
            Item::Bytes(bytes) => peer.send(bytes)?,
        }
    }
    Ok(())
}
