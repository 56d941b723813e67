//! How other threads reach the I/O thread.

use crate::handler::{Handler, HandlerId};
use mio::Waker;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) enum Command {
    Spawn(Arc<Bell>, Box<dyn Handler>),
    Wake(Arc<Bell>),
    Remove(HandlerId),
    /// The addresses of the host of an outgoing connection.
    Resolved(u64, io::Result<Vec<SocketAddr>>),
    Shutdown,
}

/// One per handler: merges wakes and tells whether the handler still exists.
pub(crate) struct Bell {
    pub id: HandlerId,
    rung: AtomicBool,
    alive: AtomicBool,
}

impl Bell {
    pub fn new(id: HandlerId) -> Self {
        Bell {
            id,
            rung: AtomicBool::new(false),
            alive: AtomicBool::new(true),
        }
    }

    /// Ready for the next ring: called before the handler looks at its queue, so that work
    /// queued after that look rings again.
    pub fn answer(&self) {
        self.rung.store(false, Ordering::SeqCst);
    }

    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::SeqCst)
    }

    pub fn silence(&self) {
        self.alive.store(false, Ordering::SeqCst);
    }
}

/// Commands for the thread, and the means to wake it.
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    /// The poller has been told already.
    told: AtomicBool,
    waker: Waker,
}

#[derive(Default)]
struct Queue {
    commands: Vec<Command>,
    closed: bool,
}

impl Inbox {
    pub fn new(waker: Waker) -> Self {
        Inbox {
            queue: Mutex::default(),
            told: AtomicBool::new(false),
            waker,
        }
    }

    /// Gives the command back when the thread has ended.
    pub fn send(&self, command: Command) -> Result<(), Command> {
        {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.closed {
                return Err(command);
            }
            queue.commands.push(command);
        }
        if !self.told.swap(true, Ordering::SeqCst) {
            if let Err(e) = self.waker.wake() {
                log::error!("cannot wake the I/O thread: {e}");
                self.told.store(false, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    pub fn ring(&self, bell: &Arc<Bell>) {
        if bell.is_alive() && !bell.rung.swap(true, Ordering::SeqCst) {
            let _ = self.send(Command::Wake(bell.clone()));
        }
    }

    /// Takes all commands.
    pub fn take(&self) -> Vec<Command> {
        self.told.store(false, Ordering::SeqCst);
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut queue.commands)
    }

    /// No more commands; gives back what was left.
    pub fn close(&self) -> Vec<Command> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.closed = true;
        std::mem::take(&mut queue.commands)
    }
}
