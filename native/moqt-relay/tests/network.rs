//! The relay over real QUIC, WebTransport and in-process connections.

mod common;

use bytes::Bytes;
use common::*;
use moqt::session::{SessionClose, SessionEvent};
use moqt::transport::CloseReason;
use moqt::wire::*;
use moqt_net::Runtime;
use moqt_relay::StaticTokens;
use std::sync::Arc;
use std::time::Duration;

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn objects_travel_between_all_transports() {
    let relay = relay(|_| {});
    let clients = Runtime::start("clients").expect("a thread");
    let world = track("match/42", "world");
    let mut publisher = Node::connect(&clients, quic(&relay)).ready();
    publisher.announce(world.namespace());
    let mut readers = vec![
        Node::connect(&clients, webtransport(&relay)).ready(),
        Node::connect(&clients, quic(&relay)).ready(),
        Node::connect(relay.runtime(), memory(&relay)).ready(),
    ];
    let ids: Vec<_> = readers
        .iter_mut()
        .map(|r| r.subscribe(&world, largest()))
        .collect();
    let properties = Properties::builder().varint(0x3800, 1).build();
    publisher.accept(3, None, properties.clone());
    for (reader, id) in readers.iter_mut().zip(ids) {
        let Response::SubscribeOk(ok) = reader.response(id) else {
            panic!("refused")
        };
        assert_eq!(ok.properties, properties);
    }
    let large = Bytes::from(vec![b'x'; 300_000]);
    publisher.send_group(3, 1, vec!["hello".into(), Bytes::new(), large.clone()]);
    let datagram = ObjectDatagram {
        track_alias: 3,
        group: 2,
        payload: "quick".into(),
        ..Default::default()
    };
    publisher
        .with(move |s, t, _| s.send_datagram(t, &datagram))
        .expect("datagrams");
    for reader in &mut readers {
        let (id, payload) = reader.object();
        assert_eq!((id, text(&payload)), (0, "hello"));
        assert_eq!(reader.object(), (1, Bytes::new()));
        assert_eq!(reader.object(), (2, large.clone()));
        let datagram = reader.wait("datagram", |event| match event {
            SessionEvent::Datagram { datagram, .. } => Some(datagram.clone()),
            _ => None,
        });
        assert_eq!((datagram.group, text(&datagram.payload)), (2, "quick"));
    }
    let stats = relay.stats().expect("statistics");
    assert_eq!(stats.sessions.open, 4);
    assert_eq!(stats.objects.sent, 12);
    drop(readers);
    clients.shutdown().expect("another thread");
    relay.shutdown(Duration::ZERO).expect("another thread");
    relay.shutdown(Duration::ZERO).expect("idempotent");
    assert!(!relay.is_running() && relay.stats().is_none());
}

#[test]
fn a_token_decides_who_enters_and_what_they_may_do() {
    let file = r#"{"tokens": {"viewer": {"subscribe": ["match"]}}}"#;
    let relay = relay(|config| {
        config.authorizer = Arc::new(StaticTokens::from_json(file).expect("a good file"));
    });
    let clients = Runtime::start("clients").expect("a thread");
    let token = |value: &'static str| {
        vec![AuthToken::UseValue {
            token_type: 0,
            value: Bytes::from_static(value.as_bytes()),
        }]
    };
    for tokens in [vec![], token("guess")] {
        for way in [quic(&relay), webtransport(&relay)] {
            let mut refused = Node::connect_with(&clients, way, tokens.clone());
            let SessionClose::Transport(CloseReason::Peer { code, reason }) = refused.closed()
            else {
                panic!("not closed by the relay")
            };
            assert_eq!(code, session_codes::UNAUTHORIZED);
            assert!(
                reason.contains("token") && !reason.contains("guess"),
                "{reason}"
            );
        }
    }
    let mut viewer = Node::connect_with(&clients, quic(&relay), token("viewer")).ready();
    let message = NamespaceRequest {
        namespace: ns("match"),
        params: Parameters::default(),
    };
    let id = viewer.request(Request::PublishNamespace(message));
    let Response::RequestError(error) = viewer.response(id) else {
        panic!("accepted")
    };
    assert_eq!(error.code, request_codes::UNAUTHORIZED);
    let id = viewer.subscribe(&track("other", "x"), largest());
    let Response::RequestError(error) = viewer.response(id) else {
        panic!("accepted")
    };
    assert_eq!(error.code, request_codes::UNAUTHORIZED);
    let id = viewer.subscribe(&track("match", "x"), largest());
    let Response::RequestError(error) = viewer.response(id) else {
        panic!("accepted")
    };
    assert_eq!(error.code, request_codes::DOES_NOT_EXIST);
    assert_eq!(relay.stats().expect("statistics").sessions.unauthorized, 4);
}

