//! Text for C: UTF-8 with a final NUL.

use std::fmt;
use std::sync::Arc;

/// Text with a NUL behind it. Cheap to clone.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    /// A text of the program.
    Static(&'static std::ffi::CStr),
    /// With the NUL.
    Shared(Arc<[u8]>),
}

impl Text {
    /// A text of the program.
    pub const fn constant(text: &'static std::ffi::CStr) -> Text {
        Text(Repr::Static(text))
    }

    /// The text without its NUL.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Static(text) => text.to_bytes(),
            Repr::Shared(text) => &text[..text.len() - 1],
        }
    }
}

impl<T: AsRef<str>> From<T> for Text {
    fn from(text: T) -> Text {
        let text = text.as_ref().as_bytes();
        Text(Repr::Shared(text.iter().copied().chain(std::iter::once(0)).collect()))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}
