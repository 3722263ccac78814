//! What a call of the host comes to, before the boundary turns it into a status.

/// A call that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It was so already.
    Already,
    /// Done, with warnings.
    Note(String),
}

/// Why a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// An argument is wrong.
    Invalid,
    /// The plugin is not in the state for it.
    State,
    /// There is no such thing.
    NotFound,
    /// It is gone.
    Stale,
    /// A value has the wrong type.
    Type,
    /// The settings have errors.
    Settings,
    /// It can't be done here.
    Unsupported,
    /// Something else is going on.
    Busy,
    /// The connection's queue is full.
    QueueFull,
    /// The time limit passed.
    Timeout,
    /// The system gave no thread, descriptor or memory.
    Resources,
}

/// A call that was not carried out: nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub kind: RefusalKind,
    /// A sentence for it.
    pub text: String,
}

impl Refusal {
    /// A refusal with a sentence.
    pub fn new(kind: RefusalKind, text: impl Into<String>) -> Refusal {
        Refusal { kind, text: text.into() }
    }

    /// The connection was there once.
    pub fn stale() -> Refusal {
        Refusal::new(
            RefusalKind::Stale,
            "This connection was removed from Project Settings, or the plugin was deactivated since.",
        )
    }

    /// The system gives no memory.
    pub fn no_memory() -> Refusal {
        Refusal::new(RefusalKind::Resources, "The system gives no memory. Nothing was done; try again later.")
    }

    /// The plugin is not activated.
    pub fn not_enabled() -> Refusal {
        Refusal::new(RefusalKind::State, "The Socket.IO plugin is deactivated. Activate it in the Plugins Editor.")
    }
}
