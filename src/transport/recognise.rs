//! What is at the other end, if it is not the server that was meant.

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{Response, header};

use crate::diagnostics::{Code, Problem};
use crate::settings::Address;

/// What a failed WebSocket handshake means.
pub fn failed_upgrade(address: &Address, error: Error) -> Problem {
    let not_websocket =
        |reason: String| Problem::new(Code::NotWebSocket).with("address", address).with("reason", reason);
    match error {
        Error::Http(response) => http_answer(address, &response),
        Error::ConnectionClosed
        | Error::Protocol(ProtocolError::HandshakeIncomplete | ProtocolError::ResetWithoutClosingHandshake) => {
            not_websocket("it closed the connection without an answer".into())
        }
        Error::AttackAttempt => Problem::new(Code::LimitExceeded)
            .with("address", address)
            .with("reason", "its answer to the WebSocket request has more than 64 KiB or far too many pieces"),
        Error::Protocol(ProtocolError::HttparseError(_)) => not_websocket("its answer is not HTTP".into()),
        Error::Io(error) => not_websocket(format!("the connection broke ({error})")),
        other => not_websocket(format!("its answer to the WebSocket request is wrong ({other})")),
    }
}

fn http_answer(address: &Address, response: &Response<Option<Vec<u8>>>) -> Problem {
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let body = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The server's own words: {"code":3,"message":"Bad request"} (Engine.IO protocol, "Errors").
    if let Ok(serde_json::Value::Object(error)) = serde_json::from_str(&body)
        && let (Some(code), Some(message)) =
            (error.get("code").and_then(|c| c.as_u64()), error.get("message").and_then(|m| m.as_str()))
    {
        return Problem::new(Code::EngineRefused).with("address", address).with("reason", message).with("number", code);
    }
    let location = header(header::LOCATION);
    let is_page = header(header::CONTENT_TYPE).starts_with("text/html") || body.trim_start().starts_with('<');
    if status.is_redirection() && !location.is_empty() {
        Problem::new(Code::HttpRedirect).with("address", address).with("location", location)
    } else if status.as_u16() == 404 {
        Problem::new(Code::HttpNotFound).with("address", address).with("path", &address.path)
    } else if is_page {
        Problem::new(Code::HttpHtml).with("address", address).with("status", status.as_u16())
    } else {
        Problem::new(Code::HttpStatus)
            .with("address", address)
            .with("status", status.as_u16())
            .with("reason", status.canonical_reason().unwrap_or_default())
    }
}
