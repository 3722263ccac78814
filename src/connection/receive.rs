//! From frames to events.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::Delivery;
use super::layout::lay_out;
use super::namespace::{Early, Joining};
use super::session::{Failure, Session, reason};
use super::traffic::Direction;
use crate::descriptor::{field_index, type_id};
use crate::diagnostics::{Code, Problem, clock, failpoint};
use crate::events::{Body, Class, Event, Output, Received, Text, take_room};
use crate::protocol::json::{self, Elements};
use crate::protocol::socketio::{self, Connected, Kind, Packet, RESERVED_EVENTS, Refused};
use crate::protocol::{Malformed, engineio};
use crate::transport::Incoming;

/// Bytes of the offset of a recovery at most: adapters use some ten, and it is sent back with each CONNECT.
const OFFSET_LIMIT: usize = 256;

/// A packet whose attachments are still coming.
pub struct Partial {
    kind: Kind,
    namespace: String,
    id: Option<u64>,
    payload: String,
    expected: usize,
    attachments: Vec<Bytes>,
    /// Bytes of the attachments so far.
    held: usize,
    /// When the next one must have come.
    pub(super) deadline: Instant,
    /// Nobody listens: the attachments are let go as they come.
    unwanted: bool,
}

impl Session {
    /// Frames are about to be received: they share one look at the clock.
    pub fn listen(&mut self) {
        self.heard_at_us = clock::now_us();
        if self.events.capacity() == 0 {
            self.events = take_room();
        }
    }

    /// A frame from the server.
    pub fn receive(&mut self, frame: Incoming<'_>) -> Result<(), Failure> {
        failpoint::pass("receive", &self.shared.name);
        match frame {
            Incoming::Text(text) => self.receive_text(&text),
            Incoming::Binary(bytes) => self.receive_attachment(bytes),
            Incoming::Pong => {
                self.ponged();
                Ok(())
            }
            Incoming::RoundTrip(took) => {
                self.round_trip(took);
                Ok(())
            }
            Incoming::Upgraded => {
                self.upgraded();
                Ok(())
            }
            Incoming::NotUpgraded(reason) => {
                self.not_upgraded(reason);
                Ok(())
            }
        }
    }

    fn receive_text(&mut self, text: &str) -> Result<(), Failure> {
        let packet = engineio::decode(text).map_err(|wrong| self.broken(&wrong, reason::ERROR))?;
        match packet {
            engineio::Packet::Message(message) => {
                if self.partial.is_some() {
                    let wrong = Malformed("a packet where an attachment was due".into());
                    return Err(self.broken(&wrong, reason::PARSE));
                }
                let packet = socketio::decode(message).map_err(|wrong| self.broken(&wrong, reason::PARSE))?;
                self.receive_packet(&packet)
            }
            engineio::Packet::Ping => {
                self.log_engine(Direction::In, "PING");
                self.pinged();
                Ok(())
            }
            engineio::Packet::Close => {
                self.log_engine(Direction::In, "CLOSE");
                Err(self.lost("the server closed it", reason::CLOSE))
            }
            engineio::Packet::Open(_) => Err(self.broken(&Malformed("a second handshake".into()), reason::ERROR)),
            engineio::Packet::Pong | engineio::Packet::Noop => Ok(()),
        }
    }

    fn receive_packet(&mut self, packet: &Packet<'_>) -> Result<(), Failure> {
        let name = packet.namespace;
        match packet.kind {
            Kind::Connect => {
                // A server of version 2 sends this without being asked, and without an id.
                if packet.payload.is_empty() {
                    let problem = Problem::new(Code::ProtocolVersion2).with("address", &self.config.address);
                    return Err(Failure::lost(problem, reason::CONNECT));
                }
                let connected =
                    Connected::decode(packet.payload).map_err(|wrong| self.broken(&wrong, reason::PARSE))?;
                self.log_packet(Direction::In, packet, None);
                self.namespace_joined(name, connected)
            }
            Kind::ConnectError => {
                self.log_packet(Direction::In, packet, None);
                self.namespace_refused(name, &Refused::decode(packet.payload))
            }
            Kind::Disconnect => {
                self.log_packet(Direction::In, packet, None);
                self.namespace_left(name)
            }
            Kind::Event | Kind::Ack => self.complete(packet, Some(Vec::new())),
            Kind::BinaryEvent | Kind::BinaryAck => {
                let limit = self.config.limits.message_attachments;
                if packet.attachments > limit {
                    return Err(self.over_limit(format!("{} attachments, limit {limit}", packet.attachments)));
                }
                if packet.attachments == 0 {
                    return self.complete(packet, Some(Vec::new()));
                }
                let unwanted = packet.kind == Kind::BinaryEvent
                    && json::quick_name(packet.payload)
                        .is_some_and(|event| self.subscriptions.delivery(name, event).is_none());
                self.partial = Some(Box::new(Partial {
                    kind: packet.kind,
                    expected: packet.attachments,
                    namespace: name.to_string(),
                    id: packet.id,
                    payload: packet.payload.to_string(),
                    attachments: Vec::new(),
                    held: 0,
                    deadline: Instant::now() + self.config.limits.attachment_timeout,
                    unwanted,
                }));
                Ok(())
            }
        }
    }

