//! C with a little colour: comments, texts, words of the language, and names that lead to where they are declared.

use std::collections::{BTreeMap, BTreeSet};

use super::escaped;

const WORDS: &[&str] = &[
    "auto",
    "bool",
    "char",
    "class",
    "const",
    "constexpr",
    "double",
    "else",
    "enum",
    "explicit",
    "extern",
    "for",
    "friend",
    "if",
    "inline",
    "int",
    "namespace",
    "noexcept",
    "nullptr",
    "operator",
    "private",
    "public",
    "return",
    "sizeof",
    "static",
    "struct",
    "template",
    "typedef",
    "union",
    "using",
    "void",
    "while",
    "int32_t",
    "int64_t",
    "size_t",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "NULL",
];

/// Marks in a text, by their places.
#[derive(Default)]
pub struct Marks {
    /// A stretch that can be linked to begins, with this anchor.
    pub begins: BTreeMap<usize, String>,
    pub ends: BTreeSet<usize>,
    /// Titles in a comment: how long they are, and their anchors.
    pub titles: BTreeMap<usize, (usize, String)>,
}

/// C code as HTML; `link` says where a name leads.
pub fn c(code: &str, link: &dyn Fn(&str) -> Option<String>) -> String {
    marked(code, &Marks::default(), link)
}

/// The same, with marks.
pub fn marked(code: &str, marks: &Marks, link: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(code.len() * 2);
    let mut at = 0;
    while at < code.len() {
        boundary(&mut out, marks, at);
        let token = Token::first(&code[at..]);
        let text = &code[at..at + token.len];
        match token.kind {
            Kind::Comment => {
                out.push_str("<span class=\"c\">");
                comment(&mut out, text, at, marks, link);
                out.push_str("</span>");
            }
            Kind::Text => out.push_str(&format!("<span class=\"s\">{}</span>", escaped(text))),
            Kind::Directive => out.push_str(&format!("<span class=\"d\">{}</span>", escaped(text))),
            Kind::Word if WORDS.contains(&text) => out.push_str(&format!("<span class=\"w\">{text}</span>")),
            Kind::Word => name(&mut out, text, link),
            Kind::Other => out.push_str(&escaped(text)),
        }
        at += token.len;
    }
    boundary(&mut out, marks, at);
    out
}

fn boundary(out: &mut String, marks: &Marks, at: usize) {
    if marks.ends.contains(&at) {
        out.push_str("</span>");
    }
    if let Some(id) = marks.begins.get(&at) {
        out.push_str(&format!("<span class=\"declared\" id=\"{id}\">"));
    }
}

/// A comment's words; a title in it can be linked to.
fn comment(out: &mut String, text: &str, begin: usize, marks: &Marks, link: &dyn Fn(&str) -> Option<String>) {
    let mut at = 0;
    while at < text.len() {
        if let Some((length, id)) = marks.titles.get(&(begin + at)) {
            out.push_str(&format!("<b id=\"{id}\">{}</b>", escaped(&text[at..at + length])));
            at += length;
            continue;
        }
        let length = word_length(&text[at..]).max(1);
        let length = (at + length..).find(|end| text.is_char_boundary(*end)).expect("a text ends") - at;
        name(out, &text[at..at + length], link);
        at += length;
    }
}

fn name(out: &mut String, word: &str, link: &dyn Fn(&str) -> Option<String>) {
    match link(word) {
        Some(href) => out.push_str(&format!("<a href=\"{href}\">{word}</a>")),
        None => out.push_str(&escaped(word)),
    }
}

enum Kind {
    Comment,
    Text,
    Directive,
    Word,
    Other,
}

struct Token {
    kind: Kind,
    len: usize,
}

impl Token {
    fn first(code: &str) -> Token {
        let first = code.chars().next().expect("there is code");
        let until = |end: &str, from: usize| code[from..].find(end).map_or(code.len(), |at| from + at + end.len());
        let (kind, len) = match first {
            '/' if code.starts_with("/*") => (Kind::Comment, until("*/", 2)),
            '/' if code.starts_with("//") => (Kind::Comment, code.find('\n').unwrap_or(code.len())),
            '"' | '\'' => (Kind::Text, quoted_length(code, first)),
            '#' => {
                let blanks = code[1..].len() - code[1..].trim_start_matches(' ').len();
                (Kind::Directive, 1 + blanks + word_length(&code[1 + blanks..]))
            }
            c if c.is_ascii_alphanumeric() || c == '_' => (Kind::Word, word_length(code)),
            c => (Kind::Other, c.len_utf8()),
        };
        Token { kind, len }
    }
}

fn word_length(text: &str) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

fn quoted_length(code: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in code.char_indices().skip(1) {
        match c {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(code: &str) -> String {
        c(code, &|name| (name == "f").then(|| "header.html#f".to_owned()))
    }

    #[test]
    fn code_is_coloured_and_names_lead_to_their_declarations() {
        assert_eq!(
            html("#include <a.h>\nint f(void); // ä f\n"),
            "<span class=\"d\">#include</span> &lt;a.h&gt;\n<span class=\"w\">int</span> <a href=\"header.html#f\">f</a>\
             (<span class=\"w\">void</span>); <span class=\"c\">// ä <a href=\"header.html#f\">f</a></span>\n"
        );
    }

    #[test]
    fn texts_end_at_their_quote() {
        assert_eq!(
            html("\"a\\\"/*\" '\"' f2"),
            "<span class=\"s\">&quot;a\\&quot;/*&quot;</span> <span class=\"s\">'&quot;'</span> f2"
        );
    }

    #[test]
    fn what_has_no_end_ends_with_the_code() {
        assert_eq!(html("/* f"), "<span class=\"c\">/* <a href=\"header.html#f\">f</a></span>");
        assert_eq!(html("\"f"), "<span class=\"s\">&quot;f</span>");
    }
}
