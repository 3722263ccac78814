//! Commands from the host's threads to the connection's task.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Command, Doorbell, Format, IfNotConnected, Message, Reservation, SendEvent};
use crate::diagnostics::Refusal;

/// Bytes of the texts of a Send that are put beside those of others. What is longer is copied before the lock is taken.
pub const SHORT: usize = 1 << 10;

/// A queue that is taken as a whole. Its lock is held for moving pointers and short texts only.
pub struct Mailbox {
    /// None: the connection is gone and takes no more.
    contents: Mutex<Option<Commands>>,
    /// Whether the task was told, and has not found the mailbox empty since: in a burst only the first command wakes it.
    rung: AtomicBool,
    /// Whether something was put in since the task last looked.
    is_fresh: AtomicBool,
    /// Where the host's threads ring, and for which group.
    door: Arc<Doorbell>,
    group: usize,
    /// What the task waits for. Only the plugin's thread touches it.
    bell: Notify,
}

/// Commands in their order. The texts of short messages lie one after the other: a Send of one asks for no memory.
#[derive(Default)]
pub struct Commands {
    entries: VecDeque<Entry>,
    texts: String,
    /// Where the texts of the first entry begin that has any.
    place: usize,
}

/// Small, for there may be ten thousand of them.
enum Entry {
    Command(Box<Command>),
    Short(Terms, [u16; 3]),
}

/// What a Send says besides its texts, of which an [`Entry`] has the lengths: event, namespace, message.
pub struct Terms {
    /// The host's tag of the node.
    pub node: u64,
    /// Number of the request, 0 if no reply is wanted.
    pub request: u64,
    /// How long to wait for a reply.
    pub reply_timeout: f32,
    /// How the message is to be read.
    pub format: Format,
    /// What happens if it can't leave now.
    pub policy: IfNotConnected,
    /// Its place in the queue.
    pub reservation: Reservation,
}

impl Mailbox {
    /// An empty one; whoever puts something in rings here.
    pub fn new(door: Arc<Doorbell>) -> Mailbox {
        Mailbox {
            contents: Mutex::new(Some(Commands::default())),
            rung: AtomicBool::new(false),
            is_fresh: AtomicBool::new(false),
            group: door.place(),
            door,
            bell: Notify::new(),
        }
    }

    /// Puts a command in, if the connection is there and memory for one more besides: the last one, Shutdown, must find room.
    pub fn put(&self, command: Command) -> Result<(), Refusal> {
        let is_last = command.is_last();
        self.push(Entry::Command(Box::new(command)), [""; 3], is_last)
    }

    /// Puts in a Send of event, namespace and message, which are together no longer than [`SHORT`].
    pub fn put_short(&self, terms: Terms, texts: [&str; 3]) -> Result<(), Refusal> {
        self.push(Entry::Short(terms, texts.map(|text| text.len() as u16)), texts, false)
    }

    fn push(&self, entry: Entry, texts: [&str; 3], is_last: bool) -> Result<(), Refusal> {
        match &mut *self.contents.lock() {
            Some(contents) => {
                let bytes = texts.iter().map(|text| text.len()).sum();
                let has_room = contents.entries.try_reserve(2).is_ok() && contents.texts.try_reserve(bytes).is_ok();
                if !has_room && !is_last {
                    return Err(Refusal::no_memory());
                }
                texts.iter().for_each(|text| contents.texts.push_str(text));
                contents.entries.push_back(entry);
                self.is_fresh.store(true, Ordering::Relaxed);
            }
            None => return Err(Refusal::stale()),
        }
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.door.ring(self.group);
        }
        Ok(())
    }

    /// Takes all commands, in order; those taken before are carried out.
    pub fn take(&self, taken: &mut Commands) {
        debug_assert!(taken.is_empty());
        self.is_fresh.store(false, Ordering::Relaxed);
        let mut contents = self.contents.lock();
        match &mut *contents {
            Some(contents) if contents.is_empty() => {
                self.rung.store(false, Ordering::Release);
            }
            Some(contents) => return std::mem::swap(contents, taken),
            None => self.rung.store(false, Ordering::Release),
        }
        // Given back when nobody waits for the lock.
        let spare = contents.as_mut().filter(|contents| contents.has_room()).map(std::mem::take);
        drop(contents);
        drop(spare);
        *taken = Commands::default();
    }

    /// Takes the last commands; from now on none is put in.
    pub fn close(&self) -> Commands {
        self.contents.lock().take().unwrap_or_default()
    }

    /// Whether something was put in that nobody took yet, or is put in right now: it is worth waiting before a flush.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh.load(Ordering::Relaxed)
    }

    /// The group that its ring is for.
    pub fn group(&self) -> usize {
        self.group
    }

    /// Tells the task that somebody rang for its group.
    pub fn pass_on(&self) {
        if self.rung.load(Ordering::Acquire) {
            self.bell.notify_one();
        }
    }

    /// Waits until something is put in.
    pub async fn rung(&self) {
        while !self.rung.load(Ordering::Acquire) {
            self.bell.notified().await;
        }
    }
}

