//! The task of one connection: moves bytes, keeps time, and lets [`Session`] decide.

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, sleep_until, timeout};

use super::backoff::Backoff;
use super::closing::{Goodbye, POLLING_CLOSE_LIMIT, close_politely};
use super::session::{End, Failure, Retry, Session, reason};
use super::subscriptions::Subscriptions;
use super::unread::UNREAD_CHECK;
use super::{Command, Connection};
use crate::diagnostics::{Code, Problem, describe_panic, failpoint};
use crate::events::EventQueue;
use crate::protocol::engineio::Handshake;
use crate::protocol::socketio::DEFAULT_NAMESPACE;
use crate::runtime::Threads;
use crate::settings::{Auth, ConnectionConfig, Resolved};
use crate::transport::{CLOSE_LIMIT, Dialer, Engine, Lost, Memory, Progress, Request, Room, Route, Stage};

/// After a refusal, the same credentials are tried again so late: it is no fault of the network that passes by itself.
const REFUSED_WAIT: Duration = Duration::from_secs(60);

/// Connections that take their time to end; over it they are cut soon.
const CLOSING_AT_ONCE: usize = 32;

/// After a fault a connection takes no command for so long.
const FAULT_PAUSE: Duration = Duration::from_millis(100);

/// How often is looked whether credentials that were refused have changed.
const CREDENTIALS_CHECK: Duration = Duration::from_secs(2);

/// Frames read before other connections get their turn.
const FRAMES_AT_ONCE: usize = 1024;

/// Bytes that are gathered before they are written while the host goes on sending.
const GATHERED: usize = 16 << 10;

/// Times that something was read, in a row, before other connections get their turn.
const TURNS_IN_A_ROW: u32 = 2;

/// What the connections of one activation share.
pub struct Environment {
    /// The queue of the host.
    pub events: Arc<EventQueue>,
    /// Looks up names, reads files.
    dialer: Rc<Dialer>,
    /// Sockets that are being closed politely.
    pub closing: RefCell<JoinSet<()>>,
    /// Whether the plugin is deactivated.
    shut_down: watch::Sender<bool>,
}

impl Environment {
    /// An environment whose look-ups run on `threads`.
    pub fn new(events: Arc<EventQueue>, threads: Arc<Threads>) -> Environment {
        let dialer = Rc::new(Dialer::new(threads));
        Environment { events, dialer, closing: RefCell::default(), shut_down: watch::Sender::new(false) }
    }

    /// The plugin is deactivated: what is left has little time.
    pub fn shut_down(&self) {
        self.shut_down.send_replace(true);
    }

    /// Waits, but not beyond the deactivation.
    async fn pause(&self, time: Duration) {
        let mut shut_down = self.shut_down.subscribe();
        let _ = timeout(time, shut_down.wait_for(|is_shut_down| *is_shut_down)).await;
    }

    /// The last word of a connection that may take so long to end.
    pub fn goodbye(&self, limit: Duration) -> Goodbye {
        let limit = self.closing_limit(limit);
        Goodbye { limit, shut_down: self.shut_down.subscribe() }
    }

    /// How long a connection may take to end that wants so long: a project that starts and stops all the time must not
    /// gather sockets of a server that does not answer.
    pub fn closing_limit(&self, wanted: Duration) -> Duration {
        let mut closing = self.closing.borrow_mut();
        while closing.try_join_next().is_some() {}
        if closing.len() < CLOSING_AT_ONCE { wanted } else { wanted.min(CLOSE_LIMIT) }
    }

    /// Lets a connection come to its end beside all others.
    pub fn spawn_closing(&self, end: impl Future<Output = ()> + 'static) {
        self.closing.borrow_mut().spawn_local(end);
    }
}

/// A connection on its way to the thread that runs it.
pub struct Unserved {
    connection: Option<(Arc<Connection>, Arc<ConnectionConfig>)>,
    events: Arc<EventQueue>,
}

impl Unserved {
    /// A connection that nobody runs yet.
    pub fn new(shared: Arc<Connection>, config: Arc<ConnectionConfig>, events: Arc<EventQueue>) -> Unserved {
        Unserved { connection: Some((shared, config)), events }
    }

    /// What the host sees of it.
    pub fn shared(&self) -> Option<&Arc<Connection>> {
        self.connection.as_ref().map(|(shared, _)| shared)
    }

