//! The plugin as the Plugins Editor knows it: activated, deactivated, and what that does.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::table::Table;
use crate::connection::{
    self, Command, Connection, Doorbell, Environment, Porter, Reservation, State, Transport, Unserved,
};
use crate::diagnostics::log::{self, Level};
use crate::diagnostics::{Outcome, Range, Refusal, RefusalKind, clock, failpoint, route_panics};
use crate::events::{EventQueue, Slots, keep_spare};
use crate::platform::set_running;
use crate::runtime::{LocalRuntime, Threads, environment};
use crate::settings;

/// State of the plugin; the numbers are those of the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PluginState {
    /// Deactivated.
    Disabled = 0,
    /// Activated.
    Enabled = 1,
    /// `disable` ran out of time.
    Draining = 2,
}

/// What the host wants to know of a connection.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct ConnectionStatus {
    pub state: State,
    pub transport: Transport,
    pub last_error: Option<Range>,
    pub namespaces: u32,
    pub attempts: u32,
    pub queued: u64,
    pub dropped: u64,
    pub round_trip_us: u64,
}

/// What the host offers.
#[derive(Default)]
pub struct HostHooks {
    /// Called when the queue becomes not empty.
    pub wake: Option<Box<dyn Fn() + Send + Sync>>,
    /// Takes log lines, on a thread of the host.
    pub log: Option<log::Sink>,
    /// Name and version, for the log.
    pub name: String,
}

/// See the module.
#[derive(Default)]
pub struct Plugin {
    state: AtomicU32,
    /// The I/O thread is gone, and nobody deactivated the plugin.
    is_broken: Arc<AtomicBool>,
    /// One control call at a time.
    control: Mutex<Option<Running>>,
    table: RwLock<Table>,
    events: Arc<EventQueue>,
    requests: AtomicU64,
}

/// What runs while the plugin is activated.
struct Running {
    threads: Arc<Threads>,
    /// Tells the I/O thread of new connections. Dropping it, or Shutdown, ends the thread.
    control: mpsc::UnboundedSender<Control>,
    /// Where its connections are told of commands.
    door: Arc<Doorbell>,
}

enum Control {
    Run(Unserved),
    Shutdown { deadline: Instant },
}

impl Plugin {
    /// The state.
    pub fn state(&self) -> PluginState {
        match self.state.load(Ordering::Acquire) {
            1 => PluginState::Enabled,
            2 => PluginState::Draining,
            _ => PluginState::Disabled,
        }
    }

    fn set_state(&self, state: PluginState) {
        set_running(state != PluginState::Disabled);
        self.state.store(state as u32, Ordering::Release);
    }

    fn check_enabled(&self) -> Result<(), Refusal> {
        if self.state() != PluginState::Enabled {
            return Err(Refusal::not_enabled());
        }
        if self.is_broken.load(Ordering::Acquire) {
            let text = "The plugin's thread ended by a fault. Deactivate the plugin and activate it again.";
            return Err(Refusal::new(RefusalKind::State, text));
        }
        Ok(())
    }

    fn busy<T>() -> Result<T, Refusal> {
        Err(Refusal::new(RefusalKind::Busy, "Another control call (enable, disable, settings_apply) is running."))
    }

    /// Activates the plugin.
    pub fn enable(&self, host: HostHooks) -> Result<Outcome, Refusal> {
        let Some(mut running) = self.control.try_lock() else { return Plugin::busy() };
        match self.state() {
            PluginState::Enabled => return Ok(Outcome::Already),
            PluginState::Draining if !self.drained(&mut running, Instant::now()) => {
                return Err(Refusal::new(RefusalKind::Busy, "The plugin still winds down from its last activation."));
            }
            PluginState::Draining | PluginState::Disabled => {}
        }
        route_panics();
        failpoint::arm();
        environment::keep();
        let no_resources = |what: &str, error: std::io::Error| {
            Refusal::new(RefusalKind::Resources, format!("The system gave no {what}: {error}."))
        };
        let local = LocalRuntime::new().map_err(|error| no_resources("descriptor", error))?;
        clock::reset();
        log::open(host.log);
        self.events.open(host.wake);
        keep_spare(true);
        // Before the first thread: a process forked from here on lacks it.
        set_running(true);
        let threads = Arc::new(Threads::default());
        let (control, commands) = mpsc::unbounded_channel();
        let (events, helpers) = (Arc::clone(&self.events), Arc::clone(&threads));
        let door = Arc::<Doorbell>::default();
        let porter = Porter::new(Arc::clone(&door));
        let is_broken = Arc::clone(&self.is_broken);
        is_broken.store(false, Ordering::Release);
        let started = threads.spawn("socketio-io", move || {
            let run = || local.run(run_connections(commands, porter, Environment::new(events, helpers)));
            // The hook told of the panic; each connection told its end.
            let ran = catch_unwind(AssertUnwindSafe(run));
            is_broken.store(ran.is_err(), Ordering::Release);
        });
        if let Err(error) = started {
            self.events.close();
            log::close("Socket.IO plugin not activated", Instant::now());
            set_running(false);
            return Err(no_resources("thread", error));
        }
        *running = Some(Running { threads, control, door });
        self.set_state(PluginState::Enabled);
        log::write(Level::Info, 0, || {
            let name = if host.name.is_empty() { "an unnamed host" } else { &host.name };
            format!("Socket.IO plugin {} activated in {name}", env!("CARGO_PKG_VERSION"))
        });
        Ok(Outcome::Done)
    }

