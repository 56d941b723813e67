//! The transport contract over a QUIC link.

use super::h3::H3_REQUEST_CANCELLED;
use super::quic::{dir_index, QuicLink, State};
use super::Mapping;
use bytes::Bytes;
use moqt::transport::{
    CloseReason, DatagramError, Dir, StreamClosed, StreamId, Transport, TransportStats,
};
use quinn_proto::{SendDatagramError, VarInt, WriteError};

impl QuicLink {
    /// The QUIC stream, when this side may send on it.
    fn sending(&self, id: StreamId) -> Option<quinn_proto::StreamId> {
        let id = self.known(id)?;
        let ours = id.initiator() == self.conn.side();
        (ours || id.dir() == quinn_proto::Dir::Bi).then_some(id)
    }

    /// The QUIC stream, when this side may receive on it.
    fn receiving(&self, id: StreamId) -> Option<quinn_proto::StreamId> {
        let id = self.known(id)?;
        let ours = id.initiator() == self.conn.side();
        (!ours || id.dir() == quinn_proto::Dir::Bi).then_some(id)
    }

    /// The QUIC stream, unless the peer has not opened it yet: QUIC would take what is written to
    /// it, and the peer would close the connection.
    fn known(&self, id: StreamId) -> Option<quinn_proto::StreamId> {
        let id = quinn_proto::StreamId::from(VarInt::from_u64(id.0).ok()?);
        let ours = id.initiator() == self.conn.side();
        let accepted = self
            .accepted
            .get(id.dir() as usize)
            .copied()
            .unwrap_or_default();
        (ours || id.index() < accepted).then_some(id)
    }
}

impl Transport for QuicLink {
    fn open(&mut self, dir: Dir) -> Option<StreamId> {
        if self.state != State::Ready {
            return None;
        }
        let quic_dir = match dir {
            Dir::Bi => quinn_proto::Dir::Bi,
            Dir::Uni => quinn_proto::Dir::Uni,
        };
        let Some(id) = self.conn.streams().open(quic_dir) else {
            if let Some(wants) = self.wants_streams.get_mut(dir_index(dir)) {
                *wants = true;
            }
            return None;
        };
        if let Mapping::WebTransport(session) = &mut self.mapping {
            session.open(&mut self.conn, id, dir);
        }
        Some(StreamId(id.into()))
    }

    fn write(&mut self, id: StreamId, data: &mut Bytes) -> Result<(), StreamClosed> {
        if self.state != State::Ready {
            return Err(StreamClosed);
        }
        let id = self.sending(id).ok_or(StreamClosed)?;
        if let Mapping::WebTransport(session) = &mut self.mapping {
            if !session.flush(&mut self.conn, id) {
                return Ok(());
            }
        }
        let mut stream = self.conn.send_stream(id);
        // Only a write that takes nothing makes QUIC report when the stream is writable again,
        // hence the loop until all or nothing.
        while !data.is_empty() {
            match stream.write_chunks(std::slice::from_mut(data)) {
                Ok(_) => {}
                Err(WriteError::Blocked) => break,
                Err(WriteError::Stopped(_) | WriteError::ClosedStream) => return Err(StreamClosed),
            }
        }
        Ok(())
    }

    fn finish(&mut self, id: StreamId) {
        if let (State::Ready, Some(id)) = (self.state, self.sending(id)) {
            match &mut self.mapping {
                // Fails only when the stream has ended already.
                Mapping::Raw => drop(self.conn.send_stream(id).finish()),
                Mapping::WebTransport(session) => session.finish(&mut self.conn, id),
            }
        }
    }

    fn reset(&mut self, id: StreamId, code: u64) {
        if let (State::Ready, Some(id)) = (self.state, self.sending(id)) {
            let code = self.code_to_wire(code);
            let _ = self.conn.send_stream(id).reset(code);
            if let Mapping::WebTransport(session) = &mut self.mapping {
                session.forget_sending(id);
            }
        }
    }

    fn stop(&mut self, id: StreamId, code: u64) {
        if let (State::Ready, Some(id)) = (self.state, self.receiving(id)) {
            let code = self.code_to_wire(code);
            let _ = self.conn.recv_stream(id).stop(code);
            self.incomings.forget(id);
            if self.current.as_ref().is_some_and(|c| c.id == id) {
                self.current = None;
            }
        }
    }

    fn set_priority(&mut self, id: StreamId, priority: i32) {
        if let (State::Ready, Some(id)) = (self.state, self.sending(id)) {
            let _ = self.conn.send_stream(id).set_priority(priority);
        }
    }

    fn pause(&mut self, id: StreamId, paused: bool) {
        let (State::Ready, Some(id)) = (self.state, self.receiving(id)) else {
            return;
        };
        if paused {
            self.incomings.pause(id);
        } else {
            self.incomings.resume(id);
        }
    }

    fn send_datagram(&mut self, data: Bytes) -> Result<(), DatagramError> {
        if self.state != State::Ready {
            return Err(DatagramError::Unsupported);
        }
        let limit = self.max_datagram_size().ok_or(DatagramError::Unsupported)?;
        if data.len() > limit {
            return Err(DatagramError::TooLarge { limit });
        }
        if self.queued_datagram_bytes() >= self.datagram_queue_limit() {
            self.datagrams_blocked = true;
            return Err(DatagramError::Blocked);
        }
        let data = match &self.mapping {
            Mapping::Raw => data,
            Mapping::WebTransport(session) => session.wrap_datagram(&data),
        };
        match self.conn.datagrams().send(data, false) {
            Ok(()) => Ok(()),
            Err(SendDatagramError::Blocked(_)) => {
                self.datagrams_blocked = true;
                Err(DatagramError::Blocked)
            }
            Err(SendDatagramError::TooLarge) => Err(DatagramError::TooLarge { limit }),
            Err(SendDatagramError::Disabled | SendDatagramError::UnsupportedByPeer) => {
                Err(DatagramError::Unsupported)
            }
        }
    }

    fn max_datagram_size(&self) -> Option<usize> {
        self.datagram_limit
    }

    fn close(&mut self, code: u64, reason: &str) {
        if self.state == State::Closed {
            return;
        }
        // What was received and not delivered yet is of no use to who closes.
        self.events.clear();
        let quietly = match &self.mapping {
            Mapping::Raw => false,
            Mapping::WebTransport(session) => session.ends_with_connection(code),
        };
        let told = match &mut self.mapping {
            Mapping::WebTransport(session) if !quietly => {
                session.close(&mut self.conn, code, reason)
            }
            _ => false,
        };
        if quietly {
            self.leave_quietly(code, reason);
        } else if told {
            self.say_goodbye();
        } else {
            let code = match &self.mapping {
                Mapping::Raw => VarInt::from_u64(code).unwrap_or(VarInt::MAX),
                Mapping::WebTransport(_) => H3_REQUEST_CANCELLED.into(),
            };
            self.closing = Some((code, Bytes::copy_from_slice(reason.as_bytes())));
        }
        self.fail(CloseReason::Local);
    }

    fn stats(&self) -> TransportStats {
        let stats = self.conn.stats();
        TransportStats {
            rtt: stats.path.rtt,
            congestion_window: stats.path.cwnd,
            bytes_sent: stats.udp_tx.bytes,
            bytes_received: stats.udp_rx.bytes,
            packets_sent: stats.path.sent_packets,
            packets_received: stats.udp_rx.datagrams,
            packets_lost: stats.path.lost_packets,
        }
    }
}
