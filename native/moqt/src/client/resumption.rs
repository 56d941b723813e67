//! Where an interrupted subscription goes on, and what it missed.

use super::types::{Gap, GapReason};
use crate::delivery::{Delivery, DeliveryClass};
use crate::wire::location::Location;

/// Groups by which a peer may be behind what was delivered already and still tell of the same run of
/// the publisher: another relay, or another path, can lag. A publisher of ours that was started
/// again is ahead, as its groups start from the clock.
const LAG: u64 = 1_024;

/// An interruption that no object has followed yet.
pub(super) struct Resumption {
    /// Everything up to here was delivered, or reported as missing.
    pub after: Location,
    /// The newest location that was delivered.
    delivered: Location,
    /// The publisher numbers groups without holes.
    contiguous: bool,
    /// Nothing was published in between.
    nothing_passed: bool,
    /// Not all since then could be fetched.
    past_is_lost: bool,
    /// A gap was reported for it, up to this group.
    told: Option<u64>,
    /// What the gaps are told to be.
    reason: GapReason,
}

impl Resumption {
    pub fn new(after: Location) -> Self {
        Resumption {
            after,
            delivered: after,
            contiguous: true,
            nothing_passed: false,
            past_is_lost: false,
            told: None,
            reason: GapReason::Reconnected,
        }
    }

    /// The reader was too slow for the peer and goes on at the newest group. That the group at hand
    /// has a gap was reported.
    pub fn behind(after: Location) -> Self {
        Resumption {
            reason: GapReason::TooFarBehind,
            ..Resumption::new(after)
        }
    }

    /// Only the newest group is asked for.
    pub fn newest_only(&self) -> bool {
        self.reason == GapReason::TooFarBehind
    }

    /// Interrupted again before an object came: what was reported is not reported twice.
    pub fn again(&mut self) {
        self.past_is_lost = false;
        if let Some(told) = self.told.take().filter(|told| *told >= self.after.group) {
            self.after = Location::new(told, u64::MAX);
        }
    }

    /// The peer accepted anew; `largest`: the newest that it knows. False: the track began anew too,
    /// and its ids say nothing about the old ones.
    pub fn accepted(&mut self, largest: Option<Location>, contiguous: bool) -> bool {
        self.contiguous = contiguous;
        let Some(largest) = largest else { return false };
        self.nothing_passed = largest <= self.after;
        let lags = contiguous && largest.group.saturating_add(LAG) >= self.delivered.group;
        lags || largest >= self.delivered
    }

    /// What lay between the interruption and the newest group cannot be had.
    pub fn past_is_lost(&mut self) {
        self.past_is_lost = true;
    }

    /// What is lost while nothing has followed is lost with the connection.
    pub fn tells(&mut self, gap: &mut Gap) {
        if matches!(gap.reason, GapReason::Lost | GapReason::Reset) {
            gap.reason = self.reason;
            self.told = self.told.max(Some(gap.to_group));
        }
    }

    /// The gap to report before the first object after the interruption.
    pub fn missed(&self, first: Location, class: DeliveryClass) -> Option<Gap> {
        let after = self.after;
        let reliable = class == DeliveryClass::Reliable;
        let past_is_lost = self.past_is_lost && !self.nothing_passed;
        let (from_group, to_group) = if first.group == after.group {
            let told = self.newest_only();
            if told || !reliable || first.object <= after.object.saturating_add(1) {
                return None;
            }
            (first.group, first.group)
        } else {
            // Whether the group at hand had more objects, only a FETCH can tell.
            let whole = !past_is_lost || self.newest_only();
            let from = match reliable && !whole && after.object < u64::MAX {
                true => after.group,
                false => after.group.saturating_add(1),
            };
            let to = match reliable && first.object > 0 {
                true => first.group,
                false => first.group.saturating_sub(1),
            };
            (from, to)
        };
        let known = self.contiguous || past_is_lost || first.group == after.group;
        if self.told.is_some() || from_group > to_group || !known {
            return None;
        }
        Some(Gap {
            reason: self.reason,
            ..lost(from_group, to_group)
        })
    }
}

