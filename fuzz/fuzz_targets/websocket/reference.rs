//! Frames read the plain way, over all that a server sends (RFC 6455, sections 5.2, 5.4 and 5.5).

/// A message or a control frame.
pub struct Message {
    pub opcode: u8,
    pub content: Vec<u8>,
    /// Bytes of the stream up to its end.
    pub end: usize,
    /// Whether a message is open when it ends: this is a control frame between fragments.
    pub is_between: bool,
}

/// Why there is no further message.
#[derive(Debug, PartialEq, Eq)]
pub enum Why {
    Ended,
    Wrong,
    TooLarge(u64),
}

pub struct Reading {
    pub messages: Vec<Message>,
    pub why: Why,
    /// Bytes that have to be there for that to show. The end shows by itself.
    pub shows: usize,
}

pub fn read(bytes: &[u8], limit: usize) -> Reading {
    let mut messages = Vec::new();
    let mut open: Option<(u8, Vec<u8>)> = None;
    let mut at = 0;
    let (why, shows) = loop {
        match frame(&bytes[at..], open.as_ref().map(|(_, content)| content.len()), limit) {
            Err((why, more)) => break (why, at.saturating_add(more)),
            Ok(frame) => {
                at += frame.size;
                let payload = &bytes[at - frame.length..at];
                if frame.opcode >= 8 {
                    let is_between = open.is_some();
                    messages.push(Message { opcode: frame.opcode, content: payload.to_vec(), end: at, is_between });
                    continue;
                }
                let (opcode, mut content) = open.take().unwrap_or((frame.opcode, Vec::new()));
                content.extend_from_slice(payload);
                match frame.is_final {
                    true => messages.push(Message { opcode, content, end: at, is_between: false }),
                    false => open = Some((opcode, content)),
                }
            }
        }
    };
    Reading { messages, why, shows }
}

struct Frame {
    opcode: u8,
    is_final: bool,
    length: usize,
    /// With the header.
    size: usize,
}

/// The frame at the beginning; otherwise why there is none, and after how many bytes that shows. `open`: the bytes that
/// came of the message that is not complete.
fn frame(bytes: &[u8], open: Option<usize>, limit: usize) -> Result<Frame, (Why, usize)> {
    let get = |index: usize| bytes.get(index).copied().ok_or((Why::Ended, usize::MAX));
    let wrong = |is_wrong: bool, after: usize| if is_wrong { Err((Why::Wrong, after)) } else { Ok(()) };
    let first = get(0)?;
    let (is_final, opcode) = (first >= 0x80, first % 16);
    wrong(first & 0b0111_0000 > 0 || ![0, 1, 2, 8, 9, 10].contains(&opcode) || opcode >= 8 && !is_final, 1)?;
    let second = get(1)?;
    wrong(second >= 0x80, 2)?;
    let further = match second {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = u64::from(second);
    if further > 0 {
        length = 0;
        for index in 2..2 + further {
            length = length * 256 + u64::from(get(index)?);
        }
    }
    let header = 2 + further;
    if opcode >= 8 {
        wrong(length > 125, header)?;
    } else {
        wrong((opcode == 0) != open.is_some(), header)?;
        let total = length.saturating_add(open.unwrap_or(0) as u64);
        if total > limit as u64 {
            return Err((Why::TooLarge(total), header));
        }
    }
    let size = header + length as usize;
    if bytes.len() < size {
        return Err((Why::Ended, usize::MAX));
    }
    Ok(Frame { opcode, is_final, length: length as usize, size })
}
