//! HTTP long-polling: one request waits for packets, another one sends them (Engine.IO protocol, "HTTP long-polling").

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::{Sleep, sleep};

use super::http::{Answer, BREAK, Client, Lane, Upload};
use super::patience::{Patience, Written};
use super::recognise::{self, REDIRECTS};
use super::upgrade::{self, NotMoved};
use super::websocket::WebSocket;
use super::{Frame, Incoming, Lost, Progress, Room};
use crate::diagnostics::{Code, Problem};
use crate::protocol::engineio::{
    self, CLOSE, Handshake, MESSAGE, Packet, Part, PayloadReader, UPGRADE, WrongPayload, decoded_len, encoded_len,
    push_binary, push_text,
};

/// Bytes of one request with packets at most, where the server takes more or does not say.
const BATCH_LIMIT: usize = 1 << 20;
/// Packets of one request: python-engineio refuses more.
const BATCH_PACKETS: usize = 16;
/// Why a session is not moved whose WebSocket ended too soon.
const CLOSED_EARLY: &str = "the WebSocket closed before it was used";
/// How long the reason of an end may take of which one stream already told.
const REASON_LIMIT: Duration = Duration::from_millis(300);
/// Answers without a packet in a row that are borne: a server waits until it has one.
const EMPTY_ANSWERS: u32 = 3;
/// Answers without a message in a row, each of them given at once, that are asked for without a pause.
const HASTY_ANSWERS: u32 = 10;
/// An answer that takes so long is not given at once.
const HASTE: Duration = Duration::from_secs(1);
/// The first pause; each further one is twice as long, up to the last, or to an eighth of what the server allows for a
/// ping and its answer: the pause must not cost the session.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of an answer that nobody needs.
const IGNORED_LIMIT: usize = 64 << 10;

/// A connection over long-polling.
pub struct Polling {
    client: Rc<Client>,
    session: String,
    /// What the server takes in one request.
    limit: usize,
    get: Get,
    post: Post,
    /// Packets for the next requests, a payload each.
    batches: VecDeque<Vec<u8>>,
    /// Packets in the last of them.
    last_packets: usize,
    received: VecDeque<Incoming<'static>>,
    upgrade: Upgrade,
    /// The server does not know the session any more. Why, the request that waits may still say within a short time.
    ending: Option<(Problem, Pin<Box<Sleep>>)>,
    /// Answers without a packet, one after the other.
    empty_answers: u32,
    haste: Haste,
    /// What the requests that send have written.
    written: Written,
    /// How long the server may take nothing of them.
    patience: Duration,
}

/// The request that waits for packets.
enum Get {
    Idle(Option<Lane>),
    /// A pause before the next one.
    Pausing(Option<Lane>, Pin<Box<Sleep>>),
    Asking(LocalBoxFuture<'static, Result<Answer, Problem>>),
    Reading(Box<Answer>, PayloadReader),
}

/// A server that answers at once, without a message, would have us ask thousands of times a second.
struct Haste {
    /// When the request left that is under way.
    asked: Instant,
    /// Whether its answer has brought a message.
    has_message: bool,
    /// Such answers, one after the other.
    answers: u32,
    last_pause: Duration,
}

impl Haste {
    /// `silence`: what the server allows for a ping and its answer.
    fn new(silence: Duration) -> Haste {
        let last_pause = (silence / 8).clamp(FIRST_PAUSE, LAST_PAUSE);
        Haste { asked: Instant::now(), has_message: false, answers: 0, last_pause }
    }

    fn ask(&mut self) {
        self.asked = Instant::now();
        self.has_message = false;
    }

    fn hear(&mut self, part: &Part) {
        self.has_message |= match part {
            Part::Text(text) => text.starts_with(MESSAGE),
            Part::Binary(_) => true,
        };
    }

