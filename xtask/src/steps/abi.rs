//! The interface as the compiler made it: functions, parameters, structs and their fields, from the debug information of
//! the library, compared with the committed record by abidiff.
//!
//! The record is what `abidw` writes, without all that the exported functions don't reach: Rust's own types come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::repository;

/// The committed record.
pub const RECORD: &str = "abi/socketio_plugin.abi";
const FOLDER: &str = "abi";

/// The bits of abidiff's exit code.
const FAILED: i32 = 1 | 2;
const CHANGED: i32 = 4;
const INCOMPATIBLE: i32 = 8;

pub fn step() -> Result<Outcome> {
    if let Some(missing) = missing() {
        return Ok(Outcome::skipped("ABI", missing));
    }
    let now = recorded_now()?;
    let file = folder().join("now.abi");
    std::fs::write(&file, &now)?;
    let mut command = process::command("abidiff");
    command.args(["--no-show-locs", RECORD]).arg(&file);
    let ended = process::capture(command)?;
    let code = ended.status.code().context("abidiff was killed")?;
    let mut outcome = Outcome::default();
    outcome.count(RECORD, verdict(code).map_err(|text| format!("{text}\n{}", ended.output)));
    outcome.note = format!("{} functions, {} structs", now.matches("<function-decl ").count(), structs(&now));
    Ok(outcome)
}

fn structs(record: &str) -> usize {
    record.matches("<class-decl ").count() + record.matches("<union-decl ").count()
}

/// What this machine lacks to compare.
pub fn missing() -> Option<&'static str> {
    if std::env::consts::ARCH != "x86_64" || std::env::consts::OS != "linux" {
        return Some("the record is that of Linux on x86_64");
    }
    let tools = ["abidiff", "abidw"];
    let all = tools.iter().all(|tool| process::find(tool).is_some());
    (!all).then_some("abidiff is missing: install the Debian package abigail-tools")
}

fn verdict(code: i32) -> Result<(), String> {
    if code & FAILED != 0 {
        return Err("abidiff could not compare.".to_owned());
    }
    if code & INCOMPATIBLE != 0 {
        return Err("Hosts that were built before can't use this library: that needs another major version.".to_owned());
    }
    if code & CHANGED != 0 {
        let advice = "If hosts that were built before live with that, raise the minor of SOCKETIO_ABI_VERSION";
        return Err(format!("The interface changed. {advice}, run `cargo xtask abi --write` and commit {RECORD}."));
    }
    Ok(())
}

/// The record as the sources make it now.
pub fn recorded_now() -> Result<String> {
    let library = build()?;
    let file = folder().join("all.abi");
    let mut command = process::command("abidw");
    command.args(["--no-corpus-path", "--no-show-locs", "--no-comp-dir-path", "--no-elf-needed"]);
    command.args(["--no-write-default-sizes", "--no-parameter-names", "--type-id-style", "hash", "--out-file"]);
    command.arg(&file).arg(library);
    process::run(command)?;
    prune(&std::fs::read_to_string(file)?)
}

fn folder() -> PathBuf {
    repository::target().join(FOLDER)
}

/// The library with full debug information of our own code, and of nothing else.
fn build() -> Result<PathBuf> {
    let mut command = process::cargo();
    command.args(["build", "--quiet", "--package", "socketio-plugin", "--config", "profile.dev.debug=0"]);
    command.args(["--config", "profile.dev.package.socketio-plugin.debug=\"full\"", "--target-dir"]).arg(folder());
    process::run(command)?;
    Ok(folder().join("debug/libsocketio_plugin.so"))
}

/// An element of what abidw writes: one line, or a line, its children, and its end.
struct Element<'a> {
    line: &'a str,
    children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// Reads lines up to the end of the element that encloses them.
    fn read_all(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Element<'a>> {
        let mut elements = Vec::new();
        while let Some(line) = lines.next().filter(|line| !line.starts_with("</")) {
            let children = if line.ends_with("/>") { Vec::new() } else { Element::read_all(lines) };
            elements.push(Element { line, children });
        }
        elements
    }

    fn is(&self, tag: &str) -> bool {
        self.tag() == tag
    }

    fn tag(&self) -> &'a str {
        self.line.trim_start_matches('<').split([' ', '>', '/']).next().unwrap_or_default()
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        let (_, rest) = self.line.split_once(&format!(" {name}='"))?;
        rest.split_once('\'').map(|(value, _)| value)
    }

    /// A function of the boundary, not one that only has debug information.
    fn is_exported(&self) -> bool {
        self.is("function-decl") && self.attribute("elf-symbol-id").is_some()
    }

    fn write(&self, indent: usize, wanted: &BTreeSet<&str>, out: &mut String) {
        // Within a namespace or a type there may be types that nobody asked for; all else is part of what it is in.
        let holds_types = self.is("namespace-decl") || self.is("member-type");
        if holds_types && !self.children.iter().any(|child| child.is_wanted(wanted)) {
            return;
        }
        let end = if self.line.ends_with("/>") { String::new() } else { format!("{:indent$}</{}>\n", "", self.tag()) };
        out.push_str(&format!("{:indent$}{}\n", "", self.line));
        for child in self.children.iter().filter(|child| !holds_types || child.is_wanted(wanted)) {
            child.write(indent + 2, wanted, out);
        }
        out.push_str(&end);
    }

    fn is_wanted(&self, wanted: &BTreeSet<&str>) -> bool {
        match self.attribute("id") {
            Some(id) => wanted.contains(id) || self.members().any(|member| member.is_wanted(wanted)),
            None if self.is("namespace-decl") || self.is("member-type") => {
                self.children.iter().any(|child| child.is_wanted(wanted))
            }
            None => self.is_exported(),
        }
    }

    fn members(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter(|child| child.is("member-type"))
    }

    /// Adds the types that this element names, and those that they name.
    fn reach<'b>(&'b self, types: &BTreeMap<&'a str, &'b Element<'a>>, wanted: &mut BTreeSet<&'a str>) {
        for attribute in ["type-id", "naming-typedef-id", "def-of-decl-id"] {
            if let Some(id) = self.attribute(attribute)
                && wanted.insert(id)
                && let Some(named) = types.get(id)
            {
                named.reach(types, wanted);
            }
        }
        for child in self.children.iter().filter(|child| !child.is("member-type")) {
            child.reach(types, wanted);
        }
    }
}

