//! The request that opens a WebSocket, and its answer (RFC 6455, section 4.1).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::shared::{give_buffer, random, take_buffer};

/// Header fields of an answer, at most.
const FIELDS_LIMIT: usize = 128;
/// So much of a head is looked at whenever something came: what is not HTTP shows in its first bytes.
const BEGINNING: usize = 256;
/// Bytes of a body that tells why no WebSocket opened, and how long they may take: the status alone tells enough.
const BODY_LIMIT: usize = 4 << 10;
const BODY_PATIENCE: Duration = Duration::from_millis(300);

/// A stream on which a WebSocket was agreed.
#[derive(Debug)]
pub struct Agreed {
    pub headers: HeaderMap,
    /// What was read behind the answer.
    pub rest: Vec<u8>,
}

/// Why there is none.
#[derive(Debug)]
pub enum Unopened {
    /// Another answer.
    Answered(StatusCode, HeaderMap, Vec<u8>),
    /// It closed without one.
    Closed,
    /// The stream broke.
    Broken(io::Error),
    /// What came is not HTTP.
    NotHttp,
    /// The request can't be written, for this reason.
    Unwritten(String),
    /// The answer is larger than allowed.
    TooLarge(String),
    /// The answer is not one that opens a WebSocket, for this reason.
    Wrong(String),
}

/// Sends a request with these headers and reads the answer, of at most `limit` bytes.
pub async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    target: &str,
    headers: &[(String, String)],
    limit: usize,
) -> Result<Agreed, Unopened> {
    let key = BASE64_STANDARD.encode(random::<16>());
    open_with(stream, target, headers, &key, limit).await
}

async fn open_with<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    target: &str,
    headers: &[(String, String)],
    key: &str,
    limit: usize,
) -> Result<Agreed, Unopened> {
    let request = request(target, headers, key)?;
    let written = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await
    };
    written.await.map_err(Unopened::Broken)?;
    let (head, mut rest) = read_head(stream, limit).await?;
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        read_body(stream, &head.headers, &mut rest).await;
        return Err(Unopened::Answered(head.status, head.headers, rest));
    }
    check(&head, key).map_err(Unopened::Wrong)?;
    Ok(Agreed { headers: head.headers, rest })
}

/// The request as it is written (RFC 6455, section 4.1). What comes from the settings must not break out of its line.
fn request(target: &str, headers: &[(String, String)], key: &str) -> Result<String, Unopened> {
    let unwritten = |what: &str| Err(Unopened::Unwritten(format!("the request can't be written for its {what}")));
    if PathAndQuery::try_from(target).is_err() {
        return unwritten("path");
    }
    let mut request = format!("GET {target} HTTP/1.1\r\n");
    let ours = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    ];
    for (name, value) in headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(ours) {
        if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
            return unwritten(&format!("header {name}"));
        }
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    Ok(request)
}

struct Head {
    /// Of HTTP/1: 0 or 1.
    version: u8,
    status: StatusCode,
    headers: HeaderMap,
}

/// The head of the final answer, and what was read behind it. All heads and what stands between them count in the limit.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S, limit: usize) -> Result<(Head, Vec<u8>), Unopened> {
    let mut bytes = Vec::new();
    let mut passed = 0;
    loop {
        let before = bytes.len();
        let count = read_some(stream, &mut bytes).await.map_err(Unopened::Broken)?;
        if count == 0 {
            return Err(Unopened::Closed);
        }
        // Answers may come in single bytes: what can't end a line is not worth another look at all of it.
        if before > BEGINNING && !bytes[before..].contains(&b'\n') && passed + bytes.len() <= limit {
            continue;
        }
        loop {
            let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            bytes.drain(..blank);
            passed += blank;
            match parse(&bytes)? {
                None if passed + bytes.len() > limit => {
                    return Err(Unopened::TooLarge(format!("more than {limit} bytes")));
                }
                None => break,
                Some((_, length)) if passed + length > limit => {
                    return Err(Unopened::TooLarge(format!("more than {limit} bytes")));
                }
                Some((head, length)) => {
                    bytes.drain(..length);
                    passed += length;
                    // RFC 9110, section 15.2: others may come before the final answer.
                    if !head.status.is_informational() || head.status == StatusCode::SWITCHING_PROTOCOLS {
                        return Ok((head, bytes));
                    }
                }
            }
        }
    }
}

