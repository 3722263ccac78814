//! Every struct that crosses the boundary.
//!
//! Frozen value types have no size field and never change within an ABI major. All others begin with
//! `struct_size` and grow at the end only.
#![allow(non_camel_case_types, missing_docs)]

use std::ffi::{c_char, c_void};

/// Version of this interface: major in the upper 16 bits, minor in the lower. Not the version of the package.
pub const SOCKETIO_ABI_VERSION: u32 = 0x0001_0000;

/// A configured connection. 0 is none. Never reused: a handle of a removed connection stays stale for ever.
pub type socketio_connection_t = u64;

/// The type of a value: one of SOCKETIO_TYPE_*.
pub type socketio_type_t = u32;

/// No value: the default is used.
pub const SOCKETIO_TYPE_NONE: u32 = 0;
/// A pulse. As an output, `boolean` is 1 at the pulse that fires and 0 at the others.
pub const SOCKETIO_TYPE_PULSE: u32 = 1;
/// `boolean`, 0 or 1.
pub const SOCKETIO_TYPE_BOOL: u32 = 2;
/// `integer`.
pub const SOCKETIO_TYPE_INT: u32 = 3;
/// `number`.
pub const SOCKETIO_TYPE_FLOAT: u32 = 4;
/// `string`, UTF-8.
pub const SOCKETIO_TYPE_STRING: u32 = 5;
/// `string`, UTF-8, holding one JSON value.
pub const SOCKETIO_TYPE_JSON: u32 = 6;
/// `bytes`.
pub const SOCKETIO_TYPE_BYTES: u32 = 7;
/// `bytes_list`: any number of byte strings, in order.
pub const SOCKETIO_TYPE_BYTES_LIST: u32 = 8;
/// `connection`.
pub const SOCKETIO_TYPE_CONNECTION: u32 = 9;

/// UTF-8 text. What the plugin hands out has `ptr[len] == 0`; what the host hands in need not. (NULL, 0) is empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct socketio_string_t {
    pub ptr: *const c_char,
    pub len: usize,
}

/// Bytes. (NULL, 0) is empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct socketio_bytes_t {
    pub ptr: *const u8,
    pub len: usize,
}

/// `len` byte strings, one after the other. (NULL, 0) is an empty list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct socketio_bytes_list_t {
    pub ptr: *const socketio_bytes_t,
    pub len: usize,
}

/// The content of a value; its type says which member counts.
#[repr(C)]
#[derive(Clone, Copy)]
pub union socketio_value_as_t {
    pub boolean: u8,
    pub integer: i64,
    pub number: f64,
    pub string: socketio_string_t,
    pub bytes: socketio_bytes_t,
    pub bytes_list: socketio_bytes_list_t,
    pub connection: socketio_connection_t,
}

/// A value of a pin or an attribute. Frozen. `reserved` is 0. All bytes zero is SOCKETIO_TYPE_NONE.
///
/// Where the descriptor says INT, a FLOAT without a fraction is taken too, and the reverse; where it says
/// STRING, JSON is taken too, and the reverse; a choice is taken as its text or as its index (INT); where it says
/// PULSE, a BOOL; where it says BYTES_LIST, BYTES as a list of one; where it says CONNECTION, a STRING with the name.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct socketio_value_t {
    pub r#type: socketio_type_t,
    pub reserved: u32,
    pub r#as: socketio_value_as_t,
}

/// Flag of a field: it has no default and must be given.
pub const SOCKETIO_FIELD_REQUIRED: u32 = 1;
/// Flag of a field: hide it while typing; it may be a reference such as "env:NAME".
pub const SOCKETIO_FIELD_SECRET: u32 = 2;
/// Flag of a field: show it among the advanced ones.
pub const SOCKETIO_FIELD_ADVANCED: u32 = 4;
/// Flag of a field: STRING that takes BYTES as well.
pub const SOCKETIO_FIELD_BYTES_TOO: u32 = 8;

/// One pin, attribute or setting. Strings are UTF-8, static, and NULL where there is nothing to say.
#[repr(C)]
pub struct socketio_field_desc_t {
    pub struct_size: u32,
    pub r#type: socketio_type_t,
    /// SOCKETIO_FIELD_*.
    pub flags: u32,
    pub reserved: u32,
    /// What a project file stores. Never changes.
    pub id: *const c_char,
    /// What the studio shows.
    pub label: *const c_char,
    /// One or two sentences for a tooltip.
    pub help: *const c_char,
    /// The default as JSON text, such as "\"/\"" or "20"; NULL: none.
    pub default_json: *const c_char,
    /// The choices of a drop-down, ended by NULL; NULL: no drop-down.
    pub choices: *const *const c_char,
    /// Unit of a number, such as "s" or "bytes"; NULL: none.
    pub unit: *const c_char,
    /// Smallest and largest value of a number; both 0: no range.
    pub minimum: f64,
    pub maximum: f64,
}

/// Kind of a node: the graph triggers it by a pulse.
pub const SOCKETIO_KIND_ACTION: u32 = 1;
/// Kind of a node: an event triggers it. It is never executed, it only fires.
pub const SOCKETIO_KIND_LISTENER: u32 = 2;

