//! Large frames of a WebSocket in pieces. Who reads frames (RFC 6455, section 5.2) sets memory aside for all that a header
//! announces, before a byte of it came, and keeps that memory as long as the connection lives. So a large frame is passed
//! on as fragments of a message (section 5.4): then memory grows with what comes, and goes with the message.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a piece. All frames that are not larger pass as they are.
const PIECE: u64 = 64 << 10;
/// Bytes read at once.
const READ: usize = 16 << 10;
/// Bytes that come to those that were read at once: the beginning of a header that was kept back, and a header between two
/// pieces.
const ADDED: usize = 32;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// The opcodes up to this one are data.
const BINARY: u8 = 2;
/// The length is in the two bytes that follow, or in eight.
const SHORT: u8 = 126;
const LONG: u8 = 127;

/// A stream that brings no frame of more than [`PIECE`] bytes.
pub struct Pieces<S> {
    stream: S,
    frames: Frames,
    /// To be handed out before anything else is read.
    ready: Vec<u8>,
}

impl<S> Pieces<S> {
    /// A stream whose frames have at most `limit` bytes each; the header of a larger one passes as it is. `rest` was read
    /// before.
    pub fn new(stream: S, limit: usize, rest: &[u8]) -> Pieces<S> {
        let mut frames = Frames { limit: limit as u64, header: Vec::new(), left: 0, further: 0, ends: false };
        let mut ready = Vec::new();
        frames.cut(rest, |bytes| ready.extend_from_slice(bytes));
        Pieces { stream, frames, ready }
    }
}

/// Where in its frames a stream is.
struct Frames {
    limit: u64,
    /// The beginning of a header that is not complete.
    header: Vec<u8>,
    /// Bytes that are left of a frame or a piece.
    left: u64,
    /// Bytes of further pieces of the same frame.
    further: u64,
    /// Whether that frame is the last one of its message.
    ends: bool,
}

impl Frames {
    /// Passes on what came, large frames in pieces.
    fn cut(&mut self, mut bytes: &[u8], mut pass: impl FnMut(&[u8])) {
        while let Some(first) = bytes.first() {
            if self.left > 0 {
                let count = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let (some, rest) = bytes.split_at(count);
                pass(some);
                self.left -= count as u64;
                bytes = rest;
            } else if self.further > 0 {
                self.left = self.further.min(PIECE);
                self.further -= self.left;
                let is_last = self.ends && self.further == 0;
                pass(&long_header(if is_last { FIN } else { 0 }, self.left));
            } else {
                self.header.push(*first);
                bytes = &bytes[1..];
                if let Some(length) = announced(&self.header) {
                    self.begin(length);
                    pass(&self.header);
                    self.header.clear();
                }
            }
        }
    }

    /// A header is complete. What is not passed on as it stands is changed.
    fn begin(&mut self, length: u64) {
        self.left = length;
        // One that is over the limit is refused by whoever reads it.
        if length <= PIECE || length > self.limit {
            return;
        }
        self.left = PIECE;
        let kind = self.header[0];
        if kind & !FIN <= BINARY && self.header[1] & MASKED == 0 {
            self.further = length - PIECE;
            self.ends = kind & FIN != 0;
            self.header[0] = kind & !FIN;
        }
        // Control frames, masked ones and reserved bits are wrong at any length: those are only made shorter.
        self.header[2..10].copy_from_slice(&PIECE.to_be_bytes());
    }
}

fn long_header(kind: u8, length: u64) -> [u8; 10] {
    let mut header = [kind, LONG, 0, 0, 0, 0, 0, 0, 0, 0];
    header[2..].copy_from_slice(&length.to_be_bytes());
    header
}

/// The length that a header announces, if it is complete.
fn announced(header: &[u8]) -> Option<u64> {
    let kind = *header.get(1)?;
    let bytes = match kind & !MASKED {
        SHORT => 2,
        LONG => 8,
        _ => 0,
    };
    let mask = if kind & MASKED != 0 { 4 } else { 0 };
    let length = header.get(2..2 + bytes).filter(|_| header.len() == 2 + bytes + mask)?;
    if bytes == 0 {
        return Some(u64::from(kind & !MASKED));
    }
    Some(length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)))
}

