//! What a cache says to a FETCH, in slices: a track may hold very much, and others wait meanwhile.

use super::{after, group_of, Group, Item, Span, TrackCache, GROUP_COST, LAST_OBJECT, OBJECT_COST};
use moqt::wire::location::{GroupOrder, Location};
use std::borrow::Cow;
use std::time::Instant;

/// What of an answer was not taken yet.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Unsent {
    order: GroupOrder,
    /// Goes on here, in ascending order.
    part: Option<Span>,
    /// In descending order: what lies below that.
    below: Option<Span>,
}

impl Unsent {
    /// All of a span.
    pub(crate) fn new(span: Span, order: GroupOrder) -> Self {
        let (part, below) = match order {
            GroupOrder::Ascending => (Some(span), None),
            GroupOrder::Descending => (None, Some(span)),
        };
        Unsent { order, part, below }
    }

    /// Whether all was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.part.is_none() && self.below.is_none()
    }
}

enum Piece<'a> {
    Group(u64, &'a Group),
    Unknown(Span),
}

impl TrackCache {
    /// The smallest span that holds everything unknown within `span`.
    pub(crate) fn unknown(&self, span: Span) -> Option<Span> {
        let mut found: Option<Span> = None;
        let mut add = |start: Location, end: Location| {
            found = Some(Span {
                start: found.map_or(start, |f| f.start),
                end,
            });
        };
        self.each_piece(span, |piece| match piece {
            Piece::Unknown(part) => add(part.start, part.end),
            Piece::Group(id, group) => {
                let (first, last) = span.objects_of(id);
                let last = self.last_possible(id, last);
                if let Some((gap, _)) = group.known.first_gap(first, last) {
                    let end = group.known.last_gap(first, last).unwrap_or(last);
                    add(Location::new(id, gap), Location::new(id, end));
                }
            }
        });
        found
    }

    /// `last`, cut to what can exist before the end of the track.
    fn last_possible(&self, group: u64, last: u64) -> u64 {
        match self.end {
            Some(end) if end.group == group => end.object.saturating_sub(1).min(last),
            _ => last,
        }
    }

    /// Walks a span in ascending order: groups that are here, and runs of groups of which nothing
    /// is known.
    fn each_piece<'a>(&'a self, span: Span, mut visit: impl FnMut(Piece<'a>)) {
        let end_group = match self.end {
            Some(end) if end.object == 0 => end.group.saturating_sub(1).min(span.end.group),
            Some(end) => end.group.min(span.end.group),
            None => span.end.group,
        };
        let mut absent = Cow::Borrowed(&self.absent);
        for &(first, last) in self.gaps.ranges() {
            absent.to_mut().insert(first, last);
        }
        let gap = |from: u64, to: u64, visit: &mut dyn FnMut(Piece<'a>)| {
            let mut next = Some(from);
            while let Some((first, last)) = next.and_then(|from| absent.first_gap(from, to)) {
                visit(Piece::Unknown(Span {
                    start: Location::new(first, span.objects_of(first).0),
                    end: Location::new(last, span.objects_of(last).1),
                }));
                next = last.checked_add(1);
            }
        };
        let mut next = Some(span.start.group);
        if span.start.group > end_group {
            return;
        }
        for (&id, group) in self.groups.range(span.start.group..=end_group) {
            if let Some(from) = next.filter(|from| *from < id) {
                gap(from, id - 1, &mut visit);
            }
            visit(Piece::Group(id, group));
            next = id.checked_add(1);
        }
        if let Some(from) = next.filter(|from| *from <= end_group) {
            gap(from, end_group, &mut visit);
        }
    }

    /// The answer to a FETCH of `span`: objects, and marks where the state is unknown.
    fn collect(&self, span: Span, order: GroupOrder, items: &mut Vec<Item>) {
        let mut blocks: Vec<Vec<Item>> = Vec::new();
        self.each_piece(span, |piece| match piece {
            Piece::Unknown(part) => {
                let mark = match order {
                    GroupOrder::Ascending => part.end,
                    GroupOrder::Descending => Location::new(part.start.group, part.end.object),
                };
                let location = Location::new(mark.group, mark.object.min(LAST_OBJECT));
                blocks.push(vec![Item::EndOfRange {
                    location,
                    unknown: true,
                }]);
            }
            Piece::Group(id, group) => {
                let (first, last) = span.objects_of(id);
                let last = self.last_possible(id, last);
                blocks.push(group_items(id, group, first, last));
            }
        });
        if order == GroupOrder::Descending {
            blocks.reverse();
        }
        items.extend(blocks.into_iter().flatten());
    }

    /// Takes the next items of an answer, about as many as `most`: those objects leave this cache.
    pub(crate) fn take(&mut self, unsent: &mut Unsent, most: usize) -> Vec<Item> {
        let mut items = Vec::new();
        while items.len() < most {
            let Some(part) = self.next_part(unsent) else {
                break;
            };
            let slice = self.slice(part, most - items.len());
            self.collect(slice, unsent.order, &mut items);
            self.drop_objects(slice);
            unsent.part = (slice.end < part.end).then(|| Span {
                start: after(slice.end),
                end: part.end,
            });
        }
        items
    }

