//! The receiving side of one subscription: puts what arrives into the order that the delivery
//! class promises, and says what will not come.

mod deadline;
mod newest;
mod reliable;
#[cfg(test)]
mod tests;
mod types;

pub use types::{Delivery, FetchEnd, ReceiverConfig, ReceiverStats, TrackFault, MAX_ID};

use super::class::DeliveryClass;
use super::inbound::GapReason;
use super::info::TrackInfo;
use crate::session::StreamEnd;
use crate::transport::StreamId;
use crate::wire::error::stream_codes;
use crate::wire::location::Location;
use crate::wire::object::SubgroupObject;
use crate::wire::object::{FetchItem, ObjectDatagram, ObjectStatus, SubgroupHeader, SubgroupId};
use crate::wire::properties::Properties;
use bytes::Bytes;
use deadline::DeadlineOrder;
use newest::NewestOrder;
use reliable::ReliableOrder;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;
use types::{arrival, check, Arrival, Output};

#[derive(Debug)]
struct InStream {
    group: u64,
    subgroup: Option<u64>,
    end_of_group: bool,
    last: Option<u64>,
    paused: bool,
}

#[derive(Debug)]
enum Order {
    Reliable(ReliableOrder),
    Newest(NewestOrder),
    Deadline(DeadlineOrder),
}

/// The receiving side of one subscription.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    class: DeliveryClass,
    order: Option<Order>,
    streams: HashMap<StreamId, InStream>,
    /// A joining fetch runs: live objects of ordered classes are held until it ends.
    joining: bool,
    /// Fetched before SUBSCRIBE_OK told the class.
    early: VecDeque<(Instant, FetchItem)>,
    early_end: Option<FetchEnd>,
    /// An earlier subscription delivered up to here.
    resumed: Option<Location>,
    /// The newest location before what comes live.
    before_live: Option<Location>,
    reader_full: bool,
    pauses: Vec<(StreamId, bool)>,
    out: Output,
}

impl Receiver {
    /// A receiver for a SUBSCRIBE that was sent; `joining` when a joining fetch was sent with it.
    pub fn new(config: ReceiverConfig, joining: bool) -> Self {
        Receiver {
            config,
            class: config.delivery,
            order: None,
            streams: HashMap::new(),
            joining,
            early: VecDeque::new(),
            early_end: None,
            resumed: None,
            before_live: None,
            reader_full: false,
            pauses: Vec::new(),
            out: Output::default(),
        }
    }

    /// SUBSCRIBE_OK: what the track is, and the first location that the subscription carries, when
    /// it is known to exist or to come. `resumed`: an earlier subscription delivered up to there;
    /// nothing at or before it is delivered again, and what a fetch brings goes on from it.
    pub fn on_ok(
        &mut self,
        now: Instant,
        info: &TrackInfo,
        start: Option<Location>,
        resumed: Option<Location>,
    ) {
        self.class = info.class.unwrap_or(self.config.delivery);
        self.order = Some(match self.class {
            DeliveryClass::Reliable => Order::Reliable(ReliableOrder::new(
                self.config.gap_timeout,
                start.or(info.first_group.map(|group| Location::new(group, 0))),
                info.class.is_some(),
                self.joining,
            )),
            DeliveryClass::Latest => Order::Newest(NewestOrder::new(false)),
            DeliveryClass::Datagram => Order::Newest(NewestOrder::new(self.config.unordered)),
            DeliveryClass::Deadline => Order::Deadline(DeadlineOrder::new(
                now,
                info.deadline,
                start.or(info.first_group.map(|group| Location::new(group, 0))),
                info.class.is_some(),
                self.config.queue_bytes,
            )),
        });
        if let Some(last) = resumed {
            self.resume(last, start);
        }
        while let Some((received, item)) = self.early.pop_front() {
            // Checked when they came.
            let _ = self.on_fetch_item(received, item);
        }
        if let Some(end) = self.early_end.take() {
            self.on_fetch_end(now, end);
        }
    }

    fn resume(&mut self, last: Location, start: Option<Location>) {
        self.resumed = Some(last);
        let before = |at: Location| match at.object {
            0 => Location::new(at.group.saturating_sub(1), u64::MAX),
            object => Location::new(at.group, object - 1),
        };
        self.before_live = start.map(before);
        match &mut self.order {
            Some(Order::Reliable(order)) => order.resume(last),
            Some(Order::Newest(order)) => order.resume(last),
            Some(Order::Deadline(order)) => {
                // The fetch brings the newest update and none before it.
                order.resume(last);
                let newest = self.before_live.filter(|at| at.group > last.group);
                if let Some(group) = newest.and_then(|at| at.group.checked_sub(1)) {
                    order.resume(Location::new(group, u64::MAX));
                }
            }
            None => {}
        }
    }

