//! From pointers of the host to Rust values, and back. Every rule of the header about sizes, NULL and text is here.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::boundary::{Failure, needs_memory};
use super::status::{SOCKETIO_E_ABI, SOCKETIO_E_NOT_FOUND, SOCKETIO_E_TYPE, SOCKETIO_OK};
use super::types::*;
use crate::descriptor;
use crate::diagnostics::Refusal;
use crate::events::Output;
use crate::nodes::{self, Call, Value, Values};
use crate::registry::{PLUGIN, PluginState};

/// The smallest struct that says anything: its size and one more field.
const SMALLEST: usize = 8;

/// Marks the structs of the boundary: plain data, for which all bytes zero is a value.
///
/// # Safety
/// Holds for the type, and its first field is `struct_size: u32`.
pub unsafe trait Growing {}

// SAFETY: integers, raw pointers and nullable functions only; `struct_size` comes first.
unsafe impl Growing for socketio_host_t {}
// SAFETY: as above.
unsafe impl Growing for socketio_node_call_t {}
// SAFETY: as above.
unsafe impl Growing for socketio_node_result_t {}
// SAFETY: as above.
unsafe impl Growing for socketio_event_batch_t {}
// SAFETY: as above.
unsafe impl Growing for socketio_wake_handle_t {}
// SAFETY: as above.
unsafe impl Growing for socketio_connection_info_t {}

/// Reads the size that a struct of the host says it has.
///
/// # Safety
/// `pointer` points to at least four bytes.
unsafe fn declared_size<T: Growing>(pointer: *const T, name: &str) -> Result<usize, Failure> {
    // SAFETY: as the caller says; `struct_size` comes first.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    if size < SMALLEST {
        let text = format!("{name}.struct_size is {size}; set it to sizeof({name}).");
        return Err(Failure::new(SOCKETIO_E_ABI, text));
    }
    Ok(size)
}

/// Reads a struct of the host. One that is shorter than ours has zeros for the rest; one that is longer must have zeros
/// in the part that we don't know.
///
/// # Safety
/// `pointer` is NULL or points to a struct of its `struct_size`.
pub unsafe fn read_struct<T: Growing>(pointer: *const T, name: &str) -> Result<T, Failure> {
    if pointer.is_null() {
        return Err(Failure::null(name));
    }
    // SAFETY: as the caller says.
    let size = unsafe { declared_size(pointer, name) }?;
    let known = size.min(size_of::<T>());
    let bytes = pointer.cast::<u8>();
    // SAFETY: `size` bytes are valid, as the caller says; the unknown part lies within them.
    let unknown = unsafe { std::slice::from_raw_parts(bytes.add(known), size - known) };
    if unknown.iter().any(|&byte| byte != 0) {
        let text = format!("{name} has fields set that this version of the library does not know.");
        return Err(Failure::new(SOCKETIO_E_ABI, text));
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are valid on both sides; all bytes zero is a value of a `Growing` type, and what the host
    // wrote over them consists of integers and pointers.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes, value.as_mut_ptr().cast(), known);
        Ok(value.assume_init())
    }
}

/// Checks a struct of the host that we are to fill, and tells how many bytes of it.
///
/// # Safety
/// `pointer` is NULL or points to a struct of its `struct_size`.
pub unsafe fn out_size<T: Growing>(pointer: *const T) -> Result<usize, Failure> {
    if pointer.is_null() {
        return Err(Failure::null("The struct to fill"));
    }
    // SAFETY: as the caller says.
    Ok(unsafe { declared_size(pointer, "The struct to fill") }?.min(size_of::<T>()))
}

/// Fills a struct of the host, as far as it reaches.
///
/// # Safety
/// `size` is what [`out_size`] said of `pointer`.
pub unsafe fn write_out<T: Growing>(pointer: *mut T, value: &T, size: usize) {
    // SAFETY: `size` bytes are valid on both sides.
    unsafe { std::ptr::copy_nonoverlapping(std::ptr::from_ref(value).cast::<u8>(), pointer.cast::<u8>(), size) };
}

