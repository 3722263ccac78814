//! The batch that the host holds: the events themselves, and what C sees of them. It lives until the next poll, also
//! across `disable` and `enable`.

use std::cell::UnsafeCell;
use std::collections::TryReserveError;
use std::sync::atomic::{AtomicBool, Ordering};

use super::boundary::Failure;
use super::convert::{scalar, string_of, value};
use super::status::*;
use super::types::*;
use crate::diagnostics::{Range, Refusal, failpoint};
use crate::events::{Body, Event, Output, Received, Slots};
use crate::registry::PLUGIN;

#[derive(Default)]
struct Storage {
    /// What the pointers below point into.
    events: Slots,
    /// The host saw them.
    is_handed_out: bool,
    c_events: Vec<socketio_event_t>,
    pointers: Vec<*const socketio_event_t>,
    values: Vec<socketio_value_t>,
    bytes: Vec<socketio_bytes_t>,
}

/// One poll at a time. Who holds the claim owns the storage.
struct Place {
    claimed: AtomicBool,
    storage: UnsafeCell<Option<Storage>>,
}

// SAFETY: the storage is only touched by the thread that holds the claim.
unsafe impl Sync for Place {}

static PLACE: Place = Place { claimed: AtomicBool::new(false), storage: UnsafeCell::new(None) };

/// The right to poll or wait, until it is dropped.
pub struct Lease(());

impl Drop for Lease {
    fn drop(&mut self) {
        PLACE.claimed.store(false, Ordering::Release);
    }
}

/// Claims the right to poll or wait.
pub fn claim() -> Result<Lease, Failure> {
    if PLACE.claimed.swap(true, Ordering::Acquire) {
        return Err(Failure::new(SOCKETIO_E_BUSY, "Another thread polls or waits right now."));
    }
    Ok(Lease(()))
}

impl Lease {
    fn storage(&mut self) -> &mut Storage {
        // SAFETY: this lease is the only one, so nobody else touches the storage; the borrow ends with it.
        unsafe { &mut *PLACE.storage.get() }.get_or_insert_default()
    }

    /// Lets the last batch go and takes the next one.
    pub fn fill(&mut self, max: u32) -> Result<i32, Failure> {
        let storage = self.storage();
        storage.clear();
        let max = if max == 0 { AT_ONCE } else { max as usize };
        let taken = match storage.events.is_empty() {
            true => PLUGIN.take_events(max, &mut storage.events)?,
            // The poll before this one took them and failed.
            false => Some(true),
        };
        failpoint::pass("poll", "");
        storage.lay_out().map_err(|_| Refusal::no_memory())?;
        storage.is_handed_out = true;
        Ok(if taken == Some(false) { SOCKETIO_OK } else { SOCKETIO_MORE })
    }

    /// The batch as C sees it.
    pub fn batch(&mut self) -> socketio_event_batch_t {
        let storage = self.storage();
        socketio_event_batch_t {
            struct_size: 0,
            count: storage.pointers.len() as u32,
            events: if storage.pointers.is_empty() { std::ptr::null() } else { storage.pointers.as_ptr() },
            dropped: PLUGIN.dropped_events(),
        }
    }
}

/// Events of a poll that does not say how many: they are laid out within a fraction of a frame.
const AT_ONCE: usize = 4_096;

/// Room that is kept between polls. More is given back, so that one flood is not paid for ever.
const KEPT: usize = 4_096;

impl Storage {
    fn clear(&mut self) {
        self.pointers.clear();
        self.c_events.clear();
        self.values.clear();
        self.bytes.clear();
        if !std::mem::take(&mut self.is_handed_out) {
            return;
        }
        let was = self.events.len();
        self.events.clear();
        if self.events.capacity() > KEPT && was < self.events.capacity() / 8 {
            *self = Storage::default();
        }
    }

