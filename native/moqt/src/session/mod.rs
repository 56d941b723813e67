//! The sans-I/O session: bytes, stream events and time go in; bytes, stream actions and events
//! come out.
//!
//! A session knows messages, request streams, ids, aliases, setup, tokens, GOAWAY, stream types
//! and object framing. It knows nothing of delivery classes, caches or games. What a peer can make
//! it hold is bounded by [`Limits`]; what exceeds a bound is refused and counted in
//! [`SessionStats`].

mod accept;
mod auth;
mod buffer;
mod config;
mod control;
mod holding;
mod ids;
mod inbound;
mod outbound;
mod requests;
mod respond;
mod setup;
mod state;
mod streams;
mod timers;
mod types;

pub(crate) use streams::{CONTROL_FINISHED, CONTROL_RESET};

pub use config::{Limits, Link, Role, SessionConfig};
pub use types::{
    PeerSetup, RequestEnd, RequestId, SessionClose, SessionError, SessionEvent, SessionStats,
    StreamEnd,
};

use crate::hash::IntMap;
use crate::transport::{Dir, StreamId, Transport, TransportEvent};
use crate::wire::{session_codes, Message, ObjectDatagram, Profile, WireError};
use auth::TokenCache;
use buffer::{Meter, OutBuf};
use bytes::{Bytes, BytesMut};
use ids::PeerIds;
use state::{RequestState, StreamEntry};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Order among our streams: control before requests before data.
const CONTROL_PRIORITY: i32 = i32::MAX;
const REQUEST_PRIORITY: i32 = i32::MAX - 1;
/// How long [`Session::listen`] holds SETUP back from a peer that says nothing.
const SPEAK_FIRST_AFTER: Duration = Duration::from_secs(1);
/// Aliases of past subscriptions that are remembered, to tell late objects from early ones.
const MAX_RETIRED_ALIASES: usize = 256;

/// One MOQT session over one connection.
pub struct Session {
    config: SessionConfig,
    profile: &'static dyn Profile,
    stats: SessionStats,
    events: VecDeque<SessionEvent>,
    now: Option<Instant>,
    started: bool,
    closed: bool,
    peer: Option<PeerSetup>,
    local_control: Option<StreamId>,
    peer_control: Option<StreamId>,
    setup_deadline: Option<Instant>,
    /// When our SETUP goes out although the peer's did not come, after [`Session::listen`].
    speak_deadline: Option<Instant>,
    streams: IntMap<StreamId, StreamEntry>,
    requests: IntMap<RequestId, RequestState>,
    peer_ids: PeerIds,
    next_id: u64,
    inbound_requests: usize,
    inbound_streams: usize,
    /// Aliases by which the peer sends, and those of subscriptions that are over.
    aliases_in: IntMap<u64, RequestId>,
    retired_in: VecDeque<u64>,
    /// Aliases by which we send.
    aliases_out: IntMap<u64, RequestId>,
    next_alias: u64,
    /// Streams that wait for SETUP, in order of arrival.
    early: VecDeque<StreamId>,
    /// Streams that wait for an alias.
    held: Vec<StreamId>,
    early_datagrams: VecDeque<Bytes>,
    held_datagrams: VecDeque<(Instant, ObjectDatagram)>,
    tokens_in: TokenCache,
    tokens_out: TokenCache,
    goaway_sent: Option<GoawaySent>,
    goaway_received: bool,
    scratch: BytesMut,
    /// What has begun to arrive and is not whole, or waits.
    partial: Meter,
    /// The peer's live requests.
    requested: Meter,
    /// Control messages that the peer does not read.
    backlog: Meter,
    /// The earliest of all deadlines, or a little before it.
    deadline: Option<Instant>,
}

struct GoawaySent {
    /// The smallest request of the peer that is refused.
    limit: u64,
    deadline: Option<Instant>,
}