    fn receive_attachment(&mut self, bytes: Cow<'_, [u8]>) -> Result<(), Failure> {
        let limits = &self.config.limits;
        let limit = limits.message_bytes;
        let Some(partial) = &mut self.partial else {
            return Err(self.broken(&Malformed("an attachment that no packet announced".into()), reason::PARSE));
        };
        partial.held += bytes.len();
        if partial.held > limit {
            return Err(self.over_limit(format!("attachments of more than {limit} bytes together")));
        }
        partial.attachments.push(if partial.unwanted { Bytes::new() } else { bytes.into_owned().into() });
        if partial.attachments.len() < partial.expected {
            partial.deadline = Instant::now() + limits.attachment_timeout;
            return Ok(());
        }
        let Some(partial) = self.partial.take() else { return Ok(()) };
        let Partial { kind, expected, namespace, id, payload, attachments, unwanted, .. } = *partial;
        let packet = Packet { kind, attachments: expected, namespace: &namespace, id, payload: &payload };
        self.complete(&packet, (!unwanted).then_some(attachments))
    }

    /// A packet with all its attachments; None: they were let go because nobody listened.
    fn complete(&mut self, packet: &Packet<'_>, attachments: Option<Vec<Bytes>>) -> Result<(), Failure> {
        self.log_packet(Direction::In, packet, attachments.as_deref());
        match (packet.kind, attachments) {
            (Kind::Ack | Kind::BinaryAck, attachments) => self.answered(packet, attachments.unwrap_or_default()),
            (_, attachments) => self.event(packet, attachments),
        }
    }

