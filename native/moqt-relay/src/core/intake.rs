//! Objects from publishers: checked, kept, handed to every subscriber.

use super::Core;
use crate::cache::Insert;
use crate::io::Io;
use crate::peer::{Incoming, Role};
use crate::track::LiveSubgroup;
use bytes::Bytes;
use moqt::delivery::{DeliveryClass, OutObject, SharedObject, SubgroupEnd};
use moqt::session::{RequestId, SessionEvent, StreamEnd};
use moqt::transport::StreamId;
use moqt::wire::{
    property, stream_codes, Location, ObjectDatagram, ObjectStatus, Properties, SubgroupHeader,
    SubgroupId, SubgroupObject,
};
use moqt_net::ConnId;
use std::collections::hash_map::Entry;

/// Payloads up to this size are copied out of the receive buffer, so that a small object in the
/// cache does not hold a whole packet.
const COPY_BELOW: usize = 4_096;

/// Bytes that hold nothing but themselves.
pub(super) fn compact(bytes: Bytes) -> Bytes {
    if bytes.len() < COPY_BELOW {
        Bytes::copy_from_slice(&bytes)
    } else {
        bytes
    }
}

/// Properties that hold nothing but themselves. They were checked when they were decoded.
pub(super) fn compact_properties(properties: &Properties) -> Properties {
    if properties.is_empty() {
        return Properties::empty();
    }
    Properties::from_wire(compact(properties.as_wire().clone())).unwrap_or_default()
}

impl Core {
    pub(super) fn on_subgroup(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        stream: StreamId,
        request: RequestId,
        header: SubgroupHeader,
    ) {
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        let Some(Role::Upstream { track }) = peer.roles.get(&request) else {
            return;
        };
        let subgroup = match header.subgroup {
            SubgroupId::Zero => Some(0),
            SubgroupId::Explicit(id) => Some(id),
            SubgroupId::FirstObject => None,
        };
        let track = *track;
        let incoming = Incoming {
            track,
            header,
            subgroup,
            last: None,
        };
        peer.incoming.insert(stream, incoming);
        let follows = matches!(
            peer.session.peek_event(),
            Some(SessionEvent::Object { stream: of, .. } | SessionEvent::StreamEnded { stream: of, .. })
                if *of == stream
        );
        if let Some(subgroup) = subgroup.filter(|_| !follows) {
            self.announce(io, track, (conn, stream), header, subgroup);
        }
    }

