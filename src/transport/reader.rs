//! Messages out of the frames that a server sends (RFC 6455, sections 5.4 and 5.5). What fits into the buffer is handed
//! out where it was read. The memory of what is larger, or comes in fragments, grows with what comes: a header alone
//! reserves little.

use std::borrow::Cow;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::frames::{Header, Opcode, read_header};
use super::shared::{BUFFER, give_buffer, take_buffer};

/// Bytes that are read at once while frames are smaller: what is read and made of it stays in the processor's cache.
const USUAL: usize = 64 << 10;
/// The beginning of a frame that is not larger is put aside until the rest comes.
const SMALL: usize = 4 << 10;
/// So much more memory is taken for a large message when it has no more room.
const STEP: usize = 128 << 10;

/// Why there is no further message.
#[derive(Debug)]
pub enum Unread {
    /// The stream ended or broke.
    Ended(io::Error),
    /// What came is no frame, or not where it came.
    Wrong(&'static str),
    /// A message of so many bytes is over the limit, which is the second number.
    TooLarge(u64, usize),
}

/// See the module.
pub struct Reader {
    /// Bytes that a message may have.
    limit: usize,
    /// What was read is between `start` and `end` of it. None: nothing.
    buffer: Option<Vec<u8>>,
    start: usize,
    end: usize,
    /// The content of a message that is not where it was read, as far as it has come.
    message: Vec<u8>,
    /// What that message is, until its last fragment has come.
    gathering: Option<Opcode>,
    /// Bytes that are still to come of the frame whose content goes there, and whether it is the last one.
    left: usize,
    is_last: bool,
    /// Bytes of the frame that was begun last.
    wanted: usize,
    /// What can be taken.
    found: Option<Found>,
}

enum Found {
    /// So many bytes, where they were read.
    Here(Opcode, usize),
    /// All of `message`.
    Gathered(Opcode),
}

impl Reader {
    /// A reader of messages with at most `limit` bytes. `rest` was read before.
    pub fn new(limit: usize, rest: &[u8]) -> Reader {
        let buffer = (!rest.is_empty()).then(|| {
            let mut buffer = take_buffer();
            buffer.resize(rest.len().max(BUFFER), 0);
            buffer[..rest.len()].copy_from_slice(rest);
            buffer
        });
        Reader {
            limit,
            buffer,
            start: 0,
            end: rest.len(),
            message: Vec::new(),
            gathering: None,
            left: 0,
            is_last: false,
            wanted: 0,
            found: None,
        }
    }

