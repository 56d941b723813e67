//! Data streams and datagrams: framing, aliases, blocked writes, and noise.

mod common;

use bytes::{Bytes, BytesMut};
use common::*;
use moqt::memory::MemoryConfig;
use moqt::session::*;
use moqt::transport::{Dir, Transport, TransportEvent};
use moqt::wire::*;
use proptest::prelude::*;
use std::time::Duration;

fn profile() -> &'static dyn Profile {
    Draft::Draft18.profile()
}

#[test]
fn an_alias_names_one_track_at_a_time() {
    let mut raw = Raw::ready(SessionConfig::server());
    raw.bi(&request_bytes(0, publish("a", 5)), false);
    raw.turn();
    raw.bi(&request_bytes(2, publish("a", 5)), false);
    raw.turn();
    assert_eq!(raw.peer.close_code(), None, "the same track");
    raw.bi(&request_bytes(4, publish("b", 5)), false);
    raw.turn();
    assert_eq!(
        raw.peer.close_code(),
        Some(session_codes::DUPLICATE_TRACK_ALIAS)
    );
}

#[test]
fn late_objects_of_a_cancelled_subscription_are_thrown_away() {
    let mut world = World::ready();
    let id = world.subscribed();
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let header = SubgroupHeader {
        track_alias: 7,
        ..Default::default()
    };
    let stream = session.open_subgroup(link, &header, 0).unwrap();
    session
        .write_object(link, stream, &object(0, "late"))
        .unwrap();
    let late = ObjectDatagram {
        track_alias: 7,
        ..Default::default()
    };
    session.send_datagram(link, &late).unwrap();
    world
        .client
        .session
        .cancel(&mut world.client.link, id, stream_codes::CANCELLED);
    world.settle();
    assert_eq!(world.client.take(), []);
    let stats = *world.client.session.stats();
    assert_eq!((stats.streams_unknown, stats.datagrams_dropped), (1, 1));
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    assert_eq!(
        session.write_object(link, stream, &object(1, "")),
        Err(SessionError::UnknownStream)
    );
    assert_eq!(
        session.send_datagram(link, &late),
        Err(SessionError::UnknownRequest)
    );
}

#[test]
fn cut_objects_are_never_delivered() {
    let mut raw = Raw::ready(SessionConfig::server());
    raw.bi(&request_bytes(0, publish("a", 5)), false);
    let bytes = subgroup_bytes(5, &[object(0, "first"), object(1, "second")]);
    let stream = raw.uni(&bytes[..bytes.len() - 2], false);
    raw.turn();
    raw.wire.reset(stream, stream_codes::DELIVERY_TIMEOUT);
    raw.turn();
    let objects = raw
        .peer
        .events
        .iter()
        .filter(|e| matches!(e, SessionEvent::Object { .. }));
    assert_eq!(objects.count(), 1);
    let end = StreamEnd::Reset {
        code: stream_codes::DELIVERY_TIMEOUT,
        truncated: true,
    };
    let ended = SessionEvent::StreamEnded {
        stream,
        request: RequestId(0),
        end,
    };
    assert_eq!(raw.peer.take().last(), Some(&ended));
    assert_eq!(raw.peer.session.stats().objects_truncated, 1);
    raw.uni(&bytes[..bytes.len() - 2], true);
    raw.turn();
    assert_eq!(
        raw.peer.close_code(),
        Some(session_codes::PROTOCOL_VIOLATION),
        "FIN in an object"
    );
}

#[test]
fn objects_arrive_whole_whatever_the_pieces() {
    let large = SubgroupObject {
        object: 9,
        payload: vec![7; 70_000].into(),
        ..Default::default()
    };
    let bytes = subgroup_bytes(5, &[object(0, "first"), object(1, ""), large.clone()]);
    for piece in [1, 3, 1_000, 69_999] {
        let mut raw = Raw::ready(SessionConfig::server());
        raw.bi(&request_bytes(0, publish("a", 5)), false);
        let stream = raw.uni(&bytes[..1], false);
        for part in bytes[1..].chunks(piece) {
            raw.write(stream, part, false);
            if piece > 1 {
                raw.turn();
            }
        }
        raw.wire.finish(stream);
        raw.turn();
        let objects: Vec<SubgroupObject> = raw
            .peer
            .take()
            .into_iter()
            .filter_map(|event| match event {
                SessionEvent::Object { object, .. } => Some(object),
                _ => None,
            })
            .collect();
        assert_eq!(
            objects,
            [object(0, "first"), object(1, ""), large.clone()],
            "{piece}"
        );
    }
}

