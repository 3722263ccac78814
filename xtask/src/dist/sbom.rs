//! The parts list of a library, as CycloneDX 1.6 wants it: every package of the lock file that is linked in, with its licence,
//! its checksum and what it depends on; the standard library as one part, in the version of its compiler; what the linker adds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::linked;
use super::manifest::sha256;
use super::target::{self, Target};
use super::toolchain::Toolchain;
use super::zig;
use crate::licences;
use crate::repository;

pub const NAME: &str = "sbom.cdx.json";

/// The package that all others are there for.
const OURS: &str = "socketio-plugin";

/// The parts list of a library whose file is this.
pub fn of(target: &Target, toolchain: &Toolchain, library: &[u8], epoch: u64) -> Result<String> {
    let metadata = licences::metadata(target.triple)?;
    let linked: BTreeSet<String> = licences::linked(target.triple)?.into_iter().collect();
    let packages = Packages::read(&metadata, &linked, &checksums(&repository::read("Cargo.lock")?))?;
    let ours = format!("pkg:generic/{OURS}@{}", target::version());
    let mut components = packages.components;
    let mut depends = packages.depends;
    let mut own = depends.remove(OURS).context("cargo metadata does not know this package")?;
    let parts = [("Rust standard library", "MIT OR Apache-2.0", toolchain.version.as_str(), "rust-std")];
    let linker = linked::names(target).into_iter().map(|(name, licence)| (name, licence, "", ""));
    for (name, licence, version, short) in parts.into_iter().chain(linker) {
        let short = if short.is_empty() { name.replace([' ', ','], "-").to_lowercase() } else { short.to_owned() };
        let reference = if version.is_empty() { short } else { format!("pkg:generic/{short}@{version}") };
        let mut component = json!({
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "licenses": [{ "expression": licence }],
        });
        if !version.is_empty() {
            component["version"] = version.into();
            component["purl"] = reference.clone().into();
        }
        components.push(component);
        own.insert(reference.clone());
        depends.insert(reference, BTreeSet::new());
    }
    depends.insert(ours.clone(), own);
    let mut tools = vec![json!({ "type": "application", "name": "rustc", "version": toolchain.version })];
    if target.system == target::System::Linux {
        tools.push(json!({ "type": "application", "name": "zig", "version": zig::version() }));
    }
    let dependencies: Vec<Value> =
        depends.into_iter().map(|(from, to)| json!({ "ref": from, "dependsOn": to })).collect();
    let mut bom = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            // Of the sources, as that of every file in the archive.
            "timestamp": timestamp(epoch)?,
            "tools": { "components": tools },
            "component": {
                "type": "library",
                "bom-ref": ours,
                "name": OURS,
                "version": target::version(),
                "hashes": [{ "alg": "SHA-256", "content": sha256(library) }],
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                "purl": ours,
                "properties": [
                    { "name": "target", "value": target.triple },
                    { "name": "file", "value": target.library() },
                ],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    bom["serialNumber"] = serial_number(&bom.to_string()).into();
    Ok(serde_json::to_string_pretty(&bom)? + "\n")
}

/// What cargo says of packages, as components and as their dependencies.
struct Packages {
    components: Vec<Value>,
    depends: BTreeMap<String, BTreeSet<String>>,
}

impl Packages {
    /// Reads those that are linked, by name and version.
    fn read(metadata: &Value, linked: &BTreeSet<String>, checksums: &BTreeMap<String, String>) -> Result<Packages> {
        let mut references: BTreeMap<&str, String> = BTreeMap::new();
        let mut components = Vec::new();
        for package in metadata["packages"].as_array().context("cargo metadata names no packages")? {
            let text = |field: &str| package[field].as_str().with_context(|| format!("a package has no {field}"));
            let (id, name, version) = (text("id")?, text("name")?, text("version")?);
            let known = format!("{name} {version}");
            if name == OURS {
                references.insert(id, OURS.to_owned());
            } else if linked.contains(&known) {
                let reference = format!("pkg:cargo/{name}@{version}");
                let checksum = checksums.get(&known).with_context(|| format!("{known} has no checksum"))?;
                components.push(json!({
                    "type": "library",
                    "bom-ref": reference,
                    "name": name,
                    "version": version,
                    "hashes": [{ "alg": "SHA-256", "content": checksum }],
                    "licenses": [{ "expression": text("license")?.replace('/', " OR ") }],
                    "purl": reference,
                }));
                references.insert(id, reference);
            }
        }
        components.sort_by_key(|component| component["purl"].as_str().map(str::to_owned));
        let mut depends: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata["resolve"]["nodes"].as_array().context("cargo metadata resolves nothing")? {
            let Some(from) = node["id"].as_str().and_then(|id| references.get(id)) else { continue };
            let normal = node["deps"].as_array().into_iter().flatten().filter(|dependency| {
                let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
                kinds.into_iter().any(|kind| kind["kind"].is_null())
            });
            let to = normal.filter_map(|dependency| references.get(dependency["pkg"].as_str()?).cloned());
            depends.insert(from.clone(), to.collect());
        }
        Ok(Packages { components, depends })
    }
}

/// The checksums of a lock file, by name and version of the package.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let packages = lock.split("[[package]]").skip(1);
    let read = packages.filter_map(|package| {
        let field = |name: &str| {
            let value = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
            value.map(|value| value.trim_end_matches('"').to_owned())
        };
        Some((format!("{} {}", field("name")?, field("version")?), field("checksum")?))
    });
    read.collect()
}

