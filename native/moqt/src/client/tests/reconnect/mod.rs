//! Connections that are lost, at any moment, and what is there afterwards.

mod goaway;
mod random;

use super::*;
use crate::session::{Session, SessionConfig, SessionEvent};
use crate::transport::{CloseReason, TransportEvent};
use crate::wire::error::session_codes;
use std::collections::BTreeMap;

const MS: Duration = Duration::from_millis(1);

/// Two clients whose connection can be lost: when both have dialled, they meet over a new one.
struct Net {
    w: World,
    memory: MemoryConfig,
    down: bool,
    waiting: BTreeMap<usize, LinkId>,
    /// How often the reader asked for a connection.
    dialled: usize,
}

impl Net {
    fn with(memory: MemoryConfig, configure: impl Fn(&mut ClientConfig)) -> Self {
        let w = World::with(memory, |config| {
            config.reconnect = Some(Reconnect {
                initial_delay: 40 * MS,
                max_delay: 400 * MS,
                timeout: Some(Duration::from_secs(20)),
            });
            config.seed = 7 + u64::from(config.initiator);
            configure(config);
        });
        Net {
            w,
            memory,
            down: false,
            waiting: BTreeMap::new(),
            dialled: 0,
        }
    }

    fn new() -> Self {
        Net::with(MemoryConfig::default(), |_| {})
    }

    /// What is on its way is lost with the connection.
    fn lose(&mut self) {
        let now = self.w.now;
        for peer in [&mut self.w.a, &mut self.w.b] {
            let lost = TransportEvent::Closed(CloseReason::TimedOut);
            let link = peer.link;
            peer.client.handle(now, link, &mut peer.t, lost);
            peer.poll(now);
        }
    }

    /// Lets time pass, and answers what is asked of the network.
    fn pass(&mut self, time: Duration) {
        let end = self.w.now + time;
        self.answer();
        while self.w.now < end {
            self.w.pass(10 * MS);
            self.answer();
        }
    }

    fn answer(&mut self) {
        let now = self.w.now;
        for (side, peer) in [&mut self.w.a, &mut self.w.b].into_iter().enumerate() {
            while let Some(command) = peer.client.poll_link() {
                let LinkCommand::Connect { link, .. } = command else {
                    self.waiting.remove(&side);
                    continue;
                };
                self.dialled += side;
                if self.down {
                    let error = ClientError::new(ErrorCode::ConnectionFailed, "no network");
                    peer.client.connect_failed(now, link, error);
                } else {
                    self.waiting.insert(side, link);
                }
            }
        }
        if let (Some(&a), Some(&b)) = (self.waiting.get(&0), self.waiting.get(&1)) {
            self.waiting.clear();
            (self.w.a.t, self.w.b.t) = pair(self.memory);
            (self.w.a.link, self.w.b.link) = (a, b);
            self.w.a.attach(now);
            self.w.b.attach(now);
        }
        self.w.run();
    }

    /// Until both have a connection again.
    fn repair(&mut self) {
        for _ in 0..1_000 {
            let open = |peer: &Peer| peer.client.state() == ClientState::Open;
            if open(&self.w.a) && open(&self.w.b) {
                return self.w.run();
            }
            self.pass(10 * MS);
        }
        panic!(
            "never repaired: {:?} {:?}",
            self.w.a.events, self.w.b.events
        );
    }
}

fn states(peer: &Peer) -> Vec<(ClientState, Option<ErrorCode>)> {
    let state = |event: &ClientEvent| match event {
        ClientEvent::State { state, error, .. } => Some((*state, error.as_ref().map(|e| e.code))),
        _ => None,
    };
    peer.events.iter().filter_map(state).collect()
}

fn ready_count(peer: &Peer, handle: Handle) -> usize {
    let ready = |event: &&ClientEvent| match event {
        ClientEvent::SubscriptionReady { handle: of, .. } => *of == handle,
        ClientEvent::PublicationReady(of) => *of == handle,
        _ => false,
    };
    peer.events.iter().filter(ready).count()
}