#[test]
fn objects_above_the_limit_stop_their_stream_only() {
    let limits = Limits {
        max_object_size: 100,
        ..Default::default()
    };
    let mut raw = Raw::ready(SessionConfig {
        limits,
        ..SessionConfig::server()
    });
    raw.bi(&request_bytes(0, publish("a", 5)), false);
    let large = SubgroupObject {
        object: 1,
        payload: vec![7; 101].into(),
        ..Default::default()
    };
    let stream = raw.uni(&subgroup_bytes(5, &[object(0, "x"), large]), false);
    raw.turn();
    let ended = SessionEvent::StreamEnded {
        stream,
        request: RequestId(0),
        end: StreamEnd::TooLarge,
    };
    assert_eq!(raw.peer.take().last(), Some(&ended));
    assert_eq!(raw.peer.session.stats().objects_too_large, 1);
    assert!(raw.peer.session.is_ready());
}

#[test]
fn unknown_streams_and_datagrams_close_the_session_and_padding_does_not() {
    let violation = Some(session_codes::PROTOCOL_VIOLATION);
    assert_eq!(closes_on(Dir::Uni, &[0x06], false), violation);
    assert_eq!(closes_on(Dir::Uni, &[0x16, 0, 0], false), violation);
    assert_eq!(closes_on(Dir::Uni, &[], true), None);
    let mut raw = Raw::ready(SessionConfig::server());
    for datagram in [false, true] {
        let mut padding = BytesMut::new();
        profile().encode_padding(datagram, &mut padding);
        padding.extend_from_slice(&[0; 50]);
        if datagram {
            raw.wire.send_datagram(padding.freeze()).unwrap();
        } else {
            raw.uni(&padding, true);
        }
    }
    raw.turn();
    assert_eq!(raw.peer.take(), []);
    assert!(raw.peer.session.stats().padding_bytes >= 100);
    raw.wire.send_datagram(Bytes::from_static(&[0x3f])).unwrap();
    raw.turn();
    assert_eq!(raw.peer.close_code(), violation);
}

#[test]
fn fetch_streams_that_nobody_asked_for_are_stopped() {
    let mut raw = Raw::ready(SessionConfig::server());
    let mut header = BytesMut::new();
    profile().encode_fetch_header(1, &mut header);
    raw.uni(&header, false);
    raw.turn();
    assert_eq!(raw.peer.session.stats().streams_unknown, 1);
    assert!(raw
        .received()
        .iter()
        .any(|event| matches!(event, TransportEvent::Stopped { .. })));
}

#[test]
fn a_blocked_stream_keeps_one_object_and_takes_no_other() {
    let memory = MemoryConfig {
        stream_window: 1_000,
        ..Default::default()
    };
    let mut world = World::with(SessionConfig::client(), SessionConfig::server(), memory);
    world.settle();
    let id = world.subscribed();
    let header = SubgroupHeader {
        track_alias: 7,
        ..Default::default()
    };
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let stream = session.open_subgroup(link, &header, 0).unwrap();
    let large = SubgroupObject {
        payload: vec![1; 5_000].into(),
        ..Default::default()
    };
    assert_eq!(session.write_object(link, stream, &large), Ok(true));
    assert!(session.is_blocked(stream));
    assert_eq!(
        session.write_object(link, stream, &object(1, "")),
        Err(SessionError::Blocked)
    );
    world.settle();
    assert_eq!(world.server.take(), [SessionEvent::Writable { stream }]);
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    assert_eq!(
        session.write_object(link, stream, &object(1, "z")),
        Ok(false)
    );
    session.finish_stream(link, stream);
    world.settle();
    let events = world.client.take();
    assert!(events.contains(&SessionEvent::Object {
        stream,
        request: id,
        object: large
    }));
    assert!(events.contains(&SessionEvent::Object {
        stream,
        request: id,
        object: object(1, "z")
    }));
}

