//! What the release library asks of the system that loads it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::process;
use crate::report::Outcome;

/// The largest stripped library, in bytes.
const SIZE_LIMIT: u64 = 6_000_000;

/// Libraries that are on every Linux system with glibc. The loader has another name on each processor.
const NEEDED: &[&str] = &["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libgcc_s.so.1"];
const LOADER: (&str, &str) = ("ld-linux", ".so");

/// The newest version of each symbol set that the library may ask for: a system that has these can load it. What is built
/// here asks for the C library of a system like this one; an archive asks for less.
const GLIBC_HERE: &[u32] = &[2, 34];
const GCC: &[u32] = &[4, 2, 0];

/// Text that only a debug build may hold: the switch that makes it fail on purpose.
const DEBUG_ONLY: &str = "SOCKETIO_FAILPOINT";

/// Bytes of the table of functions that run at load, as in a Rust library without any of its own: one entry is the C
/// runtime's, one the standard library's.
const CONSTRUCTORS: u64 = 16;

/// Holds the library to the rules of a plugin that stays in the process.
pub fn step(library: &Path) -> Result<Outcome> {
    step_for(library, GLIBC_HERE)
}

/// The same for a library that is to be loaded where this is the version of the C library.
pub fn step_for(library: &Path, glibc: &[u32]) -> Result<Outcome> {
    let size = std::fs::metadata(library)?.len();
    let dynamic = Dynamic::read(&readelf("--dynamic", library)?);
    let sections = readelf("--sections", library)?;
    let mut outcome = Outcome::default();
    for (rule, result) in rules(&dynamic) {
        outcome.count(rule, result);
    }
    outcome.count("stripped", holds(!sections.contains(".symtab"), || "it has a .symtab".to_owned()));
    for (rule, result) in segments(&readelf("--segments", library)?) {
        outcome.count(rule, result);
    }
    let versions = Versions::read(&readelf("--version-info", library)?);
    let newer = versions.newer(glibc);
    outcome.count("symbol versions", holds(newer.is_empty(), || format!("not on every system: {}", newer.join(", "))));
    let failpoint = holds_text(&std::fs::read(library)?, DEBUG_ONLY);
    outcome.count("no failpoint", holds(!failpoint, || format!("it holds {DEBUG_ONLY}")));
    outcome.count("size", holds(size < SIZE_LIMIT, || format!("{size} bytes, {SIZE_LIMIT} are the limit")));
    let needed = dynamic.all("NEEDED").join(", ");
    outcome.note = format!("{:.2} MB, needs {needed}; {}", size as f64 / 1e6, versions.newest());
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
    let now = [dynamic.all("FLAGS"), dynamic.all("FLAGS_1")].concat().iter().any(|flags| flags.contains("NOW"));
    vec![
        ("BIND_NOW", holds(now, || "functions are looked up while it runs".to_owned())),
        ("no constructor", holds(constructors <= CONSTRUCTORS, || "loading it would run code of its own".to_owned())),
        ("NODELETE", holds(nodelete, || "without it dlclose would unmap running code".to_owned())),
        ("SONAME", holds(names == ["libsocketio_plugin.so"], || format!("it is {names:?}"))),
        ("NEEDED", holds(foreign.is_empty(), || format!("not part of every system: {}", foreign.join(", ")))),
        ("no TEXTREL", holds(!textrel, || "code is relocated at load".to_owned())),
        ("no RPATH", holds(paths.is_empty(), || format!("it searches {}", paths.join(", ")))),
    ]
}

/// What the program header says of memory: what is relocated once is read-only after that, and no stack runs code.
fn segments(text: &str) -> Vec<(&'static str, Result<(), String>)> {
    let flags = |kind: &str| {
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(kind))?;
        // Type, offset, two addresses, two sizes, flags of up to three words, alignment.
        let words: Vec<&str> = line.split_whitespace().collect();
        Some(words.get(6..words.len() - 1)?.concat())
    };
    let stack = flags("GNU_STACK");
    vec![
        ("RELRO", holds(flags("GNU_RELRO").is_some(), || "relocated data stays writable".to_owned())),
        (
            "no code on stacks",
            holds(stack.is_some_and(|flags| !flags.contains('E')), || "its stack runs code".to_owned()),
        ),
    ]
}

