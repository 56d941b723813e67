//! What comes out of a receiver, by class.

mod deadline;

use super::*;
use crate::wire::object::FetchObject;
use crate::wire::properties::property;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

struct Bench {
    receiver: Receiver,
    now: Instant,
    next: u64,
}

impl Bench {
    fn new(class: Option<DeliveryClass>, delivery: DeliveryClass, start: Option<Location>) -> Self {
        Bench::joining(class, delivery, start, false)
    }

    fn joining(
        class: Option<DeliveryClass>,
        delivery: DeliveryClass,
        start: Option<Location>,
        joining: bool,
    ) -> Self {
        let config = ReceiverConfig {
            delivery,
            unordered: false,
            gap_timeout: 2_000 * MS,
            queue_bytes: 100_000,
        };
        let mut receiver = Receiver::new(config, joining);
        let now = Instant::now();
        let info = TrackInfo {
            class,
            ..TrackInfo::default()
        };
        receiver.on_ok(now, &info, start, None);
        Bench {
            receiver,
            now,
            next: 0,
        }
    }

    fn ours(start: Option<Location>) -> Self {
        Bench::new(
            Some(DeliveryClass::Reliable),
            DeliveryClass::Reliable,
            start,
        )
    }

    fn open(&mut self, group: u64, subgroup: u64, end_of_group: bool) -> StreamId {
        let stream = StreamId(self.next);
        self.next += 1;
        let header = SubgroupHeader {
            group,
            subgroup: SubgroupId::Explicit(subgroup),
            end_of_group,
            ..SubgroupHeader::default()
        };
        self.receiver.on_subgroup(stream, &header);
        stream
    }

    fn object(&mut self, stream: StreamId, object: u64) {
        self.object_with(stream, object, Properties::empty());
    }

    fn object_with(&mut self, stream: StreamId, object: u64, properties: Properties) {
        let object = SubgroupObject {
            object,
            properties,
            payload: Bytes::from_static(b"x"),
            ..SubgroupObject::default()
        };
        self.receiver
            .on_object(self.now, stream, object)
            .expect("in order");
    }

    fn end(&mut self, stream: StreamId) {
        self.receiver
            .on_stream_end(self.now, stream, StreamEnd::Fin);
    }

    fn cut(&mut self, stream: StreamId) {
        let end = StreamEnd::Reset {
            code: 0,
            truncated: true,
        };
        self.receiver.on_stream_end(self.now, stream, end);
    }

    /// One group of one object on a finished stream.
    fn group(&mut self, group: u64) {
        let stream = self.open(group, 0, true);
        self.object(stream, 0);
        self.end(stream);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.receiver.on_timeout(self.now);
    }

    fn out(&mut self) -> Vec<(u64, u64)> {
        let mut out = Vec::new();
        while let Some(delivery) = self.receiver.poll() {
            match delivery {
                Delivery::Object(object) => out.push((object.group, object.object)),
                Delivery::Gap(gap) => panic!("unexpected {gap:?}"),
            }
        }
        out
    }

    fn all(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(delivery) = self.receiver.poll() {
            out.push(match delivery {
                Delivery::Object(object) => format!("{}.{}", object.group, object.object),
                Delivery::Gap(gap) => {
                    format!(
                        "gap {}-{} {}",
                        gap.from_group,
                        gap.to_group,
                        gap.reason.name()
                    )
                }
            });
        }
        out
    }
}

#[test]
fn groups_out_of_order_come_in_order() {
    let mut b = Bench::ours(None);
    for group in [0, 2, 1, 3] {
        b.group(group);
    }
    assert_eq!(b.out(), [(0, 0), (1, 0), (2, 0), (3, 0)]);
}

#[test]
fn the_start_is_waited_for_when_it_is_known() {
    let mut b = Bench::ours(Some(Location::new(5, 0)));
    b.group(6);
    assert_eq!(b.out(), []);
    b.group(5);
    assert_eq!(b.out(), [(5, 0), (6, 0)]);
    b.group(4);
    assert_eq!(b.out(), [], "before the start");
    assert_eq!(b.receiver.stats().stale, 1);
}

