//! The lanes of a sender: found, bounded, forgotten.

use super::lane::{Lane, LaneState};
use super::{Sender, SubgroupEnd};
use crate::delivery::class::DeliveryClass;
use crate::delivery::object::SharedObject;
use crate::delivery::outlet::Outlet;
use crate::delivery::priority::transport_priority;
use crate::wire::error::stream_codes;
use std::time::Instant;

/// Reset or stopped lanes that are remembered so that their subgroups are not sent again.
const MAX_DEAD_LANES: usize = 1_024;

impl Sender {
    pub(super) fn find(&self, group: u64, subgroup: u64) -> Option<usize> {
        self.lanes
            .iter()
            .rposition(|lane| lane.group == group && lane.subgroup == subgroup)
    }

    /// The lane of an object, made when it is the subgroup's first here.
    pub(super) fn lane_for(&mut self, object: &SharedObject) -> Option<usize> {
        if let Some(index) = self.find(object.group, object.subgroup) {
            return Some(index);
        }
        if self.class() == Some(DeliveryClass::Latest) && !self.admit_latest(object.group) {
            return None;
        }
        self.lanes.push_back(Lane::new(object));
        Some(self.lanes.len() - 1)
    }

    pub(super) fn lane_priority(&self, lane: &Lane) -> i32 {
        transport_priority(
            self.config.subscriber_priority,
            lane.priority.unwrap_or(self.config.info.priority),
            self.order(),
            lane.group,
            lane.subgroup,
        )
    }

    /// What the class does when more waits than the bounds allow.
    pub(super) fn bound(&mut self) {
        let limits = self.config.limits;
        let held = self.waiting_cost + self.flushing_cost;
        if held <= limits.queue_bytes && self.waiting_objects <= limits.queue_objects {
            return;
        }
        match self.class() {
            Some(DeliveryClass::Deadline | DeliveryClass::Latest | DeliveryClass::Datagram) => {
                self.drop_oldest_waiting();
            }
            Some(DeliveryClass::Reliable) | None => {
                // One object may be larger than all the room there is, and wait beside the others.
                let beside = self.oversized();
                self.too_far_behind |= held - beside > limits.queue_bytes
                    || self.waiting_objects > limits.queue_objects;
            }
        }
    }

    /// Queue cost of the largest object here that is above the bound by itself.
    fn oversized(&self) -> usize {
        let most = self.config.limits.queue_bytes;
        let lanes = self.lanes.iter();
        let large = lanes.filter(|lane| lane.waiting_cost + lane.flushing > most);
        let largest = large.map(Lane::largest).max().unwrap_or(0);
        if largest > most {
            largest
        } else {
            0
        }
    }

    /// The connection has taken all of the lane's last object, or never will.
    pub(super) fn flushed(&mut self, index: usize) {
        if let Some(lane) = self.lanes.get_mut(index) {
            self.flushing_cost -= std::mem::take(&mut lane.flushing);
        }
    }

    pub(super) fn clear_lane(&mut self, index: usize) -> usize {
        let Some(lane) = self.lanes.get_mut(index) else {
            return 0;
        };
        let (objects, cost) = lane.clear();
        self.waiting_objects -= objects;
        self.waiting_cost -= cost;
        objects
    }

    pub(super) fn remove_lane(&mut self, index: usize) {
        self.clear_lane(index);
        self.flushed(index);
        if let Some(lane) = self.lanes.remove(index) {
            match lane.state {
                LaneState::Dead => self.dead -= 1,
                LaneState::Finished(_) if lane.flowed => {
                    self.flowing -= 1;
                    self.flowing_cost -= lane.written_cost;
                }
                LaneState::Finished(_) => self.unflowed -= 1,
                LaneState::Waiting | LaneState::Open(_) => {}
            }
            if index < self.active_from {
                self.active_from -= 1;
            }
        }
    }

    /// The lane's stream is gone. It is forgotten when its end is known, else remembered as dead.
    pub(super) fn kill(&mut self, index: usize) {
        self.stats.dropped += self.clear_lane(index) as u64;
        self.flushed(index);
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        if lane.fin {
            self.remove_lane(index);
            return;
        }
        if lane.state != LaneState::Dead {
            lane.state = LaneState::Dead;
            self.dead += 1;
        }
        if self.dead > MAX_DEAD_LANES {
            if let Some(oldest) = self.lanes.iter().position(|l| l.state == LaneState::Dead) {
                self.remove_lane(oldest);
            }
        }
    }

    /// Resets the lane's stream, if it has one, and kills it.
    pub(super) fn reset_lane(&mut self, index: usize, code: u64, out: &mut Outlet<'_>) {
        if let Some(stream) = self.lanes.get(index).and_then(Lane::stream) {
            out.session.reset_stream(out.transport, stream, code);
            out.owners.remove(stream);
            self.stats.reset += 1;
        }
        self.kill(index);
    }

    /// A filter moved: what is outside now is cut.
    pub(super) fn cut_outside(&mut self, out: &mut Outlet<'_>) {
        let (start, end) = (self.config.start, self.config.end_group);
        for index in (0..self.lanes.len()).rev() {
            let group = self.lanes[index].group;
            let outside = group < start.group || end.is_some_and(|end| group > end);
            if outside && self.lanes[index].is_active() {
                self.reset_lane(index, stream_codes::CANCELLED, out);
            }
        }
    }

    /// Forwarding stopped: objects will be missing from open subgroups, so they are cut. They are
    /// forgotten, because forwarding may begin again in the middle of one.
    pub(super) fn cut_unforwarded(&mut self, out: &mut Outlet<'_>) {
        for index in (0..self.lanes.len()).rev() {
            let lane = &self.lanes[index];
            if lane.is_active() && !lane.fin {
                self.reset_lane(index, stream_codes::CANCELLED, out);
                self.remove_lane(index);
            }
        }
    }

    /// The group that the subscription began in the middle of ended without another object. An
    /// empty stream says so: the subscriber cannot know it otherwise, and would wait.
    pub(super) fn end_start_group(
        &mut self,
        now: Instant,
        group: u64,
        subgroup: u64,
        end: SubgroupEnd,
    ) {
        let start = self.config.start;
        let partial = group == start.group && start.object > 0 && subgroup == 0;
        let wanted = partial && end == SubgroupEnd::Fin && !self.start_ended;
        let reliable = self.class() == Some(DeliveryClass::Reliable);
        if wanted && reliable && self.config.forward && !self.finishing {
            self.lanes.push_back(Lane::end_marker(group, subgroup, now));
        }
    }
}
