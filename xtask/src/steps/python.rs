//! The Python packages of the tests, in an environment of their own, at the versions of the requirements file.

use std::fs;
use std::path::{Path, PathBuf};

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
    install(REQUIREMENTS, &folder()).context("the tests need python-socketio; pip could not install it")
}

/// Makes an environment with what a requirements file names, unless it is there.
pub fn install(requirements: &str, folder: &Path) -> Result<Outcome> {
    let wanted = repository::read(requirements)?;
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(Outcome::done("already installed"));
    }
    let mut command = process::command("python3");
    command.args(["-m", "venv", "--clear"]).arg(folder);
    process::run(command).context("no environment could be made: install the Debian package python3-venv")?;
    let mut command = process::command(folder.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "-r", requirements]);
    process::run(command)?;
    fs::write(installed, wanted)?;
    Ok(Outcome::done("installed"))
}
