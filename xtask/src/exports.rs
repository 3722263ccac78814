//! `cargo xtask exports`: the export list alone.

use std::process::ExitCode;

use crate::report::Report;
use crate::repository::Profile;
use crate::steps;

pub fn command(arguments: &[String]) -> anyhow::Result<ExitCode> {
    crate::no_arguments(arguments)?;
    let mut report = Report::new();
    report.step("release library", || steps::rust::build(Profile::Release));
    report.after("export list", &["release library"], || steps::exports::step(&Profile::Release.library()));
    Ok(report.finish())
}
