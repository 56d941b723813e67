//! Stream events: which stream they belong to, and streams that end.

use super::buffer::Assembler;
use super::state::{Incoming, Phase, Stage, StreamEntry};
use super::types::{RequestEnd, RequestId, SessionEvent, StreamEnd};
use super::Session;
use crate::transport::{Dir, StreamId, Transport};
use crate::wire::{stream_codes, Message, RequestKind, WireError};
use bytes::{Buf, Bytes};
use std::time::{Duration, Instant};

/// How long a peer that has stopped our direction of a request may take to end its own.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a session ended whose peer dropped its control stream (draft-18 "Session initialization").
pub(crate) const CONTROL_FINISHED: &str = "control stream finished";
pub(crate) const CONTROL_RESET: &str = "control stream reset";

impl Session {
    pub(super) fn on_data(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        id: StreamId,
        dir: Dir,
        data: Bytes,
        fin: bool,
    ) {
        if !self.streams.contains_key(&id) && !self.accept_stream(now, t, id, dir) {
            return;
        }
        match self.streams.get_mut(&id) {
            Some(StreamEntry::Incoming(_)) => self.on_incoming(t, id, data, fin),
            Some(StreamEntry::Request(_)) => self.on_request_data(t, id, data, fin),
            Some(StreamEntry::NewRequest { .. }) => self.on_new_request(t, id, data, fin),
            Some(StreamEntry::PeerControl(_)) => self.on_control_data(t, id, data, fin),
            Some(StreamEntry::Closing { sent, received, .. }) => {
                *received |= fin;
                if *sent && *received {
                    self.streams.remove(&id);
                }
            }
            // Data on a stream that only we send on: no transport delivers that.
            Some(StreamEntry::LocalControl(_) | StreamEntry::Outgoing(_)) | None => {}
        }
    }

    /// Makes an entry for the peer's new stream; `false` if it was refused.
    fn accept_stream(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        id: StreamId,
        dir: Dir,
    ) -> bool {
        let deadline = now + self.config.limits.setup_timeout;
        let entry = match dir {
            Dir::Bi => {
                t.set_priority(id, super::REQUEST_PRIORITY);
                StreamEntry::NewRequest {
                    input: Assembler::default(),
                    held: None,
                    deadline,
                }
            }
            Dir::Uni => {
                if self.inbound_streams >= self.config.limits.max_streams {
                    self.stats.streams_refused += 1;
                    t.stop(id, stream_codes::EXCESSIVE_LOAD);
                    return false;
                }
                self.inbound_streams += 1;
                let stage = Stage::Typing { deadline };
                StreamEntry::Incoming(Incoming {
                    stage,
                    input: Assembler::default(),
                })
            }
        };
        self.note_deadline(deadline);
        self.streams.insert(id, entry);
        true
    }

    fn on_control_data(&mut self, t: &mut dyn Transport, id: StreamId, data: Bytes, fin: bool) {
        let Some(StreamEntry::PeerControl(input)) = self.streams.get_mut(&id) else {
            return;
        };
        if let Some(mut data) = input.feed_copy(data) {
            loop {
                match self.profile.decode_message(&data) {
                    Ok((message, used)) => {
                        data.advance(used);
                        self.on_control_message(t, message);
                        if self.closed {
                            return;
                        }
                    }
                    Err(WireError::Truncated { missing }) => {
                        if let Some(StreamEntry::PeerControl(input)) = self.streams.get_mut(&id) {
                            input.keep(&self.partial, &data, missing);
                        }
                        break;
                    }
                    Err(e) => return self.fail(t, e),
                }
            }
        }
        if fin {
            self.violation(t, CONTROL_FINISHED);
        }
    }

