//! What waits for a host that does not poll, or not often enough.

use std::time::Duration;

use super::namespace::Joining;
use super::session::Session;
use crate::diagnostics::{Code, Problem};
use crate::events::{EventQueue, InboundLimits, Kept, give_room};
use crate::protocol::socketio::DEFAULT_NAMESPACE;

/// Events of a connection that are never dropped and may wait for the host; over it nothing is tried that causes more.
const UNREAD_LIMIT: usize = 1_000;

/// How often is looked whether the host has taken them.
pub const UNREAD_CHECK: Duration = Duration::from_secs(1);

impl Session {
    /// How much may wait for the host.
    pub fn inbound_limits(&self) -> InboundLimits {
        let limits = &self.config.limits;
        InboundLimits { events: limits.inbound_messages, bytes: limits.inbound_bytes }
    }

    /// Whether so much waits for the host that nothing may be tried that causes more.
    pub fn is_too_much(&self, kept: Kept) -> bool {
        kept.events > UNREAD_LIMIT || kept.bytes > self.config.limits.inbound_bytes
    }

    /// Looks how much waits, while a namespace is to be asked for again.
    pub fn look_at_unread(&mut self, queue: &EventQueue) {
        let returns = self.namespaces.values().any(|namespace| matches!(namespace.joining, Joining::Later(_)));
        self.is_unread = returns && self.is_too_much(queue.kept(self.shared.handle));
    }

    /// Hands what happened to the queue of the host.
    pub fn publish(&mut self, queue: &EventQueue) {
        if !self.events.is_empty() {
            self.hand_out(queue);
        }
        if self.events.capacity() > 0 {
            give_room(std::mem::take(&mut self.events));
        }
    }

    fn hand_out(&mut self, queue: &EventQueue) {
        self.blocks.end();
        let limits = self.inbound_limits();
        let Session { shared, events, .. } = self;
        let overflow = queue.append(shared.handle, events, limits, &shared.status.dropped);
        self.has_too_much |= self.open && overflow.kept_too_much;
        if overflow.first {
            let problem = Problem::new(Code::InboundOverflow).with("connection", &self.config.name);
            self.tell(problem, DEFAULT_NAMESPACE, 0, false, None);
            queue.append(self.shared.handle, &mut self.events, limits, &self.shared.status.dropped);
        }
    }
}
