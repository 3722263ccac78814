//! What is compared: each scenario is played with one client, and judged by what that client saw.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::{Client, Event, Message, Received};

/// A client that has not finished a scenario by then has failed it.
pub const LIMIT: Duration = Duration::from_secs(20);

/// What the official server plays, and what each client must do with it.
pub struct Scenario {
    pub name: &'static str,
    pub what: &'static str,
    /// The scenario of `server.js`.
    pub server: &'static str,
    pub namespaces: &'static [&'static str],
    /// Both must pass it: else nothing is being compared.
    pub control: bool,
    pub run: fn(&mut dyn Client, Instant) -> Result<Outcome>,
}

/// How a client did, and what was seen of it.
pub struct Outcome {
    pub verdict: Verdict,
    pub saw: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// It failed in the way that is on record for rust_socketio.
    OnRecord,
    /// It failed in another way.
    Wrong,
}

/// `on_record` counts only if it was not right.
fn outcome(right: bool, on_record: bool, saw: String) -> Result<Outcome> {
    let verdict = match (right, on_record) {
        (true, _) => Verdict::Right,
        (false, true) => Verdict::OnRecord,
        (false, false) => Verdict::Wrong,
    };
    Ok(Outcome { verdict, saw })
}

impl Scenario {
    const fn new(
        name: &'static str,
        what: &'static str,
        run: fn(&mut dyn Client, Instant) -> Result<Outcome>,
    ) -> Scenario {
        Scenario { name, what, server: name, namespaces: &["/"], control: false, run }
    }

    const fn server(mut self, server: &'static str) -> Scenario {
        self.server = server;
        self
    }

    const fn namespaces(mut self, namespaces: &'static [&'static str]) -> Scenario {
        self.namespaces = namespaces;
        self
    }

    const fn control(mut self) -> Scenario {
        self.control = true;
        self
    }
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario::new("ordinary", "An event with a text and an object; then a question, answered.", ordinary).control(),
    Scenario::new(
        "every_byte",
        "101 events with one attachment: all 256 bytes, then 100 of 1 KiB at random.",
        every_byte,
    ),
    Scenario::new("attachments", "An event with two attachments; one with attachments within an object.", attachments),
    Scenario::new("no_arguments", "emit(\"ready\"), then emit(\"message\", \"ready\").", no_arguments),
    Scenario::new("names", "Events named error, close, open and Message.", names),
    Scenario::new("deep", "An event with an array nested 200 deep.", deep),
    Scenario::new("large", "An event of 17 MiB.", large),
    Scenario::new("server_asks", "The server asks for an answer, within 2 s.", server_asks),
    Scenario::new("asks_at_once", "200 questions; then the server answers each.", asks_at_once).server("ordinary"),
    Scenario::new("asks_in_vain", "300 questions that time out; then 100 that the server answers.", asks_in_vain)
        .server("ordinary"),
    Scenario::new("asks_in_binary", "Sends bytes and asks for an answer.", asks_in_binary).server("ordinary"),
    Scenario::new("namespaces", "Joins three namespaces.", namespaces).namespaces(&["/", "/a", "/b"]),
    Scenario::new("flapping", "For 3 s the server accepts and then closes.", flapping),
    Scenario::new("linkage", "Shared libraries that the client needs.", linkage).server("ordinary"),
];

/// What a client saw until the server's "done".
struct Heard {
    events: Vec<Received>,
    notes: Vec<String>,
    /// What the server knows; `None` when "done" never came.
    facts: Option<Value>,
}

impl Heard {
    fn connections(&self) -> u64 {
        self.facts.as_ref().and_then(|facts| facts["connections"].as_u64()).unwrap_or_default()
    }

    fn names(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.name.as_str()).collect()
    }

    fn done(&self) -> bool {
        self.facts.is_some()
    }
}

/// Takes what comes and asks for the server's next step, until the server is done. A question gets 42.
fn hear(client: &mut dyn Client, deadline: Instant) -> Result<Heard> {
    let mut heard = Heard { events: Vec::new(), notes: Vec::new(), facts: None };
    while let Some(event) = client.next(deadline)? {
        match event {
            Event::Received(step) if step.name == "step" => client.send("next", inner(&step.arguments))?,
            Event::Received(done) if done.name == "done" => {
                heard.facts = Some(serde_json::from_str(inner(&done.arguments))?);
                break;
            }
            Event::Received(event) => {
                if event.name == "question" {
                    client.answer(&event, "42")?;
                }
                heard.events.push(event);
            }
            Event::Note(note) => heard.notes.push(note),
            Event::Answered(..) | Event::Unanswered(_) => {}
        }
    }
    Ok(heard)
}

/// Waits until it is connected.
fn meet(client: &mut dyn Client, deadline: Instant) -> Result<()> {
    ensure!(hear(client, deadline)?.done(), "it did not connect");
    Ok(())
}

