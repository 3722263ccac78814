//! Cargo's own tools: rustfmt, clippy, build, test.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process::{self, Ended};
use crate::report::{Case, Outcome};
use crate::repository::{self, Profile};

/// The two packages of the tests, each with where it is built. Cargo gives a library of a path dependency one file
/// name whatever its features, so this tool and the library don't share a folder unless they have to.
fn packages() -> Result<[(&'static str, PathBuf); 2]> {
    Ok([("socketio-plugin", repository::target()), ("xtask", own_target()?)])
}

/// The packages of the test servers that are written in Rust.
const SOCKETIOXIDE_SERVER: &str = "socketioxide-server";
const HOSTILE_SERVER: &str = "hostile-server";
const SERVERS: [&str; 2] = [SOCKETIOXIDE_SERVER, HOSTILE_SERVER];

/// The load server and the bare client of the benchmark.
pub const LOAD: &str = "load";

/// The folder in which this tool was built.
fn own_target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this tool lies in a build folder")?;
    Ok(target.to_path_buf())
}

/// The sources are formatted as rustfmt.toml says.
pub fn format() -> Result<Outcome> {
    if !installed("fmt") {
        return Ok(Outcome::skipped("rustfmt", "rustfmt is not installed: rustup component add rustfmt"));
    }
    // The fuzz targets are a workspace of their own.
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let mut command = process::cargo();
        command.args(["fmt", "--all", "--check", "--manifest-path", manifest, "--", "--color", "never"]);
        process::run(command)?;
    }
    Ok(Outcome::done("every package"))
}

/// Clippy finds nothing.
pub fn clippy() -> Result<Outcome> {
    if !installed("clippy") {
        return Ok(Outcome::skipped("clippy", "clippy is not installed: rustup component add clippy"));
    }
    let mut outcome = Outcome::default();
    let own_target = own_target()?;
    let others = SERVERS.into_iter().chain([LOAD]).map(|package| (package, own_target.clone()));
    for (package, target) in packages()?.into_iter().chain(others) {
        let mut command = process::cargo();
        command
            .args(["clippy", "--locked", "--quiet", "--package", package, "--all-targets", "--no-deps", "--target-dir"])
            .arg(target);
        command.args(["--", "-D", "warnings"]);
        outcome.count(package, process::run(command).map(drop).map_err(|error| format!("{error:#}")));
    }
    outcome.note = "every target of socketio-plugin, xtask, the test servers and the load server".to_owned();
    Ok(outcome)
}

fn installed(component: &str) -> bool {
    let mut command = process::cargo();
    command.args([component, "--version"]);
    process::run(command).is_ok()
}

/// Builds the library.
pub fn build(profile: Profile) -> Result<Outcome> {
    let mut command = process::cargo();
    command.args(["build", "--quiet", "--package", "socketio-plugin", "--target-dir"]).arg(repository::target());
    if profile == Profile::Release {
        command.arg("--release");
    }
    process::run(command)?;
    let library = profile.library();
    let size = std::fs::metadata(&library).with_context(|| format!("{} was not built", library.display()))?.len();
    Ok(Outcome::done(format!("{}, {:.1} MB", repository::shown(&library), size as f64 / 1e6)))
}

/// Builds the test servers that are written in Rust.
pub fn build_servers() -> Result<Outcome> {
    let mut command = process::cargo();
    command.args(["build", "--quiet", "--target-dir"]).arg(own_target()?);
    command.args(SERVERS.iter().flat_map(|package| ["--package", package]));
    process::run(command)?;
    Ok(Outcome::done(SERVERS.join(", ")))
}

/// Builds programs of a benchmark's package; gives their folder.
pub fn build_load(package: &str, programs: &[&str], profile: Profile) -> Result<PathBuf> {
    let target = own_target()?;
    let mut command = process::cargo();
    command.args(["build", "--quiet", "--package", package, "--target-dir"]).arg(&target);
    command.args(programs.iter().flat_map(|program| ["--bin", program]));
    if profile == Profile::Release {
        command.arg("--release");
    }
    process::run(command)?;
    Ok(target.join(profile.name()))
}

