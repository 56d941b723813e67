//! Messages that arrive on control and request streams.

use super::config::Role;
use super::state::Phase;
use super::types::{RequestEnd, RequestId, SessionEvent};
use super::{setup, Session};
use crate::transport::Transport;
use crate::wire::{
    request_codes, session_codes, stream_codes, Goaway, Message, Parameters, RequestError,
    RequestKind, RequestOk, Response, Scope, Setup, Token, WireError,
};

const NOT_NOW: WireError = WireError::violation("message not allowed at this point of a request");

impl Session {
    pub(super) fn on_control_message(&mut self, t: &mut dyn Transport, message: Message) {
        match message {
            Message::Setup(setup) if self.peer.is_none() => self.on_setup(t, &setup),
            Message::Setup(_) => self.violation(t, "second SETUP"),
            _ if self.peer.is_none() => {
                self.violation(t, "control stream does not begin with SETUP")
            }
            Message::Goaway(goaway) => self.on_goaway(t, goaway),
            _ => self.violation(t, "request message on the control stream"),
        }
    }

    fn on_setup(&mut self, t: &mut dyn Transport, message: &Setup) {
        let peer = match setup::accept(&self.config, message, &mut self.tokens_in) {
            Ok(peer) => peer,
            Err(e) => return self.fail(t, e),
        };
        self.tokens_out.set_limit(peer.max_auth_token_cache_size);
        // Registrations that the peer has no room for count as used once, on both sides.
        let _ = self.tokens_out.resolve_setup(&self.config.tokens);
        self.setup_deadline = None;
        self.peer = Some(peer.clone());
        self.events.push_back(SessionEvent::Ready { peer });
        self.release_early(t);
    }

    fn on_goaway(&mut self, t: &mut dyn Transport, goaway: Goaway) {
        if std::mem::replace(&mut self.goaway_received, true) {
            return self.violation(t, "second GOAWAY");
        }
        if self.config.role == Role::Server && !goaway.uri.is_empty() {
            return self.violation(t, "GOAWAY from a client with a URI");
        }
        let Some(request_id) = goaway.request_id else {
            return self.violation(t, "GOAWAY on the control stream without request id");
        };
        if request_id % 2 != self.next_id % 2 {
            let reason = "GOAWAY names a request of its sender";
            return self.close(t, session_codes::INVALID_REQUEST_ID, reason);
        }
        let Goaway { uri, timeout, .. } = goaway;
        self.events.push_back(SessionEvent::Goaway {
            uri,
            timeout,
            request_id,
        });
    }

    /// A further message on a request stream.
    pub(super) fn on_request_message(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        message: Message,
    ) {
        let result = match message {
            Message::Response { response, .. } => self.on_response(t, id, response),
            Message::Update {
                id: number, params, ..
            } => self.on_update(t, id, number, params),
            Message::Goaway(goaway) => self.on_request_goaway(id, goaway),
            Message::Request { .. } | Message::Setup(_) => Err(NOT_NOW),
        };
        if let Err(e) = result {
            self.fail(t, e);
        }
    }

    fn on_request_goaway(&mut self, id: RequestId, goaway: Goaway) -> Result<(), WireError> {
        let Some(state) = self.requests.get_mut(&id) else {
            return Ok(());
        };
        if std::mem::replace(&mut state.goaway_received, true) {
            return Err(WireError::violation("second GOAWAY on a request stream"));
        }
        if goaway.request_id.is_some() {
            return Err(WireError::violation(
                "GOAWAY on a request stream with request id",
            ));
        }
        if self.config.role == Role::Server && !goaway.uri.is_empty() {
            return Err(WireError::violation("GOAWAY from a client with a URI"));
        }
        let Goaway { uri, timeout, .. } = goaway;
        self.events
            .push_back(SessionEvent::RequestGoaway { id, uri, timeout });
        Ok(())
    }

