use super::*;
use bytes::Bytes;
use moqt::delivery::OutObject;
use moqt::wire::location::GroupOrder;
use moqt::wire::{ObjectStatus, Properties};

fn object(group: u64, id: u64, payload: &'static [u8]) -> SharedObject {
    SharedObject::new(OutObject {
        group,
        subgroup: 0,
        object: id,
        status: ObjectStatus::Normal,
        priority: None,
        properties: Properties::empty(),
        payload: Bytes::from_static(payload),
        datagram: false,
        first: id == 0,
        end_of_group: false,
        with_properties: false,
        received: Instant::now(),
    })
}

fn put(cache: &mut TrackCache, group: u64, id: u64) -> Insert {
    cache.insert(&object(group, id, b"x"), 0, None)
}

fn span(start: (u64, u64), end: (u64, u64)) -> Span {
    Span {
        start: Location::new(start.0, start.1),
        end: Location::new(end.0, end.1),
    }
}

fn text(items: &[Item]) -> String {
    let words = items.iter().map(|item| match item {
        Item::Object(o) => format!("{}.{}", o.group, o.object),
        Item::EndOfRange { location, unknown } => {
            let kind = if *unknown { "unknown" } else { "none" };
            if location.object == LAST_OBJECT {
                format!("{kind}<={}.*", location.group)
            } else {
                format!("{kind}<={}.{}", location.group, location.object)
            }
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Copied in shares of so many bytes, and taken in slices of so many items.
fn answer_in(
    cache: &mut TrackCache,
    span: Span,
    order: GroupOrder,
    share: usize,
    slice: usize,
) -> String {
    let mut part = cache.part(usize::MAX);
    let mut start = Some(span.start);
    while let Some(from) = start {
        let rest = Span {
            start: from,
            end: span.end,
        };
        start = cache.copy(&mut part, rest, share, Instant::now()).1;
    }
    let mut unsent = Unsent::new(span, order);
    let mut items = Vec::new();
    while !unsent.is_empty() {
        items.extend(part.take(&mut unsent, slice));
    }
    assert!(part.is_empty(), "what was taken is gone");
    text(&items)
}

/// The same, however it is cut.
fn answer_by(cache: &mut TrackCache, span: Span, order: GroupOrder) -> String {
    let whole = answer_in(cache, span, order, usize::MAX, usize::MAX);
    for (share, slice) in [(1, 1), (700, 2), (usize::MAX, 3), (1, usize::MAX)] {
        let cut = answer_in(cache, span, order, share, slice);
        assert_eq!(cut, whole, "shares of {share} and slices of {slice}");
    }
    whole
}

fn answer(cache: &mut TrackCache, span: Span) -> String {
    answer_by(cache, span, GroupOrder::Ascending)
}

#[test]
fn new_duplicate_and_contradicting_objects() {
    let mut cache = TrackCache::new(1 << 20, 64);
    assert_eq!(put(&mut cache, 5, 0), Insert::New);
    assert_eq!(put(&mut cache, 5, 0), Insert::Duplicate);
    assert!(matches!(
        cache.insert(&object(5, 0, b"y"), 0, None),
        Insert::Malformed(_)
    ));
    assert_eq!(cache.end_group(5, 3), Ok(()));
    assert!(matches!(put(&mut cache, 5, 3), Insert::Malformed(_)));
    assert_eq!(put(&mut cache, 5, 1), Insert::New);
    assert!(cache.end_group(5, 1).is_err());
    assert_eq!(cache.end_track(Location::new(6, 0)), Ok(()));
    assert!(matches!(put(&mut cache, 6, 0), Insert::Malformed(_)));
    assert!(cache.end_track(Location::new(7, 0)).is_err());
}

#[test]
fn gap_properties_settle_what_does_not_exist() {
    let mut cache = TrackCache::new(1 << 20, 64);
    put(&mut cache, 1, 0);
    assert_eq!(cache.insert(&object(4, 3, b"x"), 3, Some(2)), Insert::New);
    assert_eq!(cache.unknown(span((4, 0), (4, 3))), None);
    assert_eq!(answer(&mut cache, span((2, 0), (4, 3))), "4.3");
    assert!(
        matches!(put(&mut cache, 3, 0), Insert::Malformed(_)),
        "in a declared gap"
    );
    assert_eq!(put(&mut cache, 4, 1), Insert::Absent);
    assert!(matches!(
        cache.insert(&object(4, 4, b"x"), 1, Some(1)),
        Insert::Malformed(_)
    ));
    assert!(matches!(
        cache.insert(&object(6, 0, b"x"), 0, Some(2)),
        Insert::Malformed(_)
    ));
    assert!(matches!(
        cache.insert(&object(4, 5, b"x"), 2, None),
        Insert::Malformed(_)
    ));
}

#[test]
fn unknown_parts_are_found_and_marked() {
    let mut cache = TrackCache::new(1 << 20, 64);
    for (group, id) in [(1, 0), (1, 1), (3, 2), (3, 3)] {
        put(&mut cache, group, id);
    }
    let whole = span((1, 0), (3, 3));
    let unknown = cache.unknown(whole);
    assert_eq!(unknown, Some(span((1, 2), (3, 1))));
    assert_eq!(
        answer(&mut cache, whole),
        "1.0 1.1 unknown<=1.* unknown<=2.* unknown<=3.1 3.2 3.3"
    );
    assert_eq!(answer(&mut cache, span((3, 2), (3, 3))), "3.2 3.3");
    cache.mark_known(span((1, 2), (3, 1)));
    assert_eq!(cache.unknown(whole), None);
    assert_eq!(answer(&mut cache, whole), "1.0 1.1 3.2 3.3");
    let down = answer_by(&mut cache, whole, GroupOrder::Descending);
    assert_eq!(down, "3.2 3.3 1.0 1.1");
    assert_eq!(
        put(&mut cache, 2, 7),
        Insert::Absent,
        "a fetch has shown that group 2 is empty"
    );
}

#[test]
fn known_absence_next_to_unknown_is_split() {
    let mut cache = TrackCache::new(1 << 20, 64);
    assert_eq!(cache.insert(&object(1, 5, b"x"), 2, None), Insert::New);
    cache.mark_known(span((1, 0), (1, 0)));
    assert_eq!(
        answer(&mut cache, span((1, 0), (1, 5))),
        "none<=1.0 unknown<=1.2 1.5"
    );
}

#[test]
fn a_fetched_range_may_end_inside_a_group() {
    let mut cache = TrackCache::new(1 << 20, 64);
    cache.mark_known(span((1, 4), (9, 2)));
    assert_eq!(cache.unknown(span((1, 4), (9, 2))), None);
    assert_eq!(
        cache.unknown(span((1, 3), (9, 3))),
        Some(span((1, 3), (9, 3)))
    );
    assert_eq!(put(&mut cache, 9, 3), Insert::New);
    assert_eq!(put(&mut cache, 9, 2), Insert::Absent);
    let huge = span((0, 0), (u64::MAX, u64::MAX));
    assert!(cache.unknown(huge).is_some());
    cache.mark_known(huge);
    assert_eq!(cache.unknown(huge), None);
}

#[test]
fn eviction_makes_things_unknown_and_keeps_the_newest() {
    let one = OBJECT_COST + object(0, 0, b"x").cost();
    let mut cache = TrackCache::new(4 * one + 3 * GROUP_COST, 2);
    for group in 1..=3 {
        put(&mut cache, group, 0);
    }
    assert_eq!(cache.groups(), 2);
    assert_eq!(put(&mut cache, 1, 0), Insert::Evicted);
    assert_eq!(
        answer(&mut cache, span((1, 0), (3, 0))),
        "unknown<=1.* 2.0 unknown<=2.* 3.0"
    );
    for id in 1..=20 {
        put(&mut cache, 3, id);
    }
    assert_eq!(cache.groups(), 1);
    assert!(cache.bytes() <= 4 * one + 3 * GROUP_COST);
    assert!(answer(&mut cache, span((3, 0), (3, 20))).starts_with("unknown<=3.15 3.16"));
    assert!(cache.shrink_to(0) > 0);
    assert_eq!(answer(&mut cache, span((3, 20), (3, 20))), "unknown<=3.20");
}

#[test]
fn expired_objects_are_unknown_again() {
    let mut cache = TrackCache::new(1 << 20, 64);
    cache.configure(Some(Duration::from_millis(50)), 128);
    for id in 0..3 {
        put(&mut cache, 1, id);
    }
    let later = Instant::now() + Duration::from_millis(500);
    let again = SharedObject::new(OutObject {
        received: later,
        ..(*object(1, 1, b"x")).clone()
    });
    assert_eq!(cache.insert(&again, 0, None), Insert::New);
    let held = cache.bytes();
    let whole = span((1, 0), (1, 2));
    let mut part = cache.part(usize::MAX);
    let (_, next) = cache.copy(&mut part, whole, usize::MAX, later);
    assert_eq!(next, None);
    assert_eq!(part.unknown(whole), Some(whole));
    let items = part.take(&mut Unsent::new(whole, GroupOrder::Ascending), 10);
    assert_eq!(text(&items), "unknown<=1.0 1.1 unknown<=1.2");
    assert_eq!(
        cache.bytes(),
        held,
        "they leave with their groups, or when they come again"
    );
    assert_eq!(
        put(&mut cache, 1, 0),
        Insert::Duplicate,
        "as old as the one before"
    );
}

#[test]
fn a_cache_is_freed_in_pieces() {
    let mut cache = TrackCache::new(1 << 20, 64);
    for group in 0..10 {
        for id in 0..9 {
            put(&mut cache, group, id);
        }
    }
    assert_eq!(cache.free(25), 25);
    assert_eq!(cache.groups(), 8);
    assert_eq!(cache.free(1_000), 75);
    assert_eq!((cache.groups(), cache.free(1)), (0, 0));
}

#[test]
fn the_end_of_the_track_bounds_what_can_be_unknown() {
    let mut cache = TrackCache::new(1 << 20, 64);
    put(&mut cache, 1, 0);
    cache.end_track(Location::new(1, 1)).expect("an end");
    assert_eq!(cache.unknown(span((1, 0), (8, 0))), None);
    assert_eq!(answer(&mut cache, span((1, 0), (8, 0))), "1.0");
    assert_eq!(cache.end(), Some(Location::new(1, 1)));
}

#[test]
fn spans_follow_the_wire_form() {
    let s = Span::from_wire(Location::new(1, 2), Location::new(3, 0)).expect("a span");
    assert_eq!(s, span((1, 2), (3, u64::MAX)));
    assert_eq!(s.wire_end(), Location::new(3, 0));
    let s = Span::from_wire(Location::new(1, 2), Location::new(1, 3)).expect("a span");
    assert_eq!((s.end.object, s.wire_end().object), (2, 3));
    assert_eq!(
        Span::from_wire(Location::new(1, 2), Location::new(1, 2)),
        None
    );
    assert_eq!(
        Span::from_wire(Location::new(2, 0), Location::new(1, 5)),
        None
    );
}

#[test]
fn answers_are_the_same_in_slices_and_no_slice_is_large() {
    let mut cache = TrackCache::new(1 << 20, 64);
    let mut seed = 7u32;
    for group in 0..40 {
        for id in 0..30 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match seed >> 28 {
                0..=7 => drop(put(&mut cache, group, id)),
                8..=10 if group % 3 > 0 => cache.mark_known(span((group, id), (group, id + 2))),
                _ => {}
            }
        }
    }
    cache.mark_known(span((12, 9), (17, 3)));
    for range in [((0, 0), (50, 0)), ((3, 7), (31, 9)), ((5, 2), (5, 20))] {
        for order in [GroupOrder::Ascending, GroupOrder::Descending] {
            let text = answer_by(&mut cache, span(range.0, range.1), order);
            assert!(text.len() > 40, "{text}");
        }
    }
    let (mut part, whole) = (cache.part(usize::MAX), span((0, 0), (50, 0)));
    let one = OBJECT_COST + object(0, 0, b"x").cost() + GROUP_COST;
    let (bytes, next) = cache.copy(&mut part, whole, 3 * one, Instant::now());
    assert!(
        bytes < 4 * one && next.is_some_and(|next| next.group < 3),
        "{bytes}"
    );
    cache.copy(&mut part, whole, usize::MAX, Instant::now());
    let held = part.bytes();
    let taken = part.take(&mut Unsent::new(whole, GroupOrder::Ascending), 10);
    assert!((10..30).contains(&taken.len()), "{}", taken.len());
    assert!(part.bytes() < held);
}

#[test]
fn what_is_evicted_before_it_is_copied_is_unknown() {
    let mut cache = TrackCache::new(1 << 20, 64);
    for (group, id) in [(1, 0), (1, 1), (2, 0), (3, 0)] {
        put(&mut cache, group, id);
    }
    let whole = span((1, 0), (3, 0));
    let mut part = cache.part(usize::MAX);
    let (_, next) = cache.copy(&mut part, whole, 1, Instant::now());
    assert_eq!(next, Some(Location::new(1, 1)));
    assert!(cache.shrink_to(cache.bytes() - 1) > 0, "group 1 is gone");
    let rest = Span {
        start: Location::new(1, 1),
        end: whole.end,
    };
    cache.copy(&mut part, rest, usize::MAX, Instant::now());
    assert_eq!(part.unknown(whole), Some(span((1, 1), (2, u64::MAX))));
}

#[test]
fn a_run_is_whole_or_none() {
    let mut cache = TrackCache::new(1 << 20, 64);
    for id in [3, 4, 5, 7] {
        put(&mut cache, 1, id);
    }
    let ids = |from, to| {
        let run = cache.run((1, 0), from, to)?;
        Some(run.iter().map(|object| object.object).collect::<Vec<_>>())
    };
    assert_eq!(ids(3, 6), Some(vec![3, 4, 5]));
    assert_eq!(ids(4, 4), Some(vec![]));
    assert_eq!(ids(3, 8), None, "6 is missing");
    assert_eq!(ids(2, 4), None);
    assert!(cache.run((1, 1), 3, 6).is_none(), "of another subgroup");
    assert!(cache.run((2, 0), 3, 6).is_none());
}
