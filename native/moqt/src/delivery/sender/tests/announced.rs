//! Subgroups that are told of before their first object.

use super::*;

fn header(group: u64) -> SubgroupHeader {
    SubgroupHeader {
        group,
        end_of_group: true,
        first_object: true,
        ..SubgroupHeader::default()
    }
}

#[test]
fn an_announced_subgroup_is_known_before_its_first_object() {
    for info in [
        TrackInfo::default(),
        TrackInfo::of_class(DeliveryClass::Reliable, 1, MS),
    ] {
        let mut b = Bench::new(info, Parameters::default(), None);
        let mut large = object_of(b.now, 5, 3, 0, "large");
        large.priority = Some(4);
        let announced = SubgroupHeader {
            priority: Some(4),
            ..header(5)
        };
        b.sender.announce(b.now, &announced, 3);
        b.run();
        assert_eq!(b.headers.len(), 1);
        b.update(6, "small");
        b.run();
        b.push(large.clone());
        large.object = 1;
        large.payload = Bytes::from_static(b"next");
        b.push(large);
        b.fin(5, 3);
        b.run();
        assert_eq!(b.got, ["small", "fin", "large", "next", "fin"]);
        assert_eq!(b.headers.len(), 2, "one stream for each");
        let told = b.headers[0];
        assert_eq!(
            (told.group, told.subgroup, told.priority),
            (5, SubgroupId::Explicit(3), Some(4))
        );
        assert!(told.end_of_group && told.first_object);
        assert!(b.sender.is_acked() && b.owners.is_empty());
    }
}

#[test]
fn an_announced_subgroup_without_an_object_ends_as_it_ended_upstream() {
    let mut b = Bench::of(DeliveryClass::Reliable);
    b.sender.announce(b.now, &header(5), 0);
    b.run();
    b.sender
        .end_subgroup(b.now, 5, 0, SubgroupEnd::Reset(stream_codes::CANCELLED));
    b.run();
    b.sender.announce(b.now, &header(6), 0);
    b.fin(6, 0);
    b.run();
    assert_eq!(
        b.got,
        ["reset 1"],
        "what is over before it began is not told"
    );
    b.sender.announce(b.now, &header(7), 0);
    b.run();
    b.fin(7, 0);
    b.run();
    assert_eq!(b.got, ["reset 1", "fin"]);
    assert!(b.sender.is_acked() && b.owners.is_empty());
}

#[test]
fn only_who_gets_a_group_whole_and_in_order_hears_of_it_early() {
    for class in [
        DeliveryClass::Latest,
        DeliveryClass::Deadline,
        DeliveryClass::Datagram,
    ] {
        let mut b = Bench::of(class);
        b.sender.announce(b.now, &header(5), 0);
        b.run();
        assert_eq!(b.headers, [], "{class:?}");
    }
    let params = Parameters {
        filter: Some(SubscriptionFilter::AbsoluteRange {
            start: Location::new(2, 1),
            end_group: 3,
        }),
        ..Parameters::default()
    };
    let mut b = Bench::new(TrackInfo::default(), params, None);
    for group in 1..5 {
        b.sender.announce(b.now, &header(group), 0);
    }
    b.run();
    let groups: Vec<u64> = b.headers.iter().map(|header| header.group).collect();
    assert_eq!(groups, [3]);
    assert!(
        !b.sender.is_past_end(),
        "the last group may still be coming"
    );
}
