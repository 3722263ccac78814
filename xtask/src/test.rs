//! `cargo xtask test`: all tests, as steps with a summary.

use std::fs::{File, TryLockError};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::demo;
use crate::dist;
use crate::pictures;
use crate::report::{self, Report};
use crate::repository::{self, Profile};
use crate::soak;
use crate::steps::harness::{Build, Selection};
use crate::steps::sanitizers::Tool;
use crate::steps::{
    abi, bench, catalogue, certificates, compat, contract, cpp, elf, examples, exports, fuzzing, generated, harness,
    header, imports, npm, puredata, python, rust, sanitizers, supply, tools,
};

/// Steps that others build on.
const DEBUG_LIBRARY: &str = "debug library";
const RELEASE_LIBRARY: &str = "release library";
const TEST_SERVER: &str = "test server";
const PYTHON_SERVER: &str = "Python test server";
const RUST_SERVERS: &str = "Rust test servers";
const CERTIFICATES: &str = "certificates";
/// What the C harness meets.
const SERVERS: &[&str] = &[TEST_SERVER, PYTHON_SERVER, RUST_SERVERS, CERTIFICATES];
/// Steps whose cases a filter selects from.
const RUST_TESTS: &str = "Rust tests";
const C_HARNESS: &str = "C harness";

/// What the command line asks for.
struct Options {
    profile: Profile,
    repeat: Option<usize>,
    filter: Option<String>,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Options> {
        let mut options = Options { profile: Profile::Debug, repeat: None, filter: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--release" => options.profile = Profile::Release,
                "--repeat" => {
                    let number = arguments.next().context("--repeat needs a number")?;
                    let number = number.parse().ok().filter(|number| *number > 0);
                    options.repeat = Some(number.context("--repeat needs a number above 0")?);
                }
                option if option.starts_with('-') => bail!("unknown option {option}"),
                filter if options.filter.is_none() => options.filter = Some(filter.to_owned()),
                another => bail!("one filter is enough: what is {another}?"),
            }
        }
        Ok(options)
    }

    fn selection(&self) -> Selection<'_> {
        Selection {
            build: Build::plain(),
            library: self.profile.library(),
            filter: self.filter.as_deref(),
            wanted: &|_| true,
            rounds: self.repeat.unwrap_or(1),
        }
    }

    /// The step that builds the library which the C harness loads.
    fn library(&self) -> &'static str {
        match self.profile {
            Profile::Debug => DEBUG_LIBRARY,
            Profile::Release => RELEASE_LIBRARY,
        }
    }
}

pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::read(arguments)?;
    let _alone = alone()?;
    let mut report = Report::new();
    report.step("tools", tools::step);
    if !report.succeeded("tools") {
        return Ok(report.finish());
    }
    if options.repeat.is_some() || options.filter.is_some() {
        selected(&mut report, &options);
    } else {
        everything(&mut report, &options);
    }
    Ok(report.finish())
}

/// Waits until no other run builds and runs the C harness in the same folder.
pub fn alone() -> Result<File> {
    std::fs::create_dir_all(repository::target())?;
    let file = File::create(repository::target().join("xtask_test.lock"))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        report::progress("waiting for another run of the tests");
        file.lock()?;
        report::progress_ends();
    }
    Ok(file)
}

