//! The connection test: takes the steps of a client one by one, over sockets of its own, and reports each of them.

mod conversation;
mod opening;
mod report;
mod settings;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

pub use report::Report;

use crate::diagnostics::{Secrets, shortened};
use crate::protocol::engineio::Handshake;
use crate::settings::ConnectionConfig;
use crate::transport::{Dialer, Progress};
use report::{Part, Verdict};

/// Tests a connection as its settings describe it. Each part is limited by Connect Timeout; dropping the future ends all.
pub async fn examine(config: Arc<ConnectionConfig>, dialer: Rc<Dialer>) -> Report {
    let began = Instant::now();
    let mut report = Report::new(&config);
    let mut secrets = Secrets::default();
    report.done(Part::Settings, began.elapsed(), settings::describe(&config));
    let progress = Progress::default();
    let opened = opening::open(&config, dialer, &progress, &mut secrets).await;
    progress.end();
    opening::tell(&mut report, &config, &progress, &opened);
    if let Ok(opened) = opened {
        secrets.add(&opened.handshake.sid);
        tell_limits(&mut report, &config, &opened.handshake);
        conversation::hold(&mut report, &config, opened, &mut secrets).await;
    }
    report.finish(began.elapsed(), &secrets);
    report
}

fn tell_limits(report: &mut Report, config: &ConnectionConfig, handshake: &Handshake) {
    let seconds = |milliseconds: u32| f64::from(milliseconds) / 1_000.0;
    let (interval, timeout) = (seconds(handshake.ping_interval), seconds(handshake.ping_timeout));
    report.note(Part::Handshake, format!("session {}", shortened(&handshake.sid)));
    report.note(Part::Handshake, format!("a ping every {interval} s, to be answered within {timeout} s"));
    let takes = match handshake.max_payload {
        Some(bytes) => format!("the server takes messages of up to {bytes} bytes"),
        None => "the server does not say how large a message it takes".into(),
    };
    let (limits, silence) = (&config.limits, handshake.silence().as_secs_f64());
    report.set(Part::Limits, Verdict::Ok);
    report.note(Part::Limits, takes);
    report.note(Part::Limits, format!("this connection takes up to {} bytes", limits.message_bytes));
    report.note(Part::Limits, format!("the connection counts as lost after {silence} s of silence"));
}
