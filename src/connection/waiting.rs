//! Messages that wait until their namespace is joined.

use std::collections::HashMap;

use super::{IfNotConnected, SendEvent};

/// See the module. In the order in which they are to leave.
#[derive(Default)]
pub struct Waiting {
    sends: Vec<SendEvent>,
    /// Where the one of each event is whose latest message counts.
    latest: HashMap<String, usize>,
}

impl Waiting {
    /// Adds a message. Gives back the one whose place it takes, if it is to.
    pub fn put(&mut self, send: SendEvent) -> Option<SendEvent> {
        if send.policy == IfNotConnected::KeepLatest {
            if let Some(&place) = self.latest.get(&send.event) {
                return Some(std::mem::replace(&mut self.sends[place], send));
            }
            self.latest.insert(send.event.clone(), self.sends.len());
        }
        self.sends.push(send);
        None
    }

    /// Takes all.
    pub fn take(&mut self) -> Vec<SendEvent> {
        self.latest.clear();
        std::mem::take(&mut self.sends)
    }

    /// Lets some go.
    pub fn retain(&mut self, stays: impl Fn(&SendEvent) -> bool) {
        for send in self.take() {
            if stays(&send) {
                self.put(send);
            }
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }
}
