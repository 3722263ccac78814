//! What the studio shows, as data: the one source of `plugin.json`, `docs/nodes.md`, the node constants of the
//! header, and what C sees.

mod generate;
mod nodes;
mod settings;

pub use generate::{header_nodes, nodes_markdown, plugin_json};
pub use nodes::{NODES, field_index, node, type_id};
pub use settings::CONNECTION_FIELDS;

/// Type of a value; the numbers are those of the C boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ValueType {
    /// A pulse.
    Pulse = 1,
    /// True or false.
    Bool = 2,
    /// A whole number.
    Int = 3,
    /// A number.
    Float = 4,
    /// Text.
    String = 5,
    /// Text holding one JSON value.
    Json = 6,
    /// Bytes.
    Bytes = 7,
    /// Any number of byte strings.
    BytesList = 8,
    /// A configured connection.
    Connection = 9,
}

impl ValueType {
    /// The name that `plugin.json` and the node reference use.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Pulse => "Pulse",
            ValueType::Bool => "Bool",
            ValueType::Int => "Int",
            ValueType::Float => "Float",
            ValueType::String => "String",
            ValueType::Json => "JSON",
            ValueType::Bytes => "Bytes",
            ValueType::BytesList => "Bytes List",
            ValueType::Connection => "Connection",
        }
    }
}

/// Flags of a field; the numbers are those of the C boundary.
pub mod flags {
    /// No default: must be given.
    pub const REQUIRED: u32 = 1;
    /// Hide while typing; may be a reference such as `env:NAME`.
    pub const SECRET: u32 = 2;
    /// Show among the advanced ones.
    pub const ADVANCED: u32 = 4;
    /// Text that takes bytes as well.
    pub const BYTES_TOO: u32 = 8;
}

/// One pin, attribute or setting.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// What a project file stores. Never changes.
    pub id: &'static str,
    /// What the studio shows.
    pub label: &'static str,
    /// Type of its value.
    pub value: ValueType,
    /// See [`flags`].
    pub flags: u32,
    /// The default as JSON text; empty: none.
    pub default_json: &'static str,
    /// Choices of a drop-down; empty: none.
    pub choices: &'static [&'static str],
    /// Smallest and largest value; both 0: no range.
    pub range: (f64, f64),
    /// Unit of a number; empty: none.
    pub unit: &'static str,
    /// One or two sentences.
    pub help: &'static str,
}

impl Field {
    pub(crate) const fn new(id: &'static str, label: &'static str, value: ValueType, help: &'static str) -> Field {
        Field { id, label, value, flags: 0, default_json: "", choices: &[], range: (0.0, 0.0), unit: "", help }
    }

    pub(crate) const fn default(mut self, json: &'static str) -> Field {
        self.default_json = json;
        self
    }

    pub(crate) const fn choices(mut self, choices: &'static [&'static str]) -> Field {
        self.choices = choices;
        self
    }

    pub(crate) const fn range(mut self, minimum: f64, maximum: f64) -> Field {
        self.range = (minimum, maximum);
        self
    }

    pub(crate) const fn unit(mut self, unit: &'static str) -> Field {
        self.unit = unit;
        self
    }

    pub(crate) const fn flags(mut self, flags: u32) -> Field {
        self.flags |= flags;
        self
    }

    /// Whether the field has a range.
    pub fn has_range(&self) -> bool {
        self.range != (0.0, 0.0)
    }
}

/// Kind of a node; the numbers are those of the C boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Triggered by the graph.
    Action = 1,
    /// Triggered by an event.
    Listener = 2,
}

/// One node type.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The number used in calls and events. Never reused.
    pub type_id: u32,
    /// What a project file stores. Never changes.
    pub id: &'static str,
    /// What the Toolbox shows.
    pub label: &'static str,
    /// Kind of the node.
    pub kind: Kind,
    /// One to three sentences.
    pub help: &'static str,
    /// Attributes, in the order of a call's values.
    pub attributes: &'static [Field],
    /// Input pins, in the order of a call's values.
    pub inputs: &'static [Field],
    /// Output pins, in the order of a result's or event's values.
    pub outputs: &'static [Field],
}

/// Where the Toolbox offers every node: project and scene.
pub const SCOPES: u32 = 1 | 2;

/// Folder of the Toolbox.
pub const TOOLBOX_CATEGORY: &str = "Communication/Socket.IO";

/// The plugin as a whole.
pub struct Plugin {
    /// Stable name.
    pub id: &'static str,
    /// What the Plugins Editor shows.
    pub name: &'static str,
    /// Category of the Plugins Editor.
    pub category: &'static str,
    /// Version of the package.
    pub version: &'static str,
    /// Who makes it.
    pub vendor: &'static str,
    /// SPDX expression.
    pub license: &'static str,
    /// Three short paragraphs, separated by an empty line.
    pub description: &'static str,
    /// Version of the settings text.
    pub settings_version: u32,
}

/// The plugin as a whole.
pub const PLUGIN: Plugin = Plugin {
    id: "socketio",
    name: "Socket.IO",
    category: "Communication",
    version: env!("CARGO_PKG_VERSION"),
    vendor: "The socketio-plugin authors",
    license: "MIT OR Apache-2.0",
    description: "Socket.IO carries named events between a server and its clients, in both directions and in real \
time. It keeps the connection alive, finds out when it is lost, and connects again by itself.\n\n\
This plugin brings Socket.IO to projects: nodes in the Logic Editor that start and stop a connection, send, \
subscribe and react to events, and a page in Project Settings where the connections are set up.\n\n\
When the plugin is deactivated, its nodes disappear from the Toolbox and its page from Project Settings. Projects \
that use them no longer communicate over Socket.IO until it is activated again.",
    settings_version: 1,
};
