//! How requests, sessions and the relay itself end.

use super::Core;
use crate::io::Io;
use crate::peer::Role;
use crate::timers::Timer;
use moqt::session::{RequestEnd, RequestId, SessionClose};
use moqt::transport::CloseReason;
use moqt::wire::{session_codes, stream_codes};
use moqt_net::ConnId;
use std::time::{Duration, Instant};

impl Core {
    pub(super) fn on_request_closed(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        end: RequestEnd,
    ) {
        let Some(role) = self.peers.get_mut(&conn).and_then(|p| p.roles.remove(&id)) else {
            return;
        };
        match role {
            Role::Waiting { track } => self.waiting_gone(io, track, conn, id),
            Role::Subscriber { track, slot } => self.subscriber_gone(io, track, slot),
            Role::Offered { track } => self.forget_offer(track, conn, id),
            Role::Status => {}
            Role::Prefetch { track } => self.prefetch_over(io, track, end),
            Role::Upstream { track } => self.source_gone(io, track, conn, id, end),
            Role::Fetch { fetch } => self.fetch_gone(io, fetch),
            Role::UpstreamFetch { fetch } => self.upstream_fetch_gone(io, fetch, end),
            Role::UpstreamStatus {
                conn: asker,
                request,
                track,
                tried,
            } => {
                self.status_failed(io, (asker, request, track, tried), None);
            }
            Role::Namespace { namespace } => self.namespace_gone(io, conn, id, &namespace),
            Role::Discovery { prefix, .. } => {
                self.discoveries.remove(&prefix, |key| *key == (conn, id));
            }
            Role::Tracks { prefix, .. } => {
                self.track_followers
                    .remove(&prefix, |key| *key == (conn, id));
            }
        }
    }

    pub(super) fn on_closed(&mut self, io: &mut dyn Io, conn: ConnId, reason: SessionClose) {
        let Some(mut peer) = self.peers.remove(&conn) else {
            return;
        };
        self.counts.sessions.closed += 1;
        self.session_bytes -= peer.held;
        self.refusals.add(peer.session.stats());
        // Whoever closes its session has left, unless we told it to go. Whoever is lost may come back.
        let left = match &reason {
            SessionClose::Local { code, reason } => {
                let by_code = &mut self.counts.sessions.closed_by_code;
                *by_code.entry(session_codes::name(*code)).or_default() += 1;
                let expected = [
                    session_codes::NO_ERROR,
                    session_codes::UNAUTHORIZED,
                    session_codes::GOAWAY_TIMEOUT,
                ];
                if !expected.contains(code) && !peer.farewell.is_said() {
                    self.counts.sessions.violations += 1;
                    if self.may_complain(io.now()) {
                        let name = session_codes::name(*code);
                        log::info!("session {} closed: {name} ({reason})", conn.0);
                    }
                }
                true
            }
            SessionClose::Transport(CloseReason::Peer { code, .. }) => {
                *code == session_codes::NO_ERROR
            }
            SessionClose::Transport(_) => false,
        };
        let left = left && self.drain.is_none();
        log::debug!("session {} is over", conn.0);
        // Streams first, so that subscribers see them cut before their subscriptions change.
        let streams: Vec<_> = peer.incoming.drain().collect();
        for (stream, incoming) in streams {
            match left {
                true => self.cut_stream(io, conn, stream, &incoming, stream_codes::CANCELLED),
                false => self.lose_stream(io, (conn, stream), &incoming),
            }
        }
        for (id, role) in std::mem::take(&mut peer.roles) {
            match role {
                Role::Waiting { track } => self.waiting_gone(io, track, conn, id),
                Role::Subscriber { track, slot } => self.subscriber_lost(io, track, slot),
                Role::Offered { track } => self.forget_offer(track, conn, id),
                Role::Status => {}
                Role::Prefetch { track } => {
                    self.prefetch_over(io, track, RequestEnd::Cancelled(0));
                }
                Role::Upstream { track } => self.source_lost(io, track, conn, left),
                Role::Fetch { fetch } => self.fetch_gone(io, fetch),
                Role::UpstreamFetch { fetch } => {
                    self.upstream_fetch_gone(io, fetch, RequestEnd::Cancelled(0));
                }
                Role::UpstreamStatus {
                    conn: asker,
                    request,
                    track,
                    tried,
                } => {
                    self.status_failed(io, (asker, request, track, tried), None);
                }
                Role::Namespace { namespace } => self.namespace_gone(io, conn, id, &namespace),
                Role::Discovery { prefix, .. } => {
                    self.discoveries.remove(&prefix, |key| *key == (conn, id));
                }
                Role::Tracks { prefix, .. } => {
                    self.track_followers
                        .remove(&prefix, |key| *key == (conn, id));
                }
            }
        }
        if self.drain.is_some() && self.peers.is_empty() {
            self.drained = true;
        }
    }

    /// Whether a line about a peer that breaks rules may be logged: one a second, so that many such
    /// peers do not flood the log. All are counted.
    pub(super) fn may_complain(&mut self, now: Instant) -> bool {
        let may = self
            .complained
            .is_none_or(|at| now.saturating_duration_since(at) >= Duration::from_secs(1));
        if may {
            self.complained = Some(now);
        }
        may
    }

    /// Begins the shutdown: GOAWAY to every session, new requests refused, sessions closed when
    /// `drain` has passed.
    pub(crate) fn start_drain(&mut self, io: &mut dyn Io, drain: Duration) {
        if self.drain.is_some() {
            return;
        }
        let at = io.now() + drain;
        self.drain = Some(at);
        self.drained = self.peers.is_empty() || drain.is_zero();
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            self.say_goaway(io, conn);
        }
        self.timers.add(at, Timer::Drain);
        self.settle(io);
    }

    pub(super) fn say_goaway(&mut self, io: &mut dyn Io, conn: ConnId) {
        let now = io.now();
        let left = self
            .drain
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let timeout = left.as_millis() as u64;
        let uri = self.config.goaway_uri.clone();
        self.with_session(io, conn, |session, transport| {
            if session.is_ready() {
                if let Err(e) = session.goaway(now, transport, &uri, timeout) {
                    log::debug!("GOAWAY could not be sent: {e}");
                }
            }
        });
    }

    pub(super) fn drain_timeout(&mut self, io: &mut dyn Io) {
        if self.drain.is_some_and(|at| at <= io.now()) {
            self.drained = true;
        }
    }

    /// Whether the shutdown is complete, except for closing what is left.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained
    }

    /// Closes every session that is left.
    pub(crate) fn close_all(&mut self, io: &mut dyn Io) {
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            let open = self
                .peers
                .get(&conn)
                .is_some_and(|peer| !peer.roles.is_empty());
            let (code, reason) = if open && self.drain.is_some() {
                (session_codes::GOAWAY_TIMEOUT, "the relay has shut down")
            } else {
                (session_codes::NO_ERROR, "the relay has shut down")
            };
            self.with_session(io, conn, |session, transport| {
                session.close(transport, code, reason);
            });
        }
        self.settle(io);
    }
}
