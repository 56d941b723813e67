//! Our data streams and datagrams.

use super::buffer::OutBuf;
use super::state::{Coder, Outgoing, StreamEntry};
use super::types::{RequestId, SessionError};
use super::Session;
use crate::transport::{DatagramError, Dir, StreamId, Transport};
use crate::wire::{
    FetchItem, FetchState, ObjectDatagram, RequestKind, SubgroupHeader, SubgroupObject,
    SubgroupState,
};
use bytes::Bytes;

/// Payloads up to this size go out in one piece with their header: copying them is cheaper than a
/// second write.
const COALESCE: usize = 256;
/// Room for the fields before a payload, without properties.
const MAX_HEAD: usize = 64;
const SCRATCH: usize = 16 * 1024;

impl Session {
    /// A track alias that no live subscription of ours uses as publisher.
    pub fn next_alias(&mut self) -> u64 {
        loop {
            let alias = self.next_alias;
            self.next_alias += 1;
            if !self.aliases_out.contains_key(&alias) {
                return alias;
            }
        }
    }

    /// Opens a data stream for a subscription, found by the header's alias: one that this side
    /// chose in SUBSCRIBE_OK or PUBLISH. `priority`: higher goes first. The header goes out with
    /// the first object or the end.
    pub fn open_subgroup(
        &mut self,
        t: &mut dyn Transport,
        header: &SubgroupHeader,
        priority: i32,
    ) -> Result<StreamId, SessionError> {
        let request = self.aliases_out.get(&header.track_alias).copied();
        let request = request.ok_or(SessionError::UnknownRequest)?;
        let stream = self.open_data(t, priority)?;
        self.profile
            .encode_subgroup_header(header, &mut self.scratch);
        if let Some(state) = self.requests.get_mut(&request) {
            state.streams += 1;
        }
        let coder = Coder::Subgroup(SubgroupState::new(header));
        self.add_outgoing(stream, request, coder);
        Ok(stream)
    }

    /// [`Session::open_subgroup`] for a header that is already coded: the first
    /// [`Session::write_encoded`] begins with it (fan-out: header and object in the same shared
    /// bytes for every subscriber).
    pub fn open_subgroup_encoded(
        &mut self,
        t: &mut dyn Transport,
        track_alias: u64,
        priority: i32,
    ) -> Result<StreamId, SessionError> {
        let request = self.aliases_out.get(&track_alias).copied();
        let request = request.ok_or(SessionError::UnknownRequest)?;
        let stream = self.open_data(t, priority)?;
        if let Some(state) = self.requests.get_mut(&request) {
            state.streams += 1;
        }
        let state = SubgroupState {
            has_properties: false,
            previous: None,
        };
        let outgoing = Outgoing {
            request,
            header: None,
            out: OutBuf::default(),
            coder: Coder::Subgroup(state),
            finished: false,
        };
        self.streams.insert(stream, StreamEntry::Outgoing(outgoing));
        Ok(stream)
    }

    /// Opens the data stream of the peer's FETCH. Once per FETCH, before or after FETCH_OK.
    /// [`Session::finish_stream`] on it completes the request when FETCH_OK was sent.
    pub fn open_fetch(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        priority: i32,
    ) -> Result<StreamId, SessionError> {
        let state = self.live(id)?;
        if state.kind != RequestKind::Fetch || state.ours || state.data_stream.is_some() {
            return Err(SessionError::WrongState(
                "not a FETCH of the peer without its stream",
            ));
        }
        let order = state.order;
        let stream = self.open_data(t, priority)?;
        self.profile.encode_fetch_header(id.0, &mut self.scratch);
        if let Some(state) = self.requests.get_mut(&id) {
            state.data_stream = Some(stream);
        }
        self.add_outgoing(stream, id, Coder::Fetch(FetchState::new(order)));
        Ok(stream)
    }

    /// Sends the header of a stream ahead of its first object, so that the peer knows of the stream.
    pub fn send_header(&mut self, t: &mut dyn Transport, stream: StreamId) {
        if let Ok(outgoing) = self.outgoing(stream) {
            if let Some(header) = outgoing.header.take() {
                // A stopped stream is reported by the transport's own event.
                let _ = outgoing.out.push(t, stream, header);
            }
        }
    }

