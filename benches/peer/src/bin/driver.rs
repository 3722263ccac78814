//! rust_socketio under load, as its documentation shows it: the asynchronous client with its defaults, over WebSocket,
//! on tokio's default runtime.
//!
//!     driver WORK PORT COUNT SIZE
//!
//! benches/load/README.md says what the works are. What goes wrong ends the process at once.

use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use futures_util::FutureExt;
use load::STALL;
use load::content::{Content, InOrder};
use load::report::{QUIET, Report, Span};
use load::usage::{allow_many_files, cpu_seconds, memory};
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Event, Payload, TransportType};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

/// The connection may end now: it was told to.
static MAY_END: AtomicBool = AtomicBool::new(false);
/// Events so far, for the one that watches.
static CAME: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() {
    match run().await {
        Ok(report) => {
            report.print();
            exit(0);
        }
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn fail(sentence: &str) -> ! {
    eprintln!("rust_socketio: {sentence}");
    exit(1)
}

/// The value, or the end of the process.
fn right<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|sentence| fail(&sentence))
}

async fn run() -> Result<Report> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, port, count, size] = &arguments[..] else { bail!("usage: driver WORK PORT COUNT SIZE") };
    let (url, count, size) = (format!("http://127.0.0.1:{port}"), count.parse()?, size.parse()?);
    match work.as_str() {
        "receive" | "large" | "binary" | "binary-no-1e" => receive(&url, work, count, size).await,
        "send" => send(&url, count, size).await,
        "trip" | "pair" => trip(&url, work, count, size).await,
        "connect" => connect(&url, count).await,
        "idle" => idle(&url, count).await,
        _ => bail!("no such work: {work}"),
    }
}

/// A client to be, which ends the process when something goes wrong, and tells the channel when it is connected.
fn builder(url: &str, connected: &UnboundedSender<()>) -> ClientBuilder {
    let connected = connected.clone();
    let on_wrong = |what: &'static str| {
        move |payload: Payload, _: Client| {
            if !MAY_END.load(Ordering::Relaxed) {
                fail(&format!("{what}: {payload:.200?}"));
            }
            async {}.boxed()
        }
    };
    ClientBuilder::new(url)
        .transport_type(TransportType::Websocket)
        .reconnect(false)
        .on(Event::Connect, move |_, _| {
            let _ = connected.send(());
            async {}.boxed()
        })
        .on(Event::Error, on_wrong("an error"))
        .on(Event::Close, on_wrong("the connection was lost"))
        .on("wrong", on_wrong("the server says"))
}

/// Connected as far as the default namespace.
async fn joined(builder: ClientBuilder, connected: &mut UnboundedReceiver<()>) -> Result<Client> {
    let client = builder.connect().await?;
    timeout(STALL, connected.recv()).await.context("the namespace is not joined")?;
    Ok(client)
}

/// Waits for a word of a handler, as long as something comes.
async fn watched<T>(receiver: &mut UnboundedReceiver<T>) -> Result<T> {
    loop {
        let before = CAME.load(Ordering::Relaxed);
        match timeout(STALL, receiver.recv()).await {
            Ok(word) => return word.context("the handler is gone"),
            Err(_) if CAME.load(Ordering::Relaxed) == before => {
                bail!("nothing comes any more, after {before} events");
            }
            Err(_) => {}
        }
    }
}

/// The content of an event: its only argument or its attachment.
fn content(payload: &Payload) -> Result<&[u8], String> {
    match payload {
        Payload::Binary(bytes) => Ok(bytes),
        Payload::Text(values) => match &values[..] {
            [Value::String(text)] => Ok(text.as_bytes()),
            other => Err(format!("not one text but {other:.200?}")),
        },
        other => Err(format!("not a text but {other:.200?}")),
    }
}

async fn receive(url: &str, work: &str, count: u64, size: usize) -> Result<Report> {
    let (connected, mut connects) = unbounded_channel();
    let (ends, mut end) = unbounded_channel();
    let (dones, mut done) = unbounded_channel();
    let (event, numbered) = match work {
        "binary" | "binary-no-1e" => ("bin", Content::attachment(size, work == "binary")),
        _ => ("tick", Content::text(size)),
    };
    let mut events = InOrder::new(numbered, count);
    let on_event = move |payload: Payload, _: Client| {
        if right(content(&payload).and_then(|content| events.take(content))) {
            let _ = ends.send(());
        }
        CAME.store(events.came(), Ordering::Relaxed);
        async {}.boxed()
    };
    let on_done = move |_: Payload, _: Client| {
        let came = CAME.load(Ordering::Relaxed);
        if came != count {
            fail(&format!("only {came} of {count} events came"));
        }
        let _ = dones.send(());
        async {}.boxed()
    };
    let client = joined(builder(url, &connected).on(event, on_event).on("done", on_done), &mut connects).await?;
    let span = Span::begin();
    client.emit(work, Payload::Text(vec![json!(count), json!(size)])).await?;
    watched(&mut end).await?;
    let report = span.end(count)?;
    watched(&mut done).await?;
    Ok(report)
}