    /// The pause after an answer that has ended now.
    fn pause(&mut self) -> Option<Duration> {
        let is_hasty = !self.has_message && self.asked.elapsed() < HASTE;
        self.answers = if is_hasty { self.answers.saturating_add(1) } else { 0 };
        let doubled = self.answers.checked_sub(HASTY_ANSWERS)?;
        Some(FIRST_PAUSE.saturating_mul(1 << doubled.min(16)).min(self.last_pause))
    }
}

/// The request that sends packets.
enum Post {
    Idle(Option<Lane>),
    Sending(LocalBoxFuture<'static, Result<(Lane, Duration), Problem>>),
}

/// Moving to a WebSocket.
enum Upgrade {
    /// Not wanted, or not possible.
    Off,
    /// Looking whether a WebSocket gets through.
    Probing(LocalBoxFuture<'static, Result<WebSocket, NotMoved>>),
    /// It does: the last requests come to their end.
    Moving(Box<WebSocket>),
    /// It does not; told once long-polling has shown that it still works.
    Failed(Failed),
    /// The server was told; the WebSocket is to be taken.
    Done(Box<WebSocket>),
}

/// A move that failed. It may be that the server is gone, and long-polling as well: that shows within a short time.
struct Failed {
    reason: String,
    patience: Pin<Box<Sleep>>,
    is_over: bool,
    /// A request over long-polling was answered since.
    is_answered: bool,
}

impl Upgrade {
    fn failed(reason: &str) -> Upgrade {
        let (reason, patience) = (reason.to_string(), Box::pin(sleep(REASON_LIMIT)));
        Upgrade::Failed(Failed { reason, patience, is_over: false, is_answered: false })
    }
}

/// A session that the server opened.
pub struct Opened {
    handshake: Handshake,
    lane: Lane,
    client: Client,
    received: VecDeque<Incoming<'static>>,
}

/// Asks the server for a session. Redirects are followed: the client's address is the last one.
pub async fn handshake(mut client: Client, progress: &Progress) -> Result<Opened, Problem> {
    let first = client.address.clone();
    let limit = client.request.handshake_bytes;
    for _ in 0..=REDIRECTS {
        let target = client.request.target(&client.address, "polling", None);
        let mut answer = client.exchange(None, &target, None, progress).await?;
        if let Some(location) = recognise::location(answer.status, &answer.headers) {
            let next = recognise::redirected(&client.address, location)?;
            progress.note(format!("HTTP {}, redirected to {next}{}", answer.status.as_u16(), next.path));
            client.address = next;
            continue;
        }
        progress.note(format!("HTTP {}", answer.status.as_u16()));
        note_clock(&answer, progress);
        let read = answer.body.read(limit).await;
        let (body, is_whole) = read.map_err(|e| client.explain_body(&*e))?;
        let problem = if answer.status != http::StatusCode::OK {
            recognise::http_answer(&client.address, answer.status, &answer.headers, &body)
        } else if !is_whole && body.first() == Some(&b'0') {
            Problem::new(Code::LimitExceeded)
                .with("address", &client.address)
                .with("reason", format!("a handshake of more than {limit} bytes"))
        } else {
            match read_handshake(&client, &body) {
                Ok((handshake, received)) => {
                    return Ok(Opened { handshake, lane: answer.into_lane(), client, received });
                }
                Err(wrong) => match recognise::http_answer(&client.address, answer.status, &answer.headers, &body) {
                    // What its JSON lacks tells more than that it is no handshake.
                    problem if problem.code() == Code::NotSocketIo => wrong.unwrap_or(problem),
                    problem => problem,
                },
            }
        };
        return Err(recognise::after_redirect(&first, &client.address, problem));
    }
    Err(recognise::redirect_loop(&first, &client.address))
}

/// The handshake and the packets behind it. An error: what is wrong with it, if it is one at all.
fn read_handshake(client: &Client, body: &[u8]) -> Result<(Handshake, VecDeque<Incoming<'static>>), Option<Problem>> {
    let mut received = VecDeque::new();
    let mut reader = PayloadReader::new(client.request.message_bytes);
    let limit = client.request.message_bytes;
    let wrong = |wrong| match wrong {
        WrongPayload::Malformed(_) => None,
        WrongPayload::TooLarge => Some(
            Problem::new(Code::LimitExceeded)
                .with("address", &client.address)
                .with("reason", format!("a packet of more than {limit} bytes")),
        ),
    };
    let read = reader.read(body, |part| received.push_back(incoming(part)));
    // What is no handshake may be large as well.
    let begins_well = matches!(received.front(), Some(Incoming::Text(_))) || body.first() == Some(&b'0');
    read.map_err(|error| wrong(error).filter(|_| begins_well))?;
    received.extend(reader.end().map_err(|error| wrong(error).filter(|_| begins_well))?.map(incoming));
    let Some(Incoming::Text(first)) = received.pop_front() else { return Err(None) };
    let Ok(Packet::Open(json)) = engineio::decode(&first) else { return Err(None) };
    match Handshake::decode(json) {
        Ok(handshake) => Ok((handshake, received)),
        Err(wrong) => {
            Err(Some(Problem::new(Code::NotSocketIo).with("address", &client.address).with("received", wrong.0)))
        }
    }
}

/// The server's clock, where it differs much from ours.
fn note_clock(answer: &Answer, progress: &Progress) {
    let date = answer.headers.get(http::header::DATE).and_then(|value| value.to_str().ok());
    let Some(theirs) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else { return };
    let ours = SystemTime::now();
    let apart = ours.duration_since(theirs).unwrap_or_else(|error| error.duration());
    if apart > Duration::from_secs(60) {
        // httpdate panics outside the years 1970 to 9999.
        let is_usual = ours.duration_since(UNIX_EPOCH).is_ok_and(|since| since.as_secs() < 200_000_000_000);
        let own = if is_usual { httpdate::fmt_http_date(ours) } else { "a time before 1970 or far ahead".into() };
        progress
            .note_clock(format!("the server's clock reads {}, this device's {own}", httpdate::fmt_http_date(theirs)));
    }
}

fn incoming(part: Part) -> Incoming<'static> {
    match part {
        Part::Text(text) => Incoming::Text(text.into()),
        Part::Binary(bytes) => Incoming::Binary(bytes.into()),
    }
}

impl Polling {
    /// Goes on with a session that was opened, and moves it to a WebSocket if that is wanted and possible.
    pub fn new(opened: Opened, wants_upgrade: bool) -> (Polling, Handshake) {
        let Opened { handshake, lane, client, received } = opened;
        let client = Rc::new(client);
        let session = handshake.sid.clone();
        let upgrade = if wants_upgrade && handshake.upgrades.iter().any(|name| name == "websocket") {
            Upgrade::Probing(upgrade::probe(Rc::clone(&client), session.clone()).boxed_local())
        } else {
            Upgrade::Off
        };
        let limit = handshake.max_payload.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let polling = Polling {
            client,
            session,
            limit,
            get: Get::Idle(Some(lane)),
            post: Post::Idle(None),
            batches: VecDeque::new(),
            last_packets: 0,
            received,
            upgrade,
            ending: None,
            empty_answers: 0,
            haste: Haste::new(handshake.silence()),
            written: Written::default(),
            patience: handshake.silence(),
        };
        (polling, handshake)
    }

