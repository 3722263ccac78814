//! What the connections of a thread share: buffers, which only those hold that have something to read, and random bytes.

use std::cell::RefCell;

use ring::rand::{SecureRandom, SystemRandom};

/// Bytes of a buffer: what is read at once.
pub const BUFFER: usize = 256 << 10;
/// Buffers that are kept. Reading is one connection after the other: more are in use only while large messages come.
const KEPT: usize = 4;
/// Masks made at once.
const MASKS: usize = 64;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static RANDOM: RefCell<Random> = const { RefCell::new(Random { bytes: [0; 4 * MASKS], left: 0 }) };
}

struct Random {
    bytes: [u8; 4 * MASKS],
    /// Masks that nobody got yet.
    left: usize,
}

/// A buffer, full of whatever.
pub fn take_buffer() -> Vec<u8> {
    BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; BUFFER])
}

/// Gives a buffer back.
pub fn give_buffer(buffer: Vec<u8>) {
    BUFFERS.with_borrow_mut(|buffers| {
        if buffers.len() < KEPT && buffer.len() == BUFFER {
            buffers.push(buffer);
        }
    });
}

/// Random bytes of the system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // A system that has none. They are not for secrets: masks and keys tell one request from another.
        fastrand::fill(&mut bytes);
    }
    bytes
}

/// A mask for a frame, which nobody can foresee (RFC 6455, section 10.3).
pub fn next_mask() -> [u8; 4] {
    RANDOM.with_borrow_mut(|random| {
        if random.left == 0 {
            (random.bytes, random.left) = (self::random(), MASKS);
        }
        random.left -= 1;
        random.bytes.as_chunks().0[random.left]
    })
}
