//! A session against a peer that breaks the rules, comes early, late, or in too great number.

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

fn setup_bytes() -> Vec<u8> {
    message(&Message::Setup(Setup::default()))
}

fn subgroup_bytes(alias: u64, objects: &[SubgroupObject]) -> Vec<u8> {
    let header = SubgroupHeader {
        track_alias: alias,
        group: 1,
        ..Default::default()
    };
    let mut out = BytesMut::new();
    profile().encode_subgroup_header(&header, &mut out);
    let mut state = SubgroupState::new(&header);
    for object in objects {
        profile()
            .encode_subgroup_object(&mut state, object, &mut out)
            .unwrap();
        out.extend_from_slice(&object.payload);
    }
    out.to_vec()
}

fn datagram_bytes(alias: u64) -> Bytes {
    let mut out = BytesMut::new();
    let datagram = ObjectDatagram {
        track_alias: alias,
        payload: Bytes::from_static(b"x"),
        ..Default::default()
    };
    profile().encode_datagram(&datagram, &mut out).unwrap();
    out.freeze()
}

fn publish(name: &str, alias: u64) -> Request {
    Request::Publish(Publish {
        track: track(name),
        track_alias: alias,
        params: Parameters::default(),
        properties: Properties::empty(),
    })
}

fn in_namespace(fields: &[&'static str]) -> Request {
    let track = FullTrackName::new(namespace(fields), "t").unwrap();
    Request::Subscribe(Subscribe {
        track,
        params: Parameters::default(),
    })
}

fn with_tokens(tokens: Vec<AuthToken>) -> Request {
    let params = Parameters {
        tokens,
        ..Default::default()
    };
    Request::Subscribe(Subscribe {
        track: track("a"),
        params,
    })
}

/// What the server closes with after these bytes on a stream of the client.
fn closes_on(dir: Dir, bytes: &[u8], fin: bool) -> Option<u64> {
    let mut raw = Raw::ready(SessionConfig::server());
    match dir {
        Dir::Bi => raw.bi(bytes, fin),
        Dir::Uni => raw.uni(bytes, fin),
    };
    raw.turn();
    raw.peer.close_code()
}

/// The REQUEST_ERROR code with which the server answers.
fn refusal(raw: &mut Raw, bytes: &[u8]) -> Option<u64> {
    let stream = raw.bi(bytes, false);
    raw.turn();
    raw.messages_on(stream)
        .into_iter()
        .find_map(|message| match message {
            Message::Response {
                response: Response::RequestError(error),
                ..
            } => Some(error.code),
            _ => None,
        })
}

#[test]
fn control_streams_follow_their_rules() {
    let after_setup = |bytes: &[u8], fin: bool| {
        let mut raw = Raw::new(SessionConfig::server());
        let stream = raw.uni(&setup_bytes(), false);
        raw.write(stream, bytes, fin);
        raw.turn();
        raw.peer.close_code()
    };
    let violation = Some(session_codes::PROTOCOL_VIOLATION);
    let goaway = |uri: &'static str, request_id| {
        message(&Message::Goaway(Goaway {
            uri: uri.into(),
            timeout: 0,
            request_id,
        }))
    };
    assert_eq!(after_setup(&[], false), None);
    assert_eq!(after_setup(&[], true), violation, "FIN");
    assert_eq!(
        after_setup(&setup_bytes(), false),
        violation,
        "second SETUP"
    );
    assert_eq!(
        after_setup(&request_bytes(0, subscribe("a")), false),
        violation
    );
    assert_eq!(after_setup(&[0x3f, 0, 0], false), violation, "unknown type");
    assert_eq!(after_setup(&goaway("", Some(1)), false), None);
    assert_eq!(
        after_setup(&goaway("", None), false),
        violation,
        "GOAWAY without id"
    );
    assert_eq!(
        after_setup(&goaway("moqt://x", Some(1)), false),
        violation,
        "URI to a server"
    );
    let twice = [goaway("", Some(1)), goaway("", Some(1))].concat();
    assert_eq!(after_setup(&twice, false), violation, "GOAWAY twice");
    let wrong = after_setup(&goaway("", Some(2)), false);
    assert_eq!(
        wrong,
        Some(session_codes::INVALID_REQUEST_ID),
        "GOAWAY with the sender's parity"
    );
    assert_eq!(
        closes_on(Dir::Uni, &setup_bytes(), false),
        violation,
        "second control stream"
    );

    let mut raw = Raw::new(SessionConfig::server());
    let stream = raw.uni(&setup_bytes(), false);
    raw.turn();
    raw.wire.reset(stream, 0);
    raw.turn();
    assert_eq!(raw.peer.close_code(), violation, "reset");
}

