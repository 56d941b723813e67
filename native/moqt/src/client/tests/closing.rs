use super::*;

fn everything(w: &mut World) -> Vec<Handle> {
    let publication = w.publish("t", DeliveryClass::Reliable);
    let reader = w.subscribe("t", SubscribeOptions::default());
    w.send(publication, number(0));
    w.run();
    let back =
        w.b.client
            .publish(track("back"), PublishOptions::default())
            .expect("publishes");
    let finder = w.b.client.discover(namespace(&[])).expect("discovers");
    w.run();
    vec![reader, back, finder, publication]
}

#[test]
fn close_ends_every_handle_once_and_delivers_nothing_after() {
    let mut w = World::new();
    let mut handles = everything(&mut w);
    let publication = handles.pop().expect("four");
    w.b.client.set_reading(handles[0], false);
    w.send(publication, number(1));
    w.run();
    w.b.take();
    w.b.client.close(w.now, Some(&mut w.b.t), None);
    w.b.client.close(w.now, Some(&mut w.b.t), None);
    w.run();
    w.pass(Duration::from_secs(1));
    for handle in handles {
        assert_eq!(w.b.ends(handle), [End::Closed]);
    }
    assert_eq!(w.b.events.len(), 5, "{:?}", w.b.events);
    assert!(matches!(w.b.events.last(), Some(ClientEvent::Closed(None))));
    assert_eq!(w.b.client.state(), ClientState::Closed);
    let error =
        w.b.client
            .subscribe(track("t"), SubscribeOptions::default())
            .expect_err("closed");
    assert_eq!(error.code, ErrorCode::Closed);
    // The other side is told by its connection.
    assert_eq!(w.a.client.state(), ClientState::Closed);
    assert!(matches!(
        w.a.events.last(),
        Some(ClientEvent::Closed(Some(_)))
    ));
}

#[test]
fn loss_of_the_connection_ends_every_handle_with_an_error() {
    let mut w = World::new();
    let mut handles = everything(&mut w);
    handles.pop();
    w.b.take();
    w.b.t.break_connection();
    w.run();
    for handle in handles {
        assert_eq!(w.b.error(handle).code, ErrorCode::Timeout);
    }
    let closed =
        w.b.events
            .iter()
            .filter(|e| matches!(e, ClientEvent::Closed(_)))
            .count();
    assert_eq!(closed, 1);
    assert!(matches!(
        w.b.events.last(),
        Some(ClientEvent::Closed(Some(_)))
    ));
}

#[test]
fn close_with_flush_waits_until_everything_is_acknowledged() {
    let mut w = World::new();
    let publication = w.publish("t", DeliveryClass::Reliable);
    let reader = w.subscribe("t", SubscribeOptions::default());
    w.b.deaf = true;
    for n in 0..50 {
        w.send(publication, number(n));
    }
    w.a.client
        .close(w.now, Some(&mut w.a.t), Some(Duration::from_secs(5)));
    w.run();
    assert_ne!(w.a.client.state(), ClientState::Closed);
    w.b.deaf = false;
    w.run();
    assert_eq!(w.a.client.state(), ClientState::Closed);
    assert_eq!(w.a.ends(publication), [End::Closed]);
    assert_eq!(w.b.objects(reader), numbers(0..50));
}

#[test]
fn commands_before_the_connection_are_done_when_it_is_there() {
    let (ta, tb) = pair(MemoryConfig::default());
    let mut w = World::new();
    let early = |initiator| ClientConfig {
        initiator,
        ..ClientConfig::default()
    };
    w.a = Peer::new(early(true), ta);
    w.b = Peer::new(early(false), tb);
    let publication =
        w.a.client
            .publish(track("t"), PublishOptions::default())
            .expect("publishes");
    w.send(publication, number(0));
    let wait = SubscribeOptions::default();
    let reader = w.b.client.subscribe(track("t"), wait).expect("subscribes");
    w.a.attach(w.now);
    w.b.attach(w.now);
    w.run();
    assert_eq!(w.b.objects(reader), [number(0)]);
    assert!(w.a.is_ready(publication));
}

#[test]
fn a_connection_that_never_came_is_told() {
    let mut client = Client::new(ClientConfig::default());
    let handle = client
        .subscribe(track("t"), SubscribeOptions::default())
        .expect("subscribes");
    client.connect(Instant::now());
    let Some(LinkCommand::Connect { link, url, timeout }) = client.poll_link() else {
        panic!("no connection is asked for")
    };
    assert_eq!((url, timeout), (None, Duration::from_secs(10)));
    let refused = ClientError::new(ErrorCode::ConnectionFailed, "no such host");
    client.connect_failed(Instant::now(), link, refused);
    let mut events = Vec::new();
    while let Some(event) = client.poll_event(Instant::now()) {
        events.push(event);
    }
    let ended = |e: &ClientEvent| matches!(e, ClientEvent::Ended(h, End::Error(_)) if *h == handle);
    assert!(events.iter().any(ended), "{events:?}");
    let Some(ClientEvent::Closed(Some(error))) = events.last() else {
        panic!("{events:?}")
    };
    assert!(error.message.contains("no such host"), "{}", error.message);
    assert!(client.poll_event(Instant::now()).is_none());
}
