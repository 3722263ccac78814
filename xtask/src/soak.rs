//! `cargo xtask soak`: a host with several connections at work for minutes, while servers die and networks break.
//! `tests/soak` is the program.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};

use crate::process::{self, Group};
use crate::report::{self, Outcome};
use crate::repository::{self, Profile};
use crate::steps::machine::Machine;
use crate::steps::{certificates, harness, npm, rust, tools};

/// What is shipped is what is tried.
const PROFILE: Profile = Profile::Release;
const BY_HAND: u64 = 10 * 60;
const IN_TESTS: u64 = 60;
/// How much longer than its time it may take: the start of the servers, the calm at the end, the comparison.
const GRACE: Duration = Duration::from_secs(180);

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    seconds: u64,
    seed: u64,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Options> {
        let mut options = Options { seconds: BY_HAND, seed: any_seed() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = |lowest: u64| {
                let number = arguments.next().and_then(|number| number.parse::<u64>().ok());
                number.filter(|number| *number >= lowest).with_context(|| format!("{argument} needs a number"))
            };
            match argument.as_str() {
                "--minutes" => options.seconds = number(1)?.checked_mul(60).context("that is too long")?,
                "--seconds" => options.seconds = number(1)?,
                "--seed" => options.seed = number(0)?,
                other => bail!("unknown argument \"{other}\""),
            }
        }
        Ok(options)
    }
}

/// A new one each time: the more ways are gone, the better.
pub fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_secs() % 1_000 * 1_000_000 + u64::from(now.subsec_micros())
}

pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::read(arguments)?;
    prepare()?;
    println!("{} s, seed {}: the table comes at the end\n", options.seconds, options.seed);
    let (succeeded, output) = run(&options)?;
    print!("{output}");
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A minute of it, as a step of the tests.
pub fn step() -> Result<Outcome> {
    let options = Options { seconds: IN_TESTS, seed: any_seed() };
    compile()?;
    let (succeeded, output) = run(&options)?;
    if !succeeded {
        bail!("cargo xtask soak --seconds {} --seed {}\n{}", options.seconds, options.seed, output.trim_end());
    }
    let summary = output.lines().last().and_then(|line| line.strip_prefix("soak: ")).unwrap_or_default();
    Ok(Outcome::done(format!("seed {}: {summary}", options.seed)))
}

/// Builds all that it needs.
fn prepare() -> Result<()> {
    report::progress("building the library");
    rust::build(PROFILE)?;
    report::progress("preparing the servers");
    npm::step()?;
    certificates::step()?;
    compile()?;
    report::progress_ends();
    Ok(())
}

fn folder() -> PathBuf {
    repository::target().join("soak")
}

fn program() -> PathBuf {
    folder().join("soak")
}

/// Compiles the program, with the parts of the C harness that it uses.
fn compile() -> Result<()> {
    fs::create_dir_all(folder())?;
    let compilers = tools::compilers();
    let (compiler, _) = compilers.first().context("there is no C compiler")?;
    let mut command = process::command(compiler);
    command.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1", "-pthread"]);
    command.args(["-Iinclude", "-Itests/c"]);
    let root = repository::root();
    let own = repository::files(&root.join("tests/soak"), "c")?;
    let (harness, _) = harness::sources(Machine::Native)?;
    command.args(own).args(harness.iter().map(|name| format!("tests/c/{name}.c")));
    command.arg("-o").arg(program()).args(["-rdynamic", "-ldl"]);
    process::run(command).map(drop)
}

/// Whether all rules held, and what it printed.
fn run(options: &Options) -> Result<(bool, String)> {
    let records = folder().join("records");
    if records.exists() {
        fs::remove_dir_all(&records)?;
    }
    fs::create_dir_all(&records)?;
    let mut command = process::command(program());
    command.arg(options.seconds.to_string()).arg(options.seed.to_string()).arg(&records);
    command.env("SOCKETIO_LIBRARY", PROFILE.library());
    command.env("SOCKETIO_TEST_SERVER", repository::root().join("tests/server/server.js"));
    command.env("SOCKETIO_TEST_NODE", process::find("node").context("node is not installed")?);
    command.env("SOCKETIO_TEST_CERTIFICATES", certificates::folder());
    limited(command, Duration::from_secs(options.seconds) + GRACE)
}

/// Runs a program and all that it starts, at most so long; whether it succeeded, and what it printed.
fn limited(mut command: Command, limit: Duration) -> Result<(bool, String)> {
    let log = folder().join("log");
    let file = File::create(&log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let ended = process::runtime().block_on(async {
        let mut child = tokio::process::Command::from(command).process_group(0).kill_on_drop(true).spawn()?;
        let _group = Group::of(&child);
        anyhow::Ok(tokio::time::timeout(limit, child.wait()).await)
    })?;
    let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    match ended {
        Ok(status) => Ok((status?.success(), output)),
        Err(_) => bail!("it did not end within {} s\n{output}", limit.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options> {
        Options::read(&arguments.iter().map(|argument| argument.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn time_and_seed_are_read() {
        assert_eq!(options(&["--seconds", "20", "--seed", "7"]).unwrap(), Options { seconds: 20, seed: 7 });
        assert_eq!(options(&["--minutes", "2", "--seed", "0"]).unwrap().seconds, 120);
        assert_eq!(options(&[]).unwrap().seconds, BY_HAND);
    }

    #[test]
    fn wrong_arguments_are_named() {
        let error = |arguments: &[&str]| options(arguments).unwrap_err().to_string();
        assert_eq!(error(&["--seconds"]), "--seconds needs a number");
        assert_eq!(error(&["--minutes", "0"]), "--minutes needs a number");
        assert_eq!(error(&["--fast"]), "unknown argument \"--fast\"");
    }
}
