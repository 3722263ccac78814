//! A socketioxide server that understands the portable part of what `server.js` does.
//!
//!     socketioxide-server PORT [OPTIONS]
//!
//! OPTIONS is a JSON object: pingInterval, pingTimeout (milliseconds), token. Commands come on stdin and are answered on
//! stdout, with reports between the answers, as `control.js` describes it. The process ends when its stdin closes.

mod connection;
mod values;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use serde::Deserialize;
use serde_json::{Value, json};
use socketioxide::extract::{AckSender, Data, Event, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::socket::DisconnectReason;
use socketioxide::{SocketIo, TransportType};
use tokio::sync::mpsc;

use crate::connection::{Connections, Listener};
use crate::values::{Arguments, describe};

/// What the official server takes in one message if nothing else is said, and more than any test has on its way.
const MAX_PAYLOAD: u64 = 1_000_000;
const MAX_WAITING: usize = 10_000;

#[derive(Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the names are those of the official server")]
struct Options {
    pingInterval: Option<u64>,
    pingTimeout: Option<u64>,
    token: Option<String>,
}

/// How many numbered events of a kind came, and whether each was the next one.
struct Seen {
    count: u64,
    ordered: bool,
}

type Numbered = Arc<Mutex<BTreeMap<String, Seen>>>;

struct Server {
    io: SocketIo,
    connections: Connections,
    numbered: Numbered,
}

// One thread handles events in the order in which they come.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().context("the first argument is the port")?.parse()?;
    let options: Options = serde_json::from_str(arguments.next().as_deref().unwrap_or("{}"))?;
    let token = options.token.unwrap_or_else(|| "secret".to_owned());

    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_millis(options.pingInterval.unwrap_or(25_000)))
        .ping_timeout(Duration::from_millis(options.pingTimeout.unwrap_or(20_000)))
        .max_payload(MAX_PAYLOAD)
        .max_buffer_size(MAX_WAITING)
        .build_layer();
    let numbered = Numbered::default();
    let seen = numbered.clone();
    let greet = async move |socket: SocketRef| serve(&socket, seen);
    for nsp in ["/", "/chat"] {
        io.ns(nsp, greet.clone());
    }
    io.dyn_ns("/dynamic-{name}", greet.clone())?;
    let admit = async move |TryData(auth): TryData<Value>| match auth {
        Ok(auth) if auth["token"] == token => Ok(()),
        _ => Err("invalid token"),
    };
    io.ns("/admin", greet.with(admit));

    let connections = Connections::default();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = Listener::bind(address, connections.clone()).await?;
    report("ready", &json!({"port": listener.port()?}));
    let server = Server { io, connections, numbered };
    tokio::spawn(server.obey(commands()));
    axum::serve(listener, Router::new().layer(layer)).await?;
    Ok(())
}

/// The lines of stdin. The process ends with them.
fn commands() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
        std::process::exit(0);
    });
    receiver
}

fn write(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // Whoever closed it wants to know nothing any more.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

fn report(kind: &str, value: &Value) {
    write(&format!("{kind} {value}"));
}

/// What the server does for a client in a namespace.
fn serve(socket: &SocketRef, numbered: Numbered) {
    report("connected", &json!({"nsp": socket.ns(), "sid": socket.id}));
    socket.on_disconnect(async |socket: SocketRef, reason: DisconnectReason| {
        report("disconnected", &json!({"nsp": socket.ns(), "reason": official(reason)}));
    });
    socket.on_fallback(
        async move |socket: SocketRef, Event(event): Event, Data(arguments): Data<Arguments>, ack: AckSender| {
            match event.as_str() {
                "numbered" => count(&numbered, &arguments),
                "exact" => {
                    let text = describe(&arguments).to_string();
                    write(&format!("exact {}", &text[1..text.len() - 1]));
                }
                "barrier" => {}
                _ => {
                    let args = describe(&arguments);
                    report("got", &json!({"nsp": socket.ns(), "event": event, "args": args}));
                }
            }
            match event.as_str() {
                "ack" | "barrier" => drop(ack.send(&arguments)),
                "echo" => drop(socket.emit("echo", &arguments)),
                _ => {}
            }
        },
    );
}

/// The reason of a disconnect, as the official server names it.
fn official(reason: DisconnectReason) -> &'static str {
    match reason {
        DisconnectReason::ClientNSDisconnect => "client namespace disconnect",
        DisconnectReason::ServerNSDisconnect => "server namespace disconnect",
        DisconnectReason::HeartbeatTimeout => "ping timeout",
        DisconnectReason::TransportClose => "transport close",
        DisconnectReason::PacketParsingError => "parse error",
        DisconnectReason::MultipleHttpPollingError | DisconnectReason::TransportError => "transport error",
        DisconnectReason::ClosingServer => "server shutting down",
    }
}

