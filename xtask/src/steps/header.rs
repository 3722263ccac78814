//! The header compiles everywhere: each C and C++ standard, each compiler, without a warning, included twice. And it
//! still is what hosts were built with, by the records in `abi/`.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};

use crate::process;
use crate::report::{Case, Outcome};
use crate::repository;
use crate::steps::{exports, tools};

const C_STANDARDS: &[&str] = &["c89", "c99", "c11", "c17", "c2x"];
const CPP_STANDARDS: &[&str] = &["c++98", "c++11", "c++14", "c++17", "c++20"];

/// What `abi/` records of the header: in which file, how its lines begin, and what has to be in it.
struct Record {
    file: &'static str,
    line: fn(&str) -> String,
    names: fn(&str) -> BTreeSet<String>,
}

const RECORDS: &[Record] = &[
    Record { file: "abi/functions.c", line: |name| format!(" {name}, ("), names: exports::declared },
    Record { file: LAYOUT, line: |name| format!("SIZE({name}, "), names: structs },
    Record { file: "abi/constants.c", line: |name| format!("CONSTANT({name}, "), names: constants },
];

/// The layout is recorded for these; no compiler for them is needed, only its front end.
const TARGETS: &[&str] = &[
    "x86_64-linux-gnu",
    "aarch64-linux-gnu",
    "x86_64-pc-windows-msvc",
    "i686-linux-gnu",
    "armv7-linux-gnueabihf",
    "i686-pc-windows-msvc",
];
const LAYOUT: &str = "abi/layout.c";

/// The version of the interface is the one number that changes.
const VERSION: &str = "SOCKETIO_ABI_VERSION";

pub fn step() -> Result<Outcome> {
    let header = repository::read("include/socketio_plugin.h")?;
    let mut outcome = Outcome::default();
    for record in RECORDS {
        let missing = missing(record, &header, &repository::read(record.file)?);
        let result = if missing.is_empty() { Ok(()) } else { Err(format!("it lacks {}", missing.join(", "))) };
        outcome.count(record.file, result);
    }
    let mut used = Vec::new();
    for (c, cpp) in tools::compilers() {
        used.push(c);
        matrix(&mut outcome, c, "c", C_STANDARDS);
        if let Some(cpp) = cpp {
            used.push(cpp);
            matrix(&mut outcome, cpp, "c++", CPP_STANDARDS);
        }
    }
    match process::find("clang") {
        Some(_) => targets(&mut outcome),
        None => outcome.skipped.push(Case::new(LAYOUT, "other processors: install the Debian package clang")),
    }
    outcome.count("README.md", readme());
    let standards = C_STANDARDS.len() + CPP_STANDARDS.len();
    outcome.note = format!("{}, {standards} standards, layout on {} targets", used.join(", "), TARGETS.len());
    Ok(outcome)
}

/// The host that the README shows is one that compiles.
fn readme() -> Result<(), String> {
    let compiled = || -> Result<()> {
        let text = repository::read("README.md")?;
        let (_, rest) = text.split_once("```c\n").context("README.md shows no host in C")?;
        let (host, _) = rest.split_once("```").context("the host in README.md has no end")?;
        let file = repository::target().join("readme.c");
        fs::write(&file, host)?;
        compile("cc", "c", "c99", &file.to_string_lossy())
    };
    compiled().map_err(|error| format!("{error:#}"))
}

/// What the header has and the record has not.
fn missing(record: &Record, header: &str, text: &str) -> Vec<String> {
    let names = (record.names)(header).into_iter();
    names.filter(|name| !text.contains(&(record.line)(name))).collect()
}

/// The structs and unions that a header defines.
fn structs(header: &str) -> BTreeSet<String> {
    let ends = header.lines().filter_map(|line| line.strip_prefix("} ")?.strip_suffix(';'));
    ends.map(str::to_owned).collect()
}

/// The numbers that a header defines.
fn constants(header: &str) -> BTreeSet<String> {
    let defined = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
    let numbers = defined.filter(|(_, value)| value.starts_with(|first: char| first.is_ascii_digit() || first == '('));
    numbers.map(|(name, _)| name.to_owned()).filter(|name| name != VERSION).collect()
}

/// Compiles each record in every standard of a language.
fn matrix(outcome: &mut Outcome, compiler: &str, language: &str, standards: &[&str]) {
    for standard in standards {
        for Record { file, .. } in RECORDS {
            let result = compile(compiler, language, standard, file);
            outcome.count(format!("{compiler} -std={standard} {file}"), result.map_err(|error| format!("{error:#}")));
        }
    }
}

/// Compiles the record of the layout for each target, and that of the functions where a host may be built with another
/// calling convention than theirs. The system's headers are not needed for either.
fn targets(outcome: &mut Outcome) {
    let mut count = |target: &str, file: &str, option: &[&str], what: &str| {
        let mut command = process::command("clang");
        command.args(["-target", target, "-ffreestanding", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        command.args(["-fsyntax-only", "-Iinclude", file]).args(option);
        let result = process::run(command).map(drop).map_err(|error| format!("{error:#}"));
        outcome.count(format!("{file} for {target}{what}"), result);
    };
    for target in TARGETS {
        count(target, LAYOUT, &[], "");
    }
    for convention in ["stdcall", "fastcall", "vectorcall"] {
        let option = ["-Xclang", &format!("-fdefault-calling-conv={convention}")];
        count("i686-pc-windows-msvc", "abi/functions.c", &option, &format!(" by {convention}"));
    }
}

fn compile(compiler: &str, language: &str, standard: &str, file: &str) -> Result<()> {
    let mut command = process::command(compiler);
    command.arg(format!("-std={standard}"));
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-Iinclude", "-x", language, file]);
    process::run(command).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#define SOCKETIO_PLUGIN_H\n#define SOCKETIO_OK 0\n#define SOCKETIO_E_X (-1)\n\
        #define SOCKETIO_ABI_VERSION 65536\n#    define SOCKETIO_API\n\
        typedef struct socketio_x_t {\n  int a;\n} socketio_x_t;\n\nSOCKETIO_API int socketio_f(void);\n";

    #[test]
    fn everything_that_a_header_defines_is_found() {
        let names = |record: &Record| (record.names)(HEADER).into_iter().collect::<Vec<_>>();
        assert_eq!(names(&RECORDS[0]), ["socketio_f"]);
        assert_eq!(names(&RECORDS[1]), ["socketio_x_t"]);
        assert_eq!(names(&RECORDS[2]), ["SOCKETIO_E_X", "SOCKETIO_OK"]);
    }

    #[test]
    fn what_is_not_recorded_is_named() {
        assert_eq!(missing(&RECORDS[0], HEADER, "DECLARED(int, socketio_f, (void));"), Vec::<String>::new());
        assert_eq!(missing(&RECORDS[0], HEADER, "DECLARED(int, socketio_g, (void));"), ["socketio_f"]);
        assert_eq!(missing(&RECORDS[1], HEADER, "SIZE(socketio_x_t, 4);"), Vec::<String>::new());
        assert_eq!(missing(&RECORDS[2], HEADER, "CONSTANT(SOCKETIO_OK, 0);"), ["SOCKETIO_E_X"]);
    }
}