fn timestamp(epoch: u64) -> Result<String> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(epoch)?)?;
    let (date, (hour, minute, second)) = (time.date(), time.time().as_hms());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// A number of its own for each content, and the same for the same: a UUID of version 8, which says nothing of its digits.
fn serial_number(content: &str) -> String {
    let digits = sha256(content.as_bytes());
    let part = |from: usize, to: usize| &digits[from..to];
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(12, 15), part(15, 18), part(18, 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_read_from_the_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"00ff\"\n\n\
            [[package]]\nname = \"own\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n";
        assert_eq!(checksums(lock), BTreeMap::from([("a 1.0.0".to_owned(), "00ff".to_owned())]));
    }

    #[test]
    fn packages_that_are_linked_are_components_with_their_dependencies() {
        let normal = json!([{ "kind": null }]);
        let package = |name: &str| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Zlib" });
        let metadata = json!({
            "packages": [package("b"), package("a"), package(OURS), package("tool")],
            "resolve": { "nodes": [
                { "id": OURS, "deps": [{ "pkg": "b", "dep_kinds": normal }, { "pkg": "tool", "dep_kinds": normal }] },
                { "id": "b", "deps": [{ "pkg": "a", "dep_kinds": normal }] },
                { "id": "a", "deps": [{ "pkg": "b", "dep_kinds": [{ "kind": "build" }] }] },
                { "id": "tool", "deps": [{ "pkg": "a", "dep_kinds": normal }] },
            ] },
        });
        let linked = ["a 1.0.0", "b 1.0.0"].map(str::to_owned);
        let checksums = linked.iter().map(|name| (name.clone(), "00ff".to_owned())).collect();
        let read = Packages::read(&metadata, &BTreeSet::from(linked.clone()), &checksums).unwrap();
        let names: Vec<&str> = read.components.iter().map(|component| component["purl"].as_str().unwrap()).collect();
        assert_eq!(names, ["pkg:cargo/a@1.0.0", "pkg:cargo/b@1.0.0"]);
        assert_eq!(read.components[0]["licenses"][0]["expression"], "MIT OR Zlib");
        let depends = |name: &str| read.depends[name].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(depends(OURS), ["pkg:cargo/b@1.0.0"]);
        assert_eq!(depends("pkg:cargo/b@1.0.0"), ["pkg:cargo/a@1.0.0"]);
        assert_eq!(depends("pkg:cargo/a@1.0.0"), [""; 0]);
        assert_eq!(read.depends.len(), 3);
        // A package without a checksum is none of the lock file.
        assert!(Packages::read(&metadata, &BTreeSet::from(linked), &BTreeMap::new()).is_err());
    }

    #[test]
    fn times_and_numbers_have_their_forms() {
        assert_eq!(timestamp(1_700_000_000).unwrap(), "2023-11-14T22:13:20Z");
        let number = serial_number("a");
        assert_eq!(number.len(), "urn:uuid:".len() + 36);
        assert_eq!(number, serial_number("a"));
        assert_ne!(number, serial_number("b"));
    }
}
