//! What a case is: who gets what instead of a proper session, and what the client must make of it.

use std::fmt;
use std::io;

use crate::peer::{Peer, Wire};

/// What the client must do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The session goes on as if nothing had been, and exactly these events come, separated by spaces; `name*3`: three.
    Lives(&'static str),
    /// The same without events, and On Error tells this code.
    Told(&'static str),
    /// The session stood and is lost with this code; the next one, which is good, stands.
    Lost(&'static str),
    /// No session comes about, for this code, told once however often it is tried; a good one stands at last.
    Refused(&'static str),
    /// The session stood and ends for good with this code; the next Start begins a good one.
    Ended(&'static str),
    /// Whatever becomes of the first sessions, one stands at last and gets its event.
    Survives,
}

impl Expect {
    /// Whether every session gets what the case is about, not only the first one.
    pub fn lasts(self) -> bool {
        matches!(self, Expect::Refused(_) | Expect::Survives)
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, rest) = match self {
            Expect::Lives(events) => ("lives", *events),
            Expect::Told(code) => ("told", *code),
            Expect::Lost(code) => ("lost", *code),
            Expect::Refused(code) => ("refused", *code),
            Expect::Ended(code) => ("ended", *code),
            Expect::Survives => ("survives", ""),
        };
        f.write_str(format!("{word} {rest}").trim_end())
    }
}

/// The transport that the client is set to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    WebSocket,
    Polling,
    Automatic,
}

impl Transport {
    fn setting(self) -> &'static str {
        match self {
            Transport::WebSocket => "WebSocket Only",
            Transport::Polling => "Polling Only",
            Transport::Automatic => "Automatic",
        }
    }
}

/// Bytes for the wire. An error ends the connection; otherwise what is usual follows.
pub type Write = fn(&mut Peer) -> io::Result<()>;

/// What is said in a session.
pub enum Item {
    /// A text packet; a broken server's may be no UTF-8.
    Text(Vec<u8>),
    /// An attachment.
    Binary(Vec<u8>),
    /// As `Act::Later`.
    Raw(Write),
    /// As `Act::Bytes`.
    Bytes(&'static [u8]),
}

/// A text packet.
pub fn text(packet: impl Into<Vec<u8>>) -> Item {
    Item::Text(packet.into())
}

/// So many of the same text packet.
pub fn storm(packet: &str, times: usize) -> Vec<Item> {
    (0..times).map(|_| text(packet)).collect()
}

/// What is put into a session, and where.
#[derive(Clone, Copy)]
pub enum Act {
    /// Nothing: it is in the handshake.
    Nothing,
    /// In place of the HTTP answer that opens WebSocket or session.
    Answer(Write),
    /// Between the HTTP answer and the handshake of a WebSocket.
    Opened(Write),
    /// In place of the answer to CONNECT.
    Connect(fn() -> Vec<Item>),
    /// A single text packet there.
    Answers(&'static str),
    /// Behind the answer to CONNECT.
    Joined(fn() -> Vec<Item>),
    /// A single text packet there.
    Says(&'static str),
    /// A single packet there, and its attachment.
    SaysWith(&'static str, &'static [u8]),
    /// Raw bytes there. Long-polling: the whole answer to the request that waits for packets.
    Later(Write),
    /// Raw bytes there, on a WebSocket.
    Bytes(&'static [u8]),
    /// In place of the HTTP answer to the first request that sends an event.
    Post(Write),
    /// In place of the answer to the first event that asks for one, by its ack id.
    Question(fn(&str) -> Vec<Item>),
    /// In place of the HTTP answer to the WebSocket that a session is to move to.
    Upgrade(Write),
    /// In place of the answer to the probe over that WebSocket.
    Probe(Write),
    /// A wire of its own for each session, by its number.
    Wire(fn(usize) -> Wire),
}

/// See the module.
pub struct Case {
    pub name: String,
    pub transport: Transport,
    pub expect: Expect,
    pub act: Act,
    /// The JSON of the handshake; `SID` in it stands for the id.
    pub handshake: String,
    /// Fields of the connection's settings.
    pub settings: Vec<(&'static str, &'static str)>,
    /// The client subscribes in the namespace /n too, and the case begins when that is asked for.
    pub joins: bool,
    /// The server pings all the time, which it only does over long-polling.
    pub keeps_pinging: bool,
}

/// What opens a good session.
pub fn handshake(interval: u32, timeout: u32) -> String {
    format!(r#"{{"sid":"SID","upgrades":[],"pingInterval":{interval},"pingTimeout":{timeout}}}"#)
}

impl Case {
    /// A case with the usual handshake and quick retries.
    pub fn new(transport: Transport, name: &str, expect: Expect, act: Act) -> Case {
        let prefix = match transport {
            Transport::WebSocket => "websocket",
            Transport::Polling => "polling",
            Transport::Automatic => "automatic",
        };
        let settings = vec![
            ("connect_timeout", "5"),
            ("reconnect_delay", "0.02"),
            ("reconnect_delay_max", "0.02"),
            ("reconnect_jitter", "0"),
        ];
        let (name, handshake) = (format!("{prefix}_{name}"), handshake(25_000, 20_000));
        Case { name, transport, expect, act, handshake, settings, joins: false, keeps_pinging: false }
    }
}

/// The line of `--list`.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { name, transport, expect, settings, joins, .. } = self;
        let fields: String = settings.iter().map(|(key, value)| format!(",\"{key}\":{value}")).collect();
        let joins = if *joins { "joins" } else { "alone" };
        write!(f, "{name}\t{expect}\t\"transport\":\"{}\"{fields}\t{joins}", transport.setting())
    }
}
