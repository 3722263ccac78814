//! The descriptor as C sees it, made once from the data of `crate::descriptor`.

use std::ffi::{CString, c_char};

use once_cell::sync::OnceCell;

use super::types::*;
use crate::descriptor::{CONNECTION_FIELDS, Field, NODES, Node, PLUGIN, SCOPES, TOOLBOX_CATEGORY};
use crate::platform::WakeHandle;

/// A pointer to something that lives until the process ends and never changes.
struct Static(*const socketio_plugin_desc_t);

// SAFETY: what it points to is never written again and never freed.
unsafe impl Send for Static {}
// SAFETY: as above.
unsafe impl Sync for Static {}

static DESCRIPTOR: OnceCell<Static> = OnceCell::new();

/// The descriptor. The library is resident, so what is made here stays.
pub fn c_descriptor() -> *const socketio_plugin_desc_t {
    DESCRIPTOR.get_or_init(|| Static(plugin())).0
}

fn plugin() -> *const socketio_plugin_desc_t {
    leak(socketio_plugin_desc_t {
        struct_size: size_of::<socketio_plugin_desc_t>() as u32,
        abi_version: SOCKETIO_ABI_VERSION,
        id: text(PLUGIN.id),
        name: text(PLUGIN.name),
        category: text(PLUGIN.category),
        version: text(PLUGIN.version),
        vendor: text(PLUGIN.vendor),
        license: text(PLUGIN.license),
        description: text(PLUGIN.description),
        capabilities: SOCKETIO_CAPABILITY_RESIDENT
            | if WakeHandle::KIND.is_some() { SOCKETIO_CAPABILITY_WAKE_HANDLE } else { 0 },
        activated_by_default: 1,
        settings_version: PLUGIN.settings_version,
        node_count: NODES.len() as u32,
        connection_field_count: CONNECTION_FIELDS.len() as u32,
        reserved: 0,
        nodes: array(NODES.iter().map(node)),
        connection_fields: fields(CONNECTION_FIELDS),
    })
}

fn node(node: &Node) -> *const socketio_node_desc_t {
    leak(socketio_node_desc_t {
        struct_size: size_of::<socketio_node_desc_t>() as u32,
        type_id: node.type_id,
        id: text(node.id),
        label: text(node.label),
        category: text(TOOLBOX_CATEGORY),
        help: text(node.help),
        kind: node.kind as u32,
        scopes: SCOPES,
        attribute_count: node.attributes.len() as u32,
        input_count: node.inputs.len() as u32,
        output_count: node.outputs.len() as u32,
        reserved: 0,
        attributes: fields(node.attributes),
        inputs: fields(node.inputs),
        outputs: fields(node.outputs),
    })
}

fn fields(fields: &[Field]) -> *const *const socketio_field_desc_t {
    array(fields.iter().map(|field| {
        leak(socketio_field_desc_t {
            struct_size: size_of::<socketio_field_desc_t>() as u32,
            r#type: field.value as u32,
            flags: field.flags,
            reserved: 0,
            id: text(field.id),
            label: text(field.label),
            help: text(field.help),
            default_json: optional(field.default_json),
            choices: match field.choices {
                [] => std::ptr::null(),
                choices => array(choices.iter().map(|choice| text(choice)).chain([std::ptr::null()])),
            },
            unit: optional(field.unit),
            minimum: field.range.0,
            maximum: field.range.1,
        })
    }))
}

fn leak<T>(value: T) -> *const T {
    Box::leak(Box::new(value))
}

fn array<T>(items: impl Iterator<Item = T>) -> *const T {
    Box::leak(items.collect::<Box<[T]>>()).as_ptr()
}

fn text(text: &str) -> *const c_char {
    // The texts of the descriptor are ours and hold no NUL.
    CString::new(text).unwrap_or_default().into_raw()
}

fn optional(value: &str) -> *const c_char {
    if value.is_empty() { std::ptr::null() } else { text(value) }
}
