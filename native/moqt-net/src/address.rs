//! Reading the URL of a connection.

use crate::config::ConnectError;
use crate::handler::TransportKind;
use url::{Host, Url};

/// Port used when the URL names none.
pub const DEFAULT_PORT: u16 = 443;

/// Where and how to connect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// [`TransportKind::Quic`] or [`TransportKind::WebTransport`].
    pub kind: TransportKind,
    /// Host name or IP address without brackets.
    pub host: String,
    /// UDP port.
    pub port: u16,
    /// Path and query, beginning with `/`.
    pub path: String,
    /// Host and, unless it is the default, port: the value of AUTHORITY and `:authority`.
    pub authority: String,
    pub(crate) url: Url,
}

impl Address {
    /// Reads a URL: `https://` is WebTransport, `moqt://` and `quic://` are raw QUIC.
    pub fn parse(text: &str) -> Result<Address, ConnectError> {
        let shown: String = text.chars().take(200).collect();
        let wrong =
            |why: String| ConnectError::Url(format!("cannot connect to \"{shown}\": {why}"));
        let usable = "use https://host:port/path (WebTransport) or moqt://host:port/path (QUIC)";
        // By the URL standard "https:///path" has the host "path"; here it is a missing host.
        let after = text.split_once("://").map_or("", |(_, after)| after);
        if text.contains("://") && (after.is_empty() || after.starts_with('/')) {
            return Err(wrong(format!("there is no host; {usable}")));
        }
        let mut url = Url::parse(text).map_err(|e| wrong(format!("{e}; {usable}")))?;
        let kind = match url.scheme() {
            "https" => TransportKind::WebTransport,
            "moqt" | "quic" => TransportKind::Quic,
            other => {
                return Err(wrong(format!(
                    "the scheme {other} is not supported; {usable}"
                )))
            }
        };
        // Only for known schemes does the parser treat the host as a host (IP addresses, IDNA),
        // and a scheme can only be changed within one family: parse again as https.
        if kind == TransportKind::Quic {
            // What the parser skips before and within a scheme has no colon.
            let rest = text.split_once(':').map_or("", |(_, rest)| rest);
            url = Url::parse(&format!("https:{rest}"))
                .map_err(|e| wrong(format!("{e}; {usable}")))?;
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "user and password do not belong in the URL; pass a token".into(),
            ));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            None => return Err(wrong(format!("there is no host; {usable}"))),
        };
        let port = url.port().unwrap_or(DEFAULT_PORT);
        if port == 0 {
            return Err(wrong("port 0 cannot be connected to".into()));
        }
        url.set_fragment(None);
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Address {
            kind,
            host,
            port,
            path,
            authority: url.authority().to_owned(),
            url,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds() {
        let a = Address::parse("https://Relay.example:4443/match/1?x=2#part").unwrap();
        assert_eq!(a.kind, TransportKind::WebTransport);
        assert_eq!((a.host.as_str(), a.port), ("relay.example", 4443));
        assert_eq!(
            (a.path.as_str(), a.authority.as_str()),
            ("/match/1?x=2", "relay.example:4443")
        );
        for scheme in ["moqt", "quic", "MOQT"] {
            let a = Address::parse(&format!("{scheme}://127.0.0.1")).unwrap();
            assert_eq!(a.kind, TransportKind::Quic);
            assert_eq!(
                (a.host.as_str(), a.port, a.path.as_str()),
                ("127.0.0.1", 443, "/")
            );
        }
        // Characters that the parser skips.
        for text in [
            "\u{1e}moqt://b\u{fc}cher.example",
            " mo\nqt://b\u{fc}cher.example",
        ] {
            let a = Address::parse(text).unwrap();
            assert_eq!(a.host, "xn--bcher-kva.example", "{text:?}");
        }
        let a = Address::parse("moqt://[::1]:9/").unwrap();
        assert_eq!(
            (a.host.as_str(), a.port, a.authority.as_str()),
            ("::1", 9, "[::1]:9")
        );
    }

    #[test]
    fn refuses_with_the_reason() {
        for (text, part) in [
            ("relay.example", "relative URL"),
            ("http://relay.example", "scheme http is not supported"),
            ("wss://x", "scheme wss"),
            ("https://", "no host"),
            ("https:///path", "no host"),
            ("moqt:///path", "no host"),
            ("moqt://:99", "empty host"),
            ("https://a:70000", "invalid port"),
            ("https://a:0", "port 0"),
            ("https://me:pw@a", "token"),
            ("", "relative URL"),
        ] {
            match Address::parse(text) {
                Err(ConnectError::Url(why)) => {
                    assert!(why.contains(part), "{text}: {why}");
                    assert!(why.contains("cannot connect to"), "{why}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
