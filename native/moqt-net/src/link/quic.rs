//! One QUIC connection as a link: the QUIC state machine plus what the transport contract needs
//! beside it.

use super::close::{closed_without_capsule, lost, Attempt};
use super::h3::H3_NO_ERROR;
use super::incoming::{Incoming, Incomings};
use super::webtransport::Farewell;
use super::{LinkEvent, Mapping};
use crate::config::{LinkConfig, ListenConfig};
use crate::handler::ConnInfo;
use crate::verify::Refusal;
use bytes::Bytes;
use moqt::transport::{CloseReason, Dir, TransportEvent};
use quinn_proto::{Connection, ConnectionError, ConnectionHandle, VarInt};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use web_transport_proto::{error_from_http3, error_to_http3};

/// Least send window in bytes, whatever the congestion window is.
const MIN_SEND_WINDOW: u64 = 64 << 10;

/// Streams of each direction that a peer may have open at first, where the limit is higher.
pub(crate) const FIRST_STREAMS: u32 = 128;

/// How long a closed connection stays to have its last word acknowledged, at most.
const FAREWELL: Duration = Duration::from_millis(500);
/// The same at least, and in round trips, where nothing tells that the peer has everything.
const SHORTEST_FAREWELL: Duration = Duration::from_millis(50);
const ROUND_TRIPS: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// TLS or the WebTransport CONNECT exchange is not done.
    Handshaking,
    Ready,
    /// Closed for the handler; QUIC may still have to say so to the peer.
    Closed,
}

/// What an outgoing connection knows of itself.
pub(crate) struct Outgoing {
    pub path: String,
    pub authority: String,
    pub offered: String,
    pub refusal: Refusal,
}

/// Who opened the connection.
pub(crate) enum Origin {
    Outgoing(Outgoing),
    /// With the options of the listener.
    Incoming(Arc<ListenConfig>),
}

pub(crate) struct QuicLink {
    pub(crate) conn: Connection,
    /// The UDP endpoint and the connection's place in it.
    pub(crate) endpoint: usize,
    pub(crate) handle: ConnectionHandle,
    pub(super) now: Instant,
    pub(super) state: State,
    pub(super) mapping: Mapping,
    /// Bidirectional, unidirectional streams that the peer has opened.
    pub(super) accepted: [u64; 2],
    pub(super) incomings: Incomings,
    pub(super) current: Option<Incoming>,
    pub(super) events: VecDeque<LinkEvent>,
    /// `open` gave `None` for bidirectional, unidirectional streams.
    pub(super) wants_streams: [bool; 2],
    pub(super) datagrams_blocked: bool,
    /// Closed by the handler: QUIC is told when what was written before has had its chance.
    pub(super) closing: Option<(VarInt, Bytes)>,
    /// The peer ended the session; told after what came before it.
    pub(super) ending: Option<(CloseReason, u32)>,
    pub(super) datagram_send_buffer: usize,
    /// Largest MOQT datagram now; refreshed with every batch.
    pub(super) datagram_limit: Option<usize>,
    max_send_window: u64,
    send_window: u64,
    /// Bidirectional, unidirectional streams that the peer may have open now, and at most.
    stream_limits: [(u32, u32); 2],
    pub(super) origin: Origin,
}

pub(super) fn dir_index(dir: Dir) -> usize {
    match dir {
        Dir::Bi => 0,
        Dir::Uni => 1,
    }
}

pub(super) fn dir_of(dir: quinn_proto::Dir) -> Dir {
    match dir {
        quinn_proto::Dir::Bi => Dir::Bi,
        quinn_proto::Dir::Uni => Dir::Uni,
    }
}

