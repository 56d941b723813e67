//! The objects of one track that the relay keeps, and what it knows of the others.
//!
//! An object is known to exist (it is here), known not to exist, or of unknown state (draft-18
//! "Objects"). Whatever is evicted or expires becomes unknown again, so a FETCH asks upstream.

mod answer;

pub(crate) use answer::Unsent;

use crate::ranges::RangeSet;
use moqt::delivery::SharedObject;
use moqt::wire::location::Location;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What a cached object costs beside its bytes.
pub(crate) const OBJECT_COST: usize = 192;
/// What a group costs beside its objects.
const GROUP_COST: usize = 128;
/// Most separate ranges of absent groups that are remembered; the lowest are forgotten.
const MAX_ABSENT_RANGES: usize = 1_024;
/// The object id that stands for "the rest of the group" in end-of-range markers: the largest that
/// every host can represent.
const LAST_OBJECT: u64 = (1 << 53) - 1;

/// An inclusive range of a track; `end.object` of `u64::MAX` is the rest of that group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) start: Location,
    pub(crate) end: Location,
}

/// The location after one.
pub(crate) fn after(location: Location) -> Location {
    match location.object.checked_add(1) {
        Some(object) => Location::new(location.group, object),
        None => Location::new(location.group.saturating_add(1), 0),
    }
}

impl Span {
    /// From the wire's form: the end is the last object plus one, 0 for the whole group. `None`
    /// when the end lies before the start.
    pub(crate) fn from_wire(start: Location, end: Location) -> Option<Span> {
        let last = end.object.checked_sub(1).unwrap_or(u64::MAX);
        let span = Span {
            start,
            end: Location::new(end.group, last),
        };
        (span.start <= span.end).then_some(span)
    }

    /// The end in the wire's form.
    pub(crate) fn wire_end(&self) -> Location {
        Location::new(self.end.group, self.end.object.wrapping_add(1))
    }

    fn objects_of(&self, group: u64) -> (u64, u64) {
        let first = if group == self.start.group {
            self.start.object
        } else {
            0
        };
        let last = if group == self.end.group {
            self.end.object
        } else {
            u64::MAX
        };
        (first, last)
    }
}

/// What became of an object offered to the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Insert {
    /// New: forward it.
    New,
    /// Seen before, the same: drop it.
    Duplicate,
    /// Known not to exist: neither cache nor forward it.
    Absent,
    /// Its group left the cache before, so it cannot be told from a duplicate.
    Evicted,
    /// It contradicts what is known: the track is malformed.
    Malformed(&'static str),
}

/// One item of an answer to a FETCH.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Object(SharedObject),
    EndOfRange { location: Location, unknown: bool },
}

#[derive(Debug, Default)]
struct Group {
    objects: BTreeMap<u64, SharedObject>,
    known: RangeSet,
    /// First id that does not exist, from an end-of-group mark.
    end: Option<u64>,
    /// Prior Group ID Gap that its objects carry.
    gap: Option<u64>,
    bytes: usize,
}

/// The cache of one track.
#[derive(Debug)]
pub(crate) struct TrackCache {
    groups: BTreeMap<u64, Group>,
    /// Groups that a FETCH has shown not to exist.
    absent: RangeSet,
    /// Groups that a Prior Group ID Gap has declared not to exist.
    gaps: RangeSet,
    /// First location that does not exist, from an end-of-track mark.
    end: Option<Location>,
    /// Groups below this one were evicted.
    floor: u64,
    bytes: usize,
    max_bytes: usize,
    max_groups: usize,
    max_age: Option<Duration>,
    default_priority: u8,
}

impl TrackCache {
    pub(crate) fn new(max_bytes: usize, max_groups: usize) -> Self {
        TrackCache {
            groups: BTreeMap::new(),
            absent: RangeSet::default(),
            gaps: RangeSet::default(),
            end: None,
            floor: 0,
            bytes: 0,
            max_bytes,
            max_groups: max_groups.max(1),
            max_age: None,
            default_priority: 128,
        }
    }

    /// Takes over what the track's properties say.
    pub(crate) fn configure(&mut self, max_age: Option<Duration>, default_priority: u8) {
        self.max_age = max_age;
        self.default_priority = default_priority;
    }

    /// Bytes held, overhead included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether anything was heard of a group.
    pub(crate) fn knows(&self, group: u64) -> bool {
        group < self.floor || self.groups.contains_key(&group)
    }

    /// Groups held.
    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// First location known not to exist because the track has ended there.
    pub(crate) fn end(&self) -> Option<Location> {
        self.end
    }

    fn same(&self, a: &SharedObject, b: &SharedObject) -> bool {
        a.datagram == b.datagram
            && (a.datagram || a.subgroup == b.subgroup)
            && a.priority.unwrap_or(self.default_priority)
                == b.priority.unwrap_or(self.default_priority)
            && a.payload == b.payload
    }

