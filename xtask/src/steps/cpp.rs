//! Hosts in other languages than C: `socketio_plugin.hpp` compiles in each version of C++ it is for, a host in C++ meets
//! the official server, and so do the examples in Python and C#.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, Group};
use crate::report::{Case, Outcome};
use crate::repository::{self, Profile};
use crate::steps::{exports, tools};

const HEADER: &str = "include/socketio_plugin.hpp";
/// The header has no warnings in a host that wants to see many.
const WARNINGS: &[&str] = &[
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wsign-conversion",
    "-Wshadow",
    "-Wold-style-cast",
    "-Wnon-virtual-dtor",
    "-Werror",
];
const STANDARDS: &[&str] = &["c++17", "c++20", "c++2b"];
const WINDOWS: &str = "x86_64-w64-mingw32-g++";
/// What a host may do without.
const BARE: &[&str] = &["-fno-exceptions", "-fno-rtti"];
/// The program that loads the library, and must do without linking it.
const LOADED: &str = "loaded";
const AT_A_TIME: usize = 2;
const TIME_LIMIT: Duration = Duration::from_secs(60);

fn folder() -> PathBuf {
    repository::target().join("cpp")
}

/// The header in C++.
pub fn step(profile: Profile) -> Result<Outcome> {
    let compilers: Vec<&str> = tools::compilers().into_iter().filter_map(|(_, cpp)| cpp).collect();
    let (Some(first), Some(last)) = (compilers.first(), compilers.last()) else {
        return Ok(Outcome::skipped("C++ header", "there is no C++ compiler: install the Debian package g++"));
    };
    fs::create_dir_all(folder())?;
    let mut outcome = Outcome::default();
    let mut jobs = Vec::new();
    let windows = process::find(WINDOWS).map(|_| WINDOWS);
    if windows.is_none() {
        let advice = format!("{WINDOWS} is not installed: install the Debian package g++-mingw-w64-x86-64-win32");
        outcome.skipped.push(Case::new("C++ for Windows", advice));
    }
    let programs = programs()?;
    for compiler in compilers.iter().copied().chain(windows) {
        for standard in STANDARDS.iter().filter(|standard| knows(compiler, standard)) {
            for program in &programs {
                let mut command = compile(compiler, standard, program);
                command.args(BARE).arg("-fsyntax-only");
                jobs.push((format!("{compiler} -std={standard} {}", repository::shown(program)), command));
            }
        }
    }
    outcome.count(format!("functions of {HEADER}"), knows_all_functions());
    let mut command = compile(first, "c++17", &documented()?);
    command.arg("-fsyntax-only");
    jobs.push((format!("the host in {HEADER}"), command));
    // A plain host, and one of another compiler that does without what it can.
    let builds = [(*first, "c++17", &[][..]), (*last, "c++20", BARE)];
    for (compiler, standard, flags) in builds {
        for program in &programs {
            let mut command = compile(compiler, standard, program);
            command.args(flags).args(["-g", "-o"]).arg(built(program, standard));
            if stem(program) == LOADED {
                command.arg("-ldl");
            } else {
                let library = profile.folder();
                command.arg("-L").arg(&library).arg("-lsocketio_plugin").arg("-Wl,-rpath").arg("-Xlinker").arg(library);
            }
            jobs.push((format!("{compiler} -std={standard} {}, built", repository::shown(program)), command));
        }
    }
    compile_all(&mut outcome, jobs);
    if outcome.failed.is_empty() {
        for (compiler, standard, _) in builds {
            for program in &programs {
                meet_server(&mut outcome, compiler, standard, program, profile)?;
            }
        }
    }
    let names: Vec<&str> = compilers.into_iter().chain(windows).collect();
    outcome.note = format!("{}, {} standards", names.join(", "), STANDARDS.len());
    Ok(outcome)
}

/// The sources of `tests/cpp`: each is a program.
fn programs() -> Result<Vec<PathBuf>> {
    repository::files(&repository::root().join("tests/cpp"), "cpp")
}

fn stem(program: &Path) -> String {
    program.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn built(program: &Path, standard: &str) -> PathBuf {
    folder().join(format!("{}.{standard}", stem(program)))
}

/// The host that the header's own comment shows, as a file.
fn documented() -> Result<PathBuf> {
    let header = repository::read(HEADER)?;
    let shown = header.lines().skip_while(|line| *line != " *     #include <cstdio>");
    let host: Vec<&str> =
        shown.map_while(|line| line.strip_prefix(" *     ").or((line == " *").then_some(""))).collect();
    if !host.iter().any(|line| line.starts_with("int main()")) {
        bail!("{HEADER} shows no host");
    }
    let file = folder().join("documented.cpp");
    fs::write(&file, host.join("\n") + "\n")?;
    Ok(file)
}

/// Whether a host in C++ reaches every function of the C header.
fn knows_all_functions() -> Result<(), String> {
    let read = |file| repository::read(file).map_err(|error| format!("{error:#}"));
    let (c, cpp) = (read("include/socketio_plugin.h")?, read(HEADER)?);
    let missing: Vec<String> =
        exports::declared(&c).into_iter().filter(|name| !cpp.contains(&format!("\"{name}\""))).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("it lacks {}", missing.join(", "))) }
}

/// A compiler of another year may not have heard of it.
fn knows(compiler: &str, standard: &str) -> bool {
    let mut command = process::command(compiler);
    command.args([&format!("-std={standard}"), "-fsyntax-only", "-x", "c++", "/dev/null"]);
    process::run(command).is_ok()
}

