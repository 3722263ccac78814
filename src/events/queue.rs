//! The queue between the plugin's thread and the host's.
//!
//! The plugin's thread appends what one read of a socket brought, under one lock; the host takes all of it under
//! one lock. Neither holds the lock for longer than moving the events. Data is bounded for each connection, by count
//! and by bytes; what is never dropped is bounded by what causes it: calls of the host, and attempts to connect, which
//! wait for a host that does not poll.

use std::collections::{HashMap, TryReserveError, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};

use super::{Class, Event};
use crate::platform::WakeHandle;

/// How much data of one connection may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboundLimits {
    /// Events.
    pub events: usize,
    /// Bytes.
    pub bytes: usize,
}

/// What an append had to drop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overflow {
    /// Events dropped now.
    pub dropped: u64,
    /// Whether it is the first time since the host last took everything.
    pub first: bool,
    /// What is never dropped had more bytes than the limit already, and became more.
    pub kept_too_much: bool,
}

/// What waits of one connection and is never dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Events.
    pub events: usize,
    /// Bytes.
    pub bytes: usize,
}

type WakeCallback = Box<dyn Fn() + Send + Sync>;

/// See the module.
pub struct EventQueue {
    /// Events waiting; read without the lock.
    waiting: AtomicUsize,
    /// Events dropped since it was opened; read without the lock.
    dropped: AtomicU64,
    /// No more waiting. Changed under the lock, read without it.
    closed: AtomicBool,
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Set and cleared without the lock of the queue: the system may run the host the moment it is set, and the host
    /// must not find the queue locked then.
    handle: RwLock<Option<WakeHandle>>,
}

/// Events in their order. None: one that was dropped or replaced after it was appended.
pub type Slots = VecDeque<Option<Event>>;

struct Inner {
    slots: Slots,
    /// Number of the first slot, counted from the beginning of time.
    first_slot: u64,
    live: usize,
    connections: HashMap<u64, Waiting>,
    next_sequence: u64,
    waiters: usize,
    wake: Option<Arc<WakeCallback>>,
}

/// What waits of one connection.
#[derive(Default)]
struct Waiting {
    kept: Kept,
    /// Numbers of the slots of its data, the oldest first; may hold some that were taken or replaced.
    slots: VecDeque<u64>,
    count: usize,
    bytes: usize,
    latest: HashMap<u64, u64>,
    overflowing: bool,
}

impl Default for EventQueue {
    fn default() -> EventQueue {
        EventQueue {
            waiting: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            closed: AtomicBool::new(true),
            inner: Mutex::new(Inner {
                slots: VecDeque::new(),
                first_slot: 0,
                live: 0,
                connections: HashMap::new(),
                next_sequence: 1,
                waiters: 0,
                wake: None,
            }),
            changed: Condvar::new(),
            handle: RwLock::new(None),
        }
    }
}

/// Room that is kept between polls; holes that are borne.
const KEPT_SLOTS: usize = 4_096;

/// How often a poll looks again when the plugin's thread holds the lock. It holds it for moving a few events.
const POLL_SPINS: usize = 200;

impl EventQueue {
    /// Empties the queue and counts from the beginning. `wake` is called when it becomes not empty.
    pub fn open(&self, wake: Option<WakeCallback>) {
        let mut inner = self.inner.lock();
        inner.clear();
        inner.next_sequence = 1;
        self.closed.store(false, Ordering::SeqCst);
        inner.wake = wake.map(Arc::new);
        self.waiting.store(0, Ordering::SeqCst);
        self.dropped.store(0, Ordering::Relaxed);
    }

    /// No more waiting: whoever waits is told, the wake handle is closed. Events stay.
    pub fn close(&self) {
        let mut inner = self.inner.lock();
        self.closed.store(true, Ordering::SeqCst);
        inner.wake = None;
        drop(inner);
        self.changed.notify_all();
        *self.handle.write() = None;
    }

