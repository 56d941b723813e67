//! Requests that change, move, time out or find no stream; tokens and GOAWAY.

mod common;

use bytes::Bytes;
use common::*;
use moqt::memory::MemoryConfig;
use moqt::session::*;
use moqt::wire::*;
use std::time::Duration;

#[test]
fn an_update_is_answered_in_order_and_only_after_the_request() {
    let mut world = World::ready();
    let id = world.client_requests(subscribe("a"));
    let params = |forward| Parameters {
        forward: Some(forward),
        ..Default::default()
    };
    for forward in [false, true] {
        let (session, link) = (&mut world.client.session, &mut world.client.link);
        session
            .update(world.now, link, id, params(forward))
            .unwrap();
    }
    world.settle();
    world
        .server
        .events
        .retain(|event| !matches!(event, SessionEvent::Request { .. }));
    assert_eq!(world.server.take(), []);
    let early =
        world
            .server
            .session
            .respond_update(&mut world.server.link, id, Ok(RequestOk::default()));
    assert!(early.is_err());
    world.server_responds(id, subscribe_ok(7));
    let update = |forward| SessionEvent::Update {
        id,
        params: params(forward),
        tokens: vec![],
    };
    assert_eq!(world.server.take(), [update(false), update(true)]);
    world.client.take();
    let ok = RequestOk {
        params: Parameters {
            largest_object: Some(Location::new(1, 2)),
            ..Default::default()
        },
        ..Default::default()
    };
    for _ in 0..2 {
        let (session, link) = (&mut world.server.session, &mut world.server.link);
        session.respond_update(link, id, Ok(ok.clone())).unwrap();
    }
    world.settle();
    let answer = SessionEvent::UpdateResponse { id, result: Ok(ok) };
    assert_eq!(world.client.take(), [answer.clone(), answer]);
}

#[test]
fn a_refused_update_ends_the_subscription() {
    let mut world = World::ready();
    let id = world.subscribed();
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    session
        .update(world.now, link, id, Parameters::default())
        .unwrap();
    world.settle();
    let error = RequestError::new(request_codes::UNAUTHORIZED, "no");
    world
        .server
        .session
        .respond_update(&mut world.server.link, id, Err(error.clone()))
        .unwrap();
    world.settle();
    let events = world.client.take();
    assert_eq!(
        events[0],
        SessionEvent::UpdateResponse {
            id,
            result: Err(error)
        }
    );
    let SessionEvent::Response {
        response: Response::PublishDone(done),
        ..
    } = &events[1]
    else {
        panic!("{events:?}")
    };
    assert_eq!(done.status, done_codes::UPDATE_FAILED);
    assert_eq!(
        events[2],
        SessionEvent::RequestClosed {
            id,
            end: RequestEnd::Done
        }
    );
    assert_over(&mut world, id);
}

#[test]
fn parameters_of_an_update_must_fit_its_request() {
    let mut world = World::ready();
    let id = world.client_requests(on_namespace(Request::PublishNamespace));
    let params = Parameters {
        forward: Some(true),
        ..Default::default()
    };
    let result = world
        .client
        .session
        .update(world.now, &mut world.client.link, id, params);
    assert!(
        matches!(result, Err(SessionError::InvalidArgument(_))),
        "{result:?}"
    );
}

#[test]
fn tokens_are_registered_used_and_deleted() {
    let mut world = World::ready();
    let secret = Token {
        token_type: 5,
        value: Bytes::from_static(b"secret"),
    };
    let with = |token| {
        Request::Subscribe(Subscribe {
            track: track("a"),
            params: Parameters {
                tokens: vec![token],
                ..Default::default()
            },
        })
    };
    let register = AuthToken::Register {
        alias: 1,
        token_type: 5,
        value: Bytes::from_static(b"secret"),
    };
    let seen = |world: &mut World| {
        let events = world.server.take();
        events.into_iter().find_map(|event| match event {
            SessionEvent::Request { tokens, .. } => Some(tokens),
            _ => None,
        })
    };
    world.client_requests(with(register.clone()));
    assert_eq!(seen(&mut world), Some(vec![secret.clone()]));
    world.client_requests(with(AuthToken::UseAlias { alias: 1 }));
    assert_eq!(seen(&mut world), Some(vec![secret]));
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    assert!(
        session
            .request(world.now, link, with(register.clone()))
            .is_err(),
        "alias in use"
    );
    let large = AuthToken::Register {
        alias: 2,
        token_type: 0,
        value: vec![0; 17_000].into(),
    };
    let result = session.request(world.now, link, with(large));
    assert!(
        matches!(result, Err(SessionError::LimitExceeded(_))),
        "{result:?}"
    );
    world.client_requests(with(AuthToken::Delete { alias: 1 }));
    assert_eq!(seen(&mut world), Some(vec![]));
    world.client_requests(with(register));
    assert!(seen(&mut world).is_some());
    assert!(world.server.session.is_ready());
}