#[test]
fn a_reliable_group_goes_on_without_loss_or_repetition() {
    let mut n = Net::new();
    let publication = n.w.publish("t", DeliveryClass::Reliable);
    let reader = n.w.subscribe("t", SubscribeOptions::default());
    n.w.keyframe(publication, number(0));
    n.w.send(publication, number(1));
    n.w.run();
    n.lose();
    assert_eq!(n.w.b.client.state(), ClientState::Reconnecting);
    // Accepted between the connections: the group that is kept brings them.
    n.w.send(publication, number(2));
    n.w.send(publication, number(3));
    n.repair();
    n.w.send(publication, number(4));
    n.w.run();
    assert_eq!(n.w.b.objects(reader), numbers(0..5));
    assert_eq!(n.w.b.gaps(reader), []);
    assert_eq!(
        states(&n.w.b),
        [
            (ClientState::Open, None),
            (ClientState::Reconnecting, Some(ErrorCode::Timeout)),
            (ClientState::Open, None),
        ]
    );
    assert_eq!(n.w.b.client.stats().reconnects, 1);
    assert_eq!(ready_count(&n.w.b, reader), 1);
    assert_eq!(ready_count(&n.w.a, publication), 1);
}

#[test]
fn groups_that_went_by_are_one_gap() {
    let mut n = Net::new();
    let publication = n.w.publish("t", DeliveryClass::Reliable);
    let reader = n.w.subscribe("t", SubscribeOptions::default());
    n.w.keyframe(publication, number(0));
    n.w.run();
    n.lose();
    for i in 1..6 {
        n.w.keyframe(publication, number(i));
    }
    n.repair();
    n.w.send(publication, number(6));
    n.w.run();
    assert_eq!(n.w.b.objects(reader), [number(0), number(5), number(6)]);
    let gaps = n.w.b.gaps(reader);
    let [gap] = gaps.as_slice() else {
        panic!("{gaps:?}")
    };
    assert_eq!(gap.reason, GapReason::Reconnected);
    assert_eq!(gap.to_group - gap.from_group, 4);
    assert_eq!(
        n.w.b.client.subscription_stats(reader).expect("lives").gaps,
        1
    );
}

#[test]
fn other_classes_end_on_the_newest_and_never_go_back() {
    for class in [
        DeliveryClass::Latest,
        DeliveryClass::Deadline,
        DeliveryClass::Datagram,
    ] {
        let mut n = Net::new();
        let publication = n.w.publish("t", class);
        let reader = n.w.subscribe("t", SubscribeOptions::default());
        n.w.send(publication, number(1));
        n.w.run();
        n.lose();
        n.w.send(publication, number(2));
        n.w.send(publication, number(3));
        n.repair();
        n.pass(300 * MS);
        assert_eq!(n.w.b.objects(reader), [number(1), number(3)], "{class:?}");
        let gaps = n.w.b.gaps(reader);
        let [gap] = gaps.as_slice() else {
            panic!("{class:?} {gaps:?}")
        };
        assert_eq!(gap.reason, GapReason::Reconnected, "{class:?}");
        n.lose();
        n.repair();
        n.w.send(publication, number(4));
        n.w.run();
        let all = [number(1), number(3), number(4)];
        assert_eq!(n.w.b.objects(reader), all, "{class:?}");
        assert_eq!(n.w.b.gaps(reader).len(), 1, "{class:?}");
        let stats = n.w.b.client.subscription_stats(reader).expect("lives");
        assert_eq!((stats.stale, stats.late), (0, 0), "{class:?}");
    }
}

#[test]
fn what_is_asked_for_meanwhile_is_done_then_and_what_needs_an_answer_is_refused() {
    let mut n = Net::new();
    n.down = true;
    n.lose();
    let publication =
        n.w.a
            .client
            .publish(track("t"), PublishOptions::default())
            .expect("publishes");
    n.w.keyframe(publication, number(0));
    let options = SubscribeOptions::default();
    let reader =
        n.w.b
            .client
            .subscribe(track("t"), options)
            .expect("subscribes");
    let finder = n.w.b.client.discover(namespace(&[])).expect("discovers");
    let error = n.w.b.client.status(track("t")).expect_err("no connection");
    assert_eq!(error.code, ErrorCode::NotConnected);
    assert!(error.retryable);
    let error = n.w.b.client.fetch(track("t"), FetchOptions::default());
    assert_eq!(error.expect_err("none").code, ErrorCode::NotConnected);
    n.down = false;
    n.repair();
    n.pass(200 * MS);
    assert_eq!(n.w.b.objects(reader), [number(0)]);
    assert!(n.w.a.is_ready(publication));
    let found = |e: &ClientEvent| matches!(e, ClientEvent::NamespaceAdded(h, _) if *h == finder);
    assert!(n.w.b.events.iter().any(found), "{:?}", n.w.b.events);
}

