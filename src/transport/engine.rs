//! An Engine.IO connection over whichever transport gets through.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::cookies::Cookies;
use super::http::Client;
use super::polling::{self, Polling};
use super::recognise::{self, REDIRECTS};
use super::websocket::{Failed, WebSocket};
use super::{Dialer, Frame, Incoming, Lost, Progress, Request, Route, Stage, tls};
use crate::diagnostics::{Code, Problem};
use crate::protocol::engineio::{self, Handshake, Packet};
use crate::settings::{Address, TransportChoice};

/// What is known of the way to a server from one connection to the next, from Start to the final On Stop.
#[derive(Default)]
pub struct Memory {
    /// When a WebSocket did not get through although long-polling did: it is not tried again for a while.
    blocked: Option<Instant>,
    /// Long-polling does not work there: a WebSocket is tried first.
    websocket_first: bool,
    /// Whether the server expects TLS was looked at once, after an answer that made no sense.
    tls_looked_for: bool,
    cookies: Rc<RefCell<Cookies>>,
}

/// A device may run for months: what did not get through once is tried again by the first connection after this.
const BLOCKED_FOR: Duration = Duration::from_secs(3600);

impl Memory {
    /// A WebSocket does not get through. Tells whether that was known.
    fn block(&mut self) -> bool {
        self.blocked.replace(Instant::now()).is_some()
    }

    fn is_blocked(&self) -> bool {
        self.blocked.is_some_and(|since| since.elapsed() < BLOCKED_FOR)
    }
}

/// Whether a packet can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It can.
    Now,
    /// Once the connection has moved to a WebSocket, or has failed to.
    Later,
    /// It can't: an attachment may only have so many bytes.
    Never(usize),
}

/// See the module.
pub struct Engine {
    kind: Kind,
    /// What long-polling found.
    found: Option<Incoming<'static>>,
    memory: Rc<RefCell<Memory>>,
}

enum Kind {
    WebSocket(Box<WebSocket>),
    Polling(Box<Polling>),
}

impl Engine {
    /// Opens a connection, to the handshake of Engine.IO.
    pub async fn open(
        dialer: Rc<Dialer>,
        route: Rc<Route>,
        request: Rc<Request>,
        memory: Rc<RefCell<Memory>>,
        progress: &Progress,
    ) -> Result<(Engine, Handshake), Problem> {
        let opening = Opening { dialer, route, request, memory, progress };
        let opened = opening.open().await;
        if let Err(problem) = &opened {
            // A session that sticks to a server that is gone is worse than none.
            opening.memory.borrow().cookies.borrow_mut().clear();
            let address = &opening.request.address;
            progress.foresee(problem);
            if !progress.is_given_up()
                && recognise::may_expect_tls(problem, address)
                && !std::mem::replace(&mut opening.memory.borrow_mut().tls_looked_for, true)
                && Box::pin(tls::speaks_tls(&opening.dialer, &opening.route, address)).await
            {
                return Err(Problem::new(Code::PlainTlsServer).with("address", address));
            }
        }
        opened
    }

    /// Whether it is on long-polling.
    pub fn is_polling(&self) -> bool {
        matches!(self.kind, Kind::Polling(_))
    }

    /// Whether it may still be moved to a WebSocket.
    pub fn may_upgrade(&self) -> bool {
        matches!(&self.kind, Kind::Polling(polling) if polling.may_upgrade())
    }

