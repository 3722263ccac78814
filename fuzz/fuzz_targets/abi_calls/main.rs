//! The C boundary: bytes become a sequence of calls, as a host in C makes them, right ones and wrong ones. Each status
//! must be one that the header names, everything that a poll hands out is read twice, and what began comes to its end.

#![no_main]

mod input;
mod library;
mod memory;
mod peer;
mod watch;

use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use input::Input;
use libfuzzer_sys::fuzz_target;
use library::*;
use memory::Memory;
use serde_json::{Map, Value, json};
use socketio_plugin::abi::types::*;
use watch::Watch;

/// Time that one input may spend on waiting for the other end.
const PATIENCE: Duration = Duration::from_millis(60);
/// Threads are started by `enable`, which costs the most of all calls.
const ENABLES: usize = 4;
/// The end of a session with a server that hangs, and much more.
const END_MS: u32 = 5_000;

/// Whether the library may call back.
static ACTIVE: AtomicBool = AtomicBool::new(false);
static CONTEXT: u8 = 0;

fuzz_target!(|data: &[u8]| {
    let mut host = Host::new(data);
    while let Some(letter) = host.input.letter() {
        host.call(letter);
    }
    host.end();
});

fn context() -> *mut c_void {
    (&raw const CONTEXT).cast_mut().cast()
}

/// Takes a line of the log, and tries what must not be done there.
unsafe extern "C" fn log(given: *mut c_void, record: *const socketio_log_record_t) {
    hold!(given == context() && ACTIVE.load(Ordering::SeqCst), "the log is called with another context, or too late");
    // SAFETY: the header says that the record is valid during the callback.
    let record = unsafe { &*record };
    hold!(
        record.struct_size as usize == size_of::<socketio_log_record_t>(),
        "a record of {} bytes",
        record.struct_size
    );
    hold!((1..=5).contains(&record.level), "a line of level {}", record.level);
    let line = text(record.message);
    // Names of connections begin lines, too; those are about a connection.
    let is_fault = record.connection == 0 && line.starts_with("Fault inside the plugin");
    hold!(!line.contains('\n') && !is_fault, "the log says: {line}");
    // SAFETY: NULL and plain numbers.
    let (waited, enabled, set) =
        unsafe { (socketio_event_wait(0), socketio_plugin_enable(null()), socketio_set_log_level(6)) };
    expect("wait in a callback", waited, &[E_BUSY]);
    expect("enable in a callback", enabled, &[E_BUSY]);
    expect("set_log_level in a callback", set, &[E_INVALID]);
}

unsafe extern "C" fn wake(given: *mut c_void) {
    hold!(given == context() && ACTIVE.load(Ordering::SeqCst), "wake is called with another context, or too late");
    // SAFETY: a plain number.
    expect("wait in a callback", unsafe { socketio_event_wait(0) }, &[E_BUSY]);
}

struct Host<'a> {
    input: Input<'a>,
    watch: Watch,
    /// Handles that were found, good ones and stale ones.
    handles: Vec<u64>,
    /// Names that were applied.
    names: Vec<String>,
    enables: usize,
    waiting_until: Instant,
}

