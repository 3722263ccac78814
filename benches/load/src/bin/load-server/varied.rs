//! Floods for what grows: events by many names, at a pace, and texts that are shorter than a number.

use std::io;
use std::time::Duration;

use load::content::{Content, write_number};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::fault::{Fault, Passing};
use crate::frames::{self, TEXT};

/// As much as is written at once.
const BLOCK: usize = 256 * 1024;
/// How often a flood with a pace goes on.
const STEP: Duration = Duration::from_millis(1);

/// What to send how often.
#[derive(Clone, Debug)]
pub struct Varied {
    content: Content,
    count: u64,
    /// Events in a second; 0: as many as go out.
    per_second: u64,
    /// Names are this letter and a number below that one, one after the other; none: "tick".
    names: Option<(char, u64)>,
}

impl Varied {
    /// None: no flood is asked for by such numbers.
    pub fn new(count: u64, size: usize, per_second: u64, letter: u64, names: u64) -> Option<Varied> {
        let names = match (letter, names) {
            (0, _) => None,
            (_, 0) => return None,
            (letter, names) => Some((char::from(u8::try_from(letter).ok()?), names)),
        };
        Some(Varied { content: Content::text(size), count, per_second, names })
    }

    /// Sends it all, and `done` behind it.
    pub async fn send(&self, stream: &mut TcpStream, fault: Option<Fault>) -> io::Result<()> {
        let mut events = Events { of: self, passing: Passing::new(fault), text: self.content.of(0), block: Vec::new() };
        let begin = Instant::now();
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut sent = 0;
        while sent < self.count {
            let mut due = self.count;
            if self.per_second > 0 {
                steps.tick().await;
                due = due.min((begin.elapsed().as_secs_f64() * self.per_second as f64) as u64);
            }
            while sent < due {
                events.put(sent);
                sent += 1;
                if events.block.len() >= BLOCK {
                    stream.write_all(&events.block).await?;
                    events.block.clear();
                }
            }
            stream.write_all(&events.block).await?;
            events.block.clear();
        }
        events.block.extend(events.passing.end().unwrap_or_default());
        frames::put(&mut events.block, TEXT, br#"42["done"]"#);
        stream.write_all(&events.block).await
    }
}

struct Events<'a> {
    of: &'a Varied,
    passing: Passing<Vec<u8>>,
    text: Vec<u8>,
    block: Vec<u8>,
}

impl Events<'_> {
    /// Puts the event of this number into the block.
    fn put(&mut self, number: u64) {
        write_number(&mut self.text[..self.of.content.digits()], number);
        let name = match self.of.names {
            Some((letter, names)) => format!("{letter}{}", number % names),
            None => "tick".to_owned(),
        };
        let payload = [br#"42[""#, name.as_bytes(), br#"",""#, &self.text, br#""]"#].concat();
        let mut event = Vec::with_capacity(payload.len() + 4);
        frames::put(&mut event, TEXT, &payload);
        // The last byte of the text is another one.
        let garble = |mut event: Vec<u8>| {
            let last = event.len() - 3;
            event[last] ^= 1;
            event
        };
        for event in self.passing.pass(event, garble) {
            self.block.extend(event);
        }
    }
}