impl QuicLink {
    pub fn new(
        conn: Connection,
        endpoint: usize,
        handle: ConnectionHandle,
        now: Instant,
        mapping: Mapping,
        config: &LinkConfig,
        origin: Origin,
    ) -> Self {
        QuicLink {
            conn,
            endpoint,
            handle,
            now,
            state: State::Handshaking,
            mapping,
            accepted: [0; 2],
            incomings: Incomings::default(),
            current: None,
            events: VecDeque::new(),
            wants_streams: [false; 2],
            datagrams_blocked: false,
            closing: None,
            ending: None,
            datagram_send_buffer: config.datagram_send_buffer,
            datagram_limit: None,
            max_send_window: config.max_send_window,
            send_window: 0,
            stream_limits: [config.max_incoming_bidi, config.max_incoming_uni]
                .map(|most| (most.min(FIRST_STREAMS), most)),
            origin,
        }
    }

    pub fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether [`QuicLink::next_event`] would give something that a call on the link caused.
    pub fn has_local_events(&self) -> bool {
        !self.events.is_empty() || self.current.is_some() || self.incomings.has_readable()
    }

    /// Lets the send window follow the congestion window: about twice, so that the sender always
    /// has a window's worth ready and a blocked write still means congestion and not a deep queue.
    pub fn follow_path(&mut self) {
        let overhead = match &self.mapping {
            Mapping::Raw => 0,
            Mapping::WebTransport(session) => session.datagram_overhead(),
        };
        let limit = self.conn.datagrams().max_size();
        self.datagram_limit = limit.map(|limit| limit.saturating_sub(overhead));
        let window = (2 * self.conn.congestion_state().window())
            .max(MIN_SEND_WINDOW)
            .min(self.max_send_window);
        if window != self.send_window {
            self.send_window = window;
            self.conn.set_send_window(window);
        }
    }

    /// A peer that uses half of the streams it may have open gets twice as many, up to the limit:
    /// QUIC keeps an entry for each stream that is allowed, whether it is used or not.
    pub(super) fn grow_streams(&mut self, dir: quinn_proto::Dir) {
        let Some((now, most)) = self.stream_limits.get_mut(dir as usize) else {
            return;
        };
        if now < most && self.conn.streams().remote_open_streams(dir) >= u64::from(*now / 2) {
            *now = now.saturating_mul(2).min(*most);
            self.conn
                .set_max_concurrent_streams(dir, VarInt::from_u32(*now));
        }
    }

    /// Nothing more can be sent now: closes if that was waited for. Then there is more to send.
    pub fn close_after_sending(&mut self) -> bool {
        match self.closing.take() {
            Some((code, reason)) => {
                self.conn.close(self.now, code, reason);
                true
            }
            None => false,
        }
    }

    /// Whether, after a packet that was not full, nothing waits that the handler wrote.
    pub fn has_sent_all(&mut self) -> bool {
        // QUIC keeps room for one more entry, so that an empty queue counts as one.
        let empty = self.queued_datagram_bytes() <= std::mem::size_of::<Bytes>();
        self.state == State::Ready && self.closing.is_none() && empty
    }

    /// After packets were sent: datagrams may be taken again.
    pub fn after_transmit(&mut self) {
        if self.datagrams_blocked && self.datagram_queue_limit() / 2 > self.queued_datagram_bytes()
        {
            self.datagrams_blocked = false;
            self.push(TransportEvent::DatagramsAvailable);
        }
    }

    pub(super) fn queued_datagram_bytes(&mut self) -> usize {
        let space = self.conn.datagrams().send_buffer_space();
        self.datagram_send_buffer.saturating_sub(space)
    }

    /// Datagrams waiting beyond what the path takes soon would only become old.
    pub(super) fn datagram_queue_limit(&self) -> usize {
        let window = usize::try_from(self.send_window.max(MIN_SEND_WINDOW)).unwrap_or(usize::MAX);
        window.min(self.datagram_send_buffer)
    }

    /// The peer's address; an IPv4 address on a dual-stack socket as such.
    pub(super) fn remote(&self) -> SocketAddr {
        let remote = self.conn.remote_address();
        SocketAddr::new(remote.ip().to_canonical(), remote.port())
    }

    pub(super) fn push(&mut self, event: TransportEvent) {
        self.events.push_back(LinkEvent::Transport(event));
    }

    /// The last word on the CONNECT stream is written; the connection closes when the peer has
    /// it, or after a while.
    pub(super) fn say_goodbye(&mut self) {
        self.leave_after(FAREWELL, H3_NO_ERROR.into(), Bytes::new());
    }

