//! Writing lanes to the session.

use super::encode;
use super::lane::LaneState;
use super::Sender;
use crate::delivery::outlet::Outlet;
use crate::session::SessionError;
use crate::transport::StreamId;
use crate::wire::error::stream_codes;
use std::time::Instant;

/// What one lane's turn came to.
#[derive(PartialEq, Eq)]
pub(super) enum Turn {
    /// All that waited is written, or its stream is blocked.
    Next,
    /// No stream can be opened now.
    NoStreams,
}

impl Sender {
    /// Every lane that can take something, oldest first. Exhausted stream credit holds back the
    /// lanes that have no stream yet.
    pub(super) fn pump_all(&mut self, now: Instant, out: &mut Outlet<'_>) {
        if self.unflowed > 0 {
            self.settle_finished(out);
        }
        let mut credit = true;
        let mut index = self.active_from;
        while index < self.lanes.len() {
            let before = self.lanes.len();
            let waiting = self.lanes[index].state == LaneState::Waiting;
            if self.lanes[index].is_active()
                && (credit || !waiting)
                && self.pump_lane(index, now, out) == Turn::NoStreams
            {
                credit = false;
            }
            // A lane that was cut is gone: the next one has moved to its place.
            if self.lanes.len() == before {
                index += 1;
            }
        }
        self.skip_inactive();
    }

    /// Moves past lanes that have nothing to write any more.
    pub(super) fn skip_inactive(&mut self) {
        while self
            .lanes
            .get(self.active_from)
            .is_some_and(|lane| !lane.is_active())
        {
            self.active_from += 1;
        }
    }

    /// Writes one lane as far as its stream takes it.
    pub(super) fn pump_lane(&mut self, index: usize, now: Instant, out: &mut Outlet<'_>) -> Turn {
        let object_timeout = self.object_timeout();
        loop {
            let Some(lane) = self.lanes.get(index) else {
                return Turn::Next;
            };
            if lane.blocked {
                return Turn::Next;
            }
            let Some(object) = lane.front() else { break };
            if object_timeout.is_some_and(|limit| now.duration_since(object.received) > limit) {
                self.give_up(index, out);
                return Turn::Next;
            }
            let stream = match self.open_lane(index, out) {
                Ok(stream) => stream,
                Err(turn) => return turn,
            };
            let lane = &self.lanes[index];
            let Some(object) = lane.front() else { break };
            let profile = out.session.profile();
            let first = lane.previous.is_none() && !lane.announced;
            let head = first.then_some(self.config.alias);
            let framed =
                encode::framed(profile, object, head, lane.previous, lane.has_properties());
            let Some(framed) = framed else {
                // Not above the object before it: the subgroup cannot be continued.
                self.reset_lane(index, stream_codes::INTERNAL_ERROR, out);
                return Turn::Next;
            };
            match out
                .session
                .write_encoded(out.transport, stream, framed.bytes, framed.payload)
            {
                Ok(blocked) => self.written(index, blocked),
                Err(SessionError::Blocked) => {
                    self.lanes[index].blocked = true;
                    return Turn::Next;
                }
                Err(_) => {
                    out.owners.remove(stream);
                    self.kill(index);
                    return Turn::Next;
                }
            }
        }
        let announced = self.lanes.get(index).is_some_and(|lane| lane.announced);
        if announced {
            if let Err(turn) = self.open_lane(index, out) {
                return turn;
            }
        }
        self.end_lane(index, out);
        Turn::Next
    }

    /// The lane's stream, opened when it has none.
    fn open_lane(&mut self, index: usize, out: &mut Outlet<'_>) -> Result<StreamId, Turn> {
        let lane = &self.lanes[index];
        match lane.state {
            LaneState::Open(stream) => return Ok(stream),
            LaneState::Waiting => {}
            LaneState::Finished(_) | LaneState::Dead => return Err(Turn::Next),
        }
        let priority = self.lane_priority(lane);
        let alias = self.config.alias;
        let opened = if lane.announced {
            let header = lane.header(alias);
            let opened = out.session.open_subgroup(out.transport, &header, priority);
            if let Ok(stream) = opened {
                out.session.send_header(out.transport, stream);
            }
            opened
        } else {
            out.session
                .open_subgroup_encoded(out.transport, alias, priority)
        };
        match opened {
            Ok(stream) => {
                out.owners.insert(stream, self.config.key);
                self.stats.streams += 1;
                self.lanes[index].state = LaneState::Open(stream);
                Ok(stream)
            }
            Err(SessionError::NoStreams) => Err(Turn::NoStreams),
            Err(_) => {
                self.kill(index);
                Err(Turn::Next)
            }
        }
    }

    fn written(&mut self, index: usize, blocked: bool) {
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        lane.blocked = blocked;
        if let Some(object) = lane.pop() {
            lane.previous = Some(object.object);
            lane.written_cost += object.cost();
            self.waiting_objects -= 1;
            self.waiting_cost -= object.cost();
            if blocked {
                lane.flushing = object.cost();
                self.flushing_cost += object.cost();
            }
            self.stats.objects += 1;
            self.stats.bytes += object.payload.len() as u64;
        }
    }

    /// Finishes or cuts a lane that is all written and whose end is known.
    fn end_lane(&mut self, index: usize, out: &mut Outlet<'_>) {
        let Some(lane) = self.lanes.get_mut(index) else {
            return;
        };
        if !lane.fin {
            return;
        }
        match (lane.cut, lane.state) {
            (Some(code), _) => self.reset_lane(index, code, out),
            (None, LaneState::Open(stream)) => {
                out.session.finish_stream(out.transport, stream);
                lane.state = LaneState::Finished(stream);
                lane.flowed = !lane.blocked && !out.session.is_blocked(stream);
                if lane.flowed {
                    self.flowing += 1;
                    self.flowing_cost += lane.written_cost;
                } else {
                    self.unflowed += 1;
                }
            }
            (None, _) => self.remove_lane(index),
        }
    }

    /// A lane past its time: dropped when it has not begun, else reset.
    pub(super) fn give_up(&mut self, index: usize, out: &mut Outlet<'_>) {
        let Some(lane) = self.lanes.get(index) else {
            return;
        };
        // Killing counts them as dropped: here they count as expired.
        let waiting = lane.waiting() as u64;
        self.reset_lane(index, stream_codes::DELIVERY_TIMEOUT, out);
        self.stats.dropped -= waiting;
        self.stats.expired += waiting;
    }

    /// Drops what has not begun, oldest first, until the bounds hold. The newest stays.
    pub(super) fn drop_oldest_waiting(&mut self) {
        let limits = self.config.limits;
        let mut index = 0;
        while index + 1 < self.lanes.len()
            && (self.waiting_cost > limits.queue_bytes
                || self.waiting_objects > limits.queue_objects)
        {
            if self.lanes[index].state == LaneState::Waiting && self.lanes[index].waiting() > 0 {
                let before = self.lanes.len();
                self.kill(index);
                if self.lanes.len() < before {
                    continue;
                }
            }
            index += 1;
        }
    }
}
