//! The C harness: programs that load the library as a studio does and meet the official server.
//!
//! Each `tests/c/KIND_*.c` is a program. It lists its cases with `--list`, and runs one by its name: it exits with 0
//! (passed), 77 (skipped, with the reason) or anything else (failed). The cases of some kinds run several times: on each
//! transport, or against each server, as the environment tells them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::process::{self, Group};
use crate::report::{self, Case, Outcome};
use crate::repository;
use crate::steps::broker::Broker;
use crate::steps::cases::{self, Listed, Run};
use crate::steps::machine::Machine;
use crate::steps::{certificates, python, rust, tools};

/// What the first part of a program's name may be: the kind of its tests.
const KINDS: &[&str] = &["api", "flow", "misuse", "load", "reach", "hostile", "compat"];
/// The kind that only runs under a tool that has to find what it does wrong.
pub const PLANTED: &str = "planted";
/// How the sources begin that every program is linked with.
const COMMON: &str = "harness";
const AT_A_TIME: usize = 2;
const TIME_LIMIT: Duration = Duration::from_secs(90);
const SKIPPED: i32 = 77;

/// A build of the programs, and how they are run: as they are, or under a tool that watches them.
pub struct Build {
    /// Its folder in the build folder.
    pub folder: &'static str,
    pub machine: Machine,
    /// Where the header lies.
    pub include: PathBuf,
    pub compiler_flags: Vec<OsString>,
    pub linker_flags: Vec<OsString>,
    /// Goes before the name of each program.
    pub launcher: Vec<OsString>,
    pub environment: Vec<(&'static str, OsString)>,
    /// How many times longer a case may take.
    pub slowdown: u32,
}

impl Build {
    /// Without any tool.
    pub fn plain() -> Build {
        Build::on(Machine::Native, "harness")
    }

    /// To be run there, without any tool.
    pub fn on(machine: Machine, folder: &'static str) -> Build {
        Build {
            folder,
            machine,
            include: "include".into(),
            compiler_flags: Vec::new(),
            linker_flags: Vec::new(),
            launcher: Vec::new(),
            environment: Vec::new(),
            slowdown: machine.slowdown(),
        }
    }

    fn folder(&self) -> PathBuf {
        repository::target().join(self.folder)
    }

    /// Where a program of this build lies.
    fn program(&self, name: &str) -> PathBuf {
        self.folder().join(format!("{name}{}", self.machine.suffix()))
    }

