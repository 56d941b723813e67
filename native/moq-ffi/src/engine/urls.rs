//! What the URL of a client says, and the options of its connection.

use crate::error::*;
use crate::options::ClientOptions;
use moqt::client::{ClientError, ErrorCode, SetupAddress};
use moqt_net::{ClientCertificate, ConnectConfig, ConnectError, LinkConfig, Trust};
use std::time::Duration;

/// PATH and AUTHORITY of SETUP: on raw QUIC the URL travels there, on WebTransport in CONNECT.
pub fn setup_address(url: &str) -> SetupAddress {
    let rest = url
        .strip_prefix("moqt://")
        .or_else(|| url.strip_prefix("quic://"));
    let Some(rest) = rest else {
        return SetupAddress::default();
    };
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let path = match path {
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };
    SetupAddress {
        path: Some(path),
        authority: Some(authority.to_owned()),
    }
}

pub fn connect_config(
    options: &ClientOptions,
    certificate: Option<ClientCertificate>,
    url: &str,
    timeout: Duration,
) -> ConnectConfig {
    let millis = Duration::from_millis;
    let link = LinkConfig {
        keep_alive: (options.keep_alive_ms > 0).then(|| millis(options.keep_alive_ms)),
        idle_timeout: millis(options.idle_timeout_ms),
        ..LinkConfig::default()
    };
    let trust = Trust {
        ca_files: options.ca_files.clone(),
        pins: options.pins.clone(),
        insecure: options.insecure,
    };
    ConnectConfig {
        trust,
        certificate,
        timeout,
        link,
        ..ConnectConfig::new(url)
    }
}

pub fn connect_error(error: ConnectError) -> ClientError {
    let code = match &error {
        ConnectError::Url(_) | ConnectError::Config(_) => ErrorCode::InvalidArgument,
        ConnectError::Socket(_) => ErrorCode::ConnectionFailed,
        ConnectError::NoPeer => ErrorCode::NotFound,
    };
    ClientError::new(code, error.to_string())
}

/// Refuses at once what can never be a URL of ours.
pub fn check(url: &str) -> Result<()> {
    const SCHEMES: [&str; 4] = ["https://", "moqt://", "quic://", "memory://"];
    let wrong = |why: &str| {
        Err(Error::invalid(format!(
            "\"url\" {why}; give https://host:port/path (WebTransport), moqt://host:port or quic://host:port (QUIC), or the memoryUrl of a relay of this process"
        )))
    };
    let Some(rest) = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return wrong("has no scheme that is known here");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return wrong("names no host");
    }
    if authority.contains('@') {
        return wrong("holds a user name; use the option \"token\"");
    }
    // An IPv6 address is in brackets; what follows them is the port.
    let after_host = authority
        .rfind(']')
        .map_or(authority, |at| authority.get(at..).unwrap_or_default());
    if let Some((_, port)) = after_host.rsplit_once(':') {
        if !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return wrong("has a port that is not a number from 1 to 65535");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_carries_path_and_authority_on_raw_quic_only() {
        let split = |url| setup_address(url);
        let some = |path: &str, host: &str| SetupAddress {
            path: Some(path.to_owned()),
            authority: Some(host.to_owned()),
        };
        assert_eq!(split("moqt://a:1/b?c=d"), some("/b?c=d", "a:1"));
        assert_eq!(split("quic://[::1]:1"), some("/", "[::1]:1"));
        assert_eq!(split("moqt://a?x"), some("/?x", "a"));
        assert_eq!(split("https://a:1/b"), SetupAddress::default());
    }

    #[test]
    fn wrong_urls_are_refused_with_what_to_give() {
        for url in [
            "",
            "http://a",
            "moqt://",
            "https://a:0",
            "https://a:70000",
            "moqt://u@a",
            "a:1",
        ] {
            let error = check(url).expect_err(url);
            assert_eq!(error.code, MOQ_ERROR_INVALID_ARGUMENT);
            assert!(
                error.message.contains("https://host:port/path"),
                "{}",
                error.message
            );
        }
        for url in [
            "https://a",
            "moqt://a:1",
            "quic://[::1]:4443/x",
            "memory://7",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }
}
