//! The files made from the descriptor. `cargo xtask generate` writes them; the test run compares them.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{CONNECTION_FIELDS, Field, Kind, NODES, Node, PLUGIN, TOOLBOX_CATEGORY, flags};

/// `plugin.json`: all that a host needs to list the plugin without loading the library.
pub fn plugin_json(abi_version: u32) -> String {
    let manifest = json!({
        "id": PLUGIN.id,
        "name": PLUGIN.name,
        "category": PLUGIN.category,
        "version": PLUGIN.version,
        "vendor": PLUGIN.vendor,
        "license": PLUGIN.license,
        "description": PLUGIN.description.split("\n\n").collect::<Vec<_>>(),
        "activated_by_default": true,
        "abi": { "major": abi_version >> 16, "minor": abi_version & 0xffff },
        "library": { "linux": "libsocketio_plugin.so", "windows": "socketio_plugin.dll" },
        "resident": true,
        "settings": {
            "version": PLUGIN.settings_version,
            "page": "Socket.IO",
            "list": "Connections",
            "key": "connections",
            "fields": CONNECTION_FIELDS.iter().map(field_json).collect::<Vec<_>>(),
        },
        "toolbox_category": TOOLBOX_CATEGORY,
        "nodes": NODES.iter().map(node_json).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    text.push('\n');
    text
}

fn node_json(node: &Node) -> Value {
    let fields = |fields: &[Field]| fields.iter().map(field_json).collect::<Vec<_>>();
    json!({
        "type_id": node.type_id,
        "id": node.id,
        "label": node.label,
        "kind": match node.kind { Kind::Action => "action", Kind::Listener => "listener" },
        "scopes": ["Project", "Scene"],
        "help": node.help,
        "attributes": fields(node.attributes),
        "inputs": fields(node.inputs),
        "outputs": fields(node.outputs),
    })
}

fn field_json(field: &Field) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), field.id.into());
    out.insert("label".into(), field.label.into());
    out.insert("type".into(), field.value.name().into());
    if !field.default_json.is_empty() {
        out.insert("default".into(), serde_json::from_str(field.default_json).unwrap_or(Value::Null));
    }
    if !field.choices.is_empty() {
        out.insert("choices".into(), field.choices.into());
    }
    if field.has_range() {
        out.insert("minimum".into(), number(field.range.0));
        out.insert("maximum".into(), number(field.range.1));
    }
    if !field.unit.is_empty() {
        out.insert("unit".into(), field.unit.into());
    }
    for (flag, name) in [
        (flags::REQUIRED, "required"),
        (flags::SECRET, "secret"),
        (flags::ADVANCED, "advanced"),
        (flags::BYTES_TOO, "bytes_too"),
    ] {
        if field.flags & flag != 0 {
            out.insert(name.into(), true.into());
        }
    }
    out.insert("help".into(), field.help.into());
    Value::Object(out)
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 { (value as i64).into() } else { value.into() }
}

/// The node constants of the header, each with its attributes and pins by position: all that a host in C needs to know
/// of a node.
pub fn header_nodes() -> String {
    let mut out = String::from(
        "/* Node types. The numbers are the positions of values in a call, a result or an event; position 0 of every\n   \
node is its Configuration, or the pulse that runs it, or the pulse that leaves or fires. */\n",
    );
    for node in NODES {
        let _ = writeln!(out, "\n/*");
        wrapped(&mut out, " ", &format!("{}. {}", node.label, node.help));
        for (side, fields) in [("attribute", node.attributes), ("input", node.inputs), ("output", node.outputs)] {
            for (position, field) in fields.iter().enumerate().skip(1) {
                let mut text = format!("{} ({})", field.label, field.value.name());
                if !field.choices.is_empty() {
                    let _ = write!(text, ", one of {}", field.choices.join(", "));
                }
                if !matches!(field.default_json, "" | "\"\"") {
                    let _ = write!(text, ", default {}", field.default_json);
                }
                let _ = write!(text, ": {}", field.help);
                wrapped(&mut out, &format!(" {side:<9} {position}  "), &text);
            }
        }
        let name = node.id.trim_start_matches("socketio.").to_uppercase();
        let _ = writeln!(out, " */\n#define SOCKETIO_NODE_{name} {}", node.type_id);
    }
    out
}

/// Writes text in lines of the header's width: the first after `head`, the others below it. A header is ASCII.
fn wrapped(out: &mut String, head: &str, text: &str) {
    let text = text.replace(" ►", " pulse");
    let mut line = head.to_string();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.len() + 1 + word.len() > 110 {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(head.len());
            is_empty = true;
        }
        if !std::mem::replace(&mut is_empty, false) {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

/// `docs/nodes.md`: the node reference a designer reads.
pub fn nodes_markdown() -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<!-- Generated from src/descriptor/ by `cargo xtask generate`. Do not edit. -->\n\n# Nodes and settings\n\n{}\n",
        PLUGIN.description
    );
    let _ = writeln!(
        out,
        "Every node is found in the Toolbox under *{}* and works in Project and Scene logic. A node marked *action* runs \
when a pulse reaches it; one marked *event* fires by itself.\n",
        TOOLBOX_CATEGORY.replace('/', " › ")
    );
    for node in NODES {
        let _ = writeln!(
            out,
            "## {}\n\n*{}* · id `{}`\n\n{}\n",
            node.label,
            match node.kind {
                Kind::Action => "action",
                Kind::Listener => "event",
            },
            node.id,
            node.help
        );
        for (title, fields) in [("Attribute", node.attributes), ("Input", node.inputs), ("Output", node.outputs)] {
            if !fields.is_empty() {
                field_table(&mut out, title, fields);
            }
        }
    }
    let _ = writeln!(
        out,
        "## Project Settings › Socket.IO › Connections\n\nA list of connections. Only Name and URL must be given.\n"
    );
    field_table(&mut out, "Field", CONNECTION_FIELDS);
    out
}

fn field_table(out: &mut String, title: &str, fields: &[Field]) {
    let _ = writeln!(out, "| {title} | Type | Default | What it does |\n| --- | --- | --- | --- |");
    for field in fields {
        let mut kind = field.value.name().to_string();
        if field.has_range() {
            let _ = write!(kind, ", {} to {}", number(field.range.0), number(field.range.1));
        }
        if !field.unit.is_empty() {
            let _ = write!(kind, " {}", field.unit);
        }
        if !field.choices.is_empty() {
            let _ = write!(kind, ": {}", field.choices.join(", "));
        }
        let default = match field.default_json {
            "" if field.flags & flags::REQUIRED != 0 => "must be given".to_string(),
            "" | "\"\"" => String::new(),
            json => format!("`{}`", json.trim_matches('"')),
        };
        let _ = writeln!(out, "| {} | {kind} | {default} | {} |", field.label, field.help.replace('|', "\\|"));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_ascii_and_its_comments_end_where_they_should() {
        let nodes = header_nodes();
        assert!(nodes.is_ascii(), "{:?}", nodes.chars().find(|c| !c.is_ascii()));
        assert_eq!(nodes.matches("/*").count(), nodes.matches("*/").count());
        assert_eq!(nodes.matches("*/").count(), NODES.len() + 1);
        assert!(nodes.lines().all(|line| line.len() <= 110 && line == line.trim_end()));
    }
}