    /// The wake handle, made at its first use: hosts that poll each frame pay nothing for it. None: the queue is closed.
    pub fn wake_handle(&self) -> std::io::Result<Option<isize>> {
        let mut place = self.handle.write();
        if self.closed.load(Ordering::SeqCst) {
            return Ok(None);
        }
        if let Some(handle) = &*place {
            return Ok(Some(handle.value()));
        }
        let handle = place.insert(WakeHandle::new()?);
        let value = handle.value();
        drop(place);
        self.update_handle();
        Ok(Some(value))
    }

    /// Makes the handle say what the queue says. Events are appended by one thread only, so after the last look of
    /// either side both agree.
    fn update_handle(&self) {
        let handle = self.handle.read();
        let Some(handle) = &*handle else { return };
        if self.waiting.load(Ordering::SeqCst) > 0 {
            handle.set();
            if self.waiting.load(Ordering::SeqCst) > 0 {
                return;
            }
        }
        handle.clear();
        if self.waiting.load(Ordering::SeqCst) > 0 {
            handle.set();
        }
    }

    /// Appends events of one connection, in order; adds to `dropped` what had to go before anybody can see what came
    /// instead. Called by the plugin's thread only.
    pub fn append(
        &self,
        connection: u64,
        events: &mut Vec<Event>,
        limits: InboundLimits,
        dropped: &AtomicU64,
    ) -> Overflow {
        if events.is_empty() {
            return Overflow::default();
        }
        let mut inner = self.inner.lock();
        let was_empty = inner.live == 0;
        let mut lost = Vec::new();
        let overflow = inner.append(connection, events, limits, &mut lost);
        let is_empty = inner.live == 0;
        self.waiting.store(inner.live, Ordering::SeqCst);
        self.dropped.fetch_add(overflow.dropped, Ordering::Relaxed);
        dropped.fetch_add(overflow.dropped, Ordering::Relaxed);
        let (waiters, wake) = (inner.waiters, inner.wake.clone().filter(|_| was_empty && !is_empty));
        // Nobody who is woken may find the queue locked, and giving memory back takes time.
        drop(inner);
        drop(lost);
        if waiters > 0 {
            self.changed.notify_all();
        }
        if was_empty && !is_empty {
            self.update_handle();
            if let Some(wake) = wake {
                wake();
            }
        }
        overflow
    }

    /// Moves up to `max` events into `out`, which is empty. None: the lock was taken, ask again. Some(true): more are waiting. An error: there
    /// is no memory for them, and they stay.
    pub fn take(&self, max: usize, out: &mut Slots) -> Result<Option<bool>, TryReserveError> {
        if self.is_empty() {
            return Ok(Some(false));
        }
        let Some(mut inner) = self.try_lock() else { return Ok(None) };
        if max < inner.live {
            out.try_reserve(max)?;
        }
        inner.take(max, out);
        let more = inner.live > 0;
        self.waiting.store(inner.live, Ordering::SeqCst);
        drop(inner);
        if !more {
            self.update_handle();
        }
        Ok(Some(more))
    }

    /// What waits of a connection and is never dropped.
    pub fn kept(&self, connection: u64) -> Kept {
        self.inner.lock().connections.get(&connection).map_or(Kept::default(), |waiting| waiting.kept)
    }

    /// Events dropped since [`EventQueue::open`].
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0
    }

    /// Waits until an event is there. None: the queue was closed.
    pub fn wait(&self, timeout: Duration) -> Option<bool> {
        if !self.is_empty() {
            return Some(true);
        }
        let deadline = Instant::now() + timeout;
        let Some(mut inner) = self.inner.try_lock_until(deadline) else { return Some(false) };
        inner.waiters += 1;
        while inner.live == 0 && !self.closed.load(Ordering::SeqCst) {
            if self.changed.wait_until(&mut inner, deadline).timed_out() {
                break;
            }
        }
        inner.waiters -= 1;
        if inner.live > 0 {
            Some(true)
        } else if self.closed.load(Ordering::SeqCst) {
            None
        } else {
            Some(false)
        }
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Inner>> {
        for _ in 0..POLL_SPINS {
            if let Some(inner) = self.inner.try_lock() {
                return Some(inner);
            }
            std::hint::spin_loop();
        }
        None
    }
}