    fn on_update(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        number: u64,
        params: Parameters,
    ) -> Result<(), WireError> {
        if !self.peer_ids.take(number) {
            return Err(WireError::Malformed {
                code: session_codes::INVALID_REQUEST_ID,
                reason: "request id of the wrong side or used before",
            });
        }
        let Some(state) = self.requests.get(&id) else {
            return Ok(());
        };
        // Its sender changes a request; the subscriber also a PUBLISH.
        let legal = if state.ours {
            state.kind == RequestKind::Publish
        } else {
            state.kind != RequestKind::TrackStatus
        };
        if !legal || (state.ours && state.phase == Phase::Pending) {
            return Err(NOT_NOW);
        }
        params.check(Scope::Update(state.kind))?;
        let tokens = self.resolve(t, &params.tokens);
        if self.closed {
            return Ok(());
        }
        let limit = self.config.limits.max_pending_updates;
        let Some(state) = self.requests.get_mut(&id) else {
            return Ok(());
        };
        if state.updates_in + state.updates_held.len() >= limit {
            let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
            self.abort_request(t, id, stream_codes::EXCESSIVE_LOAD, Some(end));
        } else if let Some(tokens) = tokens {
            if state.phase == Phase::Pending {
                let charge = self.partial.charge(size_of(&params, &tokens));
                state.updates_held.push_back((params, tokens, charge));
                if self.is_crammed() {
                    self.stats.partial_refused += 1;
                    let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
                    self.abort_request(t, id, stream_codes::EXCESSIVE_LOAD, Some(end));
                }
            } else {
                state.updates_in += 1;
                self.events
                    .push_back(SessionEvent::Update { id, params, tokens });
            }
        } else {
            // Counted as told, so that the answer below is in its place.
            state.updates_in += 1;
            let reason = "the same token twice";
            let error = RequestError::new(request_codes::MALFORMED_AUTH_TOKEN, reason);
            let _ = self.respond_update(t, id, Err(error));
        }
        Ok(())
    }

    fn on_response(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        response: Response,
    ) -> Result<(), WireError> {
        let Some(state) = self.requests.get(&id) else {
            return Ok(());
        };
        let (kind, ours, phase) = (state.kind, state.ours, state.phase);
        self.check_error(&response, kind)?;
        let Some(state) = self.requests.get_mut(&id) else {
            return Ok(());
        };
        if ours && phase == Phase::Pending {
            return self.on_first_response(t, id, kind, response);
        }
        match response {
            Response::RequestOk(ok) if state.updates_out > 0 => {
                state.updates_out -= 1;
                ok.params.check(Scope::UpdateOk(kind))?;
                no_properties(&ok)?;
                self.events
                    .push_back(SessionEvent::UpdateResponse { id, result: Ok(ok) });
            }
            Response::RequestError(error) if state.updates_out > 0 => {
                // One error may stand for several coalesced updates; what follows ends the request.
                state.updates_out -= 1;
                self.events.push_back(SessionEvent::UpdateResponse {
                    id,
                    result: Err(error),
                });
            }
            Response::PublishDone(done) if state.we_subscribe() && phase != Phase::Pending => {
                if matches!(phase, Phase::Draining { .. }) {
                    return Err(NOT_NOW);
                }
                self.on_publish_done(t, id, done);
            }
            // A PUBLISH may end before it was accepted.
            Response::PublishDone(done) if state.we_subscribe() && !ours => {
                self.on_publish_done(t, id, done);
            }
            Response::Namespace(suffix) if ours && kind == RequestKind::SubscribeNamespace => {
                if state.namespaces.len() >= self.config.limits.max_namespaces {
                    let end = RequestEnd::Cancelled(stream_codes::EXCESSIVE_LOAD);
                    self.abort_request(t, id, stream_codes::EXCESSIVE_LOAD, Some(end));
                    return Ok(());
                }
                state.namespaces.insert(suffix.clone());
                let response = Response::Namespace(suffix);
                self.events
                    .push_back(SessionEvent::Response { id, response });
            }
            Response::NamespaceDone(suffix) if ours && kind == RequestKind::SubscribeNamespace => {
                if !state.namespaces.remove(&suffix) {
                    return Err(WireError::violation("NAMESPACE_DONE without NAMESPACE"));
                }
                let response = Response::NamespaceDone(suffix);
                self.events
                    .push_back(SessionEvent::Response { id, response });
            }
            response @ Response::PublishBlocked { .. }
                if ours && kind == RequestKind::SubscribeTracks =>
            {
                self.events
                    .push_back(SessionEvent::Response { id, response });
            }
            _ => return Err(NOT_NOW),
        }
        Ok(())
    }

