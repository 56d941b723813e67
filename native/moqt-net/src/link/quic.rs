//! One QUIC connection as a link: the QUIC state machine plus what the transport contract needs
//! beside it.

use super::close::{closed_without_capsule, lost, Attempt};
use super::h3::H3_NO_ERROR;
use super::incoming::{End, Incoming, Incomings};
use super::webtransport::{Outcome, Role, WebTransport};
use super::{LinkEvent, Mapping};
use crate::config::{LinkConfig, ListenConfig};
use crate::endpoint::ALPN_H3;
use crate::handler::{ConnInfo, TransportKind};
use crate::verify::Refusal;
use bytes::Bytes;
use moqt::transport::{CloseReason, Dir, StreamId, TransportEvent};
use quinn_proto::crypto::rustls::HandshakeData;
use quinn_proto::{Connection, ConnectionError, ConnectionHandle, Event, StreamEvent};
use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use web_transport_proto::{error_from_http3, error_to_http3};

/// Least send window in bytes, whatever the congestion window is.
const MIN_SEND_WINDOW: u64 = 64 << 10;

/// How long a closed connection stays to have its last word acknowledged.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long the text of a refused CONNECT is waited for.
const REFUSAL_TEXT_TIME: Duration = Duration::from_millis(300);

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
    pub(super) datagram_send_buffer: usize,
    /// Largest MOQT datagram now; refreshed with every batch.
    pub(super) datagram_limit: Option<usize>,
    max_send_window: u64,
    send_window: u64,
    origin: Origin,
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
            datagram_send_buffer: config.datagram_send_buffer,
            datagram_limit: None,
            max_send_window: config.max_send_window,
            send_window: 0,
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

    pub(super) fn push(&mut self, event: TransportEvent) {
        self.events.push_back(LinkEvent::Transport(event));
    }

    /// The next event for the handler. `None` when there is none now.
    pub fn next_event(&mut self) -> Option<LinkEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.state == State::Closed {
                // The QUIC machine still runs to its end.
                while let Some(event) = self.conn.poll() {
                    self.on_late(event);
                }
                return None;
            }
            if let Some(event) = self.next_of_current() {
                return Some(LinkEvent::Transport(event));
            }
            if let Some(incoming) = self.incomings.next(&mut self.conn) {
                self.take(incoming);
                continue;
            }
            let event = self.conn.poll()?;
            self.on_quic(event);
        }
    }

    fn take(&mut self, incoming: Incoming) {
        let outcome = match &mut self.mapping {
            Mapping::Raw => {
                self.current = Some(incoming);
                return;
            }
            Mapping::WebTransport(session) => {
                let outcome = session.on_incoming(&mut self.conn, incoming);
                if session.is_refused() && session.refused_until.is_none() {
                    session.refused_until = Some(self.now + REFUSAL_TEXT_TIME);
                }
                outcome
            }
        };
        match outcome {
            Outcome::Nothing => {}
            Outcome::App(incoming) => self.current = Some(incoming),
            Outcome::Hold(incoming) => self.incomings.hold(incoming),
            Outcome::Ended(reason, code) => {
                match code {
                    Some(code) => self.conn.close(self.now, code.into(), Bytes::new()),
                    None => self.say_goodbye(),
                }
                self.fail(reason);
            }
            Outcome::Ready(ready) => {
                let info = ConnInfo {
                    kind: TransportKind::WebTransport,
                    protocol: ready.protocol,
                    path: ready.path,
                    authority: ready.authority,
                    remote: Some(self.conn.remote_address()),
                    incoming: matches!(self.origin, Origin::Incoming(_)),
                };
                self.follow_path();
                self.ready(info);
                for id in ready.early {
                    self.incomings.resume(id);
                }
                self.take(ready.rest);
            }
        }
    }

    /// The last word on the CONNECT stream is written; the connection closes when the peer has
    /// it, or after a while.
    pub(super) fn say_goodbye(&mut self) {
        if let Mapping::WebTransport(session) = &mut self.mapping {
            session.farewell = Some(self.now + FAREWELL);
        }
    }

    /// An event after the handler was told that the link is closed.
    fn on_late(&mut self, event: Event) {
        let Mapping::WebTransport(session) = &mut self.mapping else {
            return;
        };
        match event {
            Event::Stream(StreamEvent::Writable { id }) => {
                session.flush(&mut self.conn, id);
            }
            Event::Stream(StreamEvent::Finished { id }) if session.is_internal(id) => {
                if session.farewell.take().is_some() {
                    self.conn.close(self.now, H3_NO_ERROR.into(), Bytes::new());
                }
            }
            Event::ConnectionLost { .. } => session.farewell = None,
            _ => {}
        }
    }

    fn next_of_current(&mut self) -> Option<TransportEvent> {
        let current = self.current.as_mut()?;
        let id = current.id;
        if self.incomings.is_paused(id) {
            if let Some(current) = self.current.take() {
                self.incomings.hold(current);
            }
            return None;
        }
        let stream = StreamId(id.into());
        let dir = dir_of(id.dir());
        if let Some(data) = current.chunks.pop_front() {
            current.announce = false;
            let last = current.chunks.is_empty();
            let fin = last && current.end == Some(End::Fin);
            if last && (fin || current.end.is_none()) {
                self.current = None;
            }
            return Some(TransportEvent::Data {
                id: stream,
                dir,
                data,
                fin,
            });
        }
        let current = self.current.take()?;
        match current.end {
            Some(End::Fin) => Some(TransportEvent::Data {
                id: stream,
                dir,
                data: Default::default(),
                fin: true,
            }),
            Some(End::Reset(code)) => {
                if current.announce {
                    // The contract: a new stream shows first as Data.
                    self.push(TransportEvent::Reset {
                        id: stream,
                        code: self.from_wire(code),
                    });
                    let data = Default::default();
                    return Some(TransportEvent::Data {
                        id: stream,
                        dir,
                        data,
                        fin: false,
                    });
                }
                Some(TransportEvent::Reset {
                    id: stream,
                    code: self.from_wire(code),
                })
            }
            None if current.announce => Some(TransportEvent::Data {
                id: stream,
                dir,
                data: Default::default(),
                fin: false,
            }),
            None => None,
        }
    }

    fn on_quic(&mut self, event: Event) {
        match event {
            Event::HandshakeDataReady => {}
            Event::Connected => self.on_handshake_done(),
            Event::ConnectionLost { reason } => {
                let reason = self.explain_loss(&reason);
                self.fail(reason);
            }
            Event::DatagramReceived => {
                while let Some(datagram) = self.conn.datagrams().recv() {
                    let datagram = match &self.mapping {
                        Mapping::Raw => Some(datagram),
                        Mapping::WebTransport(session) => session.unwrap_datagram(datagram),
                    };
                    if let Some(datagram) = datagram {
                        self.push(TransportEvent::Datagram(datagram));
                    }
                }
            }
            // The link has its own, lower limit; see `after_transmit`.
            Event::DatagramsUnblocked => {}
            Event::Stream(event) => self.on_stream(event),
        }
    }

    fn on_stream(&mut self, event: StreamEvent) {
        if let Mapping::WebTransport(session) = &mut self.mapping {
            match &event {
                StreamEvent::Opened { dir } => {
                    while let Some(id) = self.conn.streams().accept(*dir) {
                        self.accepted[*dir as usize] += 1;
                        session.opened(id);
                        self.incomings.mark(id, false);
                    }
                }
                StreamEvent::Writable { id } => {
                    if !session.flush(&mut self.conn, *id) || session.is_internal(*id) {
                        return;
                    }
                }
                StreamEvent::Finished { id } | StreamEvent::Stopped { id, .. } => {
                    if session.is_internal(*id) {
                        return;
                    }
                    session.forget_sending(*id);
                }
                StreamEvent::Available { .. } => session.streams_available(&mut self.conn),
                StreamEvent::Readable { .. } => {}
            }
        }
        match event {
            StreamEvent::Opened { dir } => {
                while let Some(id) = self.conn.streams().accept(dir) {
                    self.accepted[dir as usize] += 1;
                    self.incomings.mark(id, true);
                }
            }
            StreamEvent::Readable { id } => self.incomings.mark(id, false),
            StreamEvent::Writable { id } => {
                self.push(TransportEvent::Writable {
                    id: StreamId(id.into()),
                });
            }
            StreamEvent::Finished { id } => {
                self.push(TransportEvent::Acked {
                    id: StreamId(id.into()),
                });
            }
            StreamEvent::Stopped { id, error_code } => {
                // RFC 9000 section 3.5: answer with a reset, so that the peer can forget it.
                let _ = self.conn.send_stream(id).reset(error_code);
                let code = self.from_wire(error_code.into());
                self.push(TransportEvent::Stopped {
                    id: StreamId(id.into()),
                    code,
                });
            }
            StreamEvent::Available { dir } => {
                let dir = dir_of(dir);
                if let Some(wants) = self.wants_streams.get_mut(dir_index(dir)) {
                    if std::mem::take(wants) {
                        self.push(TransportEvent::StreamsAvailable { dir });
                    }
                }
            }
        }
    }

    fn on_handshake_done(&mut self) {
        let data = self
            .conn
            .crypto_session()
            .handshake_data()
            .and_then(|data| data.downcast::<HandshakeData>().ok());
        let (protocol, server_name) = match data {
            Some(data) => (
                data.protocol.clone().unwrap_or_default(),
                data.server_name.clone().unwrap_or_default(),
            ),
            None => Default::default(),
        };
        if let (Origin::Incoming(config), ALPN_H3) = (&self.origin, protocol.as_slice()) {
            let role = Role::Server {
                protocols: config.protocols.clone(),
            };
            self.mapping = Mapping::WebTransport(Box::new(WebTransport::new(role)));
        }
        match &mut self.mapping {
            Mapping::Raw => {
                let info = ConnInfo {
                    kind: TransportKind::Quic,
                    protocol: String::from_utf8_lossy(&protocol).into_owned(),
                    path: match &self.origin {
                        Origin::Outgoing(outgoing) => outgoing.path.clone(),
                        Origin::Incoming(_) => String::new(),
                    },
                    authority: match &self.origin {
                        Origin::Outgoing(outgoing) => outgoing.authority.clone(),
                        Origin::Incoming(_) => server_name,
                    },
                    remote: Some(self.conn.remote_address()),
                    incoming: matches!(self.origin, Origin::Incoming(_)),
                };
                self.ready(info);
            }
            Mapping::WebTransport(session) => session.start(&mut self.conn),
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
            Mapping::WebTransport(session) => session.farewell.or(session.refused_until),
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
        if session.farewell.is_some_and(|at| at <= now) {
            session.farewell = None;
            self.conn.close(now, H3_NO_ERROR.into(), Bytes::new());
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

    fn explain_loss(&self, error: &ConnectionError) -> CloseReason {
        if self.state == State::Ready {
            if let (Mapping::WebTransport(_), ConnectionError::ApplicationClosed(close)) =
                (&self.mapping, error)
            {
                return closed_without_capsule(close);
            }
            return lost(error, None);
        }
        let remote = self.conn.remote_address();
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

    pub(super) fn from_wire(&self, code: u64) -> u64 {
        match self.mapping {
            Mapping::Raw => code,
            // Some peers send plain codes.
            Mapping::WebTransport(_) => error_from_http3(code).map_or(code, u64::from),
        }
    }

    pub(super) fn to_wire(&self, code: u64) -> quinn_proto::VarInt {
        let code = match self.mapping {
            Mapping::Raw => code,
            Mapping::WebTransport(_) => error_to_http3(u32::try_from(code).unwrap_or(u32::MAX)),
        };
        quinn_proto::VarInt::from_u64(code).unwrap_or(quinn_proto::VarInt::MAX)
    }
}
