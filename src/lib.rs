//! A Socket.IO client as a plugin of a visual authoring studio, behind a C ABI.
//!
//! The rooms and who may use whom are described in ARCHITECTURE.md. Hosts use `include/socketio_plugin.h`; what is public
//! here is for this project's own tools.

pub mod abi;
mod connection;
pub mod descriptor;
mod diagnostics;
mod doctor;
mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod nodes;
mod platform;
mod protocol;
mod registry;
mod runtime;
mod settings;
mod transport;

pub use diagnostics::errors_markdown;