/// Reads what is there. While there is nothing, no memory waits for it: a thousand connections may be opened at once.
async fn read_some<S: AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut buffer = take_buffer();
        let mut read = ReadBuf::new(&mut buffer);
        let polled = Pin::new(&mut *stream).poll_read(cx, &mut read);
        bytes.extend_from_slice(read.filled());
        let count = read.filled().len();
        give_buffer(buffer);
        polled.map_ok(|()| count)
    })
    .await
}

/// Reads a head, if it is complete, and tells its length.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Unopened> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Unopened::TooLarge(format!("more than {FIELDS_LIMIT} header fields")));
        }
        Err(_) => return Err(Unopened::NotHttp),
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Unopened::NotHttp)?;
    let mut headers = HeaderMap::new();
    for field in response.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Unopened::NotHttp)?;
        headers.append(name, HeaderValue::from_bytes(field.value).map_err(|_| Unopened::NotHttp)?);
    }
    Ok(Some((Head { version: response.version.unwrap_or_default(), status, headers }, length)))
}

/// What the server says of its refusal, as far as it comes soon.
async fn read_body<S: AsyncRead + Unpin>(stream: &mut S, headers: &HeaderMap, body: &mut Vec<u8>) {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let wanted = length.map_or(BODY_LIMIT, |length: usize| length.min(BODY_LIMIT));
    let reading = async { while body.len() < wanted && stream.read_buf(body).await.is_ok_and(|count| count > 0) {} };
    let _ = tokio::time::timeout(BODY_PATIENCE, reading).await;
}

/// Whether an answer with status 101 opens a WebSocket (RFC 6455, section 4.1, "the client MUST validate"). Subprotocols
/// and extensions are never asked for.
fn check(head: &Head, key: &str) -> Result<(), String> {
    if head.version == 0 {
        return Err("it is HTTP/1.0".into());
    }
    let headers = &head.headers;
    if !tokens(headers, header::UPGRADE).any(|token| token.eq_ignore_ascii_case("websocket")) {
        return Err("there is no \"Upgrade: websocket\" in it".into());
    }
    if !tokens(headers, header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade")) {
        return Err("there is no \"Connection: Upgrade\" in it".into());
    }
    let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes().trim_ascii());
    if accept != Some(accepting(key).as_bytes()) {
        return Err("its \"Sec-WebSocket-Accept\" does not belong to the request".into());
    }
    for name in [header::SEC_WEBSOCKET_EXTENSIONS, header::SEC_WEBSOCKET_PROTOCOL] {
        if headers.get_all(&name).iter().any(|value| !value.as_bytes().trim_ascii().is_empty()) {
            return Err(format!("it has a \"{name}\", which was not asked for"));
        }
    }
    Ok(())
}

/// What a server answers to a key.
fn accepting(key: &str) -> String {
    const OF_EVERY_WEBSOCKET: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{OF_EVERY_WEBSOCKET}").as_bytes()))
}

