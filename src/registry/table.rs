//! Handles: `generation << 32 | slot`. A generation is never given twice, so that a handle that outlived its connection
//! is told from one that never was.

use std::collections::HashMap;
use std::sync::Arc;

use crate::connection::Connection;
use crate::diagnostics::{Refusal, RefusalKind};
use crate::settings::ConnectionConfig;

/// One connection and the settings it was made or changed with last.
#[derive(Clone)]
pub struct Entry {
    /// The connection.
    pub connection: Arc<Connection>,
    /// Its settings.
    pub config: Arc<ConnectionConfig>,
}

/// All connections.
#[derive(Default)]
pub struct Table {
    slots: Vec<Slot>,
    free: Vec<usize>,
    names: HashMap<String, u64>,
    generations: u32,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    entry: Option<Entry>,
}

impl Table {
    /// Adds a connection, made for the handle it gets.
    pub fn insert(&mut self, config: Arc<ConnectionConfig>, make: impl FnOnce(u64) -> Arc<Connection>) -> u64 {
        self.generations += 1;
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        let handle = u64::from(self.generations) << 32 | index as u64;
        self.names.insert(config.name.clone(), handle);
        self.slots[index] =
            Slot { generation: self.generations, entry: Some(Entry { connection: make(handle), config }) };
        handle
    }

    /// The connection of a handle.
    pub fn get(&self, handle: u64) -> Result<&Entry, Refusal> {
        let (generation, index) = ((handle >> 32) as u32, handle as u32 as usize);
        match self.slots.get(index) {
            Some(Slot { generation: current, entry: Some(entry) }) if *current == generation => Ok(entry),
            Some(slot) if generation != 0 && generation <= slot.generation => Err(Refusal::stale()),
            _ => Err(Refusal::new(RefusalKind::NotFound, "There is no connection of this handle, and never was.")),
        }
    }

    /// Changes the settings of a connection.
    pub fn set_config(&mut self, handle: u64, config: Arc<ConnectionConfig>) {
        if let Some(Slot { entry: Some(entry), .. }) = self.slots.get_mut(handle as u32 as usize) {
            entry.config = config;
        }
    }

    /// The handle of a name.
    pub fn find(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// Handles and entries.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| Some((u64::from(slot.generation) << 32 | index as u64, slot.entry.as_ref()?)))
    }

    /// Removes a connection; its handle becomes stale.
    pub fn remove(&mut self, handle: u64) -> Option<Entry> {
        let index = handle as u32 as usize;
        let entry = self.slots.get_mut(index)?.entry.take()?;
        self.names.remove(&entry.config.name);
        self.free.push(index);
        Some(entry)
    }

    /// Removes all; their handles become stale.
    pub fn clear(&mut self) {
        self.names.clear();
        for slot in &mut self.slots {
            slot.entry = None;
        }
        self.free = (0..self.slots.len()).rev().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(table: &mut Table, name: &str) -> u64 {
        let text = format!("{{\"connections\":[{{\"name\":\"{name}\",\"url\":\"localhost\"}}]}}");
        let config = Arc::new(crate::settings::parse(text.as_bytes()).connections.remove(0));
        let limits = config.limits;
        table.insert(config, |handle| Arc::new(Connection::new(handle, name, &limits, Arc::default())))
    }

    #[test]
    fn a_handle_is_good_stale_or_unknown() {
        let mut table = Table::default();
        let first = insert(&mut table, "a");
        let second = insert(&mut table, "b");
        assert_eq!(table.get(first).unwrap().connection.name, "a");
        assert_eq!(table.find("b"), Some(second));
        table.remove(first);
        assert_eq!(table.get(first).err().unwrap().kind, RefusalKind::Stale);
        assert_eq!(table.find("a"), None);
        let third = insert(&mut table, "a");
        assert_ne!(third, first);
        assert_eq!(table.get(first).err().unwrap().kind, RefusalKind::Stale);
        assert_eq!(table.get(third).unwrap().connection.handle, third);
        for unknown in [0, 1, u64::MAX, third + 1, (99 << 32) | 1] {
            assert_eq!(table.get(unknown).err().unwrap().kind, RefusalKind::NotFound, "{unknown:x}");
        }
        table.clear();
        assert_eq!(table.get(third).err().unwrap().kind, RefusalKind::Stale);
    }
}