#[test]
fn a_group_that_never_comes_is_a_gap_after_the_bounded_wait() {
    let mut b = Bench::ours(None);
    b.group(0);
    b.group(2);
    b.group(4);
    b.pass(1_999 * MS);
    assert_eq!(b.out(), [(0, 0)]);
    b.pass(1 * MS);
    assert_eq!(b.all(), ["gap 1-1 lost", "2.0"]);
    b.group(1);
    assert_eq!(b.receiver.stats().stale, 1);
    b.pass(2_000 * MS);
    assert_eq!(b.all(), ["gap 3-3 lost", "4.0"]);
    assert_eq!(b.receiver.stats().gaps, 2);
}

#[test]
fn a_prior_group_gap_settles_a_hole_at_once() {
    let mut b = Bench::ours(None);
    b.group(0);
    let stream = b.open(3, 0, true);
    let gap = Properties::builder()
        .varint(property::PRIOR_GROUP_ID_GAP, 2)
        .build();
    let object = SubgroupObject {
        properties: gap,
        payload: Bytes::from_static(b"x"),
        ..SubgroupObject::default()
    };
    b.receiver
        .on_object(b.now, stream, object)
        .expect("in order");
    assert_eq!(b.out(), [(0, 0), (3, 0)]);
}

#[test]
fn an_open_group_is_waited_for_without_bound() {
    let mut b = Bench::ours(None);
    let first = b.open(0, 0, true);
    b.object(first, 0);
    b.group(1);
    b.pass(60_000 * MS);
    b.object(first, 1);
    b.end(first);
    assert_eq!(b.out(), [(0, 0), (0, 1), (1, 0)]);
}

#[test]
fn a_cut_stream_is_reported_and_the_next_group_follows() {
    let mut b = Bench::ours(None);
    let first = b.open(0, 0, true);
    b.object(first, 0);
    b.group(1);
    b.cut(first);
    assert_eq!(b.all(), ["0.0", "gap 0-0 reset", "1.0"]);
    assert_eq!(b.receiver.stats().reset, 1);
    // Cut before any object, and no later group yet.
    let second = b.open(2, 0, true);
    b.cut(second);
    assert_eq!(b.all(), ["gap 2-2 reset"]);
    b.group(3);
    assert_eq!(b.out(), [(3, 0)]);
}

#[test]
fn what_is_cut_with_its_subscription_is_left_to_the_next_one() {
    let mut b = Bench::ours(None);
    let streams = [b.open(0, 0, true), b.open(1, 0, true)];
    for stream in streams {
        b.object(stream, 0);
        let end = StreamEnd::Reset {
            code: stream_codes::TOO_FAR_BEHIND,
            truncated: true,
        };
        b.receiver.on_stream_end(b.now, stream, end);
    }
    b.pass(1_999 * MS);
    assert_eq!(b.all(), ["0.0"]);
    b.receiver.on_given_up();
    assert_eq!(b.all(), ["gap 0-0 too_far_behind", "1.0"]);

    // The end of the subscription does not come.
    let mut b = Bench::ours(None);
    let stream = b.open(0, 0, true);
    b.object(stream, 0);
    let end = StreamEnd::Reset {
        code: stream_codes::TOO_FAR_BEHIND,
        truncated: true,
    };
    b.receiver.on_stream_end(b.now, stream, end);
    b.pass(2_000 * MS);
    b.group(1);
    assert_eq!(b.all(), ["0.0", "gap 0-0 reset", "1.0"]);
}

