//! `cargo xtask dist`: an archive for each target, as an integrator downloads it; with `--check`, each is unpacked and tried
//! out, with `--twice`, each library is built a second time elsewhere and has to come out the same.

mod build;
mod check;
mod contents;
mod debian;
mod import_library;
mod linked;
mod manifest;
mod pack;
mod paths;
mod sbom;
pub mod target;
mod toolchain;
mod twice;
mod zig;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::report::{Outcome, Report};
use crate::repository;
use crate::steps::machine::Machine;
use crate::test;
use build::Place;
use pack::File;
use target::{TARGETS, Target};
use toolchain::Toolchain;

/// No archive may be larger, in bytes.
const SIZE_LIMIT: usize = 5_000_000;

/// The checksums of the archives, as sha256sum reads them.
const SUMS: &str = "SHA256SUMS";

struct Options {
    check: bool,
    twice: bool,
    targets: Vec<&'static Target>,
    /// They were named: then all of them are wanted.
    named: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Options> {
        let mut options = Options { check: false, twice: false, targets: Vec::new(), named: true };
        for argument in arguments {
            match (argument.as_str(), Target::by_triple(argument)) {
                ("--check", _) => options.check = true,
                ("--twice", _) => options.twice = true,
                (_, Some(target)) => options.targets.push(target),
                (other, None) => {
                    let known: Vec<&str> = TARGETS.iter().map(|target| target.triple).collect();
                    bail!("what is \"{other}\"? The targets are {}", known.join(", "));
                }
            }
        }
        if options.targets.is_empty() {
            options.targets = TARGETS.iter().collect();
            options.named = false;
        }
        Ok(options)
    }
}

pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::read(arguments)?;
    let _alone = test::alone()?;
    let mut report = Report::new();
    if options.check {
        test::servers(&mut report);
    }
    run_all(&mut report, &options);
    Ok(report.finish())
}

/// The archive for this machine as a part of the tests: made, unpacked and tried out. The others take some minutes each.
pub fn steps(report: &mut Report) {
    let native = TARGETS.iter().filter(|target| target.machine() == Some(Machine::Native));
    let options = Options { check: true, twice: false, targets: native.collect(), named: false };
    run_all(report, &options);
}

fn run_all(report: &mut Report, options: &Options) {
    report.step("earlier archives", || remove_earlier().map(|()| Outcome::done("removed")));
    for target in &options.targets {
        run(report, target, options);
    }
}

fn run(report: &mut Report, target: &'static Target, options: &Options) {
    let step = title("archive", target);
    let mut toolchain = None;
    report.step(step, || match Toolchain::of(target) {
        Ok(found) => make(target, toolchain.insert(found)),
        Err(missing) if options.named => bail!("{missing}"),
        Err(missing) => Ok(Outcome::skipped(step, missing)),
    });
    let Some(toolchain) = toolchain.filter(|_| report.succeeded(step)) else { return };
    if options.twice {
        report.step(title("twice", target), || twice::step(target, &toolchain));
    }
    if options.check {
        check::steps(report, target);
    }
}

/// The name of a step for a target.
fn title(what: &str, target: &Target) -> &'static str {
    // Some dozen names, for the whole run.
    format!("{what} {}", target.name).leak()
}

/// Where the archives lie.
pub fn folder() -> PathBuf {
    repository::target().join("dist")
}

/// An archive as it is to be written.
struct Archive {
    name: String,
    content: Vec<u8>,
}

/// Builds a library and packs its archives.
fn make(target: &Target, toolchain: &Toolchain) -> Result<Outcome> {
    let epoch = build::epoch()?;
    let build = build::folder();
    let place = Place { source: &repository::root(), folder: &build, epoch };
    let archives = pack(target, toolchain, &build::library(target, toolchain, &place)?, epoch)?;
    let mut outcome = Outcome::default();
    let mut sizes = Vec::new();
    for Archive { name, content } in &archives {
        let small = content.len() < SIZE_LIMIT;
        let too_large = || format!("{} bytes, {SIZE_LIMIT} are the limit", content.len());
        outcome.count(name, if small { Ok(()) } else { Err(too_large()) });
        fs::write(folder().join(name), content)?;
        sizes.push(format!("{:.1} MB", content.len() as f64 / 1e6));
    }
    sums()?;
    outcome.note = format!("{}, {}", repository::shown(&folder().join(&archives[0].name)), sizes.join(", symbols "));
    Ok(outcome)
}

/// Removes what an earlier run made: the checksums are of what was made together.
fn remove_earlier() -> Result<()> {
    fs::create_dir_all(folder())?;
    for entry in fs::read_dir(folder())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The two archives of a build.
fn pack(target: &Target, toolchain: &Toolchain, built: &build::Built, epoch: u64) -> Result<[Archive; 2]> {
    let [name, debug] = target.archives();
    let packed = |name: String, files: Vec<File>| -> Result<Archive> {
        let content = pack::pack(&name, &target.folder(), &files, epoch)?;
        Ok(Archive { name, content })
    };
    Ok([packed(name, contents::collect(target, toolchain, built, epoch)?)?, packed(debug, contents::symbols(built)?)?])
}

/// Writes the checksums of the archives that this run has made so far.
fn sums() -> Result<()> {
    let mut names: Vec<String> = TARGETS.iter().flat_map(Target::archives).collect();
    names.retain(|name| folder().join(name).is_file());
    names.sort();
    let line = |name: &String| Ok(format!("{}  {name}\n", manifest::sha256(&fs::read(folder().join(name))?)));
    fs::write(folder().join(SUMS), names.iter().map(line).collect::<Result<String>>()?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_options_come_in_any_order() {
        let read = |arguments: &[&str]| {
            Options::read(&arguments.iter().map(|argument| argument.to_string()).collect::<Vec<_>>())
        };
        let all = read(&["--check"]).unwrap();
        assert!(all.check && !all.twice && all.targets.len() == TARGETS.len());
        let one = read(&["x86_64-pc-windows-gnu", "--twice"]).unwrap();
        assert!(one.twice && one.targets.len() == 1 && one.targets[0].name == "Windows");
        assert!(read(&["windows"]).err().unwrap().to_string().starts_with("what is \"windows\"? The targets are "));
    }
}
