//! What lies in the archives: all that is named, nothing else, and nothing of the machine that made them.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::super::manifest;
use super::super::paths;
use super::super::target::{System, Target};
use super::super::{SUMS, folder};
use super::unpacked;
use crate::process;
use crate::report::Outcome;

pub fn step(target: &Target) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let archives = target.archives();
    let mut sums = process::command("sha256sum");
    sums.args(["--check", "--strict", "--quiet", "--ignore-missing", SUMS]).current_dir(folder());
    outcome.count(SUMS, process::run(sums).map(drop).map_err(|error| format!("{error:#}")));
    let unpacked = unpacked(target);
    let into = unpacked.parent().expect("it lies in a folder");
    if into.exists() {
        fs::remove_dir_all(into)?;
    }
    fs::create_dir_all(into)?;
    let [archive, debug] = archives.map(|name| folder().join(name));
    unpack(&archive, into)?;
    let with_modes = target.system == System::Linux;
    let wrong = manifest::differences(&unpacked, with_modes)?;
    outcome.count(manifest::NAME, if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) });
    unpack(&debug, into)?;
    let files = manifest::present(&unpacked, with_modes)?;
    let forbidden = paths::forbidden();
    let found = files.iter().filter_map(|file| Some((file, paths::found_in(&file.content, &forbidden)?)));
    let found: Vec<String> = found.map(|(file, found)| format!("{}: {found}", file.path)).collect();
    outcome.count("no paths of this machine", if found.is_empty() { Ok(()) } else { Err(found.join("\n")) });
    let size: usize = files.iter().map(|file| file.content.len()).sum();
    outcome.note = format!("{} files, {:.1} MB unpacked, symbols included", files.len(), size as f64 / 1e6);
    Ok(outcome)
}

/// Unpacks by other programs than those that packed.
fn unpack(archive: &Path, into: &Path) -> Result<()> {
    let ending = archive.extension().unwrap_or_default();
    if ending == "gz" {
        let mut tar = process::command("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(into);
        return process::run(tar).map(drop);
    }
    // Not every machine has programs for these.
    let mut python = process::command("python3");
    python.args(["-m", if ending == "zip" { "zipfile" } else { "tarfile" }, "-e"]).arg(archive).arg(into);
    process::run(python).map(drop)
}
