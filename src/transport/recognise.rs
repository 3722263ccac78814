//! What is at the other end, if it is not the server that was meant.

use http::StatusCode;
use http::header::{self, HeaderMap};

use super::Route;
use super::opening::Unopened;
use crate::diagnostics::{Code, Problem};
use crate::protocol::engineio::is_version_2;
use crate::settings::Address;

/// Characters of a foreign answer that a sentence repeats.
const QUOTED: usize = 40;

/// Redirects that are followed in a row.
pub const REDIRECTS: usize = 5;

/// What a failed WebSocket handshake means.
pub fn failed_upgrade(route: &Route, address: &Address, unopened: Unopened) -> Problem {
    let not_websocket =
        |reason: String| Problem::new(Code::NotWebSocket).with("address", address).with("reason", reason);
    match unopened {
        Unopened::Answered(status, headers, body) => {
            let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
            let body = if is_chunked { first_chunk(&body) } else { &body };
            http_answer(address, status, &headers, body)
        }
        Unopened::Closed => not_websocket("it closed the connection without an answer".into()),
        Unopened::TooLarge(what) => Problem::new(Code::LimitExceeded)
            .with("address", address)
            .with("reason", format!("its answer to the WebSocket request has {what}")),
        Unopened::Unwritten(reason) => not_websocket(reason),
        Unopened::NotHttp => not_websocket("its answer is not HTTP".into()),
        Unopened::Broken(error) => {
            let explained = route.explain(address, &error);
            explained.unwrap_or_else(|| not_websocket(format!("the connection broke ({error})")))
        }
        Unopened::Wrong(reason) => not_websocket(format!("its answer to the WebSocket request is wrong, {reason}")),
    }
}

/// What the first chunk of a body holds (RFC 9112, section 7.1).
fn first_chunk(body: &[u8]) -> &[u8] {
    let Some(line) = body.split(|&byte| byte == b'\n').next() else { return body };
    let digits = String::from_utf8_lossy(line);
    let digits = digits.split(';').next().unwrap_or_default().trim();
    let Ok(size) = usize::from_str_radix(digits, 16) else { return body };
    let rest = body.get(line.len() + 1..).unwrap_or_default();
    &rest[..size.min(rest.len())]
}

/// Whether a problem only says that no sensible answer came, so that it is worth looking whether TLS is expected.
pub fn may_expect_tls(problem: &Problem, address: &Address) -> bool {
    !address.secure && problem.code() == Code::NotWebSocket
}

