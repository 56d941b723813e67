//! Objects and the headers of the streams and datagrams that carry them.

use super::error::WireError;
use super::location::{GroupOrder, Location};
use super::properties::Properties;
use bytes::Bytes;

/// Whether an object is one, or marks an end (draft-18 "Object Status").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ObjectStatus {
    /// An object (0x0).
    #[default]
    Normal,
    /// No object with this id or a larger one exists in the group (0x3).
    EndOfGroup,
    /// No object at this location or after it exists in the track (0x4).
    EndOfTrack,
}

impl ObjectStatus {
    /// The wire value.
    pub const fn value(self) -> u64 {
        match self {
            ObjectStatus::Normal => 0,
            ObjectStatus::EndOfGroup => 3,
            ObjectStatus::EndOfTrack => 4,
        }
    }

    /// From the wire value; anything else is a violation.
    pub const fn from_value(value: u64) -> Result<Self, WireError> {
        match value {
            0 => Ok(ObjectStatus::Normal),
            3 => Ok(ObjectStatus::EndOfGroup),
            4 => Ok(ObjectStatus::EndOfTrack),
            _ => Err(WireError::violation("unknown object status")),
        }
    }
}

/// How a subgroup's id is given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum SubgroupId {
    /// It is 0 and not on the wire.
    #[default]
    Zero,
    /// It is the id of the stream's first object.
    FirstObject,
    /// It is in the header.
    Explicit(u64),
}

impl SubgroupId {
    /// The shortest form of a known id.
    pub const fn of(id: u64) -> Self {
        match id {
            0 => SubgroupId::Zero,
            id => SubgroupId::Explicit(id),
        }
    }
}

/// SUBGROUP_HEADER: begins a stream of objects of one subgroup.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SubgroupHeader {
    /// The publisher's number for the track.
    pub track_alias: u64,
    /// Group ID.
    pub group: u64,
    /// Subgroup ID.
    pub subgroup: SubgroupId,
    /// Publisher priority, lower first; `None`: the track's default.
    pub priority: Option<u8>,
    /// Whether the objects of this stream carry properties.
    pub has_properties: bool,
    /// Whether the stream's last object before FIN is the group's last.
    pub end_of_group: bool,
    /// Whether the stream's first object is the first ever published in the subgroup.
    pub first_object: bool,
}

/// An object of a subgroup stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SubgroupObject {
    /// Object ID.
    pub object: u64,
    /// Object status; the payload is empty unless it is `Normal`.
    pub status: ObjectStatus,
    /// Object properties; empty unless the header has the bit.
    pub properties: Properties,
    /// The payload.
    pub payload: Bytes,
}

/// OBJECT_DATAGRAM: one whole object.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ObjectDatagram {
    /// The publisher's number for the track.
    pub track_alias: u64,
    /// Group ID.
    pub group: u64,
    /// Object ID.
    pub object: u64,
    /// Publisher priority, lower first; `None`: the track's default.
    pub priority: Option<u8>,
    /// Whether this is the group's last object.
    pub end_of_group: bool,
    /// Object status; the payload is empty unless it is `Normal`.
    pub status: ObjectStatus,
    /// Object properties.
    pub properties: Properties,
    /// The payload.
    pub payload: Bytes,
}

/// Any datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Datagram {
    /// An object.
    Object(ObjectDatagram),
    /// To be thrown away.
    Padding,
}

/// An object of a fetch stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FetchObject {
    /// Group ID.
    pub group: u64,
    /// Subgroup ID; `None` for an object whose forwarding preference is Datagram.
    pub subgroup: Option<u64>,
    /// Object ID.
    pub object: u64,
    /// Publisher priority, lower first.
    pub priority: u8,
    /// Object properties.
    pub properties: Properties,
    /// The payload.
    pub payload: Bytes,
}

/// What a fetch stream carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchItem {
    /// An object.
    Object(FetchObject),
    /// All objects after the previous item up to this location, inclusive, do not exist, or are of
    /// unknown status.
    EndOfRange {
        /// The last location of the range.
        location: Location,
        /// `true`: they may exist. `false`: they do not.
        unknown: bool,
    },
}

/// The first bytes of a unidirectional stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamHeader {
    /// A control stream; SETUP follows and is not consumed.
    Control,
    /// Objects of a subgroup.
    Subgroup(SubgroupHeader),
    /// Objects of a fetch.
    Fetch {
        /// The FETCH request's id.
        request_id: u64,
    },
    /// To be thrown away.
    Padding,
}

/// What coding an object depends on that came before it on its subgroup stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubgroupState {
    /// The header's properties bit.
    pub has_properties: bool,
    /// Object ID of the object before.
    pub previous: Option<u64>,
}

impl SubgroupState {
    /// The state after `header`.
    pub fn new(header: &SubgroupHeader) -> Self {
        SubgroupState {
            has_properties: header.has_properties,
            previous: None,
        }
    }
}

/// What coding an item depends on that came before it on its fetch stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FetchState {
    /// The order of groups that was asked for.
    pub order: GroupOrder,
    /// Location of the item before.
    pub location: Option<Location>,
    /// Subgroup of the last object that had one.
    pub subgroup: Option<u64>,
    /// Priority of the last object.
    pub priority: Option<u8>,
}

impl FetchState {
    /// The state after the header.
    pub fn new(order: GroupOrder) -> Self {
        FetchState {
            order,
            ..Default::default()
        }
    }
}
