//! The other end: a server on 127.0.0.1 that speaks just enough, or what the input says.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How the other end behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As a server does.
    Speaks,
    /// It takes the connection and says nothing.
    Silent,
    /// It says what the frames hold, as raw bytes, and ends.
    Raw,
    /// It ends at once.
    Closes,
    /// The handshake is the first frame.
    Handshake,
    /// It joins no namespace.
    Refuses,
    /// It ends after the frames.
    Leaves,
}

/// What the other end says to those who connect from now on.
pub struct Script {
    manner: Manner,
    upgrades: bool,
    frames: Vec<Vec<u8>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    joined: bool,
    /// For long-polling.
    waiting: VecDeque<Vec<u8>>,
    over: bool,
}

static SCRIPT: LazyLock<Mutex<Arc<Script>>> = LazyLock::new(|| Mutex::new(Arc::new(Script::new(0, 0, &[]))));

/// Connections that are served at the same time. No thread comes or goes while leaks are looked for.
const PLACES: usize = 16;

/// The port, which is the same for the whole run.
pub static PORT: LazyLock<u16> = LazyLock::new(|| {
    let listener = Arc::new(TcpListener::bind("127.0.0.1:0").expect("a port"));
    let port = listener.local_addr().expect("an address").port();
    for _ in 0..PLACES {
        let listener = Arc::clone(&listener);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let script = Arc::clone(&lock(&SCRIPT));
                // A client that goes away is the end of it.
                let _ = Conversation::begin(stream, &script);
            }
        });
    }
    port
});

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}

/// From here on the other end follows this script; those who still follow the last one come to their end.
pub fn follow(script: Script) {
    let last = std::mem::replace(&mut *lock(&SCRIPT), Arc::new(script));
    lock(&last.state).over = true;
    last.changed.notify_all();
}

impl Script {
    pub fn new(manner: u8, upgrades: u8, frames: &[&[u8]]) -> Script {
        let manner = match manner {
            1 => Manner::Silent,
            2 => Manner::Raw,
            3 => Manner::Closes,
            4 => Manner::Handshake,
            5 => Manner::Refuses,
            6 => Manner::Leaves,
            _ => Manner::Speaks,
        };
        // A redirect would lead the client to a port that is not ours.
        let leads_away = |frame: &[u8]| frame.to_ascii_lowercase().windows(7).any(|word| word == b"ocation");
        let frames = frames.iter().filter(|frame| !leads_away(frame)).map(|frame| frame.to_vec()).collect();
        let upgrades = upgrades % 2 == 1;
        Script { manner, upgrades, frames, state: Mutex::default(), changed: Condvar::new() }
    }

    fn handshake(&self) -> Vec<u8> {
        let upgrades = if self.upgrades { "\"websocket\"" } else { "" };
        match self.frames.first() {
            Some(first) if self.manner == Manner::Handshake => [b"0", first.as_slice()].concat(),
            _ => format!(
                "0{{\"sid\":\"e\",\"upgrades\":[{upgrades}],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":100000}}"
            )
            .into_bytes(),
        }
    }

    /// What follows from a packet of the client.
    fn answer(&self, packet: &[u8]) -> Vec<Vec<u8>> {
        let text = String::from_utf8_lossy(packet);
        let mut out = Vec::new();
        if text == "2probe" {
            out.push(b"t3probe".to_vec());
        } else if let Some(rest) = text.strip_prefix("40") {
            let namespace = rest.split_once(',').map_or(String::new(), |(name, _)| format!("{name},"));
            let namespace = if rest.starts_with('/') { namespace } else { String::new() };
            if self.manner != Manner::Refuses {
                out.push(format!("t40{namespace}{{\"sid\":\"s\",\"pid\":\"p\"}}").into_bytes());
            }
            if !std::mem::replace(&mut lock(&self.state).joined, true) {
                out.extend(self.frames.iter().cloned());
                if self.manner == Manner::Leaves {
                    out.push(b"x".to_vec());
                }
            }
        } else if let Some(rest) = event(&text) {
            let (namespace, rest) = match rest.strip_prefix('/').and_then(|_| rest.split_once(',')) {
                Some((name, rest)) => (format!("{name},"), rest),
                None => (String::new(), rest),
            };
            let id: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if !id.is_empty() {
                out.push(format!("t43{namespace}{id}[\"ok\",{{\"a\":1}}]").into_bytes());
            }
        }
        out
    }
}

/// What follows the type, and the count of attachments, of an event.
fn event(packet: &str) -> Option<&str> {
    packet.strip_prefix("42").or_else(|| Some(packet.strip_prefix("45")?.split_once('-')?.1))
}

/// One connection of the client.
struct Conversation<'a> {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    script: &'a Script,
}

type Done = std::io::Result<()>;

