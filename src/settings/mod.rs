//! Project Settings: text in, checked configurations out. Every problem is found at once.

mod address;
mod parse;
mod secret;

use std::time::Duration;

use serde_json::{Map, Value};

pub use address::{Address, ProxyAddress, ProxyKind};
pub use parse::{MAXIMUM_TEXT, parse};
pub use secret::Secret;

use crate::diagnostics::{Code, Problem, Secrets, is_secret_name};

/// Whether text can be the value of an HTTP header: no line breaks, no control characters (RFC 9110, section 5.5).
pub fn is_header_value(text: &str) -> bool {
    text.chars().all(|c| c == '\t' || !c.is_control())
}

/// Credentials for the server, a JSON object.
pub type Auth = Map<String, Value>;

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
    pub auth: Auth,
    /// Whether it starts when it is configured.
    pub autostart: bool,
    /// What happens after a loss.
    pub reconnect: Reconnect,
    /// How long connecting may take as a whole.
    pub connect_timeout: Duration,
    /// Which transports are used.
    pub transport: TransportChoice,
    /// How https is checked.
    pub tls: TlsSettings,
    /// What stands between here and the server.
    pub proxy: ProxySettings,
    /// The bounds.
    pub limits: Limits,
}

/// Which transports a connection uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportChoice {
    /// Long-polling first, then WebSocket where it gets through.
    Automatic,
    /// WebSocket from the beginning.
    WebSocket,
    /// Long-polling for good.
    Polling,
}

/// How an https server proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateCheck {
    /// By the roots of the system, those of the plugin, and those of CA File.
    Roots,
    /// By those of CA File.
    CaFile,
    /// By its certificate's fingerprint.
    Fingerprint,
    /// Not at all.
    Off,
}

/// How https is checked, as the settings say it. Files are read for each attempt to connect.
#[derive(Debug, Clone, PartialEq)]
pub struct TlsSettings {
    /// How the server proves who it is.
    pub check: CertificateCheck,
    /// Certificates of those who may vouch for the server.
    pub ca_file: Option<Secret>,
    /// SHA-256 of certificates that are trusted as they are.
    pub fingerprints: Vec<[u8; 32]>,
    /// Certificate of this device, and its private key.
    pub client: Option<(Secret, Secret)>,
    /// The name that the certificate must be for, instead of the URL's host.
    pub server_name: Option<String>,
}

/// Which proxy is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum ProxyChoice {
    /// The environment says.
    Automatic,
    /// None.
    None,
    /// This one.
    Address(Secret),
}

/// The proxy, as the settings say it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxySettings {
    /// Which one.
    pub choice: ProxyChoice,
    /// User name.
    pub user: Option<Secret>,
    /// Password.
    pub password: Option<Secret>,
}

/// What a configuration's references stand for, read anew for each attempt to connect.
#[derive(Default, PartialEq)]
pub struct Resolved {
    /// Further parameters of the request.
    pub query: Vec<(String, String)>,
    /// Further headers of the request.
    pub headers: Vec<(String, String)>,
    /// Credentials.
    pub auth: Auth,
    /// Address of the proxy, if the settings name one.
    pub proxy: Option<String>,
    /// User name at the proxy.
    pub proxy_user: Option<String>,
    /// Password at the proxy.
    pub proxy_password: Option<String>,
    /// What CA File holds: PEM or DER.
    pub ca: Option<Vec<u8>>,
    /// What Client Certificate and Client Key hold: PEM or DER.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

impl ConnectionConfig {
    /// Whether a connection that was made with this one must be made anew for the other one.
    pub fn needs_new_connection(&self, other: &ConnectionConfig) -> bool {
        self.address != other.address
            || self.query != other.query
            || self.headers != other.headers
            || self.auth != other.auth
            || self.transport != other.transport
            || self.tls != other.tls
            || self.proxy != other.proxy
            || self.limits.message_bytes != other.limits.message_bytes
    }

    /// Whether anything in it is a reference: then reading it may take time.
    pub fn has_references(&self) -> bool {
        !self.references().is_empty()
    }

