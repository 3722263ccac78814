//! What follows the handshake: the upgrade, the default namespace, one round trip, and a polite end.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::timeout;

use super::opening::Opened;
use super::report::{Part, Report, Verdict};
use crate::diagnostics::{Code, Problem, Secrets, shortened};
use crate::protocol::socketio::{self, Connected, DEFAULT_NAMESPACE, Kind, Refused};
use crate::protocol::{Malformed, engineio};
use crate::settings::{Address, ConnectionConfig, TransportChoice};
use crate::transport::{CLOSE_LIMIT, Engine, Frame, Incoming, Lost};

/// Frames read before others get their turn.
const FRAMES_AT_ONCE: u32 = 256;

/// How long the reason may take to come of a WebSocket that did not get through: it follows the next answer.
const REASON_LIMIT: Duration = Duration::from_secs(1);

/// What the server said about the default namespace.
type Joined = Result<Connected, Problem>;

struct Conversation<'a> {
    engine: Engine,
    address: &'a Address,
    limit: Duration,
    outbox: VecDeque<Frame>,
    frames: u32,
    pinged: Option<Instant>,
    /// Why the WebSocket does not get through.
    blocked: Option<String>,
    joined: Option<Joined>,
    round_trip: Option<Duration>,
    /// Why a write failed, until all was heard that was said before.
    failed: Option<Lost>,
}

/// Goes through the parts and tells them.
pub async fn hold(report: &mut Report, config: &ConnectionConfig, opened: Opened, secrets: &mut Secrets) {
    let Opened { engine, handshake, auth } = opened;
    let mut conversation = Conversation {
        engine,
        address: &config.address,
        limit: config.connect_timeout,
        outbox: VecDeque::new(),
        frames: 0,
        pinged: None,
        blocked: None,
        joined: None,
        round_trip: None,
        failed: None,
    };
    let offers_websocket = handshake.upgrades.iter().any(|name| name == "websocket");
    let failed = match conversation.upgrade(report, config.transport, offers_websocket).await {
        Ok(is_blocked) => conversation.go_on(report, auth, is_blocked, secrets).await,
        Err(problem) => Err((Part::WebSocket, problem)),
    };
    if let Err((part, problem)) = failed {
        report.fail(part, &problem);
    }
    conversation.end().await;
}

