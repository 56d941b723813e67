//! Events of connections to their handlers.

use super::{Conn, Core, Link};
use crate::border::Border;
use crate::handler::{ConnId, ConnInfo};
use crate::link::LinkEvent;
use moqt::transport::{CloseReason, TransportEvent};
use std::time::{Duration, Instant};

/// Events of one connection before the others get their turn.
const EVENTS_PER_CONN: usize = 128;
/// Time of one connection before the others get their turn: an event may cost much.
const TIME_PER_CONN: Duration = Duration::from_micros(500);
/// How often that is looked at, in events.
const EVENTS_PER_LOOK: usize = 8;
/// Events per round before packets are sent, so that a long batch does not hold them back.
const EVENTS_PER_ROUND: usize = 8_192;
/// Time of a round.
const TIME_PER_ROUND: Duration = Duration::from_millis(2);

impl Core {
    /// Delivers the events of all marked connections.
    pub(super) fn deliver(&mut self) {
        let begun = Instant::now();
        // As it was when it was looked at last; that happens every few events.
        let mut clock = begun;
        let mut events = 0;
        while let Some(id) = self.rx.pop_front() {
            let Some(conn) = self.conns.get_mut(id) else {
                continue;
            };
            conn.in_rx = false;
            if let Link::Quic(link) = &mut conn.link {
                link.follow_path();
            }
            let turn = clock;
            for left in (0..EVENTS_PER_CONN).rev() {
                let Some((handler, event)) = self.next_event(id) else {
                    if self.conns.get_mut(id).is_some_and(|c| c.drained) {
                        self.conns.remove(id);
                    }
                    break;
                };
                self.dispatch(id, handler, event);
                events += 1;
                if events % EVENTS_PER_LOOK == 0 {
                    clock = Instant::now();
                }
                if left == 0 || clock.duration_since(turn) >= TIME_PER_CONN {
                    self.mark_rx(id);
                    break;
                }
            }
            if events >= EVENTS_PER_ROUND || clock.duration_since(begun) >= TIME_PER_ROUND {
                return;
            }
        }
    }

    fn next_event(&mut self, id: u64) -> Option<(u64, LinkEvent)> {
        let now = self.now;
        let conn = self.conns.get_mut(id)?;
        let event = match &mut conn.link {
            Link::Pending => None,
            Link::Failed(reason) => Self::failed_event(reason).map(LinkEvent::Transport),
            Link::Quic(link) => {
                link.set_now(now);
                link.next_event()
            }
            Link::Memory(link) => {
                let event = link.next_event();
                let (handler, peer) = (conn.handler, link.peer);
                if event.is_some() {
                    // Reading makes room for the other end.
                    self.mark_rx(peer);
                }
                return event.map(|event| (handler, event));
            }
        };
        event.map(|event| (conn.handler, event))
    }

    fn dispatch(&mut self, id: u64, handler: u64, event: LinkEvent) {
        match event {
            LinkEvent::Connected(info) => self.connected(id, handler, info),
            LinkEvent::Transport(TransportEvent::Closed(reason)) => {
                self.closed(id, handler, reason);
            }
            LinkEvent::Transport(event) => {
                self.call(handler, Border::OnEvent, |h, cx| {
                    h.on_event(cx, ConnId(id), event);
                });
            }
        }
    }

    fn connected(&mut self, id: u64, handler: u64, info: ConnInfo) {
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        conn.deadline = None;
        conn.attempt = None;
        let accepted = conn.accepted;
        self.count_ready(accepted);
        log::debug!("connection {id:x}: ready, {info:?}");
        self.call(handler, Border::OnConnected, |h, cx| {
            h.on_connected(cx, ConnId(id), info);
        });
    }

    /// The last event. The entry stays until QUIC is done with it.
    fn closed(&mut self, id: u64, handler: u64, reason: CloseReason) {
        log::debug!("connection {id:x}: closed, {reason:?}");
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        // Still set: it never became ready.
        let ready = conn.deadline.take().is_none();
        conn.handler = 0;
        conn.attempt = None;
        let outgoing_or_ready = ready || conn.accepted.is_none();
        let accepted = conn.accepted.take();
        self.count_gone(accepted, ready);
        if !matches!(
            self.conns.get_mut(id),
            Some(Conn {
                link: Link::Quic(_),
                ..
            })
        ) {
            self.conns.remove(id);
        }
        if !outgoing_or_ready {
            // Counted; whoever floods handshakes must not flood the log too.
            log::debug!("an incoming connection failed before it was ready: {reason:?}");
        } else {
            self.call(handler, Border::OnEvent, |h, cx| {
                h.on_event(cx, ConnId(id), TransportEvent::Closed(reason));
            });
        }
    }

    pub fn on_conn_timer(&mut self, id: u64) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        let expired = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let quic = match &mut conn.link {
            Link::Quic(link) => link.next_timeout(),
            _ => None,
        };
        let attempt = conn.attempt.as_ref().and_then(|a| a.next_at);
        if ![quic, conn.deadline, attempt].into_iter().any(expired) {
            // The deadline moved after it was armed, as QUIC's do with every packet.
            self.arm(id);
            return;
        }
        if expired(conn.deadline) {
            let handler = conn.handler;
            match &mut conn.link {
                Link::Quic(link) => link.time_out(now),
                _ => self.closed(id, handler, CloseReason::TimedOut),
            }
        } else if conn.attempt.as_ref().is_some_and(|a| expired(a.next_at)) {
            self.try_next_address(id);
        }
        if let Some(Conn {
            link: Link::Quic(link),
            ..
        }) = self.conns.get_mut(id)
        {
            link.on_timeout(now);
        }
        self.mark(id);
    }
}