#[test]
fn path_and_authority_are_for_raw_quic_clients_only() {
    let code =
        |config: SessionConfig, path: Option<&'static str>, authority: Option<&'static str>| {
            let mut raw = Raw::new(config);
            let setup = Setup {
                path: path.map(Bytes::from),
                authority: authority.map(Bytes::from),
                ..Default::default()
            };
            raw.uni(&message(&Message::Setup(setup)), false);
            raw.turn();
            raw.peer.close_code()
        };
    let web = || SessionConfig {
        link: Link::WebTransport,
        ..SessionConfig::server()
    };
    assert_eq!(
        code(SessionConfig::server(), Some("/a?b"), Some("[::1]:443")),
        None
    );
    assert_eq!(
        code(SessionConfig::server(), Some(""), Some("u@host")),
        None
    );
    assert_eq!(
        code(web(), Some("/a"), None),
        Some(session_codes::INVALID_PATH)
    );
    assert_eq!(
        code(web(), None, Some("a")),
        Some(session_codes::INVALID_AUTHORITY)
    );
    assert_eq!(
        code(SessionConfig::client(), Some("/a"), None),
        Some(session_codes::INVALID_PATH)
    );
    let invalid_authority = Some(session_codes::INVALID_AUTHORITY);
    assert_eq!(
        code(SessionConfig::client(), None, Some("a")),
        invalid_authority
    );
    for path in ["a", "/ ", "/%zz", "/a#b", "/\u{e9}"] {
        let found = code(SessionConfig::server(), Some(path), None);
        assert_eq!(found, Some(session_codes::MALFORMED_PATH), "{path}");
    }
    for authority in ["", ":80", "a/b", "a b", "user@"] {
        let found = code(SessionConfig::server(), None, Some(authority));
        assert_eq!(
            found,
            Some(session_codes::MALFORMED_AUTHORITY),
            "{authority}"
        );
    }
}

#[test]
fn request_ids_have_the_right_parity_and_are_used_once() {
    let mut raw = Raw::ready(SessionConfig::server());
    raw.bi(&request_bytes(4, subscribe("a")), false);
    raw.bi(&request_bytes(0, subscribe("b")), false);
    raw.turn();
    assert_eq!(raw.peer.close_code(), None, "out of order is fine");
    raw.bi(&request_bytes(4, subscribe("c")), false);
    raw.turn();
    assert_eq!(
        raw.peer.close_code(),
        Some(session_codes::INVALID_REQUEST_ID)
    );
    let odd = closes_on(Dir::Bi, &request_bytes(1, subscribe("a")), false);
    assert_eq!(odd, Some(session_codes::INVALID_REQUEST_ID));
    let update = Message::Update {
        id: 0,
        existing: None,
        params: Parameters::default(),
    };
    let bytes = [request_bytes(0, subscribe("a")), message(&update)].concat();
    let reused = closes_on(Dir::Bi, &bytes, false);
    assert_eq!(reused, Some(session_codes::INVALID_REQUEST_ID));
}

