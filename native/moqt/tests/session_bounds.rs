//! What comes too early or in too great number is held briefly, refused and counted.

mod common;

use common::*;
use moqt::memory::MemoryConfig;
use moqt::session::*;
use moqt::transport::{Dir, Transport, TransportEvent};
use moqt::wire::*;
use std::time::Duration;

#[test]
fn requests_beyond_the_bound_are_refused_and_counted() {
    let limits = Limits {
        max_requests: 2,
        ..Default::default()
    };
    let mut raw = Raw::ready(SessionConfig {
        limits,
        ..SessionConfig::server()
    });
    raw.bi(&request_bytes(0, subscribe("a")), false);
    let second = raw.bi(&request_bytes(2, subscribe("b")), false);
    let code = refusal(&mut raw, &request_bytes(4, subscribe("c")));
    assert_eq!(code, Some(request_codes::EXCESSIVE_LOAD));
    raw.wire.reset(second, 0);
    raw.turn();
    assert_eq!(
        refusal(&mut raw, &request_bytes(6, subscribe("d"))),
        None,
        "room again"
    );
}

#[test]
fn what_overtakes_setup_waits_for_it() {
    let mut raw = Raw::new(SessionConfig::server());
    raw.bi(&request_bytes(0, publish("a", 5)), false);
    raw.uni(&subgroup_bytes(5, &[object(0, "x")]), true);
    raw.wire.send_datagram(datagram_bytes(5)).unwrap();
    raw.turn();
    assert_eq!(raw.peer.take(), []);
    raw.uni(&setup_bytes(), false);
    raw.turn();
    let events = raw.peer.take();
    assert!(
        matches!(events[0], SessionEvent::Ready { .. }),
        "{events:?}"
    );
    assert!(
        matches!(events[1], SessionEvent::Request { .. }),
        "{events:?}"
    );
    assert!(
        matches!(events[2], SessionEvent::SubgroupOpened { .. }),
        "{events:?}"
    );
    assert!(
        matches!(events[3], SessionEvent::Object { .. }),
        "{events:?}"
    );
    assert!(
        matches!(events[4], SessionEvent::StreamEnded { .. }),
        "{events:?}"
    );
    assert!(
        matches!(events[5], SessionEvent::Datagram { .. }),
        "{events:?}"
    );
}

#[test]
fn what_overtakes_setup_is_bounded() {
    let limits = Limits {
        max_early_streams: 2,
        max_held_datagrams: 1,
        ..Default::default()
    };
    let mut raw = Raw::new(SessionConfig {
        limits,
        ..SessionConfig::server()
    });
    for id in 0..4 {
        raw.bi(&request_bytes(id * 2, subscribe("a")), false);
        raw.wire.send_datagram(datagram_bytes(5)).unwrap();
    }
    raw.turn();
    assert_eq!(raw.peer.session.stats().streams_refused, 2);
    assert_eq!(raw.peer.session.stats().datagrams_dropped, 3);
    raw.uni(&setup_bytes(), false);
    raw.turn();
    let requests = raw.peer.take().into_iter();
    assert_eq!(
        requests
            .filter(|e| matches!(e, SessionEvent::Request { .. }))
            .count(),
        2
    );
}

#[test]
fn an_answer_that_overtakes_setup_waits_for_it() {
    let mut raw = Raw::new(SessionConfig::client());
    raw.received();
    let id = raw
        .peer
        .session
        .request(raw.now, &mut raw.peer.link, subscribe("a"))
        .unwrap();
    let stream = raw.received().into_iter().find_map(|event| match event {
        TransportEvent::Data {
            id, dir: Dir::Bi, ..
        } => Some(id),
        _ => None,
    });
    raw.write(stream.unwrap(), &response_bytes(subscribe_ok(7)), false);
    raw.turn();
    assert_eq!(raw.peer.take(), []);
    raw.uni(&setup_bytes(), false);
    raw.turn();
    let answer = SessionEvent::Response {
        id,
        response: subscribe_ok(7),
    };
    assert_eq!(raw.peer.take().last(), Some(&answer));
}

#[test]
fn a_peer_without_setup_is_given_up() {
    let mut raw = Raw::new(SessionConfig::server());
    raw.advance(Duration::from_secs(9));
    assert_eq!(raw.peer.close_code(), None);
    raw.advance(Duration::from_secs(2));
    assert_eq!(
        raw.peer.close_code(),
        Some(session_codes::CONTROL_MESSAGE_TIMEOUT)
    );
}