#[test]
fn all_that_a_subscription_lacks_that_did_not_keep_up_is_missing_for_that_reason() {
    let mut b = Bench::ours(None);
    let streams = [b.open(0, 0, true), b.open(1, 0, true), b.open(3, 0, true)];
    b.object(streams[0], 0);
    b.object(streams[2], 0);
    for stream in streams {
        let end = StreamEnd::Reset {
            code: stream_codes::TOO_FAR_BEHIND,
            truncated: true,
        };
        b.receiver.on_stream_end(b.now, stream, end);
    }
    b.receiver.on_given_up();
    // Group 1 was cut and group 2 never came; what group 3 lacks, the next subscription may bring.
    let gaps = [0, 1, 2].map(|group| format!("gap {group}-{group} too_far_behind"));
    let [cut, empty, never] = gaps.each_ref().map(String::as_str);
    assert_eq!(b.all(), ["0.0", cut, empty, never, "3.0"]);
}

#[test]
fn subgroups_of_others_are_ordered_by_object() {
    let mut b = Bench::new(None, DeliveryClass::Reliable, None);
    let even = b.open(7, 0, false);
    let odd = b.open(7, 1, true);
    b.object(even, 0);
    b.object(even, 2);
    assert_eq!(b.out(), [(7, 0)]);
    b.object(odd, 1);
    assert_eq!(b.out(), [(7, 1), (7, 2)]);
    b.object(odd, 5);
    b.end(even);
    b.end(odd);
    assert_eq!(
        b.out(),
        [(7, 5)],
        "all streams have ended: nothing is between"
    );
    b.group(1_000);
    assert_eq!(b.out(), [(1_000, 0)], "their group ids may have holes");
}

#[test]
fn a_missing_object_of_others_is_a_gap_after_the_bounded_wait() {
    let mut b = Bench::new(None, DeliveryClass::Reliable, None);
    let one = b.open(7, 0, false);
    b.object(one, 0);
    b.object(one, 4);
    b.pass(1_999 * MS);
    assert_eq!(b.out(), [(7, 0)]);
    b.pass(1 * MS);
    assert_eq!(b.all(), ["gap 7-7 lost", "7.4"]);
}

#[test]
fn once_they_were_contiguous_a_hole_between_groups_of_others_is_waited_for() {
    let mut b = Bench::new(None, DeliveryClass::Reliable, None);
    b.group(0);
    b.group(1);
    b.group(3);
    assert_eq!(b.out(), [(0, 0), (1, 0)]);
    b.group(2);
    assert_eq!(b.out(), [(2, 0), (3, 0)]);
}

fn fetched(group: u64, object: u64) -> FetchItem {
    FetchItem::Object(FetchObject {
        group,
        subgroup: Some(0),
        object,
        payload: Bytes::from_static(b"x"),
        ..FetchObject::default()
    })
}

#[test]
fn live_objects_wait_for_the_join_and_come_once() {
    let class = DeliveryClass::Reliable;
    let start = Some(Location::new(5, 3));
    let mut b = Bench::joining(Some(class), class, start, true);
    let live = b.open(5, 0, true);
    b.object(live, 2);
    b.object(live, 3);
    b.receiver
        .on_fetch_item(b.now, fetched(5, 0))
        .expect("valid");
    b.receiver
        .on_fetch_item(b.now, fetched(5, 1))
        .expect("valid");
    b.receiver
        .on_fetch_item(b.now, fetched(5, 2))
        .expect("valid");
    assert_eq!(b.out(), [(5, 0), (5, 1), (5, 2)]);
    b.receiver.on_fetch_end(b.now, FetchEnd::Complete);
    assert_eq!(b.out(), [(5, 3)]);
    b.object(live, 4);
    assert_eq!(b.out(), [(5, 4)]);
}

