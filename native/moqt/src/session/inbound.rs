//! The peer's data streams and datagrams.

use super::buffer::Meter;
use super::state::{Incoming, Phase, Stage, StreamEntry};
use super::types::{RequestId, SessionEvent, StreamEnd};
use super::Session;
use crate::transport::{Dir, StreamId, Transport};
use crate::wire::{
    stream_codes, Datagram, FetchState, RequestKind, StreamHeader, SubgroupHeader, SubgroupState,
    WireError,
};
use bytes::{Buf, Bytes};
use std::time::Instant;

impl Session {
    pub(super) fn on_incoming(
        &mut self,
        t: &mut dyn Transport,
        id: StreamId,
        data: Bytes,
        fin: bool,
    ) {
        let Some(StreamEntry::Incoming(incoming)) = self.streams.get_mut(&id) else {
            return;
        };
        match &mut incoming.stage {
            Stage::Subgroup { .. } | Stage::Fetch { .. } => self.on_objects(t, id, data, fin),
            Stage::Padding => {
                self.stats.padding_bytes += data.len() as u64;
                if fin {
                    self.drop_incoming(id);
                }
            }
            Stage::Typing { .. } => self.on_stream_start(t, id, data, fin),
            Stage::Early(ended) | Stage::Held { fin: ended, .. } => {
                *ended |= fin;
                incoming.input.hold(&self.partial, &data);
                self.refuse_if_crammed(t, id);
            }
        }
    }

    /// Reads the header of a new stream.
    fn on_stream_start(&mut self, t: &mut dyn Transport, id: StreamId, data: Bytes, fin: bool) {
        let Some(StreamEntry::Incoming(incoming)) = self.streams.get_mut(&id) else {
            return;
        };
        let Some(mut data) = incoming.input.feed(data) else {
            if fin {
                // A stream without a type carries nothing.
                self.drop_incoming(id);
            }
            return;
        };
        let (header, used) = match self.profile.decode_stream_header(&data) {
            Ok(header) => header,
            Err(WireError::Truncated { .. }) if fin => {
                return self.violation(t, "stream finished within its header");
            }
            Err(WireError::Truncated { missing }) => {
                return incoming.input.keep(&self.partial, &data, missing)
            }
            Err(e) => return self.fail(t, e),
        };
        if header != StreamHeader::Control && header != StreamHeader::Padding && self.peer.is_none()
        {
            return self.hold_early(t, id, data, fin);
        }
        data.advance(used);
        match header {
            StreamHeader::Control => {
                if self.peer_control.replace(id).is_some() {
                    return self.violation(t, "second control stream");
                }
                let input = super::buffer::Assembler::default();
                self.inbound_streams -= 1;
                self.streams.insert(id, StreamEntry::PeerControl(input));
                let now = self.now.unwrap_or_else(Instant::now);
                self.on_data(now, t, id, Dir::Uni, data, fin);
            }
            StreamHeader::Padding => {
                self.set_stage(id, Stage::Padding);
                self.on_incoming(t, id, data, fin);
            }
            StreamHeader::Subgroup(header) => {
                self.stats.streams_received += 1;
                match self.aliases_in.get(&header.track_alias).copied() {
                    Some(request) => self.begin_subgroup(t, id, request, header, data, fin),
                    None => self.hold_unknown(t, id, header, data, fin),
                }
            }
            StreamHeader::Fetch { request_id } => {
                self.stats.streams_received += 1;
                self.begin_fetch(t, id, RequestId(request_id), data, fin);
            }
        }
    }

    fn set_stage(&mut self, id: StreamId, stage: Stage) {
        if let Some(StreamEntry::Incoming(incoming)) = self.streams.get_mut(&id) {
            incoming.stage = stage;
        }
    }

    pub(super) fn refuse_incoming(&mut self, t: &mut dyn Transport, id: StreamId, code: u64) {
        self.drop_incoming(id);
        t.stop(id, code);
    }

