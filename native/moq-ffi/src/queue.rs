//! The record queue of one client: a bounded lane per handle, read round-robin into the caller's
//! buffer. The I/O thread writes a record as the caller gets it; a poll takes what waits in a lane in
//! one piece, by exchanging buffers under the lock, and copies it without.

mod backlog;
mod lane;

use crate::record::{MoqRecordKind, Record};
use backlog::Backlog;
use lane::Lane;
use moqt::hash::IntMap;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records that one lane may give before the next lane has its turn.
const TURN: usize = 128;
/// Empty backlogs kept for the next poll.
const SPARE: usize = 8;

/// What happens when objects fill a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// The intake is paused: the peer feels it (`reliable`, fetch).
    Pause,
    /// The oldest object is dropped and counted (all other classes).
    DropOldest,
}

/// Counters of one lane.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct LaneStats {
    pub objects: u64,
    pub bytes: u64,
    pub queued_objects: u64,
    pub queued_bytes: u64,
    pub overflow: u64,
    pub expired: u64,
    pub gaps: u64,
}

#[derive(Default)]
struct Inner {
    lanes: IntMap<u64, Lane>,
    ready: VecDeque<u64>,
}

/// See the module.
#[derive(Default)]
pub struct RecordQueue {
    inner: Mutex<Inner>,
    /// Locked before `inner`.
    taken: Mutex<Taken>,
}

/// Of polls.
#[derive(Default)]
struct Taken {
    /// What was taken out and not copied yet; empty in between.
    runs: Vec<Backlog>,
    /// Given to lanes in exchange.
    spare: Vec<Backlog>,
}

/// Keeps the memory of a run that was copied for the next one.
fn keep(spare: &mut Vec<Backlog>, mut run: Backlog) {
    if spare.len() < SPARE {
        run.clear();
        spare.push(run);
    }
}

/// What the I/O thread must do after pushing.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The queue went from empty to non-empty.
    pub wake: bool,
    /// Lanes whose intake must be paused.
    pub pause: Vec<u64>,
    /// Lanes that cannot hold what the peer sends beside objects: end them.
    pub overrun: Vec<u64>,
}

/// What a poll gave.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Polled {
    /// Bytes written.
    pub bytes: usize,
    /// Records written.
    pub count: usize,
    /// More wait.
    pub more: bool,
    /// Size of the next record when not even that one fits.
    pub needed: Option<usize>,
    /// Lanes whose intake can go on.
    pub resume: Vec<u64>,
}

