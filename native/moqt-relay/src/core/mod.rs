//! The relay itself: sessions in, objects out. Single-threaded and without sockets: everything
//! outside comes through [`Io`].

mod admission;
mod answer;
mod closing;
mod discovery;
mod downstream;
mod ending;
mod fanout;
mod fetch;
mod fill;
mod intake;
mod names;
mod prefetch;
mod publish;
mod report;
mod sources;
mod status;
mod turns;
mod update;
mod upstream;
mod work;

use crate::cache::TrackCache;
use crate::config::RelayConfig;
use crate::io::Io;
use crate::peer::{Peer, Role};
use crate::stats::{RefusalCounts, RelayStats};
use crate::timers::{Timer, Timers};
use crate::track::Track;
use crate::tree::NamespaceTree;
use fetch::FetchJob;
use moqt::delivery::SenderStats;
use moqt::hash::IntMap;
use moqt::session::{
    Limits as SessionLimits, Link, RequestId, Session, SessionConfig, SessionEvent,
};
use moqt::transport::{Gone, TransportEvent};
use moqt::wire::{session_codes, FullTrackName, Response};
use moqt_net::{ConnId, ConnInfo, TransportKind};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

/// All state of a relay.
pub(crate) struct Core {
    pub(crate) config: RelayConfig,
    peers: IntMap<ConnId, Peer>,
    tracks: IntMap<u64, Track>,
    names: HashMap<FullTrackName, u64>,
    tracks_by_namespace: NamespaceTree<u64>,
    publishers: NamespaceTree<(ConnId, RequestId)>,
    discoveries: NamespaceTree<(ConnId, RequestId)>,
    track_followers: NamespaceTree<(ConnId, RequestId)>,
    fetches: HashMap<u64, FetchJob>,
    /// Sessions with fetches that have something to do, in the order of their turns.
    serving: VecDeque<ConnId>,
    /// The turn of the I/O thread in which fetches were worked on last, what is left of it for
    /// them, and whether they go on in the next one.
    turn: Option<Instant>,
    turn_left: usize,
    turn_follows: bool,
    /// What nobody needs any more, freed a piece a turn.
    discarded: VecDeque<TrackCache>,
    timers: Timers,
    /// Sessions whose events are to be taken.
    dirty: Vec<ConnId>,
    /// Deadlines that have come, while they are worked on; otherwise empty.
    due: Vec<Timer>,
    next_id: u64,
    /// Counters; the gauges are filled in when a snapshot is taken.
    counts: RelayStats,
    /// What senders that are gone had counted.
    retired: SenderStats,
    /// What sessions that are over had refused.
    refusals: RefusalCounts,
    namespaces: usize,
    subscriptions: usize,
    queued: usize,
    /// The track of an object that ends its subgroup: senders have it and write it with the end.
    held: Option<u64>,
    cached: usize,
    /// What all sessions hold.
    session_bytes: usize,
    started: Instant,
    drain: Option<Instant>,
    drained: bool,
    /// When a line about a peer that breaks rules was logged last.
    complained: Option<Instant>,
}

