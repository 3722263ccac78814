//! `cargo xtask dist --check`: each archive is unpacked as a user does it, into a folder with spaces and letters of all kinds,
//! and tried out there. A file a theme.

mod consumers;
mod files;
mod library;
mod msvc;
mod pe;
mod programs;
mod server;
mod surroundings;

use std::path::PathBuf;

use super::target::Target;
use super::{folder, title};
use crate::report::{Outcome, Report};
use crate::steps::machine::Machine;

/// What no program may stumble over.
const FOLDER: &str = "Müller & Söhne 演示";

/// The folder that an archive is unpacked to, and in it what the archive holds.
fn unpacked(target: &Target) -> PathBuf {
    folder().join("check").join(target.triple).join(FOLDER).join(target.folder())
}

/// The folder for what is built against the archive.
fn builds(target: &Target, what: &str) -> PathBuf {
    folder().join("check").join(target.triple).join(what)
}

/// All checks of an archive that was made.
pub fn steps(report: &mut Report, target: &'static Target) {
    let files = title("files", target);
    report.after(files, &[title("archive", target)], || files::step(target));
    report.after(title("library", target), &[files], || library::step(target));
    let programs = title("programs", target);
    let machine = match target.machine() {
        Some(machine) => machine.missing().map_or(Ok(machine), Err),
        None => Err("this machine can't run its programs".to_owned()),
    };
    match machine {
        Ok(machine) => run(report, target, machine, files),
        Err(missing) => report.step(programs, || Ok(Outcome::skipped(programs, missing))),
    }
}

/// What needs a machine that runs the target's programs.
fn run(report: &mut Report, target: &'static Target, machine: Machine, files: &str) {
    report.after(title("linking", target), &[files], || consumers::step(target, machine));
    report.after(title("harness", target), &[files], || programs::harness(target, machine));
    let studio = title("studio", target);
    report.after(studio, &[files], || programs::studio(target, machine));
    report.after(title("surroundings", target), &[studio], || surroundings::step(target, machine));
}
