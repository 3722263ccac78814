//! The other end of the demo: a Socket.IO server that reports all that it sees and can be killed like a process.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail};
use axum::Router;
use axum::body::Bytes;
use axum::serve::ListenerExt;
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::socket::DisconnectReason;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Sighting;

/// What the server answers when it is asked for the time.
const TIME: &str = "Twelve o'clock.";

/// Something that the server saw or did: its name, and the value that came or went.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    pub what: &'static str,
    pub value: String,
}

/// A server on a port of its own. It runs on a thread of its own, with which all of it ends.
pub struct Server {
    address: SocketAddr,
    report: Reporter,
    running: Option<Running>,
}

struct Running {
    io: SocketIo,
    runtime: Handle,
    /// Dropped to end the thread.
    end: oneshot::Sender<Infallible>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts it on a free port.
    pub fn start(sightings: Sender<Sighting>) -> Result<Server> {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Server { address: any_port, report: Reporter(sightings), running: None };
        server.run()?;
        Ok(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts it again on the same port.
    pub fn restart(&mut self) -> Result<()> {
        self.run()
    }

    fn run(&mut self) -> Result<()> {
        // One thread handles events in the order in which they come.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (layer, io) = SocketIo::new_layer();
        let report = self.report.clone();
        io.ns("/", async move |socket: SocketRef| serve(&socket, &report));
        let listener = runtime.block_on(TcpListener::bind(self.address));
        let listener = listener.with_context(|| format!("listening on {}", self.address))?;
        self.address = listener.local_addr()?;
        // Small messages leave at once.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let (end, ended) = oneshot::channel();
        let handle = runtime.handle().clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let service = axum::serve(listener, Router::new().layer(layer));
                tokio::select! {
                    _ = service.into_future() => {}
                    _ = ended => {}
                }
            });
        });
        self.running = Some(Running { io, runtime: handle, end, thread });
        Ok(())
    }

    /// Cuts every connection and closes the port, without a word to anybody.
    pub fn kill(&mut self) -> Result<()> {
        self.client()?;
        let Running { end, thread, .. } = self.running.take().context("the server does not run")?;
        drop(end);
        thread.join().map_err(|_| anyhow!("the server's thread panicked"))?;
        self.report.saw("killed", "");
        self.report.saw("connections cut", "");
        if TcpStream::connect(self.address).is_ok() {
            bail!("the killed server still listens");
        }
        self.report.saw("port closed", "");
        Ok(())
    }

    /// How many clients are connected.
    pub fn clients(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.io.sockets().len())
    }

    /// Sends an event to the client.
    pub fn tell(&self, event: &'static str, text: &str) -> Result<()> {
        let (_, socket) = self.client()?;
        socket.emit(event, text)?;
        self.report.saw("told", text);
        Ok(())
    }

    /// Sends an event that wants an answer.
    pub fn ask(&self, event: &'static str, text: &str) -> Result<()> {
        let (runtime, socket) = self.client()?;
        // The wait for the answer begins here, on the server's clock.
        let _context = runtime.enter();
        let answer = socket.emit_with_ack::<_, String>(event, text)?;
        self.report.saw("asked", text);
        let report = self.report.clone();
        runtime.spawn(async move {
            match answer.await {
                Ok(answer) => report.saw("answered", answer),
                Err(error) => report.saw("not answered", error.to_string()),
            }
        });
        Ok(())
    }

    /// The only client there is.
    fn client(&self) -> Result<(&Handle, SocketRef)> {
        let Running { runtime, io, .. } = self.running.as_ref().context("the server does not run")?;
        let socket = io.sockets().pop().context("nobody is connected")?;
        Ok((runtime, socket))
    }
}

/// What the server does for a client.
fn serve(socket: &SocketRef, report: &Reporter) {
    report.saw("connected", socket.id.to_string());
    let seen = report.clone();
    socket.on("greeting", async move |Data(text): Data<String>| seen.saw("greeting", text));
    let seen = report.clone();
    socket.on("measurement", async move |Data(value): Data<Value>| seen.saw("measurement", value.to_string()));
    let seen = report.clone();
    socket.on("picture", async move |Data(bytes): Data<Bytes>| seen.saw("picture", as_shown(&bytes)));
    let seen = report.clone();
    socket.on("time", async move |Data(text): Data<String>, ack: AckSender| {
        seen.saw("time", text);
        if ack.send(TIME).is_ok() {
            seen.saw("replied", TIME);
        }
    });
    let seen = report.clone();
    socket.on_disconnect(async move |reason: DisconnectReason| match reason {
        DisconnectReason::ClientNSDisconnect => seen.saw("client left", ""),
        reason => seen.saw("lost", reason.to_string()),
    });
}

/// Bytes as the studio shows them.
fn as_shown(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<{} bytes {hex}>", bytes.len())
}

#[derive(Clone)]
struct Reporter(Sender<Sighting>);

impl Reporter {
    fn saw(&self, what: &'static str, value: impl Into<String>) {
        // Nobody listens any more once the demo is over.
        let _ = self.0.send(Sighting::Server(Record { what, value: value.into() }));
    }
}