/// What an answer means that is not the one of a Socket.IO server.
pub fn http_answer(address: &Address, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Problem {
    let body = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let reason = status.canonical_reason().unwrap_or_default();
    if let Some(problem) = engine_error(address, status, &body) {
        return problem;
    }
    let is_page = header(header::CONTENT_TYPE).starts_with("text/html") || body.trim_start().starts_with('<');
    if body.contains("No required SSL certificate was sent") {
        // nginx lets the encryption come about and says so only then.
        let reason = format!("HTTP {}, no certificate was sent", status.as_u16());
        Problem::new(Code::TlsClientCertificateRequired).with("address", address).with("reason", reason)
    } else if PLAIN_TO_TLS.iter().any(|words| body.contains(words)) {
        Problem::new(Code::PlainTlsServer).with("address", address)
    } else if matches!(status.as_u16(), 401 | 403) {
        Problem::new(Code::HttpForbidden)
            .with("address", address)
            .with("status", status.as_u16())
            .with("reason", reason)
    } else if status == StatusCode::NOT_FOUND {
        Problem::new(Code::HttpNotFound).with("address", address).with("path", &address.path)
    } else if status == StatusCode::UPGRADE_REQUIRED {
        let received = format!("HTTP {} {reason}, as a plain WebSocket server does", status.as_u16());
        Problem::new(Code::NotSocketIo).with("address", address).with("received", received)
    } else if is_page && !status.is_server_error() {
        Problem::new(Code::HttpHtml).with("address", address).with("status", status.as_u16())
    } else if status.is_success() {
        not_a_handshake(address, &body)
    } else {
        Problem::new(Code::HttpStatus).with("address", address).with("status", status.as_u16()).with("reason", reason)
    }
}

/// What the reference server says of its errors 0, 1, ...: that alone, where a WebSocket was asked for.
const ENGINE_ERRORS: &[&str] = &[
    "Transport unknown",
    "Session ID unknown",
    "Bad handshake method",
    "Bad request",
    "Forbidden",
    "Unsupported protocol version",
];

/// The server's own words: `{"code":3,"message":"Bad request"}` (Engine.IO protocol, "Errors").
fn engine_error(address: &Address, status: StatusCode, body: &str) -> Option<Problem> {
    let json = serde_json::from_str::<serde_json::Value>(body).unwrap_or_default();
    // Other servers say such words with other statuses.
    let is_bad_request = |_: &usize| status == StatusCode::BAD_REQUEST;
    let (number, message) = match ENGINE_ERRORS.iter().position(|message| *message == body).filter(is_bad_request) {
        Some(number) => (number as u64, body),
        None => {
            // Some servers say the number as text.
            let code = json.get("code")?;
            let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
            (number, json.get("message")?.as_str()?)
        }
    };
    let code = match number {
        0 => Code::EngineTransport,
        1 => Code::EngineSession,
        2 => Code::EngineHandshake,
        3 => Code::EngineRequest,
        4 => Code::EngineForbidden,
        5 => Code::EngineVersion,
        _ => Code::EngineRefused,
    };
    Some(Problem::new(code).with("address", address).with("reason", message).with("number", number))
}

/// Text where a handshake was due.
pub fn not_a_handshake(address: &Address, text: &str) -> Problem {
    if is_version_2(text) {
        return Problem::new(Code::ProtocolVersion2).with("address", address);
    }
    let received = match text.is_empty() {
        true => "an empty answer".to_string(),
        false => format!("{:?}", text.chars().take(QUOTED).collect::<String>()),
    };
    Problem::new(Code::NotSocketIo).with("address", address).with("received", received)
}

/// What nginx, Go and Apache say, without encryption, to who does not encrypt.
const PLAIN_TO_TLS: [&str; 3] = [
    "HTTP request was sent to HTTPS port",
    "HTTP request to an HTTPS server",
    "plain HTTP to an SSL-enabled server port",
];

/// Redirects without an end.
pub fn redirect_loop(first: &Address, last: &Address) -> Problem {
    Problem::new(Code::HttpRedirectLoop).with("address", first).with("location", last.url())
}

/// Where an answer redirects to; None: it does not.
pub fn location(status: StatusCode, headers: &HeaderMap) -> Option<&str> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    (status.is_redirection() && !location.is_empty()).then_some(location)
}

/// The address that a redirect leads to. Another host is not asked: it would get the headers and credentials that are
/// meant for the first one. Nor is another port, behind which may be somebody else on the same machine, unless it is the
/// usual one of https in place of that of http; nor is encryption given up.
pub fn redirected(address: &Address, location: &str) -> Result<Address, Problem> {
    let refused = |reason: &str| {
        // Whatever stands behind the path may be a secret of the portal.
        let shown = location.split(['?', '#']).next().unwrap_or_default();
        Err(Problem::new(Code::HttpRedirect).with("address", address).with("location", shown).with("reason", reason))
    };
    // RFC 3986, section 4.2: a location may leave out the scheme, the host, or the beginning of the path.
    let absolute = if location.starts_with("//") {
        format!("{}:{location}", address.scheme())
    } else if location.starts_with('/') || location.split(['/', '?', '#']).next().unwrap_or_default().ends_with(':') {
        location.to_string()
    } else {
        format!("{}{location}", address.path)
    };
    let Ok(uri) = absolute.parse::<http::Uri>() else { return refused("it can't be read") };
    let mut next = address.clone();
    if let Some(host) = uri.host() {
        next.secure = match uri.scheme_str() {
            Some("https" | "wss") => true,
            Some("http" | "ws") => false,
            Some(_) => return refused("that is no web address"),
            None => address.secure,
        };
        next.host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        next.port = uri.port_u16().unwrap_or(Address::default_port(next.secure));
    }
    if next.host != address.host {
        return refused("that is another host");
    }
    if address.secure && !next.secure {
        return refused("that is not encrypted");
    }
    let is_usual = |address: &Address| address.port == Address::default_port(address.secure);
    if next.port != address.port && !(is_usual(address) && is_usual(&next)) {
        return refused("that is another port");
    }
    let path = uri.path();
    next.path = if path.ends_with('/') { path.to_string() } else { format!("{path}/") };
    Ok(next)
}

