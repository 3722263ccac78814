//! What the fuzz targets in `fuzz/` reach of the private rooms. It is there only in builds with `--cfg fuzzing`.

pub use crate::protocol::{Malformed, engineio, json, socketio};
pub use crate::settings::{Address, ProxyAddress, parse as parse_settings};
pub use crate::transport::fuzzing::{answer, certificate, cookies, is_requestable, proxy_answer, redirect, websocket};
