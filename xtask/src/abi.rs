//! `cargo xtask abi`: what the library's debug information says of its boundary, against the committed record; and hosts
//! that were built with other headers.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::report::Report;
use crate::repository::{self, Profile};
use crate::steps::abi::{self, RECORD};
use crate::steps::{compat, rust};

/// Compares; with `--write` it makes the record anew.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    match arguments {
        [] => {
            let _alone = crate::test::alone()?;
            let mut report = Report::new();
            report.step("ABI", abi::step);
            report.step("debug library", || rust::build(Profile::Debug));
            crate::test::servers(&mut report);
            report.step("other headers", || compat::step(&Profile::Debug.library()));
            Ok(report.finish())
        }
        [option] if option == "--write" => {
            if let Some(missing) = abi::missing() {
                bail!("{missing}");
            }
            std::fs::write(repository::root().join(RECORD), abi::recorded_now()?)?;
            println!("{RECORD} written");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("it takes nothing but --write"),
    }
}
