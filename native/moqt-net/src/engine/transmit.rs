//! Packets out, new deadlines, and the end of connections.

use super::{Conn, Core, Link, Owner};
use quinn_proto::{ConnectionHandle, EndpointEvent};

/// Packet trains of one connection before the others get their turn.
const TRAINS_PER_TURN: usize = 8;

/// A packet up to this size has taken all that a handler wrote: there was room for any frame but a
/// datagram, and those are counted. QUIC need not be asked in vain for another one.
const LAST_PACKET: usize = 1_000;

impl Core {
    /// Sends what the marked connections have.
    pub(super) fn transmit(&mut self) {
        let mut marked = std::mem::replace(&mut self.tx, std::mem::take(&mut self.tx_before));
        for id in marked.drain(..) {
            let Some(conn) = self.conns.get_mut(id) else {
                continue;
            };
            conn.in_tx = false;
            if matches!(conn.link, Link::Quic(_)) {
                self.drive(id);
            }
            self.arm(id);
        }
        self.tx_before = marked;
        for endpoint in self.endpoints.iter_mut().flatten() {
            endpoint.socket.send_batch();
        }
    }

    fn drive(&mut self, id: u64) {
        let now = self.now;
        let Some(Conn {
            link: Link::Quic(link),
            came,
            stalled,
            ..
        }) = self.conns.get_mut(id)
        else {
            return;
        };
        let Some(Some(endpoint)) = self.endpoints.get_mut(link.endpoint) else {
            return;
        };
        let (mut drained, mut again) = (false, false);
        while let Some(event) = link.conn.poll_endpoint_events() {
            drained |= event.is_drained();
            if let Some(event) = endpoint.quic.handle_event(link.handle, event) {
                link.conn.handle_event(event);
            }
        }
        if !drained {
            let segments = endpoint.socket.max_segments();
            let mut trains = 0;
            loop {
                if endpoint.socket.is_full() {
                    if !std::mem::replace(stalled, true) {
                        endpoint.stalled.push(id);
                    }
                    break;
                }
                if trains == TRAINS_PER_TURN {
                    again = true;
                    break;
                }
                self.packet.clear();
                match link.conn.poll_transmit(now, segments, &mut self.packet) {
                    Some(transmit) => {
                        let last = !*came && transmit.size <= LAST_PACKET && link.has_sent_all();
                        endpoint.socket.send(transmit, &self.packet);
                        if last {
                            break;
                        }
                    }
                    None if link.close_after_sending() => {}
                    None => {
                        *came = false;
                        break;
                    }
                }
                trains += 1;
            }
        }
        link.after_transmit();
        let index = link.endpoint;
        let has_events = link.has_local_events();
        if drained {
            endpoint.set_conn(link.handle, None);
            if let Some(conn) = self.conns.get_mut(id) {
                conn.drained = true;
            }
            self.drop_unused_endpoint(index);
        }
        if has_events || drained {
            self.mark_rx(id);
        }
        if again {
            self.mark_tx(id);
        }
    }

    /// Forgets a connection on the wire that nobody needs any more.
    pub(super) fn discard(&mut self, endpoint: usize, handle: ConnectionHandle) {
        if let Some(Some(endpoint)) = self.endpoints.get_mut(endpoint) {
            let _ = endpoint.quic.handle_event(handle, EndpointEvent::drained());
            endpoint.set_conn(handle, None);
        }
    }

    pub(super) fn arm(&mut self, id: u64) {
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        let quic = match &mut conn.link {
            Link::Quic(link) => link.next_timeout(),
            _ => None,
        };
        let attempt = conn.attempt.as_ref().and_then(|a| a.next_at);
        let next = [quic, conn.deadline, attempt].into_iter().flatten().min();
        self.timers.arm(Owner::Conn(id), &mut conn.armed, next);
    }

    /// A socket takes packets again.
    pub fn on_writable(&mut self, index: usize) {
        let Some(Some(endpoint)) = self.endpoints.get_mut(index) else {
            return;
        };
        endpoint.socket.flush();
        if !endpoint.socket.is_full() {
            for id in std::mem::take(&mut endpoint.stalled) {
                if let Some(conn) = self.conns.get_mut(id) {
                    conn.stalled = false;
                }
                self.mark_tx(id);
            }
        }
    }
}
