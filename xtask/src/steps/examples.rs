//! The C examples and the studio are built, by make and by CMake, without a warning.

use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::report::Outcome;
use crate::repository::{self, Profile};
use crate::steps::tools;

const FOLDER: &str = "examples_c";

/// Builds them by the Makefile: by its own compiler to be run, and by each one that is installed to be checked.
pub fn make(profile: Profile) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.count("cc", built(run_make(profile, &["all"])));
    let mut used = vec!["cc"];
    for (compiler, cpp) in tools::compilers() {
        // Relative to the Makefile: make can't have a space in a target, and the repository's own path may hold one.
        let build = format!("BUILD=../target/examples/{compiler}");
        let (c, cpp) = (format!("CC={compiler}"), format!("CXX={}", cpp.unwrap_or("none")));
        outcome.count(compiler, built(run_make(profile, &["all", &c, &cpp, &build])));
        used.push(compiler);
    }
    outcome.note = format!("by {}", used.join(", "));
    Ok(outcome)
}

fn built(result: Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("{error:#}"))
}

/// Builds the studio alone.
pub fn make_studio(profile: Profile) -> Result<()> {
    run_make(profile, &["build/studio"])
}

/// The studio, as make builds it.
pub fn studio() -> PathBuf {
    repository::root().join(FOLDER).join("build/studio")
}

fn run_make(profile: Profile, arguments: &[&str]) -> Result<()> {
    let mut command = process::command("make");
    command.args(["--no-print-directory", "-C", FOLDER]).args(arguments);
    command.arg(format!("LIBDIR={}", profile.folder().display()));
    process::run(command).map(drop)
}

/// Builds them by CMake, where it is installed.
pub fn cmake(profile: Profile) -> Result<Outcome> {
    if process::find("cmake").is_none() {
        return Ok(Outcome::skipped("examples by CMake", "cmake is not installed: install the Debian package cmake"));
    }
    let build = repository::target().join("examples/cmake");
    let mut configure = process::command("cmake");
    configure.args(["-S", FOLDER, "-B"]).arg(&build);
    configure.arg(format!("-DSOCKETIO_LIBRARY={}", profile.library().display()));
    process::run(configure)?;
    let mut command = process::command("cmake");
    command.arg("--build").arg(&build);
    process::run(command)?;
    Ok(Outcome::done("by CMake"))
}
