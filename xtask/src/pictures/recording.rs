//! What a program printed to a terminal, line by line with its times: an asciicast (version 2), which players know.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::terminal::Line;

pub struct Recording {
    pub title: String,
    /// Each line with the escape sequences of a terminal, and when it came.
    pub lines: Vec<(Duration, String)>,
}

impl Recording {
    pub fn read(text: &str) -> Result<Recording> {
        let mut lines = text.lines();
        let head: Value = serde_json::from_str(lines.next().context("it is empty")?)?;
        if head["version"] != 2 {
            bail!("it is no asciicast of version 2");
        }
        let title = head["title"].as_str().unwrap_or_default().to_owned();
        let lines = lines.map(|line| {
            let (seconds, _, printed): (f64, String, String) = serde_json::from_str(line)?;
            Ok((Duration::try_from_secs_f64(seconds)?, printed.trim_end_matches("\r\n").to_owned()))
        });
        Ok(Recording { title, lines: lines.collect::<Result<_>>()? })
    }

    pub fn write(&self) -> String {
        let width = self.screen().iter().map(Line::width).max().unwrap_or_default();
        let head = json!({"version": 2, "width": width, "height": self.lines.len(), "title": self.title});
        let mut out = format!("{head}\n");
        for (time, line) in &self.lines {
            // Milliseconds, as the demo tells them.
            let seconds = (time.as_secs_f64() * 1000.0).round() / 1000.0;
            out.push_str(&format!("{}\n", json!([seconds, "o", format!("{line}\r\n")])));
        }
        out
    }

    /// What stands on the screen in the end.
    pub fn screen(&self) -> Vec<Line> {
        self.lines.iter().map(|(_, line)| Line::read(line)).collect()
    }

    /// Without looks and times.
    pub fn text(&self) -> String {
        self.screen().iter().map(|line| line.text().trim_end().to_owned() + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read_as_it_was_written() {
        let lines =
            vec![(Duration::ZERO, "\x1b[1ma\x1b[0m".to_owned()), (Duration::from_millis(1586), "  b ▶".to_owned())];
        let recording = Recording { title: "demo".to_owned(), lines };
        let written = recording.write();
        assert!(
            written.starts_with("{\"version\":2,\"width\":5,\"height\":2,\"title\":\"demo\"}\n[0.0,\"o\","),
            "{written}"
        );
        let read = Recording::read(&written).unwrap();
        assert_eq!((&read.title, &read.lines), (&recording.title, &recording.lines));
        assert_eq!(read.text(), "a\n  b ▶\n");
    }

    #[test]
    fn another_file_is_refused() {
        assert!(Recording::read("").is_err());
        assert!(Recording::read("{\"version\":3}\n").is_err());
        assert!(Recording::read("{\"version\":2}\n[1]\n").is_err());
    }
}
