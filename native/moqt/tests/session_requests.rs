//! Every kind of request: accepted, refused, changed, cancelled from either side.

mod common;

use bytes::Bytes;
use common::*;
use moqt::memory::MemoryConfig;
use moqt::session::*;
use moqt::wire::*;
use std::time::Duration;

fn on_namespace(make: fn(NamespaceRequest) -> Request) -> Request {
    make(NamespaceRequest {
        namespace: namespace(&["game"]),
        params: Parameters::default(),
    })
}

fn publish(alias: u64) -> Request {
    Request::Publish(Publish {
        track: track("p"),
        track_alias: alias,
        params: Parameters::default(),
        properties: Properties::empty(),
    })
}

fn fetch() -> Request {
    Request::Fetch(Fetch {
        range: FetchRange::Standalone {
            track: track("a"),
            start: Location::new(1, 0),
            end: Location::new(2, 0),
        },
        params: Parameters::default(),
    })
}

fn all_kinds() -> Vec<Request> {
    vec![
        subscribe("a"),
        publish(3),
        fetch(),
        Request::TrackStatus(Subscribe {
            track: track("a"),
            params: Parameters::default(),
        }),
        on_namespace(Request::PublishNamespace),
        on_namespace(Request::SubscribeNamespace),
        on_namespace(Request::SubscribeTracks),
    ]
}

fn accept(kind: RequestKind) -> Response {
    match kind {
        RequestKind::Subscribe => subscribe_ok(7),
        RequestKind::Fetch => Response::FetchOk(FetchOk {
            end: Location::new(2, 0),
            ..Default::default()
        }),
        _ => Response::RequestOk(RequestOk::default()),
    }
}

/// Neither side keeps a request or hears anything more.
fn assert_over(world: &mut World, id: RequestId) {
    world.settle();
    assert!(!world.client.session.is_live(id) && !world.server.session.is_live(id));
    world.client.take();
    world.server.take();
    world.advance(Duration::from_secs(100));
    assert_eq!((world.client.take(), world.server.take()), (vec![], vec![]));
    assert!(world.client.session.is_ready() && world.server.session.is_ready());
}

#[test]
fn each_request_is_refused_with_its_error() {
    for request in all_kinds() {
        let mut world = World::ready();
        let id = world.client_requests(request.clone());
        assert_eq!(world.server.request_event(), Some((id, request)));
        let error = RequestError::new(request_codes::DOES_NOT_EXIST, "nothing here");
        world
            .server
            .session
            .reject(&mut world.server.link, id, error.clone())
            .unwrap();
        world.settle();
        assert_eq!(
            world.client.take(),
            [
                SessionEvent::Response {
                    id,
                    response: Response::RequestError(error)
                },
                SessionEvent::RequestClosed {
                    id,
                    end: RequestEnd::Rejected
                },
            ]
        );
        assert_over(&mut world, id);
    }
}

#[test]
fn each_request_is_accepted_once() {
    for request in all_kinds() {
        let mut world = World::ready();
        let kind = request.kind();
        let id = world.client_requests(request);
        world.server_responds(id, accept(kind));
        let events = world.client.take();
        assert_eq!(
            events[0],
            SessionEvent::Response {
                id,
                response: accept(kind)
            }
        );
        let again = world
            .server
            .session
            .respond(&mut world.server.link, id, accept(kind));
        assert!(again.is_err());
        if kind == RequestKind::TrackStatus {
            assert_eq!(
                events[1],
                SessionEvent::RequestClosed {
                    id,
                    end: RequestEnd::Done
                }
            );
            assert_over(&mut world, id);
        }
    }
}

#[test]
fn each_request_is_cancelled_by_either_side() {
    for request in all_kinds() {
        for by_client in [true, false] {
            for accepted in [true, false] {
                let mut world = World::ready();
                let kind = request.kind();
                let id = world.client_requests(request.clone());
                if accepted && kind != RequestKind::TrackStatus {
                    world.server_responds(id, accept(kind));
                }
                world.client.take();
                world.server.take();
                let (one, other) = if by_client {
                    (&mut world.client, &mut world.server)
                } else {
                    (&mut world.server, &mut world.client)
                };
                one.session
                    .cancel(&mut one.link, id, stream_codes::CANCELLED);
                other.turn(world.now);
                let end = RequestEnd::Cancelled(stream_codes::CANCELLED);
                assert_eq!(
                    other.take(),
                    [SessionEvent::RequestClosed { id, end }],
                    "{kind:?}"
                );
                assert_over(&mut world, id);
            }
        }
    }
}

