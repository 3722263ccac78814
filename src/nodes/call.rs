//! The values of a call, checked against the descriptor.

use std::sync::Arc;

use crate::connection::{Connection, Format, Message};
use crate::descriptor::{Field, Node, ValueType, field_index, flags};
use crate::diagnostics::{Refusal, RefusalKind};
use crate::registry::PLUGIN;

/// One value from the host, borrowed for the call.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value<'a> {
    /// Not given.
    #[default]
    None,
    /// A pulse.
    Pulse,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Text holding JSON.
    Json(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Any number of byte strings.
    BytesList(Vec<&'a [u8]>),
    /// A handle.
    Connection(u64),
}

/// More values than any node has.
pub const MAXIMUM_VALUES: usize = 8;

/// The values of a call, in the order of the descriptor.
pub type Values<'a> = [Value<'a>; MAXIMUM_VALUES];

/// A pulse into a node.
pub struct Call<'a> {
    /// Which node.
    pub node_type: &'static Node,
    /// The host's tag.
    pub node: u64,
    /// Handle of the connection; 0: the Configuration attribute decides.
    pub connection: u64,
    /// Attributes.
    pub attributes: Values<'a>,
    /// Inputs.
    pub inputs: Values<'a>,
}

impl Value<'_> {
    fn type_name(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Pulse => "Pulse",
            Value::Bool(_) => "Bool",
            Value::Int(_) => "Int",
            Value::Float(_) => "Float",
            Value::Text(_) => "String",
            Value::Json(_) => "JSON",
            Value::Bytes(_) => "Bytes",
            Value::BytesList(_) => "Bytes List",
            Value::Connection(_) => "Connection",
        }
    }

    fn fits(&self, field: &Field) -> bool {
        match (self, field.value) {
            (Value::None, _) => true,
            (Value::Pulse | Value::Bool(_), ValueType::Pulse) => true,
            (Value::Bool(_), ValueType::Bool) => true,
            (Value::Int(_), ValueType::Int | ValueType::Float) => true,
            (Value::Float(_), ValueType::Float) => true,
            (Value::Float(number), ValueType::Int) => number.fract() == 0.0 && number.abs() < 9.0e15,
            (Value::Text(_) | Value::Json(_), ValueType::String | ValueType::Json) => true,
            (Value::Int(_), ValueType::String) => !field.choices.is_empty(),
            (Value::Bytes(_), ValueType::String) => field.flags & flags::BYTES_TOO != 0,
            (Value::Bytes(_), ValueType::Bytes | ValueType::BytesList) => true,
            (Value::BytesList(_), ValueType::BytesList) => true,
            (Value::Connection(_) | Value::Text(_), ValueType::Connection) => true,
            _ => false,
        }
    }

    /// The text; empty if there is none.
    pub fn text(&self) -> &str {
        match self {
            Value::Text(text) | Value::Json(text) => text,
            _ => "",
        }
    }

    /// How many bytes its content has.
    fn bytes(&self) -> usize {
        match self {
            Value::Text(text) | Value::Json(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::BytesList(list) => list.iter().map(|bytes| bytes.len()).sum(),
            _ => 0,
        }
    }

    /// The number; 0 if there is none.
    pub fn number(&self) -> f64 {
        match self {
            Value::Int(number) => *number as f64,
            Value::Float(number) => *number,
            _ => 0.0,
        }
    }

    /// The whole number; 0 if there is none.
    pub fn integer(&self) -> i64 {
        match self {
            Value::Int(number) => *number,
            Value::Float(number) => *number as i64,
            _ => 0,
        }
    }
}

