//! Class `deadline`.

use super::*;
use crate::delivery::info::published_at_properties;

fn deadline() -> Bench {
    Bench::new(Some(DeliveryClass::Deadline), DeliveryClass::Deadline, None)
}

impl Bench {
    fn update(&mut self, group: u64, published: u64) {
        let stream = self.open(group, 0, true);
        self.object_with(stream, 0, published_at_properties(published));
        self.end(stream);
    }
}

#[test]
fn deadline_waits_for_a_missing_update_until_it_would_be_late_itself() {
    let mut b = deadline();
    b.update(0, 1_000);
    b.update(2, 1_040);
    assert_eq!(b.out(), [(0, 0)]);
    b.pass(100 * MS);
    b.update(1, 1_020);
    assert_eq!(b.out(), [(1, 0), (2, 0)]);
    b.update(4, 1_140);
    b.pass(199 * MS);
    assert_eq!(b.out(), []);
    b.pass(101 * MS);
    assert_eq!(b.all(), ["gap 3-3 lost", "4.0"]);
}

#[test]
fn deadline_counts_what_is_late_and_does_not_deliver_it() {
    let mut b = deadline();
    b.update(0, 1_000);
    b.pass(500 * MS);
    b.update(1, 1_100);
    b.update(2, 1_400);
    assert_eq!(b.all(), ["0.0", "gap 1-1 late", "2.0"]);
    assert_eq!(b.receiver.stats().late, 1);
}

#[test]
fn deadline_reports_every_skipped_update_once() {
    let mut b = deadline();
    b.update(0, 1_000);
    b.update(3, 1_010);
    let cut = b.open(2, 0, true);
    b.cut(cut);
    b.pass(300 * MS);
    assert_eq!(b.all(), ["0.0", "gap 2-2 reset", "gap 1-1 lost", "3.0"]);
    // What was given up comes after all, and once more.
    b.update(1, 1_000);
    b.update(1, 1_000);
    b.update(3, 1_250);
    b.update(4, 1_290);
    assert_eq!(b.all(), ["4.0"]);
    let stats = b.receiver.stats();
    assert_eq!((stats.late, stats.stale, stats.gaps), (2, 1, 2));
}

#[test]
fn deadline_begins_with_the_first_update_even_when_others_overtake_it() {
    let class = Some(DeliveryClass::Deadline);
    let start = Some(Location::new(7, 0));
    let mut b = Bench::new(class, DeliveryClass::Deadline, start);
    b.update(8, 1_010);
    assert_eq!(b.out(), []);
    b.update(7, 1_000);
    assert_eq!(b.out(), [(7, 0), (8, 0)]);
}

#[test]
fn deadline_gives_up_a_hole_before_thousands_of_late_updates() {
    let mut b = deadline();
    b.update(0, 1_000);
    b.pass(5_000 * MS);
    for group in 2..3_000 {
        b.update(group, 1_000);
    }
    b.update(3_000, 6_000);
    let all = b.all();
    assert_eq!(all.first().map(String::as_str), Some("0.0"));
    assert_eq!(all.last().map(String::as_str), Some("3000.0"));
    assert_eq!(all.iter().filter(|each| *each == "gap 1-1 lost").count(), 1);
    // One report for each of the others.
    assert_eq!(all.len(), 2 + 2_999);
    assert_eq!(b.receiver.stats().late, 2_998);
}

#[test]
fn deadline_does_not_wait_for_what_was_reset() {
    let mut b = deadline();
    b.update(0, 1_000);
    let lost = b.open(1, 0, true);
    b.update(2, 1_000);
    assert_eq!(b.out(), [(0, 0)]);
    b.cut(lost);
    assert_eq!(b.all(), ["gap 1-1 reset", "2.0"]);
    assert_eq!(b.receiver.stats().reset, 1);
}
