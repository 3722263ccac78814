//! The log: a bounded ring whose lines are handed to the host on its own thread. Nothing is ever written to stdout or
//! stderr.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::{clock, one_line};

/// Level of a log line; the numbers are those of the C boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something is odd.
    Warning = 2,
    /// Life cycle.
    Info = 3,
    /// Details for the maintainer.
    Debug = 4,
    /// Each packet.
    Traffic = 5,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its level.
    pub level: Level,
    /// The connection it is about, or 0.
    pub connection: u64,
    /// When, in microseconds since `enable`.
    pub time_us: u64,
    /// The line, ended by a NUL for C.
    pub message: String,
}

/// How many lines wait at most for a host that does not poll; the oldest go first.
const CAPACITY: usize = 1_000;
/// Bytes of a line: a packet may have megabytes.
const LINE_LIMIT: usize = 4 << 10;

/// Takes the lines of the host.
pub type Sink = Box<dyn Fn(&Record) + Send + Sync>;

/// Locked while lines are handed over, so that whoever replaces it knows that the last one has returned.
static SINK: Mutex<Option<Sink>> = Mutex::new(None);

static LEVEL: AtomicU32 = AtomicU32::new(Level::Info as u32);
/// Lines waiting; read without the lock.
static WAITING: AtomicUsize = AtomicUsize::new(0);
static RING: Mutex<Ring> = Mutex::new(Ring { records: VecDeque::new(), lost: 0, listening: false });

struct Ring {
    records: VecDeque<Record>,
    lost: u64,
    /// Whether the host takes lines at all.
    listening: bool,
}

/// From which level on lines are kept; 0: none.
pub fn set_level(level: u32) {
    LEVEL.store(level, Ordering::Relaxed);
}

/// Whether lines of this level are kept.
pub fn wanted(level: Level) -> bool {
    level as u32 <= LEVEL.load(Ordering::Relaxed)
}

/// Begins anew with what takes the lines from now on.
pub fn open(sink: Option<Sink>) {
    let mut place = SINK.lock();
    let listening = sink.is_some();
    *place = sink;
    let mut ring = RING.lock();
    ring.records.clear();
    if listening {
        // A thread that has to wait for memory must not hold the lock meanwhile.
        ring.records.reserve(CAPACITY);
    }
    ring.lost = 0;
    ring.listening = listening;
    WAITING.store(0, Ordering::Release);
}

/// Adds a line. The text is made only if the level is wanted.
pub fn write(level: Level, connection: u64, message: impl FnOnce() -> String) {
    if !wanted(level) {
        return;
    }
    let mut message = one_line(&message(), usize::MAX);
    if message.len() > LINE_LIMIT {
        message.truncate(message.floor_char_boundary(LINE_LIMIT));
        message.push('…');
    }
    message.push('\0');
    let mut ring = RING.lock();
    if !ring.listening {
        return;
    }
    if ring.records.len() == CAPACITY {
        ring.records.pop_front();
        ring.lost += 1;
    }
    ring.records.push_back(Record { level, connection, time_us: clock::now_us(), message });
    WAITING.store(ring.records.len(), Ordering::Release);
}

/// Hands up to `max` lines to the host, on this thread. Does nothing if another thread does just that.
pub fn deliver(max: usize) {
    if WAITING.load(Ordering::Acquire) == 0 {
        return;
    }
    if let Some(sink) = SINK.try_lock()
        && let Some(sink) = &*sink
    {
        take(max).iter().for_each(sink);
    }
}

/// Hands all lines to the host, `last` behind them, and lets it go: it is not called again after this. False: until the
/// deadline it had not returned from an earlier line.
pub fn close(last: &str, deadline: Instant) -> bool {
    let Some(mut place) = SINK.try_lock_until(deadline) else { return false };
    let sink = place.take();
    drop(place);
    write(Level::Info, 0, || last.to_string());
    RING.lock().listening = false;
    if let Some(sink) = sink {
        take(usize::MAX).iter().for_each(sink);
    }
    true
}

/// Takes up to `max` lines, the oldest first, preceded by one that tells of lost lines.
fn take(max: usize) -> Vec<Record> {
    let mut ring = RING.lock();
    let mut taken = Vec::new();
    if std::mem::take(&mut ring.lost) as usize != 0 {
        taken.push(Record {
            level: Level::Warning,
            connection: 0,
            time_us: clock::now_us(),
            message: format!("Log lines were lost: the host did not poll, and only {CAPACITY} are kept.\0"),
        });
    }
    let count = ring.records.len().min(max);
    taken.extend(ring.records.drain(..count));
    WAITING.store(ring.records.len(), Ordering::Release);
    taken
}