/// `numbered KEY N`: floods are counted, not reported.
fn count(numbered: &Numbered, arguments: &Arguments) {
    let described = describe(arguments);
    let (Some(key), Some(number)) = (described[0].as_str(), described[1].as_u64()) else { return };
    let mut numbered = numbered.lock().expect("no holder panics");
    let seen = numbered.entry(key.to_owned()).or_insert(Seen { count: 0, ordered: true });
    seen.ordered &= number == seen.count;
    seen.count += 1;
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Command {
    nsp: Option<String>,
    event: String,
    args: Vec<Value>,
    json: String,
    count: u64,
}

impl Server {
    async fn obey(self, mut lines: mpsc::UnboundedReceiver<String>) {
        while let Some(line) = lines.recv().await {
            match self.answer(&line).await {
                Ok(answer) => write(&format!("= {answer}")),
                Err(error) => write(&format!("! {line}: {error:#}")),
            }
        }
    }

    async fn answer(&self, line: &str) -> Result<Value> {
        let (name, argument) = line.split_once(' ').unwrap_or((line, "{}"));
        let command: Command = serde_json::from_str(argument)?;
        let nsp = command.nsp.as_deref().unwrap_or("/");
        let sockets = self.io.of(nsp).with_context(|| format!("there is no namespace {nsp}"))?.sockets();
        let arguments = match name {
            "emit_exact" => Arguments::build(&[serde_json::from_str(&command.json)?]),
            _ => Arguments::build(&command.args),
        };
        match name {
            "emit" | "emit_exact" => {
                for socket in sockets {
                    socket.emit(&command.event, &arguments)?;
                }
            }
            "ask" => {
                for socket in sockets {
                    let answer = socket.emit_with_ack::<_, Arguments>(&command.event, &arguments)?;
                    let (nsp, event) = (nsp.to_owned(), command.event.clone());
                    tokio::spawn(async move {
                        match answer.await {
                            Ok(args) => {
                                report("answer", &json!({"nsp": nsp, "event": event, "args": describe(&args)}));
                            }
                            Err(error) => {
                                report("answer", &json!({"nsp": nsp, "event": event, "error": error.to_string()}));
                            }
                        }
                    });
                }
            }
            "flood" => {
                for socket in sockets {
                    for number in 0..command.count {
                        socket.emit(&command.event, &number)?;
                    }
                }
            }
            "disconnect" => {
                for socket in sockets {
                    socket.disconnect()?;
                }
            }
            // A client on polling always has a request under way when it has nothing to say.
            "cut" => self.connections.cut(),
            "sockets" => return Ok(self.sockets()),
            "transports" => {
                let names = sockets.into_iter().map(|socket| match socket.transport_type() {
                    TransportType::Polling => "polling",
                    TransportType::Websocket => "websocket",
                });
                return Ok(names.collect());
            }
            "numbers" => {
                let numbered = self.numbered.lock().expect("no holder panics");
                let told = |seen: &Seen| json!({"count": seen.count, "ordered": seen.ordered});
                return Ok(numbered.iter().map(|(key, seen)| (key.clone(), told(seen))).collect());
            }
            _ => bail!("there is no such command"),
        }
        Ok(Value::Null)
    }

    /// How many clients are in each namespace. Sessions of Engine.IO can't be counted from here.
    fn sockets(&self) -> Value {
        let counts = ["/", "/admin", "/chat"].map(|nsp| (nsp, self.io.of(nsp).map_or(0, |all| all.sockets().len())));
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(nsp, count)| (nsp, Value::from(count))).collect()
    }
}
