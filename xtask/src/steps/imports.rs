//! The import rules: which room of the library may use which, and what stays at the edges.
//!
//! Sources are read as tokens, so that comments and texts can't mislead, and paths in macros count too.

use std::path::Path;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use crate::report::{Case, Outcome};
use crate::repository;

/// The rooms, and the rooms that each may use besides itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("platform", &[]),
    ("descriptor", &[]),
    ("diagnostics", &["platform"]),
    ("events", &["diagnostics", "platform", "descriptor"]),
    ("settings", &["descriptor", "diagnostics", "protocol"]),
    ("runtime", &["platform", "diagnostics"]),
    ("transport", &["runtime", "diagnostics", "protocol", "settings"]),
    ("doctor", &["transport", "protocol", "settings", "diagnostics"]),
    ("connection", &["doctor", "protocol", "transport", "events", "settings", "runtime", "diagnostics", "descriptor"]),
    ("registry", &["connection", "events", "settings", "runtime", "diagnostics", "descriptor", "platform"]),
    ("nodes", &["registry", "connection", "descriptor", "events", "diagnostics"]),
    ("fuzzing", &["protocol", "settings", "transport"]),
    (
        "abi",
        &[
            "nodes",
            "registry",
            "connection",
            "doctor",
            "transport",
            "protocol",
            "events",
            "settings",
            "runtime",
            "diagnostics",
            "descriptor",
            "platform",
        ],
    ),
];

/// The room that nobody may use.
const BOUNDARY: &str = "abi";

/// Macros that write to the host's console.
const PRINTS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Holds every file of `src/` to the rules.
pub fn step() -> Result<Outcome> {
    let sources = repository::root().join("src");
    let mut outcome = Outcome::default();
    for path in repository::files(&sources, "rs")? {
        let file = path.strip_prefix(&sources)?;
        let breaches = breaches(file, &repository::read(&path)?)?;
        if breaches.is_empty() {
            outcome.passed += 1;
        }
        for breach in breaches {
            outcome.failed.push(Case::new(format!("src/{}:{}", file.display(), breach.line), breach.rule));
        }
    }
    outcome.note = format!("{} files", outcome.passed);
    Ok(outcome)
}

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    line: usize,
    rule: String,
}

/// The breaches in one file, whose path is relative to `src/`.
fn breaches(file: &Path, source: &str) -> Result<Vec<Breach>> {
    let tokens: TokenStream = source.parse().map_err(|error| anyhow!("src/{}: {error}", file.display()))?;
    let mut modules: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    let name = modules.pop().unwrap_or_default().trim_end_matches(".rs");
    if !["mod", "lib"].contains(&name) {
        modules.push(name);
    }
    let room = modules.first().copied();
    let mut scan = Scan { room, breaches: Vec::new() };
    if let Some(room) = room.filter(|room| allowed(room).is_none()) {
        scan.breach(1, format!("{room} is not in the table of rooms (xtask/src/steps/imports.rs)"));
    }
    scan.walk(tokens, modules.len(), name == "tests");
    Ok(scan.breaches)
}

/// The rooms that a room may use.
fn allowed(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

struct Scan<'a> {
    /// The room of the file; none for `lib.rs`, which only names the rooms.
    room: Option<&'a str>,
    breaches: Vec<Breach>,
}

