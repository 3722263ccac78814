//! Frames of a WebSocket as they stand on the wire (RFC 6455, section 5.2).

/// The largest payload of a control frame (section 5.5).
pub const CONTROL_LIMIT: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// The length is in the two bytes that follow, or in eight.
const SHORT: u8 = 126;
const LONG: u8 = 127;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment of a message.
    Continuation = 0,
    /// Text, or the first fragment of it.
    Text = 1,
    /// Bytes, or the first fragment of them.
    Binary = 2,
    /// The end.
    Close = 8,
    /// A question.
    Ping = 9,
    /// Its answer.
    Pong = 10,
}

impl Opcode {
    fn of(bits: u8) -> Result<Opcode, &'static str> {
        Ok(match bits {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return Err("a frame of a reserved type"),
        })
    }

    /// Whether it may come between the fragments of a message.
    pub fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// What stands before the payload of a frame from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether it ends its message.
    pub is_final: bool,
    /// Bytes of the payload.
    pub length: u64,
    /// Bytes of the header itself.
    pub size: usize,
}

/// Reads a header; None: it is not complete. What is wrong is told as soon as it shows.
pub fn read_header(bytes: &[u8]) -> Result<Option<Header>, &'static str> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    if first & RESERVED != 0 {
        return Err("a frame with reserved bits");
    }
    let (opcode, is_final) = (Opcode::of(first & 0x0f)?, first & FIN != 0);
    if opcode.is_control() && !is_final {
        return Err("a control frame in fragments");
    }
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    if second & MASKED != 0 {
        return Err("a masked frame");
    }
    let (length, size) = match second {
        SHORT => match bytes.get(2..4) {
            Some(&[high, low]) => (u64::from(u16::from_be_bytes([high, low])), 4),
            _ => return Ok(None),
        },
        LONG => match bytes.get(2..10).map(<[u8; 8]>::try_from) {
            Some(Ok(length)) => (u64::from_be_bytes(length), 10),
            _ => return Ok(None),
        },
        length => (u64::from(length), 2),
    };
    if opcode.is_control() && length > CONTROL_LIMIT as u64 {
        return Err("a control frame that is too long");
    }
    Ok(Some(Header { opcode, is_final, length, size }))
}

/// Appends a frame that is a whole message, masked as those of a client must be (section 5.3).
pub fn push_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: [u8; 4]) {
    out.reserve(payload.len() + 14);
    out.push(FIN | opcode as u8);
    match payload.len() {
        small @ ..=CONTROL_LIMIT => out.push(MASKED | small as u8),
        short @ ..=0xffff => {
            out.push(MASKED | SHORT);
            out.extend_from_slice(&(short as u16).to_be_bytes());
        }
        long => {
            out.push(MASKED | LONG);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    let begin = out.len();
    out.extend_from_slice(payload);
    let [a, b, c, d] = mask;
    let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = out[begin..].as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_once_they_are_complete() {
        for (bytes, opcode, is_final, length) in [
            (&[0x81, 5][..], Opcode::Text, true, 5),
            (&[0x02, 126, 1, 0], Opcode::Binary, false, 256),
            (&[0x80, 127, 0, 0, 0, 0, 0, 1, 0, 0], Opcode::Continuation, true, 65536),
            (&[0x89, 125], Opcode::Ping, true, 125),
        ] {
            let header = Header { opcode, is_final, length, size: bytes.len() };
            assert_eq!(read_header(&[bytes, b"more"].concat()), Ok(Some(header)));
            for end in 0..bytes.len() {
                assert_eq!(read_header(&bytes[..end]), Ok(None));
            }
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_told_at_once() {
        for (bytes, says) in [
            (&[0xc1][..], "reserved bits"),
            (&[0x83], "reserved type"),
            (&[0x8b], "reserved type"),
            (&[0x09], "in fragments"),
            (&[0x81, 0x85], "masked"),
            (&[0x89, 126, 0, 126], "too long"),
        ] {
            assert!(read_header(bytes).unwrap_err().contains(says), "{bytes:x?}");
        }
    }

    #[test]
    fn frames_are_masked_and_their_lengths_are_the_shortest() {
        // The masked "Hello" of RFC 6455, section 5.7.
        let mut hello = Vec::new();
        push_frame(&mut hello, Opcode::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(hello, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        for length in [0, 1, 7, 8, 9, 125, 126, 65_535, 65_536, 100_003] {
            let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let mut out = b"before".to_vec();
            push_frame(&mut out, Opcode::Binary, &payload, [1, 2, 3, 4]);
            let mut plain = out[6..].to_vec();
            plain[1] &= !MASKED;
            let header = read_header(&plain).unwrap().unwrap();
            assert_eq!((header.opcode, header.is_final, header.length), (Opcode::Binary, true, length as u64));
            assert_eq!(
                header.size,
                if length < 126 {
                    2
                } else if length < 65_536 {
                    4
                } else {
                    10
                }
            );
            let (mask, masked) = plain[header.size..].split_at(4);
            let unmasked: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            assert_eq!(unmasked, payload);
        }
    }
}
