//! Library and harness under tools that watch them: AddressSanitizer and ThreadSanitizer, built into both sides of the
//! boundary, and valgrind.
//!
//! A tool that finds nothing may be one that does not look. So each has to report the bugs of `tests/c/planted_bugs.c`
//! first; the library has its share of them in `src/abi/planted.rs`, in these builds only.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;
use crate::report::Outcome;
use crate::repository::{self, Profile};
use crate::steps::cases::Run;
use crate::steps::harness::{self, Build, PLANTED, Selection, kind};
use crate::steps::tools;

/// What watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    Address,
    Thread,
    MemoryCheck,
}

/// In the build folder: libraries and programs for these tools.
const FOLDER: &str = "sanitize";
/// The program with the bugs.
const PROGRAM: &str = "planted_bugs";
/// How a tool ends a program in which it found something, by its options below. No case ends so by itself.
const FOUND: &str = "99";

/// A bug of `planted_bugs.c`, and what the report of it has to say: that it was found, and where.
type Planted = (&'static str, &'static [&'static str]);

impl Tool {
    pub const ALL: [Tool; 3] = [Tool::Address, Tool::Thread, Tool::MemoryCheck];

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Address => "address",
            Tool::Thread => "thread",
            Tool::MemoryCheck => "memory-check",
        }
    }

    /// As a report calls it.
    pub fn title(self) -> &'static str {
        match self {
            Tool::Address => "AddressSanitizer",
            Tool::Thread => "ThreadSanitizer",
            Tool::MemoryCheck => "valgrind",
        }
    }

    fn planted(self) -> &'static [Planted] {
        match self {
            Tool::Address => &[
                ("the_library_reads_what_it_freed", &["heap-use-after-free", "planted.rs"]),
                ("the_library_reads_too_far", &["heap-buffer-overflow", "planted.rs"]),
                ("the_library_leaks", &["LeakSanitizer: detected memory leaks", "socketio_planted_leak"]),
                ("the_host_reads_a_batch_too_late", &["heap-use-after-free", "planted_bugs.c"]),
                ("the_host_gives_a_struct_that_is_too_short", &["heap-buffer-overflow", "planted_bugs.c"]),
                ("the_host_leaks", &["LeakSanitizer: detected memory leaks", "planted_bugs.c"]),
            ],
            Tool::Thread => &[
                ("threads_of_the_library_race", &["data race", "planted.rs"]),
                ("host_and_library_race", &["data race", "planted.rs", "planted_bugs.c"]),
            ],
            Tool::MemoryCheck => &[
                ("the_host_reads_a_batch_too_late", &["Invalid read", "planted_bugs.c"]),
                ("the_host_gives_a_struct_that_is_too_short", &["Invalid write", "planted_bugs.c"]),
                ("the_host_leaks", &["definitely lost", "planted_bugs.c"]),
            ],
        }
    }

    /// Whether a program runs if nothing else is said: as many as the time allows.
    fn is_for(self, program: &str) -> bool {
        match self {
            Tool::Address => matches!(kind(program), "api" | "misuse" | "flow"),
            Tool::Thread => THREADED.contains(&program),
            Tool::MemoryCheck => CHECKED.contains(&program),
        }
    }
}

/// Programs for ThreadSanitizer: threads of the host in each other's way, and all that crosses between them and the
/// plugin's.
const THREADED: &[&str] = &["misuse_threads", "api_lifecycle", "api_events", "flow_queue"];
/// Programs for valgrind: all that crosses the boundary, and sessions with binary data.
const CHECKED: &[&str] = &["api_lifecycle", "misuse_arguments", "misuse_values", "flow_binary"];

/// Programs and cases that are about what a tool changes itself.
const UNFIT: &[(Tool, &str)] = &[
    // Their malloc is their own.
    (Tool::Address, "misuse_memory"),
    (Tool::Address, "misuse_shortage"),
    // In a forked child, what belongs to threads that it lacks looks lost.
    (Tool::Address, "misuse_process/a_forked_child_gets_a_status_and_harms_nothing"),
];

