//! Every kind of request: accepted, refused, changed, cancelled from either side.

mod common;

use bytes::Bytes;
use common::*;
use moqt::session::*;
use moqt::wire::*;
use std::time::Duration;

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
        publish("p", 3),
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
fn a_publish_sends_before_it_is_answered_and_its_subscriber_changes_it() {
    let mut world = World::ready();
    let (session, link) = (&mut world.client.session, &mut world.client.link);
    let id = session.request(world.now, link, publish("p", 3)).unwrap();
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
fn a_fetch_whose_stream_is_stopped_is_over_once_answered() {
    let mut world = World::ready();
    let id = world.client_requests(fetch());
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let stream = session.open_fetch(link, id, 0).unwrap();
    let gap = FetchItem::EndOfRange {
        location: Location::new(1, 9),
        unknown: true,
    };
    session.write_fetch_item(link, stream, &gap).unwrap();
    world.settle();
    let opened = SessionEvent::FetchItem {
        stream,
        request: id,
        item: gap,
    };
    assert!(world.client.take().contains(&opened));
    let code = stream_codes::CANCELLED;
    world
        .client
        .session
        .stop_stream(&mut world.client.link, stream, code);
    world.settle();
    assert!(world
        .server
        .take()
        .contains(&SessionEvent::Stopped { stream, code }));
    assert!(world.server.session.is_live(id));
    world.server_responds(id, accept(RequestKind::Fetch));
    assert_over(&mut world, id);
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
