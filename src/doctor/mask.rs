//! Secrets are taken out of whatever a report repeats: servers and proxies may send back what they were sent. Stricter than
//! the log, since a report is made to be sent to others: no value counts as harmless, in no form, nor its beginning.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::settings::{ConnectionConfig, ProxyAddress, Resolved};

/// What stands in place of a secret.
const HIDDEN: &str = "(secret)";
/// Characters that a secret has at least: shorter ones are part of many a word.
const SHORTEST: usize = 4;
/// Characters by which the beginning of a longer one is known: what is repeated may be cut.
const BEGINNING: usize = 8;
/// Pieces of a secret that are secrets themselves.
const PIECES: usize = 20;
/// Characters of the id of a session that are shown.
const SHOWN: usize = 4;

/// See the module.
pub struct Mask {
    secrets: Vec<String>,
    /// What the report shows anyway.
    plain: String,
}

impl Mask {
    /// A mask that hides nothing yet.
    pub fn new(config: &ConnectionConfig) -> Mask {
        let plain = format!("{} {}{}", config.name, config.address, config.address.path);
        Mask { secrets: Vec::new(), plain }
    }

    /// Hides a value.
    pub fn add(&mut self, value: &str) {
        // The token without the word Bearer, the cookie without its neighbours.
        let pieces = value.split([' ', ';', ',', '=']).filter(|piece| piece.len() >= BEGINNING).take(PIECES);
        let forms = std::iter::once(value).chain(pieces).flat_map(|text| {
            let escaped = |quoted: String| quoted[1..quoted.len() - 1].to_string();
            [
                text.to_string(),
                escaped(format!("{text:?}")),
                escaped(Value::from(text).to_string()),
                utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            ]
        });
        for form in forms {
            let form = form.trim();
            let is_new = !self.secrets.iter().any(|known| known == form);
            if is_new && form.chars().count() >= SHORTEST && !self.plain.contains(form) {
                self.secrets.push(form.to_string());
            }
        }
    }

    /// Hides what the settings stand for.
    pub fn add_all(&mut self, resolved: &Resolved) {
        resolved.headers.iter().chain(&resolved.query).for_each(|(_, value)| self.add(value));
        resolved.auth.values().for_each(|value| self.add_json(value));
        resolved.proxy_user.iter().chain(&resolved.proxy_password).for_each(|value| self.add(value));
        let proxy = resolved.proxy.as_deref().and_then(|text| ProxyAddress::parse(text).ok());
        if let Some((user, password)) = proxy.and_then(|proxy| proxy.credentials) {
            self.add(&user);
            self.add(&password);
        }
    }

    fn add_json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.add_json(item)),
            Value::Object(fields) => fields.values().for_each(|item| self.add_json(item)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The text without them.
    pub fn hide(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let hidden = self.secrets.iter().map(|secret| repeated(rest, secret)).max().unwrap_or(0);
            if hidden > 0 {
                out.push_str(HIDDEN);
                rest = &rest[hidden..];
            } else {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        out
    }
}

/// How many bytes of the secret a text begins with; 0: too few to be known as such.
fn repeated(text: &str, secret: &str) -> usize {
    let same = text.chars().zip(secret.chars()).take_while(|(a, b)| a == b);
    let (count, bytes) = same.fold((0, 0), |(count, bytes), (c, _)| (count + 1, bytes + c.len_utf8()));
    if bytes == secret.len() || count >= BEGINNING { bytes } else { 0 }
}

/// The beginning of the id of a session: enough to find it in a log, not enough to take it over.
pub fn shortened(id: &str) -> String {
    let shown: String = id.chars().take(SHOWN.min(id.chars().count() / 2)).collect();
    shown + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(values: &[&str]) -> Mask {
        let settings = br#"{"connections":[{"name":"main","url":"http://example.com:3000/door"}]}"#;
        let mut mask = Mask::new(&crate::settings::parse(settings).connections[0]);
        values.iter().for_each(|value| mask.add(value));
        mask
    }

    #[test]
    fn secrets_are_hidden_in_whatever_form_they_come_back() {
        let mask = mask(&["Bearer abc\"defghij", "päss/wort", "door", "x"]);
        for (text, hidden) in [
            ("token abc\"defghij is wrong", "token (secret) is wrong"),
            (r#"{"token":"abc\"defghij"}"#, r#"{"token":"(secret)"}"#),
            ("cut: abc\"defg", "cut: (secret)"),
            ("at p%C3%A4ss%2Fwort or päss/wort", "at (secret) or (secret)"),
            ("x at http://example.com:3000/door", "x at http://example.com:3000/door"),
        ] {
            assert_eq!(mask.hide(text), hidden);
        }
    }

    #[test]
    fn values_of_the_settings_are_secrets() {
        let settings = br#"{"connections":[{"name":"main","url":"http://example.com?key=query-value",
            "headers":{"Authorization":"Bearer header-value"},"auth":{"token":"auth-value","pin":123456},
            "proxy":"http://proxy-user:proxy-password@proxy:3128"}]}"#;
        let parsed = crate::settings::parse(settings);
        assert!(parsed.is_usable(), "{}", parsed.report());
        let config = &parsed.connections[0];
        let mut mask = Mask::new(config);
        mask.add_all(&config.resolve().unwrap());
        for value in ["query-value", "header-value", "auth-value", "123456", "proxy-user", "proxy-password"] {
            assert_eq!(mask.hide(&format!("<{value}>")), "<(secret)>");
        }
    }

    #[test]
    fn an_id_shows_its_beginning_only() {
        assert_eq!(shortened("lv_VI97HAXpY6yYWAAAC"), "lv_V…");
        assert_eq!(shortened("ab"), "a…");
        assert_eq!(shortened(""), "…");
    }
}
