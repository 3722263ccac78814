//! What a client sends, checked event by event: each number once, in order, and every byte.

use std::collections::BTreeSet;

use load::content::{Content, count_up, read_number};

use crate::fault::{Fault, Passing};
use crate::frames::Frame;

const HEAD: &[u8] = br#"42["tick",""#;
const TAIL: &[u8] = br#""]"#;

pub struct Checked {
    content: Content,
    count: u64,
    /// The payload that should come next, and its number.
    expected: Vec<u8>,
    next: u64,
    passing: Option<Passing<Vec<u8>>>,
    missing: BTreeSet<u64>,
    right: u64,
    twice: u64,
    out_of_order: u64,
    wrong: u64,
}

impl Checked {
    pub fn new(count: u64, size: usize, fault: Option<Fault>) -> Checked {
        let content = Content::text(size);
        Checked {
            expected: [HEAD, &content.of(0), TAIL].concat(),
            content,
            count,
            next: 0,
            passing: fault.map(|fault| Passing::new(Some(fault))),
            missing: BTreeSet::new(),
            right: 0,
            twice: 0,
            out_of_order: 0,
            wrong: 0,
        }
    }

    pub fn take(&mut self, frame: &mut Frame) {
        if self.passing.is_none() && self.next < self.count && frame.is(&self.expected) {
            self.right += 1;
            self.advance();
            return;
        }
        let payload = frame.unmask().to_vec();
        let Some(passing) = &mut self.passing else { return self.look_at(&payload) };
        let garble = |mut payload: Vec<u8>| {
            payload[HEAD.len() + self.content.digits()] ^= 1;
            payload
        };
        for payload in passing.pass(payload, garble) {
            self.look_at(&payload);
        }
    }

    /// What the client is told at the end: all is right if only `right` is not 0.
    pub fn answer(&mut self) -> String {
        if let Some(payload) = self.passing.as_mut().and_then(Passing::end) {
            self.look_at(&payload);
        }
        let missing = self.missing.len() as u64 + self.count.saturating_sub(self.next);
        format!(
            r#"42["all",{{"right":{},"missing":{missing},"twice":{},"out_of_order":{},"wrong":{}}}]"#,
            self.right, self.twice, self.out_of_order, self.wrong
        )
    }

    fn advance(&mut self) {
        self.next += 1;
        count_up(&mut self.expected[HEAD.len()..HEAD.len() + self.content.digits()]);
    }

    fn look_at(&mut self, payload: &[u8]) {
        let text = payload.strip_prefix(HEAD).and_then(|text| text.strip_suffix(TAIL));
        let number = text.and_then(|text| read_number(text.get(..self.content.digits())?));
        let Some((text, number)) = text.zip(number).filter(|&(_, number)| number < self.count) else {
            self.wrong += 1;
            return;
        };
        if number < self.next {
            // Late, or once more.
            if !self.missing.remove(&number) {
                self.twice += 1;
                return;
            }
            self.out_of_order += 1;
        }
        while self.next <= number {
            if self.next < number {
                self.missing.insert(self.next);
            }
            self.advance();
        }
        match self.content.number_of(text) {
            Ok(_) => self.right += 1,
            Err(_) => self.wrong += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::TEXT;

    fn answer(payloads: Vec<Vec<u8>>) -> String {
        let mut checked = Checked::new(4, 20, None);
        for mut masked in payloads {
            checked.take(&mut Frame { opcode: TEXT, whole: true, mask: [0; 4], masked: &mut masked });
        }
        checked.answer()
    }

    fn tick(number: u64) -> Vec<u8> {
        [HEAD, &Content::text(20).of(number), TAIL].concat()
    }

    fn found(right: u64, missing: u64, twice: u64, out_of_order: u64, wrong: u64) -> String {
        let of_order = format!(r#""twice":{twice},"out_of_order":{out_of_order}"#);
        format!(r#"42["all",{{"right":{right},"missing":{missing},{of_order},"wrong":{wrong}}}]"#)
    }

    #[test]
    fn what_is_wrong_is_counted_by_its_kind() {
        assert_eq!(answer([0, 1, 2, 3].map(tick).into()), found(4, 0, 0, 0, 0));
        assert_eq!(answer([0, 1, 3].map(tick).into()), found(3, 1, 0, 0, 0));
        assert_eq!(answer([0, 1, 2].map(tick).into()), found(3, 1, 0, 0, 0));
        assert_eq!(answer([0, 1, 1, 2, 3].map(tick).into()), found(4, 0, 1, 0, 0));
        assert_eq!(answer([0, 2, 1, 3].map(tick).into()), found(4, 0, 0, 1, 0));
        assert_eq!(answer([0, 1, 2, 3, 4].map(tick).into()), found(4, 0, 0, 0, 1));
        let mut garbled = tick(2);
        garbled[HEAD.len() + 15] ^= 1;
        assert_eq!(answer(vec![tick(0), tick(1), garbled, tick(3)]), found(3, 0, 0, 0, 1));
    }
}