    fn open_data(
        &mut self,
        t: &mut dyn Transport,
        priority: i32,
    ) -> Result<StreamId, SessionError> {
        if self.closed {
            return Err(SessionError::Closed);
        }
        let stream = t.open(Dir::Uni).ok_or(SessionError::NoStreams)?;
        t.set_priority(stream, priority.min(super::REQUEST_PRIORITY - 1));
        self.stats.streams_opened += 1;
        Ok(stream)
    }

    fn add_outgoing(&mut self, stream: StreamId, request: RequestId, coder: Coder) {
        let header = Some(self.scratch.split().freeze());
        let out = OutBuf::default();
        let outgoing = Outgoing {
            request,
            header,
            out,
            coder,
            finished: false,
        };
        self.streams.insert(stream, StreamEntry::Outgoing(outgoing));
    }

    fn outgoing(&mut self, stream: StreamId) -> Result<&mut Outgoing, SessionError> {
        match self.streams.get_mut(&stream) {
            Some(StreamEntry::Outgoing(outgoing)) if !outgoing.finished => Ok(outgoing),
            _ => Err(SessionError::UnknownStream),
        }
    }

    /// Sends one object on a subgroup stream. `Ok(true)`: taken, and the stream is blocked now;
    /// the rest is kept and flushed when it is writable. A blocked stream takes nothing:
    /// [`SessionError::Blocked`].
    pub fn write_object(
        &mut self,
        t: &mut dyn Transport,
        stream: StreamId,
        object: &SubgroupObject,
    ) -> Result<bool, SessionError> {
        let profile = self.profile;
        self.write(t, stream, &object.payload, |coder, head| match coder {
            Coder::Subgroup(state) => Ok(profile.encode_subgroup_object(state, object, head)?),
            Coder::Fetch(_) => Err(SessionError::WrongState("not a subgroup stream")),
        })
    }

    /// Sends one item on a fetch stream. Like [`Session::write_object`].
    pub fn write_fetch_item(
        &mut self,
        t: &mut dyn Transport,
        stream: StreamId,
        item: &FetchItem,
    ) -> Result<bool, SessionError> {
        let profile = self.profile;
        let nothing = Bytes::new();
        let payload = match item {
            FetchItem::Object(object) => &object.payload,
            FetchItem::EndOfRange { .. } => &nothing,
        };
        self.write(t, stream, payload, |coder, head| match coder {
            Coder::Fetch(state) => Ok(profile.encode_fetch_item(state, item, head)?),
            Coder::Subgroup(_) => Err(SessionError::WrongState("not a fetch stream")),
        })
    }

    fn write(
        &mut self,
        t: &mut dyn Transport,
        stream: StreamId,
        payload: &Bytes,
        encode: impl FnOnce(&mut Coder, &mut bytes::BytesMut) -> Result<(), SessionError>,
    ) -> Result<bool, SessionError> {
        let mut head = std::mem::take(&mut self.scratch);
        if head.capacity() < COALESCE + MAX_HEAD {
            // One allocation for many heads: those written before still hold theirs.
            head.reserve(SCRATCH);
        }
        let result = (|| {
            let outgoing = self.outgoing(stream)?;
            if outgoing.out.is_blocked() {
                return Err(SessionError::Blocked);
            }
            if let Some(header) = &outgoing.header {
                head.extend_from_slice(header);
            }
            let before = head.len();
            if let Err(e) = encode(&mut outgoing.coder, &mut head) {
                head.clear();
                return Err(e);
            }
            debug_assert!(head.len() > before, "every object has a head");
            outgoing.header = None;
            let small = payload.len() <= COALESCE;
            if small {
                head.extend_from_slice(payload);
            }
            let out = &mut outgoing.out;
            // A stopped stream is reported by the transport's own event.
            let _ = out.push(t, stream, head.split().freeze());
            if !small {
                let _ = out.push(t, stream, payload.clone());
            }
            Ok(out.is_blocked())
        })();
        self.scratch = head;
        if result.is_ok() {
            self.stats.objects_sent += 1;
        }
        result
    }

