//! The task of one connection: moves bytes, keeps time, and lets [`Session`] decide.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep_until, timeout};

use super::Connection;
use super::backoff::Backoff;
use super::session::{Auth, End, Failure, Outgoing, Session, reason};
use super::subscriptions::Subscriptions;
use super::tell::error_event;
use crate::diagnostics::{Code, Problem, describe_panic};
use crate::events::EventQueue;
use crate::protocol::engineio::{self, Handshake};
use crate::protocol::socketio::DEFAULT_NAMESPACE;
use crate::runtime::{Blocking, Threads};
use crate::settings::ConnectionConfig;
use crate::transport::{self, CLOSE_LIMIT, Incoming, Lost, Request, Resolver, Stage, WebSocket};

/// Frames read before other connections get their turn.
const FRAMES_AT_ONCE: usize = 256;

/// What the connections of one activation share.
pub struct Environment {
    /// The queue of the host.
    events: Arc<EventQueue>,
    /// Looks up names.
    resolver: Resolver,
    /// Reads what `env:` and `file:` refer to.
    secrets: Blocking,
    /// Sockets that are being closed politely.
    pub closing: RefCell<JoinSet<()>>,
}

impl Environment {
    /// An environment whose look-ups run on `threads`.
    pub fn new(events: Arc<EventQueue>, threads: Arc<Threads>) -> Environment {
        let secrets = Blocking::new(Arc::clone(&threads), "socketio-secret");
        Environment { events, resolver: Resolver::new(threads), secrets, closing: RefCell::default() }
    }
}

/// Runs a connection until it is shut down. A panic ends its session, not the task.
pub async fn run(shared: Arc<Connection>, config: Arc<ConnectionConfig>, environment: Rc<Environment>) {
    let mut session = Session::new(shared, config, Subscriptions::default());
    while let Err(panic) = AssertUnwindSafe(live(&mut session, &environment)).catch_unwind().await {
        session = session.after_panic(&describe_panic(&*panic));
        session.publish(&environment.events);
    }
}

async fn live(session: &mut Session, environment: &Environment) {
    let shared = Arc::clone(&session.shared);
    while !session.is_shut_down() {
        if session.is_started() {
            keep_connected(session, environment).await;
            continue;
        }
        // A removal ends it: the loop looks.
        let _ = session.obey(&environment.events);
        if !session.is_started() && !session.is_shut_down() && session.inbox.is_empty() {
            wait_for_command(session, &shared).await;
        }
    }
}