impl RecordQueue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a lane. `limit` counts bytes of payload plus 64 for each object; `max_age_us` 0 is none.
    pub fn open(&self, handle: u64, limit: usize, policy: Policy, max_age_us: u64) {
        let lane = Lane::new(limit, policy, max_age_us);
        self.lock().lanes.insert(handle, lane);
    }

    /// The class is known only once the peer accepted.
    pub fn set_policy(&self, handle: u64, policy: Policy) {
        if let Some(lane) = self.lock().lanes.get_mut(&handle) {
            lane.policy = policy;
        }
    }

    /// Forgets a lane with everything in it: nothing more comes for this handle.
    pub fn close(&self, handle: u64) {
        let mut inner = self.lock();
        let removed = inner.lanes.remove(&handle);
        if removed.is_some_and(|lane| lane.in_ready) {
            inner.ready.retain(|other| *other != handle);
        }
    }

    /// Forgets all lanes.
    pub fn close_all(&self) {
        let taken = std::mem::take(&mut *self.lock());
        drop(taken);
    }

    /// Adds records of any lanes, draining `records`. Records of unknown lanes are dropped.
    pub fn push(&self, records: &mut Vec<Record>) -> Pushed {
        let mut pushed = Pushed::default();
        let mut inner = self.lock();
        let was_empty = inner.ready.is_empty();
        for run in records.chunk_by(|a, b| a.handle == b.handle) {
            inner.push(run, &mut pushed);
        }
        pushed.wake = was_empty && !inner.ready.is_empty();
        drop(inner);
        records.clear();
        pushed
    }

    /// A held lane keeps its records and is skipped by `poll`; its policy applies when it fills.
    /// Gives whether the queue went from empty to non-empty.
    pub fn hold(&self, handle: u64, held: bool) -> Option<bool> {
        let mut inner = self.lock();
        let was_empty = inner.ready.is_empty();
        let lane = inner.lanes.get_mut(&handle)?;
        lane.held = held;
        if held && lane.in_ready {
            lane.in_ready = false;
            inner.ready.retain(|other| *other != handle);
        } else if !held && !lane.in_ready && !lane.records.is_empty() {
            lane.in_ready = true;
            inner.ready.push_back(handle);
        }
        Some(was_empty && !inner.ready.is_empty())
    }

    /// Copies as many whole records as fit into `out`. They are copied, and what they share let go,
    /// without the lock that the I/O thread needs.
    pub fn poll(&self, out: &mut [u8], now_us: u64) -> Polled {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = self.take(&mut taken, out.len(), now_us);
        let Taken { runs, spare } = &mut *taken;
        let mut rest = out;
        for run in runs.drain(..) {
            let (place, after) = std::mem::take(&mut rest).split_at_mut(run.encoded_len());
            run.write_to(place);
            keep(spare, run);
            rest = after;
        }
        polled
    }

    /// As [`RecordQueue::poll`], as records that share what was queued: for readers in this crate.
    pub fn take_records(&self, into: &mut Vec<Record>, room: usize, now_us: u64) -> Polled {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = self.take(&mut taken, room, now_us);
        for mut run in taken.runs.drain(..) {
            run.take_records(into);
        }
        polled
    }

    /// Takes the next record of one handle out of turn, if `wanted` says so.
    pub fn take_next(&self, handle: u64, wanted: impl Fn(MoqRecordKind) -> bool) -> Option<Record> {
        let mut inner = self.lock();
        let lane = inner.lanes.get_mut(&handle)?;
        let kind = MoqRecordKind::from_number(lane.records.front()?.kind)?;
        if !wanted(kind) {
            return None;
        }
        let mut run = Backlog::default();
        lane.move_front(&mut run);
        if lane.records.is_empty() {
            // Not listed any more: the next record must wake the reader.
            lane.in_ready = false;
            if lane.ended {
                inner.lanes.remove(&handle);
            }
            inner.ready.retain(|other| *other != handle);
        }
        drop(inner);
        let mut record = Vec::new();
        run.take_records(&mut record);
        record.pop()
    }

    /// Takes out as many whole records as fit into `room` bytes, adding to the runs of `taken`.
    fn take(&self, taken: &mut Taken, room: usize, now_us: u64) -> Polled {
        let mut polled = Polled::default();
        let mut inner = self.lock();
        'lanes: while let Some(&handle) = inner.ready.front() {
            let alone = inner.ready.len() == 1;
            let Some(lane) = inner.lanes.get_mut(&handle) else {
                inner.ready.pop_front();
                continue;
            };
            let room = room - polled.bytes;
            let mut run = taken.spare.pop().unwrap_or_default();
            let mut next = None;
            let whole = lane.goes_whole() && lane.records.encoded_len() <= room;
            if whole && (alone || lane.records.records() <= TURN) {
                run = lane.take_all(run);
            } else {
                while run.records() < TURN {
                    lane.expire(now_us);
                    next = lane.records.front().map(|header| header.length as usize);
                    if next.is_none_or(|length| length > room - run.encoded_len()) {
                        break;
                    }
                    lane.move_front(&mut run);
                    next = None;
                }
            }
            polled.bytes += run.encoded_len();
            polled.count += run.records();
            taken.runs.push(run);
            if next.is_some() {
                // Not even one more fits.
                polled.needed = next.filter(|_| polled.count == 0);
                break 'lanes;
            }
            if lane.can_resume() {
                lane.paused = false;
                polled.resume.push(handle);
            }
            inner.ready.pop_front();
            match inner.lanes.get_mut(&handle) {
                Some(lane) if !lane.records.is_empty() => inner.ready.push_back(handle),
                Some(lane) if lane.ended => drop(inner.lanes.remove(&handle)),
                Some(lane) => lane.in_ready = false,
                None => {}
            }
        }
        polled.more = !inner.ready.is_empty();
        polled
    }

    /// Whether a poll would give something.
    pub fn has_records(&self) -> bool {
        !self.lock().ready.is_empty()
    }

    /// Counters of a lane that exists.
    pub fn stats(&self, handle: u64) -> Option<LaneStats> {
        self.lock().lanes.get(&handle).map(Lane::stats)
    }
}

impl Inner {
    /// Adds records of one handle.
    fn push(&mut self, records: &[Record], pushed: &mut Pushed) {
        let Some(handle) = records.first().map(|record| record.handle) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(&handle) else {
            return;
        };
        for record in records {
            lane.push(record, pushed);
        }
        if !lane.in_ready && !lane.held && !lane.records.is_empty() {
            lane.in_ready = true;
            self.ready.push_back(handle);
        }
    }
}

#[cfg(test)]
mod tests;
