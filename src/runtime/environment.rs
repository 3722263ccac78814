//! What the environment said when the plugin was activated. It is read on the host's thread and kept: where a thread of
//! ours reads a variable while the host sets one, libc may crash.

use std::ffi::OsString;

use parking_lot::Mutex;

pub use crate::platform::{HAS_SYSTEM_PROXIES, SystemProxies, system_proxies};

/// The variables that are kept.
const NAMES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

static KEPT: Mutex<[Option<OsString>; NAMES.len()]> = Mutex::new([const { None }; NAMES.len()]);

/// Reads them, on the thread of the host that activates the plugin.
pub fn keep() {
    *KEPT.lock() = NAMES.map(std::env::var_os);
}

/// The value of one of them; None: it was not set.
pub fn kept(name: &str) -> Option<OsString> {
    let place = NAMES.iter().position(|known| *known == name)?;
    KEPT.lock()[place].clone()
}
