//! Link arguments of the shared library, and the day of its build. Nothing is generated here: a build never writes into
//! the source tree.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(planted_bug)");
    println!("cargo:rustc-env=SOCKETIO_BUILT={}", built());
    let target_os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target_os == "linux" || target_os == "android" {
        for argument in [
            // Resident: a Rust library that ran threads must not be unmapped (ARCHITECTURE.md, "Residency").
            "-Wl,-z,nodelete",
            // A host that exports a function of our name must not get our internal calls. Only functions are exported, so
            // this is the same as -Bsymbolic-functions, which not every linker knows (zig's does not).
            "-Wl,-Bsymbolic",
            "-Wl,-soname,libsocketio_plugin.so",
        ] {
            println!("cargo:rustc-cdylib-link-arg={argument}");
        }
        // An undefined symbol is a link error here, not a load error at the user's. Only a sanitizer's functions are
        // found at load: in the host, which has its runtime.
        if std::env::var_os("CARGO_CFG_SANITIZE").is_none() {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,defs");
        }
    }
    if target_os == "windows" && std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|environment| environment == "gnu") {
        for argument in [
            // Mapped anywhere, data is no code; newer linkers do so by themselves.
            "-Wl,--dynamicbase,--high-entropy-va,--nxcompat",
            // Built twice, it is the same file.
            "-Wl,--no-insert-timestamp",
        ] {
            println!("cargo:rustc-cdylib-link-arg={argument}");
        }
    }
}

/// The first second of the day of this build, since 1970: a device whose clock is before it is wrong. Reproducible builds
/// name it (reproducible-builds.org, "SOURCE_DATE_EPOCH").
fn built() -> u64 {
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let named = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.trim().parse().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let seconds: u64 = named.unwrap_or_else(now);
    seconds - seconds % 86_400
}
