//! What others say over HTTP, TLS and WebSockets, handed to those who read it: for the fuzz targets in `fuzz/`.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};

use super::certificate::Certificate;
use super::cookies::Cookies;
use super::{proxy, recognise};
use crate::settings::Address;

/// The headers that an HTTP/1.1 parser would let through.
fn headers(lines: &[(&str, &[u8])]) -> HeaderMap {
    let readable = lines
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::try_from(*name).ok()?, HeaderValue::from_bytes(value).ok()?)));
    readable.collect()
}

/// What an answer means that is not that of a Socket.IO server: code and sentence.
pub fn answer(address: &Address, status: u16, lines: &[(&str, &[u8])], body: &[u8]) -> Option<(&'static str, String)> {
    let status = StatusCode::from_u16(status).ok()?;
    let problem = recognise::http_answer(address, status, &headers(lines), body);
    Some((problem.name(), problem.message()))
}

/// Where an answer redirects to, if it may be followed.
pub fn redirect(address: &Address, status: u16, lines: &[(&str, &[u8])]) -> Option<Result<Address, String>> {
    let headers = headers(lines);
    let location = recognise::location(StatusCode::from_u16(status).ok()?, &headers)?;
    Some(recognise::redirected(address, location).map_err(|problem| problem.message()))
}

/// Whether a request to this address can be made.
pub fn is_requestable(address: &Address) -> bool {
    Request::builder().method(Method::GET).uri(address.url()).body(()).is_ok()
}

/// The Cookie headers that follow from answers: for plain requests and for encrypted ones.
pub fn cookies(answers: &[&[u8]]) -> [Option<String>; 2] {
    let mut cookies = Cookies::default();
    for answer in answers {
        cookies.take_from(&headers(&[("set-cookie", *answer)]));
    }
    [false, true].map(|encrypted| cookies.header(None, encrypted))
}

/// The head of a proxy's answer: its length and status. None: it is not complete yet.
pub fn proxy_answer(bytes: &[u8]) -> Result<Option<(usize, u16)>, &'static str> {
    Ok(proxy::read_head(bytes)?.map(|answer| (answer.length, answer.status)))
}

/// A certificate in one line, and the hosts that it is for.
pub fn certificate(der: &[u8]) -> (String, Vec<String>) {
    let certificate = Certificate::read(der);
    (certificate.summary(), certificate.names)
}

/// Frames of WebSockets.
pub mod websocket {
    use std::io::{self, ErrorKind};
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use tokio::io::{AsyncRead, ReadBuf};

    use crate::transport::frames::{self, Opcode};
    use crate::transport::reader::{Reader, Unread};

    /// What a reader made of a server's bytes.
    pub struct Conversation {
        /// Opcode and content of each message and control frame.
        pub messages: Vec<(u8, Vec<u8>)>,
        /// Each time that the reader was asked for one.
        pub moments: Vec<Moment>,
        /// Why there were no more.
        pub end: End,
    }

    /// What is so after the reader was asked.
    #[derive(Debug)]
    pub struct Moment {
        /// Bytes that came.
        pub came: usize,
        /// Messages that were taken.
        pub taken: usize,
        /// Bytes of memory that the reader holds.
        pub held: usize,
        /// Whether it waits for more.
        pub waits: bool,
    }

    /// Why there are no more messages.
    #[derive(Debug, PartialEq, Eq)]
    pub enum End {
        /// The stream ended.
        Ended,
        /// What came is no frame, or not where it came.
        Wrong(&'static str),
        /// A message of so many bytes is over the limit, which is the second number.
        TooLarge(u64, usize),
    }

    /// Bytes that come in pieces.
    struct Pieces<'a> {
        piece: &'a [u8],
        next: std::slice::Iter<'a, &'a [u8]>,
        /// Whether there is a wait before each piece, and whether this is one.
        has_waits: bool,
        waits: bool,
        came: usize,
    }

    impl AsyncRead for Pieces<'_> {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let pieces = self.get_mut();
            while pieces.piece.is_empty() {
                let Some(next) = pieces.next.next() else { return Poll::Ready(Ok(())) };
                pieces.piece = next;
                if pieces.has_waits {
                    pieces.waits = true;
                    return Poll::Pending;
                }
            }
            let (now, later) = pieces.piece.split_at(pieces.piece.len().min(into.remaining()));
            into.put_slice(now);
            pieces.piece = later;
            pieces.came += now.len();
            Poll::Ready(Ok(()))
        }
    }

    /// Reads what a server sends: first what was read `before`, then what comes in pieces.
    pub fn read(limit: usize, before: &[u8], pieces: &[&[u8]], has_waits: bool) -> Conversation {
        let mut reader = Reader::new(limit, before);
        let mut stream = Pieces { piece: &[], next: pieces.iter(), has_waits, waits: false, came: before.len() };
        let cx = &mut Context::from_waker(Waker::noop());
        let (mut messages, mut moments) = (Vec::new(), Vec::new());
        let end = loop {
            let polled = reader.poll_next(&mut stream, cx);
            let (came, taken, held) = (stream.came, messages.len(), reader.held());
            moments.push(Moment { came, taken, held, waits: polled.is_pending() });
            match polled {
                // Who waits without having asked is never woken.
                Poll::Pending => assert!(std::mem::take(&mut stream.waits), "it waits for nothing"),
                Poll::Ready(Ok(())) => {
                    assert!(
                        matches!(reader.poll_next(&mut stream, cx), Poll::Ready(Ok(()))),
                        "it forgets what it found"
                    );
                    let found = reader.found();
                    let (opcode, content) = reader.take().expect("something was found");
                    assert_eq!(found, Some(opcode));
                    messages.push((opcode as u8, content.into_owned()));
                    assert!(reader.found().is_none() && reader.take().is_none());
                }
                Poll::Ready(Err(Unread::Ended(error))) => {
                    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                    break End::Ended;
                }
                Poll::Ready(Err(Unread::Wrong(what))) => break End::Wrong(what),
                Poll::Ready(Err(Unread::TooLarge(bytes, limit))) => break End::TooLarge(bytes, limit),
            }
        };
        Conversation { messages, moments, end }
    }

    /// A message as it is sent, after what was to be sent before it.
    pub fn masked_binary(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        const BEFORE: &[u8] = b"before";
        let mut out = BEFORE.to_vec();
        frames::push_frame(&mut out, Opcode::Binary, payload, mask);
        assert!(out.starts_with(BEFORE));
        out.split_off(BEFORE.len())
    }
}
