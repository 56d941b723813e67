//! Beginnings and ends of connections: protocols, silence, limits, shutdown.

mod common;

use bytes::Bytes;
use common::pair::{pair, pinned, SCHEMES};
use common::{certificate, link, link_with, loopback, Node, Over};
use moqt::transport::{CloseReason, Dir};
use moqt_net::{ConnectConfig, ConnectError, ListenConfig, Runtime, ServerCertificate, Trust};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

#[test]
fn unusable_options_are_refused_at_once() {
    let runtime = Runtime::start("test").unwrap();
    let client = Node::new(&runtime);
    let connect = |config: ConnectConfig| client.run(move |cx| cx.connect(config));
    let mut config = ConnectConfig::new("moqt://127.0.0.1:1");
    config.trust.ca_files = vec!["/nowhere/ca.pem".into()];
    match connect(config) {
        Err(ConnectError::Config(text)) => assert!(text.contains("/nowhere/ca.pem"), "{text}"),
        other => panic!("{other:?}"),
    }
    let mut config = ConnectConfig::new("moqt://127.0.0.1:1");
    config.protocols.clear();
    assert!(matches!(connect(config), Err(ConnectError::Config(_))));
    assert!(matches!(
        connect(ConnectConfig::new("ftp://x")),
        Err(ConnectError::Url(_))
    ));
    let nobody = moqt_net::HandlerId(u64::MAX);
    assert_eq!(
        client.run(move |cx| cx.connect_memory(nobody, "/")),
        Err(ConnectError::NoPeer)
    );
    for (pem, key) in [("", ""), ("nonsense", "nonsense")] {
        assert!(ServerCertificate::from_pem(pem.as_bytes(), key.as_bytes()).is_err());
    }
    let none = std::path::Path::new("/nowhere/cert.pem");
    let text = ServerCertificate::from_pem_files(none, none)
        .unwrap_err()
        .to_string();
    assert!(text.contains("/nowhere/cert.pem"), "{text}");
    runtime.shutdown().unwrap();
}

#[test]
fn protocol_mismatch_names_both_offers() {
    for scheme in SCHEMES {
        let certificate = certificate();
        let hash = certificate.sha256();
        let mut pair = pair(certificate, |c| {
            c.protocols = vec!["moqt-18".into(), "moqt-19".into()]
        });
        let mut config = ConnectConfig::new(format!("{scheme}://{}/", pair.address));
        config.trust = pinned(hash);
        config.protocols = vec!["moqt-16".into(), "moqt-14".into()];
        let conn = pair.client.connect(config);
        match pair.client.closed(conn) {
            CloseReason::Protocol(text) => {
                assert!(text.contains("moqt-16, moqt-14"), "{text}");
                assert!(text.contains("moqt-18, moqt-19"), "{scheme}: {text}");
            }
            other => panic!("{scheme}: {other:?}"),
        }
    }
}

#[test]
fn the_servers_first_common_protocol_wins() {
    for scheme in SCHEMES {
        let certificate = certificate();
        let hash = certificate.sha256();
        let mut pair = pair(certificate, |c| {
            c.protocols = vec!["moqt-19".into(), "moqt-18".into()]
        });
        let mut config = ConnectConfig::new(format!("{scheme}://{}/", pair.address));
        config.trust = pinned(hash);
        config.protocols = vec!["moqt-16".into(), "moqt-18".into(), "moqt-19".into()];
        pair.client.connect(config);
        assert_eq!(pair.client.connected().1.protocol, "moqt-19");
        assert_eq!(pair.server.connected().1.protocol, "moqt-19");
    }
}

#[test]
fn kinds_can_be_switched_off() {
    let certificate = certificate();
    let hash = certificate.sha256();
    let mut quic_only = pair(certificate.clone(), |c| c.webtransport = false);
    quic_only.accepted("moqt", pinned(hash));
    assert!(matches!(
        quic_only.refused("https", pinned(hash)),
        CloseReason::Protocol(_)
    ));
    let mut web_only = pair(certificate, |c| c.quic = false);
    web_only.accepted("https", pinned(hash));
    assert!(matches!(
        web_only.refused("moqt", pinned(hash)),
        CloseReason::Protocol(_)
    ));
}

