//! Growth: what an event costs when there is more of something, and whether memory stays within its bounds.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

use crate::performance::{PAGE, filled, machine};
use crate::process;
use crate::repository::{self, Profile};
use crate::steps::rust;
use crate::test;

/// The program, a host in C, and its tables.
const SOURCES: &str = "benches/load/growth";
const TABLES: [&str; 5] = ["connections", "sizes", "subscriptions", "full", "seldom"];
/// Its place in the page.
const PLACE: &str = "growth";

/// `cargo xtask bench growth [TABLE...]`. The page is written by a run of all tables in which no event was wrong and no
/// bound was broken.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    if let Some(unknown) = arguments.iter().find(|argument| !TABLES.contains(&argument.as_str())) {
        anyhow::bail!("there is no table \"{unknown}\", only {}", TABLES.join(", "));
    }
    let _alone = test::alone()?;
    rust::build(Profile::Release)?;
    let program = compile()?;
    let server = Server::start(&build_server()?)?;
    let mut growth = process::command(program);
    growth.arg(server.port.to_string()).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    let ended = growth.output().context("starting the program")?;
    let tables = String::from_utf8_lossy(&ended.stdout).trim_end().to_owned();
    println!("{tables}");
    if !ended.status.success() {
        eprintln!("An event was wrong or a bound is broken: see above. Nothing was written.");
        return Ok(ExitCode::FAILURE);
    }
    if arguments.is_empty() {
        let figures = format!("Measured on {}.\n\n{tables}\n", machine());
        fs::write(repository::root().join(PAGE), filled(&repository::read(PAGE)?, PLACE, &figures)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn compile() -> Result<PathBuf> {
    let program = repository::target().join("growth");
    let sources = repository::files(&repository::root().join(SOURCES), "c")?;
    ensure!(!sources.is_empty(), "{SOURCES} is empty");
    let mut compile = process::command("cc");
    compile.args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude"]).args(sources);
    compile.arg("-o").arg(&program).arg("-L").arg(Profile::Release.folder()).arg("-lsocketio_plugin");
    // Goes before LD_LIBRARY_PATH, in which cargo may have put a folder with the debug library.
    compile.arg(format!("-Wl,--disable-new-dtags,-rpath,{}", Profile::Release.folder().display()));
    process::run(compile)?;
    Ok(program)
}

fn build_server() -> Result<PathBuf> {
    let mut command = process::cargo();
    command.args(["build", "--quiet", "--release", "--package", "load", "--bin", "load-server", "--target-dir"]);
    command.arg(repository::target());
    process::run(command)?;
    Ok(Profile::Release.folder().join("load-server"))
}

/// The load server, which ends with its stdin.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(program: &Path) -> Result<Server> {
        let mut command = process::command(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("starting the load server")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its stdout")?).read_line(&mut line)?;
        let port = line.trim().strip_prefix("listening ").and_then(|port| port.parse().ok());
        let port = port.with_context(|| format!("the load server said {line:?}"))?;
        Ok(Server { child, port })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It has ended by itself, or it does now.
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_the_tables() {
        assert!(filled(&repository::read(PAGE).unwrap(), PLACE, "").is_ok());
    }

    #[test]
    fn the_program_has_these_tables_and_no_others() {
        let source = repository::read(Path::new(SOURCES).join("main.c")).unwrap();
        for table in TABLES {
            assert!(source.contains(&format!("{{\"{table}\", {table}_table}}")), "{table}");
        }
        assert_eq!(source.matches("_table}").count(), TABLES.len());
        assert!(command(&["sise".into()]).unwrap_err().to_string().contains("there is no table \"sise\""));
    }
}
