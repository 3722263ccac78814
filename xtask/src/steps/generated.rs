//! The generated files are what the sources make of them.

use anyhow::Result;

use crate::generate;
use crate::report::Outcome;

pub fn step() -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let files = generate::files()?;
    outcome.note = format!("{} files", files.len());
    for file in files {
        let result = match file.difference() {
            None => Ok(()),
            Some(difference) => Err(format!("{difference}.\nRun `cargo xtask generate` and commit it.")),
        };
        outcome.count(file.path, result);
    }
    Ok(outcome)
}
