//! What polls hand out: held to the descriptor, to the life of each session and request, and read a second time before
//! the next poll.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::value::RawValue;
use socketio_plugin::abi::types::*;

use crate::library::*;

/// The sessions of one connection.
#[derive(Default)]
struct Sessions {
    /// Starts that were taken: there can't be more sessions.
    starts: usize,
    /// Starts that must have begun one: the first, and each after a Stop.
    begun: usize,
    runs: bool,
    /// Final On Stops.
    ended: usize,
}

#[derive(Default)]
pub struct Watch {
    sessions: HashMap<u64, Sessions>,
    /// Requests, and whether they came to their end.
    requests: HashMap<u64, bool>,
    /// Requests whose numbers the host did not take.
    unknown_requests: usize,
    /// Events that the host did not look at.
    missed: bool,
    last_sequence: u64,
    last_reply_id: i64,
    held: Option<Held>,
}

/// A batch that is still the host's.
struct Held {
    batch: socketio_event_batch_t,
    digest: u64,
}

impl Watch {
    /// An activation begins: nothing of the last one comes any more.
    pub fn begin(&mut self) {
        *self = Watch { held: self.held.take(), ..Watch::default() };
    }

    pub fn last_reply_id(&self) -> i64 {
        self.last_reply_id
    }

    /// A pulse was taken.
    pub fn executed(&mut self, node: u32, connection: u64, request: Option<u64>, asks: bool) {
        let sessions = self.sessions.entry(connection).or_default();
        match node {
            START => {
                sessions.starts += 1;
                if !std::mem::replace(&mut sessions.runs, true) {
                    sessions.begun += 1;
                }
            }
            STOP => sessions.runs = false,
            _ => {}
        }
        match request {
            Some(0) => hold!(!asks, "a call that asks has no request number"),
            Some(request) => {
                hold!(asks, "a call that asks nothing has request {request}");
                // Nothing was polled since, so that its event can't have been seen.
                hold!(self.requests.insert(request, false).is_none(), "request {request} was given twice");
            }
            None => self.unknown_requests += usize::from(asks),
        }
    }

    /// The batch that is held says what it said. It must no longer be read when the next poll has begun.
    pub fn let_go(&mut self) {
        if let Some(held) = self.held.take() {
            hold!(digest(&held.batch) == held.digest, "a batch changed before the next poll");
        }
    }

    /// A poll handed this out; `reaches` bytes of the struct were the host's.
    pub fn polled(&mut self, batch: socketio_event_batch_t, reaches: usize) {
        if reaches < 16 {
            self.missed |= batch.count > 0;
            return;
        }
        hold!(batch.count == 0 || !batch.events.is_null(), "{} events at NULL", batch.count);
        for event in events(&batch) {
            self.event(event);
        }
        self.held = Some(Held { digest: digest(&batch), batch });
    }

