//! HTTP/1.1 requests to one server, by hyper: connections that are kept, answers of any size piece by piece.

use std::cell::RefCell;
use std::error::Error;
use std::io::{self, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::write::GzDecoder;
use http::header::{self, HeaderMap};
use http::{Method, StatusCode};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::cookies::Cookies;
use super::patience::Written;
use super::stream::{Allowance, TooMuch};
use super::{Dialer, Progress, Request, Route, Stage};
use crate::diagnostics::{Code, Problem};
use crate::settings::Address;

/// Bytes of an answer's head at most, and of what is read at once.
const BUFFER_LIMIT: usize = 64 << 10;
/// Bytes that may come until the head of an answer is there: what stands before it (RFC 9110, section 15.2), the head, and
/// what is read along with it.
const UNTIL_ANSWERED: usize = 2 * BUFFER_LIMIT;
/// Servers give up a connection that is not used for 5 s; a request that is sent in that very moment would be lost.
const IDLE_LIMIT: Duration = Duration::from_secs(4);
/// Compressed bytes that are unpacked at once: they may become a thousand times as many.
const UNPACKED_AT_ONCE: usize = 256;

/// Requests to one server.
pub struct Client {
    pub dialer: Rc<Dialer>,
    pub route: Rc<Route>,
    pub request: Rc<Request>,
    pub cookies: Rc<RefCell<Cookies>>,
    /// Where the server is, redirects followed.
    pub address: Address,
}

/// A connection that one request after the other may use.
pub struct Lane {
    sender: SendRequest<Full<Bytes>>,
    /// Moves its bytes; ends when the lane is dropped.
    _task: JoinSet<()>,
    /// When the last answer began.
    used: Instant,
    /// What may be read.
    allowance: Allowance,
}

impl Lane {
    /// A request is sent: until its answer is there, only so much is read.
    fn expect_head(&self) {
        self.allowance.set(Some(UNTIL_ANSWERED));
    }
}

/// The answer to a request.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
    /// From the request on its way to the head of the answer.
    pub took: Duration,
    lane: Lane,
}

impl Answer {
    /// The connection, after the body was read to its end.
    pub fn into_lane(self) -> Lane {
        self.lane
    }
}

/// What a request sends.
pub struct Upload {
    pub payload: Vec<u8>,
    /// Counts what has left.
    pub written: Written,
}

