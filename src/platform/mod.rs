//! The operating system, a file each. With `abi`, the only room with `unsafe`.

mod signals;
mod wake_handle;

pub use signals::with_signals_blocked;
pub use wake_handle::WakeHandle;
