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
            .shutdown(Duration::from_millis(1_500))
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
        took >= Duration::from_millis(1_400),
        "it waited only {took:?}"
    );
    let mut late = Node::connect(&clients, Way::Url(url.replace("https:", "moqt:"), &hash));
    assert!(matches!(late.closed(), SessionClose::Transport(_)));
}
