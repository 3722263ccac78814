//! An archive in surroundings that nobody wishes for: another build in the same process, files that do not belong together, a
//! folder of somebody else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::super::target::Target;
use super::programs::{self, SIDE_BY_SIDE};
use super::server::Server;
use super::{builds, unpacked};
use crate::process;
use crate::report::{Case, Outcome};
use crate::repository::{self, Profile};
use crate::steps::cases::Run;
use crate::steps::harness::{self, Selection};
use crate::steps::machine::Machine;
use crate::steps::{compat, rust};

/// A user without rights, on every system: "nobody".
const NOBODY: u32 = 65_534;

pub fn step(target: &Target, machine: Machine) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let studio = programs::studio_program(target, machine);
    let told = |result: Result<()>| result.map_err(|error| format!("{error:#}"));
    outcome.count("a plugin.json of another interface", told(another_interface(target, machine, &studio)));
    if machine == Machine::Native {
        read_only(target, &studio, &mut outcome);
        join(&mut outcome, another_build(target)?);
        join(&mut outcome, compat::step(&unpacked(target).join(target.library()))?);
    }
    outcome.note = "files that do not match".to_owned();
    if machine == Machine::Native {
        outcome.note.push_str(", a read-only folder of another user, another build in the same process, other headers");
    }
    Ok(outcome)
}

fn join(outcome: &mut Outcome, other: Outcome) {
    outcome.passed += other.passed;
    outcome.failed.extend(other.failed);
    outcome.skipped.extend(other.skipped);
}

/// The library of the archive beside a `plugin.json` that speaks of another interface: the studio refuses both, and says why.
fn another_interface(target: &Target, machine: Machine, studio: &Path) -> Result<()> {
    let folder = builds(target, "another interface");
    fs::create_dir_all(&folder)?;
    fs::copy(unpacked(target).join(target.library()), folder.join(target.library()))?;
    let text = fs::read_to_string(unpacked(target).join("plugin.json"))?;
    let mut manifest: serde_json::Value = serde_json::from_str(&text)?;
    let minor = manifest["abi"]["minor"].as_u64().context("plugin.json tells no interface")?;
    manifest["abi"]["minor"] = (minor + 1).into();
    fs::write(folder.join("plugin.json"), manifest.to_string())?;
    let mut command = machine.command(&[], studio);
    command.arg("toolbox").arg("--plugins").arg(machine.path(&folder));
    let ended = process::capture(command)?;
    let refused = !ended.status.success() && ended.output.contains("Install both files anew.");
    ensure!(refused, "the studio ended with {} and said: {}", ended.status, ended.output);
    Ok(())
}

/// Unpacked into a folder that can't be written to, and loaded by another user without a home, by a process without an
/// environment.
fn read_only(target: &Target, studio: &Path, outcome: &mut Outcome) {
    // Below the system's own folder: others can't look into that of the user who runs this.
    let folder = std::env::temp_dir().join(format!("socketio-plugin-{}", std::process::id()));
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let result = repository::copy_folder(&unpacked(target), &folder, &[]).and_then(|()| {
        let program = folder.join("studio");
        fs::copy(studio, &program)?;
        set_modes(&folder, 0o555, 0o444)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o555))?;
        let server = Server::start()?;
        let mut command = Command::new(&program);
        command.args(["run", "examples/projects/chat.json", "--plugins", ".", "--seconds", "20", "--set"]);
        command.arg(format!("main.url={}", server.url)).current_dir(&folder).env_clear();
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let ended = process::capture(command)?;
        ensure!(ended.status.success(), "it ended with {} and said: {}", ended.status, ended.output);
        ensure!(ended.output.contains("Hello from the studio"), "no echo came: {}", ended.output);
        Ok(())
    });
    let removed = set_modes(&folder, 0o755, 0o644).and_then(|()| Ok(fs::remove_dir_all(&folder)?));
    let name = "a read-only folder, no environment";
    outcome.count(name, result.and(removed).map_err(|error| format!("{error:#}")));
    if !is_root {
        outcome.skipped.push(Case::new("another user", "only root may become another user"));
    }
}

/// Sets the modes of folders and files. A folder is opened before what is in it, and closed after.
fn set_modes(path: &Path, folders: u32, files: u32) -> Result<()> {
    let mode = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    if !path.is_dir() {
        return Ok(mode(files)?);
    }
    mode(0o755)?;
    for entry in fs::read_dir(path)? {
        set_modes(&entry?.path(), folders, files)?;
    }
    Ok(mode(folders)?)
}

/// The library of the archive and a debug build in one process, the other one visible to all.
fn another_build(target: &Target) -> Result<Outcome> {
    rust::build(Profile::Debug)?;
    let mut build = programs::build(target, Machine::Native);
    build.environment.push(("SOCKETIO_OTHER_LIBRARY", Profile::Debug.library().into()));
    let wanted = |run: &Run| run.program == SIDE_BY_SIDE;
    let library = unpacked(target).join(target.library());
    let outcome = harness::run(Selection { build, library, filter: None, wanted: &wanted, rounds: 1 })?;
    if outcome.passed + outcome.failed.len() == 0 {
        bail!("{SIDE_BY_SIDE} was not built");
    }
    Ok(outcome)
}
