//! What a host pays in its frame, call by call: `cargo bench --bench frame`.
//!
//! The exported functions are called as a host calls them, by their C names and with their C structs, while the plugin's
//! thread works for a connection that stands. `cargo xtask performance` measures the same calls from C, with the worst
//! ones; here a change of the code is seen in a minute.

use std::ffi::c_char;
use std::net::{TcpListener, TcpStream};
use std::ptr;
use std::sync::LazyLock;
use std::thread;

use divan::{Bencher, black_box};
use socketio_plugin::abi::types::*;
use socketio_plugin::descriptor::type_id;
use tungstenite::{Message, WebSocket};

// SAFETY: these are the declarations of include/socketio_plugin.h.
unsafe extern "C" {
    unsafe fn socketio_plugin_enable(host: *const socketio_host_t) -> i32;
    unsafe fn socketio_settings_apply(json: *const c_char, len: usize) -> i32;
    unsafe fn socketio_settings_check(json: *const c_char, len: usize) -> i32;
    unsafe fn socketio_connection_find(name: *const c_char, len: usize, out: *mut socketio_connection_t) -> i32;
    unsafe fn socketio_connection_info(connection: socketio_connection_t, out: *mut socketio_connection_info_t) -> i32;
    unsafe fn socketio_node_execute(call: *const socketio_node_call_t, result: *mut socketio_node_result_t) -> i32;
    unsafe fn socketio_event_poll(max: u32, batch: *mut socketio_event_batch_t) -> i32;
    unsafe fn socketio_event_wait(timeout_ms: u32) -> i32;
    unsafe fn socketio_last_error(buf: *mut c_char, cap: usize) -> usize;
}

/// Longer than anything here takes.
const PATIENCE_MS: u32 = 10_000;
/// What the server sends: `["tick","..."]`, 100 bytes of text.
const TEXT: usize = 100;

/// The connection to the server of this program, which stands from the first benchmark on.
static CONNECTION: LazyLock<socketio_connection_t> = LazyLock::new(|| {
    let port = serve();
    // SAFETY: NULL is a host without callbacks.
    must("enable", unsafe { socketio_plugin_enable(ptr::null()) });
    let settings = settings(1, port);
    // SAFETY: the text is valid for the call.
    must("apply", unsafe { socketio_settings_apply(settings.as_ptr().cast(), settings.len()) });
    let connection = find("c0");
    must("subscribe", execute(connection, type_id::SUBSCRIBE, &[NONE, text("tick")]));
    must("start", execute(connection, type_id::START, &[]));
    // On Start and On Subscribe.
    let mut seen = 0;
    while seen < 2 {
        wait();
        seen += poll(0);
    }
    connection
});

/// A server with one connection: it takes everything, and answers `["more",n]` by n events in one write. Gives its port.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the plugin connects");
        stream.set_nodelay(true).expect("an option of TCP");
        let socket = tungstenite::accept(stream).expect("a WebSocket");
        converse(socket).expect("the connection stands until the program ends");
    });
    port
}