impl Session {
    /// A session that has not sent anything yet: call [`Session::start`].
    pub fn new(config: SessionConfig) -> Self {
        let role = config.role;
        Session {
            profile: config.draft.profile(),
            stats: SessionStats::default(),
            events: VecDeque::new(),
            now: None,
            started: false,
            closed: false,
            peer: None,
            local_control: None,
            peer_control: None,
            setup_deadline: None,
            speak_deadline: None,
            streams: IntMap::default(),
            requests: IntMap::default(),
            peer_ids: PeerIds::new(role),
            next_id: if role == Role::Client { 0 } else { 1 },
            inbound_requests: 0,
            inbound_streams: 0,
            aliases_in: IntMap::default(),
            retired_in: VecDeque::new(),
            aliases_out: IntMap::default(),
            next_alias: 0,
            early: VecDeque::new(),
            held: Vec::new(),
            early_datagrams: VecDeque::new(),
            held_datagrams: VecDeque::new(),
            tokens_in: TokenCache::new(config.max_auth_token_cache_size),
            tokens_out: TokenCache::new(0),
            goaway_sent: None,
            goaway_received: false,
            scratch: BytesMut::new(),
            partial: Meter::default(),
            requested: Meter::default(),
            backlog: Meter::default(),
            deadline: None,
            config,
        }
    }

    /// Opens the control stream and sends SETUP. Requests and data may follow at once.
    pub fn start(&mut self, now: Instant, t: &mut dyn Transport) {
        self.now = Some(now);
        if self.started || self.closed {
            return;
        }
        self.started = true;
        self.speak_deadline = None;
        if self.peer.is_none() {
            self.await_setup(now);
        }
        self.send_setup(t);
    }

    /// Waits for the peer's SETUP with ours held back, so that its owner can refuse the peer before
    /// that believes itself accepted: call [`Session::start`] on [`SessionEvent::Ready`]. To a peer
    /// that waits as well, ours goes out after a second.
    pub fn listen(&mut self, now: Instant) {
        self.now = Some(now);
        if self.started || self.closed {
            return;
        }
        self.await_setup(now);
        let deadline = now + SPEAK_FIRST_AFTER;
        self.speak_deadline = Some(deadline);
        self.note_deadline(deadline);
    }

    fn await_setup(&mut self, now: Instant) {
        let deadline = *self
            .setup_deadline
            .get_or_insert(now + self.config.limits.setup_timeout);
        self.note_deadline(deadline);
    }

    /// The stream of our control messages, once SETUP was sent.
    pub fn control_stream(&self) -> Option<StreamId> {
        self.local_control
    }

    fn send_setup(&mut self, t: &mut dyn Transport) {
        let Some(id) = t.open(Dir::Uni) else { return };
        t.set_priority(id, CONTROL_PRIORITY);
        self.local_control = Some(id);
        self.streams
            .insert(id, StreamEntry::LocalControl(OutBuf::default()));
        let setup = setup::local(&self.config);
        // Our own options' registrations count with the peer once its limit is known.
        self.send_control(t, &Message::Setup(setup));
    }

    fn send_control(&mut self, t: &mut dyn Transport, message: &Message) {
        let bytes = match self.encode(message) {
            Ok(bytes) => bytes,
            Err(e) => return self.close(t, session_codes::INTERNAL_ERROR, e.reason()),
        };
        let Some(id) = self.local_control else { return };
        let Some(StreamEntry::LocalControl(out)) = self.streams.get_mut(&id) else {
            return;
        };
        let written = out.push(t, id, bytes);
        if written.is_err() || out.len() > self.config.limits.max_control_backlog {
            self.close(
                t,
                session_codes::INTERNAL_ERROR,
                "the control stream takes no more",
            );
        }
    }

    fn encode(&mut self, message: &Message) -> Result<Bytes, WireError> {
        self.profile.encode_message(message, &mut self.scratch)?;
        Ok(self.scratch.split().freeze())
    }