    /// The WebSocket to which the connection was moved, after [`Incoming::Upgraded`].
    pub fn take_websocket(&mut self) -> Option<WebSocket> {
        match std::mem::replace(&mut self.upgrade, Upgrade::Off) {
            Upgrade::Done(socket) => Some(*socket),
            other => {
                self.upgrade = other;
                None
            }
        }
    }

    /// Whether it may still be moved to a WebSocket.
    pub fn may_upgrade(&self) -> bool {
        self.ending.is_some() || !matches!(self.upgrade, Upgrade::Off | Upgrade::Failed(..))
    }

    /// Whether a packet whose largest attachment has so many bytes can be sent.
    pub fn room(&self, attachment: usize) -> Room {
        if encoded_len(attachment) <= self.limit {
            return Room::Now;
        }
        if self.ending.is_some() {
            return Room::Later;
        }
        match self.upgrade {
            Upgrade::Off | Upgrade::Failed(..) => Room::Never(decoded_len(self.limit)),
            Upgrade::Probing(_) | Upgrade::Moving(_) | Upgrade::Done(_) => Room::Later,
        }
    }

    /// The next packet.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming<'static>, Lost>> {
        loop {
            if let Some(frame) = self.received.pop_front() {
                return Poll::Ready(Ok(frame));
            }
            self.drive_post(cx)?;
            if self.drive_upgrade(cx) {
                // Whoever waits for room asks again.
                cx.waker().wake_by_ref();
                continue;
            }
            if self.drive_get(cx)? || !self.received.is_empty() {
                continue;
            }
            let Some((problem, patience)) = &mut self.ending else { return Poll::Pending };
            return patience.poll_unpin(cx).map(|()| Err(Lost::Failed(problem.clone())));
        }
    }

