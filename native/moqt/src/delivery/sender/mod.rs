//! The sending side of one subscription: what it does with objects when the network is slow is
//! the delivery class's affair, see the files beside this one.

mod config;
mod datagram;
mod deadline;
mod encode;
mod lane;
mod lanes;
mod latest;
mod pump;
#[cfg(test)]
mod tests;

pub use config::{filter_range, RangeOver, SenderConfig, SenderLimits, SenderStats};

use super::class::DeliveryClass;
use super::object::SharedObject;
use super::outlet::{Outlet, StreamSignal};
use crate::transport::StreamId;
use crate::wire::error::stream_codes;
use crate::wire::location::{GroupOrder, Location};
use crate::wire::object::SubgroupHeader;
use crate::wire::params::Parameters;
use config::timeout;
use lane::{Lane, LaneState};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How a subgroup ended where its objects come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubgroupEnd {
    /// All its objects were pushed.
    Fin,
    /// It was cut: a stream reset code.
    Reset(u64),
}

/// The sending side of one subscription. Objects are pushed in the order in which they come; the
/// class decides what is written, replaced, reset or dropped. Nothing here blocks or allocates per
/// object in steady state.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    /// Subgroups in the order of their first object.
    lanes: VecDeque<Lane>,
    /// Lanes before this index have nothing to write.
    active_from: usize,
    ring: VecDeque<SharedObject>,
    ring_cost: usize,
    waiting_objects: usize,
    waiting_cost: usize,
    /// Cost of objects that their streams have begun and not taken all of.
    flushing_cost: usize,
    dead: usize,
    /// Finished streams that are not acknowledged, with the cost of what they carry.
    flowing: usize,
    flowing_cost: usize,
    /// Finished streams that the connection has not taken all of.
    unflowed: usize,
    /// `latest`: the newest group seen.
    newest: Option<u64>,
    too_far_behind: bool,
    past_end: bool,
    finishing: bool,
    /// The group that the subscription began in had an object of its own.
    start_ended: bool,
    /// Not after the earliest expiry.
    timer: Option<Instant>,
    stats: SenderStats,
}

impl Sender {
    /// A sender with nothing to send.
    pub fn new(config: SenderConfig) -> Self {
        Sender {
            config,
            lanes: VecDeque::new(),
            active_from: 0,
            ring: VecDeque::new(),
            ring_cost: 0,
            waiting_objects: 0,
            waiting_cost: 0,
            flushing_cost: 0,
            dead: 0,
            flowing: 0,
            flowing_cost: 0,
            unflowed: 0,
            newest: None,
            too_far_behind: false,
            past_end: false,
            finishing: false,
            start_ended: false,
            timer: None,
            stats: SenderStats::default(),
        }
    }

    /// The owner's name for this sender.
    pub fn key(&self) -> u64 {
        self.config.key
    }

    /// The Track Alias it writes.
    pub fn alias(&self) -> u64 {
        self.config.alias
    }

    /// Takes one object. What the filter or the Forward State excludes is ignored. Nothing is
    /// written before [`Sender::pump`].
    pub fn push(&mut self, object: &SharedObject) {
        if self.too_far_behind || self.finishing || !self.passes(object.location()) {
            return;
        }
        if object.datagram {
            self.push_datagram(object);
            return;
        }
        let Some(index) = self.lane_for(object) else {
            return;
        };
        self.start_ended |= object.group == self.config.start.group;
        let lane = &mut self.lanes[index];
        if lane.state == LaneState::Dead || lane.fin {
            self.stats.dropped += 1;
            return;
        }
        lane.push(object.clone());
        self.waiting_objects += 1;
        self.waiting_cost += object.cost();
        self.active_from = self.active_from.min(index);
        self.arm_for_object(object);
        self.bound();
    }