#[test]
fn requests_that_were_under_way_end_and_say_so() {
    let mut n = Net::new();
    n.w.publish("t", DeliveryClass::Reliable);
    n.w.a.deaf = true;
    let status = n.w.b.client.status(track("t")).expect("asks");
    let options = FetchOptions {
        to_group: 1,
        ..FetchOptions::default()
    };
    let fetch = n.w.b.client.fetch(track("t"), options).expect("fetches");
    n.w.run();
    n.lose();
    assert_eq!(n.w.b.error(status).code, ErrorCode::NotConnected);
    assert_eq!(n.w.b.error(fetch).code, ErrorCode::NotConnected);
}

#[test]
fn namespaces_are_told_only_as_they_changed() {
    let mut n = Net::new();
    let publish = |n: &mut Net, field: &str| {
        let name = FullTrackName::new(namespace(&["m", field]), Bytes::from_static(b"t"));
        let handle =
            n.w.a
                .client
                .publish(name.expect("valid"), PublishOptions::default());
        handle.expect("publishes")
    };
    publish(&mut n, "stays");
    let goes = publish(&mut n, "goes");
    n.w.b.client.discover(namespace(&["m"])).expect("discovers");
    n.w.run();
    n.w.b.take();
    n.lose();
    n.w.a.client.end(n.w.now, goes, None);
    publish(&mut n, "comes");
    n.repair();
    n.pass(Duration::from_secs(3));
    let changes: Vec<String> =
        n.w.b
            .events
            .iter()
            .filter_map(|event| match event {
                ClientEvent::NamespaceAdded(_, namespace) => Some(format!("+{namespace}")),
                ClientEvent::NamespaceRemoved(_, namespace) => Some(format!("-{namespace}")),
                _ => None,
            })
            .collect();
    assert_eq!(changes, ["+m-comes", "-m-goes"]);
}

#[test]
fn a_second_reader_that_comes_meanwhile_begins_at_the_newest_group() {
    let mut n = Net::new();
    let publication = n.w.publish("t", DeliveryClass::Reliable);
    let first = n.w.subscribe("t", SubscribeOptions::default());
    n.w.keyframe(publication, number(0));
    n.w.send(publication, number(1));
    n.w.run();
    n.lose();
    n.w.send(publication, number(2));
    let start = |start| SubscribeOptions {
        start,
        ..SubscribeOptions::default()
    };
    let mut more = |s| {
        n.w.b
            .client
            .subscribe(track("t"), start(s))
            .expect("subscribes")
    };
    let second = more(Start::LatestGroup);
    let now = more(Start::Now);
    let next = more(Start::Next);
    n.repair();
    n.w.send(publication, number(3));
    n.w.keyframe(publication, number(4));
    n.w.run();
    assert_eq!(n.w.b.objects(first), numbers(0..5));
    assert_eq!(n.w.b.objects(second), numbers(0..5));
    assert_eq!(n.w.b.objects(now), numbers(3..5));
    assert_eq!(n.w.b.objects(next), numbers(4..5));
    for handle in [first, second, now, next] {
        assert_eq!(n.w.b.gaps(handle), []);
        assert_eq!(ready_count(&n.w.b, handle), 1);
    }
}

#[test]
fn a_publisher_that_is_not_back_yet_is_waited_for() {
    let mut n = Net::new();
    let publication = n.w.publish("t", DeliveryClass::Reliable);
    let reader = n.w.subscribe("t", SubscribeOptions::default());
    n.w.keyframe(publication, number(0));
    n.w.run();
    n.lose();
    n.w.a.client.end(n.w.now, publication, None);
    n.repair();
    n.pass(Duration::from_secs(5));
    assert_eq!(n.w.b.ends(reader), []);
    // Groups are numbered from the time in ms.
    std::thread::sleep(2 * MS);
    let again = n.w.publish("t", DeliveryClass::Reliable);
    n.w.keyframe(again, number(1));
    n.pass(Duration::from_secs(2));
    assert_eq!(n.w.b.objects(reader), [number(0), number(1)]);
    // One that does not come back is told.
    n.lose();
    n.w.a.client.end(n.w.now, again, None);
    n.repair();
    n.pass(Duration::from_secs(32));
    assert_eq!(n.w.b.error(reader).code, ErrorCode::NotFound);
}

