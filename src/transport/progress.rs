//! How far an attempt to connect has come: for the sentence when it takes too long, and for the connection test.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::diagnostics::{Code, Problem};
use crate::settings::Address;

/// One step on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading what `env:` and `file:` refer to, and certificates.
    Secrets,
    /// Looking up the name.
    Lookup,
    /// Opening TCP.
    Tcp,
    /// Asking a proxy for the way.
    Proxy,
    /// Encryption.
    Tls,
    /// The Engine.IO handshake over long-polling.
    Polling,
    /// The WebSocket request.
    WebSocket,
    /// Waiting for the Engine.IO handshake over a WebSocket.
    Handshake,
}

impl Stage {
    /// The stage in words that continue a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Stage::Secrets => "a file that Project Settings refer to was still being read",
            Stage::Lookup => "its name was still being looked up",
            Stage::Tcp => "not even to the first packet",
            Stage::Proxy => "the proxy accepted the connection but did not open the way",
            Stage::Tls => "it accepted the connection but did not complete the encryption",
            Stage::Polling => "it accepted the connection but did not answer the first request",
            Stage::WebSocket => "it accepted the connection but did not answer the WebSocket request",
            Stage::Handshake => {
                "it opened a WebSocket but sent no Engine.IO handshake, so it may be a plain WebSocket server"
            }
        }
    }
}

/// What happened in one step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which one.
    pub stage: Stage,
    /// What was found out, in a few words.
    pub notes: Vec<String>,
    /// How long it took; None while it lasts.
    pub took: Option<Duration>,
}

/// The steps of one attempt, the current one last.
pub struct Progress {
    steps: RefCell<Vec<Step>>,
    began: Cell<Instant>,
    clock: RefCell<Option<String>>,
    problem: RefCell<Option<Problem>>,
    proxy: RefCell<Option<String>>,
    given_up: Cell<bool>,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress {
            steps: RefCell::default(),
            began: Cell::new(Instant::now()),
            clock: RefCell::default(),
            problem: RefCell::default(),
            proxy: RefCell::default(),
            given_up: Cell::default(),
        }
    }
}

impl Progress {
    /// The next step begins; the one before is done.
    pub fn begin(&self, stage: Stage) {
        self.end();
        self.steps.borrow_mut().push(Step { stage, notes: Vec::new(), took: None });
    }

    /// The current step is done.
    pub fn end(&self) {
        let began = self.began.replace(Instant::now());
        if let Some(step) = self.steps.borrow_mut().last_mut() {
            step.took.get_or_insert(began.elapsed());
        }
    }

    /// Something was found out in the current step.
    pub fn note(&self, what: impl Display) {
        if let Some(step) = self.steps.borrow_mut().last_mut() {
            step.notes.push(what.to_string());
        }
    }

    /// The server's clock differs from this device's, which may explain what fails later.
    pub fn note_clock(&self, what: impl Display) {
        *self.clock.borrow_mut() = Some(what.to_string());
    }

    /// How the server's clock differs, if it does.
    pub fn clock(&self) -> Option<String> {
        self.clock.borrow().clone()
    }

    /// This will be the problem, unless another way is found in time.
    pub fn foresee(&self, problem: &Problem) {
        *self.problem.borrow_mut() = Some(problem.clone());
    }

    /// The way leads through this proxy.
    pub fn through(&self, proxy: impl Display) {
        *self.proxy.borrow_mut() = Some(proxy.to_string());
    }

    /// What is to be told if time runs out: what was foreseen, or how far it came.
    pub fn timed_out(&self, address: &Address, limit: Duration) -> Problem {
        self.problem.borrow_mut().take().unwrap_or_else(|| {
            let seconds = limit.as_secs_f64();
            let stage = match (self.stage(), &*self.proxy.borrow()) {
                (Stage::Lookup | Stage::Tcp, Some(proxy)) => {
                    let reason = format!("it gave no answer within {seconds} s");
                    return Problem::new(Code::ProxyUnreachable).with("proxy", proxy).with("reason", reason);
                }
                (Stage::Proxy, Some(proxy)) => {
                    format!("the proxy {proxy} accepted the connection but did not open the way")
                }
                (Stage::Tls | Stage::Polling | Stage::WebSocket | Stage::Handshake, Some(proxy)) => {
                    format!("{} (through the proxy {proxy})", self.stage().describe())
                }
                (stage, _) => stage.describe().to_string(),
            };
            Problem::new(Code::ConnectTimeout).with("address", address).with("seconds", seconds).with("stage", stage)
        })
    }

    /// Nobody wants the connection any more: what is under way comes to its end, and no other way is tried.
    pub fn give_up(&self) {
        self.given_up.set(true);
    }

    /// Whether nobody wants the connection any more.
    pub fn is_given_up(&self) -> bool {
        self.given_up.get()
    }

    /// The current step.
    pub fn stage(&self) -> Stage {
        self.steps.borrow().last().map_or(Stage::Secrets, |step| step.stage)
    }

    /// What happened so far.
    pub fn steps(&self) -> Vec<Step> {
        self.steps.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_belong_to_the_step_that_lasts_and_each_step_has_its_time() {
        let progress = Progress::default();
        progress.note("nothing has begun");
        progress.begin(Stage::Lookup);
        progress.note("10.0.0.5");
        progress.begin(Stage::Tcp);
        let steps = progress.steps();
        assert_eq!((steps[0].stage, steps[0].notes.as_slice()), (Stage::Lookup, &["10.0.0.5".to_string()][..]));
        assert!(steps[0].took.is_some() && steps[1].took.is_none() && steps[1].notes.is_empty());
        assert_eq!(progress.stage(), Stage::Tcp);
        progress.end();
        let took = progress.steps()[1].took;
        progress.end();
        assert!(took.is_some() && progress.steps()[1].took == took);
    }
}