    /// The class in force: the publisher's, or else the option.
    pub fn class(&self) -> DeliveryClass {
        self.class
    }

    /// A subgroup stream opened.
    pub fn on_subgroup(&mut self, stream: StreamId, header: &SubgroupHeader) {
        let subgroup = match header.subgroup {
            SubgroupId::Zero => Some(0),
            SubgroupId::Explicit(id) => Some(id),
            SubgroupId::FirstObject => None,
        };
        let state = InStream {
            group: header.group,
            subgroup,
            end_of_group: header.end_of_group,
            last: None,
            paused: false,
        };
        self.streams.insert(stream, state);
        if let Some(Order::Reliable(order)) = &mut self.order {
            order.opened(header.group);
        }
        self.apply_pressure(Some(stream));
    }

    /// An object of a subgroup stream.
    pub fn on_object(
        &mut self,
        now: Instant,
        stream: StreamId,
        object: SubgroupObject,
    ) -> Result<(), TrackFault> {
        let Some(state) = self.streams.get_mut(&stream) else {
            return Ok(());
        };
        state.last = Some(object.object);
        let subgroup = *state.subgroup.get_or_insert(object.object);
        let location = Location::new(state.group, object.object);
        let SubgroupObject {
            status,
            properties,
            payload,
            ..
        } = object;
        self.arrive(now, location, subgroup, status, &properties, payload)
    }

    /// A stream ended.
    pub fn on_stream_end(&mut self, now: Instant, stream: StreamId, end: StreamEnd) {
        let Some(state) = self.streams.remove(&stream) else {
            return;
        };
        let fin = end == StreamEnd::Fin;
        if !fin {
            self.out.stats.reset += 1;
        }
        match &mut self.order {
            Some(Order::Reliable(order)) => {
                let last = (fin && state.end_of_group).then_some(state.last);
                if matches!(end, StreamEnd::Reset { code, .. } if code == stream_codes::TOO_FAR_BEHIND)
                {
                    order.given_up(state.group);
                }
                order.ended(state.group, fin, last);
                order.advance(now, &mut self.out);
            }
            Some(Order::Deadline(order)) if !fin && state.last.is_none() => {
                order.lost(now, state.group, GapReason::Reset, &mut self.out);
            }
            _ => {}
        }
        self.apply_pressure(None);
    }

    /// An object in a datagram.
    pub fn on_datagram(
        &mut self,
        now: Instant,
        datagram: ObjectDatagram,
    ) -> Result<(), TrackFault> {
        let location = Location::new(datagram.group, datagram.object);
        let ObjectDatagram {
            status,
            properties,
            payload,
            end_of_group,
            ..
        } = datagram;
        self.arrive(now, location, 0, status, &properties, payload)?;
        if let (true, Some(Order::Reliable(order))) = (end_of_group, &mut self.order) {
            order.group_ends(location.group, location.object.saturating_add(1));
            order.advance(now, &mut self.out);
        }
        Ok(())
    }

    /// An item of the joining fetch, in ascending order.
    pub fn on_fetch_item(&mut self, now: Instant, item: FetchItem) -> Result<(), TrackFault> {
        if self.order.is_none() {
            if let FetchItem::Object(object) = &item {
                check(
                    Location::new(object.group, object.object),
                    &object.properties,
                )?;
            }
            self.early.push_back((now, item));
            return Ok(());
        }
        let object = match item {
            FetchItem::Object(object) => object,
            FetchItem::EndOfRange { location, unknown } => {
                if let (true, Some(Order::Reliable(order))) = (unknown, &mut self.order) {
                    order.fetch_unknown(location, &mut self.out);
                }
                return Ok(());
            }
        };
        let location = Location::new(object.group, object.object);
        if self.resumed.is_some_and(|last| location <= last) {
            return Ok(());
        }
        let subgroup = object.subgroup.unwrap_or(0);
        let arrival = arrival(
            now,
            location,
            subgroup,
            ObjectStatus::Normal,
            &object.properties,
            object.payload,
        )?;
        match &mut self.order {
            Some(Order::Reliable(order)) => order.fetched(arrival, &mut self.out),
            Some(Order::Newest(order)) => order.object(arrival, &mut self.out),
            Some(Order::Deadline(order)) => order.fetched(arrival, &mut self.out),
            None => {}
        }
        Ok(())
    }

    /// The joining fetch is over: live objects go on.
    pub fn on_fetch_end(&mut self, now: Instant, end: FetchEnd) {
        if self.order.is_none() {
            self.early_end = Some(end);
            return;
        }
        self.joining = false;
        match (&mut self.order, self.before_live) {
            (Some(Order::Reliable(order)), _) => {
                order.joined(end, &mut self.out);
                order.advance(now, &mut self.out);
            }
            (Some(Order::Deadline(order)), Some(before)) => {
                order.resume(before);
                order.advance(now, &mut self.out);
            }
            _ => {}
        }
        self.apply_pressure(None);
    }

