//! Whether a WebSocket gets through, while the connection runs over long-polling (Engine.IO protocol, "Upgrade").

use std::future::poll_fn;
use std::rc::Rc;

use super::http::Client;
use super::recognise;
use super::websocket::{Failed, WebSocket};
use super::{Frame, Incoming, Lost, Progress};
use crate::protocol::engineio::{PROBE, PROBE_ANSWER};

/// Opens a WebSocket for a session and sends a first packet there and back. An error says why that fails.
pub async fn probe(client: Rc<Client>, session: String) -> Result<WebSocket, String> {
    let limit = client.request.upgrade_timeout;
    match tokio::time::timeout(limit, open_and_ask(&client, &session)).await {
        Ok(Ok(socket)) => Ok(socket),
        Ok(Err(reason)) => Err(reason),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs_f64())),
    }
}

async fn open_and_ask(client: &Client, session: &str) -> Result<WebSocket, String> {
    // Its steps are nobody's: the attempt to connect is over already.
    let progress = Progress::default();
    let address = &client.address;
    let stream = client.route.connect(&client.dialer, address, &progress).await.map_err(|problem| problem.message())?;
    let cookies = client.cookies.borrow().clone();
    let opened = WebSocket::open(stream, &client.route, &client.request, address, &cookies, Some(session)).await;
    let mut socket = opened.map_err(|failed| match failed {
        Failed::Problem(problem) => problem.message(),
        Failed::Redirected(location) => match recognise::redirected(address, &location) {
            Ok(next) => format!("it is redirected to {}://{}{}", next.scheme(), next.authority(), next.path),
            Err(problem) => problem.message(),
        },
    })?;
    let ask = async {
        poll_fn(|cx| socket.poll_ready(cx)).await?;
        socket.send(Frame::Text(PROBE.into()))?;
        poll_fn(|cx| socket.poll_flush(cx)).await?;
        loop {
            match poll_fn(|cx| socket.poll_receive(cx)).await? {
                Incoming::Text(text) if text.as_str() == PROBE_ANSWER => return Ok(()),
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
            Err(format!("the WebSocket opened, but nothing came through: {how}"))
        }
        Err(Lost::Failed(problem)) => Err(problem.message()),
    }
}
