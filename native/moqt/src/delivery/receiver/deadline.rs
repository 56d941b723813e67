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
    /// The first group that was neither delivered nor reported; `None` while nothing tells.
    next: Option<u64>,
    /// Groups after `next` that will not come and were reported: not waited for.
    settled: BTreeSet<u64>,
    last: Option<Location>,
    /// Smallest (arrival − publication) in ms; clocks differ, so only differences count.
    smallest_delay: Option<i128>,
}

impl DeadlineOrder {
    /// `start`: the first location that is to come, where that is known.
    pub fn new(
        now: Instant,
        deadline: Duration,
        start: Option<Location>,
        contiguous: bool,
        max_bytes: usize,
    ) -> Self {
        DeadlineOrder {
            epoch: now,
            deadline,
            contiguous,
            max_bytes,
            held: BTreeMap::new(),
            held_bytes: 0,
            // What overtakes the first update must not pass for it.
            next: start.map(|start| start.group + u64::from(start.object > 0)),
            settled: BTreeSet::new(),
            last: None,
            smallest_delay: None,
        }
    }

    /// Nothing at or before `last` is delivered or waited for any more.
    pub fn resume(&mut self, last: Location) {
        self.last = self.last.max(Some(last));
        self.pass(last.group.saturating_add(1));
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
        if lateness > self.deadline {
            out.stats.late += 1;
            self.lost(now, location.group, GapReason::Late, out);
            return;
        }
        if self.is_over(location) {
            out.stats.stale += 1;
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
            self.release_first(out);
        }
    }

    /// The newest update at the time of joining: it may be older than the deadline.
    pub fn fetched(&mut self, arrival: Arrival, out: &mut Output) {
        let location = Location::new(arrival.object.group, arrival.object.object);
        if self.last.is_some_and(|last| location <= last) {
            out.stats.stale += 1;
            return;
        }
        self.deliver(location, arrival.object, out);
    }

    /// Nothing of this group will come, which is reported unless it was delivered or reported.
    pub fn lost(&mut self, now: Instant, group: u64, reason: GapReason, out: &mut Output) {
        let passed = self.next.is_some_and(|next| group < next);
        if !passed && self.settled.insert(group) {
            out.gap(group, group, reason);
            self.pass_settled();
            while self.settled.len() > MAX_HELD {
                // So much came after the hole that it is given up.
                let first = self.settled.first().copied().unwrap_or(group);
                self.report_missing(first, out);
                self.next = Some(first);
                self.pass_settled();
            }
        }
        self.advance(now, out);
    }

    /// Delivered, passed over or reported already.
    fn is_over(&self, location: Location) -> bool {
        let Some(last) = self.last else { return false };
        let passed = self.next.is_some_and(|next| location.group < next);
        location <= last || (passed && location.group != last.group)
    }

    /// Moves `next` past what was reported.
    fn pass_settled(&mut self) {
        while let Some(next) = self.next {
            if !self.settled.remove(&next) {
                return;
            }
            self.next = Some(next + 1);
        }
    }

    /// Whether nothing that may still come is missing before this object.
    fn is_next(&self, location: Location, prior_groups: u64) -> bool {
        let expected = location.group - prior_groups.min(location.group);
        !self.contiguous || self.next.is_none_or(|next| expected <= next)
    }

    pub fn advance(&mut self, now: Instant, out: &mut Output) {
        while let Some((&location, held)) = self.held.first_key_value() {
            if !self.is_next(location, held.prior_groups) && held.until > now {
                return;
            }
            self.release_first(out);
        }
    }

    fn release_first(&mut self, out: &mut Output) {
        let Some((location, held)) = self.held.pop_first() else {
            return;
        };
        self.held_bytes -= held.object.payload.len();
        if self.contiguous {
            let end = location.group - held.prior_groups.min(location.group);
            self.report_missing(end, out);
        }
        self.deliver(location, held.object, out);
    }

    /// Reports the groups before `end` that were not reported yet.
    fn report_missing(&mut self, end: u64, out: &mut Output) {
        let Some(mut from) = self.next else { return };
        if from >= end {
            return;
        }
        for &settled in self.settled.range(from..end) {
            if settled > from {
                out.gap(from, settled - 1, GapReason::Lost);
            }
            from = settled + 1;
        }
        if from < end {
            out.gap(from, end - 1, GapReason::Lost);
        }
    }

    fn deliver(&mut self, location: Location, object: InObject, out: &mut Output) {
        self.last = Some(location);
        self.pass(location.group + 1);
        out.object(object);
    }

    /// Moves `next` to at least `group`, and past what was reported.
    fn pass(&mut self, group: u64) {
        let next = self.next.map_or(group, |next| next.max(group));
        self.next = Some(next);
        if !self.settled.is_empty() {
            self.settled = self.settled.split_off(&next);
            self.pass_settled();
        }
    }

    pub fn flush(&mut self, out: &mut Output) {
        while !self.held.is_empty() {
            self.release_first(out);
        }
    }

    pub fn timeout(&self) -> Option<Instant> {
        self.held.first_key_value().map(|(_, held)| held.until)
    }

    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}