    /// Whether the joining fetch is awaited.
    pub fn is_joining(&self) -> bool {
        self.joining
    }

    /// The subscription is over and nothing more arrives: what is held comes out.
    pub fn on_end(&mut self) {
        self.flush(None);
    }

    fn flush(&mut self, why: Option<GapReason>) {
        match &mut self.order {
            Some(Order::Reliable(order)) => order.flush(why, &mut self.out),
            Some(Order::Deadline(order)) => order.flush(&mut self.out),
            _ => {}
        }
    }

    /// The subscription is over because it did not keep up, and another one takes its place: what is
    /// held comes out. What is missing behind that, the other one may still bring. Whatever
    /// is missing before is so for the same reason, so that neighbours become one gap.
    pub fn on_given_up(&mut self) {
        self.flush(Some(GapReason::TooFarBehind));
        while let Some(Delivery::Gap(_)) = self.out.queue.back() {
            self.out.queue.pop_back();
            self.out.stats.gaps -= 1;
        }
    }

    /// The next delivery.
    pub fn poll(&mut self) -> Option<Delivery> {
        self.out.queue.pop_front()
    }

    /// When [`Receiver::on_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.order {
            Some(Order::Reliable(order)) => order.timeout(),
            Some(Order::Deadline(order)) => order.timeout(),
            _ => None,
        }
    }

    /// Stops waiting for what is missing too long.
    pub fn on_timeout(&mut self, now: Instant) {
        match &mut self.order {
            Some(Order::Reliable(order)) => order.advance(now, &mut self.out),
            Some(Order::Deadline(order)) => order.advance(now, &mut self.out),
            _ => {}
        }
        self.apply_pressure(None);
    }

    /// The reader's queue is full, or has room again (`reliable` pauses its streams).
    pub fn set_reader_full(&mut self, full: bool) {
        if self.reader_full != full {
            self.reader_full = full;
            self.apply_pressure(None);
        }
    }

    /// What [`Receiver::set_reader_full`] said last.
    pub fn is_reader_full(&self) -> bool {
        self.reader_full
    }

    /// Streams to pause (true) or to let flow (false), since the last call.
    pub fn take_pauses(&mut self) -> std::vec::Drain<'_, (StreamId, bool)> {
        self.pauses.drain(..)
    }

    /// The counters.
    pub fn stats(&self) -> &ReceiverStats {
        &self.out.stats
    }

    /// Bytes held for order.
    pub fn held_bytes(&self) -> usize {
        match &self.order {
            Some(Order::Reliable(order)) => order.held_bytes(),
            Some(Order::Deadline(order)) => order.held_bytes(),
            _ => 0,
        }
    }

    fn arrive(
        &mut self,
        now: Instant,
        location: Location,
        subgroup: u64,
        status: ObjectStatus,
        properties: &Properties,
        payload: Bytes,
    ) -> Result<(), TrackFault> {
        let arrival = arrival(now, location, subgroup, status, properties, payload)?;
        match &mut self.order {
            Some(Order::Reliable(order)) => {
                order.object(arrival, &mut self.out);
                order.advance(now, &mut self.out);
                self.apply_pressure(None);
            }
            Some(Order::Newest(order)) => order.object(arrival, &mut self.out),
            Some(Order::Deadline(order)) => order.object(now, arrival, &mut self.out),
            None => self.out.stats.stale += 1,
        }
        Ok(())
    }

    /// `reliable`: pauses every stream while the reader's queue is full, and those of later groups
    /// while too much is held. Cheap while nothing changes.
    fn apply_pressure(&mut self, opened: Option<StreamId>) {
        let Some(Order::Reliable(order)) = &self.order else {
            return;
        };
        let held_full = order.held_bytes() > self.config.queue_bytes;
        let current = order.current();
        let joining = self.joining;
        let wanted = |group: u64| {
            self.reader_full
                || (held_full && (joining || current.is_none_or(|current| group > current)))
        };
        if let Some(stream) = opened {
            if let Some(state) = self.streams.get_mut(&stream) {
                if wanted(state.group) {
                    state.paused = true;
                    self.pauses.push((stream, true));
                }
            }
            return;
        }
        let pressed = self.reader_full || held_full;
        if !pressed && !order.take_pressed() {
            return;
        }
        for (stream, state) in &mut self.streams {
            let want = wanted(state.group);
            if state.paused != want {
                state.paused = want;
                self.pauses.push((*stream, want));
            }
        }
        order.set_pressed(pressed);
    }
}