    /// Starts a program of this build.
    fn command(&self, program: &str) -> Command {
        let mut command = self.machine.command(&self.launcher, &self.program(program));
        command.env("SOCKETIO_TEST_SLOWDOWN", self.slowdown.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn time_limit(&self) -> Duration {
        TIME_LIMIT * self.slowdown
    }
}

/// Compiles every program, without a warning: by one compiler to be run, by the others to be checked.
pub fn build() -> Result<Outcome> {
    let compilers = tools::compilers();
    let others = compilers.get(1..).unwrap_or_default();
    let mut outcome = build_as(&Build::plain(), |_| true)?;
    let (common, programs) = sources(Machine::Native)?;
    for name in common.iter().chain(&programs) {
        for (other, _) in others {
            let mut command = compile(other, name, &Build::plain());
            command.arg("-fsyntax-only");
            let result = process::run(command).map(drop).map_err(|error| format!("{error:#}"));
            outcome.count(format!("{name}.c by {other}"), result);
        }
    }
    let names: Vec<&str> = compilers.iter().map(|(name, _)| *name).collect();
    outcome.note = format!("by {}", names.join(", "));
    Ok(outcome)
}

/// Compiles the programs that are wanted, to be run.
pub fn build_as(build: &Build, wanted: impl Fn(&str) -> bool) -> Result<Outcome> {
    let folder = build.folder();
    if folder.exists() {
        // A program whose source is gone or does not compile must not run from an earlier build.
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("logs"))?;
    let machine = build.machine;
    machine.prepare(&folder)?;
    let compiler = machine.compiler();
    let (common, programs) = sources(machine)?;
    let object = |name: &str| -> Result<PathBuf> {
        let object = folder.join(name).with_extension("o");
        let mut command = compile(compiler, name, build);
        command.args(&build.compiler_flags).args(["-c", "-o"]).arg(&object);
        process::run(command)?;
        Ok(object)
    };
    let common = common.iter().map(|name| object(name)).collect::<Result<Vec<_>>>()?;
    let program = |name: &str| -> Result<()> {
        kind_is_known(name)?;
        let mut command = process::command(compiler);
        command.arg(object(name)?).args(&common).arg("-o").arg(build.program(name));
        command.args(&build.linker_flags).args(machine.linker_flags());
        process::run(command).map(drop)
    };
    let mut outcome = Outcome::default();
    for name in programs.iter().filter(|name| wanted(name)) {
        outcome.count(format!("{name}.c"), program(name).map_err(|error| format!("{error:#}")));
    }
    Ok(outcome)
}

/// Compiles one source. Its path is relative, so that failed checks name it so.
fn compile(compiler: &str, name: &str, build: &Build) -> Command {
    let mut command = process::command(compiler);
    command.args(build.machine.compiler_flags());
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1", "-pthread"]);
    command.arg("-I").arg(&build.include).arg("-Itests/c").arg(format!("tests/c/{name}.c"));
    command
}

/// The sources of `tests/c` that are for a machine: those that are common, and the programs.
pub fn sources(machine: Machine) -> Result<(Vec<String>, Vec<String>)> {
    let sources = repository::files(&repository::root().join("tests/c"), "c")?;
    let names = sources.iter().filter_map(|path| path.file_stem()?.to_str()).map(str::to_owned);
    let names = names.filter(|name| machine.has(name));
    Ok(names.partition(|name| name.starts_with(COMMON)))
}

/// The first part of a program's name.
pub fn kind(program: &str) -> &str {
    program.split('_').next().unwrap_or_default()
}

fn kind_is_known(program: &str) -> Result<()> {
    let kind = kind(program);
    if program == kind || !(KINDS.contains(&kind) || kind == PLANTED) {
        bail!("The kind of its tests is unknown: the name begins with one of {}, and an underscore.", KINDS.join(", "));
    }
    Ok(())
}

/// What to run.
pub struct Selection<'a> {
    pub build: Build,
    /// The library that the programs load.
    pub library: PathBuf,
    /// Part of `program/case`.
    pub filter: Option<&'a str>,
    /// Which of those, beyond the filter.
    pub wanted: &'a dyn Fn(&Run) -> bool,
    /// How many times over.
    pub rounds: usize,
}

/// Runs the cases, some at a time.
pub fn run(selection: Selection) -> Result<Outcome> {
    let Selection { build, library, filter, wanted, rounds } = selection;
    let environment = Environment::new(build, library)?;
    let mut outcome = Outcome::default();
    let mut runs = Vec::new();
    let (_, programs) = sources(environment.build.machine)?;
    let built = |program: &String| environment.build.program(program).is_file();
    for program in programs.into_iter().filter(|program| kind(program) != PLANTED && built(program)) {
        match list(&program, &environment) {
            Ok(cases) => runs.extend(cases.iter().flat_map(|case| case.runs(&program))),
            Err(error) => outcome.failed.push(Case::new(program, format!("{error:#}"))),
        }
    }
    runs.retain(|run| wanted(run) && filter.is_none_or(|filter| run.name().contains(filter)));
    let count = runs.len();
    let ends = process::runtime().block_on(run_all(runs, rounds, environment))?;
    let slowest = ends.iter().max_by_key(|end| end.time);
    if let Some(slowest) = slowest {
        let times = if rounds > 1 { format!("{rounds} times ") } else { String::new() };
        let time = slowest.time.as_secs_f64();
        outcome.note = format!("{times}{count} cases; slowest {} {time:.1} s", slowest.case);
    }
    summarize(&mut outcome, ends, rounds);
    Ok(outcome)
}

/// Runs one case, whatever it comes to: gives whether it passed, and what it printed.
pub fn run_one(build: Build, library: PathBuf, program: &str, case: &str) -> Result<(bool, String)> {
    let environment = Environment::new(build, library)?;
    let run = Run::plain(program, case);
    Ok(match process::runtime().block_on(run_case(&run, 0, &environment))? {
        Verdict::Passed => (true, String::new()),
        Verdict::Skipped(output) | Verdict::Failed(output) => (false, output),
    })
}

/// A program's cases.
fn list(program: &str, environment: &Environment) -> Result<Vec<Listed>> {
    let mut command = environment.build.command(program);
    command.arg("--list").envs(environment.variables());
    let cases = cases::listed(&process::run(command)?)?;
    if cases.is_empty() {
        bail!("--list: it has no case");
    }
    Ok(cases)
}

/// What the programs find in their environment.
struct Environment {
    build: Build,
    library: PathBuf,
    server: PathBuf,
    node: PathBuf,
    python: PathBuf,
    socketioxide: PathBuf,
    hostile: PathBuf,
    certificates: PathBuf,
    /// Where the programs can't start servers themselves.
    broker: Option<Broker>,
}

impl Environment {
    fn new(build: Build, library: PathBuf) -> Result<Environment> {
        let mut environment = Environment {
            build,
            library,
            server: repository::root().join("tests/server/server.js"),
            node: process::find("node").context("node is not installed")?,
            python: python::interpreter(),
            socketioxide: rust::socketioxide_server()?,
            hostile: rust::hostile_server()?,
            certificates: certificates::folder(),
            broker: None,
        };
        if environment.build.machine == Machine::Windows {
            environment.broker = Some(Broker::start(&environment.node, &environment.files())?);
        }
        Ok(environment)
    }