    /// The elements of what came, which must not be nested too deeply.
    fn elements<'a>(&self, payload: &'a str) -> Result<Elements<'a>, Failure> {
        if let Some(quick) = json::quick_elements(payload) {
            return Ok(quick);
        }
        let limit = self.config.limits.json_depth;
        if json::deeper_than(payload, limit) {
            return Err(self.over_limit(format!("JSON nested more than {limit} deep")));
        }
        json::parsed_elements(payload).map_err(|wrong| self.broken(&wrong, reason::PARSE))
    }

    fn event(&mut self, packet: &Packet<'_>, attachments: Option<Vec<Bytes>>) -> Result<(), Failure> {
        let Packet { namespace: name, id, payload, .. } = *packet;
        let Some(namespace) = self.namespaces.get(name) else { return Ok(()) };
        if namespace.joining != Joining::Joined {
            return self.keep_early(packet, attachments);
        }
        let keeps_offset = namespace.recovery_id.is_some();
        let namespace = namespace.text.clone();
        // Most events are known by a quick look at their name; those nobody listens to cost no more than that.
        let quick = json::quick_name(payload);
        let quick_delivery = quick.map(|event| self.subscriptions.delivery(name, event));
        if let (Some(event), Some(None)) = (quick, quick_delivery) {
            self.hint_unsubscribed(name, event);
            if !keeps_offset {
                return Ok(());
            }
        }
        let elements = self.elements(payload)?;
        let event = match (quick, elements.first) {
            (Some(event), _) => Cow::Borrowed(event),
            (None, Some(first)) if first.starts_with('"') => json::unescape(first),
            // The reference client takes a number as a name as well.
            (None, Some(first)) if first.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => Cow::Borrowed(first),
            _ => return Err(self.broken(&Malformed("an event without a name".into()), reason::PARSE)),
        };
        if RESERVED_EVENTS.contains(&&*event) {
            let wrong = Malformed(format!("an event of the reserved name {event}"));
            return Err(self.broken(&wrong, reason::PARSE));
        }
        let offset_is_last = keeps_offset && self.keep_offset(name, id, &elements);
        // Somebody may have subscribed since the first attachment was let go.
        let Some(attachments) = attachments else { return Ok(()) };
        let delivery = quick_delivery.unwrap_or_else(|| self.subscriptions.delivery(name, &event));
        let Some(delivery) = delivery else { return Ok(()) };
        let reply_id = match id {
            Some(id) => self.questions.add(name, id, self.config.limits.unanswered_replies),
            None => 0,
        };
        let class = match delivery {
            Delivery::Every => Class::Data,
            Delivery::Latest => {
                let mut hasher = DefaultHasher::new();
                (name, &*event).hash(&mut hasher);
                Class::Latest(hasher.finish())
            }
        };
        // Of those of which only the latest counts, each would keep the memory of a whole batch.
        let blocks = (class == Class::Data).then_some(&mut self.blocks);
        let texts = lay_out(&event, payload, &elements, offset_is_last, blocks);
        self.events.push(Event {
            node_type: type_id::ON_RECEIVE,
            pulse: 0,
            node: 0,
            request: 0,
            connection: self.shared.handle,
            sequence: 0,
            time_us: self.heard_at_us,
            error: None,
            class,
            body: Body::Received(Received { namespace, texts, attachments, reply_id }),
        });
        Ok(())
    }

    /// An event of a namespace whose answer is still due waits for it; one of any other namespace is nobody's.
    fn keep_early(&mut self, packet: &Packet<'_>, attachments: Option<Vec<Bytes>>) -> Result<(), Failure> {
        let limits = self.inbound_limits();
        let Some(namespace) = self.namespaces.get_mut(packet.namespace) else { return Ok(()) };
        if !matches!(namespace.joining, Joining::Asked(_)) {
            return Ok(());
        }
        let early = Early { id: packet.id, payload: packet.payload.to_string(), attachments };
        namespace.early_bytes += early.size();
        namespace.early.push(early);
        let over = match (namespace.early_bytes > limits.bytes, namespace.early.len() > limits.events) {
            (true, _) => format!("{} bytes", limits.bytes),
            (_, true) => limits.events.to_string(),
            _ => return Ok(()),
        };
        Err(self.over_limit(format!("events of more than {over} before the namespace was connected")))
    }

    /// What came before the namespace was joined is handed out before anything that comes now. Tells whether there is any.
    pub(super) fn replay_early(&mut self, name: &str) -> bool {
        let early = self.namespaces.get_mut(name).map(|namespace| namespace.take_early()).unwrap_or_default();
        let is_any = !early.is_empty();
        self.replay.extend(early.into_iter().map(|early| (name.to_string(), early)));
        is_any
    }

    /// Hands out the next event that came too early; false: there is none.
    pub fn replay_next(&mut self) -> Result<bool, Failure> {
        let Some((name, Early { id, payload, attachments })) = self.replay.pop_front() else { return Ok(false) };
        let count = attachments.as_ref().map_or(0, Vec::len);
        let packet = Packet { kind: Kind::Event, attachments: count, namespace: &name, id, payload: &payload };
        self.event(&packet, attachments)?;
        if self.replay.front().is_none_or(|(next, _)| *next != name) {
            self.send_waiting(&name);
        }
        Ok(true)
    }

    /// Remembers the offset by which a session is recovered: the last argument, if it is text. Tells whether that was
    /// put there for this purpose and not by whoever sent the event.
    fn keep_offset(&mut self, name: &str, id: Option<u64>, elements: &Elements<'_>) -> bool {
        // An event that wants an answer has none.
        let is_text = |last: &&str| id.is_none() && last.starts_with('"') && last.len() <= OFFSET_LIMIT;
        let Some(last) = elements.last.filter(is_text) else { return false };
        let last = json::unescape(last);
        let is_offset = socketio::looks_like_offset(&last, unix_ms());
        if let Some(namespace) = self.namespaces.get_mut(name) {
            namespace.offset = Some(last.into_owned());
        }
        is_offset
    }

    fn answered(&mut self, packet: &Packet<'_>, attachments: Vec<Bytes>) -> Result<(), Failure> {
        let Packet { namespace, id, payload, .. } = *packet;
        let elements = self.elements(payload)?;
        // Too late, twice, or never asked: nobody waits for it.
        let Some(ask) = id.and_then(|id| self.asks.answered(namespace, id)) else { return Ok(()) };
        let reply = match elements {
            Elements { count: 0, .. } => Cow::Borrowed(""),
            Elements { count: 1, first: Some(only), .. } if only.starts_with('"') => json::unescape(only),
            Elements { count: 1, first: Some(only), .. } => Cow::Borrowed(only),
            _ => Cow::Borrowed(payload),
        };
        let outputs = vec![
            Output::Pulse(false),
            Output::Pulse(true),
            Output::Text(Text::from(reply)),
            Output::Pulse(false),
            Output::Json(payload.into()),
            Output::Attachments(attachments),
        ];
        self.events.push(Event {
            node: ask.node,
            request: ask.request,
            pulse: field_index::send::REPLY_PULSE as u32,
            ..Event::of(type_id::SEND, self.shared.handle, outputs)
        });
        Ok(())
    }

    /// The server sent what is no packet.
    pub(super) fn broken(&self, wrong: &Malformed, why: &'static str) -> Failure {
        let problem = Problem::new(Code::ProtocolError).with("address", &self.config.address).with("reason", &wrong.0);
        Failure::lost(problem, why)
    }

    /// The server sent more than a limit.
    pub(super) fn over_limit(&self, what: String) -> Failure {
        let problem = Problem::new(Code::LimitExceeded).with("address", &self.config.address).with("reason", what);
        Failure::lost(problem, reason::PARSE)
    }

    /// The connection is gone.
    pub(super) fn lost(&self, how: &str, why: &'static str) -> Failure {
        let problem = Problem::new(Code::ConnectionLost).with("address", &self.config.address).with("reason", how);
        Failure::lost(problem, why)
    }
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