#[test]
fn request_streams_begin_with_a_request_and_go_on_with_what_belongs_there() {
    let violation = Some(session_codes::PROTOCOL_VIOLATION);
    let request = || request_bytes(0, subscribe("a"));
    let update = |id| {
        message(&Message::Update {
            id,
            existing: None,
            params: Parameters::default(),
        })
    };
    assert_eq!(
        closes_on(Dir::Bi, &response_bytes(subscribe_ok(1)), false),
        violation
    );
    assert_eq!(closes_on(Dir::Bi, &update(0), false), violation);
    assert_eq!(closes_on(Dir::Bi, &setup_bytes(), false), violation);
    assert_eq!(closes_on(Dir::Bi, &[0x3f, 0, 0], false), violation);
    assert_eq!(closes_on(Dir::Bi, &[], true), violation, "nothing at all");
    assert_eq!(
        closes_on(Dir::Bi, &request()[..6], true),
        violation,
        "half a request"
    );
    assert_eq!(
        closes_on(Dir::Bi, &request(), true),
        None,
        "a subscriber may finish"
    );
    let second = [request(), request_bytes(2, subscribe("b"))].concat();
    assert_eq!(
        closes_on(Dir::Bi, &second, false),
        violation,
        "two requests on a stream"
    );
    let answer = [request(), response_bytes(subscribe_ok(1))].concat();
    assert_eq!(
        closes_on(Dir::Bi, &answer, false),
        violation,
        "an answer from the asker"
    );
    let cut = [request(), update(2)[..3].to_vec()].concat();
    assert_eq!(closes_on(Dir::Bi, &cut, true), violation, "half an update");
    let forward = Parameters {
        forward: Some(true),
        ..Default::default()
    };
    let params = Message::Update {
        id: 2,
        existing: None,
        params: forward,
    };
    let namespace = Request::PublishNamespace(NamespaceRequest {
        namespace: namespace(&["a"]),
        params: Parameters::default(),
    });
    let bytes = [request_bytes(0, namespace), message(&params)].concat();
    assert_eq!(
        closes_on(Dir::Bi, &bytes, false),
        violation,
        "a parameter of other requests"
    );
}

