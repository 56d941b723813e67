//! What a peer can make a session hold in all, whatever it spreads it over.

mod common;

use bytes::Bytes;
use common::*;
use moqt::memory::MemoryConfig;
use moqt::session::*;
use moqt::transport::{StreamId, Transport, TransportEvent};
use moqt::wire::*;

fn server(limits: Limits) -> SessionConfig {
    SessionConfig {
        limits,
        ..SessionConfig::server()
    }
}

/// The streams that the session has stopped, with their codes.
fn stopped(raw: &mut Raw) -> Vec<(StreamId, u64)> {
    let events = raw.received().into_iter();
    events
        .filter_map(|event| match event {
            TransportEvent::Stopped { id, code } => Some((id, code)),
            _ => None,
        })
        .collect()
}

/// An object that says it is 10,000 bytes long, and the first `sent` of them.
fn partial_object(alias: u64, sent: usize) -> Vec<u8> {
    let whole = SubgroupObject {
        payload: Bytes::from(vec![b'x'; 10_000]),
        ..SubgroupObject::default()
    };
    let mut bytes = subgroup_bytes(alias, &[whole]);
    bytes.truncate(bytes.len() - 10_000 + sent);
    bytes
}

#[test]
fn unfinished_objects_are_bounded_in_all_and_whole_ones_still_pass() {
    let mut raw = Raw::ready(server(Limits {
        max_receive_buffer: 20_000,
        ..Limits::default()
    }));
    raw.bi(&request_bytes(0, publish("a", 5)), false);
    let streams: Vec<StreamId> = (0..5)
        .map(|_| raw.uni(&partial_object(5, 6_000), false))
        .collect();
    raw.turn();
    let code = stream_codes::EXCESSIVE_LOAD;
    assert_eq!(stopped(&mut raw), [(streams[3], code), (streams[4], code)]);
    assert_eq!(raw.peer.session.stats().partial_refused, 2);
    // One of those that were let in completes, and gives its room back.
    raw.peer.take();
    raw.write(streams[0], &[b'x'; 4_000], true);
    raw.uni(&subgroup_bytes(5, &[object(0, "whole")]), true);
    raw.uni(&partial_object(5, 6_000), false);
    raw.turn();
    let sizes: Vec<usize> = raw
        .peer
        .take()
        .iter()
        .filter_map(|event| match event {
            SessionEvent::Object { object, .. } => Some(object.payload.len()),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [10_000, 5]);
    assert_eq!(raw.peer.session.stats().partial_refused, 2);
    // A reset and the end of the request give it back too.
    raw.wire.reset(streams[1], 0);
    raw.uni(&partial_object(5, 6_000), false);
    raw.turn();
    assert_eq!(raw.peer.session.stats().partial_refused, 2);
    let end = raw.peer.session.is_ready();
    assert!(end, "the session goes on");
}

#[test]
fn unfinished_requests_are_bounded_in_all() {
    let mut raw = Raw::ready(server(Limits {
        max_receive_buffer: 10_000,
        ..Limits::default()
    }));
    let name = Bytes::from(vec![b'n'; 4_000]);
    let request = Request::Subscribe(Subscribe {
        track: FullTrackName::new(namespace(&["a"]), name).unwrap(),
        params: Parameters::default(),
    });
    for number in 0..5 {
        let mut bytes = request_bytes(2 * number, request.clone());
        bytes.pop();
        raw.bi(&bytes, false);
    }
    raw.turn();
    let codes: Vec<u64> = stopped(&mut raw).iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [stream_codes::EXCESSIVE_LOAD; 3]);
    assert_eq!(raw.peer.session.stats().partial_refused, 3);
    let code = refusal(&mut raw, &request_bytes(100, subscribe("short")));
    assert_eq!(code, None, "others are served");
    assert!(matches!(
        raw.peer.take().last(),
        Some(SessionEvent::Request { .. })
    ));
}

#[test]
fn streams_that_wait_for_setup_are_bounded_in_bytes() {
    let mut raw = Raw::new(server(Limits {
        max_receive_buffer: 10_000,
        ..Limits::default()
    }));
    for number in 0..5 {
        raw.uni(&partial_object(5, 4_000), false);
        let mut request = request_bytes(2 * number, publish("a", 5));
        request.resize(1_000, 0);
        raw.bi(&request, false);
    }
    raw.turn();
    assert!(raw.peer.session.stats().partial_refused >= 5);
    assert_eq!(raw.peer.close_code(), None);
}