/// A redirect was followed, and what answers there is not Socket.IO: the redirect is what there is to tell.
pub fn after_redirect(first: &Address, last: &Address, problem: Problem) -> Problem {
    if first == last || !matches!(problem.code(), Code::HttpHtml | Code::HttpNotFound | Code::NotSocketIo) {
        return problem;
    }
    Problem::new(Code::HttpRedirect)
        .with("address", first)
        .with("location", last.url())
        .with("reason", "no Socket.IO server answers there")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(secure: bool) -> Address {
        at(3000, secure)
    }

    fn at(port: u16, secure: bool) -> Address {
        Address { host: "a.example".into(), port, path: "/socket.io/".into(), secure }
    }

    #[test]
    fn errors_of_engine_io_are_read_however_they_are_said() {
        let said = |status, body: &str| engine_error(&address(false), status, body).map(|problem| problem.name());
        let code = |body| said(StatusCode::BAD_REQUEST, body);
        assert_eq!(code(r#"{"code":3,"message":"Bad request"}"#), Some("eio_3"));
        assert_eq!(code(r#"{"code":"1","message":"Session ID unknown"}"#), Some("eio_1"));
        assert_eq!(code(r#"{"code":9,"message":"no"}"#), Some("engine_refused"));
        assert_eq!(code("Session ID unknown"), Some("eio_1"));
        for foreign in ["", "no", "[]", r#"{"code":-1,"message":"no"}"#, r#"{"code":1}"#, r#"{"message":"no"}"#] {
            assert_eq!(code(foreign), None, "{foreign}");
        }
        assert_eq!(said(StatusCode::FORBIDDEN, "Forbidden"), None);
    }

    #[test]
    fn the_first_chunk_of_a_body_is_taken_out() {
        assert_eq!(first_chunk(b"5\r\nhello\r\n0\r\n\r\n"), b"hello");
        assert_eq!(first_chunk(b"A;x=y\r\nhello"), b"hello");
        for odd in ["", "5", "zz\r\nhello"] {
            assert!(first_chunk(odd.as_bytes()).len() <= odd.len(), "{odd}");
        }
    }

    #[test]
    fn redirects_are_followed_on_the_same_host_and_port_only() {
        let follow = |location: &str, secure| redirected(&address(secure), location);
        let next = redirected(&at(80, false), "https://a.example/socket.io/?EIO=4&transport=polling").unwrap();
        assert_eq!((next.port, next.secure, next.path.as_str()), (443, true, "/socket.io/"));
        let next = follow("https://A.example:3000/", false).unwrap();
        assert_eq!((next.port, next.secure, next.path.as_str()), (3000, true, "/"));
        assert_eq!(follow("en/", false).unwrap().path, "/socket.io/en/");
        assert_eq!(follow("in?next=http://b.example", false).unwrap().path, "/socket.io/in/");
        let next = follow("/app/socket.io?x=1", false).unwrap();
        assert_eq!((next.port, next.secure, next.path.as_str()), (3000, false, "/app/socket.io/"));
        for (location, secure, says) in [
            ("https://portal.example/login?token=secret", false, "another host"),
            ("http://a.example:3000/socket.io/", true, "not encrypted"),
            ("//b.example/socket.io/", false, "another host"),
            ("//a.example:9999/socket.io/", false, "another port"),
            ("https://a.example/socket.io/", false, "another port"),
            ("http://a.example/socket.io/", false, "another port"),
            ("http://[", false, "can't be read"),
            ("ftp://a.example/", false, "no web address"),
        ] {
            let problem = follow(location, secure).unwrap_err();
            assert_eq!(problem.code(), Code::HttpRedirect, "{location}");
            assert!(problem.message().contains(says), "{}", problem.message());
            assert!(!problem.message().contains("secret"), "{}", problem.message());
        }
    }
}