impl Commands {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it holds memory.
    fn has_room(&self) -> bool {
        self.entries.capacity() > 0 || self.texts.capacity() > 0
    }

    fn next_text(&mut self, length: usize) -> String {
        let begin = self.place;
        self.place += length;
        self.texts[begin..self.place].to_owned()
    }
}

impl Iterator for Commands {
    type Item = Command;

    /// The next command, with texts of its own.
    fn next(&mut self) -> Option<Command> {
        let command = match self.entries.pop_front()? {
            Entry::Command(command) => *command,
            Entry::Short(terms, lengths) => {
                let Terms { node, request, reply_timeout, format, policy, reservation } = terms;
                let [event, namespace, text] = lengths.map(|length| self.next_text(length.into()));
                let message = Message { format, text, attachments: Vec::new() };
                let reply_timeout = Duration::from_secs_f32(reply_timeout);
                Command::Send(SendEvent {
                    node,
                    request,
                    event,
                    namespace,
                    message,
                    policy,
                    reply_timeout,
                    reservation,
                })
            }
        };
        if self.entries.is_empty() {
            self.texts.clear();
            self.place = 0;
        }
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Outbound;

    fn send(mailbox: &Mailbox, event: &str, text: &str) {
        let settings = crate::settings::parse(br#"{"connections":[{"name":"a","url":"localhost"}]}"#);
        let outbound = std::sync::Arc::new(Outbound::new(&settings.connections[0].limits));
        let terms = Terms {
            node: 0,
            request: 0,
            reply_timeout: 0.0,
            format: Format::Text,
            policy: IfNotConnected::Queue,
            reservation: outbound.reserve(1).unwrap_or_else(|_| unreachable!()),
        };
        mailbox.put_short(terms, [event, "", text]).unwrap();
    }

    fn told(command: Option<Command>) -> String {
        match command {
            Some(Command::Send(send)) => format!("{}={}", send.event, send.message.text),
            Some(Command::Start) => "start".into(),
            Some(_) => "another".into(),
            None => "none".into(),
        }
    }

    #[test]
    fn texts_stay_with_their_commands_however_they_are_taken() {
        let mailbox = Mailbox::new(Arc::default());
        let mut taken = Commands::default();
        send(&mailbox, "a", "é1");
        mailbox.put(Command::Start).unwrap();
        send(&mailbox, "b", "");
        mailbox.take(&mut taken);
        assert_eq!(told(taken.next()), "a=é1");
        send(&mailbox, "c", "3");
        assert_eq!(told(taken.next()), "start");
        assert_eq!(told(taken.next()), "b=");
        send(&mailbox, "d", "4");
        mailbox.take(&mut taken);
        assert_eq!([told(taken.next()), told(taken.next()), told(taken.next())], ["c=3", "d=4", "none"]);
        send(&mailbox, "e", "5");
        assert_eq!(mailbox.close().map(|command| told(Some(command))).collect::<Vec<_>>(), ["e=5"]);
        assert!(mailbox.put(Command::Start).is_err());
    }

    #[test]
    fn after_a_burst_no_room_is_kept() {
        let mailbox = Mailbox::new(Arc::default());
        let mut taken = Commands::default();
        for _ in 0..3 {
            (0..1_000).for_each(|_| send(&mailbox, "a", "some text"));
            mailbox.take(&mut taken);
            assert_eq!(taken.by_ref().count(), 1_000);
        }
        assert!(mailbox.rung.load(Ordering::Relaxed));
        mailbox.take(&mut taken);
        assert!(!taken.has_room() && !mailbox.contents.lock().as_ref().unwrap().has_room());
        assert!(!mailbox.rung.load(Ordering::Relaxed));
    }
}