#[test]
fn wrong_answers_are_refused_before_they_are_sent() {
    for request in all_kinds() {
        let mut world = World::ready();
        let kind = request.kind();
        let id = world.client_requests(request);
        let (session, link) = (&mut world.server.session, &mut world.server.link);
        let right = accept(kind);
        for wrong in [
            subscribe_ok(1),
            Response::FetchOk(FetchOk::default()),
            Response::RequestOk(RequestOk::default()),
            Response::Namespace(namespace(&["x"])),
            Response::PublishDone(PublishDone::default()),
        ] {
            if std::mem::discriminant(&wrong) != std::mem::discriminant(&right) {
                assert!(session.respond(link, id, wrong).is_err());
            }
        }
        session.respond(link, id, right).unwrap();
        assert!(world
            .client
            .session
            .respond(&mut world.client.link, id, subscribe_ok(1))
            .is_err());
    }
}

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
fn a_publish_sends_before_it_is_answered_and_its_subscriber_changes_it() {
    let mut world = World::ready();
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    let id = session.request(world.now, link, publish(3)).unwrap();
    let header = SubgroupHeader {
        track_alias: 3,
        group: 1,
        ..Default::default()
    };
    let stream = session.open_subgroup(link, &header, 0).unwrap();
    session
        .write_object(link, stream, &object(0, "early"))
        .unwrap();
    world.settle();
    let events = world.server.take();
    assert!(
        matches!(events[0], SessionEvent::Request { .. }),
        "{events:?}"
    );
    assert_eq!(
        events[1],
        SessionEvent::SubgroupOpened {
            stream,
            request: id,
            header
        }
    );
    assert_eq!(
        events[2],
        SessionEvent::Object {
            stream,
            request: id,
            object: object(0, "early")
        }
    );

    world.server_responds(id, Response::RequestOk(RequestOk::default()));
    let params = Parameters {
        forward: Some(false),
        ..Default::default()
    };
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    session.update(world.now, link, id, params.clone()).unwrap();
    world.settle();
    let update = SessionEvent::Update {
        id,
        params,
        tokens: vec![],
    };
    assert_eq!(world.client.take().last(), Some(&update));
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    session
        .respond_update(link, id, Ok(RequestOk::default()))
        .unwrap();
    session.finish_stream(link, stream);
    session
        .publish_done(link, id, PublishDone::default())
        .unwrap();
    world.settle();
    let closed = SessionEvent::RequestClosed {
        id,
        end: RequestEnd::Done,
    };
    assert_eq!(world.server.take().last(), Some(&closed));
    assert_over(&mut world, id);
}

#[test]
fn publish_done_waits_for_its_streams() {
    let mut world = World::ready();
    let id = world.subscribed();
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let header = SubgroupHeader {
        track_alias: 7,
        ..Default::default()
    };
    let stream = session.open_subgroup(link, &header, 0).unwrap();
    session.write_object(link, stream, &object(0, "x")).unwrap();
    world.settle();
    world
        .client
        .session
        .pause_stream(&mut world.client.link, stream, true);
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    session.write_object(link, stream, &object(1, "y")).unwrap();
    session.finish_stream(link, stream);
    session
        .publish_done(link, id, PublishDone::default())
        .unwrap();
    world.settle();
    assert!(matches!(
        world.client.take().last(),
        Some(SessionEvent::Response { .. })
    ));
    world
        .client
        .session
        .pause_stream(&mut world.client.link, stream, false);
    world.settle();
    assert_eq!(
        world.client.take(),
        [
            SessionEvent::Object {
                stream,
                request: id,
                object: object(1, "y")
            },
            SessionEvent::StreamEnded {
                stream,
                request: id,
                end: StreamEnd::Fin
            },
            SessionEvent::RequestClosed {
                id,
                end: RequestEnd::Done
            },
        ]
    );
}

