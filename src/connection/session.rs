//! What one connection knows and decides. No I/O: commands, frames and the clock come in; frames and events go out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::acks::{Asks, Questions};
use super::examine::Tests;
use super::heartbeat::Heartbeat;
use super::mailbox::Commands;
use super::namespace::{Early, Joining, Namespace};
use super::receive::Partial;
use super::status::{State, Transport};
use super::subscriptions::Subscriptions;
use super::traffic::Direction;
use super::unread::UNREAD_CHECK;
use super::{Command, Connection, Owed, Reservation, SendEvent, Subscribe};
use crate::descriptor::type_id;
use crate::diagnostics::{Code, Problem, Range, Secrets, failpoint};
use crate::events::{Blocks, Event, EventQueue, Output};
use crate::protocol::engineio::{self, Handshake};
use crate::protocol::socketio::{self, DEFAULT_NAMESPACE};
use crate::settings::{Auth, ConnectionConfig};
use crate::transport::Frame;

/// Reasons of On Socket.IO Stop, in the words of the reference client.
pub mod reason {
    /// Stop was pulsed, or the connection removed.
    pub const CLIENT: &str = "io client disconnect";
    /// The server ended it on purpose.
    pub const SERVER: &str = "io server disconnect";
    /// The server was silent.
    pub const PING_TIMEOUT: &str = "ping timeout";
    /// The connection was closed.
    pub const CLOSE: &str = "transport close";
    /// The connection broke.
    pub const ERROR: &str = "transport error";
    /// The server sent what is no packet.
    pub const PARSE: &str = "parse error";
    /// It never stood (the reference client calls this event connect_error).
    pub const CONNECT: &str = "connect error";
    /// The plugin was deactivated.
    pub const DISABLED: &str = "plugin disabled";
}

/// How a session, or an attempt to begin one, came to its end.
#[derive(Debug)]
pub enum End {
    /// The host wants it so: a Stop, a removal, a change of settings, a Start during a wait. What is left in the inbox comes after it.
    Wanted,
    /// Something failed.
    Failed(Failure),
}

/// Something that ends a connection.
#[derive(Debug)]
pub struct Failure {
    /// What to tell.
    pub problem: Problem,
    /// In which namespace.
    pub namespace: String,
    /// For On Socket.IO Stop.
    pub reason: &'static str,
    /// Whether trying again may help.
    pub retry: Retry,
}

/// Whether trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may, soon.
    Soon,
    /// The other end said no: only other credentials help, or time.
    Refused,
    /// It is not wanted.
    Never,
}

impl Failure {
    /// A failure after which it is tried again soon.
    pub fn lost(problem: Problem, reason: &'static str) -> Failure {
        Failure { problem, namespace: DEFAULT_NAMESPACE.into(), reason, retry: Retry::Soon }
    }

    /// A failure after which it is tried again as the problem asks for.
    pub fn of(problem: Problem, reason: &'static str) -> Failure {
        let refused = matches!(problem.code(), Code::HttpForbidden | Code::EngineForbidden | Code::ProxyAuth);
        Failure { retry: if refused { Retry::Refused } else { Retry::Soon }, ..Failure::lost(problem, reason) }
    }
}

/// A frame on its way out, with its place in the queue.
pub struct Outgoing {
    /// The frame.
    pub frame: Frame,
    /// What follows it, if attachments do.
    pub attached: Option<Box<Attached>>,
    /// Given back when the frame has been taken by the transport.
    pub reservation: Option<Reservation>,
}

/// The attachments of a packet, for whoever asks whether they can be sent.
pub struct Attached {
    /// Bytes of the largest one.
    pub largest: usize,
    /// The event, for a sentence.
    pub event: String,
    /// Number of the request, 0 if no reply is wanted.
    pub request: u64,
}

impl Outgoing {
    /// A frame that nothing follows and nobody counts.
    pub fn alone(frame: Frame) -> Outgoing {
        Outgoing { frame, attached: None, reservation: None }
    }

    /// Whether it belongs to the packet before it.
    pub fn is_attachment(&self) -> bool {
        matches!(self.frame, Frame::Binary(_))
    }

    /// Bytes of its largest attachment.
    pub fn largest_attachment(&self) -> usize {
        self.attached.as_ref().map_or(0, |attached| attached.largest)
    }
}

