//! Buffers of one stream: bytes that wait for the rest of a message, and bytes that wait for flow
//! control.

use crate::transport::{StreamClosed, StreamId, Transport};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Adds up what all buffers of one kind hold in a session. Buffers take off what they had when
/// they are dropped, whichever way their stream ends.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<AtomicUsize>);

impl Meter {
    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts bytes until the result is dropped.
    pub fn charge(&self, bytes: usize) -> Charge {
        let mut charge = Charge {
            meter: self.clone(),
            bytes: 0,
        };
        charge.set(bytes);
        charge
    }
}

/// Bytes that count on a meter.
pub(super) struct Charge {
    meter: Meter,
    bytes: usize,
}

impl Charge {
    fn set(&mut self, bytes: usize) {
        let sum = &self.meter.0;
        if bytes >= self.bytes {
            sum.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            sum.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Joins received chunks until what is parsed is whole. While chunks hold whole messages nothing
/// is copied. What is kept counts on a meter.
#[derive(Default)]
pub(super) struct Assembler {
    stash: BytesMut,
    need: usize,
    charge: Option<Charge>,
}

impl Assembler {
    /// Takes a chunk; gives bytes that are worth parsing.
    pub fn feed(&mut self, data: Bytes) -> Option<Bytes> {
        if self.stash.is_empty() {
            return (!data.is_empty()).then_some(data);
        }
        self.stash.extend_from_slice(&data);
        if self.stash.len() < self.need {
            self.count();
            return None;
        }
        self.charge = None;
        Some(self.stash.split().freeze())
    }

    /// [`Assembler::feed`] for messages: what outlives them must not keep the packet that they
    /// came in, and its neighbours, in memory.
    pub fn feed_copy(&mut self, data: Bytes) -> Option<Bytes> {
        if self.stash.is_empty() && !data.is_empty() {
            return Some(Bytes::copy_from_slice(&data));
        }
        self.feed(data)
    }

    fn count(&mut self) {
        if let Some(charge) = &mut self.charge {
            charge.set(self.stash.len());
        }
    }

    /// Keeps what could not be parsed until `missing` more bytes are there.
    pub fn keep(&mut self, meter: &Meter, rest: &[u8], missing: usize) {
        self.need = rest.len().saturating_add(missing);
        self.stash.extend_from_slice(rest);
        self.charge = Some(meter.charge(self.stash.len()));
    }

    /// Keeps a chunk without looking at it; the next [`Assembler::feed`] gives it.
    pub fn hold(&mut self, meter: &Meter, data: &[u8]) {
        self.need = 0;
        self.stash.extend_from_slice(data);
        self.charge = Some(meter.charge(self.stash.len()));
    }

    /// Bytes of what is not whole.
    pub fn len(&self) -> usize {
        self.stash.len()
    }

    /// Whether a message has begun and is not whole.
    pub fn is_partial(&self) -> bool {
        !self.stash.is_empty()
    }
}

/// Bytes that a stream did not take yet, and whether its end follows them.
#[derive(Default)]
pub(super) struct OutBuf {
    pending: VecDeque<Bytes>,
    len: usize,
    fin: bool,
    /// For messages; objects count in the queues of their owner.
    charge: Option<Charge>,
}

impl OutBuf {
    /// What waits counts on a meter.
    pub fn metered(meter: &Meter) -> Self {
        OutBuf {
            charge: Some(meter.charge(0)),
            ..Self::default()
        }
    }

    fn count(&mut self) {
        if let Some(charge) = &mut self.charge {
            charge.set(self.len);
        }
    }

    pub fn is_blocked(&self) -> bool {
        !self.pending.is_empty()
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Writes, or keeps what is not taken.
    pub fn push(
        &mut self,
        t: &mut dyn Transport,
        id: StreamId,
        mut data: Bytes,
    ) -> Result<(), StreamClosed> {
        if self.pending.is_empty() && !data.is_empty() {
            t.write(id, &mut data)?;
        }
        if !data.is_empty() {
            self.len += data.len();
            self.pending.push_back(data);
            self.count();
        }
        Ok(())
    }

    /// Ends the stream after what is pending.
    pub fn finish(&mut self, t: &mut dyn Transport, id: StreamId) {
        self.fin = true;
        if self.pending.is_empty() {
            t.finish(id);
        }
    }

    /// Writes what is pending; `true` when all is written.
    pub fn flush(&mut self, t: &mut dyn Transport, id: StreamId) -> Result<bool, StreamClosed> {
        while let Some(front) = self.pending.front_mut() {
            let before = front.len();
            t.write(id, front)?;
            let whole = front.is_empty();
            self.len -= before - front.len();
            self.count();
            if !whole {
                return Ok(false);
            }
            self.pending.pop_front();
        }
        if self.fin {
            t.finish(id);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_follows_what_is_kept_and_forgets_what_is_gone() {
        let meter = Meter::default();
        let mut one = Assembler::default();
        one.keep(&meter, b"abc", 4);
        let mut two = Assembler::default();
        two.hold(&meter, b"held");
        assert_eq!(meter.bytes(), 7);
        assert!(one.feed(Bytes::from_static(b"de")).is_none());
        assert_eq!(meter.bytes(), 9);
        let whole = one.feed(Bytes::from_static(b"fg"));
        assert_eq!(whole.as_deref(), Some(&b"abcdefg"[..]));
        assert_eq!(meter.bytes(), 4);
        two.hold(&meter, b"more");
        assert_eq!(meter.bytes(), 8);
        let charge = meter.charge(100);
        drop((two, charge));
        assert_eq!(meter.bytes(), 0);
    }
}
