//! Link arguments of the shared library. Nothing is generated here: a build never writes into the source tree.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target_os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target_os == "linux" || target_os == "android" {
        for argument in [
            // Resident: a Rust library that ran threads must not be unmapped (ARCHITECTURE.md, "Residency").
            "-Wl,-z,nodelete",
            // A host that exports a function of our name must not get our internal calls.
            "-Wl,-Bsymbolic-functions",
            // An undefined symbol is a link error here, not a load error at the user's.
            "-Wl,-z,defs",
            "-Wl,-soname,libsocketio_plugin.so",
        ] {
            println!("cargo:rustc-cdylib-link-arg={argument}");
        }
    }
}
