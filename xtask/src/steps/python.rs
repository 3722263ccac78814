//! The Python packages of the tests, in an environment of their own, at the versions of the requirements file.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;
use crate::report::Outcome;
use crate::repository;

const REQUIREMENTS: &str = "tests/server/requirements.txt";

fn folder() -> PathBuf {
    repository::target().join("python")
}

/// The Python that has the packages.
pub fn interpreter() -> PathBuf {
    folder().join("bin/python")
}

/// Installs the packages unless they are installed from this very file.
pub fn step() -> Result<Outcome> {
    let requirements = repository::read(REQUIREMENTS)?;
    let installed = folder().join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == requirements) {
        return Ok(Outcome::done("already installed"));
    }
    let mut command = process::command("python3");
    command.args(["-m", "venv", "--clear"]).arg(folder());
    process::run(command).context("no environment could be made: install the Debian package python3-venv")?;
    let mut command = process::command(interpreter());
    command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "-r", REQUIREMENTS]);
    process::run(command).context("the tests need python-socketio; pip could not install it")?;
    fs::write(installed, requirements)?;
    Ok(Outcome::done("installed"))
}
