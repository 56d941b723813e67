//! Buffers of one stream: bytes that wait for the rest of a message, and bytes that wait for flow
//! control.

use crate::transport::{StreamClosed, StreamId, Transport};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// Joins received chunks until what is parsed is whole. While chunks hold whole messages nothing
/// is copied.
#[derive(Default)]
pub(super) struct Assembler {
    stash: BytesMut,
    need: usize,
}

impl Assembler {
    /// Takes a chunk; gives bytes that are worth parsing.
    pub fn feed(&mut self, data: Bytes) -> Option<Bytes> {
        if self.stash.is_empty() {
            return (!data.is_empty()).then_some(data);
        }
        self.stash.extend_from_slice(&data);
        if self.stash.len() < self.need {
            return None;
        }
        Some(self.stash.split().freeze())
    }

    /// Keeps what could not be parsed until `missing` more bytes are there.
    pub fn keep(&mut self, rest: &[u8], missing: usize) {
        self.need = rest.len().saturating_add(missing);
        self.stash.extend_from_slice(rest);
    }

    /// Keeps a chunk without looking at it; the next [`Assembler::feed`] gives it.
    pub fn hold(&mut self, data: &[u8]) {
        self.need = 0;
        self.stash.extend_from_slice(data);
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
}

impl OutBuf {
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
            self.len -= before - front.len();
            if !front.is_empty() {
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