/// Compiles one source. Its path is relative, so that failed checks name it so.
fn compile(compiler: &str, standard: &str, source: &Path) -> Command {
    let mut command = process::command(compiler);
    command.arg(format!("-std={standard}")).args(WARNINGS).arg("-Iinclude").arg(repository::shown(source));
    command
}

/// Runs the compilers, some at a time.
fn compile_all(outcome: &mut Outcome, jobs: Vec<(String, Command)>) {
    let jobs = Mutex::new(jobs.into_iter());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                let next = || jobs.lock().expect("no holder panics").next();
                while let Some((name, command)) = next() {
                    let result = process::run(command).map(drop).map_err(|error| format!("{error:#}"));
                    results.lock().expect("no holder panics").push((name, result));
                }
            });
        }
    });
    for (name, result) in results.into_inner().expect("no holder panics") {
        outcome.count(name, result);
    }
}

/// Runs a program whose stdin and stdout are the server's. It tells of its cases on stderr.
fn meet_server(outcome: &mut Outcome, compiler: &str, standard: &str, program: &Path, profile: Profile) -> Result<()> {
    let name = format!("{} by {compiler} -std={standard}", repository::shown(program));
    let log = built(program, standard).with_extension("log");
    let (mut server, commands, reports) = start_server()?;
    let mut command = process::command(built(program, standard));
    command.env("SOCKETIO_LIBRARY", profile.library());
    command.stdin(Stdio::from(reports)).stdout(Stdio::from(commands)).stderr(File::create(&log)?);
    let status = process::runtime().block_on(async {
        // Nothing but the program holds the pipes then: the server ends with it.
        let mut child = tokio::process::Command::from(command).process_group(0).kill_on_drop(true).spawn()?;
        let _group = Group::of(&child);
        anyhow::Ok(tokio::time::timeout(TIME_LIMIT, child.wait()).await)
    })?;
    server.wait()?;
    let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let cases = output.lines().filter(|line| line.starts_with("ok ")).count();
    outcome.passed += cases;
    match status {
        Ok(Ok(status)) if status.success() && cases > 0 => {}
        Ok(status) => outcome.failed.push(Case::new(name, format!("{}\n{output}", status?))),
        Err(_) => {
            let text = format!("It did not end within {} s.\n{output}", TIME_LIMIT.as_secs());
            outcome.failed.push(Case::new(name, text));
        }
    }
    Ok(())
}

/// Starts the official server. It ends when its stdin closes.
fn start_server() -> Result<(Child, ChildStdin, ChildStdout)> {
    let mut command = process::command("node");
    command.args(["tests/server/server.js", "0"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = command.spawn().context("starting node")?;
    let commands = server.stdin.take().context("its stdin is piped")?;
    let reports = server.stdout.take().context("its stdout is piped")?;
    Ok((server, commands, reports))
}

/// The examples in languages that have no use for the header.
pub fn languages(profile: Profile) -> Result<Outcome> {
    fs::create_dir_all(folder())?;
    let (mut server, commands, reports) = start_server()?;
    let mut reports = BufReader::new(reports).lines();
    let ready = reports.next().context("the server did not start")??;
    let port: String = ready.chars().filter(char::is_ascii_digit).collect();
    let drain = std::thread::spawn(move || reports.for_each(drop));
    let url = format!("http://127.0.0.1:{port}");

    let mut outcome = Outcome::default();
    let mut python = process::command("python3");
    python.arg("examples_c/python/send_and_receive.py").arg(profile.library());
    outcome.count("Python", told(echoes(python, &url)));
    if process::find("mcs").is_some() && process::find("mono").is_some() {
        let program = csharp(profile);
        outcome.count("C#", told(program.and_then(|program| echoes(program, &url))));
        outcome.note = "Python, C#".to_owned();
    } else {
        let advice = "mcs or mono is not installed: install the Debian packages mono-mcs and mono-runtime";
        outcome.skipped.push(Case::new("C#", advice));
        outcome.note = "Python".to_owned();
    }
    drop(commands);
    server.wait()?;
    drain.join().expect("reading lines does not panic");
    Ok(outcome)
}

/// Compiles the example in C#, with the library beside it.
fn csharp(profile: Profile) -> Result<Command> {
    let program = folder().join("SendAndReceive.exe");
    let mut compiler = process::command("mcs");
    compiler.args(["-warn:4", "-warnaserror+"]).arg(format!("-out:{}", program.display()));
    compiler.arg("examples_c/csharp/SendAndReceive.cs");
    process::run(compiler)?;
    let library = profile.library();
    let beside = folder().join(library.file_name().context("the library has a name")?);
    let _ = fs::remove_file(&beside);
    symlink(&library, &beside)?;
    let mut command = process::command("mono");
    command.arg(program);
    Ok(command)
}

/// Whether an example prints what it has sent.
fn echoes(mut example: Command, url: &str) -> Result<()> {
    const TEXT: &str = "Grüße, 世界";
    example.args([url, "echo", TEXT]);
    let output = process::run(example)?;
    if output.trim_end() != format!("echo: {TEXT}") {
        bail!("expected \"echo: {TEXT}\", saw \"{}\"", output.trim_end());
    }
    Ok(())
}

fn told(result: Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("{error:#}"))
}
