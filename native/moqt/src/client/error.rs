//! The one error type of the client, with the closed list of codes that every language shares.

use crate::transport::CertificateReason;
use std::fmt;

/// The closed list of error codes, the same in TypeScript, C and Rust.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(i32)]
pub enum ErrorCode {
    /// An argument or option is wrong; the message names it and what is accepted.
    InvalidArgument = 1,
    /// The connection could not be established or was lost.
    ConnectionFailed = 2,
    /// There is no session yet.
    NotConnected = 3,
    /// Something took longer than its limit.
    Timeout = 4,
    /// A fault in this library or in the peer.
    Internal = 5,
    /// The peer does not do this.
    Unsupported = 6,
    /// A buffer of the caller is too small.
    BufferTooSmall = 7,
    /// The thing was closed.
    Closed = 8,
    /// A queue is full; try again later.
    WouldBlock = 9,
    /// Larger than a limit, which the message names.
    TooLarge = 10,
    /// A bound of this library or of the peer was reached.
    LimitExceeded = 11,
    /// The peer refuses the token, or there is none.
    Unauthorized = 12,
    /// The certificate was not accepted.
    Certificate = 13,
    /// No protocol version in common.
    ProtocolMismatch = 14,
    /// One side broke the protocol.
    ProtocolViolation = 15,
    /// The peer does not have it.
    NotFound = 16,
    /// It was cancelled.
    Cancelled = 17,
    /// The peer is going away.
    GoingAway = 18,
    /// The subscriber left the publisher's window.
    TooFarBehind = 19,
    /// A track breaks the rules.
    MalformedTrack = 20,
    /// It exists already.
    Duplicate = 21,
    /// Not from this thread, or not now.
    Busy = 22,
    /// The native library is missing.
    Unavailable = 23,
    /// More in a second than a rate allows, which the message names.
    RateLimited = 24,
}

impl ErrorCode {
    /// The code's name in TypeScript.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorCode::InvalidArgument => "invalid_argument",
            ErrorCode::ConnectionFailed => "connection_failed",
            ErrorCode::NotConnected => "not_connected",
            ErrorCode::Timeout => "timeout",
            ErrorCode::Internal => "internal",
            ErrorCode::Unsupported => "unsupported",
            ErrorCode::BufferTooSmall => "buffer_too_small",
            ErrorCode::Closed => "closed",
            ErrorCode::WouldBlock => "would_block",
            ErrorCode::TooLarge => "too_large",
            ErrorCode::LimitExceeded => "limit_exceeded",
            ErrorCode::Unauthorized => "unauthorized",
            ErrorCode::Certificate => "certificate",
            ErrorCode::ProtocolMismatch => "protocol_mismatch",
            ErrorCode::ProtocolViolation => "protocol_violation",
            ErrorCode::NotFound => "not_found",
            ErrorCode::Cancelled => "cancelled",
            ErrorCode::GoingAway => "going_away",
            ErrorCode::TooFarBehind => "too_far_behind",
            ErrorCode::MalformedTrack => "malformed_track",
            ErrorCode::Duplicate => "duplicate",
            ErrorCode::Busy => "busy",
            ErrorCode::Unavailable => "unavailable",
            ErrorCode::RateLimited => "rate_limited",
        }
    }

    /// Whether trying the same again later can succeed.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            ErrorCode::ConnectionFailed
                | ErrorCode::NotConnected
                | ErrorCode::Timeout
                | ErrorCode::WouldBlock
                | ErrorCode::GoingAway
                | ErrorCode::TooFarBehind
                | ErrorCode::Busy
                | ErrorCode::RateLimited
        )
    }
}

/// What happened and what to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientError {
    /// Stable code to branch on.
    pub code: ErrorCode,
    /// What happened and what to do next.
    pub message: String,
    /// Whether trying again later can help without changing anything.
    pub retryable: bool,
    /// The peer's raw code, when the peer caused this.
    pub peer_code: Option<u64>,
    /// Of a `certificate` error: why.
    pub certificate: Option<CertificateReason>,
}

impl ClientError {
    /// An error that retries as its code says.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        ClientError {
            code,
            message: message.into(),
            retryable: code.retryable(),
            peer_code: None,
            certificate: None,
        }
    }

    /// An `invalid_argument`.
    pub fn invalid(message: impl Into<String>) -> Self {
        ClientError::new(ErrorCode::InvalidArgument, message)
    }

    /// The same with the peer's raw code.
    pub fn with_peer_code(mut self, code: u64) -> Self {
        self.peer_code = Some(code);
        self
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ClientError {}
