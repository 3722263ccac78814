//! The official Socket.IO server of the tests, at the versions of the lock file.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::repository;

const FOLDER: &str = "tests/server";

/// Installs the server unless it is installed from this very lock file.
pub fn step() -> Result<Outcome> {
    let folder = repository::root().join(FOLDER);
    let lock = repository::read(format!("{FOLDER}/package-lock.json"))?;
    if lock.contains("\"resolved\"") {
        bail!(
            "{FOLDER}/package-lock.json names the registry it was made with: make it with omit-lockfile-registry-resolved"
        );
    }
    // A copy of the lock file in node_modules says what is installed. `npm ci` removes it with all the rest.
    let installed = folder.join("node_modules/installed-lock.json");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(Outcome::done("already installed"));
    }
    let mut command = process::command("npm");
    command.current_dir(&folder);
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]);
    process::run(command).context("the tests need the official server; npm could not install it")?;
    fs::write(installed, lock)?;
    Ok(Outcome::done("installed"))
}
