//! From the settings to the handshake, by the same code as any connection, and what that found out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::mask::Mask;
use super::report::{Part, Report, Verdict};
use super::settings;
use crate::diagnostics::{Code, Problem};
use crate::protocol::engineio::Handshake;
use crate::settings::{ConnectionConfig, TransportChoice};
use crate::transport::{Dialer, Engine, Memory, Progress, Request, Route, Stage};

/// Credentials for the server.
type Auth = serde_json::Map<String, serde_json::Value>;

/// A connection that stands, up to the handshake.
pub struct Opened {
    pub engine: Engine,
    pub handshake: Handshake,
    pub auth: Auth,
}

/// Opens a connection, within Connect Timeout.
pub async fn open(
    config: &Arc<ConnectionConfig>,
    dialer: Rc<Dialer>,
    progress: &Progress,
    mask: &mut Mask,
) -> Result<Opened, Problem> {
    let opening = async {
        progress.begin(Stage::Secrets);
        let resolved = dialer.resolve(config).await?;
        mask.add_all(&resolved);
        let route = Rc::new(Route::new(config, &resolved)?);
        let request = Rc::new(Request::new(config, &resolved));
        // Nothing is known of earlier connections: what would be found out anew is found out.
        let memory = Rc::new(RefCell::new(Memory::default()));
        let (engine, handshake) = Engine::open(Rc::clone(&dialer), route, request, memory, progress).await?;
        Ok(Opened { engine, handshake, auth: resolved.auth })
    };
    tokio::time::timeout(config.connect_timeout, opening).await.unwrap_or_else(|_| {
        Err(Problem::new(Code::ConnectTimeout)
            .with("address", &config.address)
            .with("seconds", config.connect_timeout.as_secs_f64())
            .with("stage", progress.stage().describe()))
    })
}

/// The part that a stage belongs to. Certificates are read a second time, those of the system among them.
fn part(stage: Stage, is_first: bool) -> Part {
    match stage {
        Stage::Secrets if is_first => Part::References,
        Stage::Secrets | Stage::Tls => Part::Tls,
        Stage::Lookup => Part::Name,
        Stage::Tcp => Part::Tcp,
        Stage::Proxy => Part::Proxy,
        Stage::Polling | Stage::Handshake => Part::Handshake,
        Stage::WebSocket => Part::WebSocket,
    }
}

/// Tells the parts up to the handshake.
pub fn tell(report: &mut Report, config: &ConnectionConfig, progress: &Progress, opened: &Result<Opened, Problem>) {
    let steps = progress.steps();
    let reached = |stage| steps.iter().any(|step| step.stage == stage);
    for (index, step) in steps.iter().enumerate() {
        let part = part(step.stage, index == 0);
        // Its certificates are read before anything else; that alone does not reach it.
        if part == Part::Tls && !reached(Stage::Tls) {
            continue;
        }
        report.set(part, Verdict::Ok);
        report.took(part, step.took.unwrap_or_default());
        step.notes.iter().for_each(|note| report.note(part, note));
    }
    let references = settings::references(config);
    if references.is_empty() {
        report.skip(Part::References, "none");
    } else {
        references.into_iter().for_each(|reference| report.note(Part::References, reference));
    }
    if reached(Stage::Tcp) && !reached(Stage::Proxy) && (reached(Stage::Tls) || answers(&reached)) {
        report.skip(Part::Proxy, "none is used");
    }
    if answers(&reached) && !reached(Stage::Tls) {
        report.skip(Part::Tls, "the URL does not ask for it");
    }
    if let Some(clock) = progress.clock() {
        report.set(Part::Clock, Verdict::Warning);
        report.note(Part::Clock, clock);
    }
    let is_automatic = config.transport == TransportChoice::Automatic;
    match opened {
        Ok(opened) => {
            if !opened.engine.is_polling() {
                report.opens_websocket_first();
                if is_automatic {
                    report.note(Part::WebSocket, "opened directly, since the server does not offer long-polling");
                }
            }
        }
        Err(problem) => {
            let failed = failed_part(problem, config.transport, progress.stage(), reached(Stage::Polling));
            report.fail(failed, problem);
            if is_automatic && failed == Part::Handshake && reached(Stage::WebSocket) {
                report.set(Part::WebSocket, Verdict::Failed);
                report.note(Part::WebSocket, "tried as well");
            }
        }
    }
}

/// Whether the way to the server stood.
fn answers(reached: &impl Fn(Stage) -> bool) -> bool {
    reached(Stage::Polling) || reached(Stage::WebSocket)
}

/// The part in which a problem arose.
fn failed_part(problem: &Problem, transport: TransportChoice, last: Stage, polled: bool) -> Part {
    match (problem.code(), last) {
        (Code::ProxyInvalid, Stage::Secrets) => Part::Proxy,
        (_, Stage::Secrets) => Part::References,
        (Code::ConnectTimeout, stage) => part(stage, false),
        // A WebSocket was tried after that; what is told is still why long-polling failed.
        _ if polled && transport == TransportChoice::Automatic => Part::Handshake,
        (_, stage) => part(stage, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_belongs_to_the_part_in_which_it_arose() {
        use TransportChoice::{Automatic, WebSocket};
        for (code, transport, last, polled, expected) in [
            (Code::SecretUnavailable, Automatic, Stage::Secrets, false, Part::References),
            (Code::TlsFileInvalid, Automatic, Stage::Secrets, false, Part::References),
            (Code::ProxyInvalid, Automatic, Stage::Secrets, false, Part::Proxy),
            (Code::ProxyUnreachable, Automatic, Stage::Tcp, false, Part::Tcp),
            (Code::DnsFailed, WebSocket, Stage::Lookup, false, Part::Name),
            (Code::TlsExpired, Automatic, Stage::Tls, false, Part::Tls),
            (Code::HttpNotFound, Automatic, Stage::WebSocket, true, Part::Handshake),
            (Code::HttpNotFound, Automatic, Stage::Tcp, true, Part::Handshake),
            (Code::HttpNotFound, WebSocket, Stage::WebSocket, false, Part::WebSocket),
            (Code::ConnectTimeout, Automatic, Stage::WebSocket, true, Part::WebSocket),
            (Code::NotSocketIo, WebSocket, Stage::Handshake, false, Part::Handshake),
        ] {
            assert_eq!(failed_part(&Problem::new(code), transport, last, polled), expected, "{code:?}");
        }
    }
}