fn converse(mut socket: WebSocket<TcpStream>) -> tungstenite::Result<()> {
    let open = r#"0{"sid":"s","upgrades":[],"pingInterval":300000,"pingTimeout":300000,"maxPayload":1000000}"#;
    socket.send(Message::text(open))?;
    let event = Message::text(format!(r#"42["tick","{}"]"#, "x".repeat(TEXT)));
    loop {
        let message = socket.read()?;
        let packet = message.to_text().unwrap_or_default();
        if packet.starts_with("40") {
            socket.send(Message::text(r#"40{"sid":"n"}"#))?;
        } else if let Some(count) = packet.strip_prefix(r#"42["more",""#).and_then(|rest| rest.strip_suffix(r#""]"#)) {
            for _ in 0..count.parse().unwrap_or(0) {
                socket.write(event.clone())?;
            }
            socket.flush()?;
        }
    }
}

/// Project Settings with so many connections: c0, c1, ...
fn settings(connections: usize, port: u16) -> String {
    let connection = |number| {
        format!(r#"{{"name":"c{number}","url":"http://127.0.0.1:{port}","transport":"WebSocket Only","proxy":"None"}}"#)
    };
    format!(r#"{{"connections":[{}]}}"#, (0..connections).map(connection).collect::<Vec<_>>().join(","))
}

#[track_caller]
fn must(what: &str, status: i32) {
    if status < 0 {
        let mut buffer = [0u8; 1000];
        // SAFETY: the buffer is as long as is said.
        let len = unsafe { socketio_last_error(buffer.as_mut_ptr().cast(), buffer.len()) };
        panic!("{what}: {status}: {}", String::from_utf8_lossy(&buffer[..len.min(buffer.len() - 1)]));
    }
}

const NONE: socketio_value_t =
    socketio_value_t { r#type: SOCKETIO_TYPE_NONE, reserved: 0, r#as: socketio_value_as_t { integer: 0 } };

fn text(text: &str) -> socketio_value_t {
    let string = socketio_string_t { ptr: text.as_ptr().cast(), len: text.len() };
    socketio_value_t { r#type: SOCKETIO_TYPE_STRING, r#as: socketio_value_as_t { string }, ..NONE }
}

fn execute(connection: socketio_connection_t, node_type: u32, inputs: &[socketio_value_t]) -> i32 {
    let call = socketio_node_call_t {
        struct_size: size_of::<socketio_node_call_t>() as u32,
        node_type,
        node: 0,
        connection,
        attributes: ptr::null(),
        inputs: inputs.as_ptr(),
        attribute_count: 0,
        input_count: inputs.len() as u32,
    };
    // SAFETY: the call and what it points to live until it returns; no result is wanted.
    unsafe { socketio_node_execute(black_box(&call), ptr::null_mut()) }
}

fn send(event: &str, message: &str) {
    must("send", execute(*CONNECTION, type_id::SEND, &[NONE, text(event), NONE, text(message)]));
}

fn find(name: &str) -> socketio_connection_t {
    let mut connection = 0;
    // SAFETY: the name and the number are valid for the call.
    must("find", unsafe { socketio_connection_find(name.as_ptr().cast(), name.len(), &mut connection) });
    connection
}

fn info(connection: socketio_connection_t) -> socketio_connection_info_t {
    let mut info = socketio_connection_info_t {
        struct_size: size_of::<socketio_connection_info_t>() as u32,
        state: 0,
        transport: 0,
        last_error: 0,
        namespaces: 0,
        attempts: 0,
        queued: 0,
        dropped: 0,
        round_trip_us: 0,
    };
    // SAFETY: the struct is as long as it says.
    must("info", unsafe { socketio_connection_info(connection, &mut info) });
    info
}

fn poll(max: u32) -> u32 {
    let size = size_of::<socketio_event_batch_t>() as u32;
    let mut batch = socketio_event_batch_t { struct_size: size, count: 0, events: ptr::null(), dropped: 0 };
    // SAFETY: the struct is as long as it says; nobody else polls.
    must("poll", unsafe { socketio_event_poll(max, black_box(&mut batch)) });
    batch.count
}

fn wait() {
    // SAFETY: it takes a number; nobody else polls or waits.
    assert_eq!(unsafe { socketio_event_wait(PATIENCE_MS) }, 0, "nothing came");
}

/// Waits until the plugin's thread has taken all that was sent.
fn drained() {
    while info(*CONNECTION).queued > 0 {
        thread::yield_now();
    }
}

/// How many events a poll took; as many as were expected.
struct Taken {
    count: u32,
    expected: u32,
}

impl Drop for Taken {
    fn drop(&mut self) {
        assert_eq!(self.count, self.expected, "events in one poll");
    }
}

#[divan::bench(sample_size = 1000)]
fn poll_nothing(bencher: Bencher) {
    LazyLock::force(&CONNECTION);
    bencher.bench_local(|| Taken { count: poll(0), expected: 0 });
}

/// The server's events come in one read of the plugin's thread, which appends them under one lock.
#[divan::bench(args = [1, 64], sample_size = 1, sample_count = 2000)]
fn poll_events(bencher: Bencher, count: u32) {
    let question = count.to_string();
    let arrived = || {
        send("more", &question);
        wait();
    };
    bencher.with_inputs(arrived).bench_local_values(|()| Taken { count: poll(0), expected: count });
}

/// In a burst, as long as the queue is not full; the server takes all of it before the next one.
#[divan::bench(args = [100, 64 * 1024], sample_size = 500)]
fn send_bytes(bencher: Bencher, bytes: usize) {
    let message = "x".repeat(bytes);
    bencher.with_inputs(drained).bench_local_values(|()| send("event", &message));
}

#[divan::bench(args = [1, 100], sample_size = 20)]
fn settings_check_connections(bencher: Bencher, connections: usize) {
    let settings = settings(connections, 3000);
    // SAFETY: the text is valid for the call.
    bencher.bench_local(|| must("check", unsafe { socketio_settings_check(settings.as_ptr().cast(), settings.len()) }));
}

#[divan::bench(sample_size = 1000)]
fn connection_find(bencher: Bencher) {
    LazyLock::force(&CONNECTION);
    bencher.bench_local(|| find(black_box("c0")));
}

#[divan::bench(sample_size = 1000)]
fn connection_info(bencher: Bencher) {
    let connection = *CONNECTION;
    bencher.bench_local(|| info(connection));
}

#[divan::bench(sample_size = 1000)]
fn state(bencher: Bencher) {
    let connection = *CONNECTION;
    bencher.bench_local(|| {
        let mut outputs = [NONE; 7];
        let call = socketio_node_call_t {
            struct_size: size_of::<socketio_node_call_t>() as u32,
            node_type: type_id::STATE,
            node: 0,
            connection,
            attributes: ptr::null(),
            inputs: ptr::null(),
            attribute_count: 0,
            input_count: 0,
        };
        let mut result = socketio_node_result_t {
            struct_size: size_of::<socketio_node_result_t>() as u32,
            pulse: 0,
            request: 0,
            outputs: outputs.as_mut_ptr(),
            output_capacity: outputs.len() as u32,
            output_count: 0,
        };
        // SAFETY: both structs, and the outputs that the result points to, live until the call returns.
        must("state", unsafe { socketio_node_execute(&call, &mut result) });
        assert_eq!(result.output_count, 7);
        black_box(outputs[1].r#type)
    });
}

fn main() {
    divan::main();
}
