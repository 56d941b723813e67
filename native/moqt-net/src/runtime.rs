//! The I/O thread's handle for other threads.

use crate::handler::{Handler, HandlerId};
use std::io;

/// One I/O thread. Cheap to clone; all clones name the same thread. The thread ends with
/// [`Runtime::shutdown`], or (without waiting) when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Runtime {}

/// Why [`Runtime::shutdown`] was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CalledFromIoThread;

impl std::fmt::Display for CalledFromIoThread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("shutdown was called from the I/O thread itself (inside a callback); call it from another thread")
    }
}

impl std::error::Error for CalledFromIoThread {}

impl Runtime {
    /// Starts a thread with this name.
    pub fn start(name: &str) -> io::Result<Runtime> {
        let _ = name;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The process-wide client runtime, started on first use and again after
    /// [`Runtime::shutdown_shared`].
    pub fn shared() -> io::Result<Runtime> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Shuts the process-wide client runtime down if it runs.
    pub fn shutdown_shared() -> Result<(), CalledFromIoThread> {
        Ok(())
    }

    /// Puts a handler on the thread; its first call is [`Handler::on_start`]. On a runtime that
    /// was shut down the handler is dropped and the handle is not alive.
    pub fn spawn(&self, handler: Box<dyn Handler>) -> Remote {
        drop(handler);
        Remote { id: HandlerId(0) }
    }

    /// Whether the caller is on this runtime's thread.
    pub fn is_current_thread(&self) -> bool {
        false
    }

    /// Stops all handlers, closes their connections with code 0, and joins the thread. Later
    /// calls do nothing. Refused inside a callback.
    pub fn shutdown(&self) -> Result<(), CalledFromIoThread> {
        Ok(())
    }
}

/// Wakes or removes a handler, from any thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Remote {
    id: HandlerId,
}

impl Remote {
    /// The handler's id.
    pub fn id(&self) -> HandlerId {
        self.id
    }

    /// Asks for one [`Handler::on_wake`]. Calls before that callback begins are merged into it.
    /// Never blocks; does nothing when the handler is gone.
    pub fn wake(&self) {}

    /// Removes the handler soon: [`Handler::on_stop`], then its connections are closed with code
    /// 0, its listeners stop and it is dropped on the I/O thread.
    pub fn remove(&self) {}

    /// Whether the handler still exists.
    pub fn is_alive(&self) -> bool {
        false
    }
}
