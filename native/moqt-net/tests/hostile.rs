//! Peers that send nonsense: the one connection ends or the nonsense is dropped, the thread and
//! the others go on.

mod common;

use bytes::Bytes;
use common::{certificate, loopback, Node};
use moqt::transport::{CloseReason, Dir, TransportEvent};
use moqt_net::{ConnId, ConnectConfig, ListenConfig, Runtime};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

struct Server {
    runtime: Runtime,
    node: Node,
    client: Node,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.runtime.shutdown();
    }
}

fn server() -> Server {
    let runtime = Runtime::start("test").unwrap();
    let (node, client) = (Node::new(&runtime), Node::new(&runtime));
    let mut config = ListenConfig::new(loopback(), certificate());
    config.handshake_timeout = Duration::from_secs(3);
    let address = node.listen(config);
    Server {
        runtime,
        node,
        client,
        address,
    }
}

impl Server {
    /// A raw QUIC connection that claims to speak HTTP/3, to send what a test wants.
    fn raw_h3(&mut self) -> ConnId {
        let mut config = ConnectConfig::new(format!("moqt://{}/", self.address));
        config.trust.insecure = true;
        config.protocols = vec!["h3".into()];
        let conn = self.client.connect(config);
        self.client.ready(conn);
        conn
    }

    fn send(&self, conn: ConnId, dir: Dir, bytes: &[u8], fin: bool) {
        let mut bytes = Bytes::copy_from_slice(bytes);
        self.client.run(move |cx| {
            let Some(t) = cx.transport(conn) else {
                return;
            };
            let Some(id) = t.open(dir) else {
                return;
            };
            let _ = t.write(id, &mut bytes);
            if fin {
                t.finish(id);
            }
        });
    }

    /// A well-behaved WebTransport client is served.
    fn still_serves(&mut self) {
        let mut config = ConnectConfig::new(format!("https://{}/", self.address));
        config.trust.insecure = true;
        let conn = self.client.connect(config);
        self.client.ready(conn);
        let (peer, _) = self.node.connected();
        self.client.on(conn, |t| {
            t.send_datagram(Bytes::from_static(b"hi")).unwrap()
        });
        self.node.wait_event("datagram", peer, |e| {
            matches!(e, TransportEvent::Datagram(_)).then_some(())
        });
        self.client.run(move |cx| cx.close(conn, 0, ""));
        self.node.closed(peer);
    }
}

/// Settings as a client sends them, then a CONNECT for `/`.
fn settings() -> Vec<u8> {
    let mut settings = web_transport_proto::Settings::default();
    settings.enable_webtransport(1);
    let mut bytes = Vec::new();
    settings.encode(&mut bytes);
    bytes
}

fn connect_request(protocols: &[&str]) -> Vec<u8> {
    let url = url::Url::parse("https://127.0.0.1/").unwrap();
    let protocols = protocols.iter().map(|p| p.to_string());
    let request = web_transport_proto::ConnectRequest::new(url).with_protocols(protocols);
    let mut bytes = Vec::new();
    request.encode(&mut bytes).unwrap();
    bytes
}