    /// Runs it until it is shut down. A panic ends its session, not the task.
    pub async fn run(mut self, environment: Rc<Environment>) {
        let Some((shared, config)) = self.connection.take() else { return };
        let mut task = Task { session: Session::new(shared, config, Subscriptions::default()), environment };
        while let Err(panic) = AssertUnwindSafe(live(&mut task.session, &task.environment)).catch_unwind().await {
            task.session.recover(&describe_panic(&*panic));
            task.session.publish(&task.environment.events);
            // One that comes again at once must not keep the thread busy.
            task.environment.pause(FAULT_PAUSE).await;
        }
    }
}

impl Drop for Unserved {
    fn drop(&mut self) {
        if let Some((shared, config)) = self.connection.take() {
            end_without_thread(&mut Session::new(shared, config, Subscriptions::default()), &self.events);
        }
    }
}

/// What a connection's task owns.
struct Task {
    session: Session,
    environment: Rc<Environment>,
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.session.is_shut_down() {
            end_without_thread(&mut self.session, &self.environment.events);
        }
    }
}

/// A fault ended the thread of a connection: the host gets all the ends that it is owed.
fn end_without_thread(session: &mut Session, events: &EventQueue) {
    // A panic on the way out of a panic would end the process.
    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| {
        session.recover("its thread ended");
        let is_told = session.shared.mailbox.put(Command::Shutdown(reason::ERROR)).is_ok();
        while is_told && !session.is_shut_down() {
            let _ = session.obey(events);
        }
    }));
}

async fn live(session: &mut Session, environment: &Environment) {
    let shared = Arc::clone(&session.shared);
    while !session.is_shut_down() {
        if session.is_started() {
            keep_connected(session, environment).await;
            continue;
        }
        // A removal ends it: the loop looks.
        let _ = obey(session, environment).await;
        if !session.is_started() && !session.is_shut_down() && session.inbox.is_empty() {
            wait_for_command(session, &shared).await;
        }
    }
}

/// Carries out what the host asks for.
async fn obey(session: &mut Session, environment: &Environment) -> Result<(), End> {
    if session.is_kept_busy() {
        tokio::task::yield_now().await;
    }
    let obeyed = session.obey(&environment.events);
    session.begin_tests(&environment.dialer, &environment.events);
    obeyed
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
        if let Err(end) = obey(session, environment).await {
            return end;
        }
        wait_for_command(session, &shared).await;
    }
}

/// What is known from one attempt to the next, from Start to the final On Stop.
#[derive(Default)]
struct Attempts {
    backoff: Backoff,
    memory: Rc<RefCell<Memory>>,
    /// What the settings stood for in the last attempt.
    tried: Rc<RefCell<Option<Box<Resolved>>>>,
}

