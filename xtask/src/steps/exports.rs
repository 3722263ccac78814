//! The functions of the boundary: the header declares them, the library exports them, and `abi/` records them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use socketio_plugin::abi::types::SOCKETIO_ABI_VERSION;

use crate::process;
use crate::report::Outcome;
use crate::repository;

/// The committed record: a function a line, with the version of the interface that brought it.
const RECORD: &str = "abi/symbols.txt";

/// Compares header, library and record, each way.
pub fn step(library: &Path) -> Result<Outcome> {
    let declared = declared(&repository::read("include/socketio_plugin.h")?);
    let exported = exported(library)?;
    let mut outcome = Outcome::default();
    outcome.count("exported functions", same("the library exports", &exported, "the header declares", &declared));
    match recorded(&repository::read(RECORD)?, SOCKETIO_ABI_VERSION) {
        Ok(recorded) => outcome.count(RECORD, same(RECORD, &recorded, "the header declares", &declared)),
        Err(error) => outcome.count(RECORD, Err(error)),
    }
    outcome.note = format!("{} functions in {}", exported.len(), repository::shown(library));
    Ok(outcome)
}

/// The functions that a header declares.
pub fn declared(header: &str) -> BTreeSet<String> {
    let code: Vec<&str> = header.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let code = code.join("\n");
    let declarations = code.split("SOCKETIO_API ").skip(1);
    let names = declarations.filter_map(|declaration| {
        let before = declaration.split('(').next()?;
        before.rsplit(|character: char| !character.is_ascii_alphanumeric() && character != '_').next()
    });
    names.map(str::to_owned).collect()
}

/// Everything that the library defines for others.
fn exported(library: &Path) -> Result<BTreeSet<String>> {
    let mut command = process::command("nm");
    command.args(["--dynamic", "--defined-only", "--format=posix"]).arg(library);
    Ok(symbols(&process::run(command)?))
}

/// The names in `nm`'s lines.
fn symbols(nm: &str) -> BTreeSet<String> {
    nm.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The functions of the record. Each line is `name major.minor`, sorted, and no version lies ahead of `abi_version`.
fn recorded(record: &str, abi_version: u32) -> Result<BTreeSet<String>, String> {
    let current = (abi_version >> 16, abi_version & 0xffff);
    let mut names: Vec<&str> = Vec::new();
    for line in record.lines() {
        let parsed = line.split_once(' ').and_then(|(name, version)| {
            let (major, minor) = version.split_once('.')?;
            Some((name, (major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)))
        });
        let Some((name, version)) = parsed else {
            return Err(format!("\"{line}\" is not a name and a version such as 1.0"));
        };
        if version > current {
            return Err(format!("{line}: the interface is at {}.{} only", current.0, current.1));
        }
        if names.last().is_some_and(|last| *last >= name) {
            return Err(format!("{name} is out of order or stands twice"));
        }
        names.push(name);
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Says what one side has and the other has not.
fn same(a_title: &str, a: &BTreeSet<String>, b_title: &str, b: &BTreeSet<String>) -> Result<(), String> {
    if a.is_empty() {
        return Err(format!("{a_title}: nothing"));
    }
    let only = |title: &str, these: &BTreeSet<String>, others: &BTreeSet<String>| {
        let names = these.difference(others).map(|name| format!("only {title}: {name}\n"));
        names.collect::<String>()
    };
    let differences = only(a_title, a, b) + &only(b_title, b, a);
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn declarations_are_found_and_the_macro_is_not() {
        let header = "#  define SOCKETIO_API __declspec(dllimport)\n#    define SOCKETIO_API\n\
            /* A comment. */\nSOCKETIO_API uint32_t one(void);\n\
            SOCKETIO_API const struct desc_t *two(void (*done)(void *context), int a);\n";
        assert_eq!(declared(header), set(&["one", "two"]));
    }

    #[test]
    fn the_real_header_has_functions() {
        let header = repository::read("include/socketio_plugin.h").unwrap();
        assert!(declared(&header).contains("socketio_abi_version"));
    }

    #[test]
    fn names_are_read_from_nm() {
        assert_eq!(symbols("one T 1000 20\nrust_x D 2000 8\n"), set(&["one", "rust_x"]));
    }

    #[test]
    fn a_missing_or_extra_function_is_named() {
        let error = same("A has", &set(&["x", "y"]), "B has", &set(&["y", "z"])).unwrap_err();
        assert_eq!(error, "only A has: x\nonly B has: z\n");
        assert_eq!(same("A", &set(&["x"]), "B", &set(&["x"])), Ok(()));
        assert!(same("A", &set(&[]), "B", &set(&[])).is_err());
    }

    #[test]
    fn the_record_is_sorted_and_versioned() {
        assert_eq!(recorded("a 1.0\nb 1.2\n", 0x1_0002), Ok(set(&["a", "b"])));
        assert!(recorded("a 1.3\n", 0x1_0002).unwrap_err().contains("1.2 only"));
        assert!(recorded("b 1.0\na 1.0\n", 0x1_0000).unwrap_err().contains("out of order"));
        assert!(recorded("a 1.0\na 1.0\n", 0x1_0000).unwrap_err().contains("twice"));
        assert!(recorded("a\n", 0x1_0000).unwrap_err().contains("not a name and a version"));
    }
}