#[test]
fn shutdown_says_goaway_waits_and_closes() {
    let relay = relay(|_| {});
    let clients = Runtime::start("clients").expect("a thread");
    let mut leaving = Node::connect(&clients, webtransport(&relay)).ready();
    let mut staying = Node::connect(&clients, quic(&relay)).ready();
    staying.announce(&ns("match"));
    let url = relay.url().expect("a URL");
    let hash = relay.certificate_sha256().to_owned();
    let thread = std::thread::spawn(move || {
        let begun = std::time::Instant::now();
        relay
            .shutdown(Duration::from_secs(3))
            .expect("another thread");
        begun.elapsed()
    });
    for node in [&mut leaving, &mut staying] {
        node.wait("GOAWAY", |e| {
            matches!(e, SessionEvent::Goaway { .. }).then_some(())
        });
    }
    leaving.with(|s, t, _| s.close(t, session_codes::NO_ERROR, "moved"));
    let SessionClose::Transport(CloseReason::Peer { code, .. }) = staying.closed() else {
        panic!("not closed by the relay")
    };
    assert_eq!(code, session_codes::GOAWAY_TIMEOUT);
    let took = thread.join().expect("no panic");
    assert!(
        took >= Duration::from_millis(2_900),
        "it waited only {took:?}"
    );
    let way = Way::Url(url.replace("https:", "moqt:"), &hash);
    let mut late = Node::connect_within(&clients, way, Vec::new(), Duration::from_secs(2));
    assert!(matches!(late.closed(), SessionClose::Transport(_)));
}

#[test]
fn a_subscriber_that_does_not_read_is_given_up_and_others_have_everything() {
    let relay = relay(|config| {
        config.limits.queue_bytes_per_subscriber = 256 << 10;
    });
    let clients = Runtime::start("clients").expect("a thread");
    let slow_thread = Runtime::start("slow").expect("a thread");
    let world = track("match", "world");
    let mut publisher = Node::connect(&clients, quic(&relay)).ready();
    publisher.announce(world.namespace());
    let mut fast = Node::connect(&clients, webtransport(&relay)).ready();
    let mut slow = Node::connect(&slow_thread, quic(&relay)).ready();
    let ids = [
        fast.subscribe(&world, largest()),
        slow.subscribe(&world, largest()),
    ];
    publisher.accept(3, None, Properties::builder().varint(0x3800, 1).build());
    for (node, id) in [&mut fast, &mut slow].into_iter().zip(ids) {
        assert!(matches!(node.response(id), Response::SubscribeOk(_)));
    }
    slow.pause(true);
    // More on one stream than the slow one's flow control window and queue together.
    let header = SubgroupHeader {
        track_alias: 3,
        group: 1,
        first_object: true,
        ..SubgroupHeader::default()
    };
    let stream = publisher
        .with(move |s, t, _| s.open_subgroup(t, &header, 0))
        .expect("a stream");
    let payload = Bytes::from(vec![b'x'; 60_000]);
    for object in 0..100 {
        let next = SubgroupObject {
            object,
            payload: payload.clone(),
            ..SubgroupObject::default()
        };
        publisher
            .with(move |s, t, _| s.write_object(t, stream, &next))
            .expect("room");
        assert_eq!(fast.object(), (object, payload.clone()));
    }
    let stats = relay.stats().expect("statistics");
    assert_eq!(stats.requests.too_far_behind, 1, "{stats:?}");
    assert_eq!(stats.subscriptions_open, 1);
    assert!(stats.drops.ended > 0);
}