#[test]
fn data_streams_run_out_and_come_back() {
    let memory = MemoryConfig {
        uni_streams: 2,
        ..Default::default()
    };
    let mut world = World::with(SessionConfig::client(), SessionConfig::server(), memory);
    world.settle();
    world.subscribed();
    let header = SubgroupHeader {
        track_alias: 7,
        ..Default::default()
    };
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let stream = session.open_subgroup(link, &header, 0).unwrap();
    assert_eq!(
        session.open_subgroup(link, &header, 0),
        Err(SessionError::NoStreams)
    );
    session.finish_stream(link, stream);
    world.settle();
    assert!(world
        .server
        .take()
        .contains(&SessionEvent::StreamsAvailable { dir: Dir::Uni }));
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    assert!(session.open_subgroup(link, &header, 0).is_ok());
}

#[test]
fn a_stopped_stream_is_reset_and_told() {
    let mut world = World::ready();
    world.subscribed();
    let header = SubgroupHeader {
        track_alias: 7,
        ..Default::default()
    };
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let stream = session.open_subgroup(link, &header, 0).unwrap();
    session.write_object(link, stream, &object(0, "x")).unwrap();
    world.settle();
    world
        .client
        .session
        .stop_stream(&mut world.client.link, stream, stream_codes::CANCELLED);
    world.client.take();
    world.settle();
    let code = stream_codes::CANCELLED;
    assert_eq!(
        world.server.take(),
        [SessionEvent::Stopped { stream, code }]
    );
    assert_eq!(world.client.take(), []);
}

#[test]
fn datagrams_report_why_they_are_not_taken() {
    let send = |max_datagram, size: usize, before: usize| {
        let memory = MemoryConfig {
            max_datagram,
            datagram_queue: 2,
            ..Default::default()
        };
        let mut world = World::with(SessionConfig::client(), SessionConfig::server(), memory);
        world.settle();
        world.subscribed();
        let datagram = ObjectDatagram {
            track_alias: 7,
            payload: vec![0; size].into(),
            ..Default::default()
        };
        let (session, link) = (&mut world.server.session, &mut world.server.link);
        for _ in 0..before {
            session.send_datagram(link, &datagram).unwrap();
        }
        session.send_datagram(link, &datagram)
    };
    assert_eq!(send(Some(100), 50, 0), Ok(()));
    assert_eq!(
        send(Some(100), 100, 0),
        Err(SessionError::TooLarge { limit: 100 })
    );
    assert_eq!(send(Some(100), 50, 2), Err(SessionError::Blocked));
    assert_eq!(send(None, 50, 0), Err(SessionError::DatagramsUnsupported));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..Default::default() })]

    /// Whatever arrives: no panic, nothing is left over, and the session either lives or has
    /// closed with a code that the draft names.
    #[test]
    fn noise_on_every_kind_of_stream(
        streams in prop::collection::vec((0u8..5, prop::collection::vec(any::<u8>(), 0..60), any::<bool>()), 1..12),
        early: bool,
    ) {
        let mut raw = if early {
            Raw::new(SessionConfig::server())
        } else {
            Raw::ready(SessionConfig::server())
        };
        for (n, (kind, noise, fin)) in streams.into_iter().enumerate() {
            if raw.peer.session.is_closed() {
                break;
            }
            match kind {
                0 => { raw.uni(&noise, fin); }
                1 => { raw.bi(&noise, fin); }
                2 => {
                    let request = request_bytes(n as u64 * 2, publish("a", 5));
                    raw.bi(&[request, noise].concat(), fin);
                }
                3 => { raw.uni(&[subgroup_bytes(5, &[object(0, "x")]), noise].concat(), fin); }
                _ => raw.wire.send_datagram(noise.into()).unwrap(),
            }
            raw.turn();
        }
        raw.advance(Duration::from_secs(20));
        if let Some(code) = raw.peer.close_code() {
            prop_assert_ne!(session_codes::name(code), "UNKNOWN");
        }
    }
}
