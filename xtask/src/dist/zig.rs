//! Zig's C compiler and cargo-zigbuild, in an environment of their own: they link for the C library of ten years ago and for
//! another processor, and make import libraries for Windows. Python packages, at the hashes of `requirements.txt`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::repository;

const REQUIREMENTS: &str = include_str!("requirements.txt");

fn folder() -> PathBuf {
    repository::target().join("tools/zig")
}

/// Zig's version, as its Python package has it.
pub fn version() -> &'static str {
    REQUIREMENTS.split_once("ziglang==").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or_default()
}

/// Where the sources of what Zig links in lie, with their licences.
pub fn sources() -> Result<PathBuf> {
    let libraries = fs::read_dir(folder().join("lib"))?;
    let found = libraries.flatten().map(|entry| entry.path().join("site-packages/ziglang/lib"));
    found.into_iter().find(|path| path.is_dir()).context("Zig has no folder of libraries")
}

/// Installs them unless they are installed from this very list.
pub fn install() -> Result<()> {
    let folder = folder();
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(());
    }
    let mut python = process::command("python3");
    python.args(["-m", "venv", "--clear"]).arg(&folder);
    process::run(python).context("no Python environment could be made: install the Debian package python3-venv")?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    let mut pip = process::command(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]);
    pip.args(["--only-binary", ":all:", "--requirement"]).arg(&requirements);
    process::run(pip).context("pip could not install ziglang and cargo-zigbuild")?;
    fs::rename(requirements, installed)?;
    Ok(())
}

/// `zig` with its own folder for what it keeps.
pub fn command(tool: &str) -> Command {
    let mut command = process::command(folder().join("bin/python"));
    command.args(["-m", "ziglang", tool]);
    with_caches(&mut command);
    command
}

/// `cargo zigbuild`.
pub fn cargo_zigbuild() -> Command {
    let mut command = process::command(folder().join("bin/cargo-zigbuild"));
    command.arg("zigbuild");
    command.env("CARGO", std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.env("CARGO_ZIGBUILD_PYTHON_PATH", folder().join("bin/python"));
    command.env("CARGO_ZIGBUILD_CACHE_DIR", repository::target().join("tools/zig-cache/zigbuild"));
    with_caches(&mut command);
    command
}

fn with_caches(command: &mut Command) {
    let cache = repository::target().join("tools/zig-cache");
    command.env("ZIG_GLOBAL_CACHE_DIR", cache.join("global")).env("ZIG_LOCAL_CACHE_DIR", cache.join("local"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_is_pinned_by_version_and_hash() {
        assert!(version().split('.').count() == 3, "{}", version());
        let lines = REQUIREMENTS.lines().filter(|line| !line.starts_with('#'));
        let packages: Vec<&str> = lines.clone().filter(|line| !line.starts_with(' ')).collect();
        assert!(packages.iter().all(|line| line.contains("==") && line.ends_with('\\')), "{packages:?}");
        assert_eq!(lines.filter(|line| line.contains("--hash=sha256:")).count(), 2 * packages.len());
    }
}