    /// What the programs are told, as they name files.
    fn variables(&self) -> Vec<(&'static str, OsString)> {
        let files = self.files().map(|(name, path)| (name, self.build.machine.path(path)));
        let broker = self.broker.iter().map(|broker| ("SOCKETIO_TEST_BROKER", broker.address.clone().into()));
        files.into_iter().chain(broker).collect()
    }

    fn files(&self) -> [(&'static str, &Path); 7] {
        [
            ("SOCKETIO_LIBRARY", &self.library),
            ("SOCKETIO_TEST_SERVER", &self.server),
            ("SOCKETIO_TEST_NODE", &self.node),
            ("SOCKETIO_TEST_PYTHON", &self.python),
            ("SOCKETIO_TEST_SOCKETIOXIDE", &self.socketioxide),
            ("SOCKETIO_TEST_HOSTILE", &self.hostile),
            ("SOCKETIO_TEST_CERTIFICATES", &self.certificates),
        ]
    }
}

/// How one run of a case ended.
struct End {
    case: String,
    time: Duration,
    result: Verdict,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Skipped(String),
    Failed(String),
}

async fn run_all(runs: Vec<Run>, rounds: usize, environment: Environment) -> Result<Vec<End>> {
    let total = runs.len() * rounds;
    let environment = Arc::new(environment);
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut tasks = JoinSet::new();
    for round in 0..rounds {
        for run in &runs {
            let (run, environment, places) = (run.clone(), environment.clone(), places.clone());
            tasks.spawn(async move {
                let _place = places.acquire_owned().await?;
                let begin = Instant::now();
                let result = run_case(&run, round, &environment).await.with_context(|| run.name())?;
                anyhow::Ok(End { case: run.name(), time: begin.elapsed(), result })
            });
        }
    }
    let mut ends = Vec::with_capacity(total);
    while let Some(end) = tasks.join_next().await {
        ends.push(end??);
        report::progress(&format!("{} of {total} cases", ends.len()));
    }
    Ok(ends)
}

async fn run_case(run: &Run, round: usize, environment: &Environment) -> Result<Verdict> {
    // A file, not a pipe: a process that a case left behind could hold a pipe open for ever.
    let label = run.label.map(|label| format!(".{label}")).unwrap_or_default();
    let build = &environment.build;
    let log = build.folder().join("logs").join(format!("{}.{}{label}.{round}.log", run.program, run.case));
    let file = File::create(&log)?;
    let mut command = build.command(&run.program);
    command.arg(&run.case).envs(environment.variables()).envs(run.variable);
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = tokio::process::Command::from(command).process_group(0).kill_on_drop(true).spawn()?;
    let group = Group::of(&child);
    let status = tokio::time::timeout(build.time_limit(), child.wait()).await;
    drop(group);
    let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    Ok(match status {
        Ok(status) => verdict(status?, output),
        Err(_) => Verdict::Failed(format!("It did not end within {} s.\n{output}", build.time_limit().as_secs())),
    })
}

fn verdict(status: ExitStatus, output: String) -> Verdict {
    match status.code() {
        Some(0) => Verdict::Passed,
        Some(SKIPPED) => Verdict::Skipped(output),
        _ => Verdict::Failed(format!("{status}\n{output}")),
    }
}

/// Counts each case once: it passed if it did in every round.
fn summarize(outcome: &mut Outcome, ends: Vec<End>, rounds: usize) {
    let mut cases: BTreeMap<String, Vec<Verdict>> = BTreeMap::new();
    for end in ends {
        cases.entry(end.case).or_default().push(end.result);
    }
    for (name, results) in cases {
        let failures = results.iter().filter(|result| matches!(result, Verdict::Failed(_))).count();
        let skipped = results.iter().find_map(|result| match result {
            Verdict::Skipped(reason) => Some(reason.clone()),
            _ => None,
        });
        let failed = results.into_iter().find_map(|result| match result {
            Verdict::Failed(output) => Some(output),
            _ => None,
        });
        match (failed, skipped) {
            (Some(output), _) if rounds > 1 => {
                outcome.failed.push(Case::new(format!("{name}, in {failures} of {rounds} runs"), output));
            }
            (Some(output), _) => outcome.failed.push(Case::new(name, output)),
            (None, Some(reason)) => outcome.skipped.push(Case::new(name, reason)),
            (None, None) => outcome.passed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn end(case: &str, result: Verdict) -> End {
        End { case: case.to_owned(), time: Duration::ZERO, result }
    }

    #[test]
    fn exit_codes_are_verdicts() {
        let exited = |code: i32| verdict(ExitStatus::from_raw(code << 8), "text".to_owned());
        assert_eq!(exited(0), Verdict::Passed);
        assert_eq!(exited(77), Verdict::Skipped("text".to_owned()));
        assert!(matches!(exited(1), Verdict::Failed(output) if output.ends_with("text")));
        let killed = verdict(ExitStatus::from_raw(11), String::new());
        assert!(matches!(killed, Verdict::Failed(output) if output.contains("signal: 11")));
    }

    #[test]
    fn a_case_that_failed_once_has_failed() {
        let mut outcome = Outcome::default();
        let ends = vec![
            end("api_a/x", Verdict::Passed),
            end("api_a/y", Verdict::Passed),
            end("api_a/x", Verdict::Failed("late".to_owned())),
            end("api_a/y", Verdict::Passed),
        ];
        summarize(&mut outcome, ends, 2);
        assert_eq!(outcome.passed, 1);
        assert_eq!(outcome.failed, [Case::new("api_a/x, in 1 of 2 runs", "late")]);
    }

    #[test]
    fn a_skipped_case_is_not_a_passed_one() {
        let mut outcome = Outcome::default();
        summarize(&mut outcome, vec![end("api_a/x", Verdict::Skipped("no IPv6".to_owned()))], 1);
        assert_eq!((outcome.passed, outcome.failed.len()), (0, 0));
        assert_eq!(outcome.skipped, [Case::new("api_a/x", "no IPv6")]);
    }

    #[test]
    fn the_kind_of_a_test_is_in_its_name() {
        assert!(kind_is_known("flow_reconnect").is_ok());
        assert!(kind_is_known("reconnect").is_err());
        assert!(kind_is_known("flow").is_err());
        assert!(kind_is_known("other_reconnect").is_err());
    }
}
