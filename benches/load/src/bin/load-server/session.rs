//! One client: the handshakes of WebSocket, Engine.IO and Socket.IO, then what its events ask for.

use std::io;

use load::content::{TEXT_DIGITS, read_number};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::checked::Checked;
use crate::fault::{Fault, Passing};
use crate::flood::Flood;
use crate::frames::{self, CLOSE, Frame, Input, PING, PONG, TEXT};
use crate::varied::Varied;

/// Long enough that no heartbeat falls into a run.
const OPEN: &str = r#"0{"sid":"load","upgrades":[],"pingInterval":300000,"pingTimeout":200000,"maxPayload":100000000}"#;
const JOINED: &str = r#"40{"sid":"load"}"#;

/// Told when those that were asked not to read are to read on.
static HEAR: Notify = Notify::const_new();

/// How it goes on after a frame.
enum Next {
    Read,
    Flood(Flood),
    Varied(Varied),
    /// It is not read from any more, until another client asks for that.
    Deaf,
    Close,
}

struct Session {
    fault: Option<Fault>,
    /// The client sends, and each event is looked at.
    checked: Option<Checked>,
    /// Echoes on their way out.
    echoes: Passing<Vec<u8>>,
    /// The number of the event to echo next.
    echo: u64,
    /// The text of the first event of a pair, until the second one.
    first: Option<Vec<u8>>,
    out: Vec<u8>,
}

pub async fn serve(mut stream: TcpStream, fault: Option<Fault>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Input::new();
    let request = loop {
        read(&mut stream, &mut input).await?;
        if let Some(request) = input.request() {
            break request;
        }
    };
    let Some(answer) = switch(&request) else {
        return stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    };
    let mut session =
        Session { fault, checked: None, echoes: Passing::new(fault), echo: 0, first: None, out: answer.into() };
    session.say(OPEN.as_bytes());
    loop {
        let next = session.look_at(&mut input)?;
        if !session.out.is_empty() {
            stream.write_all(&session.out).await?;
            session.out.clear();
        }
        match next {
            Next::Read => read(&mut stream, &mut input).await?,
            Next::Flood(flood) => flood.send(&mut stream, fault).await?,
            Next::Varied(flood) => flood.send(&mut stream, fault).await?,
            Next::Deaf => HEAR.notified().await,
            Next::Close => return Ok(()),
        }
    }
}

async fn read(stream: &mut TcpStream, input: &mut Input) -> io::Result<()> {
    match stream.read(input.room()).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        bytes => {
            input.filled(bytes);
            Ok(())
        }
    }
}

/// The answer to a request for a WebSocket.
fn switch(request: &str) -> Option<String> {
    let key = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    })?;
    let accept = derive_accept_key(key.as_bytes());
    Some(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ))
}

impl Session {
    fn say(&mut self, packet: &[u8]) {
        frames::put(&mut self.out, TEXT, packet);
    }

    /// Looks at the frames that are there, up to one that floods.
    fn look_at(&mut self, input: &mut Input) -> io::Result<Next> {
        while let Some(frame) = input.frame()? {
            match self.take(frame)? {
                Next::Read => {}
                next => return Ok(next),
            }
        }
        Ok(Next::Read)
    }

