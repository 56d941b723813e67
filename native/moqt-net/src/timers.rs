//! Deadlines of many owners in one heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Deadlines by owner. An owner keeps its armed deadline itself ([`Armed`]); entries that no
/// longer match it are skipped when they come up. A deadline that moves later, the usual case for
/// QUIC, costs nothing until the earlier entry comes up.
pub(crate) struct Timers<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
}

/// What an owner remembers: the earliest entry of its own in the heap.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Armed(Option<Instant>);

impl<K: Ord + Copy> Timers<K> {
    pub fn new() -> Self {
        Timers {
            heap: BinaryHeap::new(),
        }
    }

    /// Sees to it that the owner comes up at `deadline` or before.
    pub fn arm(&mut self, owner: K, armed: &mut Armed, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            return;
        };
        if armed.0.is_none_or(|at| deadline < at) {
            armed.0 = Some(deadline);
            self.heap.push(Reverse((deadline, owner)));
        }
    }

    /// When the next entry comes up.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one entry that is due. The owner checks it with [`Armed::fired`].
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

impl Armed {
    /// Whether the entry is the owner's current one; it has to be armed again then.
    pub fn fired(&mut self, at: Instant) -> bool {
        if self.0 == Some(at) {
            self.0 = None;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn earlier_wins_and_stale_entries_are_skipped() {
        let t0 = Instant::now();
        let at = |ms| t0 + Duration::from_millis(ms);
        let mut timers = Timers::new();
        let mut armed = Armed::default();
        timers.arm(7, &mut armed, Some(at(20)));
        timers.arm(7, &mut armed, Some(at(10)));
        // Later than what is armed: found out when the earlier one fires.
        timers.arm(7, &mut armed, Some(at(30)));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.pop(at(5)), None);
        assert_eq!(timers.pop(at(25)), Some((at(10), 7)));
        assert!(armed.fired(at(10)));
        assert_eq!(timers.pop(at(25)), Some((at(20), 7)));
        assert!(!armed.fired(at(20)), "replaced by the earlier one");
        assert_eq!(timers.pop(at(25)), None);
    }
}
