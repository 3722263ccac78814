//! What is listened to. Belongs to the configuration: it outlives sessions.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::Delivery;

/// Stands for every event.
pub const EVERY_EVENT: &str = "*";

/// Subscriptions by namespace and event. Mostly there is a single namespace: the map makes room for eleven.
#[derive(Debug, Default, Clone)]
pub struct Subscriptions {
    by_namespace: BTreeMap<String, Box<Events>>,
}

/// Those of one namespace, by event. Only a designer puts names in, so that a fast hash will do.
#[derive(Debug, Default, Clone)]
struct Events(HashMap<String, Delivery, RandomState>);

impl Subscriptions {
    /// Adds one; tells whether it is new. An existing one takes the new delivery.
    pub fn add(&mut self, namespace: &str, event: &str, delivery: Delivery) -> bool {
        let events = self.by_namespace.entry(namespace.to_string()).or_default();
        events.0.insert(event.to_string(), delivery).is_none()
    }

    /// Removes one; tells whether there was one.
    pub fn remove(&mut self, namespace: &str, event: &str) -> bool {
        let Some(events) = self.by_namespace.get_mut(namespace) else { return false };
        let removed = events.0.remove(event).is_some();
        if events.0.is_empty() {
            self.by_namespace.remove(namespace);
        }
        removed
    }

    /// How an event is to be delivered; None: nobody listens.
    pub fn delivery(&self, namespace: &str, event: &str) -> Option<Delivery> {
        let events = self.by_namespace.get(namespace)?;
        events.0.get(event).or_else(|| events.0.get(EVERY_EVENT)).copied()
    }

    /// Whether anything in a namespace is listened to.
    pub fn has(&self, namespace: &str) -> bool {
        self.by_namespace.contains_key(namespace)
    }

    /// Namespaces in which something is listened to.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.by_namespace.keys().map(String::as_str)
    }

    /// Events of a namespace, in any order.
    pub fn names(&self, namespace: &str) -> impl Iterator<Item = &str> {
        self.by_namespace.get(namespace).into_iter().flat_map(|events| events.0.keys().map(String::as_str))
    }

    /// Events of a namespace, sorted, so that they are told in a stable order.
    pub fn events(&self, namespace: &str) -> Vec<String> {
        let mut events: Vec<String> = self.names(namespace).map(str::to_owned).collect();
        events.sort_unstable();
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_is_once_and_a_name_goes_before_the_star() {
        let mut subscriptions = Subscriptions::default();
        assert!(subscriptions.add("/", "a", Delivery::Every));
        assert!(!subscriptions.add("/", "a", Delivery::Latest));
        assert!(subscriptions.add("/", "*", Delivery::Every));
        assert_eq!(subscriptions.delivery("/", "a"), Some(Delivery::Latest));
        assert_eq!(subscriptions.delivery("/", "b"), Some(Delivery::Every));
        assert_eq!(subscriptions.delivery("/chat", "a"), None);
        assert!(subscriptions.remove("/", "a") && !subscriptions.remove("/", "a"));
        assert_eq!(subscriptions.delivery("/", "a"), Some(Delivery::Every));
        assert!(subscriptions.remove("/", "*") && !subscriptions.has("/"));
    }
}
