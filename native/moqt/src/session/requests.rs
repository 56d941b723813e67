//! Our requests and updates, and the end of requests of either side.

use super::buffer::OutBuf;
use super::config::Role;
use super::state::{Phase, RequestState, StreamEntry};
use super::types::{RequestEnd, RequestId, SessionError, SessionEvent};
use super::{GoawaySent, Session, MAX_RETIRED_ALIASES, REQUEST_PRIORITY};
use crate::transport::{Dir, StreamId, Transport};
use crate::wire::{
    stream_codes, FetchRange, Goaway, Message, Parameters, Request, RequestKind, Scope,
};
use bytes::Bytes;
use std::time::{Duration, Instant};

impl Session {
    /// Sends a request on a new stream.
    pub fn request(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        request: Request,
    ) -> Result<RequestId, SessionError> {
        self.now = Some(now);
        if self.closed {
            return Err(SessionError::Closed);
        }
        if self.goaway_received {
            return Err(SessionError::GoingAway);
        }
        if request
            .namespace()
            .is_some_and(|namespace| namespace.is_session_level())
        {
            return Err(SessionError::InvalidArgument(
                "the namespace is reserved for sessions",
            ));
        }
        if let Request::Publish(publish) = &request {
            if self.aliases_out.contains_key(&publish.track_alias) {
                return Err(SessionError::InvalidArgument("the track alias is in use"));
            }
        }
        let tokens = &request.params().tokens;
        self.tokens_out
            .check_own(tokens)
            .map_err(SessionError::LimitExceeded)?;
        let id = RequestId(self.next_id);
        let bytes = self.encode(&Message::Request {
            id: id.0,
            request: request.clone(),
        })?;
        let stream = t.open(Dir::Bi).ok_or(SessionError::NoStreams)?;
        self.tokens_out.apply_own(tokens);
        t.set_priority(stream, REQUEST_PRIORITY);
        self.next_id += 2;
        self.stats.requests_sent += 1;

        let mut state = RequestState::new(stream, request.kind(), true, &self.backlog);
        let rendezvous = request.params().rendezvous_timeout.unwrap_or(0);
        let wait = self.config.limits.response_timeout + Duration::from_millis(rendezvous.min(DAY));
        state.deadline = Some(self.after(wait));
        describe(&mut state, &request);
        if let Request::Publish(publish) = &request {
            state.alias = Some(publish.track_alias);
            self.aliases_out.insert(publish.track_alias, id);
        }
        let _ = state.out.push(t, stream, bytes);
        self.streams.insert(stream, StreamEntry::Request(id));
        self.requests.insert(id, state);
        Ok(id)
    }

    /// Changes a request of ours, or the peer's PUBLISH once accepted. The answer is
    /// [`SessionEvent::UpdateResponse`].
    pub fn update(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        id: RequestId,
        params: Parameters,
    ) -> Result<(), SessionError> {
        self.now = Some(now);
        let limit = self.config.limits.max_pending_updates;
        let state = self.live(id)?;
        if !state.ours && (state.kind != RequestKind::Publish || state.phase == Phase::Pending) {
            return Err(SessionError::WrongState(
                "only the peer can change this request",
            ));
        }
        if state.kind == RequestKind::TrackStatus || matches!(state.phase, Phase::Draining { .. }) {
            return Err(SessionError::WrongState(
                "this request cannot be changed any more",
            ));
        }
        if state.updates_out >= limit {
            return Err(SessionError::LimitExceeded("too many unanswered updates"));
        }
        params.check(Scope::Update(state.kind))?;
        self.tokens_out
            .check_own(&params.tokens)
            .map_err(SessionError::LimitExceeded)?;
        let update = Message::Update {
            id: self.next_id,
            existing: None,
            params,
        };
        let bytes = self.encode(&update)?;
        if let Message::Update { params, .. } = &update {
            self.tokens_out.apply_own(&params.tokens);
        }
        self.next_id += 2;
        if let Some(state) = self.requests.get_mut(&id) {
            state.updates_out += 1;
        }
        self.send_on_request(t, id, bytes);
        Ok(())
    }

