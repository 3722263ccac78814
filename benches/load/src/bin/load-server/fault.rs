//! Faults on purpose, to see that a driver notices them: `LOAD_SERVER_FAULT=KIND` or `KIND:NUMBER`.

use anyhow::{Context, Result, bail};

const VARIABLE: &str = "LOAD_SERVER_FAULT";
/// The event that it happens to if nobody says another.
const NUMBER: u64 = 5;

/// What happens to an event. In floods to the one that is sent, else to the one that comes in, or to its echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is lost.
    Lose,
    /// It comes twice.
    Twice,
    /// It changes places with the next one.
    Swap,
    /// One byte of it is another one.
    Garble,
    /// It comes after all others.
    Late,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub number: u64,
}

impl Fault {
    pub fn of_environment() -> Result<Option<Fault>> {
        match std::env::var(VARIABLE) {
            Ok(text) => Fault::parse(&text).map(Some).context(VARIABLE),
            Err(_) => Ok(None),
        }
    }

    fn parse(text: &str) -> Result<Fault> {
        let (kind, number) = match text.split_once(':') {
            Some((kind, number)) => (kind, number.parse().with_context(|| format!("{number:?} is no number"))?),
            None => (text, NUMBER),
        };
        let kind = match kind {
            "lose" => Kind::Lose,
            "twice" => Kind::Twice,
            "swap" => Kind::Swap,
            "garble" => Kind::Garble,
            "late" => Kind::Late,
            _ => bail!("{kind:?} is none of lose, twice, swap, garble, late"),
        };
        Ok(Fault { kind, number })
    }
}

/// Lets one fault happen to things that pass by one after the other.
#[derive(Debug)]
pub struct Passing<T> {
    fault: Option<Fault>,
    passed: u64,
    held: Option<T>,
}

impl<T: Clone> Passing<T> {
    pub fn new(fault: Option<Fault>) -> Passing<T> {
        Passing { fault, passed: 0, held: None }
    }

    /// What comes of the next thing, in order.
    pub fn pass(&mut self, thing: T, garble: impl FnOnce(T) -> T) -> Vec<T> {
        let number = self.passed;
        self.passed += 1;
        let Some(fault) = self.fault else { return vec![thing] };
        if fault.kind == Kind::Swap && number == fault.number + 1 {
            return std::iter::once(thing).chain(self.held.take()).collect();
        }
        if number != fault.number {
            return vec![thing];
        }
        match fault.kind {
            Kind::Lose => Vec::new(),
            Kind::Twice => vec![thing.clone(), thing],
            Kind::Garble => vec![garble(thing)],
            Kind::Swap | Kind::Late => {
                self.held = Some(thing);
                Vec::new()
            }
        }
    }

    /// What comes after the last thing.
    pub fn end(&mut self) -> Option<T> {
        self.held.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(text: &str) -> Vec<u32> {
        let mut passing = Passing::new(Some(Fault::parse(text).unwrap()));
        let mut all: Vec<u32> = (0..4).flat_map(|thing| passing.pass(thing, |thing| thing + 100)).collect();
        all.extend(passing.end());
        all
    }

    #[test]
    fn each_fault_happens_once() {
        assert_eq!(passed("lose:1"), [0, 2, 3]);
        assert_eq!(passed("twice:1"), [0, 1, 1, 2, 3]);
        assert_eq!(passed("swap:1"), [0, 2, 1, 3]);
        assert_eq!(passed("garble:1"), [0, 101, 2, 3]);
        assert_eq!(passed("late:1"), [0, 2, 3, 1]);
        assert_eq!(passed("lose:9"), [0, 1, 2, 3]);
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        assert_eq!(Fault::parse("lose").unwrap(), Fault { kind: Kind::Lose, number: NUMBER });
        assert!(Fault::parse("lsoe").is_err());
        assert!(Fault::parse("lose:x").is_err());
    }
}