    fn event(&mut self, event: &socketio_event_t) {
        hold!(event.struct_size as usize == size_of::<socketio_event_t>(), "an event of {} bytes", event.struct_size);
        hold!(event.reserved == 0 && event.connection != 0, "reserved {}", event.reserved);
        hold!(event.sequence > self.last_sequence, "{} after {}", event.sequence, self.last_sequence);
        self.last_sequence = event.sequence;
        let node = node(event.node_type);
        let is_listener = node.kind == SOCKETIO_KIND_LISTENER;
        hold!(event.output_count == node.output_count, "{} outputs of {}", event.output_count, node.type_id);
        let outputs = outputs(event);
        for (index, output) in outputs.iter().enumerate() {
            // SAFETY: the descriptor is static and has as many outputs as it says.
            let field = unsafe { &**node.outputs.add(index) };
            hold!(output.reserved == 0, "reserved bits of output {index}");
            let fits = output.r#type == field.r#type || !is_listener && output.r#type == SOCKETIO_TYPE_NONE;
            hold!(fits, "output {index} of node {} has type {}", node.type_id, output.r#type);
            if output.r#type == SOCKETIO_TYPE_PULSE {
                // SAFETY: the type says that it is a truth.
                let fires = unsafe { output.r#as.boolean } == 1;
                hold!(fires == (index == event.pulse as usize), "pulse {index} of node {}", node.type_id);
            }
            value(output);
        }
        if *TRACE {
            let values = outputs.iter().map(value).collect::<Vec<_>>();
            eprintln!("    node {} request {} {}: {values:?}", node.type_id, event.request, name(event.status));
        }
        let is_error = event.node_type == ON_ERROR;
        hold!(event.status != -901, "a fault inside the plugin: {:?}", outputs.iter().map(value).collect::<Vec<_>>());
        hold!(!is_listener || (event.status < 0) == is_error, "node {} with {}", node.type_id, event.status);
        hold!(!is_listener || event.request == 0, "a listener with request {}", event.request);
        if is_error {
            let (message, remedy) = (value(&outputs[2]), value(&outputs[4]));
            hold!(message.len() > 10 && message.ends_with('.'), "an error says {message:?}");
            hold!(remedy.len() > 10 && remedy.ends_with('.'), "a remedy says {remedy:?}");
        }
        // SAFETY: the types were checked above.
        if event.node_type == ON_STOP && unsafe { outputs[2].r#as.boolean } == 0 {
            let sessions = self.sessions.entry(event.connection).or_default();
            sessions.ended += 1;
            hold!(sessions.ended <= sessions.starts, "{} sessions ended of {}", sessions.ended, sessions.starts);
        }
        if event.node_type == ON_RECEIVE {
            // SAFETY: as above.
            let reply_id = unsafe { outputs[6].r#as.integer };
            if reply_id != 0 {
                self.last_reply_id = reply_id;
            }
        }
        if !is_listener {
            match self.requests.get_mut(&event.request) {
                Some(done) => hold!(!std::mem::replace(done, true), "request {} came twice", event.request),
                None => {
                    hold!(self.unknown_requests > 0, "request {} was never made", event.request);
                    self.unknown_requests -= 1;
                }
            }
        }
    }

    /// Everything was polled after `disable`: what began has come to its end.
    pub fn finished(&self) {
        if self.missed {
            return;
        }
        for (connection, sessions) in &self.sessions {
            hold!(
                (sessions.begun..=sessions.starts).contains(&sessions.ended),
                "connection {connection:#x}: of {} to {} sessions {} ended",
                sessions.begun,
                sessions.starts,
                sessions.ended
            );
        }
        for (request, done) in &self.requests {
            hold!(*done, "request {request} never came to its end");
        }
        hold!(self.unknown_requests == 0, "{} requests never came to their end", self.unknown_requests);
    }
}

/// The node of a number; it must be there.
fn node(type_id: u32) -> &'static socketio_node_desc_t {
    // SAFETY: the descriptor is static, never NULL, and has as many nodes as it says.
    let nodes = unsafe {
        let plugin = &*socketio_plugin_descriptor();
        std::slice::from_raw_parts(plugin.nodes, plugin.node_count as usize)
    };
    // SAFETY: as above.
    let found = nodes.iter().map(|&node| unsafe { &*node }).find(|node| node.type_id == type_id);
    found.unwrap_or_else(|| fail!("an event of node {type_id}, which is not there"))
}

fn events(batch: &socketio_event_batch_t) -> Vec<&socketio_event_t> {
    if batch.count == 0 {
        return Vec::new();
    }
    // SAFETY: the header says that a batch stays valid until the next poll.
    let pointers = unsafe { std::slice::from_raw_parts(batch.events, batch.count as usize) };
    // SAFETY: as above.
    pointers.iter().map(|&event| unsafe { &*event }).collect()
}

fn outputs(event: &socketio_event_t) -> &[socketio_value_t] {
    // SAFETY: as in `events`; every node has at least its pulse.
    unsafe { std::slice::from_raw_parts(event.outputs, event.output_count as usize) }
}

/// All of a value, as text: reads each byte that it points to.
pub fn value(value: &socketio_value_t) -> String {
    // SAFETY: the type says which member counts; what it points to is as the header says.
    unsafe {
        let content = &value.r#as;
        match value.r#type {
            SOCKETIO_TYPE_NONE => String::new(),
            SOCKETIO_TYPE_PULSE | SOCKETIO_TYPE_BOOL => content.boolean.to_string(),
            SOCKETIO_TYPE_INT => content.integer.to_string(),
            SOCKETIO_TYPE_FLOAT => content.number.to_string(),
            SOCKETIO_TYPE_STRING => text(content.string),
            SOCKETIO_TYPE_JSON => {
                let text = text(content.string);
                let is_json = text.is_empty() || serde_json::from_str::<&RawValue>(&text).is_ok();
                hold!(is_json, "a JSON output holds {text:?}");
                text
            }
            SOCKETIO_TYPE_BYTES_LIST => {
                let list = content.bytes_list;
                let items = if list.len == 0 { &[] } else { std::slice::from_raw_parts(list.ptr, list.len) };
                let bytes = items.iter().map(|item| match item.len {
                    0 => Vec::new(),
                    len => std::slice::from_raw_parts(item.ptr, len).to_vec(),
                });
                format!("{:?}", bytes.collect::<Vec<_>>())
            }
            SOCKETIO_TYPE_CONNECTION => content.connection.to_string(),
            other => fail!("an output of type {other}"),
        }
    }
}

fn digest(batch: &socketio_event_batch_t) -> u64 {
    let mut hasher = DefaultHasher::new();
    for event in events(batch) {
        (event.node_type, event.node, event.request, event.connection, event.sequence).hash(&mut hasher);
        (event.time_us, event.pulse, event.status).hash(&mut hasher);
        outputs(event).iter().map(value).for_each(|value| value.hash(&mut hasher));
    }
    hasher.finish()
}