/// Commands carried out before what they send is written: no more of it than that is held at once.
const COMMANDS_AT_ONCE: usize = 512;

/// Commands carried out, of a host that never stops saying something, before other connections get their turn.
const COMMANDS_IN_A_ROW: usize = 4 * COMMANDS_AT_ONCE;

/// See the module.
pub struct Session {
    pub(super) shared: Arc<Connection>,
    pub(super) config: Arc<ConnectionConfig>,
    /// Commands taken from the mailbox, not carried out yet.
    pub(super) inbox: Commands,
    /// Commands carried out since the mailbox was last empty.
    in_a_row: usize,
    /// What is owed for the one that is being carried out.
    owed: Option<Owed>,
    /// Frames for the transport.
    pub(super) outbox: VecDeque<Outgoing>,
    /// Events for the host.
    pub(super) events: Vec<Event>,
    /// Memory for those that are received.
    pub(super) blocks: Blocks,
    pub(super) subscriptions: Subscriptions,
    /// Mostly a single one: the map makes room for eleven.
    pub(super) namespaces: BTreeMap<String, Box<Namespace>>,
    pub(super) asks: Asks,
    pub(super) questions: Questions,
    /// Events that came before their namespace was joined and are handed out now, a few at a time.
    pub(super) replay: VecDeque<(String, Early)>,
    /// A packet whose attachments are still coming.
    pub(super) partial: Option<Box<Partial>>,
    /// What the server takes at most in one message.
    pub(super) max_payload: usize,
    /// Credentials, as they were read for this connection.
    pub(super) auth: Auth,
    /// What the log must not show.
    pub(super) secrets: Secrets,
    pub(super) heartbeat: Option<Heartbeat>,
    /// An answer to a ping of the server is in the outbox.
    pub(super) pong_is_due: bool,
    /// When our own ping was handed to the transport, or put into the outbox.
    pub(super) ping_sent: Option<Instant>,
    /// When the frames that are being received came, for their events.
    pub(super) heard_at_us: u64,
    /// Between Start and the final On Stop.
    pub(super) started: bool,
    /// The engine is open.
    pub(super) open: bool,
    /// A namespace is connected.
    pub(super) stands: bool,
    /// On Start was told, in this session of the host.
    pub(super) was_connected: bool,
    /// Set by Shutdown: the task ends.
    pub(super) shut_down: bool,
    /// Connection tests, which go on whatever becomes of the session.
    pub(super) tests: Tests,
    /// The host takes nothing of what it is told: what causes more waits.
    pub(super) is_unread: bool,
    /// Replies came although far too many wait for the host.
    pub(super) has_too_much: bool,
    /// Problems told since the state last changed, so that none is told again and again.
    pub(super) told: HashSet<u64>,
    /// Events that arrived without a subscription, of which a hint was given since Start.
    pub(super) hinted: HashSet<u64>,
}

impl Session {
    /// A stopped connection with these subscriptions.
    pub fn new(shared: Arc<Connection>, config: Arc<ConnectionConfig>, subscriptions: Subscriptions) -> Session {
        shared.status.set_state(State::Stopped);
        Session {
            shared,
            config,
            inbox: Commands::default(),
            in_a_row: 0,
            owed: None,
            outbox: VecDeque::new(),
            events: Vec::new(),
            blocks: Blocks::default(),
            subscriptions,
            namespaces: BTreeMap::new(),
            asks: Asks::default(),
            questions: Questions::default(),
            replay: VecDeque::new(),
            partial: None,
            max_payload: usize::MAX,
            auth: Auth::new(),
            secrets: Secrets::default(),
            heartbeat: None,
            pong_is_due: false,
            ping_sent: None,
            heard_at_us: 0,
            started: false,
            open: false,
            stands: false,
            was_connected: false,
            shut_down: false,
            tests: Tests::default(),
            is_unread: false,
            has_too_much: false,
            told: HashSet::new(),
            hinted: HashSet::new(),
        }
    }

    /// Whether the host wants a connection.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether a namespace is connected.
    pub fn stands(&self) -> bool {
        self.stands
    }

