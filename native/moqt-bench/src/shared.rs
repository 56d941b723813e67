//! What the connections and the main thread share.

use crate::acks::Acks;
use crate::histogram::Histogram;
use crate::options::Options;
use crate::system::now_us;
use moqt::transport::TransportStats;
use moqt_net::Remote;
use std::sync::atomic::{AtomicU64, AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// How far the run is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Connected, and told nothing yet.
    Holding,
    Warming,
    Measuring,
    Over,
}

/// To the main thread.
#[derive(Debug)]
pub enum Message {
    PublisherReady,
    SubscriberReady,
    /// A connection could not be made, was lost or was refused something.
    Failed(String),
    /// The publisher has sent all that it should.
    Sent,
    Published(Published),
    Received(Box<Received>),
}

/// Of the publisher, over the measured time.
#[derive(Clone, Debug, Default)]
pub struct Published {
    pub sent: u64,
    pub refused: u64,
    pub traffic: TransportStats,
}

/// Of one subscriber, or of all of them, over the measured time.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub objects: u64,
    pub bytes: u64,
    pub lost: u64,
    pub out_of_order: u64,
    pub gaps_reported: u64,
    pub traffic: TransportStats,
}

/// What all subscribers of this process measured, µs. One for all of them: tables of their own would
/// push their connections out of the processor's cache.
#[derive(Debug, Default)]
pub struct Times {
    /// From subscribing to the first object.
    pub first: Histogram,
    /// From sending to receiving.
    pub age: Histogram,
    /// Between two objects of a subscriber.
    pub interval: Histogram,
}

pub struct Shared {
    pub options: Options,
    phase: AtomicU8,
    /// When what counts was sent, see [`Shared::counts_from`].
    from: AtomicU64,
    /// Subscriptions that are ready.
    pub subscribed: AtomicUsize,
    /// Updates that all subscribers of this process have received or passed over, added up.
    pub passed: AtomicU64,
    /// The number of them at which the publisher wants to go on.
    wake_at: AtomicU64,
    times: Mutex<Times>,
    publisher: Mutex<Option<Remote>>,
    messages: Mutex<Sender<Message>>,
    /// Where a publisher in another process hears how far the subscribers are.
    pub acks: OnceLock<Acks>,
}

impl Shared {
    pub fn new(options: Options, messages: Sender<Message>) -> Self {
        let phase = if options.stdio {
            Phase::Holding
        } else {
            Phase::Warming
        };
        Shared {
            options,
            phase: AtomicU8::new(phase as u8),
            from: AtomicU64::new(u64::MAX),
            subscribed: AtomicUsize::new(0),
            passed: AtomicU64::new(0),
            wake_at: AtomicU64::new(u64::MAX),
            times: Mutex::default(),
            publisher: Mutex::new(None),
            messages: Mutex::new(messages),
            acks: OnceLock::new(),
        }
    }

    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Holding,
            1 => Phase::Warming,
            2 => Phase::Measuring,
            _ => Phase::Over,
        }
    }

    pub fn set_phase(&self, phase: Phase) {
        let from = match phase {
            Phase::Measuring => now_us(),
            _ => u64::MAX,
        };
        self.from.store(from, Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Updates count that were sent since the measurement began, on the clock of [`now_us`], and
    /// arrive before it ends: those from before that are late are not of this measurement.
    pub fn counts_from(&self) -> u64 {
        self.from.load(Ordering::Relaxed)
    }

    pub fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_over(&self) -> bool {
        self.phase() == Phase::Over
    }

    pub fn tell(&self, message: Message) {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        // The main thread may have ended with an error.
        let _ = messages.send(message);
    }

    pub fn set_publisher(&self, remote: Remote) {
        *self
            .publisher
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(remote);
    }

    pub fn wake_publisher(&self) {
        let publisher = self
            .publisher
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(publisher) = publisher.as_ref() {
            publisher.wake();
        }
    }

    /// The publisher goes on when this many updates have passed.
    pub fn wake_at(&self, passed: u64) {
        self.wake_at.store(passed, Ordering::SeqCst);
        if self.passed.load(Ordering::SeqCst) >= passed {
            self.wake_publisher();
        }
    }

    /// A subscriber is further by so many updates.
    pub fn add_passed(&self, updates: u64) {
        let now = self.passed.fetch_add(updates, Ordering::SeqCst) + updates;
        if let Some(acks) = self.acks.get() {
            acks.tell(now / self.options.connections.max(1) as u64);
        }
        self.look_at(now);
    }

    /// The subscribers of another process are so far.
    pub fn set_passed(&self, updates: u64) {
        let before = self.passed.fetch_max(updates, Ordering::SeqCst);
        self.look_at(before.max(updates));
    }

    fn look_at(&self, now: u64) {
        if now >= self.wake_at.load(Ordering::SeqCst) {
            self.wake_at.store(u64::MAX, Ordering::SeqCst);
            self.wake_publisher();
        }
    }
}

/// Traffic since a moment.
pub fn traffic_since(now: TransportStats, before: TransportStats) -> TransportStats {
    TransportStats {
        bytes_sent: now.bytes_sent.saturating_sub(before.bytes_sent),
        bytes_received: now.bytes_received.saturating_sub(before.bytes_received),
        packets_sent: now.packets_sent.saturating_sub(before.packets_sent),
        packets_received: now.packets_received.saturating_sub(before.packets_received),
        packets_lost: now.packets_lost.saturating_sub(before.packets_lost),
        ..now
    }
}

pub fn add_traffic(sum: &mut TransportStats, one: &TransportStats) {
    sum.bytes_sent += one.bytes_sent;
    sum.bytes_received += one.bytes_received;
    sum.packets_sent += one.packets_sent;
    sum.packets_received += one.packets_received;
    sum.packets_lost += one.packets_lost;
}
