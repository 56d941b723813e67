//! Joining a track late: the newest group and what follows it, once and in order.

use super::*;

#[test]
fn a_late_joiner_gets_the_keyframe_and_every_delta_once() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    w.keyframe(publication, number(100));
    w.keyframe(publication, number(0));
    for n in 1..10 {
        w.send(publication, number(n));
    }
    w.run();
    let reader = w.subscribe("world", SubscribeOptions::default());
    for n in 10..20 {
        w.send(publication, number(n));
        w.run();
    }
    w.keyframe(publication, number(20));
    w.run();
    assert_eq!(w.b.objects(reader), numbers(0..21));
    assert_eq!(w.b.gaps(reader), []);
    let first = w.b.events.iter().find_map(|event| match event {
        ClientEvent::Object(_, object) => Some(object.keyframe),
        _ => None,
    });
    assert_eq!(first, Some(true));
}

#[test]
fn objects_that_race_the_join_come_once_and_in_order() {
    for round in 0..20 {
        let mut w = World::new();
        let publication = w.publish("world", DeliveryClass::Reliable);
        w.keyframe(publication, number(0));
        w.send(publication, number(1));
        w.run();
        let reader =
            w.b.client
                .subscribe(track("world"), SubscribeOptions::default());
        let reader = reader.expect("subscribes");
        let mut next = 2;
        // Both ends take single steps, so that sends fall between every two messages.
        for step in 0..200 {
            w.b.step(w.now);
            if step % (round + 1) == 0 && next < 30 {
                if next % 7 == 0 {
                    w.keyframe(publication, number(next));
                } else {
                    w.send(publication, number(next));
                }
                next += 1;
            }
            w.a.step(w.now);
        }
        w.run();
        assert_eq!(w.b.objects(reader), numbers(0..next), "round {round}");
        assert_eq!(w.b.gaps(reader), [], "round {round}");
    }
}

#[test]
fn who_joins_in_the_middle_of_a_group_does_not_wait_at_its_end() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    w.keyframe(publication, number(0));
    w.run();
    let reader = w.subscribe("world", SubscribeOptions::default());
    // Nothing more in that group: the next one must come at once all the same.
    w.keyframe(publication, number(1));
    w.run();
    assert_eq!(w.b.objects(reader), numbers(0..2));
}

#[test]
fn a_slow_reader_holds_back_the_join_too() {
    let memory = MemoryConfig {
        stream_window: 4_096,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("t", DeliveryClass::Reliable);
    for n in 0..50 {
        w.send(publication, vec![n; 1_000]);
    }
    w.run();
    let small = SubscribeOptions {
        queue_bytes: 4_000,
        ..SubscribeOptions::default()
    };
    let reader = w.b.client.subscribe(track("t"), small).expect("subscribes");
    w.b.client.set_reading(reader, false);
    w.run();
    w.pass(Duration::from_secs(8));
    let stats = w.b.client.subscription_stats(reader).expect("lives");
    assert!(stats.queued_bytes < 10_000, "{stats:?}");
    for n in 50..55 {
        w.send(publication, vec![n; 1_000]);
    }
    w.run();
    w.b.client.set_reading(reader, true);
    w.run();
    let got: Vec<u8> = w.b.objects(reader).iter().map(|bytes| bytes[0]).collect();
    assert_eq!(got, (0..55).collect::<Vec<u8>>());
    assert_eq!(w.b.gaps(reader), []);
}

/// Reads `bytes` of a keyframe, published before, on a line that brings little every three seconds.
/// Gives the size of what came, and the gaps.
fn join_slowly(bytes: usize) -> (Vec<usize>, Vec<Gap>) {
    let memory = MemoryConfig {
        stream_window: 4_096,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("t", DeliveryClass::Reliable);
    w.keyframe(publication, vec![1; bytes]);
    w.run();
    let reader =
        w.b.client
            .subscribe(track("t"), SubscribeOptions::default());
    let reader = reader.expect("subscribes");
    for _ in 0..40 {
        w.b.deaf = true;
        w.pass(Duration::from_secs(3));
        w.b.deaf = false;
        for _ in 0..4 {
            w.b.step(w.now);
            w.a.step(w.now);
        }
    }
    w.run();
    w.send(publication, vec![2; 1]);
    w.run();
    let sizes = w.b.objects(reader).iter().map(Bytes::len).collect();
    (sizes, w.b.gaps(reader))
}

#[test]
fn a_late_joiner_on_a_slow_line_gets_the_keyframe_while_it_keeps_coming() {
    // Three times as long as a joining fetch may stand still.
    assert_eq!(join_slowly(40_000), (vec![40_000, 1], vec![]));
    // But not for ever.
    let (sizes, gaps) = join_slowly(1_000_000);
    assert_eq!(sizes, [1]);
    assert!(
        matches!(
            gaps[..],
            [Gap {
                reason: GapReason::Lost,
                ..
            }]
        ),
        "{gaps:?}"
    );
}

/// Requests travel on streams of their own: on a lossy path the joining fetch may come first.
#[test]
fn a_joining_fetch_that_overtook_its_subscribe_is_sent_again() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    for n in 0..10 {
        w.send(publication, number(n));
    }
    w.run();
    w.a.deaf = true;
    let reader = w.subscribe("world", SubscribeOptions::default());
    let mut events: Vec<_> = std::iter::from_fn(|| w.a.t.poll_event()).collect();
    assert!(events.len() >= 2, "{events:?}");
    events.reverse();
    for event in events {
        w.a.client.handle(w.now, w.a.link, &mut w.a.t, event);
    }
    w.a.deaf = false;
    w.run();
    w.send(publication, number(10));
    w.run();
    assert_eq!(w.b.objects(reader), numbers(0..11));
    assert_eq!(w.b.gaps(reader), []);
}