    /// Takes one event of the connection.
    pub fn handle(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
        self.now = Some(now);
        if self.closed {
            return;
        }
        match event {
            TransportEvent::Data { id, dir, data, fin } => self.on_data(now, t, id, dir, data, fin),
            TransportEvent::Datagram(data) => self.on_datagram(now, t, data),
            TransportEvent::Writable { id } => self.on_writable(t, id),
            TransportEvent::Acked { id } => self.on_acked(id),
            TransportEvent::Reset { id, code } => self.on_reset(t, id, code),
            TransportEvent::Stopped { id, code } => self.on_stopped(t, id, code),
            TransportEvent::StreamsAvailable { dir } => {
                if dir == Dir::Uni && self.started && self.local_control.is_none() {
                    self.send_setup(t);
                }
                self.events
                    .push_back(SessionEvent::StreamsAvailable { dir });
            }
            TransportEvent::DatagramsAvailable => {
                self.events.push_back(SessionEvent::DatagramsAvailable);
            }
            TransportEvent::Closed(reason) => self.end(SessionClose::Transport(reason)),
        }
    }

    /// The next event for the owner. Call until `None` after each call that takes a transport.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// What [`Session::poll_event`] would give.
    pub fn peek_event(&self) -> Option<&SessionEvent> {
        self.events.front()
    }

    /// Live requests of the peer.
    pub fn inbound_requests(&self) -> usize {
        self.inbound_requests
    }

    /// Whether both SETUPs are exchanged and the session is not over.
    pub fn is_ready(&self) -> bool {
        self.peer.is_some() && !self.closed
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the peer's SETUP said, once it came.
    pub fn peer(&self) -> Option<&PeerSetup> {
        self.peer.as_ref()
    }

    /// This side.
    pub fn role(&self) -> Role {
        self.config.role
    }

    /// How the negotiated draft is written.
    pub fn profile(&self) -> &'static dyn Profile {
        self.profile
    }

    /// The counters.
    pub fn stats(&self) -> &SessionStats {
        &self.stats
    }

    /// Bytes that the peer makes this session hold: what has begun and is not whole, or waits; live
    /// requests; and messages that it does not read.
    pub fn held_bytes(&self) -> usize {
        self.partial.bytes() + self.requested.bytes() + self.backlog.bytes()
    }

    /// Closes the session with a session termination code. [`SessionEvent::Closed`] follows.
    pub fn close(&mut self, t: &mut dyn Transport, code: u64, reason: &str) {
        if self.closed {
            return;
        }
        t.close(code, reason);
        self.end(SessionClose::Local {
            code,
            reason: reason.to_owned(),
        });
    }

    /// Closes because of what the peer did.
    fn fail(&mut self, t: &mut dyn Transport, error: WireError) {
        self.close(t, error.code(), error.reason());
    }

    fn violation(&mut self, t: &mut dyn Transport, reason: &'static str) {
        self.close(t, session_codes::PROTOCOL_VIOLATION, reason);
    }

    /// Whether unfinished messages and objects hold more than they may.
    fn is_crammed(&self) -> bool {
        self.partial.bytes() > self.config.limits.max_receive_buffer
    }

    fn end(&mut self, reason: SessionClose) {
        self.closed = true;
        self.streams.clear();
        self.requests.clear();
        self.early.clear();
        self.held.clear();
        self.early_datagrams.clear();
        self.held_datagrams.clear();
        self.deadline = None;
        self.events.push_back(SessionEvent::Closed { reason });
    }

    /// A deadline a fixed time after the last event, call or timeout with a clock.
    fn after(&mut self, delay: Duration) -> Instant {
        let deadline = self.now.unwrap_or_else(Instant::now) + delay;
        self.note_deadline(deadline);
        deadline
    }

    fn note_deadline(&mut self, deadline: Instant) {
        self.deadline = Some(self.deadline.map_or(deadline, |d| d.min(deadline)));
    }
}
