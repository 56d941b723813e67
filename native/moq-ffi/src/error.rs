//! The closed list of error codes and the error that carries one to the caller.

use moqt::transport::CertificateReason;
use std::fmt;

/// Result of every function. The numbers are stable; new codes are added at the end. Names and
/// numbers are the same as `ERROR_CODES` in TypeScript.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoqResultCode {
    /// Done.
    MOQ_OK = 0,
    /// An argument, option or handle is wrong; nothing was changed.
    MOQ_ERROR_INVALID_ARGUMENT = 1,
    /// The peer could not be reached.
    MOQ_ERROR_CONNECTION_FAILED = 2,
    /// There is no connection now.
    MOQ_ERROR_NOT_CONNECTED = 3,
    /// The time allowed has passed.
    MOQ_ERROR_TIMEOUT = 4,
    /// A defect of this library; please report it with the message.
    MOQ_ERROR_INTERNAL = 5,
    /// The peer or this build lacks what was asked for.
    MOQ_ERROR_UNSUPPORTED = 6,
    /// The buffer given is smaller than the size that the call reports.
    MOQ_ERROR_BUFFER_TOO_SMALL = 7,
    /// The handle was closed or has ended.
    MOQ_ERROR_CLOSED = 8,
    /// The queue is full and nothing was accepted; a WRITABLE record follows.
    MOQ_ERROR_WOULD_BLOCK = 9,
    /// Larger than the limit that the message names.
    MOQ_ERROR_TOO_LARGE = 10,
    /// A count reached the limit that the message names.
    MOQ_ERROR_LIMIT_EXCEEDED = 11,
    /// The peer wants a (different) token.
    MOQ_ERROR_UNAUTHORIZED = 12,
    /// The peer's certificate was not accepted.
    MOQ_ERROR_CERTIFICATE = 13,
    /// No protocol version in common.
    MOQ_ERROR_PROTOCOL_MISMATCH = 14,
    /// The peer broke the protocol.
    MOQ_ERROR_PROTOCOL_VIOLATION = 15,
    /// The peer knows no such track or namespace.
    MOQ_ERROR_NOT_FOUND = 16,
    /// The caller gave up.
    MOQ_ERROR_CANCELLED = 17,
    /// The peer is shutting down.
    MOQ_ERROR_GOING_AWAY = 18,
    /// The reader fell so far behind that the peer gave up on it.
    MOQ_ERROR_TOO_FAR_BEHIND = 19,
    /// The publisher broke the rules of the track.
    MOQ_ERROR_MALFORMED_TRACK = 20,
    /// It exists already.
    MOQ_ERROR_DUPLICATE = 21,
    /// Not possible now: on this thread, or while something else runs.
    MOQ_ERROR_BUSY = 22,
    /// The native library could not be loaded (used by script hosts).
    MOQ_ERROR_UNAVAILABLE = 23,
    /// More in a second than the rate that the message names; try again later.
    MOQ_ERROR_RATE_LIMITED = 24,
}

pub use MoqResultCode::*;

/// A code with what happened and what to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    pub code: MoqResultCode,
    pub message: String,
    /// The peer's raw code, when the peer caused this.
    pub peer_code: Option<u64>,
    /// Whether trying the same again later can succeed: as the code says, unless the peer said so of this one.
    pub retryable: bool,
    /// With `MOQ_ERROR_CERTIFICATE`: why.
    pub certificate: Option<CertificateReason>,
}

impl Error {
    pub fn new(code: MoqResultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            peer_code: None,
            retryable: code.retryable(),
            certificate: None,
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(MOQ_ERROR_INVALID_ARGUMENT, message)
    }

