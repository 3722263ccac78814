//! How the demo looks: two lanes, the project and the server, with a line for each thing that happens.

use std::time::Instant;

use super::story::{Sides, Verdict, Way};
use crate::style::{Colour, Style};

const LANES: usize = 13;
const TITLE_WIDTH: usize = 22;
const DETAIL_WIDTH: usize = 56;
const SIDE_WIDTH: usize = 34;

/// Prints lines as things happen.
pub struct Timeline {
    style: Style,
    begin: Instant,
    server_lives: bool,
}

impl Timeline {
    /// Prints the head. Time begins now.
    pub fn begin(style: Style) -> Timeline {
        let head = format!("{:10}project{:6}server", "", "");
        println!("{}", style.paint(Colour::Strong, head));
        Timeline { style, begin: Instant::now(), server_lives: true }
    }

    /// The server was killed or started: its lane ends or begins.
    pub fn server_lives(&mut self, lives: bool) {
        let (title, colour) =
            if lives { ("the server is back", Colour::Good) } else { ("the server is killed", Colour::Bad) };
        self.server_lives = true;
        self.line(Way::Server, colour, title, "");
        self.server_lives = lives;
    }

    /// A step of the story.
    pub fn step(&self, way: Way, title: &str, detail: &str) {
        let colour = if self.server_lives { Colour::Accent } else { Colour::Warn };
        self.line(way, colour, title, detail);
    }

    /// Something that belongs to the story but has no second side.
    pub fn aside(&self, title: &str, detail: &str) {
        self.line(Way::Project, Colour::Faint, title, detail);
    }

    /// Something that should not have happened.
    pub fn surprise(&self, way: Way, title: &str, detail: &str) {
        self.line(way, Colour::Bad, title, detail);
    }

    fn line(&self, way: Way, colour: Colour, title: &str, detail: &str) {
        let time = self.style.paint(Colour::Faint, format!("{:7.3} s", self.begin.elapsed().as_secs_f64()));
        let lanes = self.style.paint(colour, lanes(Some(way), self.server_lives));
        let title = self.style.paint(Colour::Strong, format!("{title:<TITLE_WIDTH$}"));
        let mut details = wrapped(detail).into_iter();
        let first = details.next().unwrap_or_default();
        println!("{}", format!("{time}    {lanes}   {title}{first}").trim_end());
        for more in details {
            let lanes = lanes_between(self.server_lives);
            println!("{:13}{}{:width$}{more}", "", self.style.paint(colour, lanes), "", width = 3 + TITLE_WIDTH);
        }
    }
}

/// The two lanes, with what passes between them.
fn lanes(way: Option<Way>, server_lives: bool) -> String {
    let right = if server_lives { "│" } else { " " };
    let gap = LANES - 2;
    match way {
        Some(Way::ToServer) => format!("├{}▶{right}", "─".repeat(gap - 1)),
        Some(Way::ToProject) => format!("│◀{}┤", "─".repeat(gap - 1)),
        Some(Way::Project) => format!("●{}{right}", " ".repeat(gap)),
        Some(Way::Server) => format!("│{}●", " ".repeat(gap)),
        None => format!("│{}{right}", " ".repeat(gap)),
    }
}

fn lanes_between(server_lives: bool) -> String {
    lanes(None, server_lives)
}

/// A text in lines that are not too long. A line break in it stays.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > DETAIL_WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// The checklist at the end: whether all of it is ticked.
pub fn checklist(style: Style, verdicts: &[Verdict]) -> bool {
    let head = format!("    {:TITLE_WIDTH$}{:SIDE_WIDTH$}at the server", "", "in the studio");
    println!("\n{}", style.paint(Colour::Strong, head));
    for (title, verdict) in verdicts {
        let (mark, text) = match verdict {
            Ok(Sides { studio, server }) => (style.paint(Colour::Good, "✓"), format!("{studio:SIDE_WIDTH$}{server}")),
            Err(reason) => (style.paint(Colour::Bad, "✗"), reason.clone()),
        };
        println!("{}", format!("  {mark} {title:TITLE_WIDTH$}{text}").trim_end());
    }
    verdicts.iter().all(|(_, verdict)| verdict.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_have_one_width() {
        for way in [None, Some(Way::ToServer), Some(Way::ToProject), Some(Way::Project), Some(Way::Server)] {
            for server_lives in [true, false] {
                assert_eq!(lanes(way, server_lives).chars().count(), LANES, "{way:?}");
            }
        }
    }

    #[test]
    fn long_details_are_wrapped_between_words() {
        let text = "word ".repeat(20);
        let lines = wrapped(text.trim_end());
        assert!(lines.iter().all(|line| line.chars().count() <= DETAIL_WIDTH));
        assert_eq!(lines.join(" "), text.trim_end());
        assert_eq!(wrapped("a\nb"), ["a", "b"]);
    }
}
