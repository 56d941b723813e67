//! Class `latest`: the newest update always arrives, older ones make way.
//!
//! An update that has not begun is replaced by a newer one. One that has begun is reset only when
//! a newer one is acknowledged. A new one begins only while what has begun fits in the congestion
//! window: otherwise each newest would take the path of the one before it, and none would arrive.

use super::lane::LaneState;
use super::pump::Turn;
use super::Sender;
use crate::delivery::outlet::Outlet;
use crate::wire::error::stream_codes;
use std::time::Instant;

/// Bytes under way that never hold back a new update: about the initial congestion window.
const FREE_WINDOW: usize = 16 * 1_024;

impl Sender {
    /// Whether an update of `group`, which has no lane yet, is still wanted. Replaces what has not
    /// begun and is older.
    pub(super) fn admit_latest(&mut self, group: u64) -> bool {
        if self.newest.is_some_and(|newest| group < newest) {
            self.stats.dropped += 1;
            return false;
        }
        self.newest = Some(group);
        for index in (self.active_from..self.lanes.len()).rev() {
            let lane = &self.lanes[index];
            if lane.state == LaneState::Waiting && lane.group < group {
                self.kill(index);
            }
        }
        true
    }

    /// `group` is acknowledged: what is older is of no use any more.
    pub(super) fn supersede(&mut self, group: u64, out: &mut Outlet<'_>) {
        for index in (0..self.lanes.len()).rev() {
            if self.lanes[index].group < group && self.lanes[index].state != LaneState::Dead {
                self.reset_lane(index, stream_codes::DELIVERY_TIMEOUT, out);
            }
        }
    }

    pub(super) fn pump_latest(&mut self, now: Instant, out: &mut Outlet<'_>) {
        // What has begun goes on first, the newest before the others.
        for index in (self.active_from..self.lanes.len()).rev() {
            if matches!(
                self.lanes.get(index).map(|l| l.state),
                Some(LaneState::Open(_))
            ) {
                self.pump_lane(index, now, out);
            }
        }
        let mut index = self.active_from;
        while index < self.lanes.len() {
            let lane = &self.lanes[index];
            if lane.state == LaneState::Waiting && lane.waiting() > 0 {
                let (group, cost) = (lane.group, lane.waiting_cost);
                if !self.may_begin(group, cost, out) {
                    break;
                }
                if self.pump_lane(index, now, out) == Turn::NoStreams {
                    break;
                }
            } else if lane.state == LaneState::Waiting && lane.fin {
                self.remove_lane(index);
                continue;
            }
            index += 1;
        }
        self.skip_inactive();
    }

    /// Whether an update of this group and cost may take a stream now.
    fn may_begin(&mut self, group: u64, cost: usize, out: &Outlet<'_>) -> bool {
        if self.unflowed > 0 && !self.settle_finished(out) {
            return false;
        }
        let (mut begun, mut bytes) = (self.flowing, self.flowing_cost);
        // Lanes before this index are not open.
        for lane in self.lanes.range(self.active_from..) {
            let LaneState::Open(stream) = lane.state else {
                continue;
            };
            if lane.group == group {
                continue;
            }
            if lane.blocked || out.session.is_blocked(stream) {
                return false;
            }
            begun += 1;
            bytes += lane.written_cost;
        }
        if begun == 0 {
            return true;
        }
        let window = out.transport.stats().congestion_window;
        let window = usize::try_from(window)
            .unwrap_or(usize::MAX)
            .max(FREE_WINDOW);
        begun < self.config.limits.started && bytes + cost <= window
    }

    /// Looks whether the connection has taken what finished streams held; `false` when it has not.
    pub(super) fn settle_finished(&mut self, out: &Outlet<'_>) -> bool {
        for lane in &mut self.lanes {
            if let (LaneState::Finished(stream), false) = (lane.state, lane.flowed) {
                if lane.blocked || out.session.is_blocked(stream) {
                    return false;
                }
                lane.flowed = true;
                self.unflowed -= 1;
                self.flowing += 1;
                self.flowing_cost += lane.written_cost;
                self.flushing_cost -= std::mem::take(&mut lane.flushing);
            }
        }
        true
    }
}
