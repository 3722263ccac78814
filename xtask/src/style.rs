//! Colours on a terminal, plain text everywhere else.

use std::fmt::Display;
use std::io::IsTerminal;

/// How to write to stdout.
#[derive(Clone, Copy)]
pub struct Style {
    /// stdout is a terminal: a line may be overwritten.
    pub terminal: bool,
    colours: bool,
}

/// A terminal's colours, by what they are used for.
#[derive(Clone, Copy)]
pub enum Colour {
    Good,
    Bad,
    Warn,
    Faint,
    Strong,
    Accent,
}

impl Style {
    /// The style of this process' stdout. `NO_COLOR` is honoured, and `CLICOLOR_FORCE`, by which a recording gets colours.
    pub fn of_stdout() -> Style {
        let terminal = std::io::stdout().is_terminal();
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Style { terminal, colours: (terminal || is_set("CLICOLOR_FORCE")) && !is_set("NO_COLOR") }
    }

    /// The text in a colour.
    pub fn paint(self, colour: Colour, text: impl Display) -> String {
        if !self.colours {
            return text.to_string();
        }
        let code = match colour {
            Colour::Good => "32",
            Colour::Bad => "31",
            Colour::Warn => "33",
            Colour::Faint => "2",
            Colour::Strong => "1",
            Colour::Accent => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
