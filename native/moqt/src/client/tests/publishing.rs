use super::*;

#[test]
fn a_burst_of_reliable_objects_arrives_whole_and_in_order() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    let reader = w.subscribe("world", SubscribeOptions::default());
    assert!(w.b.is_ready(reader));
    for n in 0..60 {
        w.send(publication, number(n));
    }
    w.run();
    assert_eq!(w.b.objects(reader), numbers(0..60));
    assert_eq!(w.b.gaps(reader), []);
}

#[test]
fn a_burst_of_groups_arrives_in_order() {
    let memory = MemoryConfig {
        uni_streams: 8,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("world", DeliveryClass::Reliable);
    let reader = w.subscribe("world", SubscribeOptions::default());
    for n in 0..60 {
        w.keyframe(publication, number(n));
    }
    w.run();
    assert_eq!(w.b.objects(reader), numbers(0..60));
    let keyframes = |e: &ClientEvent| matches!(e, ClientEvent::Object(_, o) if o.keyframe);
    assert_eq!(w.b.events.iter().filter(|e| keyframes(e)).count(), 60);
}

#[test]
fn every_class_says_itself_and_delivers() {
    for class in DeliveryClass::ALL {
        let mut w = World::new();
        let publication = w.publish("t", class);
        let reader = w.subscribe("t", SubscribeOptions::default());
        let said = w.b.events.iter().find_map(|event| match event {
            ClientEvent::SubscriptionReady { class, .. } => Some(*class),
            _ => None,
        });
        assert_eq!(said, Some(class));
        for n in 0..5 {
            w.send(publication, number(n));
            w.run();
        }
        assert_eq!(w.b.objects(reader), numbers(0..5), "{class}");
    }
}

#[test]
fn empty_objects_are_delivered() {
    for class in DeliveryClass::ALL {
        let mut w = World::new();
        let publication = w.publish("t", class);
        let reader = w.subscribe("t", SubscribeOptions::default());
        w.send(publication, Bytes::new());
        w.run();
        assert_eq!(w.b.objects(reader), [Bytes::new()], "{class}");
    }
}

#[test]
fn thousands_of_datagrams_keep_the_session_up() {
    let mut w = World::new();
    let publication = w.publish("inputs", DeliveryClass::Datagram);
    let reader = w.subscribe("inputs", SubscribeOptions::default());
    for n in 0..5_000 {
        w.send(publication, number(n));
        if n % 50 == 49 {
            w.run();
        }
    }
    w.run();
    assert_eq!(w.b.objects(reader), numbers(0..5_000));
    assert_eq!(w.a.client.state(), ClientState::Open);
    assert_eq!(w.b.client.state(), ClientState::Open);
}

#[test]
fn datagrams_over_a_bound_drop_the_oldest_and_count() {
    let mut w = World::new();
    let publication = w.publish("inputs", DeliveryClass::Datagram);
    let reader = w.subscribe("inputs", SubscribeOptions::default());
    for n in 0..1_000 {
        w.send(publication, number(n));
    }
    w.run();
    let got = w.b.objects(reader);
    assert_eq!(got.last(), Some(&number(999)));
    let dropped =
        w.a.client
            .publication_stats(publication)
            .expect("lives")
            .dropped;
    assert_eq!(got.len() as u64 + dropped, 1_000);
    assert!(dropped > 0);
}

#[test]
fn a_datagram_over_the_limit_names_the_limit_and_hurts_nothing() {
    let mut w = World::new();
    let publication = w.publish("inputs", DeliveryClass::Datagram);
    let reader = w.subscribe("inputs", SubscribeOptions::default());
    let big = Bytes::from(vec![7; 1_200]);
    let error =
        w.a.client
            .send(w.now, publication, big)
            .expect_err("too large");
    let SendError::TooLarge { limit } = error else {
        panic!("{error:?}")
    };
    assert!(limit < 1_100 && limit > 1_080, "{limit}");
    w.send(publication, vec![7; limit]);
    w.run();
    assert_eq!(w.b.objects(reader).len(), 1);
    let dropped =
        w.a.client
            .publication_stats(publication)
            .expect("lives")
            .dropped;
    assert_eq!(dropped, 0, "what fits the limit is sent");
}

#[test]
fn the_connection_may_allow_smaller_datagrams_than_the_option() {
    let memory = MemoryConfig {
        max_datagram: Some(500),
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("inputs", DeliveryClass::Datagram);
    let big = Bytes::from(vec![7; 501]);
    let error =
        w.a.client
            .send(w.now, publication, big)
            .expect_err("too large");
    assert!(matches!(error, SendError::TooLarge { limit } if limit < 500));
}

#[test]
fn a_slow_reader_pushes_back_to_send() {
    let memory = MemoryConfig {
        stream_window: 4_096,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let options = PublishOptions {
        queue_bytes: 10_000,
        ..PublishOptions::default()
    };
    let publication =
        w.a.client
            .publish(track("world"), options)
            .expect("publishes");
    w.run();
    let slow = SubscribeOptions {
        queue_bytes: 8_000,
        ..SubscribeOptions::default()
    };
    let reader = w.subscribe("world", slow);
    w.b.client.set_reading(reader, false);
    let mut sent = 0;
    let refused = loop {
        match w
            .a
            .client
            .send(w.now, publication, Bytes::from(vec![1; 1_000]))
        {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        w.run();
        assert!(sent < 100, "never pushed back");
    };
    assert_eq!(refused, SendError::WouldBlock);
    let stats = w.b.client.subscription_stats(reader).expect("lives");
    assert!(stats.queued_bytes <= 8_000 + 4_096, "{stats:?}");
    w.a.take();
    w.b.client.set_reading(reader, true);
    w.run();
    assert_eq!(w.b.objects(reader).len(), sent, "nothing is lost");
    let writable = |e: &ClientEvent| matches!(e, ClientEvent::Writable(h) if *h == publication);
    assert_eq!(w.a.events.iter().filter(|e| writable(e)).count(), 1);
    w.send(publication, vec![2; 10]);
}

#[test]
fn ending_a_track_ends_its_readers_after_everything() {
    for class in [
        DeliveryClass::Reliable,
        DeliveryClass::Latest,
        DeliveryClass::Deadline,
    ] {
        let mut w = World::new();
        let publication = w.publish("t", class);
        let reader = w.subscribe("t", SubscribeOptions::default());
        w.send(publication, number(1));
        w.a.client.end(w.now, publication, None);
        w.run();
        assert_eq!(w.b.objects(reader), [number(1)], "{class}");
        assert_eq!(w.b.ends(reader), [End::Ended], "{class}");
        assert_eq!(w.a.ends(publication), [End::Closed]);
        assert_eq!(
            w.a.client.send(w.now, publication, number(2)),
            Err(SendError::Closed)
        );
    }
}

#[test]
fn a_flushed_end_waits_for_the_peer() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Reliable);
    let reader = w.subscribe("t", SubscribeOptions::default());
    w.b.deaf = true;
    w.send(publication, number(1));
    w.a.client
        .end(w.now, publication, Some(Duration::from_secs(5)));
    w.run();
    assert_eq!(w.a.ends(publication), []);
    w.b.deaf = false;
    w.run();
    assert_eq!(w.a.ends(publication), [End::Closed]);
    assert_eq!(w.b.objects(reader), [number(1)]);
    assert_eq!(w.b.ends(reader), [End::Ended]);
}

#[test]
fn a_flushed_end_has_a_bound() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Reliable);
    w.subscribe("t", SubscribeOptions::default());
    w.b.deaf = true;
    w.send(publication, number(1));
    w.a.client
        .end(w.now, publication, Some(Duration::from_millis(500)));
    w.pass(Duration::from_secs(1));
    assert_eq!(w.a.ends(publication).len(), 1);
}

