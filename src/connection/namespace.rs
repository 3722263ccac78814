//! Namespaces: joined when first used, on the same connection, each failing alone.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;

use super::backoff::Backoff;
use super::session::{Failure, Outgoing, Retry, Session, reason};
use super::status::State;
use super::waiting::Waiting;
use crate::descriptor::type_id;
use crate::diagnostics::{Code, Problem, Range};
use crate::events::{Output, Text};
use crate::protocol::socketio::{self, Connected, DEFAULT_NAMESPACE, Refused};
use crate::transport::Frame;

/// Where joining a namespace has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joining {
    /// Not asked for.
    Idle,
    /// The server ended it; to be asked for again then.
    Later(Instant),
    /// Asked for; to be answered by then.
    Asked(Instant),
    /// Connected.
    Joined,
    /// Asked for, and not answered in time. An answer that comes late is still taken.
    Late,
    /// The server said no. Not asked for again before the next session.
    Refused,
}

/// An event that has to wait until its namespace is joined.
pub struct Early {
    /// The server's ack id.
    pub id: Option<u64>,
    /// The JSON.
    pub payload: String,
    /// Binary data; None: let go, since nobody listened.
    pub attachments: Option<Vec<Bytes>>,
}

impl Early {
    /// Bytes that it holds.
    pub fn size(&self) -> usize {
        let attachments: usize = self.attachments.iter().flatten().map(|item| item.len() + size_of::<Bytes>()).sum();
        size_of::<Early>() + self.payload.len() + attachments
    }
}

/// See the module.
pub struct Namespace {
    /// Its name for events.
    pub text: Text,
    /// Where joining it has come to.
    pub joining: Joining,
    /// Messages that wait until it is joined.
    pub waiting: Waiting,
    /// Events that came before the answer to CONNECT: a server that recovers a session replays them first.
    pub early: Vec<Early>,
    /// Bytes that they hold.
    pub early_bytes: usize,
    /// Id by which the session can be recovered, if the server offers that.
    pub recovery_id: Option<String>,
    /// How often the server ended it since the connection opened.
    pub leaves: Backoff,
    /// Offset of the last event, for the same.
    pub offset: Option<String>,
}

impl Namespace {
    /// A namespace that is not asked for.
    pub fn new(name: &str) -> Namespace {
        Namespace {
            text: if name == DEFAULT_NAMESPACE { Text::constant(c"/") } else { name.into() },
            joining: Joining::Idle,
            waiting: Waiting::default(),
            leaves: Backoff::default(),
            early: Vec::new(),
            early_bytes: 0,
            recovery_id: None,
            offset: None,
        }
    }

    /// Takes the events that came too early.
    pub fn take_early(&mut self) -> Vec<Early> {
        self.early_bytes = 0;
        std::mem::take(&mut self.early)
    }
}

impl Session {
    pub(super) fn open_namespace(&mut self, name: &str) -> &mut Namespace {
        if !self.namespaces.contains_key(name) {
            self.namespaces.insert(name.to_string(), Box::new(Namespace::new(name)));
        }
        self.namespaces.get_mut(name).expect("it was inserted if it was not there")
    }

    pub(super) fn joined(&self, name: &str) -> bool {
        self.namespaces.get(name).is_some_and(|namespace| namespace.joining == Joining::Joined)
    }

    /// Asks for a namespace, if it is not asked for and there is somebody to ask.
    pub(super) fn join(&mut self, name: &str) -> &mut Namespace {
        let idle = self.namespaces.get(name).is_none_or(|namespace| namespace.joining == Joining::Idle);
        if idle && self.open && self.started {
            self.ask_for(name);
        }
        self.open_namespace(name)
    }

    pub(super) fn ask_for(&mut self, name: &str) {
        let mut auth = self.auth.clone();
        let deadline = Instant::now() + self.config.connect_timeout;
        let namespace = self.open_namespace(name);
        namespace.joining = Joining::Asked(deadline);
        if let Some(recovery_id) = &namespace.recovery_id {
            auth.insert("pid".into(), recovery_id.clone().into());
            if let Some(offset) = &namespace.offset {
                auth.insert("offset".into(), offset.clone().into());
            }
        }
        let auth = (!auth.is_empty()).then(|| serde_json::Value::Object(auth).to_string());
        let text = socketio::encode_connect(name, auth.as_deref());
        self.log_outgoing(&text, &[]);
        let frame = Frame::Text(text);
        self.outbox.push_back(Outgoing::alone(frame));
    }

