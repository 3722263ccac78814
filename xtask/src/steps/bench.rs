//! The benchmark as a test: no time is judged, but that every event comes, and that one that does not come is told.
//!
//! A benchmark that would not notice what is missing measures nothing. So the load server loses events, doubles them,
//! swaps them and changes them on purpose, and every driver has to fail.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Result;

use crate::bench::peers::{self, BARE, Driver, PEERS, Peer, Role};
use crate::bench::run::{self, Manner};
use crate::bench::works::{WORKS, Work};
use crate::report::Outcome;
use crate::repository::{self, Profile};

/// A hundredth of each work, of those with thousands of events.
const SCALE: f64 = 0.01;
/// Runs at the same time: most of them wait.
const AT_ONCE: usize = 6;
const LIMIT: Duration = Duration::from_secs(60);
/// What the server does wrong: the kind, to which event.
const FAULTS: [&str; 5] = ["lose:3", "twice:3", "swap:3", "garble:3", "late:3"];
/// A fault of these keeps the driver waiting until it gives up.
const SILENT: [&str; 3] = ["lose:3", "swap:3", "late:3"];

/// A run that has to end well, or to fail as the server does something wrong.
struct Try<'a> {
    driver: &'a Driver,
    work: &'static Work,
    fault: Option<&'static str>,
}

/// Needs the release library.
pub fn step() -> Result<Outcome> {
    let wanted: Vec<&Peer> = PEERS.iter().filter(|peer| peer.role != Role::Other).collect();
    let prepared = peers::prepare(&wanted, Profile::Debug)?;
    let mut tries: Vec<Try> = prepared.drivers.iter().flat_map(tries).collect();
    let good = tries.iter().filter(|one| one.fault.is_none()).count();
    let faults = tries.len() - good;
    // Those that take the longest are taken from the end.
    tries.sort_by_key(|one| (one.fault.is_some_and(|fault| SILENT.contains(&fault)), one.work.driver == "idle"));
    let (tries, outcome) = (Mutex::new(tries), Mutex::new(Outcome::default()));
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let (tries, outcome, server) = (&tries, &outcome, &prepared.server);
            scope.spawn(move || {
                loop {
                    let Some(one) = tries.lock().expect("no holder panics").pop() else { break };
                    let result = one.run(server, worker);
                    outcome.lock().expect("no holder panics").count(one.name(), result);
                }
            });
        }
    });
    let mut outcome = outcome.into_inner().expect("no holder panics");
    outcome.note = format!("{good} runs, {faults} with a planted fault");
    Ok(outcome)
}

/// Each work as it should be, and with each fault where events are numbered. What keeps a driver waiting is tried with
/// the plugin and one work of a kind: it takes seconds.
fn tries(driver: &Driver) -> Vec<Try<'_>> {
    let mut tries = Vec::new();
    for work in WORKS.iter().filter(|work| driver.peer.takes(work) && work.name != "idle-1000") {
        tries.push(Try { driver, work, fault: None });
        let is_trip = work.pinned;
        let is_numbered = !["connect", "idle"].contains(&work.driver);
        let faults = FAULTS.into_iter().filter(|fault| {
            is_numbered && (!is_trip || !SILENT.contains(fault) || (work.name == "trip" && driver.peer.key != BARE))
        });
        tries.extend(faults.map(|fault| Try { driver, work, fault: Some(fault) }));
    }
    tries
}

impl Try<'_> {
    fn name(&self) -> String {
        let fault = self.fault.map_or(String::new(), |fault| format!(", {fault}"));
        format!("{} by {}{fault}", self.work.name, self.driver.peer.name)
    }

    fn run(&self, server: &Path, worker: usize) -> Result<(), String> {
        let manner = Manner {
            priority: Vec::new(),
            apart: None,
            limit: LIMIT,
            fault: self.fault.map(str::to_owned),
            folder: repository::target().join(format!("bench/test-{worker}")),
        };
        let ran = run::run(server, self.driver, self.work, self.work.count(SCALE), &manner);
        match (self.fault, ran) {
            (None, ran) => ran.map(drop).map_err(|error| format!("{error:#}")),
            (Some(_), Ok(_)) => Err("nobody noticed what the server did wrong".into()),
            // It has to say so itself, and what it saw.
            (Some(_), Err(error)) => {
                let error = format!("{error:#}");
                let is_told = error.starts_with("exit status: 1\n") && error.contains("\nit said: ");
                if is_told { Ok(()) } else { Err(format!("it failed otherwise than by saying what is wrong: {error}")) }
            }
        }
    }
}
