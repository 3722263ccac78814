//! What went wrong and what to do: the error catalogue, refusals of calls, the log, masking of secrets.

mod catalogue;
pub mod clock;
pub mod failpoint;
pub mod log;
mod outcome;
mod panics;
mod problem;
mod redact;
mod spelling;

pub use catalogue::{Code, Range, errors_markdown};
pub use outcome::{Outcome, Refusal, RefusalKind};
pub use panics::{describe_panic, route_panics};
pub use problem::Problem;
pub use redact::{Secrets, is_secret_name, one_line, shortened};
pub use spelling::nearest;
