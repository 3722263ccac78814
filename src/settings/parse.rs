//! The settings text: `{"connections":[{"name":"main","url":"http://localhost:3000"}]}`.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::address::{Address, ProxyAddress, Url, normal_path};
use super::{
    CertificateCheck, ConnectionConfig, Limits, ProxyChoice, ProxySettings, Reconnect, Secret, TlsSettings,
    TransportChoice, is_header_value,
};
use crate::descriptor::{CONNECTION_FIELDS, Field, ValueType};
use crate::diagnostics::nearest;
use crate::protocol::json::deeper_than;

/// The largest settings text that is read.
pub const MAXIMUM_TEXT: usize = 4 << 20;
/// Objects and lists within each other at most: they are read on the stack of the host's thread.
const MAXIMUM_DEPTH: usize = 36;
/// The most connections of one project.
const MAXIMUM_CONNECTIONS: usize = 10_000;

/// One thing to say about the settings: which connection, which field, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it stands in the way.
    pub is_error: bool,
    /// The connection's name, or its place in the list; empty: the text as a whole.
    pub connection: String,
    /// The field as the studio shows it; empty: the connection as a whole.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_error { "error" } else { "warning" })?;
        if !self.connection.is_empty() {
            write!(f, ": connection {}", self.connection)?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}. {}.", self.what, self.remedy)
    }
}

/// What a settings text says.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The connections. Not to be used if there are errors.
    pub connections: Vec<ConnectionConfig>,
    /// Errors and warnings, in the order of the text.
    pub findings: Vec<Finding>,
}

impl Parsed {
    /// Whether it can be used.
    pub fn is_usable(&self) -> bool {
        self.findings.iter().all(|finding| !finding.is_error)
    }

