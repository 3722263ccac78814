//! Faults on purpose, so that tests can show what a fault comes to. Debug builds only: in a release build there is nothing
//! of it.
//!
//! The environment variable `SOCKETIO_FAILPOINT` names a place, or a place and a connection: `receive` or `receive:main`.
//! It is read by `enable`; the first pass of that place panics, the next ones don't.

#[cfg(debug_assertions)]
static ARMED: parking_lot::Mutex<Option<String>> = parking_lot::Mutex::new(None);

/// Reads which place is to fail.
pub fn arm() {
    #[cfg(debug_assertions)]
    {
        *ARMED.lock() = std::env::var("SOCKETIO_FAILPOINT").ok();
    }
}

/// A place that may be named. `subject`: the name of the connection, if there is one.
#[inline]
pub fn pass(place: &str, subject: &str) {
    #[cfg(debug_assertions)]
    {
        let is_named =
            |armed: &mut String| *armed == place || armed.strip_prefix(place) == Some(&format!(":{subject}"));
        if ARMED.lock().take_if(is_named).is_some() {
            panic!("a fault on purpose in {place}");
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = (place, subject);
}
