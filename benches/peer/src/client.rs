//! What a scenario may do with a client, whichever it is.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;

/// An event as the client handed it out.
#[derive(Debug)]
pub struct Received {
    pub name: String,
    /// All arguments as a JSON array. A placeholder stands for each attachment.
    pub arguments: String,
    pub attachments: Vec<Vec<u8>>,
    /// Not 0: the server waits for an answer to it, and it can be given.
    pub reply_id: i64,
}

/// What a client tells.
#[derive(Debug)]
pub enum Event {
    Received(Received),
    /// The answer to the question with this tag, as a JSON array.
    Answered(u64, String),
    /// The question with this tag was given up.
    Unanswered(u64),
    /// Something about the connection, in the client's own words.
    Note(String),
}

pub enum Message<'a> {
    Json(&'a str),
    Binary(&'a [u8]),
}

pub trait Client {
    /// Sends an event with one JSON value. A failure shows by what does not come back.
    fn send(&mut self, event: &str, json: &str) -> Result<()>;

    /// Sends an event and wants an answer within `limit`.
    fn ask(&mut self, tag: u64, event: &str, message: Message, limit: Duration) -> Result<()>;

    /// Answers an event of the server with one JSON value, if the client can.
    fn answer(&mut self, question: &Received, json: &str) -> Result<()>;

    /// The next thing it tells, or `None` when the deadline has passed.
    fn next(&mut self, deadline: Instant) -> Result<Option<Event>>;

    /// The file that holds the client's code.
    fn file(&self) -> PathBuf;
}
