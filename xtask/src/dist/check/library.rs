//! The library itself: what it exports, what it asks of the system, what loaders and debuggers read of it.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};

use super::super::target::{GLIBC, System, Target};
use super::{pe, unpacked};
use crate::process;
use crate::report::Outcome;
use crate::repository;
use crate::steps::machine::Machine;
use crate::steps::{elf, exports};

/// A function whose symbols tell that they are those of the library, and the source that it stands in.
const FUNCTION: (&str, &str) = ("socketio_event_poll", "src/abi/events.rs");

pub fn step(target: &Target) -> Result<Outcome> {
    let library = unpacked(target).join(target.library());
    let mut outcome = match target.system {
        System::Linux => {
            let mut outcome = elf::step_for(&library, GLIBC)?;
            let exported = exports::step(&library)?;
            outcome.passed += exported.passed;
            outcome.failed.extend(exported.failed);
            outcome
        }
        System::Windows => pe::step(target, &library)?,
    };
    let symbols = symbols(target, &library).map_err(|error| format!("{error:#}"));
    outcome.count("debug symbols", symbols);
    Ok(outcome)
}

/// The symbols beside the library name the line of a function that it exports, by a path of the repository.
fn symbols(target: &Target, library: &Path) -> Result<()> {
    let (name, source) = FUNCTION;
    let address = match target.system {
        System::Linux => {
            let mut nm = process::command("nm");
            nm.args(["--dynamic", "--defined-only", "--format=posix"]).arg(library);
            let found = process::run(nm)?;
            let line = found.lines().find(|line| line.split(' ').next() == Some(name));
            let address = line.and_then(|line| line.split(' ').nth(2)).context("it is not exported")?;
            u64::from_str_radix(address, 16)?
        }
        System::Windows => pe::address(library, name)?,
    };
    let file = format!("{}.debug", target.library());
    let line = line(target, &library.with_file_name(file), address)?;
    let expected = format!("/socketio-plugin/{source}:");
    ensure!(line.contains(&expected), "{name} is at \"{}\", not at {expected}", line.trim());
    Ok(())
}

/// The source line of an address, by LLVM's tool, which knows each target, or by that beside the target's compiler.
fn line(target: &Target, symbols: &Path, address: u64) -> Result<String> {
    let own =
        target.machine().map_or("addr2line", Machine::compiler).replace("clang", "gcc").replace("gcc", "addr2line");
    let tools = ["llvm-addr2line", &own].into_iter().filter_map(process::find);
    let mut error = None;
    for tool in tools {
        let mut command = process::command(tool);
        command.arg("-e").arg(symbols).arg(format!("{address:#x}"));
        match process::run(command) {
            Ok(line) if !line.starts_with("??") => return Ok(line),
            Ok(line) => error = Some(anyhow!("{}", line.trim())),
            Err(found) => error = Some(found),
        }
    }
    Err(error.unwrap_or_else(|| anyhow!("there is no addr2line"))).with_context(|| repository::shown(symbols))
}