    /// Refuses a stream that made unfinished things hold too much.
    pub(super) fn refuse_if_crammed(&mut self, t: &mut dyn Transport, id: StreamId) {
        if self.is_crammed() {
            self.stats.partial_refused += 1;
            self.refuse_incoming(t, id, stream_codes::EXCESSIVE_LOAD);
        }
    }

    pub(super) fn drop_incoming(&mut self, id: StreamId) -> Option<Incoming> {
        match self.streams.remove(&id) {
            Some(StreamEntry::Incoming(incoming)) => {
                self.inbound_streams -= 1;
                match incoming.stage {
                    Stage::Held { .. } => self.held.retain(|held| *held != id),
                    Stage::Early(_) => self.early.retain(|early| *early != id),
                    _ => {}
                }
                Some(incoming)
            }
            Some(other) => {
                self.streams.insert(id, other);
                None
            }
            None => None,
        }
    }

    pub(super) fn begin_subgroup(
        &mut self,
        t: &mut dyn Transport,
        id: StreamId,
        request: RequestId,
        header: SubgroupHeader,
        data: Bytes,
        fin: bool,
    ) {
        let Some(state) = self.requests.get_mut(&request) else {
            return;
        };
        state.streams += 1;
        state.live += 1;
        self.set_stage(
            id,
            Stage::Subgroup {
                request,
                state: SubgroupState::new(&header),
            },
        );
        self.events.push_back(SessionEvent::SubgroupOpened {
            stream: id,
            request,
            header,
        });
        self.on_objects(t, id, data, fin);
    }

    fn begin_fetch(
        &mut self,
        t: &mut dyn Transport,
        id: StreamId,
        request: RequestId,
        data: Bytes,
        fin: bool,
    ) {
        let state = self.requests.get_mut(&request).filter(|state| {
            state.ours && state.kind == RequestKind::Fetch && state.data_stream.is_none()
        });
        let Some(state) = state else {
            // Over already, or never asked for.
            self.stats.streams_unknown += 1;
            return self.refuse_incoming(t, id, stream_codes::CANCELLED);
        };
        state.data_stream = Some(id);
        state.live += 1;
        let order = state.order;
        self.set_stage(
            id,
            Stage::Fetch {
                request,
                state: FetchState::new(order),
            },
        );
        self.events.push_back(SessionEvent::FetchOpened {
            stream: id,
            request,
        });
        self.on_objects(t, id, data, fin);
    }

    /// Objects of a subgroup or fetch stream. The hot path: no map but the streams' is touched.
    fn on_objects(&mut self, t: &mut dyn Transport, id: StreamId, data: Bytes, fin: bool) {
        let max_size = self.config.limits.max_object_size;
        let Some(StreamEntry::Incoming(incoming)) = self.streams.get_mut(&id) else {
            return;
        };
        let Incoming { stage, input } = incoming;
        let failure = loop_objects(input, &self.partial, data, |data| match stage {
            Stage::Subgroup { request, state } => {
                let (object, used) = self.profile.decode_subgroup_object(state, data, max_size)?;
                self.stats.objects_received += 1;
                let request = *request;
                self.events.push_back(SessionEvent::Object {
                    stream: id,
                    request,
                    object,
                });
                Ok(used)
            }
            Stage::Fetch { request, state } => {
                let (item, used) = self.profile.decode_fetch_item(state, data, max_size)?;
                self.stats.objects_received += 1;
                let request = *request;
                self.events.push_back(SessionEvent::FetchItem {
                    stream: id,
                    request,
                    item,
                });
                Ok(used)
            }
            _ => Ok(data.len()),
        });
        let partial = input.is_partial();
        match failure {
            Some(WireError::TooLarge { .. }) => {
                self.stats.objects_too_large += 1;
                t.stop(id, stream_codes::EXCESSIVE_LOAD);
                self.end_incoming(t, id, StreamEnd::TooLarge);
            }
            Some(e) => self.fail(t, e),
            None if fin && partial => self.violation(t, "stream finished within an object"),
            None if fin => self.end_incoming(t, id, StreamEnd::Fin),
            None if partial && self.is_crammed() => {
                self.stats.partial_refused += 1;
                t.stop(id, stream_codes::EXCESSIVE_LOAD);
                self.end_incoming(t, id, StreamEnd::TooLarge);
            }
            None => {}
        }
    }