    pub fn with_peer_code(mut self, code: u64) -> Self {
        self.peer_code = Some(code);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

impl From<moqt::client::ErrorCode> for MoqResultCode {
    fn from(code: moqt::client::ErrorCode) -> Self {
        use moqt::client::ErrorCode as E;
        match code {
            E::InvalidArgument => MOQ_ERROR_INVALID_ARGUMENT,
            E::ConnectionFailed => MOQ_ERROR_CONNECTION_FAILED,
            E::NotConnected => MOQ_ERROR_NOT_CONNECTED,
            E::Timeout => MOQ_ERROR_TIMEOUT,
            E::Internal => MOQ_ERROR_INTERNAL,
            E::Unsupported => MOQ_ERROR_UNSUPPORTED,
            E::BufferTooSmall => MOQ_ERROR_BUFFER_TOO_SMALL,
            E::Closed => MOQ_ERROR_CLOSED,
            E::WouldBlock => MOQ_ERROR_WOULD_BLOCK,
            E::TooLarge => MOQ_ERROR_TOO_LARGE,
            E::LimitExceeded => MOQ_ERROR_LIMIT_EXCEEDED,
            E::Unauthorized => MOQ_ERROR_UNAUTHORIZED,
            E::Certificate => MOQ_ERROR_CERTIFICATE,
            E::ProtocolMismatch => MOQ_ERROR_PROTOCOL_MISMATCH,
            E::ProtocolViolation => MOQ_ERROR_PROTOCOL_VIOLATION,
            E::NotFound => MOQ_ERROR_NOT_FOUND,
            E::Cancelled => MOQ_ERROR_CANCELLED,
            E::GoingAway => MOQ_ERROR_GOING_AWAY,
            E::TooFarBehind => MOQ_ERROR_TOO_FAR_BEHIND,
            E::MalformedTrack => MOQ_ERROR_MALFORMED_TRACK,
            E::Duplicate => MOQ_ERROR_DUPLICATE,
            E::Busy => MOQ_ERROR_BUSY,
            E::Unavailable => MOQ_ERROR_UNAVAILABLE,
            E::RateLimited => MOQ_ERROR_RATE_LIMITED,
        }
    }
}

impl From<moqt::client::ClientError> for Error {
    fn from(error: moqt::client::ClientError) -> Self {
        Self {
            code: error.code.into(),
            message: error.message,
            peer_code: error.peer_code,
            retryable: error.retryable,
            certificate: error.certificate,
        }
    }
}

impl MoqResultCode {
    /// The error with this number. `None` for `MOQ_OK`; numbers of later versions are `INTERNAL`.
    pub fn from_number(number: u32) -> Option<Self> {
        const ERRORS: [MoqResultCode; 24] = [
            MOQ_ERROR_INVALID_ARGUMENT,
            MOQ_ERROR_CONNECTION_FAILED,
            MOQ_ERROR_NOT_CONNECTED,
            MOQ_ERROR_TIMEOUT,
            MOQ_ERROR_INTERNAL,
            MOQ_ERROR_UNSUPPORTED,
            MOQ_ERROR_BUFFER_TOO_SMALL,
            MOQ_ERROR_CLOSED,
            MOQ_ERROR_WOULD_BLOCK,
            MOQ_ERROR_TOO_LARGE,
            MOQ_ERROR_LIMIT_EXCEEDED,
            MOQ_ERROR_UNAUTHORIZED,
            MOQ_ERROR_CERTIFICATE,
            MOQ_ERROR_PROTOCOL_MISMATCH,
            MOQ_ERROR_PROTOCOL_VIOLATION,
            MOQ_ERROR_NOT_FOUND,
            MOQ_ERROR_CANCELLED,
            MOQ_ERROR_GOING_AWAY,
            MOQ_ERROR_TOO_FAR_BEHIND,
            MOQ_ERROR_MALFORMED_TRACK,
            MOQ_ERROR_DUPLICATE,
            MOQ_ERROR_BUSY,
            MOQ_ERROR_UNAVAILABLE,
            MOQ_ERROR_RATE_LIMITED,
        ];
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(ERRORS.get(at).copied().unwrap_or(MOQ_ERROR_INTERNAL))
    }

    /// Whether trying the same again later can succeed.
    pub fn retryable(self) -> bool {
        matches!(
            self,
            MOQ_ERROR_CONNECTION_FAILED
                | MOQ_ERROR_NOT_CONNECTED
                | MOQ_ERROR_TIMEOUT
                | MOQ_ERROR_WOULD_BLOCK
                | MOQ_ERROR_GOING_AWAY
                | MOQ_ERROR_TOO_FAR_BEHIND
                | MOQ_ERROR_BUSY
                | MOQ_ERROR_RATE_LIMITED
        )
    }
}