/// What went by while there was no connection.
pub(super) fn lost(from_group: u64, to_group: u64) -> Gap {
    Gap {
        from_group,
        to_group,
        objects: None,
        reason: GapReason::Reconnected,
    }
}

/// The location of an object that is delivered.
pub(super) fn location_of(delivery: &Delivery) -> Option<Location> {
    match delivery {
        Delivery::Object(object) => Some(Location::new(object.group, object.object)),
        Delivery::Gap(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: DeliveryClass = DeliveryClass::Reliable;
    const L: DeliveryClass = DeliveryClass::Latest;

    fn groups(
        resumption: &Resumption,
        first: (u64, u64),
        class: DeliveryClass,
    ) -> Option<(u64, u64)> {
        let gap = resumption.missed(Location::new(first.0, first.1), class)?;
        assert_eq!(gap.reason, GapReason::Reconnected);
        Some((gap.from_group, gap.to_group))
    }

    #[test]
    fn what_follows_at_once_missed_nothing() {
        let resumption = Resumption::new(Location::new(5, 3));
        assert_eq!(groups(&resumption, (5, 4), R), None);
        assert_eq!(groups(&resumption, (6, 0), R), None);
        assert_eq!(groups(&resumption, (6, 0), L), None);
    }

    #[test]
    fn a_hole_is_a_gap_in_groups() {
        let mut resumption = Resumption::new(Location::new(5, 3));
        assert_eq!(groups(&resumption, (5, 6), R), Some((5, 5)));
        assert_eq!(groups(&resumption, (9, 0), R), Some((6, 8)));
        assert_eq!(groups(&resumption, (9, 2), R), Some((6, 9)));
        assert_eq!(groups(&resumption, (9, 2), L), Some((6, 8)));
        assert!(resumption.accepted(Some(Location::new(9, 0)), false));
        assert_eq!(groups(&resumption, (9, 0), L), None);
        resumption.past_is_lost();
        assert_eq!(groups(&resumption, (9, 0), R), Some((5, 8)));
    }

    #[test]
    fn who_was_too_slow_is_told_the_groups_that_were_passed_over() {
        let resumption = Resumption::behind(Location::new(5, 3));
        let missed = |group, object| resumption.missed(Location::new(group, object), R);
        assert_eq!(missed(5, 4), None);
        assert_eq!(missed(5, 9), None, "told when it was given up");
        assert_eq!(missed(6, 0), None);
        let gap = missed(9, 0).expect("a gap");
        assert_eq!((gap.from_group, gap.to_group), (6, 8));
        assert_eq!(gap.reason, GapReason::TooFarBehind);
    }

    #[test]
    fn it_is_told_once() {
        let mut resumption = Resumption::new(Location::new(5, 3));
        let mut gap = Gap {
            reason: GapReason::Lost,
            ..lost(5, 8)
        };
        resumption.tells(&mut gap);
        assert_eq!(gap.reason, GapReason::Reconnected);
        assert_eq!(groups(&resumption, (9, 0), R), None);
        // Interrupted again: only what came to it is missing.
        resumption.again();
        assert_eq!(groups(&resumption, (9, 0), R), None);
        assert_eq!(groups(&resumption, (11, 0), R), Some((9, 10)));
    }

    #[test]
    fn a_peer_that_lags_tells_of_the_same_run() {
        let at = |group| Some(Location::new(group, 0));
        let mut resumption = Resumption::new(Location::new(5_000, 3));
        assert!(resumption.accepted(at(4_990), true));
        // A past that is empty cannot be lost.
        resumption.past_is_lost();
        assert_eq!(groups(&resumption, (5_001, 0), R), None);
        assert!(!resumption.accepted(at(4_990), false));
        assert!(!resumption.accepted(at(100), true));
        assert!(!resumption.accepted(None, true));
        assert!(resumption.accepted(at(6_000), false));
    }
}
