//! The publisher: paced, or as fast as the subscribers of this process take.

use crate::options::{Options, Role};
use crate::peer::{text, track, Peer};
use crate::shared::{traffic_since, Message, Phase, Published, Shared};
use crate::system::now_us;
use bytes::{BufMut, BytesMut};
use moqt::client::{ClientEvent, End, Handle, PublishOptions, SendError};
use moqt::delivery::DeliveryClass;
use moqt::transport::{TransportEvent, TransportStats};
use moqt_net::{ConnId, ConnInfo, Context, Handler};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Without progress for this long, what is in flight counts as lost.
const STALL: Duration = Duration::from_millis(50);
/// Most updates in one batch.
const BATCH: u64 = 256;

pub struct Publisher {
    peer: Peer,
    handle: Option<Handle>,
    ready: bool,
    phase: Phase,
    /// When the first paced update was due.
    began: Option<Instant>,
    next: Option<Instant>,
    /// Updates sent in all, and those that count as arrived although they did not.
    number: u64,
    forgiven: u64,
    /// Updates that had passed when it was last looked, and until when that may stay so.
    progress: (u64, Option<Instant>),
    blocked: bool,
    told: bool,
    published: Published,
    traffic: TransportStats,
}

impl Publisher {
    pub fn new(shared: Arc<Shared>) -> Self {
        Publisher {
            peer: Peer::new(shared),
            handle: None,
            ready: false,
            phase: Phase::Warming,
            began: None,
            next: None,
            number: 0,
            forgiven: 0,
            progress: (0, None),
            blocked: false,
            told: false,
            published: Published::default(),
            traffic: TransportStats::default(),
        }
    }

    fn publish(&mut self) {
        let options = &self.peer.shared.options;
        let publish = PublishOptions {
            delivery: options.class,
            deadline: options.deadline,
            // As large as the path takes once its MTU is known, as publishers in Node here have it.
            max_datagram_size: 1_400,
            ..PublishOptions::default()
        };
        let client = &mut self.peer.client;
        let result = track(options).and_then(|t| client.publish(t, publish).map_err(|e| text(&e)));
        match result {
            Ok(handle) => self.handle = Some(handle),
            Err(e) => self.peer.fail(&e),
        }
    }

    /// Sends what is due now.
    fn fill(&mut self, cx: &mut Context<'_>) {
        let active = matches!(self.peer.shared.phase(), Phase::Warming | Phase::Measuring);
        if !self.ready || !active {
            return;
        }
        let now = cx.now();
        if self.peer.shared.options.rate > 0.0 {
            self.fill_paced(now);
        } else {
            self.fill_window(cx, now);
        }
        let count = self.peer.shared.options.count;
        if !self.told && count.is_some_and(|count| self.number >= count) {
            self.told = true;
            self.peer.shared.tell(Message::Sent);
        }
    }

    fn fill_paced(&mut self, now: Instant) {
        let rate = self.peer.shared.options.rate;
        let began = *self.began.get_or_insert(now);
        let elapsed = now.saturating_duration_since(began).as_secs_f64();
        let due = (elapsed * rate) as u64 + 1;
        while self.number < due && self.send(now) {}
        let at = (self.number.max(due) as f64 / rate).min(1e9);
        self.next = Some(began + Duration::from_secs_f64(at));
    }

    fn fill_window(&mut self, cx: &mut Context<'_>, now: Instant) {
        let shared = self.peer.shared.clone();
        // The subscribers of another process count as one: they tell their average.
        let readers = shared.options.connections.max(1) as u64;
        let all = shared.subscribed.load(Ordering::SeqCst) as u64 >= readers;
        let window = shared.options.window;
        if !all {
            self.next = Some(now + Duration::from_millis(10));
            return;
        }
        let passed = shared.passed.load(Ordering::SeqCst);
        let stalled = self.progress.1.is_some_and(|until| until <= now);
        if passed != self.progress.0 || self.progress.1.is_none() {
            self.progress = (passed, Some(now + STALL));
        } else if stalled {
            self.forgiven = self.number.saturating_sub(passed / readers);
            self.progress.1 = Some(now + STALL);
        }
        let arrived = (passed / readers + self.forgiven).min(self.number);
        let mut room = window.saturating_sub(self.number - arrived).min(BATCH);
        // Updates of one pump replace each other in the classes with a stream for each: every one
        // is to be a stream, as if each were of a tick of its own.
        let streams = matches!(
            shared.options.class,
            DeliveryClass::Latest | DeliveryClass::Deadline
        );
        while room > 0 && self.send(now) {
            room -= 1;
            if streams {
                self.peer.pump(cx);
            }
        }
        let resume = (self.number - (window / 2).min(self.number)).saturating_sub(self.forgiven);
        shared.wake_at((resume * readers).max(passed + 1));
        self.next = self.progress.1;
    }