/// A small deterministic generator of nonsense.
fn nonsense(seed: u64, length: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn nonsense_packets_are_ignored() {
    let mut server = server();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for seed in 0..300 {
        let mut packet = nonsense(seed, 1 + (seed as usize * 37) % 1_400);
        if seed % 3 == 0 {
            // Looks like a QUIC version 1 Initial.
            packet.splice(
                0..0,
                [
                    0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0xd0,
                ],
            );
            packet.resize(1_200, 0);
        }
        socket.send_to(&packet, server.address).unwrap();
    }
    server.still_serves();
}

#[test]
fn nonsense_on_http3_streams_hurts_nobody_else() {
    let mut server = server();
    for seed in 0..40 {
        let conn = server.raw_h3();
        if seed % 2 == 0 {
            server.send(conn, Dir::Uni, &settings(), false);
        }
        for i in 0..6 {
            let bytes = nonsense(seed * 100 + i, 1 + (i as usize * 211) % 900);
            let dir = if i % 2 == 0 { Dir::Uni } else { Dir::Bi };
            server.send(conn, dir, &bytes, i % 3 == 0);
            let datagram = Bytes::from(bytes);
            server.client.run(move |cx| {
                if let Some(t) = cx.transport(conn) {
                    let _ = t.send_datagram(datagram);
                }
            });
        }
        server.client.run(move |cx| cx.close(conn, 0, ""));
    }
    server.client.forget();
    server.still_serves();
}

#[test]
fn a_session_amid_grease_and_unknown_things_works() {
    let mut server = server();
    let conn = server.raw_h3();
    // QPACK streams, a stream of an unknown type, one cut in its prefix, one for this session
    // before the session exists.
    for bytes in [&[0x02][..], &[0x03], &[0x40, 0x99, 1, 2, 3], &[0x40]] {
        server.send(conn, Dir::Uni, bytes, false);
    }
    server.send(
        conn,
        Dir::Uni,
        &[0x40, 0x54, 0x00, b'e', b'a', b'r', b'l', b'y'],
        true,
    );
    let mut control = settings();
    control.extend_from_slice(&[0x21, 0x02, 0xff, 0xff]);
    server.send(conn, Dir::Uni, &control, false);
    let mut request = vec![0x40, 0x40, 0x01, 0x00];
    request.extend_from_slice(&connect_request(&["moqt-99", "moqt-18"]));
    server.send(conn, Dir::Bi, &request, false);
    let (peer, info) = server.node.connected();
    assert_eq!(info.protocol, "moqt-18");
    let (_, data, fin) = server.node.accept(peer, Dir::Uni);
    assert_eq!((&data[..], fin), (&b"early"[..], true));
    // Datagrams: of this session, of another one, and cut.
    server.client.on(conn, |t| {
        for datagram in [&[0x04, 1][..], &[0x40], &[], &[0x00, 7]] {
            t.send_datagram(Bytes::copy_from_slice(datagram)).unwrap();
        }
    });
    let datagram = server.node.wait_event("datagram", peer, |e| match e {
        TransportEvent::Datagram(data) => Some(data.clone()),
        _ => None,
    });
    assert_eq!(&datagram[..], [7]);
    // A stream of another session is refused with the code of the draft; a second CONNECT too.
    server.send(conn, Dir::Uni, &[0x40, 0x54, 0x04, 9], false);
    let code = server.client.wait_event("Stopped", conn, |e| match e {
        TransportEvent::Stopped { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(code, 0x3994_bd84);
    server.send(conn, Dir::Bi, &connect_request(&["moqt-18"]), false);
    let code = server.client.wait_event("Stopped", conn, |e| match e {
        TransportEvent::Stopped { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(code, 0x10b);
    // A plain code, not mapped to HTTP/3, is taken as it is.
    server.client.on(conn, |t| {
        let id = t.open(Dir::Uni).unwrap();
        t.write(id, &mut Bytes::from_static(&[0x40, 0x54, 0x00, 1]))
            .unwrap();
    });
    let (stream, ..) = server.node.accept(peer, Dir::Uni);
    server.client.on(conn, move |t| t.reset(stream, 0x33));
    let code = server.node.wait_event("Reset", peer, |e| match e {
        TransportEvent::Reset { id, code } if *id == stream => Some(*code),
        _ => None,
    });
    assert_eq!(code, 0x33);
}

#[test]
fn bad_requests_are_answered_and_counted() {
    let mut server = server();
    for (request, part) in [
        (connect_request(&["moqt-16"]), "this server speaks moqt-18"),
        (vec![0x01, 0x03, 0xff, 0xff, 0xff], "bad CONNECT request"),
        // GET: no CONNECT method.
        (
            vec![
                0x01, 0x0c, 0, 0, 0xd1, 0xd7, 0xc1, 0x50, 0x05, b'a', b'.', b'b', b'.', b'c',
            ],
            "",
        ),
    ] {
        let conn = server.raw_h3();
        server.send(conn, Dir::Uni, &settings(), false);
        server.send(conn, Dir::Bi, &request, false);
        let mut answer = Vec::new();
        let ended = server.client.wait_event("an answer", conn, |e| match e {
            TransportEvent::Data {
                dir: Dir::Bi,
                data,
                fin,
                ..
            } => {
                answer.extend_from_slice(data);
                fin.then_some(true)
            }
            TransportEvent::Closed(_) => Some(false),
            _ => None,
        });
        assert!(ended, "closed without an answer");
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.contains(part), "{text}");
        // HTTP/3 "no error" ends the connection afterwards.
        match server.client.closed(conn) {
            CloseReason::Peer { code, .. } => assert_eq!(code, 0x100),
            other => panic!("{other:?}"),
        }
    }
    let stats = server.node.run(|cx| cx.endpoint_stats());
    assert_eq!(
        (stats.accepted, stats.handshake_failures),
        (0, 3),
        "{stats:?}"
    );
}

#[test]
fn a_request_that_never_comes_times_out() {
    let mut server = server();
    let conn = server.raw_h3();
    server.send(conn, Dir::Bi, &[0x01], false);
    assert!(matches!(
        server.client.closed(conn),
        CloseReason::Peer { .. }
    ));
    let stats = server.node.run(|cx| cx.endpoint_stats());
    assert_eq!(stats.handshake_failures, 1, "{stats:?}");
    server.still_serves();
}

#[test]
fn calls_with_wrong_streams_do_nothing() {
    let mut l = common::link(common::Over::Quic);
    l.client.on(l.client_conn, |t| {
        let ours = t.open(Dir::Uni).unwrap();
        for id in [0, 1, 2, 3, 4_000, u64::MAX].map(moqt::transport::StreamId) {
            if id != ours {
                assert!(t.write(id, &mut Bytes::from_static(b"x")).is_err());
            }
            t.pause(id, true);
            t.pause(id, false);
            t.stop(id, 1);
            t.set_priority(id, 5);
            if id != ours {
                t.finish(id);
                t.reset(id, 1);
            }
        }
        t.write(ours, &mut Bytes::from_static(b"fine")).unwrap();
    });
    let (_, data, _) = l.server.accept(l.server_conn, Dir::Uni);
    assert_eq!(&data[..], b"fine");
}
