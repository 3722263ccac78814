//! The Pure Data external is built and run in Pd: it has an object for each node of the descriptor, a patch talks to
//! the official server, and Pd ends by itself.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process;
use crate::report::Outcome;
use crate::repository::{self, Profile};
use crate::steps::tools;

const FOLDER: &str = "examples_c/puredata";
/// Relative to its Makefile: make can't have a space in a target, and the repository's own path may hold one.
const FROM_MAKEFILE: &str = "../..";
const BUILD: &str = "target/puredata";
pub const CHAT: &str = "examples_c/puredata/chat.pd";
pub const CHAT_SETTINGS: &str = "examples_c/puredata/chat.json";
const HELP: &str = "examples_c/puredata/socketio-help.pd";
const TALK: &str = "tests/puredata/talk.pd";

/// How long Pd may run, and how much later the server may tell the last it saw.
const LIMIT: Duration = Duration::from_secs(15);
const GRACE: Duration = Duration::from_secs(2);

/// What the server has to get from the patch.
const SERVER_GETS: [&str; 8] = [
    r#""echo","args":["Hello you there"]}"#,
    r#""echo","args":[{"list":[1,2.5]}]}"#,
    r#""echo","args":[0.1]}"#,
    r#""echo","args":["1234567"]}"#,
    r#""echo","args":[{"_bytes":"00ff1e"},{"_bytes":"0102"},{"_bytes":""}]}"#,
    r#""ack","args":["twelve"],"ack":true}"#,
    r#""silence","args":[""],"ack":true}"#,
    r#""ask me","args":[""]}"#,
];

/// Needs the library and the test server.
pub fn step(profile: Profile) -> Result<Outcome> {
    if let Some(reason) = missing() {
        return Ok(Outcome::skipped("Pure Data", reason));
    }
    build(profile)?;
    let mut outcome = Outcome::default();
    for (compiler, _) in tools::compilers() {
        outcome.count(format!("built by {compiler}"), told(make(profile, compiler, &format!("puredata/{compiler}"))));
    }
    outcome.count("an object for each node", told(objects()));
    match Talk::play() {
        Ok(talk) => {
            outcome.count("the patch sees", told(talk.patch_saw()));
            outcome.count("the server sees", told(talk.server_saw()));
            outcome.count("quitting says goodbye", told(talk.goodbyes()));
        }
        Err(error) => outcome.count(TALK, told(Err(error))),
    }
    outcome.count("chat.pd", told(chat()));
    outcome.count("socketio-help.pd", told(help()));
    outcome.note = version()?;
    Ok(outcome)
}

/// Such as `Pd-0.53.1`.
fn version() -> Result<String> {
    let mut command = process::command("pd");
    command.arg("-version");
    Ok(process::run(command)?.split(' ').next().unwrap_or_default().to_owned())
}

/// The example says something and hears it.
fn chat() -> Result<()> {
    let (seen, sees) = mpsc::channel();
    let _server = chat_server(0, seen.clone())?;
    let mut lines = Vec::new();
    let mut pd_runs = None;
    let deadline = Instant::now() + LIMIT;
    loop {
        match sees.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Seen::Line(Who::Server, url)) if url.starts_with("http://") => {
                let folder = folder().join("chat");
                std::fs::create_dir_all(&folder)?;
                let settings = repository::read(CHAT_SETTINGS)?.replace("http://127.0.0.1:3000", &url);
                std::fs::write(folder.join("chat.json"), settings)?;
                std::fs::write(folder.join("chat.pd"), repository::read(CHAT)?)?;
                let patch = folder.join("chat.pd");
                let say = "; chat-connect bang; chat-say symbol Good\\ morning";
                let mut command = pd(&["-nogui", "-stderr", "-open", &patch.to_string_lossy(), "-send", say]);
                pd_runs = Some(Program::start(&mut command, Who::Pd, seen.clone())?);
            }
            Ok(Seen::Line(Who::Pd, line)) if line == "chat: symbol Good\\ morning" => break,
            Ok(Seen::Line(_, line)) => lines.push(line),
            Ok(Seen::End(_)) => bail!("it has ended:\n{}", lines.join("\n")),
            Err(_) => bail!("it heard nothing within {} s:\n{}", LIMIT.as_secs(), lines.join("\n")),
        }
    }
    drop(pd_runs);
    let is_wrong = |line: &&String| !line.starts_with("socketio: ") && !line.starts_with("Socket.IO ");
    let wrong: Vec<&String> = lines.iter().filter(is_wrong).collect();
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// The help patch opens without a complaint.
fn help() -> Result<()> {
    let (seen, sees) = mpsc::channel();
    let mut command = pd(&["-nogui", "-stderr", "-open", HELP, "-send", "; pd quit"]);
    let _pd = Program::start(&mut command, Who::Pd, seen)?;
    let lines = lines_to_the_end(&sees)?;
    ensure!(lines.iter().all(|line| line.starts_with("Socket.IO ")), "{}", lines.join("\n"));
    Ok(())
}