    /// Sends one update; `false` when none is taken now.
    fn send(&mut self, now: Instant) -> bool {
        let options = &self.peer.shared.options;
        let Some(handle) = self.handle else {
            return false;
        };
        if options.count.is_some_and(|count| self.number >= count) {
            return false;
        }
        let first = self.number % options.group == 0;
        let size = options.keyframe.filter(|_| first).unwrap_or(options.size);
        let mut payload = BytesMut::zeroed(size);
        let mut front = payload.get_mut(..16).unwrap_or_default();
        front.put_u64(self.number);
        front.put_u64(now_us());
        let payload = payload.freeze();
        let client = &mut self.peer.client;
        let sent = if first {
            client.keyframe(now, handle, payload)
        } else {
            client.send(now, handle, payload)
        };
        match sent {
            Ok(()) => {
                self.number += 1;
                self.published.sent += 1;
                self.blocked = false;
                true
            }
            Err(SendError::WouldBlock) => {
                self.published.refused += 1;
                self.blocked = true;
                false
            }
            Err(e) => {
                self.peer.fail(&format!("send: {e:?}"));
                self.ready = false;
                false
            }
        }
    }

    fn deliver(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        loop {
            while let Some(event) = self.peer.client.poll_event(now) {
                match self.peer.common(event) {
                    Some(ClientEvent::PublicationReady(_)) => {
                        self.ready = true;
                        self.peer.shared.tell(Message::PublisherReady);
                        self.fill(cx);
                    }
                    Some(ClientEvent::Writable(_)) => self.fill(cx),
                    Some(ClientEvent::Ended(_, End::Error(e))) if !self.peer.shared.is_over() => {
                        self.peer.fail(&text(&e));
                    }
                    _ => {}
                }
            }
            if !self.peer.client.needs_pump() {
                return;
            }
            self.peer.pump(cx);
        }
    }
}

impl Handler for Publisher {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.peer.connect(cx);
    }

    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, _: ConnInfo) {
        self.publish();
        self.peer.attach(cx, conn);
        self.deliver(cx);
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        self.peer.handle(cx, conn, event);
        self.deliver(cx);
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) {
        let phase = self.peer.shared.phase();
        if phase != self.phase {
            self.phase = phase;
            let traffic = self.peer.stats(cx);
            let mut published = std::mem::take(&mut self.published);
            match phase {
                Phase::Measuring => self.traffic = traffic,
                Phase::Over => {
                    published.traffic = traffic_since(traffic, self.traffic);
                    self.peer.shared.tell(Message::Published(published));
                    return self.peer.close(cx);
                }
                Phase::Holding | Phase::Warming => {}
            }
        }
        self.fill(cx);
        self.deliver(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let next = self.next.filter(|_| self.ready && !self.blocked);
        let client = self.peer.client.poll_timeout();
        [next, client].into_iter().flatten().min()
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        self.peer.on_timeout(cx);
        self.fill(cx);
        self.deliver(cx);
    }
}

/// Whether a role has a publisher, and how many subscribers.
pub fn parts(options: &Options) -> (bool, usize) {
    match options.role {
        Role::Subscribe => (false, options.connections),
        Role::Both => (true, options.connections),
        // It counts what arrives, to know how much is in flight.
        Role::Publish => (
            true,
            usize::from(options.rate == 0.0 && options.acks.is_none()),
        ),
    }
}
