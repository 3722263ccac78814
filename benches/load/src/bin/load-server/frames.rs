//! WebSocket frames: what comes in is cut in place, what goes out is put behind what goes out already.

use std::io;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// As much as one read takes.
const READ: usize = 256 * 1024;
/// No driver sends more in one frame.
const LARGEST: usize = 64 * 1024 * 1024;

/// A frame from a client, still masked.
pub struct Frame<'a> {
    pub opcode: u8,
    /// It is the whole message.
    pub whole: bool,
    pub mask: [u8; 4],
    pub masked: &'a mut [u8],
}

impl Frame<'_> {
    /// The payload, with the mask taken off.
    pub fn unmask(&mut self) -> &mut [u8] {
        for (at, byte) in self.masked.iter_mut().enumerate() {
            *byte ^= self.mask[at % 4];
        }
        self.mask = [0; 4];
        self.masked
    }

    /// Whether the payload is this, without a copy of it.
    pub fn is(&self, payload: &[u8]) -> bool {
        const WORD: usize = 8;
        if self.masked.len() != payload.len() {
            return false;
        }
        let [a, b, c, d] = self.mask;
        let mask = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("as long as a word"));
        let (words, others) = (self.masked.chunks_exact(WORD), payload.chunks_exact(WORD));
        let ends = words.remainder().iter().zip(others.remainder());
        let end = ends.enumerate().fold(0, |all, (at, (byte, other))| all | (byte ^ self.mask[at % 4] ^ other));
        words.zip(others).fold(u64::from(end), |all, (bytes, other)| all | (word(bytes) ^ mask ^ word(other))) == 0
    }
}

/// What was read and not yet looked at.
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    pub fn new() -> Input {
        Input { buffer: vec![0; READ], start: 0, end: 0 }
    }

    /// Where the next read goes to.
    pub fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end * 2, 0);
        }
        &mut self.buffer[self.end..]
    }

    pub fn filled(&mut self, bytes: usize) {
        self.end += bytes;
    }

    /// The head of the HTTP request, once it is there.
    pub fn request(&mut self) -> Option<String> {
        const END: &[u8] = b"\r\n\r\n";
        let bytes = &self.buffer[self.start..self.end];
        let len = bytes.windows(END.len()).position(|four| four == END)? + END.len();
        let request = String::from_utf8_lossy(&bytes[..len]).into_owned();
        self.start += len;
        Some(request)
    }

    /// The next frame, once it is there.
    pub fn frame(&mut self) -> io::Result<Option<Frame<'_>>> {
        let bytes = &self.buffer[self.start..self.end];
        let [first, second, ..] = *bytes else { return Ok(None) };
        let (len, mut head) = match second & 0x7f {
            126 if bytes.len() < 4 => return Ok(None),
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 if bytes.len() < 10 => return Ok(None),
            127 => (u64::from_be_bytes(bytes[2..10].try_into().expect("eight bytes")) as usize, 10),
            len => (usize::from(len), 2),
        };
        if second & 0x80 == 0 || len > LARGEST {
            return Err(io::Error::other("a frame that no client sends"));
        }
        if bytes.len() < head + 4 + len {
            return Ok(None);
        }
        let mask = bytes[head..head + 4].try_into().expect("four bytes");
        head += 4;
        let begin = self.start + head;
        self.start = begin + len;
        let masked = &mut self.buffer[begin..begin + len];
        Ok(Some(Frame { opcode: first & 0x0f, whole: first & 0x80 != 0, mask, masked }))
    }
}

/// Puts a frame behind what is there.
pub fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        len @ 0..126 => out.push(len as u8),
        len @ 126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_payload_is_compared_to_its_last_byte() {
        for len in [0, 1, 7, 8, 9, 117] {
            let payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mask = [1, 2, 3, 4];
            let mut masked: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
            let is = |masked: &mut [u8]| Frame { opcode: TEXT, whole: true, mask, masked }.is(&payload);
            assert!(is(&mut masked));
            for at in 0..len {
                masked[at] ^= 0x10;
                assert!(!is(&mut masked), "byte {at} of {len}");
                masked[at] ^= 0x10;
            }
            let mut frame = Frame { opcode: TEXT, whole: true, mask, masked: &mut masked };
            assert_eq!(frame.unmask(), payload);
        }
    }

    #[test]
    fn frames_are_cut_wherever_a_read_ends() {
        let mut bytes = Vec::new();
        for len in [3, 200, 70_000] {
            let mut frame = Vec::new();
            put(&mut frame, BINARY, &vec![7; len]);
            // Masked, as a client's are, with zeros.
            frame[1] |= 0x80;
            let head = frame.len() - len;
            frame.splice(head..head, [0; 4]);
            bytes.extend(frame);
        }
        let mut input = Input::new();
        let mut lengths = Vec::new();
        for byte in bytes {
            input.room()[0] = byte;
            input.filled(1);
            while let Some(frame) = input.frame().unwrap() {
                lengths.push(frame.masked.len());
            }
        }
        assert_eq!(lengths, [3, 200, 70_000]);
    }
}