/// Says `http://...` once it listens. It uses the packages of the test server.
pub fn chat_server(port: u16, seen: Sender<Seen>) -> Result<Program> {
    let mut command = process::command("node");
    command.args([format!("{FOLDER}/chat.js"), port.to_string()]);
    command.env("NODE_PATH", repository::root().join("tests/server/node_modules"));
    Program::start(&mut command, Who::Server, seen)
}

fn told(result: Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("{error:#}"))
}

/// What Pd or its headers lack here, and how to get it.
pub fn missing() -> Option<&'static str> {
    if process::find("pd").is_none() {
        return Some("Pd is not installed: install the Debian package puredata-core");
    }
    match Path::new("/usr/include/pd/m_pd.h").is_file() {
        true => None,
        false => Some("Pd's headers are not installed: install the Debian package puredata-dev"),
    }
}

fn make(profile: Profile, compiler: &str, folder: &str) -> Result<()> {
    let mut command = process::command("make");
    command.args(["--no-print-directory", "-C", FOLDER, &format!("CC={compiler}")]);
    command.arg(format!("BUILD={FROM_MAKEFILE}/target/{folder}"));
    command.arg(format!("LIBRARY={}", profile.library().display()));
    process::run(command).map(drop)
}

/// Builds the external for this library.
pub fn build(profile: Profile) -> Result<()> {
    make(profile, "cc", "puredata")
}

/// Where the external is built, and what the patches need is written.
pub fn folder() -> PathBuf {
    repository::root().join(BUILD)
}

/// Pd with the external and without anything that is the user's own.
pub fn pd(arguments: &[&str]) -> Command {
    let mut command = process::command("pd");
    command.args(["-noprefs", "-nosound", "-nomidi", "-nrt", "-path"]).arg(folder());
    command.args(["-lib", "socketio"]).args(arguments);
    command.env_remove("SOCKETIO_LIBRARY");
    command
}

/// A node of the descriptor, as far as a patch shows it.
struct Node {
    id: String,
    help: String,
    inlets: usize,
    outlets: usize,
    /// What the message `help` prints: `inlet 1: event_name.`
    fields: Vec<String>,
}

impl Node {
    fn read(node: &Value) -> Result<Node> {
        let text = |key: &str| node[key].as_str().map(str::to_owned).with_context(|| format!("a node without {key}"));
        let mut fields = Vec::new();
        let mut counts = Vec::new();
        for (kind, key) in [("attribute", "attributes"), ("inlet", "inputs"), ("outlet", "outputs")] {
            let list = node[key].as_array().with_context(|| format!("a node without {key}"))?;
            let ids = list.iter().filter_map(|field| field["id"].as_str());
            fields.extend(ids.enumerate().map(|(number, id)| format!("  {kind} {number}: {id}. ")));
            counts.push(list.len());
        }
        // Every object has a left inlet: attributes are set there.
        Ok(Node { id: text("id")?, help: text("help")?, inlets: counts[1].max(1), outlets: counts[2], fields })
    }
}

