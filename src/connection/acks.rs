//! Acks both ways: what we asked the server, and what the server asked us.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A Send that waits for its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The host's tag of the node.
    pub node: u64,
    /// Number of the request.
    pub request: u64,
    /// The namespace.
    pub namespace: String,
    /// Whether it has left: an answer to what was not asked yet is nobody's.
    pub sent: bool,
}

/// What we asked. The ack id is the number of the request, so it is never used twice.
#[derive(Debug, Default)]
pub struct Asks {
    open: HashMap<u64, Ask>,
    deadlines: BinaryHeap<Reverse<(Instant, u64)>>,
}

/// Questions of a connection that may wait for their replies.
const ASKS_LIMIT: usize = 100_000;

impl Asks {
    /// Whether no more may wait.
    pub fn is_full(&self) -> bool {
        self.open.len() >= ASKS_LIMIT
    }

    /// Remembers a question until its deadline.
    pub fn add(&mut self, ask: Ask, deadline: Instant) {
        self.deadlines.push(Reverse((deadline, ask.request)));
        self.open.insert(ask.request, ask);
        // Answered ones leave their deadline behind; don't let them gather behind one that waits long.
        if self.deadlines.len() > 2 * self.open.len() + 1_024 {
            self.deadlines.retain(|Reverse((_, request))| self.open.contains_key(request));
        }
    }

    /// Whether a question still waits.
    pub fn is_open(&self, request: u64) -> bool {
        self.open.contains_key(&request)
    }

    /// The question leaves.
    pub fn sent(&mut self, request: u64) {
        if let Some(ask) = self.open.get_mut(&request) {
            ask.sent = true;
        }
    }

    /// Takes the question that an answer of this namespace belongs to.
    pub fn answered(&mut self, namespace: &str, id: u64) -> Option<Ask> {
        let ask = self.open.get(&id)?;
        if ask.sent && ask.namespace == namespace { self.open.remove(&id) } else { None }
    }

    /// Takes a question back.
    pub fn give_up(&mut self, request: u64) -> Option<Ask> {
        self.open.remove(&request)
    }

    /// Takes the questions that can't be answered any more, in the order in which they were asked.
    pub fn give_up_all(&mut self, gone: impl Fn(&Ask) -> bool) -> Vec<Ask> {
        let mut taken: Vec<Ask> = self.open.extract_if(|_, ask| gone(ask)).map(|(_, ask)| ask).collect();
        taken.sort_unstable_by_key(|ask| ask.request);
        taken
    }

    /// When the next question is over. Forgets deadlines of questions that are answered.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        while let Some(Reverse((deadline, request))) = self.deadlines.peek() {
            if self.open.contains_key(request) {
                return Some(*deadline);
            }
            self.deadlines.pop();
        }
        None
    }

    /// Takes a question whose time is over.
    pub fn overdue(&mut self, now: Instant) -> Option<Ask> {
        if self.next_deadline()? > now {
            return None;
        }
        let Reverse((_, request)) = self.deadlines.pop()?;
        self.open.remove(&request)
    }
}

/// What the server asked: where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The namespace.
    pub namespace: String,
    /// The server's ack id.
    pub id: u64,
}

/// Why an answer is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnswerable {
    /// There was no such question.
    Unknown,
    /// It was answered, or its connection is gone, or it waited too long.
    Over,
}

/// Questions of the server that wait for a Reply.
#[derive(Debug, Default)]
pub struct Questions {
    open: HashMap<u64, Question>,
    order: VecDeque<u64>,
    last: u64,
}

impl Questions {
    /// Remembers a question and gives it a number. Over `limit`, the oldest can no longer be answered; 0: it can't be.
    pub fn add(&mut self, namespace: &str, id: u64, limit: usize) -> u64 {
        if limit == 0 {
            return 0;
        }
        // One count for all connections, so that an id handed to the wrong one answers nothing.
        static ISSUED: AtomicU64 = AtomicU64::new(0);
        self.last = ISSUED.fetch_add(1, Ordering::Relaxed) + 1;
        self.open.insert(self.last, Question { namespace: namespace.to_string(), id });
        self.order.push_back(self.last);
        while self.open.len() > limit {
            let Some(oldest) = self.order.pop_front() else { break };
            self.open.remove(&oldest);
        }
        // Answered ones leave their place in the order; don't let it grow without them.
        if self.order.len() > 2 * self.open.len() + 16 {
            self.order.retain(|number| self.open.contains_key(number));
        }
        self.last
    }

    /// The question was answered.
    pub fn answered(&mut self, number: i64) {
        self.open.remove(&u64::try_from(number).unwrap_or(0));
    }

    /// The question that has this number.
    pub fn get(&self, number: i64) -> Result<&Question, NotAnswerable> {
        let number = u64::try_from(number).unwrap_or(0);
        match self.open.get(&number) {
            Some(question) => Ok(question),
            None if number == 0 || number > self.last => Err(NotAnswerable::Unknown),
            None => Err(NotAnswerable::Over),
        }
    }

    /// A namespace is gone: its questions can't be answered any more.
    pub fn forget(&mut self, namespace: &str) {
        self.open.retain(|_, question| question.namespace != namespace);
    }

    /// The connection is gone: nothing can be answered any more.
    pub fn clear(&mut self) {
        self.open.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_counts_once_and_only_in_its_namespace() {
        let mut asks = Asks::default();
        let now = Instant::now();
        let ask = Ask { node: 1, request: 5, namespace: "/".into(), sent: true };
        asks.add(Ask { sent: false, ..ask.clone() }, now + Duration::from_secs(1));
        assert_eq!(asks.answered("/", 5), None);
        asks.sent(5);
        assert_eq!(asks.answered("/chat", 5), None);
        assert_eq!(asks.answered("/", 5), Some(ask));
        assert_eq!(asks.answered("/", 5), None);
        assert_eq!(asks.next_deadline(), None);
    }

    #[test]
    fn what_is_overdue_comes_in_the_order_of_its_deadlines() {
        let mut asks = Asks::default();
        let now = Instant::now();
        for (request, after) in [(1, 30), (2, 10), (3, 20), (4, 900)] {
            asks.add(Ask { node: 0, request, namespace: "/".into(), sent: false }, now + Duration::from_millis(after));
        }
        let later = now + Duration::from_millis(100);
        let order: Vec<u64> = std::iter::from_fn(|| asks.overdue(later)).map(|ask| ask.request).collect();
        assert_eq!(order, [2, 3, 1]);
        assert!(asks.is_open(4));
    }

    #[test]
    fn questions_are_bounded_and_answered_once() {
        let mut questions = Questions::default();
        let numbers: Vec<i64> = (0..4).map(|id| questions.add("/", id, 3) as i64).collect();
        assert_eq!(questions.get(numbers[0]), Err(NotAnswerable::Over));
        assert_eq!(questions.get(numbers[1]).unwrap().id, 1);
        questions.answered(numbers[1]);
        assert_eq!(questions.get(numbers[1]), Err(NotAnswerable::Over));
        assert_eq!(questions.get(0), Err(NotAnswerable::Unknown));
        assert_eq!(questions.get(i64::MAX), Err(NotAnswerable::Unknown));
        questions.clear();
        assert_eq!(questions.get(numbers[2]), Err(NotAnswerable::Over));
        assert_eq!(questions.add("/", 9, 0), 0);
    }
}
