//! What a sender is made from, and what it counts.

use super::super::info::{bounded_ms, TrackInfo};
use crate::wire::location::{GroupOrder, Location};
use crate::wire::params::{Parameters, SubscriptionFilter};
use std::time::Duration;

/// Bounds of one sender.
#[derive(Clone, Copy, Debug)]
pub struct SenderLimits {
    /// Bytes that may wait. `reliable` and tracks of no class: above it the subscription is too far
    /// behind, though one object that is larger by itself may wait beside the others; `deadline` and
    /// `datagram`: the oldest are dropped. Default 4 MiB.
    pub queue_bytes: usize,
    /// Objects that may wait, likewise. Default 16,384.
    pub queue_objects: usize,
    /// Datagrams that may wait; above it the oldest is dropped. Default 256.
    pub datagrams: usize,
    /// `latest`: streams started and not yet acknowledged. Default 128.
    pub started: usize,
}

impl Default for SenderLimits {
    fn default() -> Self {
        SenderLimits {
            queue_bytes: 4 << 20,
            queue_objects: 16_384,
            datagrams: 256,
            started: 128,
        }
    }
}

/// What a sender is made from.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// The owner's name for this sender, see [`StreamOwners`](super::super::StreamOwners).
    pub key: u64,
    /// Track Alias that the subscription was told.
    pub alias: u64,
    /// What the track's properties say.
    pub info: TrackInfo,
    /// SUBSCRIBER_PRIORITY, 0 is the highest.
    pub subscriber_priority: u8,
    /// GROUP_ORDER of the subscriber.
    pub group_order: Option<GroupOrder>,
    /// First location that passes.
    pub start: Location,
    /// Last group that passes.
    pub end_group: Option<u64>,
    /// Forward State.
    pub forward: bool,
    /// SUBGROUP_DELIVERY_TIMEOUT of the subscriber.
    pub subgroup_timeout: Option<Duration>,
    /// OBJECT_DELIVERY_TIMEOUT of the subscriber.
    pub object_timeout: Option<Duration>,
    /// Bounds.
    pub limits: SenderLimits,
}

/// The filter's last group was published already: answer INVALID_RANGE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RangeOver;

impl SenderConfig {
    /// From a SUBSCRIBE's (or PUBLISH_OK's) parameters; `largest` is the track's largest location
    /// at that moment, the one that SUBSCRIBE_OK tells.
    pub fn from_subscribe(
        key: u64,
        alias: u64,
        info: TrackInfo,
        params: &Parameters,
        largest: Option<Location>,
    ) -> Result<Self, RangeOver> {
        let (start, end_group) = filter_range(params.filter, largest)?;
        Ok(SenderConfig {
            key,
            alias,
            info,
            subscriber_priority: params.subscriber_priority.unwrap_or(128),
            group_order: params.group_order,
            start,
            end_group,
            forward: params.forward.unwrap_or(true),
            subgroup_timeout: timeout(params.subgroup_delivery_timeout),
            object_timeout: timeout(params.object_delivery_timeout),
            limits: SenderLimits::default(),
        })
    }
}

/// A delivery timeout in ms; 0 means none.
pub(super) fn timeout(ms: Option<u64>) -> Option<Duration> {
    ms.filter(|&ms| ms > 0).map(bounded_ms)
}

/// First location and last group that pass a filter (draft-18 "Subscription Filters").
pub fn filter_range(
    filter: Option<SubscriptionFilter>,
    largest: Option<Location>,
) -> Result<(Location, Option<u64>), RangeOver> {
    let zero = Location::default();
    Ok(match filter {
        None => (zero, None),
        Some(SubscriptionFilter::LargestObject) => (
            largest.map_or(zero, |l| Location::new(l.group, l.object.saturating_add(1))),
            None,
        ),
        Some(SubscriptionFilter::NextGroupStart) => (
            largest.map_or(zero, |l| Location::new(l.group.saturating_add(1), 0)),
            None,
        ),
        Some(SubscriptionFilter::AbsoluteStart(start)) => (start, None),
        Some(SubscriptionFilter::AbsoluteRange { start, end_group }) => {
            if largest.is_some_and(|l| l.group > end_group) {
                return Err(RangeOver);
            }
            (start, Some(end_group))
        }
    })
}

/// Counters of one sender since its start, and what waits now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SenderStats {
    /// Objects written to streams.
    pub objects: u64,
    /// Payload bytes written, datagrams included.
    pub bytes: u64,
    /// Streams opened.
    pub streams: u64,
    /// Datagrams sent.
    pub datagrams: u64,
    /// Objects replaced by a newer one before they were sent, or dropped over a bound.
    pub dropped: u64,
    /// Objects dropped unsent past their deadline or delivery timeout.
    pub expired: u64,
    /// Streams that this side reset.
    pub reset: u64,
    /// Streams that the peer stopped.
    pub stopped: u64,
    /// Datagrams dropped: over the ring's bound, or none can be sent.
    pub datagrams_dropped: u64,
    /// Datagrams dropped because the connection carries no such size.
    pub datagrams_too_large: u64,
}