impl Client {
    /// Sends a request and waits for the head of its answer. `upload` None: GET, otherwise POST.
    pub async fn exchange(
        &self,
        lane: Option<Lane>,
        target: &str,
        upload: Option<Upload>,
        progress: &Progress,
    ) -> Result<Answer, Problem> {
        let (payload, written) = upload.map(|upload| (upload.payload, upload.written)).unzip();
        let mut request = self.build(target, payload)?;
        if let Some(mut lane) = lane.filter(|lane| lane.used.elapsed() < IDLE_LIMIT)
            // The server may have closed a connection that was not used for a while.
            && lane.sender.ready().await.is_ok()
        {
            let began = Instant::now();
            lane.expect_head();
            match lane.sender.try_send_request(request).await {
                Ok(answer) => return self.answered(answer, lane, began),
                Err(mut error) => match error.take_message() {
                    // It was not sent: a fresh connection may do it.
                    Some(unsent) => request = unsent,
                    None => return Err(self.explain(&error.into_error())),
                },
            }
        }
        let mut stream = self.route.connect(&self.dialer, &self.address, progress).await?;
        if let Some(written) = &written {
            stream.count_into(written);
        }
        let allowance = stream.allowance();
        progress.begin(Stage::Polling);
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER_LIMIT)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.explain(&error))?;
        let mut task = JoinSet::new();
        task.spawn_local(async move {
            // How it ended is told to whoever waits for the answer.
            let _ = connection.await;
        });
        let mut lane = Lane { sender, _task: task, used: Instant::now(), allowance };
        let began = Instant::now();
        lane.expect_head();
        match lane.sender.send_request(request).await {
            Ok(answer) => self.answered(answer, lane, began),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn answered(&self, answer: http::Response<Incoming>, mut lane: Lane, began: Instant) -> Result<Answer, Problem> {
        let took = began.elapsed();
        lane.used = Instant::now();
        lane.allowance.set(None);
        let (head, incoming) = answer.into_parts();
        self.cookies.borrow_mut().take_from(&head.headers);
        let encoding = head.headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        let body = match encoding.map(str::trim).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "identity" => Body { incoming, gzip: None, is_empty: true, packed: Bytes::new() },
            "gzip" | "x-gzip" => {
                Body { incoming, gzip: Some(GzDecoder::new(Vec::new())), is_empty: true, packed: Bytes::new() }
            }
            other => {
                return Err(Problem::new(Code::ProtocolError)
                    .with("address", &self.address)
                    .with("reason", format!("an answer packed as {other}, which was not asked for")));
            }
        };
        Ok(Answer { status: head.status, headers: head.headers, body, took, lane })
    }

    fn build(&self, target: &str, body: Option<Vec<u8>>) -> Result<http::Request<Full<Bytes>>, Problem> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut builder = http::Request::builder().method(method).uri(target);
        if body.is_some() {
            builder = builder.header(header::CONTENT_TYPE, "text/plain;charset=UTF-8");
        }
        for (name, value) in self.request.headers_for(&self.address, &self.cookies.borrow()) {
            builder = builder.header(name, value);
        }
        builder.header(header::ACCEPT_ENCODING, "gzip").body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(
            |error| {
                Problem::new(Code::NotWebSocket)
                    .with("address", &self.address)
                    .with("reason", format!("the request can't be written, {error}"))
            },
        )
    }

    /// What went wrong with a request.
    fn explain(&self, error: &hyper::Error) -> Problem {
        let address = &self.address;
        let not_http =
            |reason: String| Problem::new(Code::NotWebSocket).with("address", address).with("reason", reason);
        let io = source::<io::Error>(error);
        let is_too_much = io.and_then(io::Error::get_ref).is_some_and(|inner| inner.is::<TooMuch>());
        if is_too_much || error.is_parse() && error.to_string().contains("too large") {
            return Problem::new(Code::LimitExceeded)
                .with("address", address)
                .with("reason", format!("the head of its answer has more than {} KiB", BUFFER_LIMIT >> 10));
        }
        if let Some(problem) = io.and_then(|io| self.route.explain(address, io)) {
            return problem;
        }
        if error.is_parse() {
            return not_http("its answer is not HTTP".into());
        }
        if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            return not_http("it closed the connection without an answer".into());
        }
        match io {
            Some(io) if io.kind() == io::ErrorKind::UnexpectedEof => {
                not_http("it closed the connection without an answer".into()).with(BREAK, "closed without a word")
            }
            Some(io) => not_http(format!("the connection broke ({io})")).with(BREAK, io),
            None => not_http(error.to_string()),
        }
    }

    /// What went wrong with the body of an answer.
    pub fn explain_body(&self, error: &(dyn Error + 'static)) -> Problem {
        match error.downcast_ref::<hyper::Error>() {
            Some(error) => self.explain(error),
            None => Problem::new(Code::ProtocolError)
                .with("address", &self.address)
                .with("reason", format!("an answer that can't be unpacked ({error})")),
        }
    }
}

/// The name under which a problem keeps the system's words for a connection that broke.
pub const BREAK: &str = "break";

/// The innermost cause of this type.
fn source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    let mut found = None;
    while let Some(error) = next {
        found = error.downcast_ref::<T>().or(found);
        next = error.source();
    }
    found
}

/// The body of an answer.
pub struct Body {
    incoming: Incoming,
    gzip: Option<GzDecoder<Vec<u8>>>,
    /// Whether anything came: some label an empty body as packed.
    is_empty: bool,
    /// Not unpacked yet.
    packed: Bytes,
}

impl Body {
    /// The next piece, of [`BUFFER_LIMIT`] bytes or a few times that; None: that was all.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Box<dyn Error + Send + Sync>>> {
        loop {
            if let Some(gzip) = &mut self.gzip
                && !self.packed.is_empty()
            {
                let some = self.packed.split_to(self.packed.len().min(UNPACKED_AT_ONCE));
                gzip.write_all(&some)?;
                let unpacked = std::mem::take(gzip.get_mut());
                if unpacked.is_empty() {
                    continue;
                }
                return Poll::Ready(Ok(Some(unpacked.into())));
            }
            match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                Some(frame) => {
                    let Ok(data) = frame?.into_data() else { continue };
                    self.is_empty &= data.is_empty();
                    match self.gzip {
                        Some(_) => self.packed = data,
                        None => return Poll::Ready(Ok(Some(data))),
                    }
                }
                None => {
                    let rest = match self.gzip.take() {
                        Some(gzip) if !self.is_empty => gzip.finish()?,
                        Some(_) | None => Vec::new(),
                    };
                    return Poll::Ready(Ok((!rest.is_empty()).then(|| rest.into())));
                }
            }
        }
    }

    /// Reads up to `limit` bytes. Also tells whether that was all.
    pub async fn read(&mut self, limit: usize) -> Result<(Vec<u8>, bool), Box<dyn Error + Send + Sync>> {
        let mut bytes = Vec::new();
        while let Some(piece) = std::future::poll_fn(|cx| self.poll_piece(cx)).await? {
            let room = limit - bytes.len();
            bytes.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() > room {
                return Ok((bytes, false));
            }
        }
        Ok((bytes, true))
    }
}
