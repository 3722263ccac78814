//! This project's library, driven as a C host drives it: functions by name from the shared library, nodes and pins
//! by their ids from the descriptor.

#[allow(dead_code)]
#[path = "../../../src/abi/types.rs"]
mod types;

use std::collections::VecDeque;
use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{ptr, slice};

use anyhow::{Context, Result, bail, ensure};
use libloading::Library;
use serde_json::json;

use crate::client::{Client, Event, Message, Received};
use types::*;

/// The statuses that matter here; those below 0 are errors.
const OK: i32 = 0;
const MORE: i32 = 2;
const TIMED_OUT: i32 = 4;

const CONNECTION: &str = "peer";
const DISABLE_LIMIT_MS: u32 = 2_000;

pub struct Ours {
    functions: Functions,
    file: PathBuf,
    nodes: Vec<Node>,
    connection: socketio_connection_t,
    events: VecDeque<Event>,
    /// What `functions` point into.
    _library: Library,
}

/// The functions of the header that are needed here.
struct Functions {
    abi_version: unsafe extern "C" fn() -> u32,
    descriptor: unsafe extern "C" fn() -> *const socketio_plugin_desc_t,
    enable: unsafe extern "C" fn(*const socketio_host_t) -> i32,
    disable: unsafe extern "C" fn(u32) -> i32,
    apply: unsafe extern "C" fn(*const c_char, usize) -> i32,
    find: unsafe extern "C" fn(*const c_char, usize, *mut socketio_connection_t) -> i32,
    execute: unsafe extern "C" fn(*const socketio_node_call_t, *mut socketio_node_result_t) -> i32,
    poll: unsafe extern "C" fn(u32, *mut socketio_event_batch_t) -> i32,
    wait: unsafe extern "C" fn(u32) -> i32,
    last_error: unsafe extern "C" fn(*mut c_char, usize) -> usize,
}

/// What the descriptor says of a node type: ids, in the order of the values of a call or an event.
struct Node {
    id: &'static str,
    type_id: u32,
    attributes: Vec<&'static str>,
    inputs: Vec<&'static str>,
    outputs: Vec<&'static str>,
}

/// Enables the plugin, subscribes to every event of these namespaces, and starts.
pub fn connect(file: &Path, url: &str, namespaces: &[&str]) -> Result<Ours> {
    // SAFETY: loading this library runs nothing.
    let library = unsafe { Library::new(file) }.with_context(|| format!("loading {}", file.display()))?;
    let functions = load(&library)?;
    // SAFETY: takes no pointer.
    let version = unsafe { (functions.abi_version)() };
    ensure!(version >> 16 == SOCKETIO_ABI_VERSION >> 16, "the library's ABI is {version:#x}");
    let nodes = describe(&functions);
    let file = file.to_owned();
    let mut ours = Ours { functions, file, nodes, connection: 0, events: VecDeque::new(), _library: library };
    ours.enable(url)?;
    for namespace in namespaces {
        ours.execute("socketio.subscribe", 0, &[("event_name", string("*")), ("namespace", string(namespace))])?;
    }
    ours.execute("socketio.start", 0, &[])?;
    Ok(ours)
}

fn load(library: &Library) -> Result<Functions> {
    // SAFETY: the signatures are the header's.
    unsafe {
        Ok(Functions {
            abi_version: *library.get("socketio_abi_version")?,
            descriptor: *library.get("socketio_plugin_descriptor")?,
            enable: *library.get("socketio_plugin_enable")?,
            disable: *library.get("socketio_plugin_disable")?,
            apply: *library.get("socketio_settings_apply")?,
            find: *library.get("socketio_connection_find")?,
            execute: *library.get("socketio_node_execute")?,
            poll: *library.get("socketio_event_poll")?,
            wait: *library.get("socketio_event_wait")?,
            last_error: *library.get("socketio_last_error")?,
        })
    }
}

fn describe(functions: &Functions) -> Vec<Node> {
    // SAFETY: the descriptor and all that hangs off it are static, with the counts it says.
    unsafe {
        let plugin = &*(functions.descriptor)();
        let nodes = list(plugin.nodes, plugin.node_count as usize);
        let node = |&node: &*const socketio_node_desc_t| Node {
            id: static_text((*node).id),
            type_id: (*node).type_id,
            attributes: ids((*node).attributes, (*node).attribute_count),
            inputs: ids((*node).inputs, (*node).input_count),
            outputs: ids((*node).outputs, (*node).output_count),
        };
        nodes.iter().map(node).collect()
    }
}