#[test]
fn random_bytes_on_real_connections_harm_only_the_sender() {
    let relay = relay(|_| {});
    let clients = Runtime::start("clients").expect("a thread");
    let world = track("match", "world");
    let mut publisher = Node::connect(&clients, quic(&relay)).ready();
    publisher.announce(world.namespace());
    let mut reader = Node::connect(&clients, webtransport(&relay)).ready();
    let id = reader.subscribe(&world, largest());
    publisher.accept(3, None, Properties::empty());
    assert!(matches!(reader.response(id), Response::SubscribeOk(_)));
    let mut seed = 99_u64;
    let mut noise = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 40) as u8
    };
    for round in 0..20_u64 {
        let way = if round % 2 == 0 {
            quic(&relay)
        } else {
            webtransport(&relay)
        };
        let offender = Node::connect(&clients, way).ready();
        let uni: Vec<u8> = std::iter::once(0x3F)
            .chain((0..100).map(|_| noise()))
            .collect();
        let bi: Vec<u8> = (0..100).map(|_| noise()).collect();
        let datagram: Vec<u8> = (0..100).map(|_| noise()).collect();
        offender.with(move |_, t, _| {
            use moqt::transport::Dir;
            for (dir, bytes) in [(Dir::Bi, bi), (Dir::Uni, uni)] {
                if let Some(stream) = t.open(dir) {
                    let _ = t.write(stream, &mut Bytes::from(bytes));
                }
            }
            let _ = t.send_datagram(Bytes::from(datagram));
        });
        let mut offender = offender;
        let SessionClose::Transport(CloseReason::Peer { code, .. }) = offender.closed() else {
            panic!("not closed by the relay")
        };
        assert_ne!(code, session_codes::NO_ERROR);
        publisher.send_group(3, round + 1, vec!["still here".into()]);
        assert_eq!(reader.object(), (0, Bytes::from("still here")));
    }
    let stats = relay.stats().expect("statistics");
    assert_eq!((stats.sessions.open, stats.sessions.violations), (2, 20));
}