    fn on_new_request(&mut self, t: &mut dyn Transport, id: StreamId, data: Bytes, fin: bool) {
        let room = self.early.len() < self.config.limits.max_early_streams;
        let ready = self.peer.is_some();
        let Some(StreamEntry::NewRequest { input, held, .. }) = self.streams.get_mut(&id) else {
            return;
        };
        if !ready {
            // Held back by flow control until SETUP is there.
            if held.is_none() {
                if !room {
                    self.stats.streams_refused += 1;
                    return self.drop_stream(t, id);
                }
                t.pause(id, true);
                self.early.push_back(id);
            }
            input.hold(&self.partial, &data);
            *held = Some(held.unwrap_or(false) || fin);
            if self.is_crammed() {
                self.stats.partial_refused += 1;
                self.drop_stream(t, id);
            }
            return;
        }
        let Some(mut data) = input.feed_copy(data) else {
            if fin {
                self.violation(t, "request stream finished before its request");
            }
            return;
        };
        match self.profile.decode_message(&data) {
            Ok((
                Message::Request {
                    id: number,
                    request,
                },
                used,
            )) => {
                data.advance(used);
                self.on_request(t, id, number, request, used);
                if !self.closed && (fin || !data.is_empty()) {
                    let now = self.now.unwrap_or_else(Instant::now);
                    self.on_data(now, t, id, Dir::Bi, data, fin);
                }
            }
            Ok(_) => self.violation(t, "request stream begins with another message"),
            Err(WireError::Truncated { .. }) if fin => {
                self.violation(t, "request stream finished before its request")
            }
            Err(WireError::Truncated { missing }) => {
                input.keep(&self.partial, &data, missing);
                if self.is_crammed() {
                    self.stats.partial_refused += 1;
                    self.drop_stream(t, id);
                }
            }
            Err(e) => self.fail(t, e),
        }
    }

    /// Ends both directions of a request stream that the peer has opened, and whatever waits on it.
    pub(super) fn drop_stream(&mut self, t: &mut dyn Transport, id: StreamId) {
        self.streams.remove(&id);
        self.early.retain(|early| *early != id);
        t.reset(id, stream_codes::EXCESSIVE_LOAD);
        t.stop(id, stream_codes::EXCESSIVE_LOAD);
    }

    fn on_request_data(&mut self, t: &mut dyn Transport, id: StreamId, data: Bytes, fin: bool) {
        let Some(StreamEntry::Request(request)) = self.streams.get(&id) else {
            return;
        };
        let request = *request;
        let Some(state) = self.requests.get_mut(&request) else {
            return;
        };
        if self.peer.is_none() {
            // An answer that overtook SETUP.
            if data.is_empty() && !fin {
                return;
            }
            if state.held.is_none() {
                t.pause(id, true);
                self.early.push_back(id);
            }
            state.input.hold(&self.partial, &data);
            state.held = Some(state.held.unwrap_or(false) || fin);
            return;
        }
        if let Some(mut data) = state.input.feed_copy(data) {
            loop {
                match self.profile.decode_message(&data) {
                    Ok((message, used)) => {
                        data.advance(used);
                        self.on_request_message(t, request, message);
                        if self.closed || !self.requests.contains_key(&request) {
                            break;
                        }
                    }
                    Err(WireError::Truncated { missing }) => {
                        if let Some(state) = self.requests.get_mut(&request) {
                            state.input.keep(&self.partial, &data, missing);
                        }
                        break;
                    }
                    Err(e) => return self.fail(t, e),
                }
            }
        }
        if fin && !self.closed {
            return self.on_request_fin(t, id, request);
        }
        let partial = self
            .requests
            .get(&request)
            .is_some_and(|state| state.input.is_partial());
        if partial && self.is_crammed() {
            self.stats.partial_refused += 1;
            let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
            self.abort_request(t, request, stream_codes::EXCESSIVE_LOAD, Some(end));
        }
    }

    fn on_request_fin(&mut self, t: &mut dyn Transport, id: StreamId, request: RequestId) {
        let Some(state) = self.requests.get_mut(&request) else {
            // Ended by the message before: the stream is closing, and its other half is over now.
            if let Some(StreamEntry::Closing { sent, received, .. }) = self.streams.get_mut(&id) {
                *received = true;
                if *sent {
                    self.streams.remove(&id);
                }
            }
            return;
        };
        if state.input.is_partial() {
            return self.violation(t, "request stream finished within a message");
        }
        state.received_fin = true;
        use RequestKind::*;
        let stays = match (state.ours, state.phase) {
            // The end was announced; late data is still awaited.
            (_, Phase::Draining { .. }) => true,
            // The data stream decides, or the peer has nothing more to say.
            (true, Phase::Accepted) => matches!(state.kind, Fetch | Publish | PublishNamespace),
            (true, Phase::Pending) => false,
            // A subscriber or fetcher may finish its side early: it has nothing more to change.
            (false, _) => matches!(state.kind, Subscribe | Fetch | TrackStatus),
        };
        if !stays {
            self.finish_request(t, request, Some(RequestEnd::Finished));
        }
    }

