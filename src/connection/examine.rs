//! Socket.IO Test: connection tests of one connection, beside its session. Each has exactly one end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::task::JoinSet;

use super::session::{Session, reason};
use crate::descriptor::{field_index, type_id};
use crate::diagnostics::log::{self, Level};
use crate::diagnostics::{describe_panic, failpoint};
use crate::doctor::{Report, examine};
use crate::events::{Event, EventQueue, Output};
use crate::transport::Dialer;

/// Tests at the same time, of all connections.
const PLACES: usize = 8;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Leave to run a test; given back when it is dropped.
#[derive(Debug)]
pub struct Place(());

impl Place {
    /// Takes a place. None: all are taken.
    pub fn take() -> Option<Place> {
        let more = |taken| (taken < PLACES).then_some(taken + 1);
        TAKEN.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Place(()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Socket.IO Test.
pub struct Test {
    /// The host's tag of the node.
    pub node: u64,
    /// Number of the request.
    pub request: u64,
    /// Leave to run it.
    pub place: Place,
}

/// Nodes of the tests that run, by request.
type Open = Rc<RefCell<BTreeMap<u64, u64>>>;

/// The tests of a connection.
#[derive(Default)]
pub struct Tests {
    /// Asked for, not begun yet.
    wanted: Vec<Test>,
    /// Whoever takes a test out of it tells its end.
    open: Open,
    running: JoinSet<()>,
}

impl Tests {
    /// Puts a test in line.
    pub fn want(&mut self, test: Test) {
        self.wanted.push(test);
    }

    /// All tests, begun or not, are over. Tells their requests and nodes.
    fn give_up(&mut self) -> BTreeMap<u64, u64> {
        self.running.abort_all();
        let mut over = std::mem::take(&mut *self.open.borrow_mut());
        over.extend(self.wanted.drain(..).map(|test| (test.request, test.node)));
        over
    }
}

impl Session {
    /// Begins the tests that were asked for. They run beside the session and end whatever becomes of it.
    pub fn begin_tests(&mut self, dialer: &Rc<Dialer>, events: &Arc<EventQueue>) {
        while self.tests.running.try_join_next().is_some() {}
        for test in std::mem::take(&mut self.tests.wanted) {
            self.info(|| "Testing the connection".into());
            let Test { node, request, place } = test;
            let (shared, config, limits) = (Arc::clone(&self.shared), Arc::clone(&self.config), self.inbound_limits());
            let (dialer, events, open) = (Rc::clone(dialer), Arc::clone(events), Rc::clone(&self.tests.open));
            self.tests.open.borrow_mut().insert(request, node);
            self.tests.running.spawn_local(async move {
                let name = config.name.clone();
                let examined = AssertUnwindSafe(async {
                    failpoint::pass("test", &config.name);
                    examine(Arc::clone(&config), dialer).await
                });
                let report = examined.catch_unwind().await;
                let report = report.unwrap_or_else(|panic| Report::broken(&name, &describe_panic(&*panic)));
                // Whoever sees the end may begin the next one.
                drop(place);
                if open.borrow_mut().remove(&request).is_some() {
                    log::write(Level::Info, shared.handle, || format!("{name}: connection test: {}", report.outcome()));
                    let event = event(shared.handle, node, request, &report);
                    events.append(shared.handle, &mut vec![event], limits, &shared.status.dropped);
                }
            });
        }
    }

    /// Ends all tests.
    pub(super) fn give_up_tests(&mut self, why: &str) {
        for (request, node) in self.tests.give_up() {
            self.tell_test_given_up(node, request, why);
        }
    }

    /// Result of a test that never began, or was not brought to its end.
    pub(super) fn tell_test_given_up(&mut self, node: u64, request: u64, why: &str) {
        let why = match why {
            reason::DISABLED => "the plugin was deactivated",
            _ => "the connection was taken out of Project Settings",
        };
        let report = Report::given_up(&self.config.name, why);
        self.events.push(event(self.shared.handle, node, request, &report));
    }
}

/// The later pulse of Socket.IO Test.
fn event(connection: u64, node: u64, request: u64, report: &Report) -> Event {
    let outputs = vec![
        Output::Pulse(false),
        Output::Pulse(true),
        Output::Bool(report.passed()),
        Output::Text(report.text().into()),
        Output::Json(report.json().into()),
    ];
    Event {
        node,
        request,
        pulse: field_index::test::RESULT_PULSE as u32,
        error: report.range(),
        ..Event::of(type_id::TEST, connection, outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_and_given_back() {
        let places: Vec<Place> = std::iter::from_fn(Place::take).collect();
        assert_eq!(places.len(), PLACES);
        drop(places);
        assert!(Place::take().is_some());
    }
}