#[test]
fn updates_that_wait_for_an_answer_are_bounded_in_bytes() {
    let mut raw = Raw::ready(server(Limits {
        max_receive_buffer: 50_000,
        ..Limits::default()
    }));
    let update = |id: u64| {
        let token = AuthToken::UseValue {
            token_type: 0,
            value: Bytes::from(vec![b't'; 20_000]),
        };
        message(&Message::Update {
            id,
            existing: None,
            params: Parameters {
                tokens: vec![token],
                ..Parameters::default()
            },
        })
    };
    for n in 0..4 {
        let stream = raw.bi(&request_bytes(4 * n, subscribe("a")), false);
        raw.write(stream, &update(4 * n + 2), false);
        raw.turn();
    }
    let ended: Vec<SessionEvent> = raw
        .peer
        .take()
        .into_iter()
        .filter(|event| matches!(event, SessionEvent::RequestClosed { .. }))
        .collect();
    let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
    let closed = |id| SessionEvent::RequestClosed {
        id: RequestId(id),
        end,
    };
    assert_eq!(ended, [closed(8), closed(12)]);
    // An answer takes the update out of the queue.
    let ok = subscribe_ok(1);
    let peer = &mut raw.peer;
    peer.session
        .respond(&mut peer.link, RequestId(0), ok)
        .unwrap();
    let stream = raw.bi(&request_bytes(100, subscribe("a")), false);
    raw.write(stream, &update(102), false);
    raw.turn();
    assert!(raw.peer.session.is_live(RequestId(100)));
}

#[test]
fn live_requests_are_bounded_in_bytes() {
    let mut raw = Raw::ready(server(Limits {
        max_request_bytes: 10_000,
        ..Limits::default()
    }));
    let large = |name: &str, alias: u64| {
        Request::Publish(Publish {
            track: track(name),
            track_alias: alias,
            params: Parameters::default(),
            properties: Properties::builder().bytes(0x3801, vec![0; 4_500]).build(),
        })
    };
    raw.bi(&request_bytes(0, large("a", 1)), false);
    let second = raw.bi(&request_bytes(2, large("b", 2)), false);
    let code = refusal(&mut raw, &request_bytes(4, large("c", 3)));
    assert_eq!(code, Some(request_codes::EXCESSIVE_LOAD));
    assert_eq!(raw.peer.session.stats().requests_refused, 1);
    raw.wire.reset(second, 0);
    raw.turn();
    let code = refusal(&mut raw, &request_bytes(6, large("d", 4)));
    assert_eq!(code, None, "room again");
}

#[test]
fn answers_that_nobody_reads_are_bounded_in_all() {
    let memory = MemoryConfig {
        stream_window: 100,
        ..Default::default()
    };
    let limits = Limits {
        max_backlog_bytes: 10_000,
        ..Limits::default()
    };
    let mut world = World::with(SessionConfig::client(), server(limits), memory);
    world.settle();
    let ids: Vec<RequestId> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .map(|prefix| {
            let request = Request::SubscribeNamespace(NamespaceRequest {
                namespace: namespace(&[prefix]),
                params: Parameters::default(),
            });
            let id = world.client_requests(request);
            world.server_responds(id, Response::RequestOk(RequestOk::default()));
            id
        })
        .to_vec();
    world.server.take();
    // The client takes nothing any more: each stream stays far below its own bound.
    for round in 0..200 {
        for id in &ids {
            let server = &mut world.server;
            let name = Bytes::from(format!("a namespace with the number {round}"));
            let news = Response::Namespace(Namespace::new([name]).unwrap());
            let _ = server.session.respond(&mut server.link, *id, news);
        }
    }
    world.server.turn(world.now);
    let stats = *world.server.session.stats();
    assert!(stats.backlog_refused > 0, "{stats:?}");
    let live = ids.iter().filter(|id| world.server.session.is_live(**id));
    assert!(live.count() < ids.len());
    assert!(world.server.session.is_ready());
}
