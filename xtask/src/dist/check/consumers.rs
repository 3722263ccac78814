//! Programs are built against an unpacked archive, in the ways that integrators use, and talk to a server.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::super::target::Target;
use super::server::Server;
use super::{builds, msvc, unpacked};
use crate::process;
use crate::report::{Case, Outcome};
use crate::repository;
use crate::steps::machine::Machine;

/// What a program sends and gets back. On Windows, letters of a command line are those of a code page.
const TEXT: &str = "Hello from the archive";

/// A project of ten lines that knows nothing of this repository.
const PROJECT: &str = "tests/dist/cmake-consumer";

pub fn step(target: &Target, machine: Machine) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let server = Server::start()?;
    let mut way = |name: &str, tool: &str, work: &dyn Fn() -> Result<PathBuf>| {
        if process::find(tool).is_none() {
            let package = if tool == "pkg-config" { "pkgconf" } else { tool };
            outcome.skipped.push(Case::new(name, format!("{tool} is missing: install the Debian package {package}")));
            return;
        }
        let result = work().and_then(|program| talks(target, machine, &program, &server));
        outcome.count(name, result.map_err(|error| format!("{error:#}")));
    };
    let project = repository::root().join(PROJECT);
    let program = format!("send_and_receive{}", machine.suffix());
    way("CMake", "cmake", &|| Ok(by_cmake(target, machine, &project, "by cmake")?.join(&program)));
    let examples = unpacked(target).join("examples");
    let example = format!("02_send_and_receive{}", machine.suffix());
    way("CMake in examples/", "cmake", &|| Ok(by_cmake(target, machine, &examples, "examples")?.join(&example)));
    way("pkg-config", "pkg-config", &|| by_pkg_config(target, machine));
    if machine != Machine::Windows {
        way("make in examples/", "make", &|| by_make(target, machine));
    } else if msvc::linker().is_some() {
        let result = by_msvc(target, machine).map_err(|error| format!("{error:#}"));
        outcome.count("Microsoft's way", result);
    } else {
        outcome.skipped.push(Case::new("Microsoft's way", "there is no rust-lld: rustup brings it along"));
    }
    outcome.note = "02_send_and_receive, built against the archive".to_owned();
    Ok(outcome)
}

/// A folder for the programs that are built in one way, empty.
fn emptied(target: &Target, name: &str) -> Result<PathBuf> {
    let folder = builds(target, name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// `find_package` finds the archive and links the library. Gives the folder of the programs.
fn by_cmake(target: &Target, machine: Machine, project: &Path, name: &str) -> Result<PathBuf> {
    let build = emptied(target, name)?;
    let mut configure = process::command("cmake");
    configure.arg("-S").arg(project).arg("-B").arg(&build);
    let mut prefix = std::ffi::OsString::from("-DCMAKE_PREFIX_PATH=");
    prefix.push(unpacked(target));
    configure.arg(prefix).arg(format!("-DCMAKE_C_COMPILER={}", machine.compiler()));
    match machine {
        Machine::Native => {}
        Machine::Aarch64 => {
            configure.args(["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64"]);
        }
        Machine::Windows => {
            configure.args(["-DCMAKE_SYSTEM_NAME=Windows", "-DCMAKE_SYSTEM_PROCESSOR=AMD64"]);
        }
    }
    // Without the C++ compiler of another machine, CMake would take that of this one.
    if machine != Machine::Native {
        let compiler = cpp_compiler(machine);
        let compiler = process::find(&compiler).map_or("NOTFOUND".to_owned(), |_| compiler);
        configure.arg(format!("-DCMAKE_CXX_COMPILER={compiler}"));
    }
    process::run(configure)?;
    let mut make = process::command("cmake");
    make.arg("--build").arg(&build);
    process::run(make)?;
    Ok(build)
}

/// pkg-config names the flags. Its quotes are for a shell to take away.
fn by_pkg_config(target: &Target, machine: Machine) -> Result<PathBuf> {
    let program = emptied(target, "by pkg-config")?.join(format!("send_and_receive{}", machine.suffix()));
    let mut shell = process::command("sh");
    shell.args(["-e", "-c"]);
    shell.arg(
        "flags=$(pkg-config --cflags --libs socketio-plugin)\n\
         eval \"\\\"\\$COMPILER\\\" $STANDARD \\\"\\$SOURCE\\\" -o \\\"\\$PROGRAM\\\" $flags $RUN_PATH\"",
    );
    let unpacked = unpacked(target);
    shell.env("PKG_CONFIG_PATH", unpacked.join("lib/pkgconfig")).env("COMPILER", machine.compiler());
    shell.env("SOURCE", unpacked.join("examples/02_send_and_receive.c")).env("PROGRAM", &program);
    let posix = if machine == Machine::Windows { "" } else { " -D_POSIX_C_SOURCE=200809L" };
    shell.env("STANDARD", machine.compiler_flags().join(" ") + posix);
    shell.env("LIBRARY", &unpacked);
    shell.env("RUN_PATH", if machine == Machine::Windows { "" } else { "\"-Wl,-rpath,$LIBRARY\"" });
    process::run(shell)?;
    Ok(program)
}

/// The examples are built where they lie, as their README says.
fn by_make(target: &Target, machine: Machine) -> Result<PathBuf> {
    let examples = unpacked(target).join("examples");
    let mut make = process::command("make");
    make.args(["--no-print-directory", "-C"]).arg(&examples).arg(format!("CC={}", machine.compiler()));
    if machine != Machine::Native {
        make.arg(format!("CXX={}", cpp_compiler(machine)));
    }
    process::run(make)?;
    Ok(examples.join("build/02_send_and_receive"))
}

/// A program that is linked as by Microsoft's tools gets the version of the interface.
fn by_msvc(target: &Target, machine: Machine) -> Result<()> {
    let folder = emptied(target, "by msvc")?;
    let program = msvc::program(&unpacked(target), &folder)?;
    beside(target, machine, &program)?;
    process::run(machine.command(&[], &program)).map(drop)
}

/// The C++ compiler beside the C compiler of another machine.
fn cpp_compiler(machine: Machine) -> String {
    machine.compiler().replace("gcc", "g++")
}

/// A program sends a text to the server and gets it back.
fn talks(target: &Target, machine: Machine, program: &Path, server: &Server) -> Result<()> {
    beside(target, machine, program)?;
    let mut command = machine.command(&[], program);
    command.args([&server.url, "echo", TEXT]);
    let said = process::run(command)?;
    ensure!(said.trim_end() == format!("echo: {TEXT}"), "it said: {said}");
    Ok(())
}

/// Windows looks for libraries beside the program.
fn beside(target: &Target, machine: Machine, program: &Path) -> Result<()> {
    if machine != Machine::Windows {
        return Ok(());
    }
    let folder = program.parent().context("a program lies in a folder")?;
    fs::copy(unpacked(target).join(target.library()), folder.join(target.library()))?;
    machine.prepare(folder)
}
