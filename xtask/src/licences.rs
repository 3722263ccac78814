//! `cargo xtask licences`: the licences of everything that is linked into the library, as one text for the release.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process;
use crate::repository;
use crate::spdx;

const FILE: &str = "licences/THIRD_PARTY_LICENCES.txt";

/// Beginnings of the names of files with licences and notices.
const NAMES: &[&str] = &["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// What the standard library is made of, under whose names it lies beside the compiler: the licence and whose it is.
const STANDARD_LIBRARY: &[(&str, &str, &str)] = &[
    ("addr2line", "MIT", "2016-2018 The gimli Developers"),
    ("adler2", "MIT", "Jonas Schievink"),
    ("cfg_if", "MIT", "2014 Alex Crichton"),
    (
        "compiler_builtins",
        "MIT AND Apache-2.0 WITH LLVM-exception",
        "Jorge Aparicio; Rich Felker (libm); the LLVM Project",
    ),
    ("gimli", "MIT", "2015 The Rust Project Developers"),
    ("hashbrown", "MIT", "2016 Amanieu d'Antras"),
    ("libc", "MIT", "The Rust Project Developers"),
    ("memchr", "MIT", "2015 Andrew Gallant"),
    ("miniz_oxide", "MIT", "2017 Frommi; 2017-2024 oyvindln; 2013-2014 RAD Game Tools and Valve Software"),
    ("object", "MIT", "2015 The Gimli Developers"),
    ("rustc_demangle", "MIT", "2014 Alex Crichton"),
];

/// Of the Rust project itself: parts of the standard library, and what lies beside it but is linked into no library.
const RUST_PROJECT: &str = "alloc core getopts panic_abort panic_unwind proc_macro profiler_builtins \
    rustc_literal_escaper rustc_std_workspace_alloc rustc_std_workspace_core rustc_std_workspace_std std \
    std_detect sysroot test unwind";

/// The package whose folder has the licence of the tables of Unicode, of which the standard library has some, too.
const UNICODE: &str = "unicode-ident";

pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let target = match arguments {
        [] => host()?,
        [target] => target.clone(),
        _ => bail!("one target is enough"),
    };
    let (text, note) = collect(&target, &StandardLibrary::installed(&target)?, Vec::new())?;
    let path = repository::target().join(FILE);
    fs::create_dir_all(path.parent().expect("it lies in a folder"))?;
    fs::write(&path, text)?;
    println!("{}: {note}", repository::shown(&path));
    Ok(ExitCode::SUCCESS)
}

/// The target that this machine builds for.
pub fn host() -> Result<String> {
    let mut rustc = process::command("rustc");
    rustc.args(["--print", "host-tuple"]);
    Ok(process::run(rustc)?.trim().to_owned())
}

/// A package that is linked, its licences and their texts.
pub struct Package {
    pub name: String,
    /// As the package states it.
    pub stated: String,
    pub taken: Vec<String>,
    /// Each with its name inside the package.
    pub texts: Vec<(String, String)>,
}

/// The standard library that is linked: its version, and the folder with its parts.
pub struct StandardLibrary {
    pub version: String,
    pub parts: PathBuf,
}

impl StandardLibrary {
    /// That of the installed compiler.
    pub fn installed(target: &str) -> Result<StandardLibrary> {
        let mut rustc = process::command("rustc");
        rustc.arg("--version");
        let version = process::run(rustc)?.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut rustc = process::command("rustc");
        rustc.args(["--print", "target-libdir", "--target", target]);
        Ok(StandardLibrary { version, parts: PathBuf::from(process::run(rustc)?.trim()) })
    }
}

