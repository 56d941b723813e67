//! Class `reliable`: every object once, in order, across groups.

use super::{Arrival, FetchEnd, Output};
use crate::delivery::inbound::{GapReason, InObject};
use crate::delivery::object::OBJECT_OVERHEAD;
use crate::wire::location::Location;
use crate::wire::object::ObjectStatus;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Groups that may wait; with more, a missing one is not waited for.
const MAX_GROUPS: usize = 16_384;

#[derive(Debug)]
struct Held {
    object: InObject,
    prior_objects: u64,
}

#[derive(Debug, Default)]
struct Group {
    held: BTreeMap<u64, Held>,
    /// Object that comes next.
    next: u64,
    /// Streams of the group that are open.
    streams: u32,
    /// A stream of the group has ended.
    ended: bool,
    /// A stream was cut and this was not reported yet.
    cut: bool,
    /// It was cut because the whole subscription ends: another one may bring the rest.
    given_up: bool,
    /// One past the group's last object, when known.
    end: Option<u64>,
    /// Groups before this one that do not exist.
    prior_groups: u64,
}

#[derive(Debug)]
pub(super) struct ReliableOrder {
    gap_timeout: Duration,
    groups: BTreeMap<u64, Group>,
    /// The group that is delivered now; `None` until the start is known.
    current: Option<u64>,
    last: Option<Location>,
    /// Group ids are contiguous and a group is one stream: the publisher is of this library.
    ours: bool,
    /// The last two groups had neighbouring ids: a hole would be a loss.
    contiguous: bool,
    joining: bool,
    /// Since when something missing is waited for.
    waiting: Option<Instant>,
    held_bytes: usize,
    /// Streams may be paused.
    pressed: Cell<bool>,
}

impl ReliableOrder {
    pub fn new(gap_timeout: Duration, start: Option<Location>, ours: bool, joining: bool) -> Self {
        let mut groups = BTreeMap::new();
        if let Some(start) = start.filter(|start| start.object > 0) {
            groups.insert(
                start.group,
                Group {
                    next: start.object,
                    ..Group::default()
                },
            );
        }
        ReliableOrder {
            gap_timeout,
            groups,
            current: start.map(|start| start.group),
            last: None,
            ours,
            contiguous: ours,
            joining,
            waiting: None,
            held_bytes: 0,
            pressed: Cell::new(false),
        }
    }

    /// An earlier subscription delivered up to `last`: the joining fetch goes on from there.
    pub fn resume(&mut self, last: Location) {
        self.last = Some(last);
    }

    pub fn current(&self) -> Option<u64> {
        self.current
    }

    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    pub fn timeout(&self) -> Option<Instant> {
        self.waiting.map(|since| since + self.gap_timeout)
    }

    pub fn take_pressed(&self) -> bool {
        self.pressed.replace(false)
    }

    pub fn set_pressed(&self, pressed: bool) {
        self.pressed.set(pressed);
    }

    fn is_over(&self, group: u64) -> bool {
        self.current.is_some_and(|current| group < current)
    }

    pub fn opened(&mut self, group: u64) {
        if !self.is_over(group) {
            self.groups.entry(group).or_default().streams += 1;
        }
    }

    /// A stream ended; `last`: by FIN with END_OF_GROUP, its last object if it had any.
    pub fn ended(&mut self, group: u64, fin: bool, last: Option<Option<u64>>) {
        if self.is_over(group) {
            return;
        }
        let state = self.groups.entry(group).or_default();
        state.streams = state.streams.saturating_sub(1);
        state.ended = true;
        state.cut |= !fin;
        match last {
            Some(Some(last)) => {
                let end = last.saturating_add(1);
                state.end = Some(state.end.map_or(end, |known| known.max(end)));
            }
            // An empty stream that ends the group: what came before is all.
            Some(None) => state.end = state.end.or(Some(state.next)),
            None => {}
        }
    }

    /// What was cut in this group was cut with the whole subscription, whose end is on its way.
    pub fn given_up(&mut self, group: u64) {
        if !self.is_over(group) {
            self.groups.entry(group).or_default().given_up = true;
        }
    }