/// Builds what the tool needs, has it find what was planted, and runs the cases. A filter says which instead of the
/// usual ones.
pub fn step(tool: Tool, filter: Option<&str>) -> Result<Outcome> {
    if let Some(missing) = missing(tool)? {
        return Ok(Outcome::skipped(tool.title(), missing));
    }
    let library = library(tool)?;
    let is_fit = |name: &str| !UNFIT.contains(&(tool, name));
    let is_wanted = |program: &str| is_fit(program) && (filter.is_some() || tool.is_for(program));
    let built = harness::build_as(&build(tool)?, |program| kind(program) == PLANTED || is_wanted(program))?;
    if !built.failed.is_empty() {
        return Ok(built);
    }
    let mut found = Outcome::default();
    for (case, says) in tool.planted() {
        let (passed, output) = harness::run_one(build(tool)?, library.clone(), PROGRAM, case)?;
        found.count(format!("{PROGRAM}/{case}"), reported(passed, &output, says));
    }
    if !found.failed.is_empty() {
        return Ok(found);
    }
    let wanted = |run: &Run| run.label.is_none() && is_fit(&run.name());
    let mut outcome = harness::run(Selection { build: build(tool)?, library, filter, wanted: &wanted, rounds: 1 })?;
    outcome.note = format!("{} planted bugs found; {}", found.passed, outcome.note);
    outcome.passed += found.passed;
    Ok(outcome)
}

/// What this machine lacks for a tool, and how to get it.
fn missing(tool: Tool) -> Result<Option<&'static str>> {
    Ok(match tool {
        Tool::Address if !compiles("-fsanitize=address")? => {
            Some("the C compiler has no AddressSanitizer: install the Debian package gcc, or libclang-rt-dev for clang")
        }
        Tool::Thread if runtime()?.is_none() => {
            Some("this Rust has no ThreadSanitizer: use one by rustup, for Linux on x86_64 or aarch64")
        }
        Tool::MemoryCheck if process::find("valgrind").is_none() => {
            Some("valgrind is missing: install the Debian package valgrind")
        }
        _ => None,
    })
}

/// Whether the compiler that builds the harness takes a flag, up to the linked program.
fn compiles(flag: &str) -> Result<bool> {
    let (compiler, _) = *tools::compilers().first().context("there is no C compiler")?;
    let folder = repository::target().join(FOLDER);
    fs::create_dir_all(&folder)?;
    let source = folder.join("empty.c");
    fs::write(&source, "int main(void) { return 0; }\n")?;
    let mut command = process::command(compiler);
    command.arg(flag).arg(&source).arg("-o").arg(folder.join("empty"));
    Ok(process::capture(command)?.status.success())
}

/// The library for a tool.
fn library(tool: Tool) -> Result<PathBuf> {
    let flags: &[&str] = match tool {
        // Reports need to find the way from an allocation back to its caller.
        Tool::Address => &["-Zsanitizer=address", "-Cforce-frame-pointers=yes"],
        // The standard library comes as it is; tests/tsan.supp says what that costs.
        Tool::Thread => &["-Zsanitizer=thread", "-Cunsafe-allow-abi-mismatch=sanitizer"],
        Tool::MemoryCheck => return Ok(Profile::Debug.library()),
    };
    let folder = repository::target().join(FOLDER).join(tool.name());
    let host = rustc(&["--print", "host-tuple"])?;
    let mut command = process::cargo();
    // With a target named, the flags are for the library alone, not for build scripts and macros.
    command.args(["build", "--quiet", "--package", "socketio-plugin", "--target", &host, "--target-dir"]).arg(&folder);
    // A released compiler can do this, but has to be told that we know it may change.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_ENCODED_RUSTFLAGS", [flags, &["--cfg", "planted_bug"]].concat().join("\x1f"));
    if tool == Tool::Address {
        // The C parts of what we link are watched as well.
        command.env(format!("CFLAGS_{}", host.replace('-', "_")), "-fsanitize=address");
    }
    process::run(command)?;
    Ok(folder.join(host).join("debug/libsocketio_plugin.so"))
}

