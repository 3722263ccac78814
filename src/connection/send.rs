//! From commands to frames.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;

use super::acks::{Ask, NotAnswerable};
use super::namespace::Joining;
use super::session::{Attached, Outgoing, Session};
use super::{Format, IfNotConnected, Message, Reply, Reservation, SendEvent};
use crate::diagnostics::{Code, Problem, Range};
use crate::protocol::json;
use crate::protocol::socketio::{self, Content, DEFAULT_NAMESPACE, RESERVED_EVENTS};
use crate::transport::Frame;

impl Session {
    /// Socket.IO Send: leaves now, waits, or is given up.
    pub(super) fn send(&mut self, mut send: SendEvent) {
        let namespace = std::mem::take(&mut send.namespace);
        self.send_in(&socketio::normal_namespace(&namespace), send);
    }

    /// The same for a namespace whose name is normal.
    pub(super) fn send_in(&mut self, name: &str, send: SendEvent) {
        if send.request != 0 && !self.asks.is_open(send.request) {
            if self.asks.is_full() {
                self.shared.status.dropped.fetch_add(1, Ordering::Relaxed);
                return self.tell_no_reply(&send.ask(), Some(Range::QueueFull));
            }
            // Seen for the first time: its time begins now, also if it has to wait.
            let ask = Ask { namespace: name.to_string(), ..send.ask() };
            self.asks.add(ask, Instant::now() + send.reply_timeout);
        }
        if !socketio::is_namespace(name) {
            self.give_up_question(send.request, Range::Message);
            return self.tell_wrong_namespace(name, send.node);
        }
        let namespace = self.join(name);
        let refused = matches!(namespace.joining, Joining::Refused | Joining::Late);
        let joined = namespace.joining == Joining::Joined;
        // What waits goes first.
        if joined && namespace.waiting.is_empty() {
            return self.send_now(name, send);
        }
        if refused || (!joined && send.policy == IfNotConnected::Drop) {
            return self.give_up_one(name, send, refused);
        }
        if let Some(replaced) = namespace.waiting.put(send) {
            self.give_up_question(replaced.request, Range::NotConnected);
        }
    }

    fn give_up_one(&mut self, name: &str, send: SendEvent, refused: bool) {
        self.shared.status.dropped.fetch_add(1, Ordering::Relaxed);
        self.give_up_question(send.request, Range::NotConnected);
        let problem = if refused {
            let reason = format!("namespace {name} was refused, or did not answer");
            Problem::new(Code::NotSent).with("count", 1).with("reason", reason)
        } else {
            Problem::new(Code::NotConnected)
                .with("event", quoted(&send.event))
                .with("namespace", name)
                .with("connection", &self.config.name)
        };
        self.tell(problem, name, send.node, false, None);
    }

    fn send_now(&mut self, name: &str, send: SendEvent) {
        match self.encode(name, &send) {
            Ok(text) => {
                self.log_outgoing(&text, &send.message.attachments);
                self.asks.sent(send.request);
                self.queue(text, send.message.attachments, (&send.event, send.request), send.reservation);
            }
            Err(problem) => {
                self.give_up_question(send.request, Range::Message);
                self.tell(problem, name, send.node, false, None);
            }
        }
    }

    fn encode(&self, name: &str, send: &SendEvent) -> Result<String, Problem> {
        let event = &send.event;
        if event.is_empty() {
            return Err(Problem::new(Code::EventNameMissing).with("node", "Socket.IO Send"));
        }
        if RESERVED_EVENTS.contains(&event.as_str()) {
            return Err(Problem::new(Code::ReservedEvent).with("event", quoted(event)));
        }
        let (content, placed) = content(&send.message, event)?;
        let appended = (0..send.message.attachments.len()).filter(|number| !placed.contains(number));
        let id = (send.request != 0).then_some(send.request);
        let text = socketio::encode_event(name, id, event, content, send.message.attachments.len(), appended);
        self.check_size(event, &text, &send.message.attachments)?;
        Ok(text)
    }