/// Waits for a command, and meanwhile watches the time of questions that wait to be sent.
async fn wait_for_command(session: &mut Session, shared: &Connection) {
    let deadline = session.next_deadline();
    tokio::select! {
        () = shared.mailbox.rung() => {}
        () = at(deadline) => {
            // Without a transport, only questions have a time, and they do not fail.
            let _ = session.check_deadlines(Instant::now(), false);
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Serves the host while there is no transport. Ends only by a command that ends the session.
async fn serve(session: &mut Session, environment: &Environment) -> End {
    let shared = Arc::clone(&session.shared);
    loop {
        if let Err(end) = session.obey(&environment.events) {
            return end;
        }
        wait_for_command(session, &shared).await;
    }
}

/// From Start to the final On Stop.
async fn keep_connected(session: &mut Session, environment: &Environment) {
    let mut backoff = Backoff::default();
    while session.is_started() {
        session.connecting();
        let failure = match attempt(session, environment, &mut backoff).await {
            End::Wanted => {
                backoff.reset();
                continue;
            }
            End::Failed(failure) => failure,
        };
        let reconnect = session.config.reconnect;
        let why = if session.stands() { failure.reason } else { reason::CONNECT };
        let wanted = failure.retry && reconnect.automatic;
        let exhausted = wanted && reconnect.attempts != 0 && backoff.failures() >= reconnect.attempts;
        if !wanted || exhausted {
            session.tell(failure.problem, &failure.namespace, 0, !wanted, None);
            if exhausted {
                let problem = Problem::new(Code::ReconnectFailed)
                    .with("attempts", backoff.failures())
                    .with("address", &session.config.address);
                session.tell(problem, DEFAULT_NAMESPACE, 0, true, None);
            }
            session.end_session(why);
            session.publish(&environment.events);
            return;
        }
        let wait = backoff.next(&reconnect, fastrand::f64());
        session.disconnected(why, true);
        session.tell(failure.problem, &failure.namespace, 0, false, Some(wait));
        session.waiting(backoff.failures());
        if timeout(wait, serve(session, environment)).await.is_ok() {
            backoff.reset();
        }
    }
}

/// One connection: from the look-up of the name to its end.
async fn attempt(session: &mut Session, environment: &Environment, backoff: &mut Backoff) -> End {
    let config = Arc::clone(&session.config);
    let stage = Cell::new(Stage::Lookup);
    let deadline = Instant::now() + config.connect_timeout;
    let opening = tokio::time::timeout_at(deadline.into(), open(&config, environment, &stage));
    let opened = tokio::select! {
        biased;
        end = serve(session, environment) => {
            session.take_outbox();
            return end;
        }
        opened = opening => opened,
    };
    let (mut socket, handshake, auth) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(problem)) => return End::Failed(Failure::lost(problem, reason::CONNECT)),
        Err(_) => {
            let problem = Problem::new(Code::ConnectTimeout)
                .with("address", &config.address)
                .with("seconds", config.connect_timeout.as_secs_f64())
                .with("stage", stage.get().describe());
            return End::Failed(Failure::lost(problem, reason::CONNECT));
        }
    };
    session.opened(&handshake, auth, deadline);
    let end = converse(session, &mut socket, environment, backoff).await;
    match &end {
        End::Wanted => {
            // A Stop lets what was sent before it leave; at the plugin's end there is no time for that.
            let limit = if session.is_shut_down() { CLOSE_LIMIT } else { config.connect_timeout };
            close_politely(session, socket, limit, environment);
        }
        End::Failed(_) => session.drop_outbox(),
    }
    end
}

async fn open(
    config: &Arc<ConnectionConfig>,
    environment: &Environment,
    stage: &Cell<Stage>,
) -> Result<(WebSocket, Handshake, Auth), Problem> {
    let resolved =
        if config.has_references() {
            stage.set(Stage::Secrets);
            let (config, name) = (Arc::clone(config), &config.name);
            environment.secrets.run(move || config.resolve()).await.unwrap_or_else(|error| {
                Err(Problem::new(Code::Internal).with("connection", name).with("reason", error))
            })?
        } else {
            config.resolve()?
        };
    let request = Request {
        address: config.address.clone(),
        query: resolved.query,
        headers: resolved.headers,
        message_bytes: config.limits.message_bytes,
    };
    let mut socket = transport::open(&environment.resolver, &request, stage).await?;
    let not_socketio =
        |received: String| Problem::new(Code::NotSocketIo).with("address", &config.address).with("received", received);
    let text = match poll_fn(|cx| socket.poll_receive(cx)).await {
        Ok(Incoming::Text(text)) => text,
        Ok(Incoming::Binary(_) | Incoming::Pong) => return Err(not_socketio("a binary frame".into())),
        Err(Lost::Closed(how)) => return Err(not_socketio(format!("nothing and ended ({how})"))),
        Err(Lost::Broken(how) | Lost::TooLarge(how)) => return Err(not_socketio(format!("a wrong frame ({how})"))),
    };
    if text.len() > config.limits.handshake_bytes {
        return Err(Problem::new(Code::LimitExceeded)
            .with("address", &config.address)
            .with("reason", format!("a handshake of {} bytes, limit {}", text.len(), config.limits.handshake_bytes)));
    }
    match engineio::decode(&text) {
        Ok(engineio::Packet::Open(json)) => match Handshake::decode(json) {
            Ok(handshake) => Ok((socket, handshake, resolved.auth)),
            Err(wrong) => Err(not_socketio(wrong.0)),
        },
        _ => Err(not_socketio(format!("{:?}", text.chars().take(40).collect::<String>()))),
    }
}

/// Exchanges frames until the connection ends.
async fn converse(
    session: &mut Session,
    socket: &mut WebSocket,
    environment: &Environment,
    backoff: &mut Backoff,
) -> End {
    let shared = Arc::clone(&session.shared);
    let mut alarm = Alarm::new();
    loop {
        if let Err(end) = session.obey(&environment.events) {
            return end;
        }
        if session.stands() {
            backoff.reset();
        }
        alarm.set(session.next_deadline());
        let frames = tokio::select! {
            biased;
            exchanged = poll_fn(|cx| exchange(session, socket, cx)) => match exchanged {
                Ok(frames) => frames,
                Err(failure) => return End::Failed(failure),
            },
            () = shared.mailbox.rung() => 0,
            () = alarm.ring() => 0,
        };
        if let Err(failure) = session.check_deadlines(Instant::now(), frames > 0) {
            return End::Failed(failure);
        }
        if frames == FRAMES_AT_ONCE {
            // There is more to read: others first.
            session.publish(&environment.events);
            tokio::task::yield_now().await;
        }
    }
}

/// Writes what is to be written and reads what is there. Ready when something was read, with the number of frames.
fn exchange(session: &mut Session, socket: &mut WebSocket, cx: &mut Context<'_>) -> Poll<Result<usize, Failure>> {
    let written = write(session, socket, cx);
    let mut frames = 0;
    while frames < FRAMES_AT_ONCE {
        match socket.poll_receive(cx) {
            Poll::Pending => break,
            Poll::Ready(Ok(frame)) => {
                if frames == 0 {
                    session.listen();
                }
                frames += 1;
                session.receive(frame)?;
            }
            Poll::Ready(Err(lost)) => return Poll::Ready(Err(describe(session, lost))),
        }
    }
    // What the server said before it closed tells more than that a write failed.
    if let Err(lost) = written {
        return Poll::Ready(Err(describe(session, lost)));
    }
    if frames > 0 { Poll::Ready(Ok(frames)) } else { Poll::Pending }
}

/// Hands frames to the transport as long as it takes them, and flushes once.
fn write(session: &mut Session, socket: &mut WebSocket, cx: &mut Context<'_>) -> Result<(), Lost> {
    while !session.outbox.is_empty() {
        match socket.poll_ready(cx) {
            Poll::Pending => return Ok(()),
            Poll::Ready(ready) => ready?,
        }
        if let Some(outgoing) = session.next_outgoing() {
            socket.send(outgoing.frame)?;
        }
    }
    match socket.poll_flush(cx) {
        Poll::Pending => Ok(()),
        Poll::Ready(flushed) => flushed,
    }
}

fn describe(session: &Session, lost: Lost) -> Failure {
    match lost {
        Lost::Closed(how) => session.lost(&how, reason::CLOSE),
        Lost::Broken(how) => session.broken(&crate::protocol::Malformed(how), reason::ERROR),
        Lost::TooLarge(how) => session.over_limit(how),
    }
}

/// Sends what is left within `limit`, says goodbye, and cuts the socket if that takes too long. The session does not wait
/// for it.
fn close_politely(session: &mut Session, mut socket: WebSocket, limit: Duration, environment: &Environment) {
    let mut outbox = session.take_outbox();
    let (shared, events) = (Arc::clone(&session.shared), Arc::clone(&environment.events));
    let limits = session.inbound_limits();
    let mut closing = environment.closing.borrow_mut();
    while closing.try_join_next().is_some() {}
    closing.spawn_local(async move {
        let sent = timeout(limit, send_all(&mut socket, &mut outbox)).await;
        let waiting = outbox.iter().filter(|outgoing| outgoing.reservation.is_some()).count();
        // What was being written when it ended did not leave as a whole.
        let lost = waiting + usize::from(!matches!(sent, Ok(Ok(()))));
        if lost > 0 {
            shared.status.dropped.fetch_add(lost as u64, Ordering::Relaxed);
            let problem = Problem::new(Code::NotSent)
                .with("count", lost)
                .with("reason", format!("the server took them too slowly, {} s after Stop", limit.as_secs_f64()));
            let event = error_event(shared.handle, &problem, DEFAULT_NAMESPACE, 0, false, None);
            events.append(shared.handle, &mut vec![event], limits, &shared.status.dropped);
        } else {
            let _ = timeout(CLOSE_LIMIT, socket.close()).await;
        }
    });
}

/// Hands all frames to the transport and flushes. What is left in `outbox` when this is dropped has not left.
async fn send_all(socket: &mut WebSocket, outbox: &mut VecDeque<Outgoing>) -> Result<(), Lost> {
    while !outbox.is_empty() {
        poll_fn(|cx| socket.poll_ready(cx)).await?;
        if let Some(outgoing) = outbox.pop_front() {
            socket.send(outgoing.frame)?;
        }
    }
    poll_fn(|cx| socket.poll_flush(cx)).await
}

/// A timer that is only touched when its deadline changes.
struct Alarm {
    sleep: Pin<Box<Sleep>>,
    deadline: Option<Instant>,
}

impl Alarm {
    fn new() -> Alarm {
        Alarm { sleep: Box::pin(sleep_until(tokio::time::Instant::now())), deadline: None }
    }

    fn set(&mut self, deadline: Option<Instant>) {
        if self.deadline != deadline {
            self.deadline = deadline;
            if let Some(deadline) = deadline {
                self.sleep.as_mut().reset(deadline.into());
            }
        }
    }

    async fn ring(&mut self) {
        match self.deadline {
            Some(_) => self.sleep.as_mut().await,
            None => std::future::pending().await,
        }
    }
}
