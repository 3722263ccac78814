//! `cargo xtask check`: what can be checked quickly and without a network.

use std::process::ExitCode;

use crate::report::Report;
use crate::repository::Profile;
use crate::steps;

pub fn command(arguments: &[String]) -> anyhow::Result<ExitCode> {
    crate::no_arguments(arguments)?;
    let mut report = Report::new();
    report.step("rustfmt", steps::rust::format);
    report.step("clippy", steps::rust::clippy);
    report.step("generated files", steps::generated::step);
    report.step("import rules", steps::imports::step);
    report.step("error catalogue", steps::catalogue::step);
    report.step("host contract", steps::contract::step);
    report.step("debug library", || steps::rust::build(Profile::Debug));
    report.after("export list", &["debug library"], || steps::exports::step(&Profile::Debug.library()));
    Ok(report.finish())
}