#[test]
fn it_gives_up_after_its_time_and_every_handle_ends_once() {
    let mut n = Net::new();
    let publication = n.w.publish("t", DeliveryClass::Reliable);
    let reader = n.w.subscribe("t", SubscribeOptions::default());
    n.w.keyframe(publication, number(0));
    n.w.run();
    n.down = true;
    n.lose();
    n.pass(Duration::from_secs(25));
    assert_eq!(n.w.b.client.state(), ClientState::Closed);
    let error = n.w.b.error(reader);
    assert_eq!(error.code, ErrorCode::ConnectionFailed);
    assert!(error.message.contains("20 s"), "{error}");
    assert!(matches!(
        n.w.b.events.last(),
        Some(ClientEvent::Closed(Some(_)))
    ));
    // Waits of 20 to 400 ms at most: about 20 s of them.
    assert!((50..150).contains(&n.dialled), "{} attempts", n.dialled);
    assert_eq!(n.w.b.client.poll_timeout(), None);
}

#[test]
fn a_close_meanwhile_ends_the_attempts() {
    let mut n = Net::new();
    n.down = true;
    n.lose();
    n.pass(100 * MS);
    let dialled = n.dialled;
    n.w.b.client.close(n.w.now, None, None);
    n.pass(Duration::from_secs(5));
    assert_eq!(n.dialled, dialled);
    assert!(matches!(
        n.w.b.events.last(),
        Some(ClientEvent::Closed(None))
    ));
}

#[test]
fn a_relay_that_drops_every_session_at_once_is_not_hammered() {
    let mut n = Net::new();
    let before = n.w.now;
    for _ in 0..20 {
        n.lose();
        n.repair();
    }
    // The backoff goes on where it was: 18 waits of at least half of 400 ms.
    assert!(n.w.now - before > 12 * 200 * MS, "{:?}", n.w.now - before);
}

#[test]
fn a_token_is_asked_for_before_every_connection() {
    let config = ClientConfig {
        ask_token: true,
        reconnect: Some(Reconnect::default()),
        connect_timeout: Duration::from_secs(2),
        ..ClientConfig::default()
    };
    let mut client = Client::new(config);
    let mut now = Instant::now();
    let wanted = |client: &mut Client| {
        let mut wanted = None;
        while let Some(event) = client.poll_event(Instant::now()) {
            if let ClientEvent::TokenWanted(link) = event {
                assert_eq!(wanted.replace(link), None);
            }
        }
        wanted
    };
    client.connect(now);
    let first = wanted(&mut client).expect("a token is wanted");
    assert_eq!(client.poll_link(), None);
    let mut token = Bytes::from_static(b"one");
    assert!(client.supply_token(now, first, Ok(token.clone())));
    assert!(!client.supply_token(now, first, Ok(token.clone())), "once");
    // The relay reads each of them; the attempt with none and the one with none in time fail alone.
    for round in 0..4 {
        let Some(LinkCommand::Connect { link, .. }) = client.poll_link() else {
            panic!("no connection is asked for in round {round}")
        };
        let (mut ta, mut tb) = pair(MemoryConfig::default());
        let mut server = Session::new(SessionConfig::server());
        server.start(now, &mut tb);
        let address = SetupAddress {
            path: Some("/".into()),
            ..SetupAddress::default()
        };
        client.attach(now, link, &address, &mut ta);
        while let Some(event) = tb.poll_event() {
            server.handle(now, &mut tb, event);
        }
        let tokens = match server.poll_event() {
            Some(SessionEvent::Ready { peer }) => peer.tokens,
            other => panic!("{other:?}"),
        };
        assert_eq!(tokens.len(), 1);
        assert_eq!(tokens[0].value, token);
        while let Some(event) = ta.poll_event() {
            client.handle(now, link, &mut ta, event);
        }
        assert_eq!(client.state(), ClientState::Open);
        tb.close(session_codes::UNAUTHORIZED, "the token has expired");
        while let Some(event) = ta.poll_event() {
            client.handle(now, link, &mut ta, event);
        }
        assert_eq!(client.state(), ClientState::Reconnecting);
        let mut fails = 2;
        let link = loop {
            now = client.poll_timeout().expect("an attempt is due");
            client.on_timeout(now, None);
            let Some(link) = wanted(&mut client) else {
                continue;
            };
            match fails {
                0 => break link,
                1 => assert!(client.supply_token(now, link, Err("no service".into()))),
                // Nobody answers.
                _ => {}
            }
            fails -= 1;
        };
        token = number(round);
        assert!(client.supply_token(now, link, Ok(token.clone())));
    }
    assert_eq!(client.stats().reconnects, 3);
}
