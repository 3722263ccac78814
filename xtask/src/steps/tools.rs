//! The tools that the tests need, and how to get the missing ones.

use anyhow::Result;

use crate::process;
use crate::report::Outcome;

/// The oldest major version of Node.js that the test server runs on.
const NODE_MAJOR: u32 = 18;

/// A tool that must be there: its names, any of which will do, and the Debian package that has it.
const NEEDED: &[(&[&str], &str)] = &[
    (&["cargo"], "cargo"),
    (&["gcc", "clang"], "gcc"),
    (&["make"], "make"),
    (&["node"], "nodejs"),
    (&["npm"], "npm"),
    (&["nm"], "binutils"),
    (&["readelf"], "binutils"),
];

/// Names every missing tool, with the way to get it.
pub fn step() -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut versions = Vec::new();
    for (names, package) in NEEDED {
        let result = present(names, package);
        if let Ok(version) = &result {
            versions.push(version.clone());
        }
        outcome.count(names[0], result.map(drop));
    }
    outcome.note = versions.join(", ");
    Ok(outcome)
}

/// The first of these tools that is installed, with its version.
fn present(names: &[&str], package: &str) -> Result<String, String> {
    let advice = format!("install the Debian package {package}");
    let Some(name) = names.iter().find(|name| process::find(name).is_some()) else {
        return Err(format!("{} is missing: {advice}", names.join(" or ")));
    };
    let version = version(name).ok_or_else(|| format!("{name} does not tell its version: {advice}"))?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if *name == "node" && major.is_none_or(|major| major < NODE_MAJOR) {
        return Err(format!("node {version} is too old, {NODE_MAJOR} or newer is needed: {advice}"));
    }
    Ok(format!("{name} {version}"))
}

/// What `name --version` says.
fn version(name: &str) -> Option<String> {
    let mut command = process::command(name);
    command.arg("--version");
    version_number(&process::run(command).ok()?)
}

/// The version in the first line of what a tool says of itself: the last word that begins with a digit.
fn version_number(text: &str) -> Option<String> {
    let mut line = text.lines().next()?.to_owned();
    // What stands in brackets is the packager's.
    if let (Some(begin), Some(end)) = (line.find('('), line.find(')')) {
        line.replace_range(begin..=end, "");
    }
    let mut words = line.split_whitespace().map(|word| word.trim_start_matches('v'));
    words.rfind(|word| word.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned)
}

/// The C compilers that are installed, each with its C++ compiler if that is too.
pub fn compilers() -> Vec<(&'static str, Option<&'static str>)> {
    let pairs = [("gcc", "g++"), ("clang", "clang++")];
    let present = pairs.into_iter().filter(|(c, _)| process::find(c).is_some());
    present.map(|(c, cpp)| (c, process::find(cpp).map(|_| cpp))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        for (text, version) in [
            ("v20.20.2\n", "20.20.2"),
            ("10.8.2\n", "10.8.2"),
            ("cargo 1.95.0 (59807616e 2026-04-14)\n", "1.95.0"),
            ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright\n", "12.2.0"),
            ("GNU Make 4.3\n", "4.3"),
            ("Debian clang version 14.0.6\n", "14.0.6"),
        ] {
            assert_eq!(version_number(text).as_deref(), Some(version), "{text}");
        }
        assert_eq!(version_number("no number\n"), None);
    }

    #[test]
    fn a_missing_tool_is_named_with_its_package() {
        let error = present(&["no-such-tool", "nor-this"], "a-package").unwrap_err();
        assert_eq!(error, "no-such-tool or nor-this is missing: install the Debian package a-package");
    }
}