    /// What was written before has some round trips to arrive; then the connection closes.
    pub(super) fn leave_quietly(&mut self, code: u64, reason: &str) {
        let time = (self.conn.rtt() * ROUND_TRIPS).clamp(SHORTEST_FAREWELL, FAREWELL);
        let reason = Bytes::copy_from_slice(reason.as_bytes());
        self.leave_after(time, self.code_to_wire(code), reason);
    }

    fn leave_after(&mut self, time: Duration, code: VarInt, reason: Bytes) {
        let until = self.now + time;
        if let Mapping::WebTransport(session) = &mut self.mapping {
            session.farewell = Some(Farewell {
                until,
                code,
                reason,
            });
        }
    }

    pub(super) fn ready(&mut self, info: ConnInfo) {
        self.state = State::Ready;
        self.events.push_back(LinkEvent::Connected(info));
    }

    /// The handler's view ends here with a reason.
    pub(super) fn fail(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.current = None;
            self.push(TransportEvent::Closed(reason));
        }
    }

    /// When [`QuicLink::on_timeout`] is wanted.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        let session = match &self.mapping {
            Mapping::Raw => None,
            // One of them at most is in use.
            Mapping::WebTransport(session) => {
                let farewell = session.farewell.as_ref().map(|farewell| farewell.until);
                farewell.or(session.refused_until)
            }
        };
        [self.conn.poll_timeout(), session]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn on_timeout(&mut self, now: Instant) {
        self.now = now;
        self.conn.handle_timeout(now);
        let Mapping::WebTransport(session) = &mut self.mapping else {
            return;
        };
        if let Some(farewell) = session.farewell.take_if(|farewell| farewell.until <= now) {
            self.conn.close(now, farewell.code, farewell.reason);
        }
        if session.refused_until.is_some_and(|at| at <= now) {
            session.refused_until = None;
            if let Some(reason) = session.give_up_waiting() {
                self.conn.close(now, H3_NO_ERROR.into(), Bytes::new());
                self.fail(reason);
            }
        }
    }

    /// Whether the link, closed for the handler, still waits to have told the peer.
    pub fn is_saying_goodbye(&self) -> bool {
        match &self.mapping {
            Mapping::Raw => false,
            Mapping::WebTransport(session) => session.farewell.is_some(),
        }
    }

    /// Gives up an attempt whose time is over.
    pub fn time_out(&mut self, now: Instant) {
        self.conn.close(
            now,
            0u32.into(),
            bytes::Bytes::from_static(b"handshake timeout"),
        );
        self.fail(CloseReason::TimedOut);
    }

    pub(super) fn explain_loss(&self, error: &ConnectionError) -> CloseReason {
        if self.state == State::Ready {
            if let (Mapping::WebTransport(_), ConnectionError::ApplicationClosed(close)) =
                (&self.mapping, error)
            {
                return closed_without_capsule(close);
            }
            return lost(error, None);
        }
        let remote = self.remote();
        let (peer, offered, certificate) = match &self.origin {
            Origin::Outgoing(out) => (
                format!("{} ({remote})", out.authority),
                out.offered.as_str(),
                out.refusal
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone(),
            ),
            Origin::Incoming(_) => (remote.to_string(), "", None),
        };
        lost(
            error,
            Some(&Attempt {
                peer: &peer,
                offered,
                certificate,
            }),
        )
    }

    pub(super) fn code_from_wire(&self, code: u64) -> u64 {
        match self.mapping {
            Mapping::Raw => code,
            // Some peers send plain codes.
            Mapping::WebTransport(_) => error_from_http3(code).map_or(code, u64::from),
        }
    }

    pub(super) fn code_to_wire(&self, code: u64) -> quinn_proto::VarInt {
        let code = match self.mapping {
            Mapping::Raw => code,
            Mapping::WebTransport(_) => error_to_http3(u32::try_from(code).unwrap_or(u32::MAX)),
        };
        quinn_proto::VarInt::from_u64(code).unwrap_or(quinn_proto::VarInt::MAX)
    }
}