    /// Whether a packet can be taken now: not while a request is under way, so that what has not left is still the session's.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        // What comes while the connection is moved leaves over the WebSocket.
        if matches!(self.upgrade, Upgrade::Moving(_) | Upgrade::Done(_)) {
            self.drive_post(cx)?;
            return Poll::Pending;
        }
        if !self.has_room() {
            self.drive_post(cx)?;
        }
        if self.has_room() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn has_room(&self) -> bool {
        let is_full = self.batches.len() > 1 || self.last_packets >= BATCH_PACKETS;
        matches!(self.post, Post::Idle(_)) && self.ending.is_none() && !is_full
    }

    /// Takes a packet, after [`Polling::poll_ready`].
    pub fn send(&mut self, frame: Frame) {
        let size = match &frame {
            Frame::Text(text) => text.len(),
            Frame::Binary(bytes) => encoded_len(bytes.len()),
            // Each request that sends packets is a round trip.
            Frame::Ping => return,
        };
        let limit = self.limit.min(BATCH_LIMIT);
        if self.batches.back().is_none_or(|batch| batch.len() + 1 + size > limit) {
            self.batches.push_back(Vec::new());
            self.last_packets = 0;
        }
        self.last_packets += 1;
        let Some(batch) = self.batches.back_mut() else { return };
        match frame {
            Frame::Text(text) => push_text(batch, &text),
            Frame::Binary(bytes) => push_binary(batch, &bytes),
            Frame::Ping => {}
        }
    }

    /// Sends what was taken.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        self.drive_post(cx)?;
        if self.is_flushed() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Whether all that was taken has been sent.
    pub fn is_flushed(&self) -> bool {
        self.batches.is_empty() && matches!(self.post, Post::Idle(_))
    }

    /// What is sent from now on is the last, and nothing more is received: a move that has not happened yet does not happen.
    pub fn stay(&mut self) {
        if !matches!(self.upgrade, Upgrade::Done(_)) {
            self.upgrade = Upgrade::Off;
        }
        self.received.clear();
        // The request itself stays open: its end would be that of the session, before the goodbye.
        if let Get::Reading(_, reader) = &mut self.get {
            *reader = PayloadReader::new(0);
        }
    }

    /// Ends the session politely. A request of its own: the reference server would not look at what stands before it.
    pub async fn close(mut self) {
        self.send(Frame::Text(CLOSE.into()));
        let _ = poll_fn(|cx| self.poll_flush(cx)).await;
    }

    /// Sends one payload after the other.
    fn drive_post(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        loop {
            match &mut self.post {
                Post::Sending(sending) => match sending.poll_unpin(cx) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(Ok((lane, took))) => {
                        self.post = Post::Idle(Some(lane));
                        self.received.push_back(Incoming::RoundTrip(took));
                        self.answered();
                    }
                    Poll::Ready(Err(problem)) => {
                        self.post = Post::Idle(None);
                        self.batches.clear();
                        if problem.code() != Code::EngineSession {
                            return Err(lost(problem));
                        }
                        self.end_soon(problem);
                    }
                },
                Post::Idle(lane) => {
                    let Some(payload) = self.batches.pop_front() else { return Ok(()) };
                    if self.batches.is_empty() {
                        self.last_packets = 0;
                    }
                    let (client, lane) = (Rc::clone(&self.client), lane.take());
                    let target = client.request.target(&client.address, "polling", Some(&self.session));
                    let upload = Upload { payload, written: Rc::clone(&self.written) };
                    self.post = Post::Sending(post(client, lane, target, upload, self.patience).boxed_local());
                }
            }
        }
    }