    /// Whether a host that goes on and on has been obeyed for long: then others get their turn.
    pub fn is_kept_busy(&mut self) -> bool {
        let is_long = self.in_a_row >= COMMANDS_IN_A_ROW;
        if is_long {
            self.in_a_row = 0;
        }
        is_long
    }

    /// Whether the host has said more than was carried out.
    pub fn has_commands(&self) -> bool {
        !self.inbox.is_empty() || self.shared.mailbox.is_fresh()
    }

    /// Whether the task is to end.
    pub fn is_shut_down(&self) -> bool {
        self.shut_down
    }

    /// A fault happened in it, so that what it knew may be half changed: it begins anew. What the designer set up, what the
    /// host said since, and what it is owed, is kept.
    pub fn recover(&mut self, what: &str) {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        let fresh = Session::new(Arc::clone(&self.shared), Arc::clone(&self.config), subscriptions);
        let broken = std::mem::replace(self, fresh);
        (self.inbox, self.events, self.asks) = (broken.inbox, broken.events, broken.asks);
        (self.tests, self.told) = (broken.tests, broken.told);
        let problem = Problem::new(Code::Internal).with("connection", &self.config.name).with("reason", what);
        self.tell(problem, DEFAULT_NAMESPACE, 0, true, None);
        let waiting = broken.namespaces.into_values().flat_map(|mut namespace| namespace.waiting.take());
        let given_up = self.give_up(waiting);
        self.tell_not_sent(given_up, "a fault inside the plugin", DEFAULT_NAMESPACE);
        if broken.started || matches!(broken.owed, Some(Owed::End)) {
            self.disconnected(reason::ERROR, false);
        }
        if let Some(Owed::Reply(ask)) = broken.owed
            && !self.asks.is_open(ask.request)
            && !self.events.iter().any(|event| event.request == ask.request)
        {
            self.tell_no_reply(&ask, Some(Range::Internal));
        }
        self.shut_down = broken.shut_down;
    }

    // ---- Commands -------------------------------------------------------------------------------------------------

    /// Carries out what the mailbox holds and tells what came of it.
    pub fn obey(&mut self, events: &EventQueue) -> Result<(), End> {
        if self.inbox.is_empty() {
            self.shared.mailbox.take(&mut self.inbox);
        }
        if self.inbox.is_empty() {
            self.in_a_row = 0;
        }
        let carried_out = self.carry_out();
        self.owed = None;
        self.publish(events);
        carried_out
    }

    /// Carries out some commands, or as many as there are before one that ends the session: then the rest waits.
    fn carry_out(&mut self) -> Result<(), End> {
        for _ in 0..COMMANDS_AT_ONCE {
            let Some(command) = self.inbox.next() else { break };
            self.in_a_row += 1;
            self.owed = command.owes();
            failpoint::pass("command", &self.shared.name);
            match command {
                Command::Start if self.started && self.shared.status.state() == State::Waiting => {
                    self.info(|| "Start: trying again at once".into());
                    return Err(End::Wanted);
                }
                Command::Start => self.start(),
                Command::Stop if self.started => {
                    self.stop(reason::CLIENT);
                    return Err(End::Wanted);
                }
                Command::Stop => {
                    let given_up = self.give_up_waiting();
                    self.tell_not_sent(given_up, "Stop was pulsed", DEFAULT_NAMESPACE);
                }
                Command::Send(send) => self.send(send),
                Command::Reply(reply) => self.reply(*reply),
                Command::Subscribe(subscribe) => self.subscribe(&subscribe),
                Command::Unsubscribe(subscribe) => self.unsubscribe(&subscribe),
                Command::Test(test) => self.tests.want(test),
                Command::QueueFull => {
                    let problem = Problem::new(Code::QueueFull)
                        .with("connection", &self.config.name)
                        .with("limit", self.shared.outbound.describe_limits())
                        .with("count", self.shared.outbound.refused.load(Ordering::Relaxed));
                    self.tell(problem, DEFAULT_NAMESPACE, 0, false, None);
                }
                Command::Configure(config) => {
                    self.shared.outbound.set_limits(&config.limits);
                    let anew = self.config.needs_new_connection(&config);
                    self.config = config;
                    self.told.clear();
                    if anew {
                        self.forget_recovery();
                    }
                    if self.started && anew {
                        self.info(|| "The settings changed: connecting anew".into());
                        self.disconnected(reason::CLIENT, true);
                        return Err(End::Wanted);
                    }
                }
                Command::Shutdown(why) => {
                    self.shut_down = true;
                    self.stop(why);
                    self.give_up_tests(why);
                    let too_late = std::mem::take(&mut self.inbox).chain(self.shared.mailbox.close());
                    self.refuse(too_late.collect(), why);
                    return Err(End::Wanted);
                }
            }
        }
        Ok(())
    }

