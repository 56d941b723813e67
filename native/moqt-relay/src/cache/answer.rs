//! What a cache says to a FETCH.

use super::{Group, Item, Span, TrackCache, GROUP_COST, LAST_OBJECT, OBJECT_COST};
use moqt::wire::location::{GroupOrder, Location};
use std::time::Instant;

enum Piece<'a> {
    Group(u64, &'a Group),
    Unknown(Span),
}

impl TrackCache {
    /// The smallest span that holds everything unknown within `span`.
    pub(crate) fn unknown(&mut self, span: Span, now: Instant) -> Option<Span> {
        self.expire(now);
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
        let mut absent = self.absent.clone();
        for &(first, last) in self.gaps.ranges() {
            absent.insert(first, last);
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
    pub(crate) fn collect(&mut self, span: Span, order: GroupOrder, now: Instant) -> Vec<Item> {
        self.expire(now);
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
        blocks.into_iter().flatten().collect()
    }

    /// A cache of its own with what is known of a span: the objects are shared.
    pub(crate) fn extract(&mut self, span: Span, max_bytes: usize, now: Instant) -> TrackCache {
        self.expire(now);
        let mut part = TrackCache::new(max_bytes, usize::MAX);
        part.configure(self.max_age, self.default_priority);
        part.absent = self.absent.clone();
        part.gaps = self.gaps.clone();
        part.end = self.end;
        for (&id, group) in self.groups.range(span.start.group..=span.end.group) {
            let (first, last) = span.objects_of(id);
            let mut copy = Group {
                known: group.known.clone(),
                end: group.end,
                ..Group::default()
            };
            copy.bytes = GROUP_COST;
            for (&object_id, object) in group.objects.range(first..=last) {
                copy.bytes += object.cost() + OBJECT_COST;
                copy.objects.insert(object_id, object.clone());
            }
            part.bytes += copy.bytes;
            part.groups.insert(id, copy);
        }
        part.shrink_to(max_bytes);
        part
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
