//! The committed files that are made from the sources: header, plugin.json, node reference.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use socketio_plugin::descriptor;

use crate::repository::root;

/// A generated file: where it lies in the repository, and what the sources make of it.
pub struct Generated {
    pub path: &'static str,
    content: String,
}

impl Generated {
    /// Where the committed file differs first, if it does.
    pub fn difference(&self) -> Option<String> {
        let committed = std::fs::read_to_string(root().join(self.path)).unwrap_or_default();
        first_difference(&committed, &self.content)
    }
}

/// All generated files.
pub fn files() -> Result<Vec<Generated>> {
    let version = socketio_plugin::abi::types::SOCKETIO_ABI_VERSION;
    Ok(vec![
        Generated { path: "include/socketio_plugin.h", content: header()? },
        Generated { path: "plugin.json", content: descriptor::plugin_json(version) },
        Generated { path: "docs/nodes.md", content: descriptor::nodes_markdown() },
        Generated { path: "docs/errors.md", content: socketio_plugin::errors_markdown() },
    ])
}

/// `cargo xtask generate`: writes the generated files. With `--check` it only says which are stale.
pub fn command(arguments: &[String]) -> Result<ExitCode> {
    let check = match arguments {
        [] => false,
        [option] if option == "--check" => true,
        _ => bail!("it takes nothing but --check"),
    };
    let mut code = ExitCode::SUCCESS;
    for file in files()? {
        let Some(difference) = file.difference() else {
            println!("{} is up to date", file.path);
            continue;
        };
        if check {
            println!("{} is stale: {difference}", file.path);
            code = ExitCode::FAILURE;
            continue;
        }
        let path = root().join(file.path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
        std::fs::write(path, file.content)?;
        println!("{} written", file.path);
    }
    Ok(code)
}

/// The first line in which two texts differ.
pub fn first_difference(committed: &str, made: &str) -> Option<String> {
    if committed == made {
        return None;
    }
    let (mut a, mut b) = (committed.lines(), made.lines());
    let mut number = 1;
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a == b => number += 1,
            (a, b) => {
                let shown = |line: Option<&str>| line.map_or("its end".to_owned(), |line| format!("\"{line}\""));
                return Some(format!("line {number} is {}, and the sources make it {}", shown(a), shown(b)));
            }
        }
    }
}

fn header() -> Result<String> {
    let root = root();
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    let after = config.after_includes.get_or_insert_default();
    after.push('\n');
    after.push_str(&descriptor::header_nodes());
    let mut builder = cbindgen::Builder::new().with_config(config);
    // One source at a time, in the order in which a reader wants them.
    for file in
        ["status", "types", "identity", "lifecycle", "settings", "connections", "nodes", "events", "diagnostics"]
    {
        builder = builder.with_src(root.join("src/abi").join(file).with_extension("rs"));
    }
    let bindings = builder.generate().context("cbindgen")?;
    let mut out = Vec::new();
    bindings.write(&mut out);
    Ok(tidy(&String::from_utf8(out)?))
}

/// Makes cbindgen's text easier to read: a comment of one line on one line, negative constants in brackets. And states the
/// calling convention, of functions and of callbacks, which cbindgen does not know.
fn tidy(header: &str) -> String {
    let lines: Vec<&str> = header.lines().collect();
    let mut out = String::with_capacity(header.len());
    let mut i = 0;
    while i < lines.len() {
        let line = lines[i];
        let indent = &line[..line.len() - line.trim_start().len()];
        if line.trim() == "/*" && lines.get(i + 2).is_some_and(|end| end.trim() == "*/") {
            out.push_str(&format!("{indent}/* {} */\n", lines[i + 1].trim()));
            i += 3;
            continue;
        }
        // On a line of its own, or in front of a function that is short enough.
        if let Some(declaration) = line.strip_prefix("SOCKETIO_API") {
            let is_alone = declaration.is_empty();
            let declaration = if is_alone { lines.get(i + 1).copied().unwrap_or_default() } else { declaration.trim() };
            out.push_str(&format!("SOCKETIO_API {}\n", with_convention(declaration)));
            i += if is_alone { 2 } else { 1 };
            continue;
        }
        match line.strip_prefix("#define ").and_then(|rest| rest.split_once(' ')) {
            Some((name, value)) if value.starts_with('-') => out.push_str(&format!("#define {name} ({value})\n")),
            _ => {
                out.push_str(&line.replace("(*", "(SOCKETIO_CALL *"));
                out.push('\n');
            }
        }
        // A constant and the comment of the next one need no empty line between them.
        if line.starts_with("#define ") && lines.get(i + 1).is_some_and(|next| next.is_empty()) {
            let next = lines.get(i + 2..).unwrap_or_default();
            let comment = next.first().is_some_and(|l| l.trim() == "/*")
                && next.get(2).is_some_and(|l| l.trim() == "*/")
                && next.get(3).is_some_and(|l| l.starts_with("#define "));
            if comment || next.first().is_some_and(|l| l.starts_with("#define ")) {
                i += 1;
            }
        }
        i += 1;
    }
    out
}

/// The declaration of a function with its calling convention, which stands before the name.
fn with_convention(declaration: &str) -> String {
    let name = declaration.find('(').and_then(|end| {
        let before = declaration[..end].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        Some(before + 1)
    });
    let (result, rest) = declaration.split_at(name.unwrap_or_default());
    format!("{result}SOCKETIO_CALL {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        let difference = |a, b| first_difference(a, b).unwrap();
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n"), "line 2 is \"b\", and the sources make it \"c\"");
        assert_eq!(difference("a\n", "a\nb\n"), "line 2 is its end, and the sources make it \"b\"");
        assert_eq!(difference("", "a\n"), "line 1 is its end, and the sources make it \"a\"");
    }

    #[test]
    fn comments_of_one_line_and_negative_constants_are_tidied() {
        let written = "/*\n Wrong.\n */\n#define A -1\n\n/*\n More.\n */\n#define B 2\n\
            void (*g)(int);\nSOCKETIO_API\nint *f(void);\nSOCKETIO_API int h(int g(void));\n";
        let tidied = "/* Wrong. */\n#define A (-1)\n/* More. */\n#define B 2\n\
            void (SOCKETIO_CALL *g)(int);\nSOCKETIO_API int *SOCKETIO_CALL f(void);\n\
            SOCKETIO_API int SOCKETIO_CALL h(int g(void));\n";
        assert_eq!(tidy(written), tidied);
    }
}