#[test]
fn names_are_resolved() {
    let certificate = certificate();
    let hash = certificate.sha256();
    let mut pair = pair(certificate, |_| {});
    let url = format!("moqt://localhost:{}/", pair.address.port());
    let conn = pair.connect_to(&url, pinned(hash));
    assert_eq!(pair.client.connected().0, conn);
    let conn = pair.connect_to("moqt://no-such-host.invalid:9/", pinned(hash));
    match pair.client.closed(conn) {
        CloseReason::Refused(text) => assert!(text.contains("no-such-host.invalid"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_silent_server_times_out() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let runtime = Runtime::start("test").unwrap();
    let mut client = Node::new(&runtime);
    for scheme in SCHEMES {
        let url = format!("{scheme}://{}/", silent.local_addr().unwrap());
        let mut config = ConnectConfig::new(url);
        config.trust.insecure = true;
        config.timeout = Duration::from_millis(1_500);
        let start = Instant::now();
        let conn = client.connect(config);
        assert!(
            start.elapsed() < Duration::from_millis(1_400),
            "connect blocked"
        );
        assert_eq!(client.closed(conn), CloseReason::TimedOut);
        let took = start.elapsed();
        assert!(took > Duration::from_millis(1_400), "{took:?}");
    }
    runtime.shutdown().unwrap();
}

#[test]
fn a_connection_attempt_can_be_given_up() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let runtime = Runtime::start("test").unwrap();
    let mut client = Node::new(&runtime);
    let mut config = ConnectConfig::new(format!("moqt://{}/", silent.local_addr().unwrap()));
    config.trust.insecure = true;
    let conn = client.connect(config);
    client.run(move |cx| cx.close(conn, 0, ""));
    assert_eq!(client.closed(conn), CloseReason::Local);
    runtime.shutdown().unwrap();
}

#[test]
fn a_peer_that_disappears_is_noticed() {
    for over in [Over::Quic, Over::WebTransport] {
        // Above the pauses of a busy machine, or the handshake would be lost.
        let short = Duration::from_secs(2);
        // A proxy that can be cut stands for the network.
        let relay = UdpSocket::bind("127.0.0.1:0").unwrap();
        let front = relay.local_addr().unwrap();
        let runtime = Runtime::start("test").unwrap();
        let (mut server, mut client) = (Node::new(&runtime), Node::new(&runtime));
        let certificate = certificate();
        let hash = certificate.sha256();
        let mut config = ListenConfig::new(loopback(), certificate);
        config.link.idle_timeout = short;
        let back = server.listen(config);
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let cut = stop.clone();
        let proxy = std::thread::spawn(move || {
            relay
                .set_read_timeout(Some(Duration::from_millis(20)))
                .unwrap();
            let (mut buffer, mut near) = ([0; 2048], None);
            while !cut.load(std::sync::atomic::Ordering::SeqCst) {
                let Ok((length, from)) = relay.recv_from(&mut buffer) else {
                    continue;
                };
                let to = if from == back { near } else { Some(back) };
                if from != back {
                    near = Some(from);
                }
                if let Some(to) = to {
                    let _ = relay.send_to(&buffer[..length], to);
                }
            }
        });
        let scheme = if over == Over::Quic { "moqt" } else { "https" };
        let mut config = ConnectConfig::new(format!("{scheme}://{front}/"));
        config.trust = pinned(hash);
        let conn = client.connect(config);
        client.connected();
        let (peer, _) = server.connected();
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        proxy.join().unwrap();
        assert_eq!(client.closed(conn), CloseReason::TimedOut);
        assert_eq!(server.closed(peer), CloseReason::TimedOut);
        runtime.shutdown().unwrap();
    }
}

#[test]
fn keep_alive_keeps_an_idle_connection() {
    let mut l = link_with(
        Over::WebTransport,
        |c| c.link.idle_timeout = Duration::from_secs(3),
        |c| c.link.keep_alive = Some(Duration::from_millis(500)),
    );
    assert!(l.client.quiet(Duration::from_millis(5_000), |_| true));
    l.client
        .on(l.client_conn, |t| assert!(t.open(Dir::Uni).is_some()));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let runtime = Runtime::start("test").unwrap();
    let node = Node::new(&runtime);
    let config = ListenConfig::new(address, certificate());
    let error = node.run(move |cx| cx.listen(config)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    runtime.shutdown().unwrap();
}

#[test]
fn limits_and_counters() {
    let certificate = certificate();
    let hash = certificate.sha256();
    let mut pair = pair(certificate, |c| c.max_connections = 2);
    pair.accepted("moqt", pinned(hash));
    pair.accepted("https", pinned(hash));
    match pair.refused("moqt", pinned(hash)) {
        CloseReason::Refused(text) => assert!(text.contains("try again later"), "{text}"),
        other => panic!("{other:?}"),
    }
    let stats = pair.server.run(|cx| cx.endpoint_stats());
    assert_eq!((stats.accepted, stats.refused), (2, 1), "{stats:?}");
    let address = pair.address;
    pair.server.run(move |cx| cx.stop_accepting(address));
    assert!(matches!(
        pair.refused("moqt", pinned(hash)),
        CloseReason::Refused(_)
    ));
}

#[test]
fn many_handshakes_must_prove_their_address() {
    let certificate = certificate();
    let hash = certificate.sha256();
    // With this, every handshake is at least half of the limit.
    let mut pair = pair(certificate, |c| c.max_handshakes = 1);
    pair.accepted("moqt", pinned(hash));
    let mut busy = self::pair(common::certificate(), |c| {
        c.max_handshakes = 2;
        c.handshake_timeout = common::LIMIT;
    });
    // A client that never finishes its handshake holds one of two places.
    let half = UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("moqt://{}/", half.local_addr().unwrap());
    let stuck = busy.connect_to(
        &url,
        Trust {
            insecure: true,
            ..Trust::default()
        },
    );
    let mut first = [0; 2048];
    half.set_read_timeout(Some(common::LIMIT)).unwrap();
    let (length, _) = half.recv_from(&mut first).unwrap();
    half.send_to(&first[..length], busy.address).unwrap();
    half.recv_from(&mut [0; 2048])
        .expect("the server answers the handshake");
    busy.accepted(
        "moqt",
        Trust {
            insecure: true,
            ..Trust::default()
        },
    );
    let stats = busy.server.run(|cx| cx.endpoint_stats());
    assert_eq!((stats.retried, stats.accepted), (1, 1), "{stats:?}");
    busy.client.run(move |cx| cx.close(stuck, 0, ""));
}

#[test]
fn two_hundred_connections_at_once() {
    let certificate = certificate();
    let hash = certificate.sha256();
    let mut pair = pair(certificate, |_| {});
    let mut conns = Vec::new();
    for i in 0..200 {
        conns.push(pair.connect(SCHEMES[i % 2], pinned(hash)));
    }
    for _ in 0..200 {
        pair.client.connected();
        let (peer, _) = pair.server.connected();
        pair.server.on(peer, |t| {
            let id = t.open(Dir::Uni).unwrap();
            t.write(id, &mut Bytes::from_static(b"welcome")).unwrap();
            t.finish(id);
        });
    }
    for conn in conns {
        let (_, data, fin) = pair.client.accept(conn, Dir::Uni);
        assert_eq!((&data[..], fin), (&b"welcome"[..], true));
    }
}

fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name_of = |t: std::fs::DirEntry| std::fs::read_to_string(t.path().join("comm"));
    tasks
        .flatten()
        .filter_map(|t| name_of(t).ok())
        .filter(|n| n.trim() == name)
        .count()
}

#[test]
fn shutdown_says_goodbye_and_leaves_no_thread() {
    for over in [Over::Quic, Over::WebTransport] {
        let mut l = link(over);
        let runtime = Runtime::start("to-be-joined").unwrap();
        let node = Node::new(&runtime);
        assert_eq!(node.run(|_| threads("to-be-joined")), 1);
        let clone = runtime.clone();
        let inside = node.run(move |_| clone.shutdown());
        assert!(
            inside.is_err(),
            "shutdown inside a callback must be refused"
        );
        runtime.shutdown().unwrap();
        runtime.shutdown().unwrap();
        assert_eq!(threads("to-be-joined"), 0);
        assert!(!node.remote.is_alive());
        node.remote.wake();
        node.remote.remove();
        let late = Node::new(&runtime);
        assert!(!late.remote.is_alive());

        // The client's runtime goes; the server hears of it.
        l.runtimes[1].shutdown().unwrap();
        let expected = CloseReason::Peer {
            code: 0,
            reason: String::new(),
        };
        assert_eq!(l.server.closed(l.server_conn), expected);
    }
}

#[test]
fn removing_a_handler_closes_its_connections_and_frees_its_port() {
    let certificate = certificate();
    let hash = certificate.sha256();
    let mut pair = pair(certificate.clone(), |_| {});
    let conn = pair.connect("https", pinned(hash));
    pair.client.connected();
    pair.server.connected();
    let remote = pair.server.remote.clone();
    remote.remove();
    let expected = CloseReason::Peer {
        code: 0,
        reason: String::new(),
    };
    assert_eq!(pair.client.closed(conn), expected);
    assert!(!remote.is_alive());
    // The port is free once the connection has drained.
    let mut again = Node::new(&pair.runtime);
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let config = ListenConfig::new(pair.address, certificate.clone());
        match again.run(move |cx| cx.listen(config)) {
            Ok(_) => break,
            Err(e) => assert!(Instant::now() < until, "{e}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    pair.connect("moqt", pinned(hash));
    pair.client.connected();
    again.connected();
}

#[test]
fn the_shared_runtime_can_be_stopped_and_comes_back() {
    let first = Runtime::shared().unwrap();
    let node = Node::new(&first);
    assert!(node.run(|_| Runtime::shutdown_shared()).is_err());
    Runtime::shutdown_shared().unwrap();
    assert!(!node.remote.is_alive());
    let node = Node::new(&Runtime::shared().unwrap());
    assert_eq!(node.run(|_| 7), 7);
    Runtime::shutdown_shared().unwrap();
    Runtime::shutdown_shared().unwrap();
}
