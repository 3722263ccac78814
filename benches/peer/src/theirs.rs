//! rust_socketio, as its documentation shows it: the asynchronous client, with its defaults, over WebSocket.

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::FutureExt;
use rust_socketio::asynchronous::{Client as Socket, ClientBuilder};
use rust_socketio::{Event as Name, Payload, TransportType};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::client::{Client, Event, Message, Received};

/// No call of it may hold up a scenario for ever.
const CALL_LIMIT: Duration = Duration::from_secs(2);

pub struct Theirs {
    /// Never dropped: that would wait for a client that hangs, and the process ends anyway.
    runtime: ManuallyDrop<Runtime>,
    /// A socket a namespace: it knows no other way.
    sockets: Vec<Socket>,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

pub fn connect(url: &str, namespaces: &[&str]) -> Result<Theirs> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (sender, events) = channel();
    let mut sockets = Vec::new();
    for namespace in namespaces {
        let any = sender.clone();
        let mut builder = ClientBuilder::new(url)
            .namespace(*namespace)
            .transport_type(TransportType::Websocket)
            .on_any(move |name, payload, _| {
                let _ = any.send(Event::Received(received(name.as_str(), payload)));
                async {}.boxed()
            });
        for (name, note) in [(Name::Error, "error"), (Name::Close, "close"), (Name::Connect, "open")] {
            let notes = sender.clone();
            builder = builder.on(name, move |_, _| {
                let _ = notes.send(Event::Note(note.to_owned()));
                async {}.boxed()
            });
        }
        sockets.push(runtime.block_on(async { timeout(CALL_LIMIT, builder.connect()).await }).context("connecting")??);
    }
    Ok(Theirs { runtime: ManuallyDrop::new(runtime), sockets, sender, events })
}

fn received(name: &str, payload: Payload) -> Received {
    let (arguments, attachments) = match payload {
        Payload::Binary(bytes) => (r#"[{"_placeholder":true,"num":0}]"#.to_owned(), vec![bytes.to_vec()]),
        other => (values(other), Vec::new()),
    };
    Received { name: name.to_owned(), arguments, attachments, reply_id: 0 }
}

fn values(payload: Payload) -> String {
    match payload {
        Payload::Text(values) => Value::Array(values).to_string(),
        other => format!("{other:?}"),
    }
}

impl Client for Theirs {
    fn send(&mut self, event: &str, json: &str) -> Result<()> {
        let payload = Payload::Text(vec![serde_json::from_str(json)?]);
        let _ = self.runtime.block_on(async { timeout(CALL_LIMIT, self.sockets[0].emit(event, payload)).await });
        Ok(())
    }

    fn ask(&mut self, tag: u64, event: &str, message: Message, limit: Duration) -> Result<()> {
        let payload = match message {
            Message::Json(json) => Payload::Text(vec![serde_json::from_str(json)?]),
            Message::Binary(bytes) => Payload::from(bytes.to_vec()),
        };
        let answers = self.sender.clone();
        let on_answer = move |payload: Payload, _: Socket| {
            // The arguments of an answer come as one array within the array.
            let arguments = match payload {
                Payload::Text(mut values) if values.len() == 1 => values.remove(0).to_string(),
                other => values(other),
            };
            let _ = answers.send(Event::Answered(tag, arguments));
            async {}.boxed()
        };
        let ask = self.sockets[0].emit_with_ack(event, payload, limit, on_answer);
        let _ = self.runtime.block_on(async { timeout(CALL_LIMIT, ask).await });
        Ok(())
    }

    fn answer(&mut self, _question: &Received, _json: &str) -> Result<()> {
        // No callback is given the id to answer to, and no call takes one.
        Ok(())
    }

    fn next(&mut self, deadline: Instant) -> Result<Option<Event>> {
        match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(event) => Ok(Some(event)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => unreachable!("`self` holds a sender"),
        }
    }

    fn file(&self) -> PathBuf {
        std::env::current_exe().unwrap_or_default()
    }
}
