//! JSON as text: values are cut out and handed on as they were sent, so that no number and no key order is changed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Malformed;

/// The elements of a JSON array that the rest of the plugin looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements<'a> {
    /// How many there are.
    pub count: usize,
    /// The first one.
    pub first: Option<&'a str>,
    /// The second one.
    pub second: Option<&'a str>,
    /// The last one, if there is more than the first.
    pub last: Option<&'a str>,
    /// The text of the second one, if a quick look found that it is the last one, and text without escapes.
    pub plain: Option<&'a str>,
}

/// Checks that `text` is a JSON array, and finds its elements.
pub fn elements(text: &str) -> Result<Elements<'_>, Malformed> {
    match quick_elements(text) {
        Some(elements) => Ok(elements),
        None => parsed_elements(text),
    }
}

/// What takes the place of a single attachment, as the reference server writes it.
const ONLY_ATTACHMENT: &str = r#"{"_placeholder":true,"num":0}"#;

/// The elements of `["name","text"]`, and of an event with nothing but one attachment: those that come in masses. None: it
/// takes a closer look.
pub fn quick_elements(array: &str) -> Option<Elements<'_>> {
    let name = quick_name(array)?;
    let second = array[name.len() + 3..].strip_prefix(',')?;
    let plain = match second.strip_prefix('"') {
        Some(text) => {
            let end = memchr::memchr2(b'"', b'\\', text.as_bytes())?;
            Some(&text[..end]).filter(|plain| &text[end..] == "\"]" && is_plain(plain))
        }
        None => None,
    };
    let is_known = plain.is_some() || second.strip_prefix(ONLY_ATTACHMENT) == Some("]");
    if !is_known || !is_plain(name) {
        return None;
    }
    let first = Some(&array[1..name.len() + 3]);
    let second = Some(&second[..second.len() - 1]);
    Some(Elements { count: 2, first, second, last: second, plain })
}

/// Whether there is no control character in it, which must be escaped (RFC 8259, section 7). Looking at all bytes is faster
/// than stopping early.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(u8::MAX, u8::min) >= 0x20
}

/// The same of any array, by reading all of it.
pub fn parsed_elements(text: &str) -> Result<Elements<'_>, Malformed> {
    struct Find;
    impl<'de> Visitor<'de> for Find {
        type Value = Elements<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<'de>, A::Error> {
            let mut found = Elements { count: 0, first: None, second: None, last: None, plain: None };
            while let Some(value) = seq.next_element::<&'de RawValue>()? {
                match found.count {
                    0 => found.first = Some(value.get()),
                    count => {
                        if count == 1 {
                            found.second = Some(value.get());
                        }
                        found.last = Some(value.get());
                    }
                }
                found.count += 1;
            }
            Ok(found)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer
        .deserialize_seq(Find)
        .and_then(|found| deserializer.end().map(|()| found))
        .map_err(|error| Malformed::new(error.to_string()))
}

/// Checks that `text` is one JSON value; the error names line and column.
pub fn check(text: &str) -> Result<(), Malformed> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| Malformed::new(error.to_string()))
}

/// The name of an event without looking at the rest: `["name",...`. None if it takes a closer look.
pub fn quick_name(array: &str) -> Option<&str> {
    let rest = array.strip_prefix("[\"")?;
    let end = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
    (rest.as_bytes()[end] == b'"').then(|| &rest[..end])
}

/// The text of a JSON string, given with its quotes. A lone surrogate, which no text can hold, becomes U+FFFD.
pub fn unescape(string: &str) -> Cow<'_, str> {
    let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or_default();
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    struct Lossy;
    impl Visitor<'_> for Lossy {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON string")
        }

        // serde_json hands out a lone surrogate in the form that UTF-8 would have for it, had it one.
        fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }
    let text = serde_json::Deserializer::from_str(string)
        .deserialize_bytes(Lossy)
        .unwrap_or_else(|error| serde_json::Error::custom(error).to_string());
    Cow::Owned(text)
}

/// Whether arrays and objects are nested more deeply than `limit`.
pub fn deeper_than(text: &str, limit: usize) -> bool {
    let bytes = text.as_bytes();
    // Most messages hold fewer brackets than may be nested: then there is nothing to follow.
    if bytes.len() <= limit || memchr::memchr2_iter(b'[', b'{', bytes).nth(limit).is_none() {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Appends `text` as a JSON string.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) && memchr::memchr2(b'"', b'\\', text.as_bytes()).is_none() {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        return out.push(b'"');
    }
    // Writing to a Vec can't fail.
    let _ = serde_json::to_writer(out, text);
}