    pub fn group_ends(&mut self, group: u64, end: u64) {
        if !self.is_over(group) {
            let state = self.groups.entry(group).or_default();
            state.end = Some(end);
            state.ended = true;
        }
    }

    pub fn object(&mut self, arrival: Arrival, out: &mut Output) {
        let (group, object) = (arrival.object.group, arrival.object.object);
        if self.is_over(group) {
            out.stats.stale += 1;
            return;
        }
        let state = self.groups.entry(group).or_default();
        state.prior_groups = state.prior_groups.max(arrival.prior_groups);
        if arrival.status != ObjectStatus::Normal {
            state.end = Some(object);
            state.ended = true;
            return;
        }
        let twice = object < state.next || state.held.contains_key(&object);
        if twice
            || self
                .last
                .is_some_and(|last| Location::new(group, object) <= last)
        {
            out.stats.stale += 1;
            return;
        }
        self.held_bytes += cost(&arrival.object);
        let held = Held {
            object: arrival.object,
            prior_objects: arrival.prior_objects,
        };
        state.held.insert(object, held);
    }

    /// Of the joining fetch, in order: out at once.
    pub fn fetched(&mut self, arrival: Arrival, out: &mut Output) {
        let location = Location::new(arrival.object.group, arrival.object.object);
        if self.last.is_some_and(|last| location <= last) {
            out.stats.stale += 1;
            return;
        }
        self.last = Some(location);
        out.object(arrival.object);
    }

    /// What the joining fetch passed over may exist.
    pub fn fetch_unknown(&mut self, to: Location, out: &mut Output) {
        let from = self.last.map_or(to.group, |last| last.group);
        out.gap(from, to.group, GapReason::Lost);
    }

    /// The joining fetch is over.
    pub fn joined(&mut self, end: FetchEnd, out: &mut Output) {
        self.joining = false;
        if let Some(last) = self.last {
            // Never twice what the fetch brought, whatever the peer sends live.
            let current = *self.current.get_or_insert(last.group);
            if last.group >= current {
                self.current = Some(last.group);
                let drop: Vec<u64> = self.groups.range(..last.group).map(|(id, _)| *id).collect();
                for id in drop {
                    self.forget(id);
                }
                let state = self.groups.entry(last.group).or_default();
                state.next = state.next.max(last.object.saturating_add(1));
                while let Some(entry) = state.held.first_entry() {
                    if *entry.key() >= state.next {
                        break;
                    }
                    self.held_bytes -= cost(&entry.remove().object);
                }
            }
        }
        let reason = match end {
            FetchEnd::Complete => return,
            FetchEnd::Refused => GapReason::Lost,
            FetchEnd::Cut => GapReason::Reset,
        };
        let Some(group) = self.current else { return };
        let next = self.groups.get(&group).map_or(0, |state| state.next);
        if next == 0 {
            return;
        }
        match self.last {
            // All that there was came before.
            Some(last) if last.group == group && last.object.saturating_add(1) >= next => {}
            Some(last) => out.gap(last.group.min(group), group, reason),
            None => out.gap(group, group, reason),
        }
    }

    fn forget(&mut self, group: u64) {
        if let Some(state) = self.groups.remove(&group) {
            let held: usize = state.held.values().map(|held| cost(&held.object)).sum();
            self.held_bytes -= held;
        }
    }

    /// Delivers what can be delivered.
    pub fn advance(&mut self, now: Instant, out: &mut Output) {
        if self.joining {
            return;
        }
        loop {
            let current = match self.current {
                Some(current) => current,
                None => match self.groups.keys().next() {
                    Some(&first) => *self.current.insert(first),
                    None => return,
                },
            };
            let waited = self
                .waiting
                .is_some_and(|since| now >= since + self.gap_timeout);
            let overdue = waited || self.groups.len() > MAX_GROUPS;
            let later = self.groups.range(current.saturating_add(1)..).next();
            let later = later.map(|(&id, state)| (id, state.prior_groups));
            match self.within(current, later.is_some(), overdue, out) {
                Within::Flowing => {
                    self.waiting = None;
                    return;
                }
                Within::Over => {
                    self.step(current, current.saturating_add(1));
                    continue;
                }
                Within::Missing if !overdue => {
                    self.waiting.get_or_insert(now);
                    return;
                }
                Within::Missing => continue,
                Within::Nothing => {}
            }
            // Nothing of this group is here or under way: has it been lost, or is it none?
            let Some((later, prior)) = later else {
                self.waiting = None;
                return;
            };
            if later - current > prior && self.contiguous {
                if !overdue {
                    self.waiting.get_or_insert(now);
                    return;
                }
                out.gap(current, later - 1, GapReason::Lost);
            }
            self.step(current, later);
        }
    }

