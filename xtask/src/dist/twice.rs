//! The same sources make the same bytes: a library is built again from a copy in another folder, into another one; what lies
//! around it in the archives is made again where it is.

use std::fs;

use anyhow::Result;

use super::build::{self, Built, Place};
use super::manifest::sha256;
use super::target::Target;
use super::toolchain::Toolchain;
use super::{folder, pack};
use crate::report::Outcome;
use crate::repository;

/// What of the repository takes no part in a build.
const LEFT_OUT: &[&str] = &[".git", "target", "node_modules"];

/// Builds and packs again, and compares with what lies there.
pub fn step(target: &Target, toolchain: &Toolchain) -> Result<Outcome> {
    // Longer, deeper and with a space: what of it gets into a file is seen.
    let source = folder().join("twice/another folder/socketio");
    let build = folder().join("twice/build again");
    if folder().join("twice").exists() {
        fs::remove_dir_all(folder().join("twice"))?;
    }
    repository::copy_folder(&repository::root(), &source, LEFT_OUT)?;
    let epoch = build::epoch()?;
    let in_copy = toolchain.in_copy(&source)?;
    let toolchain = in_copy.as_ref().unwrap_or(toolchain);
    let built = build::library(target, toolchain, &Place { source: &source, folder: &build, epoch })?;
    let mut outcome = Outcome::default();
    let first = build::folder().join(target.triple).join("dist/apart");
    for file in [&built.library, &built.symbols] {
        let name = file.file_name().unwrap_or_default();
        outcome.count(name.to_string_lossy(), same(&fs::read(first.join(name))?, &fs::read(file)?));
    }
    let Built { library, symbols } = built;
    for archive in pack(target, toolchain, &Built { library, symbols }, epoch)? {
        outcome.count(&archive.name, same(&fs::read(folder().join(&archive.name))?, &archive.content));
    }
    outcome.note = "the library built again elsewhere, the archives packed again: byte for byte the same".to_owned();
    if outcome.failed.is_empty() {
        fs::remove_dir_all(folder().join("twice"))?;
    }
    Ok(outcome)
}

fn same(first: &[u8], second: &[u8]) -> Result<(), String> {
    if first == second {
        return Ok(());
    }
    let at = first.iter().zip(second).position(|(a, b)| a != b);
    let at = at.map_or("where one ends".to_owned(), |at| format!("at byte {at}"));
    let sizes = format!("{} and {} bytes", first.len(), second.len());
    Err(format!("{} and {}: {sizes}, they differ {at}", sha256(first), sha256(second)))
}
