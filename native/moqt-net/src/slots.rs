//! A table whose keys are never reused, with the speed of an index.

use std::sync::atomic::{AtomicU32, Ordering};

/// Counts all entries ever made in the process: the upper half of every key.
static GENERATION: AtomicU32 = AtomicU32::new(1);

/// Entries by key; the lower half of a key is the place in the table.
pub(crate) struct Slots<T> {
    entries: Vec<Option<(u32, T)>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots {
            entries: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub fn insert(&mut self, value: T) -> u64 {
        let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as u32
        });
        if let Some(entry) = self.entries.get_mut(index as usize) {
            *entry = Some((generation, value));
        }
        u64::from(generation) << 32 | u64::from(index)
    }

    pub fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        match self.entries.get_mut(key as u32 as usize) {
            Some(Some((generation, value))) if *generation == (key >> 32) as u32 => Some(value),
            _ => None,
        }
    }

    pub fn remove(&mut self, key: u64) -> Option<T> {
        self.get_mut(key)?;
        let entry = self.entries.get_mut(key as u32 as usize)?;
        let (_, value) = entry.take()?;
        self.free.push(key as u32);
        Some(value)
    }

    pub fn keys(&self) -> Vec<u64> {
        let key = |(index, entry): (usize, &Option<(u32, T)>)| {
            entry
                .as_ref()
                .map(|(generation, _)| u64::from(*generation) << 32 | index as u64)
        };
        self.entries.iter().enumerate().filter_map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_reused() {
        let mut slots = Slots::default();
        let a = slots.insert("a");
        assert_eq!(slots.remove(a), Some("a"));
        let b = slots.insert("b");
        assert_ne!(a, b);
        assert_eq!(a as u32, b as u32, "the place is reused");
        assert!(slots.get_mut(a).is_none());
        assert_eq!(slots.remove(a), None);
        assert_eq!(slots.get_mut(b), Some(&mut "b"));
        assert_eq!((slots.len(), slots.keys()), (1, vec![b]));
    }
}
