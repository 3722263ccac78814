//! As many events as are asked for, from blocks of frames that are ready but for their numbers.

use std::io;

use load::content::{Content, count_up, write_number};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::fault::{Fault, Passing};
use crate::frames::{self, BINARY, TEXT};

/// The largest block. One write takes it as a whole, where the client is fast enough.
const BLOCK: usize = 1024 * 1024;
/// What is said behind the last event. rust_socketio takes an event without arguments for one named `message`.
const DONE: &[u8] = br#"42["done",0]"#;

/// What to send how often.
#[derive(Clone, Debug)]
pub struct Flood {
    /// The frames of event 0.
    event: Vec<u8>,
    /// Where its number stands.
    number: std::ops::Range<usize>,
    count: u64,
}

impl Flood {
    pub fn of_texts(count: u64, size: usize) -> Flood {
        const AROUND: (&[u8], &[u8]) = (br#"42["tick",""#, br#""]"#);
        let content = Content::text(size);
        let mut event = Vec::new();
        frames::put(&mut event, TEXT, &[AROUND.0, &content.of(0), AROUND.1].concat());
        let number = event.len() - AROUND.1.len() - content.size();
        Flood { number: number..number + content.digits(), event, count }
    }

    pub fn of_attachments(count: u64, size: usize, with_1e: bool) -> Flood {
        let content = Content::attachment(size, with_1e);
        let mut event = Vec::new();
        frames::put(&mut event, TEXT, br#"451-["bin",{"_placeholder":true,"num":0}]"#);
        frames::put(&mut event, BINARY, &content.of(0));
        let number = event.len() - content.size();
        Flood { number: number..number + content.digits(), event, count }
    }

    /// Sends it all, and `done` behind it.
    pub async fn send(&self, stream: &mut TcpStream, fault: Option<Fault>) -> io::Result<()> {
        match fault {
            None => self.send_blocks(stream).await?,
            Some(_) => self.send_with(fault, stream).await?,
        }
        let mut done = Vec::new();
        frames::put(&mut done, TEXT, DONE);
        stream.write_all(&done).await
    }

    /// A block holds a power of ten of events: from block to block only the leading digits of their numbers change.
    async fn send_blocks(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut changing = self.number.clone();
        let mut events = 1;
        while self.event.len() * events * 10 <= BLOCK && events as u64 * 10 <= self.count && changing.len() > 1 {
            events *= 10;
            changing.end -= 1;
        }
        let mut block = self.event.repeat(events);
        for (number, event) in block.chunks_exact_mut(self.event.len()).enumerate() {
            write_number(&mut event[self.number.clone()], number as u64);
        }
        let mut leading = vec![b'0'; changing.len()];
        let mut left = self.count;
        while left > 0 {
            let now = left.min(events as u64);
            stream.write_all(&block[..self.event.len() * now as usize]).await?;
            left -= now;
            count_up(&mut leading);
            for event in block.chunks_exact_mut(self.event.len()) {
                event[changing.clone()].copy_from_slice(&leading);
            }
        }
        Ok(())
    }

    /// The same event by event, with a fault among them.
    async fn send_with(&self, fault: Option<Fault>, stream: &mut TcpStream) -> io::Result<()> {
        let mut passing = Passing::new(fault);
        let mut block = Vec::new();
        for number in 0..self.count {
            let mut event = self.event.clone();
            write_number(&mut event[self.number.clone()], number);
            for event in passing.pass(event, |event| self.garbled(event)) {
                block.extend(event);
            }
            if block.len() > BLOCK / 2 {
                stream.write_all(&block).await?;
                block.clear();
            }
        }
        block.extend(passing.end().unwrap_or_default());
        stream.write_all(&block).await
    }

    /// The byte behind the number is another one.
    fn garbled(&self, mut event: Vec<u8>) -> Vec<u8> {
        event[self.number.end] ^= 1;
        event
    }
}
