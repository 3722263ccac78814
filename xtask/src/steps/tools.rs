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
    (&["python3"], "python3-venv"),
    (&["nginx"], "nginx"),
    (&["redis-server"], "redis-server"),
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

/// What is wrong with one of the tools that are needed, and how to get it.
pub fn missing(tool: &str) -> Option<String> {
    let (names, package) = NEEDED.iter().find(|(names, _)| names.contains(&tool))?;
    present(names, package).err()
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
    if *name == "python3" && !makes_environments() {
        return Err(format!("python3 {version} makes no virtual environments: {advice}"));
    }
    Ok(format!("{name} {version}"))
}

/// What `name --version` says.
pub fn version(name: &str) -> Option<String> {
    let mut command = process::command(process::find(name)?);
    command.arg(if name == "nginx" { "-v" } else { "--version" });
    version_number(&process::run(command).ok()?)
}

/// Debian's python3 can't do this without a package of its own.
fn makes_environments() -> bool {
    let mut command = process::command("python3");
    command.args(["-c", "import ensurepip, venv"]);
    process::run(command).is_ok()
}

/// The version in the first line of what a tool says of itself: the first word of numbers with dots.
fn version_number(text: &str) -> Option<String> {
    let mut line = text.lines().next()?.to_owned();
    // What stands in brackets is the packager's.
    if let (Some(begin), Some(end)) = (line.find('('), line.find(')')) {
        line.replace_range(begin..=end, "");
    }
    let mut words = line.split([' ', '/', '=']).map(|word| word.trim_start_matches('v'));
    words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.')).map(str::to_owned)
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
            ("nginx version: nginx/1.22.1\n", "1.22.1"),
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=5e9bf2\n", "7.0.15"),
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
