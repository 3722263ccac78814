//! Lines as a terminal shows them: pieces of text, each in one look.

/// How a piece of text looks, by what it is used for (see `style.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    #[default]
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Warn,
    Accent,
}

impl Look {
    /// As the pictures' style names it.
    pub fn class(self) -> Option<&'static str> {
        match self {
            Look::Plain => None,
            Look::Strong => Some("strong"),
            Look::Faint => Some("faint"),
            Look::Good => Some("good"),
            Look::Bad => Some("bad"),
            Look::Warn => Some("warn"),
            Look::Accent => Some("accent"),
        }
    }

    fn of_code(code: &str) -> Look {
        match code {
            "1" => Look::Strong,
            "2" => Look::Faint,
            "31" => Look::Bad,
            "32" => Look::Good,
            "33" => Look::Warn,
            "36" => Look::Accent,
            _ => Look::Plain,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub pieces: Vec<(String, Look)>,
}

impl Line {
    /// Reads a line with a terminal's escape sequences for looks, which is all that `style.rs` writes.
    pub fn read(text: &str) -> Line {
        let mut line = Line::default();
        let mut look = Look::Plain;
        let mut parts = text.split("\x1b[");
        line.push(parts.next().unwrap_or_default(), look);
        for part in parts {
            let (code, text) = part.split_once('m').unwrap_or((part, ""));
            look = Look::of_code(code);
            line.push(text, look);
        }
        line
    }

    pub fn push(&mut self, text: &str, look: Look) {
        if !text.is_empty() {
            self.pieces.push((text.to_owned(), look));
        }
    }

    pub fn text(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// How many cells it has.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(text, _)| text.chars().count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_read_and_the_text_stays() {
        let line = Line::read("a \x1b[32m✓\x1b[0m \x1b[1mb\x1b[0m");
        let pieces: Vec<(&str, Look)> = line.pieces.iter().map(|(text, look)| (text.as_str(), *look)).collect();
        assert_eq!(pieces, [("a ", Look::Plain), ("✓", Look::Good), (" ", Look::Plain), ("b", Look::Strong)]);
        assert_eq!((line.text().as_str(), line.width()), ("a ✓ b", 5));
    }
}