    /// What is answered next: a whole span, or in descending order the last of its groups that is
    /// here, or the run of groups above that, of which nothing is.
    fn next_part(&self, unsent: &mut Unsent) -> Option<Span> {
        if unsent.part.is_some() {
            return unsent.part;
        }
        let below = unsent.below?;
        let held = self.groups.range(below.start.group..=below.end.group);
        let start = match held.map(|(id, _)| *id).next_back() {
            Some(group) if group < below.end.group => Location::new(group + 1, 0),
            Some(group) => Location::new(group, below.objects_of(group).0),
            None => below.start,
        };
        unsent.below = (start.group > below.start.group).then(|| Span {
            start: below.start,
            end: Location::new(start.group - 1, u64::MAX),
        });
        Some(Span {
            start,
            end: below.end,
        })
    }

    /// The first part of a span that has about so many groups and objects.
    fn slice(&self, span: Span, most: usize) -> Span {
        let mut found = 0;
        let until = |end| Span {
            start: span.start,
            end,
        };
        for (&id, group) in self.groups.range(span.start.group..=span.end.group) {
            let (first, last) = span.objects_of(id);
            for &object in group.objects.range(first..=last).map(|(object, _)| object) {
                found += 1;
                if found >= most {
                    return until(Location::new(id, object));
                }
            }
            found += 1;
            if found >= most {
                return until(Location::new(id, last));
            }
        }
        span
    }

    /// Drops objects that were taken: the last group of them has no more before that.
    fn drop_objects(&mut self, span: Span) {
        let groups = self.groups.range_mut(span.start.group..=span.end.group);
        for (&id, group) in groups {
            let last = span.objects_of(id).1;
            while let Some(first) = group.objects.first_entry().filter(|o| *o.key() <= last) {
                let freed = first.remove().cost() + OBJECT_COST;
                group.bytes = group.bytes.saturating_sub(freed);
                self.bytes = self.bytes.saturating_sub(freed);
            }
        }
    }

    /// An empty cache that knows of this track what is known of whole groups, for [`Self::copy`].
    pub(crate) fn part(&self, max_bytes: usize) -> TrackCache {
        let mut part = TrackCache::new(max_bytes, usize::MAX);
        // What is fresh when it is copied is not asked for its age again.
        part.configure(None, self.default_priority);
        part.absent = self.absent.clone();
        for &(first, last) in self.gaps.ranges() {
            part.absent.insert(first, last);
        }
        part.end = self.end;
        part
    }

    /// Copies what is known of the beginning of a span to a part, about so many bytes; the objects
    /// are shared. What is older than MAX_CACHE_DURATION is unknown. Gives the bytes, and where to go
    /// on if that was not all.
    pub(crate) fn copy(
        &self,
        part: &mut TrackCache,
        span: Span,
        most: usize,
        now: Instant,
    ) -> (usize, Option<Location>) {
        let (mut copied, mut next) = (0, None);
        for (&id, group) in self.groups.range(span.start.group..=span.end.group) {
            let (first, last) = span.objects_of(id);
            if copied >= most {
                next = Some(Location::new(id, first));
                break;
            }
            copied += GROUP_COST;
            let copy = group_of(&mut part.groups, &mut part.bytes, id);
            copy.end = group.end;
            let mut until = last;
            let mut expired = Vec::new();
            for (&object_id, object) in group.objects.range(first..=last) {
                let cost = object.cost() + OBJECT_COST;
                copied += cost;
                if self.is_expired(object, now) {
                    expired.push(object_id);
                } else {
                    copy.bytes += cost;
                    part.bytes += cost;
                    copy.objects.insert(object_id, object.clone());
                }
                if copied >= most && object_id < last {
                    until = object_id;
                    break;
                }
            }
            for &(from, to) in group.known.ranges() {
                if from <= until && to >= first {
                    copy.known.insert(from.max(first), to.min(until));
                }
            }
            for object_id in expired {
                copy.known.remove(object_id);
            }
            if until < last {
                next = Some(Location::new(id, until + 1));
                break;
            }
        }
        part.shrink_to(part.max_bytes);
        (copied, next)
    }
}

fn group_items(id: u64, group: &Group, first: u64, last: u64) -> Vec<Item> {
    let mut items = Vec::new();
    if first > last {
        return items;
    }
    let unknown_up_to = |items: &mut Vec<Item>, from: u64, to: u64| {
        let mut from = from;
        while let Some((start, end)) = group.known.first_gap(from, to) {
            if start > from {
                let location = Location::new(id, start - 1);
                items.push(Item::EndOfRange {
                    location,
                    unknown: false,
                });
            }
            let location = Location::new(id, end.min(LAST_OBJECT));
            items.push(Item::EndOfRange {
                location,
                unknown: true,
            });
            match end.checked_add(1) {
                Some(after) if after <= to => from = after,
                _ => break,
            }
        }
    };
    let mut next = Some(first);
    for (&object_id, object) in group.objects.range(first..=last) {
        if let Some(from) = next.filter(|from| *from < object_id) {
            unknown_up_to(&mut items, from, object_id - 1);
        }
        items.push(Item::Object(object.clone()));
        next = object_id.checked_add(1);
    }
    if let Some(from) = next.filter(|from| *from <= last) {
        unknown_up_to(&mut items, from, last);
    }
    items
}
