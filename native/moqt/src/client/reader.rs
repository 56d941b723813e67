//! The queue between a subscription (or fetch) and who reads it.

use super::shared::Shared;
use super::types::{
    ClientEvent, End, Gap, GapReason, Handle, InObject, Start, SubscribeOptions, SubscriptionStats,
};
use crate::delivery::{Delivery, DeliveryClass, ReceiverStats};
use crate::session::RequestId;
use crate::wire::location::Location;
use crate::wire::name::FullTrackName;
use std::collections::VecDeque;
use std::time::Instant;

/// What waiting costs beside the bytes of an object.
const OVERHEAD: usize = 32;
/// Gaps that wait for a reader that does not read; further ones become one with the last, which then
/// covers what lies between as well.
const MOST_GAPS: usize = 1_024;

/// A FETCH that brings a second reader the newest group of a feed that runs already.
pub(super) struct Joining {
    /// `None`: to be sent.
    pub request: Option<RequestId>,
    /// What is fetched next: it advances with what comes.
    pub start: Location,
    pub end: Location,
    /// What the feed brings meanwhile.
    pub held: VecDeque<Delivery>,
    pub held_bytes: usize,
}

/// Where a reader's objects come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// A feed.
    Feed(u64),
    /// A FETCH of its own.
    Fetch,
}

/// One subscription or fetch of the application.
pub(super) struct Reader {
    pub handle: Handle,
    pub track: FullTrackName,
    pub source: Source,
    pub options: SubscribeOptions,
    pub class: DeliveryClass,
    /// The class that the application was told when the subscription was accepted.
    pub told: Option<DeliveryClass>,
    queue: VecDeque<Delivery>,
    bytes: usize,
    objects: usize,
    /// Gaps in the queue.
    gaps: usize,
    /// The application takes objects now.
    pub reading: bool,
    /// It is on the client's list of readers with something to read.
    pub listed: bool,
    /// Deliveries before this location are not for this reader.
    pub from: Option<Location>,
    pub joining: Option<Joining>,
    end: Option<End>,
    stats: SubscriptionStats,
    /// The feed's counters when this reader came to it.
    before: ReceiverStats,
    /// The newest counters of the feed.
    feed: ReceiverStats,
}

impl Reader {
    pub fn new(
        handle: Handle,
        track: FullTrackName,
        source: Source,
        options: SubscribeOptions,
    ) -> Self {
        Reader {
            handle,
            track,
            source,
            class: options.delivery,
            told: None,
            options,
            queue: VecDeque::new(),
            bytes: 0,
            objects: 0,
            gaps: 0,
            reading: true,
            listed: false,
            from: None,
            joining: None,
            end: None,
            stats: SubscriptionStats::default(),
            before: ReceiverStats::default(),
            feed: ReceiverStats::default(),
        }
    }

    /// The class in force. True when the application is to be told.
    pub fn accept(&mut self, class: DeliveryClass) -> bool {
        self.class = class;
        self.told.replace(class) != Some(class)
    }

    /// Has a FETCH bring what lies in this range; what the feed brings meanwhile follows it.
    pub fn join(&mut self, start: Location, end: Location) {
        self.joining = Some(Joining {
            request: None,
            start,
            end,
            held: VecDeque::new(),
            held_bytes: 0,
        });
    }

    /// From the feed.
    pub fn deliver(&mut self, delivery: Delivery) {
        if self.end.is_some() {
            return;
        }
        if let Delivery::Object(object) = &delivery {
            let before = |from| Location::new(object.group, object.object) < from;
            if self.from.is_some_and(before) {
                return;
            }
            self.from = None;
        }
        if let Some(joining) = &mut self.joining {
            if let Delivery::Object(object) = &delivery {
                joining.held_bytes += object.payload.len() + OVERHEAD;
            }
            joining.held.push_back(delivery);
            return;
        }
        self.enqueue(delivery);
    }

