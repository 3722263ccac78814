//! The operating system, a file each. With `abi`, the only room with `unsafe`.

mod clock;
mod fork;
mod memory;
mod signals;
mod wake_handle;

pub use clock::slept;
pub use fork::{is_left_behind, set_running};
pub use memory::{is_short, is_there, thread_is_ours};
pub use signals::with_signals_blocked;
pub use wake_handle::WakeHandle;
