//! Where things lie on this machine is nobody's business, and would make each build another one: compilers write fixed names
//! in place of these folders, and what is packed is searched for them.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::toolchain::Toolchain;
use super::zig;
use crate::repository;

/// A folder of this machine, and the name for it.
pub type Mapping = (PathBuf, String);

/// Cargo's folder.
fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

/// The folders that source files come from, the outer ones first: of several that fit, compilers take the last.
pub fn mappings(source: &Path, build: &Path, toolchain: &Toolchain) -> Result<Vec<Mapping>> {
    let mut found = Vec::new();
    if let Some(home) = cargo_home() {
        found.push((home.clone(), "/cargo".to_owned()));
        // One folder for each registry, with its host in the name: a mirror must not make a difference.
        if let Ok(registries) = std::fs::read_dir(home.join("registry/src")) {
            let mut folders: Vec<PathBuf> = registries.flatten().map(|registry| registry.path()).collect();
            // Other flags would be another build.
            folders.sort();
            found.extend(folders.into_iter().map(|folder| (folder, "/registry".to_owned())));
        }
    }
    // Headers of C.
    found.push((zig::sources()?, "/zig".to_owned()));
    found.push((source.to_owned(), "/socketio-plugin".to_owned()));
    found.push((build.to_owned(), "/build".to_owned()));
    if let Some(library) = &toolchain.standard_library {
        let name = format!("/rust-{}/library", toolchain.version);
        // It is reached over a link; and if it lies below the sources, cargo names it from there on.
        for folder in [library.clone(), library.canonicalize()?] {
            found.extend(folder.strip_prefix(source).ok().map(|inside| (inside.to_owned(), name.clone())));
            found.push((folder, name.clone()));
        }
    }
    Ok(found)
}

/// What may not stand in any file that is packed.
pub fn forbidden() -> Vec<String> {
    let folders = [Some(repository::root()), cargo_home(), std::env::home_dir(), Some(std::env::temp_dir())];
    let folders = folders.into_iter().flatten().filter(|folder| folder.components().count() > 1);
    // With its end: "/root" alone may stand in any text.
    let mut found: Vec<String> = folders.map(|folder| format!("{}/", folder.display())).collect();
    found
        .extend(["target/tools/", "/site-packages/", "/rustlib/src/", "/.cargo/", "/registry/src/"].map(str::to_owned));
    // As tools make the name of a symbol of it.
    let root = repository::root().display().to_string();
    found.push(root.replace(|character: char| !character.is_ascii_alphanumeric(), "_") + "_target_");
    found.sort();
    found.dedup();
    found
}

/// What of it stands in a file, with what stands around it.
pub fn found_in(content: &[u8], forbidden: &[String]) -> Option<String> {
    let at = |text: &String| memchr(content, text.as_bytes());
    let (text, at) = forbidden.iter().find_map(|text| Some((text, at(text)?)))?;
    let around = &content[at.saturating_sub(40)..content.len().min(at + text.len() + 60)];
    Some(format!("{text}: ...{}...", String::from_utf8_lossy(around).escape_debug()))
}

/// Where a text begins among bytes.
fn memchr(content: &[u8], text: &[u8]) -> Option<usize> {
    let (first, rest) = text.split_first()?;
    let mut from = 0;
    while let Some(at) = content[from..].iter().position(|byte| byte == first) {
        if content[from + at + 1..].starts_with(rest) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_with_its_surroundings() {
        let forbidden = ["/home/anna/".to_owned()];
        assert_eq!(found_in(b"/home/an/home/bert", &forbidden), None);
        let found = found_in(b"\0x /home//home/anna/a.rs\0", &forbidden).unwrap();
        assert_eq!(found, "/home/anna/: ...\\0x /home//home/anna/a.rs\\0...");
    }

    #[test]
    fn folders_of_this_machine_are_forbidden() {
        let forbidden = forbidden();
        assert!(forbidden.contains(&format!("{}/", repository::root().display())));
        assert!(!forbidden.contains(&"/".to_owned()));
    }
}