    /// Deactivates the plugin.
    pub fn disable(&self, timeout_ms: u32) -> Result<Outcome, Refusal> {
        let deadline = Instant::now() + Duration::from_millis(u64::from(timeout_ms));
        let Some(mut running) = self.control.try_lock() else { return Plugin::busy() };
        let Some(active) = &*running else { return Ok(Outcome::Already) };
        if self.state() == PluginState::Enabled {
            // From here on no call reaches a connection.
            self.set_state(PluginState::Draining);
            let mut table = self.table.write();
            for (_, entry) in table.entries() {
                let _ = entry.connection.mailbox.put(Command::Shutdown(connection::reason::DISABLED));
            }
            table.clear();
            drop(table);
            // The thread is gone only if it ended by a fault; then there is nobody to tell.
            let _ = active.control.send(Control::Shutdown { deadline });
        }
        if self.drained(&mut running, deadline) {
            Ok(Outcome::Done)
        } else {
            Err(Refusal::new(
                RefusalKind::Timeout,
                format!(
                    "Something still winds down after {timeout_ms} ms, most likely the look-up of a name, a file that does not answer, or the host's log. Call disable again."
                ),
            ))
        }
    }

    /// Waits for the threads; true: all are gone and the plugin is deactivated.
    fn drained(&self, running: &mut Option<Running>, deadline: Instant) -> bool {
        let gone = running.as_ref().is_none_or(|active| active.threads.join(deadline))
            && log::close("Socket.IO plugin deactivated", deadline);
        if gone {
            *running = None;
            self.events.close();
            keep_spare(false);
            self.set_state(PluginState::Disabled);
        }
        gone
    }

    /// Makes a settings text the current one.
    pub fn apply_settings(&self, text: &[u8]) -> Result<Outcome, Refusal> {
        let Some(running) = self.control.try_lock() else { return Plugin::busy() };
        self.check_enabled()?;
        let Some(active) = &*running else { return Err(Refusal::not_enabled()) };
        let parsed = settings::parse(text);
        if !parsed.is_usable() {
            return Err(Refusal::new(RefusalKind::Settings, parsed.report()));
        }
        for warning in &parsed.findings {
            log::write(Level::Warning, 0, || warning.to_string());
        }
        let report = parsed.report();
        let mut table = self.table.write();
        let wanted: HashSet<&str> = parsed.connections.iter().map(|config| config.name.as_str()).collect();
        let gone: Vec<u64> = table
            .entries()
            .filter(|(_, entry)| !wanted.contains(entry.config.name.as_str()))
            .map(|(handle, _)| handle)
            .collect();
        for handle in gone {
            if let Some(entry) = table.remove(handle) {
                let _ = entry.connection.mailbox.put(Command::Shutdown(connection::reason::CLIENT));
            }
        }
        for config in parsed.connections {
            let config = Arc::new(config);
            match table.find(&config.name) {
                Some(handle) => {
                    let entry = table.get(handle)?;
                    if *entry.config != *config {
                        entry.connection.mailbox.put(Command::Configure(Arc::clone(&config)))?;
                        table.set_config(handle, config);
                    }
                }
                None => {
                    let limits = config.limits;
                    let door = Arc::clone(&active.door);
                    let handle = table.insert(Arc::clone(&config), |handle| {
                        Arc::new(Connection::new(handle, &config.name, &limits, door))
                    });
                    let connection = Arc::clone(&table.get(handle)?.connection);
                    if config.autostart {
                        let _ = connection.mailbox.put(Command::Start);
                    }
                    let unserved = Unserved::new(connection, config, Arc::clone(&self.events));
                    let _ = active.control.send(Control::Run(unserved));
                }
            }
        }
        Ok(if report.is_empty() { Outcome::Done } else { Outcome::Note(report) })
    }

    /// The handle of a name.
    pub fn find_connection(&self, name: &str) -> Result<u64, Refusal> {
        self.check_enabled()?;
        self.table.read().find(name).ok_or_else(|| {
            Refusal::new(
                RefusalKind::NotFound,
                format!("There is no connection \"{name}\" in Project Settings. Pick one of those that are there."),
            )
        })
    }

    /// The connection of a handle.
    pub fn connection(&self, handle: u64) -> Result<Arc<Connection>, Refusal> {
        self.check_enabled()?;
        Ok(Arc::clone(&self.table.read().get(handle)?.connection))
    }

    /// How a connection is.
    pub fn connection_status(&self, handle: u64) -> Result<ConnectionStatus, Refusal> {
        let connection = self.connection(handle)?;
        let status = &connection.status;
        Ok(ConnectionStatus {
            state: status.state(),
            transport: status.transport(),
            last_error: status.last_error(),
            namespaces: status.namespaces.load(Ordering::Relaxed),
            attempts: status.attempts.load(Ordering::Relaxed),
            queued: connection.outbound.messages() as u64,
            dropped: status.dropped.load(Ordering::Relaxed),
            round_trip_us: status.round_trip_us.load(Ordering::Relaxed),
        })
    }

