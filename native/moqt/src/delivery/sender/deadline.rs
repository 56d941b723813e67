//! Class `deadline`, and the draft's delivery timeouts: what is too old is given up.

use super::Sender;
use crate::delivery::class::DeliveryClass;
use crate::delivery::object::SharedObject;
use crate::delivery::outlet::Outlet;
use crate::wire::error::stream_codes;
use std::time::Instant;

impl Sender {
    /// When the lane at `index` is given up whatever it is doing.
    fn expiry(&self, index: usize) -> Option<Instant> {
        let lane = self.lanes.get(index)?;
        if self.class() == Some(DeliveryClass::Deadline) {
            let limit = Self::smaller(self.object_timeout(), self.subgroup_timeout());
            return Some(lane.since + limit.unwrap_or(self.config.info.deadline));
        }
        Some(lane.ended? + self.subgroup_timeout()?)
    }

    pub(super) fn arm(&mut self, at: Instant) {
        self.timer = Some(self.timer.map_or(at, |timer| timer.min(at)));
    }

    /// Notes when an object that was just pushed expires.
    pub(super) fn arm_for_object(&mut self, object: &SharedObject) {
        if self.class() == Some(DeliveryClass::Deadline) {
            let limit = Self::smaller(self.object_timeout(), self.subgroup_timeout());
            self.arm(object.received + limit.unwrap_or(self.config.info.deadline));
        } else if let Some(limit) = self.object_timeout() {
            self.arm(object.received + limit);
        }
    }

    /// Gives up every lane past its time and finds the next one.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Outlet<'_>) {
        self.timer = None;
        for index in (0..self.lanes.len()).rev() {
            let by_object = match (self.lanes[index].front(), self.object_timeout()) {
                (Some(object), Some(limit)) => Some(object.received + limit),
                _ => None,
            };
            let at = match (self.expiry(index), by_object) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, other) => one.or(other),
            };
            let Some(at) = at else { continue };
            if !self.lanes[index].is_active() && self.lanes[index].stream().is_none() {
                continue;
            }
            if at <= now {
                self.lanes[index].cut = Some(stream_codes::DELIVERY_TIMEOUT);
                self.give_up(index, out);
            } else {
                self.arm(at);
            }
        }
    }
}
