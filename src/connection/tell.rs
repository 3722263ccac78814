//! What the host is told: the events of the listener nodes, the log.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::acks::Ask;
use super::session::{Failure, Retry, Session};
use crate::descriptor::{field_index, type_id};
use crate::diagnostics::log::{self, Level};
use crate::diagnostics::{Code, Problem, Range, nearest};
use crate::events::{Event, Output, Text};
use crate::protocol::socketio::DEFAULT_NAMESPACE;

/// Names of events about which a hint is given, at most: after them the server is known to send what is not wanted.
const HINTS: usize = 32;
/// Names that are compared with one that nobody subscribes to.
const COMPARED: usize = 1_000;

/// Bytes of such a name that are shown.
const HINT_LENGTH: usize = 200;

/// Problems remembered at most; over it they are told again.
const TOLD_LIMIT: usize = 1_000;

impl Session {
    pub(super) fn push_event(&mut self, node_type: u32, outputs: Vec<Output>) {
        self.events.push(Event::of(node_type, self.shared.handle, outputs));
    }

    pub(super) fn tell_subscription(&mut self, node_type: u32, namespace: &str, event: &str) {
        let namespace = self.open_namespace(namespace).text.clone();
        self.push_event(node_type, vec![Output::Pulse(true), Output::Text(namespace), Output::Text(event.into())]);
    }

    pub(super) fn tell_not_sent(&mut self, count: usize, reason: &str, namespace: &str) {
        if count > 0 {
            let problem = Problem::new(Code::NotSent).with("count", count).with("reason", reason);
            self.tell(problem, namespace, 0, false, None);
        }
    }

    /// Timeout of a Send: no reply came, or none can come.
    pub(super) fn tell_no_reply(&mut self, ask: &Ask, why: Option<Range>) {
        let mut outputs = vec![Output::None; 6];
        outputs[0] = Output::Pulse(false);
        outputs[1] = Output::Pulse(false);
        outputs[3] = Output::Pulse(true);
        self.events.push(Event {
            node: ask.node,
            request: ask.request,
            pulse: field_index::send::TIMEOUT_PULSE as u32,
            error: Some(why.unwrap_or(Range::NoAnswer)),
            ..Event::of(type_id::SEND, self.shared.handle, outputs)
        });
    }

    /// A Send is given up: if it asks for a reply, its Timeout fires.
    pub(super) fn give_up_question(&mut self, request: u64, why: Range) {
        if let Some(ask) = self.asks.give_up(request) {
            self.tell_no_reply(&ask, Some(why));
        }
    }

    /// On Socket.IO Error, unless the same was told already since the state last changed.
    pub fn tell(&mut self, problem: Problem, namespace: &str, node: u64, fatal: bool, retry_in: Option<Duration>) {
        let key = hash((problem.code(), namespace, problem.message()));
        self.tell_once(key, problem, namespace, node, fatal, retry_in);
    }

    /// The same for what ended an attempt to connect, or a connection.
    pub fn tell_failure(&mut self, failure: Failure, fatal: bool, retry_in: Option<Duration>) {
        let Failure { problem, namespace, retry, .. } = failure;
        // A server that answers nonsense is one problem, even if the nonsense differs each time. That it refuses in other
        // words is news.
        let is_one = problem.code().quotes_peer() && retry != Retry::Refused;
        let words = if is_one { String::new() } else { problem.message() };
        let key = hash((problem.code(), &namespace, words));
        self.tell_once(key, problem, &namespace, 0, fatal, retry_in);
    }

    fn tell_once(
        &mut self,
        key: u64,
        problem: Problem,
        namespace: &str,
        node: u64,
        fatal: bool,
        retry_in: Option<Duration>,
    ) {
        // Servers and proxies may repeat what they were sent.
        let message = self.secrets.mask(&problem.message());
        self.shared.status.set_last_error(problem.range());
        if self.told.len() >= TOLD_LIMIT {
            self.told.clear();
        }
        if !self.told.insert(key) {
            self.log(Level::Debug, || format!("Again: {message}"));
            return;
        }
        self.log(Level::Error, || format!("{}: {message} {}", problem.name(), problem.remedy()));
        self.events.push(error_event(self.shared.handle, &problem, &message, namespace, node, fatal, retry_in));
    }

    /// An event that no node subscribes to, once for each name: it may be spelt otherwise there.
    pub(super) fn hint_unsubscribed(&mut self, namespace: &str, event: &str) {
        if self.hinted.len() >= HINTS {
            return;
        }
        if self.hinted.insert(hash((namespace, event))) {
            let hint = match nearest(event, self.subscriptions.names(namespace).take(COMPARED)) {
                Some(meant) => format!(" (one subscribes to \"{meant}\")"),
                None => String::new(),
            };
            let event = &event[..event.floor_char_boundary(HINT_LENGTH)];
            self.info(|| format!("Event \"{event}\" arrives in {namespace}, but no node subscribes to it{hint}"));
        }
    }

    pub(super) fn log(&self, level: Level, message: impl FnOnce() -> String) {
        let line = || self.secrets.mask(&format!("{}: {}", self.shared.name, message()));
        log::write(level, self.shared.handle, line);
    }

    pub(super) fn warn(&self, message: impl FnOnce() -> String) {
        self.log(Level::Warning, message);
    }

    pub(super) fn info(&self, message: impl FnOnce() -> String) {
        self.log(Level::Info, message);
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// On Socket.IO Error.
pub fn error_event(
    connection: u64,
    problem: &Problem,
    message: &str,
    namespace: &str,
    node: u64,
    fatal: bool,
    retry_in: Option<Duration>,
) -> Event {
    let outputs = vec![
        Output::Pulse(true),
        Output::Text(if namespace == DEFAULT_NAMESPACE { Text::constant(c"/") } else { namespace.into() }),
        Output::Text(message.into()),
        Output::Text(problem.name().into()),
        Output::Text(problem.remedy().into()),
        Output::Bool(fatal),
        Output::Float(retry_in.unwrap_or_default().as_secs_f64()),
    ];
    Event { node, error: Some(problem.range()), ..Event::of(type_id::ON_ERROR, connection, outputs) }
}
