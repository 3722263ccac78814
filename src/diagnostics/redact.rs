//! Texts made fit to be shown: what is secret reaches neither the log nor a report, and words from elsewhere stay on
//! their line.

use std::ops::Range;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in place of a secret.
const MASK: &str = "***";

/// Characters that a secret has at least: shorter ones are part of many a word.
const SHORTEST: usize = 4;
/// Characters by which the beginning of a longer one is known, where what is repeated is cut behind it.
const BEGINNING: usize = 8;
/// Pieces of a secret that are secrets themselves.
const PIECES: usize = 20;
/// Characters of the id of a session that are shown.
const SHOWN: usize = 4;

/// Parts of names whose values are secret, in lower case and without separators.
const SECRET_NAMES: [&str; 11] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "authorization",
    "cookie",
    "apikey",
    "credential",
    "privatekey",
    "jwt",
];

/// Whole names of the same kind: by them a session can be taken over.
const SESSION_NAMES: [&str; 3] = ["sid", "pid", "sessionid"];

/// Whether the value of this name is most likely secret.
pub fn is_secret_name(name: &str) -> bool {
    // Longer ones are no names that anybody gave.
    let plain: String =
        name.chars().take(64).filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    SESSION_NAMES.contains(&plain.as_str()) || SECRET_NAMES.iter().any(|part| plain.contains(part))
}

/// The secrets of one connection. Servers and proxies may send back what they were sent, whole or in part, as it is or escaped.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    known: Vec<String>,
    /// What is shown anyway, and so is no secret even if a setting says the same.
    plain: String,
}

impl Secrets {
    /// None yet. What is part of `plain` will not be one.
    pub fn beside(plain: String) -> Secrets {
        Secrets { known: Vec::new(), plain }
    }

    /// Adds a value that must not be shown.
    pub fn add(&mut self, value: &str) {
        // The token without the word Bearer, the cookie without its neighbours.
        let last = value.rsplit(' ').next().filter(|last| last.len() >= SHORTEST);
        let pieces =
            value.split([' ', ';', ',', '=']).filter(|piece| piece.len() >= BEGINNING).take(PIECES).chain(last);
        let forms = std::iter::once(value).chain(pieces).flat_map(|text| {
            let escaped = |quoted: String| quoted[1..quoted.len() - 1].to_string();
            [
                text.to_string(),
                escaped(format!("{text:?}")),
                escaped(serde_json::Value::from(text).to_string()),
                utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            ]
        });
        for form in forms {
            let form = form.trim();
            let is_new = !self.known.iter().any(|known| known == form);
            if is_new && form.chars().count() >= SHORTEST && !self.plain.contains(form) {
                self.known.push(form.to_string());
            }
        }
    }

