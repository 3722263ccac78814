//! The studio of `examples_c/studio/`, driven as a user drives it: it keeps the Plugins Editor's contract, it says what is
//! wrong with a project before it starts anything, and its projects talk to the official server.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The folder with the library, which cargo builds together with this test.
fn library_folder() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    program.ancestors().nth(2).expect("it lies in target/PROFILE/deps").to_path_buf()
}

/// Builds the studio, once for all tests.
static STUDIO: LazyLock<PathBuf> = LazyLock::new(|| {
    let made = Command::new("make")
        .args(["--no-print-directory", "-C"])
        .arg(Path::new(ROOT).join("examples_c"))
        .arg("build/studio")
        .arg(format!("LIBDIR={}", library_folder().display()))
        .output()
        .expect("make is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Path::new(ROOT).join("examples_c/build/studio")
});

/// A user of the studio, with preferences of their own.
struct User {
    folder: PathBuf,
}

impl User {
    fn new(name: &str) -> User {
        let folder = std::env::temp_dir().join(format!("socketio-studio-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        User { folder }
    }

    fn runs(&self, arguments: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } = Command::new(&*STUDIO)
            .args(arguments)
            .arg("--plugins")
            .arg(ROOT)
            .arg("--library")
            .arg(library_folder().join("libsocketio_plugin.so"))
            .arg("--preferences")
            .arg(self.folder.join("preferences.json"))
            .output()
            .expect("the studio runs");
        let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        (status.code().expect("the studio was not killed"), text)
    }

    fn runs_project(&self, project: &str, arguments: &[&str]) -> (i32, String) {
        let path = self.folder.join("project.json");
        std::fs::write(&path, project).expect("the temporary folder can be written");
        let path = path.to_string_lossy();
        self.runs(&[&["run", &path], arguments].concat())
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The official server, until it is dropped: it ends when its stdin closes.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start() -> Server {
        let script = Path::new(ROOT).join("tests/server/server.js");
        let mut process = Command::new("node")
            .arg(&script)
            .args(["0", "{}"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let mut reports = BufReader::new(process.stdout.take().expect("its stdout is piped")).lines();
        let ready =
            reports.next().expect("the server says that it is ready: is it installed (npm ci in tests/server)?");
        let ready = ready.expect("its report is text");
        let report = ready.strip_prefix("ready ").unwrap_or_else(|| panic!("not a report of being ready: {ready}"));
        let report: serde_json::Value = serde_json::from_str(report).expect("a report is JSON");
        let port = report["port"].as_u64().expect("the report tells the port");
        // Reads on, so that the server never waits for us.
        std::thread::spawn(move || reports.for_each(drop));
        Server { process, url: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

const NODES: &str = r#""nodes":[
    {"id":"begin","type":"project.start"},
    {"id":"connect","type":"socketio.start","attributes":{"configuration":"main"}},
    {"id":"connected","type":"socketio.on_start","attributes":{"configuration":"main"}},
    {"id":"end","type":"end"}],
    "wires":[{"from":"begin.pulse","to":"connect.pulse"},{"from":"connected.pulse","to":"end.pulse"}]"#;

fn project(connections: &str, nodes: &str) -> String {
    format!("{{\"name\":\"Test\",\"connections\":[{connections}],{nodes}}}")
}

const MAIN: &str = r#"{"name":"main","url":"http://127.0.0.1:1"}"#;

#[test]
fn a_toggle_takes_effect_after_a_restart_and_the_plugin_stays_listed() {
    let user = User::new("toggle");
    assert!(user.runs(&["plugins"]).1.contains("[socketio]  Activated"), "activated by default");
    assert!(user.runs(&["toolbox"]).1.contains("socketio.send"));
    assert!(user.runs(&["settings"]).1.contains("Connections"));

    let (code, said) = user.runs(&["deactivate", "socketio"]);
    assert_eq!(code, 0);
    assert!(said.contains("Save and restart to apply the changes"), "{said}");
    assert!(user.runs(&["plugins"]).1.contains("[socketio]  Deactivated"));
    assert!(!user.runs(&["toolbox"]).1.contains("socketio."), "its nodes are gone from the Toolbox");
    assert!(!user.runs(&["settings"]).1.contains("Connections"), "its page is gone from Project Settings");
    let (code, said) = user.runs_project(&project(MAIN, NODES), &[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("node \"connect\" is missing") && said.contains("studio activate socketio"), "{said}");

    user.runs(&["activate", "socketio"]);
    assert!(user.runs(&["toolbox"]).1.contains("socketio.send"));
}

#[test]
fn a_project_that_names_what_does_not_exist_is_not_started() {
    let user = User::new("wrong");
    for (project, says) in [
        (project(MAIN, &NODES.replace("socketio.start", "socketio.strat")), "socketio.strat"),
        (project(MAIN, &NODES.replacen("\"configuration\":\"main\"", "\"configuration\":\"mian\"", 1)), "mian"),
        (project(MAIN, &NODES.replace("connect.pulse", "connect.puls")), "puls"),
        (project(MAIN, &NODES.replace("\"to\":\"connect", "\"to\":\"conect")), "conect"),
        (project(r#"{"name":"main","url":"/socket.io","port":70000}"#, NODES), "70000"),
        ("{\"name\":".into(), "column 9: a value is missing"),
    ] {
        let (code, said) = user.runs_project(&project, &[]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(says), "{says}: {said}");
        assert!(!said.contains("Project Start"), "something was started: {said}");
    }
}

#[test]
fn the_example_projects_talk_to_the_official_server() {
    let user = User::new("projects");
    let server = Server::start();
    let chat = Path::new(ROOT).join("examples_c/projects/chat.json");
    let set = format!("main.url={}", server.url);
    let (code, said) = user.runs(&["run", &chat.to_string_lossy(), "--set", &set, "--seconds", "60"]);
    assert_eq!(code, 0, "{said}");
    // The server is written in JavaScript: what it echoes has lost the last digits that the studio sent.
    for expected in [
        "Print [show]  Hello from the studio",
        r#"Message={"temperature": 21.50, "id": 9007199254740993}"#,
        r#"Print [show]  {"temperature":21.5,"#,
        "Attachments=[<3 bytes 00ff1e>, <2 bytes cafe>]  Reply Id=0",
        "Will Reconnect=false",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told_with_a_remedy() {
    let user = User::new("nobody");
    let nodes = NODES.replace("socketio.on_start", "socketio.on_error");
    let (code, said) = user.runs_project(&project(MAIN, &nodes), &["--seconds", "60"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("Nothing is listening at 127.0.0.1:1,") && said.contains("Code=\"localhost_refused\""),
        "{said}"
    );
}