    /// What refers to something outside of it: the fields, and the names in them.
    pub fn references(&self) -> Vec<String> {
        fn refers(value: &Value) -> bool {
            match value {
                Value::String(text) => Secret::new(text).is_reference(),
                Value::Array(items) => items.iter().any(refers),
                Value::Object(fields) => fields.values().any(refers),
                _ => false,
            }
        }
        let mut out = Vec::new();
        for (field, pairs) in [("Query", &self.query), ("Headers", &self.headers)] {
            out.extend(
                pairs.iter().filter(|(_, value)| value.is_reference()).map(|(name, _)| format!("{field} {name}")),
            );
        }
        out.extend(self.auth.iter().filter(|(_, value)| refers(value)).map(|(name, _)| format!("Auth {name}")));
        let proxy = match &self.proxy.choice {
            ProxyChoice::Address(address) => Some(address),
            ProxyChoice::Automatic | ProxyChoice::None => None,
        };
        for (field, value) in [
            ("Proxy", proxy),
            ("Proxy User", self.proxy.user.as_ref()),
            ("Proxy Password", self.proxy.password.as_ref()),
        ] {
            out.extend(value.filter(|value| value.is_reference()).map(|_| field.to_string()));
        }
        out.extend(self.tls.ca_file.iter().map(|_| "CA File".to_string()));
        out.extend(self.tls.client.iter().map(|_| "Client Certificate and Client Key".to_string()));
        out
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
        let text = |value: &Option<Secret>, field| -> Result<Option<String>, Problem> {
            value.as_ref().map(|value| value.resolve(&self.name, field)).transpose()
        };
        let file = |value: &Secret, field| value.resolve_file(&self.name, field);
        let ca = self.tls.ca_file.as_ref().map(|value| file(value, "CA File")).transpose()?;
        let client = match &self.tls.client {
            Some((certificate, key)) => Some((file(certificate, "Client Certificate")?, file(key, "Client Key")?)),
            None => None,
        };
        let proxy = match &self.proxy.choice {
            ProxyChoice::Address(address) => Some(address.resolve(&self.name, "Proxy")?),
            ProxyChoice::Automatic | ProxyChoice::None => None,
        };
        Ok(Resolved {
            query: texts(&self.query, "Query")?,
            headers,
            auth,
            proxy,
            proxy_user: text(&self.proxy.user, "Proxy User")?,
            proxy_password: text(&self.proxy.password, "Proxy Password")?,
            ca,
            client,
        })
    }
}

impl Resolved {
    /// What of it must not be shown: whatever is a reference in `config`, is named like a secret, or looks like a token;
    /// `all`: every value, for what is sent to others.
    pub fn secrets(&self, config: &ConnectionConfig, all: bool) -> Secrets {
        /// Longer values are tokens rather than words.
        const LONG: usize = 16;
        let mut secrets = Secrets::beside(format!("{} {}{}", config.name, config.address, config.address.path));
        let mut add = |name: &str, value: &str, is_reference: bool| {
            if all || is_reference || is_secret_name(name) || value.len() >= LONG {
                secrets.add(value);
            }
        };
        let pairs = self.headers.iter().zip(&config.headers).chain(self.query.iter().zip(&config.query));
        for ((name, value), (_, setting)) in pairs {
            add(name, value, setting.is_reference());
        }
        for ((name, value), setting) in self.auth.iter().zip(config.auth.values()) {
            for_each_text(name, value, setting, &mut add);
        }
        let (user, password) =
            self.proxy.as_deref().and_then(|proxy| ProxyAddress::parse(proxy).ok()?.credentials).unzip();
        for value in [user, password].iter().chain([&self.proxy_user, &self.proxy_password]).flatten() {
            secrets.add(value);
        }
        secrets
    }
}

/// Each text and number in JSON: the name it stands under, itself, and whether the settings have a reference there.
fn for_each_text(name: &str, value: &Value, setting: &Value, each: &mut impl FnMut(&str, &str, bool)) {
    match (value, setting) {
        (Value::String(value), Value::String(setting)) => each(name, value, Secret::new(setting).is_reference()),
        (Value::Number(value), _) => each(name, &value.to_string(), false),
        (Value::Array(values), Value::Array(settings)) => {
            values.iter().zip(settings).for_each(|(value, setting)| for_each_text(name, value, setting, each));
        }
        (Value::Object(values), Value::Object(settings)) => {
            for ((name, value), setting) in values.iter().zip(settings.values()) {
                for_each_text(name, value, setting, each);
            }
        }
        _ => {}
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
    /// How long each attachment of a received event may take.
    pub attachment_timeout: Duration,
    /// Nesting of a received message.
    pub json_depth: usize,
    /// Bytes of the answer to a connection attempt.
    pub handshake_bytes: usize,
    /// Events waiting for a Reply.
    pub unanswered_replies: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_settings_are_secrets() {
        let settings = br#"{"connections":[{"name":"main","url":"http://example.com?key=query-value&v=4711",
            "headers":{"Authorization":"Bearer header-value"},"auth":{"token":"auth-value","user":"anna","pin":123456},
            "proxy":"http://proxy-user:proxy-password@proxy:3128"}]}"#;
        let parsed = parse(settings);
        assert!(parsed.is_usable(), "{}", parsed.report());
        let config = &parsed.connections[0];
        let resolved = config.resolve().unwrap();
        let (log, report) = (resolved.secrets(config, false), resolved.secrets(config, true));
        for value in ["header-value", "auth-value", "proxy-user", "proxy-password"] {
            assert_eq!((log.mask(value).as_str(), report.mask(value).as_str()), ("***", "***"), "{value}");
        }
        for value in ["query-value", "4711", "anna", "123456"] {
            assert_eq!((log.mask(value).as_str(), report.mask(value).as_str()), (value, "***"), "{value}");
        }
        assert_eq!(report.mask("main at example.com:80"), "main at example.com:80");
    }
}
