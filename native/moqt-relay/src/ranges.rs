//! Sets of object or group ids as sorted, disjoint, inclusive ranges.

/// A set of `u64` kept as ranges. Memory grows with the number of holes, so callers bound it by
/// bounding what they insert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeSet {
    ranges: Vec<(u64, u64)>,
}

impl RangeSet {
    /// Adds `first..=last`. Nothing happens if `first > last`.
    pub(crate) fn insert(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        // The common case: the next id in order.
        if let Some(tail) = self.ranges.last_mut() {
            if first > tail.1 {
                if first == tail.1 + 1 {
                    tail.1 = last;
                } else {
                    self.ranges.push((first, last));
                }
                return;
            }
        }
        let from = self
            .ranges
            .partition_point(|&(_, end)| end.saturating_add(1) < first);
        let to = self
            .ranges
            .partition_point(|&(start, _)| start <= last.saturating_add(1));
        let mut merged = (first, last);
        for &(start, end) in self.ranges.get(from..to).unwrap_or_default() {
            merged = (merged.0.min(start), merged.1.max(end));
        }
        self.ranges.splice(from..to.max(from), [merged]);
    }

    /// Whether `id` is in the set.
    pub(crate) fn contains(&self, id: u64) -> bool {
        let at = self.ranges.partition_point(|&(_, end)| end < id);
        self.ranges.get(at).is_some_and(|&(start, _)| start <= id)
    }

    /// The first run of ids in `first..=last` that are not in the set.
    pub(crate) fn first_gap(&self, first: u64, last: u64) -> Option<(u64, u64)> {
        if first > last {
            return None;
        }
        let mut from = first;
        let at = self.ranges.partition_point(|&(_, end)| end < first);
        for &(start, end) in self.ranges.get(at..).unwrap_or_default() {
            if start > last {
                break;
            }
            if start > from {
                return Some((from, start - 1));
            }
            if end >= last {
                return None;
            }
            from = end + 1;
        }
        Some((from, last))
    }

    /// The last id of `first..=last` that is not in the set.
    pub(crate) fn last_gap(&self, first: u64, last: u64) -> Option<u64> {
        let (_, mut found) = self.first_gap(first, last)?;
        while found < last {
            match self.first_gap(found + 1, last) {
                Some((_, end)) => found = end,
                None => break,
            }
        }
        Some(found)
    }

    /// Forgets everything below `first`.
    pub(crate) fn remove_below(&mut self, first: u64) {
        self.ranges.retain_mut(|range| {
            range.0 = range.0.max(first);
            range.0 <= range.1
        });
    }

    /// Forgets one id.
    pub(crate) fn remove(&mut self, id: u64) {
        let at = self.ranges.partition_point(|&(_, end)| end < id);
        let Some(&(start, end)) = self.ranges.get(at) else {
            return;
        };
        if start > id {
            return;
        }
        let left = (start < id).then(|| (start, id - 1));
        let right = (id < end).then(|| (id + 1, end));
        self.ranges.splice(at..=at, left.into_iter().chain(right));
    }

    /// The ranges, lowest first.
    pub(crate) fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// How many separate ranges there are.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Drops the lowest range.
    pub(crate) fn drop_lowest(&mut self) {
        if !self.ranges.is_empty() {
            self.ranges.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn agrees_with_a_plain_set() {
        // A small linear congruential generator: the same sequence on every run.
        let mut seed = 12_345_u64;
        let mut next = |bound: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % bound
        };
        let (mut set, mut model) = (RangeSet::default(), BTreeSet::new());
        for _ in 0..2_000 {
            let first = next(200);
            match next(4) {
                0 => {
                    set.remove(first);
                    model.remove(&first);
                }
                _ => {
                    let last = first + next(4);
                    set.insert(first, last);
                    model.extend(first..=last);
                }
            }
            let (from, to) = (next(200), next(220));
            let gap = (from..=to).find(|id| !model.contains(id));
            assert_eq!(set.first_gap(from, to).map(|(start, _)| start), gap);
            let last = (from..=to).rev().find(|id| !model.contains(id));
            assert_eq!(set.last_gap(from, to), last);
            assert_eq!(set.contains(from), model.contains(&from));
        }
        assert!(
            set.ranges.windows(2).all(|w| w[0].1 + 1 < w[1].0),
            "ranges stay merged"
        );
    }

    #[test]
    fn works_at_the_top_of_the_id_space() {
        let mut set = RangeSet::default();
        set.insert(u64::MAX, u64::MAX);
        set.insert(u64::MAX - 1, u64::MAX);
        assert_eq!(set.len(), 1);
        assert_eq!(set.first_gap(0, u64::MAX), Some((0, u64::MAX - 2)));
        assert_eq!(set.last_gap(0, u64::MAX), Some(u64::MAX - 2));
        set.remove_below(u64::MAX);
        assert!(!set.contains(u64::MAX - 1) && set.contains(u64::MAX));
        set.insert(5, 4);
        assert_eq!(set.len(), 1);
    }
}