#[test]
fn subscribers_are_counted_and_a_track_can_be_published_again() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Reliable);
    let reader = w.subscribe("t", SubscribeOptions::default());
    let counts = |w: &World| -> Vec<usize> {
        let count = |e: &ClientEvent| match e {
            ClientEvent::Subscribers(_, n) => Some(*n),
            _ => None,
        };
        w.a.events.iter().filter_map(count).collect()
    };
    assert_eq!(counts(&w), [1]);
    w.b.client.cancel(w.now, reader);
    w.run();
    assert_eq!(counts(&w), [1, 0]);
    let error =
        w.a.client
            .publish(track("t"), PublishOptions::default())
            .expect_err("twice");
    assert_eq!(error.code, ErrorCode::Duplicate);
    w.a.client.end(w.now, publication, None);
    w.a.client
        .publish(track("t"), PublishOptions::default())
        .expect("free again");
    let reader = w.subscribe("t", SubscribeOptions::default());
    assert!(w.b.is_ready(reader));
}

#[test]
fn a_deadline_update_older_than_its_deadline_is_not_sent() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Deadline);
    let reader = w.subscribe("t", SubscribeOptions::default());
    // Nothing is pumped while the time passes, as when the connection is blocked.
    w.send(publication, number(1));
    w.now += Duration::from_millis(300);
    w.send(publication, number(2));
    w.a.client.on_timeout(w.now, Some(&mut w.a.t));
    w.run();
    // The reader waits for the first until the second would be late itself.
    w.pass(Duration::from_millis(200));
    assert_eq!(w.b.objects(reader), [number(2)]);
    let stats = w.a.client.publication_stats(publication).expect("lives");
    assert_eq!(stats.dropped, 1);
}

