//! The text of the last failure of each thread. Plain bytes without a destructor, so that nothing of ours runs when a
//! thread of the host ends.

use std::cell::RefCell;
use std::ffi::c_char;

/// Bytes kept for a thread, without the NUL.
const CAPACITY: usize = 8 << 10;

struct Buffer {
    len: usize,
    bytes: [u8; CAPACITY],
}

thread_local! {
    static LAST: RefCell<Buffer> = const { RefCell::new(Buffer { len: 0, bytes: [0; CAPACITY] }) };
}

/// Keeps a text. A longer one is cut, and says so.
pub fn set(text: &str) {
    const CUT: &str = "\n(and more)";
    LAST.with_borrow_mut(|buffer| {
        let whole = text.len() <= CAPACITY;
        let kept = if whole { text } else { head(text, CAPACITY - CUT.len()) };
        buffer.bytes[..kept.len()].copy_from_slice(kept.as_bytes());
        buffer.len = kept.len();
        if !whole {
            buffer.bytes[kept.len()..kept.len() + CUT.len()].copy_from_slice(CUT.as_bytes());
            buffer.len += CUT.len();
        }
    });
}

/// Copies the text as `snprintf` does, cut between characters. Returns its length.
///
/// # Safety
/// `buf` is NULL or valid for writing `cap` bytes.
pub unsafe fn copy_out(buf: *mut c_char, cap: usize) -> usize {
    LAST.with_borrow(|buffer| {
        if !buf.is_null() && cap > 0 {
            // Only text was put in.
            let text = std::str::from_utf8(&buffer.bytes[..buffer.len]).unwrap_or_default();
            let text = head(text, cap - 1);
            // SAFETY: `text.len() < cap`, and the caller says that `cap` bytes are valid; the buffer is ours.
            unsafe {
                std::ptr::copy_nonoverlapping(text.as_ptr(), buf.cast(), text.len());
                buf.add(text.len()).write(0);
            }
        }
        buffer.len
    })
}

/// As much of a text as fits, cut between characters.
fn head(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(cap: usize) -> (usize, String) {
        let mut buffer = vec![0x55u8; cap + 1];
        // SAFETY: `cap` bytes and one more are there.
        let len = unsafe { copy_out(buffer.as_mut_ptr().cast(), cap) };
        assert_eq!(buffer[cap], 0x55, "wrote behind the end");
        let end = buffer[..cap].iter().position(|&byte| byte == 0).unwrap();
        (len, String::from_utf8(buffer[..end].to_vec()).unwrap())
    }

    #[test]
    fn texts_are_cut_between_characters() {
        set("aé");
        assert_eq!(copied(8), (3, "aé".into()));
        assert_eq!(copied(4), (3, "aé".into()));
        assert_eq!(copied(3), (3, "a".into()));
        assert_eq!(copied(1), (3, String::new()));
        // SAFETY: nothing is written to NULL.
        assert_eq!(unsafe { copy_out(std::ptr::null_mut(), 0) }, 3);
    }

    #[test]
    fn a_long_text_says_that_it_was_cut() {
        set(&"é".repeat(CAPACITY));
        let (len, text) = copied(CAPACITY + 1);
        assert_eq!(len, text.len());
        assert!(len <= CAPACITY && text.ends_with("é\n(and more)"));
    }
}
