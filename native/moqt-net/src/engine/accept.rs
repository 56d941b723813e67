//! Packets in, and new connections from peers.

use super::{Accepted, Conn, Core, Link};
use crate::config::ListenConfig;
use crate::endpoint::{Admission, Endpoint, Excess};
use crate::udp::ReceiveBuffers;
use bytes::BytesMut;
use mio::{Interest, Token};
use quinn_proto::{DatagramEvent, Incoming};
use std::io;
use std::net::SocketAddr;

impl Core {
    pub fn listen(&mut self, config: ListenConfig, handler: u64) -> io::Result<SocketAddr> {
        let endpoint = Endpoint::server(config, handler)?;
        let local = endpoint.local;
        self.add_endpoint(endpoint)?;
        Ok(local)
    }

    pub fn stop_accepting(&mut self, address: SocketAddr, handler: u64) {
        for index in 0..self.endpoints.len() {
            let Some(Some(endpoint)) = self.endpoints.get_mut(index) else {
                continue;
            };
            if endpoint.local == address {
                if let Some(listener) = endpoint.listener.as_mut().filter(|l| l.handler == handler)
                {
                    listener.accepting = false;
                    self.refuse_arrivals(index);
                }
            }
        }
    }

    pub(super) fn add_endpoint(&mut self, mut endpoint: Endpoint) -> io::Result<usize> {
        let index = self
            .endpoints
            .iter()
            .position(Option::is_none)
            .unwrap_or_else(|| {
                self.endpoints.push(None);
                self.endpoints.len() - 1
            });
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry
            .register(&mut endpoint.socket.io, Token(index), both)?;
        if let Some(slot) = self.endpoints.get_mut(index) {
            *slot = Some(endpoint);
        }
        Ok(index)
    }

    /// Frees the port of a listener that is gone once its last connection has ended.
    pub(super) fn drop_unused_endpoint(&mut self, index: usize) {
        if self.client_endpoints.contains(&Some(index)) {
            return;
        }
        if let Some(slot) = self.endpoints.get_mut(index) {
            if slot
                .as_ref()
                .is_some_and(|e| e.listener.is_none() && e.is_unused())
            {
                if let Some(mut endpoint) = slot.take() {
                    let _ = self.registry.deregister(&mut endpoint.socket.io);
                }
            }
        }
    }

    // Readiness.

    pub fn set_readable(&mut self, index: usize) {
        if !self.readable.contains(&index) {
            self.readable.push_back(index);
        }
    }

    pub fn next_readable(&mut self) -> Option<usize> {
        self.readable.pop_front()
    }

    /// Reading stopped at its budget: go on in the next turn without a new event.
    pub fn keep_readable(&mut self, index: usize) {
        self.readable_next.push(index);
    }

    pub fn requeue_readable(&mut self) {
        self.readable.extend(self.readable_next.drain(..));
    }

    pub fn receive(&mut self, index: usize, buffers: &mut ReceiveBuffers) -> usize {
        match self.endpoints.get_mut(index) {
            Some(Some(endpoint)) => endpoint.socket.receive(buffers),
            _ => 0,
        }
    }

    /// One filled buffer: one datagram, or several of equal size from the same peer.
    pub fn on_packets(&mut self, index: usize, meta: &quinn_udp::RecvMeta, bytes: &[u8]) {
        let ecn = meta
            .ecn
            .and_then(|e| quinn_proto::EcnCodepoint::from_bits(e as u8));
        let mut data = BytesMut::from(bytes);
        let stride = meta.stride.max(1);
        while !data.is_empty() {
            let packet = match data.len() <= stride {
                true => std::mem::take(&mut data),
                false => data.split_to(stride),
            };
            let Some(Some(endpoint)) = self.endpoints.get_mut(index) else {
                return;
            };
            self.packet.clear();
            let (now, buffer) = (self.now, &mut self.packet);
            match endpoint
                .quic
                .handle(now, meta.addr, meta.dst_ip, ecn, packet, buffer)
            {
                None => {}
                Some(DatagramEvent::Response(transmit)) => {
                    endpoint.socket.send(transmit, &self.packet);
                }
                Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                    let Some(id) = endpoint.conn(handle) else {
                        continue;
                    };
                    if let Some(Conn {
                        link: Link::Quic(link),
                        ..
                    }) = self.conns.get_mut(id)
                    {
                        link.conn.handle_event(event);
                        self.mark(id);
                    }
                }
                Some(DatagramEvent::NewConnection(incoming)) => self.on_incoming(index, incoming),
            }
        }
    }

    fn on_incoming(&mut self, index: usize, incoming: Incoming) {
        let Some(Some(endpoint)) = self.endpoints.get_mut(index) else {
            return;
        };
        self.packet.clear();
        let listener = match (endpoint.admit(self.now, &incoming), &mut endpoint.listener) {
            (Admission::Accept, Some(listener)) => listener,
            (Admission::Retry, _) => {
                self.stats.retried += 1;
                match endpoint.quic.retry(incoming, &mut self.packet) {
                    Ok(transmit) => endpoint.socket.send(transmit, &self.packet),
                    Err(e) => endpoint.quic.ignore(e.into_incoming()),
                }
                return;
            }
            (refusal, _) => {
                self.stats.refused += 1;
                match refusal {
                    Admission::Refuse(Excess::Connections) => self.stats.refused_connections += 1,
                    Admission::Refuse(Excess::Handshakes) => self.stats.refused_handshakes += 1,
                    Admission::Refuse(Excess::PerAddress) => self.stats.refused_per_address += 1,
                    Admission::Refuse(Excess::Rate) => self.stats.refused_rate += 1,
                    Admission::Refuse(Excess::RatePerAddress) => {
                        self.stats.refused_rate_per_address += 1;
                    }
                    _ => {}
                }
                let transmit = endpoint.quic.refuse(incoming, &mut self.packet);
                endpoint.socket.send(transmit, &self.packet);
                return;
            }
        };
        let source = listener.source(&incoming);
        listener.begin(source);
        self.arrived(index, incoming, source);
    }

    /// An accepted connection became ready.
    pub(super) fn count_ready(&mut self, accepted: Option<Accepted>) {
        let Some(Accepted { endpoint, source }) = accepted else {
            return;
        };
        if let Some(Some(endpoint)) = self.endpoints.get_mut(endpoint) {
            self.stats.accepted += 1;
            if let Some(listener) = &mut endpoint.listener {
                listener.ready(source);
            }
        }
    }

    /// An accepted connection ended; `ready` if it had been.
    pub(super) fn count_gone(&mut self, accepted: Option<Accepted>, ready: bool) {
        let Some(Accepted { endpoint, source }) = accepted else {
            return;
        };
        if let Some(Some(endpoint)) = self.endpoints.get_mut(endpoint) {
            if !ready {
                self.stats.handshake_failures += 1;
            }
            if let Some(listener) = &mut endpoint.listener {
                listener.end(source, ready);
            }
        }
    }
}
