//! Masking: what is secret does not reach the log.

use std::ops::Range;

/// What stands in place of a secret.
const MASK: &str = "***";

/// Texts shorter than this are no secrets that could be found again: masking them would only make lines unreadable.
const SHORTEST_SECRET: usize = 4;

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

/// The secrets of one connection.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Adds a text that must not be shown, and its last word, such as the token behind `Bearer`.
    pub fn add(&mut self, text: &str) {
        for text in [text, text.rsplit(' ').next().unwrap_or_default()] {
            if text.len() >= SHORTEST_SECRET && !self.0.iter().any(|known| known == text) {
                self.0.push(text.to_string());
            }
        }
        // A secret within another one must not leave the rest of it visible.
        self.0.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// A text with the secrets masked.
    pub fn mask(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| match text.contains(secret.as_str()) {
            true => text.replace(secret.as_str(), MASK),
            false => text,
        })
    }

    /// JSON with the secrets masked, and with the values of names that are most likely secret. At most about `limit`
    /// bytes: what a line does not show anyway is not looked through.
    pub fn mask_json(&self, json: &str, limit: usize) -> String {
        let overlap = self.0.first().map_or(0, String::len);
        let looked_at = &json[..json.floor_char_boundary(limit + overlap)];
        let mut out = String::new();
        let mut done = 0;
        for Range { start, end } in secret_values(looked_at) {
            out.push_str(&looked_at[done..start]);
            out.push_str("\"***\"");
            done = end;
        }
        out.push_str(&looked_at[done..]);
        let mut out = self.mask(out);
        if looked_at.len() < json.len() {
            out.truncate(out.floor_char_boundary(limit));
            out.push('…');
        }
        out
    }
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
        secrets.add("abc");
        secrets.add("hunter2");
        assert_eq!(secrets.mask("got Bearer hunter2-hunter2, hunter2 abc".into()), "got ***, *** abc");
        let json = format!("[\"{}hunter2-hunter2\"]", "x".repeat(50));
        for limit in 0..json.len() {
            assert!(!secrets.mask_json(&json, limit).contains("hun"), "{limit}");
        }
    }
}