impl<'a> Host<'a> {
    fn new(data: &'a [u8]) -> Host<'a> {
        peer::follow(peer::Script::new(0, 0, &[]));
        // SAFETY: plain numbers.
        expect("set_log_level", unsafe { socketio_set_log_level(SOCKETIO_LOG_INFO) }, &[OK]);
        Host {
            input: Input::new(data),
            watch: Watch::default(),
            handles: Vec::new(),
            names: Vec::new(),
            enables: 0,
            waiting_until: Instant::now() + PATIENCE,
        }
    }

    fn call(&mut self, letter: u8) {
        match letter {
            b'\n' | b' ' => {}
            b'E' => self.enable(),
            b'D' => self.disable(),
            b'A' => self.apply(),
            b'B' => self.apply_nonsense(),
            b'K' => self.check(),
            b'F' => self.find(),
            b'I' => self.info(),
            b'X' => self.execute(),
            b'P' => self.poll(),
            b'W' => self.wait(),
            b'R' => self.run(),
            b'H' => self.wake_handle(),
            b'L' => self.last_error(),
            b'V' => self.log_level(),
            b'S' => self.script(),
            _ => self.identity(letter),
        }
    }

    /// SOCKETIO_PLUGIN_*.
    fn state() -> u32 {
        // SAFETY: no arguments.
        unsafe { socketio_plugin_state() }
    }

    fn enable(&mut self) {
        let (kind, size) = (self.input.digit(), self.input.digit());
        if self.enables == ENABLES {
            return;
        }
        let mut memory = Memory::default();
        let host = socketio_host_t {
            struct_size: 0,
            abi_version: match kind {
                4 => 0x0002_0000,
                5 => 0x0001_0063,
                6 => 0,
                _ => SOCKETIO_ABI_VERSION,
            },
            name: if kind == 7 { memory.bytes(b"fuzz \xff\0").cast() } else { null() },
            version: if kind >= 7 { memory.bytes(b"\0").cast() } else { null() },
            context: context(),
            log: (kind != 2).then_some(log as _),
            wake: (kind != 1).then_some(wake as _),
        };
        let was = Host::state();
        let already_active = ACTIVE.swap(true, Ordering::SeqCst);
        let host = if kind == 0 { null_mut() } else { memory.sized(&host, size).pointer };
        // SAFETY: NULL, or a struct of the size that it says.
        let status = unsafe { socketio_plugin_enable(host) };
        expect("enable", status, &[OK, ALREADY, E_BUSY, E_ABI]);
        match status {
            OK => {
                hold!(was != SOCKETIO_PLUGIN_ENABLED, "enabled twice");
                self.enables += 1;
                self.watch.begin();
                self.handles.truncate(8);
                self.names.clear();
            }
            ALREADY => hold!(was == SOCKETIO_PLUGIN_ENABLED, "ALREADY in state {was}"),
            E_BUSY => hold!(was == SOCKETIO_PLUGIN_DRAINING, "BUSY in state {was}"),
            _ => ACTIVE.store(already_active, Ordering::SeqCst),
        }
        hold!(status < 0 || Host::state() == SOCKETIO_PLUGIN_ENABLED, "state {}", Host::state());
    }

    fn disable(&mut self) {
        let timeout = [0, 1, 20, 300][usize::from(self.input.digit()) % 4];
        self.disable_within(timeout);
    }

    fn disable_within(&mut self, timeout: u32) -> i32 {
        let was = Host::state();
        // SAFETY: a plain number.
        let status = unsafe { socketio_plugin_disable(timeout) };
        expect("disable", status, &[OK, ALREADY, E_TIMEOUT]);
        match status {
            E_TIMEOUT => hold!(Host::state() == SOCKETIO_PLUGIN_DRAINING, "state {}", Host::state()),
            _ => {
                ACTIVE.store(false, Ordering::SeqCst);
                hold!(Host::state() == SOCKETIO_PLUGIN_DISABLED, "state {} after disable", Host::state());
                hold!((status == OK) == (was != SOCKETIO_PLUGIN_DISABLED), "{status} in state {was}");
            }
        }
        status
    }

    fn script(&mut self) {
        let (manner, upgrades) = (self.input.digit(), self.input.digit());
        peer::follow(peer::Script::new(manner, upgrades, &self.input.lines()));
    }

    // ---- Settings ---------------------------------------------------------------------------------------------------

    /// Settings whose connections lead nowhere but to this machine.
    fn apply(&mut self) {
        let count = self.input.digit() % 4;
        let mut connections = Vec::new();
        for _ in 0..count {
            let kind = self.input.digit();
            let name = String::from_utf8_lossy(self.input.line()).into_owned();
            let mut fields = Map::new();
            for line in self.input.lines() {
                let mut object = [b"{", line, b"}"].concat();
                object.retain(|byte| *byte != b'\r');
                if let Ok(Value::Object(more)) = serde_json::from_slice(&object) {
                    fields.extend(more);
                }
            }
            fields.iter_mut().for_each(|(key, value)| harmless(key, value));
            let port = *peer::PORT;
            fields.insert("name".into(), name.into());
            fields.insert(
                "url".into(),
                match kind {
                    // Nobody listens there.
                    1 => json!("http://127.0.0.1:1"),
                    2 => json!(format!("https://127.0.0.1:{port}")),
                    3 => json!(format!("ws://127.0.0.1:{port}/path?x=y")),
                    _ => json!(format!("http://127.0.0.1:{port}")),
                },
            );
            match kind {
                4 => fields.insert("proxy".into(), json!(format!("http://127.0.0.1:{port}"))),
                5 => fields.insert("proxy".into(), json!(format!("socks5://127.0.0.1:{port}"))),
                _ => fields.remove("proxy"),
            };
            connections.push(fields);
        }
        let text = json!({"connections": connections}).to_string();
        let mut memory = Memory::default();
        // SAFETY: as many bytes as are said.
        let status = unsafe { socketio_settings_apply(memory.bytes(text.as_bytes()).cast(), text.len()) };
        expect("apply", status, &[OK, NOTE, E_SETTINGS, E_STATE]);
        if status < 0 {
            return;
        }
        for fields in connections {
            let Some(Value::String(name)) = fields.get("name") else { continue };
            let (found, handle) = find(name.as_bytes());
            hold!(found == OK, "{name:?} was applied and is {}", library::name(found));
            if !self.handles.contains(&handle) {
                self.handles.push(handle);
                if fields.get("autostart") == Some(&Value::Bool(true)) {
                    self.watch.executed(START, handle, Some(0), false);
                }
            }
            self.names.push(name.clone());
        }
    }

    /// No settings text at all: whatever it says, nothing of it may be used.
    fn apply_nonsense(&mut self) {
        let text = [self.input.line(), b"\xff"].concat();
        let mut memory = Memory::default();
        // SAFETY: as many bytes as are said.
        let status = unsafe { socketio_settings_apply(memory.bytes(&text).cast(), text.len()) };
        expect("apply of nonsense", status, &[E_SETTINGS, E_STATE]);
        // SAFETY: NULL is not read.
        expect("apply of NULL", unsafe { socketio_settings_apply(null(), text.len()) }, &[E_INVALID, E_STATE]);
    }

    fn check(&mut self) {
        let text = self.input.line();
        let mut memory = Memory::default();
        // SAFETY: as many bytes as are said.
        let status = unsafe { socketio_settings_check(memory.bytes(text).cast(), text.len()) };
        expect("check", status, &[OK, NOTE, E_SETTINGS]);
        hold!(status != NOTE || !last_error().is_empty(), "a NOTE without a text");
    }

    // ---- Connections --------------------------------------------------------------------------------------------------

    fn find(&mut self) {
        let line = self.input.line();
        let (status, handle) = find(line);
        expect("find", status, &[OK, E_NOT_FOUND, E_STATE, E_INVALID]);
        if status == OK && !self.handles.contains(&handle) {
            self.handles.push(handle);
        }
        // SAFETY: NULL is not written to.
        let status = unsafe { socketio_connection_find(line.as_ptr().cast(), line.len(), null_mut()) };
        expect("find into NULL", status, &[E_INVALID]);
    }

    /// A handle: one that was found, now or earlier, or any number.
    fn handle(&mut self) -> u64 {
        match self.input.digit() {
            0 => 0,
            choice @ 1..10 => self.handles.get(usize::from(choice) - 1).copied().unwrap_or(u64::from(choice)),
            other => u64::from(other) << (other % 57),
        }
    }

    fn info(&mut self) {
        let (handle, size) = (self.handle(), self.input.digit());
        let mut memory = Memory::default();
        // SAFETY: all bytes zero is a value of it.
        let empty: socketio_connection_info_t = unsafe { std::mem::zeroed() };
        let out = memory.sized(&empty, size);
        // SAFETY: a struct of the size that it says.
        let status = unsafe { socketio_connection_info(handle, out.pointer) };
        expect("info", status, &[OK, E_STALE, E_NOT_FOUND, E_STATE, E_ABI]);
        if status < 0 {
            hold!(out.is_untouched(), "info wrote in spite of {}", name(status));
        } else {
            let info = out.read();
            hold!(info.struct_size as usize == out.len().min(size_of_val(&info)), "info fills {}", info.struct_size);
            // Fields are filled as far as the struct reaches, be it within a number.
            if out.len() >= size_of_val(&info) {
                let (state, transport, error) = (info.state, info.transport, info.last_error);
                hold!(
                    state <= 3 && transport <= 2 && error <= 0,
                    "state {state}, transport {transport}, error {error}"
                );
            }
        }
    }

    // ---- Nodes --------------------------------------------------------------------------------------------------------

    fn execute(&mut self) {
        let mut memory = Memory::default();
        let node_type = match self.input.digit() {
            node @ 0..10 => u32::from(node),
            other => u32::from(other) + 90,
        };
        let connection = self.handle();
        let tag = u64::from(self.input.digit());
        let (call_size, result_kind, result_size) = match self.input.digit() {
            0 => (0, 1, 0),
            1 => (self.input.digit(), self.input.digit(), self.input.digit()),
            other => (0, other % 4, 0),
        };
        let attributes = self.values(&mut memory);
        let inputs = self.values(&mut memory);
        let array = |memory: &mut Memory, values: &[socketio_value_t]| match values {
            [] => null(),
            values => memory.array(values).cast_const(),
        };
        let mut call = socketio_node_call_t {
            struct_size: 0,
            node_type,
            node: tag,
            connection,
            attributes: array(&mut memory, &attributes),
            inputs: array(&mut memory, &inputs),
            attribute_count: attributes.len() as u32,
            input_count: inputs.len() as u32,
        };
        if result_kind == 3 {
            (call.inputs, call.input_count) = (null(), 1);
        }
        let call_image = memory.sized(&call, call_size);
        // SAFETY: all bytes zero is a value of it.
        let none = unsafe { std::mem::zeroed::<socketio_value_t>() };
        let capacity = [0, 8, 3, 1][usize::from(result_kind) % 4];
        let places = memory.array(&vec![none; capacity]);
        let result = memory.sized(
            &socketio_node_result_t {
                struct_size: 0,
                pulse: 0x55,
                request: 0,
                outputs: if capacity == 0 { null_mut() } else { places },
                output_capacity: capacity as u32,
                output_count: 0,
            },
            result_size,
        );
        let wants_result = result_kind != 2;
        let given = if wants_result { result.pointer } else { null_mut() };
        // SAFETY: structs of the sizes that they say; what they point to is as long as they say.
        let status = unsafe { socketio_node_execute(call_image.pointer, given) };
        let mut documented =
            vec![OK, E_NOT_FOUND, E_STALE, E_TYPE, E_INVALID, E_UNSUPPORTED, E_QUEUE_FULL, E_STATE, E_ABI];
        if node_type == TEST {
            // Eight run already.
            documented.push(E_BUSY);
        }
        expect("execute", status, &documented);
        hold!(call_image.is_untouched(), "execute wrote into the call");
        if status < 0 {
            hold!(!wants_result || result.is_untouched(), "execute wrote in spite of {}", name(status));
            return;
        }
        // The call as the library read it.
        let read = call_image.read();
        let connection = self.meant(&read, &attributes);
        let reaches = if wants_result { result.len() } else { 0 };
        let filled = result.read();
        // A Test always asks, a Send with a Reply Timeout.
        let asks = match read.node_type {
            TEST => true,
            3 if read.attribute_count > 3 => is_above_0(&attributes[3]),
            _ => false,
        };
        self.watch.executed(read.node_type, connection, (reaches >= 16).then_some(filled.request), asks);
        if reaches >= 8 {
            hold!(filled.pulse == 0, "pulse {} leaves", filled.pulse);
        }
        if reaches >= size_of_val(&filled) {
            hold!(filled.output_count as usize <= capacity, "{} outputs in {capacity}", filled.output_count);
            hold!((read.node_type == STATE) || filled.output_count == 0, "node {} has outputs", read.node_type);
            for index in 0..filled.output_count as usize {
                // SAFETY: below the capacity.
                watch::value(unsafe { &*places.add(index) });
            }
        }
    }

    /// The connection that a call was taken for.
    fn meant(&self, call: &socketio_node_call_t, attributes: &[socketio_value_t]) -> u64 {
        if call.connection != 0 {
            return call.connection;
        }
        let attribute = attributes.first().unwrap_or_else(|| fail!("a call without a connection was taken"));
        match attribute.r#type {
            // SAFETY: the type says so.
            SOCKETIO_TYPE_CONNECTION => unsafe { attribute.r#as.connection },
            _ => {
                // SAFETY: the call was taken, so that it is a text; it lies in the memory of the call.
                let name = unsafe {
                    let string = attribute.r#as.string;
                    std::slice::from_raw_parts(string.ptr.cast::<u8>(), string.len)
                };
                find(name).1
            }
        }
    }

    fn values(&mut self, memory: &mut Memory) -> Vec<socketio_value_t> {
        let count = self.input.digit();
        (0..count % 11).map(|_| self.value(memory)).collect()
    }

    fn value(&mut self, memory: &mut Memory) -> socketio_value_t {
        use socketio_value_as_t as As;
        // SAFETY: all bytes zero is a value of it.
        let mut value: socketio_value_t = unsafe { std::mem::zeroed() };
        let kind = self.input.letter().unwrap_or_default();
        value.r#type = u32::from(kind.wrapping_sub(b'0'));
        match kind {
            b'1' | b'2' => value.r#as.boolean = self.input.digit(),
            b'3' => value.r#as.integer = self.number(),
            b'4' => value.r#as.number = self.float(),
            b'5' | b'6' => {
                let line = self.input.line();
                value.r#as.string = socketio_string_t { ptr: memory.bytes(line).cast(), len: line.len() };
            }
            b'7' => {
                let line = self.input.line();
                value.r#as.bytes = socketio_bytes_t { ptr: memory.bytes(line), len: line.len() };
            }
            b'8' => {
                let list: Vec<socketio_bytes_t> = (0..self.input.digit() % 4)
                    .map(|_| self.input.line())
                    .map(|line| socketio_bytes_t { ptr: memory.bytes(line), len: line.len() })
                    .collect();
                value.r#as.bytes_list = socketio_bytes_list_t { ptr: memory.array(&list), len: list.len() };
            }
            b'9' => value.r#as.connection = self.handle(),
            // A length without memory, in each type that has one.
            b'n' => {
                value.r#type = 5 + u32::from(self.input.digit() % 4);
                value.r#as = As { bytes: socketio_bytes_t { ptr: null(), len: usize::from(self.input.digit()) } };
            }
            b'e' => value.r#type = 5 + u32::from(self.input.digit() % 4),
            // More than any memory.
            b'm' => {
                let dangling = std::ptr::without_provenance::<u8>(8);
                value.r#type = 5 + u32::from(self.input.digit() % 4);
                value.r#as = As { bytes: socketio_bytes_t { ptr: dangling, len: usize::MAX } };
            }
            b'r' => {
                value.r#type = SOCKETIO_TYPE_INT;
                value.reserved = u32::from(self.input.digit());
            }
            // The Reply Id of the last event.
            b'i' => {
                value.r#type = SOCKETIO_TYPE_INT;
                value.r#as.integer = self.watch.last_reply_id();
            }
            _ => {}
        }
        value
    }

    fn number(&mut self) -> i64 {
        match self.input.digit() {
            10 => i64::MIN,
            11 => i64::MAX,
            12 => -1,
            digit => i64::from(digit),
        }
    }

    fn float(&mut self) -> f64 {
        match self.input.digit() {
            10 => f64::NAN,
            11 => f64::INFINITY,
            12 => -1.0,
            13 => 1e300,
            14 => 0.01,
            15 => 5e-324,
            digit => f64::from(digit),
        }
    }

    // ---- Events -------------------------------------------------------------------------------------------------------

    fn poll(&mut self) {
        let (max, size) = (self.input.digit(), self.input.digit());
        self.poll_once(u32::from(max), size);
    }

    fn poll_once(&mut self, max: u32, size: u8) -> i32 {
        let mut memory = Memory::default();
        // SAFETY: all bytes zero is a value of it.
        let empty: socketio_event_batch_t = unsafe { std::mem::zeroed() };
        let out = memory.sized(&empty, size);
        self.watch.let_go();
        // SAFETY: a struct of the size that it says.
        let status = unsafe { socketio_event_poll(max, out.pointer) };
        expect("poll", status, &[OK, MORE, E_STATE, E_ABI]);
        if status < 0 {
            hold!(out.is_untouched(), "poll wrote in spite of {}", name(status));
            hold!(status != E_STATE || Host::state() == SOCKETIO_PLUGIN_DISABLED, "E_STATE in state {}", Host::state());
            return status;
        }
        let batch = out.read();
        hold!(max == 0 || batch.count <= max, "{} events of at most {max}", batch.count);
        hold!(batch.struct_size as usize == out.len().min(size_of_val(&batch)), "poll fills {}", batch.struct_size);
        self.watch.polled(batch, out.len());
        status
    }

    fn wait(&mut self) {
        let wanted = Duration::from_millis(u64::from(self.input.digit() % 8));
        let left = self.waiting_until.saturating_duration_since(Instant::now());
        self.wait_for(wanted.min(left));
    }

    fn wait_for(&self, time: Duration) -> i32 {
        // SAFETY: a plain number.
        let status = unsafe { socketio_event_wait(time.as_millis() as u32) };
        expect("wait", status, &[OK, TIMED_OUT, E_STATE]);
        hold!((status == E_STATE) == (Host::state() != SOCKETIO_PLUGIN_ENABLED), "wait: {}", name(status));
        status
    }

    /// Some frames of a studio.
    fn run(&mut self) {
        for _ in 0..self.input.digit() % 8 {
            let left = self.waiting_until.saturating_duration_since(Instant::now());
            if self.wait_for(left.min(Duration::from_millis(5))) != OK {
                break;
            }
            self.poll_once(0, 0);
        }
    }

    fn wake_handle(&mut self) {
        let size = self.input.digit();
        let mut memory = Memory::default();
        // SAFETY: all bytes zero is a value of it.
        let empty: socketio_wake_handle_t = unsafe { std::mem::zeroed() };
        let out = memory.sized(&empty, size);
        // SAFETY: a struct of the size that it says.
        let status = unsafe { socketio_event_wake_handle(out.pointer) };
        expect("wake_handle", status, &[OK, E_STATE, E_ABI]);
        hold!(status >= 0 || out.is_untouched(), "wake_handle wrote in spite of {}", name(status));
        hold!(status < 0 || out.len() < 16 || out.read().value >= 0, "the handle is {}", out.read().value);
    }

    // ---- Diagnostics and identity -------------------------------------------------------------------------------------

    fn last_error(&mut self) {
        let cap = usize::from(self.input.digit());
        let mut memory = Memory::default();
        let buffer = memory.bytes(&vec![0x55; cap]);
        // SAFETY: as many bytes as are said.
        let len = unsafe { socketio_last_error(buffer.cast(), cap) };
        // SAFETY: NULL is not written to.
        hold!(unsafe { socketio_last_error(null_mut(), 7) } == len, "the length changed");
        if cap > 0 {
            // SAFETY: the buffer has as many bytes.
            let written = unsafe { std::slice::from_raw_parts(buffer, cap) };
            let text = CStr::from_bytes_until_nul(written).unwrap_or_else(|_| fail!("no NUL within {cap} bytes"));
            hold!(text.to_str().is_ok() && text.count_bytes() <= len, "cut within a character");
        }
    }

    fn log_level(&mut self) {
        let level = u32::from(self.input.digit());
        // SAFETY: a plain number.
        let status = unsafe { socketio_set_log_level(level) };
        expect("set_log_level", status, if level <= SOCKETIO_LOG_TRAFFIC { &[OK] } else { &[E_INVALID] });
    }

    fn identity(&mut self, letter: u8) {
        // SAFETY: no arguments that could be wrong.
        unsafe {
            hold!(socketio_abi_version() == SOCKETIO_ABI_VERSION, "another ABI");
            hold!(socketio_plugin_descriptor() == socketio_plugin_descriptor(), "the descriptor moves");
        }
        hold!(name(-i32::from(letter)).starts_with("SOCKETIO_"), "no name for -{letter}");
    }

    // ---- The end ------------------------------------------------------------------------------------------------------

    fn end(mut self) {
        peer::follow(peer::Script::new(3, 0, &[]));
        if Host::state() != SOCKETIO_PLUGIN_DISABLED {
            let status = self.disable_within(END_MS);
            hold!(status == OK, "disable({END_MS}): {}: {}", name(status), last_error());
        }
        while self.poll_once(0, 0) != E_STATE {}
        self.watch.finished();
        for handle in self.handles {
            // SAFETY: all bytes zero is a value of it.
            let mut info = unsafe { std::mem::zeroed::<socketio_connection_info_t>() };
            info.struct_size = size_of_val(&info) as u32;
            // SAFETY: a struct of the size that it says.
            expect("info after disable", unsafe { socketio_connection_info(handle, &mut info) }, &[E_STATE]);
        }
    }
}

fn find(name: &[u8]) -> (i32, u64) {
    let mut memory = Memory::default();
    let mut handle = 0;
    // SAFETY: as many bytes as are said, and a place for the handle.
    let status = unsafe { socketio_connection_find(memory.bytes(name).cast(), name.len(), &mut handle) };
    hold!((status == OK) == (handle != 0), "find: {} and {handle}", library::name(status));
    (status, handle)
}

fn is_above_0(value: &socketio_value_t) -> bool {
    // SAFETY: the type says which member counts.
    unsafe {
        match value.r#type {
            SOCKETIO_TYPE_INT => value.r#as.integer > 0,
            SOCKETIO_TYPE_FLOAT => value.r#as.number > 0.0,
            _ => false,
        }
    }
}

/// Settings may name files; those of this machine are not the input's to read.
fn harmless(key: &str, value: &mut Value) {
    match value {
        Value::String(text) if ["ca_file", "client_certificate", "client_key"].contains(&key) => {
            if !text.is_empty() {
                *text = "missing.pem".into();
            }
        }
        Value::String(text) => {
            if text.contains("file:") {
                *text = text.replace("file:", "env:");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| harmless(key, item)),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, item)| harmless(key, item)),
        _ => {}
    }
}