    /// From its own fetch.
    pub fn enqueue(&mut self, delivery: Delivery) {
        if let Delivery::Object(object) = &delivery {
            self.bytes += object.payload.len() + OVERHEAD;
            self.objects += 1;
        }
        if let (Delivery::Gap(gap), Some(Delivery::Gap(last))) = (&delivery, self.queue.back_mut())
        {
            let touches = gap.from_group <= last.to_group.saturating_add(1)
                && last.from_group <= gap.to_group.saturating_add(1);
            if gap.reason == last.reason && (touches || self.gaps >= MOST_GAPS) {
                last.from_group = last.from_group.min(gap.from_group);
                last.to_group = last.to_group.max(gap.to_group);
                return;
            }
        }
        self.gaps += usize::from(matches!(delivery, Delivery::Gap(_)));
        self.queue.push_back(delivery);
        let pushes_back = self.source == Source::Fetch || self.class == DeliveryClass::Reliable;
        while !pushes_back && self.bytes > self.options.queue_bytes && self.objects > 1 {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        while let Some(delivery) = self.take() {
            if matches!(delivery, Delivery::Object(_)) {
                self.stats.overflow += 1;
                return;
            }
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        let delivery = self.queue.pop_front()?;
        if let Delivery::Object(object) = &delivery {
            self.bytes -= object.payload.len() + OVERHEAD;
            self.objects -= 1;
        } else {
            self.gaps -= 1;
        }
        Some(delivery)
    }

    /// The join is over: what the feed brought meanwhile follows.
    pub fn joined(&mut self, complete: bool) {
        let Some(joining) = self.joining.take() else {
            return;
        };
        if !complete {
            let group = joining.start.group;
            let gap = Gap {
                from_group: group,
                to_group: group,
                objects: None,
                reason: GapReason::Lost,
            };
            self.stats.gaps += 1;
            self.enqueue(Delivery::Gap(gap));
        }
        for delivery in joining.held {
            self.enqueue(delivery);
        }
    }

    /// Nothing more comes; the end is told after what waits.
    pub fn finish(&mut self, end: End) {
        if self.end.is_none() {
            self.joined(true);
            self.end = Some(end);
        }
    }

    pub fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    /// Whether there is something to tell the application now.
    pub fn is_readable(&self) -> bool {
        self.reading && (!self.queue.is_empty() || self.end.is_some())
    }

    /// The next event; `Ended` is the last.
    pub fn poll(&mut self, now: Instant) -> Option<ClientEvent> {
        if !self.reading {
            return None;
        }
        loop {
            return match self.take() {
                Some(Delivery::Object(object)) => {
                    let old = |age| now.saturating_duration_since(object.received) > age;
                    if self.options.max_age.is_some_and(old) {
                        self.stats.late += 1;
                        continue;
                    }
                    self.stats.objects += 1;
                    self.stats.bytes += object.payload.len() as u64;
                    Some(ClientEvent::Object(self.handle, object))
                }
                Some(Delivery::Gap(gap)) => Some(ClientEvent::Gap(self.handle, gap)),
                None => self
                    .end
                    .take()
                    .map(|end| ClientEvent::Ended(self.handle, end)),
            };
        }
    }

    /// More waits than the bound (`reliable` and fetches push back then).
    pub fn is_full(&self) -> bool {
        self.bytes + self.joining.as_ref().map_or(0, |j| j.held_bytes) >= self.options.queue_bytes
    }

    /// So little waits that more may come after a pause.
    pub fn has_room(&self) -> bool {
        let held = self.joining.as_ref().map_or(0, |j| j.held_bytes);
        self.bytes + held <= self.options.queue_bytes / 2
    }

    pub fn starts_at_group(&self) -> bool {
        self.options.start == Start::LatestGroup
    }

    /// Counts what the feed drops from now on.
    pub fn since(&mut self, feed: &ReceiverStats) {
        self.before = *feed;
        self.feed = *feed;
    }

    /// The feed begins anew, its counters with it.
    pub fn fold(&mut self) {
        let (feed, before) = (self.feed, self.before);
        self.stats.stale += feed.stale - before.stale;
        self.stats.late += feed.late - before.late;
        self.stats.overflow += feed.overflow - before.overflow;
        self.stats.reset += feed.reset - before.reset;
        self.stats.gaps += feed.gaps - before.gaps;
        self.since(&ReceiverStats::default());
    }

    pub fn update_feed(&mut self, feed: &ReceiverStats) {
        self.feed = *feed;
    }

    pub fn gap(&mut self, gap: Gap) {
        self.stats.gaps += 1;
        self.deliver(Delivery::Gap(gap));
    }

    /// Before what is held for a join.
    pub fn gap_now(&mut self, gap: Gap) {
        self.stats.gaps += 1;
        self.enqueue(Delivery::Gap(gap));
    }

    pub fn count_reset(&mut self) {
        self.stats.reset += 1;
    }

    pub fn object(&mut self, object: InObject) {
        self.enqueue(Delivery::Object(object));
    }

    pub fn stats(&self) -> SubscriptionStats {
        let (feed, before) = (&self.feed, &self.before);
        SubscriptionStats {
            queued_objects: self.objects as u64,
            queued_bytes: (self.bytes - self.objects * OVERHEAD) as u64,
            stale: self.stats.stale + feed.stale - before.stale,
            late: self.stats.late + feed.late - before.late,
            overflow: self.stats.overflow + feed.overflow - before.overflow,
            reset: self.stats.reset + feed.reset - before.reset,
            gaps: self.stats.gaps + feed.gaps - before.gaps,
            ..self.stats
        }
    }
}

/// Readers in turn: which of them have something to tell.
#[derive(Default)]
pub(super) struct Turns {
    ready: VecDeque<Handle>,
    taken: usize,
}

/// Events of one reader before it is the next one's turn.
const TURN: usize = 64;

impl Turns {
    pub fn list(&mut self, reader: &mut Reader) {
        if !reader.listed && reader.is_readable() {
            reader.listed = true;
            self.ready.push_back(reader.handle);
        }
    }

    pub fn front(&self) -> Option<Handle> {
        self.ready.front().copied()
    }

    /// After an event of the front reader.
    pub fn took(&mut self, more: bool) -> Option<Handle> {
        self.taken += 1;
        if !more {
            self.taken = 0;
            return self.ready.pop_front();
        }
        if self.taken >= TURN {
            self.taken = 0;
            if let Some(handle) = self.ready.pop_front() {
                self.ready.push_back(handle);
            }
        }
        None
    }
}

/// Forgets what a shared part of the client knows of a finished reader.
pub(super) fn release(reader: &Reader, shared: &mut Shared, code: u64) {
    if let Some(request) = reader.joining.as_ref().and_then(|joining| joining.request) {
        shared.cancel(request, code);
    }
}
