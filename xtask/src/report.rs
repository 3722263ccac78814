//! Steps, their counts, and the summary at the end.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::style::{Colour, Style};

/// How many lines of a failed case's output are shown: the last ones.
const OUTPUT_LINES: usize = 120;

/// Goes back to the beginning of the terminal's line and clears it.
const CLEAR_LINE: &str = "\r\x1b[2K";

/// On a terminal: says what goes on, in a line that the next one overwrites.
pub fn progress(text: &str) {
    if Style::of_stdout().terminal {
        print!("{CLEAR_LINE}  {text} ...");
        let _ = std::io::stdout().flush();
    }
}

/// On a terminal: clears the line of `progress`.
pub fn progress_ends() {
    if Style::of_stdout().terminal {
        print!("{CLEAR_LINE}");
    }
}

/// A case by name, with its output (failed) or the reason (skipped).
#[derive(Debug, PartialEq, Eq)]
pub struct Case {
    pub name: String,
    pub text: String,
}

impl Case {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Case {
        Case { name: name.into(), text: text.into() }
    }
}

/// What a step found.
#[derive(Debug, Default)]
pub struct Outcome {
    pub passed: usize,
    pub failed: Vec<Case>,
    pub skipped: Vec<Case>,
    /// A few words for the step's line.
    pub note: String,
}

impl Outcome {
    /// A step that is one case, and passed.
    pub fn done(note: impl Into<String>) -> Outcome {
        Outcome { passed: 1, note: note.into(), ..Outcome::default() }
    }

    /// A step that can't run here.
    pub fn skipped(name: &str, reason: impl Into<String>) -> Outcome {
        Outcome { skipped: vec![Case::new(name, reason)], ..Outcome::default() }
    }

    /// Counts a case: passed, or failed for this reason.
    pub fn count(&mut self, name: impl Into<String>, result: Result<(), String>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(reason) => self.failed.push(Case::new(name, reason)),
        }
    }

    fn ran_nothing(&self) -> bool {
        self.passed == 0 && self.failed.is_empty() && self.skipped.is_empty()
    }
}

struct Row {
    step: &'static str,
    outcome: Outcome,
    time: Duration,
}

/// The steps that ran so far.
pub struct Report {
    rows: Vec<Row>,
    style: Style,
}

impl Report {
    pub fn new() -> Report {
        Report { rows: Vec::new(), style: Style::of_stdout() }
    }

    /// Runs a step and prints its line. A step that ran nothing has failed.
    pub fn step(&mut self, step: &'static str, work: impl FnOnce() -> Result<Outcome>) {
        self.optional_step(step, || {
            let mut outcome = work()?;
            if outcome.ran_nothing() {
                outcome.failed.push(Case::new(step, "There was nothing to run."));
            }
            Ok(outcome)
        });
    }

    /// A step that can only run if others succeeded. It has failed if they have.
    pub fn after(&mut self, step: &'static str, needed: &[&str], work: impl FnOnce() -> Result<Outcome>) {
        let missing = needed.iter().find(|needed| !self.succeeded(needed)).copied();
        self.step(step, || match missing {
            Some(missing) => bail!("not run: {missing} failed"),
            None => work(),
        });
    }

    /// Runs a step which may turn out to have nothing to run; then it leaves no trace.
    pub fn optional_step(&mut self, step: &'static str, work: impl FnOnce() -> Result<Outcome>) {
        progress(step);
        let begin = Instant::now();
        let outcome = work().unwrap_or_else(|error| Outcome {
            failed: vec![Case::new(step, format!("{error:#}"))],
            ..Outcome::default()
        });
        let time = begin.elapsed();
        progress_ends();
        if outcome.ran_nothing() {
            return;
        }
        let (mark, colour) = match &outcome {
            Outcome { failed, .. } if !failed.is_empty() => ("✗", Colour::Bad),
            Outcome { passed: 0, .. } => ("-", Colour::Warn),
            _ => ("✓", Colour::Good),
        };
        let line = format!("{step:<20} {:>7}   {}", seconds(time), self.style.paint(Colour::Faint, &outcome.note));
        println!("{} {}", self.style.paint(colour, mark), line.trim_end());
        self.rows.push(Row { step, outcome, time });
    }

