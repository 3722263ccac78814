//! Whether a WebSocket gets through, while the connection runs over long-polling (Engine.IO protocol, "Upgrade").

use std::future::poll_fn;
use std::rc::Rc;

use super::http::Client;
use super::recognise;
use super::websocket::{Failed, WebSocket};
use super::{Frame, Incoming, Lost, Progress};
use crate::diagnostics::{Code, Problem};
use crate::protocol::engineio::{PROBE, PROBE_ANSWER};

/// Why a session is not moved.
pub enum NotMoved {
    /// A WebSocket does not get through, for this reason.
    Blocked(String),
    /// It reached another server, which does not know the session: the next request may do so as well.
    OtherServer(Problem),
}

impl From<Problem> for NotMoved {
    fn from(problem: Problem) -> NotMoved {
        match problem.code() {
            Code::EngineSession => NotMoved::OtherServer(problem),
            _ => NotMoved::Blocked(problem.message()),
        }
    }
}

/// Opens a WebSocket for a session and sends a first packet there and back.
pub async fn probe(client: Rc<Client>, session: String) -> Result<WebSocket, NotMoved> {
    let limit = client.request.upgrade_timeout;
    match tokio::time::timeout(limit, open_and_ask(&client, &session)).await {
        Ok(probed) => probed,
        Err(_) => Err(NotMoved::Blocked(format!("no answer within {} s", limit.as_secs_f64()))),
    }
}

async fn open_and_ask(client: &Client, session: &str) -> Result<WebSocket, NotMoved> {
    // Its steps are nobody's: the attempt to connect is over already.
    let progress = Progress::default();
    let address = &client.address;
    let stream = client.route.connect(&client.dialer, address, &progress).await?;
    let cookies = &client.cookies;
    let opened = WebSocket::open(stream, &client.route, &client.request, address, cookies, Some(session)).await;
    let mut socket = opened.map_err(|failed| match failed {
        Failed::Problem(problem) => problem.into(),
        Failed::Redirected(location) => match recognise::redirected(address, &location) {
            Ok(next) => NotMoved::Blocked(format!("it is redirected to {}", next.url())),
            Err(problem) => problem.into(),
        },
    })?;
    let ask = async {
        poll_fn(|cx| socket.poll_ready(cx)).await?;
        socket.send(Frame::Text(PROBE.into()));
        poll_fn(|cx| socket.poll_flush(cx)).await?;
        loop {
            poll_fn(|cx| socket.poll_receive(cx)).await?;
            match socket.take()? {
                Incoming::Text(text) if text == PROBE_ANSWER => return Ok(()),
                Incoming::Text(text) => {
                    let begin: String = text.chars().take(20).collect();
                    return Err(Lost::Broken(format!("the probe was answered by {begin:?}")));
                }
                _ => {}
            }
        }
    };
    match ask.await {
        Ok(()) => Ok(socket),
        Err(Lost::Closed(how) | Lost::Broken(how) | Lost::TooLarge(how)) => {
            Err(NotMoved::Blocked(format!("the WebSocket opened, but nothing came through: {how}")))
        }
        Err(lost @ (Lost::Stuck(_) | Lost::Failed(_))) => Err(lost.problem(address).into()),
    }
}