    /// Takes a place in a connection's queue for a message of so many bytes.
    pub fn reserve(&self, connection: &Connection, bytes: usize) -> Result<Reservation, Refusal> {
        if bytes > connection.outbound.byte_limit() {
            let limit = connection.outbound.byte_limit();
            let text = format!("The message has {bytes} bytes, more than Queue Bytes of its connection ({limit}).");
            return Err(Refusal::new(RefusalKind::Invalid, text));
        }
        connection.outbound.reserve(bytes).map_err(|is_first| {
            connection.status.dropped.fetch_add(1, Ordering::Relaxed);
            if is_first {
                let _ = connection.mailbox.put(Command::QueueFull);
            }
            Refusal::new(
                RefusalKind::QueueFull,
                format!(
                    "The queue of connection \"{}\" is full ({}); nothing was queued.",
                    connection.name,
                    connection.outbound.describe_limits()
                ),
            )
        })
    }

    /// A number for a request, never given before.
    pub fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Moves up to `max` events into `out`. None: ask again. Some(true): more are waiting. An error: the plugin is
    /// deactivated and nothing is left.
    pub fn take_events(&self, max: usize, out: &mut Slots) -> Result<Option<bool>, Refusal> {
        // Looked at before the queue: what was appended before the plugin was deactivated is then seen.
        let disabled = self.state() == PluginState::Disabled;
        let taken = self.events.take(max, out).map_err(|_| Refusal::no_memory())?;
        // While it drains, the last events may still come.
        if taken == Some(false) && out.is_empty() && disabled {
            return Err(Refusal::not_enabled());
        }
        Ok(taken)
    }

    /// Events dropped since the plugin was activated.
    pub fn dropped_events(&self) -> u64 {
        self.events.dropped()
    }

    /// Waits until an event is there.
    pub fn wait_for_event(&self, timeout_ms: u32) -> Result<bool, Refusal> {
        if let Err(refusal) = self.check_enabled() {
            // What the thread told before it ended by a fault is still to be taken.
            let is_left = self.state() == PluginState::Enabled && !self.events.is_empty();
            return if is_left { Ok(true) } else { Err(refusal) };
        }
        self.events.wait(Duration::from_millis(u64::from(timeout_ms))).ok_or_else(Refusal::not_enabled)
    }

    /// Something to wait on in a foreign loop.
    pub fn wake_handle(&self) -> Result<isize, Refusal> {
        let handle = self.events.wake_handle().map_err(|error| match error.kind() {
            std::io::ErrorKind::Unsupported => {
                Refusal::new(RefusalKind::Unsupported, "This platform has no wake handle; use poll or wait.")
            }
            _ => Refusal::new(RefusalKind::Resources, format!("The system gave no descriptor: {error}.")),
        })?;
        handle.ok_or_else(Refusal::not_enabled)
    }
}

/// Checks a settings text without using it.
pub fn check_settings(text: &[u8]) -> Result<Outcome, Refusal> {
    let parsed = settings::parse(text);
    match parsed.is_usable() {
        false => Err(Refusal::new(RefusalKind::Settings, parsed.report())),
        true if parsed.findings.is_empty() => Ok(Outcome::Done),
        true => Ok(Outcome::Note(parsed.report())),
    }
}

/// What the I/O thread needs at least to end, once it waits for nothing any more.
const END: Duration = Duration::from_millis(50);

/// The I/O thread: a task for each connection, until all are shut down.
async fn run_connections(mut commands: mpsc::UnboundedReceiver<Control>, mut porter: Porter, environment: Environment) {
    let environment = Rc::new(environment);
    let mut connections = JoinSet::new();
    let deadline = loop {
        tokio::select! {
            control = commands.recv() => match control {
                Some(Control::Run(unserved)) => {
                    if let Some(connection) = unserved.shared() {
                        failpoint::pass("thread", &connection.name);
                        porter.add(connection);
                    }
                    connections.spawn_local(unserved.run(Rc::clone(&environment)));
                }
                Some(Control::Shutdown { deadline }) => {
                    environment.shut_down();
                    break deadline;
                }
                None => break Instant::now(),
            },
            () = porter.serve() => {}
            Some(_) = connections.join_next() => {}
        }
    };
    // Each was told to end, and none of them waits for anything when it ends.
    while !connections.is_empty() {
        tokio::select! {
            () = porter.serve() => {}
            _ = connections.join_next() => {}
        }
    }
    let mut closing = environment.closing.take();
    // Whoever waits for this thread is to see it end in time, also on a machine that has other things to do.
    let left = deadline.saturating_duration_since(Instant::now());
    let deadline = deadline.checked_sub((left / 8).clamp(END, 10 * END)).unwrap_or(deadline);
    let _ = tokio::time::timeout_at(deadline.into(), async { while closing.join_next().await.is_some() {} }).await;
}
