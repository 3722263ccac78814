//! The numbers of a connection that any thread may read at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::diagnostics::Range;
use crate::settings::Limits;

/// State of a connection; the numbers are those of the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Not started, or ended.
    Stopped = 0,
    /// On the way.
    Connecting = 1,
    /// The default namespace is connected.
    Connected = 2,
    /// Lost or not reached; waiting for the next try.
    Waiting = 3,
}

/// Transport of a connection; the numbers are those of the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Transport {
    /// None yet.
    None = 0,
    /// WebSocket.
    WebSocket = 1,
    /// HTTP long-polling.
    Polling = 2,
}

/// See the module. Each number is right by itself; together they may be of different moments.
#[derive(Default)]
pub struct Status {
    state: AtomicU32,
    transport: AtomicU32,
    /// Namespaces connected now.
    pub namespaces: AtomicU32,
    /// Failed tries since it was last connected.
    pub attempts: AtomicU32,
    /// Messages given up and events dropped.
    pub dropped: AtomicU64,
    /// Last round trip in microseconds; 0: not measured.
    pub round_trip_us: AtomicU64,
    /// Range of the last error: its place in [`Range`] plus one, or 0.
    last_error: AtomicU32,
}

impl Status {
    /// The state.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            1 => State::Connecting,
            2 => State::Connected,
            3 => State::Waiting,
            _ => State::Stopped,
        }
    }

    /// Changes the state. It shows at once: a host that gets On Start or On Stop finds the state that goes with it.
    pub fn set_state(&self, state: State) {
        self.state.store(state as u32, Ordering::Relaxed);
        match state {
            State::Connected => {
                self.attempts.store(0, Ordering::Relaxed);
                self.last_error.store(0, Ordering::Relaxed);
            }
            State::Stopped | State::Waiting => {
                self.namespaces.store(0, Ordering::Relaxed);
                self.round_trip_us.store(0, Ordering::Relaxed);
            }
            State::Connecting => {}
        }
    }

    /// The transport.
    pub fn transport(&self) -> Transport {
        match (self.state(), self.transport.load(Ordering::Relaxed)) {
            (State::Connected, 1) => Transport::WebSocket,
            (State::Connected, 2) => Transport::Polling,
            _ => Transport::None,
        }
    }

    /// What the connection runs over, once it stands.
    pub fn set_transport(&self, transport: Transport) {
        self.transport.store(transport as u32, Ordering::Relaxed);
    }

    /// Range of the last error since it was last connected.
    pub fn last_error(&self) -> Option<Range> {
        const RANGES: [Range; 9] = [
            Range::Network,
            Range::Protocol,
            Range::Refused,
            Range::NoAnswer,
            Range::Message,
            Range::NotConnected,
            Range::QueueFull,
            Range::Settings,
            Range::Internal,
        ];
        let place = self.last_error.load(Ordering::Relaxed) as usize;
        place.checked_sub(1).and_then(|place| RANGES.get(place).copied())
    }

    /// Remembers an error.
    pub fn set_last_error(&self, range: Range) {
        self.last_error.store(range as u32 + 1, Ordering::Relaxed);
    }
}

/// What waits to be sent, bounded by count and by bytes. Counted here on the host's thread, so that a full queue is
/// told at once.
pub struct Outbound {
    /// How many messages, in the upper bits, and their bytes: one number, for a Send changes both.
    queued: AtomicU64,
    message_limit: AtomicUsize,
    byte_limit: AtomicUsize,
    /// Messages refused since the connection was set up.
    pub refused: AtomicU64,
    full: AtomicBool,
}

/// One message in [`Outbound::queued`]: the bytes have room for a terabyte, the messages for 16 million.
const MESSAGE: u64 = 1 << 40;

/// Messages and bytes.
fn split(queued: u64) -> (usize, usize) {
    ((queued / MESSAGE) as usize, (queued % MESSAGE) as usize)
}

impl Outbound {
    /// An empty queue.
    pub fn new(limits: &Limits) -> Outbound {
        let outbound = Outbound {
            queued: AtomicU64::new(0),
            message_limit: AtomicUsize::new(0),
            byte_limit: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            full: AtomicBool::new(false),
        };
        outbound.set_limits(limits);
        outbound
    }

    /// Changes the limits. What waits already, stays.
    pub fn set_limits(&self, limits: &Limits) {
        self.message_limit.store(limits.queue_messages, Ordering::Relaxed);
        self.byte_limit.store(limits.queue_bytes, Ordering::Relaxed);
    }

    /// Bytes that may wait.
    pub fn byte_limit(&self) -> usize {
        self.byte_limit.load(Ordering::Relaxed)
    }

    /// Messages that wait.
    pub fn messages(&self) -> usize {
        split(self.queued.load(Ordering::Relaxed)).0
    }

    /// The limits in words.
    pub fn describe_limits(&self) -> String {
        let (messages, bytes) = (self.message_limit.load(Ordering::Relaxed), self.byte_limit.load(Ordering::Relaxed));
        format!("{messages} messages, {bytes} bytes")
    }

    /// Takes a place for a message. The error tells whether it is the first since the queue filled.
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Result<Reservation, bool> {
        let place = MESSAGE + bytes as u64;
        let (messages, total) = split(self.queued.fetch_add(place, Ordering::Relaxed) + place);
        let reservation = Reservation { outbound: Arc::clone(self), bytes };
        if messages > self.message_limit.load(Ordering::Relaxed) || total > self.byte_limit.load(Ordering::Relaxed) {
            drop(reservation);
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(!self.full.swap(true, Ordering::Relaxed));
        }
        Ok(reservation)
    }
}

/// A place in the queue; given back when the message has left or was given up.
pub struct Reservation {
    outbound: Arc<Outbound>,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let place = MESSAGE + self.bytes as u64;
        let (messages, bytes) = split(self.outbound.queued.fetch_sub(place, Ordering::Relaxed) - place);
        // Half empty: if it fills again, that is news again.
        if self.outbound.full.load(Ordering::Relaxed)
            && messages * 2 < self.outbound.message_limit.load(Ordering::Relaxed)
            && bytes * 2 < self.outbound.byte_limit.load(Ordering::Relaxed)
        {
            self.outbound.full.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(messages: usize, bytes: usize) -> Limits {
        Limits {
            queue_messages: messages,
            queue_bytes: bytes,
            inbound_messages: 1,
            inbound_bytes: 1,
            message_bytes: 1,
            message_attachments: 1,
            attachment_timeout: std::time::Duration::from_secs(1),
            json_depth: 1,
            handshake_bytes: 1,
            unanswered_replies: 1,
        }
    }

    #[test]
    fn a_full_queue_refuses_and_tells_it_once() {
        let outbound = Arc::new(Outbound::new(&limits(2, 100)));
        let first = outbound.reserve(10).ok().unwrap();
        let second = outbound.reserve(10).ok().unwrap();
        assert_eq!(outbound.reserve(1).err(), Some(true));
        assert_eq!(outbound.reserve(1).err(), Some(false));
        assert_eq!(outbound.messages(), 2);
        drop((first, second));
        assert_eq!(outbound.messages(), 0);
        assert_eq!(outbound.reserve(101).err(), Some(true));
    }

    #[test]
    fn ranges_come_back_as_they_were_set() {
        let status = Status::default();
        assert_eq!(status.last_error(), None);
        for range in [Range::Network, Range::Refused, Range::Internal] {
            status.set_last_error(range);
            assert_eq!(status.last_error(), Some(range));
        }
    }
}
