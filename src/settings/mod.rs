//! Project Settings: text in, checked configurations out. Every problem is found at once.

mod address;
mod parse;
mod secret;

use std::time::Duration;

use serde_json::{Map, Value};

pub use address::Address;
pub use parse::parse;
pub use secret::Secret;

use crate::diagnostics::{Code, Problem};

/// Whether text can be the value of an HTTP header: no line breaks, no control characters (RFC 9110, section 5.5).
pub fn is_header_value(text: &str) -> bool {
    text.chars().all(|c| c == '\t' || !c.is_control())
}

/// One configured connection.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionConfig {
    /// The name that nodes refer to.
    pub name: String,
    /// Where the server is.
    pub address: Address,
    /// Further parameters of the request.
    pub query: Vec<(String, Secret)>,
    /// Further headers of the request.
    pub headers: Vec<(String, Secret)>,
    /// Credentials: a JSON object whose texts may be references.
    pub auth: Map<String, Value>,
    /// Whether it starts when it is configured.
    pub autostart: bool,
    /// What happens after a loss.
    pub reconnect: Reconnect,
    /// How long connecting may take as a whole.
    pub connect_timeout: Duration,
    /// The bounds.
    pub limits: Limits,
}

/// What a configuration's references stand for, read anew for each attempt to connect.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Further parameters of the request.
    pub query: Vec<(String, String)>,
    /// Further headers of the request.
    pub headers: Vec<(String, String)>,
    /// Credentials.
    pub auth: Map<String, Value>,
}

impl ConnectionConfig {
    /// Whether a connection that was made with this one must be made anew for the other one.
    pub fn needs_new_connection(&self, other: &ConnectionConfig) -> bool {
        let request = |config: &ConnectionConfig| {
            (config.address.clone(), config.query.clone(), config.headers.clone(), config.auth.clone())
        };
        request(self) != request(other) || self.limits.message_bytes != other.limits.message_bytes
    }

    /// Whether anything in it is a reference: then reading it may take time.
    pub fn has_references(&self) -> bool {
        fn refers(value: &Value) -> bool {
            match value {
                Value::String(text) => Secret::new(text).literal().is_none(),
                Value::Array(items) => items.iter().any(refers),
                Value::Object(fields) => fields.values().any(refers),
                _ => false,
            }
        }
        self.query.iter().chain(&self.headers).any(|(_, value)| value.literal().is_none())
            || self.auth.values().any(refers)
    }

    /// Reads what its references stand for. May block for as long as the file system does.
    pub fn resolve(&self) -> Result<Resolved, Problem> {
        let texts = |pairs: &[(String, Secret)], field| {
            pairs
                .iter()
                .map(|(key, value)| Ok((key.clone(), value.resolve(&self.name, field)?)))
                .collect::<Result<Vec<_>, Problem>>()
        };
        let headers = texts(&self.headers, "Headers")?;
        if let Some((name, _)) = headers.iter().find(|(_, value)| !is_header_value(value)) {
            return Err(Problem::new(Code::HeaderInvalid).with("name", name).with("connection", &self.name));
        }
        let auth = self
            .auth
            .iter()
            .map(|(key, value)| Ok((key.clone(), Secret::resolve_json(value, &self.name, "Auth")?)))
            .collect::<Result<_, Problem>>()?;
        Ok(Resolved { query: texts(&self.query, "Query")?, headers, auth })
    }
}

/// What happens after a loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reconnect {
    /// Whether to connect again.
    pub automatic: bool,
    /// Give up after so many attempts; 0: never.
    pub attempts: u32,
    /// Before the first attempt.
    pub delay: Duration,
    /// Before any attempt, at most.
    pub delay_max: Duration,
    /// Share by which each wait varies, 0 to 1.
    pub jitter: f64,
    /// Also after the server ended the connection on purpose.
    pub after_server_disconnect: bool,
}

/// The bounds of one connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Messages waiting to be sent.
    pub queue_messages: usize,
    /// Bytes waiting to be sent.
    pub queue_bytes: usize,
    /// Events waiting for the host.
    pub inbound_messages: usize,
    /// Bytes of events waiting for the host.
    pub inbound_bytes: usize,
    /// Bytes of one received message or attachment.
    pub message_bytes: usize,
    /// Attachments of one received event.
    pub message_attachments: usize,
    /// Nesting of a received message.
    pub json_depth: usize,
    /// Bytes of the answer to a connection attempt.
    pub handshake_bytes: usize,
    /// Events waiting for a Reply.
    pub unanswered_replies: usize,
}