    fn take(&mut self, mut frame: Frame) -> io::Result<Next> {
        match frame.opcode {
            TEXT if frame.whole => {}
            PING => {
                frames::put(&mut self.out, PONG, frame.unmask());
                return Ok(Next::Read);
            }
            PONG => return Ok(Next::Read),
            CLOSE => {
                frames::put(&mut self.out, CLOSE, frame.unmask());
                return Ok(Next::Close);
            }
            opcode => {
                self.wrong(&format!("a frame of kind {opcode} that no work sends"));
                return Ok(Next::Close);
            }
        }
        if let Some(checked) = &mut self.checked
            && !frame.is(br#"42["end"]"#)
        {
            checked.take(&mut frame);
            return Ok(Next::Read);
        }
        Ok(self.packet(frame.unmask()))
    }

    fn packet(&mut self, packet: &[u8]) -> Next {
        let Some(event) = packet.strip_prefix(br#"42[""#) else {
            match packet {
                [b'4', b'0', ..] => self.say(JOINED.as_bytes()),
                // rust_socketio answers a ping that nobody sent before it joins.
                b"3" | b"41" | b"41," => {}
                b"1" => {
                    frames::put(&mut self.out, CLOSE, &[]);
                    return Next::Close;
                }
                _ => self.wrong("a packet that no work sends"),
            }
            return Next::Read;
        };
        let name_len = event.iter().position(|&byte| byte == b'"').unwrap_or(event.len());
        let (name, arguments) = event.split_at(name_len);
        match name {
            b"echo" => self.answer_echo(packet, arguments),
            b"first" => self.first = Some(arguments.to_vec()),
            b"second" if self.first.take().is_some_and(|first| first == arguments) => self.echo(packet),
            b"second" => self.wrong("the second event of a pair came without its first"),
            b"end" => match &mut self.checked.take() {
                Some(checked) => self.say(checked.answer().as_bytes()),
                None => self.wrong("an end without a beginning"),
            },
            b"deaf" => return Next::Deaf,
            b"hear" => HEAR.notify_waiters(),
            _ => return self.order(name, arguments),
        }
        Next::Read
    }

    /// An event with a count and a size: the beginning of a work.
    fn order(&mut self, name: &[u8], arguments: &[u8]) -> Next {
        let arguments = String::from_utf8_lossy(arguments);
        let numbers = arguments.trim_matches(|c: char| !c.is_ascii_digit()).split(',');
        let numbers: Vec<u64> = numbers.filter_map(|number| number.trim().parse().ok()).collect();
        if let (b"varied", &[count, size, per_second, letter, names]) = (name, &numbers[..]) {
            let flood = Varied::new(count, size as usize, per_second, letter, names);
            return flood.map_or(Next::Close, Next::Varied);
        }
        let [count, size] = numbers[..] else {
            self.wrong(&format!("{} with {arguments}", String::from_utf8_lossy(name)));
            return Next::Read;
        };
        let size = size as usize;
        match name {
            b"receive" | b"large" => Next::Flood(Flood::of_texts(count, size)),
            b"binary" => Next::Flood(Flood::of_attachments(count, size, true)),
            b"binary-no-1e" => Next::Flood(Flood::of_attachments(count, size, false)),
            b"send" => {
                self.checked = Some(Checked::new(count, size, self.fault));
                Next::Read
            }
            _ => {
                self.wrong(&format!("an event {}", String::from_utf8_lossy(name)));
                Next::Read
            }
        }
    }

    fn answer_echo(&mut self, packet: &[u8], arguments: &[u8]) {
        // Between the name and the number: `","`.
        let number = arguments.get(3..3 + TEXT_DIGITS).and_then(read_number);
        if number != Some(self.echo) {
            return self.wrong(&format!("an echo of {number:?} was asked for, not of {}", self.echo));
        }
        self.echo += 1;
        self.echo(packet);
    }

    /// Sends an event back as it came.
    fn echo(&mut self, packet: &[u8]) {
        if self.fault.is_none() {
            return self.say(packet);
        }
        let garble = |mut packet: Vec<u8>| {
            let last_of_text = packet.len() - 3;
            packet[last_of_text] ^= 1;
            packet
        };
        for packet in self.echoes.pass(packet.to_vec(), garble) {
            self.say(&packet);
        }
    }

    /// Tells the client that it did something wrong.
    fn wrong(&mut self, sentence: &str) {
        let sentence = sentence.replace(['"', '\\'], "'");
        self.say(format!(r#"42["wrong","{sentence}"]"#).as_bytes());
    }
}
