//! Our answers to the peer's requests and updates.

use super::state::{Phase, RequestState};
use super::types::{RequestId, SessionError, SessionEvent};
use super::Session;
use crate::transport::Transport;
use crate::wire::{
    done_codes, Message, PublishDone, RequestError, RequestKind, RequestOk, Response, Scope,
};

const WRONG_ANSWER: SessionError =
    SessionError::WrongState("not an answer to this request, or not now");

impl Session {
    /// Answers a request of the peer. SUBSCRIBE: `SubscribeOk`; FETCH: `FetchOk`; others:
    /// `RequestOk`; after that NAMESPACE, NAMESPACE_DONE, PUBLISH_BLOCKED where they belong.
    /// `RequestError` ends any unanswered request; `PublishDone` is [`Session::publish_done`].
    pub fn respond(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        response: Response,
    ) -> Result<(), SessionError> {
        let response = match response {
            Response::PublishDone(done) => return self.publish_done(t, id, done),
            other => other,
        };
        let state = self.live(id)?;
        if state.ours {
            return Err(SessionError::WrongState(
                "only the peer answers this request",
            ));
        }
        let (kind, pending) = (state.kind, state.phase == Phase::Pending);
        self.check_answer(kind, pending, &response)?;
        let alias = match &response {
            Response::SubscribeOk(ok) => Some(ok.track_alias),
            _ => None,
        };
        if alias.is_some_and(|alias| self.aliases_out.contains_key(&alias)) {
            return Err(SessionError::InvalidArgument("the track alias is in use"));
        }
        let is_error = matches!(response, Response::RequestError(_));
        let bytes = self.encode(&Message::Response { id: None, response })?;
        self.send_on_request(t, id, bytes);
        if is_error || kind == RequestKind::TrackStatus {
            self.finish_request(t, id, None);
        } else if pending {
            self.accepted(id, alias);
            if kind == RequestKind::Fetch && self.live(id).is_ok_and(|state| state.data_done) {
                self.finish_request(t, id, None);
            }
        }
        Ok(())
    }

    fn check_answer(
        &self,
        kind: RequestKind,
        pending: bool,
        response: &Response,
    ) -> Result<(), SessionError> {
        use RequestKind::{Fetch, Subscribe, SubscribeNamespace, SubscribeTracks, TrackStatus};
        let fits = match response {
            Response::RequestError(_) => pending,
            Response::SubscribeOk(_) => pending && kind == Subscribe,
            Response::FetchOk(_) => pending && kind == Fetch,
            Response::RequestOk(ok) => {
                ok.params.check(Scope::RequestOk(kind))?;
                if kind != TrackStatus && !ok.properties.is_empty() {
                    return Err(SessionError::InvalidArgument(
                        "REQUEST_OK with track properties",
                    ));
                }
                pending && !matches!(kind, Subscribe | Fetch)
            }
            Response::Namespace(_) | Response::NamespaceDone(_) => {
                !pending && kind == SubscribeNamespace
            }
            Response::PublishBlocked { .. } => !pending && kind == SubscribeTracks,
            Response::PublishDone(_) => false,
        };
        if fits {
            Ok(())
        } else {
            Err(WRONG_ANSWER)
        }
    }

    /// The request lives on: tell the updates that waited for this.
    fn accepted(&mut self, id: RequestId, alias: Option<u64>) {
        let Some(state) = self.requests.get_mut(&id) else {
            return;
        };
        state.phase = Phase::Accepted;
        state.alias = alias.or(state.alias);
        if let Some(alias) = alias {
            self.aliases_out.insert(alias, id);
        }
        for (params, tokens, _) in state.updates_held.drain(..) {
            state.updates_in += 1;
            self.events
                .push_back(SessionEvent::Update { id, params, tokens });
        }
    }

    /// [`Session::respond`] with an error.
    pub fn reject(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        error: RequestError,
    ) -> Result<(), SessionError> {
        self.respond(t, id, Response::RequestError(error))
    }

    /// Answers the oldest unanswered [`SessionEvent::Update`] of a request. As the draft wants it,
    /// an error ends the request too: a subscription with PUBLISH_DONE UPDATE_FAILED, a fetch by a
    /// reset of its data stream, a namespace request by the end of its stream. An error to a
    /// subscriber's update of our PUBLISH ends that as well; one to an update of the peer's PUBLISH
    /// leaves it as it was.
    pub fn respond_update(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        result: Result<RequestOk, RequestError>,
    ) -> Result<(), SessionError> {
        let state = self.live(id)?;
        if state.updates_in == 0 {
            return Err(SessionError::WrongState("no update waits for an answer"));
        }
        let (kind, publishes) = (state.kind, state.we_publish());
        let failed = result.is_err();
        let response = match result {
            Ok(ok) => {
                ok.params.check(Scope::UpdateOk(kind))?;
                Response::RequestOk(ok)
            }
            Err(error) => Response::RequestError(error),
        };
        let bytes = self.encode(&Message::Response { id: None, response })?;
        if let Some(state) = self.requests.get_mut(&id) {
            state.updates_in -= 1;
        }
        self.send_on_request(t, id, bytes);
        if !failed {
            return Ok(());
        }
        match kind {
            RequestKind::Fetch => self.finish_request(t, id, None),
            RequestKind::Subscribe | RequestKind::Publish if publishes => {
                let reason = "update failed".to_owned();
                let done = PublishDone {
                    status: done_codes::UPDATE_FAILED,
                    stream_count: 0,
                    reason,
                };
                self.publish_done(t, id, done)?;
            }
            RequestKind::Subscribe | RequestKind::Publish => {}
            _ => self.finish_request(t, id, None),
        }
        Ok(())
    }

    /// Ends a subscription as its publisher (the peer's SUBSCRIBE once accepted, our PUBLISH) with
    /// PUBLISH_DONE. Data streams that are still open are reset with CANCELLED: finish them first.
    /// The session fills in the stream count.
    pub fn publish_done(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        mut done: PublishDone,
    ) -> Result<(), SessionError> {
        let state = self.live(id)?;
        let subscription = matches!(state.kind, RequestKind::Subscribe | RequestKind::Publish);
        let unanswered = !state.ours && state.phase == Phase::Pending;
        if !subscription || !state.we_publish() || unanswered {
            return Err(SessionError::WrongState(
                "not a live subscription that we publish to",
            ));
        }
        done.stream_count = state.streams;
        let response = Response::PublishDone(done);
        let bytes = self.encode(&Message::Response { id: None, response })?;
        self.send_on_request(t, id, bytes);
        self.finish_request(t, id, None);
        Ok(())
    }

    /// PUBLISH_DONE came: wait for the streams that it counts.
    pub(super) fn on_publish_done(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        done: PublishDone,
    ) {
        let deadline = self.after(self.config.limits.drain_timeout);
        let Some(state) = self.requests.get_mut(&id) else {
            return;
        };
        state.phase = Phase::Draining {
            expected: done.stream_count,
        };
        state.deadline = Some(deadline);
        let response = Response::PublishDone(done);
        self.events
            .push_back(SessionEvent::Response { id, response });
        self.finish_if_drained(t, id);
    }

    pub(super) fn finish_if_drained(&mut self, t: &mut dyn Transport, id: RequestId) {
        if self.requests.get(&id).is_some_and(RequestState::is_drained) {
            self.finish_request(t, id, Some(super::RequestEnd::Done));
        }
    }
}
