//! Places in a track.

use super::cursor::{Reader, Writer};
use super::error::WireError;

/// A place in a track: group, then object within the group. Ordered as the draft orders them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Location {
    /// Group ID.
    pub group: u64,
    /// Object ID.
    pub object: u64,
}

impl Location {
    /// A location.
    pub const fn new(group: u64, object: u64) -> Self {
        Location { group, object }
    }

    /// Reads two integers.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Location {
            group: r.varint()?,
            object: r.varint()?,
        })
    }

    /// Writes two integers.
    pub fn encode(self, w: &mut Writer<'_>) {
        w.varint(self.group);
        w.varint(self.object);
    }
}

/// The order of groups within a subscription or a fetch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum GroupOrder {
    /// Oldest first (0x1).
    #[default]
    Ascending,
    /// Newest first (0x2).
    Descending,
}

impl GroupOrder {
    /// The wire value.
    pub const fn value(self) -> u8 {
        match self {
            GroupOrder::Ascending => 1,
            GroupOrder::Descending => 2,
        }
    }

    /// From the wire value; anything else is a violation.
    pub const fn from_value(value: u64) -> Result<Self, WireError> {
        match value {
            1 => Ok(GroupOrder::Ascending),
            2 => Ok(GroupOrder::Descending),
            _ => Err(WireError::violation(
                "group order is neither ascending nor descending",
            )),
        }
    }
}