    /// Commands that were put in behind the end: a question among them is owed its Timeout, a Start its On Stop.
    fn refuse(&mut self, commands: Vec<Command>, why: &'static str) {
        let mut started = false;
        for command in commands.into_iter().chain([Command::Stop]) {
            match command {
                Command::Start => started = true,
                Command::Stop if std::mem::take(&mut started) => self.disconnected(why, false),
                Command::Send(send) if send.request != 0 => {
                    self.tell_no_reply(&send.ask(), Some(Range::NotConnected));
                }
                Command::Test(test) => self.tell_test_given_up(test.node, test.request, why),
                _ => {}
            }
        }
    }

    fn start(&mut self) {
        if self.started {
            self.info(|| "Start: it is started already".into());
            return self.ask_again();
        }
        self.info(|| format!("Start: connecting to {}", self.config.address));
        self.started = true;
        self.was_connected = false;
        self.told.clear();
        self.hinted.clear();
        self.shared.status.attempts.store(0, Ordering::Relaxed);
        self.shared.status.set_state(State::Connecting);
        let subscriptions = &self.subscriptions;
        self.namespaces.retain(|name, namespace| subscriptions.has(name) || !namespace.waiting.is_empty());
        self.open_namespace(DEFAULT_NAMESPACE);
        let subscribed: Vec<String> = self.subscriptions.namespaces().map(str::to_string).collect();
        for name in subscribed {
            self.open_namespace(&name);
        }
    }

    /// Start on a running connection: no second socket, but namespaces that the server refused or left are asked for.
    fn ask_again(&mut self) {
        if !self.open {
            return;
        }
        self.wake_namespaces(|joining| matches!(joining, Joining::Refused | Joining::Idle));
    }

    /// Namespaces that are to be asked for again wait at least until then.
    fn put_off_namespaces(&mut self, until: Instant) {
        for namespace in self.namespaces.values_mut() {
            if let Joining::Later(at) = &mut namespace.joining {
                *at = until.max(*at);
            }
        }
    }