    /// Delivers within the current group.
    fn within(&mut self, id: u64, later: bool, overdue: bool, out: &mut Output) -> Within {
        let Some(state) = self.groups.get_mut(&id) else {
            return Within::Nothing;
        };
        let progress = drain(state, self.ours, overdue, id, out);
        self.held_bytes -= progress.bytes;
        if let Some(last) = progress.last {
            if let Some(before) = self.last.filter(|before| before.group != id) {
                self.contiguous = self.ours || before.group.checked_add(1) == Some(id);
            }
            self.last = Some(Location::new(id, last));
            self.waiting = None;
        }
        if !state.held.is_empty() {
            return Within::Missing;
        }
        if state.streams > 0 {
            return Within::Flowing;
        }
        if state.cut {
            if state.given_up && !overdue {
                return Within::Missing;
            }
            state.cut = false;
            out.gap(id, id, GapReason::Reset);
            if self.ours {
                return Within::Over;
            }
        }
        match state.end {
            Some(end) if state.next >= end => Within::Over,
            // Other subgroups of the group are still to come.
            Some(_) => Within::Nothing,
            None if state.ended && later => Within::Over,
            None if state.ended => Within::Flowing,
            None => Within::Nothing,
        }
    }

    fn step(&mut self, from: u64, to: u64) {
        self.forget(from);
        self.current = Some(to);
        self.waiting = None;
    }

    /// Nothing more arrives: all that is held comes out, and what is missing is reported, with the
    /// one reason `why` if there is one.
    pub fn flush(&mut self, why: Option<GapReason>, out: &mut Output) {
        self.joining = false;
        let mut expected = self.current;
        while let Some((group, mut state)) = self.groups.pop_first() {
            if let Some(from) = expected.filter(|&from| self.contiguous && group > from) {
                if group - from > state.prior_groups {
                    out.gap(from, group - 1, why.unwrap_or(GapReason::Lost));
                }
            }
            state.streams = 0;
            drain(&mut state, self.ours, true, group, out);
            if state.cut {
                out.gap(group, group, why.unwrap_or(GapReason::Reset));
            }
            expected = Some(group.saturating_add(1));
        }
        self.held_bytes = 0;
        self.waiting = None;
        self.current = expected;
    }
}

/// How far the current group is.
enum Within {
    /// More of it may come, and nothing is known to be missing.
    Flowing,
    /// An object is missing before one that is here.
    Missing,
    /// All of it is delivered or reported.
    Over,
    /// Nothing of what is missing is here or under way.
    Nothing,
}

/// What [`drain`] took out of a group.
#[derive(Default)]
struct Progress {
    bytes: usize,
    last: Option<u64>,
}

/// Delivers a group's objects as far as they are in order. `overdue`: what is missing is not
/// waited for any longer, but reported.
fn drain(state: &mut Group, ours: bool, overdue: bool, group: u64, out: &mut Output) -> Progress {
    let mut progress = Progress::default();
    while let Some(entry) = state.held.first_entry() {
        let id = *entry.key();
        let settled = id.saturating_sub(entry.get().prior_objects) <= state.next;
        // One stream per group keeps its own order; ids may skip only as its publisher skipped.
        if !(settled || ours || state.streams == 0) {
            if !overdue {
                break;
            }
            out.gap(group, group, GapReason::Lost);
        }
        let held = entry.remove();
        state.next = id.saturating_add(1);
        progress.bytes += cost(&held.object);
        progress.last = Some(id);
        out.object(held.object);
    }
    progress
}

fn cost(object: &InObject) -> usize {
    object.payload.len() + OBJECT_OVERHEAD
}
