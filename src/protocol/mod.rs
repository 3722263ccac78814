//! Engine.IO 4 and Socket.IO 5 packets: text in, packets out. No I/O, no clock, nothing kept.
//!
//! Sources: the Engine.IO protocol (revision 4), sections "Packet encoding" and "Handshake"; the Socket.IO protocol
//! (revision 5), sections "Packet encoding" and "Exchange protocol".

pub mod engineio;
pub mod json;
pub mod socketio;

/// Something that is not a packet: what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

impl Malformed {
    fn new(what: impl Into<String>) -> Malformed {
        Malformed(what.into())
    }
}
