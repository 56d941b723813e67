//! The socket layer of MoQ Transport: one I/O thread that drives QUIC, WebTransport and in-memory
//! connections for handlers.
//!
//! A [`Runtime`] is one thread with one poll loop over all its sockets, connections and timers.
//! A [`Handler`] (a relay, a client) lives on that thread and is called for what happens on its
//! connections; it answers through [`Context::transport`], which gives the
//! [`moqt::transport::Transport`] of any of its connections. Other threads reach a handler only
//! through its [`Remote`] (put work into a queue of your own, then `wake`).
//!
//! After each batch of callbacks the loop sends what all touched connections have, so many small
//! writes share packets and many packets share system calls.

#![deny(clippy::undocumented_unsafe_blocks)]

mod acks;
pub mod address;
#[doc(hidden)]
pub mod border;
pub mod config;
mod congestion;
pub mod context;
mod driver;
mod endpoint;
mod engine;
#[doc(hidden)]
pub mod fuzzing;
pub mod handler;
mod handshake;
mod inbox;
mod link;
mod resolve;
pub mod runtime;
mod slots;
mod sources;
mod timers;
pub mod tls;
mod udp;
mod verify;

pub use address::Address;
pub use config::{ConnectConfig, ConnectError, LinkConfig, ListenConfig, MOQT_18};
pub use context::Context;
pub use handler::{ConnId, ConnInfo, Handler, HandlerId, TransportKind};
pub use runtime::{CalledFromIoThread, Remote, Runtime};
pub use tls::{parse_sha256, ClientCertificate, ClientTrust, ServerCertificate, TlsError, Trust};

/// Counters of a runtime's connections and UDP endpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EndpointStats {
    /// Connections of all kinds that exist now, also those that are beginning or ending.
    pub connections: u64,
    /// First packets of admitted connections that wait for an answer now. They count as handshakes.
    pub waiting: u64,
    /// Connections that became ready.
    pub accepted: u64,
    /// Refused: the sum of the next five, and those that came to a stopped listener.
    pub refused: u64,
    /// Refused because of [`ListenConfig::max_connections`].
    pub refused_connections: u64,
    /// Refused because of [`ListenConfig::max_handshakes`].
    pub refused_handshakes: u64,
    /// Refused because of what one source address may have.
    pub refused_per_address: u64,
    /// Refused because of [`ListenConfig::connect_rate`].
    pub refused_rate: u64,
    /// Refused because of [`ListenConfig::connect_rate_per_address`].
    pub refused_rate_per_address: u64,
    /// Clients that were asked to prove their address first.
    pub retried: u64,
    /// Incoming connections that failed before they were ready (TLS, ALPN, HTTP, no time).
    pub handshake_failures: u64,
    /// Those of them whose first packet waited for all of [`ListenConfig::handshake_timeout`].
    pub expired: u64,
    /// Socket errors on send or receive that were survived.
    pub socket_errors: u64,
}