impl Scan<'_> {
    fn breach(&mut self, line: usize, rule: impl Into<String>) {
        self.breaches.push(Breach { line, rule: rule.into() });
    }

    fn is_in(&self, rooms: &[&str]) -> bool {
        self.room.is_some_and(|room| rooms.contains(&room))
    }

    /// Walks through tokens which lie `depth` modules below the root of the crate.
    fn walk(&mut self, tokens: TokenStream, depth: usize, in_tests: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // Set from #[cfg(test)] up to the end of its item.
        let mut test_item = false;
        let mut i = 0;
        while i < tokens.len() {
            match &tokens[i] {
                TokenTree::Ident(ident) => {
                    let line = ident.span().start().line;
                    self.word(ident, line, &tokens[..i], &tokens[i + 1..], in_tests || test_item);
                    let up = match ident.to_string().as_str() {
                        "crate" => Some(0),
                        "super" => Some(chain_of_super(&tokens[i..])),
                        _ => None,
                    };
                    if let Some(up) = up {
                        i += 3 * up.saturating_sub(1);
                        // A path that ends at the root goes on with a room.
                        if up == 0 || up == depth {
                            self.path_from_root(&tokens[i + 1..], line);
                        }
                    }
                }
                TokenTree::Group(group) => {
                    let inner = depth + usize::from(opens_module(&tokens[..i], group.delimiter()));
                    self.walk(group.stream(), inner, in_tests || test_item);
                    match group.delimiter() {
                        Delimiter::Bracket if is_cfg_test(group.stream()) => test_item = true,
                        Delimiter::Brace => test_item = false,
                        _ => {}
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => test_item = false,
                _ => {}
            }
            i += 1;
        }
    }

    /// What a path from the root of the crate names: `::room`, `::{room, ...}` or `::*`.
    fn path_from_root(&mut self, after: &[TokenTree], line: usize) {
        let [first, second, target, ..] = after else { return };
        if !is_punct(first, ':') || !is_punct(second, ':') {
            return;
        }
        match target {
            TokenTree::Ident(ident) => self.edge(ident, line),
            TokenTree::Group(group) => {
                let mut begins = true;
                for token in group.stream() {
                    match &token {
                        TokenTree::Ident(ident) if begins => self.edge(ident, ident.span().start().line),
                        token if begins && is_punct(token, '*') => self.glob(line),
                        _ => {}
                    }
                    begins = is_punct(&token, ',');
                }
            }
            token if is_punct(token, '*') => self.glob(line),
            _ => {}
        }
    }

    fn glob(&mut self, line: usize) {
        self.breach(line, "the crate's root is never imported by *: name the room");
    }

    fn edge(&mut self, target: &Ident, line: usize) {
        let target = target.to_string();
        let Some(room) = self.room else { return };
        let Some(allowed) = allowed(room) else { return };
        if target == room || target == "self" {
            return;
        }
        if target == BOUNDARY {
            self.breach(line, format!("{room} uses {BOUNDARY}: nobody may use the boundary"));
        } else if ROOMS.iter().all(|(name, _)| *name != target) {
            self.breach(line, format!("{room} uses crate::{target}, which is not a room"));
        } else if !allowed.contains(&target.as_str()) {
            let may = if allowed.is_empty() { "no other room".to_owned() } else { allowed.join(", ") };
            self.breach(line, format!("{room} uses {target}: {room} may use {may}"));
        }
    }

    /// The rules about single words: what only the edges may do, and what nobody may.
    fn word(&mut self, ident: &Ident, line: usize, before: &[TokenTree], after: &[TokenTree], in_tests: bool) {
        let word = ident.to_string();
        let is_macro = matches!(after, [mark, TokenTree::Group(_), ..] if is_punct(mark, '!'));
        match word.as_str() {
            "unsafe" if !self.is_in(&["abi", "platform"]) => {
                self.breach(line, "unsafe lies in src/abi and src/platform alone");
            }
            "extern" if is_foreign(after) && !self.is_in(&["abi", "platform"]) => {
                self.breach(line, "extern \"C\" lies in src/abi and src/platform alone");
            }
            "no_mangle" | "export_name" if !self.is_in(&[BOUNDARY]) => {
                self.breach(line, format!("{word} lies in src/abi alone"));
            }
            "repr" if is_repr_c(after) && !self.is_in(&[BOUNDARY]) => {
                self.breach(line, "repr(C) lies in src/abi alone");
            }
            "static" if is_static_mut(before, after) => {
                self.breach(line, "no static mut: use a lock or an atomic");
            }
            "todo" | "unimplemented" if is_macro => {
                self.breach(line, format!("no {word}!: it would panic in the user's studio"));
            }
            print if is_macro && !in_tests && PRINTS.contains(&print) => {
                self.breach(line, format!("no {print}!: stdout and stderr belong to the host; write to the log"));
            }
            _ => {}
        }
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// How many modules up `super::super::...` leads.
fn chain_of_super(tokens: &[TokenTree]) -> usize {
    // Each further link is three tokens: two colons and the word.
    let links = tokens[1..].chunks_exact(3);
    let is_link = |link: &[TokenTree]| {
        is_punct(&link[0], ':')
            && is_punct(&link[1], ':')
            && matches!(&link[2], TokenTree::Ident(ident) if ident == "super")
    };
    1 + links.take_while(|link| is_link(link)).count()
}

/// Whether a brace after these tokens opens an inline module.
fn opens_module(before: &[TokenTree], delimiter: Delimiter) -> bool {
    delimiter == Delimiter::Brace
        && matches!(before, [.., TokenTree::Ident(word), TokenTree::Ident(_)] if word == "mod")
}

fn is_cfg_test(attribute: TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    text == "cfg(test)"
}

/// Whether `extern` is about a foreign calling convention, not about a crate.
fn is_foreign(after: &[TokenTree]) -> bool {
    match after.first() {
        Some(TokenTree::Literal(_) | TokenTree::Group(_)) => true,
        Some(TokenTree::Ident(word)) => word == "fn",
        _ => false,
    }
}

/// Whether `static mut` is a variable. In `&'static mut` the word is the name of a lifetime.
fn is_static_mut(before: &[TokenTree], after: &[TokenTree]) -> bool {
    matches!(after.first(), Some(TokenTree::Ident(next)) if next == "mut")
        && !before.last().is_some_and(|token| is_punct(token, '\''))
}

fn is_repr_c(after: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(group)) = after.first() else { return false };
    group.stream().into_iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "C"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The breaches as `line: rule`.
    fn of(file: &str, source: &str) -> Vec<String> {
        let breaches = breaches(Path::new(file), source).unwrap();
        breaches.into_iter().map(|breach| format!("{}: {}", breach.line, breach.rule)).collect()
    }

    #[track_caller]
    fn assert_clean(file: &str, source: &str) {
        assert_eq!(of(file, source), Vec::<String>::new());
    }

    #[test]
    fn every_edge_of_the_table_leads_to_a_room() {
        for (room, allowed) in ROOMS {
            for target in *allowed {
                assert!(ROOMS.iter().any(|(name, _)| name == target), "{room} -> {target}");
                assert_ne!(*target, BOUNDARY, "{room}");
            }
        }
    }

    #[test]
    fn the_table_has_no_circles() {
        // Rooms stand in the table after all that they use.
        for (i, (room, allowed)) in ROOMS.iter().enumerate() {
            for target in *allowed {
                assert!(ROOMS[..i].iter().any(|(name, _)| name == target), "{room} -> {target}");
            }
        }
    }

    #[test]
    fn allowed_imports_pass() {
        assert_clean("nodes/send.rs", "use crate::registry::Registry;\nuse crate::{events, nodes::Call};\n");
        assert_clean("abi/nodes.rs", "use crate::{connection, protocol::Packet, transport};\n");
    }

    #[test]
    fn an_import_against_the_direction_is_named_with_its_line() {
        assert_eq!(
            of("protocol/packet.rs", "//! Packets.\nuse crate::connection::Connection;\n"),
            ["2: protocol uses connection: protocol may use no other room"]
        );
        assert_eq!(
            of("settings/mod.rs", "use crate::registry;\n"),
            ["1: settings uses registry: settings may use descriptor, diagnostics, protocol"]
        );
    }

    #[test]
    fn an_import_in_a_list_is_found() {
        assert_eq!(
            of("runtime/mod.rs", "use crate::{\n    platform,\n    transport::{self, WebSocket},\n};\n"),
            ["3: runtime uses transport: runtime may use platform, diagnostics"]
        );
    }

    #[test]
    fn a_path_in_code_or_in_a_macro_is_found() {
        assert_eq!(of("protocol/mod.rs", "fn f() {\n    crate::runtime::start();\n}\n").len(), 1);
        assert_eq!(of("protocol/mod.rs", "macro_rules! m { () => { $crate::runtime::start() } }\n").len(), 1);
        assert_eq!(of("protocol/mod.rs", "fn f() { assert!(crate::runtime::runs()); }\n").len(), 1);
    }

    #[test]
    fn a_path_by_super_is_found() {
        assert_eq!(of("protocol/mod.rs", "use super::runtime;\n").len(), 1);
        assert_eq!(of("protocol/packet/binary.rs", "use super::super::super::{runtime::Thread};\n").len(), 1);
        assert_eq!(of("protocol/mod.rs", "mod tests { use super::super::runtime; }\n").len(), 1);
        assert_clean("protocol/packet.rs", "use super::runtime;\nmod tests { use super::*; }\n");
    }

    #[test]
    fn nobody_uses_the_boundary() {
        assert_eq!(of("nodes/mod.rs", "use crate::abi::types;\n"), ["1: nodes uses abi: nobody may use the boundary"]);
    }

    #[test]
    fn what_is_not_a_room_is_named() {
        assert_eq!(of("nodes/mod.rs", "use crate::utils::x;\n"), ["1: nodes uses crate::utils, which is not a room"]);
        assert_eq!(of("utils/mod.rs", "").len(), 1);
        assert_eq!(of("utils.rs", "").len(), 1);
        assert_eq!(of("nodes/mod.rs", "use crate::*;\n").len(), 1);
    }

    #[test]
    fn comments_and_texts_are_no_code() {
        let source =
            "//! See [`crate::abi`]: unsafe.\nconst A: &str = \"crate::abi unsafe println!\";\n/* crate::abi */\n";
        assert_clean("protocol/mod.rs", source);
    }

    #[test]
    fn unsafe_lies_at_the_edges() {
        let source = "fn f() { unsafe { g() } }\n";
        assert_eq!(of("events/mod.rs", source), ["1: unsafe lies in src/abi and src/platform alone"]);
        assert_clean("abi/mod.rs", source);
        assert_clean("platform/mod.rs", source);
    }

    #[test]
    fn foreign_functions_lie_at_the_edges() {
        for source in ["extern \"C\" fn f() {}\n", "extern \"C-unwind\" {}\n", "type F = extern fn();\n"] {
            assert_eq!(of("nodes/mod.rs", source), ["1: extern \"C\" lies in src/abi and src/platform alone"]);
            assert_clean("abi/mod.rs", source);
            assert_clean("platform/mod.rs", source);
        }
        assert_clean("nodes/mod.rs", "extern crate std;\n");
    }

    #[test]
    fn exported_names_lie_in_the_boundary() {
        for source in ["#[unsafe(no_mangle)]\nfn f() {}\n", "#[unsafe(export_name = \"g\")]\nfn f() {}\n"] {
            assert_eq!(of("platform/mod.rs", source).len(), 1);
            assert_clean("abi/mod.rs", source);
        }
    }

    #[test]
    fn layouts_of_c_lie_in_the_boundary() {
        let source = "#[repr(C)]\nstruct A;\n";
        assert_eq!(of("platform/mod.rs", source), ["1: repr(C) lies in src/abi alone"]);
        assert_clean("abi/mod.rs", source);
        assert_clean("events/mod.rs", "#[repr(u8)]\nenum A { B }\n");
    }

    #[test]
    fn nothing_is_printed_but_by_tests() {
        for print in PRINTS {
            assert_eq!(of("events/mod.rs", &format!("fn f() {{ {print}!(\"x\"); }}\n")).len(), 1, "{print}");
            assert_clean("events/mod.rs", &format!("#[cfg(test)]\nmod tests {{ fn f() {{ {print}!(\"x\"); }} }}\n"));
            assert_clean("events/tests.rs", &format!("fn f() {{ {print}!(\"x\"); }}\n"));
        }
        let after_tests = "#[cfg(test)]\nmod tests {}\nfn f() { println!(); }\n";
        assert_eq!(of("events/mod.rs", after_tests).len(), 1);
        let after_import = "#[cfg(test)]\nuse std::fmt;\nfn f() { println!(); }\n";
        assert_eq!(of("events/mod.rs", after_import).len(), 1);
        assert_clean("events/mod.rs", "fn f(print: bool) -> bool { print != (true) }\n");
    }

    #[test]
    fn there_is_no_static_mut() {
        assert_eq!(of("abi/mod.rs", "static mut A: u8 = 0;\n"), ["1: no static mut: use a lock or an atomic"]);
        assert_clean("abi/mod.rs", "fn f(a: &'static mut u8) {}\n");
    }

    #[test]
    fn nothing_is_left_undone() {
        assert_eq!(of("nodes/mod.rs", "fn f() { todo!() }\n").len(), 1);
        assert_eq!(of("nodes/mod.rs", "#[cfg(test)]\nmod tests { fn f() { unimplemented!() } }\n").len(), 1);
    }
}
