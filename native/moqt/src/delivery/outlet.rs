//! Where senders write: a session, its transport, and who owns which stream.

use crate::hash::IntMap;
use crate::session::Session;
use crate::transport::{StreamId, Transport};

/// What a [`Sender`](super::Sender) needs to write.
pub struct Outlet<'a> {
    /// The session.
    pub session: &'a mut Session,
    /// Its transport.
    pub transport: &'a mut dyn Transport,
    /// The senders of the session's open data streams.
    pub owners: &'a mut StreamOwners,
}

/// Which sender (by its key) owns which data stream of a session, so that `Writable`, `Acked` and
/// `Stopped` find their way. Senders keep it up to date; one per session.
#[derive(Debug, Default)]
pub struct StreamOwners {
    keys: IntMap<StreamId, u64>,
}

impl StreamOwners {
    /// The key of the sender that opened `stream`, while it is not acknowledged, stopped or reset.
    pub fn get(&self, stream: StreamId) -> Option<u64> {
        self.keys.get(&stream).copied()
    }

    /// Notes the owner of a stream that was opened besides a sender (a fetch).
    pub fn insert(&mut self, stream: StreamId, key: u64) {
        self.keys.insert(stream, key);
    }

    /// Forgets a stream.
    pub fn remove(&mut self, stream: StreamId) {
        self.keys.remove(&stream);
    }

    /// Number of streams open or not yet acknowledged.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// What happened to a stream of a sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamSignal {
    /// It takes objects again.
    Writable,
    /// The peer has all of it.
    Acked,
    /// The peer does not want it; it is reset.
    Stopped,
}
