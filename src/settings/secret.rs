//! Values that may be references, and that never show up in a log.

use std::env::VarError;
use std::fmt;
use std::io::Read;

use crate::diagnostics::{Code, Problem};

/// A value of a header, a query or the auth: itself, or a reference such as `env:NAME` or `file:PATH`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value as it stands in the settings.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The value, unless it is a reference, whose value is not known yet.
    pub fn literal(&self) -> Option<&str> {
        (!self.0.starts_with("env:") && !self.0.starts_with("file:")).then_some(&self.0)
    }

    /// Whether it is a reference.
    pub fn is_reference(&self) -> bool {
        self.literal().is_none()
    }

    /// The value itself. References are read anew each time, so that a token can change while the project runs. May
    /// block for as long as the file system does.
    pub fn resolve(&self, connection: &str, field: &'static str) -> Result<String, Problem> {
        let read = if let Some(name) = self.0.strip_prefix("env:") {
            // The system's own words would repeat a value that is no text.
            std::env::var(name).map_err(|error| match error {
                VarError::NotPresent => "it is not set".to_string(),
                VarError::NotUnicode(_) => "it is not UTF-8".to_string(),
            })
        } else if let Some(path) = self.0.strip_prefix("file:") {
            read_file(path)
        } else {
            Ok(self.0.clone())
        };
        read.map_err(|reason| {
            Problem::new(Code::SecretUnavailable)
                .with("field", field)
                .with("connection", connection)
                .with("reference", &self.0)
                .with("reason", reason)
        })
    }

    /// What a file holds: the value is its path, or a reference to one, or PEM text itself. May block for as long as
    /// the file system does.
    pub fn resolve_file(&self, connection: &str, field: &'static str) -> Result<Vec<u8>, Problem> {
        let text = match self.0.strip_prefix("file:") {
            Some(path) => path.to_string(),
            None => self.resolve(connection, field)?,
        };
        if text.contains("-----BEGIN ") {
            return Ok(text.into_bytes());
        }
        read_bytes(text.trim()).map_err(|reason| {
            Problem::new(Code::TlsFileInvalid)
                .with("field", field)
                .with("connection", connection)
                .with("reason", format!("{}: {reason}", self.shown()))
        })
    }

    /// What the settings say, where that can't be a secret: a reference, or what looks like a path.
    fn shown(&self) -> &str {
        /// No path is as long without a dot, a dash or an underscore; keys in base64 are.
        const PATH: usize = 40;
        let may_be_key = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c) || c.is_ascii_whitespace();
        let is_key = self.0.len() > PATH && self.0.chars().all(may_be_key);
        if is_key || self.0.contains('\n') { "what was entered, which is no path" } else { &self.0 }
    }

    /// Resolves the texts in a JSON value.
    pub fn resolve_json(
        value: &serde_json::Value,
        connection: &str,
        field: &'static str,
    ) -> Result<serde_json::Value, Problem> {
        use serde_json::Value;
        Ok(match value {
            Value::String(text) => Value::String(Secret::new(text).resolve(connection, field)?),
            Value::Array(items) => items
                .iter()
                .map(|item| Secret::resolve_json(item, connection, field))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Value::Object(fields) => fields
                .iter()
                .map(|(key, item)| Ok((key.clone(), Secret::resolve_json(item, connection, field)?)))
                .collect::<Result<serde_json::Map<_, _>, Problem>>()?
                .into(),
            other => other.clone(),
        })
    }
}

/// Bytes of a file with a secret or with certificates, at most. The bundle of a whole system has 250 KB.
const FILE_LIMIT: u64 = 1 << 20;

/// The text of a file without its last line break.
fn read_file(path: &str) -> Result<String, String> {
    let text = String::from_utf8(read_bytes(path)?).map_err(|_| "it is not UTF-8")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

fn read_bytes(path: &str) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| error.to_string();
    // A pipe or a device might never end.
    if !std::fs::metadata(path).map_err(told)?.is_file() {
        return Err("it is not a file".into());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(told)?;
    if file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(told)? as u64 > FILE_LIMIT {
        return Err(format!("it has more than {FILE_LIMIT} bytes"));
    }
    Ok(bytes)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_never_shown() {
        let path = std::env::temp_dir().join(format!("socketio-secret-{}", std::process::id()));
        std::fs::write(&path, "token\n").unwrap();
        let secret = Secret::new(format!("file:{}", path.display()));
        assert_eq!(secret.resolve("main", "Auth").unwrap(), "token");
        std::fs::remove_file(&path).unwrap();
        let problem = secret.resolve("main", "Auth").unwrap_err();
        assert_eq!(problem.name(), "secret_unavailable");
        assert!(problem.message().contains("Auth of connection main"), "{}", problem.message());
        let folder = format!("file:{}", std::env::temp_dir().display());
        let no_file = Secret::new(folder).resolve("main", "Auth").unwrap_err();
        assert!(no_file.message().ends_with("it is not a file."), "{}", no_file.message());
        let unset = Secret::new("env:SOCKETIO_NOT_SET").resolve("main", "Auth").unwrap_err();
        assert!(unset.message().contains("it is not set"), "{}", unset.message());
        assert_eq!(format!("{:?}", Secret::new("s3cret")), "(secret)");
        assert_eq!(Secret::new("plain").resolve("main", "Auth").unwrap(), "plain");
    }
}