/// What the exported functions reach, as one unit without a place.
fn prune(text: &str) -> Result<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| line.starts_with('<'));
    let roots = Element::read_all(&mut lines);
    let [root] = roots.as_slice() else { bail!("abidw wrote something else than one library") };
    let mut types = BTreeMap::new();
    each(root, &mut |element| {
        types.extend(element.attribute("id").map(|id| (id, element)));
    });
    let mut wanted = BTreeSet::new();
    let mut functions = 0;
    each(root, &mut |element| {
        if element.is_exported() {
            functions += 1;
            element.reach(&types, &mut wanted);
        }
    });
    if functions == 0 {
        bail!("the library has no debug information of its functions");
    }
    let mut out = format!("{}\n", root.line);
    for symbols in root.children.iter().filter(|child| child.is("elf-function-symbols")) {
        symbols.write(2, &wanted, &mut out);
    }
    out.push_str("  <abi-instr address-size='64' path='socketio_plugin' language='LANG_Rust'>\n");
    let units = root.children.iter().filter(|child| child.is("abi-instr"));
    for element in units.flat_map(|unit| &unit.children).filter(|element| element.is_wanted(&wanted)) {
        element.write(4, &wanted, &mut out);
    }
    out.push_str("  </abi-instr>\n</abi-corpus>\n");
    Ok(out)
}

/// An element and every one below it.
fn each<'a, 'b>(element: &'b Element<'a>, visit: &mut impl FnMut(&'b Element<'a>)) {
    visit(element);
    element.children.iter().for_each(|child| each(child, visit));
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "\
<abi-corpus version='2.1' soname='libx.so'>
  <elf-function-symbols>
    <elf-symbol name='f' type='func-type'/>
  </elf-function-symbols>
  <abi-instr address-size='64' path='/home/someone/lib.rs' language='LANG_UNKNOWN'>
    <type-decl name='u32' id='t1'/>
    <type-decl name='bool' id='t2'/>
    <pointer-type-def type-id='t4' id='t3'/>
    <namespace-decl name='x'>
      <namespace-decl name='inside'>
        <class-decl name='Private' id='t5'>
          <data-member layout-offset-in-bits='0'>
            <var-decl name='y' type-id='t2'/>
          </data-member>
        </class-decl>
      </namespace-decl>
      <class-decl name='s' size-in-bits='32' id='t4'>
        <data-member layout-offset-in-bits='0'>
          <var-decl name='a' type-id='t1'/>
        </data-member>
      </class-decl>
      <function-decl name='f' elf-symbol-id='f'>
        <parameter type-id='t3'/>
        <return type-id='t1'/>
      </function-decl>
      <function-decl name='g'>
        <return type-id='t5'/>
      </function-decl>
    </namespace-decl>
  </abi-instr>
</abi-corpus>
";

    const PRUNED: &str = "\
<abi-corpus version='2.1' soname='libx.so'>
  <elf-function-symbols>
    <elf-symbol name='f' type='func-type'/>
  </elf-function-symbols>
  <abi-instr address-size='64' path='socketio_plugin' language='LANG_Rust'>
    <type-decl name='u32' id='t1'/>
    <pointer-type-def type-id='t4' id='t3'/>
    <namespace-decl name='x'>
      <class-decl name='s' size-in-bits='32' id='t4'>
        <data-member layout-offset-in-bits='0'>
          <var-decl name='a' type-id='t1'/>
        </data-member>
      </class-decl>
      <function-decl name='f' elf-symbol-id='f'>
        <parameter type-id='t3'/>
        <return type-id='t1'/>
      </function-decl>
    </namespace-decl>
  </abi-instr>
</abi-corpus>
";

    #[test]
    fn only_what_functions_reach_is_recorded() {
        assert_eq!(prune(WRITTEN).unwrap(), PRUNED);
        assert!(prune(&WRITTEN.replace(" elf-symbol-id='f'", "")).is_err());
    }

    #[test]
    fn every_change_is_told_by_its_weight() {
        assert_eq!(verdict(0), Ok(()));
        assert!(verdict(4).unwrap_err().contains("cargo xtask abi --write"));
        assert!(verdict(12).unwrap_err().contains("another major version"));
        assert!(verdict(1).unwrap_err().contains("could not compare"));
    }
}