    /// Whether this step ran and found no failure.
    pub fn succeeded(&self, step: &str) -> bool {
        self.rows.iter().any(|row| row.step == step && row.outcome.failed.is_empty())
    }

    /// Cases of these steps that passed or failed so far.
    pub fn ran(&self, steps: &[&str]) -> usize {
        let rows = self.rows.iter().filter(|row| steps.contains(&row.step));
        rows.map(|row| row.outcome.passed + row.outcome.failed.len() + row.outcome.skipped.len()).sum()
    }

    /// Prints the summary. Its last line is the verdict.
    pub fn finish(self) -> ExitCode {
        let sum = |count: fn(&Outcome) -> usize| self.rows.iter().map(|row| count(&row.outcome)).sum::<usize>();
        let (passed, failed, skipped) = (sum(|o| o.passed), sum(|o| o.failed.len()), sum(|o| o.skipped.len()));
        self.print_table();
        self.print_cases("skipped", |outcome| &outcome.skipped);
        self.print_cases("failed", |outcome| &outcome.failed);
        println!();
        println!("{}", verdict(passed, failed, skipped));
        if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn print_table(&self) {
        println!();
        let head = format!("{:<22} {:>7} {:>7} {:>8} {:>9}", "step", "passed", "failed", "skipped", "time");
        println!("{}", self.style.paint(Colour::Strong, head));
        for Row { step, outcome, time } in &self.rows {
            let (failed, skipped) = (outcome.failed.len(), outcome.skipped.len());
            let line = format!("{step:<22} {:>7} {failed:>7} {skipped:>8} {:>9}", outcome.passed, seconds(*time));
            println!("{}", if failed > 0 { self.style.paint(Colour::Bad, line) } else { line });
        }
    }

    fn print_cases(&self, title: &str, cases: fn(&Outcome) -> &Vec<Case>) {
        if self.rows.iter().all(|row| cases(&row.outcome).is_empty()) {
            return;
        }
        println!("\n{}", self.style.paint(Colour::Strong, title));
        for row in &self.rows {
            for case in cases(&row.outcome) {
                let name = if case.name == row.step { String::new() } else { format!(": {}", case.name) };
                println!("  {}{name}", row.step);
                let lines: Vec<&str> = case.text.trim_end().lines().collect();
                let left_out = lines.len().saturating_sub(OUTPUT_LINES);
                if left_out > 0 {
                    println!("    | ({left_out} lines left out)");
                }
                for line in &lines[left_out..] {
                    println!("    | {line}");
                }
            }
        }
    }
}

fn verdict(passed: usize, failed: usize, skipped: usize) -> String {
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!("{passed} passed, {failed} failed{skipped}")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_names_skipped_cases_only_if_there_are_any() {
        assert_eq!(verdict(3, 0, 0), "3 passed, 0 failed");
        assert_eq!(verdict(3, 1, 2), "3 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_step_that_ran_nothing_has_failed() {
        let mut report = Report::new();
        report.step("nothing", || Ok(Outcome::default()));
        assert!(!report.succeeded("nothing"));
        assert_eq!(report.finish(), ExitCode::FAILURE);
    }

    #[test]
    fn an_error_of_a_step_is_a_failed_case() {
        let mut report = Report::new();
        report.step("error", || bail!("no"));
        assert!(!report.succeeded("error"));
        assert_eq!(report.ran(&["error"]), 1);
    }

    #[test]
    fn a_step_after_a_failed_one_has_failed() {
        let mut report = Report::new();
        report.step("first", || bail!("no"));
        report.after("second", &["first"], || Ok(Outcome::done("")));
        assert!(!report.succeeded("second"));
    }

    #[test]
    fn an_optional_step_without_cases_leaves_no_trace() {
        let mut report = Report::new();
        report.optional_step("filtered", || Ok(Outcome::default()));
        report.step("other", || Ok(Outcome::done("")));
        assert_eq!(report.ran(&["filtered"]), 0);
        assert_eq!(report.finish(), ExitCode::SUCCESS);
    }
}