    /// Whether an object is older than MAX_CACHE_DURATION: its state is unknown then.
    fn is_expired(&self, object: &SharedObject, now: Instant) -> bool {
        let age = now.saturating_duration_since(object.received);
        self.max_age.is_some_and(|most| age > most)
    }

    /// Forgets an object that is too old when another comes in its place.
    fn expire(&mut self, location: Location, now: Instant) {
        let group = self.groups.get(&location.group);
        let known = group.and_then(|group| group.objects.get(&location.object));
        if !known.is_some_and(|known| self.is_expired(known, now)) {
            return;
        }
        let group = group_of(&mut self.groups, &mut self.bytes, location.group);
        if let Some(object) = group.objects.remove(&location.object) {
            let freed = object.cost() + OBJECT_COST;
            group.bytes = group.bytes.saturating_sub(freed);
            self.bytes = self.bytes.saturating_sub(freed);
            group.known.remove(location.object);
        }
    }

    /// Offers a normal object. `object_gap` and `group_gap` are the values of its gap properties.
    pub(crate) fn insert(
        &mut self,
        object: &SharedObject,
        object_gap: u64,
        group_gap: Option<u64>,
    ) -> Insert {
        let location = Location::new(object.group, object.object);
        if self.end.is_some_and(|end| location >= end) {
            return Insert::Malformed("object after the end of the track");
        }
        if self.gaps.contains(location.group) {
            return Insert::Malformed("object in a group that was declared absent");
        }
        if location.group < self.floor && !self.groups.contains_key(&location.group) {
            return Insert::Evicted;
        }
        if self.max_age.is_some() {
            self.expire(location, object.received);
        }
        let group = self.groups.get(&location.group);
        if let Some(known) = group.and_then(|g| g.objects.get(&location.object)) {
            return if self.same(known, object) {
                Insert::Duplicate
            } else {
                Insert::Malformed("one object with two contents")
            };
        }
        if group.is_some_and(|g| g.end.is_some_and(|end| location.object >= end)) {
            return Insert::Malformed("object after the end of its group");
        }
        if group.map_or(self.absent.contains(location.group), |g| {
            g.known.contains(location.object)
        }) {
            return Insert::Absent;
        }
        let first_absent = location.object.saturating_sub(object_gap);
        if object_gap > 0
            && group.is_some_and(|g| {
                g.objects
                    .range(first_absent..location.object)
                    .next()
                    .is_some()
            })
        {
            return Insert::Malformed("object gap over an object that exists");
        }
        if let Some(gap) = group_gap {
            if group
                .and_then(|g| g.gap)
                .is_some_and(|before| before != gap)
            {
                return Insert::Malformed("two prior group gaps in one group");
            }
            let first = location.group.saturating_sub(gap);
            let exists = self
                .groups
                .range(first..location.group)
                .any(|(_, g)| !g.objects.is_empty());
            if gap > 0 && exists {
                return Insert::Malformed("group gap over a group that exists");
            }
            if gap > 0 {
                self.gaps.insert(first, location.group - 1);
                bound(&mut self.gaps);
            }
        }
        let added = object.cost() + OBJECT_COST;
        let group = group_of(&mut self.groups, &mut self.bytes, location.group);
        group.gap = group.gap.or(group_gap);
        group.known.insert(first_absent, location.object);
        group.objects.insert(location.object, object.clone());
        group.bytes += added;
        self.bytes += added;
        self.shrink_to(self.max_bytes);
        Insert::New
    }

