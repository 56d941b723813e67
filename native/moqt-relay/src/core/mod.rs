//! The relay itself: sessions in, objects out. Single-threaded and without sockets: everything
//! outside comes through [`Io`].

mod discovery;
mod downstream;
mod fetch;
mod intake;
mod names;
mod publish;
mod report;
mod status;
mod upstream;
mod work;

use crate::auth::{AccessRequest, ConnectRequest, Decision};
use crate::config::RelayConfig;
use crate::io::{Gone, Io};
use crate::peer::{Peer, Role};
use crate::stats::RelayStats;
use crate::timers::{Timer, Timers};
use crate::track::Track;
use crate::tree::NamespaceTree;
use fetch::FetchJob;
use moqt::delivery::SenderStats;
use moqt::session::{
    Limits as SessionLimits, Link, RequestId, Session, SessionClose, SessionConfig, SessionEvent,
};
use moqt::transport::{CloseReason, TransportEvent};
use moqt::wire::{
    request_codes, session_codes, stream_codes, FullTrackName, Namespace, Request, RequestError,
    Response, Token,
};
use moqt_net::{ConnId, ConnInfo, TransportKind};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// All state of a relay.
pub(crate) struct Core {
    pub(crate) config: RelayConfig,
    peers: HashMap<ConnId, Peer>,
    tracks: HashMap<u64, Track>,
    names: HashMap<FullTrackName, u64>,
    tracks_by_namespace: NamespaceTree<u64>,
    publishers: NamespaceTree<(ConnId, RequestId)>,
    discoveries: NamespaceTree<(ConnId, RequestId)>,
    track_followers: NamespaceTree<(ConnId, RequestId)>,
    fetches: HashMap<u64, FetchJob>,
    timers: Timers,
    /// Sessions whose events are to be taken.
    dirty: Vec<ConnId>,
    next_id: u64,
    /// Counters; the gauges are filled in when a snapshot is taken.
    counts: RelayStats,
    /// What senders that are gone had counted.
    retired: SenderStats,
    namespaces: usize,
    subscriptions: usize,
    queued: usize,
    cached: usize,
    started: Instant,
    drain: Option<Instant>,
    drained: bool,
}

impl Core {
    pub(crate) fn new(config: RelayConfig, now: Instant) -> Self {
        Core {
            config,
            peers: HashMap::new(),
            tracks: HashMap::new(),
            names: HashMap::new(),
            tracks_by_namespace: NamespaceTree::default(),
            publishers: NamespaceTree::default(),
            discoveries: NamespaceTree::default(),
            track_followers: NamespaceTree::default(),
            fetches: HashMap::new(),
            timers: Timers::default(),
            dirty: Vec::new(),
            next_id: 0,
            counts: RelayStats::default(),
            retired: SenderStats::default(),
            namespaces: 0,
            subscriptions: 0,
            queued: 0,
            cached: 0,
            started: now,
            drain: None,
            drained: false,
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A connection is ready.
    pub(crate) fn on_connected(&mut self, io: &mut dyn Io, conn: ConnId, info: ConnInfo) {
        let now = io.now();
        let Some(transport) = io.transport(conn) else {
            return;
        };
        if self.peers.len() >= self.config.limits.sessions {
            self.counts.limits.sessions += 1;
            transport.close(
                session_codes::INTERNAL_ERROR,
                "the relay has too many sessions",
            );
            return;
        }
        let limits = &self.config.limits;
        let mut session = Session::new(SessionConfig {
            link: match info.kind {
                TransportKind::WebTransport => Link::WebTransport,
                TransportKind::Quic | TransportKind::Memory => Link::Quic,
            },
            implementation: Some(concat!("moq-game-relay/", env!("CARGO_PKG_VERSION")).into()),
            limits: SessionLimits {
                max_requests: limits.requests_per_session,
                max_object_size: limits.object_bytes,
                response_timeout: limits.upstream_timeout,
                ..SessionLimits::default()
            },
            ..SessionConfig::server()
        });
        session.start(now, transport);
        self.peers.insert(conn, Peer::new(session, info));
        self.touch(conn);
        self.settle(io);
    }

    /// Something happened on a connection.
    pub(crate) fn on_event(&mut self, io: &mut dyn Io, conn: ConnId, event: TransportEvent) {
        let now = io.now();
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        match io.transport(conn) {
            Some(transport) => peer.session.handle(now, transport, event),
            None => peer.session.handle(now, &mut Gone, event),
        }
        self.touch(conn);
        self.settle(io);
    }

    /// The earliest deadline.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Lets time pass.
    pub(crate) fn on_timeout(&mut self, io: &mut dyn Io) {
        let now = io.now();
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::Peer(conn) => {
                    if let Some(peer) = self.peers.get_mut(&conn) {
                        peer.timer.fired();
                        if let Some(transport) = io.transport(conn) {
                            peer.session.on_timeout(now, transport);
                        }
                        self.touch(conn);
                    }
                }
                Timer::Subscriber(track, slot) => self.subscriber_timeout(io, track, slot),
                Timer::Track(track) => self.track_timeout(io, track),
                Timer::Fetch(fetch) => self.fetch_timeout(io, fetch),
                Timer::Drain => self.drain_timeout(io),
            }
            self.settle(io);
        }
    }

