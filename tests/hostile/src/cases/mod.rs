//! All cases, by the layer whose rules they break.

mod engineio;
mod http;
mod session;
mod socketio;
mod storm;
mod websocket;

use crate::case::Expect::{self, Lost, Refused};
use crate::case::{Act, Case, Item, Transport, Write, handshake};

/// Something that is no packet, in a session that stands and before one does.
const BROKEN: Expect = Lost("protocol_error");
const NOT_BEGUN: Expect = Refused("protocol_error");
/// More than a limit.
const TOO_MUCH: Expect = Lost("limit_exceeded");
const TOO_MUCH_AT_ONCE: Expect = Refused("limit_exceeded");
/// The other end, or the network, closed the connection.
const GONE: Expect = Lost("connection_lost");

/// Every case. Their names are different: the harness sees to that.
pub fn all() -> Vec<Case> {
    let mut table = Table::default();
    http::add(&mut table);
    websocket::add(&mut table);
    engineio::add(&mut table);
    socketio::add(&mut table);
    session::add(&mut table);
    storm::add(&mut table);
    table.cases
}

/// The cases so far.
#[derive(Default)]
pub struct Table {
    cases: Vec<Case>,
}

/// The cases that were just added.
pub struct Added<'a>(&'a mut [Case]);

impl Table {
    fn add(&mut self, transports: &[Transport], name: &str, expect: Expect, act: Act) -> Added<'_> {
        let before = self.cases.len();
        self.cases.extend(transports.iter().map(|transport| Case::new(*transport, name, expect, act)));
        Added(&mut self.cases[before..])
    }

    fn websocket(&mut self, name: &str, expect: Expect, act: Act) -> Added<'_> {
        self.add(&[Transport::WebSocket], name, expect, act)
    }

    fn polling(&mut self, name: &str, expect: Expect, act: Act) -> Added<'_> {
        self.add(&[Transport::Polling], name, expect, act)
    }

    fn automatic(&mut self, name: &str, expect: Expect, act: Act) -> Added<'_> {
        self.add(&[Transport::Automatic], name, expect, act).upgradable()
    }

    fn both(&mut self, name: &str, expect: Expect, act: Act) -> Added<'_> {
        self.add(&[Transport::WebSocket, Transport::Polling], name, expect, act)
    }

    /// Packets in a session that stands.
    fn packets(&mut self, name: &str, expect: Expect, make: fn() -> Vec<Item>) -> Added<'_> {
        self.both(name, expect, Act::Joined(make))
    }

    /// The handshake has this JSON; where it is refused, the code may differ between the transports.
    fn handshake(&mut self, name: &str, expect: Expect, json: &str) -> Added<'_> {
        let added = self.both(name, expect, Act::Nothing);
        added.0.iter_mut().for_each(|case| case.handshake = json.to_owned());
        added
    }

    /// An answer over long-polling, to the first request and to one of a session that stands.
    fn answer(&mut self, name: &str, first: Expect, later: Expect, write: Write) -> Added<'_> {
        let before = self.cases.len();
        self.polling(&format!("first_{name}"), first, Act::Answer(write));
        self.later(name, later, write);
        Added(&mut self.cases[before..])
    }

    /// An answer over long-polling to a request of a session that stands.
    fn later(&mut self, name: &str, expect: Expect, write: Write) -> Added<'_> {
        self.polling(&format!("later_{name}"), expect, Act::Later(write))
    }
}

impl Added<'_> {
    /// Settings of the client, in place of those that it would have.
    fn with(self, settings: &[(&'static str, &'static str)]) -> Self {
        for case in self.0.iter_mut() {
            case.settings.retain(|(name, _)| settings.iter().all(|(other, _)| other != name));
            case.settings.extend(settings);
        }
        self
    }

    /// Connecting may only take so long.
    fn impatient(self) -> Self {
        self.with(&[("connect_timeout", "0.5")])
    }

    /// The server promises a ping so often, in milliseconds, and wants it answered as soon; it sends none.
    fn pings(self, interval: u32) -> Self {
        self.0.iter_mut().for_each(|case| case.handshake = handshake(interval, interval));
        self
    }

    /// The server offers a WebSocket.
    fn upgradable(self) -> Self {
        self.0.iter_mut().for_each(|case| case.handshake = case.handshake.replace("[]", r#"["websocket"]"#));
        self
    }

    /// ... and keeps sending some, over long-polling.
    fn and_sends_them(self) -> Self {
        self.0.iter_mut().for_each(|case| case.keeps_pinging = true);
        self
    }

    /// The client joins a second namespace, /n.
    fn joins(self) -> Self {
        self.0.iter_mut().for_each(|case| case.joins = true);
        self
    }
}
