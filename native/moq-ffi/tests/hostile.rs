//! T10: whatever a peer sends, the process lives, the session ends with a clear error or goes on, and
//! other clients are not concerned.

#[path = "support/ffi.rs"]
mod ffi;
#[path = "support/peer.rs"]
mod peer;

use bytes::Bytes;
use ffi::Client;
use moq_ffi::error::*;
use moq_ffi::record::*;
use moqt::session::{Session, SessionConfig};
use moqt::transport::{Dir, Transport, TransportEvent};
use peer::{Peer, Script};
use std::time::Instant;

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

    fn bytes(&mut self) -> Bytes {
        let length = self.next() % 200;
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// Sends noise on streams of both kinds, on the client's own streams and as datagrams; after a valid
/// SETUP, or instead of one.
struct Garbage {
    noise: Noise,
    session: Option<Session>,
}

impl Script for Garbage {
    fn connected(&mut self, now: Instant, t: &mut dyn Transport) {
        if let Some(session) = &mut self.session {
            session.start(now, t);
        }
    }

    fn event(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
        if let TransportEvent::Data {
            id, dir: Dir::Bi, ..
        } = &event
        {
            // An answer that is none.
            let _ = t.write(*id, &mut self.noise.bytes());
        }
        if let Some(session) = &mut self.session {
            session.handle(now, t, event);
            while session.poll_event().is_some() {}
        }
    }

    fn tick(&mut self, _: Instant, t: &mut dyn Transport, _: u32) {
        for _ in 0..4 {
            let dir = if self.noise.next() % 2 == 0 {
                Dir::Uni
            } else {
                Dir::Bi
            };
            let Some(stream) = t.open(dir) else { break };
            let _ = t.write(stream, &mut self.noise.bytes());
            match self.noise.next() % 3 {
                0 => t.finish(stream),
                1 => t.reset(stream, self.noise.next() % 100),
                _ => {}
            }
            let _ = t.send_datagram(self.noise.bytes());
        }
    }
}

/// The codes that a session may end with when the peer breaks the rules.
fn is_clear(code: u32) -> bool {
    [
        MOQ_ERROR_PROTOCOL_VIOLATION,
        MOQ_ERROR_PROTOCOL_MISMATCH,
        MOQ_ERROR_CONNECTION_FAILED,
        MOQ_ERROR_UNAUTHORIZED,
        MOQ_ERROR_LIMIT_EXCEEDED,
        MOQ_ERROR_TIMEOUT,
    ]
    .iter()
    .any(|wanted| *wanted as u32 == code)
}

#[test]
fn garbage_from_a_peer_ends_its_session_and_nothing_else() {
    // The client that must not notice: connected to a peer that behaves.
    struct Polite(Session);
    impl Script for Polite {
        fn connected(&mut self, now: Instant, t: &mut dyn Transport) {
            self.0.start(now, t);
        }
        fn event(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
            self.0.handle(now, t, event);
            while self.0.poll_event().is_some() {}
        }
        fn tick(&mut self, _: Instant, _: &mut dyn Transport, _: u32) {}
    }
    let polite = Peer::start(Polite(Session::new(SessionConfig::server())));
    let mut bystander = Client::open(&polite.client_options());
    bystander.until("the bystander opens", |c| {
        !c.of(c.handle, MOQ_RECORD_STATE).is_empty()
    });

    for seed in 0..40 {
        let session = (seed % 2 == 0).then(|| Session::new(SessionConfig::server()));
        let peer = Peer::start(Garbage {
            noise: Noise(seed),
            session,
        });
        let mut client = Client::open(&peer.client_options());
        let sub = client.subscribe(r#"{"namespace":"a","name":"b"}"#);
        let end = client.end_of(client.handle);
        assert!(
            is_clear(end.header.code),
            "seed {seed}: {} {}",
            end.header.code,
            end.text()
        );
        assert_eq!(client.of(sub, MOQ_RECORD_END).len(), 1, "seed {seed}");
        assert!(client.of(sub, MOQ_RECORD_OBJECT).is_empty(), "seed {seed}");
    }
    bystander.poll();
    assert!(bystander.of(bystander.handle, MOQ_RECORD_END).is_empty());
}
