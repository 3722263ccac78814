//! Panics: none may reach the host, nor its stderr.

use std::any::Any;
use std::sync::Once;

use super::log::{self, Level};

/// Sends the report of a panic inside this library to the log. The hook belongs to the library's own copy of the
/// standard library: a host written in Rust keeps its own.
pub fn route_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
            let what = describe_panic(info.payload());
            log::write(Level::Error, 0, || format!("Fault inside the plugin{place}: {what}"));
        }));
    });
}

/// The text of a panic.
pub fn describe_panic(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".into())
}
