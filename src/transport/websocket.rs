//! A WebSocket of a client (RFC 6455).

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite};

use super::cookies::Cookies;
use super::frames::{self, Opcode};
use super::opening::{self, Unopened};
use super::patience::{Patience, Written};
use super::reader::{Reader, Unread};
use super::{Frame, Incoming, Lost, Request, Route, Stream, recognise, shared};
use crate::diagnostics::Problem;
use crate::settings::Address;

/// Bytes that may wait to be written before no further frame is taken.
const UNWRITTEN: usize = 64 << 10;
/// What is answered to a wrong goodbye.
const PROTOCOL_ERROR: [u8; 2] = 1002u16.to_be_bytes();
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
    stream: Stream,
    reader: Reader,
    /// Frames to be written, of which the first bytes are written already.
    out: Vec<u8>,
    out_written: usize,
    flushed: bool,
    /// Answers to pings that are not written yet.
    unread_pongs: u32,
    /// We said goodbye: its answer gets none.
    is_closing: bool,
    written: Written,
    /// None: nobody waits longer than somebody else allows.
    patience: Option<Patience>,
}

impl WebSocket {
    /// Opens a WebSocket over a fresh stream. `session`: the Engine.IO session that is to be moved to it.
    pub async fn open(
        mut stream: Stream,
        route: &Route,
        request: &Request,
        address: &Address,
        cookies: &RefCell<Cookies>,
        session: Option<&str>,
    ) -> Result<WebSocket, Failed> {
        let target = request.target(address, "websocket", session);
        let headers = request.headers_for(address, &cookies.borrow());
        match opening::open(&mut stream, &target, &headers, request.handshake_bytes).await {
            Ok(agreed) => {
                cookies.borrow_mut().take_from(&agreed.headers);
                Ok(WebSocket {
                    reader: Reader::new(request.message_bytes, &agreed.rest),
                    out: Vec::new(),
                    out_written: 0,
                    flushed: true,
                    unread_pongs: 0,
                    is_closing: false,
                    written: stream.written(),
                    patience: None,
                    stream,
                })
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

    /// Ready: a frame is there, for [`WebSocket::take`].
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        loop {
            match self.reader.poll_next(&mut self.stream, cx) {
                // All that came is read: the pings among it are answered at once (section 5.5.2).
                Poll::Pending => {
                    if self.unread_pongs > 0 {
                        // What the server said before a write fails tells more than that it failed.
                        let _ = self.poll_flush(cx);
                    }
                    return Poll::Pending;
                }
                Poll::Ready(read) => read.map_err(lost)?,
            }
            match self.reader.found() {
                Some(Opcode::Ping) => {
                    let Some((_, payload)) = self.reader.take() else { continue };
                    if self.is_closing {
                        continue;
                    }
                    frames::push_frame(&mut self.out, Opcode::Pong, &payload, shared::next_mask());
                    self.flushed = false;
                    self.unread_pongs += 1;
                    if self.unread_pongs > UNREAD_PONGS && self.poll_flush(cx)?.is_pending() {
                        return Poll::Ready(Err(Lost::Broken("pings whose answers it does not read".into())));
                    }
                }
                Some(Opcode::Close) => return Poll::Ready(Err(self.closed(cx))),
                _ => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Whether the frame that is there is the answer to a ping.
    pub fn is_pong(&self) -> bool {
        self.reader.found() == Some(Opcode::Pong)
    }

    /// The frame that is there.
    pub fn take(&mut self) -> Result<Incoming<'_>, Lost> {
        Ok(match self.reader.take() {
            Some((Opcode::Text, bytes)) => {
                Incoming::Text(text(bytes).map_err(|()| Lost::Broken("text that is not UTF-8".into()))?)
            }
            Some((Opcode::Binary, bytes)) => Incoming::Binary(bytes),
            _ => Incoming::Pong,
        })
    }

    /// The other end says goodbye, and is told that it was heard (section 5.5.1).
    fn closed(&mut self, cx: &mut Context<'_>) -> Lost {
        let Some((_, payload)) = self.reader.take() else { return Lost::Closed("closed by the server".into()) };
        let how = match payload.split_first_chunk() {
            Some((code, reason)) => match (u16::from_be_bytes(*code), str::from_utf8(reason)) {
                (_, Err(_)) => return Lost::Broken("a goodbye that is not UTF-8".into()),
                (code, Ok("")) => format!("WebSocket code {code}"),
                (code, Ok(reason)) => format!("WebSocket code {code}: {reason}"),
            },
            None if payload.is_empty() => "closed by the server".into(),
            None => return Lost::Broken("half a code of a goodbye".into()),
        };
        let code = match payload.first_chunk() {
            // Those that no frame may carry (section 7.4).
            Some(code) if matches!(u16::from_be_bytes(*code), 0..=999 | 1004..=1006 | 1015 | 5000..) => &PROTOCOL_ERROR,
            Some(code) => &code[..],
            None => &[],
        };
        if self.is_closing {
            return Lost::Closed(how);
        }
        frames::push_frame(&mut self.out, Opcode::Close, code, shared::next_mask());
        self.flushed = false;
        // It leaves now or not at all.
        let _ = self.poll_flush(cx);
        Lost::Closed(how)
    }

    /// Whether a frame can be taken now; drives what was taken before.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let mut written = Poll::Ready(Ok(()));
        if self.unwritten() >= UNWRITTEN {
            written = self.poll_write(cx);
        }
        if written.is_pending() && self.unwritten() < UNWRITTEN {
            return Poll::Ready(Ok(()));
        }
        self.or_stuck(written, cx)
    }

    /// Bytes that were taken and not written.
    pub fn unwritten(&self) -> usize {
        self.out.len() - self.out_written
    }

    /// Takes a frame, after [`WebSocket::poll_ready`]. It leaves with the next flush.
    pub fn send(&mut self, frame: Frame) {
        self.flushed = false;
        let (opcode, payload) = match &frame {
            Frame::Text(text) => (Opcode::Text, text.as_bytes()),
            Frame::Binary(bytes) => (Opcode::Binary, &bytes[..]),
            Frame::Ping => (Opcode::Ping, &[][..]),
        };
        frames::push_frame(&mut self.out, opcode, payload, shared::next_mask());
    }

    /// Writes all that was taken.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if self.flushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = match self.poll_write(cx) {
            Poll::Ready(Ok(())) => Pin::new(&mut self.stream).poll_flush(cx).map_err(broken),
            other => other,
        };
        ready!(self.or_stuck(flushed, cx))?;
        self.flushed = true;
        self.unread_pongs = 0;
        self.patience.iter_mut().for_each(Patience::rest);
        Poll::Ready(Ok(()))
    }

    /// Hands what waits to the stream.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        while self.out_written < self.out.len() {
            let rest = &self.out[self.out_written..];
            let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(cx, rest) else {
                // What is written goes, though more may be put behind it for ever.
                if self.out_written >= self.unwritten() {
                    self.out.drain(..self.out_written);
                    self.out_written = 0;
                }
                return Poll::Pending;
            };
            match written.map_err(broken)? {
                0 => return Poll::Ready(Err(Lost::Closed("closed without a word".into()))),
                count => self.out_written += count,
            }
        }
        self.out = Vec::new();
        self.out_written = 0;
        Poll::Ready(Ok(()))
    }

    /// What a write came to; an error if nothing was taken for too long.
    fn or_stuck(&mut self, written: Poll<Result<(), Lost>>, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        match (written, &mut self.patience) {
            (Poll::Pending, Some(patience)) => patience.poll(cx).map(|()| Err(Lost::Stuck(patience.limit()))),
            (written, _) => written,
        }
    }

    /// Whether all that was taken has been written.
    pub fn is_flushed(&self) -> bool {
        self.flushed
    }

    /// Ends the WebSocket politely: says so, and waits for the other end to say so and to close (section 7.1.1).
    pub async fn close(mut self) {
        frames::push_frame(&mut self.out, Opcode::Close, &[], shared::next_mask());
        self.flushed = false;
        self.is_closing = true;
        if std::future::poll_fn(|cx| self.poll_flush(cx)).await.is_err() {
            return;
        }
        while std::future::poll_fn(|cx| self.poll_receive(cx)).await.is_ok() {
            let _ = self.reader.take();
        }
        let mut rest = [0; 256];
        while self.stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    }
}

/// The text of a message (section 8.1).
fn text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, ()> {
    match bytes {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).map(Cow::Borrowed).map_err(drop),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(drop),
    }
}

fn lost(unread: Unread) -> Lost {
    match unread {
        Unread::Ended(error) => broken(error),
        Unread::Wrong(what) => Lost::Broken(what.into()),
        Unread::TooLarge(bytes, limit) => Lost::TooLarge(format!("a message of {bytes} bytes, limit {limit}")),
    }
}

/// The stream ended or broke.
fn broken(error: std::io::Error) -> Lost {
    match error.kind() {
        // rustls says at length that the other end did not say goodbye.
        ErrorKind::UnexpectedEof => Lost::Closed("closed without a word".into()),
        _ => Lost::Closed(error.to_string()),
    }
}