fn everything(report: &mut Report, options: &Options) {
    report.step("generated files", generated::step);
    report.step("import rules", imports::step);
    report.step("error catalogue", catalogue::step);
    report.step("rustfmt", rust::format);
    report.step("clippy", rust::clippy);
    report.step("supply chain", supply::step);
    report.step("licences", supply::licences);
    build(report, Profile::Debug);
    build(report, Profile::Release);
    report.after("examples by make", &[DEBUG_LIBRARY], || examples::make(Profile::Debug));
    report.after("examples by CMake", &[DEBUG_LIBRARY], || examples::cmake(Profile::Debug));
    report.after("pictures", &[DEBUG_LIBRARY], || pictures::step(Profile::Debug));
    servers(report);
    report.after("host contract", &[RUST_SERVERS], contract::step);
    report.after("Pure Data", &[DEBUG_LIBRARY, TEST_SERVER], || puredata::step(Profile::Debug));
    // Those of the studio need the library and the server.
    report.after(RUST_TESTS, &[DEBUG_LIBRARY, TEST_SERVER], || rust::test(None));
    report.after("export list", &[RELEASE_LIBRARY], || exports::step(&Profile::Release.library()));
    report.after("ELF file", &[RELEASE_LIBRARY], || elf::step(&Profile::Release.library()));
    report.step("header", header::step);
    report.after("C++ header", &[DEBUG_LIBRARY, TEST_SERVER], || cpp::step(Profile::Debug));
    report.after("other languages", &[DEBUG_LIBRARY, TEST_SERVER], || cpp::languages(Profile::Debug));
    report.step("ABI", abi::step);
    report.step("C harness, build", harness::build);
    let needed: Vec<&str> = SERVERS.iter().copied().chain([options.library()]).collect();
    report.after(C_HARNESS, &needed, || harness::run(options.selection()));
    report.after("other headers", &needed, || compat::step(&options.profile.library()));
    report.after("AddressSanitizer", &needed, || sanitizers::step(Tool::Address, None));
    report.after("ThreadSanitizer", &needed, || sanitizers::step(Tool::Thread, None));
    report.after("valgrind", &needed, || sanitizers::step(Tool::MemoryCheck, None));
    report.after("demo", &[DEBUG_LIBRARY], demo::step);
    report.after("benchmark", &[RELEASE_LIBRARY], bench::step);
    report.step("fuzzing", fuzzing::step);
    report.after("soak", &[RELEASE_LIBRARY, TEST_SERVER, CERTIFICATES], soak::step);
    dist::steps(report);
}

/// The cases that a filter selects, or the C harness many times over.
fn selected(report: &mut Report, options: &Options) {
    build(report, options.profile);
    servers(report);
    report.step("C harness, build", harness::build);
    if report.succeeded(options.library()) && SERVERS.iter().all(|server| report.succeeded(server)) {
        if options.repeat.is_none() {
            report.optional_step(RUST_TESTS, || rust::test(options.filter.as_deref()));
        }
        report.optional_step(C_HARNESS, || harness::run(options.selection()));
    }
    if report.ran(&[RUST_TESTS, C_HARNESS]) == 0 {
        let filter = options.filter.as_deref().unwrap_or_default();
        report.step("cases", || bail!("none ran; the filter is \"{filter}\""));
    }
}

pub fn servers(report: &mut Report) {
    report.step(TEST_SERVER, npm::step);
    report.step(PYTHON_SERVER, python::step);
    report.step(RUST_SERVERS, rust::build_servers);
    report.step(CERTIFICATES, certificates::step);
}

fn build(report: &mut Report, profile: Profile) {
    let step = match profile {
        Profile::Debug => DEBUG_LIBRARY,
        Profile::Release => RELEASE_LIBRARY,
    };
    report.step(step, || rust::build(profile));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options> {
        Options::read(&arguments.iter().map(|argument| argument.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = options(&["flow_", "--repeat", "100", "--release"]).unwrap();
        assert!(options.profile == Profile::Release);
        assert_eq!(options.repeat, Some(100));
        assert_eq!(options.filter.as_deref(), Some("flow_"));
    }

    #[test]
    fn wrong_options_are_named() {
        let error = |arguments: &[&str]| options(arguments).err().unwrap().to_string();
        assert_eq!(error(&["--repeat"]), "--repeat needs a number");
        assert_eq!(error(&["--repeat", "0"]), "--repeat needs a number above 0");
        assert_eq!(error(&["--fast"]), "unknown option --fast");
        assert_eq!(error(&["a", "b"]), "one filter is enough: what is b?");
    }
}