    /// Ready: a message or a control frame is there, to be taken.
    pub fn poll_next<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Unread>> {
        while self.found.is_none() {
            if !self.look()? {
                ready!(self.poll_read(stream, cx)).map_err(Unread::Ended)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// What was found.
    pub fn found(&self) -> Option<Opcode> {
        match self.found {
            Some(Found::Here(opcode, _) | Found::Gathered(opcode)) => Some(opcode),
            None => None,
        }
    }

    /// Takes what was found: what it is, and its content.
    pub fn take(&mut self) -> Option<(Opcode, Cow<'_, [u8]>)> {
        match self.found.take()? {
            Found::Here(opcode, length) => {
                let start = self.start;
                self.start += length;
                Some((opcode, Cow::Borrowed(self.buffer.as_ref()?.get(start..self.start)?)))
            }
            Found::Gathered(opcode) => Some((opcode, Cow::Owned(std::mem::take(&mut self.message)))),
        }
    }

    /// Looks at what was read. False: it takes more.
    fn look(&mut self) -> Result<bool, Unread> {
        let bytes = self.buffer.as_ref().map_or(&[][..], |buffer| &buffer[self.start..self.end]);
        if self.left > 0 {
            let count = self.left.min(bytes.len());
            grow(&mut self.message, self.left);
            self.message.extend_from_slice(&bytes[..count]);
            (self.start, self.left) = (self.start + count, self.left - count);
            return Ok(self.left == 0 && self.frame_ends());
        }
        let Some(header) = read_header(bytes).map_err(Unread::Wrong)? else { return Ok(false) };
        match (header.opcode, self.gathering) {
            (Opcode::Continuation, None) => return Err(Unread::Wrong("a fragment of no message")),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Unread::Wrong("a message within a message")),
            _ => {}
        }
        let is_control = header.opcode.is_control();
        let total = if is_control { 0 } else { header.length.saturating_add(self.message.len() as u64) };
        if total > self.limit as u64 {
            return Err(Unread::TooLarge(total, self.limit));
        }
        let length = header.length as usize;
        let is_whole = header.is_final && self.gathering.is_none() || is_control;
        if is_whole && header.size + length <= BUFFER {
            self.wanted = header.size + length;
            let is_here = self.wanted <= bytes.len();
            if is_here {
                self.start += header.size;
                self.found = Some(Found::Here(header.opcode, length));
            }
            return Ok(is_here);
        }
        self.gather(header);
        Ok(length > 0 || self.frame_ends())
    }

    /// What comes of this frame goes to a message that is not where it was read.
    fn gather(&mut self, header: Header) {
        self.start += header.size;
        self.gathering.get_or_insert(header.opcode);
        (self.left, self.is_last) = (header.length as usize, header.is_final);
    }

    /// A frame of a message that is gathered is complete.
    fn frame_ends(&mut self) -> bool {
        if self.is_last
            && let Some(opcode) = self.gathering.take()
        {
            self.found = Some(Found::Gathered(opcode));
        }
        true
    }

    /// Reads more. Who waits with nothing in the buffer holds none.
    fn poll_read<S: AsyncRead + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.left > 0 {
            // All of the buffer went into the message.
            self.give_back();
            grow(&mut self.message, self.left);
            let mut rest = (&mut self.message).limit(self.left);
            let count = ready!(pin!(stream.read_buf(&mut rest)).poll(cx))?;
            self.left -= count;
            if self.left == 0 {
                self.frame_ends();
            }
            return Poll::Ready(some(count));
        }
        let buffer = match &mut self.buffer {
            Some(buffer) if buffer.len() >= BUFFER => buffer,
            small => {
                let mut buffer = take_buffer();
                if let Some(aside) = small {
                    buffer[..aside.len()].copy_from_slice(aside);
                }
                small.insert(buffer)
            }
        };
        // What is there of a frame goes to the front when the rest of it would not fit.
        if self.start > 0 && buffer.len() - self.end < BUFFER / 2 {
            buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let most = if self.wanted > USUAL { BUFFER } else { USUAL };
        let until = buffer.len().min(self.end + most);
        let mut free = ReadBuf::new(&mut buffer[self.end..until]);
        let read = Pin::new(stream).poll_read(cx, &mut free);
        let count = free.filled().len();
        self.end += count;
        if read.is_pending() {
            self.put_aside();
        }
        ready!(read)?;
        Poll::Ready(some(count))
    }

    /// Bytes of memory that it holds, for the fuzz target.
    #[cfg(fuzzing)]
    pub fn held(&self) -> usize {
        self.message.capacity() + self.buffer.as_ref().map_or(0, Vec::capacity)
    }

    /// The rest of a frame may never come: until then its connection holds no more than what did.
    fn put_aside(&mut self) {
        let Some(buffer) = self.buffer.take() else { return };
        let bytes = &buffer[self.start..self.end];
        if bytes.len() > SMALL
            && let Ok(Some(header)) = read_header(bytes)
        {
            self.message.extend_from_slice(&bytes[header.size..]);
            let came = bytes.len() - header.size;
            self.gather(header);
            self.left -= came;
            self.start = self.end;
        }
        let aside = (self.start < self.end).then(|| buffer[self.start..self.end].to_vec());
        (self.buffer, self.start, self.end) = (aside, 0, self.end - self.start);
        give_buffer(buffer);
    }

    fn give_back(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            give_buffer(buffer);
        }
    }
}

/// Room for what is left to come, or for a part of it.
fn grow(message: &mut Vec<u8>, left: usize) {
    if message.len() == message.capacity() {
        message.reserve_exact(left.min(message.len().max(STEP)));
    }
}

/// The stream ends where it brings nothing.
fn some(count: usize) -> io::Result<()> {
    if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    const FIN: u8 = 0x80;
    const LIMIT: usize = 1 << 20;

    fn frame(opcode: Opcode, is_final: bool, payload: &[u8]) -> Vec<u8> {
        let first = opcode as u8 | if is_final { FIN } else { 0 };
        let length = payload.len();
        let header = match length {
            0..=125 => vec![first, length as u8],
            126..=0xffff => [&[first, 126][..], &(length as u16).to_be_bytes()].concat(),
            _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
        };
        [&header, payload].concat()
    }

    /// What is read of bytes that come in so many at a time, and why there is no more.
    async fn read(bytes: &[u8], come: usize) -> (Vec<(Opcode, Vec<u8>)>, Unread) {
        let (mut stream, mut other) = duplex(1 << 20);
        let rest = bytes.len().min(come) / 2;
        let mut reader = Reader::new(LIMIT, &bytes[..rest]);
        let sending = async {
            for piece in bytes[rest..].chunks(come) {
                if other.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(other);
        };
        let reading = async {
            let mut found = Vec::new();
            loop {
                match std::future::poll_fn(|cx| reader.poll_next(&mut stream, cx)).await {
                    Ok(()) => {
                        let opcode = reader.found().unwrap();
                        let (taken, content) = reader.take().unwrap();
                        assert_eq!(taken, opcode);
                        found.push((taken, content.into_owned()));
                    }
                    Err(unread) => {
                        drop(stream);
                        return (found, unread);
                    }
                }
            }
        };
        tokio::join!(reading, sending).0
    }

    #[tokio::test]
    async fn messages_come_whole_however_they_are_cut() {
        let large: Vec<u8> = (0..300_000u32).map(|number| number as u8).collect();
        let expected = [
            (Opcode::Text, b"small".to_vec()),
            (Opcode::Binary, Vec::new()),
            (Opcode::Ping, vec![b'p'; 125]),
            (Opcode::Binary, large.clone()),
            (Opcode::Ping, b"between".to_vec()),
            (Opcode::Text, b"in three parts".to_vec()),
            (Opcode::Binary, large[..BUFFER - 4].to_vec()),
            (Opcode::Binary, large[..BUFFER + 1].to_vec()),
            (Opcode::Pong, Vec::new()),
            (Opcode::Binary, [&large[..], &large[..200_000]].concat()),
            (Opcode::Text, b"the last".to_vec()),
        ];
        let all = [
            frame(Opcode::Text, true, b"small"),
            frame(Opcode::Binary, true, b""),
            frame(Opcode::Ping, true, &[b'p'; 125]),
            frame(Opcode::Binary, true, &large),
            frame(Opcode::Text, false, b"in "),
            frame(Opcode::Continuation, false, b""),
            frame(Opcode::Ping, true, b"between"),
            frame(Opcode::Continuation, true, b"three parts"),
            frame(Opcode::Binary, true, &large[..BUFFER - 4]),
            frame(Opcode::Binary, true, &large[..BUFFER + 1]),
            frame(Opcode::Binary, false, &large),
            frame(Opcode::Pong, true, b""),
            frame(Opcode::Continuation, true, &large[..200_000]),
            frame(Opcode::Text, true, b"the last"),
        ]
        .concat();
        for come in [1 << 20, 70_000, BUFFER, 1500, 977, 3] {
            let (found, unread) = read(&all, come).await;
            assert!(found == expected, "{come}: {:?}", found.iter().map(|f| (f.0, f.1.len())).collect::<Vec<_>>());
            assert!(matches!(unread, Unread::Ended(error) if error.kind() == io::ErrorKind::UnexpectedEof));
        }
    }

    #[tokio::test]
    async fn what_is_out_of_place_or_too_large_is_told() {
        let text = frame(Opcode::Text, false, b"begun");
        for (bytes, says) in [
            (frame(Opcode::Continuation, true, b"x"), "a fragment of no message"),
            ([text.clone(), frame(Opcode::Text, true, b"x")].concat(), "a message within a message"),
            (vec![FIN | 1, 0x80 | 5], "a masked frame"),
        ] {
            for come in [1, 100] {
                let (found, unread) = read(&bytes, come).await;
                assert!(found.is_empty() && matches!(unread, Unread::Wrong(why) if why == says), "{says}: {unread:?}");
            }
        }
        // Refused by its header, before a byte of it came; so is what is too large in fragments.
        let header = |length: u64| [&[FIN | 2, 127][..], &length.to_be_bytes()].concat();
        let parts = [frame(Opcode::Text, false, b"begun"), vec![FIN, 127, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xfc]].concat();
        for (bytes, total) in
            [(header(LIMIT as u64 + 1), LIMIT as u64 + 1), (header(u64::MAX), u64::MAX), (parts, LIMIT as u64 + 1)]
        {
            let (_, unread) = read(&bytes, 3).await;
            assert!(matches!(unread, Unread::TooLarge(bytes, LIMIT) if bytes == total), "{unread:?}");
        }
    }

    #[tokio::test]
    async fn a_header_reserves_little_and_who_waits_holds_nothing() {
        let (mut stream, mut other) = duplex(1 << 20);
        let mut reader = Reader::new(1 << 30, &[]);
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let room = |reader: &Reader| reader.message.capacity() + reader.buffer.as_ref().map_or(0, Vec::len);
        assert!(reader.poll_next(&mut stream, cx).is_pending() && room(&reader) == 0);
        other.write_all(&[FIN | 2, 127, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff]).await.unwrap();
        assert!(reader.poll_next(&mut stream, cx).is_pending() && room(&reader) <= STEP);
        let mut sent = 0;
        while sent < 4 << 20 {
            other.write_all(&[0; 1 << 19]).await.unwrap();
            sent += 1 << 19;
            assert!(reader.poll_next(&mut stream, cx).is_pending());
            assert!(room(&reader) <= 2 * sent + STEP, "{} for {sent}", room(&reader));
        }
        drop(other);
        let (mut stream, mut other) = duplex(1 << 20);
        let mut reader = Reader::new(1 << 30, &[]);
        let fits = frame(Opcode::Binary, true, &[7; 100_000]);
        let mut sent = 0;
        for (until, held) in [(3, 3), (20_000, STEP), (100_009, STEP)] {
            other.write_all(&fits[sent..until]).await.unwrap();
            sent = until;
            assert!(reader.poll_next(&mut stream, cx).is_pending() && room(&reader) <= held, "{until}");
        }
        other.write_all(&fits[sent..]).await.unwrap();
        assert!(reader.poll_next(&mut stream, cx).is_ready());
        assert!(reader.take().is_some_and(|(_, content)| content == [7; 100_000].as_slice()));
        other.write_all(&frame(Opcode::Text, true, b"x")).await.unwrap();
        assert!(reader.poll_next(&mut stream, cx).is_ready() && reader.take().is_some());
        assert!(reader.poll_next(&mut stream, cx).is_pending() && reader.buffer.is_none());
    }
}
