//! Who may connect, publish and subscribe.

use moqt::wire::name::Namespace;
use moqt::wire::token::Token;
use moqt_net::TransportKind;
use std::net::SocketAddr;

/// The answer of an [`Authorizer`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Go ahead.
    Allow,
    /// No. The reason is sent to the peer (at most 1,024 bytes), so it must hold no secret.
    Deny {
        /// What was missing and what to do about it.
        reason: String,
    },
}

impl Decision {
    /// A refusal with a reason.
    pub fn deny(reason: impl Into<String>) -> Self {
        Decision::Deny {
            reason: reason.into(),
        }
    }
}

/// What is known of a session when its SETUP has arrived.
#[derive(Clone, Copy)]
pub struct ConnectRequest<'a> {
    /// The AUTHORIZATION TOKEN options of its SETUP.
    pub tokens: &'a [Token],
    /// Path and query of the URL that was dialled.
    pub path: &'a str,
    /// What carries the session.
    pub transport: TransportKind,
    /// The peer's address; `None` for a connection within the process.
    pub addr: Option<SocketAddr>,
}

/// One request that needs permission.
#[derive(Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The tokens of the session's SETUP.
    pub session_tokens: &'a [Token],
    /// The tokens of the request itself, aliases resolved.
    pub request_tokens: &'a [Token],
    /// The namespace (or, for discovery, the prefix) that is asked for.
    pub namespace: &'a Namespace,
    /// The track name; `None` for requests about namespaces.
    pub track: Option<&'a [u8]>,
    /// What carries the session.
    pub transport: TransportKind,
    /// The peer's address; `None` for a connection within the process.
    pub addr: Option<SocketAddr>,
}

/// Admission (draft-18 "Authorization"). Called on the relay's I/O thread: answer at once, never
/// block. Implementations must never log tokens; the relay does not either.
pub trait Authorizer: Send + Sync {
    /// Whether a session may exist. A refusal closes it with UNAUTHORIZED.
    fn connect(&self, request: &ConnectRequest<'_>) -> Decision;

    /// Whether a session may publish under a namespace (PUBLISH_NAMESPACE, PUBLISH). A refusal
    /// answers REQUEST_ERROR UNAUTHORIZED.
    fn publish(&self, request: &AccessRequest<'_>) -> Decision;

    /// Whether a session may read under a namespace (SUBSCRIBE, FETCH, TRACK_STATUS,
    /// SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS). A refusal answers REQUEST_ERROR UNAUTHORIZED.
    fn subscribe(&self, request: &AccessRequest<'_>) -> Decision;
}

/// Everyone may do everything: for loopback, development and trusted networks.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn connect(&self, _: &ConnectRequest<'_>) -> Decision {
        Decision::Allow
    }

    fn publish(&self, _: &AccessRequest<'_>) -> Decision {
        Decision::Allow
    }

    fn subscribe(&self, _: &AccessRequest<'_>) -> Decision {
        Decision::Allow
    }
}
