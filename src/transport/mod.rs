//! Bytes over the network: name look-up, TCP, WebSocket. Long-polling, TLS and proxies belong here as well.

mod dial;
mod recognise;
mod resolve;
mod websocket;

use std::time::Duration;

pub use resolve::Resolver;
pub use websocket::{Frame, Incoming, Lost, WebSocket};

use crate::diagnostics::Problem;
use crate::settings::Address;

/// What a transport needs to reach a server. Secrets are resolved.
#[derive(Clone)]
pub struct Request {
    /// Where the server is.
    pub address: Address,
    /// Further parameters of the request.
    pub query: Vec<(String, String)>,
    /// Further headers of the request.
    pub headers: Vec<(String, String)>,
    /// Bytes of one message at most.
    pub message_bytes: usize,
}

/// How far an attempt to connect has come, for the sentence when it takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading what `env:` and `file:` refer to.
    Secrets,
    /// Looking up the name.
    Lookup,
    /// Opening TCP.
    Tcp,
    /// Opening the WebSocket.
    Upgrade,
    /// Waiting for the Engine.IO handshake.
    Handshake,
}

impl Stage {
    /// The stage in words that continue a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Stage::Secrets => "a file that Project Settings refer to was still being read",
            Stage::Lookup => "its name was still being looked up",
            Stage::Tcp => "not even to the first packet",
            Stage::Upgrade => "it accepted the connection but did not answer the WebSocket request",
            Stage::Handshake => {
                "it opened a WebSocket but sent no Engine.IO handshake, so it may be a plain WebSocket server"
            }
        }
    }
}

/// Opens a WebSocket. `stage` is kept up to date for whoever limits the time.
pub async fn open(
    resolver: &Resolver,
    request: &Request,
    stage: &std::cell::Cell<Stage>,
) -> Result<WebSocket, Problem> {
    stage.set(Stage::Lookup);
    let addresses = resolver.resolve(&request.address).await?;
    stage.set(Stage::Tcp);
    let stream = dial::connect(&request.address, addresses).await?;
    stage.set(Stage::Upgrade);
    let socket = WebSocket::open(stream, request).await?;
    stage.set(Stage::Handshake);
    Ok(socket)
}

/// How long a polite end of a connection may take before its socket is cut.
pub const CLOSE_LIMIT: Duration = Duration::from_millis(250);