    /// Ready: a frame is there, for [`Engine::take`].
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        let polling = match &mut self.kind {
            // What long-polling found last is that it was moved to this one.
            Kind::WebSocket(_) if self.found.is_some() => return Poll::Ready(Ok(())),
            Kind::WebSocket(socket) => return socket.poll_receive(cx),
            Kind::Polling(polling) => polling,
        };
        let received = polling.poll_receive(cx);
        if matches!(&received, Poll::Ready(Ok(Incoming::NotUpgraded(_)))) && self.memory.borrow_mut().block() {
            // What was told once is not told again.
            return self.poll_receive(cx);
        }
        if matches!(&received, Poll::Ready(Ok(Incoming::Upgraded)))
            && let Some(socket) = polling.take_websocket()
        {
            self.kind = Kind::WebSocket(Box::new(socket));
        }
        let received = ready!(received).map_err(|lost| self.learn(lost))?;
        self.found = Some(received);
        Poll::Ready(Ok(()))
    }

    /// The frame that is there.
    pub fn take(&mut self) -> Result<Incoming<'_>, Lost> {
        match (self.found.take(), &mut self.kind) {
            (Some(found), _) => Ok(found),
            (None, Kind::WebSocket(socket)) => socket.take(),
            (None, Kind::Polling(_)) => Ok(Incoming::Pong),
        }
    }

    /// Each request may reach another server: then the next connection tries a WebSocket first, which stays with one.
    fn learn(&self, lost: Lost) -> Lost {
        if matches!(&lost, Lost::Failed(problem) if problem.code() == Code::EngineSession) {
            let mut memory = self.memory.borrow_mut();
            memory.websocket_first = !memory.is_blocked();
        }
        lost
    }

    /// Whether a packet whose largest attachment has so many bytes can be sent.
    pub fn room(&self, attachment: usize) -> Room {
        match &self.kind {
            Kind::Polling(polling) if attachment > 0 => polling.room(attachment),
            Kind::WebSocket(_) | Kind::Polling(_) => Room::Now,
        }
    }

    /// Whether a frame can be taken now; drives what was taken before.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        match &mut self.kind {
            Kind::WebSocket(socket) => socket.poll_ready(cx),
            Kind::Polling(polling) => polling.poll_ready(cx).map_err(|lost| self.learn(lost)),
        }
    }

    /// Takes a frame, after [`Engine::poll_ready`]. It leaves with the next flush.
    pub fn send(&mut self, frame: Frame) {
        match &mut self.kind {
            Kind::WebSocket(socket) => socket.send(frame),
            Kind::Polling(polling) => polling.send(frame),
        }
    }

    /// Bytes that were taken and may leave with the next flush. Over long-polling none wait for others.
    pub fn unwritten(&self) -> usize {
        match &self.kind {
            Kind::WebSocket(socket) => socket.unwritten(),
            Kind::Polling(_) => usize::MAX,
        }
    }

    /// Writes all that was taken.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        match &mut self.kind {
            Kind::WebSocket(socket) => socket.poll_flush(cx),
            Kind::Polling(polling) => polling.poll_flush(cx).map_err(|lost| self.learn(lost)),
        }
    }

    /// What is sent from now on is the last before [`Engine::close`].
    pub fn wind_up(&mut self) {
        if let Kind::Polling(polling) = &mut self.kind {
            polling.stay();
            if let Some(socket) = polling.take_websocket() {
                self.kind = Kind::WebSocket(Box::new(socket));
            }
        }
    }

    /// Whether all that was taken has been written.
    pub fn is_flushed(&self) -> bool {
        match &self.kind {
            Kind::WebSocket(socket) => socket.is_flushed(),
            Kind::Polling(polling) => polling.is_flushed(),
        }
    }

    /// Ends the connection politely, after all was sent.
    pub async fn close(self) {
        match self.kind {
            Kind::WebSocket(socket) => socket.close().await,
            Kind::Polling(polling) => polling.close().await,
        }
    }
}

/// An attempt to connect.
struct Opening<'a> {
    dialer: Rc<Dialer>,
    route: Rc<Route>,
    request: Rc<Request>,
    memory: Rc<RefCell<Memory>>,
    progress: &'a Progress,
}