    /// Records that nothing exists in `group` from `object` on. Gives why the track is malformed
    /// if something does.
    pub(crate) fn end_group(&mut self, group: u64, object: u64) -> Result<(), &'static str> {
        if group < self.floor && !self.groups.contains_key(&group) {
            return Ok(());
        }
        let group = group_of(&mut self.groups, &mut self.bytes, group);
        if group.objects.range(object..).next().is_some() {
            return Err("end of group before an object that exists");
        }
        if group.end.is_some_and(|end| end != object) {
            return Err("a group with two ends");
        }
        group.end = Some(object);
        group.known.insert(object, u64::MAX);
        Ok(())
    }

    /// The objects of a subgroup from one id to before another, if all of them are here.
    pub(crate) fn run(&self, key: (u64, u64), from: u64, to: u64) -> Option<Vec<SharedObject>> {
        let objects = &self.groups.get(&key.0)?.objects;
        let run: Vec<SharedObject> = objects
            .range(from..to)
            .map(|(_, object)| object.clone())
            .filter(|object| object.subgroup == key.1)
            .collect();
        (run.len() as u64 == to - from).then_some(run)
    }

    /// First id known not to exist in a group because the group has ended there.
    pub(crate) fn group_end(&self, group: u64) -> Option<u64> {
        self.groups.get(&group)?.end
    }

    /// Records that nothing exists from `location` on. Gives why the track is malformed if
    /// something does.
    pub(crate) fn end_track(&mut self, location: Location) -> Result<(), &'static str> {
        if self.end.is_some_and(|end| end != location) {
            return Err("a track with two ends");
        }
        let last = self.groups.iter().rev().find_map(|(id, g)| {
            g.objects
                .last_key_value()
                .map(|(object, _)| Location::new(*id, *object))
        });
        if last.is_some_and(|last| last >= location) {
            return Err("end of track before an object that exists");
        }
        self.end = Some(location);
        if let Some(group) = self.groups.get_mut(&location.group) {
            group.known.insert(location.object, u64::MAX);
        }
        Ok(())
    }

    /// Records that every object of the span that is not here does not exist.
    pub(crate) fn mark_known(&mut self, span: Span) {
        let held: Vec<u64> = self
            .groups
            .range(span.start.group..=span.end.group)
            .map(|(id, _)| *id)
            .collect();
        let mut next = span.start.group;
        for id in held {
            if next < id {
                self.mark_absent(next, id - 1, span);
            }
            let (first, last) = span.objects_of(id);
            if let Some(group) = self.groups.get_mut(&id) {
                group.known.insert(first, last);
            }
            let Some(after) = id.checked_add(1) else {
                return;
            };
            next = after;
        }
        if next <= span.end.group {
            self.mark_absent(next, span.end.group, span);
        }
    }

    fn mark_absent(&mut self, first: u64, last: u64, span: Span) {
        for id in first..=last {
            let (from, to) = span.objects_of(id);
            if (from, to) == (0, u64::MAX) {
                // Whole groups from here on, except perhaps the last one.
                let whole = if last == span.end.group && span.end.object != u64::MAX {
                    last.checked_sub(1)
                } else {
                    Some(last)
                };
                if let Some(whole) = whole.filter(|whole| *whole >= id) {
                    self.absent.insert(id, whole);
                    bound(&mut self.absent);
                }
                if whole != Some(last) && last >= self.floor {
                    let (from, to) = span.objects_of(last);
                    group_of(&mut self.groups, &mut self.bytes, last)
                        .known
                        .insert(from, to);
                }
                break;
            }
            if id >= self.floor {
                group_of(&mut self.groups, &mut self.bytes, id)
                    .known
                    .insert(from, to);
            }
        }
        self.shrink_to(self.max_bytes);
    }

    /// Whether it holds no object.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.values().all(|g| g.objects.is_empty())
    }

    /// Frees about so many of its objects and groups, for a cache that nobody needs any more. Gives how
    /// many; fewer than `most`: it is empty.
    pub(crate) fn free(&mut self, most: usize) -> usize {
        let mut freed = 0;
        while freed < most {
            let Some(mut group) = self.groups.first_entry() else {
                break;
            };
            while freed < most && group.get_mut().objects.pop_first().is_some() {
                freed += 1;
            }
            if group.get().objects.is_empty() {
                group.remove();
                freed += 1;
            }
        }
        freed
    }

    /// Evicts the oldest groups, then the oldest objects of the newest group, until `max_bytes`
    /// and the bound on groups hold. Gives the bytes freed.
    pub(crate) fn shrink_to(&mut self, max_bytes: usize) -> usize {
        let before = self.bytes;
        while self.groups.len() > 1
            && (self.bytes > max_bytes || self.groups.len() > self.max_groups)
        {
            let Some((id, group)) = self.groups.pop_first() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(group.bytes);
            self.floor = self.floor.max(id.saturating_add(1));
        }
        if self.bytes > max_bytes {
            if let Some((_, group)) = self.groups.iter_mut().next_back() {
                while self.bytes > max_bytes {
                    let Some((id, object)) = group.objects.pop_first() else {
                        break;
                    };
                    let freed = object.cost() + OBJECT_COST;
                    group.bytes = group.bytes.saturating_sub(freed);
                    self.bytes = self.bytes.saturating_sub(freed);
                    group.known.remove_below(id.saturating_add(1));
                }
            }
        }
        before - self.bytes.min(before)
    }
}

fn group_of<'a>(groups: &'a mut BTreeMap<u64, Group>, bytes: &mut usize, id: u64) -> &'a mut Group {
    groups.entry(id).or_insert_with(|| {
        *bytes += GROUP_COST;
        Group {
            bytes: GROUP_COST,
            ..Group::default()
        }
    })
}

fn bound(ranges: &mut RangeSet) {
    while ranges.len() > MAX_ABSENT_RANGES {
        ranges.drop_lowest();
    }
}

#[cfg(test)]
mod tests;