impl Ours {
    /// The status, or the library's own words for an error.
    fn check(&self, call: &str, status: i32) -> Result<i32> {
        if status >= OK {
            return Ok(status);
        }
        let mut buffer = vec![0_u8; 1024];
        // SAFETY: the buffer is as long as it is said to be, and comes back with a final NUL.
        unsafe { (self.functions.last_error)(buffer.as_mut_ptr().cast(), buffer.len()) };
        bail!("{call}: {status}: {}", CStr::from_bytes_until_nul(&buffer)?.to_string_lossy())
    }

    fn enable(&mut self, url: &str) -> Result<()> {
        let settings = json!({ "connections": [{ "name": CONNECTION, "url": url }] }).to_string();
        // SAFETY: no host is given; both texts and the handle live through the calls.
        unsafe {
            self.check("enable", (self.functions.enable)(ptr::null()))?;
            self.check("settings_apply", (self.functions.apply)(settings.as_ptr().cast(), settings.len()))?;
            let mut connection = 0;
            let found = (self.functions.find)(CONNECTION.as_ptr().cast(), CONNECTION.len(), &mut connection);
            self.check("connection_find", found)?;
            self.connection = connection;
        }
        Ok(())
    }

    /// Runs a node. Each value goes to the attribute or input of its id.
    fn execute(&self, node: &str, tag: u64, values: &[(&str, socketio_value_t)]) -> Result<()> {
        let node = self.nodes.iter().find(|known| known.id == node).with_context(|| node.to_owned())?;
        let mut attributes = vec![none(); node.attributes.len()];
        let mut inputs = vec![none(); node.inputs.len()];
        for (id, value) in values {
            let position = |ids: &[&str]| ids.iter().position(|known| known == id);
            match (position(&node.attributes), position(&node.inputs)) {
                (Some(at), _) => attributes[at] = *value,
                (_, Some(at)) => inputs[at] = *value,
                _ => bail!("{} has no {id}", node.id),
            }
        }
        let call = socketio_node_call_t {
            struct_size: size_of::<socketio_node_call_t>() as u32,
            node_type: node.type_id,
            node: tag,
            connection: self.connection,
            attributes: attributes.as_ptr(),
            inputs: inputs.as_ptr(),
            attribute_count: attributes.len() as u32,
            input_count: inputs.len() as u32,
        };
        // SAFETY: the call's arrays have the lengths it says and live through it; no result is wanted.
        let status = unsafe { (self.functions.execute)(&call, ptr::null_mut()) };
        self.check(node.id, status)?;
        Ok(())
    }

    /// Takes all waiting events.
    fn poll(&mut self) -> Result<()> {
        let mut taken = Vec::new();
        loop {
            let mut batch = socketio_event_batch_t {
                struct_size: size_of::<socketio_event_batch_t>() as u32,
                count: 0,
                events: ptr::null(),
                dropped: 0,
            };
            // SAFETY: the batch is ours.
            let status = self.check("event_poll", unsafe { (self.functions.poll)(0, &mut batch) })?;
            // SAFETY: `count` pointers, valid until the next poll; each event is copied before it.
            unsafe {
                for &event in list(batch.events, batch.count as usize) {
                    taken.extend(self.event(&*event)?);
                }
            }
            if status != MORE {
                break;
            }
        }
        self.events.extend(taken);
        Ok(())
    }

    /// A copy of an event.
    ///
    /// # Safety
    ///
    /// The event is one of the last poll.
    unsafe fn event(&self, event: &socketio_event_t) -> Result<Option<Event>> {
        let node = self.nodes.iter().find(|known| known.type_id == event.node_type).context("an unknown node")?;
        // SAFETY: the event has as many values as it says.
        let outputs = unsafe { list(event.outputs, event.output_count as usize) };
        let output = |id: &str| {
            let at = node.outputs.iter().position(|known| *known == id);
            at.and_then(|at| outputs.get(at)).with_context(|| format!("{} without {id}", node.id))
        };
        let pulse = node.outputs.get(event.pulse as usize).copied().unwrap_or_default();
        // SAFETY: the members read are those that the descriptor declares for these pins.
        Ok(Some(unsafe {
            match (node.id, pulse) {
                ("socketio.on_receive", _) => Event::Received(Received {
                    name: owned(output("trigger_name")?),
                    arguments: owned(output("arguments")?),
                    attachments: byte_strings(output("attachments")?),
                    reply_id: output("reply_id")?.r#as.integer,
                }),
                ("socketio.send", "reply_pulse") => Event::Answered(event.node, owned(output("reply_arguments")?)),
                ("socketio.send", "timeout_pulse") => Event::Unanswered(event.node),
                ("socketio.on_error", _) => Event::Note(owned(output("message")?)),
                ("socketio.on_stop", _) => Event::Note(owned(output("reason")?)),
                _ => return Ok(None),
            }
        }))
    }
}