/// A patch with every node, and one that is none. Wires go to the last inlets and outlets and, which Pd has to refuse,
/// to those behind.
fn objects() -> Result<()> {
    const NO_NODE: &str = "socketio.nothing";
    let plugin: Value = serde_json::from_str(&repository::read("plugin.json")?)?;
    let nodes = plugin["nodes"].as_array().context("plugin.json has no nodes")?;
    let nodes: Vec<Node> = nodes.iter().map(Node::read).collect::<Result<_>>()?;
    let path = folder().join("objects.pd");
    let mut patch =
        String::from("#N canvas 0 0 600 400 12;\n#X obj 0 0 loadbang;\n#X obj 0 0 t b b;\n#X msg 0 0 help;\n");
    patch.push_str("#X msg 0 0 \\; pd quit;\n#X obj 0 0 print;\n#X connect 0 0 1 0;\n#X connect 1 1 2 0;\n");
    patch.push_str("#X connect 1 0 3 0;\n#X msg 0 0 never;\n");
    let (help, print, never, first) = (2, 4, 5, 6);
    for node in nodes.iter().map(|node| node.id.as_str()).chain([NO_NODE]) {
        writeln!(patch, "#X obj 0 0 {node} main;")?;
    }
    let mut refused = Vec::new();
    for (Node { id, inlets, outlets, .. }, number) in nodes.iter().zip(first..) {
        writeln!(patch, "#X connect {help} 0 {number} 0;")?;
        for inlet in [inlets - 1, *inlets] {
            writeln!(patch, "#X connect {never} 0 {number} {inlet};")?;
        }
        for outlet in [outlets - 1, *outlets] {
            writeln!(patch, "#X connect {number} {outlet} {print} 0;")?;
        }
        refused.push(format!("objects.pd {never} 0 {number} {inlets} (message->{id}) connection failed"));
        refused.push(format!("objects.pd {number} {outlets} {print} 0 ({id}->print) connection failed"));
    }
    std::fs::write(&path, patch)?;
    let (seen, sees) = mpsc::channel();
    let _pd = Program::start(&mut pd(&["-nogui", "-stderr", "-open", &path.to_string_lossy()]), Who::Pd, seen)?;
    let output = lines_to_the_end(&sees)?;
    for Node { id, help, fields, .. } in &nodes {
        let begin = output.iter().position(|line| *line == format!("{id}: {help}"));
        let begin = begin.with_context(|| format!("{id} does not tell what it is:\n{}", output.join("\n")))?;
        for (field, line) in fields.iter().zip(&output[begin + 1..]) {
            ensure!(line.starts_with(field.as_str()), "{id}: expected \"{field}\", it says \"{line}\"");
        }
    }
    let failed: Vec<&String> = output.iter().filter(|line| line.ends_with("connection failed")).collect();
    ensure!(failed.iter().copied().eq(&refused), "other inlets or outlets than in the descriptor: {failed:#?}");
    let unknown = output.iter().filter(|line| line.ends_with("couldn't create")).count();
    ensure!(unknown == 1 && output.iter().any(|line| line.contains(NO_NODE)), "{}", output.join("\n"));
    Ok(())
}

fn lines_to_the_end(sees: &Receiver<Seen>) -> Result<Vec<String>> {
    let deadline = Instant::now() + LIMIT;
    let mut lines = Vec::new();
    loop {
        match sees.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Seen::Line(_, line)) => lines.push(line),
            Ok(Seen::End(_)) => return Ok(lines),
            Err(_) => bail!("Pd had not ended after {} s:\n{}", LIMIT.as_secs(), lines.join("\n")),
        }
    }
}

/// The patch and the server, and what each of them told.
struct Talk {
    patch: Vec<String>,
    server: Vec<String>,
}

impl Talk {
    fn play() -> Result<Talk> {
        let (seen, sees) = mpsc::channel();
        let mut server =
            Program::start(process::command("node").args(["tests/server/server.js", "0"]), Who::Server, seen.clone())?;
        let mut talk = Talk { patch: Vec::new(), server: Vec::new() };
        let mut deadline = Instant::now() + LIMIT;
        let mut pd_runs = None;
        loop {
            match sees.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Seen::Line(Who::Server, line)) => {
                    if let Some(ready) = line.strip_prefix("ready ") {
                        let ready: Value = serde_json::from_str(ready)?;
                        write_settings(&ready["port"])?;
                        let mut command = pd(&["-nogui", "-stderr", "-open", TALK]);
                        pd_runs = Some(Program::start(&mut command, Who::Pd, seen.clone())?);
                    } else if line.contains(r#""event":"ask me""#) {
                        server.say(r#"ask {"event":"question","args":["Who?"]}"#)?;
                    } else if line.starts_with("answer ") {
                        server.say(r#"emit {"event":"bye"}"#)?;
                    }
                    talk.server.push(line);
                    if pd_runs.is_none() && talk.server.iter().filter(|line| is_end(line)).count() == 2 {
                        return Ok(talk);
                    }
                }
                Ok(Seen::Line(Who::Pd, line)) => talk.patch.push(line),
                Ok(Seen::End(Who::Pd)) => {
                    pd_runs = None;
                    deadline = Instant::now() + GRACE;
                }
                Ok(Seen::End(Who::Server)) => bail!("the server has ended: {}", talk.server.join("\n")),
                Err(_) if pd_runs.is_none() && !talk.patch.is_empty() => return Ok(talk),
                Err(_) => bail!(
                    "Pd had not ended after {} s; it saw\n{}\nand the server\n{}",
                    LIMIT.as_secs(),
                    talk.patch.join("\n"),
                    talk.server.join("\n")
                ),
            }
        }
    }

