//! WebSocket (RFC 6455): frames by tokio-tungstenite.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, http};

use super::cookies::Cookies;
use super::opening::{self, Unopened};
use super::patience::{Patience, Written};
use super::pieces::Pieces;
use super::{Frame, Incoming, Lost, Request, Route, Stream as ByteStream, recognise};
use crate::diagnostics::{Code, Problem};
use crate::settings::Address;

/// Bytes read at once. Enough for bulk; a larger one costs each connection its memory.
const READ_BUFFER: usize = 16 << 10;

/// Answers to pings that may wait for the other end to read them.
const UNREAD_PONGS: u32 = 10_000;

/// Why no WebSocket opened.
pub enum Failed {
    /// The server sent us elsewhere.
    Redirected(String),
    /// Something else.
    Problem(Problem),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Failed {
        Failed::Problem(problem)
    }
}

/// An open WebSocket.
pub struct WebSocket {
    stream: WebSocketStream<Pieces<ByteStream>>,
    flushed: bool,
    /// Answers to pings that are not written yet.
    unread_pongs: u32,
    written: Written,
    /// None: nobody waits longer than somebody else allows.
    patience: Option<Patience>,
}

impl WebSocket {
    /// Opens a WebSocket over a fresh stream. `session`: the Engine.IO session that is to be moved to it.
    pub async fn open(
        mut stream: ByteStream,
        route: &Route,
        request: &Request,
        address: &Address,
        cookies: &RefCell<Cookies>,
        session: Option<&str>,
    ) -> Result<WebSocket, Failed> {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(request.message_bytes))
            .max_frame_size(Some(request.message_bytes));
        let http_request = http_request(request, address, &cookies.borrow(), session).map_err(|error| {
            Problem::new(Code::NotWebSocket)
                .with("address", address)
                .with("reason", format!("the request can't be written, {error}"))
        })?;
        match opening::open(&mut stream, http_request, request.handshake_bytes).await {
            Ok(agreed) => {
                cookies.borrow_mut().take_from(&agreed.headers);
                let written = stream.written();
                let pieces = Pieces::new(stream, request.message_bytes, &agreed.rest);
                let stream = WebSocketStream::from_raw_socket(pieces, Role::Client, Some(config)).await;
                Ok(WebSocket { stream, flushed: true, unread_pongs: 0, written, patience: None })
            }
            Err(Unopened::Answered(status, headers, _)) if recognise::location(status, &headers).is_some() => {
                cookies.borrow_mut().take_from(&headers);
                let location = recognise::location(status, &headers).unwrap_or_default();
                Err(Failed::Redirected(location.to_string()))
            }
            Err(unopened) => Err(recognise::failed_upgrade(route, address, unopened).into()),
        }
    }

    /// From now on it is an error if the other end takes nothing for so long.
    pub fn set_patience(&mut self, limit: Duration) {
        self.patience = Some(Patience::new(Rc::clone(&self.written), limit));
    }

    /// The next frame.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, Lost>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text)),
                Some(Ok(Message::Binary(bytes))) => Ok(Incoming::Binary(bytes)),
                Some(Ok(Message::Pong(_))) => Ok(Incoming::Pong),
                // tungstenite answers these by itself; the answers pile up if the other end does not read them.
                Some(Ok(Message::Ping(_))) if self.unread_pongs < UNREAD_PONGS => {
                    self.unread_pongs += 1;
                    self.flushed = false;
                    continue;
                }
                Some(Ok(Message::Ping(_))) => Err(Lost::Broken("pings whose answers it does not read".into())),
                Some(Ok(Message::Frame(_))) => continue,
                Some(Ok(Message::Close(frame))) => Err(Lost::Closed(match frame {
                    Some(frame) if frame.reason.is_empty() => format!("WebSocket code {}", u16::from(frame.code)),
                    Some(frame) => format!("WebSocket code {}: {}", u16::from(frame.code), frame.reason),
                    None => "closed by the server".into(),
                })),
                Some(Err(error)) => Err(lost(error)),
                None => Err(Lost::Closed("closed by the server".into())),
            });
        }
    }

    /// Whether a frame can be taken now; drives what was taken before.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let ready = Pin::new(&mut self.stream).poll_ready(cx).map_err(lost);
        self.or_stuck(ready, cx)
    }

    /// What a write came to; an error if nothing was taken for too long.
    fn or_stuck(&mut self, written: Poll<Result<(), Lost>>, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let Some(patience) = &mut self.patience else { return written };
        if written.is_ready() {
            patience.rest();
            return written;
        }
        patience.poll(cx).map(|()| Err(Lost::Stuck(patience.limit())))
    }

    /// Takes a frame, after [`WebSocket::poll_ready`]. It leaves with the next flush.
    pub fn send(&mut self, frame: Frame) -> Result<(), Lost> {
        self.flushed = false;
        let message = match frame {
            Frame::Text(text) => Message::Text(text.into()),
            Frame::Binary(bytes) => Message::Binary(bytes),
            Frame::Ping => Message::Ping(Bytes::new()),
        };
        Pin::new(&mut self.stream).start_send(message).map_err(lost)
    }

    /// Writes all that was taken.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if !self.flushed {
            let flushed = Pin::new(&mut self.stream).poll_flush(cx).map_err(lost);
            ready!(self.or_stuck(flushed, cx))?;
            self.flushed = true;
            self.unread_pongs = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether all that was taken has been written.
    pub fn is_flushed(&self) -> bool {
        self.flushed
    }

    /// Ends the WebSocket politely: says so, and waits for the other end to say so.
    pub async fn close(mut self) {
        if self.stream.close(None).await.is_ok() {
            while std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx)).await.is_some_and(|r| r.is_ok()) {
            }
        }
    }
}

fn lost(error: Error) -> Lost {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing) => {
            Lost::Closed("closed without a word".into())
        }
        // rustls says at length that the other end did not say goodbye.
        Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => Lost::Closed("closed without a word".into()),
        Error::Io(error) => Lost::Closed(error.to_string()),
        Error::Capacity(error) => Lost::TooLarge(error.to_string()),
        other => Lost::Broken(other.to_string()),
    }
}

fn http_request(
    request: &Request,
    address: &Address,
    cookies: &Cookies,
    session: Option<&str>,
) -> Result<http::Request<()>, http::Error> {
    let mut builder = http::Request::builder()
        .uri(format!("ws://{}{}", address.authority(), request.target(address, "websocket", session)))
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key());
    for (name, value) in request.headers_for(address, cookies) {
        builder = builder.header(name, value);
    }
    builder.body(())
}
