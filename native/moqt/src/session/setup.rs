//! SETUP: who may say what in it (draft-18 "Setup Options").

use super::auth::{TokenCache, TokenFault};
use super::config::{Link, Role, SessionConfig};
use super::types::PeerSetup;
use crate::wire::{session_codes, Setup, WireError};
use bytes::Bytes;

const MAX_IMPLEMENTATION: usize = 256;

/// Our SETUP.
pub(super) fn local(config: &SessionConfig) -> Setup {
    let sends_uri = config.role == Role::Client && config.link == Link::Quic;
    let uri = |part: &Option<String>| part.clone().filter(|_| sends_uri).map(Bytes::from);
    Setup {
        path: uri(&config.path),
        authority: uri(&config.authority),
        tokens: config.tokens.clone(),
        max_auth_token_cache_size: Some(config.max_auth_token_cache_size).filter(|size| *size > 0),
        implementation: config.implementation.clone().map(Bytes::from),
    }
}

/// Checks the peer's SETUP and puts its tokens into the cache.
pub(super) fn accept(
    config: &SessionConfig,
    setup: &Setup,
    cache: &mut TokenCache,
) -> Result<PeerSetup, WireError> {
    let may_send_uri = config.role == Role::Server && config.link == Link::Quic;
    let refuse = |code: u64, reason: &'static str| Err(WireError::Malformed { code, reason });
    if setup.path.is_some() && !may_send_uri {
        return refuse(
            session_codes::INVALID_PATH,
            "PATH from a server or over WebTransport",
        );
    }
    if setup.authority.is_some() && !may_send_uri {
        let reason = "AUTHORITY from a server or over WebTransport";
        return refuse(session_codes::INVALID_AUTHORITY, reason);
    }
    if setup.path.as_deref().is_some_and(|path| !is_path(path)) {
        return refuse(
            session_codes::MALFORMED_PATH,
            "PATH is not the path of a URI",
        );
    }
    if setup
        .authority
        .as_deref()
        .is_some_and(|authority| !is_authority(authority))
    {
        let reason = "AUTHORITY is not the authority of a URI";
        return refuse(session_codes::MALFORMED_AUTHORITY, reason);
    }
    let tokens = cache
        .resolve_setup(&setup.tokens)
        .map_err(|fault| match fault {
            TokenFault::Session(e) => e,
            TokenFault::Message => WireError::Malformed {
                code: session_codes::MALFORMED_AUTH_TOKEN,
                reason: "malformed token in SETUP",
            },
        })?;
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok(PeerSetup {
        path: setup.path.as_ref().map(text),
        authority: setup.authority.as_ref().map(text),
        implementation: setup
            .implementation
            .as_ref()
            .map(|name| text(&name.slice(..name.len().min(MAX_IMPLEMENTATION)))),
        tokens,
        max_auth_token_cache_size: setup.max_auth_token_cache_size.unwrap_or(0),
    })
}

/// Whether all bytes may be in a URI (RFC 3986: unreserved, reserved, and `%` with two hex digits)
/// and none is of `excluded`.
fn is_uri_text(bytes: &[u8], excluded: &[u8]) -> bool {
    const RESERVED: &[u8] = b"-._~:/?#[]@!$&'()*+,;=";
    bytes.iter().enumerate().all(|(i, byte)| {
        if *byte == b'%' {
            let hex = bytes.get(i + 1..i + 3);
            return hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        }
        (byte.is_ascii_alphanumeric() || RESERVED.contains(byte)) && !excluded.contains(byte)
    })
}

/// `path-abempty`, then `?` and a query if there is one.
fn is_path(bytes: &[u8]) -> bool {
    matches!(bytes.first(), None | Some(b'/' | b'?')) && is_uri_text(bytes, b"#[]")
}

/// An authority with a host that is not empty.
fn is_authority(bytes: &[u8]) -> bool {
    let host = bytes
        .rsplit(|byte| *byte == b'@')
        .next()
        .unwrap_or_default();
    !matches!(host.first(), None | Some(b':')) && is_uri_text(bytes, b"/?#")
}
