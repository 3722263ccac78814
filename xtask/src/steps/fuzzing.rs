//! The fuzz targets of `fuzz/`: built with AddressSanitizer, run on their seeds and on what grows from them.
//!
//! `fuzz/` is laid out for cargo-fuzz, which nobody needs here: the flags below are those that it sets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::process::{self, Ended};
use crate::report::{Case, Outcome};
use crate::repository;

/// The targets, those that take the longest to say something first.
pub const TARGETS: [&str; 7] = ["abi_calls", "socketio", "websocket", "settings", "url", "engineio", "http"];

/// Seconds of each target in the tests.
const IN_TESTS: u64 = 10;
/// Targets at the same time.
const AT_ONCE: usize = 2;
const MANIFEST: &str = "fuzz/Cargo.toml";

const FLAGS: &[&str] = &[
    "--cfg",
    "fuzzing",
    "-Zsanitizer=address",
    "-Cdebug-assertions",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// What a run of a target came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub executions: u64,
    pub coverage: u64,
    pub new_units: u64,
}

/// How a target ran: its figures, or what it found.
pub type Ran = Result<Figures, String>;

/// Where inputs lie that were found worth keeping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Corpus {
    /// From run to run.
    Kept,
    /// From the seeds each time, so that each run takes as long.
    Fresh,
}

/// A short run of every target.
pub fn step() -> Result<Outcome> {
    if let Some(missing) = prepare()? {
        return Ok(Outcome::skipped("fuzzing", missing));
    }
    let mut outcome = Outcome::default();
    let mut executions = 0;
    for (target, ran) in run(&TARGETS, IN_TESTS, Corpus::Fresh)? {
        executions += ran.as_ref().map_or(0, |figures| figures.executions);
        outcome.count(target, ran.map(drop));
    }
    outcome.note = format!("{IN_TESTS} s each, {executions} executions");
    Ok(outcome)
}

/// Builds the targets. Gives what this machine lacks for that, and how to get it.
pub fn prepare() -> Result<Option<String>> {
    if runtime()?.is_none() {
        let text = "this Rust has no AddressSanitizer: use one by rustup, for Linux on x86_64 or aarch64";
        return Ok(Some(text.into()));
    }
    if ["c++", "g++", "clang++"].iter().all(|compiler| process::find(compiler).is_none()) {
        return Ok(Some("libFuzzer needs a C++ compiler: install the Debian package g++".into()));
    }
    let mut fetch = process::cargo();
    fetch.args(["fetch", "--quiet", "--manifest-path", MANIFEST]);
    let fetched = process::capture(fetch)?;
    if !fetched.status.success() && !fetched.output.contains("--locked") {
        let reason = fetched.output.lines().next().unwrap_or_default();
        return Ok(Some(format!("the crates of {MANIFEST} could not be fetched, connect to the registry: {reason}")));
    }
    let mut command = process::cargo();
    command.args(["build", "--release", "--quiet", "--manifest-path", MANIFEST, "--target", &host()?, "--target-dir"]);
    command.arg(folder().join("build"));
    // A released compiler can do this, but has to be told that we know it may change.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    let why = "if the lock file is stale: cargo update --workspace --manifest-path fuzz/Cargo.toml";
    process::run(command).context(why).map(|_| None)
}

