//! What every exported function runs in: no panic leaves it, no callback re-enters it, every failure leaves a text.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::last_error;
use super::status::*;
use crate::diagnostics::{Outcome, Refusal, RefusalKind, describe_panic};
use crate::platform::{is_left_behind, is_short, is_there, stay};

/// A call that failed: its status, and a sentence for it.
#[derive(Debug)]
pub struct Failure {
    pub status: i32,
    pub text: String,
}

impl Failure {
    /// A failure with a sentence.
    pub fn new(status: i32, text: impl Into<String>) -> Failure {
        Failure { status, text: text.into() }
    }

    /// An argument is wrong.
    pub fn invalid(text: impl Into<String>) -> Failure {
        Failure::new(SOCKETIO_E_INVALID, text)
    }

    /// Puts in front what the sentence is about.
    pub fn about(self, subject: &str) -> Failure {
        Failure { text: format!("{subject} {}", self.text), ..self }
    }

    /// An argument is NULL that must not be.
    pub fn null(name: &str) -> Failure {
        Failure::invalid(format!("{name} is NULL."))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let status = match refusal.kind {
            RefusalKind::Invalid => SOCKETIO_E_INVALID,
            RefusalKind::State => SOCKETIO_E_STATE,
            RefusalKind::NotFound => SOCKETIO_E_NOT_FOUND,
            RefusalKind::Stale => SOCKETIO_E_STALE,
            RefusalKind::Type => SOCKETIO_E_TYPE,
            RefusalKind::Settings => SOCKETIO_E_SETTINGS,
            RefusalKind::Unsupported => SOCKETIO_E_UNSUPPORTED,
            RefusalKind::Busy => SOCKETIO_E_BUSY,
            RefusalKind::QueueFull => SOCKETIO_E_QUEUE_FULL,
            RefusalKind::Timeout => SOCKETIO_E_TIMEOUT,
            RefusalKind::Resources => SOCKETIO_E_RESOURCES,
        };
        Failure::new(status, refusal.text)
    }
}

/// What a call can come to.
pub trait IntoStatus {
    /// Its status; leaves a text where there is one.
    fn into_status(self) -> i32;
}

impl IntoStatus for i32 {
    fn into_status(self) -> i32 {
        self
    }
}

impl IntoStatus for Outcome {
    fn into_status(self) -> i32 {
        match self {
            Outcome::Done => SOCKETIO_OK,
            Outcome::Already => SOCKETIO_ALREADY,
            Outcome::Note(text) => {
                last_error::set(&text);
                SOCKETIO_NOTE
            }
        }
    }
}

/// Whether a function may be called from inside a callback of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reentrancy {
    /// It may.
    Allowed,
    /// It gets SOCKETIO_E_BUSY.
    Refused,
}

thread_local! {
    // No destructor: nothing of ours runs when a thread of the host ends.
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs a callback of the host, during which this thread may not call us.
pub fn in_callback(callback: impl FnOnce()) {
    let outer = IN_CALLBACK.replace(true);
    callback();
    IN_CALLBACK.set(outer);
}

/// The body of an exported function that returns a status.
pub fn call<T: IntoStatus>(reentrancy: Reentrancy, body: impl FnOnce() -> Result<T, Failure>) -> i32 {
    guarded(SOCKETIO_E_PANIC, || {
        if reentrancy == Reentrancy::Refused && IN_CALLBACK.get() {
            last_error::set("This function can't be called from inside a callback. Post it to your own loop.");
            return SOCKETIO_E_BUSY;
        }
        if reentrancy == Reentrancy::Refused && is_left_behind() {
            last_error::set(
                "This process was forked while the plugin was activated; only the other one has its threads.",
            );
            return SOCKETIO_E_STATE;
        }
        match body() {
            Ok(value) => value.into_status(),
            Err(failure) => {
                last_error::set(&failure.text);
                failure.status
            }
        }
    })
}

/// Refuses a call that may need up to so many bytes at once, if the system does not give them.
pub fn needs_memory(bytes: usize) -> Result<(), Refusal> {
    if is_short() || (bytes > 0 && !is_there(bytes)) { Err(Refusal::no_memory()) } else { Ok(()) }
}

/// Keeps a panic in: `panicked` is returned instead. And keeps the library in the process.
pub fn guarded<T>(panicked: T, body: impl FnOnce() -> T) -> T {
    // Where that fails, `enable` says so; the other calls do not need it yet.
    let _ = stay();
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(panic) => {
            // Neither the text nor dropping what was thrown may panic past this line.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                last_error::set(&format!("A fault inside the plugin: {}.", describe_panic(&*panic)));
            }));
            let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
            panicked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_text() -> String {
        let mut buffer = [0 as std::ffi::c_char; 256];
        // SAFETY: the buffer is as long as it is said to be.
        let len = unsafe { last_error::copy_out(buffer.as_mut_ptr(), buffer.len()) };
        buffer[..len].iter().map(|&byte| byte as u8 as char).collect()
    }

    #[test]
    fn a_panic_becomes_a_status_with_a_text() {
        crate::diagnostics::route_panics();
        let status = call::<i32>(Reentrancy::Refused, || panic!("planted {}", 42));
        assert_eq!(status, SOCKETIO_E_PANIC);
        assert_eq!(last_text(), "A fault inside the plugin: planted 42.");
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("in drop");
            }
        }
        assert_eq!(call::<i32>(Reentrancy::Refused, || std::panic::panic_any(Bomb)), SOCKETIO_E_PANIC);
    }

    #[test]
    fn callbacks_do_not_re_enter() {
        in_callback(|| {
            assert_eq!(call(Reentrancy::Refused, || Ok(SOCKETIO_OK)), SOCKETIO_E_BUSY);
            assert_eq!(call(Reentrancy::Allowed, || Ok(SOCKETIO_OK)), SOCKETIO_OK);
        });
        assert_eq!(call(Reentrancy::Refused, || Ok(SOCKETIO_OK)), SOCKETIO_OK);
    }
}
