//! What the release library asks of the system that loads it.

use std::path::Path;

use anyhow::Result;

use crate::process;
use crate::report::Outcome;

/// The largest stripped library, in bytes.
const SIZE_LIMIT: u64 = 6_000_000;

/// Libraries that are on every Linux system with glibc. The loader has another name on each processor.
const NEEDED: &[&str] = &["libc.so.6", "libm.so.6", "libgcc_s.so.1"];
const LOADER: (&str, &str) = ("ld-linux", ".so");

/// Bytes of the table of functions that run at load, as in a Rust library without any of its own: one entry is the C
/// runtime's, one the standard library's.
const CONSTRUCTORS: u64 = 16;

/// Holds the library to the rules of a plugin that stays in the process.
pub fn step(library: &Path) -> Result<Outcome> {
    let size = std::fs::metadata(library)?.len();
    let dynamic = Dynamic::read(&readelf("--dynamic", library)?);
    let sections = readelf("--sections", library)?;
    let mut outcome = Outcome::default();
    for (rule, result) in rules(&dynamic) {
        outcome.count(rule, result);
    }
    outcome.count("stripped", holds(!sections.contains(".symtab"), || "it has a .symtab".to_owned()));
    outcome.count("size", holds(size < SIZE_LIMIT, || format!("{size} bytes, {SIZE_LIMIT} are the limit")));
    outcome.note = format!("{:.2} MB, needs {}", size as f64 / 1e6, dynamic.all("NEEDED").join(", "));
    Ok(outcome)
}

fn readelf(what: &str, library: &Path) -> Result<String> {
    let mut command = process::command("readelf");
    command.args(["--wide", what]).arg(library).env("LC_ALL", "C");
    process::run(command)
}

fn rules(dynamic: &Dynamic) -> Vec<(&'static str, Result<(), String>)> {
    let nodelete = dynamic.all("FLAGS_1").iter().any(|flags| flags.contains("NODELETE"));
    let names = dynamic.all("SONAME");
    let foreign: Vec<&str> = dynamic.all("NEEDED").into_iter().filter(|name| !is_system(name)).collect();
    let textrel = dynamic.has("TEXTREL") || dynamic.all("FLAGS").iter().any(|flags| flags.contains("TEXTREL"));
    let paths = [dynamic.all("RPATH"), dynamic.all("RUNPATH")].concat();
    let constructors = dynamic.all("INIT_ARRAYSZ").first().map_or(0, |size| number(size));
    vec![
        ("no constructor", holds(constructors <= CONSTRUCTORS, || "loading it would run code of its own".to_owned())),
        ("NODELETE", holds(nodelete, || "without it dlclose would unmap running code".to_owned())),
        ("SONAME", holds(names == ["libsocketio_plugin.so"], || format!("it is {names:?}"))),
        ("NEEDED", holds(foreign.is_empty(), || format!("not part of every system: {}", foreign.join(", ")))),
        ("no TEXTREL", holds(!textrel, || "code is relocated at load".to_owned())),
        ("no RPATH", holds(paths.is_empty(), || format!("it searches {}", paths.join(", ")))),
    ]
}

fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}

fn is_system(name: &str) -> bool {
    NEEDED.contains(&name) || (name.starts_with(LOADER.0) && name.contains(LOADER.1))
}

/// The number that a value such as `16 (bytes)` begins with.
fn number(value: &str) -> u64 {
    value.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}

/// The dynamic section: tags with their values.
struct Dynamic(Vec<(String, String)>);

impl Dynamic {
    /// Reads lines such as ` 0x0000000e (SONAME)  Library soname: [libx.so]`.
    fn read(text: &str) -> Dynamic {
        let entries = text.lines().filter_map(|line| {
            let (_, rest) = line.trim_start().strip_prefix("0x")?.split_once('(')?;
            let (tag, value) = rest.split_once(')')?;
            let value = value.split_once(": ").map_or(value, |(_, value)| value);
            Some((tag.to_owned(), value.trim().trim_matches(['[', ']']).to_owned()))
        });
        Dynamic(entries.collect())
    }

    fn all(&self, tag: &str) -> Vec<&str> {
        self.0.iter().filter(|(name, _)| name == tag).map(|(_, value)| value.as_str()).collect()
    }

    fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|(name, _)| name == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
Dynamic section at offset 0x2e0 contains 5 entries:
  Tag        Type                         Name/Value
 0x0000000000000001 (NEEDED)             Shared library: [libgcc_s.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x0000000000000001 (NEEDED)             Shared library: [ld-linux-x86-64.so.2]
 0x000000000000000e (SONAME)             Library soname: [libsocketio_plugin.so]
 0x000000006ffffffb (FLAGS_1)            Flags: NOW NODELETE
 0x000000000000001b (INIT_ARRAYSZ)       16 (bytes)
";

    /// The rules that a dynamic section breaks.
    fn broken(text: &str) -> Vec<&'static str> {
        let rules = rules(&Dynamic::read(text));
        rules.into_iter().filter(|(_, result)| result.is_err()).map(|(rule, _)| rule).collect()
    }

    #[test]
    fn a_good_library_breaks_no_rule() {
        assert_eq!(broken(GOOD), Vec::<&str>::new());
    }

    #[test]
    fn each_rule_can_be_broken() {
        assert_eq!(broken(&GOOD.replace(" NODELETE", "")), ["NODELETE"]);
        assert_eq!(broken(&GOOD.replace("16 (bytes)", "24 (bytes)")), ["no constructor"]);
        assert_eq!(broken(&GOOD.replace("[libsocketio_plugin.so]", "[libother.so]")), ["SONAME"]);
        assert_eq!(broken(&GOOD.replace("libgcc_s.so.1", "libssl.so.3")), ["NEEDED"]);
        assert_eq!(broken(&format!("{GOOD} 0x16 (TEXTREL)   0x0\n")), ["no TEXTREL"]);
        assert_eq!(broken(&format!("{GOOD} 0x1e (FLAGS)   TEXTREL BIND_NOW\n")), ["no TEXTREL"]);
        assert_eq!(broken(&format!("{GOOD} 0x1d (RUNPATH)  Library runpath: [/opt/lib]\n")), ["no RPATH"]);
        assert_eq!(broken(&format!("{GOOD} 0x0f (RPATH)  Library rpath: [$ORIGIN]\n")), ["no RPATH"]);
    }
}