#[test]
fn a_refused_join_is_a_gap_where_something_is_missing() {
    let class = DeliveryClass::Reliable;
    let mut b = Bench::joining(Some(class), class, Some(Location::new(5, 3)), true);
    let live = b.open(5, 0, true);
    b.object(live, 3);
    b.receiver.on_fetch_end(b.now, FetchEnd::Refused);
    assert_eq!(b.all(), ["gap 5-5 lost", "5.3"]);
    let mut b = Bench::joining(Some(class), class, None, true);
    b.group(9);
    b.receiver.on_fetch_end(b.now, FetchEnd::Refused);
    assert_eq!(b.all(), ["9.0"]);
}

#[test]
fn the_end_brings_out_what_is_held() {
    let mut b = Bench::ours(None);
    b.group(0);
    b.group(2);
    let cut = b.open(4, 0, true);
    b.object(cut, 0);
    b.cut(cut);
    b.receiver.on_end();
    assert_eq!(
        b.all(),
        [
            "0.0",
            "gap 1-1 lost",
            "2.0",
            "gap 3-3 lost",
            "4.0",
            "gap 4-4 reset"
        ]
    );
}

#[test]
fn a_full_reader_pauses_every_stream_and_what_opens() {
    let mut b = Bench::ours(None);
    let first = b.open(0, 0, true);
    b.receiver.set_reader_full(true);
    let second = b.open(1, 0, true);
    let pauses: Vec<_> = b.receiver.take_pauses().collect();
    assert_eq!(pauses, [(first, true), (second, true)]);
    b.receiver.set_reader_full(false);
    let mut pauses: Vec<_> = b.receiver.take_pauses().collect();
    pauses.sort();
    assert_eq!(pauses, [(first, false), (second, false)]);
}

#[test]
fn too_much_held_pauses_later_groups_only() {
    let mut b = Bench::ours(None);
    let first = b.open(0, 0, true);
    let second = b.open(1, 0, true);
    for object in 0..4_000 {
        b.object(second, object);
    }
    let pauses: Vec<_> = b.receiver.take_pauses().collect();
    assert_eq!(pauses, [(second, true)]);
    b.object(first, 0);
    b.end(first);
    let pauses: Vec<_> = b.receiver.take_pauses().collect();
    assert_eq!(pauses, [(second, false)]);
    assert_eq!(b.out().len(), 4_001);
}

#[test]
fn newest_only_drops_what_is_older_and_counts_it() {
    for class in [DeliveryClass::Latest, DeliveryClass::Datagram] {
        let mut b = Bench::new(Some(class), class, None);
        for group in [0, 2, 1, 2, 3] {
            b.group(group);
        }
        assert_eq!(b.out(), [(0, 0), (2, 0), (3, 0)]);
        assert_eq!(b.receiver.stats().stale, 2);
    }
}

#[test]
fn datagrams_may_be_unordered_on_request() {
    let mut b = Bench::new(None, DeliveryClass::Datagram, None);
    b.receiver.config.unordered = true;
    b.receiver.on_ok(b.now, &TrackInfo::default(), None, None);
    for group in [0, 2, 1] {
        let datagram = ObjectDatagram {
            group,
            ..ObjectDatagram::default()
        };
        b.receiver.on_datagram(b.now, datagram).expect("valid");
    }
    assert_eq!(b.out(), [(0, 0), (2, 0), (1, 0)]);
}

#[test]
fn ids_above_the_limit_and_malformed_properties_are_faults() {
    let mut b = Bench::ours(None);
    let stream = b.open(MAX_ID + 1, 0, true);
    let fault = b
        .receiver
        .on_object(b.now, stream, SubgroupObject::default());
    assert_eq!(
        fault,
        Err(TrackFault::IdTooLarge(Location::new(MAX_ID + 1, 0)))
    );
    let stream = b.open(1, 0, true);
    let gap = Properties::builder()
        .varint(property::PRIOR_GROUP_ID_GAP, 2)
        .build();
    let object = SubgroupObject {
        properties: gap,
        ..SubgroupObject::default()
    };
    let fault = b.receiver.on_object(b.now, stream, object);
    assert!(matches!(fault, Err(TrackFault::Malformed(_))), "{fault:?}");
}
