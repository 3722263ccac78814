//! A Socket.IO client as a plugin of a visual authoring studio, behind a C ABI.
//!
//! The rooms and who may use whom are described in ARCHITECTURE.md.

pub mod abi;
pub mod descriptor;
