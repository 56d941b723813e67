//! Noise: whatever a peer sends, the process lives. And a peer that behaves, for those who must not notice.

use crate::peer::Script;
use bytes::Bytes;
use moqt::session::{Session, SessionConfig};
use moqt::transport::{Dir, Transport, TransportEvent};
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
pub struct Garbage {
    noise: Noise,
    session: Option<Session>,
}

impl Garbage {
    /// The same noise for the same seed; with an even one after a valid SETUP.
    pub fn new(seed: u64) -> Self {
        let session = (seed % 2 == 0).then(|| Session::new(SessionConfig::server()));
        Self {
            noise: Noise(seed),
            session,
        }
    }
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

/// A relay without tracks.
pub struct Polite(Session);

impl Polite {
    pub fn new() -> Self {
        Self(Session::new(SessionConfig::server()))
    }
}

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