#[test]
fn streams_that_never_come_are_not_waited_for_forever() {
    let mut raw = Raw::ready(SessionConfig::client());
    let (session, link) = (&mut raw.peer.session, &mut raw.peer.link);
    let id = session.request(raw.now, link, subscribe("a")).unwrap();
    let stream = request_stream(&mut raw);
    let done = PublishDone {
        stream_count: 5,
        ..Default::default()
    };
    raw.write(stream, &response_bytes(subscribe_ok(7)), false);
    raw.write(stream, &response_bytes(Response::PublishDone(done)), true);
    raw.turn();
    assert!(raw.peer.session.is_live(id));
    raw.advance(Duration::from_secs(3));
    let closed = SessionEvent::RequestClosed {
        id,
        end: RequestEnd::Done,
    };
    assert_eq!(raw.peer.take().last(), Some(&closed));
}

#[test]
fn a_fetch_is_done_when_its_stream_and_its_answer_are() {
    for answer_first in [true, false] {
        let mut world = World::ready();
        let id = world.client_requests(fetch());
        let item = FetchItem::Object(FetchObject {
            group: 1,
            subgroup: Some(0),
            object: 4,
            priority: 128,
            payload: Bytes::from(vec![9; 5_000]),
            ..Default::default()
        });
        if answer_first {
            world.server_responds(id, accept(RequestKind::Fetch));
        }
        let (session, link) = (&mut world.server.session, &mut world.server.link);
        let stream = session.open_fetch(link, id, 0).unwrap();
        assert!(session.open_fetch(link, id, 0).is_err());
        session.write_fetch_item(link, stream, &item).unwrap();
        session.finish_stream(link, stream);
        world.settle();
        if !answer_first {
            world.server_responds(id, accept(RequestKind::Fetch));
        }
        let events = world.client.take();
        assert!(events.contains(&SessionEvent::FetchOpened {
            stream,
            request: id
        }));
        assert!(events.contains(&SessionEvent::FetchItem {
            stream,
            request: id,
            item
        }));
        let closed = SessionEvent::RequestClosed {
            id,
            end: RequestEnd::Done,
        };
        assert_eq!(events.last(), Some(&closed), "{answer_first}");
        assert_over(&mut world, id);
    }
}

#[test]
fn discovery_tells_of_namespaces_and_blocked_tracks() {
    let mut world = World::ready();
    let id = world.client_requests(on_namespace(Request::SubscribeNamespace));
    world.server_responds(id, Response::RequestOk(RequestOk::default()));
    world.client.take();
    let told = [
        Response::Namespace(namespace(&["1"])),
        Response::Namespace(namespace(&["2"])),
        Response::NamespaceDone(namespace(&["1"])),
    ];
    for response in told.clone() {
        world.server_responds(id, response);
    }
    let events: Vec<SessionEvent> = told
        .into_iter()
        .map(|response| SessionEvent::Response { id, response })
        .collect();
    assert_eq!(world.client.take(), events);
    world.client.session.withdraw(&mut world.client.link, id);
    world.settle();
    let closed = SessionEvent::RequestClosed {
        id,
        end: RequestEnd::Finished,
    };
    assert_eq!(world.server.take().last(), Some(&closed));

    let id = world.client_requests(on_namespace(Request::SubscribeTracks));
    world.server_responds(id, Response::RequestOk(RequestOk::default()));
    let blocked = Response::PublishBlocked {
        suffix: track("full"),
    };
    world.server_responds(id, blocked.clone());
    let event = SessionEvent::Response {
        id,
        response: blocked,
    };
    assert_eq!(world.client.take().last(), Some(&event));
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

/// The stream on which the session's only request came.
fn request_stream(raw: &mut Raw) -> moqt::transport::StreamId {
    let bi = raw.received().into_iter().find_map(|event| match event {
        moqt::transport::TransportEvent::Data {
            id,
            dir: moqt::transport::Dir::Bi,
            ..
        } => Some(id),
        _ => None,
    });
    bi.unwrap()
}
