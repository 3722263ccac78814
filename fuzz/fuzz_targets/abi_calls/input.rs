//! The input as a text: letters for calls, digits for choices, lines for texts. Every byte string is some sequence of
//! calls, and a seed can be read.

pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    /// The letter of the next call. None: the input has come to its end.
    pub fn letter(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// A choice: '0' is 0, and so on through all bytes; 0 at the end.
    pub fn digit(&mut self) -> u8 {
        self.letter().map_or(0, |byte| byte.wrapping_sub(b'0'))
    }

    /// The rest of a line, without its end.
    pub fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| byte == b'\n').unwrap_or(self.0.len());
        let line = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        line
    }

    /// Lines up to an empty one.
    pub fn lines(&mut self) -> Vec<&'a [u8]> {
        std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty())).take(64).collect()
    }
}
