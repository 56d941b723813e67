//! The state of an I/O thread: endpoints, connections, handlers, timers, and what is due.

mod accept;
mod arrivals;
mod connect;
mod deliver;
mod memory;
mod transmit;

use crate::border::{self, Border};
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::handler::{Handler, HandlerId};
use crate::inbox::{Bell, Inbox};
use crate::link::quic::QuicLink;
use crate::slots::Slots;
use crate::sources::Source;
use crate::timers::{Armed, Timers};
use crate::EndpointStats;
use arrivals::Arrival;
use connect::Attempt;
use mio::Registry;
use moqt::hash::IntMap;
use moqt::transport::{CloseReason, Transport};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who set a timer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Owner {
    Conn(u64),
    Handler(u64),
}

/// A connection of any kind.
pub(crate) enum Link {
    /// An outgoing connection whose address is not known yet.
    Pending,
    /// An outgoing connection that failed before it had one; the reason until it is told.
    Failed(Option<CloseReason>),
    Quic(Box<QuicLink>),
    Memory(memory::MemoryLink),
}

pub(crate) struct Conn {
    /// The owner; 0 for an abandoned attempt that only has to end on the wire.
    handler: u64,
    link: Link,
    armed: Armed,
    /// When the handshake must be done.
    deadline: Option<Instant>,
    /// Accepted, and where that is counted.
    accepted: Option<Accepted>,
    /// What an outgoing connection still needs while it is not ready.
    attempt: Option<Box<Attempt>>,
    /// QUIC is done with it; the entry goes when its last event is delivered.
    drained: bool,
    in_rx: bool,
    in_tx: bool,
    /// Packets or timers came: QUIC may have more to send than what the handler wrote.
    came: bool,
    /// Waits for its socket to take packets again.
    stalled: bool,
}

/// An accepted connection as its endpoint counts it.
#[derive(Clone, Copy)]
struct Accepted {
    endpoint: usize,
    source: Option<Source>,
}

struct HandlerSlot {
    /// Taken out while it is called.
    handler: Option<Box<dyn Handler>>,
    bell: Arc<Bell>,
    armed: Armed,
    in_touched: bool,
    /// Asked to go; done when no callback of it is running.
    leaving: bool,
}

pub(crate) struct Core {
    pub now: Instant,
    pub inbox: Arc<Inbox>,
    registry: Registry,
    endpoints: Vec<Option<Endpoint>>,
    /// Endpoints with something to read now, and those kept for the next turn.
    readable: VecDeque<usize>,
    readable_next: Vec<usize>,
    /// Client endpoints for IPv4 and IPv6.
    client_endpoints: [Option<usize>; 2],
    conns: Slots<Conn>,
    /// First packets of new connections that wait for an answer, oldest first.
    arrivals: VecDeque<Arrival>,
    handlers: IntMap<u64, HandlerSlot>,
    timers: Timers<Owner>,
    /// Connections that may have events.
    rx: VecDeque<u64>,
    /// Connections that may have packets to send or a new deadline.
    tx: Vec<u64>,
    /// The memory of the list before, for the next.
    tx_before: Vec<u64>,
    /// Handlers called since their next timeout was asked.
    touched: Vec<u64>,
    /// Handlers to be removed when no callback runs.
    leaving: Vec<u64>,
    packet: Vec<u8>,
    stats: EndpointStats,
}

impl Core {
    pub fn new(registry: Registry, inbox: Arc<Inbox>) -> Self {
        Core {
            now: Instant::now(),
            inbox,
            registry,
            endpoints: Vec::new(),
            readable: VecDeque::new(),
            readable_next: Vec::new(),
            client_endpoints: [None; 2],
            conns: Slots::default(),
            arrivals: VecDeque::new(),
            handlers: IntMap::default(),
            timers: Timers::new(),
            rx: VecDeque::new(),
            tx: Vec::new(),
            tx_before: Vec::new(),
            touched: Vec::new(),
            leaving: Vec::new(),
            packet: Vec::new(),
            stats: EndpointStats::default(),
        }
    }

    pub fn stats(&self) -> EndpointStats {
        let mut stats = self.stats;
        stats.connections = self.conns.len() as u64;
        stats.waiting = self.arrivals.len() as u64;
        for endpoint in self.endpoints.iter().flatten() {
            stats.socket_errors += endpoint.socket.errors;
        }
        stats
    }