/// Scope flags of a node: where the Toolbox offers it.
pub const SOCKETIO_SCOPE_PROJECT: u32 = 1;
pub const SOCKETIO_SCOPE_SCENE: u32 = 2;

/// One node type. Values of a call or an event stand in the order of these arrays.
#[repr(C)]
pub struct socketio_node_desc_t {
    pub struct_size: u32,
    /// SOCKETIO_NODE_*: the number used in calls and events. Never reused.
    pub type_id: u32,
    /// What a project file stores. Never changes.
    pub id: *const c_char,
    pub label: *const c_char,
    /// Folder of the Toolbox, such as "Communication/Socket.IO".
    pub category: *const c_char,
    pub help: *const c_char,
    /// SOCKETIO_KIND_*.
    pub kind: u32,
    /// SOCKETIO_SCOPE_*.
    pub scopes: u32,
    pub attribute_count: u32,
    pub input_count: u32,
    pub output_count: u32,
    pub reserved: u32,
    pub attributes: *const *const socketio_field_desc_t,
    pub inputs: *const *const socketio_field_desc_t,
    pub outputs: *const *const socketio_field_desc_t,
}

/// Capability: the library stays mapped after dlclose or FreeLibrary. Replacing the file needs a restart of the host.
pub const SOCKETIO_CAPABILITY_RESIDENT: u32 = 1;
/// Capability: `socketio_event_wake_handle` works here.
pub const SOCKETIO_CAPABILITY_WAKE_HANDLE: u32 = 2;

/// All that the studio shows: Plugins Editor, Project Settings, Toolbox.
#[repr(C)]
pub struct socketio_plugin_desc_t {
    pub struct_size: u32,
    /// The ABI of this library.
    pub abi_version: u32,
    pub id: *const c_char,
    pub name: *const c_char,
    /// Of the Plugins Editor, such as "Communication".
    pub category: *const c_char,
    /// Version of the package.
    pub version: *const c_char,
    pub vendor: *const c_char,
    pub license: *const c_char,
    /// Three short paragraphs, separated by an empty line.
    pub description: *const c_char,
    /// SOCKETIO_CAPABILITY_*.
    pub capabilities: u32,
    /// 1: a plugin that the user never toggled is activated.
    pub activated_by_default: u32,
    /// Version of the settings text; a larger number means more fields.
    pub settings_version: u32,
    pub node_count: u32,
    /// Fields of one connection in Project Settings.
    pub connection_field_count: u32,
    pub reserved: u32,
    pub nodes: *const *const socketio_node_desc_t,
    pub connection_fields: *const *const socketio_field_desc_t,
}

/// Log levels, the most important first.
pub const SOCKETIO_LOG_OFF: u32 = 0;
pub const SOCKETIO_LOG_ERROR: u32 = 1;
pub const SOCKETIO_LOG_WARNING: u32 = 2;
pub const SOCKETIO_LOG_INFO: u32 = 3;
pub const SOCKETIO_LOG_DEBUG: u32 = 4;
pub const SOCKETIO_LOG_TRAFFIC: u32 = 5;

/// One line of the log. Valid during the callback only.
#[repr(C)]
pub struct socketio_log_record_t {
    pub struct_size: u32,
    /// SOCKETIO_LOG_ERROR to SOCKETIO_LOG_TRAFFIC.
    pub level: u32,
    /// The connection it is about, or 0.
    pub connection: socketio_connection_t,
    /// Microseconds since `enable`.
    pub time_us: u64,
    pub message: socketio_string_t,
}

/// What the host offers. Every field but `struct_size` and `abi_version` may be 0.
#[repr(C)]
pub struct socketio_host_t {
    pub struct_size: u32,
    /// SOCKETIO_ABI_VERSION of the header the host was built with.
    pub abi_version: u32,
    /// Name and version of the host, for the log.
    pub name: *const c_char,
    pub version: *const c_char,
    /// Handed back to both callbacks.
    pub context: *mut c_void,
    /// Takes log lines. Called on the host's own threads only, from inside poll, wait and disable.
    pub log: Option<unsafe extern "C" fn(context: *mut c_void, record: *const socketio_log_record_t)>,
    /// Says that the queue is no longer empty. The only callback on a plugin thread: it may do nothing but post
    /// to the host's own loop, must not call this library, and must return at once. At most one call for each
    /// time the queue goes from empty to not empty; none after `disable` returned SOCKETIO_OK.
    pub wake: Option<unsafe extern "C" fn(context: *mut c_void)>,
}

/// One pulse into an action node.
#[repr(C)]
pub struct socketio_node_call_t {
    pub struct_size: u32,
    /// `type_id` of the node.
    pub node_type: u32,
    /// The host's own tag of the node: comes back in events that belong to this call. Any number.
    pub node: u64,
    /// The connection. 0: the Configuration attribute decides (a CONNECTION, or a STRING with its name).
    pub connection: socketio_connection_t,
    /// Values in the order of the descriptor. A missing or NONE value means the default.
    pub attributes: *const socketio_value_t,
    pub inputs: *const socketio_value_t,
    pub attribute_count: u32,
    pub input_count: u32,
}