impl Call<'_> {
    /// Checks types, choices and ranges. Afterwards the values can be read without a second look.
    pub fn check(&self) -> Result<(), Refusal> {
        let sides = [
            ("attribute", self.node_type.attributes, &self.attributes),
            ("input", self.node_type.inputs, &self.inputs),
        ];
        for (side, fields, values) in sides {
            for (index, value) in values.iter().enumerate() {
                if *value == Value::None {
                    continue;
                }
                let refuse = |kind, what: String| {
                    let name = fields.get(index).map_or_else(|| format!("number {index}"), |field| field.label.into());
                    Err(Refusal::new(kind, format!("{}: {side} {name} {what}.", self.node_type.label)))
                };
                let Some(field) = fields.get(index) else {
                    return refuse(RefusalKind::Invalid, "does not exist".into());
                };
                if !value.fits(field) {
                    let what = format!("is {}, not {}", value.type_name(), field.value.name());
                    return refuse(RefusalKind::Type, what);
                }
                if !field.choices.is_empty() && choice(field, value).is_none() {
                    let given = match value {
                        Value::Int(number) => number.to_string(),
                        other => format!("\"{}\"", other.text()),
                    };
                    let what = format!("is {given}, not one of {}", field.choices.join(", "));
                    return refuse(RefusalKind::Invalid, what);
                }
                let (low, high) = field.range;
                if field.has_range() && !(low..=high).contains(&value.number()) {
                    let what = format!("is {}, not between {low} and {high}", value.number());
                    return refuse(RefusalKind::Invalid, what);
                }
            }
        }
        Ok(())
    }

    /// The connection that the call is for.
    pub fn connection(&self) -> Result<Arc<Connection>, Refusal> {
        let handle = match (&self.attributes[field_index::CONFIGURATION], self.connection) {
            (Value::Connection(handle), 0) => *handle,
            (Value::Text(name), 0) => PLUGIN.find_connection(name)?,
            (Value::None, 0) => {
                let text = "names no connection. Set `connection`, or the attribute Configuration.";
                return Err(Refusal::new(RefusalKind::NotFound, format!("The call {text}")));
            }
            (_, handle) => handle,
        };
        PLUGIN.connection(handle)
    }

    /// Position of the chosen value of an attribute, its default if none was given.
    pub fn choice(&self, attribute: usize) -> usize {
        let Some(field) = self.node_type.attributes.get(attribute) else { return 0 };
        choice(field, &self.attributes[attribute])
            .or_else(|| choice(field, &Value::Text(field.default_json.trim_matches('"'))))
            .unwrap_or(0)
    }

    /// Bytes of the content of a Send or a Reply.
    pub fn message_bytes(&self, message: usize, attachments: usize) -> usize {
        [message, attachments].iter().map(|&input| self.inputs[input].bytes()).sum()
    }

    /// How the message of a Send or a Reply is to be read.
    pub fn format(&self, attribute: usize) -> Format {
        match self.choice(attribute) {
            1 => Format::Json,
            2 => Format::Arguments,
            3 => Format::Binary,
            _ => Format::Text,
        }
    }

    /// The content of a Send, where it is nothing but text.
    pub fn only_text(&self, format: Format, message: usize, attachments: usize) -> Option<&str> {
        let has_attachments = match &self.inputs[attachments] {
            Value::None => false,
            Value::BytesList(list) => !list.is_empty(),
            _ => true,
        };
        let is_text = format != Format::Binary && !matches!(self.inputs[message], Value::Bytes(_)) && !has_attachments;
        is_text.then(|| self.inputs[message].text())
    }

    /// The content of a Send or a Reply, copied.
    pub fn message(&self, format: Format, message: usize, attachments: usize) -> Result<Message, Refusal> {
        let mut attached = Vec::new();
        let mut text = String::new();
        match (&self.inputs[message], format) {
            (Value::Bytes(bytes), Format::Binary) => attached.push(copied(bytes)?.into()),
            (value, Format::Binary) if !value.text().is_empty() => {
                attached.push(copied(value.text().as_bytes())?.into());
            }
            (Value::Bytes(bytes), _) => {
                text = String::from_utf8(copied(bytes)?).map_err(|_| {
                    let what = "input Message is not UTF-8. Set Message Format to Binary.";
                    Refusal::new(RefusalKind::Invalid, format!("{}: {what}", self.node_type.label))
                })?;
            }
            (value, _) => text = copied_text(value.text())?,
        }
        match &self.inputs[attachments] {
            Value::Bytes(bytes) => attached.push(copied(bytes)?.into()),
            Value::BytesList(list) => {
                attached.try_reserve(list.len()).map_err(|_| Refusal::no_memory())?;
                for bytes in list {
                    attached.push(copied(bytes)?.into());
                }
            }
            _ => {}
        }
        Ok(Message { format, text, attachments: attached })
    }
}