    /// All that Pd printed but the plugin's log.
    fn patch_saw(&self) -> Result<()> {
        let expected = repository::read("tests/puredata/talk.txt")?;
        let is_log = |line: &&str| line.starts_with("socketio: ") || line.starts_with("Socket.IO ");
        let seen: Vec<&str> = self.patch.iter().map(String::as_str).filter(|line| !is_log(line)).collect();
        same(&expected.lines().collect::<Vec<_>>(), &seen)?;
        let connected = self.patch.iter().filter(|line| line.starts_with("socketio: main: Connected to ")).count();
        ensure!(connected == 2, "the log, which has to say so twice, says it {connected} times:\n{}", seen.join("\n"));
        Ok(())
    }

    fn server_saw(&self) -> Result<()> {
        let got = self.server.iter().filter_map(|line| line.strip_prefix(r#"got {"nsp":"/","event":"#));
        same(&SERVER_GETS, &got.collect::<Vec<_>>())?;
        let answers = self.server.iter().filter_map(|line| line.strip_prefix("answer "));
        same(&[r#"{"nsp":"/","event":"question","args":["Pure Data"]}"#], &answers.collect::<Vec<_>>())
    }

    /// The first session is ended by the patch, the second one by Pd's end.
    fn goodbyes(&self) -> Result<()> {
        let ends = self.server.iter().filter(|line| is_end(line)).map(String::as_str);
        same(&[r#"disconnected {"nsp":"/","reason":"client namespace disconnect"}"#; 2], &ends.collect::<Vec<_>>())
    }
}

fn is_end(line: &str) -> bool {
    line.starts_with("disconnected ")
}

fn write_settings(port: &Value) -> Result<()> {
    let settings = serde_json::json!({"connections": [{"name": "main", "url": format!("http://127.0.0.1:{port}")}]});
    Ok(std::fs::write(folder().join("settings.json"), settings.to_string())?)
}

/// The first difference, and all that was seen.
fn same(expected: &[&str], seen: &[&str]) -> Result<()> {
    let number = expected.iter().zip(seen).take_while(|(expected, seen)| expected == seen).count();
    if number == expected.len().max(seen.len()) {
        return Ok(());
    }
    let line = |lines: &[&str]| lines.get(number).map_or("nothing more".to_owned(), |line| format!("\"{line}\""));
    bail!("expected {}, it was {}\n{}", line(expected), line(seen), seen.join("\n"))
}

#[derive(Clone, Copy)]
pub enum Who {
    Pd,
    Server,
}

/// What a program printed.
pub enum Seen {
    Line(Who, String),
    End(Who),
}

/// A program whose lines are read. It ends with this value.
pub struct Program(Child);

impl Program {
    pub fn start(command: &mut Command, who: Who, seen: Sender<Seen>) -> Result<Program> {
        let (reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn().with_context(|| format!("starting {}", command.get_program().display()))?;
        // The command holds our ends of the pipe: they must be closed before the end can be read.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let _ = seen.send(Seen::Line(who, line.trim_end().to_owned()));
            }
            let _ = seen.send(Seen::End(who));
        });
        Ok(Program(child))
    }

    fn say(&mut self, command: &str) -> Result<()> {
        let stdin = self.0.stdin.as_mut().context("it has no stdin")?;
        Ok(writeln!(stdin, "{command}")?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let error = |expected: &[&str], seen: &[&str]| same(expected, seen).unwrap_err().to_string();
        assert!(same(&["a", "b"], &["a", "b"]).is_ok());
        assert_eq!(error(&["a", "b"], &["a", "c"]), "expected \"b\", it was \"c\"\na\nc");
        assert_eq!(error(&["a"], &[]), "expected \"a\", it was nothing more\n");
        assert_eq!(error(&[], &["a"]), "expected nothing more, it was \"a\"\na");
    }

    #[test]
    fn a_node_without_inputs_has_an_inlet() {
        let node = r#"{"id": "x.on_y", "help": "Fires.", "attributes": [{"id": "a"}], "inputs": [],
            "outputs": [{"id": "pulse"}, {"id": "b"}]}"#;
        let node = Node::read(&serde_json::from_str(node).unwrap()).unwrap();
        assert_eq!((node.inlets, node.outlets), (1, 2));
        assert_eq!(node.fields, ["  attribute 0: a. ", "  outlet 0: pulse. ", "  outlet 1: b. "]);
    }
}
