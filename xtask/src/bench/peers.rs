//! The clients that are compared, and what each of them needs.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use super::works::Work;
use crate::process;
use crate::repository::{self, Profile};
use crate::steps::{npm, python, rust, tools};

const PLUGIN_SOURCE: &str = "benches/load/plugin.c";
const JS_FOLDER: &str = "benches/load/js";
const PYTHON_CLIENT: &str = "benches/load/python/client.py";
const PYTHON_REQUIREMENTS: &str = "benches/load/python/requirements.txt";

/// A client, or a way to use one.
#[derive(PartialEq, Eq)]
pub struct Peer {
    /// As `--peers` takes it.
    pub key: &'static str,
    pub name: &'static str,
    pub role: Role,
    driver: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The plugin, as most hosts use it.
    Ours,
    /// The plugin, as another host may use it.
    OursOtherwise,
    /// Another Socket.IO client.
    Other,
    /// No Socket.IO at all: what could be reached at best.
    Limit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A C host; how it gets its events.
    Plugin(&'static str),
    Bare,
    RustSocketio,
    Node,
    Python,
}

pub const PLUGIN: &str = "plugin";
pub const WAKE: &str = "plugin-wake";
pub const BARE: &str = "bare";
pub const JS: &str = "socket.io-client";

pub const PEERS: &[Peer] = &[
    Peer { key: PLUGIN, name: "plugin", role: Role::Ours, driver: Kind::Plugin("wait") },
    Peer { key: "plugin-polling", name: "plugin, polling", role: Role::OursOtherwise, driver: Kind::Plugin("poll") },
    Peer { key: WAKE, name: "plugin, wake handle", role: Role::OursOtherwise, driver: Kind::Plugin("wake") },
    Peer { key: "rust_socketio", name: "rust_socketio", role: Role::Other, driver: Kind::RustSocketio },
    Peer { key: JS, name: "socket.io-client", role: Role::Other, driver: Kind::Node },
    Peer { key: "python-socketio", name: "python-socketio", role: Role::Other, driver: Kind::Python },
    Peer { key: BARE, name: "bare WebSocket", role: Role::Limit, driver: Kind::Bare },
];

impl Peer {
    pub fn named(key: &str) -> Option<&'static Peer> {
        PEERS.iter().find(|peer| peer.key == key)
    }

    /// Whether it takes part in this work: not where it would only repeat another one, nor where it would take minutes.
    pub fn takes(&self, work: &Work) -> bool {
        match (self.driver, work.name) {
            (Kind::Plugin("wait") | Kind::Bare, _) => true,
            (Kind::Plugin("poll"), name) => ["receive", "send", "large", "binary", "trip"].contains(&name),
            (Kind::Plugin(_), name) => name == "trip",
            (_, name) => name != "idle-1000",
        }
    }

    /// The name by which its driver knows the work.
    pub fn driver_work(&self, work: &Work) -> &'static str {
        // It ends the connection at an attachment with the byte that separates packets in long-polling.
        if self.driver == Kind::RustSocketio && work.name == "binary" { "binary-no-1e" } else { work.driver }
    }
}

/// A program that takes WORK PORT COUNT SIZE.
pub struct Driver {
    pub peer: &'static Peer,
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub environment: Option<(&'static str, &'static str)>,
}