    /// Waits for packets and reads them. Tells whether something changed.
    fn drive_get(&mut self, cx: &mut Context<'_>) -> Result<bool, Lost> {
        match &mut self.get {
            // No new request while the connection is moved.
            Get::Idle(_) if matches!(self.upgrade, Upgrade::Moving(_) | Upgrade::Done(_)) => Ok(false),
            Get::Pausing(lane, pause) => {
                if pause.poll_unpin(cx).is_pending() {
                    return Ok(false);
                }
                self.get = Get::Idle(lane.take());
                Ok(true)
            }
            Get::Idle(lane) => {
                self.haste.ask();
                let (client, lane) = (Rc::clone(&self.client), lane.take());
                let target = client.request.target(&client.address, "polling", Some(&self.session));
                self.get = Get::Asking(
                    async move { client.exchange(lane, &target, None, &Progress::default()).await }.boxed_local(),
                );
                Ok(true)
            }
            Get::Asking(asking) => {
                let Poll::Ready(answer) = asking.poll_unpin(cx) else { return Ok(false) };
                self.get = Get::Idle(None);
                let answer = answer.map_err(lost)?;
                let reader = PayloadReader::new(self.client.request.message_bytes);
                self.get = if answer.status == http::StatusCode::OK {
                    Get::Reading(Box::new(answer), reader)
                } else {
                    Get::Asking(refusal(Rc::clone(&self.client), answer).map(Err).boxed_local())
                };
                Ok(true)
            }
            Get::Reading(answer, reader) => {
                let Poll::Ready(piece) = answer.body.poll_piece(cx) else { return Ok(false) };
                let client = &self.client;
                let piece = piece.map_err(|e| lost(client.explain_body(&*e)))?;
                let limit = self.client.request.message_bytes;
                let wrong = |wrong| match wrong {
                    WrongPayload::Malformed(what) => Lost::Broken(what.0),
                    WrongPayload::TooLarge => Lost::TooLarge(format!("a packet of more than {limit} bytes")),
                };
                match piece {
                    Some(piece) => {
                        let take = |part| {
                            self.haste.hear(&part);
                            self.received.push_back(incoming(part));
                        };
                        reader.read(&piece, take).map_err(wrong)?
                    }
                    None => {
                        self.empty_answers = if reader.is_empty() { self.empty_answers + 1 } else { 0 };
                        if self.empty_answers >= EMPTY_ANSWERS {
                            return Err(Lost::Broken("answers without a packet".into()));
                        }
                        if let Some(part) = reader.end().map_err(wrong)? {
                            self.haste.hear(&part);
                            self.received.push_back(incoming(part));
                        }
                        if let Get::Reading(answer, _) = std::mem::replace(&mut self.get, Get::Idle(None)) {
                            let lane = Some(answer.into_lane());
                            self.get = match self.haste.pause() {
                                Some(pause) => Get::Pausing(lane, Box::pin(sleep(pause))),
                                None => Get::Idle(lane),
                            };
                        }
                        self.answered();
                    }
                }
                Ok(true)
            }
        }
    }

    fn end_soon(&mut self, problem: Problem) {
        self.batches.clear();
        self.ending.get_or_insert_with(|| (problem, Box::pin(sleep(REASON_LIMIT))));
    }

    /// A request was answered: it is not the server that is gone.
    fn answered(&mut self) {
        if let Upgrade::Failed(failed) = &mut self.upgrade {
            failed.is_answered = true;
        }
    }

