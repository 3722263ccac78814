//! The life of one connection: states, namespaces, acks, reconnect, recovery.
//!
//! The host's side is [`Connection`]: a mailbox and a few numbers that can be read at any time. The plugin's side is a
//! task that owns everything else; nothing of it is shared.

mod acks;
mod backoff;
mod closing;
mod command;
mod doorbell;
mod driver;
mod examine;
mod heartbeat;
mod layout;
mod mailbox;
mod namespace;
mod receive;
mod send;
mod session;
mod status;
mod subscriptions;
mod tell;
mod traffic;
mod unread;
mod waiting;

use std::sync::Arc;

pub use command::{Command, Delivery, Format, IfNotConnected, Message, Owed, Reply, SendEvent, Subscribe};
pub use doorbell::{Doorbell, Porter};
pub use driver::{Environment, Unserved};
pub use examine::{Place, Test};
pub use mailbox::{Mailbox, SHORT, Terms};
pub use session::reason;
pub use status::{Outbound, Reservation, State, Status, Transport};

/// One configured connection, as the host's threads see it.
pub struct Connection {
    /// Its handle.
    pub handle: u64,
    /// Its name.
    pub name: String,
    /// Where commands are put.
    pub mailbox: Mailbox,
    /// How it is.
    pub status: Status,
    /// What waits to be sent.
    pub outbound: Arc<Outbound>,
}

impl Connection {
    /// A connection that is stopped.
    pub fn new(handle: u64, name: &str, limits: &crate::settings::Limits, door: Arc<Doorbell>) -> Connection {
        Connection {
            handle,
            name: name.to_string(),
            mailbox: Mailbox::new(door),
            status: Status::default(),
            outbound: Arc::new(Outbound::new(limits)),
        }
    }
}