#[test]
fn goaway_refuses_later_requests_and_names_the_first_of_them() {
    let mut world = World::ready();
    let old = world.subscribed();
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    session
        .goaway(world.now, link, "moqt://other.example", 5_000)
        .unwrap();
    assert!(session.goaway(world.now, link, "", 0).is_err());
    // Sent before the GOAWAY is read.
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    let late = session.request(world.now, link, subscribe("b")).unwrap();
    world.settle();
    let events = world.client.take();
    let goaway = SessionEvent::Goaway {
        uri: Bytes::from_static(b"moqt://other.example"),
        timeout: 5_000,
        request_id: late.0,
    };
    assert!(events.contains(&goaway), "{events:?}");
    let refused = events.iter().any(|event| {
        matches!(event, SessionEvent::Response { id, response: Response::RequestError(e) }
            if *id == late && e.code == request_codes::GOING_AWAY)
    });
    assert!(refused, "{events:?}");
    assert_eq!(world.server.session.stats().requests_refused, 1);
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    assert_eq!(
        session.request(world.now, link, subscribe("c")),
        Err(SessionError::GoingAway)
    );
    assert!(session.is_live(old));
    world.advance(Duration::from_secs(6));
    assert_eq!(
        world.server.close_code(),
        Some(session_codes::GOAWAY_TIMEOUT)
    );
}

#[test]
fn goaway_moves_one_request() {
    let mut world = World::ready();
    let id = world.subscribed();
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    session.goaway_request(link, id, "moqt://b", 9).unwrap();
    assert!(session.goaway_request(link, id, "", 0).is_err());
    world.settle();
    let uri = Bytes::from_static(b"moqt://b");
    assert_eq!(
        world.client.take(),
        [SessionEvent::RequestGoaway {
            id,
            uri,
            timeout: 9
        }]
    );
    assert!(world.client.session.is_live(id));
}

#[test]
fn unanswered_requests_time_out() {
    let mut world = World::ready();
    let id = world.client_requests(subscribe("a"));
    world.advance(Duration::from_secs(29));
    assert!(world.client.session.is_live(id));
    world.advance(Duration::from_secs(2));
    let end = RequestEnd::TimedOut;
    assert_eq!(
        world.client.take(),
        [SessionEvent::RequestClosed { id, end }]
    );
    assert_eq!(world.client.session.stats().requests_timed_out, 1);
    assert_over(&mut world, id);
}

#[test]
fn request_streams_run_out_and_come_back() {
    let memory = MemoryConfig {
        bi_streams: 1,
        ..Default::default()
    };
    let mut world = World::with(SessionConfig::client(), SessionConfig::server(), memory);
    world.settle();
    let id = world.client_requests(subscribe("a"));
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    assert_eq!(
        session.request(world.now, link, subscribe("b")),
        Err(SessionError::NoStreams)
    );
    world.client.take();
    session_reject(&mut world, id);
    let available = SessionEvent::StreamsAvailable {
        dir: moqt::transport::Dir::Bi,
    };
    assert!(world.client.take().contains(&available));
    world.client_requests(subscribe("b"));
}

fn session_reject(world: &mut World, id: RequestId) {
    let error = RequestError::new(request_codes::TIMEOUT, "");
    world
        .server
        .session
        .reject(&mut world.server.link, id, error)
        .unwrap();
    world.settle();
}
