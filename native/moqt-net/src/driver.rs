//! The poll loop of an I/O thread.
//!
//! One turn: wait; take what the sockets, other threads and timers brought; deliver events to
//! handlers; send what every touched connection has; begin new connections. Only touched connections
//! are looked at.

use crate::border::{self, Border};
use crate::engine::{Core, Owner};
use crate::handler::HandlerId;
use crate::inbox::{Command, Inbox};
use crate::udp::ReceiveBuffers;
use mio::{Events, Poll, Registry, Token};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const WAKER: Token = Token(usize::MAX);
/// Receive batches taken from one socket per turn, so that sending and timers get their share.
const BATCHES_PER_TURN: usize = 16;
/// Time for it: packets of a flood cost more to judge than others, and those that came before them
/// are to be delivered.
const TIME_PER_SOCKET: Duration = Duration::from_micros(500);
/// Rounds of deliver-and-send per turn before sockets are looked at again: handlers that answer
/// each other in memory must not starve the network.
const ROUNDS_PER_TURN: usize = 32;
/// For how long a thread that was woken sooner than that last time looks again before it sleeps,
/// and lets others run in between: to be woken costs both sides more, and what comes meanwhile is
/// dealt with together. A thread with less to do sleeps at once, as before.
const LINGER: Duration = Duration::from_micros(30);
/// For how many waits a thread does not look again after somebody else has kept the processor for
/// longer than [`LINGER`]. Who sleeps is put in front when something comes for it; who looks again is
/// ready to run, and waits until the other's time slice is over.
const CROWDED: u32 = 256;
/// How long the thread stays after shutdown to say goodbye on connections that need an
/// acknowledgement for it (WebTransport).
const FAREWELL: Duration = Duration::from_millis(300);

pub(crate) struct Driver {
    poll: Poll,
    core: Core,
    buffers: ReceiveBuffers,
    /// The last wait was shorter than [`LINGER`].
    brief: bool,
    /// Waits until the thread may look again before it sleeps, see [`CROWDED`].
    crowded: u32,
    shutdown: bool,
}

impl Driver {
    /// Makes a driver on the thread that will run it: in-memory links stay on one thread.
    pub fn new(poll: Poll, registry: Registry, inbox: Arc<Inbox>) -> Driver {
        Driver {
            poll,
            core: Core::new(registry, inbox),
            buffers: ReceiveBuffers::new(),
            brief: false,
            crowded: 0,
            shutdown: false,
        }
    }

    pub fn run(mut self) {
        let mut events = Events::with_capacity(64);
        while !self.shutdown {
            self.turn(&mut events, None);
        }
        self.core.begin_shutdown();
        let end = Instant::now() + FAREWELL;
        loop {
            self.core.work(ROUNDS_PER_TURN);
            let now = Instant::now();
            if now >= end || !self.core.is_saying_goodbye() {
                break;
            }
            self.turn(&mut events, Some(end - now));
        }
        let inbox = self.core.inbox.clone();
        for command in inbox.close() {
            if let Command::Spawn(bell, _) = command {
                bell.silence();
            }
        }
    }

    /// Waits for sockets, commands or the end of `timeout` after `begun`.
    fn wait(&mut self, events: &mut Events, begun: Instant, timeout: Option<Duration>) {
        if timeout == Some(Duration::ZERO) {
            return self.poll(events, timeout);
        }
        if self.brief && self.linger(events, begun, timeout) {
            return;
        }
        if !self.core.inbox.may_sleep() {
            return self.poll(events, Some(Duration::ZERO));
        }
        self.poll(events, timeout);
        self.core.inbox.is_up();
        self.brief = begun.elapsed() < LINGER && self.crowded == 0;
        self.crowded = self.crowded.saturating_sub(1);
    }

    /// Looks again and again for a while. Gives whether something came.
    fn linger(&mut self, events: &mut Events, begun: Instant, timeout: Option<Duration>) -> bool {
        let until = timeout.map_or(LINGER, |timeout| timeout.min(LINGER));
        loop {
            let asked = Instant::now();
            std::thread::yield_now();
            if asked.elapsed() > LINGER {
                (self.crowded, self.brief) = (CROWDED, false);
            }
            self.poll(events, Some(Duration::ZERO));
            if !events.is_empty() || !self.core.inbox.is_empty() {
                return true;
            }
            if begun.elapsed() >= until {
                return timeout.is_some_and(|timeout| timeout <= until);
            }
        }
    }

    fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) {
        if let Err(e) = self.poll.poll(events, timeout) {
            if e.kind() != io::ErrorKind::Interrupted {
                log::error!("poll: {e}");
                // Nothing can be waited for; do not burn the processor while it lasts.
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn turn(&mut self, events: &mut Events, at_most: Option<Duration>) {
        border::cross(Border::IoThread.name());
        let begun = Instant::now();
        let mut timeout = self.core.until_next_timer(begun);
        if self.core.has_work() {
            timeout = Some(Duration::ZERO);
        }
        let timeout = match (timeout, at_most) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.wait(events, begun, timeout);
        self.core.now = Instant::now();
        for event in events.iter() {
            let Token(index) = event.token();
            if event.token() == WAKER {
                continue;
            }
            if event.is_writable() {
                self.core.on_writable(index);
            }
            if event.is_readable() {
                self.core.set_readable(index);
            }
        }
        while let Some(index) = self.core.next_readable() {
            self.receive(index);
        }
        self.core.requeue_readable();
        for command in self.core.inbox.clone().take() {
            match command {
                Command::Spawn(bell, handler) => self.core.spawn(bell, handler),
                Command::Wake(bell) => self.core.on_wake(&bell),
                Command::Remove(HandlerId(id)) => self.core.remove_handler(id),
                Command::Resolved(conn, result) => self.core.on_resolved(conn, result),
                Command::Shutdown => self.shutdown = true,
            }
        }
        while let Some(owner) = self.core.next_timer() {
            match owner {
                Owner::Conn(id) => self.core.on_conn_timer(id),
                Owner::Handler(id) => self.core.on_handler_timer(id),
            }
        }
        self.core.work(ROUNDS_PER_TURN);
        self.core.answer_arrivals();
    }

    fn receive(&mut self, index: usize) {
        let begun = Instant::now();
        for _ in 0..BATCHES_PER_TURN {
            let count = self.core.receive(index, &mut self.buffers);
            for i in 0..count {
                if let Some((meta, bytes)) = self.buffers.filled(i) {
                    self.core.on_packets(index, meta, bytes);
                }
            }
            if count == 0 || self.buffers.drained {
                return;
            }
            if begun.elapsed() >= TIME_PER_SOCKET {
                break;
            }
        }
        self.core.keep_readable(index);
    }
}
