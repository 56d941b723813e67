//! From the peer's codes to the closed list of errors, in words that say what to do next.

use super::error::{ClientError, ErrorCode};
use super::tolerances::is_peer_leaving;
use crate::session::SessionClose;
use crate::transport::CloseReason;
use crate::wire::error::{done_codes, request_codes, session_codes, stream_codes};
use crate::wire::message::{PublishDone, RequestError};

fn said(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" It said: {reason}")
    }
}

/// A REQUEST_ERROR in answer to `what`, for example `subscribe to match-42--poses`.
pub(super) fn refused(what: &str, error: &RequestError) -> ClientError {
    use request_codes as codes;
    let (code, advice) = match error.code {
        codes::UNAUTHORIZED => (
            ErrorCode::Unauthorized,
            "check the token and what it permits",
        ),
        codes::MALFORMED_AUTH_TOKEN | codes::EXPIRED_AUTH_TOKEN => {
            (ErrorCode::Unauthorized, "connect with a fresh token")
        }
        codes::TIMEOUT => (ErrorCode::Timeout, "try again, or raise `wait`"),
        codes::NOT_SUPPORTED | codes::UNSUPPORTED_EXTENSION => (
            ErrorCode::Unsupported,
            "this peer cannot do it; do without or use another relay",
        ),
        codes::GOING_AWAY => (ErrorCode::GoingAway, "connect again and repeat it"),
        codes::EXCESSIVE_LOAD => (ErrorCode::LimitExceeded, "try again later"),
        codes::DOES_NOT_EXIST => (
            ErrorCode::NotFound,
            "check namespace and name, publish it first, or subscribe with `wait`",
        ),
        codes::INVALID_RANGE => (
            ErrorCode::NotFound,
            "nothing is there in that range; ask `status` for the newest",
        ),
        codes::MALFORMED_TRACK => (ErrorCode::MalformedTrack, "the publisher must be repaired"),
        codes::DUPLICATE_SUBSCRIPTION | codes::PREFIX_OVERLAP => {
            (ErrorCode::Duplicate, "end the other request for it first")
        }
        codes::UNINTERESTED => (ErrorCode::Unsupported, "this peer takes no publications"),
        codes::NAMESPACE_TOO_LARGE => (ErrorCode::LimitExceeded, "use a longer prefix"),
        codes::REDIRECT => (ErrorCode::GoingAway, "connect to the place that it names"),
        _ => (ErrorCode::Internal, "see the peer's log"),
    };
    let name = codes::name(error.code);
    let message = format!(
        "The peer refused to {what} ({name}): {advice}.{}",
        said(&error.reason)
    );
    let mut out = ClientError::new(code, message).with_peer_code(error.code);
    out.retryable = error.retry_after.is_some() || code.retryable();
    out
}

/// A PUBLISH_DONE that is not an end in order; `None` for those that are.
pub(super) fn done(track: &str, done: &PublishDone) -> Option<ClientError> {
    use done_codes as codes;
    let (code, advice) = match done.status {
        codes::TRACK_ENDED | codes::SUBSCRIPTION_ENDED => return None,
        codes::UNAUTHORIZED => (
            ErrorCode::Unauthorized,
            "connect with a token that permits it",
        ),
        codes::GOING_AWAY => (ErrorCode::GoingAway, "connect again and subscribe again"),
        codes::TOO_FAR_BEHIND => (
            ErrorCode::TooFarBehind,
            "subscribe again to go on at the newest group; read faster or publish less",
        ),
        codes::EXPIRED => (ErrorCode::Timeout, "subscribe again"),
        codes::UPDATE_FAILED => (
            ErrorCode::Unsupported,
            "subscribe again without changing it",
        ),
        codes::EXCESSIVE_LOAD => (ErrorCode::LimitExceeded, "subscribe again later"),
        codes::MALFORMED_TRACK => (ErrorCode::MalformedTrack, "the publisher must be repaired"),
        _ => (
            ErrorCode::Internal,
            "see the peer's log, then subscribe again",
        ),
    };
    let name = codes::name(done.status);
    let reason = said(&done.reason);
    let message = format!("The peer ended the subscription to {track} ({name}): {advice}.{reason}");
    Some(ClientError::new(code, message).with_peer_code(done.status))
}

/// A request that the peer cancelled with a stream reset code.
pub(super) fn cancelled(what: &str, peer_code: u64) -> ClientError {
    use stream_codes as codes;
    let code = match peer_code {
        codes::CANCELLED => ErrorCode::Cancelled,
        codes::DELIVERY_TIMEOUT => ErrorCode::Timeout,
        codes::SESSION_CLOSED => ErrorCode::Closed,
        codes::GOING_AWAY => ErrorCode::GoingAway,
        codes::TOO_FAR_BEHIND => ErrorCode::TooFarBehind,
        codes::UNKNOWN_OBJECT_STATUS => ErrorCode::NotFound,
        codes::EXPIRED_AUTH_TOKEN => ErrorCode::Unauthorized,
        codes::EXCESSIVE_LOAD => ErrorCode::LimitExceeded,
        codes::MALFORMED_TRACK => ErrorCode::MalformedTrack,
        _ => ErrorCode::Internal,
    };
    let name = codes::name(peer_code);
    ClientError::new(
        code,
        format!("The peer cancelled the {what} ({name}): request it again."),
    )
    .with_peer_code(peer_code)
}

