//! The contract with the host: each sentence of `docs/host-contract.md` names what holds it, and that exists.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::process;
use crate::report::{Case, Outcome};
use crate::repository;
use crate::steps::rust;

const CONTRACT: &str = "docs/host-contract.md";

/// Looks up every name.
pub fn step() -> Result<Outcome> {
    let proofs = Proofs::read()?;
    let entries = entries(&repository::read(CONTRACT)?);
    let mut outcome = Outcome { note: format!("{} sentences", entries.len()), ..Outcome::default() };
    if proofs.hostile.is_none() {
        outcome.skipped.push(Case::new(HOSTILE, "The hostile server is not built: its cases were not looked up."));
    }
    let mut marks = BTreeSet::new();
    for entry in entries {
        let result =
            if marks.insert(entry.mark.clone()) { check(&entry, &proofs) } else { Err("It stands twice.".to_owned()) };
        outcome.count(format!("{CONTRACT}: {}", entry.mark), result);
    }
    Ok(outcome)
}

/// A sentence, or a row of the limits.
struct Entry {
    mark: String,
    held_by: Vec<Proof>,
    /// A setting and its default.
    setting: Option<(String, String)>,
}

/// What holds a sentence.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    Case { program: String, case: String },
    UnitTest { file: String, name: String },
    Step(String),
}

impl Proof {
    /// As it is written: `program/case`, or `src/file.rs: name`.
    fn read(text: &str) -> Option<Proof> {
        if let Some((file, name)) = text.split_once(": ") {
            return Some(Proof::UnitTest { file: file.to_owned(), name: name.to_owned() });
        }
        let (program, case) = text.split_once('/')?;
        Some(Proof::Case { program: program.to_owned(), case: case.to_owned() })
    }
}

/// What is between two equal signs of this kind.
fn between(text: &str, sign: char) -> Vec<&str> {
    text.split(sign).skip(1).step_by(2).collect()
}

/// All entries of the page.
fn entries(page: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("- **") {
            let mut text = rest.to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with("  ")) {
                text.push(' ');
                text.push_str(more.trim());
            }
            let (mark, text) = text.split_once("**").unwrap_or((&text, ""));
            let held_by = text.split_once("Held by ").map_or("", |(_, held_by)| held_by);
            let cases = between(held_by, '`').into_iter().filter_map(Proof::read);
            let steps = between(held_by, '*').into_iter().map(|step| Proof::Step(step.to_owned()));
            entries.push(Entry { mark: mark.to_owned(), held_by: cases.chain(steps).collect(), setting: None });
        } else if let Some(row) = line.strip_prefix("| L") {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let number: String = row.chars().take_while(char::is_ascii_digit).collect();
            let [_, setting, default, _, held_by, ..] = cells[..] else { continue };
            let default = between(default, '`').first().map(|default| (*default).to_owned());
            entries.push(Entry {
                mark: format!("L{number}"),
                held_by: between(held_by, '`').into_iter().filter_map(Proof::read).collect(),
                setting: (setting != "none").then(|| (setting.to_owned(), default.unwrap_or_default())),
            });
        }
    }
    entries
}

/// Where proofs may be.
struct Proofs {
    /// `program/case`.
    cases: BTreeSet<String>,
    /// The cases of `hostile_server`; None: it is not built.
    hostile: Option<BTreeSet<String>>,
    /// Where the steps have their names.
    steps: String,
    /// The page with all settings.
    nodes: String,
}

/// The program whose cases are those that a server lists.
const HOSTILE: &str = "hostile_server";

