//! Sessions over an in-memory connection: the way things go when both sides behave.

mod common;

use bytes::Bytes;
use common::*;
use moqt::memory::MemoryConfig;
use moqt::session::*;
use moqt::wire::*;
use std::time::Duration;

#[test]
fn setup_tells_each_side_what_the_other_said() {
    let client = SessionConfig {
        path: Some("/game?room=1".into()),
        authority: Some("127.0.0.1:4443".into()),
        tokens: vec![AuthToken::UseValue {
            token_type: 0,
            value: Bytes::from_static(b"key"),
        }],
        ..SessionConfig::client()
    };
    let mut world = World::with(client, SessionConfig::server(), MemoryConfig::default());
    world.settle();
    let SessionEvent::Ready { peer } = &world.server.events[0] else {
        panic!()
    };
    assert_eq!(peer.path.as_deref(), Some("/game?room=1"));
    assert_eq!(peer.authority.as_deref(), Some("127.0.0.1:4443"));
    assert_eq!(
        peer.tokens,
        [Token {
            token_type: 0,
            value: Bytes::from_static(b"key")
        }]
    );
    assert_eq!(peer.max_auth_token_cache_size, 16 * 1024);
    let SessionEvent::Ready { peer } = &world.client.events[0] else {
        panic!()
    };
    assert_eq!(peer.path, None);
    assert!(peer
        .implementation
        .as_deref()
        .unwrap()
        .starts_with("moq-game/"));
}

#[test]
fn subscription_carries_objects_on_streams_and_datagrams() {
    let mut world = World::ready();
    let id = world.client_requests(subscribe("a"));
    let (seen, request) = world.server.request_event().unwrap();
    assert_eq!((seen, request), (id, subscribe("a")));
    let alias = world.server.session.next_alias();
    world.server_responds(id, subscribe_ok(alias));
    assert_eq!(
        world.client.take(),
        [SessionEvent::Response {
            id,
            response: subscribe_ok(alias)
        }]
    );

    let header = SubgroupHeader {
        track_alias: alias,
        group: 9,
        first_object: true,
        ..Default::default()
    };
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let stream = session.open_subgroup(link, &header, 0).unwrap();
    assert!(!session
        .write_object(link, stream, &object(0, "one"))
        .unwrap());
    assert!(!session
        .write_object(link, stream, &object(4, "five"))
        .unwrap());
    session.finish_stream(link, stream);
    world.settle();
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    let datagram = ObjectDatagram {
        track_alias: alias,
        group: 10,
        payload: Bytes::from_static(b"now"),
        ..Default::default()
    };
    session.send_datagram(link, &datagram).unwrap();
    world.settle();
    assert_eq!(
        world.client.take(),
        [
            SessionEvent::SubgroupOpened {
                stream,
                request: id,
                header
            },
            SessionEvent::Object {
                stream,
                request: id,
                object: object(0, "one")
            },
            SessionEvent::Object {
                stream,
                request: id,
                object: object(4, "five")
            },
            SessionEvent::StreamEnded {
                stream,
                request: id,
                end: StreamEnd::Fin
            },
            SessionEvent::Datagram {
                request: id,
                datagram
            },
        ]
    );
    assert_eq!(
        world.server.take().last(),
        Some(&SessionEvent::Acked { stream })
    );

    let done = PublishDone {
        status: done_codes::TRACK_ENDED,
        ..Default::default()
    };
    world
        .server
        .session
        .publish_done(&mut world.server.link, id, done)
        .unwrap();
    world.settle();
    let done = PublishDone {
        status: done_codes::TRACK_ENDED,
        stream_count: 1,
        reason: String::new(),
    };
    assert_eq!(
        world.client.take(),
        [
            SessionEvent::Response {
                id,
                response: Response::PublishDone(done)
            },
            SessionEvent::RequestClosed {
                id,
                end: RequestEnd::Done
            },
        ]
    );
    assert!(!world.server.session.is_live(id));
}

#[test]
fn namespace_is_published_and_withdrawn() {
    let mut world = World::ready();
    let request = Request::PublishNamespace(NamespaceRequest {
        namespace: namespace(&["game"]),
        params: Parameters::default(),
    });
    let id = world.client_requests(request);
    world.server_responds(id, Response::RequestOk(RequestOk::default()));
    assert!(matches!(
        world.client.take()[..],
        [SessionEvent::Response { .. }]
    ));
    world.server.take();
    world.client.session.withdraw(&mut world.client.link, id);
    world.settle();
    assert_eq!(
        world.server.take(),
        [SessionEvent::RequestClosed {
            id,
            end: RequestEnd::Finished
        }]
    );
    world.advance(Duration::from_secs(60));
    assert!(world.client.take().is_empty());
    assert!(world.server.take().is_empty());
}

/// A client and a server that hears the client out before it speaks.
fn listening() -> World {
    let (a, b) = moqt::memory::pair(MemoryConfig::default());
    let mut world = World {
        client: Peer::new(SessionConfig::client(), a),
        server: Peer::new(SessionConfig::server(), b),
        now: std::time::Instant::now(),
    };
    world.server.session.listen(world.now);
    world
}

#[test]
fn a_server_that_listens_can_refuse_before_the_client_is_ready() {
    let mut world = listening();
    world
        .client
        .session
        .start(world.now, &mut world.client.link);
    world.settle();
    assert!(matches!(
        world.server.take()[..],
        [SessionEvent::Ready { .. }]
    ));
    assert!(!world.client.session.is_ready());
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    session.close(link, session_codes::UNAUTHORIZED, "no");
    world.settle();
    let events = world.client.take();
    assert!(
        !events
            .iter()
            .any(|e| matches!(e, SessionEvent::Ready { .. })),
        "{events:?}"
    );

    let mut world = listening();
    world
        .client
        .session
        .start(world.now, &mut world.client.link);
    world.settle();
    let (session, link) = (&mut world.server.session, &mut world.server.link);
    session.start(world.now, link);
    world.settle();
    assert!(world.client.session.is_ready());
}

#[test]
fn a_server_that_listens_speaks_first_to_a_client_that_waits() {
    let mut world = listening();
    world.settle();
    assert!(!world.client.session.is_ready());
    world.advance(std::time::Duration::from_millis(1_100));
    assert!(world.client.session.is_ready());
    assert!(world.server.session.control_stream().is_some());
}
