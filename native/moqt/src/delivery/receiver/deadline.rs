//! Class `deadline`: in order and whole; what is missing is waited for only until what waits
//! behind it would be late itself.

use super::{Arrival, Output};
use crate::delivery::inbound::{GapReason, InObject};
use crate::wire::location::Location;
use crate::wire::object::ObjectStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Most objects held for order.
const MAX_HELD: usize = 1_024;

#[derive(Debug)]
struct Held {
    object: InObject,
    /// It is not held longer than this.
    until: Instant,
    prior_groups: u64,
}

#[derive(Debug)]
pub(super) struct DeadlineOrder {
    epoch: Instant,
    deadline: Duration,
    /// Group ids are known to have no holes but lost ones.
    contiguous: bool,
    max_bytes: usize,
    held: BTreeMap<Location, Held>,
    held_bytes: usize,
    /// Groups whose stream was reset: not waited for.
    lost: BTreeSet<u64>,
    last: Option<Location>,
    /// Smallest (arrival − publication) in ms; clocks differ, so only differences count.
    smallest_delay: Option<i128>,
}

impl DeadlineOrder {
    pub fn new(now: Instant, deadline: Duration, contiguous: bool, max_bytes: usize) -> Self {
        DeadlineOrder {
            epoch: now,
            deadline,
            contiguous,
            max_bytes,
            held: BTreeMap::new(),
            held_bytes: 0,
            lost: BTreeSet::new(),
            last: None,
            smallest_delay: None,
        }
    }

    /// Nothing at or before `last` is delivered or waited for any more.
    pub fn resume(&mut self, last: Location) {
        self.last = self.last.max(Some(last));
        self.lost = self.lost.split_off(&last.group);
    }

    /// How much later than the fastest one this object came.
    fn lateness(&mut self, object: &InObject) -> Duration {
        let Some(published) = object.published_at else {
            return Duration::ZERO;
        };
        let arrived = object.received.duration_since(self.epoch).as_millis() as i128;
        let delay = arrived - i128::from(published);
        let smallest = *self.smallest_delay.get_or_insert(delay);
        self.smallest_delay = Some(smallest.min(delay));
        Duration::from_millis((delay - smallest).clamp(0, i128::from(u32::MAX)) as u64)
    }

    pub fn object(&mut self, now: Instant, arrival: Arrival, out: &mut Output) {
        if arrival.status != ObjectStatus::Normal {
            return;
        }
        let location = Location::new(arrival.object.group, arrival.object.object);
        let lateness = self.lateness(&arrival.object);
        if lateness > self.deadline || self.last.is_some_and(|last| location <= last) {
            out.stats.late += 1;
            if lateness > self.deadline {
                self.lost(now, location.group, out);
            }
            return;
        }
        let until = now + (self.deadline - lateness);
        self.held_bytes += arrival.object.payload.len();
        let held = Held {
            object: arrival.object,
            until,
            prior_groups: arrival.prior_groups,
        };
        if let Some(twice) = self.held.insert(location, held) {
            self.held_bytes -= twice.object.payload.len();
            out.stats.stale += 1;
        }
        self.advance(now, out);
        while self.held.len() > MAX_HELD || self.held_bytes > self.max_bytes {
            let Some((location, held)) = self.held.pop_first() else {
                break;
            };
            self.held_bytes -= held.object.payload.len();
            self.last = self.last.max(Some(location));
            out.stats.overflow += 1;
        }
    }

    /// The newest update at the time of joining: it may be older than the deadline.
    pub fn fetched(&mut self, arrival: Arrival, out: &mut Output) {
        let location = Location::new(arrival.object.group, arrival.object.object);
        if self.last.is_some_and(|last| location <= last) {
            out.stats.stale += 1;
            return;
        }
        self.last = Some(location);
        out.object(arrival.object);
    }

    /// Nothing of this group will come.
    pub fn lost(&mut self, now: Instant, group: u64, out: &mut Output) {
        if self.last.is_none_or(|last| group > last.group) {
            self.lost.insert(group);
            while self.lost.len() > MAX_HELD {
                self.lost.pop_first();
            }
        }
        self.advance(now, out);
    }

    fn is_next(&self, location: Location, prior_groups: u64) -> bool {
        let Some(last) = self.last else { return true };
        if location.group <= last.group.saturating_add(1) || !self.contiguous {
            return true;
        }
        let missing = last.group + 1..location.group - prior_groups.min(location.group);
        let known = self.lost.range(missing.clone()).count() as u64;
        missing.end.saturating_sub(missing.start) <= known
    }

    pub fn advance(&mut self, now: Instant, out: &mut Output) {
        while let Some((&location, held)) = self.held.first_key_value() {
            let next = self.is_next(location, held.prior_groups);
            if !next && held.until > now {
                return;
            }
            self.release_first(!next, out);
        }
    }

    fn release_first(&mut self, report: bool, out: &mut Output) {
        let Some((location, held)) = self.held.pop_first() else {
            return;
        };
        self.held_bytes -= held.object.payload.len();
        if let (true, Some(last)) = (report, self.last) {
            out.gap(last.group + 1, location.group - 1, GapReason::Lost);
        }
        self.last = Some(location);
        self.lost = self.lost.split_off(&location.group);
        out.object(held.object);
    }

    pub fn flush(&mut self, out: &mut Output) {
        while let Some((&location, held)) = self.held.first_key_value() {
            let report = !self.is_next(location, held.prior_groups);
            self.release_first(report, out);
        }
    }

    pub fn timeout(&self) -> Option<Instant> {
        self.held.first_key_value().map(|(_, held)| held.until)
    }

    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}
