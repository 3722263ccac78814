//! What happens when the system gives no memory: the standard library would end the process, and that is the host.
//!
//! A thread of ours waits until there is memory again; the host does not wait for it. A call of the host gets small pieces
//! from a reserve, so that it can come to its end and say what happened; what may be large (messages, batches, settings) is
//! asked for in ways that may fail.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::threads::is_ours;

/// Bytes of the reserve. They cost nothing before they are touched.
const RESERVE: usize = 256 << 10;
/// The largest piece of the reserve.
const PIECE: usize = 16 << 10;
/// How long a thread of ours waits before it asks again.
const AGAIN: Duration = Duration::from_millis(10);

#[global_allocator]
static MEMORY: Memory = Memory;

static RESERVED: Reserve = Reserve {
    locked: AtomicBool::new(false),
    used: AtomicUsize::new(0),
    pieces: AtomicUsize::new(0),
    bytes: UnsafeCell::new([0; RESERVE]),
};

/// Whether a call of the host had better not begin: the system gives no memory, and the reserve is half used.
pub fn is_short() -> bool {
    RESERVED.used.load(Ordering::Relaxed) > RESERVE / 2
}

/// Whether the system gives so many bytes at this moment.
pub fn is_there(bytes: usize) -> bool {
    let Ok(layout) = Layout::from_size_align(bytes.max(1), 16) else { return false };
    // SAFETY: the layout has a size above 0; what was given is given back with the same layout.
    unsafe {
        let given = System.alloc(layout);
        if !given.is_null() {
            System.dealloc(given, layout);
        }
        !given.is_null()
    }
}

struct Memory;

// SAFETY: memory comes from the system's allocator, or from the reserve, whose pieces never overlap, are aligned as asked for,
// and are told from the system's by their address when they come back. Nothing in here unwinds.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        let given = unsafe { System.alloc(layout) };
        // SAFETY: as the caller says.
        if given.is_null() { otherwise(layout, || unsafe { System.alloc(layout) }) } else { given }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller says.
        let given = unsafe { System.alloc_zeroed(layout) };
        if !given.is_null() {
            return given;
        }
        // SAFETY: as the caller says; a piece of the reserve is as long as its layout.
        unsafe {
            let given = otherwise(layout, || System.alloc_zeroed(layout));
            if RESERVED.holds(given) {
                given.write_bytes(0, layout.size());
            }
            given
        }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller says; of both pieces as many bytes are valid as the smaller layout has.
        unsafe {
            let new = Layout::from_size_align_unchecked(size, layout.align());
            let is_reserved = RESERVED.holds(old);
            if !is_reserved {
                let given = System.realloc(old, layout, size);
                if !given.is_null() {
                    return given;
                }
            }
            let given = match is_reserved {
                true => self.alloc(new),
                false => otherwise(new, || System.alloc(new)),
            };
            if !given.is_null() {
                given.copy_from_nonoverlapping(old, layout.size().min(size));
                self.dealloc(old, layout);
            }
            given
        }
    }

    unsafe fn dealloc(&self, given: *mut u8, layout: Layout) {
        if RESERVED.holds(given) {
            RESERVED.give_back();
        } else {
            // SAFETY: as the caller says.
            unsafe { System.dealloc(given, layout) }
        }
    }
}

/// What takes the place of memory that the system did not give.
#[cold]
fn otherwise(layout: Layout, again: impl Fn() -> *mut u8) -> *mut u8 {
    if !is_ours() {
        return RESERVED.take(layout);
    }
    loop {
        std::thread::sleep(AGAIN);
        if let Some(given) = NonNull::new(again()) {
            return given.as_ptr();
        }
    }
}

/// Pieces are taken one behind the other; once all are back it begins from the front.
struct Reserve {
    locked: AtomicBool,
    used: AtomicUsize,
    pieces: AtomicUsize,
    bytes: UnsafeCell<[u8; RESERVE]>,
}

// SAFETY: `used` and `pieces` change under the lock; the bytes belong to whoever was given them.
unsafe impl Sync for Reserve {}

impl Reserve {
    fn holds(&self, given: *const u8) -> bool {
        (given as usize).wrapping_sub(self.bytes.get() as usize) < RESERVE
    }

    fn take(&self, layout: Layout) -> *mut u8 {
        if layout.size() > PIECE {
            return null_mut();
        }
        self.locked(|| {
            let base = self.bytes.get() as usize;
            let begin = (base + self.used.load(Ordering::Relaxed)).next_multiple_of(layout.align()) - base;
            let end = begin + layout.size();
            if end > RESERVE {
                return null_mut();
            }
            self.used.store(end, Ordering::Relaxed);
            self.pieces.fetch_add(1, Ordering::Relaxed);
            self.bytes.get().cast::<u8>().wrapping_add(begin)
        })
    }

    fn give_back(&self) {
        self.locked(|| {
            if self.pieces.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.used.store(0, Ordering::Relaxed);
            }
        });
    }

    /// The lock is held for a few instructions that call nothing.
    fn locked<T>(&self, work: impl FnOnce() -> T) -> T {
        while self.locked.swap(true, Ordering::Acquire) {
            std::hint::spin_loop();
        }
        let result = work();
        self.locked.store(false, Ordering::Release);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_the_reserve_are_aligned_apart_and_come_back() {
        let reserve = Box::new(Reserve {
            locked: AtomicBool::new(false),
            used: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
            bytes: UnsafeCell::new([0; RESERVE]),
        });
        let layout = |size, align| Layout::from_size_align(size, align).unwrap();
        let (one, two) = (reserve.take(layout(3, 1)) as usize, reserve.take(layout(64, 64)) as usize);
        assert!(two >= one + 3 && two % 64 == 0);
        assert!(reserve.holds(two as *const u8) && !reserve.holds((&raw const layout).cast()));
        assert!(reserve.take(layout(PIECE + 1, 1)).is_null());
        let more =
            std::iter::repeat_with(|| reserve.take(layout(PIECE, 8))).take_while(|piece| !piece.is_null()).count();
        assert!((RESERVE / PIECE - 1..RESERVE / PIECE).contains(&more), "{more}");
        (0..more + 2).for_each(|_| reserve.give_back());
        assert_eq!(reserve.used.load(Ordering::Relaxed), 0);
    }
}
