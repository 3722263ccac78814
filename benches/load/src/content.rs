//! The content of events: a number in decimal digits, then bytes that are the same in each. So both ends can tell an
//! event that is missing, came twice, came out of order, or is not what was sent.

/// Digits of the number in a text.
pub const TEXT_DIGITS: usize = 10;
/// Digits of the number in an attachment.
pub const ATTACHMENT_DIGITS: usize = 8;

/// How the content of all events of a run is made.
#[derive(Clone, Debug)]
pub struct Content {
    digits: usize,
    /// What follows the number.
    rest: Vec<u8>,
}

impl Content {
    /// Letters, none of which JSON escapes.
    pub fn text(size: usize) -> Content {
        Content::new(size, TEXT_DIGITS, |at| b'a' + (at % 26) as u8)
    }

    /// Every byte value; without 0x1e where a client can't receive that one.
    pub fn attachment(size: usize, with_1e: bool) -> Content {
        Content::new(size, ATTACHMENT_DIGITS, |at| match at as u8 {
            0x1e if !with_1e => 0x1f,
            byte => byte,
        })
    }

    fn new(size: usize, digits: usize, byte: impl Fn(usize) -> u8) -> Content {
        // A text that is too short for its number has the last digits of it.
        Content { digits: digits.min(size), rest: (digits..size).map(byte).collect() }
    }

    pub fn digits(&self) -> usize {
        self.digits
    }

    pub fn size(&self) -> usize {
        self.digits + self.rest.len()
    }

    /// The content of one event.
    pub fn of(&self, number: u64) -> Vec<u8> {
        let mut bytes = vec![b'0'; self.digits];
        write_number(&mut bytes, number);
        bytes.extend_from_slice(&self.rest);
        bytes
    }

    /// The number of an event that is right in all else, or what is wrong with it.
    pub fn number_of(&self, bytes: &[u8]) -> Result<u64, String> {
        if bytes.len() != self.size() {
            return Err(format!("{} bytes in place of {}", bytes.len(), self.size()));
        }
        let (number, rest) = bytes.split_at(self.digits);
        let number = read_number(number).ok_or_else(|| "it does not begin with its number".to_owned())?;
        if rest != self.rest {
            let at = rest.iter().zip(&self.rest).take_while(|(a, b)| a == b).count();
            return Err(format!("byte {} is another one (number {number})", at + self.digits));
        }
        Ok(number)
    }
}

/// What comes, one after the other, from number 0.
pub struct InOrder {
    content: Content,
    /// The next one, so that a comparison is enough.
    expected: Vec<u8>,
    next: u64,
    count: u64,
}

impl InOrder {
    pub fn new(content: Content, count: u64) -> InOrder {
        InOrder { expected: content.of(0), content, next: 0, count }
    }

    /// Checks the next event; says whether it was the last one.
    pub fn take(&mut self, bytes: &[u8]) -> Result<bool, String> {
        if bytes != self.expected || self.next == self.count {
            return Err(self.wrong_with(bytes));
        }
        count_up(&mut self.expected[..self.content.digits]);
        self.next += 1;
        Ok(self.next == self.count)
    }

    fn wrong_with(&self, bytes: &[u8]) -> String {
        match self.content.number_of(bytes) {
            Ok(number) => format!("event {number} came in place of {} (of {})", self.next, self.count),
            Err(wrong) => format!("event {}: {wrong}", self.next),
        }
    }

    /// How many came.
    pub fn came(&self) -> u64 {
        self.next
    }

    /// What is to be said at the end: nothing if all came.
    pub fn missing(&self) -> Result<(), String> {
        if self.next == self.count { Ok(()) } else { Err(format!("only {} of {} events came", self.next, self.count)) }
    }
}

/// Writes the number, with as many digits as there is room for.
pub fn write_number(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Makes it the next number.
pub fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

pub fn read_number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_read_and_counted() {
        let mut digits = [b'0'; TEXT_DIGITS];
        write_number(&mut digits, 1_999);
        assert_eq!(&digits, b"0000001999");
        count_up(&mut digits);
        assert_eq!(read_number(&digits), Some(2_000));
        assert_eq!(read_number(b"00x"), None);
    }

    #[test]
    fn an_attachment_holds_every_byte_value_or_all_but_one() {
        let all = Content::attachment(1024, true).of(0);
        assert!((0..=255).all(|byte| all.contains(&byte)));
        let without = Content::attachment(1024, false).of(0);
        assert!((0..=255).all(|byte| without.contains(&byte) == (byte != 0x1e)));
    }

    #[test]
    fn what_is_wrong_with_an_event_is_told() {
        let content = Content::text(32);
        let mut events = InOrder::new(content.clone(), 3);
        assert_eq!(events.take(&content.of(0)), Ok(false));
        let wrong = |events: &mut InOrder, bytes: &[u8]| events.take(bytes).unwrap_err();
        assert_eq!(wrong(&mut events, &content.of(2)), "event 2 came in place of 1 (of 3)");
        assert_eq!(wrong(&mut events, &content.of(0)), "event 0 came in place of 1 (of 3)");
        assert_eq!(wrong(&mut events, &content.of(1)[1..]), "event 1: 31 bytes in place of 32");
        let mut garbled = content.of(1);
        garbled[20] ^= 1;
        assert_eq!(wrong(&mut events, &garbled), "event 1: byte 20 is another one (number 1)");
        assert_eq!(events.take(&content.of(1)), Ok(false));
        assert_eq!(events.missing().unwrap_err(), "only 2 of 3 events came");
        assert_eq!(events.take(&content.of(2)), Ok(true));
        assert_eq!(events.missing(), Ok(()));
        assert_eq!(wrong(&mut events, &content.of(3)), "event 3 came in place of 3 (of 3)");
    }
}
