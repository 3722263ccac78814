//! The committed files that are made from the sources: header, plugin.json, node reference.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The folder of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf()
}

/// Path in the repository and content of each generated file.
fn files() -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("include/socketio_plugin.h", header()?),
        ("plugin.json", socketio_plugin::descriptor::plugin_json(socketio_plugin::abi::types::SOCKETIO_ABI_VERSION)),
        ("docs/nodes.md", socketio_plugin::descriptor::nodes_markdown()),
    ])
}

fn header() -> Result<String> {
    let root = root();
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    let after = config.after_includes.get_or_insert_default();
    after.push('\n');
    after.push_str(&socketio_plugin::descriptor::header_nodes());
    let mut builder = cbindgen::Builder::new().with_config(config);
    // One source at a time, in the order in which a reader wants them.
    for file in ["status", "types", "identity", "lifecycle", "settings", "connections", "nodes", "events", "diagnostics"] {
        builder = builder.with_src(root.join("src/abi").join(file).with_extension("rs"));
    }
    let bindings = builder.generate().context("cbindgen")?;
    let mut out = Vec::new();
    bindings.write(&mut out);
    Ok(tidy(&String::from_utf8(out)?))
}

/// Makes cbindgen's text easier to read: a comment of one line on one line, negative constants in brackets.
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
        if line == "SOCKETIO_API" {
            out.push_str("SOCKETIO_API ");
            i += 1;
            continue;
        }
        match line.strip_prefix("#define ").and_then(|rest| rest.split_once(' ')) {
            Some((name, value)) if value.starts_with('-') => out.push_str(&format!("#define {name} ({value})\n")),
            _ => {
                out.push_str(line);
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

/// Writes every generated file.
pub fn write() -> Result<()> {
    for (path, content) in files()? {
        let path = root().join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))?;
        std::fs::write(path, content)?;
    }
    Ok(())
}

/// The generated files that are not what the sources make of them.
pub fn stale() -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for (path, content) in files()? {
        let committed = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        if committed != content {
            let line = committed.lines().zip(content.lines()).take_while(|(a, b)| a == b).count() + 1;
            stale.push(format!("{path}, line {line}"));
        }
    }
    Ok(stale)
}