#[test]
fn streams_and_datagrams_of_an_unknown_alias_wait_briefly() {
    let mut raw = Raw::ready(SessionConfig::server());
    let stream = raw.uni(&subgroup_bytes(5, &[object(0, "x"), object(1, "y")]), true);
    raw.wire.send_datagram(datagram_bytes(5)).unwrap();
    raw.turn();
    assert_eq!(raw.peer.take(), []);
    raw.bi(&request_bytes(0, publish("a", 5)), false);
    raw.turn();
    let events = raw.peer.take();
    let request = RequestId(0);
    let end = SessionEvent::StreamEnded {
        stream,
        request,
        end: StreamEnd::Fin,
    };
    assert!(events.contains(&end), "{events:?}");
    assert!(events
        .iter()
        .any(|event| matches!(event, SessionEvent::Datagram { .. })));

    raw.uni(&subgroup_bytes(6, &[]), false);
    raw.wire.send_datagram(datagram_bytes(6)).unwrap();
    raw.turn();
    raw.received();
    raw.advance(Duration::from_secs(2));
    let stats = *raw.peer.session.stats();
    assert_eq!((stats.streams_unknown, stats.datagrams_dropped), (1, 1));
    assert!(raw
        .received()
        .iter()
        .any(|event| matches!(event, TransportEvent::Stopped { .. })));
    assert_eq!(raw.peer.take(), []);
}

#[test]
fn held_streams_and_datagrams_are_bounded() {
    let limits = Limits {
        max_held_streams: 2,
        max_held_datagrams: 2,
        ..Default::default()
    };
    let mut raw = Raw::ready(SessionConfig {
        limits,
        ..SessionConfig::server()
    });
    for _ in 0..5 {
        raw.uni(&subgroup_bytes(5, &[object(0, "x")]), false);
        raw.wire.send_datagram(datagram_bytes(5)).unwrap();
    }
    raw.turn();
    let stats = *raw.peer.session.stats();
    assert_eq!((stats.streams_refused, stats.datagrams_dropped), (3, 3));
}

#[test]
fn too_many_streams_are_stopped() {
    let limits = Limits {
        max_streams: 3,
        ..Default::default()
    };
    let mut raw = Raw::ready(SessionConfig {
        limits,
        ..SessionConfig::server()
    });
    raw.bi(&request_bytes(0, publish("a", 5)), false);
    for _ in 0..5 {
        raw.uni(&subgroup_bytes(5, &[object(0, "x")]), false);
    }
    raw.turn();
    assert_eq!(raw.peer.session.stats().streams_refused, 2);
    let opened = raw.peer.take().into_iter();
    assert_eq!(
        opened
            .filter(|e| matches!(e, SessionEvent::SubgroupOpened { .. }))
            .count(),
        3
    );
}

#[test]
fn updates_that_pile_up_end_their_request() {
    let mut raw = Raw::ready(SessionConfig::server());
    let stream = raw.bi(&request_bytes(0, subscribe("a")), false);
    for n in 1..20 {
        let update = Message::Update {
            id: n * 2,
            existing: None,
            params: Parameters::default(),
        };
        raw.write(stream, &message(&update), false);
    }
    raw.turn();
    let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
    let closed = SessionEvent::RequestClosed {
        id: RequestId(0),
        end,
    };
    assert_eq!(raw.peer.take().last(), Some(&closed));
    assert!(raw.peer.session.is_ready());
}

#[test]
fn a_reader_that_stalls_does_not_grow_the_backlog() {
    let limits = Limits {
        max_control_backlog: 10_000,
        ..Default::default()
    };
    let memory = MemoryConfig {
        stream_window: 1_000,
        ..Default::default()
    };
    let server = SessionConfig {
        limits,
        ..SessionConfig::server()
    };
    let mut world = World::with(SessionConfig::client(), server, memory);
    world.settle();
    let id = world.client_requests(Request::SubscribeNamespace(NamespaceRequest {
        namespace: namespace(&[]),
        params: Parameters::default(),
    }));
    world.server_responds(id, Response::RequestOk(RequestOk::default()));
    world.server.take();
    let mut sent = 0;
    while world.server.session.is_live(id) {
        let response = Response::Namespace(namespace(&["some namespace"]));
        let _ = world
            .server
            .session
            .respond(&mut world.server.link, id, response);
        sent += 1;
        assert!(sent < 2_000);
    }
    world.server.turn(world.now);
    let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
    assert_eq!(
        world.server.take(),
        [SessionEvent::RequestClosed { id, end }]
    );
}
