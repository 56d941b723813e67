//! What QUIC reports, turned into the events of the transport contract.

use super::incoming::{End, Incoming};
use super::quic::{dir_index, dir_of, Origin, QuicLink, State};
use super::webtransport::{Outcome, Role, WebTransport};
use super::{LinkEvent, Mapping};
use crate::endpoint::ALPN_H3;
use crate::handler::{ConnInfo, TransportKind};
use bytes::Bytes;
use moqt::transport::{StreamId, TransportEvent};
use quinn_proto::crypto::rustls::HandshakeData;
use quinn_proto::{Event, StreamEvent};
use std::time::Duration;

/// How long the text of a refused CONNECT is waited for.
const REFUSAL_TEXT_TIME: Duration = Duration::from_millis(300);
/// How long a connection stays after the peer has acknowledged the close of its WebTransport
/// session. The peer may close it earlier.
const LAST_WORD: Duration = Duration::from_millis(100);

impl QuicLink {
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
            if let Some(event) = self.conn.poll() {
                self.on_quic(event);
                continue;
            }
            let (reason, code) = self.ending.take()?;
            self.conn.close(self.now, code.into(), Bytes::new());
            self.fail(reason);
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
            Outcome::Ended(reason, Some(code)) => self.ending = Some((reason, code)),
            Outcome::Ended(reason, None) => {
                self.say_goodbye();
                self.fail(reason);
            }
            Outcome::Ready(ready) => {
                let info = ConnInfo {
                    kind: TransportKind::WebTransport,
                    protocol: ready.protocol,
                    path: ready.path,
                    authority: ready.authority,
                    remote: Some(self.remote()),
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
                // The peer has our last word. A connection closed in the same moment would hide it
                // from pages in Chromium, which hands it on a little later.
                let soon = self.now + LAST_WORD;
                if let Some(farewell) = &mut session.farewell {
                    farewell.until = farewell.until.min(soon);
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
                        code: self.code_from_wire(code),
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
                    code: self.code_from_wire(code),
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
                    self.grow_streams(*dir);
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
                self.grow_streams(dir);
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
                let code = self.code_from_wire(error_code.into());
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
                    remote: Some(self.remote()),
                    incoming: matches!(self.origin, Origin::Incoming(_)),
                };
                self.ready(info);
            }
            Mapping::WebTransport(session) => session.start(&mut self.conn),
        }
    }
}