impl<S: AsyncRead + Unpin> AsyncRead for Pieces<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Pieces { stream, frames, ready } = self.get_mut();
        let before = buf.filled().len();
        // A header that is not complete is not handed out: then there is more to read.
        while buf.filled().len() == before && buf.remaining() > 0 {
            if !ready.is_empty() {
                let count = ready.len().min(buf.remaining());
                buf.put_slice(&ready[..count]);
                ready.drain(..count);
                break;
            }
            let mut bytes = [MaybeUninit::uninit(); READ];
            // Where little is wanted, what is too much waits.
            let fits = buf.remaining() > 2 * ADDED;
            let most = if fits { READ.min(buf.remaining() - ADDED) } else { ADDED };
            let mut read = ReadBuf::uninit(&mut bytes[..most]);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                break;
            }
            if fits {
                frames.cut(read.filled(), |bytes| buf.put_slice(bytes));
            } else {
                frames.cut(read.filled(), |bytes| ready.extend_from_slice(bytes));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Pieces<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const TEXT: u8 = 1;
    const PING: u8 = 9;
    /// The largest header: two bytes, a length of eight, and a mask.
    const HEADER: usize = 14;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = match payload.len() {
            small @ 0..=125 => vec![kind, small as u8],
            short @ 126..=0xffff => [&[kind, SHORT][..], &(short as u16).to_be_bytes()].concat(),
            long => long_header(kind, long as u64).to_vec(),
        };
        frame.extend_from_slice(payload);
        frame
    }

    /// The frames of a stream: kind and payload. Control frames come between fragments; what is left is cut off.
    fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        while let Some(header) = (2..=HEADER).find(|end| bytes.get(..*end).is_some_and(|h| announced(h).is_some())) {
            let length = announced(&bytes[..header]).unwrap() as usize;
            found.push((bytes[0], bytes[header..].iter().take(length).copied().collect()));
            bytes = bytes.get(header + length..).unwrap_or_default();
        }
        found
    }

    /// What comes out of bytes that come in so many at a time and are taken so many at a time.
    async fn passed(bytes: &[u8], limit: usize, come: usize, taken: usize) -> Vec<u8> {
        let (stream, mut other) = duplex(1 << 20);
        let rest = bytes.len().min(come) / 2;
        let mut pieces = Pieces::new(stream, limit, &bytes[..rest]);
        let sending = async {
            for piece in bytes[rest..].chunks(come) {
                other.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(other);
        };
        let taking = async {
            let (mut all, mut some) = (Vec::new(), vec![0; taken]);
            loop {
                match pieces.read(&mut some).await.unwrap() {
                    0 => return all,
                    count => all.extend_from_slice(&some[..count]),
                }
            }
        };
        tokio::join!(taking, sending).0
    }

    #[tokio::test]
    async fn large_frames_come_as_fragments_and_all_others_as_they_are() {
        let large: Vec<u8> = (0..3 * PIECE as usize + 7).map(|i| (i % 251) as u8).collect();
        let piece = &large[..PIECE as usize];
        let all = [
            frame(FIN | TEXT, b"small"),
            frame(FIN | PING, b""),
            frame(FIN | TEXT, &large[..200]),
            frame(FIN | BINARY, piece),
            frame(FIN | BINARY, &large),
            frame(TEXT, &large[..PIECE as usize + 1]),
            frame(FIN | PING, b"between"),
            frame(FIN, &large[..2 * PIECE as usize]),
            frame(FIN | TEXT, b"the last"),
        ]
        .concat();
        for (come, taken) in [(1 << 20, 1 << 20), (1 << 20, READ), (1500, READ), (70_000, 100), (3, 50_000), (977, 1)] {
            let passed = frames(&passed(&all, 1 << 20, come, taken).await);
            assert!(passed.iter().all(|(_, payload)| payload.len() as u64 <= PIECE));
            let kinds: Vec<u8> = passed.iter().map(|(kind, _)| *kind).collect();
            let (text, binary) = (FIN | TEXT, FIN | BINARY);
            let expected = [text, FIN | PING, text, binary, BINARY, 0, 0, FIN, TEXT, 0, FIN | PING, 0, FIN, text];
            assert_eq!(kinds, expected, "{come} {taken}");
            let joined = |range: std::ops::Range<usize>| -> Vec<u8> {
                passed[range].iter().flat_map(|(_, payload)| payload.clone()).collect()
            };
            assert!(joined(4..8) == large, "{come} {taken}");
            assert!(joined(8..10) == large[..PIECE as usize + 1] && joined(11..13) == large[..2 * PIECE as usize]);
            assert!(passed[3].1 == piece && passed[10].1 == b"between" && passed[13].1 == b"the last");
        }
    }

    #[tokio::test]
    async fn whatever_comes_passes_alike_however_it_is_cut() {
        fastrand::seed(7);
        for _ in 0..100 {
            // Few lengths are long: otherwise the first header would announce more than there is.
            let odd = || fastrand::choice([LONG, SHORT, 0, 1]).unwrap_or_default();
            let byte = || if fastrand::u8(..) < 20 { odd() } else { fastrand::u8(..4) };
            let bytes: Vec<u8> = (0..fastrand::usize(..100_000)).map(|_| byte()).collect();
            let passed = |most: usize| {
                let mut frames = Frames { limit: 1 << 30, header: Vec::new(), left: 0, further: 0, ends: false };
                let (mut out, mut rest) = (Vec::new(), &bytes[..]);
                while !rest.is_empty() {
                    let (some, more) = rest.split_at(fastrand::usize(1..=most).min(rest.len()));
                    let before = out.len();
                    frames.cut(some, |bytes| out.extend_from_slice(bytes));
                    assert!(out.len() - before <= some.len().max(1) + ADDED || some.len() > READ);
                    rest = more;
                }
                out
            };
            let whole = passed(usize::MAX - 1);
            assert!(whole == passed(READ) && whole == passed(20));
        }
    }

    #[tokio::test]
    async fn wrong_frames_stay_wrong_and_announce_little() {
        let limit = 1 << 20;
        for (kind, second) in [(FIN | PING, LONG), (FIN | TEXT | 0x40, LONG), (FIN | TEXT, MASKED | LONG), (3, LONG)] {
            let mut bytes = long_header(kind, limit as u64).to_vec();
            bytes[1] = second;
            bytes.extend([0; 200_000]);
            let passed = passed(&bytes, limit, 1000, READ).await;
            assert_eq!(passed[..2], bytes[..2]);
            assert_eq!(passed[2..10], PIECE.to_be_bytes());
        }
        // Those over the limit are refused by their length.
        for length in [limit as u64 + 1, u64::MAX] {
            let header = long_header(FIN | TEXT, length);
            assert_eq!(passed(&header, limit, 1, READ).await, header);
        }
        // A header that ends too soon brings nothing.
        assert!(passed(&[FIN | TEXT, LONG, 0, 0], limit, 2, READ).await.is_empty());
    }
}
