//! How a connection ends that nothing broke: what is left leaves, then goodbye. The session does not wait for it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::driver::Environment;
use super::session::{Outgoing, Session};
use super::tell::error_event;
use crate::diagnostics::{Code, Problem, failpoint};
use crate::protocol::socketio::DEFAULT_NAMESPACE;
use crate::transport::{CLOSE_LIMIT, Engine, Lost, Room};

/// How long the end of a session over long-polling may take: most often that needs a new connection, and without it the
/// server keeps the session until its heartbeat ends it.
pub const POLLING_CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Sends what is left within `limit`, says goodbye, and cuts the engine if that takes too long. The session does not wait
/// for it.
pub fn close_politely(session: &mut Session, mut engine: Engine, limit: Duration, environment: &Environment) {
    engine.wind_up();
    let (mut outbox, too_large) = sendable(session.take_outbox(), &engine);
    let (shared, events) = (Arc::clone(&session.shared), Arc::clone(&environment.events));
    let limits = session.inbound_limits();
    let waits = outbox.iter().any(|outgoing| outgoing.reservation.is_some());
    // Over long-polling, what is under way is a request that will be answered or not; it is no message that waits.
    let had_messages = waits || !(engine.is_polling() || engine.is_flushed());
    let is_polling = engine.is_polling() && !session.is_shut_down();
    let goodbye = environment.goodbye(if is_polling { POLLING_CLOSE_LIMIT } else { CLOSE_LIMIT });
    // Without messages there is nothing to be waited for but the goodbye.
    let limit = if had_messages { limit } else { goodbye.limit };
    let limit = environment.closing_limit(limit);
    environment.spawn_closing(async move {
        failpoint::pass("close", &shared.name);
        let tell = |count: usize, reason: String| {
            if count > 0 {
                shared.status.dropped.fetch_add(count as u64, Ordering::Relaxed);
                let problem = Problem::new(Code::NotSent).with("count", count).with("reason", reason);
                let event = error_event(shared.handle, &problem, &problem.message(), DEFAULT_NAMESPACE, 0, false, None);
                events.append(shared.handle, &mut vec![event], limits, &shared.status.dropped);
            }
        };
        tell(too_large, "their attachments are too large for long-polling".into());
        let sent = timeout(limit, send_all(&mut engine, &mut outbox)).await;
        let reason = match sent {
            Ok(Ok(())) => return goodbye.within(engine.close()).await,
            Ok(Err(_)) => "the connection was lost after Stop".to_string(),
            Err(_) => format!("the server took them too slowly, {} s after Stop", limit.as_secs_f64()),
        };
        // What was being written when it ended did not leave as a whole.
        let waiting = outbox.iter().filter(|outgoing| outgoing.reservation.is_some()).count();
        tell(waiting + usize::from(had_messages && !engine.is_polling()), reason);
        if sent.is_err() {
            goodbye.within(engine.close()).await;
        }
    });
}

/// The last word to a server.
pub struct Goodbye {
    /// How long it may take.
    pub limit: Duration,
    /// Whether the plugin is deactivated.
    pub shut_down: watch::Receiver<bool>,
}

impl Goodbye {
    /// Does what ends a connection within the limit, and within a shorter one from the moment on in which the plugin is
    /// deactivated.
    pub async fn within(mut self, end: impl Future<Output = ()>) {
        let hurry = async {
            if self.shut_down.wait_for(|is_shut_down| *is_shut_down).await.is_ok() {
                sleep(CLOSE_LIMIT).await;
            }
        };
        tokio::select! {
            () = end => {}
            () = sleep(self.limit) => {}
            () = hurry => {}
        }
    }
}

/// What of the outbox the transport takes, and how many messages it does not.
fn sendable(outbox: VecDeque<Outgoing>, engine: &Engine) -> (VecDeque<Outgoing>, usize) {
    let (mut taken, mut too_large) = (VecDeque::new(), 0);
    let mut is_refused = false;
    for outgoing in outbox {
        if !outgoing.is_attachment() {
            is_refused = matches!(engine.room(outgoing.largest_attachment()), Room::Never(_));
            too_large += usize::from(is_refused);
        }
        if !is_refused {
            taken.push_back(outgoing);
        }
    }
    (taken, too_large)
}

/// Hands all frames to the transport and flushes. What is left in `outbox` when this is dropped has not left.
async fn send_all(engine: &mut Engine, outbox: &mut VecDeque<Outgoing>) -> Result<(), Lost> {
    while !outbox.is_empty() {
        poll_fn(|cx| engine.poll_ready(cx)).await?;
        if let Some(outgoing) = outbox.pop_front() {
            engine.send(outgoing.frame);
        }
    }
    poll_fn(|cx| engine.poll_flush(cx)).await
}
