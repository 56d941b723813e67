//! One track that this client publishes.

use super::shared::Shared;
use super::types::{ClientEvent, Handle, PublicationStats, PublishOptions, SendError};
use crate::delivery::info::{published_at_properties, unix_ms, TrackInfo};
use crate::delivery::{DeliveryClass, OutObject, Sender, SharedObject, SubgroupEnd};
use crate::session::RequestId;
use crate::wire::location::Location;
use crate::wire::name::FullTrackName;
use crate::wire::object::ObjectStatus;
use crate::wire::properties::Properties;
use crate::wire::varint::VarintCoding;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Objects that may wait for the network before `send` would block.
const MAX_QUEUED_OBJECTS: usize = 16_384;
/// Most bytes of a Track Alias on the wire that datagram limits allow for.
const ALIAS_LEN: usize = 3;
/// NEW_GROUP_REQUESTs are passed on at most this often.
const KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);

/// The subscription that the next hop holds.
pub(super) struct Downstream {
    pub request: RequestId,
    pub sender: Sender,
    /// The largest location that SUBSCRIBE_OK told, for joining fetches.
    pub joined: Option<Location>,
    /// The group at that moment, for joining fetches that come after the next group began.
    pub snapshot: Vec<SharedObject>,
    pub snapshot_complete: bool,
}

/// How far a publication is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    Live,
    /// Ended by the application: what was accepted is still sent, until then.
    Ending {
        until: Instant,
        flush: bool,
    },
}

pub(super) struct Publication {
    pub handle: Handle,
    pub track: FullTrackName,
    pub options: PublishOptions,
    pub info: TrackInfo,
    pub life: Life,
    pub down: Option<Downstream>,
    pub largest: Option<Location>,
    /// Objects of the current group, as far as they are kept.
    pub retained: VecDeque<SharedObject>,
    retained_cost: usize,
    /// All of the current group is in `retained`.
    pub retained_complete: bool,
    /// Groups before this one are not of this publication.
    pub first_group: u64,
    next_group: u64,
    /// `reliable`: the open group and its next object.
    open: Option<(u64, u64)>,
    /// A `send` was refused: tell when it would be accepted.
    blocked: bool,
    keyframe_asked: Option<Instant>,
    objects: u64,
    bytes: u64,
    /// Dropped by senders that are gone.
    pub dropped_before: u64,
}

impl Publication {
    pub fn new(handle: Handle, track: FullTrackName, options: PublishOptions) -> Self {
        let first = unix_ms();
        let mut info = TrackInfo::of_class(options.delivery, options.priority, options.deadline);
        info.first_group = Some(first);
        Publication {
            handle,
            track,
            options,
            info,
            life: Life::Live,
            down: None,
            largest: None,
            retained: VecDeque::new(),
            retained_cost: 0,
            retained_complete: true,
            first_group: first,
            next_group: first,
            open: None,
            blocked: false,
            keyframe_asked: None,
            objects: 0,
            bytes: 0,
            dropped_before: 0,
        }
    }

    pub fn class(&self) -> DeliveryClass {
        self.options.delivery
    }

    /// Takes one update. Nothing is written before the next pump.
    pub fn send(
        &mut self,
        now: Instant,
        payload: Bytes,
        keyframe: bool,
        max_datagram: Option<usize>,
        max_object: usize,
    ) -> Result<(), SendError> {
        if self.life != Life::Live {
            return Err(SendError::Closed);
        }
        let limit = self.payload_limit(max_datagram, max_object);
        if payload.len() > limit {
            return Err(SendError::TooLarge { limit });
        }
        if self.is_full() {
            self.blocked = true;
            return Err(SendError::WouldBlock);
        }
        self.objects += 1;
        self.bytes += payload.len() as u64;
        if self.class() == DeliveryClass::Reliable {
            self.send_reliable(now, payload, keyframe);
        } else {
            self.send_update(now, payload);
        }
        Ok(())
    }

    /// Largest payload in bytes that `send` takes now.
    fn payload_limit(&self, max_datagram: Option<usize>, max_object: usize) -> usize {
        if self.class() != DeliveryClass::Datagram {
            return max_object;
        }
        let whole = max_datagram.map_or(self.options.max_datagram_size, |connection| {
            connection.min(self.options.max_datagram_size)
        });
        // Type, alias and group; object 0, the default priority and no properties take nothing.
        let header = 1 + ALIAS_LEN + VarintCoding::LeadingOnes.len(self.next_group);
        whole.saturating_sub(header)
    }

    /// Queue cost of `retained`.
    pub fn retained_cost(&self) -> usize {
        self.retained_cost
    }

    fn is_full(&self) -> bool {
        if self.class() != DeliveryClass::Reliable {
            return false;
        }
        self.down.as_ref().is_some_and(|down| {
            down.sender.queued_bytes() >= self.options.queue_bytes
                || down.sender.queued_objects() >= MAX_QUEUED_OBJECTS
        })
    }