    /// Sends one object whose fields before the payload are already coded (fan-out: the same bytes
    /// for every subscriber; see [`crate::wire::Profile::encode_subgroup_object`]). Otherwise like
    /// [`Session::write_object`]; do not mix the two on one stream.
    pub fn write_encoded(
        &mut self,
        t: &mut dyn Transport,
        stream: StreamId,
        head: Bytes,
        payload: Bytes,
    ) -> Result<bool, SessionError> {
        let outgoing = self.outgoing(stream)?;
        if outgoing.out.is_blocked() {
            return Err(SessionError::Blocked);
        }
        let header = outgoing.header.take();
        for piece in header.into_iter().chain([head, payload]) {
            let _ = outgoing.out.push(t, stream, piece);
        }
        let blocked = outgoing.out.is_blocked();
        self.stats.objects_sent += 1;
        Ok(blocked)
    }

    /// Whether bytes of an object wait on a stream of ours.
    pub fn is_blocked(&self, stream: StreamId) -> bool {
        match self.streams.get(&stream) {
            Some(StreamEntry::Outgoing(outgoing)) => outgoing.out.is_blocked(),
            _ => false,
        }
    }

    /// Ends a data stream of ours after everything written. [`super::SessionEvent::Acked`] or
    /// [`super::SessionEvent::Stopped`] follows.
    pub fn finish_stream(&mut self, t: &mut dyn Transport, stream: StreamId) {
        let Ok(outgoing) = self.outgoing(stream) else {
            return;
        };
        if let Some(header) = outgoing.header.take() {
            let _ = outgoing.out.push(t, stream, header);
        }
        outgoing.finished = true;
        outgoing.out.finish(t, stream);
        let request = outgoing.request;
        self.fetch_served(t, request);
    }

    /// A FETCH is complete when it was accepted and its stream is finished.
    pub(super) fn fetch_served(&mut self, t: &mut dyn Transport, request: RequestId) {
        let Some(state) = self.requests.get_mut(&request) else {
            return;
        };
        if state.kind != RequestKind::Fetch {
            return;
        }
        state.data_done = true;
        if state.phase == super::state::Phase::Accepted {
            self.finish_request(t, request, None);
        }
    }

    /// Abandons a data stream of ours, also a finished one. No event follows.
    pub fn reset_stream(&mut self, t: &mut dyn Transport, stream: StreamId, code: u64) {
        if let Some(StreamEntry::Outgoing(outgoing)) = self.streams.get(&stream) {
            let request = outgoing.request;
            self.remove_outgoing(stream);
            t.reset(stream, code);
            self.fetch_served(t, request);
        }
    }

    pub(super) fn remove_outgoing(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    /// Changes a data stream's priority: higher goes first.
    pub fn set_stream_priority(&mut self, t: &mut dyn Transport, stream: StreamId, priority: i32) {
        if let Some(StreamEntry::Outgoing(_)) = self.streams.get(&stream) {
            t.set_priority(stream, priority.min(super::REQUEST_PRIORITY - 1));
        }
    }

    /// Sends one object as a datagram; the alias is one that this side chose.
    pub fn send_datagram(
        &mut self,
        t: &mut dyn Transport,
        datagram: &ObjectDatagram,
    ) -> Result<(), SessionError> {
        if self.closed {
            return Err(SessionError::Closed);
        }
        if !self.aliases_out.contains_key(&datagram.track_alias) {
            return Err(SessionError::UnknownRequest);
        }
        self.profile.encode_datagram(datagram, &mut self.scratch)?;
        let bytes = self.scratch.split().freeze();
        self.send_datagram_bytes(t, bytes)
    }

    /// Sends a datagram that is already coded (see [`crate::wire::Profile::encode_datagram`]).
    pub fn send_datagram_bytes(
        &mut self,
        t: &mut dyn Transport,
        bytes: Bytes,
    ) -> Result<(), SessionError> {
        if self.closed {
            return Err(SessionError::Closed);
        }
        t.send_datagram(bytes).map_err(|e| match e {
            DatagramError::Unsupported => SessionError::DatagramsUnsupported,
            DatagramError::TooLarge { limit } => SessionError::TooLarge { limit },
            DatagramError::Blocked => SessionError::Blocked,
        })?;
        self.stats.datagrams_sent += 1;
        Ok(())
    }
}
