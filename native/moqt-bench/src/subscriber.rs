//! A subscriber on a connection of its own.

use crate::peer::{text, track, Peer};
use crate::shared::{traffic_since, Message, Phase, Received, Shared, Times};
use crate::system::now_us;
use bytes::Bytes;
use moqt::client::{ClientEvent, End, SubscribeOptions};
use moqt::transport::{TransportEvent, TransportStats};
use moqt_net::{ConnId, ConnInfo, Context, Handler};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Subscriber {
    peer: Peer,
    phase: Phase,
    /// Number and arrival (µs) of the newest update.
    last: Option<(u64, u64)>,
    subscribed_at: u64,
    received: Received,
    traffic: TransportStats,
}

impl Subscriber {
    pub fn new(shared: Arc<Shared>) -> Self {
        Subscriber {
            peer: Peer::new(shared),
            phase: Phase::Warming,
            last: None,
            subscribed_at: 0,
            received: Received::default(),
            traffic: TransportStats::default(),
        }
    }

    fn subscribe(&mut self) {
        let options = &self.peer.shared.options;
        let subscribe = SubscribeOptions {
            delivery: options.class,
            wait: Duration::from_secs(10),
            ..SubscribeOptions::default()
        };
        self.subscribed_at = now_us();
        let track = track(options);
        let result = track.and_then(|t| {
            let handle = self.peer.client.subscribe(t, subscribe);
            handle.map(drop).map_err(|e| text(&e))
        });
        if let Err(e) = result {
            self.peer.fail(&e);
        }
    }

    fn deliver(&mut self, cx: &mut Context<'_>) {
        let (now, mut at, mut passed) = (cx.now(), None, 0);
        let shared = self.peer.shared.clone();
        let from = shared.counts_from();
        loop {
            while let Some(event) = self.peer.client.poll_event(now) {
                match self.peer.common(event) {
                    Some(ClientEvent::Object(_, object)) => {
                        let at = *at.get_or_insert_with(now_us);
                        passed += self.object(at, from, &object.payload, &mut shared.times());
                    }
                    Some(ClientEvent::SubscriptionReady { .. }) => {
                        self.peer.shared.subscribed.fetch_add(1, Ordering::SeqCst);
                        self.peer.shared.tell(Message::SubscriberReady);
                    }
                    Some(ClientEvent::Gap(_, gap)) => {
                        self.received.gaps_reported += u64::from(from != u64::MAX);
                        eprintln!("moqt-bench: {gap:?}, after {:?}", self.last);
                    }
                    Some(ClientEvent::Ended(_, End::Error(e))) if !self.peer.shared.is_over() => {
                        self.peer.fail(&text(&e));
                    }
                    _ => {}
                }
            }
            if !self.peer.client.needs_pump() {
                break;
            }
            self.peer.pump(cx);
        }
        if passed > 0 {
            self.peer.shared.add_passed(passed);
        }
    }

    /// An update that arrived at `at` and counts if it was sent at `from` or later. Gives by how many
    /// numbers it is ahead of the last.
    fn object(&mut self, at: u64, from: u64, payload: &Bytes, times: &mut Times) -> u64 {
        let (Some(number), Some(sent)) = (read(payload, 0), read(payload, 8)) else {
            return 0;
        };
        let counts = sent >= from;
        let received = &mut self.received;
        if counts {
            received.objects += 1;
            received.bytes += payload.len() as u64;
            times.age.add(at.saturating_sub(sent));
        }
        let ahead = match self.last {
            None => {
                times.first.add(at.saturating_sub(self.subscribed_at));
                number + 1
            }
            Some((last, before)) => {
                if counts {
                    times.interval.add(at.saturating_sub(before));
                }
                if number <= last {
                    received.out_of_order += u64::from(counts);
                    return 0;
                }
                received.lost += (number - last - 1) * u64::from(counts);
                number - last
            }
        };
        self.last = Some((number, at));
        ahead
    }
}

fn read(payload: &Bytes, at: usize) -> Option<u64> {
    let bytes = payload.get(at..at + 8)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

impl Handler for Subscriber {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.peer.connect(cx);
    }

    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, _: ConnInfo) {
        self.subscribe();
        self.peer.attach(cx, conn);
        self.deliver(cx);
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        self.peer.handle(cx, conn, event);
        self.deliver(cx);
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) {
        let phase = self.peer.shared.phase();
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        let traffic = self.peer.stats(cx);
        match phase {
            Phase::Measuring => self.traffic = traffic,
            Phase::Over => {
                let mut received = std::mem::take(&mut self.received);
                received.traffic = traffic_since(traffic, self.traffic);
                let message = Message::Received(Box::new(received));
                self.peer.shared.tell(message);
                self.peer.close(cx);
            }
            Phase::Holding | Phase::Warming => {}
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.peer.client.poll_timeout()
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        self.peer.on_timeout(cx);
        self.deliver(cx);
    }
}
