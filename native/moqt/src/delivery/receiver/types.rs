//! What goes into a receiver and what comes out.

use crate::delivery::class::DeliveryClass;
use crate::delivery::inbound::{Gap, GapReason, InObject};
use crate::delivery::info::PUBLISHED_AT;
use crate::wire::location::Location;
use crate::wire::object::ObjectStatus;
use crate::wire::properties::{property, Properties};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Largest group and object id that is delivered: what a JavaScript number holds exactly.
pub const MAX_ID: u64 = (1 << 53) - 1;

/// How a subscription is read.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverConfig {
    /// Class of a track whose publisher did not say it.
    pub delivery: DeliveryClass,
    /// `datagram`: in arrival order, also what is older than the newest.
    pub unordered: bool,
    /// Bounded wait for a missing group or object (`reliable`).
    pub gap_timeout: Duration,
    /// Most bytes held for order; above it streams are paused (`reliable`) or the oldest dropped.
    pub queue_bytes: usize,
}

/// What comes out, in order.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// An object.
    Object(InObject),
    /// Something that will not be delivered.
    Gap(Gap),
}

/// Why a subscription must be given up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrackFault {
    /// The track breaks the draft's rules.
    Malformed(&'static str),
    /// A group or object id above [`MAX_ID`].
    IdTooLarge(Location),
}

/// Counters of one receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReceiverStats {
    /// Dropped because it was delivered or passed over already.
    pub stale: u64,
    /// Dropped because it came after its deadline.
    pub late: u64,
    /// Dropped because too much was held.
    pub overflow: u64,
    /// Streams reset or cut before their end.
    pub reset: u64,
    /// Gaps reported.
    pub gaps: u64,
}

/// An object with what its properties say of its neighbours.
#[derive(Debug)]
pub(super) struct Arrival {
    pub object: InObject,
    pub status: ObjectStatus,
    pub prior_groups: u64,
    pub prior_objects: u64,
}

/// Deliveries and counters: what the orders write to.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub queue: VecDeque<Delivery>,
    pub stats: ReceiverStats,
}

impl Output {
    pub fn object(&mut self, object: InObject) {
        self.queue.push_back(Delivery::Object(object));
    }

    pub fn gap(&mut self, from_group: u64, to_group: u64, reason: GapReason) {
        self.stats.gaps += 1;
        let gap = Gap {
            from_group,
            to_group,
            objects: None,
            reason,
        };
        self.queue.push_back(Delivery::Gap(gap));
    }
}

/// How a joining fetch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchEnd {
    /// All of it came.
    Complete,
    /// The peer refused it, or it took too long.
    Refused,
    /// Its stream was cut.
    Cut,
}

/// Whether an object's ids and properties are in order.
pub(super) fn check(location: Location, properties: &Properties) -> Result<(), TrackFault> {
    if location.group > MAX_ID || location.object > MAX_ID {
        return Err(TrackFault::IdTooLarge(location));
    }
    if properties.is_empty() {
        return Ok(());
    }
    match properties.object_fault(location.group, location.object) {
        Some(fault) => Err(TrackFault::Malformed(fault)),
        None => Ok(()),
    }
}

/// An object as the orders take it.
pub(super) fn arrival(
    now: Instant,
    location: Location,
    subgroup: u64,
    status: ObjectStatus,
    properties: &Properties,
    payload: Bytes,
) -> Result<Arrival, TrackFault> {
    check(location, properties)?;
    let number = |key| {
        if properties.is_empty() {
            None
        } else {
            properties.varint(key)
        }
    };
    Ok(Arrival {
        object: InObject {
            group: location.group,
            object: location.object,
            subgroup,
            payload,
            received: now,
            published_at: number(PUBLISHED_AT),
            keyframe: location.object == 0,
        },
        status,
        prior_groups: number(property::PRIOR_GROUP_ID_GAP).unwrap_or(0),
        prior_objects: number(property::PRIOR_OBJECT_ID_GAP).unwrap_or(0),
    })
}