/// The peer closed a request without saying why.
pub(super) fn finished(what: &str) -> ClientError {
    let message = format!("The peer ended the {what} without a reason: request it again.");
    ClientError::new(ErrorCode::Cancelled, message)
}

/// No answer in time.
pub(super) fn timed_out(what: &str) -> ClientError {
    let message = format!(
        "The peer did not answer the {what} in time: try again, or raise the request timeout."
    );
    ClientError::new(ErrorCode::Timeout, message)
}

/// Why the session is over; `None` when this side closed it in order.
pub(super) fn closed(close: &SessionClose) -> Option<ClientError> {
    let lost = |message: String| ClientError::new(ErrorCode::ConnectionFailed, message);
    Some(match close {
        SessionClose::Local { code: session_codes::NO_ERROR, .. }
        | SessionClose::Transport(CloseReason::Local) => return None,
        SessionClose::Local { reason, .. } if is_peer_leaving(close) => lost(format!(
            "The connection was lost: {reason}, as relays do that stop. Connect again."
        )),
        SessionClose::Local { code, reason } => {
            let kind = match *code {
                session_codes::CONTROL_MESSAGE_TIMEOUT
                | session_codes::DATA_STREAM_TIMEOUT
                | session_codes::GOAWAY_TIMEOUT => ErrorCode::Timeout,
                session_codes::VERSION_NEGOTIATION_FAILED => ErrorCode::ProtocolMismatch,
                session_codes::INTERNAL_ERROR => ErrorCode::Internal,
                _ => ErrorCode::ProtocolViolation,
            };
            let name = session_codes::name(*code);
            let message = format!(
                "This side closed the session ({name}): {reason}. Check that the peer speaks the same draft."
            );
            ClientError::new(kind, message)
        }
        SessionClose::Transport(reason) => match reason {
            CloseReason::Local => return None,
            CloseReason::Peer { code, reason } => {
                let kind = match *code {
                    session_codes::NO_ERROR => ErrorCode::ConnectionFailed,
                    session_codes::UNAUTHORIZED
                    | session_codes::MALFORMED_AUTH_TOKEN
                    | session_codes::EXPIRED_AUTH_TOKEN
                    | session_codes::UNKNOWN_AUTH_TOKEN_ALIAS => ErrorCode::Unauthorized,
                    session_codes::GOAWAY_TIMEOUT => ErrorCode::GoingAway,
                    session_codes::VERSION_NEGOTIATION_FAILED => ErrorCode::ProtocolMismatch,
                    session_codes::INVALID_PATH | session_codes::MALFORMED_PATH => {
                        ErrorCode::InvalidArgument
                    }
                    session_codes::INTERNAL_ERROR => ErrorCode::Internal,
                    _ => ErrorCode::ProtocolViolation,
                };
                let advice = match kind {
                    ErrorCode::Unauthorized => "connect with a token that the relay accepts",
                    ErrorCode::InvalidArgument => "check the path of the URL",
                    _ => "connect again; if it repeats, see the relay's log",
                };
                let name = session_codes::name(*code);
                let text = said(reason);
                let message = format!("The peer closed the session ({name}): {advice}.{text}");
                ClientError::new(kind, message).with_peer_code(*code)
            }
            CloseReason::TimedOut => ClientError::new(
                ErrorCode::Timeout,
                "The connection was lost: nothing was heard of the peer. Check the network and connect again.",
            ),
            CloseReason::Refused(text) => lost(format!(
                "The connection was not accepted: {text}. Check the URL's host, port and path, and that the relay runs."
            )),
            CloseReason::Certificate { reason, text } => ClientError {
                certificate: Some(*reason),
                ..ClientError::new(
                    ErrorCode::Certificate,
                    format!("The TLS handshake failed: {text}."),
                )
            },
            CloseReason::Protocol(text) => ClientError::new(
                ErrorCode::ProtocolMismatch,
                format!("No protocol version in common: {text}."),
            ),
            CloseReason::Transport(text) => {
                lost(format!("The connection failed: {text}. Connect again."))
            }
        },
    })
}

/// For what needs a connection while there is none.
pub(super) fn not_connected(what: &str) -> ClientError {
    let message = format!(
        "Cannot {what}: the connection was lost and is being made again. Wait for the state \"open\"."
    );
    ClientError::new(ErrorCode::NotConnected, message)
}