impl Proofs {
    fn read() -> Result<Proofs> {
        let mut cases = BTreeSet::new();
        for source in repository::files(&repository::root().join("tests/c"), "c")? {
            let program = source.file_stem().and_then(|stem| stem.to_str()).context("a source without a name")?;
            cases
                .extend(listed(&std::fs::read_to_string(&source)?).into_iter().map(|case| format!("{program}/{case}")));
        }
        let hostile = rust::hostile_server()?;
        let hostile = if hostile.is_file() {
            let mut command = process::command(hostile);
            command.arg("--list");
            let list = process::run(command)?;
            Some(list.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
        } else {
            None
        };
        let mut steps = repository::read("xtask/src/test.rs")?;
        steps.push_str(&repository::read("xtask/src/steps/sanitizers.rs")?);
        Ok(Proofs { cases, hostile, steps, nodes: repository::read("docs/nodes.md")? })
    }

    fn has(&self, proof: &Proof) -> bool {
        match proof {
            Proof::Case { program, case } if program == HOSTILE => {
                self.hostile.as_ref().is_none_or(|cases| cases.contains(case))
            }
            Proof::Case { program, case } => self.cases.contains(&format!("{program}/{case}")),
            Proof::UnitTest { file, name } => {
                repository::read(file).is_ok_and(|source| source.contains(&format!("fn {name}(")))
            }
            Proof::Step(step) => self.steps.contains(&format!("\"{step}\"")),
        }
    }
}

/// The cases that a program lists in its source.
fn listed(source: &str) -> Vec<&str> {
    let entries = ["CASE(", "CASE_ONCE("].into_iter().flat_map(|sign| source.split(sign).skip(1));
    entries.filter_map(|rest| Some(rest.split_once(')')?.0)).collect()
}

fn check(entry: &Entry, proofs: &Proofs) -> Result<(), String> {
    if entry.held_by.is_empty() {
        return Err("It does not say what holds it.".to_owned());
    }
    let missing: Vec<String> =
        entry.held_by.iter().filter(|proof| !proofs.has(proof)).map(|proof| format!("{proof:?}")).collect();
    if !missing.is_empty() {
        return Err(format!("It names what does not exist: {}.", missing.join(", ")));
    }
    match &entry.setting {
        Some((label, default)) if !is_default(&proofs.nodes, label, default) => {
            Err(format!("{label} is no setting, or its default is not {default:?} (docs/nodes.md)."))
        }
        _ => Ok(()),
    }
}

/// Whether the page with all settings has this default.
fn is_default(nodes: &str, label: &str, default: &str) -> bool {
    let row = format!("| {label} |");
    nodes.lines().any(|line| line.starts_with(&row) && line.contains(&format!("| `{default}` |")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Title

- **T1** Nothing blocks, `really`.
  Held by `api_a/x`, `src/a.rs: works`,
  *ELF file*.
- **T2** Nobody knows.

| what | setting | default | over it | held by |
| --- | --- | --- | --- | --- |
| L1 a message | Message Bytes | 64 MiB (`67108864`) | `limit_exceeded` | `hostile_server/websocket_big` |
| L2 redirects | none | 5 | it fails | `flow_a/y` |
";

    fn proofs() -> Proofs {
        Proofs {
            cases: ["api_a/x", "flow_a/y"].map(str::to_owned).into(),
            hostile: Some(["websocket_big".to_owned()].into()),
            steps: "report.step(\"ELF file\", elf::step)".to_owned(),
            nodes: "| Message Bytes | Int | `67108864` | The largest. |".to_owned(),
        }
    }

    #[test]
    fn sentences_and_rows_are_read() {
        let entries = entries(PAGE);
        let marks: Vec<&str> = entries.iter().map(|entry| entry.mark.as_str()).collect();
        assert_eq!(marks, ["T1", "T2", "L1", "L2"]);
        assert_eq!(
            entries[0].held_by,
            [
                Proof::Case { program: "api_a".to_owned(), case: "x".to_owned() },
                Proof::UnitTest { file: "src/a.rs".to_owned(), name: "works".to_owned() },
                Proof::Step("ELF file".to_owned()),
            ]
        );
        assert!(entries[1].held_by.is_empty());
        assert_eq!(entries[2].setting, Some(("Message Bytes".to_owned(), "67108864".to_owned())));
        assert_eq!(entries[3].setting, None);
    }

    #[test]
    fn what_is_missing_is_told() {
        let proofs = proofs();
        let results: Vec<bool> = entries(PAGE).iter().map(|entry| check(entry, &proofs).is_ok()).collect();
        // There is no src/a.rs; T2 names nothing.
        assert_eq!(results, [false, false, true, true]);
        let broken = PAGE.replace("websocket_big", "websocket_small").replace("flow_a/y", "flow_a/z");
        let results: Vec<bool> = entries(&broken).iter().map(|entry| check(entry, &proofs).is_ok()).collect();
        assert_eq!(results, [false; 4]);
    }

    #[test]
    fn a_limit_has_the_default_of_the_settings() {
        let proofs = proofs();
        let wrong = PAGE.replace("67108864", "100");
        assert!(check(&entries(&wrong)[2], &proofs).unwrap_err().contains("Message Bytes"));
    }

    #[test]
    fn cases_are_those_that_a_program_lists() {
        assert_eq!(listed("TEST_MAIN(\n    CASE(a),\n    CASE_ONCE(b))\n"), ["a", "b"]);
    }
}
