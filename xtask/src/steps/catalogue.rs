//! The error catalogue: every error in it is provoked by a case of the C harness, which names its code.

use anyhow::Result;

use crate::report::Outcome;
use crate::repository;

/// Compares the catalogue with the cases.
pub fn step() -> Result<Outcome> {
    let mut cases = String::new();
    for source in repository::files(&repository::root().join("tests/c"), "c")? {
        // What the harness itself waits for is no case.
        let is_case = source.file_name().is_some_and(|name| !name.to_string_lossy().starts_with("harness"));
        if is_case {
            cases.push_str(&std::fs::read_to_string(source)?);
        }
    }
    let codes = codes(&socketio_plugin::errors_markdown());
    let mut outcome = Outcome { note: format!("{} errors", codes.len()), ..Outcome::default() };
    for code in codes {
        let result = look(&code, &cases);
        outcome.count(code, result);
    }
    Ok(outcome)
}

/// The codes of the table.
fn codes(markdown: &str) -> Vec<String> {
    let rows = markdown.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect()
}

fn look(code: &str, cases: &str) -> Result<(), String> {
    if cases.contains(&format!("\"{code}\"")) {
        return Ok(());
    }
    Err(format!("No case in tests/c provokes it: none holds \"{code}\"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_the_table() {
        let table = "# Errors\n\n| Code | Message | Remedy |\n| --- | --- | --- |\n| `dns_failed` | `x` | y |\n";
        assert_eq!(codes(table), ["dns_failed"]);
    }

    #[test]
    fn a_code_without_a_case_is_told() {
        let cases = "WAIT_ERROR_CODE(client, \"dns_failed\"); /* tcp_refused */";
        assert_eq!(look("dns_failed", cases), Ok(()));
        assert!(look("tcp_refused", cases).is_err());
        assert!(look("dns", cases).is_err());
    }
}
