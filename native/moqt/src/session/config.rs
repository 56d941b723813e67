//! How a session is set up, and its bounds.

use crate::wire::{AuthToken, Draft};
use std::time::Duration;

/// Which side of the connection this is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Opened the connection.
    Client,
    /// Accepted it.
    Server,
}

/// What carries the session; it decides whether PATH and AUTHORITY belong in SETUP.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Link {
    /// Raw QUIC (or memory): the client sends PATH and AUTHORITY.
    Quic,
    /// WebTransport: the HTTP request carried them.
    WebTransport,
}

/// How a session is set up.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// The negotiated draft.
    pub draft: Draft,
    /// This side.
    pub role: Role,
    /// What carries the session.
    pub link: Link,
    /// Client over [`Link::Quic`]: path and query of the URI.
    pub path: Option<String>,
    /// Client over [`Link::Quic`]: authority of the URI.
    pub authority: Option<String>,
    /// MOQT_IMPLEMENTATION; `None` sends none.
    pub implementation: Option<String>,
    /// Tokens for SETUP (USE_VALUE or REGISTER).
    pub tokens: Vec<AuthToken>,
    /// Bytes of registered tokens that this side keeps for the peer.
    pub max_auth_token_cache_size: u64,
    /// Bounds on what the peer can make this side hold.
    pub limits: Limits,
}

impl SessionConfig {
    /// A client over raw QUIC without path, authority and tokens.
    pub fn client() -> Self {
        SessionConfig {
            draft: Draft::default(),
            role: Role::Client,
            link: Link::Quic,
            path: None,
            authority: None,
            implementation: Some(concat!("moq-game/", env!("CARGO_PKG_VERSION")).into()),
            tokens: Vec::new(),
            max_auth_token_cache_size: 16 * 1024,
            limits: Limits::default(),
        }
    }

    /// A server over raw QUIC.
    pub fn server() -> Self {
        SessionConfig {
            role: Role::Server,
            ..Self::client()
        }
    }
}

/// Bounds of a session. What exceeds one is refused, stopped or dropped, and counted in
/// [`SessionStats`].
#[derive(Clone, Debug)]
pub struct Limits {
    /// Live inbound requests; more are answered with EXCESSIVE_LOAD. Default 1,024.
    pub max_requests: usize,
    /// Bytes of all live inbound requests as they came; one that goes above it is answered with
    /// EXCESSIVE_LOAD. Default 4 MiB.
    pub max_request_bytes: usize,
    /// Live inbound data streams; more are stopped with EXCESSIVE_LOAD. Default 4,096.
    pub max_streams: usize,
    /// Bytes of one object with its properties; a stream with a larger one is stopped.
    /// Default 16 MiB.
    pub max_object_size: usize,
    /// Streams held until SETUP arrives. Default 128.
    pub max_early_streams: usize,
    /// Streams held because their track alias or fetch is not known yet. Default 64.
    pub max_held_streams: usize,
    /// Datagrams held for either reason. Default 64.
    pub max_held_datagrams: usize,
    /// How long streams and datagrams of an unknown alias are held. Default 1 s.
    pub hold_timeout: Duration,
    /// How long the peer's SETUP may take (CONTROL_MESSAGE_TIMEOUT). Default 10 s.
    pub setup_timeout: Duration,
    /// How long an answer to a request may take, without a SUBSCRIBE's rendezvous timeout; the
    /// request is cancelled then. Default 30 s.
    pub response_timeout: Duration,
    /// How long late streams are waited for after PUBLISH_DONE. Default 2 s.
    pub drain_timeout: Duration,
    /// Bytes of messages and objects that have begun and are not whole, and of whatever waits for
    /// SETUP, an alias or an answer, all streams together; the stream or request that grows above
    /// it is stopped or reset with EXCESSIVE_LOAD. At least `max_object_size`. Default 32 MiB.
    pub max_receive_buffer: usize,
    /// Bytes of control messages waiting on one blocked stream; above it the request is reset with
    /// EXCESSIVE_LOAD, the session closed with INTERNAL_ERROR for the control stream.
    /// Default 1 MiB.
    pub max_control_backlog: usize,
    /// The same on all request streams together; the request that grows above it is reset with
    /// EXCESSIVE_LOAD. Default 8 MiB.
    pub max_backlog_bytes: usize,
    /// Unanswered inbound updates of one request. Default 16.
    pub max_pending_updates: usize,
    /// Namespaces that one SUBSCRIBE_NAMESPACE of ours may learn; above it the request is
    /// cancelled with EXCESSIVE_LOAD. Default 16,384.
    pub max_namespaces: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_requests: 1_024,
            max_request_bytes: 4 << 20,
            max_streams: 4_096,
            max_object_size: 16 << 20,
            max_early_streams: 128,
            max_held_streams: 64,
            max_held_datagrams: 64,
            hold_timeout: Duration::from_secs(1),
            setup_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(2),
            max_receive_buffer: 32 << 20,
            max_control_backlog: 1 << 20,
            max_backlog_bytes: 8 << 20,
            max_pending_updates: 16,
            max_namespaces: 16_384,
        }
    }
}
