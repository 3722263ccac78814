//! Memory for what is received: small events of one batch share it, large ones get what others gave back, so that a
//! flood does not ask the system for each one.

use std::cell::Cell;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use super::Event;

/// Bytes of a chunk at most. An event keeps the chunk alive that it lies in.
const CHUNK: usize = 32 << 10;
/// An event of more bytes has its own.
const LARGE: usize = 2 << 10;
/// Memory of large events that is kept, and in how many pieces: what the system takes back it gives again page by page.
const KEPT_BYTES: usize = 2 << 20;
const KEPT: usize = 32;

/// Events for whose batch room is kept.
const ROOM_KEPT: usize = 4_096;

static SPARE: Spare = Spare(Mutex::new(None));

thread_local! {
    /// Room for the events of a batch, which the connections of a thread share: only one of them receives at a time.
    static ROOM: Cell<Vec<Event>> = const { Cell::new(Vec::new()) };
}

/// Room for events.
pub fn take_room() -> Vec<Event> {
    ROOM.take()
}

/// Gives it back.
pub fn give_room(mut room: Vec<Event>) {
    room.clear();
    let kept = ROOM.take();
    let is_larger = (kept.capacity() + 1..=ROOM_KEPT).contains(&room.capacity());
    ROOM.set(if is_larger { room } else { kept });
}

/// Memory for the events of one batch.
#[derive(Default)]
pub struct Blocks {
    chunk: BytesMut,
    /// Bytes of the last chunk, or of what had its own.
    size: usize,
}

impl Blocks {
    /// Memory that `write` fills with exactly so many bytes. The first event of a batch has its own: mostly it is the only one.
    pub fn block(&mut self, bytes: usize, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        if self.size == 0 || bytes > LARGE {
            self.size = self.size.max(bytes);
            return Blocks::own(bytes, write);
        }
        if self.chunk.capacity() - self.chunk.len() < bytes {
            // No more is left over than was used: it is memory that no limit counts.
            self.size = CHUNK.min(2 * self.size).max(bytes);
            self.chunk = BytesMut::with_capacity(self.size);
        }
        write(&mut self.chunk);
        self.chunk.split().freeze()
    }

    /// Memory that is nobody else's.
    pub fn own(bytes: usize, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        let is_large = bytes > LARGE;
        let mut own = if is_large { SPARE.take(bytes) } else { BytesMut::with_capacity(bytes) };
        write(&mut own);
        if is_large { Bytes::from_owner(Large(own)) } else { own.freeze() }
    }

    /// The batch is complete: what is left of its memory goes with it.
    pub fn end(&mut self) {
        *self = Blocks::default();
    }
}

/// From now on, memory of large events is kept for others; or no longer, and what is there is given back.
pub fn keep_spare(is_kept: bool) {
    let before = std::mem::replace(&mut *SPARE.0.lock(), is_kept.then(Vec::new));
    drop(before);
}

/// The memory of a large event.
struct Large(BytesMut);

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        SPARE.give(std::mem::take(&mut self.0));
    }
}

/// Memory that large events gave back; None: none is kept.
struct Spare(Mutex<Option<Vec<BytesMut>>>);

impl Spare {
    fn take(&self, bytes: usize) -> BytesMut {
        let fits = |spare: &BytesMut| (bytes..=4 * bytes).contains(&spare.capacity());
        let take = |spare: &mut Vec<BytesMut>| Some(spare.swap_remove(spare.iter().rposition(fits)?));
        let taken = self.0.lock().as_mut().and_then(take);
        taken.unwrap_or_else(|| BytesMut::with_capacity(bytes))
    }

    fn give(&self, mut memory: BytesMut) {
        memory.clear();
        let mut spare = self.0.lock();
        let Some(spare) = &mut *spare else { return };
        let kept: usize = spare.iter().map(BytesMut::capacity).sum();
        if spare.len() < KEPT && kept + memory.capacity() <= KEPT_BYTES {
            spare.push(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_what_was_written_and_share_chunks() {
        let mut blocks = Blocks::default();
        let mut made = Vec::new();
        for length in (0..3_000).chain([100_000, 5]) {
            let content = vec![length as u8; length];
            made.push((content.clone(), blocks.block(length, |block| block.extend_from_slice(&content))));
        }
        assert!(made.iter().all(|(content, block)| block == content));
        let small = |blocks: &mut Blocks| blocks.block(3, |block| block.extend_from_slice(b"abc")).as_ptr() as usize;
        let (first, second) = (small(&mut blocks), small(&mut blocks));
        assert_eq!(first + 3, second);
        blocks.end();
        assert_eq!(blocks.chunk.capacity(), 0);
    }

    #[test]
    fn memory_of_large_events_is_used_again_within_a_bound() {
        let spare = Spare(Mutex::new(Some(Vec::new())));
        let first = spare.take(100_000);
        let place = first.as_ptr();
        spare.give(first);
        assert!(spare.take(10_000).as_ptr() != place);
        let again = spare.take(60_000);
        assert!(again.as_ptr() == place && again.is_empty());
        let many: Vec<BytesMut> = (0..40).map(|_| spare.take(100_000)).collect();
        many.into_iter().for_each(|memory| spare.give(memory));
        let kept = spare.0.lock().as_ref().map_or(0, Vec::len);
        assert_eq!(kept, KEPT_BYTES / 100_000);
    }
}
