//! The global registry: the state of the plugin, handles to connections, and the thread behind them.

mod plugin;
mod table;

use once_cell::sync::Lazy;

pub use plugin::{HostHooks, Plugin, PluginState, check_settings};

/// The plugin of this process. Everything below it is an ordinary value.
pub static PLUGIN: Lazy<Plugin> = Lazy::new(Plugin::default);
