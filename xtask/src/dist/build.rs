//! Builds the library for a target so that it comes out the same, byte for byte, wherever it is built; and parts it from its
//! debug symbols.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};

use super::paths::{self, Mapping};
use super::target::{GLIBC, System, Target};
use super::toolchain::{self, MINGW, Toolchain};
use super::zig;
use crate::process;
use crate::repository;

const PROFILE: &str = "dist";

/// What Zig links in of its own (the unwinder, parts of the C library) has debug symbols that name Zig's folder. Nobody
/// debugs it: they are left out.
const OWN_SYMBOLS_ONLY: &str = "\
SECTIONS { /DISCARD/ : { *unwind.a:*(.debug_*) *c_nonshared.a:*(.debug_*) *compiler_rt.a:*(.debug_*) } }
INSERT AFTER .comment;
";

/// A build: the library as it is shipped, and its debug symbols.
pub struct Built {
    pub library: PathBuf,
    pub symbols: PathBuf,
}

/// Where the sources lie, where they are built, and the date that stands for that of the build.
pub struct Place<'a> {
    pub source: &'a Path,
    pub folder: &'a Path,
    pub epoch: u64,
}

/// Seconds since 1970 that stand for the time of the build: `SOURCE_DATE_EPOCH`, or the last commit. One for the whole run,
/// even if something is committed meanwhile.
pub fn epoch() -> Result<u64> {
    static EPOCH: OnceLock<u64> = OnceLock::new();
    if let Some(epoch) = EPOCH.get() {
        return Ok(*epoch);
    }
    let epoch = read_epoch()?;
    Ok(*EPOCH.get_or_init(|| epoch))
}

fn read_epoch() -> Result<u64> {
    let seconds = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds,
        Err(_) => {
            let mut git = process::command("git");
            git.args(["log", "-1", "--format=%ct"]);
            process::run(git)
                .context("no git tells the date of these sources: set SOURCE_DATE_EPOCH to it, in seconds")?
        }
    };
    seconds.trim().parse().context("SOURCE_DATE_EPOCH is no number of seconds")
}

/// Builds it.
pub fn library(target: &Target, toolchain: &Toolchain, place: &Place) -> Result<Built> {
    fetch(target, place.source)?;
    fs::create_dir_all(place.folder)?;
    let mappings = paths::mappings(place.source, place.folder, toolchain)?;
    let mut command = match target.system {
        System::Linux => {
            let mut command = zig::cargo_zigbuild();
            let version: Vec<String> = GLIBC.iter().map(u32::to_string).collect();
            command.args(["--target", &format!("{}.{}", target.triple, version.join("."))]);
            command
        }
        System::Windows => {
            let mut command = process::cargo();
            command.args(["build", "--target", target.triple]);
            command.env(format!("CARGO_TARGET_{}_LINKER", underscored(target).to_uppercase()), MINGW);
            command.env(format!("CC_{}", underscored(target)), MINGW);
            command.env(format!("AR_{}", underscored(target)), MINGW.replace("gcc", "ar"));
            command
        }
    };
    command.current_dir(place.source);
    command.args(["--locked", "--quiet", "--lib", "--package", "socketio-plugin", "--profile", PROFILE]);
    command.arg("--target-dir").arg(place.folder);
    if toolchain.standard_library.is_some() {
        command.arg("-Zbuild-std=std,panic_unwind");
    }
    command.envs(toolchain.environment.iter().map(|(name, value)| (name, value)));
    command.env("SOURCE_DATE_EPOCH", place.epoch.to_string());
    command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", rust_flags(target, place.folder, &mappings)?);
    // Each flag in quotes: a folder may have spaces in its name.
    command.env("CC_SHELL_ESCAPED_FLAGS", "1").env(format!("CFLAGS_{}", underscored(target)), c_flags(&mappings));
    process::run(command)?;
    apart(target, &place.folder.join(target.triple).join(PROFILE))
}

/// Fetches the packages, so that the folder of each registry is there before its name is needed.
fn fetch(target: &Target, source: &Path) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["fetch", "--quiet", "--target", target.triple]).current_dir(source);
    process::run(cargo).map(drop)
}

fn underscored(target: &Target) -> String {
    target.triple.replace('-', "_")
}

fn rust_flags(target: &Target, folder: &Path, mappings: &[Mapping]) -> Result<OsString> {
    let mut flags: Vec<OsString> = Vec::new();
    for (from, to) in mappings {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push(format!("={to}"));
        flags.push(flag);
    }
    // Half as large as version 4, without the index by names: debuggers make their own.
    flags.extend(["-Cdwarf-version=5", "-Cllvm-args=-accel-tables=Disable"].map(OsString::from));
    if target.system == System::Linux {
        let script = folder.join("own-symbols-only.ld");
        fs::write(&script, OWN_SYMBOLS_ONLY)?;
        let mut flag = OsString::from("-Clink-arg=-Wl,-T,");
        flag.push(script);
        flags.push(flag);
        // By it a debugger finds the symbols that belong to a library.
        flags.push("-Clink-arg=-Wl,--build-id=sha1".into());
    }
    Ok(flags.join(&OsString::from("\x1f")))
}

fn c_flags(mappings: &[Mapping]) -> OsString {
    // Lines are enough, as for Rust.
    let mut flags = OsString::from("-g1 ");
    for (from, to) in mappings {
        flags.push(format!("'-ffile-prefix-map={}={to}' ", from.display().to_string().replace('\'', "'\\''")));
    }
    flags
}

/// Parts the library from its debug symbols. It keeps their name and checksum, by which debuggers find them.
fn apart(target: &Target, folder: &Path) -> Result<Built> {
    let whole = folder.join(target.library());
    let apart = folder.join("apart");
    fs::create_dir_all(&apart)?;
    let library = apart.join(target.library());
    let symbols = apart.join(format!("{}.debug", target.library()));
    let mut keep = objcopy(target)?;
    keep.arg("--only-keep-debug");
    if target.system == System::Windows {
        // The compiler imports what is the system's by libraries in a folder that has another name each time, which these
        // symbols have in theirs.
        keep.args(["--wildcard", "--strip-symbol=*_imports_lib*"]);
    }
    keep.arg(&whole).arg(&symbols);
    process::run(keep)?;
    let mut strip = objcopy(target)?;
    let mut link = OsString::from("--add-gnu-debuglink=");
    link.push(&symbols);
    strip.arg("--strip-all").arg(link).arg(&whole).arg(&library);
    process::run(strip)?;
    Ok(Built { library, symbols })
}

/// LLVM's objcopy, which knows each target, or that of the target.
fn objcopy(target: &Target) -> Result<Command> {
    if let Some((tool, libraries)) = toolchain::beside_rustc("rust-objcopy") {
        let mut command = process::command(tool);
        command.env("LD_LIBRARY_PATH", libraries);
        return Ok(command);
    }
    let own = match target.machine() {
        Some(machine) => machine.compiler().replace("gcc", "objcopy").replace("clang", "objcopy"),
        None => "llvm-objcopy".to_owned(),
    };
    let tool = process::find("llvm-objcopy").or_else(|| process::find(&own));
    tool.map(process::command).context("llvm-objcopy is missing: install the Debian package llvm")
}

/// Where a library is built for the release.
pub fn folder() -> PathBuf {
    repository::target().join("dist/build")
}