    fn lay_out(&mut self) -> Result<(), TryReserveError> {
        let Storage { events, c_events, pointers, values, bytes, .. } = self;
        if events.is_empty() {
            return Ok(());
        }
        // All room is taken before the first pointer is made: what is pushed below never moves.
        let events = || events.iter().flatten();
        let (mut event_count, mut value_count, mut bytes_count) = (0, 0, 0);
        for event in events() {
            let (more_values, more_bytes) = counts(event);
            event_count += 1;
            value_count += more_values;
            bytes_count += more_bytes;
        }
        reserve(values, value_count)?;
        reserve(bytes, bytes_count)?;
        reserve(c_events, event_count)?;
        reserve(pointers, event_count)?;
        let room = (values.capacity(), bytes.capacity());
        for event in events() {
            let first = values.len();
            match &event.body {
                Body::Received(received) => push_received(received, values, bytes),
                Body::Outputs(outputs) => {
                    for output in outputs {
                        let next = match output {
                            Output::Attachments(list) => attachments(list, bytes),
                            other => scalar(other),
                        };
                        values.push(next);
                    }
                }
            }
            c_events.push(socketio_event_t {
                struct_size: size_of::<socketio_event_t>() as u32,
                node_type: event.node_type,
                node: event.node,
                request: event.request,
                connection: event.connection,
                sequence: event.sequence,
                time_us: event.time_us,
                pulse: event.pulse,
                status: event.error.map_or(SOCKETIO_OK, range_status),
                output_count: (values.len() - first) as u32,
                reserved: 0,
                outputs: values[first..].as_ptr(),
            });
        }
        debug_assert_eq!(room, (values.capacity(), bytes.capacity()));
        pointers.extend(c_events.iter().map(std::ptr::from_ref));
        Ok(())
    }
}

/// Takes room in an empty list: for a batch that is larger than usual no more than it needs.
fn reserve<T>(list: &mut Vec<T>, count: usize) -> Result<(), TryReserveError> {
    if count > KEPT { list.try_reserve_exact(count) } else { list.try_reserve(count) }
}

fn counts(event: &Event) -> (usize, usize) {
    match &event.body {
        Body::Received(received) => (RECEIVED_OUTPUTS, received.attachments.len()),
        Body::Outputs(outputs) => (
            outputs.len(),
            outputs
                .iter()
                .map(|output| match output {
                    Output::Attachments(list) => list.len(),
                    _ => 0,
                })
                .sum(),
        ),
    }
}

/// Outputs of On Socket.IO Receive.
const RECEIVED_OUTPUTS: usize = 7;

fn push_received(received: &Received, values: &mut Vec<socketio_value_t>, bytes: &mut Vec<socketio_bytes_t>) {
    use socketio_value_as_t as As;
    let texts = &received.texts;
    let text = |(start, end): (u32, u32)| string_of(&texts.block[start as usize..end as usize]);
    let namespace = string_of(received.namespace.as_bytes());
    values.extend([
        value(SOCKETIO_TYPE_PULSE, As { boolean: 1 }),
        value(SOCKETIO_TYPE_STRING, As { string: namespace }),
        value(SOCKETIO_TYPE_STRING, As { string: text(texts.name) }),
        value(SOCKETIO_TYPE_STRING, As { string: text(texts.message) }),
        value(SOCKETIO_TYPE_JSON, As { string: text(texts.arguments) }),
        attachments(&received.attachments, bytes),
        value(SOCKETIO_TYPE_INT, As { integer: received.reply_id as i64 }),
    ]);
}

fn attachments(list: &[bytes::Bytes], bytes: &mut Vec<socketio_bytes_t>) -> socketio_value_t {
    let first = bytes.len();
    bytes.extend(list.iter().map(|item| socketio_bytes_t { ptr: item.as_ptr(), len: item.len() }));
    let list = socketio_bytes_list_t { ptr: bytes[first..].as_ptr(), len: list.len() };
    value(SOCKETIO_TYPE_BYTES_LIST, socketio_value_as_t { bytes_list: list })
}

/// The status that stands for a range of errors.
pub fn range_status(range: Range) -> i32 {
    match range {
        Range::Network => SOCKETIO_E_NETWORK,
        Range::Protocol => SOCKETIO_E_PROTOCOL,
        Range::Refused => SOCKETIO_E_REFUSED,
        Range::NoAnswer => SOCKETIO_E_NO_ANSWER,
        Range::Message => SOCKETIO_E_MESSAGE,
        Range::NotConnected => SOCKETIO_E_NOT_CONNECTED,
        Range::QueueFull => SOCKETIO_E_QUEUE_FULL,
        Range::Settings => SOCKETIO_E_SETTINGS,
        Range::Internal => SOCKETIO_E_PANIC,
    }
}