/// Where the one that speaks Socket.IO as it should lies when it is built.
pub fn socketioxide_server() -> Result<PathBuf> {
    Ok(own_target()?.join("debug").join(SOCKETIOXIDE_SERVER))
}

/// Where the one that does not lies.
pub fn hostile_server() -> Result<PathBuf> {
    Ok(own_target()?.join("debug").join(HOSTILE_SERVER))
}

/// The Rust tests of the library and of this tool, those whose name has `filter` in it.
pub fn test(filter: Option<&str>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut counts = Vec::new();
    for (package, target) in packages()? {
        let mut command = process::cargo();
        command.args(["test", "--no-fail-fast", "--package", package, "--target-dir"]).arg(target);
        command.arg("--").args(filter);
        let found = results(&process::capture(command)?, package);
        counts.push(format!("{} of {package}", found.passed));
        outcome.passed += found.passed;
        outcome.failed.extend(found.failed);
        outcome.skipped.extend(found.skipped);
    }
    outcome.note = counts.join(", ");
    Ok(outcome)
}

/// Reads what `cargo test` printed.
fn results(ended: &Ended, package: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let lines: Vec<&str> = ended.output.lines().collect();
    for line in &lines {
        let Some((name, result)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
            continue;
        };
        match result.split_once(", ").unwrap_or((result, "")) {
            ("ok", _) => outcome.passed += 1,
            ("ignored", reason) => outcome.skipped.push(Case::new(name, reason)),
            ("FAILED", _) => outcome.failed.push(Case::new(name, test_output(&lines, name))),
            _ => {}
        }
    }
    // It did not compile, or a test ended the process.
    if !ended.status.success() && outcome.failed.is_empty() {
        outcome.failed.push(Case::new(format!("cargo test --package {package}"), ended.output.clone()));
    }
    outcome
}

/// What a failed test printed: the block under its name.
fn test_output(lines: &[&str], name: &str) -> String {
    let head = format!("---- {name} stdout ----");
    let block = lines.iter().skip_while(|line| **line != head).skip(1);
    let block = block.take_while(|line| !line.starts_with("---- ") && **line != "failures:");
    block.copied().collect::<Vec<_>>().join("\n")
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
    fn tests_are_counted_and_failures_have_their_output() {
        let output = "     Running unittests src/lib.rs (target/debug/deps/a)\n\nrunning 4 tests\n\
            test a::good ... ok\ntest a::bad ... FAILED\ntest a::later ... ignored, needs a network\n\
            test src/a.rs - f (line 3) ... ok\n\nfailures:\n\n---- a::bad stdout ----\n\
            thread 'a::bad' panicked at src/a.rs:7:9:\nassertion failed\n\n\nfailures:\n    a::bad\n\n\
            test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out\n";
        let outcome = results(&ended(101, output), "p");
        assert_eq!(outcome.passed, 2);
        let output = "thread 'a::bad' panicked at src/a.rs:7:9:\nassertion failed\n\n";
        assert_eq!(outcome.failed, [Case::new("a::bad", output)]);
        assert_eq!(outcome.skipped, [Case::new("a::later", "needs a network")]);
    }

    #[test]
    fn what_does_not_compile_is_a_failure() {
        let outcome = results(&ended(101, "error[E0308]: mismatched types\n"), "p");
        assert_eq!(outcome.passed, 0);
        assert_eq!(outcome.failed, [Case::new("cargo test --package p", "error[E0308]: mismatched types\n")]);
    }

    #[test]
    fn a_test_that_ends_the_process_is_a_failure() {
        let output = "running 2 tests\ntest a ... ok\nerror: test failed (signal: 11, SIGSEGV)\n";
        let outcome = results(&ended(101, output), "p");
        assert_eq!((outcome.passed, outcome.failed.len()), (1, 1));
    }
}