    /// Ends a request of either side at once, with a stream reset code. Its data streams are reset
    /// or stopped. No [`SessionEvent::RequestClosed`] follows.
    pub fn cancel(&mut self, t: &mut dyn Transport, id: RequestId, code: u64) {
        self.abort_request(t, id, code, None);
    }

    /// Ends a request of ours by finishing its stream: the plain way to withdraw
    /// PUBLISH_NAMESPACE, SUBSCRIBE_NAMESPACE and SUBSCRIBE_TRACKS. Others are cancelled.
    pub fn withdraw(&mut self, t: &mut dyn Transport, id: RequestId) {
        use RequestKind::{PublishNamespace, SubscribeNamespace, SubscribeTracks};
        match self.requests.get(&id) {
            Some(state)
                if state.ours
                    && matches!(
                        state.kind,
                        PublishNamespace | SubscribeNamespace | SubscribeTracks
                    ) =>
            {
                self.finish_request(t, id, None)
            }
            _ => self.abort_request(t, id, stream_codes::CANCELLED, None),
        }
    }

    /// Asks the peer to move. `uri` is empty from a client. Requests that the peer sends from now
    /// on are refused. With a `timeout` in milliseconds other than 0, the session closes with
    /// GOAWAY_TIMEOUT when requests are still open after it.
    pub fn goaway(
        &mut self,
        now: Instant,
        t: &mut dyn Transport,
        uri: &str,
        timeout: u64,
    ) -> Result<(), SessionError> {
        self.now = Some(now);
        if self.closed {
            return Err(SessionError::Closed);
        }
        if self.goaway_sent.is_some() || self.local_control.is_none() {
            return Err(SessionError::WrongState(
                "GOAWAY was sent, or SETUP was not",
            ));
        }
        self.check_uri(uri)?;
        let limit = self.peer_ids.next();
        let uri = Bytes::copy_from_slice(uri.as_bytes());
        let goaway = Goaway {
            uri,
            timeout,
            request_id: Some(limit),
        };
        self.send_control(t, &Message::Goaway(goaway));
        let deadline = (timeout > 0).then(|| self.after(Duration::from_millis(timeout.min(DAY))));
        self.goaway_sent = Some(GoawaySent { limit, deadline });
        Ok(())
    }

    /// Asks the peer to move one request. Once per request.
    pub fn goaway_request(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        uri: &str,
        timeout: u64,
    ) -> Result<(), SessionError> {
        self.check_uri(uri)?;
        let state = self.live(id)?;
        if state.goaway_sent {
            return Err(SessionError::WrongState("GOAWAY was sent for this request"));
        }
        let uri = Bytes::copy_from_slice(uri.as_bytes());
        let goaway = Goaway {
            uri,
            timeout,
            request_id: None,
        };
        let bytes = self.encode(&Message::Goaway(goaway))?;
        if let Some(state) = self.requests.get_mut(&id) {
            state.goaway_sent = true;
        }
        self.send_on_request(t, id, bytes);
        Ok(())
    }

    fn check_uri(&self, uri: &str) -> Result<(), SessionError> {
        if self.config.role == Role::Client && !uri.is_empty() {
            return Err(SessionError::InvalidArgument(
                "a client's GOAWAY has no URI",
            ));
        }
        Ok(())
    }

    /// Whether a request of either side is live.
    pub fn is_live(&self, id: RequestId) -> bool {
        self.requests.contains_key(&id)
    }

    pub(super) fn live(&self, id: RequestId) -> Result<&RequestState, SessionError> {
        if self.closed {
            return Err(SessionError::Closed);
        }
        self.requests.get(&id).ok_or(SessionError::UnknownRequest)
    }

    /// Writes on a request stream; what the peer does not read is bounded.
    pub(super) fn send_on_request(&mut self, t: &mut dyn Transport, id: RequestId, bytes: Bytes) {
        let Some(state) = self.requests.get_mut(&id) else {
            return;
        };
        // A stream that is gone is reported by the transport's own event.
        let _ = state.out.push(t, state.stream, bytes);
        let all = self.backlog.bytes();
        let limits = &self.config.limits;
        let waits = state.out.is_blocked();
        if state.out.len() > limits.max_control_backlog || (waits && all > limits.max_backlog_bytes)
        {
            self.stats.backlog_refused += 1;
            let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
            self.abort_request(t, id, stream_codes::EXCESSIVE_LOAD, Some(end));
        }
    }

