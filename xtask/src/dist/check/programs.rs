//! The C harness and the studio run against an unpacked archive. All of the harness runs natively, in `cargo xtask test`:
//! here are the cases that a build for another system, by another compiler and linker, may break.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::super::target::Target;
use super::{builds, unpacked};
use crate::process;
use crate::report::Outcome;
use crate::steps::cases::Run;
use crate::steps::harness::{self, Build, Selection};
use crate::steps::machine::Machine;

/// The programs by the beginnings of their names: each function, threads and memory of the process, then each way to a
/// server.
const PROGRAMS: &[&str] = &[
    "api_",
    SIDE_BY_SIDE,
    "load_cycles",
    "flow_send",
    "flow_receive",
    "flow_tls",
    "flow_upgrade",
    "flow_proxy",
    "misuse_host",
    "reach_",
];

/// The one that loads two libraries.
pub const SIDE_BY_SIDE: &str = "load_copies";

/// The folder of the programs below the build folder.
fn folder(machine: Machine) -> &'static str {
    match machine {
        Machine::Native => "dist/harness",
        Machine::Aarch64 => "dist/harness-aarch64",
        Machine::Windows => "dist/harness-windows",
    }
}

/// The programs as they are built with the header of the archive.
pub fn build(target: &Target, machine: Machine) -> Build {
    Build { include: unpacked(target).join("include"), ..Build::on(machine, folder(machine)) }
}

/// Builds the programs, and runs them with the library of the archive.
pub fn harness(target: &Target, machine: Machine) -> Result<Outcome> {
    let wanted = |program: &str| PROGRAMS.iter().any(|begin| program.starts_with(begin));
    let built = harness::build_as(&build(target, machine), wanted)?;
    let library = unpacked(target).join(target.library());
    let wanted = |run: &Run| runs(run, machine);
    let selection = Selection { build: build(target, machine), library, filter: None, wanted: &wanted, rounds: 1 };
    let mut outcome = harness::run(selection)?;
    // Those that do not compile are not run, and must be told.
    outcome.failed.extend(built.failed);
    Ok(outcome)
}

/// The ways to a server that differ in what they ask of the system.
const WAYS: &[&str] = &["npm4+websocket", "npm4+polling", "npm4+tls+automatic"];

/// What counts to ten thousand takes a minute where a machine is played by a program.
const LONG: &str = "start_and_stop_ten_thousand_times";

fn runs(run: &Run, machine: Machine) -> bool {
    match (harness::kind(&run.program), run.label) {
        // A library is the same whatever transport a flow runs on.
        ("flow", label) => label.is_none(),
        ("reach", label) => label.is_some_and(|label| WAYS.contains(&label)),
        _ => machine == Machine::Native || run.case != LONG,
    }
}

/// Where the studio of the archive is built.
pub fn studio_program(target: &Target, machine: Machine) -> PathBuf {
    builds(target, "studio").join(format!("studio{}", machine.suffix()))
}

/// The demo: the studio of the archive loads the plugin that lies beside it, and runs the demo's project.
pub fn studio(target: &Target, machine: Machine) -> Result<Outcome> {
    let unpacked = unpacked(target);
    let folder = builds(target, "studio");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    machine.prepare(&folder)?;
    let program = studio_program(target, machine);
    let mut compiler = process::command(machine.compiler());
    compiler.args(machine.compiler_flags()).args(["-Wall", "-Wextra", "-Werror", "-O1"]);
    compiler.args(if machine == Machine::Windows { &[][..] } else { &["-D_POSIX_C_SOURCE=200809L"] });
    compiler.arg("-I").arg(unpacked.join("include"));
    for entry in fs::read_dir(unpacked.join("examples/studio"))? {
        let source = entry?.path();
        if source.extension().is_some_and(|ending| ending == "c") {
            compiler.arg(source);
        }
    }
    compiler.arg("-o").arg(&program).args(machine.linker_flags());
    process::run(compiler)?;
    let mut studio = machine.command(&[], &program);
    studio.arg("run").arg(machine.path(&unpacked.join("examples/demo/project.json")));
    studio.arg("--plugins").arg(machine.path(&unpacked));
    studio.arg("--preferences").arg(machine.path(&folder.join("preferences.json")));
    let mut demo = process::command(std::env::current_exe()?);
    demo.args(["demo", "--studio"]).arg(studio.get_program()).args(studio.get_args());
    for (name, value) in studio.get_envs() {
        match value {
            Some(value) => demo.env(name, value),
            None => demo.env_remove(name),
        };
    }
    let said = process::run(demo)?;
    let last = said.lines().last().context("the demo said nothing")?;
    if !last.ends_with("steps were seen") {
        bail!("{said}");
    }
    Ok(Outcome::done(last))
}
