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

fn answer(cache: &mut TrackCache, span: Span) -> String {
    text(&cache.collect(span, GroupOrder::Ascending, Instant::now()))
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
    assert_eq!(cache.unknown(span((4, 0), (4, 3)), Instant::now()), None);
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
    let unknown = cache.unknown(whole, Instant::now());
    assert_eq!(unknown, Some(span((1, 2), (3, 1))));
    assert_eq!(
        answer(&mut cache, whole),
        "1.0 1.1 unknown<=1.* unknown<=2.* unknown<=3.1 3.2 3.3"
    );
    assert_eq!(answer(&mut cache, span((3, 2), (3, 3))), "3.2 3.3");
    cache.mark_known(span((1, 2), (3, 1)));
    assert_eq!(cache.unknown(whole, Instant::now()), None);
    assert_eq!(answer(&mut cache, whole), "1.0 1.1 3.2 3.3");
    let down = cache.collect(whole, GroupOrder::Descending, Instant::now());
    assert_eq!(text(&down), "3.2 3.3 1.0 1.1");
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
    assert_eq!(cache.unknown(span((1, 4), (9, 2)), Instant::now()), None);
    assert_eq!(
        cache.unknown(span((1, 3), (9, 3)), Instant::now()),
        Some(span((1, 3), (9, 3)))
    );
    assert_eq!(put(&mut cache, 9, 3), Insert::New);
    assert_eq!(put(&mut cache, 9, 2), Insert::Absent);
    let huge = span((0, 0), (u64::MAX, u64::MAX));
    assert!(cache.unknown(huge, Instant::now()).is_some());
    cache.mark_known(huge);
    assert_eq!(cache.unknown(huge, Instant::now()), None);
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
    put(&mut cache, 1, 0);
    let later = Instant::now() + Duration::from_millis(500);
    let items = cache.collect(span((1, 0), (1, 0)), GroupOrder::Ascending, later);
    assert_eq!(text(&items), "unknown<=1.0");
    assert_eq!(put(&mut cache, 1, 0), Insert::New, "it may come again");
}

#[test]
fn the_end_of_the_track_bounds_what_can_be_unknown() {
    let mut cache = TrackCache::new(1 << 20, 64);
    put(&mut cache, 1, 0);
    cache.end_track(Location::new(1, 1)).expect("an end");
    assert_eq!(cache.unknown(span((1, 0), (8, 0)), Instant::now()), None);
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