/// The whole text for a target, and a few words on it. `linker` is what the linker adds of its own.
pub fn collect(target: &str, standard: &StandardLibrary, linker: Vec<Package>) -> Result<(String, String)> {
    let allowed = allowed(&repository::read("deny.toml")?)?;
    let known = known_packages(target)?;
    let mut packages = Vec::new();
    let mut wrong = Vec::new();
    for name in linked(target)? {
        let package = known.get(&name).with_context(|| format!("cargo does not know {name}"))?;
        match Package::read(&name, package, &allowed) {
            Ok(package) => packages.push(package),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(!packages.is_empty(), "cargo names no package that is linked");
    packages.extend(standard_library(standard, &known)?);
    packages.extend(linker);
    Ok(written(target, &packages))
}

/// The licences that deny.toml allows, in its order.
fn allowed(config: &str) -> Result<Vec<String>> {
    let list = config.split_once("\nallow = [").and_then(|(_, rest)| rest.split_once(']'));
    let list = list.context("deny.toml has no list of licences")?.0;
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// What cargo links, by name and version; what only runs in the compiler is left out.
pub fn linked(target: &str) -> Result<Vec<String>> {
    let mut cargo = process::cargo();
    cargo.args(["tree", "--package", "socketio-plugin", "--edges", "normal,no-proc-macro"]);
    cargo.args(["--target", target, "--prefix", "none", "--format", "{p}"]);
    let mut names: Vec<String> = Vec::new();
    for line in process::run(cargo)?.lines() {
        let (name, rest) = line.split_once(" v").with_context(|| format!("what is \"{line}\"?"))?;
        // Behind the version: where a package of this repository lies, or that the line was printed before.
        let version = rest.split(' ').next().unwrap_or_default();
        if name != "socketio-plugin" {
            names.push(format!("{name} {version}"));
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Every package of the lock file as cargo describes it, by name and version.
fn known_packages(target: &str) -> Result<BTreeMap<String, Value>> {
    let mut metadata = metadata(target)?;
    let packages = metadata["packages"].as_array_mut().context("cargo metadata names no packages")?;
    let named = |package: &Value| Some(format!("{} {}", package["name"].as_str()?, package["version"].as_str()?));
    Ok(packages.drain(..).filter_map(|package| Some((named(&package)?, package))).collect())
}

/// The packages of the lock file and how they depend on each other, as cargo says it.
pub fn metadata(target: &str) -> Result<Value> {
    let mut cargo = process::cargo();
    cargo.args(["metadata", "--quiet", "--format-version", "1", "--filter-platform", target]);
    serde_json::from_str(&process::run(cargo)?).context("cargo metadata")
}

impl Package {
    fn read(name: &str, package: &Value, allowed: &[String]) -> Result<Package> {
        let stated = package["license"].as_str().with_context(|| format!("{name} states no licence"))?;
        let alternatives = spdx::alternatives(stated).with_context(|| name.to_owned())?;
        let texts = texts(&folder(package)?)?;
        let has_text = |name: &String| texts.iter().any(|(_, text)| spdx::recognised(text).contains(&name.as_str()));
        // What the package itself has the text of comes before what would be liked better.
        let rank = |licences: &&Vec<String>| {
            let liked = licences.iter().map(|licence| allowed.iter().position(|allowed| allowed == licence));
            let liked: usize = liked.sum::<Option<usize>>()?;
            Some((licences.iter().filter(|licence| !has_text(licence)).count(), liked))
        };
        let taken = alternatives.iter().filter(|licences| rank(licences).is_some()).min_by_key(rank);
        let taken = taken.with_context(|| format!("{name}: deny.toml does not allow \"{stated}\""))?.clone();
        let others: Vec<&String> = alternatives.iter().flatten().filter(|licence| !taken.contains(licence)).collect();
        let mut kept: Vec<(String, String)> = texts
            .iter()
            .filter(|(_, text)| {
                // Only what stands for nothing but a licence that was not taken stays away.
                let found = spdx::recognised(text);
                found.is_empty() || !found.iter().all(|found| others.iter().any(|other| other == found))
            })
            .cloned()
            .collect();
        for licence in taken.iter().filter(|licence| !has_text(licence)) {
            let authors: Vec<&str> =
                package["authors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let whose = if authors.is_empty() { format!("the authors of {name}") } else { authors.join(", ") };
            let text = standard_text(licence, &whose)?;
            let text = text.with_context(|| format!("{name}: its package has no text of {licence}"))?;
            kept.push((format!("the standard text of {licence}"), text));
        }
        Ok(Package { name: name.to_owned(), stated: stated.to_owned(), taken, texts: kept })
    }
}

fn folder(package: &Value) -> Result<PathBuf> {
    let manifest = package["manifest_path"].as_str().context("cargo metadata names no manifest")?;
    Ok(Path::new(manifest).parent().context("a manifest lies in a folder")?.to_owned())
}

/// The licences and notices in a package, its subfolders included: code that was taken from elsewhere has its own.
fn texts(package: &Path) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![package.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            let is_text = ["", "txt", "md"].contains(&path.extension().unwrap_or_default().to_str().unwrap_or("?"));
            if path.is_dir() {
                folders.push(path);
            } else if is_text && NAMES.iter().any(|begin| name.starts_with(begin)) {
                let text = fs::read(&path).with_context(|| format!("reading {name}"))?;
                let lines = String::from_utf8_lossy(&text).lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
                let inside = path.strip_prefix(package)?.to_string_lossy().replace('\\', "/");
                found.push((inside, lines.trim_matches('\n').to_owned()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a licence that reads the same wherever it stands, but for whose the code is.
fn standard_text(licence: &str, whose: &str) -> Result<Option<String>> {
    Ok(match licence {
        "MIT" => {
            let own = repository::read("LICENSE-MIT")?;
            let lines = own.lines().map(|line| match line.starts_with("Copyright") {
                true => format!("Copyright (c) {whose}"),
                false => line.to_owned(),
            });
            Some(lines.collect::<Vec<_>>().join("\n").trim().to_owned())
        }
        "Apache-2.0" => Some(repository::read("LICENSE-APACHE")?.trim_matches('\n').to_owned()),
        _ => None,
    })
}

/// The standard library. It is no package of the lock file: what it is made of is seen from its files, and one that was
/// never heard of is an error.
fn standard_library(standard: &StandardLibrary, known: &BTreeMap<String, Value>) -> Result<Vec<Package>> {
    let StandardLibrary { version, parts } = standard;
    for file in repository::files(parts, "rlib")? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.strip_prefix("lib").unwrap_or(&name);
        let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
        let is_known = RUST_PROJECT.split_whitespace().any(|known| known == name)
            || STANDARD_LIBRARY.iter().any(|(known, ..)| *known == name);
        ensure!(is_known, "the standard library has a part whose licence nobody looked up: {name}");
    }
    let part = |name: String, stated: &str, whose: &str| -> Result<Package> {
        let text = standard_text("MIT", whose)?.expect("its text is ours");
        let texts = vec![("the standard text of MIT".to_owned(), text)];
        Ok(Package { name, stated: stated.to_owned(), taken: vec!["MIT".to_owned()], texts })
    };
    let name = format!("Rust standard library {version}");
    let mut own = part(name.clone(), "MIT OR Apache-2.0, Unicode-3.0 for tables", "The Rust Project Developers")?;
    let unicode = known.iter().find(|(name, _)| name.split(' ').next() == Some(UNICODE));
    let unicode = texts(&folder(unicode.with_context(|| format!("{UNICODE} is no longer there"))?.1)?)?;
    let unicode = unicode.into_iter().find(|(_, text)| spdx::recognised(text).contains(&"Unicode-3.0"));
    own.texts.push(("Unicode-3.0".to_owned(), unicode.context("the licence of Unicode is no longer there")?.1));
    own.taken.push("Unicode-3.0".to_owned());
    let mut parts = vec![own];
    for (inside, stated, whose) in STANDARD_LIBRARY {
        let mut part = part(format!("{name}, {inside}"), stated, whose)?;
        part.taken = spdx::alternatives(stated)?.concat();
        parts.push(part);
    }
    Ok(parts)
}

/// The text: who is in it, then each licence once with those it is of.
fn written(target: &str, packages: &[Package]) -> (String, String) {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts: Vec<(&str, Vec<String>)> = Vec::new();
    let mut list = String::new();
    for package in packages {
        let mut own = Vec::new();
        for (file, text) in &package.texts {
            let number = *numbers.entry(text).or_insert(texts.len());
            if number == texts.len() {
                texts.push((text, Vec::new()));
            }
            texts[number].1.push(format!("{} ({file})", package.name));
            own.push((number + 1).to_string());
        }
        let Package { name, stated, taken, .. } = package;
        let taken = taken.join(" AND ");
        let used = if *stated == taken { taken } else { format!("{taken}, of \"{stated}\"") };
        list.push_str(&format!("  {name}: {used}; text {}\n", own.join(", ")));
    }
    let mut out = format!(
        "Licences of others in socketio_plugin for {target}\n\n\
         The library has the software below linked into it. Each line says which licence it is used by,\n\
         what its authors offer, and the numbers of the texts that follow. Of the C library and the run-time\n\
         library of the C compiler, only what is listed is part of it; the rest is that of the system. What\n\
         only takes part in building is not listed.\n\n{list}"
    );
    for (number, (text, of)) in texts.iter().enumerate() {
        out.push_str(&format!("\n{}\nText {} of {}\n\n{text}\n", "=".repeat(100), number + 1, of.join(", ")));
    }
    let note = format!("{} packages and parts of the standard library, {} texts", packages.len(), texts.len());
    (out, note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(license: &str, folder: &Path) -> Value {
        serde_json::json!({ "license": license, "authors": ["Anna"], "manifest_path": folder.join("Cargo.toml") })
    }

    fn read(license: &str, files: &[(&str, &str)]) -> Result<Package> {
        let folder = tempfile(files);
        let allowed = ["MIT", "Apache-2.0", "ISC"].map(str::to_owned);
        let read = Package::read("a 1.0.0", &package(license, &folder), &allowed);
        fs::remove_dir_all(folder).unwrap();
        read
    }

    /// A folder of its own with these files.
    fn tempfile(files: &[(&str, &str)]) -> PathBuf {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("socketio-licences-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("src")).unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        folder
    }

    const MIT: &str = include_str!("../../LICENSE-MIT");
    const APACHE: &str = include_str!("../../LICENSE-APACHE");

    #[test]
    fn the_first_licence_with_a_text_is_taken() {
        let names = |package: &Package| package.texts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let both = read("Apache-2.0/MIT", &[("LICENSE-MIT", MIT), ("LICENSE-APACHE", APACHE)]).unwrap();
        assert_eq!((both.taken.concat(), names(&both)), ("MIT".to_owned(), vec!["LICENSE-MIT".to_owned()]));
        let one = read("MIT OR Apache-2.0", &[("LICENSE", APACHE), ("NOTICE", "by Anna"), ("src/a.rs", "")]).unwrap();
        assert_eq!(one.taken.concat(), "Apache-2.0");
        assert_eq!(names(&one), ["LICENSE", "NOTICE"]);
        // Code from elsewhere keeps its own.
        let inside = read("Apache-2.0", &[("LICENSE", APACHE), ("src/LICENSE", MIT)]).unwrap();
        assert_eq!(names(&inside), ["LICENSE", "src/LICENSE"]);
    }

    #[test]
    fn a_text_that_lacks_is_the_standard_one_with_its_authors() {
        let package = read("MIT", &[]).unwrap();
        assert!(package.texts[0].1.contains("\nCopyright (c) Anna\n"), "{}", package.texts[0].1);
        let error = |result: Result<Package>| result.err().map(|error| error.to_string());
        let expected = "a 1.0.0: its package has no text of ISC";
        assert_eq!(error(read("ISC", &[])).as_deref(), Some(expected));
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        let error = read("GPL-3.0 OR MIT AND LGPL-2.1", &[]).err().unwrap().to_string();
        assert_eq!(error, "a 1.0.0: deny.toml does not allow \"GPL-3.0 OR MIT AND LGPL-2.1\"");
        assert_eq!(allowed(&repository::read("deny.toml").unwrap()).unwrap()[0], "MIT");
    }
}
