//! Peers that send nonsense are closed; the others are served on.

use super::world::*;
use bytes::Bytes;
use moqt::memory::MemoryConfig;
use moqt::transport::{Dir, Transport};
use moqt::wire::*;

/// A small linear congruential generator: the same bytes on every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.next() % most;
        (0..length).map(|_| self.next() as u8).collect()
    }
}

fn first_byte_of(kind: &str) -> &'static [u8] {
    match kind {
        "control" => &[0xAF, 0x00],
        "subgroup" => &[0x10],
        "subgroup with properties" => &[0x79],
        "fetch" => &[0x05],
        "subscribe" => &[0x03],
        "publish" => &[0x1D],
        "fetch request" => &[0x16],
        "publish namespace" => &[0x06],
        _ => &[],
    }
}

#[test]
fn random_bytes_everywhere_harm_only_the_sender() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader, ..) = w.joined(&track, Properties::empty());
    let mut noise = Noise(42);
    let uni = [
        "control",
        "subgroup",
        "subgroup with properties",
        "fetch",
        "",
    ];
    let bi = [
        "subscribe",
        "publish",
        "fetch request",
        "publish namespace",
        "",
    ];
    let mut closed = 0;
    for round in 0..120 {
        let offender = w.client();
        for _ in 0..4 {
            let (dir, kinds) = if noise.next() % 2 == 0 {
                (Dir::Uni, uni)
            } else {
                (Dir::Bi, bi)
            };
            let kind = kinds[noise.next() as usize % kinds.len()];
            let mut bytes = first_byte_of(kind).to_vec();
            bytes.extend(noise.bytes(200));
            let fin = noise.next() % 2 == 0;
            w.raw_stream(offender, dir, &bytes, fin);
        }
        let datagram = Bytes::from(noise.bytes(300));
        let _ = w
            .clients
            .get_mut(&offender)
            .expect("it is here")
            .transport
            .send_datagram(datagram);
        w.run();
        if !w.is_open(offender) {
            closed += 1;
        }
        w.send_group(publisher, round + 1, &[b"still here"]);
        assert_eq!(w.objects(reader), [format!("{}.0=still here", round + 1)]);
        w.close(offender, 0);
    }
    assert!(closed > 60, "most of them break the protocol: {closed}");
    let stats = w.stats();
    assert_eq!(stats.sessions.open, 2);
    assert!(stats.sessions.violations > 60);
    assert_eq!(stats.subscriptions_open, 1);
    assert_eq!(stats.upstreams_open, 1);
}

#[test]
fn nonsense_before_setup_closes_the_connection() {
    let mut w = World::new();
    let mut noise = Noise(7);
    for _ in 0..40 {
        let conn = w.connect_raw(MemoryConfig::default());
        let mut bytes = vec![0x3F];
        bytes.extend(noise.bytes(100));
        w.raw_stream(conn, Dir::Uni, &bytes, false);
        w.close(conn, 0);
    }
    assert_eq!(w.stats().sessions.accepted, 0);
    let good = w.client();
    assert!(w.is_open(good));
}

#[test]
fn reserved_namespaces_do_not_exist() {
    let mut w = World::new();
    let conn = w.client();
    for (number, field) in [".", ".session"].into_iter().enumerate() {
        // By hand: our own session would not send it.
        let mut payload = vec![0x20 + 2 * number as u8, 1, field.len() as u8];
        payload.extend_from_slice(field.as_bytes());
        payload.extend_from_slice(&[1, b'x', 0]);
        let mut message = vec![0x03, 0, payload.len() as u8];
        message.extend_from_slice(&payload);
        let client = w.clients.get_mut(&conn).expect("it is here");
        let stream = client.transport.open(Dir::Bi).expect("a stream");
        client
            .transport
            .write(stream, &mut Bytes::from(message))
            .expect("room");
        let mut answer = Vec::new();
        for _ in 0..100 {
            while let Some(event) = w.links_poll(conn) {
                w.core_event(conn, event);
            }
            let client = w.clients.get_mut(&conn).expect("it is here");
            while let Some(event) = client.transport.poll_event() {
                if let moqt::transport::TransportEvent::Data { id, data, .. } = event {
                    if id == stream {
                        answer.extend_from_slice(&data);
                    }
                }
            }
        }
        let profile = Draft::default().profile();
        let (message, _) = profile
            .decode_message(&Bytes::from(answer))
            .expect("an answer");
        let Message::Response {
            response: Response::RequestError(error),
            ..
        } = message
        else {
            panic!("not refused: {message:?}")
        };
        assert_eq!(error.code, request_codes::DOES_NOT_EXIST);
    }
}
