//! Two clients face to face over the in-memory transport: sessions are peers at the MOQT level, so
//! one publishes and the other reads, as a relay's neighbours would.

mod closing;
mod discovery;
mod fetching;
mod joining;
mod network;
mod publishing;
mod random;
mod reading;
mod reconnect;
mod tolerances;

use super::*;
use crate::delivery::DeliveryClass;
use crate::memory::{pair, MemoryConfig, MemoryTransport};
use crate::transport::Transport;
use crate::wire::name::{FullTrackName, Namespace};
use bytes::Bytes;
use std::time::Duration;

pub(super) struct Peer {
    pub client: Client,
    pub t: MemoryTransport,
    pub link: LinkId,
    pub events: Vec<ClientEvent>,
    /// Events of the transport are left alone: nothing is received.
    pub deaf: bool,
    /// What arrives comes over it.
    pub network: Option<network::BadNetwork>,
}

impl Peer {
    pub fn new(config: ClientConfig, t: MemoryTransport) -> Self {
        Peer {
            client: Client::new(config),
            t,
            link: LinkId(1),
            events: Vec::new(),
            deaf: false,
            network: None,
        }
    }

    /// Its connection is ready.
    pub fn attach(&mut self, now: Instant) {
        let address = SetupAddress {
            path: Some("/test".to_owned()),
            authority: Some("test".to_owned()),
        };
        self.client.attach(now, self.link, &address, &mut self.t);
    }

    fn poll(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(event) = self.client.poll_event(now) {
            self.events.push(event);
            any = true;
        }
        any
    }

    fn step(&mut self, now: Instant) -> bool {
        let mut any = self.poll(now);
        if self.client.needs_pump() {
            self.client.pump(now, &mut self.t);
            any = true;
        }
        if !self.deaf {
            let event = match &mut self.network {
                Some(network) => network.carry(now, &mut self.t),
                None => self.t.poll_event(),
            };
            if let Some(event) = event {
                self.client.handle(now, self.link, &mut self.t, event);
                any = true;
            }
        }
        self.poll(now) || any
    }

    /// What was told since the last call.
    pub fn take(&mut self) -> Vec<ClientEvent> {
        std::mem::take(&mut self.events)
    }

    /// Payloads that were delivered to a handle, of what was told so far.
    pub fn objects(&self, handle: Handle) -> Vec<Bytes> {
        let object = |event: &ClientEvent| match event {
            ClientEvent::Object(of, object) if *of == handle => Some(object.payload.clone()),
            _ => None,
        };
        self.events.iter().filter_map(object).collect()
    }

    pub fn gaps(&self, handle: Handle) -> Vec<Gap> {
        let gap = |event: &ClientEvent| match event {
            ClientEvent::Gap(of, gap) if *of == handle => Some(*gap),
            _ => None,
        };
        self.events.iter().filter_map(gap).collect()
    }

    pub fn ends(&self, handle: Handle) -> Vec<End> {
        let end = |event: &ClientEvent| match event {
            ClientEvent::Ended(of, end) if *of == handle => Some(end.clone()),
            _ => None,
        };
        self.events.iter().filter_map(end).collect()
    }

    pub fn error(&self, handle: Handle) -> ClientError {
        match self.ends(handle).as_slice() {
            [End::Error(error)] => error.clone(),
            other => panic!("expected one error, got {other:?}"),
        }
    }

    pub fn is_ready(&self, handle: Handle) -> bool {
        self.events.iter().any(|event| match event {
            ClientEvent::SubscriptionReady { handle: of, .. } => *of == handle,
            ClientEvent::PublicationReady(of) => *of == handle,
            _ => false,
        })
    }
}

pub(super) struct World {
    pub now: Instant,
    /// Publishes, by custom.
    pub a: Peer,
    /// Reads, by custom.
    pub b: Peer,
}

impl World {
    pub fn new() -> Self {
        World::with(MemoryConfig::default(), |_| {})
    }

    pub fn with(memory: MemoryConfig, configure: impl Fn(&mut ClientConfig)) -> Self {
        let (ta, tb) = pair(memory);
        let peer = |t, initiator| {
            let mut config = ClientConfig {
                initiator,
                ..ClientConfig::default()
            };
            configure(&mut config);
            Peer::new(config, t)
        };
        let mut world = World {
            now: Instant::now(),
            a: peer(ta, true),
            b: peer(tb, false),
        };
        world.a.attach(world.now);
        world.b.attach(world.now);
        world.run();
        world
    }

    /// Until nothing happens any more without time passing.
    pub fn run(&mut self) {
        for _ in 0..1_000_000 {
            let a = self.a.step(self.now);
            let b = self.b.step(self.now);
            if !a && !b {
                return;
            }
        }
        panic!("never quiet");
    }

    /// Lets time pass in steps.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(10).min(end - self.now);
            for peer in [&mut self.a, &mut self.b] {
                if peer.client.poll_timeout().is_some_and(|at| at <= self.now) {
                    peer.client.on_timeout(self.now, Some(&mut peer.t));
                }
            }
            self.run();
        }
    }

    pub fn publish(&mut self, name: &str, class: DeliveryClass) -> Handle {
        let options = PublishOptions {
            delivery: class,
            ..PublishOptions::default()
        };
        let handle = self
            .a
            .client
            .publish(track(name), options)
            .expect("publishes");
        self.run();
        assert!(self.a.is_ready(handle), "{:?}", self.a.events);
        handle
    }

    pub fn subscribe(&mut self, name: &str, options: SubscribeOptions) -> Handle {
        let handle = self
            .b
            .client
            .subscribe(track(name), options)
            .expect("subscribes");
        self.run();
        handle
    }

    pub fn send(&mut self, handle: Handle, payload: impl Into<Bytes>) {
        self.a
            .client
            .send(self.now, handle, payload.into())
            .expect("accepts");
    }

    pub fn keyframe(&mut self, handle: Handle, payload: impl Into<Bytes>) {
        self.a
            .client
            .keyframe(self.now, handle, payload.into())
            .expect("accepts");
    }
}

pub(super) fn track(name: &str) -> FullTrackName {
    FullTrackName::new(
        namespace(&["match", "42"]),
        Bytes::copy_from_slice(name.as_bytes()),
    )
    .expect("valid")
}

pub(super) fn namespace(fields: &[&str]) -> Namespace {
    Namespace::new(fields.iter().map(|f| Bytes::copy_from_slice(f.as_bytes()))).expect("valid")
}

pub(super) fn number(n: usize) -> Bytes {
    Bytes::from(n.to_string())
}

pub(super) fn numbers(range: std::ops::Range<usize>) -> Vec<Bytes> {
    range.map(number).collect()
}