#[test]
fn options_are_checked_with_their_names() {
    let mut w = World::new();
    let wrong = [
        (
            PublishOptions {
                queue_bytes: 0,
                ..PublishOptions::default()
            },
            "queueBytes",
        ),
        (
            PublishOptions {
                delivery: DeliveryClass::Deadline,
                deadline: Duration::from_secs(61),
                ..PublishOptions::default()
            },
            "deadline",
        ),
        (
            PublishOptions {
                delivery: DeliveryClass::Datagram,
                max_datagram_size: 63,
                ..PublishOptions::default()
            },
            "maxDatagramSize",
        ),
    ];
    for (options, name) in wrong {
        let error = w.a.client.publish(track("t"), options).expect_err(name);
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains(name), "{}", error.message);
    }
    let reserved = FullTrackName::new(namespace(&[".session"]), "t").expect("valid");
    let error =
        w.a.client
            .publish(reserved, PublishOptions::default())
            .expect_err("reserved");
    assert_eq!(error.code, ErrorCode::InvalidArgument);
}

#[test]
fn a_connection_without_datagrams_says_so_at_once() {
    let memory = MemoryConfig {
        max_datagram: None,
        ..MemoryConfig::default()
    };
    let mut w = World::with(memory, |_| {});
    let publication = w.publish("inputs", DeliveryClass::Datagram);
    let error = w.a.client.send(w.now, publication, number(1));
    assert_eq!(error, Err(SendError::TooLarge { limit: 0 }));
}

#[test]
fn a_namespace_is_announced_without_a_publication() {
    let mut w = World::new();
    let namespace = namespace(&["match", "alone"]);
    let alone = w.a.client.announce(namespace.clone()).expect("valid");
    let again = w.a.client.announce(namespace.clone()).expect("valid");
    w.run();
    assert!(w.a.is_ready(alone) && w.a.is_ready(again));
    let now = w.now;
    for (handle, held) in [(alone, true), (again, false)] {
        w.a.client.cancel(now, handle);
        w.run();
        assert_eq!(w.a.ends(handle), [End::Closed]);
        let told = w.a.client.publisher.namespaces().any(|n| *n == namespace);
        assert_eq!(told, held, "the other announcement keeps it");
    }
    let empty = w.a.client.announce(Namespace::default());
    assert_eq!(empty.map_err(|e| e.code), Err(ErrorCode::InvalidArgument));
}
