//! One object on its way through this process.

use crate::wire::location::Location;
use crate::wire::object::{ObjectStatus, SubgroupHeader, SubgroupId};
use crate::wire::profile::Draft;
use crate::wire::properties::Properties;
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// An object with everything that forwarding it needs. The buffers are shared, never copied.
#[derive(Clone, Debug)]
pub struct OutObject {
    /// Group ID.
    pub group: u64,
    /// Subgroup ID; meaningless when `datagram`.
    pub subgroup: u64,
    /// Object ID.
    pub object: u64,
    /// Object Status.
    pub status: ObjectStatus,
    /// Publisher priority where it differs from the track's default.
    pub priority: Option<u8>,
    /// Object Properties.
    pub properties: Properties,
    /// The payload; empty unless `status` is normal.
    pub payload: Bytes,
    /// Forwarding preference: datagram instead of subgroup.
    pub datagram: bool,
    /// First object ever published in its subgroup (FIRST_OBJECT of the stream it came on).
    pub first: bool,
    /// END_OF_GROUP of its stream or datagram: nothing larger follows in the group after FIN.
    pub end_of_group: bool,
    /// The subgroup's stream may carry properties (PROPERTIES bit): objects of one stream agree.
    pub with_properties: bool,
    /// When its first byte came from upstream, or from the application.
    pub received: Instant,
}

impl OutObject {
    /// Where it is in its track.
    pub fn location(&self) -> Location {
        Location::new(self.group, self.object)
    }

    /// Whether a stream that begins with this object needs the PROPERTIES bit.
    pub fn carries_properties(&self) -> bool {
        self.with_properties || !self.properties.is_empty()
    }

    /// The header of a stream that begins with this object.
    pub fn header(&self, track_alias: u64) -> SubgroupHeader {
        SubgroupHeader {
            track_alias,
            group: self.group,
            subgroup: SubgroupId::of(self.subgroup),
            priority: self.priority,
            has_properties: self.carries_properties(),
            end_of_group: self.end_of_group,
            first_object: self.first,
        }
    }
}

/// An [`OutObject`] shared by every subscriber, with its encoded forms: header bytes are written
/// once per object, however many senders carry it, as long as they use the same Track Alias.
#[derive(Clone, Debug)]
pub struct SharedObject(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    object: OutObject,
    datagram: OnceLock<((Draft, u64), Bytes)>,
    framed: OnceLock<(FrameKey, Framed)>,
}

/// What the encoded form on a stream depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameKey {
    /// The draft.
    pub draft: Draft,
    /// Track Alias of the stream's header, when that comes first.
    pub head: Option<u64>,
    /// Object ID before this one on the stream.
    pub previous: Option<u64>,
    /// The stream's PROPERTIES bit.
    pub with_properties: bool,
}

/// An object as it goes on a stream: `bytes`, then `payload`.
#[derive(Clone, Debug)]
pub(crate) struct Framed {
    /// Headers, and the payload too when it is small.
    pub bytes: Bytes,
    /// The payload when it is large, otherwise empty.
    pub payload: Bytes,
}

impl SharedObject {
    /// Shares an object.
    pub fn new(object: OutObject) -> Self {
        SharedObject(Arc::new(Inner {
            object,
            datagram: OnceLock::new(),
            framed: OnceLock::new(),
        }))
    }

    /// The datagram form for a draft and Track Alias, encoded on first use.
    pub(crate) fn datagram(
        &self,
        key: (Draft, u64),
        encode: impl Fn(&OutObject) -> Bytes,
    ) -> Bytes {
        let (cached, bytes) = self
            .0
            .datagram
            .get_or_init(|| (key, encode(&self.0.object)));
        if *cached == key {
            bytes.clone()
        } else {
            encode(&self.0.object)
        }
    }

    /// The stream form for `key`, encoded on first use; another key is encoded each time.
    pub(crate) fn framed(&self, key: FrameKey, encode: impl Fn(&OutObject) -> Framed) -> Framed {
        let (cached, framed) = self.0.framed.get_or_init(|| (key, encode(&self.0.object)));
        if *cached == key {
            framed.clone()
        } else {
            encode(&self.0.object)
        }
    }

    /// Bytes it counts for in queue bounds.
    pub fn cost(&self) -> usize {
        self.payload.len() + self.properties.as_wire().len() + OBJECT_OVERHEAD
    }
}

/// What an object costs in a queue beside its bytes.
pub const OBJECT_OVERHEAD: usize = 32;

impl std::ops::Deref for SharedObject {
    type Target = OutObject;

    fn deref(&self) -> &OutObject {
        &self.0.object
    }
}

impl From<OutObject> for SharedObject {
    fn from(object: OutObject) -> Self {
        SharedObject::new(object)
    }
}
