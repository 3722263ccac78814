//! One TCP connection of a client: what it asks is read properly, what it gets is written byte by byte as wished.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use socket2::SockRef;

/// No request of the client may have more bytes in its head.
const HEAD_LIMIT: usize = 400_000;

/// A request of the client.
#[derive(Default)]
pub struct Request {
    pub target: String,
    /// The head as it came.
    head: String,
    pub body: String,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, wanted: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
    }

    /// The session that it belongs to. What a case has put behind the id is left away.
    pub fn session(&self) -> Option<&str> {
        let id = self.target.split(['?', '&']).find_map(|pair| pair.strip_prefix("sid="))?;
        id.split('%').next()
    }

    pub fn is_post(&self) -> bool {
        self.head.starts_with("POST ")
    }

    pub fn is_websocket(&self) -> bool {
        self.header("Upgrade").is_some()
    }
}

/// What is between the server and the client.
pub enum Wire {
    /// The connection ends after so many bytes of a session, politely or by a reset.
    Cut { left: AtomicUsize, resets: bool },
    /// Each byte takes so long.
    Slow(Duration),
}

/// A WebSocket frame of the client.
pub struct Frame {
    pub opcode: u8,
    pub mask: [u8; 4],
    pub payload: Vec<u8>,
}

/// See the module.
pub struct Peer {
    stream: TcpStream,
    /// Read, not used yet.
    read: Vec<u8>,
    /// Frames that came before those that a case was about.
    put_off: VecDeque<Frame>,
    pub request: Request,
    /// The packet with which the session opens.
    pub handshake: String,
    pub wire: Option<Arc<Wire>>,
}

impl Peer {
    pub fn new(stream: TcpStream) -> io::Result<Peer> {
        stream.set_nodelay(true)?;
        Ok(Peer {
            stream,
            read: Vec::new(),
            put_off: VecDeque::new(),
            request: Request::default(),
            handshake: String::new(),
            wire: None,
        })
    }

    // ---- What the client says -------------------------------------------------------------------------------------

    /// Reads a request. False: the client has closed the connection, or wants something else of it.
    pub fn next_request(&mut self) -> io::Result<bool> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            // A TLS handshake would never end so.
            let is_http = self.read.first().is_none_or(u8::is_ascii_uppercase);
            if !is_http || self.read.len() > HEAD_LIMIT || self.more()? == 0 {
                return Ok(false);
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.request = Request { target, head, body: String::new() };
        let length = self.request.header("Content-Length").and_then(|value| value.parse().ok()).unwrap_or(0);
        let body = self.take(length)?;
        self.request.body = String::from_utf8_lossy(&body).into_owned();
        Ok(true)
    }

    /// Reads a frame of the client and takes its mask off.
    pub fn next_frame(&mut self) -> io::Result<Frame> {
        match self.put_off.pop_front() {
            Some(frame) => Ok(frame),
            None => self.read_frame(),
        }
    }

    /// Reads up to a frame of this kind; those before it come later.
    pub fn next_of(&mut self, opcode: u8) -> io::Result<Frame> {
        loop {
            let frame = self.read_frame()?;
            if frame.opcode == opcode {
                return Ok(frame);
            }
            self.put_off.push_back(frame);
        }
    }

    fn read_frame(&mut self) -> io::Result<Frame> {
        let head = self.take(2)?;
        // Each is a whole message, and masked (RFC 6455, section 5.1).
        held_to("a frame", [head[0] & 0xf0, head[1] & 0x80], [0x80, 0x80]);
        let length = match head[1] & 0x7f {
            126 => self.take(2)?,
            127 => self.take(8)?,
            short => vec![short],
        };
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let mut mask = [0; 4];
        mask.copy_from_slice(&self.take(4)?);
        let mut payload = self.take(length)?;
        payload.iter_mut().enumerate().for_each(|(i, byte)| *byte ^= mask[i % 4]);
        Ok(Frame { opcode: head[0] & 0x0f, mask, payload })
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < length {
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.read.drain(..length).collect())
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 65536];
        let count = self.stream.read(&mut bytes)?;
        self.read.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    // ---- What the client gets -------------------------------------------------------------------------------------

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let bytes = bytes.as_ref();
        match self.wire.as_deref() {
            None => self.stream.write_all(bytes),
            Some(Wire::Slow(pause)) => {
                for byte in bytes {
                    self.stream.write_all(&[*byte])?;
                    thread::sleep(*pause);
                }
                Ok(())
            }
            Some(Wire::Cut { left, resets }) => {
                let before = left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(bytes.len())));
                let left = before.unwrap_or_default();
                self.stream.write_all(&bytes[..left.min(bytes.len())])?;
                match (left >= bytes.len(), resets) {
                    (true, _) => Ok(()),
                    (false, true) => self.reset(),
                    (false, false) => self.close(),
                }
            }
        }
    }

    /// Sends again and again, until the client has gone.
    pub fn for_ever(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        loop {
            self.send(bytes.as_ref())?;
        }
    }

    /// An HTTP answer with these further headers, each with its end.
    pub fn answer(&mut self, headers: &str, body: impl AsRef<[u8]>) -> io::Result<()> {
        let body = body.as_ref();
        let mut answer = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        self.send(answer)
    }

    /// Opens the WebSocket, with these further headers, each with its end.
    pub fn open(&mut self, headers: &str) -> io::Result<()> {
        let accept = self.accept();
        self.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
        ))
    }

    /// What proves that the request was understood (RFC 6455, section 4.2.2).
    pub fn accept(&self) -> String {
        let key = self.request.header("Sec-WebSocket-Key").unwrap_or_default();
        let key = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()))
    }

    /// A WebSocket frame whose first byte is given: FIN, reserved bits, opcode.
    pub fn frame(&mut self, first: u8, payload: impl AsRef<[u8]>) -> io::Result<()> {
        self.send(frame(first, payload))
    }

    // ---- Its end --------------------------------------------------------------------------------------------------

    /// Says nothing more, and waits until the client has gone.
    pub fn until_closed(&mut self) -> io::Result<()> {
        while self.more()? > 0 {
            self.read.clear();
        }
        self.close()
    }

    /// Ends the connection by a FIN.
    pub fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)?;
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Ends the connection by a RST.
    pub fn reset(&mut self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
        // It is sent when the stream is dropped, which whoever called does now.
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

/// A WebSocket frame as it stands on the wire, without a mask.
pub fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(short as u8),
        middle @ 126..65_536 => {
            frame.push(126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Ends the server if the client said something else than it must: then nothing good follows, and the case fails.
pub fn held_to<T: PartialEq + std::fmt::Debug>(what: &str, said: T, must: T) {
    if said != must {
        eprintln!("hostile-server: {what} of the client: expected {must:?}, saw {said:?}");
        std::process::exit(4);
    }
}