    /// Ends a request: both directions of its stream at once.
    pub(super) fn abort_request(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        code: u64,
        end: Option<RequestEnd>,
    ) {
        let Some(state) = self.forget_request(t, id, end) else {
            return;
        };
        self.streams.remove(&state.stream);
        t.reset(state.stream, code);
        if !state.received_fin {
            t.stop(state.stream, code);
        }
    }

    /// Ends a request: our direction finishes after what is written, the peer's is read to its end.
    pub(super) fn finish_request(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        end: Option<RequestEnd>,
    ) {
        let Some(mut state) = self.forget_request(t, id, end) else {
            return;
        };
        state.out.finish(t, state.stream);
        let sent = !state.out.is_blocked();
        if sent && state.received_fin {
            self.streams.remove(&state.stream);
            return;
        }
        let deadline = self.after(self.config.limits.drain_timeout);
        let RequestState {
            out,
            stream,
            received_fin: received,
            ..
        } = state;
        self.streams.insert(
            stream,
            StreamEntry::Closing {
                out,
                sent,
                received,
                deadline,
            },
        );
    }

    /// Removes a request, its aliases and its data streams.
    fn forget_request(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        end: Option<RequestEnd>,
    ) -> Option<RequestState> {
        let state = self.requests.remove(&id)?;
        if !state.ours {
            self.inbound_requests -= 1;
        }
        if let Some(alias) = state.alias {
            if state.we_publish() {
                self.aliases_out.remove(&alias);
            } else if self.aliases_in.get(&alias) == Some(&id) {
                self.aliases_in.remove(&alias);
                if self.retired_in.len() >= MAX_RETIRED_ALIASES {
                    self.retired_in.pop_front();
                }
                self.retired_in.push_back(alias);
            }
        }
        self.drop_data_streams(t, id, &state);
        if let Some(end) = end {
            self.events
                .push_back(SessionEvent::RequestClosed { id, end });
        }
        Some(state)
    }

    /// Stops the peer's streams of a request and resets ours that are not finished. Sessions have up
    /// to thousands of streams, so they are gone through only for a subscription that had some: a
    /// peer could otherwise make every refusal expensive.
    fn drop_data_streams(&mut self, t: &mut dyn Transport, id: RequestId, state: &RequestState) {
        let of_request = |(stream, entry): (&StreamId, &StreamEntry)| match entry {
            StreamEntry::Incoming(i) if i.stage.request() == Some(id) => Some((*stream, true)),
            StreamEntry::Outgoing(o) if o.request == id && !o.finished => Some((*stream, false)),
            _ => None,
        };
        let streams: Vec<(StreamId, bool)> = match state.data_stream {
            Some(only) => self
                .streams
                .get_key_value(&only)
                .and_then(of_request)
                .into_iter()
                .collect(),
            None if state.streams == 0 => Vec::new(),
            None => self.streams.iter().filter_map(of_request).collect(),
        };
        for (stream, incoming) in streams {
            self.streams.remove(&stream);
            if incoming {
                self.inbound_streams -= 1;
                t.stop(stream, stream_codes::CANCELLED);
            } else {
                t.reset(stream, stream_codes::CANCELLED);
            }
        }
    }
}

/// Bound on durations that a peer or caller names, in milliseconds.
pub(super) const DAY: u64 = 24 * 60 * 60 * 1_000;

/// What of a request is needed while it lives.
pub(super) fn describe(state: &mut RequestState, request: &Request) {
    match request {
        Request::Subscribe(m) => state.track = Some(m.track.clone()),
        Request::Publish(m) => state.track = Some(m.track.clone()),
        Request::Fetch(m) => {
            state.order = m.params.group_order.unwrap_or_default();
            if let FetchRange::Standalone { start, .. } = &m.range {
                state.start = Some(*start);
            }
        }
        _ => {}
    }
}

/// A fresh stream entry that only drains.
pub(super) fn closing(out: OutBuf, received: bool, deadline: Instant) -> StreamEntry {
    let sent = !out.is_blocked();
    StreamEntry::Closing {
        out,
        sent,
        received,
        deadline,
    }
}