    fn send_reliable(&mut self, now: Instant, payload: Bytes, keyframe: bool) {
        if keyframe {
            self.end_group(now);
        }
        let (group, object) = match self.open {
            Some(open) => open,
            None => {
                let group = self.take_group();
                self.retained.clear();
                self.retained_cost = 0;
                self.retained_complete = true;
                (group, 0)
            }
        };
        self.open = Some((group, object + 1));
        let shared = self.object(now, group, object, Properties::empty(), payload);
        self.retain(&shared);
        self.push(&shared);
    }

    fn retain(&mut self, object: &SharedObject) {
        self.retained_cost += object.cost();
        self.retained.push_back(object.clone());
        if self.retained_cost > self.options.retain_bytes {
            // A group without its beginning is of no use to who joins.
            self.retained.clear();
            self.retained_cost = 0;
            self.retained_complete = false;
        }
    }

    fn send_update(&mut self, now: Instant, payload: Bytes) {
        let group = self.take_group();
        let properties = match self.class() {
            DeliveryClass::Deadline => published_at_properties(unix_ms()),
            _ => Properties::empty(),
        };
        let shared = self.object(now, group, 0, properties, payload);
        self.retained.clear();
        self.retained.push_back(shared.clone());
        self.push(&shared);
        if let (false, Some(down)) = (shared.datagram, &mut self.down) {
            down.sender.end_subgroup(now, group, 0, SubgroupEnd::Fin);
        }
    }

    fn take_group(&mut self) -> u64 {
        let group = self.next_group;
        self.next_group += 1;
        group
    }

    fn object(
        &mut self,
        now: Instant,
        group: u64,
        object: u64,
        properties: Properties,
        payload: Bytes,
    ) -> SharedObject {
        self.largest = Some(Location::new(group, object));
        SharedObject::new(OutObject {
            group,
            subgroup: 0,
            object,
            status: ObjectStatus::Normal,
            priority: None,
            with_properties: !properties.is_empty(),
            properties,
            payload,
            datagram: self.class() == DeliveryClass::Datagram,
            first: object == 0,
            end_of_group: true,
            received: now,
        })
    }

    fn push(&mut self, object: &SharedObject) {
        if let Some(down) = &mut self.down {
            down.sender.push(object);
        }
    }

    /// Ends the open group, if any.
    fn end_group(&mut self, now: Instant) {
        if let (Some((group, _)), Some(down)) = (self.open.take(), &mut self.down) {
            down.sender.end_subgroup(now, group, 0, SubgroupEnd::Fin);
        }
    }

    /// No more updates: the subscription ends when everything is sent.
    pub fn finish(&mut self, now: Instant, until: Instant, flush: bool) {
        self.end_group(now);
        self.life = Life::Ending { until, flush };
        if let Some(down) = &mut self.down {
            down.sender.finish(now);
        }
    }

    /// After a pump: tells that a refused `send` would be accepted.
    pub fn tell_writable(&mut self, shared: &mut Shared) {
        let room = self.down.as_ref().is_none_or(|down| {
            down.sender.queued_bytes() <= self.options.queue_bytes / 2
                && down.sender.queued_objects() <= MAX_QUEUED_OBJECTS / 2
        });
        if self.blocked && room {
            self.blocked = false;
            shared.event(ClientEvent::Writable(self.handle));
        }
    }

    /// A subscriber asks for a group newer than `known` (0: any).
    pub fn want_keyframe(&mut self, now: Instant, known: u64, shared: &mut Shared) {
        let newest = self.largest.map_or(0, |largest| largest.group);
        let due = self
            .keyframe_asked
            .is_none_or(|at| now >= at + KEYFRAME_INTERVAL);
        if self.class() == DeliveryClass::Reliable && due && (known == 0 || known > newest) {
            self.keyframe_asked = Some(now);
            shared.event(ClientEvent::KeyframeWanted(self.handle));
        }
    }

    /// The subscription of the next hop is gone.
    pub fn drop_downstream(&mut self, shared: &mut Shared) {
        if let Some(down) = self.down.take() {
            let stats = down.sender.stats();
            self.dropped_before += sent_dropped(stats);
            if self.life == Life::Live {
                shared.event(ClientEvent::Subscribers(self.handle, 0));
            }
        }
        self.tell_writable(shared);
    }

    pub fn stats(&self) -> PublicationStats {
        let down = self.down.as_ref().map(|down| &down.sender);
        PublicationStats {
            objects: self.objects,
            bytes: self.bytes,
            queued_objects: down.map_or(0, |s| s.queued_objects() as u64),
            queued_bytes: down.map_or(0, |s| s.queued_bytes() as u64),
            dropped: self.dropped_before + down.map_or(0, |s| sent_dropped(s.stats())),
            subscribers: u64::from(down.is_some()),
        }
    }
}

fn sent_dropped(stats: &crate::delivery::SenderStats) -> u64 {
    stats.dropped
        + stats.expired
        + stats.reset
        + stats.datagrams_dropped
        + stats.datagrams_too_large
}