impl Inner {
    fn clear(&mut self) {
        self.first_slot += self.slots.len() as u64;
        self.slots.clear();
        self.live = 0;
        self.connections.clear();
    }

    fn append(
        &mut self,
        connection: u64,
        events: &mut Vec<Event>,
        limits: InboundLimits,
        lost: &mut Vec<Event>,
    ) -> Overflow {
        let mut overflow = Overflow::default();
        let Inner { slots, first_slot, live, connections, next_sequence, .. } = self;
        let data = connections.entry(connection).or_default();
        let begin = slots.len();
        slots.extend(events.drain(..).map(Some));
        *live += slots.len() - begin;
        // Looked at where they are: moving them is most of what this costs.
        for index in begin..slots.len() {
            let Some(event) = &mut slots[index] else { continue };
            event.sequence = *next_sequence;
            *next_sequence += 1;
            let (class, size) = (event.class, event.size());
            if class == Class::Kept {
                overflow.kept_too_much |= data.kept.bytes > limits.bytes;
                data.kept.events += 1;
                data.kept.bytes += size;
                continue;
            }
            let slot = *first_slot + index as u64;
            if let Class::Latest(key) = class
                && let Some(earlier) = data.latest.insert(key, slot)
                && let Some(replaced) = take_slot(slots, *first_slot, earlier)
            {
                *live -= 1;
                data.count -= 1;
                data.bytes -= replaced.size();
                lost.push(replaced);
            }
            data.count += 1;
            data.bytes += size;
            data.slots.push_back(slot);
        }
        while data.count > limits.events || (data.bytes > limits.bytes && data.count > 1) {
            let Some(oldest) = data.slots.pop_front() else { break };
            if let Some(dropped) = take_slot(slots, *first_slot, oldest) {
                *live -= 1;
                data.count -= 1;
                data.bytes -= dropped.size();
                lost.push(dropped);
                overflow.dropped += 1;
                overflow.first |= !std::mem::replace(&mut data.overflowing, true);
            }
        }
        // What is dropped is mostly the oldest of all.
        while let Some(None) = slots.front() {
            slots.pop_front();
            *first_slot += 1;
        }
        self.close_holes();
        overflow
    }

    /// Takes the holes out when they are many, so that a host that never polls costs no more than the limits.
    fn close_holes(&mut self) {
        if self.slots.len() <= self.live + self.live / 4 + KEPT_SLOTS {
            return;
        }
        self.first_slot += self.slots.len() as u64;
        self.slots.retain(Option::is_some);
        for data in self.connections.values_mut() {
            data.slots.clear();
            data.latest.clear();
        }
        for (event, slot) in self.slots.iter().flatten().zip(self.first_slot..) {
            if let (Class::Data | Class::Latest(_), Some(data)) =
                (event.class, self.connections.get_mut(&event.connection))
            {
                data.slots.push_back(slot);
                if let Class::Latest(key) = event.class {
                    data.latest.insert(key, slot);
                }
            }
        }
    }

    fn take(&mut self, max: usize, out: &mut Slots) {
        if max >= self.live {
            self.first_slot += self.slots.len() as u64;
            std::mem::swap(&mut self.slots, out);
            self.live = 0;
            // Nothing waits any more, of any connection. Keep the memory of those that were busy.
            self.connections.retain(|_, data| {
                let used = data.count > 0 && data.slots.capacity() <= KEPT_SLOTS;
                data.slots.clear();
                data.latest.clear();
                (data.kept, data.count, data.bytes, data.overflowing) = (Kept::default(), 0, 0, false);
                used
            });
            return;
        }
        while out.len() < max {
            let Some(slot) = self.slots.pop_front() else { break };
            self.first_slot += 1;
            let Some(event) = slot else { continue };
            self.live -= 1;
            let data = self.connections.get_mut(&event.connection);
            if event.class == Class::Kept {
                if let Some(data) = data {
                    data.kept.events -= 1;
                    data.kept.bytes -= event.size();
                }
            } else if let Some(data) = data {
                data.count -= 1;
                data.bytes -= event.size();
                while data.slots.front().is_some_and(|&slot| slot < self.first_slot) {
                    data.slots.pop_front();
                }
                if let Class::Latest(key) = event.class
                    && data.latest.get(&key).is_some_and(|&slot| slot < self.first_slot)
                {
                    data.latest.remove(&key);
                }
            }
            out.push_back(Some(event));
        }
    }
}

