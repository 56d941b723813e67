//! Why a QUIC connection ended, in the words of the transport contract.

use crate::handshake::ALERT_NO_PROTOCOL;
use crate::verify::Refused;
use moqt::transport::{CertificateReason, CloseReason};
use quinn_proto::{ConnectionError, TransportErrorCode};

/// Longest reason phrase kept, in bytes.
const MAX_REASON: usize = 1_024;

/// What is known of the attempt when it fails before the handshake is done.
pub(crate) struct Attempt<'a> {
    /// For messages: the peer as the user named it.
    pub peer: &'a str,
    /// ALPN protocols that this side offered.
    pub offered: &'a str,
    /// What the certificate check said.
    pub certificate: Option<Refused>,
}

/// A reason phrase of the peer, decoded lossily and bounded.
pub(crate) fn phrase(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_REASON).unwrap_or(bytes);
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    while text.len() > MAX_REASON {
        text.pop();
    }
    text
}

/// A WebTransport peer closed the whole connection. Some put the session's code there.
pub(crate) fn closed_without_capsule(close: &quinn_proto::ApplicationClose) -> CloseReason {
    let code = u64::from(close.error_code);
    if code == u64::from(super::h3::H3_NO_ERROR) {
        return CloseReason::Peer {
            code: 0,
            reason: phrase(&close.reason),
        };
    }
    match web_transport_proto::error_from_http3(code) {
        Some(code) => CloseReason::Peer {
            code: code.into(),
            reason: phrase(&close.reason),
        },
        None => CloseReason::Transport(format!(
            "the peer closed the HTTP/3 connection with code 0x{code:x}: {}",
            phrase(&close.reason)
        )),
    }
}

/// TLS alerts (RFC 8446 section 6.2) by which a server refuses what a client showed it. They come
/// after the client's side of the handshake is done.
const CERTIFICATE_ALERTS: [(u8, &str); 9] = [
    (
        116,
        "it wants a client certificate and none was given; set clientCertificate and clientKey",
    ),
    (
        42,
        "it cannot read the certificate, or its signature is wrong",
    ),
    (43, "the certificate is not meant for clients"),
    (44, "the certificate was revoked"),
    (45, "the certificate has expired or is not valid yet"),
    (46, "the certificate is not one that it takes"),
    (48, "it does not know the certificate's issuer"),
    (49, "the certificate is not allowed there"),
    (
        51,
        "its signature is not of the issuer that the certificate names",
    ),
];

/// Why the peer did not accept the certificate of this side, if that is it.
fn refused_certificate(error: &ConnectionError) -> Option<Refused> {
    let ConnectionError::ConnectionClosed(close) = error else {
        return None;
    };
    let (alert, why) = CERTIFICATE_ALERTS
        .iter()
        .find(|(alert, _)| close.error_code == TransportErrorCode::crypto(*alert))?;
    let reason = match alert {
        116 => CertificateReason::ClientMissing,
        _ => CertificateReason::ClientRefused,
    };
    let text = format!("the peer did not accept this client's certificate: {why}");
    Some((reason, text))
}

/// The connection was lost; `attempt` when it was never ready.
pub(crate) fn lost(error: &ConnectionError, attempt: Option<&Attempt<'_>>) -> CloseReason {
    if let Some((reason, text)) = refused_certificate(error) {
        return CloseReason::Certificate { reason, text };
    }
    let Some(attempt) = attempt else {
        return match error {
            ConnectionError::ApplicationClosed(close) => CloseReason::Peer {
                code: close.error_code.into(),
                reason: phrase(&close.reason),
            },
            ConnectionError::TimedOut => CloseReason::TimedOut,
            ConnectionError::LocallyClosed => CloseReason::Local,
            other => CloseReason::Transport(other.to_string()),
        };
    };
    let peer = attempt.peer;
    if let Some((reason, text)) = attempt.certificate.clone() {
        return CloseReason::Certificate { reason, text };
    }
    let no_protocol = TransportErrorCode::crypto(ALERT_NO_PROTOCOL);
    match error {
        ConnectionError::TimedOut => CloseReason::TimedOut,
        ConnectionError::LocallyClosed => CloseReason::Local,
        ConnectionError::ConnectionClosed(close) if close.error_code == no_protocol => {
            let theirs = phrase(&close.reason);
            let theirs = if theirs.is_empty() {
                "it does not say what it speaks"
            } else {
                &theirs
            };
            CloseReason::Protocol(format!(
                "no common protocol with {peer}: this side offered {}; the server answered: {theirs}",
                attempt.offered
            ))
        }
        ConnectionError::TransportError(e) if e.code == no_protocol => {
            CloseReason::Protocol(format!(
                "no common protocol with {peer}: this side offered {}; the server chose none",
                attempt.offered
            ))
        }
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            CloseReason::Refused(format!(
                "{peer} refuses connections now (it is full, overloaded or shutting down); \
                 try again later"
            ))
        }
        ConnectionError::ApplicationClosed(close) => CloseReason::Refused(format!(
            "{peer} closed the connection during the handshake with code {}: {}",
            close.error_code,
            phrase(&close.reason)
        )),
        ConnectionError::VersionMismatch => {
            CloseReason::Protocol(format!("{peer} does not speak QUIC version 1"))
        }
        other => CloseReason::Refused(format!("the handshake with {peer} failed: {other}")),
    }
}