/// Runs targets for so many seconds each, in the order of their names.
pub fn run(targets: &[&'static str], seconds: u64, corpus: Corpus) -> Result<BTreeMap<&'static str, Ran>> {
    let waiting = Mutex::new(targets.iter().copied());
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        let worker = || -> Result<()> {
            loop {
                let next = waiting.lock().expect("no holder panics").next();
                let Some(target) = next else { return Ok(()) };
                let ran = run_one(target, seconds, corpus)?;
                done.lock().expect("no holder panics").insert(target, ran);
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    Ok(done.into_inner()?)
}

fn run_one(target: &str, seconds: u64, corpus: Corpus) -> Result<Ran> {
    let program = folder().join("build").join(host()?).join("release").join(target);
    let kept = folder().join(if corpus == Corpus::Kept { "corpus" } else { "fresh" }).join(target);
    if corpus == Corpus::Fresh && kept.exists() {
        fs::remove_dir_all(&kept)?;
    }
    let findings = folder().join("findings");
    fs::create_dir_all(&kept)?;
    fs::create_dir_all(&findings)?;
    let fuzz = repository::root().join("fuzz");
    let mut command = process::command(program);
    // What is found is added to the first folder.
    command.arg(kept).arg(fuzz.join("seeds").join(target));
    let dictionary = fuzz.join("dictionaries").join(format!("{target}.dict"));
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command.args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={}/{target}-", findings.display())]);
    command.args(["-print_final_stats=1", "-timeout=30"]);
    if corpus == Corpus::Fresh {
        // The run of all tests tries the same each time: what is new is for whoever fuzzes by hand.
        command.arg("-seed=1");
    }
    Ok(result(&process::capture(command)?))
}

/// Reads what libFuzzer printed.
fn result(ended: &Ended) -> Ran {
    if !ended.status.success() {
        // These lines tell of its progress.
        let is_progress = |line: &str| line.starts_with('#') || line.trim_start().starts_with("NEW_FUNC");
        let said: Vec<&str> = ended.output.lines().filter(|line| !is_progress(line)).collect();
        let found = said.iter().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path);
        let found = found
            .map_or("no input was written".into(), |path| format!("the input: {}", repository::shown(Path::new(path))));
        // A report shows the end of long texts: what matters is said there again.
        let matters = |line: &str| ["FINDING: ", "panicked at ", "ERROR: "].iter().any(|word| line.contains(word));
        let again: Vec<&str> = said.windows(2).filter(|pair| matters(pair[0])).flatten().copied().collect();
        return Err(format!("{}\n\n{}\n{found}", said.join("\n"), again.join("\n")));
    }
    let stat = |name: &str| number_after(&ended.output, &format!("stat::{name}:"));
    let figures = Figures {
        executions: stat("number_of_executed_units"),
        coverage: number_after(&ended.output, " cov:"),
        new_units: stat("new_units_added"),
    };
    if figures.executions == 0 { Err(format!("It ran nothing:\n{}", ended.output)) } else { Ok(figures) }
}

/// The number that follows the last occurrence of some words.
fn number_after(text: &str, words: &str) -> u64 {
    let rest = text.rsplit_once(words).map_or("", |(_, rest)| rest);
    rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// All of this, inside the build folder.
pub fn folder() -> PathBuf {
    repository::target().join("fuzz")
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let mut command = process::command("rustc");
    command.args(arguments);
    Ok(process::run(command)?.trim_end().to_owned())
}

fn host() -> Result<String> {
    rustc(&["--print", "host-tuple"])
}

/// Rust's runtime of AddressSanitizer.
fn runtime() -> Result<Option<PathBuf>> {
    let archives = repository::files(Path::new(&rustc(&["--print", "target-libdir"])?), "a")?;
    Ok(archives.into_iter().find(|path| path.to_string_lossy().ends_with("_rt.asan.a")))
}

/// What was found, as cases.
pub fn failed(ran: BTreeMap<&'static str, Ran>) -> Vec<Case> {
    ran.into_iter().filter_map(|(target, ran)| Some(Case::new(target, ran.err()?))).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn ended(code: i32, output: &str) -> Ended {
        Ended { status: ExitStatus::from_raw(code << 8), output: output.to_owned() }
    }

    #[test]
    fn every_target_has_seeds_and_every_seed_a_target() {
        let manifest = repository::read(MANIFEST).unwrap();
        let seeds = repository::root().join("fuzz/seeds");
        let mut folders: Vec<String> =
            fs::read_dir(&seeds).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        folders.sort();
        let mut targets = TARGETS;
        targets.sort();
        assert_eq!(folders, targets);
        for target in targets {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            assert!(fs::read_dir(seeds.join(target)).unwrap().count() > 5, "{target}");
        }
    }

    #[test]
    fn figures_are_those_of_the_end() {
        let output = "#2 INITED cov: 3 ft: 4\n#9 DONE   cov: 17 ft: 5 corp: 1/1b\nDone 9 runs in 1 second(s)\n\
            stat::number_of_executed_units: 9\nstat::new_units_added:          4\n";
        let figures = Figures { executions: 9, coverage: 17, new_units: 4 };
        assert_eq!(result(&ended(0, output)), Ok(figures));
        assert!(result(&ended(0, "nothing")).unwrap_err().contains("ran nothing"));
    }

    #[test]
    fn a_finding_names_its_input() {
        let output = "#2 INITED cov: 3\nthread panicked at a.rs:1\n#3 NEW\nx; Test unit written to /tmp/url-crash-1\n";
        let said = result(&ended(77, output)).unwrap_err();
        assert!(said.contains("panicked") && said.ends_with("the input: /tmp/url-crash-1"), "{said}");
        assert!(!said.contains("NEW"), "{said}");
    }
}
