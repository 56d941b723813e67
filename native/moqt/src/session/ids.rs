//! The peer's request ids: parity and duplicates (draft-18 "Request ID").

use super::config::Role;
use crate::hash::IntSet;

/// Ids above the lowest missing one that are remembered; streams arrive out of order, so that some
/// are always missing for a moment.
const MAX_AHEAD: usize = 4_096;

/// Remembers which ids the peer has used.
pub(super) struct PeerIds {
    parity: u64,
    /// All ids below this are used (or given up).
    floor: u64,
    ahead: IntSet<u64>,
    /// One step above the largest id seen.
    next: u64,
}

impl PeerIds {
    /// For the peer of `role`.
    pub fn new(role: Role) -> Self {
        let parity = match role {
            Role::Client => 1,
            Role::Server => 0,
        };
        PeerIds {
            parity,
            floor: parity,
            ahead: IntSet::default(),
            next: parity,
        }
    }

    /// Takes an id; `false` if it has the wrong parity or was used before.
    pub fn take(&mut self, id: u64) -> bool {
        if id % 2 != self.parity || id < self.floor || !self.ahead.insert(id) {
            return false;
        }
        self.next = self.next.max(id.saturating_add(2));
        if self.ahead.len() > MAX_AHEAD {
            // The missing ids are given up: a peer that leaves so many out will not use them.
            self.floor = self.ahead.iter().copied().min().unwrap_or(self.floor);
        }
        while self.ahead.remove(&self.floor) {
            self.floor = self.floor.saturating_add(2);
        }
        true
    }

    /// The smallest id above all that were seen.
    pub fn next(&self) -> u64 {
        self.next
    }
}