    fn wake_namespaces(&mut self, asleep: impl Fn(&Joining) -> bool) {
        let asleep = |namespace: &Namespace| asleep(&namespace.joining);
        let names: Vec<String> =
            self.namespaces.iter().filter(|(_, namespace)| asleep(namespace)).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.told.clear();
            self.open_namespace(&name).joining = Joining::Idle;
            self.join(&name);
        }
    }

    /// Ends what was started. Tells it exactly once.
    fn stop(&mut self, why: &'static str) {
        for (name, namespace) in &self.namespaces {
            if namespace.joining == Joining::Joined {
                let text = socketio::encode_disconnect(name);
                self.log_outgoing(&text, &[]);
                let frame = Frame::Text(text);
                self.outbox.push_back(Outgoing::alone(frame));
            }
        }
        self.end_session(why);
    }

    /// The session is over: nothing is tried any more.
    pub fn end_session(&mut self, why: &'static str) {
        let given_up = self.give_up_waiting();
        self.tell_not_sent(given_up, &format!("the connection ended ({why})"), DEFAULT_NAMESPACE);
        if self.started {
            self.disconnected(why, false);
            self.started = false;
        } else {
            self.reset();
        }
        let subscriptions = &self.subscriptions;
        self.namespaces.retain(|name, _| subscriptions.has(name));
        self.forget_recovery();
        self.shared.status.set_state(State::Stopped);
    }

    /// Recovery is for lost connections to the same server; what comes next is a new session.
    fn forget_recovery(&mut self) {
        for namespace in self.namespaces.values_mut() {
            (namespace.recovery_id, namespace.offset) = (None, None);
        }
    }

    fn subscribe(&mut self, subscribe: &Subscribe) {
        let Some(name) = self.namespace_of(subscribe, "Socket.IO Subscribe") else { return };
        let is_new = self.subscriptions.add(&name, &subscribe.event, subscribe.delivery);
        self.join(&name);
        if is_new && self.joined(&name) {
            self.tell_subscription(type_id::ON_SUBSCRIBE, &name, &subscribe.event);
        }
    }

    fn unsubscribe(&mut self, subscribe: &Subscribe) {
        let Some(name) = self.namespace_of(subscribe, "Socket.IO Unsubscribe") else { return };
        if self.subscriptions.remove(&name, &subscribe.event) {
            self.tell_subscription(type_id::ON_UNSUBSCRIBE, &name, &subscribe.event);
        }
    }

    /// The namespace that a node with this label means; None: what is wrong was told.
    fn namespace_of<'a>(&mut self, subscribe: &'a Subscribe, label: &str) -> Option<Cow<'a, str>> {
        let name = socketio::normal_namespace(&subscribe.namespace);
        if subscribe.event.is_empty() {
            self.tell_no_event_name(label, subscribe.node, &name);
            return None;
        }
        if !socketio::is_namespace(&name) {
            self.tell_wrong_namespace(&name, subscribe.node);
            return None;
        }
        Some(name)
    }

    fn tell_no_event_name(&mut self, label: &str, node: u64, namespace: &str) {
        let problem = Problem::new(Code::EventNameMissing).with("node", label);
        self.tell(problem, namespace, node, false, None);
    }

    pub(super) fn tell_wrong_namespace(&mut self, namespace: &str, node: u64) {
        let problem = Problem::new(Code::NamespaceWrong).with("namespace", format!("\"{namespace}\""));
        self.tell(problem, namespace, node, false, None);
    }

    // ---- The engine -----------------------------------------------------------------------------------------------

    /// The transport is open and the server has shaken hands: ask for all namespaces.
    pub fn opened(&mut self, handshake: &Handshake, auth: Auth, deadline: Instant, is_polling: bool) {
        self.auth = auth;
        self.open = true;
        let transport = if is_polling { Transport::Polling } else { Transport::WebSocket };
        self.shared.status.set_transport(transport);
        self.log_engine(Direction::In, &format!("OPEN over {transport:?}, {}", handshake.describe()));
        self.max_payload =
            handshake.max_payload.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        self.heartbeat = Some(Heartbeat::new(handshake.silence()));
        // BTreeMap: the default namespace sorts first.
        let names: Vec<String> = self.namespaces.keys().cloned().collect();
        for name in names {
            self.ask_for(&name);
        }
        // Connect Timeout is over the whole of it.
        if let Some(namespace) = self.namespaces.get_mut(DEFAULT_NAMESPACE) {
            namespace.joining = Joining::Asked(deadline);
        }
    }

    /// The server gave a sign of life that it wants answered.
    pub(super) fn pinged(&mut self) {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.beat();
        }
        // One answer is enough for any number of pings: a server that does not read can't make them pile up.
        if !std::mem::replace(&mut self.pong_is_due, true) {
            self.log_engine(Direction::Out, "PONG");
            let answer = Outgoing::alone(Frame::Text(engineio::PONG.into()));
            // What waits for room does not hold it up; only the attachments of a packet follow it at once.
            let begun = self.outbox.iter().take_while(|outgoing| outgoing.is_attachment()).count();
            self.outbox.insert(begun, answer);
        }
        self.measure_round_trip();
    }

    pub(super) fn measure_round_trip(&mut self) {
        if self.ping_sent.is_none() {
            self.ping_sent = Some(Instant::now());
            self.outbox.push_back(Outgoing::alone(Frame::Ping));
        }
    }

    /// The next frame for the transport.
    pub fn next_outgoing(&mut self) -> Option<Outgoing> {
        let outgoing = self.outbox.pop_front()?;
        match &outgoing.frame {
            Frame::Text(text) if text == engineio::PONG => self.pong_is_due = false,
            // The time that it waited on our side is not part of the trip.
            Frame::Ping => self.ping_sent = Some(Instant::now()),
            _ => {}
        }
        Some(outgoing)
    }

    /// The transport's own ping was answered.
    pub(super) fn ponged(&mut self) {
        if let Some(sent) = self.ping_sent {
            self.round_trip(sent.elapsed());
        }
    }

    /// The round trip was measured.
    pub(super) fn round_trip(&mut self, took: Duration) {
        self.ping_sent = None;
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        self.shared.status.round_trip_us.store(us, Ordering::Relaxed);
    }

    /// When something is to be looked at again.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        let joining = self.namespaces.values().filter_map(|namespace| match namespace.joining {
            Joining::Asked(at) | Joining::Later(at) => Some(at),
            _ => None,
        });
        let joining = if self.open { joining.min() } else { None };
        let heartbeat = self.heartbeat.as_ref().map(Heartbeat::next_look);
        let attachment = self.partial.as_ref().map(|partial| partial.deadline);
        [self.asks.next_deadline(), heartbeat, attachment, joining].into_iter().flatten().min()
    }

    /// Looks at the clock. `heard`: the server sent something just now, so it is not silent, whatever the clock says.
    pub fn check_deadlines(&mut self, now: Instant, heard: bool) -> Result<(), Failure> {
        let mut unsent = HashSet::new();
        while let Some(ask) = self.asks.overdue(now) {
            if !ask.sent {
                unsent.insert(ask.request);
            }
            self.tell_no_reply(&ask, if ask.sent { None } else { Some(Range::NotConnected) });
        }
        if !unsent.is_empty() {
            self.shared.status.dropped.fetch_add(unsent.len() as u64, Ordering::Relaxed);
            for namespace in self.namespaces.values_mut() {
                namespace.waiting.retain(|send| !unsent.contains(&send.request));
            }
        }
        if self.is_unread {
            self.put_off_namespaces(now + UNREAD_CHECK);
        }
        self.wake_namespaces(|joining| matches!(joining, Joining::Later(at) if *at <= now));
        if let Some(heartbeat) = &mut self.heartbeat
            && heartbeat.is_over(now)
            && !heard
        {
            let problem = Problem::new(Code::PingTimeout)
                .with("address", &self.config.address)
                .with("seconds", heartbeat.limit().as_secs_f64());
            return Err(Failure::lost(problem, reason::PING_TIMEOUT));
        }
        if self.has_too_much {
            let limit = self.config.limits.inbound_bytes;
            return Err(self.over_limit(format!("replies of more than {limit} bytes that the project does not take")));
        }
        if self.partial.as_ref().is_some_and(|partial| partial.deadline <= now) {
            let problem = Problem::new(Code::AttachmentTimeout)
                .with("address", &self.config.address)
                .with("seconds", self.config.limits.attachment_timeout.as_secs_f64());
            return Err(Failure::lost(problem, reason::PARSE));
        }
        let late = self.open.then(|| {
            let late = |namespace: &Namespace| matches!(namespace.joining, Joining::Asked(by) if by <= now);
            self.namespaces.iter().find(|(_, namespace)| late(namespace)).map(|(name, _)| name.clone())
        });
        if let Some(name) = late.flatten() {
            let problem = Problem::new(Code::NamespaceSilent)
                .with("namespace", &name)
                .with("seconds", self.config.connect_timeout.as_secs_f64());
            if name == DEFAULT_NAMESPACE {
                return Err(Failure::lost(problem, reason::CONNECT));
            }
            if let Some(namespace) = self.namespaces.get_mut(&name) {
                namespace.joining = Joining::Late;
            }
            self.namespace_failed(&name, problem, Retry::Soon, "did not answer")?;
        }
        Ok(())
    }

    /// The connection is gone. Tells On Stop if it stood, or if nothing is tried any more.
    pub fn disconnected(&mut self, why: &'static str, will_reconnect: bool) {
        if self.stands || !will_reconnect {
            self.info(|| format!("Disconnected ({why}){}", if will_reconnect { ", will reconnect" } else { "" }));
            self.push_event(
                type_id::ON_STOP,
                vec![Output::Pulse(true), Output::Text(why.into()), Output::Bool(will_reconnect)],
            );
        }
        if self.stands {
            self.told.clear();
        }
        self.reset();
        self.shared.status.set_state(if will_reconnect { State::Waiting } else { State::Stopped });
    }

    /// An attempt to connect begins.
    pub fn connecting(&self) {
        self.shared.status.set_state(State::Connecting);
    }

    /// An attempt failed, the next one comes later.
    pub fn waiting(&self, failures: u32) {
        self.shared.status.set_state(State::Waiting);
        self.shared.status.attempts.store(failures, Ordering::Relaxed);
    }

    /// The connection was moved to a WebSocket.
    pub(super) fn upgraded(&mut self) {
        self.info(|| "Moved from long-polling to WebSocket".into());
        self.shared.status.set_transport(Transport::WebSocket);
        self.ping_sent = None;
        self.measure_round_trip();
    }

    /// The connection can't be moved to a WebSocket.
    pub(super) fn not_upgraded(&mut self, reason: String) {
        let problem = Problem::new(Code::WebSocketBlocked)
            .with("address", &self.config.address)
            .with("reason", reason.trim_end_matches('.'));
        self.tell(problem, DEFAULT_NAMESPACE, 0, false, None);
    }

    /// The attachments of the next packet are too large for long-polling, where base64 makes them larger by a third:
    /// the packet goes, and that is told. `limit`: what they may have.
    pub fn refuse_next(&mut self, limit: usize) {
        let Some(attached) = self.outbox.pop_front().and_then(|packet| packet.attached) else { return };
        while self.outbox.front().is_some_and(Outgoing::is_attachment) {
            self.outbox.pop_front();
        }
        self.shared.status.dropped.fetch_add(1, Ordering::Relaxed);
        self.give_up_question(attached.request, Range::Message);
        let problem = Problem::new(Code::PayloadTooBig)
            .with("event", format!("\"{}\"", attached.event))
            .with("size", attached.largest)
            .with("limit", limit);
        self.tell(problem, DEFAULT_NAMESPACE, 0, false, None);
    }

    /// Forgets what belongs to the transport that is gone. Messages that wait, and questions not sent yet, stay.
    fn reset(&mut self) {
        self.open = false;
        self.stands = false;
        self.has_too_much = false;
        self.replay.clear();
        self.heartbeat = None;
        self.pong_is_due = false;
        self.ping_sent = None;
        self.partial = None;
        self.max_payload = usize::MAX;
        self.questions.clear();
        for namespace in self.namespaces.values_mut() {
            namespace.joining = Joining::Idle;
            namespace.take_early();
        }
        for ask in self.asks.give_up_all(|ask| ask.sent) {
            self.tell_no_reply(&ask, Some(Range::NotConnected));
        }
    }

    /// Takes what is on its way out, for whoever ends the transport politely.
    pub fn take_outbox(&mut self) -> VecDeque<Outgoing> {
        std::mem::take(&mut self.outbox)
    }

    /// What was handed to the transport, or was about to be, went down with it: how many messages that may be is not
    /// known, since TCP does not tell what arrived.
    pub fn drop_outbox(&mut self) {
        let lost = self.outbox.iter().filter(|outgoing| outgoing.reservation.is_some()).count();
        self.outbox.clear();
        self.shared.status.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        self.tell_not_sent(lost, "the connection was lost while they were being sent", DEFAULT_NAMESPACE);
    }

    // ---- What waits -----------------------------------------------------------------------------------------------

    fn give_up_waiting(&mut self) -> usize {
        let waiting: Vec<SendEvent> =
            self.namespaces.values_mut().flat_map(|namespace| namespace.waiting.take()).collect();
        self.give_up(waiting)
    }

    pub(super) fn give_up(&mut self, sends: impl IntoIterator<Item = SendEvent>) -> usize {
        let mut count = 0;
        for send in sends {
            count += 1;
            self.give_up_question(send.request, Range::NotConnected);
        }
        self.shared.status.dropped.fetch_add(count as u64, Ordering::Relaxed);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Delivery, Format, IfNotConnected, Message};
    use crate::events::{Body, Slots};

    fn session() -> Session {
        let text = br#"{"connections":[{"name":"main","url":"localhost"}]}"#;
        let config = Arc::new(crate::settings::parse(text).connections.remove(0));
        let shared = Arc::new(Connection::new(1, "main", &config.limits, Arc::default()));
        Session::new(shared, config, Subscriptions::default())
    }

    fn question(session: &Session, request: u64) -> Command {
        Command::Send(SendEvent {
            node: 7,
            request,
            event: "ask".into(),
            namespace: String::new(),
            message: Message { format: Format::Text, text: String::new(), attachments: Vec::new() },
            policy: IfNotConnected::Queue,
            reply_timeout: Duration::from_secs(60),
            reservation: session.shared.outbound.reserve(0).expect("the queue is empty"),
        })
    }

    /// Node types and first two outputs of what was told.
    fn told(queue: &EventQueue) -> Vec<(u32, String)> {
        let mut events = Slots::new();
        queue.take(usize::MAX, &mut events).unwrap();
        events
            .iter()
            .flatten()
            .map(|event| match &event.body {
                Body::Outputs(outputs) => (event.node_type, format!("{:?}", &outputs[1..3])),
                Body::Received(_) => (event.node_type, String::new()),
            })
            .collect()
    }

    #[test]
    fn a_fault_ends_the_session_and_keeps_what_was_set_up_and_what_is_owed() {
        let queue = EventQueue::default();
        queue.open(None);
        let mut session = session();
        let subscribe =
            Subscribe { node: 0, event: "news".into(), namespace: "chat".into(), delivery: Delivery::Every };
        session.shared.mailbox.put(Command::Subscribe(subscribe)).unwrap();
        session.shared.mailbox.put(Command::Start).unwrap();
        session.shared.mailbox.put(question(&session, 5)).unwrap();
        assert!(session.obey(&queue).is_ok() && session.is_started());

        // What a panic in the middle of anything comes to.
        session.recover("planted");
        session.publish(&queue);
        let told = told(&queue);
        let types: Vec<u32> = told.iter().map(|(node_type, _)| *node_type).collect();
        assert_eq!(types, [type_id::ON_ERROR, type_id::SEND, type_id::ON_ERROR, type_id::ON_STOP], "{told:?}");
        assert!(told[0].1.contains("A fault inside the plugin ended connection main: planted."), "{told:?}");
        assert!(told[2].1.contains("given up before they were sent: 1"), "{told:?}");
        assert!(told[3].1.contains("transport error") && told[3].1.contains("false"), "{told:?}");
        assert!(!session.is_started());
        assert!(session.subscriptions.delivery("/chat", "news").is_some());
        assert_eq!(session.shared.outbound.messages(), 0);

        session.shared.mailbox.put(Command::Start).unwrap();
        assert!(session.obey(&queue).is_ok() && session.is_started());
    }

    #[test]
    fn while_early_events_are_handed_out_a_send_waits_behind_the_others() {
        let mut session = session();
        let send = |session: &mut Session, policy| {
            let Command::Send(mut send) = question(session, 0) else { return };
            send.policy = policy;
            session.send(send);
        };
        send(&mut session, IfNotConnected::Queue);
        let early =
            || (DEFAULT_NAMESPACE.to_string(), Early { id: None, payload: "[\"e\"]".into(), attachments: None });
        session.replay.extend([early(), early()]);
        session.open_namespace(DEFAULT_NAMESPACE).joining = Joining::Joined;
        send(&mut session, IfNotConnected::Drop);
        assert!(session.replay_next().unwrap() && session.outbox.is_empty());
        assert!(session.replay_next().unwrap() && !session.replay_next().unwrap());
        assert_eq!((session.outbox.len(), session.shared.status.dropped.load(Ordering::Relaxed)), (2, 0));
    }

    #[test]
    fn what_comes_behind_a_removal_is_still_owed_its_end() {
        let queue = EventQueue::default();
        queue.open(None);
        let mut session = session();
        session.shared.mailbox.put(Command::Shutdown(reason::CLIENT)).unwrap();
        session.shared.mailbox.put(Command::Start).unwrap();
        session.shared.mailbox.put(question(&session, 5)).unwrap();
        assert!(session.obey(&queue).is_err() && session.is_shut_down());
        let told = told(&queue);
        let types: Vec<u32> = told.iter().map(|(node_type, _)| *node_type).collect();
        assert_eq!(types, [type_id::SEND, type_id::ON_STOP], "{told:?}");
        assert!(session.shared.mailbox.put(Command::Start).is_err(), "nothing more is taken");
    }
}