/// What `rustc` says, without the end of its line.
fn rustc(arguments: &[&str]) -> Result<String> {
    let mut command = process::command("rustc");
    command.args(arguments);
    Ok(process::run(command)?.trim_end().to_owned())
}

/// Rust's runtime of ThreadSanitizer. That of a C compiler is of another version, and lacks functions.
fn runtime() -> Result<Option<PathBuf>> {
    let libraries = PathBuf::from(rustc(&["--print", "target-libdir"])?);
    let archives = repository::files(&libraries, "a")?;
    Ok(archives.into_iter().find(|path| path.to_string_lossy().ends_with("_rt.tsan.a")))
}

/// How the programs are built and run for a tool.
fn build(tool: Tool) -> Result<Build> {
    let suppressions = |file: &str| repository::root().join("tests").join(file);
    let plain = Build::plain();
    Ok(match tool {
        Tool::Address => Build {
            folder: "sanitize/address/harness",
            compiler_flags: vec!["-fsanitize=address".into(), "-fno-omit-frame-pointer".into()],
            linker_flags: vec!["-fsanitize=address".into()],
            environment: vec![(
                "ASAN_OPTIONS",
                format!("exitcode={FOUND}:detect_leaks=1:strict_string_checks=1").into(),
            )],
            slowdown: 3,
            ..plain
        },
        Tool::Thread => {
            let runtime = runtime()?.context("there is no runtime of ThreadSanitizer")?;
            // In quotes: the folder's name may hold spaces.
            let options = format!("exitcode={FOUND}:suppressions=\"{}\"", suppressions("tsan.supp").display());
            Build {
                folder: "sanitize/thread/harness",
                compiler_flags: vec!["-fsanitize=thread".into()],
                linker_flags: [
                    OsString::from("-Wl,--whole-archive"),
                    runtime.into(),
                    "-Wl,--no-whole-archive".into(),
                    "-lm".into(),
                ]
                .into(),
                // Its shadow memory lies where a shuffled address space may put something else.
                launcher: vec!["setarch".into(), "--addr-no-randomize".into()],
                environment: vec![("TSAN_OPTIONS", options.into()), ("SOCKETIO_TEST_FOREIGN_THREADS", "1".into())],
                slowdown: 10,
                ..plain
            }
        }
        Tool::MemoryCheck => {
            let mut launcher: Vec<OsString> = ["valgrind", "--quiet", "--leak-check=full", "--num-callers=30"]
                .into_iter()
                .chain(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--fair-sched=yes"])
                .map(OsString::from)
                .collect();
            launcher.push(format!("--error-exitcode={FOUND}").into());
            launcher.push(format!("--suppressions={}", suppressions("valgrind.supp").display()).into());
            Build { folder: "sanitize/memory-check/harness", launcher, slowdown: 20, ..plain }
        }
    })
}

/// A planted bug was found: the program failed, and the report says what and where.
fn reported(passed: bool, output: &str, says: &[&str]) -> Result<(), String> {
    let end = format!("exit status: {FOUND}\n");
    let says = says.iter().copied().chain([end.as_str()]);
    let lacking: Vec<&str> = says.filter(|text| !output.contains(text)).map(str::trim_end).collect();
    match (passed, lacking.as_slice()) {
        (false, []) => Ok(()),
        (true, _) => Err("It was not found.".to_owned()),
        (false, lacking) => Err(format!("The report lacks {}:\n{output}", lacking.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_bug_must_be_reported_with_its_place() {
        let says = &["heap-use-after-free", "planted.rs"];
        let report = "exit status: 99\nheap-use-after-free\n at src/abi/planted.rs:17";
        assert_eq!(reported(false, report, says), Ok(()));
        assert_eq!(reported(true, "", says).unwrap_err(), "It was not found.");
        let lacks = |report: &str| reported(false, report, says).unwrap_err();
        assert!(lacks(&report.replace("planted.rs", "0x7f")).contains("lacks planted.rs:"));
        assert!(lacks(&report.replace("99", "1")).contains("lacks exit status: 99:"));
    }
}
