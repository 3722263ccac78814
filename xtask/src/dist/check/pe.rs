//! A DLL of Windows, as objdump of MinGW shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};

use super::super::target::Target;
use crate::process;
use crate::report::Outcome;
use crate::repository;
use crate::steps::exports;

const OBJDUMP: &str = "x86_64-w64-mingw32-objdump";

/// Libraries of every Windows since 10. The second list are sets of functions, whose names go on.
const SYSTEM: &str = "advapi32 bcrypt bcryptprimitives crypt32 kernel32 msvcrt ncrypt ntdll secur32 ucrtbase userenv \
    winhttp ws2_32";
const SETS: &[&str] = &["api-ms-win-core-", "api-ms-win-crt-"];

/// What the loader does for safety, if it is told to: other addresses each time, also above 4 GB, and no code in data.
const FLAGS: &[&str] = &["DYNAMIC_BASE", "HIGH_ENTROPY_VA", "NX_COMPAT"];

pub fn step(target: &Target, library: &Path) -> Result<Outcome> {
    let text = headers(library)?;
    let mut outcome = Outcome::default();
    let exported = exported(&text);
    let declared = exports::declared(&repository::read("include/socketio_plugin.h")?);
    let same = exported.keys().cloned().collect::<BTreeSet<String>>() == declared;
    outcome.count("exported functions", holds(same, || format!("exported: {exported:?}, declared: {declared:?}")));
    let needed = needed(&text);
    let foreign: Vec<&String> = needed.iter().filter(|name| !is_system(name)).collect();
    outcome.count("needed libraries", holds(!needed.is_empty() && foreign.is_empty(), || format!("{foreign:?}")));
    for flag in FLAGS {
        outcome.count(*flag, holds(text.lines().any(|line| line.trim() == *flag), || "it is not set".to_owned()));
    }
    let name = text.lines().find_map(|line| line.trim().strip_prefix("Name ")?.split_whitespace().last());
    outcome.count("its name", holds(name == Some(target.library()), || format!("it is {name:?}")));
    let stamps: Vec<&str> = text.lines().filter(|line| line.starts_with("Time/Date stamp")).collect();
    let unstamped = stamps
        .iter()
        .all(|line| line.split_whitespace().last().is_some_and(|stamp| stamp.trim_matches('0').is_empty()));
    outcome.count("no time of the build", holds(unstamped, || stamps.join("\n")));
    let sections: Vec<&str> = text.lines().filter(|line| line.contains(".debug_")).collect();
    outcome.count("no debug symbols", holds(sections.is_empty(), || sections.join("\n")));
    let size = std::fs::metadata(library)?.len();
    let needed: Vec<String> = needed.into_iter().collect();
    outcome.note = format!("{:.2} MB, needs {}", size as f64 / 1e6, needed.join(", "));
    Ok(outcome)
}

/// Where a function lies once the library is loaded at the address that it asks for, as debug symbols have it.
pub fn address(library: &Path, function: &str) -> Result<u64> {
    let text = headers(library)?;
    let base = text.lines().find_map(|line| line.strip_prefix("ImageBase")).context("it has no ImageBase")?;
    let inside = *exported(&text).get(function).with_context(|| format!("{function} is not exported"))?;
    Ok(u64::from_str_radix(base.trim(), 16)? + inside)
}

fn headers(library: &Path) -> Result<String> {
    let mut objdump = process::command(OBJDUMP);
    objdump.args(["-p", "-h"]).arg(library).env("LC_ALL", "C");
    process::run(objdump)
}

/// The functions, each with its address from the library's beginning on. The first table has addresses by ordinal, as in
/// `[   2] +base[   3] 184e20 Export RVA`, the second one names, as in `[   2] name`.
fn exported(text: &str) -> BTreeMap<String, u64> {
    let after = |head: &str| {
        let table = text.split_once(head).map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
        let rows = table.lines().filter_map(|line| {
            let (number, rest) = line.trim().strip_prefix('[')?.split_once(']')?;
            Some((number.trim().parse::<u32>().ok()?, rest.trim().to_owned()))
        });
        rows.collect::<Vec<_>>()
    };
    let addresses: BTreeMap<u32, u64> = after("Export Address Table -- Ordinal Base 1\n")
        .into_iter()
        .filter_map(|(ordinal, row)| {
            let address = row.split(']').nth(1)?.split_whitespace().next()?;
            Some((ordinal, u64::from_str_radix(address, 16).ok()?))
        })
        .collect();
    let names = after("[Ordinal/Name Pointer] Table").into_iter();
    let named =
        names.filter_map(|(ordinal, row)| Some((row.split_whitespace().last()?.to_owned(), *addresses.get(&ordinal)?)));
    named.collect()
}

/// The libraries that it is loaded with, in small letters.
fn needed(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("DLL Name: "));
    names.map(|name| name.trim().to_lowercase()).collect()
}

fn is_system(name: &str) -> bool {
    let known = name.strip_suffix(".dll").is_some_and(|name| SYSTEM.split_whitespace().any(|known| known == name));
    known || SETS.iter().any(|set| name.starts_with(set))
}

fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ImageBase\t\t0000000180000000\n\n\tDLL Name: KERNEL32.dll\n\tDLL Name: evil.dll\n\n\
        Export Address Table -- Ordinal Base 1\n\t[   0] +base[   1] 184e20 Export RVA\n\
        \t[   1] +base[   2] 17ffb0 Export RVA\n\n[Ordinal/Name Pointer] Table\n\t[   1] b\n\t[   0] a\n\n";

    #[test]
    fn exports_have_their_addresses() {
        assert_eq!(exported(TEXT), BTreeMap::from([("a".to_owned(), 0x18_4e20), ("b".to_owned(), 0x17_ffb0)]));
        // As binutils 2.41 and newer write the second table.
        let newer = TEXT.replace("[   1] b", "[   1] +base[   2]  0000 b");
        assert_eq!(exported(&newer), exported(TEXT));
        assert!(exported("").is_empty());
    }

    #[test]
    fn libraries_of_others_are_told_from_those_of_windows() {
        let needed = needed(TEXT);
        assert_eq!(needed.iter().map(String::as_str).collect::<Vec<_>>(), ["evil.dll", "kernel32.dll"]);
        assert!(is_system("kernel32.dll") && is_system("api-ms-win-core-synch-l1-2-0.dll"));
        assert!(!is_system("evil.dll") && !is_system("kernel32") && !is_system("libgcc_s_seh-1.dll"));
    }
}
