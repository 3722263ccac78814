//! What an input says: the limit, where the bytes of a server are cut, and the bytes, long ones in few.

use std::sync::LazyLock;

/// What is told at most of one input.
const BYTES: usize = 1 << 20;
const PIECES: usize = 4_000;
/// Stands before the length of bytes that need not be written down, three bytes as in a long frame's header; twice it is
/// itself. No frame begins with it, and no length does.
const FILLING: u8 = 0xfb;
/// What they are. No part of it is like another one: what is lost, or there twice, shows.
static FILLED: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..BYTES).map(|index| (index * 31 + (index >> 8) * 7) as u8).collect());

pub struct Input {
    /// Bytes that a message may have.
    pub limit: usize,
    /// What the server sends.
    pub bytes: Vec<u8>,
    /// How many of them were read with the answer that opened the WebSocket.
    pub before: usize,
    /// Whether the others have to be waited for.
    pub waits: bool,
    /// How many of them come at a time, over and over.
    sizes: Vec<usize>,
}

impl Input {
    /// A limit, how many sizes follow and what is done with them, the sizes, the bytes.
    pub fn read(data: &[u8]) -> Option<Input> {
        let (&[limit, how], rest) = data.split_first_chunk()?;
        let (sizes, bytes) = rest.split_at_checked(usize::from(how & 0x3f))?;
        let bytes = filled(bytes);
        let sizes: Vec<usize> = sizes.iter().map(|&code| number(code, 11)).collect();
        let first = if how & 0x40 != 0 { sizes.first().copied() } else { None };
        let before = first.unwrap_or(0).min(bytes.len());
        Some(Input { limit: number(limit, 13), bytes, before, waits: how & 0x80 != 0, sizes })
    }

    /// What comes, piece by piece. The last one is empty: there is a wait before the end.
    pub fn pieces(&self) -> Vec<&[u8]> {
        let mut rest = &self.bytes[self.before..];
        let mut pieces = Vec::new();
        for &size in self.sizes.iter().cycle().take(PIECES) {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.extend([rest, &[]]);
        pieces
    }
}

/// Small numbers as they are, others up to 2 to the power of `bits` and seven.
fn number(code: u8, bits: u32) -> usize {
    match code {
        small @ ..128 => small.into(),
        large => usize::from(large - 127) << bits,
    }
}

/// The bytes with those that were not written down.
fn filled(mut rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, rest) {
            (FILLING, [FILLING, after @ ..]) => {
                bytes.push(FILLING);
                rest = after;
            }
            (FILLING, [a, b, c, after @ ..]) => {
                let count = u32::from_be_bytes([0, a & 7, *b, *c]) as usize;
                let from = bytes.len().min(BYTES);
                bytes.extend_from_slice(&FILLED[from..BYTES.min(from + count)]);
                rest = after;
            }
            _ => bytes.push(byte),
        }
    }
    bytes.truncate(BYTES);
    bytes
}