    pub(super) fn on_writable(&mut self, t: &mut dyn Transport, id: StreamId) {
        match self.streams.get_mut(&id) {
            Some(StreamEntry::Outgoing(stream)) => {
                let was = stream.out.is_blocked();
                if let Ok(true) = stream.out.flush(t, id) {
                    if was && !stream.finished {
                        self.events.push_back(SessionEvent::Writable { stream: id });
                    }
                }
            }
            Some(StreamEntry::LocalControl(out)) => {
                let _ = out.flush(t, id);
            }
            Some(StreamEntry::Request(request)) => {
                if let Some(state) = self.requests.get_mut(request) {
                    let _ = state.out.flush(t, id);
                }
            }
            Some(StreamEntry::Closing {
                out,
                sent,
                received,
                ..
            }) => {
                *sent |= !matches!(out.flush(t, id), Ok(false));
                if *sent && *received {
                    self.streams.remove(&id);
                }
            }
            _ => {}
        }
    }

    /// Bytes that have come of an object of the peer's stream that is not whole.
    pub fn partial_bytes(&self, stream: StreamId) -> usize {
        match self.streams.get(&stream) {
            Some(StreamEntry::Incoming(incoming)) => incoming.input.len(),
            _ => 0,
        }
    }

    pub(super) fn on_acked(&mut self, id: StreamId) {
        if let Some(StreamEntry::Outgoing(_)) = self.streams.get(&id) {
            self.streams.remove(&id);
            self.events.push_back(SessionEvent::Acked { stream: id });
        }
    }

    pub(super) fn on_reset(&mut self, t: &mut dyn Transport, id: StreamId, code: u64) {
        match self.streams.get_mut(&id) {
            Some(StreamEntry::PeerControl(_)) => self.violation(t, CONTROL_RESET),
            Some(StreamEntry::NewRequest { .. }) => {
                self.streams.remove(&id);
                self.early.retain(|early| *early != id);
                t.reset(id, stream_codes::CANCELLED);
            }
            Some(StreamEntry::Request(request)) => {
                let request = *request;
                self.cancelled_by_peer(t, request, code, false);
            }
            Some(StreamEntry::Closing { sent, received, .. }) => {
                *received = true;
                if *sent {
                    self.streams.remove(&id);
                }
            }
            Some(StreamEntry::Incoming(incoming)) => {
                let truncated = incoming.input.is_partial();
                self.end_incoming(t, id, StreamEnd::Reset { code, truncated });
            }
            Some(StreamEntry::LocalControl(_) | StreamEntry::Outgoing(_)) | None => {}
        }
    }

    pub(super) fn on_stopped(&mut self, t: &mut dyn Transport, id: StreamId, code: u64) {
        match self.streams.get_mut(&id) {
            Some(StreamEntry::LocalControl(_)) => self.violation(t, "control stream stopped"),
            Some(StreamEntry::Outgoing(outgoing)) => {
                let request = outgoing.request;
                self.remove_outgoing(id);
                t.reset(id, code);
                self.events
                    .push_back(SessionEvent::Stopped { stream: id, code });
                self.fetch_served(t, request);
            }
            Some(StreamEntry::Request(request)) => {
                let request = *request;
                self.cancelled_by_peer(t, request, code, true);
            }
            Some(StreamEntry::NewRequest { .. }) => {
                self.streams.remove(&id);
                self.early.retain(|early| *early != id);
                t.reset(id, code);
                t.stop(id, code);
            }
            Some(StreamEntry::Closing { sent, received, .. }) => {
                t.reset(id, code);
                *sent = true;
                if *received {
                    self.streams.remove(&id);
                }
            }
            Some(StreamEntry::PeerControl(_) | StreamEntry::Incoming(_)) | None => {}
        }
    }

    /// The peer reset or stopped a request stream.
    fn cancelled_by_peer(
        &mut self,
        t: &mut dyn Transport,
        request: RequestId,
        code: u64,
        stopped: bool,
    ) {
        let Some(state) = self.requests.get_mut(&request) else {
            return;
        };
        // PUBLISH_DONE was read, or the peer has finished and clears what is left of the stream.
        let draining = matches!(state.phase, Phase::Draining { .. });
        if draining || (stopped && state.ours && state.received_fin) {
            return;
        }
        // A peer that is done with a request may stop our direction ahead of its own last words,
        // in the same packet even: what it has to say is waited for a moment.
        let speaks = state.we_subscribe() || (state.ours && state.phase == Phase::Pending);
        if stopped && speaks && !state.received_fin {
            let stream = state.stream;
            if state.stopped.replace(code).is_none() {
                t.reset(stream, code);
                let last_words = self.after(LAST_WORDS);
                if let Some(state) = self.requests.get_mut(&request) {
                    state.deadline = Some(state.deadline.map_or(last_words, |d| d.min(last_words)));
                }
            }
            return;
        }
        self.abort_request(
            t,
            request,
            stream_codes::CANCELLED,
            Some(RequestEnd::Cancelled(code)),
        );
    }
}
