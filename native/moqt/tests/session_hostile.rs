//! Control and request streams of a peer that breaks the rules.

mod common;

use bytes::Bytes;
use common::*;
use moqt::session::*;
use moqt::transport::{Dir, Transport, TransportEvent};
use moqt::wire::*;

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
    assert_eq!(
        code(discovery(), std::slice::from_ref(&rich)),
        violation,
        "properties"
    );
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