/// The only value of an array.
fn inner(array: &str) -> &str {
    array.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(array)
}

/// Counts, in words.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Waits for the answer to one question; `None` if there is none.
fn answer_to(client: &mut dyn Client, tag: u64, deadline: Instant) -> Result<Option<String>> {
    while let Some(event) = client.next(deadline)? {
        match event {
            Event::Answered(of, arguments) if of == tag => return Ok(Some(arguments)),
            Event::Unanswered(of) if of == tag => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

fn soon(deadline: Instant, limit: Duration) -> Instant {
    deadline.min(Instant::now() + limit)
}

fn ordinary(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let event = heard.events.first().context("no event came")?;
    let arguments: Value = serde_json::from_str(&event.arguments)?;
    client.ask(1, "ask", Message::Json("7"), Duration::from_secs(2))?;
    let answer = answer_to(client, 1, deadline)?;
    let right = event.name == "hello"
        && arguments == json!(["text", { "list": [1, null, true] }])
        && answer.as_deref() == Some("[7]");
    outcome(right, false, format!("{} {arguments}, answer {}", event.name, answer.as_deref().unwrap_or("none")))
}

fn every_byte(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let facts = heard.facts.as_ref().with_context(|| count(heard.events.len(), "event"))?;
    let sent: Vec<&str> = facts["sent"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let intact = |event: &&Received| {
        event.name == "bytes" && event.attachments.len() == 1 && sent.contains(&hex(&event.attachments[0]).as_str())
    };
    let arrived = heard.events.iter().filter(intact).count();
    let damaged = heard.events.len() - arrived;
    let connections = heard.connections();
    outcome(
        arrived == sent.len() && damaged == 0 && connections == 1,
        arrived < sent.len() && connections > 1,
        format!(
            "{arrived} of {} arrived intact, {damaged} damaged, {}",
            sent.len(),
            count(connections as usize, "connection")
        ),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attachments(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let placeholder = |number: u32| json!({ "_placeholder": true, "num": number });
    let expected = [
        ("two", json!([placeholder(0), placeholder(1)]), vec![vec![1, 2], vec![3, 4]]),
        (
            "nested",
            json!([{ "name": "n", "data": placeholder(0), "more": { "deep": placeholder(1) } }]),
            vec![vec![5], vec![6]],
        ),
    ];
    let right = heard.events.len() == expected.len()
        && heard.events.iter().zip(&expected).all(|(event, (name, arguments, attachments))| {
            event.name == *name
                && serde_json::from_str::<Value>(&event.arguments).is_ok_and(|value| value == *arguments)
                && event.attachments == *attachments
        });
    let on_record = heard.done() && heard.events.iter().all(|event| event.name.contains("_placeholder"));
    let saw = heard.events.iter().map(|event| format!("`{}` with {}", event.name, event.attachments.len()));
    outcome(right, on_record, saw.collect::<Vec<_>>().join(", "))
}

fn no_arguments(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let saw: Vec<String> = heard.events.iter().map(|event| format!("{} {}", event.name, event.arguments)).collect();
    let right = saw == ["ready []", r#"message ["ready"]"#];
    let on_record = saw == [r#"message ["ready"]"#; 2];
    outcome(right, on_record, saw.join(", "))
}

fn names(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let own = |name: &&str| heard.notes.iter().any(|note| note == name);
    let swallowed: Vec<&str> = ["error", "close"].into_iter().filter(own).collect();
    outcome(
        heard.names() == ["error", "close", "open", "Message"],
        heard.names() == ["message"] && swallowed.len() == 2,
        match swallowed.is_empty() {
            true => format!("events: {}", heard.names().join(", ")),
            false => format!("events: {}; told as its own news: {}", heard.names().join(", "), heard.notes.join(", ")),
        },
    )
}

fn deep(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let expected = format!("[{}{}]", "[".repeat(200), "]".repeat(200));
    let arrived = heard.events.iter().any(|event| event.name == "deep" && event.arguments == expected);
    let lost = heard.done() && heard.events.is_empty();
    let saw = match (arrived, lost) {
        (true, _) => "arrived, text for text".to_owned(),
        (_, true) => {
            format!("lost; told: {}", if heard.notes.contains(&"error".to_owned()) { "error" } else { "nothing" })
        }
        _ => format!("{}; {}", count(heard.events.len(), "event"), heard.notes.join(", ")),
    };
    outcome(arrived, lost, saw)
}

fn large(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let length = heard.events.iter().find(|event| event.name == "large").map(|event| inner(&event.arguments).len() - 2);
    let arrived = length == Some(17 * 1024 * 1024);
    let connections = heard.connections();
    let saw = format!("{}, {}", if arrived { "arrived" } else { "lost" }, count(connections as usize, "connection"));
    outcome(arrived && connections == 1, length.is_none() && connections > 1, saw)
}

fn server_asks(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let asked = heard.names() == ["question"];
    let facts = heard.facts.context("the server did not finish")?;
    let saw = match facts["answer"].as_i64() {
        Some(answer) => format!("the server got {answer}"),
        None => format!("the event came, the server got no answer: {}", facts["error"]),
    };
    outcome(asked && facts["answer"] == 42, asked && facts["error"].is_string(), saw)
}

fn asks_at_once(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    const QUESTIONS: u64 = 200;
    meet(client, deadline)?;
    for tag in 0..QUESTIONS {
        client.ask(tag, "gather", Message::Json(&tag.to_string()), Duration::from_secs(5))?;
    }
    let mut answers = vec![Vec::new(); QUESTIONS as usize];
    let deadline = soon(deadline, Duration::from_secs(4));
    while answers.iter().map(Vec::len).sum::<usize>() < answers.len() {
        match client.next(deadline)? {
            Some(Event::Answered(tag, arguments)) => answers[tag as usize].push(arguments),
            Some(_) => {}
            None => break,
        }
    }
    let own = |(tag, answers): &(usize, &Vec<String>)| **answers == [format!("[{tag}]")];
    let right = answers.iter().enumerate().filter(own).count();
    let never = answers.iter().filter(|answers| answers.is_empty()).count();
    let twice = answers.iter().filter(|answers| answers.len() > 1).count();
    let wrong = answers.len() - right - never - twice;
    outcome(
        right == answers.len(),
        right > 0 && wrong + never + twice > 0,
        format!("{right} got their answer; {wrong} that of another, {never} none, {twice} several"),
    )
}

fn asks_in_vain(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    const IN_VAIN: u64 = 300;
    const FURTHER: u64 = 100;
    meet(client, deadline)?;
    for tag in 0..IN_VAIN {
        client.ask(tag, "silent", Message::Json("0"), Duration::from_millis(500))?;
    }
    let mut told = 0;
    let time_outs = soon(deadline, Duration::from_secs(2));
    while told < IN_VAIN {
        match client.next(time_outs)? {
            Some(Event::Unanswered(_)) => told += 1,
            Some(_) => {}
            None => break,
        }
    }
    let mut answered = 0;
    for tag in IN_VAIN..IN_VAIN + FURTHER {
        client.ask(tag, "ask", Message::Json("0"), Duration::from_secs(1))?;
        if answer_to(client, tag, soon(deadline, Duration::from_secs(2)))?.is_none() {
            break;
        }
        answered += 1;
    }
    outcome(
        told == IN_VAIN && answered == FURTHER,
        told == 0 && answered < FURTHER,
        format!("{told} time-outs told; then {answered} of {FURTHER} answered before one was not"),
    )
}

fn asks_in_binary(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    meet(client, deadline)?;
    client.ask(1, "ask_binary", Message::Binary(&[1, 2, 3]), Duration::from_secs(2))?;
    let binary = answer_to(client, 1, soon(deadline, Duration::from_secs(3)))?;
    client.ask(2, "ask", Message::Json("7"), Duration::from_secs(2))?;
    let text = answer_to(client, 2, soon(deadline, Duration::from_secs(3)))?;
    let said = |answer: &Option<String>| answer.clone().unwrap_or("none".to_owned());
    outcome(
        binary.as_deref() == Some("[3]") && text.is_some(),
        binary.is_none() && text.as_deref() == Some("[7]"),
        format!("answer to bytes: {}; to text: {}", said(&binary), said(&text)),
    )
}

fn namespaces(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let connections = heard.connections();
    outcome(connections == 1, connections == 3, count(connections as usize, "connection"))
}

fn flapping(client: &mut dyn Client, deadline: Instant) -> Result<Outcome> {
    let heard = hear(client, deadline)?;
    let connections = heard.connections();
    // One at once, then each after half a second at least.
    let saw = count(connections as usize, "connection");
    outcome((1..=8).contains(&connections), connections > 20, saw)
}

fn linkage(client: &mut dyn Client, _deadline: Instant) -> Result<Outcome> {
    let file = client.file();
    let readelf =
        Command::new("readelf").arg("-dW").arg(&file).output().context("starting `readelf` (install binutils)")?;
    ensure!(readelf.status.success(), "readelf: {}", String::from_utf8_lossy(&readelf.stderr));
    let text = String::from_utf8(readelf.stdout)?;
    let needed: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split_once('[')?.1.strip_suffix(']'))
        .collect();
    let openssl = needed.iter().any(|name| name.starts_with("libssl") || name.starts_with("libcrypto"));
    outcome(!openssl && !needed.is_empty(), openssl, needed.join(", "))
}