/// What comes back from a pulse. The host sets `struct_size`, `outputs` and `output_capacity`.
#[repr(C)]
pub struct socketio_node_result_t {
    pub struct_size: u32,
    /// Index of the output pulse that leaves now.
    pub pulse: u32,
    /// Not 0: a later event with this number completes the call (Reply or Timeout).
    pub request: u64,
    /// Host memory for the output values; NULL with capacity 0 if they are not wanted.
    pub outputs: *mut socketio_value_t,
    pub output_capacity: u32,
    /// How many were written: at most the capacity. Scalars and static strings only.
    pub output_count: u32,
}

/// A node that fires. Borrowed: valid until the next poll.
#[repr(C)]
pub struct socketio_event_t {
    pub struct_size: u32,
    /// `type_id` of the node that fires: a listener, or an action node whose later pulse this is.
    pub node_type: u32,
    /// The tag of the call that this belongs to; 0 for a listener that no call caused.
    pub node: u64,
    /// `request` of the call's result; 0 for a listener.
    pub request: u64,
    pub connection: socketio_connection_t,
    /// Grows by one with each event of the plugin. A gap: events were dropped, or replaced (Latest Per Poll).
    pub sequence: u64,
    /// When it happened: microseconds since `enable`.
    pub time_us: u64,
    /// Index of the output pulse that fires.
    pub pulse: u32,
    /// For an error: its range (SOCKETIO_E_NETWORK, ...). For the Timeout pulse of a Send: SOCKETIO_E_NO_ANSWER, or why
    /// no answer can come. Else SOCKETIO_OK.
    pub status: i32,
    pub output_count: u32,
    pub reserved: u32,
    /// Values in the order of the descriptor's outputs.
    pub outputs: *const socketio_value_t,
}

/// What a poll found. The host sets `struct_size`.
#[repr(C)]
pub struct socketio_event_batch_t {
    pub struct_size: u32,
    pub count: u32,
    /// `count` pointers. Borrowed until the next poll, also across `disable`.
    pub events: *const *const socketio_event_t,
    /// Events dropped since `enable` because nobody polled in time.
    pub dropped: u64,
}

/// Kind of a wake handle: a file descriptor that is readable while events wait.
pub const SOCKETIO_WAKE_FD: u32 = 1;
/// Kind of a wake handle: the HANDLE of a manual-reset event that is set while events wait.
pub const SOCKETIO_WAKE_WIN32_EVENT: u32 = 2;

/// Something to wait on in the host's own loop. The host never reads, resets or closes it.
#[repr(C)]
pub struct socketio_wake_handle_t {
    pub struct_size: u32,
    /// SOCKETIO_WAKE_*.
    pub kind: u32,
    /// A descriptor (int) or a HANDLE.
    pub value: isize,
}

/// State of the plugin: loaded, not activated. Nothing runs.
pub const SOCKETIO_PLUGIN_DISABLED: u32 = 0;
/// State of the plugin: activated.
pub const SOCKETIO_PLUGIN_ENABLED: u32 = 1;
/// State of the plugin: `disable` ran out of time and something still winds down.
pub const SOCKETIO_PLUGIN_DRAINING: u32 = 2;

/// State of a connection: not started, or ended.
pub const SOCKETIO_CONNECTION_STOPPED: u32 = 0;
/// State of a connection: looking up, dialling, or in a handshake.
pub const SOCKETIO_CONNECTION_CONNECTING: u32 = 1;
/// State of a connection: a namespace is connected, most often the default one.
pub const SOCKETIO_CONNECTION_CONNECTED: u32 = 2;
/// State of a connection: lost or not reached; waiting for the next try.
pub const SOCKETIO_CONNECTION_WAITING: u32 = 3;

/// Transport of a connection: none yet.
pub const SOCKETIO_TRANSPORT_NONE: u32 = 0;
/// Transport of a connection: WebSocket.
pub const SOCKETIO_TRANSPORT_WEBSOCKET: u32 = 1;
/// Transport of a connection: HTTP long-polling.
pub const SOCKETIO_TRANSPORT_POLLING: u32 = 2;

/// A connection at a glance. The host sets `struct_size`.
#[repr(C)]
pub struct socketio_connection_info_t {
    pub struct_size: u32,
    /// SOCKETIO_CONNECTION_*.
    pub state: u32,
    /// SOCKETIO_TRANSPORT_*.
    pub transport: u32,
    /// Range of the last error since it was last connected, or SOCKETIO_OK.
    pub last_error: i32,
    /// Namespaces connected now.
    pub namespaces: u32,
    /// Failed tries since it was last connected.
    pub attempts: u32,
    /// Messages waiting to be sent.
    pub queued: u64,
    /// Messages given up before they were sent, and events dropped, since the settings were applied.
    pub dropped: u64,
    /// Last round trip in microseconds; 0: not measured yet.
    pub round_trip_us: u64,
}
