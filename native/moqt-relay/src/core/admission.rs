//! Who may do what: sessions and requests are let in here, or refused.

use super::Core;
use crate::auth::{AccessRequest, ConnectRequest, Decision};
use crate::io::Io;
use crate::timers::Timer;
use moqt::session::RequestId;
use moqt::wire::{request_codes, session_codes, Namespace, Request, RequestError, Response, Token};
use moqt_net::ConnId;
use std::cmp::Reverse;
use std::time::Instant;

impl Core {
    pub(super) fn on_ready(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        setup: moqt::session::PeerSetup,
    ) {
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        if let Some(path) = setup.path {
            peer.path = path;
        }
        peer.tokens = setup.tokens;
        let decision = self.config.authorizer.connect(&ConnectRequest {
            tokens: &peer.tokens,
            path: &peer.path,
            transport: peer.info.kind,
            addr: peer.info.remote,
        });
        match decision {
            Decision::Allow => {
                peer.ready = true;
                self.counts.sessions.accepted += 1;
                log::debug!(
                    "session {} is ready over {}",
                    conn.0,
                    peer.info.kind.as_str()
                );
                let now = io.now();
                self.with_session(io, conn, |session, transport| session.start(now, transport));
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.farewell.ours = peer.session.control_stream();
                }
                if self.drain.is_some() {
                    self.say_goaway(io, conn);
                }
            }
            Decision::Deny { reason } => {
                self.counts.sessions.unauthorized += 1;
                if self.may_complain(io.now()) {
                    log::info!("session {} refused: {reason}", conn.0);
                }
                self.with_session(io, conn, |session, transport| {
                    session.close(transport, session_codes::UNAUTHORIZED, &reason);
                });
            }
        }
    }

    pub(super) fn on_request(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        request: Request,
        tokens: Vec<Token>,
    ) {
        if !self.peers.get(&conn).is_some_and(|peer| peer.ready) {
            return;
        }
        self.counts.requests.received += 1;
        if self.too_fast(io.now(), conn, id, &request) {
            return;
        }
        let live = self
            .peers
            .get(&conn)
            .map_or(0, |p| p.session.inbound_requests());
        if live > self.config.limits.requests_per_session {
            self.counts.limits.requests += 1;
            return self.reject(io, conn, id, Self::overloaded("requests of one session"));
        }
        if let Some(error) = self.refuse(conn, &request, &tokens) {
            return self.reject(io, conn, id, error);
        }
        match request {
            Request::Subscribe(subscribe) => self.on_subscribe(io, conn, id, subscribe),
            Request::Publish(publish) => self.on_publish(io, conn, id, publish),
            Request::Fetch(fetch) => self.on_fetch(io, conn, id, fetch, &tokens),
            Request::TrackStatus(subscribe) => self.on_track_status(io, conn, id, subscribe),
            Request::PublishNamespace(m) => self.on_publish_namespace(io, conn, id, m),
            Request::SubscribeNamespace(m) => self.on_subscribe_namespace(io, conn, id, m),
            Request::SubscribeTracks(m) => self.on_subscribe_tracks(io, conn, id, m),
        }
    }

    /// Holds a session to its rates of requests, and of those that publish. One beyond them is
    /// refused, but only once its token would have been there: however fast they come, they are
    /// refused at the rate, and meanwhile take the session's streams.
    fn too_fast(&mut self, now: Instant, conn: ConnId, id: RequestId, request: &Request) -> bool {
        let limits = &self.config.limits;
        let Some(peer) = self.peers.get_mut(&conn) else {
            return false;
        };
        let publishes = matches!(request, Request::Publish(_) | Request::PublishNamespace(_));
        peer.requested.charge(limits.request_rate, now, 1);
        let mut wait = peer.requested.debt(limits.request_rate, now);
        let counter = match wait.is_zero() {
            false => &mut self.counts.limits.request_rate,
            true if !publishes => return false,
            true => {
                peer.published.charge(limits.publish_rate, now, 1);
                wait = peer.published.debt(limits.publish_rate, now);
                if wait.is_zero() {
                    return false;
                }
                &mut self.counts.limits.publish_rate
            }
        };
        *counter += 1;
        let at = now + wait;
        peer.refusals.push(Reverse((at, id, publishes)));
        peer.refusal_timer
            .want(&mut self.timers, Some(at), Timer::Refusals(conn));
        true
    }

    /// Refuses what came too fast and has waited for it.
    pub(super) fn refusals_due(&mut self, io: &mut dyn Io, conn: ConnId) {
        let now = io.now();
        let limits = &self.config.limits;
        let (request_rate, publish_rate) = (limits.request_rate, limits.publish_rate);
        loop {
            let Some(peer) = self.peers.get_mut(&conn) else {
                return;
            };
            peer.refusal_timer.fired();
            let next = peer.refusals.peek().map(|Reverse((at, ..))| *at);
            if next.is_none_or(|at| at > now) {
                return peer
                    .refusal_timer
                    .want(&mut self.timers, next, Timer::Refusals(conn));
            }
            let Some(Reverse((_, id, publishes))) = peer.refusals.pop() else {
                return;
            };
            let mut wait = peer.requested.wait(request_rate, now, 1);
            if publishes {
                wait = wait.max(peer.published.wait(publish_rate, now, 1));
            }
            let error = RequestError {
                retry_after: Some(wait.as_millis() as u64 + 1),
                ..RequestError::new(
                    request_codes::EXCESSIVE_LOAD,
                    "this session asks for more in a second than the relay allows; slow down",
                )
            };
            self.reject(io, conn, id, error);
        }
    }

    /// Why a request is refused before anything is done about it: shutdown, names that are not
    /// the application's, admission.
    pub(super) fn refuse(
        &mut self,
        conn: ConnId,
        request: &Request,
        tokens: &[Token],
    ) -> Option<RequestError> {
        if self.drain.is_some() {
            return Some(RequestError::new(
                request_codes::GOING_AWAY,
                "the relay is shutting down",
            ));
        }
        let namespace = request.namespace()?;
        if namespace.is_session_level() {
            return Some(RequestError::new(
                request_codes::DOES_NOT_EXIST,
                "this namespace is reserved",
            ));
        }
        let (publishes, track) = match request {
            Request::Publish(m) => (true, Some(m.track.name().clone())),
            Request::PublishNamespace(_) => (true, None),
            Request::Subscribe(m) | Request::TrackStatus(m) => {
                (false, Some(m.track.name().clone()))
            }
            Request::Fetch(m) => match &m.range {
                moqt::wire::FetchRange::Standalone { track, .. } => {
                    (false, Some(track.name().clone()))
                }
                _ => (false, None),
            },
            Request::SubscribeNamespace(_) | Request::SubscribeTracks(_) => (false, None),
        };
        self.unauthorized(conn, namespace, track.as_deref(), publishes, tokens)
    }

    /// Asks the authorizer.
    pub(super) fn unauthorized(
        &mut self,
        conn: ConnId,
        namespace: &Namespace,
        track: Option<&[u8]>,
        publishes: bool,
        tokens: &[Token],
    ) -> Option<RequestError> {
        let peer = self.peers.get(&conn)?;
        let access = AccessRequest {
            session_tokens: &peer.tokens,
            request_tokens: tokens,
            namespace,
            track,
            transport: peer.info.kind,
            addr: peer.info.remote,
        };
        let decision = if publishes {
            self.config.authorizer.publish(&access)
        } else {
            self.config.authorizer.subscribe(&access)
        };
        match decision {
            Decision::Allow => None,
            Decision::Deny { reason } => {
                self.counts.requests.unauthorized += 1;
                Some(RequestError::new(request_codes::UNAUTHORIZED, reason))
            }
        }
    }

    pub(super) fn reject(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        error: RequestError,
    ) {
        self.counts.requests.rejected += 1;
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.remove(&id);
        }
        self.with_session(io, conn, |session, transport| {
            if let Err(e) = session.reject(transport, id, error) {
                log::debug!("a refusal could not be sent: {e}");
            }
        });
    }

    /// REQUEST_ERROR for a limit of this relay: to be tried again later.
    pub(super) fn overloaded(what: &str) -> RequestError {
        RequestError {
            retry_after: Some(1_000),
            ..RequestError::new(
                request_codes::EXCESSIVE_LOAD,
                format!("the relay has reached its limit of {what}"),
            )
        }
    }

    pub(super) fn respond(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        response: Response,
    ) -> bool {
        let sent = self.with_session(io, conn, |session, transport| {
            session.respond(transport, id, response)
        });
        match sent {
            Some(Ok(())) => true,
            Some(Err(e)) => {
                log::debug!("an answer could not be sent: {e}");
                false
            }
            None => false,
        }
    }
}