/// An array of the host. The text of a failure continues a sentence that begins with the array's name.
///
/// # Safety
/// `pointer` is NULL or points to `len` values that stay as they are for the call.
unsafe fn slice<'a, T>(pointer: *const T, len: usize) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Failure::invalid(format!("is NULL with a length of {len}.")));
    }
    if !pointer.is_aligned() || len > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Failure::invalid(format!("is no array of {len} values.")));
    }
    // SAFETY: not NULL, aligned and not too long; the rest is as the caller says.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// Bytes of the host.
///
/// # Safety
/// `pointer` is NULL or points to `len` bytes that stay as they are for the call.
pub unsafe fn bytes<'a>(pointer: *const u8, len: usize) -> Result<&'a [u8], Failure> {
    // SAFETY: as the caller says.
    unsafe { slice(pointer, len) }.map_err(|failure| failure.about("The text"))
}

/// Text of the host. The text of a failure continues a sentence that begins with the text's name.
///
/// # Safety
/// `pointer` is NULL or points to `len` bytes that stay as they are for the call.
pub unsafe fn text<'a>(pointer: *const c_char, len: usize) -> Result<&'a str, Failure> {
    // SAFETY: as the caller says.
    let bytes = unsafe { slice(pointer.cast::<u8>(), len) }?;
    std::str::from_utf8(bytes)
        .map_err(|error| Failure::invalid(format!("is not UTF-8 (byte {}).", error.valid_up_to())))
}

/// Executes a node.
///
/// # Safety
/// The structs are NULL or of their `struct_size`; what they point to is as the header says.
pub unsafe fn execute(call: *const socketio_node_call_t, result: *mut socketio_node_result_t) -> Result<i32, Failure> {
    // SAFETY: as the caller says.
    let call = unsafe { read_struct(call, "node_call") }?;
    let mut wanted = match result.is_null() {
        true => None,
        // SAFETY: as the caller says.
        false => Some(unsafe { read_struct(result, "result") }?),
    };
    if let Some(wanted) = &wanted
        && wanted.outputs.is_null()
        && wanted.output_capacity > 0
    {
        return Err(Failure::invalid("result.outputs is NULL with a capacity above 0."));
    }
    if PLUGIN.state() != PluginState::Enabled {
        return Err(Refusal::not_enabled().into());
    }
    needs_memory(0)?;
    let Some(node_type) = descriptor::node(call.node_type) else {
        let text = format!("There is no node type {}. The descriptor lists those that are there.", call.node_type);
        return Err(Failure::new(SOCKETIO_E_NOT_FOUND, text));
    };
    // SAFETY: as the caller says.
    let (attributes, inputs) = unsafe {
        (
            slice(call.attributes, call.attribute_count as usize).map_err(|f| f.about("node_call.attributes"))?,
            slice(call.inputs, call.input_count as usize).map_err(|f| f.about("node_call.inputs"))?,
        )
    };
    let named = |side: &'static str, fields: &'static [descriptor::Field]| {
        move |index: usize| match fields.get(index) {
            Some(field) => format!("{}: {side} {}", node_type.label, field.label),
            None => format!("{}: {side} number {index}", node_type.label),
        }
    };
    let executed = nodes::execute(&Call {
        node_type,
        node: call.node,
        connection: call.connection,
        // SAFETY: as the caller says.
        attributes: unsafe { values(attributes, &named("attribute", node_type.attributes)) }?,
        // SAFETY: as the caller says.
        inputs: unsafe { values(inputs, &named("input", node_type.inputs)) }?,
    })?;
    if let Some(wanted) = &mut wanted {
        wanted.pulse = 0;
        wanted.request = executed.request;
        wanted.output_count = (executed.outputs.len() as u32).min(wanted.output_capacity);
        for (index, output) in executed.outputs.iter().take(wanted.output_count as usize).enumerate() {
            // SAFETY: `index` is below the capacity that the host gives.
            unsafe { wanted.outputs.add(index).write(scalar(output)) };
        }
        // SAFETY: `result` was read above, so it is valid for its size.
        unsafe { write_out(result, wanted, (wanted.struct_size as usize).min(size_of::<socketio_node_result_t>())) };
    }
    Ok(SOCKETIO_OK)
}