impl Conversation<'_> {
    /// Waits for the move to a WebSocket. Tells whether it failed for a reason that is still to come.
    async fn upgrade(
        &mut self,
        report: &mut Report,
        transport: TransportChoice,
        offers_websocket: bool,
    ) -> Result<bool, Problem> {
        if !self.engine.is_polling() {
            return Ok(false);
        }
        if transport == TransportChoice::Polling {
            report.skip(Part::WebSocket, "Transport is Polling Only");
            return Ok(false);
        }
        if !offers_websocket {
            report.skip(Part::WebSocket, "the server does not offer it");
            return Ok(false);
        }
        let began = Instant::now();
        let moved = timeout(self.limit, self.until(|own| !own.engine.may_upgrade())).await;
        report.took(Part::WebSocket, began.elapsed());
        moved.unwrap_or(Ok(()))?;
        if self.engine.is_polling() {
            return Ok(true);
        }
        report.set(Part::WebSocket, Verdict::Ok);
        report.note(Part::WebSocket, "moved from long-polling");
        Ok(false)
    }

    async fn go_on(
        &mut self,
        report: &mut Report,
        auth: serde_json::Map<String, Value>,
        is_blocked: bool,
        secrets: &mut Secrets,
    ) -> Result<(), (Part, Problem)> {
        let began = Instant::now();
        let auth = (!auth.is_empty()).then(|| Value::Object(auth).to_string());
        self.outbox.push_back(Frame::Text(socketio::encode_connect(DEFAULT_NAMESPACE, auth.as_deref())));
        let answered = timeout(self.limit, self.until(|own| own.joined.is_some())).await;
        report.took(Part::Namespace, began.elapsed());
        if is_blocked {
            // Only an answer over long-polling shows that it is not the server that is gone.
            let _ = timeout(REASON_LIMIT, self.until(|own| own.blocked.is_some())).await;
            let reason = self.blocked.take().unwrap_or_else(|| "it did not open in time".into());
            let problem = Problem::new(Code::WebSocketBlocked)
                .with("address", self.address)
                .with("reason", reason.trim_end_matches('.'));
            report.warn(Part::WebSocket, &problem);
        }
        match answered {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => return Err((Part::Namespace, problem)),
            Err(_) => {
                let problem = Problem::new(Code::NamespaceSilent)
                    .with("namespace", DEFAULT_NAMESPACE)
                    .with("seconds", self.limit.as_secs_f64());
                return Err((Part::Namespace, problem));
            }
        }
        match self.joined.take() {
            Some(Ok(connected)) => {
                secrets.add(&connected.sid);
                report.set(Part::Namespace, Verdict::Ok);
                report.note(Part::Namespace, format!("joined /, session {}", shortened(&connected.sid)));
            }
            Some(Err(problem)) => return Err((Part::Namespace, problem)),
            None => {}
        }
        self.measure(report).await.map_err(|problem| (Part::RoundTrip, problem))
    }

    /// One round trip: a ping over the WebSocket, or the request over long-polling that brought the packet before.
    async fn measure(&mut self, report: &mut Report) -> Result<(), Problem> {
        let how = if self.engine.is_polling() {
            "a request over long-polling"
        } else {
            self.round_trip = None;
            self.pinged = Some(Instant::now());
            self.outbox.push_back(Frame::Ping);
            "a WebSocket ping"
        };
        let measured = timeout(self.limit, self.until(|own| own.round_trip.is_some())).await;
        measured.unwrap_or_else(|_| {
            let seconds = self.limit.as_secs_f64();
            Err(Problem::new(Code::PingTimeout).with("address", self.address).with("seconds", seconds))
        })?;
        report.done(Part::RoundTrip, self.round_trip.unwrap_or_default(), vec![how.into()]);
        Ok(())
    }

    /// Exchanges frames until something is so.
    async fn until(&mut self, is_so: impl Fn(&Self) -> bool) -> Result<(), Problem> {
        while !is_so(self) {
            let found = poll_fn(|cx| match self.exchange(cx) {
                // An upgrade that fails is seen by nothing that is received.
                Poll::Pending if is_so(self) => Poll::Ready(Ok(None)),
                Poll::Pending => Poll::Pending,
                Poll::Ready(found) => Poll::Ready(found.map(Some)),
            });
            if found.await?.is_none() {
                break;
            }
            self.take()?;
            self.frames += 1;
            if self.frames.is_multiple_of(FRAMES_AT_ONCE) {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    fn exchange(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        if let Err(lost) = self.write(cx) {
            self.failed.get_or_insert(lost);
        }
        // What the server said before it closed tells more than that a write failed.
        match self.engine.poll_receive(cx).map_err(|lost| lost.problem(self.address)) {
            Poll::Pending => match self.failed.take() {
                Some(lost) => Poll::Ready(Err(lost.problem(self.address))),
                None => Poll::Pending,
            },
            found => found,
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        while !self.outbox.is_empty() {
            match self.engine.poll_ready(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready?,
            }
            if let Some(frame) = self.outbox.pop_front() {
                self.engine.send(frame);
            }
        }
        match self.engine.poll_flush(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(flushed) => flushed,
        }
    }

    fn take(&mut self) -> Result<(), Problem> {
        match self.engine.take().map_err(|lost| lost.problem(self.address))? {
            Incoming::Text(text) => {
                let text = text.into_owned();
                self.take_packet(&text)?;
            }
            Incoming::NotUpgraded(reason) => self.blocked = Some(reason),
            Incoming::RoundTrip(took) => self.round_trip = Some(took),
            Incoming::Pong => self.round_trip = self.pinged.map(|pinged| pinged.elapsed()),
            Incoming::Upgraded | Incoming::Binary(_) => {}
        }
        Ok(())
    }

    fn take_packet(&mut self, text: &str) -> Result<(), Problem> {
        let message = match engineio::decode(text).map_err(|wrong| self.malformed(wrong))? {
            engineio::Packet::Message(message) => message,
            engineio::Packet::Ping => {
                // One answer is enough for any number of pings: a server that does not read can't make them pile up.
                let is_pong = |frame: &Frame| matches!(frame, Frame::Text(text) if text == engineio::PONG);
                if !self.outbox.iter().any(is_pong) {
                    self.outbox.push_back(Frame::Text(engineio::PONG.into()));
                }
                return Ok(());
            }
            engineio::Packet::Close => return Err(Lost::Closed("the server closed it".into()).problem(self.address)),
            engineio::Packet::Open(_) => return Err(self.malformed(Malformed("a second handshake".into()))),
            engineio::Packet::Pong | engineio::Packet::Noop => return Ok(()),
        };
        let packet = socketio::decode(message).map_err(|wrong| self.malformed(wrong))?;
        if packet.namespace != DEFAULT_NAMESPACE {
            return Ok(());
        }
        match packet.kind {
            // A server of version 2 sends this without being asked, and without an id.
            Kind::Connect if packet.payload.is_empty() => {
                return Err(Problem::new(Code::ProtocolVersion2).with("address", self.address));
            }
            Kind::Connect => {
                self.joined = Some(Connected::decode(packet.payload).map_err(|wrong| self.malformed(wrong)));
            }
            Kind::ConnectError => {
                let Refused { message, data } = Refused::decode(packet.payload);
                self.joined = Some(Err(Problem::refused_namespace(DEFAULT_NAMESPACE, &message, &data)));
            }
            Kind::Disconnect => {
                return Err(Problem::new(Code::ServerDisconnect).with("namespace", DEFAULT_NAMESPACE));
            }
            // The server may greet with events; they are nobody's.
            Kind::Event | Kind::Ack | Kind::BinaryEvent | Kind::BinaryAck => {}
        }
        Ok(())
    }

    fn malformed(&self, wrong: Malformed) -> Problem {
        Lost::Broken(wrong.0).problem(self.address)
    }

    /// Says goodbye, and does not wait long for an answer.
    async fn end(mut self) {
        self.outbox.push_back(Frame::Text(socketio::encode_disconnect(DEFAULT_NAMESPACE)));
        self.engine.wind_up();
        let _ = timeout(CLOSE_LIMIT, async {
            let written = poll_fn(|cx| match self.write(cx) {
                Err(lost) => Poll::Ready(Err(lost)),
                Ok(()) if self.outbox.is_empty() => self.engine.poll_flush(cx),
                Ok(()) => Poll::Pending,
            });
            if written.await.is_ok() {
                self.engine.close().await;
            }
        })
        .await;
    }
}
