//! What a handler can do while it is called.

use crate::config::{ConnectConfig, ConnectError, ListenConfig};
use crate::engine::Core;
use crate::handler::{ConnId, HandlerId};
use crate::EndpointStats;
use moqt::transport::Transport;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

/// Access to the runtime during a callback.
pub struct Context<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) handler: HandlerId,
}

impl Context<'_> {
    /// The time at which this batch of callbacks began.
    pub fn now(&self) -> Instant {
        self.core.now
    }

    /// The handler being called.
    pub fn handler(&self) -> HandlerId {
        self.handler
    }

    /// One of the handler's own connections that is ready and not closed. What is written is
    /// sent once after the whole batch of callbacks.
    pub fn transport(&mut self, conn: ConnId) -> Option<&mut dyn Transport> {
        self.core.transport(conn.0, self.handler.0)
    }

    /// Closes one of the handler's connections in any state, also one that is not ready yet.
    /// `Closed` follows.
    pub fn close(&mut self, conn: ConnId, code: u64, reason: &str) {
        self.core.close_conn(conn.0, self.handler.0, code, reason);
    }

    /// Opens a UDP port on which connections for this handler are accepted and gives the bound
    /// address. Errors name the address (in use, not available, not permitted).
    pub fn listen(&mut self, config: ListenConfig) -> io::Result<SocketAddr> {
        self.core.listen(config, self.handler.0)
    }

    /// Refuses new connections on a listening address; existing ones go on.
    pub fn stop_accepting(&mut self, address: SocketAddr) {
        self.core.stop_accepting(address, self.handler.0);
    }

    /// Counters of all listeners and client sockets of this runtime.
    pub fn endpoint_stats(&self) -> EndpointStats {
        self.core.stats()
    }

    /// Starts a connection and returns at once; names are resolved on a helper thread.
    /// [`crate::Handler::on_connected`] or `Closed` follows, never from inside this call.
    pub fn connect(&mut self, config: ConnectConfig) -> Result<ConnId, ConnectError> {
        self.core.connect(config, self.handler.0).map(ConnId)
    }

    /// Connects to another handler of this runtime without sockets. Both get
    /// [`crate::Handler::on_connected`] later, with their own connection ids; the peer sees
    /// `incoming: true`. `path` is what the peer finds in [`crate::ConnInfo::path`].
    pub fn connect_memory(&mut self, peer: HandlerId, path: &str) -> Result<ConnId, ConnectError> {
        self.core
            .connect_memory(self.handler.0, peer.0, path)
            .map(ConnId)
    }

    /// Removes the handler being called when the callback returns. Its connections are closed
    /// with code 0 and its listeners stop.
    pub fn remove_self(&mut self) {
        self.core.leave(self.handler.0);
    }
}