    /// Notes that a session may have events.
    fn touch(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            if !std::mem::replace(&mut peer.dirty, true) {
                self.dirty.push(conn);
            }
        }
    }

    /// Takes the events of all sessions that have some, until none has.
    fn settle(&mut self, io: &mut dyn Io) {
        while let Some(conn) = self.dirty.pop() {
            loop {
                let Some(peer) = self.peers.get_mut(&conn) else {
                    break;
                };
                match peer.session.poll_event() {
                    Some(event) => self.on_session_event(io, conn, event),
                    None => {
                        peer.dirty = false;
                        let at = peer.session.poll_timeout();
                        peer.timer.want(&mut self.timers, at, Timer::Peer(conn));
                        break;
                    }
                }
            }
        }
    }

    /// Calls a session with its transport.
    fn with_session<R>(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        call: impl FnOnce(&mut Session, &mut dyn moqt::transport::Transport) -> R,
    ) -> Option<R> {
        let peer = self.peers.get_mut(&conn)?;
        let transport = io.transport(conn)?;
        let result = call(&mut peer.session, transport);
        self.touch(conn);
        Some(result)
    }

    fn on_session_event(&mut self, io: &mut dyn Io, conn: ConnId, event: SessionEvent) {
        match event {
            SessionEvent::Object { stream, object, .. } => {
                self.on_object(io, conn, stream, object);
            }
            SessionEvent::Datagram { request, datagram } => {
                self.on_datagram(io, conn, request, datagram);
            }
            SessionEvent::SubgroupOpened {
                stream,
                request,
                header,
            } => {
                self.on_subgroup(conn, stream, request, header);
            }
            SessionEvent::StreamEnded {
                stream,
                request,
                end,
            } => {
                self.on_stream_end(io, conn, stream, request, end);
            }
            SessionEvent::Writable { stream } => {
                self.on_stream_signal(io, conn, stream, moqt::delivery::StreamSignal::Writable);
            }
            SessionEvent::Acked { stream } => {
                self.on_stream_signal(io, conn, stream, moqt::delivery::StreamSignal::Acked);
            }
            SessionEvent::Stopped { stream, .. } => {
                self.on_stream_signal(io, conn, stream, moqt::delivery::StreamSignal::Stopped);
            }
            SessionEvent::StreamsAvailable { dir } => self.on_streams_available(io, conn, dir),
            SessionEvent::DatagramsAvailable => self.pump_session(io, conn),
            SessionEvent::Ready { peer } => self.on_ready(io, conn, peer),
            SessionEvent::Request {
                id,
                request,
                tokens,
            } => {
                self.on_request(io, conn, id, request, tokens);
            }
            SessionEvent::Response { id, response } => self.on_response(io, conn, id, response),
            SessionEvent::Update { id, params, tokens } => {
                self.on_update(io, conn, id, params, tokens);
            }
            SessionEvent::UpdateResponse { id, result } => {
                self.on_update_response(io, conn, id, result);
            }
            SessionEvent::RequestClosed { id, end } => self.on_request_closed(io, conn, id, end),
            SessionEvent::FetchOpened { .. } => {}
            SessionEvent::FetchItem { request, item, .. } => {
                self.on_fetch_item(io, conn, request, item);
            }
            SessionEvent::Goaway { .. } => {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.going_away = true;
                }
            }
            // The subscription goes on here until the peer ends it; there is no other session to
            // move it to.
            SessionEvent::RequestGoaway { .. } => {}
            SessionEvent::Closed { reason } => self.on_closed(io, conn, reason),
        }
    }

    fn on_ready(&mut self, io: &mut dyn Io, conn: ConnId, setup: moqt::session::PeerSetup) {
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
                if self.drain.is_some() {
                    self.say_goaway(io, conn);
                }
            }
            Decision::Deny { reason } => {
                self.counts.sessions.unauthorized += 1;
                log::info!("session {} refused: {reason}", conn.0);
                self.with_session(io, conn, |session, transport| {
                    session.close(transport, session_codes::UNAUTHORIZED, &reason);
                });
            }
        }
    }

    fn on_request(
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

    /// Why a request is refused before anything is done about it: shutdown, names that are not
    /// the application's, admission.
    fn refuse(
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
    fn unauthorized(
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

    fn reject(&mut self, io: &mut dyn Io, conn: ConnId, id: RequestId, error: RequestError) {
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
    fn overloaded(what: &str) -> RequestError {
        RequestError {
            retry_after: Some(1_000),
            ..RequestError::new(
                request_codes::EXCESSIVE_LOAD,
                format!("the relay has reached its limit of {what}"),
            )
        }
    }

    fn respond(
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

    fn on_response(&mut self, io: &mut dyn Io, conn: ConnId, id: RequestId, response: Response) {
        let Some(role) = self
            .peers
            .get(&conn)
            .and_then(|p| p.roles.get(&id))
            .cloned()
        else {
            return;
        };
        match role {
            Role::Upstream { track } => self.on_upstream_response(io, conn, id, track, response),
            Role::Offered { track } => self.on_offer_response(io, conn, id, track, response),
            Role::UpstreamFetch { fetch } => self.on_fetch_response(io, fetch, response),
            Role::UpstreamStatus {
                conn: asker,
                request,
                track,
                tried,
            } => {
                self.on_status_response(io, conn, id, (asker, request, track, tried), response);
            }
            _ => {}
        }
    }

    fn on_request_closed(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: RequestId,
        end: moqt::session::RequestEnd,
    ) {
        let Some(role) = self.peers.get_mut(&conn).and_then(|p| p.roles.remove(&id)) else {
            return;
        };
        match role {
            Role::Waiting { track } => self.waiting_gone(io, track, conn, id),
            Role::Subscriber { track, slot } => self.subscriber_gone(io, track, slot),
            Role::Offered { .. } | Role::Status => {}
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

    fn on_closed(&mut self, io: &mut dyn Io, conn: ConnId, reason: SessionClose) {
        let Some(mut peer) = self.peers.remove(&conn) else {
            return;
        };
        self.counts.sessions.closed += 1;
        let clean = match &reason {
            SessionClose::Local { code, reason } => {
                if !matches!(
                    *code,
                    session_codes::NO_ERROR
                        | session_codes::UNAUTHORIZED
                        | session_codes::GOAWAY_TIMEOUT
                ) {
                    self.counts.sessions.violations += 1;
                    log::info!(
                        "session {} closed: {} ({reason})",
                        conn.0,
                        session_codes::name(*code)
                    );
                }
                false
            }
            SessionClose::Transport(CloseReason::Peer { code, .. }) => {
                *code == session_codes::NO_ERROR
            }
            SessionClose::Transport(_) => false,
        };
        log::debug!("session {} is over", conn.0);
        // Streams first, so that subscribers see them cut before their subscriptions change.
        let streams: Vec<_> = peer.incoming.drain().collect();
        for (stream, incoming) in streams {
            self.cut_stream(io, conn, stream, &incoming, stream_codes::CANCELLED);
        }
        for (id, role) in std::mem::take(&mut peer.roles) {
            match role {
                Role::Waiting { track } => self.waiting_gone(io, track, conn, id),
                Role::Subscriber { track, slot } => self.subscriber_lost(io, track, slot),
                Role::Offered { .. } | Role::Status => {}
                Role::Upstream { track } => self.source_lost(io, track, conn, clean),
                Role::Fetch { fetch } => self.fetch_gone(io, fetch),
                Role::UpstreamFetch { fetch } => {
                    self.upstream_fetch_gone(io, fetch, moqt::session::RequestEnd::Cancelled(0));
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

    fn say_goaway(&mut self, io: &mut dyn Io, conn: ConnId) {
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

    fn drain_timeout(&mut self, io: &mut dyn Io) {
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

#[cfg(test)]
mod tests;
