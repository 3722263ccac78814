//! Figures: what a host pays in its own frame, measured and put into docs/performance.md.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::process;
use crate::repository::{self, Profile};
use crate::steps::rust;

const PAGE: &str = "docs/performance.md";
const BENCHMARK: &str = "benches/host_calls.c";
const BEGIN: &str = "<!-- figures: begin -->\n";
const END: &str = "<!-- figures: end -->\n";

/// `cargo xtask performance`.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    crate::no_arguments(arguments)?;
    rust::build(Profile::Release)?;
    let program = repository::target().join("host_calls");
    let mut compile = process::command("cc");
    compile.args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", BENCHMARK, "-o"]);
    compile.arg(&program).arg("-L").arg(Profile::Release.folder()).args(["-lsocketio_plugin", "-lpthread"]);
    compile.arg(format!("-Wl,-rpath,{}", Profile::Release.folder().display()));
    process::run(compile)?;
    let table = process::run(process::command(&program))?;
    let figures = format!("Measured on {}; nanoseconds.\n\n{table}", machine());
    print!("{figures}");
    let page = repository::read(PAGE)?;
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("{PAGE} has no place for the figures"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{PAGE} has no end of the figures"))?;
    fs::write(repository::root().join(PAGE), format!("{before}{BEGIN}\n{figures}\n{END}{after}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Processor and system, as far as the system tells.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_string()))
        .unwrap_or_else(|| std::env::consts::ARCH.into());
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = system.split('-').next().unwrap_or_default().trim().to_string();
    format!("{cores} cores of {processor}, {} {system}", std::env::consts::OS)
}
