//! From the settings to the handshake, by the same code as any connection, and what that found out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::report::{Part, Report, Verdict};
use crate::diagnostics::{Code, Problem, Secrets};
use crate::protocol::engineio::Handshake;
use crate::settings::{Auth, ConnectionConfig};
use crate::transport::{Dialer, Engine, Memory, Progress, Request, Route, Stage};

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
    secrets: &mut Secrets,
) -> Result<Opened, Problem> {
    let opening = async {
        progress.begin(Stage::Secrets);
        let resolved = dialer.resolve(config).await?;
        *secrets = resolved.secrets(config, true);
        let route = Rc::new(Route::new(config, &resolved, &dialer).await?);
        let request = Rc::new(Request::new(config, &resolved));
        // Nothing is known of earlier connections: what would be found out anew is found out.
        let memory = Rc::new(RefCell::new(Memory::default()));
        let (engine, handshake) = Engine::open(Rc::clone(&dialer), route, request, memory, progress).await?;
        Ok(Opened { engine, handshake, auth: resolved.auth })
    };
    let limit = config.connect_timeout;
    tokio::time::timeout(limit, opening).await.unwrap_or_else(|_| Err(progress.timed_out(&config.address, limit)))
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
    let references = config.references();
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
    let polled = steps.iter().rposition(|step| step.stage == Stage::Polling);
    let is_answered = steps.iter().any(|step| step.stage == Stage::Polling && !step.notes.is_empty());
    match opened {
        Ok(opened) if !opened.engine.is_polling() => {
            report.opens_websocket_first();
            if polled.is_some() {
                let why =
                    if is_answered { "the server does not offer long-polling" } else { "long-polling got no answer" };
                report.note(Part::WebSocket, format!("opened directly, since {why}"));
            }
        }
        Ok(_) => {}
        Err(problem) => {
            let failed = failed_part(problem, progress.stage(), is_answered);
            report.fail(failed, problem);
            if polled.is_some_and(|index| index + 1 < steps.len()) {
                tell_both(report, failed, is_answered, reached(Stage::WebSocket));
            }
        }
    }
}

/// Long-polling failed, and so did a WebSocket after it.
fn tell_both(report: &mut Report, failed: Part, is_answered: bool, is_websocket_reached: bool) {
    report.set(Part::Handshake, Verdict::Failed);
    if !is_answered {
        report.note(Part::Handshake, "no answer over long-polling");
    }
    if is_websocket_reached {
        report.set(Part::WebSocket, Verdict::Failed);
        if failed == Part::Handshake {
            report.note(Part::WebSocket, "tried as well");
        }
    }
}

/// Whether the way to the server stood.
fn answers(reached: &impl Fn(Stage) -> bool) -> bool {
    reached(Stage::Polling) || reached(Stage::WebSocket)
}

/// The part in which a problem arose. `is_answered`: over long-polling, although that may not have been the last try.
fn failed_part(problem: &Problem, last: Stage, is_answered: bool) -> Part {
    match (problem.code(), last) {
        (Code::ProxyInvalid, Stage::Secrets) => Part::Proxy,
        (_, Stage::Secrets) => Part::References,
        (Code::ConnectTimeout, stage) => part(stage, false),
        // A WebSocket may have been tried after that; what is told is still why long-polling failed.
        _ if is_answered => Part::Handshake,
        (_, stage) => part(stage, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_belongs_to_the_part_in_which_it_arose() {
        for (code, last, is_answered, expected) in [
            (Code::SecretUnavailable, Stage::Secrets, false, Part::References),
            (Code::TlsFileInvalid, Stage::Secrets, false, Part::References),
            (Code::ProxyInvalid, Stage::Secrets, false, Part::Proxy),
            (Code::ProxyUnreachable, Stage::Tcp, false, Part::Tcp),
            (Code::DnsFailed, Stage::Lookup, false, Part::Name),
            (Code::TlsExpired, Stage::Tls, false, Part::Tls),
            (Code::HttpNotFound, Stage::WebSocket, true, Part::Handshake),
            (Code::HttpNotFound, Stage::Tcp, true, Part::Handshake),
            (Code::HttpNotFound, Stage::WebSocket, false, Part::WebSocket),
            (Code::ConnectTimeout, Stage::WebSocket, true, Part::WebSocket),
            (Code::NotSocketIo, Stage::Handshake, false, Part::Handshake),
        ] {
            assert_eq!(failed_part(&Problem::new(code), last, is_answered), expected, "{code:?}");
        }
    }
}