/// The numbers of the placeholders in a JSON text, in the order in which they stand there. A placeholder without a number
/// is an error: the other end would not survive it.
pub fn placeholders(json: &str) -> Result<Vec<u64>, Malformed> {
    fn walk(value: &serde_json::Value, found: &mut Vec<Option<u64>>) {
        match value {
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            serde_json::Value::Object(fields) => {
                if fields.get("_placeholder") == Some(&serde_json::Value::Bool(true)) {
                    found.push(fields.get("num").and_then(serde_json::Value::as_u64));
                } else {
                    fields.values().for_each(|field| walk(field, found));
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    if memchr::memmem::find(json.as_bytes(), b"_placeholder").is_some() {
        let value = serde_json::from_str(json).map_err(|error| Malformed::new(error.to_string()))?;
        walk(&value, &mut found);
    }
    found.into_iter().collect::<Option<_>>().ok_or_else(|| Malformed::new("a placeholder has no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_slices_of_the_text() {
        let found = elements(r#" [ "a" , {"b": 9007199254740993} ,[]] "#).unwrap();
        assert_eq!(found.count, 3);
        assert_eq!((found.first, found.second), (Some("\"a\""), Some("{\"b\": 9007199254740993}")));
        assert_eq!(found.last, Some("[]"));
        assert_eq!(elements(r#"["a"]"#).unwrap().last, None);
        for bad in ["", "{}", "[1", "[1] 2", "[1,]", "\"a\""] {
            assert!(elements(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_quick_look_at_an_event_agrees_or_abstains() {
        for array in [
            r#"["tick","xxx"]"#,
            r#"["",""]"#,
            r#"["é","ü"]"#,
            r#"["a","b" ]"#,
            r#"["a", "b"]"#,
            r#"["a","b",1]"#,
            r#"["a","b\"]"#,
            r#"["a","b]"#,
            r#"["a""b"]"#,
            r#"["a","b"]]"#,
            "[\"a\",\"b\nc\"]",
            "[\"a\tb\",\"c\"]",
            r#"["a"]"#,
            r#"["a",1]"#,
            r#"["a",{"_placeholder":true,"num":0}]"#,
            r#"["a",{"_placeholder":true,"num":0}] "#,
            r#"["a",{"_placeholder":true,"num":0},1]"#,
            r#"["a",{"_placeholder":true,"num":1}]"#,
            r#"["a","#,
            r#"["a""#,
        ] {
            if let Some(quick) = quick_elements(array) {
                assert!(quick.plain.is_none_or(|plain| plain == unescape(quick.second.unwrap())));
                assert_eq!(Ok(Elements { plain: None, ..quick }), parsed_elements(array), "{array}");
            }
        }
        assert!(quick_elements(r#"["tick","xxx"]"#).is_some_and(|found| found.plain == Some("xxx")));
        assert!(quick_elements(r#"["bin",{"_placeholder":true,"num":0}]"#).is_some_and(|found| found.plain.is_none()));
    }

    #[test]
    fn the_quick_look_at_a_name_agrees_or_abstains() {
        assert_eq!(quick_name(r#"["tick",1]"#), Some("tick"));
        assert_eq!(quick_name(r#"[""]"#), Some(""));
        for unsure in [r#"["a\"b",1]"#, r#"[ "a"]"#, "[1]", "[", ""] {
            assert_eq!(quick_name(unsure), None, "{unsure}");
        }
    }

    #[test]
    fn strings_are_unescaped() {
        assert_eq!(unescape(r#""plain""#), "plain");
        assert_eq!(unescape(r#""a\n\u00e9\ud83d\ude00""#), "a\né😀");
        assert!(unescape(r#""x\ud800y""#).contains('\u{fffd}'));
    }

    #[test]
    fn depth_is_counted_outside_of_strings() {
        assert!(!deeper_than(r#"["[[[[[[", "\"[[["]"#, 1));
        assert!(deeper_than("[[]]", 1));
        assert!(!deeper_than("[[],[],[],[]]", 2));
        assert!(deeper_than(&"[".repeat(100_000), 512));
    }

    #[test]
    fn placeholders_are_found_wherever_they_stand() {
        let json =
            r#"[{"_placeholder":true,"num":1},{"a":[{"num":0,"_placeholder":true}]},{"_placeholder":false,"num":7}]"#;
        assert_eq!(placeholders(json).unwrap(), [1, 0]);
        assert!(placeholders("[1]").unwrap().is_empty());
        for bad in
            [r#"[{"_placeholder":true}]"#, r#"{"_placeholder":true,"num":-1}"#, r#"{"_placeholder":true,"num":0.5}"#]
        {
            assert!(placeholders(bad).is_err(), "{bad}");
        }
    }
}
