//! One QUIC connection as a link: the QUIC state machine plus what the transport contract needs
//! beside it.

use super::close::{lost, Attempt};
use super::incoming::{End, Incoming, Incomings};
use super::{LinkEvent, Mapping};
use crate::config::LinkConfig;
use crate::handler::{ConnInfo, TransportKind};
use crate::verify::Refusal;
use moqt::transport::{CloseReason, Dir, StreamId, TransportEvent};
use quinn_proto::crypto::rustls::HandshakeData;
use quinn_proto::{Connection, ConnectionHandle, Event, StreamEvent};
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Instant;

/// Least send window in bytes, whatever the congestion window is.
const MIN_SEND_WINDOW: u64 = 64 << 10;

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

pub(crate) struct QuicLink {
    pub(crate) conn: Connection,
    /// The UDP endpoint and the connection's place in it.
    pub(crate) endpoint: usize,
    pub(crate) handle: ConnectionHandle,
    pub(super) now: Instant,
    pub(super) state: State,
    pub(super) mapping: Mapping,
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
    outgoing: Option<Outgoing>,
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
        outgoing: Option<Outgoing>,
    ) -> Self {
        QuicLink {
            conn,
            endpoint,
            handle,
            now,
            state: State::Handshaking,
            mapping,
            incomings: Incomings::default(),
            current: None,
            events: VecDeque::new(),
            wants_streams: [false; 2],
            datagrams_blocked: false,
            datagram_send_buffer: config.datagram_send_buffer,
            datagram_limit: None,
            max_send_window: config.max_send_window,
            send_window: 0,
            outgoing,
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
        self.datagram_limit = self.conn.datagrams().max_size();
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
                // The QUIC machine still runs to its end; nobody wants its events.
                while self.conn.poll().is_some() {}
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
        match &mut self.mapping {
            Mapping::Raw => self.current = Some(incoming),
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
                    match &mut self.mapping {
                        Mapping::Raw => self.push(TransportEvent::Datagram(datagram)),
                    }
                }
            }
            // The link has its own, lower limit; see `after_transmit`.
            Event::DatagramsUnblocked => {}
            Event::Stream(event) => self.on_stream(event),
        }
    }

    fn on_stream(&mut self, event: StreamEvent) {
        match event {
            StreamEvent::Opened { dir } => {
                while let Some(id) = self.conn.streams().accept(dir) {
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
        match &mut self.mapping {
            Mapping::Raw => {
                let info = ConnInfo {
                    kind: TransportKind::Quic,
                    protocol: String::from_utf8_lossy(&protocol).into_owned(),
                    path: self
                        .outgoing
                        .as_ref()
                        .map(|o| o.path.clone())
                        .unwrap_or_default(),
                    authority: match &self.outgoing {
                        Some(outgoing) => outgoing.authority.clone(),
                        None => server_name,
                    },
                    remote: Some(self.conn.remote_address()),
                    incoming: self.outgoing.is_none(),
                };
                self.ready(info);
            }
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
        self.conn.poll_timeout()
    }

    pub fn on_timeout(&mut self, now: Instant) {
        self.now = now;
        self.conn.handle_timeout(now);
    }

    /// Whether the link, closed for the handler, still waits to have told the peer.
    pub fn is_saying_goodbye(&self) -> bool {
        false
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

    fn explain_loss(&self, error: &quinn_proto::ConnectionError) -> CloseReason {
        if self.state == State::Ready {
            return lost(error, None);
        }
        let remote = self.conn.remote_address();
        let (peer, offered, certificate) = match &self.outgoing {
            Some(out) => (
                format!("{} ({remote})", out.authority),
                out.offered.as_str(),
                out.refusal
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone(),
            ),
            None => (remote.to_string(), "", None),
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
        }
    }

    pub(super) fn to_wire(&self, code: u64) -> quinn_proto::VarInt {
        let code = match self.mapping {
            Mapping::Raw => code,
        };
        quinn_proto::VarInt::from_u64(code).unwrap_or(quinn_proto::VarInt::MAX)
    }
}