/// From Start to the final On Stop.
async fn keep_connected(session: &mut Session, environment: &Environment) {
    let mut attempts = Attempts::default();
    while session.is_started() {
        let ended = match until_read(session, environment, attempts.backoff.failures()).await {
            Ok(()) => {
                session.connecting();
                attempt(session, environment, &mut attempts).await
            }
            Err(end) => end,
        };
        let failure = match ended {
            End::Wanted => {
                attempts = Attempts::default();
                continue;
            }
            End::Failed(failure) => failure,
        };
        let backoff = &mut attempts.backoff;
        let reconnect = session.config.reconnect;
        let why = if session.stands() { failure.reason } else { reason::CONNECT };
        let wanted = failure.retry != Retry::Never && reconnect.automatic;
        let exhausted = wanted && reconnect.attempts != 0 && backoff.failures() >= reconnect.attempts;
        if !wanted || exhausted {
            session.tell_failure(failure, !wanted, None);
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
        let usual = backoff.next(&reconnect, fastrand::f64());
        let refused = failure.retry == Retry::Refused;
        let wait = if refused { usual.max(REFUSED_WAIT) } else { usual };
        session.disconnected(why, true);
        session.tell_failure(failure, false, Some(wait));
        session.waiting(backoff.failures());
        let config = Arc::clone(&session.config);
        let tried = attempts.tried.take().filter(|_| refused);
        // In a box of its own: a connection that stands needs no room for it.
        Box::pin(wait_for_next(session, environment, &tried, wait)).await;
        if !Arc::ptr_eq(&config, &session.config) {
            attempts = Attempts::default();
        }
    }
}

/// Waits for the next attempt, and serves the host meanwhile: a Stop, another Start, or other settings end it. `tried`: what
/// was refused.
async fn wait_for_next(
    session: &mut Session,
    environment: &Environment,
    tried: &Option<Box<Resolved>>,
    wait: Duration,
) {
    let config = Arc::clone(&session.config);
    let changed = async {
        match tried {
            Some(tried) => credentials_change(&config, tried, environment).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        _ = serve(session, environment) => {}
        () = changed => {}
        () = sleep(wait) => {}
    }
}

/// Waits as long as the host does not read what it was told: a server that comes and goes for months would fill the memory
/// with it.
async fn until_read(session: &mut Session, environment: &Environment, failures: u32) -> Result<(), End> {
    let handle = session.shared.handle;
    let mut is_said = false;
    while session.is_too_much(environment.events.kept(handle)) {
        if !std::mem::replace(&mut is_said, true) {
            session.waiting(failures);
            session.warn(|| "Waiting: the host does not poll".into());
        }
        tokio::select! {
            biased;
            end = serve(session, environment) => return Err(end),
            () = sleep(UNREAD_CHECK) => {}
        }
    }
    Ok(())
}

/// Waits until what the settings refer to is something else than what was refused.
async fn credentials_change(config: &Arc<ConnectionConfig>, tried: &Resolved, environment: &Environment) {
    if !config.has_references() {
        std::future::pending::<()>().await;
    }
    loop {
        sleep(CREDENTIALS_CHECK).await;
        if environment.dialer.resolve(config).await.is_ok_and(|now| now != *tried) {
            return;
        }
    }
}

/// One connection: from the look-up of the name to its end.
async fn attempt(session: &mut Session, environment: &Environment, attempts: &mut Attempts) -> End {
    let config = Arc::clone(&session.config);
    let deadline = Instant::now() + config.connect_timeout;
    let opened = reach(session, environment, attempts, deadline).await;
    let auth = match &*attempts.tried.borrow() {
        Some(tried) => {
            session.secrets = tried.secrets(&config, false);
            tried.auth.clone()
        }
        None => Auth::default(),
    };
    if !config.has_references() {
        // It will never stand for anything else.
        attempts.tried.take();
    }
    let (mut engine, handshake) = match opened {
        Ok(opened) => opened,
        Err(end) => return end,
    };
    session.opened(&handshake, auth, deadline, engine.is_polling());
    let end = converse(session, &mut engine, environment, &mut attempts.backoff).await;
    match &end {
        End::Wanted => {
            // A Stop lets what was sent before it leave; at the plugin's end there is no time for that.
            let limit = if session.is_shut_down() { CLOSE_LIMIT } else { config.connect_timeout };
            close_politely(session, engine, limit, environment);
        }
        End::Failed(_) => {
            session.drop_outbox();
            if engine.is_polling() {
                // No connection breaks by which the server would notice.
                engine.wind_up();
                let goodbye = environment.goodbye(POLLING_CLOSE_LIMIT);
                environment.spawn_closing(goodbye.within(engine.close()));
            }
        }
    }
    end
}

/// Opens a connection, and serves the host meanwhile. What was needed for that is gone when it stands.
async fn reach(
    session: &mut Session,
    environment: &Environment,
    attempts: &Attempts,
    deadline: Instant,
) -> Result<(Engine, Handshake), End> {
    let config = Arc::clone(&session.config);
    let progress = Rc::new(Progress::default());
    let mut opening = Box::pin(open(
        Arc::clone(&config),
        Rc::clone(&environment.dialer),
        Rc::clone(&attempts.memory),
        Rc::clone(&attempts.tried),
        Rc::clone(&progress),
    ));
    let ended = tokio::select! {
        biased;
        end = serve(session, environment) => Err(end),
        opened = tokio::time::timeout_at(deadline.into(), &mut opening) => Ok(opened),
    };
    let opened = match ended {
        Ok(opened) => opened,
        Err(end) => {
            session.take_outbox();
            if progress.stage() == Stage::Polling && !session.is_shut_down() {
                // The server opens a session for this request, answered or not: then it is told that it is over.
                progress.give_up();
                let goodbye = environment.goodbye(POLLING_CLOSE_LIMIT);
                environment.spawn_closing(goodbye.within(async {
                    if let Ok((mut engine, _)) = opening.await {
                        engine.wind_up();
                        engine.close().await;
                    }
                }));
            }
            return Err(end);
        }
    };
    let opened = opened.unwrap_or_else(|_| Err(progress.timed_out(&config.address, config.connect_timeout)));
    opened.map_err(|problem| End::Failed(Failure::of(problem, reason::CONNECT)))
}

/// Opens a connection; what the settings stand for goes to `tried`.
async fn open(
    config: Arc<ConnectionConfig>,
    dialer: Rc<Dialer>,
    memory: Rc<RefCell<Memory>>,
    tried: Rc<RefCell<Option<Box<Resolved>>>>,
    progress: Rc<Progress>,
) -> Result<(Engine, Handshake), Problem> {
    failpoint::pass("connect", &config.name);
    progress.begin(Stage::Secrets);
    let resolved = dialer.resolve(&config).await?;
    let route = Route::new(&config, &resolved, &dialer).await.map(Rc::new);
    let request = Rc::new(Request::new(&config, &resolved));
    tried.replace(Some(Box::new(resolved)));
    Engine::open(dialer, route?, request, memory, &progress).await
}

/// Exchanges frames until the connection ends.
async fn converse(session: &mut Session, engine: &mut Engine, environment: &Environment, backoff: &mut Backoff) -> End {
    let shared = Arc::clone(&session.shared);
    let mut alarm = Alarm::new();
    let mut turns = 0;
    loop {
        if let Err(end) = obey(session, environment).await {
            return end;
        }
        if session.stands() {
            backoff.reset();
        }
        alarm.set(session.next_deadline());
        let frames = tokio::select! {
            biased;
            exchanged = poll_fn(|cx| exchange(session, engine, cx)) => match exchanged {
                Ok(frames) => frames,
                Err(failure) => return End::Failed(failure),
            },
            () = shared.mailbox.rung() => 0,
            () = alarm.ring() => 0,
        };
        session.look_at_unread(&environment.events);
        if let Err(failure) = session.check_deadlines(Instant::now(), frames > 0) {
            return End::Failed(failure);
        }
        turns = if frames > 0 { turns + 1 } else { 0 };
        if frames == FRAMES_AT_ONCE || turns == TURNS_IN_A_ROW {
            turns = 0;
            // There may be more to read: others first.
            session.publish(&environment.events);
            tokio::task::yield_now().await;
        }
    }
}

/// Writes what is to be written and reads what is there. Ready when something was read, with the number of frames.
fn exchange(session: &mut Session, engine: &mut Engine, cx: &mut Context<'_>) -> Poll<Result<usize, Failure>> {
    let written = write(session, engine, cx);
    let mut frames = 0;
    while frames < FRAMES_AT_ONCE {
        if session.replay_next()? {
            frames += 1;
            continue;
        }
        match engine.poll_receive(cx) {
            Poll::Pending => break,
            Poll::Ready(found) => {
                if frames == 0 {
                    session.listen();
                }
                frames += 1;
                match found.and_then(|()| engine.take()) {
                    Ok(frame) => session.receive(frame)?,
                    Err(lost) => return Poll::Ready(Err(describe(session, lost))),
                }
            }
        }
    }
    // What the server said before it closed tells more than that a write failed.
    if let Err(lost) = written {
        return Poll::Ready(Err(describe(session, lost)));
    }
    // What was found while writing is to be told, too.
    if frames > 0 || !session.events.is_empty() { Poll::Ready(Ok(frames)) } else { Poll::Pending }
}

/// Hands frames to the transport as long as it takes them, and flushes once.
fn write(session: &mut Session, engine: &mut Engine, cx: &mut Context<'_>) -> Result<(), Lost> {
    let is_more = !session.outbox.is_empty();
    while let Some(next) = session.outbox.front() {
        match engine.room(next.largest_attachment()) {
            Room::Now => {}
            Room::Later => break,
            Room::Never(limit) => {
                session.refuse_next(limit);
                continue;
            }
        }
        match engine.poll_ready(cx) {
            Poll::Pending => return Ok(()),
            Poll::Ready(ready) => ready?,
        }
        failpoint::pass("write", &session.shared.name);
        if let Some(outgoing) = session.next_outgoing() {
            engine.send(outgoing.frame);
        }
    }
    if session.outbox.is_empty() {
        // A connection that says nothing holds no room for it.
        session.outbox.shrink_to_fit();
    }
    // The host goes on sending: what it sends leaves together, unless that would be long to wait for.
    if is_more && session.has_commands() && engine.unwritten() < GATHERED {
        return Ok(());
    }
    match engine.poll_flush(cx) {
        Poll::Pending => Ok(()),
        Poll::Ready(flushed) => flushed,
    }
}

fn describe(session: &Session, lost: Lost) -> Failure {
    let why = match lost {
        Lost::Closed(_) => reason::CLOSE,
        Lost::Broken(_) | Lost::Stuck(_) | Lost::Failed(_) => reason::ERROR,
        Lost::TooLarge(_) => reason::PARSE,
    };
    Failure::of(lost.problem(&session.config.address), why)
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
