//! Debian's `rustc-web`: a Rust compiler together with the sources of the standard library, for targets that the installed
//! toolchain has no standard library for. Its packages are unpacked into the build folder, never installed: apt checks their
//! signatures, and no other compiler of this machine is touched.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::repository;

const COMPILER: &str = "rustc-web";
/// Where it comes from, for a machine without it.
pub const ADVICE: &str =
    "Debian 12 with its security archive (apt-get update) has rustc-web, which is then unpacked, not installed";

fn folder() -> PathBuf {
    repository::target().join("tools/debian-rust")
}

/// The folder with `bin/rustc`, if its packages can be had.
pub fn rust() -> Result<PathBuf> {
    let folder = folder();
    let root = folder.join("unpacked");
    let installed = folder.join("installed.txt");
    let packages = packages()?;
    let wanted = packages.join("\n");
    if root.is_dir() && fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(root.join("usr"));
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let downloads = folder.join("downloads");
    fs::create_dir_all(&downloads)?;
    // The user that apt downloads as must be allowed to write, or it complains.
    let mut apt = process::command("apt-get");
    apt.args(["download", "-qq", "-o", "APT::Sandbox::User=root"]).args(&packages).current_dir(&downloads);
    process::run(apt).context("apt-get could not download Debian's rustc-web")?;
    for package in repository::files(&downloads, "deb")? {
        let mut dpkg = process::command("dpkg-deb");
        dpkg.arg("--extract").arg(package).arg(&root);
        process::run(dpkg)?;
    }
    fs::remove_dir_all(downloads)?;
    fs::write(installed, wanted)?;
    Ok(root.join("usr"))
}

/// Makes the unpacked packages a part of a copy of this repository, too, without copying what they hold.
pub fn link_into(copy: &Path) -> Result<PathBuf> {
    let root = folder().join("unpacked");
    let there = copy.join(root.strip_prefix(repository::root())?);
    link(&root, &there)?;
    Ok(there.join("usr"))
}

fn link(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            link(&entry.path(), &to)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, to)?;
        } else {
            fs::hard_link(entry.path(), to)?;
        }
    }
    Ok(())
}

/// The packages with their versions, such as `rustc-web=1.96.0+dfsg1-1`: the compiler, its own libraries, and the sources
/// of the standard library.
fn packages() -> Result<Vec<String>> {
    ensure!(process::find("apt-get").is_some() && process::find("dpkg-deb").is_some(), "there is no apt-get");
    let (version, depends) = shown(COMPILER)?;
    let library = dependency(&depends, "libstd-rust-web-dev").context("rustc-web has no standard library")?;
    let (_, depends) = shown(&library)?;
    let shared = dependency(&depends, "libstd-rust-web-").context("rustc-web has no shared library")?;
    let (_, depends) = shown(&shared)?;
    let llvm = dependency(&depends, "libllvm").context("rustc-web has no LLVM")?;
    let (llvm_version, _) = shown(&llvm)?;
    let same = [COMPILER, &library, &shared, "rust-web-src"].map(|name| format!("{name}={version}"));
    Ok(same.into_iter().chain([format!("{llvm}={llvm_version}")]).collect())
}

/// The version of a package that apt would take, and what it depends on.
fn shown(package: &str) -> Result<(String, String)> {
    let mut apt = process::command("apt-cache");
    apt.args(["show", "--no-all-versions", package]).env("LC_ALL", "C");
    let text = process::run(apt).with_context(|| format!("apt does not know {package}"))?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    Ok((
        field("Version:").with_context(|| format!("apt does not know {package}"))?,
        field("Depends:").unwrap_or_default(),
    ))
}

/// The first package of a `Depends` line whose name begins so.
fn dependency(depends: &str, begin: &str) -> Option<String> {
    let names = depends.split([',', '|']).filter_map(|part| part.split_whitespace().next());
    names.map(str::to_owned).find(|name| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_found_by_the_beginning_of_their_names() {
        let depends = "libc6 (>= 2.34), libllvm22, libstd-rust-web-dev (= 1.96.0+dfsg1-1), gcc | clang";
        assert_eq!(dependency(depends, "libstd-rust-web-").as_deref(), Some("libstd-rust-web-dev"));
        assert_eq!(dependency(depends, "libllvm").as_deref(), Some("libllvm22"));
        assert_eq!(dependency(depends, "clang").as_deref(), Some("clang"));
        assert_eq!(dependency(depends, "mingw"), None);
    }
}