    /// The first object of a subgroup takes its time. Subscribers hear of its group now: what comes
    /// meanwhile in later groups would look as if this one were lost.
    fn announce(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        from: (ConnId, StreamId),
        header: SubgroupHeader,
        subgroup: u64,
    ) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let ordered = matches!(track.info.class, Some(DeliveryClass::Reliable) | None);
        if !ordered || track.cache.knows(header.group) {
            return;
        }
        let Entry::Vacant(entry) = track.live.entry((header.group, subgroup)) else {
            return;
        };
        entry.insert(LiveSubgroup {
            last: None,
            from,
            streams: vec![from],
            priority: header.priority,
        });
        let now = io.now();
        for (_, subscriber) in track.subscribers.iter_mut() {
            subscriber.sender.announce(now, &header, subgroup);
        }
        self.pump_track(io, id);
    }

    /// A new subscriber hears of the subgroups whose first object is on its way.
    pub(super) fn announce_to(&mut self, io: &mut dyn Io, id: u64, slot: usize) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let coming = track.live.iter().filter(|(_, live)| live.last.is_none());
        let mut coming: Vec<(SubgroupHeader, u64)> = coming
            .filter_map(|((_, subgroup), live)| {
                let (conn, stream) = live.from;
                let incoming = self.peers.get(&conn)?.incoming.get(&stream)?;
                Some((incoming.header, *subgroup))
            })
            .collect();
        let Some(subscriber) = track
            .subscribers
            .get_mut(slot)
            .filter(|_| !coming.is_empty())
        else {
            return;
        };
        coming.sort_unstable_by_key(|(header, subgroup)| (header.group, *subgroup));
        for (header, subgroup) in coming {
            subscriber.sender.announce(io.now(), &header, subgroup);
        }
        self.pump_subscriber(io, id, slot);
    }

    pub(super) fn on_object(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        stream: StreamId,
        object: SubgroupObject,
    ) {
        let Some(incoming) = self
            .peers
            .get_mut(&conn)
            .and_then(|p| p.incoming.get_mut(&stream))
        else {
            self.counts.drops.unwanted += 1;
            return;
        };
        let first_here = incoming.last.is_none();
        incoming.last = Some(object.object);
        let subgroup = *incoming.subgroup.get_or_insert(object.object);
        let (id, header) = (incoming.track, incoming.header);
        let out = OutObject {
            group: header.group,
            subgroup,
            object: object.object,
            status: object.status,
            priority: header.priority,
            properties: compact_properties(&object.properties),
            payload: compact(object.payload),
            datagram: false,
            first: header.first_object && first_here,
            end_of_group: header.end_of_group,
            with_properties: header.has_properties,
            received: io.now(),
        };
        if self.tracks.get(&id).is_some_and(|t| !t.orphans.is_empty()) {
            self.review_orphans(io, id, Some((out.group, subgroup)));
        }
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        match track.live.entry((out.group, subgroup)) {
            Entry::Vacant(entry) => {
                entry.insert(LiveSubgroup {
                    last: None,
                    from: (conn, stream),
                    streams: vec![(conn, stream)],
                    priority: header.priority,
                });
            }
            Entry::Occupied(mut entry) => {
                let live = entry.get_mut();
                if live.priority != header.priority {
                    return self.malformed(io, id, "one subgroup with two priorities");
                }
                if first_here && !live.streams.contains(&(conn, stream)) {
                    live.streams.push((conn, stream));
                }
            }
        }
        self.held = self.ends_here(conn, stream).then_some(id);
        self.take_object(io, conn, id, Some(stream), out, &object.properties);
    }

    /// Whether the end of a stream came together with its last object.
    fn ends_here(&self, conn: ConnId, stream: StreamId) -> bool {
        let next = self.peers.get(&conn).and_then(|p| p.session.peek_event());
        matches!(
            next,
            Some(SessionEvent::StreamEnded { stream: ended, end: StreamEnd::Fin, .. })
                if *ended == stream
        )
    }

    pub(super) fn on_datagram(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        datagram: ObjectDatagram,
    ) {
        let role = self.peers.get(&conn).and_then(|p| p.roles.get(&request));
        let Some(Role::Upstream { track }) = role else {
            self.counts.drops.unwanted += 1;
            return;
        };
        let id = *track;
        self.held = None;
        let out = OutObject {
            group: datagram.group,
            subgroup: 0,
            object: datagram.object,
            status: datagram.status,
            priority: datagram.priority,
            properties: compact_properties(&datagram.properties),
            payload: compact(datagram.payload),
            datagram: true,
            first: false,
            end_of_group: datagram.end_of_group,
            with_properties: !datagram.properties.is_empty(),
            received: io.now(),
        };
        self.take_object(io, conn, id, None, out, &datagram.properties);
    }

    /// Checks an object against what is known, keeps it, and hands it on.
    fn take_object(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: u64,
        stream: Option<StreamId>,
        object: OutObject,
        properties: &Properties,
    ) {
        let location = Location::new(object.group, object.object);
        self.counts.objects.received += 1;
        self.counts.objects.received_bytes += object.payload.len() as u64;
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        track.objects += 1;
        track.bytes += object.payload.len() as u64;
        if let Some(fault) = properties.object_fault(location.group, location.object) {
            return self.malformed(io, id, fault);
        }
        let several = track.sources.len() > 1;
        let before = track.cache.bytes();
        let shared = SharedObject::new(object);
        let outcome = match shared.status {
            ObjectStatus::Normal => {
                let object_gap = properties
                    .varint(property::PRIOR_OBJECT_ID_GAP)
                    .unwrap_or(0);
                let group_gap = properties.varint(property::PRIOR_GROUP_ID_GAP);
                let outcome = track.cache.insert(&shared, object_gap, group_gap);
                if shared.datagram && shared.end_of_group {
                    let end = location.object.saturating_add(1);
                    track
                        .cache
                        .end_group(location.group, end)
                        .map_or_else(Insert::Malformed, |()| outcome)
                } else {
                    outcome
                }
            }
            ObjectStatus::EndOfGroup => track
                .cache
                .end_group(location.group, location.object)
                .map_or_else(Insert::Malformed, |()| Insert::New),
            ObjectStatus::EndOfTrack => {
                let repeated = track.cache.end() == Some(location);
                track
                    .cache
                    .end_track(location)
                    .map_or_else(Insert::Malformed, |()| {
                        if repeated {
                            Insert::Duplicate
                        } else {
                            Insert::New
                        }
                    })
            }
        };
        self.cached = self.cached - before.min(self.cached) + track.cache.bytes();
        let forward = match outcome {
            Insert::New => true,
            // Too old to be told from a duplicate: with one publisher it is none.
            Insert::Evicted => !several,
            // A FETCH has brought it before its turn: who is subscribed still lacks it.
            Insert::Duplicate if stream.is_some() && track.lacks(&shared) => true,
            Insert::Duplicate => {
                self.counts.drops.duplicate += 1;
                return;
            }
            Insert::Absent => false,
            Insert::Malformed(why) => return self.malformed(io, id, why),
        };
        if !forward {
            self.counts.drops.absent += 1;
            return;
        }
        if shared.status == ObjectStatus::Normal {
            track.saw(location);
        }
        if let Some(stream) = stream {
            if !self.continues(io, id, (conn, stream), &shared) {
                return;
            }
        }
        self.fan_out(io, id, &shared);
        self.bound_cache(id);
    }

    /// Whether an object is to be forwarded: the next of its subgroup (draft-18 "Closing Subgroup
    /// Streams"), if need be after those between, which a FETCH has brought. Where some are missing,
    /// subscribers' streams are cut, and it goes on with new ones. What comes after its turn is only
    /// cached.
    fn continues(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        from: (ConnId, StreamId),
        object: &SharedObject,
    ) -> bool {
        let Some(track) = self.tracks.get_mut(&id) else {
            return false;
        };
        let key = (object.group, object.subgroup);
        let Some(live) = track.live.get_mut(&key) else {
            return false;
        };
        let same = live.from == from;
        let last = live.last;
        if last.is_none_or(|last| last < object.object) {
            live.last = Some(object.object);
            live.from = from;
        }
        let Some(last) = last.filter(|last| !same || object.object <= *last) else {
            return true;
        };
        if object.object == last + 1 {
            return true;
        }
        if object.object > last {
            if let Some(between) = track.cache.run(key, last + 1, object.object) {
                for object in &between {
                    self.fan_out(io, id, object);
                }
                return true;
            }
        }
        self.end_subgroup(io, id, key, SubgroupEnd::Reset(stream_codes::CANCELLED));
        if object.object > last {
            return true;
        }
        self.counts.drops.absent += 1;
        false
    }

    pub(super) fn on_stream_end(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        stream: StreamId,
        request: RequestId,
        end: StreamEnd,
    ) {
        let Some(incoming) = self
            .peers
            .get_mut(&conn)
            .and_then(|p| p.incoming.remove(&stream))
        else {
            return self.on_fetch_stream_end(io, conn, request, end);
        };
        match end {
            StreamEnd::Fin => self.finish_stream(io, conn, stream, &incoming),
            StreamEnd::Reset { code, .. } => self.cut_stream(io, conn, stream, &incoming, code),
            StreamEnd::TooLarge => {
                self.cut_stream(io, conn, stream, &incoming, stream_codes::CANCELLED);
            }
        }
        // Another publisher goes on with the subgroup: its last object here is not written yet.
        if let Some(id) = self.held.take() {
            self.pump_track(io, id);
        }
    }

    /// All objects of a subgroup have come.
    fn finish_stream(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        stream: StreamId,
        incoming: &Incoming,
    ) {
        let Some(subgroup) = incoming.subgroup else {
            return;
        };
        let key = (incoming.header.group, subgroup);
        let Some(track) = self.tracks.get_mut(&incoming.track) else {
            return;
        };
        if let Some(last) = incoming.last.filter(|_| incoming.header.end_of_group) {
            let before = track.cache.bytes();
            // A final object with an end-of-group status says the same one id earlier.
            let known = track.cache.group_end(key.0);
            if known.is_none() {
                if let Err(why) = track.cache.end_group(key.0, last.saturating_add(1)) {
                    return self.malformed(io, incoming.track, why);
                }
            }
            self.cached = self.cached - before.min(self.cached) + track.cache.bytes();
        }
        let Some(live) = track.live.get_mut(&key) else {
            return;
        };
        live.streams.retain(|s| *s != (conn, stream));
        let behind = live.last > incoming.last;
        let others = !live.streams.is_empty();
        if behind && others {
            // Another publisher has sent more of it already.
            return;
        }
        track.live.remove(&key);
        self.end_subgroup(io, incoming.track, key, SubgroupEnd::Fin);
    }

    /// A publisher that was lost has come back with this subgroup and goes on with it, or no publisher
    /// did: the others that waited for it are cut.
    pub(super) fn review_orphans(&mut self, io: &mut dyn Io, id: u64, back: Option<(u64, u64)>) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        for key in std::mem::take(&mut track.orphans) {
            if back == Some(key) {
                continue;
            }
            if let Some(track) = self.tracks.get_mut(&id) {
                track.live.remove(&key);
            }
            self.end_subgroup(io, id, key, SubgroupEnd::Reset(stream_codes::CANCELLED));
        }
    }

    /// The session that a stream came on is lost.
    pub(super) fn lose_stream(
        &mut self,
        io: &mut dyn Io,
        from: (ConnId, StreamId),
        incoming: &Incoming,
    ) {
        let key = incoming.subgroup.map(|it| (incoming.header.group, it));
        let track = self.tracks.get_mut(&incoming.track);
        let kept = key
            .zip(track)
            .is_some_and(|(key, track)| track.orphan(key, from));
        if !kept {
            self.cut_stream(io, from.0, from.1, incoming, stream_codes::CANCELLED);
        }
    }

    /// A subgroup was cut upstream. Subscribers' streams are cut too, unless another publisher
    /// goes on with it.
    pub(super) fn cut_stream(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        stream: StreamId,
        incoming: &Incoming,
        code: u64,
    ) {
        let Some(subgroup) = incoming.subgroup else {
            return;
        };
        let key = (incoming.header.group, subgroup);
        let Some(track) = self.tracks.get_mut(&incoming.track) else {
            return;
        };
        let Some(live) = track.live.get_mut(&key) else {
            return;
        };
        live.streams.retain(|s| *s != (conn, stream));
        if live.streams.is_empty() {
            track.live.remove(&key);
            self.end_subgroup(io, incoming.track, key, SubgroupEnd::Reset(code));
        }
    }
}
