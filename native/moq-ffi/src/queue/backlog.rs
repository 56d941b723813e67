//! Records in order, encoded as their reader gets them. The I/O thread writes each once; what waits
//! goes to the reader as it lies, in one piece.

use crate::record::{padding, MoqRecordHeader, Record, MOQ_RECORD_HEADER_SIZE, MOQ_RECORD_OBJECT};
use bytes::Bytes;
use std::collections::VecDeque;

/// Payloads of up to so many bytes are written behind their header. Longer ones stay shared with
/// whoever received them: copying them twice costs more than the rest of their way.
const SHORT: usize = 1_024;
/// An empty backlog keeps no more memory than this, in bytes, for what comes next.
const KEPT: usize = 64 * 1_024;

/// See the module.
#[derive(Default)]
pub struct Backlog {
    /// Headers, and short payloads with their padding; what lies before `head` is gone.
    bytes: Vec<u8>,
    head: usize,
    /// Long payloads, in order.
    long: VecDeque<Bytes>,
    records: usize,
    /// Of all records, once they are encoded.
    encoded: usize,
    /// Bytes that the last record takes in `bytes`.
    last: usize,
}

/// Bytes that a record takes in `bytes`.
fn stored(header: &MoqRecordHeader) -> usize {
    match is_long(header) {
        true => MOQ_RECORD_HEADER_SIZE,
        false => header.length as usize,
    }
}

fn is_long(header: &MoqRecordHeader) -> bool {
    header.payload_length as usize > SHORT
}

impl Backlog {
    /// How many records wait.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Bytes that all of them take once encoded.
    pub fn encoded_len(&self) -> usize {
        self.encoded
    }

    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Adds a record at the end.
    pub fn push(&mut self, record: &Record) {
        let header = record.header();
        self.make_room(stored(&header) + 8);
        self.bytes.extend_from_slice(&header.to_bytes());
        if is_long(&header) {
            self.long.push_back(record.payload.clone());
        } else {
            self.bytes.extend_from_slice(&record.payload);
            // Of one known size, which takes no call; then cut to what it should be.
            let end = self.bytes.len().next_multiple_of(8);
            self.bytes.extend_from_slice(&[0; 8]);
            self.bytes.truncate(end);
        }
        self.count_last(&header);
    }

    /// The oldest record.
    pub fn front(&self) -> Option<MoqRecordHeader> {
        self.header_at(self.head)
    }

    /// The newest record.
    pub fn back(&self) -> Option<MoqRecordHeader> {
        self.header_at(self.bytes.len() - self.last)
    }

    /// Rewrites the header of the newest record, whose sizes stay what they are.
    pub fn set_back(&mut self, header: MoqRecordHeader) {
        let at = self.bytes.len() - self.last;
        if let Some(place) = self.bytes[at..].first_chunk_mut() {
            *place = header.to_bytes();
        }
    }

    /// Takes the oldest record out and adds it at the end of another backlog.
    pub fn move_front(&mut self, to: &mut Backlog) -> Option<MoqRecordHeader> {
        let header = self.front()?;
        let size = stored(&header);
        to.make_room(size);
        to.bytes
            .extend_from_slice(&self.bytes[self.head..self.head + size]);
        if is_long(&header) {
            to.long.extend(self.long.pop_front());
        }
        to.count_last(&header);
        self.forget_front(&header);
        Some(header)
    }

    /// Drops the oldest record.
    pub fn drop_front(&mut self) -> Option<MoqRecordHeader> {
        let header = self.front()?;
        if is_long(&header) {
            self.long.pop_front();
        }
        self.forget_front(&header);
        Some(header)
    }

    /// Drops the oldest object. Records of other kinds before it move up.
    pub fn drop_oldest_object(&mut self) -> Option<MoqRecordHeader> {
        let (mut at, mut before, mut long) = (self.head, 0, 0);
        let header = loop {
            let header = self.header_at(at)?;
            if header.kind == MOQ_RECORD_OBJECT as u16 {
                break header;
            }
            before = stored(&header);
            at += before;
            long += usize::from(is_long(&header));
        };
        if is_long(&header) {
            self.long.remove(long);
        }
        let size = stored(&header);
        if at + size == self.bytes.len() {
            self.last = before;
        }
        self.bytes.copy_within(self.head..at, self.head + size);
        self.forget_front(&header);
        Some(header)
    }

    /// Writes all records to the start of `out`, which has room for them.
    pub fn write_to(&self, mut out: &mut [u8]) {
        let mut rest = &self.bytes[self.head..];
        let mut put = |bytes: &[u8]| {
            let (place, after) = std::mem::take(&mut out).split_at_mut(bytes.len());
            place.copy_from_slice(bytes);
            out = after;
        };
        // Up to each long payload, and behind the last, everything lies as it is read.
        for payload in &self.long {
            let upto = run_to_long(rest);
            put(&rest[..upto]);
            put(payload);
            put(padding(payload.len()));
            rest = &rest[upto..];
        }
        put(rest);
    }

    /// Takes all records out as they were before they were encoded; short payloads share one piece of memory.
    pub fn take_records(&mut self, into: &mut Vec<Record>) {
        let mut taken = std::mem::take(self);
        let bytes = Bytes::from(taken.bytes);
        let mut at = taken.head;
        while let Some(header) = read_header(&bytes, at) {
            let payload = match is_long(&header) {
                true => taken.long.pop_front().unwrap_or_default(),
                false => {
                    let from = at + MOQ_RECORD_HEADER_SIZE;
                    bytes.slice(from..from + header.payload_length as usize)
                }
            };
            at += stored(&header);
            into.extend(Record::of(&header, payload));
        }
    }

    /// Empty again; keeps some memory.
    pub fn clear(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        if bytes.capacity() > KEPT {
            bytes = Vec::new();
        }
        *self = Self {
            bytes,
            ..Self::default()
        };
    }

    fn header_at(&self, at: usize) -> Option<MoqRecordHeader> {
        read_header(&self.bytes, at)
    }

    /// Makes room for so many bytes, rather where records are gone than in more memory.
    fn make_room(&mut self, size: usize) {
        let live = self.bytes.len() - self.head;
        if self.bytes.capacity() - self.bytes.len() < size && self.head >= live {
            self.bytes.copy_within(self.head.., 0);
            self.bytes.truncate(live);
            self.head = 0;
        }
        self.bytes.reserve(size);
    }

    fn count_last(&mut self, header: &MoqRecordHeader) {
        self.last = stored(header);
        self.records += 1;
        self.encoded += header.length as usize;
    }

    /// `header` lies at the head, and its long payload is gone.
    fn forget_front(&mut self, header: &MoqRecordHeader) {
        self.head += stored(header);
        self.records -= 1;
        self.encoded -= header.length as usize;
        if self.records == 0 {
            self.clear();
        }
    }
}

fn read_header(bytes: &[u8], at: usize) -> Option<MoqRecordHeader> {
    let header = bytes.get(at..)?.first_chunk()?;
    Some(MoqRecordHeader::from_bytes(header))
}

/// Bytes up to the end of the first header whose payload is long.
fn run_to_long(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(header) = read_header(bytes, at) {
        at += stored(&header);
        if is_long(&header) {
            break;
        }
    }
    at
}

#[cfg(test)]
#[path = "backlog_tests.rs"]
mod tests;
