use super::*;

#[test]
fn a_missing_track_is_refused_with_the_peers_reason() {
    let mut w = World::new();
    let reader = w.subscribe("nothing", SubscribeOptions::default());
    let error = w.b.error(reader);
    assert_eq!(error.code, ErrorCode::NotFound);
    assert_eq!(error.peer_code, Some(0x10));
    assert!(
        error.message.contains("does not publish"),
        "{}",
        error.message
    );
    assert!(!w.b.is_ready(reader));
}

#[test]
fn the_start_decides_where_reading_begins() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    w.keyframe(publication, number(0));
    w.send(publication, number(1));
    w.run();
    let now = SubscribeOptions {
        start: Start::Now,
        ..SubscribeOptions::default()
    };
    let reader = w.subscribe("world", now);
    w.send(publication, number(2));
    w.run();
    assert_eq!(w.b.objects(reader), [number(2)]);
    w.b.client.cancel(w.now, reader);
    w.run();
    let next = SubscribeOptions {
        start: Start::Next,
        ..SubscribeOptions::default()
    };
    let reader = w.subscribe("world", next);
    w.send(publication, number(3));
    w.keyframe(publication, number(4));
    w.run();
    assert_eq!(w.b.objects(reader), [number(4)]);
}

#[test]
fn the_newest_update_comes_at_once_for_every_other_class() {
    for class in [
        DeliveryClass::Latest,
        DeliveryClass::Deadline,
        DeliveryClass::Datagram,
    ] {
        let mut w = World::new();
        let publication = w.publish("t", class);
        for n in 0..5 {
            w.send(publication, number(n));
        }
        w.run();
        let reader = w.subscribe("t", SubscribeOptions::default());
        assert_eq!(w.b.objects(reader), [number(4)], "{class}");
        w.send(publication, number(5));
        w.run();
        assert_eq!(w.b.objects(reader), [number(4), number(5)], "{class}");
    }
}

#[test]
fn two_readers_share_one_request_and_both_get_everything() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    w.keyframe(publication, number(0));
    w.run();
    let first = w.subscribe("world", SubscribeOptions::default());
    for n in 1..5 {
        w.send(publication, number(n));
    }
    w.run();
    let second = w.subscribe("world", SubscribeOptions::default());
    assert!(w.b.is_ready(second));
    let next = SubscribeOptions {
        start: Start::Next,
        ..SubscribeOptions::default()
    };
    let third = w.subscribe("world", next);
    for n in 5..8 {
        w.send(publication, number(n));
    }
    w.keyframe(publication, number(8));
    w.run();
    assert_eq!(w.b.objects(first), numbers(0..9));
    assert_eq!(w.b.objects(second), numbers(0..9));
    assert_eq!(w.b.objects(third), [number(8)]);
    let subscribers = |e: &ClientEvent| matches!(e, ClientEvent::Subscribers(..));
    assert_eq!(w.a.events.iter().filter(|e| subscribers(e)).count(), 1);
    w.b.client.cancel(w.now, first);
    w.run();
    w.send(publication, number(9));
    w.run();
    assert_eq!(w.b.ends(first), [End::Closed]);
    assert_eq!(w.b.objects(second), numbers(0..10));
}

#[test]
fn a_reader_that_does_not_read_loses_the_oldest_where_the_class_says_so() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Latest);
    let small = SubscribeOptions {
        queue_bytes: 1_000,
        ..SubscribeOptions::default()
    };
    let reader = w.subscribe("t", small);
    w.b.client.set_reading(reader, false);
    for n in 0..100 {
        w.send(publication, number(n));
        w.run();
    }
    let stats = w.b.client.subscription_stats(reader).expect("lives");
    assert!(stats.queued_bytes <= 1_000);
    assert_eq!(stats.overflow + stats.queued_objects, 100);
    w.b.client.set_reading(reader, true);
    w.run();
    assert_eq!(w.b.objects(reader).last(), Some(&number(99)));
}

