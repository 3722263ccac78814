//! What the server can do at most: bytes in and out of a TCP stream, which nobody looks at on this side.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use load::content::{Content, TEXT_DIGITS, write_number};
use load::report::{Report, Span};

/// As much as one read takes.
const READ: usize = 64 * 1024;
/// Events that one write holds.
const EVENTS: usize = 1000;

/// Says it with a mask of zeros.
fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        len @ 0..126 => frame.push(0x80 | len as u8),
        len @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text);
    frame
}

/// Connected as far as the default namespace.
fn connect(port: u16) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(load::STALL))?;
    stream.write_all(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\
          Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    )?;
    read_until(&mut stream, b"\"maxPayload\":100000000}")?;
    stream.write_all(&frame(b"40"))?;
    read_until(&mut stream, b"40{\"sid\":\"load\"}")?;
    Ok(stream)
}

/// Reads as far as this, behind which nothing may come.
fn read_until(stream: &mut TcpStream, end: &[u8]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut piece = [0; 1024];
    while !text.ends_with(end) {
        let len = stream.read(&mut piece).context("nothing comes any more")?;
        ensure!(len > 0, "the connection was lost");
        text.extend_from_slice(&piece[..len]);
    }
    Ok(text)
}

pub fn receive(port: u16, count: u64, size: usize) -> Result<Report> {
    let mut stream = connect(port)?;
    // Without a mask the frames of the server are as long as ours less those four bytes.
    let event = frame(&[br#"42["tick",""#, &Content::text(size).of(0)[..], br#""]"#].concat()).len() - 4;
    let done = frame(br#"42["done",0]"#).len() - 4;
    let mut left = event as u64 * count + done as u64;
    let mut buffer = vec![0; READ];
    let span = Span::begin();
    stream.write_all(&frame(format!(r#"42["receive",{count},{size}]"#).as_bytes()))?;
    while left > 0 {
        let len = stream.read(&mut buffer).context("nothing comes any more")?;
        ensure!(len > 0 && len as u64 <= left, "{left} bytes were missing, {len} came");
        left -= len as u64;
    }
    span.end(count)
}

pub fn send(port: u16, count: u64, size: usize) -> Result<Report> {
    let mut stream = connect(port)?;
    stream.write_all(&frame(format!(r#"42["send",{count},{size}]"#).as_bytes()))?;
    let head = br#"42["tick",""#;
    let event = frame(&[head, &Content::text(size).of(0)[..], br#""]"#].concat());
    let number = event.len() - size - 2;
    let mut block = event.repeat(EVENTS);
    let span = Span::begin();
    let mut sent = 0;
    while sent < count {
        let now = (count - sent).min(EVENTS as u64);
        for (event, number_of) in block.chunks_exact_mut(event.len()).zip(sent..sent + now) {
            write_number(&mut event[number..number + TEXT_DIGITS], number_of);
        }
        stream.write_all(&block[..event.len() * now as usize])?;
        sent += now;
    }
    stream.write_all(&frame(br#"42["end"]"#))?;
    let answer = read_until(&mut stream, b"]")?;
    let report = span.end(count)?;
    let right = format!(r#"{{"right":{count},"missing":0,"twice":0,"out_of_order":0,"wrong":0}}"#);
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.contains(&right), "the server got {answer}");
    Ok(report)
}