/// A copy of what the host gave.
fn copied(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| Refusal::no_memory())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// A copy of a text that the host gave.
pub fn copied_text(text: &str) -> Result<String, Refusal> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).map_err(|_| Refusal::no_memory())?;
    copy.push_str(text);
    Ok(copy)
}

fn choice(field: &Field, value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Int(index) => usize::try_from(*index).ok().filter(|index| *index < field.choices.len()),
        Value::Text(text) | Value::Json(text) => field.choices.iter().position(|choice| choice == text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::{NODES, node, type_id};

    fn call<'a>(attributes: &[(usize, Value<'a>)], inputs: &[(usize, Value<'a>)]) -> Call<'a> {
        let mut call = Call {
            node_type: node(type_id::SEND).unwrap(),
            node: 0,
            connection: 1,
            attributes: Values::default(),
            inputs: Values::default(),
        };
        attributes.iter().for_each(|(index, value)| call.attributes[*index] = value.clone());
        inputs.iter().for_each(|(index, value)| call.inputs[*index] = value.clone());
        call
    }

    #[test]
    fn no_node_has_more_values_than_a_call_can_hold() {
        for node in NODES {
            assert!(node.attributes.len() <= MAXIMUM_VALUES && node.inputs.len() <= MAXIMUM_VALUES);
        }
    }

    #[test]
    fn a_wrong_value_is_named() {
        use field_index::send;
        for (wrong, kind, says) in [
            (call(&[], &[(send::EVENT_NAME, Value::Int(1))]), RefusalKind::Type, "input Event Name is Int, not String"),
            (
                call(&[(send::MESSAGE_FORMAT, Value::Text("XML"))], &[]),
                RefusalKind::Invalid,
                "\"XML\", not one of Text, JSON",
            ),
            (call(&[(send::MESSAGE_FORMAT, Value::Int(4))], &[]), RefusalKind::Invalid, "is 4, not one of"),
            (call(&[(send::REPLY_TIMEOUT, Value::Float(-1.0))], &[]), RefusalKind::Invalid, "is -1, not between 0"),
            (call(&[(send::REPLY_TIMEOUT, Value::Float(f64::NAN))], &[]), RefusalKind::Invalid, "is NaN"),
            (call(&[], &[(7, Value::Bool(true))]), RefusalKind::Invalid, "input number 7 does not exist"),
        ] {
            let refusal = wrong.check().unwrap_err();
            assert_eq!(refusal.kind, kind);
            assert!(refusal.text.contains(says), "{}", refusal.text);
        }
    }

    #[test]
    fn choices_go_by_text_index_or_default() {
        use field_index::send::MESSAGE_FORMAT;
        assert_eq!(call(&[], &[]).choice(MESSAGE_FORMAT), 0);
        assert_eq!(call(&[(MESSAGE_FORMAT, Value::Text("Binary"))], &[]).choice(MESSAGE_FORMAT), 3);
        assert_eq!(call(&[(MESSAGE_FORMAT, Value::Int(2))], &[]).choice(MESSAGE_FORMAT), 2);
    }

    #[test]
    fn bytes_in_a_binary_message_come_before_the_attachments() {
        use field_index::send;
        let call = call(
            &[(send::MESSAGE_FORMAT, Value::Text("Binary"))],
            &[(send::MESSAGE, Value::Bytes(&[1, 2])), (send::ATTACHMENTS, Value::BytesList(vec![&[3], &[]]))],
        );
        call.check().unwrap();
        let message = call.message(Format::Binary, send::MESSAGE, send::ATTACHMENTS).unwrap();
        assert_eq!((message.format, call.message_bytes(send::MESSAGE, send::ATTACHMENTS)), (Format::Binary, 3));
        assert_eq!(message.attachments, [&[1u8, 2][..], &[3], &[]]);
    }
}
