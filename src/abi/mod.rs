//! The boundary: the only room with `extern "C"`, `#[no_mangle]` and `#[repr(C)]`. Nobody imports it.
//!
//! The exported functions are written out by hand, a file each group, and are thin: [`boundary::call`] keeps panics in,
//! `convert` turns pointers into Rust values and back.

mod boundary;
mod connections;
mod convert;
mod descriptor;
mod diagnostics;
mod events;
mod host;
mod identity;
mod last_error;
mod lease;
mod lifecycle;
mod nodes;
#[cfg(planted_bug)]
mod planted;
mod settings;
mod status;
pub mod types;