#[test]
fn answers_that_do_not_fit_close_the_session() {
    let violation = Some(session_codes::PROTOCOL_VIOLATION);
    let code = |request: Request, answers: &[Response]| {
        let mut raw = Raw::ready(SessionConfig::client());
        raw.received();
        raw.peer
            .session
            .request(raw.now, &mut raw.peer.link, request)
            .unwrap();
        let stream = raw.received().into_iter().find_map(|event| match event {
            TransportEvent::Data {
                id, dir: Dir::Bi, ..
            } => Some(id),
            _ => None,
        });
        for answer in answers {
            raw.write(stream.unwrap(), &response_bytes(answer.clone()), false);
        }
        raw.turn();
        raw.peer.close_code()
    };
    let ok = || Response::RequestOk(RequestOk::default());
    let discovery = || {
        let namespace = namespace(&["game"]);
        Request::SubscribeNamespace(NamespaceRequest {
            namespace,
            params: Parameters::default(),
        })
    };
    let suffix = || namespace(&["1"]);
    assert_eq!(code(subscribe("a"), &[ok()]), violation);
    assert_eq!(
        code(
            subscribe("a"),
            &[Response::PublishDone(PublishDone::default())]
        ),
        violation
    );
    assert_eq!(
        code(subscribe("a"), &[subscribe_ok(1), subscribe_ok(1)]),
        violation,
        "two answers"
    );
    assert_eq!(
        code(subscribe("a"), &[subscribe_ok(1), ok()]),
        violation,
        "no update was sent"
    );
    assert_eq!(
        code(discovery(), &[Response::Namespace(suffix())]),
        violation,
        "before the answer"
    );
    assert_eq!(
        code(discovery(), &[ok(), Response::NamespaceDone(suffix())]),
        violation
    );
    let blocked = Response::PublishBlocked { suffix: track("a") };
    assert_eq!(code(discovery(), &[ok(), blocked]), violation);
    let properties = Properties::builder().varint(2, 1).build();
    let rich = Response::RequestOk(RequestOk {
        properties,
        ..Default::default()
    });
    assert_eq!(code(discovery(), &[rich.clone()]), violation, "properties");
    let status = Request::TrackStatus(Subscribe {
        track: track("a"),
        params: Parameters::default(),
    });
    assert_eq!(code(status, &[rich]), None);
    let fetch = Request::Fetch(Fetch {
        range: FetchRange::Standalone {
            track: track("a"),
            start: Location::new(5, 0),
            end: Location::new(6, 0),
        },
        params: Parameters::default(),
    });
    let before = Response::FetchOk(FetchOk {
        end: Location::new(4, 0),
        ..Default::default()
    });
    assert_eq!(
        code(fetch, &[before]),
        violation,
        "FETCH_OK before the start"
    );
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
fn the_session_itself_refuses_what_is_not_for_the_application() {
    let mut raw = Raw::ready(SessionConfig::server());
    for (id, fields) in [(0, &[".session"][..]), (2, &[".session", "x"]), (4, &["."])] {
        let code = refusal(&mut raw, &request_bytes(id, in_namespace(fields)));
        assert_eq!(code, Some(request_codes::DOES_NOT_EXIST), "{fields:?}");
    }
    assert_eq!(raw.peer.take(), []);
    raw.bi(&request_bytes(6, in_namespace(&[".other"])), false);
    raw.turn();
    assert!(
        raw.peer.request_event().is_some(),
        "other reserved names are passed on"
    );
    let twice = AuthToken::UseValue {
        token_type: 1,
        value: Bytes::from_static(b"x"),
    };
    let code = refusal(
        &mut raw,
        &request_bytes(8, with_tokens(vec![twice.clone(), twice])),
    );
    assert_eq!(code, Some(request_codes::MALFORMED_AUTH_TOKEN));
    assert_eq!(raw.peer.session.stats().requests_refused, 4);
    let own = raw
        .peer
        .session
        .request(raw.now, &mut raw.peer.link, in_namespace(&[".session"]));
    assert!(matches!(own, Err(SessionError::InvalidArgument(_))));
}

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
fn tokens_that_break_the_rules_close_the_session() {
    let register = |alias, size| AuthToken::Register {
        alias,
        token_type: 0,
        value: Bytes::from(vec![alias as u8; size]),
    };
    let code = |tokens| closes_on(Dir::Bi, &request_bytes(0, with_tokens(tokens)), false);
    assert_eq!(code(vec![register(1, 10), register(2, 10)]), None);
    let duplicate = Some(session_codes::DUPLICATE_AUTH_TOKEN_ALIAS);
    assert_eq!(code(vec![register(1, 10), register(1, 11)]), duplicate);
    let overflow = Some(session_codes::AUTH_TOKEN_CACHE_OVERFLOW);
    assert_eq!(code(vec![register(1, 16 * 1024 - 15)]), overflow);
    assert_eq!(code(vec![register(1, 16 * 1024 - 16)]), None);
    let unknown = Some(session_codes::UNKNOWN_AUTH_TOKEN_ALIAS);
    assert_eq!(code(vec![AuthToken::UseAlias { alias: 1 }]), unknown);
    assert_eq!(code(vec![AuthToken::Delete { alias: 1 }]), unknown);

    let setup = |token| {
        let mut raw = Raw::new(SessionConfig::server());
        let setup = Setup {
            tokens: vec![token],
            ..Default::default()
        };
        raw.uni(&message(&Message::Setup(setup)), false);
        raw.turn();
        (
            raw.peer.close_code(),
            raw.peer.session.peer().map(|peer| peer.tokens.len()),
        )
    };
    let violation = Some(session_codes::PROTOCOL_VIOLATION);
    assert_eq!(setup(AuthToken::UseAlias { alias: 1 }), (violation, None));
    assert_eq!(
        setup(register(1, 30_000)),
        (None, Some(1)),
        "used once instead"
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

#[test]
fn the_end_of_the_connection_is_told_once() {
    let mut world = World::ready();
    world.subscribed();
    world
        .client
        .session
        .close(&mut world.client.link, session_codes::NO_ERROR, "bye");
    world.settle();
    let reason = SessionClose::Local {
        code: 0,
        reason: "bye".into(),
    };
    assert_eq!(world.client.take(), [SessionEvent::Closed { reason }]);
    let peer = moqt::transport::CloseReason::Peer {
        code: 0,
        reason: "bye".into(),
    };
    let reason = SessionClose::Transport(peer);
    assert_eq!(world.server.take(), [SessionEvent::Closed { reason }]);
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    assert_eq!(
        session.request(world.now, link, subscribe("a")),
        Err(SessionError::Closed)
    );
    assert_eq!(session.poll_timeout(), None);
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
