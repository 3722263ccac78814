//! `cargo xtask fuzz`: the fuzz targets, for as long as it is said.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::report;
use crate::repository;
use crate::steps::fuzzing::{self, Corpus, TARGETS};

/// Seconds of each target, if nothing else is said.
const BY_HAND: u64 = 600;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    targets: Vec<&'static str>,
    seconds: u64,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Options> {
        let mut options = Options { targets: Vec::new(), seconds: BY_HAND };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--seconds" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    options.seconds =
                        number.filter(|number| *number > 0).context("--seconds needs a number above 0")?;
                }
                option if option.starts_with('-') => bail!("unknown option {option}"),
                name => match TARGETS.iter().find(|target| **target == name) {
                    Some(target) => options.targets.push(target),
                    None => bail!("there is no target \"{name}\", only {}", TARGETS.join(", ")),
                },
            }
        }
        if options.targets.is_empty() {
            options.targets = TARGETS.to_vec();
        }
        Ok(options)
    }
}

pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::read(arguments)?;
    report::progress("building the targets");
    let missing = fuzzing::prepare();
    report::progress_ends();
    if let Some(missing) = missing? {
        bail!("{missing}");
    }
    report::progress("fuzzing");
    let ran = fuzzing::run(&options.targets, options.seconds, Corpus::Kept);
    report::progress_ends();
    let ran = ran?;
    println!("{:<12} {:>12} {:>10} {:>10} {:>9}", "target", "executions", "coverage", "new units", "findings");
    for (target, ran) in &ran {
        match ran {
            Ok(figures) => {
                let (executions, coverage, new_units) = (figures.executions, figures.coverage, figures.new_units);
                println!("{target:<12} {executions:>12} {coverage:>10} {new_units:>10} {:>9}", 0);
            }
            Err(_) => println!("{target:<12} {:>12} {:>10} {:>10} {:>9}", "-", "-", "-", 1),
        }
    }
    let failed = fuzzing::failed(ran);
    for case in &failed {
        println!("\n{}\n{}", case.name, case.text);
    }
    println!("\nwhat grew from the seeds: {}", repository::shown(&fuzzing::folder().join("corpus")));
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options> {
        Options::read(&arguments.iter().map(|argument| argument.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_target_all_of_them_run() {
        assert_eq!(options(&[]).unwrap(), Options { targets: TARGETS.to_vec(), seconds: BY_HAND });
        let one = options(&["url", "--seconds", "5"]).unwrap();
        assert_eq!(one, Options { targets: vec!["url"], seconds: 5 });
    }

    #[test]
    fn wrong_options_are_named() {
        let error = |arguments: &[&str]| options(arguments).unwrap_err().to_string();
        assert_eq!(error(&["--seconds", "0"]), "--seconds needs a number above 0");
        assert_eq!(error(&["--minutes"]), "unknown option --minutes");
        assert!(error(&["json"]).starts_with("there is no target \"json\", only abi_calls, "));
    }
}
