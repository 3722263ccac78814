//! `cargo xtask bench`: the plugin beside other clients, in rounds, and what the page says of it.
//!
//! Every run has a server and a process of its own. Each round runs every peer through every work, in an order of its
//! own, so that what disturbs the machine for a while disturbs all of them alike.
//!
//! `--rounds N` (5), `--seed N` of the order, `--works A,B` and `--peers A,B` only these, `--scale X` that part of each
//! count; `--report FILE` makes page and chart again from the results of an earlier run. `cargo xtask bench growth` is
//! `growth.rs`.

mod chart;
mod figures;
mod growth;
pub mod peers;
mod random;
mod results;
pub mod run;
mod statistics;
mod tables;
mod targets;
pub mod works;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::performance;
use crate::report;
use crate::repository::{self, Profile};
use crate::soak;
use crate::steps::rust;
use crate::test;
use peers::{Driver, PEERS, Peer, Prepared};
use random::Random;
use results::{Head, Results, Run};
use run::Manner;
use works::{WORKS, Work};

/// The place in the page.
const PLACE: &str = "beside other clients";
const CHART: &str = "docs/performance.svg";
/// A run that takes longer does not end at all.
const LIMIT: Duration = Duration::from_secs(180);

/// What the command line asks for.
struct Options {
    rounds: u32,
    scale: f64,
    seed: u64,
    works: Vec<&'static Work>,
    peers: Vec<&'static Peer>,
    report: Option<PathBuf>,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Options> {
        let mut options = Options {
            rounds: 5,
            scale: 1.0,
            seed: soak::any_seed(),
            works: WORKS.iter().collect(),
            peers: PEERS.iter().collect(),
            report: None,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--rounds" => options.rounds = number(argument, value()?, |rounds| (1..=1_000).contains(rounds))?,
                "--scale" => options.scale = number(argument, value()?, |scale| *scale > 0.0 && *scale <= 1_000.0)?,
                "--seed" => options.seed = number(argument, value()?, |_| true)?,
                "--works" => options.works = named(value()?, WORKS, |work| work.name)?,
                "--peers" => options.peers = named(value()?, PEERS, |peer| peer.key)?,
                "--report" => options.report = Some(value()?.into()),
                other => bail!("unknown argument \"{other}\""),
            }
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(argument: &str, value: &str, is_right: impl Fn(&T) -> bool) -> Result<T> {
    value.parse().ok().filter(is_right).with_context(|| format!("{argument} can't be {value}"))
}

/// Those of a list with commas, in the order in which we have them.
fn named<T>(list: &str, all: &'static [T], name: impl Fn(&T) -> &'static str) -> Result<Vec<&'static T>> {
    let wanted: Vec<&str> = list.split(',').map(str::trim).collect();
    if let Some(unknown) = wanted.iter().find(|wanted| all.iter().all(|one| name(one) != **wanted)) {
        let known: Vec<&str> = all.iter().map(&name).collect();
        bail!("there is no \"{unknown}\", only {}", known.join(", "));
    }
    Ok(all.iter().filter(|one| wanted.contains(&name(one))).collect())
}

pub fn command(arguments: &[String]) -> Result<ExitCode> {
    if let Some(("growth", tables)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return growth::command(tables);
    }
    let options = Options::read(arguments)?;
    if let Some(file) = &options.report {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let results = Results::read(&text).with_context(|| format!("{} is no basis for a report", file.display()))?;
        return publish(&results);
    }
    let _alone = test::alone()?;
    report::progress("building library, server and drivers");
    rust::build(Profile::Release)?;
    let prepared = peers::prepare(&options.peers, Profile::Release)?;
    report::progress_ends();
    for (peer, reason) in &prepared.left_out {
        println!("without {}: {reason}", peer.name);
    }
    let manner = manner();
    let head = head(&options, &prepared, manner.apart.is_some())?;
    println!("{}, seed {}", tables::rounds(head.rounds), head.seed);
    let (runs, failures) = rounds(&head, &prepared, &manner)?;
    for failure in &failures {
        eprintln!("\n{failure}");
    }
    ensure!(failures.is_empty(), "{} of {} runs failed", failures.len(), failures.len() + runs.len());
    publish(&Results::of(head, runs)?)
}

fn folder() -> PathBuf {
    repository::target().join("bench")
}

/// At the highest priority and apart, as far as this machine lets us.
fn manner() -> Manner {
    let priority = rustix::process::geteuid().is_root().then(|| peers::launcher(&["nice", "-n", "-20"])).flatten();
    let on = |processor| peers::launcher(&["taskset", "-c", processor]);
    let apart = on("0").zip(on("1"));
    if apart.is_none() {
        println!("without a processor for each end: that takes two, and taskset of the Debian package util-linux");
    }
    Manner { priority: priority.unwrap_or_default(), apart, limit: LIMIT, fault: None, folder: folder().join("run") }
}

fn head(options: &Options, prepared: &Prepared, apart: bool) -> Result<Head> {
    let left_out = prepared.left_out.iter().map(|(peer, reason)| (peer.key.to_owned(), reason.clone()));
    let head = Head {
        machine: performance::machine(),
        versions: peers::versions(&prepared.drivers)?,
        rounds: options.rounds,
        seed: options.seed,
        scale: options.scale,
        apart,
        peers: prepared.drivers.iter().map(|driver| driver.peer).collect(),
        works: options.works.clone(),
        left_out: left_out.collect(),
    };
    let is_any = head.works.iter().any(|work| head.peers.iter().any(|peer| peer.takes(work)));
    ensure!(is_any, "none of these peers takes part in any of these works");
    Ok(head)
}

/// All runs: what they came to, and what went wrong. The file has them as soon as they are there.
fn rounds(head: &Head, prepared: &Prepared, manner: &Manner) -> Result<(Vec<Run>, Vec<String>)> {
    let (mut runs, mut failures) = (Vec::new(), Vec::new());
    let mut random = Random::new(head.seed);
    let mut lines = head.line();
    let file = folder().join("results.jsonl");
    for round in 1..=head.rounds {
        let mut all: Vec<(&'static Work, &Driver)> = head
            .works
            .iter()
            .flat_map(|work| prepared.drivers.iter().map(move |driver| (*work, driver)))
            .filter(|(work, driver)| driver.peer.takes(work))
            .collect();
        random.shuffle(&mut all);
        for (work, driver) in all {
            let peer = driver.peer;
            report::progress(&format!("round {round} of {}: {} by {}", head.rounds, work.name, peer.name));
            match run::run(&prepared.server, driver, work, work.count(head.scale), manner) {
                Ok(fields) => {
                    let run = Run { round, peer, work, fields };
                    lines.push_str(&run.line());
                    runs.push(run);
                }
                Err(error) => failures.push(format!("{} by {} in round {round}: {error:#}", work.name, peer.name)),
            }
            fs::write(&file, &lines)?;
        }
        report::progress_ends();
        println!("round {round} of {}: {} runs, {} failed", head.rounds, runs.len(), failures.len());
    }
    Ok((runs, failures))
}

/// Section and chart, into the page if all was measured in full.
fn publish(results: &Results) -> Result<ExitCode> {
    let page = repository::read(performance::PAGE)?;
    let section = tables::section(results, &page);
    let chart = chart::draw(results);
    fs::create_dir_all(folder())?;
    fs::write(folder().join("section.md"), format!("{section}\n"))?;
    fs::write(folder().join("performance.svg"), &chart)?;
    println!("\n{section}\n");
    if results.head.is_full() {
        fs::write(
            repository::root().join(performance::PAGE),
            performance::filled(&page, PLACE, &format!("{section}\n"))?,
        )?;
        fs::write(repository::root().join(CHART), chart)?;
        println!("written into {} and {CHART}", performance::PAGE);
    } else {
        println!(
            "a quick look, not all in full: nothing is written into docs/, but into {}",
            repository::shown(&folder())
        );
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options> {
        Options::read(&arguments.iter().map(|argument| argument.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_in_any_order() {
        let all = ["--peers", "bare,plugin", "--rounds", "2", "--works", "trip", "--scale", "0.1", "--seed", "9"];
        let options = options(&all).unwrap();
        assert_eq!((options.rounds, options.scale, options.seed), (2, 0.1, 9));
        assert_eq!(options.peers.iter().map(|peer| peer.key).collect::<Vec<_>>(), ["plugin", "bare"]);
        assert_eq!(options.works.iter().map(|work| work.name).collect::<Vec<_>>(), ["trip"]);
    }

    #[test]
    fn wrong_options_are_named() {
        let error = |arguments: &[&str]| options(arguments).err().unwrap().to_string();
        assert_eq!(error(&["--rounds"]), "--rounds needs a value");
        assert_eq!(error(&["--rounds", "0"]), "--rounds can't be 0");
        assert_eq!(error(&["--scale", "-1"]), "--scale can't be -1");
        assert!(error(&["--works", "trip,nap"]).starts_with("there is no \"nap\", only receive, send"));
        assert_eq!(error(&["--fast"]), "unknown argument \"--fast\"");
    }

    #[test]
    fn the_page_has_a_place_for_it() {
        let page = repository::read(performance::PAGE).unwrap();
        assert!(performance::filled(&page, PLACE, "").is_ok());
    }
}