fn take_slot(slots: &mut Slots, first: u64, slot: u64) -> Option<Event> {
    slots.get_mut(slot.checked_sub(first)? as usize)?.take()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Body, Output};

    const NO_LIMITS: InboundLimits = InboundLimits { events: usize::MAX, bytes: usize::MAX };

    fn event(connection: u64, class: Class, mark: i64) -> Event {
        Event { class, ..Event::of(1, connection, vec![Output::Int(mark)]) }
    }

    fn marks(events: &[Event]) -> Vec<i64> {
        events
            .iter()
            .map(|event| match &event.body {
                Body::Outputs(outputs) => match outputs[0] {
                    Output::Int(mark) => mark,
                    _ => -1,
                },
                Body::Received(_) => -1,
            })
            .collect()
    }

    fn append(queue: &EventQueue, connection: u64, events: &mut Vec<Event>, limits: InboundLimits) -> Overflow {
        let dropped = AtomicU64::new(0);
        let overflow = queue.append(connection, events, limits, &dropped);
        assert_eq!(dropped.into_inner(), overflow.dropped);
        overflow
    }

    fn queue() -> EventQueue {
        let queue = EventQueue::default();
        queue.open(None);
        queue
    }

    fn take_all(queue: &EventQueue) -> Vec<Event> {
        taken(queue, usize::MAX).1
    }

    fn taken(queue: &EventQueue, max: usize) -> (Option<bool>, Vec<Event>) {
        let mut out = Slots::new();
        let more = queue.take(max, &mut out).unwrap();
        (more, out.into_iter().flatten().collect())
    }

    #[test]
    fn the_oldest_data_of_the_same_connection_goes_first_and_life_cycle_stays() {
        let queue = queue();
        let limits = InboundLimits { events: 2, bytes: usize::MAX };
        append(&queue, 7, &mut vec![event(7, Class::Data, 70)], limits);
        let mut events = vec![event(8, Class::Kept, 0)];
        events.extend((1..=4).map(|mark| event(8, Class::Data, mark)));
        let overflow = append(&queue, 8, &mut events, limits);
        assert_eq!(overflow, Overflow { dropped: 2, first: true, kept_too_much: false });
        let overflow = append(&queue, 8, &mut vec![event(8, Class::Data, 5)], limits);
        assert_eq!(overflow, Overflow { dropped: 1, first: false, kept_too_much: false });
        let taken = take_all(&queue);
        assert_eq!(marks(&taken), [70, 0, 4, 5]);
        assert_eq!(taken.iter().map(|e| e.sequence).collect::<Vec<_>>(), [1, 2, 6, 7]);
        assert_eq!(queue.dropped(), 3);
        assert!(append(&queue, 8, &mut (6..9).map(|m| event(8, Class::Data, m)).collect(), limits).first);
    }

    #[test]
    fn a_single_event_over_the_byte_limit_is_still_delivered() {
        let queue = queue();
        let limits = InboundLimits { events: 10, bytes: 1 };
        assert_eq!(append(&queue, 1, &mut vec![event(1, Class::Data, 1)], limits).dropped, 0);
        assert_eq!(append(&queue, 1, &mut vec![event(1, Class::Data, 2)], limits).dropped, 1);
        assert_eq!(marks(&take_all(&queue)), [2]);
    }

    #[test]
    fn latest_per_poll_keeps_one_of_each_key() {
        let queue = queue();
        let mut events = vec![
            event(1, Class::Latest(1), 10),
            event(1, Class::Data, 1),
            event(1, Class::Latest(2), 20),
            event(1, Class::Latest(1), 11),
        ];
        append(&queue, 1, &mut events, NO_LIMITS);
        assert_eq!(marks(&take_all(&queue)), [1, 20, 11]);
        append(&queue, 1, &mut vec![event(1, Class::Latest(1), 12)], NO_LIMITS);
        assert_eq!(marks(&take_all(&queue)), [12]);
    }

    #[test]
    fn a_host_that_never_polls_costs_no_more_than_the_limits() {
        let queue = queue();
        let limits = InboundLimits { events: 10, bytes: usize::MAX };
        append(&queue, 1, &mut vec![event(1, Class::Kept, -1)], limits);
        for mark in 0..50_000 {
            let class = if mark % 2 == 0 { Class::Data } else { Class::Latest(7) };
            append(&queue, 1, &mut vec![event(1, class, mark)], limits);
        }
        let slots = queue.inner.lock().slots.len();
        assert!(slots <= 2 * 11 + KEPT_SLOTS + 1, "{slots} slots for 11 events");
        let expected: Vec<i64> = [-1].into_iter().chain((0..9).map(|i| 49_982 + 2 * i)).chain([49_999]).collect();
        assert_eq!(marks(&take_all(&queue)), expected);
        append(&queue, 1, &mut vec![event(1, Class::Latest(7), 1), event(1, Class::Latest(7), 2)], limits);
        assert_eq!(marks(&take_all(&queue)), [2]);
    }

    #[test]
    fn a_small_poll_leaves_the_rest_in_order_and_within_its_limits() {
        let queue = queue();
        let limits = InboundLimits { events: 3, bytes: usize::MAX };
        append(&queue, 1, &mut (0..3).map(|m| event(1, Class::Data, m)).collect(), limits);
        let (more, out) = taken(&queue, 2);
        assert_eq!((more, marks(&out)), (Some(true), vec![0, 1]));
        assert_eq!(append(&queue, 1, &mut (3..5).map(|m| event(1, Class::Data, m)).collect(), limits).dropped, 0);
        assert_eq!(append(&queue, 1, &mut vec![event(1, Class::Data, 5)], limits).dropped, 1);
        assert_eq!(marks(&take_all(&queue)), [3, 4, 5]);
        assert_eq!(taken(&queue, 1).0, Some(false));
    }

    #[test]
    fn what_is_never_dropped_is_counted_until_it_is_taken() {
        let queue = queue();
        let mut events: Vec<Event> = (0..3).map(|mark| event(1, Class::Kept, mark)).collect();
        events.push(event(1, Class::Data, 3));
        append(&queue, 1, &mut events, NO_LIMITS);
        assert_eq!((queue.kept(1).events, queue.kept(2)), (3, Kept::default()));
        let bytes = queue.kept(1).bytes;
        taken(&queue, 2);
        assert_eq!((queue.kept(1).events, queue.kept(1).bytes), (1, bytes / 3));
        take_all(&queue);
        assert_eq!(queue.kept(1), Kept::default());
        let limits = InboundLimits { events: 10, bytes: size_of::<Event>() };
        let mut overflows = (0..3).map(|mark| append(&queue, 1, &mut vec![event(1, Class::Kept, mark)], limits));
        assert!(!overflows.next().unwrap().kept_too_much && !overflows.next().unwrap().kept_too_much);
        assert!(overflows.next().unwrap().kept_too_much);
        drop(overflows);
        assert_eq!(marks(&take_all(&queue)), [0, 1, 2]);
    }

    #[test]
    fn waiting_ends_by_an_event_or_by_closing() {
        let queue = queue();
        assert_eq!(queue.wait(Duration::from_millis(1)), Some(false));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| queue.wait(Duration::from_secs(30)));
            append(&queue, 1, &mut vec![event(1, Class::Kept, 1)], NO_LIMITS);
            assert_eq!(waiter.join().unwrap(), Some(true));
            take_all(&queue);
            let waiter = scope.spawn(|| queue.wait(Duration::from_secs(30)));
            queue.close();
            assert_eq!(waiter.join().unwrap(), None);
        });
    }
}