fn holds_text(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The symbol versions that the library asks for, such as GLIBC 2.34.
struct Versions(BTreeSet<(String, Vec<u32>)>);

impl Versions {
    /// Reads lines such as `  0x0010:   Name: GLIBC_2.34  Flags: none  Version: 4`.
    fn read(text: &str) -> Versions {
        let names = text.lines().filter_map(|line| line.split_once("Name: ")?.1.split_whitespace().next());
        let versions = names.filter_map(|name| {
            let (set, version) = name.rsplit_once('_')?;
            let numbers = version.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>();
            Some((set.to_owned(), numbers.ok()?))
        });
        Versions(versions.collect())
    }

    /// Those that are not on every system with this C library.
    fn newer(&self, glibc: &[u32]) -> Vec<String> {
        let limit = |set: &str| match set {
            "GLIBC" => Some(glibc),
            "GCC" => Some(GCC),
            _ => None,
        };
        let newer = self.0.iter().filter(|(set, version)| limit(set).is_none_or(|limit| version.as_slice() > limit));
        newer.map(Versions::shown).collect()
    }

    /// The newest of each set.
    fn newest(&self) -> String {
        let newest = ["GLIBC", "GCC"].iter().filter_map(|name| self.0.iter().rfind(|(set, _)| set == name));
        newest.map(Versions::shown).collect::<Vec<_>>().join(", ")
    }

    fn shown((set, version): &(String, Vec<u32>)) -> String {
        let numbers: Vec<String> = version.iter().map(u32::to_string).collect();
        format!("{set} {}", numbers.join("."))
    }
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
        assert_eq!(broken(&GOOD.replace("NOW ", "")), ["BIND_NOW"]);
        assert_eq!(broken(&GOOD.replace("16 (bytes)", "24 (bytes)")), ["no constructor"]);
        assert_eq!(broken(&GOOD.replace("[libsocketio_plugin.so]", "[libother.so]")), ["SONAME"]);
        assert_eq!(broken(&GOOD.replace("libgcc_s.so.1", "libssl.so.3")), ["NEEDED"]);
        assert_eq!(broken(&format!("{GOOD} 0x16 (TEXTREL)   0x0\n")), ["no TEXTREL"]);
        assert_eq!(broken(&format!("{GOOD} 0x1e (FLAGS)   TEXTREL BIND_NOW\n")), ["no TEXTREL"]);
        assert_eq!(broken(&format!("{GOOD} 0x1d (RUNPATH)  Library runpath: [/opt/lib]\n")), ["no RPATH"]);
        assert_eq!(broken(&format!("{GOOD} 0x0f (RPATH)  Library rpath: [$ORIGIN]\n")), ["no RPATH"]);
    }

    #[test]
    fn segments_say_what_is_writable_and_what_runs() {
        const GOOD: &str = "  GNU_RELRO  0x3bb580 0x3bd580 0x3bd580 0x01ad70 0x01ba80 R   0x1\n  \
            GNU_STACK  0x000000 0x000000 0x000000 0x000000 0x000000 RW  0\n   03  .tdata .relro_padding\n";
        let broken = |text: &str| -> Vec<&'static str> {
            segments(text).into_iter().filter(|(_, result)| result.is_err()).map(|(rule, _)| rule).collect()
        };
        assert_eq!(broken(GOOD), Vec::<&str>::new());
        assert_eq!(broken(&GOOD.replace("RW ", "RWE")), ["no code on stacks"]);
        assert_eq!(broken(&GOOD.replace("RW ", "R E")), ["no code on stacks"]);
        assert_eq!(broken(&GOOD.replace("GNU_", "OTHER_")), ["RELRO", "no code on stacks"]);
    }

    #[test]
    fn symbol_versions_are_compared_number_by_number() {
        let versions = |names: &[&str]| {
            let lines = names.iter().map(|name| format!("  0x0010:   Name: {name}  Flags: none  Version: 4\n"));
            Versions::read(&lines.collect::<String>())
        };
        let good = versions(&["GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.34", "GCC_4.2.0"]);
        assert_eq!(good.newer(&[2, 34]), Vec::<String>::new());
        assert_eq!(good.newer(&[2, 17]), ["GLIBC 2.34"]);
        assert_eq!(good.newest(), "GLIBC 2.34, GCC 4.2.0");
        assert_eq!(versions(&["GLIBC_2.100", "CXXABI_1.3"]).newer(GLIBC_HERE), ["CXXABI 1.3", "GLIBC 2.100"]);
    }

    #[test]
    fn text_is_found_among_bytes() {
        assert!(holds_text(b"\0\xffSOCKETIO_FAILPOINT\0", DEBUG_ONLY));
        assert!(!holds_text(b"SOCKETIO_FAIL POINT", DEBUG_ONLY));
    }
}