/// The elements of a list (RFC 9110, section 5.6.1), over all fields of that name.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const LIMIT: usize = 4096;

    /// What becomes of a request whose answer is this, so many bytes at a time; ACCEPT in it is the right one.
    async fn answered(answer: &[u8], piece: usize) -> Result<Agreed, Unopened> {
        let (mut client, mut server) = duplex(1 << 20);
        let headers = [("Host".into(), "a.example".into())];
        let answering = async {
            let mut asked = [0; 4096];
            let count = server.read(&mut asked).await.unwrap();
            assert!(asked[..count].starts_with(b"GET / HTTP/1.1\r\nHost: a.example\r\n"));
            for piece in answer.chunks(piece) {
                if server.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(server);
        };
        tokio::join!(open_with(&mut client, "/", &headers, "dGhlIHNhbXBsZSBub25jZQ==", LIMIT), answering).0
    }

    /// The answer that RFC 6455 shows in section 1.3.
    fn good(more: &str) -> String {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{more}\r\n"
        )
    }

    #[tokio::test]
    async fn good_answers_open_it_however_they_come() {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </odd>\r\n\r\n";
        for answer in [
            good(""),
            good("Set-Cookie: a=b\r\n"),
            format!("\r\n{}", good("")),
            format!("HTTP/1.1 100 Continue\r\n\r\n{hints}{hints}{}", good("")),
            good("").replace(": Upgrade", ": keep-alive, upgrade"),
            good("").replace("Connection: Upgrade", "connection: keep-alive\r\nCONNECTION: Upgrade"),
            good("").replace(": websocket", ": WebSocket"),
            good("Sec-WebSocket-Extensions:\r\n"),
            good(&format!("X: {}\r\n", "x".repeat(LIMIT - good("X: \r\n").len()))),
        ] {
            for piece in [1, 7, 100_000] {
                let agreed = answered(format!("{answer}!!!").as_bytes(), piece).await;
                let agreed = agreed.unwrap_or_else(|unopened| panic!("{answer}: {unopened:?}"));
                assert!(b"!!!".starts_with(&agreed.rest[..]), "{answer}");
            }
        }
    }

    #[tokio::test]
    async fn answers_that_open_none_are_refused() {
        for (wrong, says) in [
            (good("").replace("HTTP/1.1", "HTTP/1.0"), "HTTP/1.0"),
            (good("").replace(": websocket", ": h2c"), "Upgrade: websocket"),
            (good("").replace("Connection: Upgrade", "Connection: upgrades"), "Connection: Upgrade"),
            (good("").replace("s3pP", "S3pP"), "Sec-WebSocket-Accept"),
            (good("").replace("Sec-WebSocket-Accept", "X"), "Sec-WebSocket-Accept"),
            (good("Sec-WebSocket-Extensions: permessage-deflate\r\n"), "sec-websocket-extensions"),
            (good("Sec-WebSocket-Protocol: chat\r\n"), "sec-websocket-protocol"),
        ] {
            match answered(wrong.as_bytes(), 10).await {
                Err(Unopened::Wrong(why)) => assert!(why.contains(says), "{wrong}: {why}"),
                other => panic!("{wrong}: {other:?}"),
            }
        }
        for foreign in ["220 mail ready\r\n", "\x15\x03\x03\x00\x02\x02\x28", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/9"] {
            let refused = answered(foreign.as_bytes(), 3).await;
            assert!(matches!(refused, Err(Unopened::NotHttp)), "{foreign}: {refused:?}");
        }
        for cut in ["", "HTTP/1.1 101 Swi", "HTTP/1.1 100 Continue\r\n\r\n"] {
            assert!(matches!(answered(cut.as_bytes(), 3).await, Err(Unopened::Closed)), "{cut}");
        }
    }

    #[tokio::test]
    async fn large_answers_are_refused_before_they_end() {
        for large in [
            good(&"X: y\r\n".repeat(FIELDS_LIMIT)),
            good(&format!("X: {}\r\n", "x".repeat(LIMIT - good("X: \r\n").len() + 1))),
            format!("HTTP/1.1 101 {}", "x".repeat(LIMIT)),
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(LIMIT / 20),
            "\r\n".repeat(LIMIT),
        ] {
            for piece in [1, 100_000] {
                let refused = answered(large.as_bytes(), piece).await;
                assert!(matches!(refused, Err(Unopened::TooLarge(_))), "{refused:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_the_server_says_of_a_refusal_is_read() {
        for (head, body) in [
            ("HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\n\r\n", "Bad request"),
            ("HTTP/1.1 400 Bad Request\r\n\r\n", "Bad request"),
        ] {
            for piece in [1, 5, 1000] {
                match answered(format!("{head}{body}").as_bytes(), piece).await {
                    Err(Unopened::Answered(StatusCode::BAD_REQUEST, _, read)) => assert_eq!(read, body.as_bytes()),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
