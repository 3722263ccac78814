//! The operating system, a file each. With `abi`, the only room with `unsafe`.

mod clock;
mod fork;
mod memory;
mod proxies;
mod residency;
mod signals;
mod threads;
mod wake_handle;

pub use clock::slept;
pub use fork::{is_left_behind, set_running};
pub use memory::{is_short, is_there};
pub use proxies::{HAS_SYSTEM_PROXIES, SystemProxies, system_proxies};
pub use residency::stay;
pub use signals::with_signals_blocked;
pub use threads::thread_is_ours;
pub use wake_handle::{WakeHandle, WakeKind};
