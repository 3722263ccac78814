//! Bytes over the network: name look-up, TCP, proxies, TLS; HTTP long-polling and WebSocket on top of them.

mod certificate;
mod cookies;
mod dial;
mod engine;
mod frames;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
mod opening;
mod patience;
mod polling;
mod progress;
mod proxy;
mod reader;
mod recognise;
mod resolve;
mod route;
mod shared;
mod stream;
mod system_proxy;
mod tls;
mod upgrade;
mod websocket;

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use certificate::day;
pub use engine::{Engine, Memory, Room};
pub use progress::{Progress, Stage};
pub use resolve::Resolver;
pub use route::{Dialer, Route};
pub use stream::{Layer, Stream};

use crate::diagnostics::{Code, Problem, clock};
use crate::settings::{Address, ConnectionConfig, Resolved, TransportChoice};
use cookies::Cookies;

/// What a value in a query is escaped for: all but the unreserved characters of RFC 3986, section 2.3. Some servers
/// compare a session's id as it stands.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a transport needs to reach a server. Secrets are resolved.
#[derive(Clone)]
pub struct Request {
    /// Where the server is.
    pub address: Address,
    /// Which transports are used.
    pub transport: TransportChoice,
    /// Further parameters of the request.
    pub query: Vec<(String, String)>,
    /// Further headers of the request.
    pub headers: Vec<(String, String)>,
    /// Bytes of one message at most.
    pub message_bytes: usize,
    /// Bytes of the handshake at most.
    pub handshake_bytes: usize,
    /// How long connecting may take as a whole; whoever asks sees to that.
    pub connect_timeout: Duration,
    /// How long moving to a WebSocket may take.
    pub upgrade_timeout: Duration,
}

/// How long moving to a WebSocket may take: a server waits as long by default.
const UPGRADE_LIMIT: Duration = Duration::from_secs(10);

impl Request {
    /// What a configuration asks for.
    pub fn new(config: &ConnectionConfig, resolved: &Resolved) -> Request {
        Request {
            address: config.address.clone(),
            transport: config.transport,
            query: resolved.query.clone(),
            headers: resolved.headers.clone(),
            message_bytes: config.limits.message_bytes,
            handshake_bytes: config.limits.handshake_bytes,
            connect_timeout: config.connect_timeout,
            upgrade_timeout: UPGRADE_LIMIT.min(config.connect_timeout),
        }
    }

    /// Path and query of a request to a server (Engine.IO protocol, "Query parameters").
    fn target(&self, address: &Address, transport: &str, session: Option<&str>) -> String {
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let mut target = format!("{}?EIO=4&transport={transport}", address.path);
        if let Some(session) = session {
            target.push_str(&format!("&sid={}", encode(session)));
        }
        if transport == "polling" {
            // Nothing in between may answer from what it has stored.
            target.push_str(&format!("&t={:x}", clock::now_us()));
        }
        for (key, value) in &self.query {
            target.push_str(&format!("&{}={}", encode(key), encode(value)));
        }
        target
    }

    /// Headers that every request has. What the settings say goes before what we would say.
    fn headers_for(&self, address: &Address, cookies: &Cookies) -> Vec<(String, String)> {
        let own = |wanted: &str| self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let mut headers = vec![("Host".to_string(), address.authority())];
        if own("User-Agent").is_none() {
            headers.push(("User-Agent".into(), concat!("socketio-plugin/", env!("CARGO_PKG_VERSION")).into()));
        }
        if let Some(cookies) = cookies.header(own("Cookie").map(|(_, value)| value.as_str()), address.secure) {
            headers.push(("Cookie".into(), cookies));
        }
        headers.extend(self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Cookie")).cloned());
        headers
    }
}

/// A frame to send.
#[derive(Debug)]
pub enum Frame {
    /// A packet.
    Text(String),
    /// An attachment.
    Binary(Bytes),
    /// Measures the round trip.
    Ping,
}

/// What was received.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A packet.
    Text(Cow<'a, str>),
    /// An attachment.
    Binary(Cow<'a, [u8]>),
    /// The answer to [`Frame::Ping`].
    Pong,
    /// A round trip was measured without [`Frame::Ping`].
    RoundTrip(Duration),
    /// The connection was moved from long-polling to a WebSocket.
    Upgraded,
    /// It can't be moved, for this reason, and stays on long-polling.
    NotUpgraded(String),
}

/// Why nothing more comes.
#[derive(Debug)]
pub enum Lost {
    /// The other end, or the network, closed the connection.
    Closed(String),
    /// The other end broke the rules of the transport.
    Broken(String),
    /// A message is larger than the limit.
    TooLarge(String),
    /// The other end took nothing of what was sent for so long.
    Stuck(Duration),
    /// Something that has an entry in the catalogue.
    Failed(Problem),
}

impl Lost {
    /// What to tell of a connection to this address.
    pub fn problem(self, address: &Address) -> Problem {
        let (code, reason) = match self {
            Lost::Closed(how) => (Code::ConnectionLost, how),
            Lost::Broken(how) => (Code::ProtocolError, how),
            Lost::TooLarge(how) => (Code::LimitExceeded, how),
            Lost::Stuck(limit) => {
                return Problem::new(Code::SendTimeout).with("address", address).with("seconds", limit.as_secs_f64());
            }
            Lost::Failed(problem) => return problem,
        };
        Problem::new(code).with("address", address).with("reason", reason)
    }
}

/// How long a polite end of a connection may take before its socket is cut.
pub const CLOSE_LIMIT: Duration = Duration::from_millis(250);
