//! What the load server and the drivers written in Rust share: numbered content, what a process has used, and the line
//! of JSON that a driver ends with.

pub mod content;
pub mod report;
pub mod usage;

use std::time::Duration;

/// A driver to which nothing comes for so long gives up: something was lost.
pub const STALL: Duration = Duration::from_secs(5);