/// Drivers and server, built.
pub struct Prepared {
    pub server: PathBuf,
    pub drivers: Vec<Driver>,
    /// Peers that this machine can't run, each with what it lacks.
    pub left_out: Vec<(&'static Peer, String)>,
}

/// Builds server and drivers: the library is there already. `profile` is that of the server and of the bare WebSocket.
pub fn prepare(peers: &[&'static Peer], profile: Profile) -> Result<Prepared> {
    let load = rust::build_load(rust::LOAD, &["load-server", "bare-websocket"], profile)?;
    let mut prepared = Prepared { server: load.join("load-server"), drivers: Vec::new(), left_out: Vec::new() };
    for peer in peers {
        if let Some(reason) = peer.lacks() {
            prepared.left_out.push((peer, reason));
            continue;
        }
        let (program, arguments): (PathBuf, Vec<OsString>) = match peer.driver {
            Kind::Plugin(_) => (compile_plugin()?, Vec::new()),
            Kind::Bare => (load.join("bare-websocket"), Vec::new()),
            Kind::RustSocketio => (rust::build_load("peer", &["driver"], profile)?.join("driver"), Vec::new()),
            Kind::Node => {
                npm::install(JS_FOLDER).context("socket.io-client could not be installed")?;
                (process::find("node").context("node is not installed")?, vec![in_repository(JS_FOLDER, "client.mjs")])
            }
            Kind::Python => {
                let folder = repository::target().join("bench/python");
                python::install(PYTHON_REQUIREMENTS, &folder).context("python-socketio could not be installed")?;
                (folder.join("bin/python"), vec![in_repository("", PYTHON_CLIENT)])
            }
        };
        let environment = match peer.driver {
            Kind::Plugin(host) => Some(("BENCH_HOST", host)),
            _ => None,
        };
        prepared.drivers.push(Driver { peer, program, arguments, environment });
    }
    Ok(prepared)
}

fn in_repository(folder: &str, file: &str) -> OsString {
    repository::root().join(folder).join(file).into_os_string()
}

impl Peer {
    /// What this machine lacks to run it, and how to get it.
    fn lacks(&self) -> Option<String> {
        match self.driver {
            Kind::Node => tools::missing("node").or_else(|| tools::missing("npm")),
            Kind::Python => tools::missing("python3"),
            Kind::RustSocketio if !has_openssl() => {
                Some("the headers of OpenSSL are missing: install the Debian packages libssl-dev and pkg-config".into())
            }
            _ => None,
        }
    }
}

fn has_openssl() -> bool {
    let mut command = process::command("pkg-config");
    command.args(["--exists", "openssl"]);
    process::run(command).is_ok()
}

/// The host in C, against the library that ships.
fn compile_plugin() -> Result<PathBuf> {
    let program = repository::target().join("bench/plugin");
    fs::create_dir_all(repository::target().join("bench"))?;
    let compilers = tools::compilers();
    let (compiler, _) = compilers.first().context("there is no C compiler")?;
    let folder = Profile::Release.folder();
    let mut command = process::command(compiler);
    command.args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", PLUGIN_SOURCE, "-o"]);
    command.arg(&program).arg("-L").arg(&folder).arg("-lsocketio_plugin");
    command.arg(format!("-Wl,-rpath,{}", folder.display()));
    process::run(command)?;
    Ok(program)
}

/// The versions of these peers and of what they run on.
pub fn versions(drivers: &[Driver]) -> Result<Vec<(String, String)>> {
    let mut command = process::cargo();
    command.args(["metadata", "--format-version", "1", "--offline", "--all-features"]);
    // Only stdout is JSON.
    let metadata = command.output().context("starting cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout).context("cargo metadata printed no JSON")?;
    let mut versions = Vec::new();
    let mut add = |name: &str, version: Option<String>| {
        let version = version.unwrap_or_else(|| "of a version that could not be read".into());
        if versions.iter().all(|(known, _)| known != name) {
            versions.push((name.to_owned(), version));
        }
    };
    for driver in drivers {
        match driver.peer.driver {
            Kind::Plugin(_) => {
                add("plugin", of_crate(&metadata, "socketio-plugin", None));
                add("Rust", tools::version("rustc"));
                add("C compiler", tools::compilers().first().and_then(|(name, _)| tools::version(name)));
            }
            Kind::Bare => add("tokio-tungstenite", of_crate(&metadata, "load", Some("tokio-tungstenite"))),
            Kind::RustSocketio => add("rust_socketio", of_crate(&metadata, "peer", Some("rust_socketio"))),
            Kind::Node => {
                add("socket.io-client", of_lock(&repository::read(format!("{JS_FOLDER}/package-lock.json"))?));
                add("Node.js", tools::version("node"));
            }
            Kind::Python => {
                add("python-socketio", of_requirements(&repository::read(PYTHON_REQUIREMENTS)?, "python-socketio"));
                add("Python", tools::version("python3"));
            }
        }
    }
    Ok(versions)
}

/// The version of a package of this workspace, or of what it depends on: several versions of a crate may be there.
fn of_crate(metadata: &Value, package: &str, dependency: Option<&str>) -> Option<String> {
    let packages = metadata["packages"].as_array()?;
    let own = packages.iter().find(|found| found["name"] == package)?;
    let found = match dependency {
        None => own,
        Some(dependency) => {
            let node = metadata["resolve"]["nodes"].as_array()?.iter().find(|node| node["id"] == own["id"])?;
            let ids = node["dependencies"].as_array()?;
            packages.iter().find(|found| found["name"] == dependency && ids.contains(&found["id"]))?
        }
    };
    found["version"].as_str().map(str::to_owned)
}

/// The version of socket.io-client in npm's lock file.
fn of_lock(lock: &str) -> Option<String> {
    let lock: Value = serde_json::from_str(lock).ok()?;
    lock["packages"]["node_modules/socket.io-client"]["version"].as_str().map(str::to_owned)
}

fn of_requirements(requirements: &str, package: &str) -> Option<String> {
    let versions = requirements.lines().filter_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    versions.map(|version| version.split_whitespace().next().unwrap_or_default().to_owned()).next()
}

/// A program that sets how others run: its name and arguments, if it is there and may do it.
pub fn launcher(words: &[&str]) -> Option<Vec<OsString>> {
    let (program, arguments) = words.split_first()?;
    let path = process::find(program)?;
    let mut command = process::command(&path);
    command.args(arguments).arg("true");
    let ended = process::capture(command).ok()?;
    // What `nice` may not do it says, and goes on.
    let works = ended.status.success() && ended.output.is_empty();
    works.then(|| std::iter::once(path.into_os_string()).chain(arguments.iter().map(OsString::from)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bench::works::WORKS;

    #[test]
    fn every_work_is_done_by_the_plugin_and_the_limit() {
        for work in WORKS {
            for key in [PLUGIN, BARE] {
                assert!(Peer::named(key).unwrap().takes(work), "{key} {}", work.name);
            }
        }
        assert_eq!(WORKS.iter().filter(|work| Peer::named(WAKE).unwrap().takes(work)).count(), 1);
    }

    #[test]
    fn a_client_gets_what_it_can_receive() {
        let work = |peer: &str| Peer::named(peer).unwrap().driver_work(Work::named("binary").unwrap());
        assert_eq!((work(PLUGIN), work("rust_socketio")), ("binary", "binary-no-1e"));
    }

    #[test]
    fn versions_are_those_of_the_lock_files() {
        let metadata = json!({
            "packages": [
                {"name": "load", "version": "0.0.0", "id": "l"},
                {"name": "tungstenite", "version": "1.0.0", "id": "t1"},
                {"name": "tungstenite", "version": "2.0.0", "id": "t2"},
            ],
            "resolve": {"nodes": [{"id": "l", "dependencies": ["t2"]}]},
        });
        assert_eq!(of_crate(&metadata, "load", Some("tungstenite")).unwrap(), "2.0.0");
        assert_eq!(of_crate(&metadata, "load", None).unwrap(), "0.0.0");
        assert_eq!(of_crate(&metadata, "load", Some("other")), None);
        let lock = r#"{"packages": {"node_modules/socket.io-client": {"version": "4.8.1"}}}"#;
        assert_eq!(of_lock(lock).unwrap(), "4.8.1");
        let requirements = "# these\npython-socketio==5.18.1 --hash\n";
        assert_eq!(of_requirements(requirements, "python-socketio").unwrap(), "5.18.1");
    }

    #[test]
    fn a_launcher_that_is_missing_or_may_not_is_none() {
        assert_eq!(launcher(&["no-such-launcher"]), None);
        assert_eq!(launcher(&["false"]), None);
        assert!(launcher(&["env"]).unwrap()[0].to_string_lossy().ends_with("/env"));
    }
}
