//! The demo: recorded as it runs, with its own ports, session ids and times. Text and picture are made of the recording.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::recording::Recording;
use super::window::Window;
use super::{File, path, write};
use crate::process;

const RECORDING: &str = "demo.cast";

/// What the first line of the timeline holds: time begins there, for what is built before is of no interest.
const BEGINS: &str = "project      server";

/// How long the picture waits before it begins: for the reader's eyes.
const BEFORE: Duration = Duration::from_millis(600);

const DESCRIPTION: &str = "A timeline with two lanes, the project and the server. The project connects, sends text, JSON and \
bytes, asks and is answered, answers a question of the server and receives news. The server is killed: the project says that \
nothing is listening and what to do. The server is back, and the project reconnects by itself, receives more news and stops.";

/// Runs the demo and writes what came of it.
pub fn make() -> Result<()> {
    let recording = record()?;
    let mut files = files(&recording);
    files.push(File { name: RECORDING.to_owned(), content: recording.write() });
    write(files)
}

/// The recording that is committed.
pub fn recorded() -> Result<Recording> {
    let text = std::fs::read_to_string(path(RECORDING)).with_context(|| format!("reading {RECORDING}"))?;
    Recording::read(&text).context(RECORDING)
}

/// What is made of a recording: all of it as text, and its timeline as a picture.
pub fn files(recording: &Recording) -> Vec<File> {
    let screen = recording.screen();
    let begin = screen.iter().position(|line| line.text().contains(BEGINS)).unwrap_or_default();
    let length = screen[begin..].iter().position(|line| line.text().is_empty()).unwrap_or(screen.len() - begin);
    let times = recording.lines[begin..begin + length].iter().map(|(time, _)| BEFORE + *time);
    let svg = Window {
        title: &recording.title,
        description: DESCRIPTION,
        lines: &screen[begin..begin + length],
        times: &times.collect::<Vec<_>>(),
    };
    vec![
        File { name: "demo.txt".to_owned(), content: recording.text() },
        File { name: "demo.svg".to_owned(), content: svg.svg() },
    ]
}

fn record() -> Result<Recording> {
    let mut command = process::command(std::env::current_exe()?);
    command.arg("demo").env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(child.stdout.take().context("its output was asked for")?);
    let mut lines = Vec::new();
    for line in output.lines() {
        lines.push((Instant::now(), line?));
    }
    if !child.wait()?.success() {
        bail!("the demo failed: run `cargo xtask demo` to see why");
    }
    let begin = lines.iter().find(|(_, line)| line.contains(BEGINS)).context("the demo has no timeline")?.0;
    let lines = lines.into_iter().map(|(time, line)| (time.saturating_duration_since(begin), line)).collect();
    Ok(Recording { title: "cargo xtask demo".to_owned(), lines })
}
