//! The official Socket.IO server of the tests, at the versions of the lock file.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::repository;

const FOLDER: &str = "tests/server";

/// Installs the server unless it is installed from this very lock file.
pub fn step() -> Result<Outcome> {
    install(FOLDER).context("the tests need the official server; npm could not install it")
}

/// Installs what the lock file of a folder names, unless it is installed.
pub fn install(folder: &str) -> Result<Outcome> {
    let lock = repository::read(format!("{folder}/package-lock.json"))?;
    if lock.contains("\"resolved\"") {
        bail!(
            "{folder}/package-lock.json names the registry it was made with: make it with omit-lockfile-registry-resolved"
        );
    }
    let folder = repository::root().join(folder);
    // A copy of the lock file in node_modules says what is installed. `npm ci` removes it with all the rest.
    let installed = folder.join("node_modules/installed-lock.json");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(Outcome::done("already installed"));
    }
    let mut command = process::command("npm");
    command.current_dir(&folder);
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]);
    process::run(command)?;
    fs::write(installed, lock)?;
    Ok(Outcome::done("installed"))
}
