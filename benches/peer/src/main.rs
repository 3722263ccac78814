//! rust_socketio and this project's library, side by side: the same scenarios against the official server.
//!
//! `cargo run -p peer` exits with 0 only if the library passes every scenario and rust_socketio fails at least
//! [`ENOUGH`] of them in the way that is on record, in docs/decisions/0001-the-client-is-ours.md.

mod client;
mod ours;
mod scenarios;
mod server;
mod table;
mod theirs;

use std::env;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use client::Client;
use scenarios::{LIMIT, Outcome, SCENARIOS, Scenario, Verdict};
use server::Server;

/// So many failures must be reproduced, else the record is no longer true.
const ENOUGH: usize = 4;

/// What a client's process may need beyond the scenario's own limit.
const GRACE: Duration = Duration::from_secs(5);

/// Names the library to compare with. Without it, the workspace's own is built.
const LIBRARY: &str = "SOCKETIO_LIBRARY";

const THEIRS: &str = "rust_socketio";
const OURS: &str = "ours";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(),
        [who, scenario, url] => play(who, scenario, url),
        _ => Err(anyhow!("usage: cargo run -p peer")),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

/// Plays every scenario with both and prints what came of it.
fn compare() -> Result<ExitCode> {
    let library = library()?;
    println!("rust_socketio 0.6.0 and {}, against socket.io {}\n", library.display(), server::VERSION);
    println!("{}", table::head(["what was done", THEIRS, OURS, "verdict"]));
    let (mut passed, mut reproduced) = (true, 0);
    for scenario in SCENARIOS {
        let theirs = run(scenario, THEIRS, &library)?;
        let ours = run(scenario, OURS, &library)?;
        passed &= ours.verdict == Verdict::Right && (theirs.verdict == Verdict::Right || !scenario.control);
        reproduced += usize::from(theirs.verdict == Verdict::OnRecord);
        let verdict = match (ours.verdict, theirs.verdict) {
            (Verdict::Right, Verdict::Right) => "both right",
            (Verdict::Right, Verdict::OnRecord) => "ours right, theirs fails as recorded",
            (Verdict::Right, Verdict::Wrong) => "ours right, theirs fails otherwise",
            _ => "OURS FAILS",
        };
        println!("{}", table::row([scenario.what, &theirs.saw, &ours.saw, verdict]));
    }
    let failures = SCENARIOS.iter().filter(|scenario| !scenario.control).count();
    println!("{reproduced} of {failures} failures of rust_socketio reproduced; {ENOUGH} are enough.");
    println!("{}", if passed { "Ours passed everything." } else { "NOT everything passed that must." });
    Ok(if passed && reproduced >= ENOUGH { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The library to compare with.
fn library() -> Result<PathBuf> {
    if let Some(path) = env::var_os(LIBRARY) {
        return Ok(path.into());
    }
    // This binary is <target>/<profile>/peer. A build of its own leaves the library with its own features only.
    let binary = env::current_exe()?;
    let folder = binary.parent().context("the binary lies in a folder")?;
    let target = folder.parent().context("the folder lies in the target folder")?;
    let profile = folder.file_name().and_then(|name| name.to_str()).context("the folder has a name")?;
    let built = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--quiet", "--package", "socketio-plugin", "--lib"])
        .args(["--profile", if profile == "debug" { "dev" } else { profile }])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("starting cargo")?;
    ensure!(built.success(), "the library does not build");
    Ok(folder.join(format!("{}socketio_plugin{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)))
}

/// Plays a scenario in a process of its own: a client may hang, spin or crash.
fn run(scenario: &Scenario, who: &str, library: &Path) -> Result<Outcome> {
    let server = Server::start(scenario.server)?;
    let mut process = Command::new(env::current_exe()?)
        .args([who, scenario.name, &server.url])
        .env(LIBRARY, library)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut output = process.stdout.take().context("its output")?;
    let (sender, receiver) = channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let _ = output.read_to_string(&mut text);
        let _ = sender.send(text);
    });
    let text = receiver.recv_timeout(LIMIT + GRACE);
    // After a time-out this ends it; after its last word it only makes sure.
    let _ = process.kill();
    let status = process.wait()?;
    reader.join().expect("the reader does not panic");
    Ok(match text {
        Ok(text) => parse_outcome(&text).unwrap_or_else(|| wrong(format!("ended without a word, {status}"))),
        Err(_) => wrong(format!("hung, ended after {} s", (LIMIT + GRACE).as_secs())),
    })
}

/// The other end of [`run`]: plays the scenario and says how it went.
fn play(who: &str, scenario: &str, url: &str) -> Result<ExitCode> {
    let scenario = SCENARIOS.iter().find(|known| known.name == scenario).context("no such scenario")?;
    let outcome = judge(who, scenario, url).unwrap_or_else(|error| wrong(format!("{error:#}")));
    print!("{}", format_outcome(&outcome));
    Ok(ExitCode::SUCCESS)
}

fn judge(who: &str, scenario: &Scenario, url: &str) -> Result<Outcome> {
    let mut client: Box<dyn Client> = match who {
        THEIRS => Box::new(theirs::connect(url, scenario.namespaces)?),
        OURS => Box::new(ours::connect(&library()?, url, scenario.namespaces)?),
        _ => bail!("no such client: {who}"),
    };
    (scenario.run)(client.as_mut(), Instant::now() + LIMIT)
}

const VERDICTS: [(Verdict, &str); 3] =
    [(Verdict::Right, "right"), (Verdict::OnRecord, "on record"), (Verdict::Wrong, "wrong")];

/// One line: what [`play`] tells [`run`].
fn format_outcome(outcome: &Outcome) -> String {
    let verdict = VERDICTS.iter().find(|(verdict, _)| *verdict == outcome.verdict).expect("each has its word").1;
    format!("{verdict}\t{}", outcome.saw)
}

fn parse_outcome(line: &str) -> Option<Outcome> {
    let (word, saw) = line.split_once('\t')?;
    let (verdict, _) = VERDICTS.iter().find(|(_, known)| *known == word)?;
    Some(Outcome { verdict: *verdict, saw: saw.to_owned() })
}

fn wrong(saw: String) -> Outcome {
    Outcome { verdict: Verdict::Wrong, saw }
}
