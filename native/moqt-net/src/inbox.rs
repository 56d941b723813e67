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
    /// The thread looks at the queue before it sleeps next: it need not be woken.
    awake: AtomicBool,
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
            awake: AtomicBool::new(true),
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
        if !self.awake.swap(true, Ordering::SeqCst) {
            if let Err(e) = self.waker.wake() {
                log::error!("cannot wake the I/O thread: {e}");
                self.awake.store(false, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    pub fn ring(&self, bell: &Arc<Bell>) {
        if bell.is_alive() && !bell.rung.swap(true, Ordering::SeqCst) {
            let _ = self.send(Command::Wake(bell.clone()));
        }
    }

    /// Whether the thread may sleep now: from here on commands wake it, and none waits. Both sides
    /// write before they read what the other has written, so that no command is overlooked.
    pub fn may_sleep(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        let empty = self.is_empty();
        if !empty {
            self.awake.store(true, Ordering::SeqCst);
        }
        empty
    }

    /// The thread is up: commands need not wake it.
    pub fn is_up(&self) {
        self.awake.store(true, Ordering::SeqCst);
    }

    /// Whether no command waits.
    pub fn is_empty(&self) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.commands.is_empty()
    }

    /// Takes all commands.
    pub fn take(&self) -> Vec<Command> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll, Token};
    use std::time::Duration;

    #[test]
    fn commands_wake_a_thread_that_sleeps_and_no_other() {
        let mut poll = Poll::new().expect("a poller");
        let waker = Waker::new(poll.registry(), Token(0)).expect("a waker");
        let inbox = Inbox::new(waker);
        let mut events = Events::with_capacity(4);
        let mut woken = || {
            poll.poll(&mut events, Some(Duration::ZERO)).expect("polls");
            !events.is_empty()
        };
        assert!(inbox.send(Command::Shutdown).is_ok());
        assert!(!woken(), "it is up, and looks before it sleeps");
        assert!(!inbox.may_sleep(), "a command waits");
        assert_eq!(inbox.take().len(), 1);
        assert!(inbox.may_sleep());
        assert!(inbox.send(Command::Shutdown).is_ok());
        assert!(woken());
        assert!(inbox.send(Command::Shutdown).is_ok());
        assert!(!woken(), "it was told already");
        inbox.is_up();
        assert_eq!(inbox.take().len(), 2);
        assert!(inbox.send(Command::Shutdown).is_ok());
        assert!(!woken());
    }

    #[test]
    fn no_command_is_slept_through() {
        const SENDERS: usize = 3;
        const EACH: usize = 20_000;
        let mut poll = Poll::new().expect("a poller");
        let waker = Waker::new(poll.registry(), Token(0)).expect("a waker");
        let inbox = Arc::new(Inbox::new(waker));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let inbox = inbox.clone();
                std::thread::spawn(move || {
                    for n in 0..EACH {
                        assert!(inbox.send(Command::Shutdown).is_ok());
                        // Now and then long enough for the other side to fall asleep.
                        if n % (40 + sender) == 0 {
                            std::thread::sleep(Duration::from_micros(50));
                        }
                    }
                })
            })
            .collect();
        let mut events = Events::with_capacity(4);
        let (mut taken, mut slept) = (0, 0);
        while taken < SENDERS * EACH {
            if inbox.may_sleep() {
                slept += 1;
                poll.poll(&mut events, Some(Duration::from_secs(20)))
                    .expect("polls");
                inbox.is_up();
                assert!(!events.is_empty(), "asleep, with {taken} commands taken");
            }
            taken += inbox.take().len();
        }
        assert!(slept > 0);
        for sender in senders {
            sender.join().expect("a sender");
        }
    }
}