#[test]
fn what_cannot_be_started_says_what_to_do() {
    use moqt_relay::{CertificateSource, HttpListen, Relay, RelayConfig, RelayError};
    let first = relay(|_| {});
    let taken = first.local_address().expect("an address");
    let config = |change: fn(&mut RelayConfig)| {
        let mut config = RelayConfig {
            listen: vec![([127, 0, 0, 1], 0).into()],
            ..RelayConfig::default()
        };
        change(&mut config);
        config
    };
    let mut second = config(|_| {});
    second.listen = vec![taken];
    let error = Relay::start(second).expect_err("the port is taken");
    assert!(
        matches!(error, RelayError::Listen { in_use: true, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("choose another port"), "{error}");
    let error = Relay::start(config(|c| {
        c.certificate = CertificateSource::Files {
            certificate: "/nonexistent.pem".into(),
            key: "/nonexistent.key".into(),
        };
    }))
    .expect_err("no such file")
    .to_string();
    assert!(
        error.contains("/nonexistent.pem") && error.contains("development"),
        "{error}"
    );
    let error = Relay::start(config(|c| c.limits.sessions = 0)).expect_err("no sessions at all");
    assert!(error.to_string().contains("sessions"), "{error}");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut third = config(|_| {});
    third.http = HttpListen::At(holder.local_addr().expect("an address"));
    let error = Relay::start(third)
        .expect_err("the TCP port is taken")
        .to_string();
    assert!(error.contains("TCP") && error.contains("in use"), "{error}");
    // Memory only.
    let quiet = Relay::start(config(|c| c.listen.clear())).expect("no sockets");
    assert!(quiet.url().is_none());
    let node = Node::connect(quiet.runtime(), memory(&quiet)).ready();
    assert_eq!(quiet.stats().expect("statistics").sessions.open, 1);
    drop((node, quiet));
}

/// More than a subscription's queue holds, in one object: it passes all the same, and so does what
/// comes before and after it.
#[test]
fn a_burst_with_an_object_of_5_mib_passes_a_relay_with_its_defaults() {
    let relay = relay(|_| {});
    let clients = Runtime::start("clients").expect("a thread");
    let world = track("match", "world");
    let mut publisher = Node::connect(&clients, quic(&relay)).ready();
    publisher.announce(world.namespace());
    let mut readers = [
        Node::connect(&clients, quic(&relay)).ready(),
        Node::connect(&clients, webtransport(&relay)).ready(),
    ];
    let ids: Vec<_> = readers
        .iter_mut()
        .map(|reader| reader.subscribe(&world, largest()))
        .collect();
    publisher.accept(3, None, Properties::builder().varint(0x3800, 1).build());
    for (reader, id) in readers.iter_mut().zip(ids) {
        assert!(matches!(reader.response(id), Response::SubscribeOk(_)));
    }
    let sizes = [1, 300_000, 1, 1 << 20, 2, 5 << 20, 3];
    for (group, size) in sizes.into_iter().enumerate() {
        let payload = Bytes::from(vec![b'0' + group as u8; size]);
        publisher.send_group(3, group as u64, vec![payload]);
    }
    for reader in &mut readers {
        let mut got: Vec<_> = sizes
            .iter()
            .map(|_| {
                let (_, payload) = reader.object();
                (payload[0], payload.len())
            })
            .collect();
        got.sort_unstable();
        let sent = (b'0'..).zip(sizes).collect::<Vec<_>>();
        assert_eq!(got, sent);
    }
    let stats = relay.stats().expect("statistics");
    assert_eq!(stats.requests.too_far_behind, 0);
}

/// A subgroup goes on behind objects that another reader's FETCH has brought: who is subscribed gets
/// those as well.
#[test]
fn what_a_fetch_has_brought_is_handed_on_when_the_subgroup_goes_on_behind_it() {
    let relay = relay(|_| {});
    let clients = Runtime::start("clients").expect("a thread");
    let world = track("match", "world");
    let mut publisher = Node::connect(&clients, quic(&relay)).ready();
    publisher.announce(world.namespace());
    let mut reader = Node::connect(&clients, quic(&relay)).ready();
    let mut fetcher = Node::connect(&clients, webtransport(&relay)).ready();
    let id = reader.subscribe(&world, largest());
    publisher.accept(3, None, Properties::builder().varint(0x3800, 1).build());
    assert!(matches!(reader.response(id), Response::SubscribeOk(_)));
    let header = SubgroupHeader {
        track_alias: 3,
        group: 1,
        first_object: true,
        ..SubgroupHeader::default()
    };
    let object = |object: u64, payload: &'static str| SubgroupObject {
        object,
        payload: payload.into(),
        ..SubgroupObject::default()
    };
    // The subgroup stays open, and there is something behind it.
    publisher.with(move |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        s.write_object(t, stream, &object(0, "a")).expect("room");
    });
    assert_eq!(reader.object(), (0, "a".into()));
    publisher.send_group(3, 2, vec!["e".into()]);
    assert_eq!(reader.object(), (0, "e".into()));
    // A FETCH of what the relay lacks goes upstream.
    let range = FetchRange::Standalone {
        track: world.clone(),
        start: Location::new(1, 0),
        end: Location::new(1, 3),
    };
    let fetch = fetcher.request(Request::Fetch(Fetch {
        range,
        params: Parameters::default(),
    }));
    let (asked, range) = publisher.wait("FETCH", |event| match event {
        SessionEvent::Request {
            id,
            request: Request::Fetch(fetch),
            ..
        } => Some((*id, fetch.range.clone())),
        _ => None,
    });
    let FetchRange::Standalone { start, end, .. } = range else {
        panic!("a range of its own: {range:?}")
    };
    assert_eq!((start, end), (Location::new(1, 1), Location::new(1, 3)));
    publisher.with(move |s, t, _| {
        let ok = FetchOk {
            end,
            ..FetchOk::default()
        };
        s.respond(t, asked, Response::FetchOk(ok))
            .expect("an answer");
        let stream = s.open_fetch(t, asked, 0).expect("a stream");
        for (object, payload) in [(1, "b"), (2, "c")] {
            let item = FetchItem::Object(FetchObject {
                group: 1,
                subgroup: Some(0),
                object,
                priority: 128,
                properties: Properties::empty(),
                payload: payload.into(),
            });
            s.write_fetch_item(t, stream, &item).expect("room");
        }
        s.finish_stream(t, stream);
    });
    assert!(matches!(fetcher.response(fetch), Response::FetchOk(_)));
    for expected in ["a", "b", "c"] {
        let payload = fetcher.wait("item", |event| match event {
            SessionEvent::FetchItem {
                item: FetchItem::Object(object),
                ..
            } => Some(object.payload.clone()),
            _ => None,
        });
        assert_eq!(text(&payload), expected);
    }
    // Nobody has sent those live; the subgroup goes on behind them on another stream.
    let header = SubgroupHeader {
        first_object: false,
        ..header
    };
    publisher.with(move |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        s.write_object(t, stream, &object(3, "d")).expect("room");
    });
    for expected in [(1, "b"), (2, "c"), (3, "d")] {
        let (id, payload) = reader.object();
        assert_eq!((id, text(&payload)), expected);
    }
    let stats = relay.stats().expect("statistics");
    assert_eq!(stats.requests.fetch_upstream, 1);
}