    /// Socket.IO Reply: answers a question of the server.
    pub(super) fn reply(&mut self, reply: Reply) {
        let stale = |reason: &str| Problem::new(Code::ReplyStale).with("id", reply.id).with("reason", reason);
        let question = match self.questions.get(reply.id) {
            Ok(question) => question.clone(),
            Err(why) => {
                let problem = stale(match why {
                    NotAnswerable::Unknown => "no event of this connection had it",
                    NotAnswerable::Over => "it was answered already, waited too long, or its connection was lost",
                });
                return self.tell(problem, DEFAULT_NAMESPACE, reply.node, false, None);
            }
        };
        let name = question.namespace;
        let label = format!("Reply Id {}", reply.id);
        let encoded = content(&reply.message, &label).and_then(|(content, placed)| {
            let attachments = &reply.message.attachments;
            let appended = (0..attachments.len()).filter(|number| !placed.contains(number));
            let text = socketio::encode_ack(&name, question.id, content, attachments.len(), appended);
            self.check_size(&label, &text, attachments)?;
            Ok(text)
        });
        match encoded {
            Ok(text) => {
                self.questions.answered(reply.id);
                self.log_outgoing(&text, &reply.message.attachments);
                self.queue(text, reply.message.attachments, (&label, 0), reply.reservation);
            }
            Err(problem) => self.tell(problem, &name, reply.node, false, None),
        }
    }

    /// A message larger than what the server takes would end the connection, and again after each reconnect.
    fn check_size(&self, event: &str, text: &str, attachments: &[Bytes]) -> Result<(), Problem> {
        let largest = attachments.iter().map(Bytes::len).chain([text.len()]).max().unwrap_or_default();
        if largest <= self.max_payload {
            return Ok(());
        }
        Err(Problem::new(Code::PayloadTooBig)
            .with("event", quoted(event))
            .with("size", largest)
            .with("limit", self.max_payload))
    }

    /// A packet and its attachments leave one after the other, with nothing in between.
    fn queue(&mut self, text: String, attachments: Vec<Bytes>, about: (&str, u64), reservation: Reservation) {
        let attached = attachments
            .iter()
            .map(Bytes::len)
            .max()
            .map(|largest| Box::new(Attached { largest, event: about.0.to_string(), request: about.1 }));
        self.outbox.push_back(Outgoing { attached, ..Outgoing::alone(Frame::Text(text)) });
        self.outbox.extend(attachments.into_iter().map(|bytes| Outgoing::alone(Frame::Binary(bytes))));
        if let Some(last) = self.outbox.back_mut() {
            last.reservation = Some(reservation);
        }
    }
}

/// Checks a message. Also gives the numbers of the attachments that have a place in it.
fn content<'a>(message: &'a Message, event: &str) -> Result<(Content<'a>, HashSet<usize>), Problem> {
    let invalid = |expected: &str, reason: String| {
        Problem::new(Code::JsonInvalid).with("event", quoted(event)).with("expected", expected).with("reason", reason)
    };
    let content = match message.format {
        Format::Text => return Ok((Content::Text(&message.text), HashSet::new())),
        Format::Binary => return Ok((Content::Nothing, HashSet::new())),
        Format::Json => {
            json::check(&message.text).map_err(|wrong| invalid("a JSON value", wrong.0))?;
            Content::Json(&message.text)
        }
        Format::Arguments if message.text.trim().is_empty() => return Ok((Content::Nothing, HashSet::new())),
        Format::Arguments => {
            json::elements(&message.text).map_err(|wrong| invalid("a JSON array", wrong.0))?;
            Content::Arguments(&message.text)
        }
    };
    let count = message.attachments.len();
    if count == 0 {
        return Ok((content, HashSet::new()));
    }
    let placed = json::placeholders(&message.text).map_err(|wrong| invalid("usable", wrong.0))?;
    if let Some(number) = placed.iter().find(|&&number| number >= count as u64) {
        return Err(Problem::new(Code::PlaceholderInvalid)
            .with("event", quoted(event))
            .with("number", number)
            .with("count", count));
    }
    Ok((content, placed.into_iter().map(|number| number as usize).collect()))
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