#[test]
fn what_waited_too_long_for_the_reader_is_dropped_and_counted() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Reliable);
    let fresh = SubscribeOptions {
        max_age: Some(Duration::from_millis(100)),
        ..SubscribeOptions::default()
    };
    let reader = w.subscribe("t", fresh);
    w.b.client.set_reading(reader, false);
    w.send(publication, number(0));
    w.run();
    w.pass(Duration::from_millis(200));
    w.send(publication, number(1));
    w.run();
    w.b.client.set_reading(reader, true);
    w.run();
    assert_eq!(w.b.objects(reader), [number(1)]);
    assert_eq!(
        w.b.client.subscription_stats(reader).expect("lives").late,
        1
    );
}

#[test]
fn nothing_but_the_end_comes_after_cancel() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Reliable);
    let reader = w.subscribe("t", SubscribeOptions::default());
    w.b.client.set_reading(reader, false);
    w.send(publication, number(0));
    w.run();
    w.b.take();
    w.b.client.cancel(w.now, reader);
    w.b.client.cancel(w.now, reader);
    w.send(publication, number(1));
    w.run();
    assert_eq!(w.b.objects(reader), Vec::<Bytes>::new());
    assert_eq!(w.b.ends(reader), [End::Closed]);
}

#[test]
fn priorities_can_change_while_reading() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Reliable);
    let reader = w.subscribe("t", SubscribeOptions::default());
    w.b.client.update_priority(reader, 3);
    w.run();
    w.send(publication, number(0));
    w.run();
    assert_eq!(w.b.objects(reader), [number(0)]);
    assert_eq!(w.b.ends(reader), []);
}

#[test]
fn a_blocked_latest_track_ends_with_its_last_update() {
    let memory = MemoryConfig {
        stream_window: 1_000,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("t", DeliveryClass::Latest);
    let reader = w.subscribe("t", SubscribeOptions::default());
    w.b.deaf = true;
    for n in 0..200_u8 {
        w.send(publication, vec![n; 5_000]);
        w.run();
    }
    let stats = w.a.client.publication_stats(publication).expect("lives");
    assert!(stats.queued_objects <= 1, "{stats:?}");
    w.b.deaf = false;
    w.run();
    let got: Vec<u8> = w.b.objects(reader).iter().map(|bytes| bytes[0]).collect();
    assert_eq!(got.last(), Some(&199));
    assert!(got.len() < 200);
    assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "{got:?}");
    for bytes in w.b.objects(reader) {
        assert_eq!(bytes.len(), 5_000, "whole or not at all");
    }
}