    /// Opens a subgroup's stream before its first object is here, so that the subscriber knows of the
    /// group: a large object may take long, and what comes in later groups would overtake it unseen.
    /// `subgroup` is the id that the header stands for; its Track Alias is not looked at. Nothing is
    /// written before [`Sender::pump`].
    pub fn announce(&mut self, now: Instant, header: &SubgroupHeader, subgroup: u64) {
        let config = &self.config;
        let whole = config.start <= Location::new(header.group, 0)
            && config.end_group.is_none_or(|end| header.group <= end);
        let ordered = matches!(self.class(), Some(DeliveryClass::Reliable) | None);
        if self.too_far_behind || self.finishing || !config.forward || !whole || !ordered {
            return;
        }
        if self.find(header.group, subgroup).is_none() {
            self.lanes.push_back(Lane::announced(header, subgroup, now));
            self.active_from = self.active_from.min(self.lanes.len() - 1);
        }
    }

    /// The subgroup's objects were all pushed, or it was cut. For subgroups with nothing that
    /// passed, this does nothing.
    pub fn end_subgroup(&mut self, now: Instant, group: u64, subgroup: u64, end: SubgroupEnd) {
        let Some(index) = self.find(group, subgroup) else {
            self.end_start_group(now, group, subgroup, end);
            return;
        };
        let lane = &mut self.lanes[index];
        let unheard = lane.state == LaneState::Waiting && lane.waiting() == 0 && !lane.fin;
        if lane.state == LaneState::Dead || unheard {
            self.remove_lane(index);
            return;
        }
        if lane.fin {
            return;
        }
        lane.fin = true;
        lane.ended = Some(now);
        if let SubgroupEnd::Reset(code) = end {
            lane.cut = Some(code);
        }
        self.active_from = self.active_from.min(index);
        if let Some(limit) = self.subgroup_timeout() {
            self.arm(now + limit);
        }
    }

    /// Writes what the connection takes. Call after a batch of pushes, and when the session tells
    /// [`StreamsAvailable`](crate::session::SessionEvent::StreamsAvailable) or
    /// [`DatagramsAvailable`](crate::session::SessionEvent::DatagramsAvailable).
    pub fn pump(&mut self, now: Instant, out: &mut Outlet<'_>) {
        self.pump_ring(now, out);
        if self.class() == Some(DeliveryClass::Latest) {
            self.pump_latest(now, out);
        } else {
            self.pump_all(now, out);
        }
    }

    /// Something happened to a stream of this sender.
    pub fn on_stream(
        &mut self,
        now: Instant,
        signal: StreamSignal,
        stream: StreamId,
        out: &mut Outlet<'_>,
    ) {
        let found = self
            .lanes
            .iter()
            .position(|lane| lane.stream() == Some(stream));
        let Some(index) = found else {
            out.owners.remove(stream);
            return;
        };
        match signal {
            StreamSignal::Writable => {
                self.lanes[index].blocked = false;
                self.flushed(index);
                self.active_from = self.active_from.min(index);
            }
            StreamSignal::Acked => {
                out.owners.remove(stream);
                let group = self.lanes[index].group;
                self.remove_lane(index);
                if self.class() == Some(DeliveryClass::Latest) {
                    self.supersede(group, out);
                }
            }
            StreamSignal::Stopped => {
                out.owners.remove(stream);
                self.stats.stopped += 1;
                self.kill(index);
            }
        }
        self.pump(now, out);
    }

    /// When [`Sender::on_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }

    /// Gives up what is past its deadline or delivery timeout.
    pub fn on_timeout(&mut self, now: Instant, out: &mut Outlet<'_>) {
        if self.timer.is_some_and(|at| at <= now) {
            self.expire(now, out);
            self.pump(now, out);
        }
    }

    /// Applies a REQUEST_UPDATE; `largest` is the track's largest location now.
    pub fn update(
        &mut self,
        params: &Parameters,
        largest: Option<Location>,
        out: &mut Outlet<'_>,
    ) -> Result<(), RangeOver> {
        if params.filter.is_some() {
            let (start, end_group) = filter_range(params.filter, largest)?;
            self.config.start = start;
            self.config.end_group = end_group;
            self.past_end = false;
            self.cut_outside(out);
        }
        if let Some(forward) = params.forward {
            self.config.forward = forward;
            if !forward {
                self.cut_unforwarded(out);
            }
        }
        if params.subgroup_delivery_timeout.is_some() {
            self.config.subgroup_timeout = timeout(params.subgroup_delivery_timeout);
        }
        if params.object_delivery_timeout.is_some() {
            self.config.object_timeout = timeout(params.object_delivery_timeout);
        }
        if let Some(priority) = params.subscriber_priority {
            self.config.subscriber_priority = priority;
            for lane in &self.lanes {
                if let Some(stream) = lane.stream() {
                    let priority = self.lane_priority(lane);
                    out.session
                        .set_stream_priority(out.transport, stream, priority);
                }
            }
        }
        Ok(())
    }