    /// The server let us in.
    pub(super) fn namespace_joined(&mut self, name: &str, connected: Connected) -> Result<(), Failure> {
        let Some(namespace) = self.namespaces.get_mut(name) else { return Ok(()) };
        if !matches!(namespace.joining, Joining::Asked(_) | Joining::Late) {
            return Ok(());
        }
        namespace.joining = Joining::Joined;
        let recovered = connected.pid.is_some() && namespace.recovery_id == connected.pid;
        if !recovered {
            namespace.offset = None;
        }
        namespace.recovery_id = connected.pid;
        self.shared.status.namespaces.fetch_add(1, Ordering::Relaxed);
        if !std::mem::replace(&mut self.stands, true) {
            self.told.clear();
            self.shared.status.set_state(State::Connected);
        }
        if name == DEFAULT_NAMESPACE {
            self.info(|| format!("Connected to {}", self.config.address));
            let is_reconnect = std::mem::replace(&mut self.was_connected, true);
            self.push_event(
                type_id::ON_START,
                vec![
                    Output::Pulse(true),
                    Output::Text(connected.sid.into()),
                    Output::Bool(is_reconnect),
                    Output::Bool(recovered),
                ],
            );
            self.measure_round_trip();
        }
        for event in self.subscriptions.events(name) {
            self.tell_subscription(type_id::ON_SUBSCRIBE, name, &event);
        }
        if !self.replay_early(name) {
            self.send_waiting(name);
        }
        Ok(())
    }

    /// Sends what waited for the namespace, once all is handed out that the server sent too early: one event of that may end
    /// the connection, and must take no message with it.
    pub(super) fn send_waiting(&mut self, name: &str) {
        let waiting = self.namespaces.get_mut(name).map(|namespace| namespace.waiting.take());
        for send in waiting.unwrap_or_default() {
            self.send_in(name, send);
        }
    }

    /// The server did not let us in.
    pub(super) fn namespace_refused(&mut self, name: &str, refused: &Refused) -> Result<(), Failure> {
        let Some(namespace) = self.namespaces.get_mut(name) else { return Ok(()) };
        if !matches!(namespace.joining, Joining::Asked(_) | Joining::Late) {
            return Ok(());
        }
        namespace.joining = Joining::Refused;
        namespace.take_early();
        let problem = Problem::refused_namespace(name, &refused.message, &refused.data);
        self.namespace_failed(name, problem, Retry::Refused, "was refused")
    }

    /// A namespace fails alone; the session ends with the last one.
    pub(super) fn namespace_failed(
        &mut self,
        name: &str,
        problem: Problem,
        retry: Retry,
        what: &str,
    ) -> Result<(), Failure> {
        let others = self.namespaces.iter().any(|(other, namespace)| {
            other != name && matches!(namespace.joining, Joining::Joined | Joining::Asked(_))
        });
        if !others {
            return Err(Failure { problem, namespace: name.into(), reason: reason::CONNECT, retry });
        }
        self.tell(problem, name, 0, true, None);
        let waiting = self.namespaces.get_mut(name).map(|namespace| namespace.waiting.take()).unwrap_or_default();
        let given_up = self.give_up(waiting);
        self.tell_not_sent(given_up, &format!("namespace {name} {what}"), name);
        Ok(())
    }

    /// The server ended a namespace on purpose.
    pub(super) fn namespace_left(&mut self, name: &str) -> Result<(), Failure> {
        if !self.joined(name) {
            return Ok(());
        }
        let problem = Problem::new(Code::ServerDisconnect).with("namespace", name);
        if name == DEFAULT_NAMESPACE {
            let again = self.config.reconnect.after_server_disconnect;
            let retry = if again { Retry::Soon } else { Retry::Never };
            return Err(Failure { retry, ..Failure::lost(problem, reason::SERVER) });
        }
        let reconnect = self.config.reconnect;
        let mut retry_in = None;
        if let Some(namespace) = self.namespaces.get_mut(name) {
            retry_in = reconnect.after_server_disconnect.then(|| namespace.leaves.next(&reconnect, fastrand::f64()));
            namespace.joining = retry_in.map_or(Joining::Idle, |wait| Joining::Later(Instant::now() + wait));
            (namespace.recovery_id, namespace.offset) = (None, None);
        }
        self.questions.forget(name);
        self.shared.status.namespaces.fetch_sub(1, Ordering::Relaxed);
        for ask in self.asks.give_up_all(|ask| ask.namespace == name) {
            self.tell_no_reply(&ask, Some(Range::NotConnected));
        }
        self.tell(problem, name, 0, false, retry_in);
        Ok(())
    }
}