    /// Moves the connection. Tells whether something changed.
    fn drive_upgrade(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.upgrade {
            Upgrade::Off | Upgrade::Done(_) => false,
            Upgrade::Failed(failed) => {
                failed.is_over = failed.is_over || failed.patience.poll_unpin(cx).is_ready();
                let is_told = failed.is_over && failed.is_answered;
                if is_told {
                    self.received.push_back(Incoming::NotUpgraded(std::mem::take(&mut failed.reason)));
                    self.upgrade = Upgrade::Off;
                }
                is_told
            }
            Upgrade::Probing(probing) => {
                let Poll::Ready(probed) = probing.poll_unpin(cx) else { return false };
                self.upgrade = match probed {
                    Ok(socket) => Upgrade::Moving(Box::new(socket)),
                    Err(NotMoved::Blocked(reason)) => Upgrade::failed(&reason),
                    Err(NotMoved::OtherServer(problem)) => {
                        self.end_soon(problem);
                        Upgrade::Off
                    }
                };
                true
            }
            Upgrade::Moving(socket) => {
                // The server says nothing here before it was told; what can come is the end.
                match socket.poll_receive(cx) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(())) => {
                        let _ = socket.take();
                        return true;
                    }
                    Poll::Ready(Err(_)) => {
                        self.upgrade = Upgrade::failed(CLOSED_EARLY);
                        return true;
                    }
                }
                let at_rest = matches!(self.get, Get::Idle(_) | Get::Pausing(..))
                    && matches!(self.post, Post::Idle(_))
                    && self.batches.is_empty();
                if !at_rest || socket.poll_ready(cx).is_pending() {
                    return false;
                }
                socket.set_patience(self.patience);
                socket.send(Frame::Text(UPGRADE.into()));
                self.upgrade = match std::mem::replace(&mut self.upgrade, Upgrade::Off) {
                    Upgrade::Moving(socket) => Upgrade::Done(socket),
                    other => other,
                };
                self.received.push_back(Incoming::Upgraded);
                true
            }
        }
    }
}

/// Why the connection ends with this problem of a request.
fn lost(problem: Problem) -> Lost {
    match problem.code() {
        // A connection that ends between two requests is no foreign server.
        Code::NotWebSocket => Lost::Closed(match problem.value(BREAK) {
            "" => problem.value("reason").to_string(),
            words => words.to_string(),
        }),
        _ => Lost::Failed(problem),
    }
}

/// Sends one payload, with patience of so long.
async fn post(
    client: Rc<Client>,
    lane: Option<Lane>,
    target: String,
    upload: Upload,
    limit: Duration,
) -> Result<(Lane, Duration), Problem> {
    let address = client.address.clone();
    let mut patience = Patience::new(Rc::clone(&upload.written), limit);
    let mut answered = pin!(post_and_wait(client, lane, target, upload));
    poll_fn(|cx| match answered.as_mut().poll(cx) {
        Poll::Pending => patience.poll(cx).map(|()| Err(Lost::Stuck(limit).problem(&address))),
        ready => ready,
    })
    .await
}

async fn post_and_wait(
    client: Rc<Client>,
    lane: Option<Lane>,
    target: String,
    upload: Upload,
) -> Result<(Lane, Duration), Problem> {
    let mut answer = client.exchange(lane, &target, Some(upload), &Progress::default()).await?;
    if answer.status != http::StatusCode::OK {
        return Err(refusal(client, answer).await);
    }
    let read = answer.body.read(IGNORED_LIMIT).await;
    read.map_err(|e| client.explain_body(&*e))?;
    let took = answer.took;
    Ok((answer.into_lane(), took))
}

/// What the server means by an answer other than 200.
async fn refusal(client: Rc<Client>, mut answer: Answer) -> Problem {
    let (body, _) = answer.body.read(IGNORED_LIMIT).await.unwrap_or_default();
    recognise::http_answer(&client.address, answer.status, &answer.headers, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_at_once_without_a_message_are_followed_by_growing_pauses() {
        let mut haste = Haste::new(Duration::from_secs(45));
        let mut answer = |packet: &str| {
            haste.ask();
            haste.hear(&Part::Text(packet.into()));
            haste.pause()
        };
        for _ in 1..HASTY_ANSWERS {
            assert_eq!(answer("6"), None);
        }
        for expected in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
            assert_eq!(answer("2"), Some(Duration::from_millis(expected)));
        }
        assert_eq!((answer("42[\"e\"]"), answer("3")), (None, None));
        for _ in 0..100_000 {
            answer("6");
        }
        assert_eq!(answer("6"), Some(LAST_PAUSE));
        // An answer that was long in coming.
        haste.ask();
        haste.asked -= HASTE;
        assert_eq!(haste.pause(), None);
        // Where pings come often, a pause must not make their answers late.
        let mut haste = Haste::new(Duration::from_millis(400));
        assert_eq!((0..100).filter_map(|_| haste.pause()).max(), Some(Duration::from_millis(50)));
    }
}