    /// A text with the secrets masked.
    pub fn mask(&self, text: &str) -> String {
        if self.known.is_empty() {
            return text.to_string();
        }
        let mut begins = [false; 256];
        self.known.iter().filter_map(|secret| secret.bytes().next()).for_each(|byte| begins[usize::from(byte)] = true);
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let may_begin = begins[usize::from(rest.as_bytes()[0])];
            let masked = match may_begin {
                true => self.known.iter().map(|secret| repeated(rest, secret)).max().unwrap_or(0),
                false => 0,
            };
            if masked > 0 {
                out.push_str(MASK);
                rest = &rest[masked..];
            } else {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        out
    }

    /// JSON with the secrets masked, and with the values of names that are most likely secret. At most about `limit`
    /// bytes: what a line does not show anyway is not looked through.
    pub fn mask_json(&self, json: &str, limit: usize) -> String {
        // One that the cut goes through must not show its beginning.
        let overlap = self.known.iter().map(String::len).max().unwrap_or(0);
        let looked_at = &json[..json.floor_char_boundary(limit + overlap)];
        let mut out = String::new();
        let mut done = 0;
        for Range { start, end } in secret_values(looked_at) {
            out.push_str(&looked_at[done..start]);
            out.push_str("\"***\"");
            done = end;
        }
        out.push_str(&looked_at[done..]);
        let mut out = self.mask(&out);
        if looked_at.len() < json.len() {
            out.truncate(out.floor_char_boundary(limit));
            out.push('…');
        }
        out
    }
}

/// Words from elsewhere, at most so many characters of them, without what would break a line, end a C string, or turn the
/// direction of a text around.
pub fn one_line(text: &str, limit: usize) -> String {
    let breaks = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut chars = text.chars();
    let mut out: String = chars.by_ref().take(limit).map(|c| if breaks(c) { ' ' } else { c }).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// How many bytes of the secret a text begins with; 0: too few to be known as such.
fn repeated(text: &str, secret: &str) -> usize {
    let same = text.chars().zip(secret.chars()).take_while(|(a, b)| a == b);
    let (count, bytes) = same.fold((0, 0), |(count, bytes), (c, _)| (count + 1, bytes + c.len_utf8()));
    let is_cut = text[bytes..].is_empty() || text[bytes..].starts_with(['…', '"', '\'']);
    if bytes == secret.len() || (count >= BEGINNING && is_cut) { bytes } else { 0 }
}

/// The beginning of the id of a session: enough to find it in a log, not enough to take it over.
pub fn shortened(id: &str) -> String {
    let shown: String = id.chars().take(SHOWN.min(id.chars().count() / 2)).collect();
    shown + "…"
}

/// Where the values of secret names are in JSON that may be cut at its end. Texts and numbers only: whatever is in an
/// object or a list has names of its own.
fn secret_values(json: &str) -> Vec<Range<usize>> {
    let bytes = json.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = memchr::memchr(b'"', &bytes[at..]).map(|begin| at + begin) {
        let end = end_of_text(bytes, begin);
        let name = json.get(begin + 1..end.saturating_sub(1)).unwrap_or_default();
        at = end;
        let colon = skip_space(bytes, end);
        if bytes.get(colon) != Some(&b':') || !is_secret_name(name) {
            continue;
        }
        let value = skip_space(bytes, colon + 1);
        let end = match bytes.get(value) {
            Some(b'"') => end_of_text(bytes, value),
            Some(b'-' | b'0'..=b'9') => {
                value + bytes[value..].iter().take_while(|byte| !b",}] \t\r\n".contains(byte)).count()
            }
            _ => continue,
        };
        found.push(value..end);
        at = end;
    }
    found
}

/// Behind the text that begins at `begin`, or the end if it is cut.
fn end_of_text(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(next) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += next;
        match bytes[at] {
            b'"' => return at + 1,
            _ => at += 2,
        }
    }
    bytes.len()
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_names_are_masked_wherever_they_are() {
        let secrets = Secrets::default();
        for (json, masked) in [
            (r#"["login",{"user":"anna","password":"x"}]"#, r#"["login",{"user":"anna","password":"***"}]"#),
            (r#"{"accessToken" : "a\"b\\", "n":1}"#, r#"{"accessToken" : "***", "n":1}"#),
            (r#"{"API-Key":12.5e3,"list":["token","b"]}"#, r#"{"API-Key":"***","list":["token","b"]}"#),
            (r#"{"sid":"abc","inside":1}"#, r#"{"sid":"***","inside":1}"#),
            (r#"{"token":{"secret":"x"}}"#, r#"{"token":{"secret":"***"}}"#),
            (r#"{"token":"never ends"#, r#"{"token":"***""#),
            (r#"{"token":"\"#, r#"{"token":"***""#),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(secrets.mask_json(json, 1000), masked);
        }
    }

    #[test]
    fn known_secrets_are_masked_also_where_a_line_is_cut() {
        let mut secrets = Secrets::default();
        secrets.add("Bearer hunter2-hunter2");
        let json = format!("[\"{}hunter2-hunter2\"]", "x".repeat(50));
        for limit in 0..json.len() {
            assert!(!secrets.mask_json(&json, limit).contains("hun"), "{limit}");
        }
    }

    #[test]
    fn secrets_are_masked_in_whatever_form_they_come_back() {
        let mut secrets = Secrets::beside("main http://example.com:3000/door".into());
        ["Bearer abc\"defghij", "päss/wort", "door", "x"].iter().for_each(|value| secrets.add(value));
        for (text, masked) in [
            ("token abc\"defghij is wrong", "token *** is wrong"),
            (r#"{"token":"abc\"defghij"}"#, r#"{"token":"***"}"#),
            ("cut: abc\"defg", "cut: ***"),
            ("at p%C3%A4ss%2Fwort or päss/wort", "at *** or ***"),
            ("abc\"defghi is not it", "abc\"defghi is not it"),
            ("x at http://example.com:3000/door", "x at http://example.com:3000/door"),
        ] {
            assert_eq!(secrets.mask(text), masked);
        }
    }

    #[test]
    fn words_from_elsewhere_stay_on_their_line() {
        assert_eq!(one_line("a\r\nb\u{202e}c\0d", 100), "a  b c d");
        assert_eq!((one_line("äöü", 2), one_line("äöü", 3)), ("äö…".into(), "äöü".into()));
    }

    #[test]
    fn an_id_shows_its_beginning_only() {
        assert_eq!(shortened("lv_VI97HAXpY6yYWAAAC"), "lv_V…");
        assert_eq!(shortened("ab"), "a…");
        assert_eq!(shortened(""), "…");
    }
}