#[test]
fn an_object_cut_in_the_middle_is_not_delivered_but_reported() {
    let memory = MemoryConfig {
        stream_window: 4_096,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("t", DeliveryClass::Reliable);
    let reader = w.subscribe("t", SubscribeOptions::default());
    w.send(publication, number(0));
    w.run();
    w.b.deaf = true;
    w.send(publication, vec![1; 100_000]);
    w.run();
    // The publisher gives up: its stream is reset with most of the object unsent.
    w.a.client
        .end(w.now, publication, Some(Duration::from_millis(100)));
    w.now += Duration::from_millis(200);
    w.a.client.on_timeout(w.now, Some(&mut w.a.t));
    w.b.deaf = false;
    w.run();
    w.pass(Duration::from_secs(5));
    assert_eq!(w.b.objects(reader), [number(0)]);
    let reasons: Vec<GapReason> = w.b.gaps(reader).iter().map(|gap| gap.reason).collect();
    assert_eq!(reasons, [GapReason::TooFarBehind], "told once");
    // Rejoining finds the track gone.
    assert_eq!(w.b.error(reader).code, ErrorCode::NotFound);
}

#[test]
fn a_track_that_ended_is_read_to_its_end_however_slowly() {
    let memory = MemoryConfig {
        stream_window: 4_096,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("t", DeliveryClass::Reliable);
    let small = SubscribeOptions {
        queue_bytes: 4_000,
        ..SubscribeOptions::default()
    };
    let reader = w.subscribe("t", small);
    w.b.client.set_reading(reader, false);
    for n in 0..15 {
        w.send(publication, vec![n; 500]);
    }
    w.a.client.end(w.now, publication, None);
    w.run();
    w.pass(Duration::from_secs(8));
    w.b.client.set_reading(reader, true);
    w.run();
    assert_eq!(w.b.objects(reader).len(), 15);
    assert_eq!(w.b.ends(reader), [End::Ended]);
}

#[test]
fn a_subscription_that_ended_still_tells_its_counters() {
    let mut w = World::new();
    let publication = w.publish("poses", DeliveryClass::Latest);
    let reader = w.subscribe("poses", SubscribeOptions::default());
    w.send(publication, number(1));
    w.run();
    w.a.client.end(w.now, publication, None);
    w.run();
    assert_eq!(w.b.ends(reader).len(), 1);
    let stats = w.b.client.subscription_stats(reader);
    assert_eq!(stats.map(|stats| stats.objects), Some(1));
}

#[test]
fn gaps_that_wait_become_one_only_where_nothing_lies_between() {
    use crate::client::reader::{Reader, Source};
    use crate::delivery::Delivery;
    let options = SubscribeOptions::default();
    let mut reader = Reader::new(Handle(1), track("t"), Source::Feed(1), options);
    let late = |from_group, to_group| Gap {
        from_group,
        to_group,
        objects: None,
        reason: GapReason::Late,
    };
    for gap in [late(5, 5), late(6, 7), late(9, 9)] {
        reader.enqueue(Delivery::Gap(gap));
    }
    let now = Instant::now();
    let mut told = Vec::new();
    while let Some(ClientEvent::Gap(_, gap)) = reader.poll(now) {
        told.push((gap.from_group, gap.to_group));
    }
    assert_eq!(told, [(5, 7), (9, 9)]);
    // A reader that does not read bounds what waits all the same.
    for group in 0..10_000 {
        reader.enqueue(Delivery::Gap(late(group * 2, group * 2)));
    }
    let mut count = 0;
    let mut last = 0;
    while let Some(ClientEvent::Gap(_, gap)) = reader.poll(now) {
        count += 1;
        last = gap.to_group;
    }
    assert_eq!((count, last), (1_024, 19_998));
}

/// What a subscriber that left the window had already does not come again with the newest group.
#[test]
fn a_reader_that_was_too_slow_goes_on_behind_what_it_had() {
    let memory = MemoryConfig {
        stream_window: 4_096,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |config| config.max_object_size = 1_000_000);
    let options = PublishOptions {
        delivery: DeliveryClass::Reliable,
        queue_bytes: 400_000,
        ..PublishOptions::default()
    };
    let publication = w.a.client.publish(track("t"), options).expect("publishes");
    w.run();
    let reader = w.subscribe("t", SubscribeOptions::default());
    for n in 0..3 {
        w.send(publication, number(n));
    }
    w.run();
    assert_eq!(w.b.objects(reader), numbers(0..3));
    w.b.deaf = true;
    // Together more than waits for one subscriber.
    w.send(publication, vec![3; 350_000]);
    w.send(publication, vec![4; 900_000]);
    w.run();
    w.b.deaf = false;
    w.run();
    w.pass(Duration::from_secs(5));
    let objects = w.b.objects(reader);
    let sizes: Vec<usize> = objects.iter().map(Bytes::len).collect();
    // All of the group is there, each object once: the publisher kept it.
    assert_eq!(sizes, [1, 1, 1, 350_000, 900_000]);
    assert_eq!(objects[..3], numbers(0..3));
    let reasons: Vec<GapReason> = w.b.gaps(reader).iter().map(|gap| gap.reason).collect();
    assert_eq!(reasons, [GapReason::TooFarBehind]);
}
