//! The embedded relay: start, find by memory URL, stop.

use crate::error::*;
use crate::handles::{self, Entry};
use crate::lifecycle::refuse_in_callback;
use crate::options::RelayOptions;
use moqt_net::{ClientTrust, HandlerId, Runtime};
use moqt_relay::{
    CertificateSource, HttpListen, Limits, Relay, RelayConfig, RelayError, StaticTokens,
};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A running relay behind a handle.
pub struct RelayHandle {
    handle: u64,
    relay: moqt_relay::RelayHandle,
}

impl RelayHandle {
    /// What `moq_relay_info` tells.
    pub fn info_json(&self) -> String {
        let url = self.relay.url();
        json!({
            "quicUrl": url.as_ref().map(|url| url.replacen("https:", "moqt:", 1)),
            "url": url,
            "memoryUrl": memory_url(self.handle),
            "port": self.relay.local_address().map(|address| address.port()),
            "certificateHash": self.relay.certificate_sha256(),
            "httpUrl": self.relay.http_address().map(|address| format!("http://{address}")),
        })
        .to_string()
    }

    pub fn stats_json(&self) -> Result<String> {
        self.relay
            .stats()
            .map(|stats| stats.to_json())
            .ok_or_else(|| {
                Error::new(
                    MOQ_ERROR_BUSY,
                    "the relay has stopped, or its statistics were asked for on its own thread",
                )
            })
    }
}

/// Where a relay listens when it is not told.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

const SCHEME: &str = "memory://";

fn memory_url(handle: u64) -> String {
    format!("{SCHEME}{handle}")
}

/// The I/O thread and the handler of the relay that a memory URL names.
pub fn by_memory_url(url: &str) -> Result<(Runtime, HandlerId)> {
    let number = url
        .strip_prefix(SCHEME)
        .unwrap_or(url)
        .trim_end_matches('/');
    let relay = number
        .parse()
        .ok()
        .and_then(|handle| handles::relay(handle).ok());
    match relay {
        Some(relay) if relay.relay.is_running() => {
            Ok((relay.relay.runtime().clone(), relay.relay.handler_id()))
        }
        _ => Err(Error::new(
            MOQ_ERROR_NOT_FOUND,
            format!("no relay of this process has the memory URL {url}; give the memoryUrl of one that runs"),
        )),
    }
}

pub fn start(options: RelayOptions) -> Result<u64> {
    refuse_in_callback("moq_relay_start")?;
    let relay = Relay::start(config(options)?).map_err(relay_error)?;
    let handle = handles::allocate();
    handles::insert(
        handle,
        Entry::Relay(Arc::new(RelayHandle { handle, relay })),
    );
    Ok(handle)
}

/// Stops a relay and waits until its thread is gone.
pub fn stop(handle: u64, grace_ms: u32) -> Result<()> {
    refuse_in_callback("moq_relay_stop")?;
    let relay = handles::relay(handle)?;
    handles::remove(handle);
    let grace = Duration::from_millis(u64::from(grace_ms));
    relay.relay.shutdown(grace).map_err(relay_error)
}

fn config(options: RelayOptions) -> Result<RelayConfig> {
    let listen = options.listen.iter().map(|text| address("listen", text));
    let listen = listen.collect::<Result<Vec<SocketAddr>>>()?;
    let certificate = match (options.certificate, options.key) {
        (Some(certificate), Some(key)) => CertificateSource::Files { certificate, key },
        _ => CertificateSource::Development {
            names: options.names,
        },
    };
    let mut config = RelayConfig {
        listen: if listen.is_empty() {
            vec![ANY_PORT]
        } else {
            listen
        },
        certificate,
        clients: (!options.client_ca_files.is_empty()).then_some(ClientTrust {
            ca_files: options.client_ca_files,
            required: options.require_client_certificate,
        }),
        http: match options.http.as_str() {
            "off" => HttpListen::Off,
            "same-port" => HttpListen::SamePort,
            text => HttpListen::At(address("http", text)?),
        },
        goaway_uri: options.goaway_uri,
        ..RelayConfig::default()
    };
    if !options.exempt_addresses.is_empty() {
        let exempt = options.exempt_addresses.iter().map(|text| exempt(text));
        config.exempt_addresses = exempt.collect::<Result<_>>()?;
    }
    for (name, value) in options.limits {
        set_limit(&mut config.limits, name, value);
    }
    let tokens = match (options.tokens, options.token_file) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid(
                "relay options \"tokens\" and \"tokenFile\" exclude each other; give one of them",
            ));
        }
        (Some(text), None) => Some(StaticTokens::from_json(&text)),
        (None, Some(path)) => Some(StaticTokens::from_file(&path)),
        (None, None) => None,
    };
    if let Some(tokens) = tokens {
        config.authorizer = Arc::new(tokens.map_err(|error| Error::invalid(error.to_string()))?);
    }
    Ok(config)
}

fn address(name: &str, text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| {
        Error::invalid(format!(
            "relay option \"{name}\" must be an IP address and port of this machine such as 127.0.0.1:4443, 0.0.0.0:4443 or [::1]:0, not \"{text}\""
        ))
    })
}

fn exempt(text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| {
        Error::invalid(format!(
            "relay option \"exemptAddresses\" must be IP addresses such as 192.0.2.7, not \"{text}\""
        ))
    })
}

fn set_limit(limits: &mut Limits, name: &str, value: usize) {
    let limit = match name {
        "connectsPerSecond" => return limits.connect_rate.per_second = value as u64,
        "connectBurst" => return limits.connect_rate.burst = value as u64,
        "connectsPerSecondPerAddress" => {
            return limits.connect_rate_per_address.per_second = value as u64
        }
        "connectBurstPerAddress" => return limits.connect_rate_per_address.burst = value as u64,
        "requestsPerSecond" => return limits.request_rate.per_second = value as u64,
        "requestBurst" => return limits.request_rate.burst = value as u64,
        "publishesPerSecond" => return limits.publish_rate.per_second = value as u64,
        "publishBurst" => return limits.publish_rate.burst = value as u64,
        "fetchBytesPerSecond" => return limits.fetch_bytes_rate.per_second = value as u64,
        "fetchBurst" => return limits.fetch_bytes_rate.burst = value as u64,
        "sessions" => &mut limits.sessions,
        "sessionsPerAddress" => &mut limits.sessions_per_address,
        "handshakes" => &mut limits.handshakes,
        "handshakesPerAddress" => &mut limits.handshakes_per_address,
        "fetchesPerSession" => &mut limits.fetches_per_session,
        "allSessionBytes" => &mut limits.session_bytes,
        "sessionBytes" => &mut limits.partial_bytes_per_session,
        "requestsPerSession" => &mut limits.requests_per_session,
        "namespaces" => &mut limits.namespaces,
        "tracks" => &mut limits.tracks,
        "subscriptions" => &mut limits.subscriptions,
        "objectBytes" => &mut limits.object_bytes,
        "cacheBytes" => &mut limits.cache_bytes,
        "trackCacheBytes" => &mut limits.cache_bytes_per_track,
        "queueBytes" => &mut limits.queue_bytes_per_subscriber,
        _ => return,
    };
    *limit = value;
}

fn relay_error(error: RelayError) -> Error {
    let code = match &error {
        RelayError::Config(_) => MOQ_ERROR_INVALID_ARGUMENT,
        RelayError::Certificate(_) => MOQ_ERROR_CERTIFICATE,
        RelayError::Listen { .. } => MOQ_ERROR_CONNECTION_FAILED,
        RelayError::Internal(_) => MOQ_ERROR_INTERNAL,
    };
    Error::new(code, error.to_string())
}