    fn new_conn(&mut self, handler: u64, link: Link) -> u64 {
        let id = self.conns.insert(Conn {
            handler,
            link,
            armed: Armed::default(),
            deadline: None,
            accepted: None,
            attempt: None,
            drained: false,
            in_rx: false,
            in_tx: false,
            came: false,
            stalled: false,
        });
        self.mark(id);
        id
    }

    /// Something came for the connection: it may have events and packets.
    fn mark(&mut self, id: u64) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.came = true;
        }
        self.mark_rx(id);
        self.mark_tx(id);
    }

    fn mark_rx(&mut self, id: u64) {
        if let Some(conn) = self.conns.get_mut(id) {
            if !std::mem::replace(&mut conn.in_rx, true) {
                self.rx.push_back(id);
            }
        }
    }

    pub fn mark_tx(&mut self, id: u64) {
        if let Some(conn) = self.conns.get_mut(id) {
            if !std::mem::replace(&mut conn.in_tx, true) {
                self.tx.push(id);
            }
        }
    }

    pub fn has_work(&self) -> bool {
        !self.rx.is_empty()
            || !self.tx.is_empty()
            || !self.readable.is_empty()
            || !self.arrivals.is_empty()
    }

    /// Delivers and sends until nothing is left or the rounds are used up.
    pub fn work(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.deliver();
            self.settle();
            self.transmit();
            self.remove_leaving();
            if self.rx.is_empty() && self.tx.is_empty() {
                break;
            }
        }
    }

    // Timers.

    pub fn until_next_timer(&self, now: Instant) -> Option<Duration> {
        self.timers
            .next()
            .map(|at| at.saturating_duration_since(now))
    }

    /// The next owner whose time has come.
    pub fn next_timer(&mut self) -> Option<Owner> {
        while let Some((at, owner)) = self.timers.pop(self.now) {
            let armed = match owner {
                Owner::Conn(id) => self.conns.get_mut(id).map(|c| &mut c.armed),
                Owner::Handler(id) => self.handlers.get_mut(&id).map(|h| &mut h.armed),
            };
            if armed.is_some_and(|armed| armed.fired(at)) {
                return Some(owner);
            }
        }
        None
    }

    // Handlers.

    pub fn spawn(&mut self, bell: Arc<Bell>, handler: Box<dyn Handler>) {
        let id = bell.id.0;
        let slot = HandlerSlot {
            handler: Some(handler),
            bell,
            armed: Armed::default(),
            in_touched: false,
            leaving: false,
        };
        self.handlers.insert(id, slot);
        self.call(id, Border::OnStart, |handler, cx| handler.on_start(cx));
    }

    pub fn on_wake(&mut self, bell: &Bell) {
        bell.answer();
        self.call(bell.id.0, Border::OnWake, |handler, cx| handler.on_wake(cx));
    }

    pub fn on_handler_timer(&mut self, id: u64) {
        let now = self.now;
        // The deadline may have moved since it was armed.
        if self.deadline(id).is_some_and(|at| at <= now) {
            self.call(id, Border::OnTimeout, |handler, cx| handler.on_timeout(cx));
        } else {
            self.touch(id);
        }
    }

    /// When a handler wants to be called next. A panic removes it.
    fn deadline(&mut self, id: u64) -> Option<Instant> {
        let handler = self.handlers.get(&id)?.handler.as_ref()?;
        match border::catch(Border::NextTimeout, || handler.next_timeout()) {
            Ok(at) => at,
            Err(_) => {
                let wreck = self.handlers.get_mut(&id).and_then(|h| h.handler.take());
                self.bury(id, wreck);
                None
            }
        }
    }

    /// Calls a handler. A panic removes it and leaves the thread running.
    fn call(
        &mut self,
        id: u64,
        border: Border,
        f: impl FnOnce(&mut dyn Handler, &mut Context<'_>),
    ) {
        let Some(slot) = self.handlers.get_mut(&id) else {
            return;
        };
        let Some(mut handler) = slot.handler.take() else {
            return;
        };
        let mut context = Context {
            core: self,
            handler: HandlerId(id),
        };
        if border::catch(border, || f(handler.as_mut(), &mut context)).is_err() {
            return self.bury(id, Some(handler));
        }
        if let Some(slot) = self.handlers.get_mut(&id) {
            slot.handler = Some(handler);
        }
        self.touch(id);
    }

    /// A handler has panicked.
    fn bury(&mut self, id: u64, handler: Option<Box<dyn Handler>>) {
        self.forget_handler(id, 1, "internal error");
        border::discard(handler);
        log::error!("handler {id} panicked; it is removed and its connections are closed");
    }

    fn touch(&mut self, id: u64) {
        if let Some(slot) = self.handlers.get_mut(&id) {
            if !std::mem::replace(&mut slot.in_touched, true) {
                self.touched.push(id);
            }
        }
    }

    /// Once per round, for the handlers that were called in it: its end, and their new deadlines.
    fn settle(&mut self) {
        let mut at = 0;
        while let Some(&id) = self.touched.get(at) {
            at += 1;
            // It is touched already, so that this call does not put it on the list again.
            self.call(id, Border::OnSettled, |handler, cx| handler.on_settled(cx));
            let next = self.deadline(id);
            if let Some(slot) = self.handlers.get_mut(&id) {
                slot.in_touched = false;
                self.timers.arm(Owner::Handler(id), &mut slot.armed, next);
            }
        }
        self.touched.clear();
    }

    /// Once per round: the handlers that asked to go.
    fn remove_leaving(&mut self) {
        for id in std::mem::take(&mut self.leaving) {
            self.remove_handler(id);
        }
    }

    /// Removes a handler after the running callback.
    pub fn leave(&mut self, id: u64) {
        if let Some(slot) = self.handlers.get_mut(&id) {
            if !std::mem::replace(&mut slot.leaving, true) {
                self.leaving.push(id);
            }
        }
    }

    pub fn remove_handler(&mut self, id: u64) {
        self.call(id, Border::OnStop, |handler, cx| handler.on_stop(cx));
        self.forget_handler(id, 0, "");
    }

    fn forget_handler(&mut self, id: u64, code: u64, reason: &str) {
        let Some(slot) = self.handlers.remove(&id) else {
            return;
        };
        slot.bell.silence();
        for conn in self.conns.keys() {
            if self.conns.get_mut(conn).is_some_and(|c| c.handler == id) {
                self.abandon(conn, code, reason);
            }
        }
        for index in 0..self.endpoints.len() {
            let Some(Some(endpoint)) = self.endpoints.get_mut(index) else {
                continue;
            };
            if endpoint.listener.take_if(|l| l.handler == id).is_some() {
                endpoint.quic.set_server_config(None);
                self.refuse_arrivals(index);
                self.drop_unused_endpoint(index);
            }
        }
        drop(slot);
    }

    /// Closes a connection whose handler no longer listens.
    fn abandon(&mut self, id: u64, code: u64, reason: &str) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id) else {
            return;
        };
        conn.handler = 0;
        conn.attempt = None;
        match &mut conn.link {
            Link::Pending | Link::Failed(_) => {
                self.conns.remove(id);
            }
            Link::Quic(link) => {
                link.set_now(now);
                link.close(code, reason);
                self.mark(id);
            }
            Link::Memory(_) => {
                self.close_memory(id, code, reason);
            }
        }
    }

    /// A ready connection of the handler. It counts as touched.
    pub fn transport(&mut self, id: u64, handler: u64) -> Option<&mut dyn Transport> {
        let now = self.now;
        // What is written to a memory link is an event of its other end.
        let peer = match self.conns.get_mut(id).map(|c| &c.link) {
            Some(Link::Memory(link)) => Some(link.peer),
            _ => None,
        };
        if let Some(peer) = peer {
            self.mark_rx(peer);
            self.mark_rx(id);
        }
        let conn = self.conns.get_mut(id).filter(|c| c.handler == handler)?;
        match &mut conn.link {
            Link::Memory(link) if link.is_ready() => Some(&mut link.transport),
            Link::Quic(link) if link.is_ready() => {
                if !std::mem::replace(&mut conn.in_tx, true) {
                    self.tx.push(id);
                }
                link.set_now(now);
                Some(link.as_mut())
            }
            _ => None,
        }
    }

    // Shutdown.

    pub fn begin_shutdown(&mut self) {
        self.now = Instant::now();
        let mut ids: Vec<u64> = self.handlers.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.remove_handler(id);
        }
    }

    /// Whether a closed connection still waits for the peer to take its last word.
    pub fn is_saying_goodbye(&mut self) -> bool {
        self.conns
            .keys()
            .into_iter()
            .any(|id| match self.conns.get_mut(id).map(|c| &c.link) {
                Some(Link::Quic(link)) => link.is_saying_goodbye(),
                _ => false,
            })
    }
}
