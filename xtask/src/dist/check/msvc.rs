//! The import library as Microsoft's tools read it: an object for their linker, and LLVM's linker that takes its options.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::super::{toolchain, zig};
use crate::process;
use crate::repository;

const SOURCE: &str = "tests/dist/without_a_runtime.c";

/// The linker of LLVM that rustup installs beside the compiler, with the folder of its libraries.
pub fn linker() -> Option<(PathBuf, PathBuf)> {
    toolchain::beside_rustc("rust-lld")
}

/// Builds a program that calls the library through `lib/socketio_plugin.lib`.
pub fn program(unpacked: &Path, folder: &Path) -> Result<PathBuf> {
    let object = folder.join("entry.obj");
    let mut compiler = zig::command("cc");
    compiler.args(["-target", "x86_64-windows-msvc", "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-c"]);
    compiler.arg("-I").arg(unpacked.join("include")).arg(repository::root().join(SOURCE)).arg("-o").arg(&object);
    process::run(compiler)?;
    let program = folder.join("entry.exe");
    let (lld, libraries) = linker().context("rust-lld is gone")?;
    let mut link = process::command(lld);
    link.env("LD_LIBRARY_PATH", libraries);
    link.args(["-flavor", "link", "/nologo", "/nodefaultlib", "/entry:entry", "/subsystem:console"]);
    let mut out = std::ffi::OsString::from("/out:");
    out.push(&program);
    link.arg(out).arg(object).arg(unpacked.join("lib/socketio_plugin.lib"));
    process::run(link)?;
    Ok(program)
}
