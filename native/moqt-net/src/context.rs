//! What a handler can do while it is called.

use crate::config::{ConnectConfig, ConnectError, ListenConfig};
use crate::handler::{ConnId, HandlerId};
use crate::EndpointStats;
use moqt::transport::Transport;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Instant;

/// Access to the runtime during a callback.
pub struct Context<'a> {
    pub(crate) handler: HandlerId,
    pub(crate) now: Instant,
    pub(crate) core: PhantomData<&'a mut ()>,
}

impl Context<'_> {
    /// The time at which this batch of callbacks began.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The handler being called.
    pub fn handler(&self) -> HandlerId {
        self.handler
    }

    /// One of the handler's own connections that is established and not closed. What is written
    /// is sent once after the whole batch of callbacks.
    pub fn transport(&mut self, conn: ConnId) -> Option<&mut dyn Transport> {
        let _ = conn;
        None
    }

    /// Opens a UDP port on which connections for this handler are accepted and gives the bound
    /// address. Errors name the address (in use, not available, not permitted).
    pub fn listen(&mut self, config: ListenConfig) -> io::Result<SocketAddr> {
        let _ = config;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Refuses new connections on a listening address; existing ones go on.
    pub fn stop_accepting(&mut self, address: SocketAddr) {
        let _ = address;
    }

    /// Counters of all listeners and client sockets of this runtime.
    pub fn endpoint_stats(&self) -> EndpointStats {
        EndpointStats::default()
    }

    /// Starts a connection and returns at once; names are resolved on a helper thread.
    /// [`crate::Handler::on_connected`] or `Closed` follows.
    pub fn connect(&mut self, config: ConnectConfig) -> Result<ConnId, ConnectError> {
        let _ = config;
        Err(ConnectError::NoPeer)
    }

    /// Connects to another handler of this runtime without sockets. Both get
    /// [`crate::Handler::on_connected`] later, with their own connection ids; the peer sees
    /// `incoming: true`. `path` is what the peer finds in [`crate::ConnInfo::path`].
    pub fn connect_memory(&mut self, peer: HandlerId, path: &str) -> Result<ConnId, ConnectError> {
        let _ = (peer, path);
        Err(ConnectError::NoPeer)
    }

    /// Removes the handler being called when the callback returns. Its connections are closed
    /// with code 0 and its listeners stop.
    pub fn remove_self(&mut self) {}
}
