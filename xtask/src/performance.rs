//! Figures: what a host pays in its own frame, measured and put into docs/performance.md.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::repository::{self, Profile};
use crate::steps::rust;

pub const PAGE: &str = "docs/performance.md";
const BENCHMARK: &str = "benches/host_calls.c";
/// The places of the tables in the page, in the order in which they are printed.
const PLACES: [&str; 2] = ["figures", "worst case"];

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
    let tables = process::run(process::command(&program))?;
    let tables: Vec<&str> = tables.trim_end().split("\n\n").collect();
    ensure!(tables.len() == PLACES.len(), "{BENCHMARK} printed {} tables", tables.len());
    let mut page = repository::read(PAGE)?;
    for (place, table) in PLACES.iter().zip(tables) {
        let figures = format!("Measured on {}; nanoseconds.\n\n{table}\n", machine());
        println!("{figures}");
        page = filled(&page, place, &figures)?;
    }
    fs::write(repository::root().join(PAGE), page)?;
    Ok(ExitCode::SUCCESS)
}

/// The page with other figures at this place.
pub fn filled(page: &str, place: &str, figures: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {place}: begin -->\n"), format!("<!-- {place}: end -->\n"));
    let (before, rest) = page.split_once(&begin).with_context(|| format!("{PAGE} has no place for the {place}"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("{PAGE} has no end of the {place}"))?;
    Ok(format!("{before}{begin}\n{figures}\n{end}{after}"))
}

/// Processor and system, as far as the system tells.
pub fn machine() -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_the_page_is_filled_anew() {
        let page = "a\n<!-- x: begin -->\n\nold\n\n<!-- x: end -->\nb\n";
        assert_eq!(filled(page, "x", "new\n").unwrap(), page.replace("old", "new"));
        assert!(filled(page, "y", "new\n").is_err());
    }
}
