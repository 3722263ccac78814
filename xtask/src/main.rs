//! The commands of this repository: `cargo xtask COMMAND`.

mod abi;
mod bench;
mod check;
mod demo;
mod dist;
mod exports;
mod fuzz;
mod generate;
mod html;
mod licences;
mod performance;
mod pictures;
mod process;
mod report;
mod repository;
mod sanitize;
mod soak;
mod spdx;
mod steps;
mod style;
mod test;

use std::process::ExitCode;

/// A command: its name, its options, what it does, and what runs it with the arguments after its name.
struct Command {
    name: &'static str,
    options: &'static str,
    help: &'static str,
    run: fn(&[String]) -> anyhow::Result<ExitCode>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        options: "",
        help: "show a project at work: the studio and an embedded server, as a timeline",
        run: demo::command,
    },
    Command {
        name: "test",
        options: "[--release] [--repeat N] [FILTER]",
        help: "run all tests, those with FILTER in their names, or the C harness N times",
        run: test::command,
    },
    Command {
        name: "abi",
        options: "[--write]",
        help: "compare the interface with abi/socketio_plugin.abi, or write that",
        run: abi::command,
    },
    Command {
        name: "bench",
        options: "[growth] [OPTIONS]",
        help: "run the plugin beside other clients, or with more of everything, for docs/performance.md",
        run: bench::command,
    },
    Command { name: "check", options: "", help: "run the quick checks, which need no network", run: check::command },
    Command {
        name: "dist",
        options: "[--check] [--twice] [TARGET...]",
        help: "make the archives of the release, try them out, build them twice and compare",
        run: dist::command,
    },
    Command {
        name: "exports",
        options: "",
        help: "compare what the library exports with the header and with abi/",
        run: exports::command,
    },
    Command {
        name: "fuzz",
        options: "[TARGET...] [--seconds N]",
        help: "feed the library what nobody wrote, ten minutes a target if nothing else is said",
        run: fuzz::command,
    },
    Command {
        name: "generate",
        options: "[--check]",
        help: "write the generated files, or say which are stale",
        run: generate::command,
    },
    Command {
        name: "html",
        options: "[FOLDER]",
        help: "write the documentation as HTML pages, into target/html if nothing else is said",
        run: html::command,
    },
    Command {
        name: "licences",
        options: "[TARGET]",
        help: "write the licences of everything that is linked, for the release",
        run: licences::command,
    },
    Command {
        name: "performance",
        options: "",
        help: "measure what a host pays in its frame, and write it into docs/performance.md",
        run: performance::command,
    },
    Command {
        name: "pictures",
        options: "[NAME | --check]",
        help: "make the README's pictures from what the programs print, or say which are stale",
        run: pictures::command,
    },
    Command {
        name: "sanitize",
        options: "[address|thread|memory-check] [FILTER]",
        help: "run the C harness under sanitizers and valgrind",
        run: sanitize::command,
    },
    Command {
        name: "soak",
        options: "[--minutes N | --seconds N] [--seed N]",
        help: "run a host while servers die and networks break, ten minutes if nothing else is said",
        run: soak::command,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("There is no command \"{name}\".\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (command.run)(rest) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cargo xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        let call = format!("{} {}", command.name, command.options);
        text.push_str(&format!("  {call:<39} {}\n", command.help));
    }
    text
}

/// For the commands that take no arguments.
fn no_arguments(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.first() {
        Some(argument) => anyhow::bail!("unknown argument \"{argument}\""),
        None => Ok(()),
    }
}