    /// No object follows. Subgroups without an end are cut. Poll [`Sender::is_drained`] then.
    pub fn finish(&mut self, now: Instant) {
        self.finishing = true;
        for lane in self
            .lanes
            .iter_mut()
            .filter(|lane| lane.is_active() && !lane.fin)
        {
            lane.fin = true;
            lane.ended = Some(now);
            lane.cut = Some(stream_codes::CANCELLED);
        }
        self.active_from = 0;
    }

    /// Abandons everything, with a stream reset code.
    pub fn close(&mut self, code: u64, out: &mut Outlet<'_>) {
        self.finishing = true;
        while let Some(lane) = self.lanes.pop_back() {
            if let Some(stream) = lane.stream() {
                out.session.reset_stream(out.transport, stream, code);
                out.owners.remove(stream);
                self.stats.reset += 1;
            }
        }
        self.active_from = 0;
        self.dead = 0;
        self.flowing = 0;
        self.flowing_cost = 0;
        self.unflowed = 0;
        self.waiting_objects = 0;
        self.waiting_cost = 0;
        self.flushing_cost = 0;
        self.ring.clear();
        self.ring_cost = 0;
        self.timer = None;
    }

    /// More waits than the bounds allow: end the subscription with TOO_FAR_BEHIND and
    /// [`Sender::close`].
    pub fn is_too_far_behind(&self) -> bool {
        self.too_far_behind
    }

    /// An object after the filter's last group came: end with SUBSCRIPTION_ENDED when drained.
    pub fn is_past_end(&self) -> bool {
        self.past_end
    }

    /// Everything was handed to the transport and every stream is finished: PUBLISH_DONE may go.
    pub fn is_drained(&self) -> bool {
        self.ring.is_empty() && !self.lanes.iter().any(Lane::is_active)
    }

    /// The peer has acknowledged everything on streams, and no datagram waits.
    pub fn is_acked(&self) -> bool {
        self.ring.is_empty() && self.lanes.len() == self.dead
    }

    /// Bytes waiting, with [`OBJECT_OVERHEAD`](super::object::OBJECT_OVERHEAD) per object. One that its
    /// stream has begun counts until the stream has taken all of it.
    pub fn queued_bytes(&self) -> usize {
        self.waiting_cost + self.flushing_cost + self.ring_cost
    }

    /// Objects waiting.
    pub fn queued_objects(&self) -> usize {
        self.waiting_objects + self.ring.len()
    }

    /// The counters.
    pub fn stats(&self) -> &SenderStats {
        &self.stats
    }

    /// The Forward State.
    pub fn is_forwarding(&self) -> bool {
        self.config.forward
    }

    fn class(&self) -> Option<DeliveryClass> {
        self.config.info.class
    }

    fn order(&self) -> GroupOrder {
        self.config
            .group_order
            .unwrap_or(self.config.info.group_order)
    }

    fn smaller(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }

    /// `latest` keeps its newest whatever happens, so no timeout applies to it.
    fn subgroup_timeout(&self) -> Option<Duration> {
        match self.class() {
            Some(DeliveryClass::Latest) => None,
            _ => Self::smaller(
                self.config.info.subgroup_timeout,
                self.config.subgroup_timeout,
            ),
        }
    }

    fn object_timeout(&self) -> Option<Duration> {
        match self.class() {
            Some(DeliveryClass::Latest) => None,
            _ => Self::smaller(self.config.info.object_timeout, self.config.object_timeout),
        }
    }

    fn passes(&mut self, location: Location) -> bool {
        if self
            .config
            .end_group
            .is_some_and(|end| location.group > end)
        {
            self.past_end = true;
            return false;
        }
        self.config.forward && location >= self.config.start
    }
}
