//! One failure, ready to be told.

use std::fmt::{Display, Write};

use super::catalogue::{Code, Range};
use super::redact::one_line;

/// Characters of one value in a sentence: some come from the server, and a sentence is to be read.
const VALUE_LIMIT: usize = 500;

/// An entry of the catalogue with its sentence filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    values: Vec<(&'static str, String)>,
}

impl Problem {
    /// The problem, its values still to be filled in by [`Problem::with`].
    pub fn new(code: Code) -> Problem {
        Problem { code, values: Vec::new() }
    }

    /// Fills in one value of the sentence.
    pub fn with(mut self, name: &'static str, value: impl Display) -> Problem {
        self.values.push((name, one_line(&value.to_string(), VALUE_LIMIT)));
        self
    }

    /// A namespace was refused with this message, and further data as JSON text.
    pub fn refused_namespace(namespace: &str, message: &str, data: &str) -> Problem {
        // What the reference server says of a namespace that it does not have.
        if message == "Invalid namespace" {
            return Problem::new(Code::NamespaceUnknown).with("namespace", namespace);
        }
        let data = if data.is_empty() { String::new() } else { format!(" {data}") };
        Problem::new(Code::NamespaceRefused).with("namespace", namespace).with("reason", format!("\"{message}\"{data}"))
    }

    /// One value of the sentence; empty: it has none of this name.
    pub fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The error.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Its stable name.
    pub fn name(&self) -> &'static str {
        self.code.entry().name
    }

    /// Its range.
    pub fn range(&self) -> Range {
        self.code.entry().range
    }

    /// What to do.
    pub fn remedy(&self) -> &'static str {
        self.code.entry().remedy
    }

    /// What happened, in a sentence.
    pub fn message(&self) -> String {
        let mut rest = self.code.entry().sentence;
        let mut out = String::with_capacity(rest.len() + 64);
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            out.push_str(before);
            match self.values.iter().find(|(key, _)| *key == name) {
                Some((_, value)) => out.push_str(value.trim_end_matches('.')),
                None => {
                    debug_assert!(false, "{} has no value for {name}", self.name());
                    let _ = write!(out, "({name})");
                }
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_filled_in() {
        let problem = Problem::new(Code::TcpRefused).with("address", "10.0.0.5:3000");
        assert_eq!(problem.message(), "Nothing is listening at 10.0.0.5:3000.");
        assert_eq!(problem.name(), "tcp_refused");
    }
}