impl Opening<'_> {
    async fn open(&self) -> Result<(Engine, Handshake), Problem> {
        match self.request.transport {
            TransportChoice::WebSocket => self.websocket().await,
            TransportChoice::Polling => Box::pin(self.polling(false)).await,
            TransportChoice::Automatic => Box::pin(self.automatic()).await,
        }
    }

    async fn automatic(&self) -> Result<(Engine, Handshake), Problem> {
        // Set again only if it works: the next attempt begins with the other transport, also if this one hangs.
        if std::mem::take(&mut self.memory.borrow_mut().websocket_first)
            && let Ok(opened) = self.websocket().await
        {
            self.memory.borrow_mut().websocket_first = true;
            return Ok(opened);
        }
        let wants_upgrade = !self.memory.borrow().is_blocked();
        // What swallows requests may let a WebSocket pass: that gets the other half of the time.
        let limit = self.request.connect_timeout / 2;
        let refused = match tokio::time::timeout(limit, self.polling(wants_upgrade)).await {
            Ok(Err(problem)) if may_be_websocket_only(&problem) => {
                self.progress.foresee(&problem);
                Some(problem)
            }
            Ok(opened) => return opened,
            Err(_) => None,
        };
        match (self.websocket().await, refused) {
            (Ok(opened), _) => {
                self.memory.borrow_mut().websocket_first = true;
                Ok(opened)
            }
            // That a WebSocket opened and something else was spoken tells what it is.
            (Err(problem), _) if problem.code() == Code::NotSocketIo => Err(problem),
            (Err(problem), refused) => Err(refused.unwrap_or(problem)),
        }
    }

    fn engine(&self, kind: Kind) -> Engine {
        Engine { kind, found: None, memory: Rc::clone(&self.memory) }
    }

    async fn polling(&self, wants_upgrade: bool) -> Result<(Engine, Handshake), Problem> {
        let client = Client {
            dialer: Rc::clone(&self.dialer),
            route: Rc::clone(&self.route),
            request: Rc::clone(&self.request),
            cookies: Rc::clone(&self.memory.borrow().cookies),
            address: self.request.address.clone(),
        };
        let opened = polling::handshake(client, self.progress).await?;
        let (polling, handshake) = Polling::new(opened, wants_upgrade);
        Ok((self.engine(Kind::Polling(Box::new(polling))), handshake))
    }

    async fn websocket(&self) -> Result<(Engine, Handshake), Problem> {
        let first = &self.request.address;
        let mut address = first.clone();
        for _ in 0..=REDIRECTS {
            let stream = self.route.connect(&self.dialer, &address, self.progress).await?;
            self.progress.begin(Stage::WebSocket);
            let cookies = Rc::clone(&self.memory.borrow().cookies);
            let opened = WebSocket::open(stream, &self.route, &self.request, &address, &cookies, None).await;
            let mut socket = match opened {
                Ok(socket) => socket,
                Err(Failed::Problem(problem)) => return Err(recognise::after_redirect(first, &address, problem)),
                Err(Failed::Redirected(location)) => {
                    address = recognise::redirected(&address, &location)?;
                    self.progress.note(format!("redirected to {address}{}", address.path));
                    continue;
                }
            };
            self.progress.begin(Stage::Handshake);
            let handshake = self.shake_hands(&mut socket, &address).await?;
            socket.set_patience(handshake.silence());
            return Ok((self.engine(Kind::WebSocket(Box::new(socket))), handshake));
        }
        Err(recognise::redirect_loop(first, &address))
    }

    async fn shake_hands(&self, socket: &mut WebSocket, address: &Address) -> Result<Handshake, Problem> {
        let limit = self.request.handshake_bytes;
        let not_socketio =
            |received: String| Problem::new(Code::NotSocketIo).with("address", address).with("received", received);
        // RFC 6455, section 5.5.3: a pong that nobody asked for says nothing.
        let mut found = poll_fn(|cx| socket.poll_receive(cx)).await;
        while found.is_ok() && socket.is_pong() {
            let _ = socket.take();
            found = poll_fn(|cx| socket.poll_receive(cx)).await;
        }
        let first = found.and_then(|()| socket.take());
        let text = match first {
            Ok(Incoming::Text(text)) => text,
            Ok(_) => return Err(not_socketio("a binary frame".into())),
            Err(Lost::Closed(how)) => return Err(not_socketio(format!("nothing and ended ({how})"))),
            Err(Lost::Broken(how) | Lost::TooLarge(how)) => return Err(not_socketio(format!("a wrong frame ({how})"))),
            Err(lost @ (Lost::Stuck(_) | Lost::Failed(_))) => return Err(lost.problem(address)),
        };
        if text.len() > limit {
            return Err(Problem::new(Code::LimitExceeded)
                .with("address", address)
                .with("reason", format!("a handshake of {} bytes, limit {limit}", text.len())));
        }
        match engineio::decode(&text) {
            Ok(Packet::Open(json)) => Handshake::decode(json).map_err(|wrong| not_socketio(wrong.0)),
            _ => Err(recognise::not_a_handshake(address, &text)),
        }
    }
}

/// Whether a server that answered so over long-polling may still speak Socket.IO over WebSocket.
fn may_be_websocket_only(problem: &Problem) -> bool {
    matches!(
        problem.code(),
        Code::EngineTransport | Code::NotSocketIo | Code::HttpNotFound | Code::HttpStatus | Code::HttpHtml
    )
}
