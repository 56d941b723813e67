//! What a track's properties say of how it is delivered.

use super::class::{DeliveryClass, DEFAULT_DEADLINE};
use crate::wire::location::GroupOrder;
use crate::wire::properties::{property, Properties};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Track Property (application range): the delivery class, 1 to 4.
pub const TRACK_CLASS: u64 = 0x3800;
/// Track Property (application range): the deadline of a `deadline` track in ms.
pub const TRACK_DEADLINE: u64 = 0x3802;
/// Track Property (application range): id of the publisher's first group, so that a subscriber that
/// came before it knows where the track begins.
pub const TRACK_FIRST_GROUP: u64 = 0x3806;
/// Object Property (application range): the publisher's unix time in ms.
pub const PUBLISHED_AT: u64 = 0x3804;
/// SUBGROUP_DELIVERY_TIMEOUT of `latest` tracks: above every idle timeout, so that the newest
/// update is never given up.
pub const LATEST_TIMEOUT: Duration = Duration::from_millis(60_000);
/// Publisher priority of a track that names none.
pub const DEFAULT_PRIORITY: u8 = 128;

/// How a track is delivered, as its publisher says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrackInfo {
    /// The class; `None` for tracks of other publishers.
    pub class: Option<DeliveryClass>,
    /// Deadline of a `deadline` track.
    pub deadline: Duration,
    /// DEFAULT_PUBLISHER_GROUP_ORDER.
    pub group_order: GroupOrder,
    /// DEFAULT_PUBLISHER_PRIORITY, 0 is the highest.
    pub priority: u8,
    /// SUBGROUP_DELIVERY_TIMEOUT.
    pub subgroup_timeout: Option<Duration>,
    /// OBJECT_DELIVERY_TIMEOUT.
    pub object_timeout: Option<Duration>,
    /// DYNAMIC_GROUPS: new groups can be asked for.
    pub dynamic_groups: bool,
    /// The publisher's first group, when it says so.
    pub first_group: Option<u64>,
}

impl Default for TrackInfo {
    fn default() -> Self {
        TrackInfo {
            class: None,
            deadline: DEFAULT_DEADLINE,
            group_order: GroupOrder::Ascending,
            priority: DEFAULT_PRIORITY,
            subgroup_timeout: None,
            object_timeout: None,
            dynamic_groups: false,
            first_group: None,
        }
    }
}

impl TrackInfo {
    /// What a publisher of this library says of a track of `class`.
    pub fn of_class(class: DeliveryClass, priority: u8, deadline: Duration) -> Self {
        let mut info = TrackInfo {
            class: Some(class),
            priority,
            deadline,
            ..TrackInfo::default()
        };
        match class {
            DeliveryClass::Reliable => info.dynamic_groups = true,
            DeliveryClass::Latest => {
                info.group_order = GroupOrder::Descending;
                info.subgroup_timeout = Some(LATEST_TIMEOUT);
            }
            DeliveryClass::Deadline => {
                info.subgroup_timeout = Some(deadline);
                info.object_timeout = Some(deadline);
            }
            DeliveryClass::Datagram => {}
        }
        info
    }

    /// Reads Track Properties. Values out of range are read as absent.
    pub fn from_properties(properties: &Properties) -> Self {
        let timeout = |key| match properties.varint(key) {
            None | Some(0) => None,
            Some(ms) => Some(bounded_ms(ms)),
        };
        TrackInfo {
            class: properties
                .varint(TRACK_CLASS)
                .and_then(DeliveryClass::from_value),
            deadline: timeout(TRACK_DEADLINE).unwrap_or(DEFAULT_DEADLINE),
            group_order: properties
                .varint(property::DEFAULT_PUBLISHER_GROUP_ORDER)
                .and_then(|v| GroupOrder::from_value(v).ok())
                .unwrap_or_default(),
            priority: properties
                .varint(property::DEFAULT_PUBLISHER_PRIORITY)
                .and_then(|v| u8::try_from(v).ok())
                .unwrap_or(DEFAULT_PRIORITY),
            subgroup_timeout: timeout(property::SUBGROUP_DELIVERY_TIMEOUT),
            object_timeout: timeout(property::OBJECT_DELIVERY_TIMEOUT),
            dynamic_groups: properties.varint(property::DYNAMIC_GROUPS) == Some(1),
            first_group: properties.varint(TRACK_FIRST_GROUP),
        }
    }

    /// Writes Track Properties.
    pub fn to_properties(&self) -> Properties {
        let mut out = Properties::builder();
        if let Some(timeout) = self.object_timeout {
            out = out.varint(
                property::OBJECT_DELIVERY_TIMEOUT,
                timeout.as_millis() as u64,
            );
        }
        if let Some(timeout) = self.subgroup_timeout {
            out = out.varint(
                property::SUBGROUP_DELIVERY_TIMEOUT,
                timeout.as_millis() as u64,
            );
        }
        if self.priority != DEFAULT_PRIORITY {
            out = out.varint(
                property::DEFAULT_PUBLISHER_PRIORITY,
                u64::from(self.priority),
            );
        }
        if self.group_order != GroupOrder::Ascending {
            let order = u64::from(self.group_order.value());
            out = out.varint(property::DEFAULT_PUBLISHER_GROUP_ORDER, order);
        }
        if self.dynamic_groups {
            out = out.varint(property::DYNAMIC_GROUPS, 1);
        }
        if let Some(class) = self.class {
            out = out.varint(TRACK_CLASS, class.value());
            if class == DeliveryClass::Deadline {
                out = out.varint(TRACK_DEADLINE, self.deadline.as_millis() as u64);
            }
        }
        if let Some(group) = self.first_group {
            out = out.varint(TRACK_FIRST_GROUP, group);
        }
        out.build()
    }
}

/// A peer's milliseconds, bounded to a day so that time arithmetic cannot overflow.
pub(crate) fn bounded_ms(ms: u64) -> Duration {
    Duration::from_millis(ms.min(86_400_000))
}

/// Object Properties of an update published at `unix_ms`.
pub fn published_at_properties(unix_ms: u64) -> Properties {
    Properties::builder().varint(PUBLISHED_AT, unix_ms).build()
}

/// Unix time in ms now; 0 when the clock stands before 1970.
pub fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64)
}
