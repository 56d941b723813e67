//! The peer's requests: ids, tokens, and what the session itself refuses.

use super::auth::TokenFault;
use super::buffer::OutBuf;
use super::requests::{closing, describe};
use super::state::{RequestState, StreamEntry};
use super::types::{RequestId, SessionEvent};
use super::Session;
use crate::transport::{StreamId, Transport};
use crate::wire::{
    request_codes, session_codes, AuthToken, Message, Publish, Request, RequestError, Response,
    Token,
};

impl Session {
    /// The peer's request, first on its stream.
    pub(super) fn on_request(
        &mut self,
        t: &mut dyn Transport,
        stream: StreamId,
        number: u64,
        request: Request,
        size: usize,
    ) {
        if !self.peer_ids.take(number) {
            let reason = "request id of the wrong side or used before";
            return self.close(t, session_codes::INVALID_REQUEST_ID, reason);
        }
        self.stats.requests_received += 1;
        let id = RequestId(number);
        // Registrations count even when the request is refused.
        let tokens = self.resolve(t, &request.params().tokens);
        if self.closed {
            return;
        }
        if let Some(error) = self.refusal(id, &request, size, tokens.is_none()) {
            self.stats.requests_refused += 1;
            return self.refuse_stream(t, stream, error);
        }
        if let Request::Publish(publish) = &request {
            if !self.alias_is_free(publish) {
                let reason = "track alias of another track";
                return self.close(t, session_codes::DUPLICATE_TRACK_ALIAS, reason);
            }
        }
        self.inbound_requests += 1;
        let mut state = RequestState::new(stream, request.kind(), false, &self.backlog);
        state.size = Some(self.requested.charge(size));
        describe(&mut state, &request);
        self.streams.insert(stream, StreamEntry::Request(id));
        let alias = match &request {
            Request::Publish(publish) => Some(publish.track_alias),
            _ => None,
        };
        self.requests.insert(id, state);
        self.events.push_back(SessionEvent::Request {
            id,
            request,
            tokens: tokens.unwrap_or_default(),
        });
        if let Some(alias) = alias {
            self.establish_alias(t, id, alias);
        }
    }

    fn alias_is_free(&self, publish: &Publish) -> bool {
        let user = self
            .aliases_in
            .get(&publish.track_alias)
            .and_then(|id| self.requests.get(id));
        user.is_none_or(|state| state.track.as_ref() == Some(&publish.track))
    }

    /// Why the session itself refuses a request, if it does.
    fn refusal(
        &self,
        id: RequestId,
        request: &Request,
        size: usize,
        bad_token: bool,
    ) -> Option<RequestError> {
        if bad_token {
            let reason = "the same token twice";
            return Some(RequestError::new(
                request_codes::MALFORMED_AUTH_TOKEN,
                reason,
            ));
        }
        if self
            .goaway_sent
            .as_ref()
            .is_some_and(|goaway| id.0 >= goaway.limit)
        {
            return Some(RequestError::new(request_codes::GOING_AWAY, "going away"));
        }
        if request
            .namespace()
            .is_some_and(|namespace| namespace.is_session_level())
        {
            let reason = "no such session-level track or namespace";
            return Some(RequestError::new(request_codes::DOES_NOT_EXIST, reason));
        }
        let limits = &self.config.limits;
        let too_large = self.requested.bytes().saturating_add(size) > limits.max_request_bytes;
        if self.inbound_requests >= limits.max_requests || too_large {
            let reason = "too many requests";
            let mut error = RequestError::new(request_codes::EXCESSIVE_LOAD, reason);
            error.retry_after = Some(1_000);
            return Some(error);
        }
        None
    }

    fn refuse_stream(&mut self, t: &mut dyn Transport, stream: StreamId, error: RequestError) {
        let response = Response::RequestError(error);
        let Ok(bytes) = self.encode(&Message::Response { id: None, response }) else {
            return;
        };
        let mut out = OutBuf::metered(&self.backlog);
        let _ = out.push(t, stream, bytes);
        if self.backlog.bytes() > self.config.limits.max_backlog_bytes {
            self.stats.backlog_refused += 1;
            return self.drop_stream(t, stream);
        }
        out.finish(t, stream);
        let deadline = self.after(self.config.limits.drain_timeout);
        self.streams.insert(stream, closing(out, false, deadline));
    }

    /// Resolves the tokens of a message. `None`: to be rejected, or the session was closed.
    pub(super) fn resolve(
        &mut self,
        t: &mut dyn Transport,
        tokens: &[AuthToken],
    ) -> Option<Vec<Token>> {
        match self.tokens_in.resolve(tokens) {
            Ok(tokens) => Some(tokens),
            Err(TokenFault::Message) => None,
            Err(TokenFault::Session(e)) => {
                self.fail(t, e);
                None
            }
        }
    }
}
