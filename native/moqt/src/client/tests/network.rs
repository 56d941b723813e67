//! All delivery classes over a bad network in memory, without time or chance of its own: streams
//! overtake each other, datagrams are lost, nothing comes during an outage. The twin over sockets
//! and in TypeScript is `test/network`.

use super::*;
use crate::transport::{StreamId, TransportEvent};
use std::collections::{BTreeMap, HashMap};

/// Delays what one side receives; a seed gives the same fates again.
pub(in crate::client) struct BadNetwork {
    random: u64,
    delay: Duration,
    jitter: Duration,
    /// In thousandths: datagrams that are lost, and what of streams comes a round trip later.
    loss: u64,
    /// Nothing comes before this.
    pub outage: Option<Instant>,
    inbox: BTreeMap<(Instant, u64), TransportEvent>,
    /// When the last event of each stream arrives: they keep their order.
    last: HashMap<Option<StreamId>, Instant>,
    count: u64,
}

impl BadNetwork {
    fn new(seed: u64, delay: u64, jitter: u64, loss: u64) -> Self {
        BadNetwork {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            delay: Duration::from_millis(delay),
            jitter: Duration::from_millis(jitter),
            loss,
            outage: None,
            inbox: BTreeMap::new(),
            last: HashMap::new(),
            count: 0,
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound.max(1)
    }

    /// The next event that has arrived by now.
    pub fn carry(&mut self, now: Instant, t: &mut MemoryTransport) -> Option<TransportEvent> {
        while let Some(event) = t.poll_event() {
            self.send(now, event);
        }
        let entry = self.inbox.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    fn send(&mut self, now: Instant, event: TransportEvent) {
        let datagram = matches!(event, TransportEvent::Datagram(_));
        let mut due = now + self.delay;
        due += Duration::from_micros(self.below(self.jitter.as_micros() as u64));
        while self.below(1_000) < self.loss {
            if datagram {
                return;
            }
            due += 2 * self.delay + Duration::from_millis(30);
        }
        if let Some(end) = self.outage.filter(|end| now < *end) {
            if datagram {
                return;
            }
            due = due.max(end);
        }
        if !datagram {
            let last = self.last.entry(stream_of(&event)).or_insert(due);
            due = due.max(*last);
            *last = due;
        }
        self.count += 1;
        self.inbox.insert((due, self.count), event);
    }
}

fn stream_of(event: &TransportEvent) -> Option<StreamId> {
    match event {
        TransportEvent::Data { id, .. }
        | TransportEvent::Reset { id, .. }
        | TransportEvent::Stopped { id, .. }
        | TransportEvent::Acked { id }
        | TransportEvent::Writable { id } => Some(*id),
        _ => None,
    }
}

const CLASSES: [DeliveryClass; 4] = [
    DeliveryClass::Reliable,
    DeliveryClass::Latest,
    DeliveryClass::Deadline,
    DeliveryClass::Datagram,
];

/// Publishes 100 updates on a track of each class, and gives what was read of each.
fn play(seed: u64, delay: u64, jitter: u64, loss: u64, outage: bool) -> Vec<Vec<usize>> {
    let mut w = World::new();
    // The publisher stamps updates with the time of day, which does not move here: all are in time.
    let options = |class| PublishOptions {
        delivery: class,
        deadline: Duration::from_secs(60),
        ..PublishOptions::default()
    };
    let name = |class: DeliveryClass| format!("{class:?}");
    let mut tracks = Vec::new();
    for class in CLASSES {
        let handle = w.a.client.publish(track(&name(class)), options(class));
        tracks.push(handle.expect("publishes"));
    }
    w.run();
    let readers = CLASSES.map(|class| w.subscribe(&name(class), SubscribeOptions::default()));
    w.a.network = Some(BadNetwork::new(seed, delay, jitter, loss));
    w.b.network = Some(BadNetwork::new(seed + 1_000, delay, jitter, loss));
    for n in 0..100 {
        if outage && n == 50 {
            let end = w.now + Duration::from_secs(3);
            for peer in [&mut w.a, &mut w.b] {
                let network = peer.network.as_mut().expect("a bad network");
                network.outage = Some(end);
            }
        }
        for &handle in &tracks {
            let first = handle == tracks[0] && n % 7 == 0;
            match first {
                true => w.keyframe(handle, number(n)),
                false => w.send(handle, number(n)),
            }
        }
        w.pass(Duration::from_millis(20));
    }
    w.pass(Duration::from_secs(10));
    for (class, reader) in CLASSES.into_iter().zip(readers) {
        assert_eq!(w.b.gaps(reader), [], "seed {seed}, {class:?}");
    }
    let numbers = |reader| {
        let text = |payload: Bytes| String::from_utf8(payload.to_vec()).expect("a number");
        let payloads = w.b.objects(reader).into_iter();
        payloads
            .map(|p| text(p).parse().expect("a number"))
            .collect()
    };
    readers.into_iter().map(numbers).collect()
}

/// Gives how many of 100 datagrams were lost.
fn promises_hold(seed: u64, delay: u64, jitter: u64, loss: u64, outage: bool) -> usize {
    let seen = play(seed, delay, jitter, loss, outage);
    let all: Vec<usize> = (0..100).collect();
    let rising = |numbers: &[usize]| numbers.windows(2).all(|pair| pair[0] < pair[1]);
    assert_eq!(seen[0], all, "seed {seed}: reliable");
    assert!(rising(&seen[1]), "seed {seed}: latest {:?}", seen[1]);
    assert_eq!(seen[1].last(), Some(&99), "seed {seed}: latest");
    assert_eq!(seen[2], all, "seed {seed}: deadline");
    assert!(rising(&seen[3]), "seed {seed}: datagram {:?}", seen[3]);
    assert!(seen[3].len() > 10, "seed {seed}: datagram {:?}", seen[3]);
    100 - seen[3].len()
}

#[test]
fn promises_hold_where_packets_overtake_each_other() {
    for seed in 0..20 {
        promises_hold(seed, 20, 60, 0, false);
    }
}

#[test]
fn promises_hold_with_loss_and_delay() {
    let mut lost = 0;
    for seed in 0..20 {
        lost += promises_hold(seed, 60, 20, 20, false);
        lost += promises_hold(seed, 120, 40, 50, false);
    }
    assert!(
        lost > 20,
        "the network was not bad: {lost} of 4,000 were lost"
    );
}

#[test]
fn promises_hold_through_an_outage() {
    for seed in 0..20 {
        promises_hold(seed, 20, 10, 20, true);
    }
}