    /// The peer's data stream is over: tells the owner, if it has heard of the stream, and looks
    /// what that means for the request.
    pub(super) fn end_incoming(&mut self, t: &mut dyn Transport, id: StreamId, end: StreamEnd) {
        let Some(incoming) = self.drop_incoming(id) else {
            return;
        };
        let Some(request) = incoming.stage.request() else {
            if matches!(incoming.stage, Stage::Held { .. }) {
                self.stats.streams_unknown += 1;
            }
            return;
        };
        if matches!(
            end,
            StreamEnd::Reset {
                truncated: true,
                ..
            }
        ) {
            self.stats.objects_truncated += 1;
        }
        self.events.push_back(SessionEvent::StreamEnded {
            stream: id,
            request,
            end,
        });
        self.stream_gone(t, request);
    }

    fn stream_gone(&mut self, t: &mut dyn Transport, request: RequestId) {
        let Some(state) = self.requests.get_mut(&request) else {
            return;
        };
        state.live -= 1;
        if state.kind == RequestKind::Fetch {
            state.data_done = true;
            if state.phase == Phase::Accepted {
                self.finish_request(t, request, Some(super::RequestEnd::Done));
            }
        } else {
            self.finish_if_drained(t, request);
        }
    }

    /// Stops a data stream of the peer. No event of it follows.
    pub fn stop_stream(&mut self, t: &mut dyn Transport, stream: StreamId, code: u64) {
        let Some(incoming) = self.drop_incoming(stream) else {
            return;
        };
        t.stop(stream, code);
        if let Some(request) = incoming.stage.request() {
            self.stream_gone(t, request);
        }
    }

    /// Holds back or lets flow a data stream of the peer (back-pressure).
    pub fn pause_stream(&mut self, t: &mut dyn Transport, stream: StreamId, paused: bool) {
        if let Some(StreamEntry::Incoming(_)) = self.streams.get(&stream) {
            t.pause(stream, paused);
        }
    }

    pub(super) fn on_datagram(&mut self, now: Instant, t: &mut dyn Transport, data: Bytes) {
        let datagram = match self.profile.decode_datagram(&data) {
            Ok(Datagram::Padding) => {
                self.stats.padding_bytes += data.len() as u64;
                return;
            }
            Ok(Datagram::Object(datagram)) => datagram,
            Err(e) => return self.fail(t, e),
        };
        let limit = self.config.limits.max_held_datagrams;
        if self.peer.is_none() {
            self.early_datagrams.push_back(data);
            if self.early_datagrams.len() > limit {
                self.early_datagrams.pop_front();
                self.stats.datagrams_dropped += 1;
            }
            return;
        }
        self.stats.datagrams_received += 1;
        if let Some(request) = self.aliases_in.get(&datagram.track_alias) {
            let request = *request;
            self.events
                .push_back(SessionEvent::Datagram { request, datagram });
        } else if self.retired_in.contains(&datagram.track_alias) {
            self.stats.datagrams_dropped += 1;
        } else {
            let deadline = now + self.config.limits.hold_timeout;
            self.note_deadline(deadline);
            self.held_datagrams.push_back((deadline, datagram));
            if self.held_datagrams.len() > limit {
                self.held_datagrams.pop_front();
                self.stats.datagrams_dropped += 1;
            }
        }
    }
}

/// Feeds `data` to `decode` until it wants more; gives the error that ends the stream, if any.
fn loop_objects(
    input: &mut super::buffer::Assembler,
    meter: &Meter,
    data: Bytes,
    mut decode: impl FnMut(&Bytes) -> Result<usize, WireError>,
) -> Option<WireError> {
    let mut data = input.feed(data)?;
    while !data.is_empty() {
        match decode(&data) {
            Ok(used) => data.advance(used),
            Err(WireError::Truncated { missing }) => {
                input.keep(meter, &data, missing);
                return None;
            }
            Err(e) => return Some(e),
        }
    }
    None
}