impl Core {
    pub(crate) fn new(config: RelayConfig, now: Instant) -> Self {
        Core {
            config,
            peers: IntMap::default(),
            tracks: IntMap::default(),
            names: HashMap::new(),
            tracks_by_namespace: NamespaceTree::default(),
            publishers: NamespaceTree::default(),
            discoveries: NamespaceTree::default(),
            track_followers: NamespaceTree::default(),
            fetches: HashMap::new(),
            serving: VecDeque::new(),
            turn: None,
            turn_left: 0,
            turn_follows: false,
            discarded: VecDeque::new(),
            timers: Timers::default(),
            dirty: Vec::new(),
            due: Vec::new(),
            next_id: 0,
            counts: RelayStats::default(),
            retired: SenderStats::default(),
            refusals: RefusalCounts::default(),
            namespaces: 0,
            subscriptions: 0,
            queued: 0,
            held: None,
            cached: 0,
            session_bytes: 0,
            started: now,
            drain: None,
            drained: false,
            complained: None,
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
                // The relay counts them itself, and is slow to refuse when many come.
                max_requests: limits
                    .requests_per_session
                    .max(self.config.link.max_incoming_bidi as usize),
                max_request_bytes: limits.request_bytes_per_session,
                max_object_size: limits.object_bytes,
                max_receive_buffer: limits.partial_bytes_per_session.max(limits.object_bytes),
                max_backlog_bytes: limits.unread_bytes_per_session,
                response_timeout: limits.upstream_timeout,
                ..SessionLimits::default()
            },
            ..SessionConfig::server()
        });
        // Whoever is refused must not believe itself accepted: SETUP follows the admission.
        session.listen(now);
        let peer = Peer::new(session, info);
        self.peers.insert(conn, peer);
        self.touch(conn);
        self.settle(io);
    }

    /// Something happened on a connection.
    pub(crate) fn on_event(&mut self, io: &mut dyn Io, conn: ConnId, event: TransportEvent) {
        let now = io.now();
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        let of_data = match &event {
            TransportEvent::Stopped { id, .. } => {
                peer.owners.get(*id).is_some() || peer.fetch_streams.contains_key(id)
            }
            _ => false,
        };
        if let Some(event) = peer.farewell.filter(now, event, of_data) {
            pass(peer, io, conn, event);
        }
        self.touch(conn);
        self.settle(io);
    }

    /// Keeps the sum of what sessions hold, and to its bound.
    fn weigh(&mut self, io: &mut dyn Io, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        let held = peer.session.held_bytes();
        let grown = held > peer.held;
        self.session_bytes = self.session_bytes - peer.held + held;
        peer.held = held;
        if !grown || self.session_bytes <= self.config.limits.session_bytes {
            return;
        }
        let largest = self.peers.iter().max_by_key(|(_, peer)| peer.held);
        let Some(largest) = largest.map(|(conn, _)| *conn) else {
            return;
        };
        self.counts.limits.session_bytes += 1;
        self.with_session(io, largest, |session, transport| {
            let reason = "all sessions together hold too much, and this one most of it";
            session.close(transport, session_codes::INTERNAL_ERROR, reason);
        });
    }

    /// The earliest deadline.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Lets time pass.
    pub(crate) fn on_timeout(&mut self, io: &mut dyn Io) {
        let mut due = std::mem::take(&mut self.due);
        self.timers.take_due(io.now(), &mut due);
        for timer in due.drain(..) {
            match timer {
                Timer::Peer(conn) => self.peer_timeout(io, conn),
                Timer::Subscriber(track, slot) => self.subscriber_timeout(io, track, slot),
                Timer::Track(track) => self.track_timeout(io, track),
                Timer::Fetch(fetch) => self.fetch_timeout(io, fetch),
                Timer::Refusals(conn) => self.refusals_due(io, conn),
                Timer::Fetches(conn) => self.fetches_due(conn),
                Timer::Turn => self.next_turn(),
                Timer::Drain => self.drain_timeout(io),
            }
            self.settle(io);
        }
        self.due = due;
    }

    fn peer_timeout(&mut self, io: &mut dyn Io, conn: ConnId) {
        let now = io.now();
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        peer.timer.fired();
        // Without one the connection is over, and its last event is on the way.
        let Some(transport) = io.transport(conn) else {
            return;
        };
        peer.session.on_timeout(now, transport);
        while let Some(event) = peer.farewell.due(now) {
            pass(peer, io, conn, event);
        }
        self.touch(conn);
    }

    /// The control stream that this side opened.
    #[cfg(test)]
    pub(crate) fn control_stream(&self, conn: ConnId) -> Option<moqt::transport::StreamId> {
        self.peers.get(&conn)?.session.control_stream()
    }

    /// Notes that a session may have events.
    fn touch(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            if !std::mem::replace(&mut peer.dirty, true) {
                self.dirty.push(conn);
            }
        }
    }

    /// Takes the events of all sessions that have some, until none has, and lets fetches go on.
    fn settle(&mut self, io: &mut dyn Io) {
        self.take_events(io);
        while self.serve(io) {
            self.take_events(io);
        }
    }

    fn take_events(&mut self, io: &mut dyn Io) {
        while let Some(conn) = self.dirty.pop() {
            while let Some(peer) = self.peers.get_mut(&conn) {
                let Some(event) = peer.session.poll_event() else {
                    peer.dirty = false;
                    let at = [peer.session.poll_timeout(), peer.farewell.deadline()];
                    let at = at.into_iter().flatten().min();
                    peer.timer.want(&mut self.timers, at, Timer::Peer(conn));
                    break;
                };
                self.on_session_event(io, conn, event);
            }
            self.weigh(io, conn);
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
                self.on_subgroup(io, conn, stream, request, header);
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
}

/// Gives an event to a session.
fn pass(peer: &mut Peer, io: &mut dyn Io, conn: ConnId, event: TransportEvent) {
    let now = io.now();
    match io.transport(conn) {
        Some(transport) => peer.session.handle(now, transport, event),
        None => peer.session.handle(now, &mut Gone, event),
    }
}

#[cfg(test)]
mod tests;