async fn send(url: &str, count: u64, size: usize) -> Result<Report> {
    let (connected, mut connects) = unbounded_channel();
    let (answers, mut answer) = unbounded_channel();
    let on_all = move |payload: Payload, _: Client| {
        let _ = answers.send(payload);
        async {}.boxed()
    };
    let client = joined(builder(url, &connected).on("all", on_all), &mut connects).await?;
    client.emit("send", Payload::Text(vec![json!(count), json!(size)])).await?;
    let mut text = String::from_utf8(Content::text(size).of(0))?.into_bytes();
    let digits = ..load::content::TEXT_DIGITS;
    let span = Span::begin();
    for _ in 0..count {
        client.emit("tick", Value::from(std::str::from_utf8(&text)?)).await?;
        load::content::count_up(&mut text[digits]);
    }
    let returned = span.seconds();
    client.emit("end", Payload::Text(Vec::new())).await?;
    let answer = watched(&mut answer).await?;
    let mut report = span.end(count)?;
    report.add("returned_seconds", returned);
    let all_right = json!({ "right": count, "missing": 0, "twice": 0, "out_of_order": 0, "wrong": 0 });
    ensure!(answer == Payload::Text(vec![all_right]), "the server got {answer:?}");
    Ok(report)
}

/// Where the round trips stand.
struct Trips {
    content: Content,
    events: InOrder,
    begin: Instant,
    micros: Vec<f64>,
}

impl Trips {
    /// The text of the next one, whose time begins now.
    fn next(&mut self) -> Value {
        let text = String::from_utf8(self.content.of(self.events.came())).expect("texts are ASCII");
        self.begin = Instant::now();
        Value::from(text)
    }
}

/// The emits of one round trip.
async fn set_out(client: &Client, pair: bool, text: Value) -> Result<(), rust_socketio::Error> {
    if !pair {
        return client.emit("echo", text).await;
    }
    client.emit("first", text.clone()).await?;
    client.emit("second", text).await
}

async fn trip(url: &str, work: &str, count: u64, size: usize) -> Result<Report> {
    let (connected, mut connects) = unbounded_channel();
    let (ends, mut end) = unbounded_channel();
    let pair = work == "pair";
    let content_of = Content::text(size);
    let trips = Arc::new(Mutex::new(Trips {
        events: InOrder::new(content_of.clone(), count),
        content: content_of,
        begin: Instant::now(),
        micros: Vec::with_capacity(count as usize),
    }));
    let shared = trips.clone();
    let on_echo = move |payload: Payload, client: Client| {
        let mut trips = shared.lock().expect("no handler panics");
        let micros = trips.begin.elapsed().as_secs_f64() * 1e6;
        trips.micros.push(micros);
        let is_last = right(content(&payload).and_then(|content| trips.events.take(content)));
        CAME.store(trips.events.came(), Ordering::Relaxed);
        if is_last {
            let _ = ends.send(());
            return async {}.boxed();
        }
        let text = trips.next();
        async move {
            if let Err(error) = set_out(&client, pair, text).await {
                fail(&format!("emit: {error}"));
            }
        }
        .boxed()
    };
    let event = if pair { "second" } else { "echo" };
    let client = joined(builder(url, &connected).on(event, on_echo), &mut connects).await?;
    let span = Span::begin();
    let text = trips.lock().expect("no handler panics").next();
    set_out(&client, pair, text).await?;
    watched(&mut end).await?;
    let mut report = span.end(count)?;
    report.add_trips(std::mem::take(&mut trips.lock().expect("no handler panics").micros));
    Ok(report)
}

async fn connect(url: &str, count: u64) -> Result<Report> {
    let (connected, mut connects) = unbounded_channel();
    let mut times = Vec::new();
    let span = Span::begin();
    for _ in 0..count {
        let begin = Instant::now();
        let client = joined(builder(url, &connected), &mut connects).await?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        MAY_END.store(true, Ordering::Relaxed);
        client.disconnect().await?;
        // What its end has to say is said soon after.
        sleep(std::time::Duration::from_millis(2)).await;
        MAY_END.store(false, Ordering::Relaxed);
    }
    let mut report = span.end(count)?;
    report.add_connects(times);
    Ok(report)
}

async fn idle(url: &str, count: u64) -> Result<Report> {
    allow_many_files();
    let (connected, mut connects) = unbounded_channel();
    let span = Span::begin();
    sleep(QUIET).await;
    let none = memory()?;
    let mut clients = vec![joined(builder(url, &connected), &mut connects).await?];
    sleep(QUIET).await;
    let one = memory()?;
    while (clients.len() as u64) < count {
        clients.push(joined(builder(url, &connected), &mut connects).await?);
    }
    sleep(QUIET).await;
    let all = memory()?;
    let cpu = cpu_seconds();
    sleep(QUIET).await;
    let idle_cpu = (cpu_seconds() - cpu) * 1e6 / QUIET.as_secs_f64();
    let mut report = span.end(clients.len() as u64)?;
    report.add_idle(none, one, all, idle_cpu);
    Ok(report)
}