impl Client for Ours {
    fn send(&mut self, event: &str, json: &str) -> Result<()> {
        let values = [("event_name", string(event)), ("message", string(json)), ("message_format", string("JSON"))];
        self.execute("socketio.send", 0, &values)
    }

    fn ask(&mut self, tag: u64, event: &str, message: Message, limit: Duration) -> Result<()> {
        let (format, message) = match message {
            Message::Json(json) => ("JSON", string(json)),
            Message::Binary(bytes) => ("Binary", binary(bytes)),
        };
        let values = [
            ("event_name", string(event)),
            ("message", message),
            ("message_format", string(format)),
            ("reply_timeout", number(limit.as_secs_f64())),
        ];
        self.execute("socketio.send", tag, &values)
    }

    fn answer(&mut self, question: &Received, json: &str) -> Result<()> {
        let values =
            [("reply_id", integer(question.reply_id)), ("message", string(json)), ("message_format", string("JSON"))];
        self.execute("socketio.reply", 0, &values)
    }

    fn next(&mut self, deadline: Instant) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // SAFETY: takes no pointer.
            let status = unsafe { (self.functions.wait)(left.as_millis() as u32 + 1) };
            if self.check("event_wait", status)? != TIMED_OUT {
                self.poll()?;
            }
        }
    }

    fn file(&self) -> PathBuf {
        self.file.clone()
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // SAFETY: takes no pointer; nothing of the last poll is used any more.
        unsafe { (self.functions.disable)(DISABLE_LIMIT_MS) };
    }
}

/// # Safety
///
/// A static text with a final NUL.
unsafe fn static_text(text: *const c_char) -> &'static str {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_str().expect("the descriptor is UTF-8")
}

/// # Safety
///
/// `count` static descriptions.
unsafe fn ids(fields: *const *const socketio_field_desc_t, count: u32) -> Vec<&'static str> {
    // SAFETY: as the caller promises.
    unsafe { list(fields, count as usize).iter().map(|&field| static_text((*field).id)).collect() }
}

fn none() -> socketio_value_t {
    value(SOCKETIO_TYPE_NONE, socketio_value_as_t { integer: 0 })
}

fn integer(integer: i64) -> socketio_value_t {
    value(SOCKETIO_TYPE_INT, socketio_value_as_t { integer })
}

fn number(number: f64) -> socketio_value_t {
    value(SOCKETIO_TYPE_FLOAT, socketio_value_as_t { number })
}

fn string(text: &str) -> socketio_value_t {
    let string = socketio_string_t { ptr: text.as_ptr().cast(), len: text.len() };
    value(SOCKETIO_TYPE_STRING, socketio_value_as_t { string })
}

fn binary(bytes: &[u8]) -> socketio_value_t {
    let bytes = socketio_bytes_t { ptr: bytes.as_ptr(), len: bytes.len() };
    value(SOCKETIO_TYPE_BYTES, socketio_value_as_t { bytes })
}

fn value(r#type: socketio_type_t, r#as: socketio_value_as_t) -> socketio_value_t {
    socketio_value_t { r#type, reserved: 0, r#as }
}

/// # Safety
///
/// A STRING or JSON value of the last poll.
unsafe fn owned(value: &socketio_value_t) -> String {
    // SAFETY: as the caller promises.
    unsafe {
        let string = value.r#as.string;
        String::from_utf8_lossy(list(string.ptr.cast(), string.len)).into_owned()
    }
}

/// # Safety
///
/// A BYTES_LIST value of the last poll.
unsafe fn byte_strings(value: &socketio_value_t) -> Vec<Vec<u8>> {
    // SAFETY: as the caller promises.
    unsafe {
        let strings = value.r#as.bytes_list;
        list(strings.ptr, strings.len).iter().map(|bytes| list(bytes.ptr, bytes.len).to_vec()).collect()
    }
}

/// # Safety
///
/// `len` elements that outlive `'a`. An empty list may be NULL.
unsafe fn list<'a, T>(ptr: *const T, len: usize) -> &'a [T] {
    if len == 0 {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { slice::from_raw_parts(ptr, len) }
}
