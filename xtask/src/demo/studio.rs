//! The studio of the demo: runs the project and reads the timeline that it prints.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

use anyhow::{Context, Result};

use super::Sighting;
use crate::process;
use crate::repository::{self, Profile};
use crate::steps::examples;

/// The project that runs.
pub const PROJECT: &str = "examples_c/demo/project.json";

/// The studio as make builds it, with the library of a profile.
pub fn built(profile: Profile) -> Result<Command> {
    let mut command = process::command(examples::studio());
    command.args(["run", PROJECT, "--plugins", ".", "--library"]).arg(profile.library());
    // The user's own toggles don't count here: the plugin is activated, as it is by default.
    let preferences = repository::target().join("demo_preferences.json");
    if preferences.exists() {
        std::fs::remove_file(&preferences)?;
    }
    command.arg("--preferences").arg(preferences);
    Ok(command)
}

/// Another one.
pub fn other(words: &[String]) -> Command {
    let mut command = process::command(&words[0]);
    command.args(&words[1..]);
    command
}

/// A studio that runs. It ends with this value.
pub struct Studio(Child);

impl Studio {
    /// Runs the project against a server. Every line, and the end, goes to `sightings`.
    pub fn start(mut command: Command, server: SocketAddr, sightings: Sender<Sighting>) -> Result<Studio> {
        command.args(["--set", &format!("main.url=http://{server}")]);
        let (reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn().context("starting the studio")?;
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let _ = sightings.send(Sighting::Studio(line));
            }
            let _ = sightings.send(Sighting::StudioEnded);
        });
        Ok(Studio(child))
    }

    /// The exit code, once it has ended; none if a signal ended it.
    pub fn exit_code(&mut self) -> Result<Option<i32>> {
        Ok(self.0.wait()?.code())
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A line that the studio printed.
#[derive(Debug, PartialEq)]
pub enum Line {
    Pulse(Pulse),
    /// Of the timeline too, but in words.
    Words,
    /// A warning or an error.
    Other,
}

impl Line {
    pub fn read(line: &str) -> Line {
        let Some((seconds, rest)) = line.trim_start().split_once(" s  ") else { return Line::Other };
        if seconds.parse::<f64>().is_err() {
            return Line::Other;
        }
        Pulse::read(rest).map_or(Line::Words, Line::Pulse)
    }
}

/// A node's output fires, with values.
#[derive(Debug, PartialEq)]
pub struct Pulse {
    /// The node's label.
    pub label: String,
    /// The node's id in the project.
    pub node: String,
    pub output: String,
    /// Outputs and, behind them, inputs, by their labels.
    values: Vec<(String, String)>,
}

impl Pulse {
    /// Reads `Label [node]  Output  A="text"  B=7  (C="text")`.
    pub fn read(line: &str) -> Option<Pulse> {
        let (head, rest) = line.split_once("]  ")?;
        let (label, node) = head.split_once(" [")?;
        let mut parts = split(rest).into_iter();
        let output = parts.next()?.to_owned();
        let mut values = Vec::new();
        let mut in_brackets = false;
        for part in parts {
            in_brackets |= part.starts_with('(');
            let part = part.strip_prefix('(').unwrap_or(part);
            let (name, value) = part.split_once('=')?;
            values.push((name, value));
        }
        if in_brackets && let Some((_, last)) = values.last_mut() {
            *last = last.strip_suffix(')')?;
        }
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), text(value)));
        Some(Pulse { label: label.to_owned(), node: node.to_owned(), output, values: values.collect() })
    }

    /// The value of an output, or of an input.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Splits at two spaces which are not inside quotes.
fn split(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut quoted, mut escaped) = (0, false, false);
    let bytes = line.as_bytes();
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' if !quoted && bytes.get(i + 1) == Some(&b' ') && i >= begin => {
                parts.push(&line[begin..i]);
                begin = i + 2;
            }
            _ => {}
        }
    }
    parts.push(&line[begin..]);
    parts
}

/// A value without the quotes and escapes of a text.
fn text(shown: &str) -> String {
    serde_json::from_str(shown).unwrap_or_else(|_| shown.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_is_read_with_its_values() {
        let line = "On Socket.IO Receive [on_receive]  Pulse  Namespace=\"/\"  Message=\"a  \\\"b\\\" (c)\"  \
            Arguments (JSON)=[\"a  b\"]  Reply Id=7";
        let pulse = Pulse::read(line).unwrap();
        assert_eq!((pulse.label.as_str(), pulse.node.as_str()), ("On Socket.IO Receive", "on_receive"));
        assert_eq!(pulse.output, "Pulse");
        assert_eq!(pulse.value("Namespace"), Some("/"));
        assert_eq!(pulse.value("Message"), Some("a  \"b\" (c)"));
        assert_eq!(pulse.value("Arguments (JSON)"), Some("[\"a  b\"]"));
        assert_eq!(pulse.value("Reply Id"), Some("7"));
        assert_eq!(pulse.value("Attachments"), None);
    }

    #[test]
    fn inputs_stand_in_brackets() {
        let line = "Socket.IO Send [ask]  Reply ►  Reply=\"noon\"  (Event Name=\"time\"  Message=<1 bytes 00>)";
        let pulse = Pulse::read(line).unwrap();
        assert_eq!(pulse.output, "Reply ►");
        assert_eq!(pulse.value("Reply"), Some("noon"));
        assert_eq!(pulse.value("Event Name"), Some("time"));
        assert_eq!(pulse.value("Message"), Some("<1 bytes 00>"));
    }

    #[test]
    fn a_pulse_may_have_no_values() {
        let pulse = Pulse::read("Project Start [begin]  Pulse").unwrap();
        assert_eq!((pulse.node.as_str(), pulse.output.as_str()), ("begin", "Pulse"));
    }

    #[test]
    fn lines_are_told_apart() {
        assert!(matches!(Line::read("  0.000 s  Project Start [begin]  Pulse"), Line::Pulse(_)));
        assert_eq!(Line::read("  1.617 s  Run  ends: End [end] with code 0"), Line::Words);
        assert_eq!(Line::read("studio: no such file"), Line::Other);
        assert_eq!(Line::read("a warning s  of two words"), Line::Other);
    }
}
