//! The receiving half of streams: what was read and not delivered yet, and what is paused.

use bytes::Bytes;
use quinn_proto::{Connection, ReadError, StreamId};
use std::collections::{HashMap, VecDeque};

/// Most bytes taken from one stream before the others get their turn, and so the most that a
/// paused stream can hold outside flow control.
const TURN_BYTES: usize = 64 << 10;

/// How a receiving half ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Fin,
    /// With the code as it is on the wire.
    Reset(u64),
}

/// What was read of one stream in one turn.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub id: StreamId,
    pub chunks: VecDeque<Bytes>,
    pub end: Option<End>,
    /// The stream is new: tell of it even when it has no bytes yet.
    pub announce: bool,
}

impl Incoming {
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.end.is_none() && !self.announce
    }
}

#[derive(Default)]
struct Paused {
    /// More can be read once it goes on.
    readable: bool,
    held: Option<Incoming>,
}

/// Streams that wait for their turn, and paused ones.
#[derive(Default)]
pub(crate) struct Incomings {
    readable: VecDeque<(StreamId, bool)>,
    /// Held before and to be delivered now.
    resumed: VecDeque<Incoming>,
    paused: HashMap<StreamId, Paused>,
}

impl Incomings {
    pub fn has_readable(&self) -> bool {
        !self.readable.is_empty() || !self.resumed.is_empty()
    }

    /// Something can be read; `new` on the first time for a peer's stream.
    pub fn mark(&mut self, id: StreamId, new: bool) {
        match self.paused.get_mut(&id) {
            Some(paused) => paused.readable = true,
            None => self.readable.push_back((id, new)),
        }
    }

    /// Takes the next turn of any stream.
    pub fn next(&mut self, conn: &mut Connection) -> Option<Incoming> {
        while let Some(incoming) = self.resumed.pop_front() {
            match self.paused.get_mut(&incoming.id) {
                Some(paused) => paused.held = Some(incoming),
                None => return Some(incoming),
            }
        }
        while let Some((id, new)) = self.readable.pop_front() {
            if let Some(paused) = self.paused.get_mut(&id) {
                paused.readable = true;
                continue;
            }
            let (mut incoming, more) = read(conn, id);
            incoming.announce = new;
            if more {
                self.readable.push_back((id, false));
            }
            if !incoming.is_empty() {
                return Some(incoming);
            }
        }
        None
    }

    pub fn is_paused(&self, id: StreamId) -> bool {
        !self.paused.is_empty() && self.paused.contains_key(&id)
    }

    pub fn pause(&mut self, id: StreamId) {
        self.paused.entry(id).or_default();
    }

    /// Keeps what was read of a stream that is paused.
    pub fn hold(&mut self, incoming: Incoming) {
        let paused = self.paused.entry(incoming.id).or_default();
        paused.held = Some(incoming);
    }

    /// Goes on with a paused stream, first with what was held of it.
    pub fn resume(&mut self, id: StreamId) {
        let Some(paused) = self.paused.remove(&id) else {
            return;
        };
        // A stream that ended while it was held has nothing more to read.
        if paused.readable && paused.held.as_ref().is_none_or(|h| h.end.is_none()) {
            self.readable.push_back((id, false));
        }
        self.resumed.extend(paused.held);
    }

    /// Forgets a stream that is no longer wanted.
    pub fn forget(&mut self, id: StreamId) {
        if !self.paused.is_empty() {
            self.paused.remove(&id);
        }
        self.readable.retain(|(other, _)| *other != id);
        self.resumed.retain(|incoming| incoming.id != id);
    }
}

/// Reads one turn's worth; also whether there may be more.
fn read(conn: &mut Connection, id: StreamId) -> (Incoming, bool) {
    let mut incoming = Incoming {
        id,
        chunks: VecDeque::new(),
        end: None,
        announce: false,
    };
    let mut stream = conn.recv_stream(id);
    // Not readable: stopped by us, or already ended.
    let Ok(mut chunks) = stream.read(true) else {
        return (incoming, false);
    };
    let mut budget = TURN_BYTES;
    let more = loop {
        if budget == 0 {
            break true;
        }
        match chunks.next(budget) {
            Ok(Some(chunk)) => {
                budget -= chunk.bytes.len().min(budget);
                incoming.chunks.push_back(chunk.bytes);
            }
            Ok(None) => {
                incoming.end = Some(End::Fin);
                break false;
            }
            Err(ReadError::Reset(code)) => {
                incoming.end = Some(End::Reset(code.into()));
                break false;
            }
            Err(ReadError::Blocked) => break false,
        }
    };
    // Flow control credit goes out with the next packets of this batch.
    let _ = chunks.finalize();
    (incoming, more)
}