    /// All findings, a line each.
    pub fn report(&self) -> String {
        self.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}

/// Reads a settings text.
pub fn parse(text: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    match read(text) {
        Err((what, remedy)) => parsed.findings.push(Finding {
            is_error: true,
            connection: String::new(),
            field: String::new(),
            what,
            remedy: remedy.into(),
        }),
        Ok(entries) => {
            let mut names = HashSet::new();
            for (index, entry) in entries.iter().enumerate() {
                let (config, mut findings) = Reader::new(entry, index).connection();
                if !config.name.is_empty() && !names.insert(config.name.clone()) {
                    findings.push(Finding {
                        is_error: true,
                        connection: format!("{:?}", config.name),
                        field: "Name".into(),
                        what: "there is another connection of this name".into(),
                        remedy: "Give each connection a name of its own".into(),
                    });
                }
                parsed.connections.push(config);
                parsed.findings.append(&mut findings);
            }
        }
    }
    parsed
}

const SHAPE: &str = "Settings look like {\"connections\":[{\"name\":\"main\",\"url\":\"http://localhost:3000\"}]}";

fn read(text: &[u8]) -> Result<Vec<Value>, (String, &'static str)> {
    if text.len() > MAXIMUM_TEXT {
        let what = format!("the settings text has {} bytes, more than {MAXIMUM_TEXT}", text.len());
        return Err((what, "Check that this is the settings text of a project"));
    }
    let text = std::str::from_utf8(text).map_err(|error| {
        (format!("the settings text is not UTF-8 (byte {})", error.valid_up_to()), "Save it as UTF-8")
    })?;
    if deeper_than(text, MAXIMUM_DEPTH) {
        let what = format!("the settings text is nested more than {MAXIMUM_DEPTH} deep");
        return Err((what, "Check that this is the settings text of a project"));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| (format!("the settings text is not JSON: {error}"), SHAPE))?;
    let Value::Object(mut object) = value else {
        return Err((format!("the settings text is {}, not a JSON object", kind(&value)), SHAPE));
    };
    match object.remove("connections") {
        Some(Value::Array(entries)) if entries.len() > MAXIMUM_CONNECTIONS => Err((
            format!("the settings have {} connections, more than {MAXIMUM_CONNECTIONS}", entries.len()),
            "Use fewer connections",
        )),
        Some(Value::Array(entries)) => Ok(entries),
        Some(other) => Err((format!("\"connections\" is {}, not a list", kind(&other)), SHAPE)),
        None => Err(("the settings text has no \"connections\"".into(), SHAPE)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads one connection, field by field; what is wrong takes its default, so that the rest is checked as well.
struct Reader<'a> {
    entry: &'a Value,
    label: String,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn new(entry: &'a Value, index: usize) -> Reader<'a> {
        let label = match entry.get("name") {
            Some(Value::String(name)) if !name.trim().is_empty() => format!("{name:?}"),
            _ => format!("number {}", index + 1),
        };
        Reader { entry, label, findings: Vec::new() }
    }

    fn finding(&mut self, is_error: bool, field: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.findings.push(Finding {
            is_error,
            connection: self.label.clone(),
            field: field.into(),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    fn error(&mut self, field: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.finding(true, field, what, remedy);
    }

    fn connection(mut self) -> (ConnectionConfig, Vec<Finding>) {
        if !self.entry.is_object() {
            self.error("", format!("is {}, not an object", kind(self.entry)), SHAPE);
        }
        self.unknown_fields();
        let name = self.text("name");
        if name.trim().is_empty() && !self.wrong("name") {
            self.error("Name", "is missing", "Give the connection a name; nodes refer to it");
        } else if name.chars().any(char::is_control) {
            self.error("Name", "holds a line break or another control character", "Take it out");
        }
        let (address, mut query) = self.address();
        query.extend(self.texts("query"));
        let headers = self.headers();
        let delay = self.seconds("reconnect_delay");
        let mut delay_max = self.seconds("reconnect_delay_max");
        if delay_max < delay {
            self.finding(
                false,
                "Reconnect Delay Maximum",
                format!(
                    "{} s is below Reconnect Delay, {} s; both are taken as the latter",
                    delay_max.as_secs_f64(),
                    delay.as_secs_f64()
                ),
                "Raise it",
            );
            delay_max = delay;
        }
        let secure = address.secure;
        let config = ConnectionConfig {
            name,
            address,
            query,
            headers,
            auth: self.object("auth"),
            autostart: self.boolean("autostart"),
            reconnect: Reconnect {
                automatic: self.boolean("automatic_reconnect"),
                attempts: self.number("reconnect_attempts") as u32,
                delay,
                delay_max,
                jitter: self.number("reconnect_jitter"),
                after_server_disconnect: self.boolean("reconnect_after_server_disconnect"),
            },
            connect_timeout: self.seconds("connect_timeout"),
            transport: match self.choice("transport") {
                1 => TransportChoice::WebSocket,
                2 => TransportChoice::Polling,
                _ => TransportChoice::Automatic,
            },
            tls: self.tls(secure),
            proxy: self.proxy(),
            limits: Limits {
                queue_messages: self.number("queue_messages") as usize,
                queue_bytes: self.number("queue_bytes") as usize,
                inbound_messages: self.number("inbound_messages") as usize,
                inbound_bytes: self.number("inbound_bytes") as usize,
                message_bytes: self.number("message_bytes") as usize,
                message_attachments: self.number("message_attachments") as usize,
                attachment_timeout: self.seconds("attachment_timeout"),
                json_depth: self.number("json_depth") as usize,
                handshake_bytes: self.number("handshake_bytes") as usize,
                unanswered_replies: self.number("unanswered_replies") as usize,
            },
        };
        (config, self.findings)
    }

    fn unknown_fields(&mut self) {
        let Some(entry) = self.entry.as_object() else { return };
        for key in entry.keys() {
            if CONNECTION_FIELDS.iter().any(|field| field.id == key) {
                continue;
            }
            let remedy = match nearest(key, CONNECTION_FIELDS.iter().map(|field| field.id)) {
                Some(id) => format!("Did you mean \"{id}\"?"),
                None => "Remove it, or update the plugin".into(),
            };
            self.finding(false, key, "is not a field of this version and has no effect", remedy.trim_end_matches('.'));
        }
    }

    /// Whether a field was found wrong already.
    fn wrong(&self, id: &str) -> bool {
        let label = field(id).label;
        self.findings.iter().any(|finding| finding.is_error && finding.field == label)
    }

    fn value(&self, id: &str) -> Option<&'a Value> {
        self.entry.get(id).filter(|value| !value.is_null())
    }

    fn wrong_type(&mut self, field: &Field, value: &Value) {
        let wanted = match field.value {
            ValueType::Bool => "true or false",
            ValueType::Int => "a whole number",
            ValueType::Float => "a number",
            ValueType::Json => "an object",
            _ => "text",
        };
        self.error(field.label, format!("is {}, not {wanted}", kind(value)), format!("Enter {wanted}"));
    }

    fn text(&mut self, id: &str) -> String {
        match self.value(id) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => {
                self.wrong_type(field(id), other);
                String::new()
            }
        }
    }

    fn boolean(&mut self, id: &str) -> bool {
        let field = field(id);
        match self.value(id) {
            None => field.default_json == "true",
            Some(Value::Bool(value)) => *value,
            Some(other) => {
                self.wrong_type(field, other);
                false
            }
        }
    }

    fn number(&mut self, id: &str) -> f64 {
        let field = field(id);
        let default = field.default_json.parse().unwrap_or_default();
        let Some(value) = self.value(id) else { return default };
        let (low, high) = field.range;
        match value.as_f64() {
            None => self.wrong_type(field, value),
            Some(number) if field.value == ValueType::Int && number.fract() != 0.0 => self.wrong_type(field, value),
            Some(number) if number < low || number > high => {
                let unit = if field.unit.is_empty() { String::new() } else { format!(" {}", field.unit) };
                let remedy = match id {
                    "port" => "Enter a port up to 65535, or 0 for the one in the URL".to_string(),
                    _ => format!("Enter a number in that range; {default}{unit} is the default"),
                };
                self.error(field.label, format!("{value}{unit} is not between {low} and {high}"), remedy);
            }
            Some(number) => return number,
        }
        default
    }

    /// The place of a text among the choices of a field, in whatever case it is written.
    fn choice(&mut self, id: &str) -> usize {
        let field = field(id);
        let text = self.text(id);
        let wanted = text.trim();
        if wanted.is_empty() {
            return 0;
        }
        field.choices.iter().position(|choice| choice.eq_ignore_ascii_case(wanted)).unwrap_or_else(|| {
            let remedy = format!("Choose one of: {}", field.choices.join(", "));
            self.error(field.label, format!("is \"{wanted}\", which is none of its choices"), remedy);
            0
        })
    }

    /// A text that may be a reference; None: not given.
    fn secret(&mut self, id: &str) -> Option<Secret> {
        let text = self.text(id);
        (!text.trim().is_empty()).then(|| Secret::new(text))
    }

    fn tls(&mut self, secure: bool) -> TlsSettings {
        let check = match self.choice("certificate_check") {
            1 => CertificateCheck::CaFile,
            2 => CertificateCheck::Fingerprint,
            3 => CertificateCheck::Off,
            _ => CertificateCheck::Roots,
        };
        let ca_file = self.secret("ca_file");
        if check == CertificateCheck::CaFile && ca_file.is_none() {
            self.error("CA File", "is empty, but Certificate Check is CA File Only", "Enter the path of the file");
        }
        let fingerprints = self.fingerprints();
        if check == CertificateCheck::Fingerprint && fingerprints.is_empty() && !self.wrong("fingerprint") {
            let what = "is empty, but Certificate Check is Fingerprint";
            self.error("Fingerprint", what, "Enter the SHA-256 fingerprint of the server's certificate");
        }
        if check != CertificateCheck::Fingerprint && !fingerprints.is_empty() {
            let what = "is given, but has no effect";
            self.finding(false, "Fingerprint", what, "Set Certificate Check to Fingerprint, or leave it empty");
        }
        let client = match (self.secret("client_certificate"), self.secret("client_key")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => {
                self.error("Client Key", "is empty, but there is a Client Certificate", "Enter the path of its key");
                None
            }
            (None, Some(_)) => {
                let what = "is empty, but there is a Client Key";
                self.error("Client Certificate", what, "Enter the path of the certificate");
                None
            }
        };
        let server_name = self.text("server_name").trim().to_ascii_lowercase();
        if let Some(bad) = server_name.chars().find(|&c| !(c.is_ascii_alphanumeric() || "-._:".contains(c))) {
            self.error("Server Name", format!("has {bad:?} in it"), "Enter a host name or an IP address");
        }
        if check == CertificateCheck::Off && secure {
            self.finding(
                false,
                "Certificate Check",
                "is Off: anybody between here and the server can read and change everything",
                "Use CA File or Fingerprint instead",
            );
        }
        if !secure && (ca_file.is_some() || client.is_some() || !fingerprints.is_empty()) {
            let what = "is not encrypted, so that the certificates in these settings have no effect";
            self.finding(false, "URL", what, "Use https:// if the server offers it");
        }
        let server_name = (!server_name.is_empty()).then_some(server_name);
        TlsSettings { check, ca_file, fingerprints, client, server_name }
    }

    fn fingerprints(&mut self) -> Vec<[u8; 32]> {
        let text = self.text("fingerprint");
        let mut fingerprints = Vec::new();
        for word in text.split([' ', ',', ';', '=', '\n', '\t']).filter(|word| !word.is_empty()) {
            // As other tools print it: "SHA256:AA:BB..." or "sha256 Fingerprint=AA:BB...".
            let hex = match word.get(..7) {
                Some(label) if label.eq_ignore_ascii_case("sha256:") => &word[7..],
                _ => word,
            };
            if ["sha256", "sha-256", "fingerprint"].iter().any(|label| label.eq_ignore_ascii_case(word)) {
                continue;
            }
            let digits: Vec<u8> =
                hex.chars().filter(|&c| c != ':').filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
            let only_digits = hex.chars().all(|c| c == ':' || c.is_ascii_hexdigit());
            if only_digits && digits.len() == 64 {
                let mut bytes = [0; 32];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
                    *byte = pair[0] << 4 | pair[1];
                }
                fingerprints.push(bytes);
            } else {
                let what = format!("\"{word}\" is not a SHA-256 fingerprint: that has 64 hex digits");
                self.error("Fingerprint", what, "Copy it from the error message or from the certificate");
            }
        }
        fingerprints
    }

    fn proxy(&mut self) -> ProxySettings {
        let choice = match self.secret("proxy") {
            None => ProxyChoice::Automatic,
            Some(secret) => match secret.literal().map(str::trim) {
                Some(text) if text.eq_ignore_ascii_case("automatic") => ProxyChoice::Automatic,
                Some(text) if text.eq_ignore_ascii_case("none") => ProxyChoice::None,
                Some(text) => {
                    if let Err((what, remedy)) = ProxyAddress::parse(text) {
                        self.error("Proxy", what, remedy);
                    }
                    ProxyChoice::Address(secret)
                }
                None => ProxyChoice::Address(secret),
            },
        };
        ProxySettings { choice, user: self.secret("proxy_user"), password: self.secret("proxy_password") }
    }

    fn seconds(&mut self, id: &str) -> Duration {
        Duration::from_secs_f64(self.number(id))
    }

    /// A JSON object; also as text that holds one, since an editor may only store text.
    fn object(&mut self, id: &str) -> Map<String, Value> {
        let field = field(id);
        match self.value(id) {
            None => Map::new(),
            Some(Value::Object(object)) => object.clone(),
            Some(Value::String(text)) if text.trim().is_empty() => Map::new(),
            Some(Value::String(text)) if deeper_than(text, MAXIMUM_DEPTH) => {
                let what = format!("is nested more than {MAXIMUM_DEPTH} deep");
                self.error(field.label, what, "Enter an object such as {\"token\":\"env:TOKEN\"}");
                Map::new()
            }
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Object(object)) => object,
                Ok(other) => {
                    self.wrong_type(field, &other);
                    Map::new()
                }
                // The text itself may be a secret: only its place is told.
                Err(error) => {
                    let what = format!("is not a JSON object (line {}, column {})", error.line(), error.column());
                    self.error(field.label, what, "Enter an object such as {\"token\":\"env:TOKEN\"}");
                    Map::new()
                }
            },
            Some(other) => {
                self.wrong_type(field, other);
                Map::new()
            }
        }
    }

    fn texts(&mut self, id: &str) -> Vec<(String, Secret)> {
        let label = field(id).label;
        let mut texts = Vec::new();
        for (key, value) in self.object(id) {
            match value {
                Value::String(text) => texts.push((key, Secret::new(text))),
                Value::Number(number) => texts.push((key, Secret::new(number.to_string()))),
                Value::Bool(value) => texts.push((key, Secret::new(value.to_string()))),
                other => {
                    self.error(label, format!("\"{key}\" is {}, not text", kind(&other)), "Enter text");
                }
            }
        }
        texts
    }

    fn headers(&mut self) -> Vec<(String, Secret)> {
        /// What the requests themselves say (RFC 6455, section 4.1; RFC 9110, section 7.6.1; RFC 9112, section 6).
        const OURS: [&str; 18] = [
            "host",
            "connection",
            "upgrade",
            "sec-websocket-key",
            "sec-websocket-version",
            "sec-websocket-extensions",
            "sec-websocket-accept",
            "sec-websocket-protocol",
            "content-length",
            "content-type",
            "transfer-encoding",
            "te",
            "trailer",
            "expect",
            "keep-alive",
            "proxy-connection",
            "proxy-authorization",
            "accept-encoding",
        ];
        let headers = self.texts("headers");
        for (name, value) in &headers {
            let is_token = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            if !is_token {
                self.error("Headers", format!("\"{name}\" is not the name of a header"), "Correct it, such as X-Token");
            } else if OURS.contains(&name.to_ascii_lowercase().as_str()) {
                self.error("Headers", format!("\"{name}\" is set by the plugin itself"), "Remove it");
            } else if value.literal().is_some_and(|value| !is_header_value(value)) {
                let what = format!("the value of \"{name}\" holds a line break or another control character");
                self.error("Headers", what, "Correct the value");
            }
        }
        headers
    }

    fn address(&mut self) -> (Address, Vec<(String, Secret)>) {
        let port = self.number("port") as u16;
        let path = self.text("path");
        let text = self.text("url");
        if self.wrong("url") {
            return (Address { host: String::new(), port: 0, path: String::new(), secure: false }, Vec::new());
        }
        let url = match Url::parse(&text, port) {
            Ok(url) => url,
            Err((what, remedy)) => {
                self.error("URL", what, remedy);
                Url::default()
            }
        };
        if let Some(in_url) = url.port.filter(|&in_url| port != 0 && in_url != port) {
            self.finding(
                false,
                "Port",
                format!("is {port}, but the URL says {in_url}, which is used"),
                "Set Port to 0, or both to the same",
            );
        }
        let path = match (path.trim(), &url.path) {
            ("", None) => normal_path("socket.io"),
            ("", Some(in_url)) => {
                let normal = normal_path(in_url);
                if !normal.ends_with("/socket.io/") {
                    self.finding(
                        false,
                        "URL",
                        format!("\"{in_url}\" in it is taken as the path where the server answers, not as a namespace"),
                        "If a namespace is meant, take it out here and enter it as Namespace at the nodes",
                    );
                }
                normal
            }
            (path, in_url) => {
                if let Some(in_url) = in_url.as_ref().filter(|in_url| normal_path(in_url) != normal_path(path)) {
                    self.finding(
                        false,
                        "Path",
                        format!("is {path}, which is used; the URL says {in_url}"),
                        "Take the path out of the URL, or leave Path empty",
                    );
                }
                normal_path(path)
            }
        };
        if let Some(bad) = path.chars().find(|&c| !c.is_ascii_graphic() || "?#\"<>\\^`{|}".contains(c)) {
            self.error("Path", format!("has {bad:?} in it"), "Write such characters in their %XX form");
        }
        let port = match (url.port, port) {
            (Some(in_url), _) => in_url,
            (None, 0) => Address::default_port(url.secure),
            (None, port) => port,
        };
        if url.says_plain && port == 443 {
            self.finding(
                false,
                "URL",
                "begins with http or ws, but port 443 is that of encrypted connections",
                "Use https:// if the server expects that",
            );
        }
        let query = url.query.into_iter().map(|(key, value)| (key, Secret::new(value))).collect();
        (Address { host: url.host, port, path, secure: url.secure }, query)
    }
}

fn field(id: &str) -> &'static Field {
    CONNECTION_FIELDS.iter().find(|field| field.id == id).unwrap_or(&CONNECTION_FIELDS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(fields: &str) -> Parsed {
        parse(format!("{{\"connections\":[{{{fields}}}]}}").as_bytes())
    }

    #[test]
    fn two_fields_are_enough() {
        let parsed = one(r#""name":"main","url":"http://example.com:3000/socket.io","port":0"#);
        assert_eq!(parsed.findings, []);
        let config = &parsed.connections[0];
        assert_eq!(config.address.to_string(), "example.com:3000");
        assert_eq!(config.address.path, "/socket.io/");
        assert_eq!(config.connect_timeout, Duration::from_secs(20));
        assert!(config.reconnect.automatic && !config.autostart);
    }

    #[test]
    fn every_default_is_within_its_own_rules() {
        let fields = CONNECTION_FIELDS
            .iter()
            .map(|field| match field.id {
                "name" => "\"name\":\"main\"".into(),
                "url" => "\"url\":\"localhost\"".into(),
                id => format!("\"{id}\":{}", field.default_json),
            })
            .collect::<Vec<_>>()
            .join(",");
        let explicit = one(&fields);
        assert_eq!(explicit.findings, []);
        assert_eq!(explicit.connections, one(r#""name":"main","url":"localhost""#).connections);
    }

    #[test]
    fn the_ports_that_projects_have() {
        for (url, port, used, warnings) in [
            ("http://a:3000/socket.io", 80, 3000, 1),
            ("http://a:3000/socket.io", 0, 3000, 0),
            ("http://a:3000", 3000, 3000, 0),
            ("http://a", 8080, 8080, 0),
            ("a", 0, 80, 0),
            ("ws://a", 0, 80, 0),
        ] {
            let parsed = one(&format!(r#""name":"main","url":"{url}","port":{port}"#));
            assert!(parsed.is_usable(), "{}", parsed.report());
            assert_eq!((parsed.connections[0].address.port, parsed.findings.len()), (used, warnings), "{url} {port}");
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let parsed = parse(
            br#"{"connections":[
                {"name":"a","url":"/socket.io","port":70000,"autostart":"yes","reconect_delay":3},
                {"name":"a","url":"http://x:1","headers":{"Bad Name":"x","Host":"y"},"auth":[1]},
                {"url":"http://x"}, 7
            ]}"#,
        );
        let report = parsed.report();
        for expected in [
            "error: connection \"a\": URL: \"/socket.io\" has no host. Enter an address such as https://example.com:3000.",
            "error: connection \"a\": Port: 70000 is not between 0 and 65535.",
            "error: connection \"a\": Autostart: is text, not true or false. Enter true or false.",
            "warning: connection \"a\": reconect_delay: is not a field of this version and has no effect. Did you mean \"reconnect_delay\"?",
            "error: connection \"a\": Name: there is another connection of this name.",
            "error: connection \"a\": Headers: \"Bad Name\" is not the name of a header.",
            "error: connection \"a\": Headers: \"Host\" is set by the plugin itself.",
            "error: connection \"a\": Auth: is a list, not an object.",
            "error: connection number 3: Name: is missing.",
            "error: connection number 4: is a number, not an object.",
        ] {
            assert!(report.contains(expected), "missing: {expected}\n{report}");
        }
    }

    #[test]
    fn what_is_no_settings_text_is_told_apart() {
        for (text, says) in [
            (&b""[..], "not JSON"),
            (b"{\"connections\":", "not JSON"),
            (b"[]", "a list, not a JSON object"),
            (b"{}", "no \"connections\""),
            (b"{\"connections\":{}}", "an object, not a list"),
            (b"\xff", "not UTF-8"),
            (&[b' '; MAXIMUM_TEXT + 1], "more than"),
        ] {
            let parsed = parse(text);
            assert!(!parsed.is_usable() && parsed.report().contains(says), "{says}: {}", parsed.report());
        }
    }

    #[test]
    fn credentials_in_wrong_places_are_not_repeated() {
        let parsed = one(r#""name":"main","url":"http://me:hunter2@x","auth":"{\"token\":hunter2}""#);
        assert!(!parsed.report().contains("hunter2"), "{}", parsed.report());
        assert_eq!(parsed.findings.len(), 2, "{}", parsed.report());
    }

    #[test]
    fn a_path_that_may_be_a_namespace_is_pointed_out() {
        let parsed = one(r#""name":"main","url":"http://a:3000/chat""#);
        assert_eq!(parsed.connections[0].address.path, "/chat/");
        assert!(parsed.is_usable() && parsed.report().contains("not as a namespace"), "{}", parsed.report());
    }
}
