//! The record queue of one client: a bounded lane per handle, read round-robin into the caller's
//! buffer.

use crate::record::{Record, MOQ_RECORD_OBJECT};
use moqt::hash::IntMap;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records that one lane may give before the next lane has its turn.
const TURN: usize = 128;
/// What a record counts beside its payload, so that empty objects are bounded too.
const OVERHEAD: usize = 64;
/// Bytes of records other than objects that a lane may hold beyond its own limit. Namespace changes
/// and gaps live here; the terminal record always has room.
const CONTROL_BYTES: usize = 1 << 20;

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

struct Lane {
    records: VecDeque<Record>,
    limit: usize,
    policy: Policy,
    max_age_us: u64,
    queued: usize,
    control: usize,
    in_ready: bool,
    held: bool,
    paused: bool,
    ended: bool,
    stats: LaneStats,
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
    /// What a poll has taken out and not copied yet; empty in between. Locked before `inner`.
    taken: Mutex<Vec<Record>>,
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
        self.lock().lanes.insert(
            handle,
            Lane {
                records: VecDeque::new(),
                limit,
                policy,
                max_age_us,
                queued: 0,
                control: 0,
                in_ready: false,
                held: false,
                paused: false,
                ended: false,
                stats: LaneStats::default(),
            },
        );
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
        for record in records.drain(..) {
            inner.push(record, &mut pushed);
        }
        pushed.wake = was_empty && !inner.ready.is_empty();
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
        let mut rest = out;
        for record in taken.drain(..) {
            let (place, after) = std::mem::take(&mut rest).split_at_mut(record.encoded_len());
            record.encode(place);
            rest = after;
        }
        polled
    }

    /// As [`RecordQueue::poll`], without copying: for readers in this crate.
    pub fn take_records(&self, into: &mut Vec<Record>, room: usize, now_us: u64) -> Polled {
        self.take(into, room, now_us)
    }

    /// Takes the next record of one handle out of turn, if `wanted` says so.
    pub fn take_next(&self, handle: u64, wanted: impl Fn(&Record) -> bool) -> Option<Record> {
        let mut inner = self.lock();
        let lane = inner.lanes.get_mut(&handle)?;
        if !lane.records.front().is_some_and(wanted) {
            return None;
        }
        let record = lane.pop();
        if lane.records.is_empty() {
            // Not listed any more: the next record must wake the reader.
            lane.in_ready = false;
            if lane.ended {
                inner.lanes.remove(&handle);
            }
            inner.ready.retain(|other| *other != handle);
        }
        record
    }

    /// Takes out as many whole records as fit into `room` bytes.
    fn take(&self, taken: &mut Vec<Record>, room: usize, now_us: u64) -> Polled {
        let mut polled = Polled::default();
        let mut inner = self.lock();
        'lanes: while let Some(&handle) = inner.ready.front() {
            let Some(lane) = inner.lanes.get_mut(&handle) else {
                inner.ready.pop_front();
                continue;
            };
            let mut turn = 0;
            while turn < TURN {
                lane.expire(now_us);
                let Some(record) = lane.records.front() else {
                    break;
                };
                let length = record.encoded_len();
                if length > room - polled.bytes {
                    if polled.count == 0 {
                        polled.needed = Some(length);
                    }
                    break 'lanes;
                }
                polled.bytes += length;
                polled.count += 1;
                turn += 1;
                taken.extend(lane.pop());
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
        self.lock().lanes.get(&handle).map(|lane| LaneStats {
            queued_bytes: lane.queued as u64,
            ..lane.stats
        })
    }
}

impl Inner {
    fn push(&mut self, record: Record, pushed: &mut Pushed) {
        let handle = record.handle;
        let Some(lane) = self.lanes.get_mut(&handle) else {
            return;
        };
        if lane.ended {
            return;
        }
        lane.push(record, pushed);
        if !lane.in_ready && !lane.held && !lane.records.is_empty() {
            lane.in_ready = true;
            self.ready.push_back(handle);
        }
    }
}

fn cost(record: &Record) -> usize {
    record.payload.len() + OVERHEAD
}

impl Lane {
    fn push(&mut self, record: Record, pushed: &mut Pushed) {
        use crate::record::{MOQ_RECORD_END, MOQ_RECORD_GAP};
        match record.kind {
            MOQ_RECORD_OBJECT => return self.push_object(record, pushed),
            MOQ_RECORD_END => self.ended = true,
            MOQ_RECORD_GAP => {
                self.stats.gaps += 1;
                if self.merge_gap(&record) {
                    return;
                }
            }
            _ => {}
        }
        if !self.ended && self.control + cost(&record) > CONTROL_BYTES {
            if !pushed.overrun.contains(&record.handle) {
                pushed.overrun.push(record.handle);
            }
            return;
        }
        self.control += cost(&record);
        self.records.push_back(record);
    }

    fn push_object(&mut self, record: Record, pushed: &mut Pushed) {
        self.stats.objects += 1;
        self.stats.bytes += record.payload.len() as u64;
        self.stats.queued_objects += 1;
        self.queued += cost(&record);
        let handle = record.handle;
        self.records.push_back(record);
        if self.queued <= self.limit {
            return;
        }
        match self.policy {
            Policy::Pause if self.paused => {}
            Policy::Pause => {
                self.paused = true;
                pushed.pause.push(handle);
            }
            Policy::DropOldest => {
                // The newest object stays whatever its size.
                while self.queued > self.limit && self.stats.queued_objects > 1 {
                    self.drop_oldest_object();
                    self.stats.overflow += 1;
                }
            }
        }
    }

    /// Extends the gap record at the end of the lane, so that gaps alone cannot fill it.
    fn merge_gap(&mut self, gap: &Record) -> bool {
        let Some(last) = self.records.back_mut() else {
            return false;
        };
        let continues = last.kind == gap.kind
            && last.code == gap.code
            && last.flags == gap.flags
            && gap.group == last.object.saturating_add(1);
        if continues {
            last.object = gap.object;
            last.extra = last.extra.saturating_add(gap.extra);
        }
        continues
    }

    fn drop_oldest_object(&mut self) {
        let Some(at) = self
            .records
            .iter()
            .position(|record| record.kind == MOQ_RECORD_OBJECT)
        else {
            return;
        };
        if let Some(record) = self.records.remove(at) {
            self.queued -= cost(&record);
            self.stats.queued_objects -= 1;
        }
    }

    fn expire(&mut self, now_us: u64) {
        while self.max_age_us > 0 {
            let Some(record) = self.records.front() else {
                return;
            };
            if record.kind != MOQ_RECORD_OBJECT
                || now_us.saturating_sub(record.received_us) <= self.max_age_us
            {
                return;
            }
            self.pop();
            self.stats.expired += 1;
        }
    }

    fn pop(&mut self) -> Option<Record> {
        let record = self.records.pop_front()?;
        if record.kind == MOQ_RECORD_OBJECT {
            self.queued -= cost(&record);
            self.stats.queued_objects -= 1;
        } else {
            self.control = self.control.saturating_sub(cost(&record));
        }
        Some(record)
    }

    /// Intake goes on once half of the room is free, so that it is not switched for each object.
    fn can_resume(&self) -> bool {
        self.paused && self.queued <= self.limit / 2
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