    /// What the draft forbids in a REQUEST_ERROR for this kind of request and this side.
    fn check_error(&self, response: &Response, kind: RequestKind) -> Result<(), WireError> {
        let Response::RequestError(error) = response else {
            return Ok(());
        };
        let Some(redirect) = &error.redirect else {
            return Ok(());
        };
        if self.config.role == Role::Server && !redirect.uri.is_empty() {
            return Err(WireError::violation("redirect of a server with a URI"));
        }
        use RequestKind::{PublishNamespace, SubscribeNamespace, SubscribeTracks};
        let names_no_track = matches!(
            kind,
            PublishNamespace | SubscribeNamespace | SubscribeTracks
        );
        if names_no_track && !redirect.track.name().is_empty() {
            return Err(WireError::violation(
                "redirect of a namespace request with a track name",
            ));
        }
        Ok(())
    }

    fn on_first_response(
        &mut self,
        t: &mut dyn Transport,
        id: RequestId,
        kind: RequestKind,
        response: Response,
    ) -> Result<(), WireError> {
        let Some(state) = self.requests.get_mut(&id) else {
            return Ok(());
        };
        match &response {
            Response::RequestError(_) => {
                self.events
                    .push_back(SessionEvent::Response { id, response });
                self.finish_request(t, id, Some(RequestEnd::Rejected));
                return Ok(());
            }
            Response::SubscribeOk(_) if kind == RequestKind::Subscribe => {}
            Response::FetchOk(ok) if kind == RequestKind::Fetch => {
                let before = |start: crate::wire::Location| {
                    // Object 0 stands for the whole group.
                    ok.end.group < start.group
                        || (ok.end.group == start.group
                            && ok.end.object != 0
                            && ok.end.object < start.object)
                };
                if state.start.is_some_and(before) {
                    return Err(WireError::violation(
                        "FETCH_OK ends before the fetch starts",
                    ));
                }
            }
            Response::RequestOk(ok)
                if !matches!(kind, RequestKind::Subscribe | RequestKind::Fetch) =>
            {
                ok.params.check(Scope::RequestOk(kind))?;
                if kind != RequestKind::TrackStatus {
                    no_properties(ok)?;
                }
            }
            _ => return Err(NOT_NOW),
        }
        state.phase = Phase::Accepted;
        state.deadline = None;
        let data_done = state.data_done;
        let alias = match &response {
            Response::SubscribeOk(ok) => Some(ok.track_alias),
            _ => None,
        };
        if let Some(alias) = alias {
            let user = self
                .aliases_in
                .get(&alias)
                .and_then(|id| self.requests.get(id));
            let track = self
                .requests
                .get(&id)
                .and_then(|state| state.track.as_ref());
            if user.is_some_and(|state| state.track.as_ref() != track) {
                return Err(WireError::Malformed {
                    code: session_codes::DUPLICATE_TRACK_ALIAS,
                    reason: "track alias of another track",
                });
            }
        }
        self.events
            .push_back(SessionEvent::Response { id, response });
        if let Some(alias) = alias {
            self.establish_alias(t, id, alias);
        }
        if kind == RequestKind::TrackStatus || (kind == RequestKind::Fetch && data_done) {
            self.finish_request(t, id, Some(RequestEnd::Done));
        }
        Ok(())
    }
}

/// About what an update holds while it waits.
fn size_of(params: &Parameters, tokens: &[Token]) -> usize {
    let prefix = params.namespace_prefix.as_ref().map_or(0, |p| p.byte_len());
    let values: usize = tokens.iter().map(|token| token.value.len()).sum();
    std::mem::size_of::<Parameters>() + prefix + values
}

fn no_properties(ok: &RequestOk) -> Result<(), WireError> {
    if ok.properties.is_empty() {
        Ok(())
    } else {
        Err(WireError::violation("REQUEST_OK with track properties"))
    }
}
