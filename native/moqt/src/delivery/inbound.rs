//! What a subscription delivers: objects and gaps.

use bytes::Bytes;
use std::time::Instant;

/// One object for the application.
#[derive(Clone, Debug)]
pub struct InObject {
    /// Group ID, at most 2^53 − 1.
    pub group: u64,
    /// Object ID, at most 2^53 − 1.
    pub object: u64,
    /// Subgroup ID; 0 for datagrams.
    pub subgroup: u64,
    /// The payload; shares the receive buffer where possible.
    pub payload: Bytes,
    /// When it was complete here.
    pub received: Instant,
    /// The publisher's unix time in ms, where it sent one.
    pub published_at: Option<u64>,
    /// Whether it is the first object of its group.
    pub keyframe: bool,
}

/// Why something will not be delivered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GapReason {
    /// It never came.
    Lost,
    /// Its stream was reset.
    Reset,
    /// It came after its deadline.
    Late,
    /// Something newer was delivered already.
    Stale,
    /// The reader's queue was full.
    Overflow,
    /// The publisher gave up on this subscriber.
    TooFarBehind,
    /// It passed while there was no session.
    Reconnected,
}

impl GapReason {
    /// The name in TypeScript.
    pub const fn name(self) -> &'static str {
        match self {
            GapReason::Lost => "lost",
            GapReason::Reset => "reset",
            GapReason::Late => "late",
            GapReason::Stale => "stale",
            GapReason::Overflow => "overflow",
            GapReason::TooFarBehind => "too_far_behind",
            GapReason::Reconnected => "reconnected",
        }
    }
}

/// Something that will not be delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// First group concerned.
    pub from_group: u64,
    /// Last group concerned.
    pub to_group: u64,
    /// Number of objects lost, when that can be known.
    pub objects: Option<u64>,
    /// Why.
    pub reason: GapReason,
}
