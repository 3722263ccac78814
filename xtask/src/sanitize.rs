//! `cargo xtask sanitize`: library and C harness under the tools that watch memory and threads.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::report::Report;
use crate::repository::Profile;
use crate::steps::rust;
use crate::steps::sanitizers::{self, Tool};

/// Without a tool: all of them. Without a filter: what each of them runs in `cargo xtask test`.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let (tool, filter) = match arguments {
        [] => (None, None),
        [name] => (Some(tool(name)?), None),
        [name, filter] => (Some(tool(name)?), Some(filter.as_str())),
        _ => bail!("it takes a tool and a filter"),
    };
    let mut report = Report::new();
    // Another run would build and run the same programs.
    let _alone = crate::test::alone()?;
    crate::test::servers(&mut report);
    for each in Tool::ALL.iter().filter(|each| tool.is_none_or(|tool| tool == **each)) {
        if *each == Tool::MemoryCheck {
            report.step("debug library", || rust::build(Profile::Debug));
        }
        report.step(each.title(), || sanitizers::step(*each, filter));
    }
    Ok(report.finish())
}

fn tool(name: &str) -> Result<Tool> {
    let found = Tool::ALL.iter().find(|tool| tool.name() == name);
    let names = || Tool::ALL.map(Tool::name).join(", ");
    found.copied().ok_or_else(|| anyhow::anyhow!("there is no tool \"{name}\", only {}", names()))
}
