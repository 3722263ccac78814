//! Arguments of events: as they come, as reports show them, as commands write them.

use std::fmt;

use rmpv::Value as Any;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::{Value, json};

/// Longer texts and byte strings are reported by length and checksum.
const REPORT_LIMIT: usize = 1024;

/// All arguments of an event. To serde it is a tuple: socketioxide takes a list for the first argument.
pub struct Arguments(Vec<Any>);

impl Arguments {
    /// From what a command wants to be sent.
    pub fn build(values: &[Value]) -> Arguments {
        Arguments(values.iter().map(build).collect())
    }
}

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in &self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Arguments, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Arguments;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Arguments, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = values.next_element()? {
                    all.push(value);
                }
                Ok(Arguments(all))
            }
        }
        deserializer.deserialize_tuple(0, All)
    }
}

/// FNV-1a, 32 bits; the harness has the same.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The arguments as a report shows them.
pub fn describe(arguments: &Arguments) -> Value {
    arguments.0.iter().map(describe_one).collect()
}

fn describe_one(value: &Any) -> Value {
    match value {
        Any::Nil | Any::Ext(..) => Value::Null,
        Any::Boolean(value) => json!(value),
        Any::Integer(value) => value.as_i64().map_or_else(|| json!(value.as_u64()), |value| json!(value)),
        Any::F32(value) => json!(value),
        Any::F64(value) => json!(value),
        Any::String(text) if text.as_bytes().len() > REPORT_LIMIT => {
            json!({"_text": text.as_bytes().len(), "_checksum": checksum(text.as_bytes())})
        }
        Any::String(text) => json!(text.as_str()),
        Any::Binary(bytes) if bytes.len() > REPORT_LIMIT => {
            json!({"_bytes": bytes.len(), "_checksum": checksum(bytes)})
        }
        Any::Binary(bytes) => {
            json!({"_bytes": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()})
        }
        Any::Array(items) => items.iter().map(describe_one).collect(),
        Any::Map(fields) => {
            let key = |key: &Any| key.as_str().unwrap_or_default().to_owned();
            fields.iter().map(|(name, value)| (key(name), describe_one(value))).collect()
        }
    }
}

/// `{"_bytes":"00ff"}`, `{"_fill":COUNT}` and `{"_repeat":[TEXT,COUNT]}` stand for what JSON can't hold or a line
/// shouldn't.
fn build(value: &Value) -> Any {
    match value {
        Value::Null => Any::Nil,
        Value::Bool(value) => Any::from(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Any::from(number),
            (_, Some(number)) => Any::from(number),
            _ => Any::from(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Any::from(text.as_str()),
        Value::Array(items) => Any::Array(items.iter().map(build).collect()),
        Value::Object(fields) => {
            if let Some(hex) = fields.get("_bytes").and_then(Value::as_str) {
                let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap_or_default();
                return Any::Binary((0..hex.len()).step_by(2).map(byte).collect());
            }
            if let Some(count) = fields.get("_fill").and_then(Value::as_u64) {
                return Any::Binary((0..count).map(|i| (i & 0xff) as u8).collect());
            }
            if let Some([Value::String(text), times]) =
                fields.get("_repeat").and_then(|value| value.as_array()?.get(..2))
            {
                return Any::from(text.repeat(times.as_u64().unwrap_or_default() as usize));
            }
            Any::Map(fields.iter().map(|(name, value)| (Any::from(name.as_str()), build(value))).collect())
        }
    }
}