/// The values of one side of a call. `name` makes the name of one of them, for a failure only: this is on the way of
/// every Send.
///
/// # Safety
/// What the values point to is as the header says.
unsafe fn values<'a>(given: &'a [socketio_value_t], name: &dyn Fn(usize) -> String) -> Result<Values<'a>, Failure> {
    let mut values = Values::default();
    for (index, value) in given.iter().enumerate() {
        // SAFETY: as the caller says.
        let read = unsafe { value_of(value) }.map_err(|failure| failure.about(&name(index)))?;
        match values.get_mut(index) {
            Some(place) => *place = read,
            None if read == Value::None => {}
            None => return Err(Failure::invalid(format!("{} does not exist.", name(index)))),
        }
    }
    Ok(values)
}

/// One value. The text of a failure continues a sentence that begins with the value's name.
///
/// # Safety
/// What the value points to is as the header says.
unsafe fn value_of(value: &socketio_value_t) -> Result<Value<'_>, Failure> {
    if value.reserved != 0 {
        return Err(Failure::invalid("has reserved bits set, which must be 0."));
    }
    let content = &value.r#as;
    // SAFETY: the type says which member counts; every bit pattern is valid for the scalar members. What pointers point
    // to is as the caller says.
    unsafe {
        let string = || text(content.string.ptr, content.string.len);
        Ok(match value.r#type {
            SOCKETIO_TYPE_NONE => Value::None,
            SOCKETIO_TYPE_PULSE => Value::Pulse,
            SOCKETIO_TYPE_BOOL => Value::Bool(content.boolean != 0),
            SOCKETIO_TYPE_INT => Value::Int(content.integer),
            SOCKETIO_TYPE_FLOAT => Value::Float(content.number),
            SOCKETIO_TYPE_STRING => Value::Text(string()?),
            SOCKETIO_TYPE_JSON => Value::Json(string()?),
            SOCKETIO_TYPE_BYTES => Value::Bytes(slice(content.bytes.ptr, content.bytes.len)?),
            SOCKETIO_TYPE_BYTES_LIST => {
                let list = slice(content.bytes_list.ptr, content.bytes_list.len)?;
                let mut items = Vec::new();
                items.try_reserve_exact(list.len()).map_err(|_| Refusal::no_memory())?;
                for item in list {
                    items.push(slice(item.ptr, item.len)?);
                }
                Value::BytesList(items)
            }
            SOCKETIO_TYPE_CONNECTION => Value::Connection(content.connection),
            other => return Err(Failure::new(SOCKETIO_E_TYPE, format!("has the unknown type {other}."))),
        })
    }
}

/// A value that needs no memory of its own: its text lives as long as `output`. Attachments need some: the lease lays
/// them out.
pub fn scalar(output: &Output) -> socketio_value_t {
    use socketio_value_as_t as As;
    match output {
        Output::Pulse(fires) => value(SOCKETIO_TYPE_PULSE, As { boolean: u8::from(*fires) }),
        Output::Bool(truth) => value(SOCKETIO_TYPE_BOOL, As { boolean: u8::from(*truth) }),
        Output::Int(number) => value(SOCKETIO_TYPE_INT, As { integer: *number }),
        Output::Float(number) => value(SOCKETIO_TYPE_FLOAT, As { number: *number }),
        Output::Text(text) => value(SOCKETIO_TYPE_STRING, As { string: string_of(text.as_bytes()) }),
        Output::Json(text) => value(SOCKETIO_TYPE_JSON, As { string: string_of(text.as_bytes()) }),
        Output::None | Output::Attachments(_) => value(SOCKETIO_TYPE_NONE, As { integer: 0 }),
    }
}

/// A value. Members that are shorter than the union leave the rest of it as zeros.
pub fn value(kind: u32, content: socketio_value_as_t) -> socketio_value_t {
    socketio_value_t { r#type: kind, reserved: 0, r#as: content }
}

/// A text of ours, which has a NUL behind it.
pub fn string_of(text: &[u8]) -> socketio_string_t {
    socketio_string_t { ptr: text.as_ptr().cast(), len: text.len() }
}
