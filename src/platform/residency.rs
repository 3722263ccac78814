//! The library stays in the process once it did anything: see ARCHITECTURE.md, "Residency". On Linux the linker says so
//! (`build.rs`). On Windows the library says so itself, with the first call that leaves something behind: work in DllMain,
//! under the loader's lock, is where other libraries hang.

use std::io;

/// Has the library stay until the process ends, whoever frees it.
#[cfg(windows)]
pub fn stay() -> io::Result<()> {
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicBool, Ordering};

    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };

    // An address within the library, and whether it stays.
    static STAYS: AtomicBool = AtomicBool::new(false);
    if !STAYS.load(Ordering::Relaxed) {
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        let mut module = null_mut();
        // SAFETY: with these flags the name is an address, and only looked up; the other pointer is to a local.
        if unsafe { GetModuleHandleExW(flags, (&raw const STAYS).cast(), &mut module) } == 0 {
            return Err(io::Error::last_os_error());
        }
        STAYS.store(true, Ordering::Relaxed);
    }
    Ok(())
}

/// It stays from the beginning.
#[cfg(not(windows))]
pub fn stay() -> io::Result<()> {
    Ok(())
}
