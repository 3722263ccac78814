//! Bugs on purpose, in builds for sanitizers only (`--cfg planted_bug`): a run that does not find them finds nothing.
//! `tests/c/planted_bugs.c` calls them, `cargo xtask sanitize` sees to it that they are reported.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::thread;

/// Reads what was freed.
#[unsafe(no_mangle)]
pub extern "C" fn socketio_planted_use_after_free() -> u32 {
    let value = Box::into_raw(Box::new(7));
    // SAFETY: none; this is the bug.
    unsafe {
        drop(Box::from_raw(black_box(value)));
        value.read_volatile()
    }
}

/// Reads the byte behind a block of memory.
#[unsafe(no_mangle)]
pub extern "C" fn socketio_planted_overflow() -> u8 {
    let bytes = vec![7u8; 16];
    // SAFETY: none; this is the bug.
    unsafe { black_box(bytes.as_ptr()).add(bytes.len()).read_volatile() }
}

/// Loses a block of memory.
#[unsafe(no_mangle)]
pub extern "C" fn socketio_planted_leak() {
    black_box(Box::into_raw(Box::new([7u8; 1000])));
}

/// Two threads count without a lock.
#[unsafe(no_mangle)]
pub extern "C" fn socketio_planted_race() -> u32 {
    struct Count(UnsafeCell<u32>);
    // SAFETY: none; this is the bug.
    unsafe impl Sync for Count {}
    static COUNT: Count = Count(UnsafeCell::new(0));
    fn count() {
        // SAFETY: none; this is the bug.
        unsafe { *COUNT.0.get() += 1 };
    }
    let other = thread::spawn(count);
    count();
    let _ = other.join();
    // SAFETY: the other thread has ended.
    unsafe { *COUNT.0.get() }
}

/// A thread of the library writes where the host reads at the same time.
#[unsafe(no_mangle)]
pub extern "C" fn socketio_planted_shared(number: *mut u32) {
    let address = number as usize;
    let writer = thread::spawn(move || {
        // SAFETY: none; this is the bug.
        unsafe { (address as *mut u32).write_volatile(7) };
    });
    drop(writer);
}
