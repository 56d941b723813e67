//! The I/O thread's handle for other threads.

use crate::border::{self, Border};
use crate::driver::{Driver, WAKER};
use crate::handler::{Handler, HandlerId};
use crate::inbox::{Bell, Command, Inbox};
use mio::{Poll, Waker};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, ThreadId};

/// One I/O thread. Cheap to clone; all clones name the same thread. The thread ends with
/// [`Runtime::shutdown`], or (without waiting) when the last clone is dropped.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    inbox: Arc<Inbox>,
    thread: ThreadId,
    /// The thread has panicked: it takes nothing any more.
    broken: Arc<AtomicBool>,
    join: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.inbox.send(Command::Shutdown);
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Runtime({:?})", self.inner.thread)
    }
}

/// Why [`Runtime::shutdown`] was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CalledFromIoThread;

impl std::fmt::Display for CalledFromIoThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "shutdown was called from the I/O thread itself (inside a callback); call it from \
             another thread",
        )
    }
}

impl std::error::Error for CalledFromIoThread {}

/// Ids of handlers; 0 is nobody's.
static NEXT_HANDLER: AtomicU64 = AtomicU64::new(1);

/// The process-wide client runtime while it runs.
static SHARED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Starts a thread with this name.
    pub fn start(name: &str) -> io::Result<Runtime> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let inbox = Arc::new(Inbox::new(Waker::new(poll.registry(), WAKER)?));
        let broken = Arc::new(AtomicBool::new(false));
        let (theirs, flag) = (inbox.clone(), broken.clone());
        let join = border::spawn(name, move || {
            let run = || Driver::new(poll, registry, theirs.clone()).run();
            if border::catch(Border::IoThread, run).is_err() {
                flag.store(true, Ordering::SeqCst);
                // Nobody takes commands any more: refuse them instead of piling them up.
                border::discard(theirs.close());
                log::error!("the I/O thread panicked; its connections are gone");
            }
        })?;
        Ok(Runtime {
            inner: Arc::new(Inner {
                inbox,
                thread: join.thread().id(),
                broken,
                join: Mutex::new(Some(join)),
            }),
        })
    }

    /// The process-wide client runtime, started on first use and again after
    /// [`Runtime::shutdown_shared`], or after a panic of its thread.
    pub fn shared() -> io::Result<Runtime> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = |runtime: &&Runtime| !runtime.inner.broken.load(Ordering::SeqCst);
        if let Some(runtime) = shared.as_ref().filter(whole) {
            return Ok(runtime.clone());
        }
        let runtime = Runtime::start("moq-client")?;
        *shared = Some(runtime.clone());
        Ok(runtime)
    }

    /// Shuts the process-wide client runtime down if it runs.
    pub fn shutdown_shared() -> Result<(), CalledFromIoThread> {
        let runtime = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            if shared.as_ref().is_some_and(Runtime::is_current_thread) {
                return Err(CalledFromIoThread);
            }
            shared.take()
        };
        runtime.map_or(Ok(()), |r| r.shutdown())
    }

    /// Puts a handler on the thread; its first call is [`Handler::on_start`]. On a runtime that
    /// was shut down the handler is dropped and the handle is not alive.
    pub fn spawn(&self, handler: Box<dyn Handler>) -> Remote {
        let id = HandlerId(NEXT_HANDLER.fetch_add(1, Ordering::Relaxed));
        let bell = Arc::new(Bell::new(id));
        if self
            .inner
            .inbox
            .send(Command::Spawn(bell.clone(), handler))
            .is_err()
        {
            bell.silence();
        }
        Remote {
            bell,
            inbox: self.inner.inbox.clone(),
        }
    }

    /// Whether the caller is on this runtime's thread.
    pub fn is_current_thread(&self) -> bool {
        std::thread::current().id() == self.inner.thread
    }

    /// Stops all handlers, closes their connections with code 0, and joins the thread. Later
    /// calls do nothing. Refused inside a callback.
    pub fn shutdown(&self) -> Result<(), CalledFromIoThread> {
        if self.is_current_thread() {
            return Err(CalledFromIoThread);
        }
        let _ = self.inner.inbox.send(Command::Shutdown);
        // Held while joining: a second caller returns only when the thread has ended.
        let mut join = self
            .inner
            .join
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(join) = join.take() {
            // A panic was logged where it happened.
            let _ = join.join();
        }
        Ok(())
    }
}

/// Wakes or removes a handler, from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Remote {
    bell: Arc<Bell>,
    inbox: Arc<Inbox>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remote({})", self.bell.id.0)
    }
}

impl Remote {
    /// The handler's id.
    pub fn id(&self) -> HandlerId {
        self.bell.id
    }

    /// Asks for one [`Handler::on_wake`]. Calls before that callback begins are merged into it.
    /// Never blocks on the network; does nothing when the handler is gone.
    pub fn wake(&self) {
        self.inbox.ring(&self.bell);
    }

    /// Removes the handler soon: [`Handler::on_stop`], then its connections are closed with code
    /// 0, its listeners stop and it is dropped on the I/O thread.
    pub fn remove(&self) {
        let _ = self.inbox.send(Command::Remove(self.bell.id));
    }

    /// Whether the handler still exists.
    pub fn is_alive(&self) -> bool {
        self.bell.is_alive()
    }
}
