use super::*;

fn fetch(w: &mut World, from_group: u64, to_group: u64) -> Handle {
    let options = FetchOptions {
        from_group,
        to_group,
        ..FetchOptions::default()
    };
    let handle = w.b.client.fetch(track("world"), options).expect("fetches");
    w.run();
    handle
}

fn status(w: &mut World, name: &str) -> Handle {
    let handle = w.b.client.status(track(name)).expect("asks");
    w.run();
    handle
}

fn newest(w: &mut World) -> u64 {
    let handle = status(w, "world");
    let largest = w.b.events.iter().rev().find_map(|event| match event {
        ClientEvent::Status {
            handle: of,
            largest,
            ..
        } if *of == handle => *largest,
        _ => None,
    });
    largest.expect("published").group
}

#[test]
fn the_retained_group_can_be_fetched() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    w.keyframe(publication, number(0));
    for n in 1..100 {
        w.send(publication, number(n));
    }
    w.run();
    let group = newest(&mut w);
    let handle = fetch(&mut w, group, group);
    assert_eq!(w.b.objects(handle), numbers(0..100));
    assert_eq!(w.b.ends(handle), [End::Ended]);
    assert_eq!(w.b.gaps(handle), []);
}

#[test]
fn groups_that_are_not_kept_are_a_gap() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    for n in 0..3 {
        w.keyframe(publication, number(n));
    }
    w.run();
    let group = newest(&mut w);
    let handle = fetch(&mut w, group - 2, group);
    assert_eq!(w.b.objects(handle), [number(2)]);
    assert_eq!(w.b.gaps(handle).len(), 1);
    assert_eq!(w.b.ends(handle), [End::Ended]);
}

#[test]
fn a_slow_fetch_waits_for_its_reader() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    w.keyframe(publication, vec![0; 50_000]);
    for n in 1..40_u8 {
        w.send(publication, vec![n; 50_000]);
    }
    w.run();
    let group = newest(&mut w);
    let options = FetchOptions {
        from_group: group,
        to_group: group,
        queue_bytes: 100_000,
        ..FetchOptions::default()
    };
    let handle = w.b.client.fetch(track("world"), options).expect("fetches");
    w.b.client.set_reading(handle, false);
    w.run();
    let stats = w.b.client.subscription_stats(handle).expect("lives");
    assert!(stats.queued_bytes < 500_000, "{stats:?}");
    w.b.client.set_reading(handle, true);
    w.run();
    assert_eq!(w.b.objects(handle).len(), 40);
    assert_eq!(w.b.ends(handle), [End::Ended]);
}

#[test]
fn fetches_that_cannot_be_served_say_why() {
    let mut w = World::new();
    let handle = fetch(&mut w, 0, 1);
    assert_eq!(w.b.error(handle).code, ErrorCode::NotFound);
    w.publish("world", DeliveryClass::Reliable);
    let handle = fetch(&mut w, 0, 1);
    let error = w.b.error(handle);
    assert_eq!(
        (error.code, error.peer_code),
        (ErrorCode::NotFound, Some(0x11))
    );
    let backwards = FetchOptions {
        from_group: 2,
        to_group: 1,
        ..FetchOptions::default()
    };
    let error =
        w.b.client
            .fetch(track("world"), backwards)
            .expect_err("backwards");
    assert!(error.message.contains("toGroup"), "{}", error.message);
}

#[test]
fn a_fetch_can_be_cancelled() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Reliable);
    w.keyframe(publication, vec![0; 1_000_000]);
    w.run();
    let group = newest(&mut w);
    let options = FetchOptions {
        from_group: group,
        to_group: group,
        ..FetchOptions::default()
    };
    let handle = w.b.client.fetch(track("world"), options).expect("fetches");
    w.b.step(w.now);
    w.b.client.cancel(w.now, handle);
    w.run();
    assert_eq!(w.b.ends(handle), [End::Closed]);
    assert_eq!(w.b.objects(handle), Vec::<Bytes>::new());
}

#[test]
fn the_status_tells_class_and_newest_location() {
    let mut w = World::new();
    let publication = w.publish("world", DeliveryClass::Latest);
    let handle = status(&mut w, "world");
    let told = |w: &World, handle| {
        w.b.events.iter().find_map(|event| match event {
            ClientEvent::Status {
                handle: of,
                largest,
                class,
            } if *of == handle => Some((*largest, *class)),
            _ => None,
        })
    };
    assert_eq!(told(&w, handle), Some((None, Some(DeliveryClass::Latest))));
    assert_eq!(w.b.ends(handle), [End::Ended]);
    w.send(publication, number(1));
    w.run();
    let handle = status(&mut w, "world");
    let (largest, _) = told(&w, handle).expect("told");
    assert_eq!(largest.expect("published").object, 0);
    let handle = status(&mut w, "nothing");
    assert_eq!(w.b.error(handle).code, ErrorCode::NotFound);
}
