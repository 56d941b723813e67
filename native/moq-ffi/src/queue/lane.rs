//! One handle's share of the queue: its records, its limits and its counters.

use super::backlog::Backlog;
use super::{LaneStats, Policy, Pushed};
use crate::record::*;

/// What a record counts beside its payload, so that empty objects are bounded too.
const OVERHEAD: usize = 64;
/// Bytes of records other than objects that a lane may hold beyond its own limit. Namespace changes
/// and gaps live here; the terminal record always has room.
const CONTROL_BYTES: usize = 1 << 20;

/// See the module.
pub struct Lane {
    pub records: Backlog,
    limit: usize,
    pub policy: Policy,
    max_age_us: u64,
    queued: usize,
    control: usize,
    pub in_ready: bool,
    pub held: bool,
    pub paused: bool,
    pub ended: bool,
    stats: LaneStats,
}

fn cost(header: &MoqRecordHeader) -> usize {
    header.payload_length as usize + OVERHEAD
}

fn is_object(header: &MoqRecordHeader) -> bool {
    header.kind == MOQ_RECORD_OBJECT as u16
}

impl Lane {
    pub fn new(limit: usize, policy: Policy, max_age_us: u64) -> Self {
        Self {
            records: Backlog::default(),
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
        }
    }

    pub fn stats(&self) -> LaneStats {
        LaneStats {
            queued_bytes: self.queued as u64,
            ..self.stats
        }
    }

    /// Adds a record. Nothing follows the terminal one.
    pub fn push(&mut self, record: &Record, pushed: &mut Pushed) {
        if self.ended {
            return;
        }
        match record.kind {
            MOQ_RECORD_OBJECT => return self.push_object(record, pushed),
            MOQ_RECORD_END => self.ended = true,
            MOQ_RECORD_GAP => {
                self.stats.gaps += 1;
                if self.merge_gap(record) {
                    return;
                }
            }
            _ => {}
        }
        let cost = record.payload.len() + OVERHEAD;
        if !self.ended && self.control + cost > CONTROL_BYTES {
            if !pushed.overrun.contains(&record.handle) {
                pushed.overrun.push(record.handle);
            }
            return;
        }
        self.control += cost;
        self.records.push(record);
    }

    fn push_object(&mut self, record: &Record, pushed: &mut Pushed) {
        self.stats.objects += 1;
        self.stats.bytes += record.payload.len() as u64;
        self.stats.queued_objects += 1;
        self.queued += record.payload.len() + OVERHEAD;
        self.records.push(record);
        if self.queued <= self.limit {
            return;
        }
        match self.policy {
            Policy::Pause if self.paused => {}
            Policy::Pause => {
                self.paused = true;
                pushed.pause.push(record.handle);
            }
            Policy::DropOldest => {
                // The newest object stays whatever its size.
                while self.queued > self.limit && self.stats.queued_objects > 1 {
                    let Some(dropped) = self.records.drop_oldest_object() else {
                        return;
                    };
                    self.count_out(&dropped);
                    self.stats.overflow += 1;
                }
            }
        }
    }

    /// Extends the gap record at the end of the lane, so that gaps alone cannot fill it.
    fn merge_gap(&mut self, gap: &Record) -> bool {
        let Some(last) = self.records.back() else {
            return false;
        };
        let continues = last.kind == gap.kind as u16
            && last.code == gap.code
            && last.flags == gap.flags
            && gap.group == last.object.saturating_add(1);
        if continues {
            self.records.set_back(MoqRecordHeader {
                object: gap.object,
                extra: last.extra.saturating_add(gap.extra),
                ..last
            });
        }
        continues
    }

    /// Drops what waited too long, up to the first record that did not.
    pub fn expire(&mut self, now_us: u64) {
        while self.max_age_us > 0 {
            let Some(header) = self.records.front() else {
                return;
            };
            if !is_object(&header) || now_us.saturating_sub(header.received_us) <= self.max_age_us {
                return;
            }
            self.records.drop_front();
            self.count_out(&header);
            self.stats.expired += 1;
        }
    }

    /// Whether its records may go to the reader without a look at each.
    pub fn goes_whole(&self) -> bool {
        self.max_age_us == 0
    }

    /// Gives all records in exchange for an empty backlog.
    pub fn take_all(&mut self, empty: Backlog) -> Backlog {
        (self.queued, self.control, self.stats.queued_objects) = (0, 0, 0);
        std::mem::replace(&mut self.records, empty)
    }

    /// Moves the oldest record to the end of another backlog.
    pub fn move_front(&mut self, to: &mut Backlog) {
        if let Some(header) = self.records.move_front(to) {
            self.count_out(&header);
        }
    }

    fn count_out(&mut self, header: &MoqRecordHeader) {
        if is_object(header) {
            self.queued -= cost(header);
            self.stats.queued_objects -= 1;
        } else {
            self.control = self.control.saturating_sub(cost(header));
        }
    }

    /// Intake goes on once half of the room is free, so that it is not switched for each object.
    pub fn can_resume(&self) -> bool {
        self.paused && self.queued <= self.limit / 2
    }
}