fn end<T>() -> std::io::Result<T> {
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

impl Conversation<'_> {
    fn begin(stream: TcpStream, script: &Script) -> Done {
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.set_write_timeout(Some(Duration::from_secs(2)))?;
        stream.set_nodelay(true)?;
        let mut conversation = Conversation { reader: BufReader::new(stream.try_clone()?), writer: stream, script };
        match script.manner {
            Manner::Closes => Ok(()),
            Manner::Silent => std::io::copy(&mut conversation.reader, &mut std::io::sink()).map(drop),
            Manner::Raw => {
                let mut byte = [0];
                conversation.reader.read_exact(&mut byte)?;
                script.frames.iter().try_for_each(|frame| conversation.writer.write_all(frame))
            }
            _ => conversation.requests(),
        }
    }

    fn requests(&mut self) -> Done {
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if (&mut self.reader).take(8192).read_line(&mut line)? == 0 {
                    return end();
                }
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let Some(request) = head.first().cloned() else { return end() };
            let header = |name: &str| {
                head.iter().find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
                })
            };
            if request.starts_with("CONNECT") {
                self.writer.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            } else if let Some(key) = header("sec-websocket-key") {
                let accept = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
                let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, accept.as_bytes());
                let accept = STANDARD.encode(digest);
                write!(
                    self.writer,
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                )?;
                return self.websocket(!request.contains("sid="));
            } else {
                let len = header("content-length").and_then(|len| len.parse().ok()).unwrap_or(0usize);
                let mut body = vec![0; len.min(1 << 20)];
                self.reader.read_exact(&mut body)?;
                let answer = self.polling(&request, &body)?;
                write!(
                    self.writer,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                    answer.len()
                )?;
                self.writer.write_all(&answer)?;
            }
        }
    }

    fn polling(&mut self, request: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        if request.starts_with("POST") {
            for packet in body.split(|&byte| byte == 0x1e) {
                let answers = self.script.answer(packet);
                lock(&self.script.state).waiting.extend(answers);
            }
            self.script.changed.notify_all();
            return Ok(b"ok".to_vec());
        }
        if !request.contains("sid=") {
            return Ok(self.script.handshake());
        }
        let state = lock(&self.script.state);
        let wait = Duration::from_millis(50);
        let none = |state: &mut State| state.waiting.is_empty() && !state.over;
        let mut state = self.script.changed.wait_timeout_while(state, wait, none).expect("nobody panics").0;
        if state.over {
            return end();
        }
        let mut payload = Vec::new();
        while let Some(frame) = state.waiting.pop_front() {
            let Some((&kind, content)) = frame.split_first() else { continue };
            if !payload.is_empty() {
                payload.push(0x1e);
            }
            match kind {
                b'x' => return end(),
                b'b' => payload.extend(format!("b{}", STANDARD.encode(content)).into_bytes()),
                _ => payload.extend(content),
            }
        }
        Ok(if payload.is_empty() { b"6".to_vec() } else { payload })
    }

    fn websocket(&mut self, is_first: bool) -> Done {
        if is_first {
            let handshake = self.script.handshake();
            self.frame(0x81, &handshake)?;
        }
        loop {
            let mut head = [0; 2];
            self.reader.read_exact(&mut head)?;
            let len = match head[1] & 0x7f {
                126 => {
                    let mut len = [0; 2];
                    self.reader.read_exact(&mut len)?;
                    usize::from(u16::from_be_bytes(len))
                }
                127 => return end(),
                len => usize::from(len),
            };
            let mut mask = [0; 4];
            self.reader.read_exact(&mut mask)?;
            let mut content = vec![0; len];
            self.reader.read_exact(&mut content)?;
            content.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            match head[0] & 0x0f {
                1 => {
                    for answer in self.script.answer(&content) {
                        self.say(&answer)?;
                    }
                }
                8 => return self.frame(0x88, &content),
                9 => self.frame(0x8a, &content)?,
                _ => {}
            }
        }
    }

    /// A frame of the script: its kind, then what is in it.
    fn say(&mut self, frame: &[u8]) -> Done {
        let Some((&kind, content)) = frame.split_first() else { return Ok(()) };
        match kind {
            b'b' => self.frame(0x82, content),
            b'r' => self.writer.write_all(content),
            // A part of a message, and what continues it.
            b'p' => self.frame(0x01, content),
            b'c' => self.frame(0x80, content),
            b'x' => end(),
            _ => self.frame(0x81, content),
        }
    }

    fn frame(&mut self, first: u8, content: &[u8]) -> Done {
        let mut out = vec![first];
        match content.len() {
            len @ 0..126 => out.push(len as u8),
            len @ 126..65_536 => {
                out.push(126);
                out.extend((len as u16).to_be_bytes());
            }
            _ => return end(),
        }
        out.extend(content);
        self.writer.write_all(&out)
    }
}
