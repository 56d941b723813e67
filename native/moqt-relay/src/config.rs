//! How a relay is set up, and what bounds it.

use crate::auth::{AllowAll, Authorizer};
use moqt::bucket::Rate;
use moqt_net::{ClientTrust, LinkConfig};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where the relay's certificate comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CertificateSource {
    /// Made on the spot for these names and addresses besides the local ones: self-signed ECDSA
    /// P-256, valid less than 14 days, so that browsers accept it by its SHA-256 alone. For
    /// development and LAN play.
    Development {
        /// Further host names or addresses.
        names: Vec<String>,
    },
    /// PEM files: a certificate chain (leaf first) and its private key.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
}

impl Default for CertificateSource {
    fn default() -> Self {
        CertificateSource::Development { names: Vec::new() }
    }
}

/// Whether and where `/certificate.sha256`, `/stats` and `/metrics` are served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HttpListen {
    /// Not at all.
    #[default]
    Off,
    /// On TCP, on the loopback address and the port number of the first UDP address.
    SamePort,
    /// On this TCP address.
    At(SocketAddr),
}

/// How a relay is set up. Start from [`RelayConfig::default`].
#[derive(Clone)]
pub struct RelayConfig {
    /// UDP addresses; WebTransport and raw QUIC share each port. Port 0 takes a free one. Empty:
    /// connections within the process only. Default `127.0.0.1:4443`.
    pub listen: Vec<SocketAddr>,
    /// The certificate. Default: a development certificate.
    pub certificate: CertificateSource,
    /// Which client certificates are accepted; `None`, the default: clients are not asked for one.
    pub clients: Option<ClientTrust>,
    /// The HTTP side. Default off (the command turns it on).
    pub http: HttpListen,
    /// Admission. Default [`AllowAll`].
    pub authorizer: Arc<dyn Authorizer>,
    /// Bounds.
    pub limits: Limits,
    /// Addresses to which the limits per address do not apply: this machine's own, and those of
    /// proxies that many clients come through. Default `127.0.0.1` and `::1`.
    pub exempt_addresses: Vec<IpAddr>,
    /// Where clients are sent by GOAWAY on shutdown; empty: nowhere in particular. At most
    /// 8,192 bytes.
    pub goaway_uri: String,
    /// Options of each connection.
    pub link: LinkConfig,
}

impl Default for RelayConfig {
    fn default() -> Self {
        RelayConfig {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))],
            certificate: CertificateSource::default(),
            clients: None,
            http: HttpListen::Off,
            authorizer: Arc::new(AllowAll),
            limits: Limits::default(),
            exempt_addresses: vec![
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ],
            goaway_uri: String::new(),
            link: LinkConfig::default(),
        }
    }
}

impl RelayConfig {
    /// Most bytes that one session can make the relay hold, whatever its peer does: what has
    /// arrived and is not whole (buffers grow by doubling), what waits to be read or sent in QUIC,
    /// live requests, and answers that are not read. Beside it the relay holds what all sessions
    /// share: `limits.cache_bytes` and `limits.queue_bytes`.
    pub fn session_ceiling(&self) -> usize {
        let (limits, link) = (&self.limits, &self.link);
        /// Connection, session and their bookkeeping.
        const ENTRY: usize = 256 << 10;
        2 * limits.partial_bytes_per_session.max(limits.object_bytes)
            + limits.request_bytes_per_session
            + limits.unread_bytes_per_session
            + link.receive_window as usize
            + link.datagram_receive_buffer
            + link.datagram_send_buffer
            + link.max_send_window as usize
            + ENTRY
    }
}

impl std::fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayConfig")
            .field("listen", &self.listen)
            .field("certificate", &self.certificate)
            .field("http", &self.http)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The port that is taken when none is named.
pub const DEFAULT_PORT: u16 = 4443;

/// Bounds of a relay. Each is counted in the statistics when it is hit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Sessions at once; a further connection is refused. Default 10,000.
    pub sessions: usize,
    /// Sessions at once from one IPv4 address or one IPv6 network of 64 bits; a further connection
    /// is refused. Default 1,024.
    pub sessions_per_address: usize,
    /// Connections whose handshake is in progress; a further one is refused. From half of it on,
    /// clients must first prove their address with a Retry. Default 512.
    pub handshakes: usize,
    /// The same from one address or network; above it a further one must prove its address and is
    /// refused. Default 64.
    pub handshakes_per_address: usize,
    /// New connections, all together; beyond it they are refused. From half of the burst on, clients
    /// must first prove their address with a Retry. Default 1,000 a second, 4,096 at once.
    pub connect_rate: Rate,
    /// The same from one address or network. Default 50 a second, 512 at once.
    pub connect_rate_per_address: Rate,
    /// Requests of one session, of whatever kind; one beyond it is answered EXCESSIVE_LOAD with the
    /// time to wait. Default 500 a second, 2,048 at once.
    pub request_rate: Rate,
    /// PUBLISH and PUBLISH_NAMESPACE among them. Default 100 a second, 1,024 at once.
    pub publish_rate: Rate,
    /// Bytes that fetches of one session are answered with: 16 KiB for each and 192 for each object
    /// besides its own. Beyond it they wait. Default 8 MiB a second, 16 MiB at once.
    pub fetch_bytes_rate: Rate,
    /// Live requests of one session; a further one is answered EXCESSIVE_LOAD. Default 1,024.
    pub requests_per_session: usize,
    /// Bytes of all live requests of one session as they came; one that goes above it is answered
    /// EXCESSIVE_LOAD. Default 4 MiB.
    pub request_bytes_per_session: usize,
    /// Bytes of messages and objects of one session that have begun to arrive and are not whole;
    /// the stream that grows above it is stopped with EXCESSIVE_LOAD. Never below `object_bytes`.
    /// Default 32 MiB.
    pub partial_bytes_per_session: usize,
    /// Bytes of answers that one session does not read; the request that grows above it is reset
    /// with EXCESSIVE_LOAD. Default 8 MiB.
    pub unread_bytes_per_session: usize,
    /// The three above of all sessions together; beyond it the session that holds most is closed
    /// with INTERNAL_ERROR. Default 512 MiB.
    pub session_bytes: usize,
    /// Published namespaces; a further PUBLISH_NAMESPACE is answered EXCESSIVE_LOAD.
    /// Default 65,536.
    pub namespaces: usize,
    /// Namespaces told to one SUBSCRIBE_NAMESPACE, or tracks to one SUBSCRIBE_TRACKS; a prefix
    /// that matches more is answered NAMESPACE_TOO_LARGE. Default 4,096.
    pub matches_per_prefix: usize,
    /// Tracks known at once; a request for a further one is answered EXCESSIVE_LOAD.
    /// Default 65,536.
    pub tracks: usize,
    /// Subscriptions of all sessions; a further one is answered EXCESSIVE_LOAD. Default 100,000.
    pub subscriptions: usize,
    /// Live fetches of one session; a further one is answered EXCESSIVE_LOAD. Default 64.
    pub fetches_per_session: usize,
    /// Bytes of one fetch response; what does not fit is marked unknown. Default 32 MiB.
    pub fetch_bytes: usize,
    /// Bytes of objects cached of one track; the oldest are evicted. Default 16 MiB.
    pub cache_bytes_per_track: usize,
    /// Groups cached of one track; the oldest are evicted. Default 128.
    pub cache_groups_per_track: usize,
    /// Bytes of objects cached of all tracks; the oldest are evicted. Default 256 MiB.
    pub cache_bytes: usize,
    /// Bytes waiting for one subscriber, besides one object that is larger; beyond it a subscription
    /// that may not drop ends with TOO_FAR_BEHIND. Default 4 MiB.
    pub queue_bytes_per_subscriber: usize,
    /// Bytes waiting for all subscribers (shared payloads counted once for each); beyond it the
    /// slowest subscriber of the track that grows ends with TOO_FAR_BEHIND. Default 512 MiB.
    pub queue_bytes: usize,
    /// Bytes of one object. Default 16 MiB.
    pub object_bytes: usize,
    /// Longest RENDEZVOUS_TIMEOUT that is honoured. Default 60 s.
    pub rendezvous: Duration,
    /// How long a publisher may take to answer. Default 10 s.
    pub upstream_timeout: Duration,
    /// How long a fetch without FILL_TIMEOUT waits for upstream. Default 10 s.
    pub fill_timeout: Duration,
    /// How long an upstream subscription is kept after its last subscriber left. Default 3 s.
    pub linger: Duration,
    /// How long subscriptions wait for a publisher whose connection was lost to come back.
    /// Default 10 s.
    pub publisher_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            sessions: 10_000,
            sessions_per_address: 1_024,
            handshakes: 512,
            handshakes_per_address: 64,
            connect_rate: Rate {
                per_second: 1_000,
                burst: 4_096,
            },
            connect_rate_per_address: Rate {
                per_second: 50,
                burst: 512,
            },
            request_rate: Rate {
                per_second: 500,
                burst: 2_048,
            },
            publish_rate: Rate {
                per_second: 100,
                burst: 1_024,
            },
            fetch_bytes_rate: Rate {
                per_second: 8 << 20,
                burst: 16 << 20,
            },
            requests_per_session: 1_024,
            request_bytes_per_session: 4 << 20,
            partial_bytes_per_session: 32 << 20,
            unread_bytes_per_session: 8 << 20,
            session_bytes: 512 << 20,
            namespaces: 65_536,
            matches_per_prefix: 4_096,
            tracks: 65_536,
            subscriptions: 100_000,
            fetches_per_session: 64,
            fetch_bytes: 32 << 20,
            cache_bytes_per_track: 16 << 20,
            cache_groups_per_track: 128,
            cache_bytes: 256 << 20,
            queue_bytes_per_subscriber: 4 << 20,
            queue_bytes: 512 << 20,
            object_bytes: 16 << 20,
            rendezvous: Duration::from_secs(60),
            upstream_timeout: Duration::from_secs(10),
            fill_timeout: Duration::from_secs(10),
            linger: Duration::from_secs(3),
            publisher_grace: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Why these bounds cannot be used, if they cannot.
    pub fn check(&self) -> Result<(), String> {
        let positive = [
            ("sessions", self.sessions),
            ("sessions_per_address", self.sessions_per_address),
            ("handshakes", self.handshakes),
            ("handshakes_per_address", self.handshakes_per_address),
            ("requests_per_session", self.requests_per_session),
            ("request_bytes_per_session", self.request_bytes_per_session),
            ("partial_bytes_per_session", self.partial_bytes_per_session),
            ("unread_bytes_per_session", self.unread_bytes_per_session),
            ("session_bytes", self.session_bytes),
            ("namespaces", self.namespaces),
            ("matches_per_prefix", self.matches_per_prefix),
            ("tracks", self.tracks),
            ("subscriptions", self.subscriptions),
            ("fetches_per_session", self.fetches_per_session),
            ("cache_groups_per_track", self.cache_groups_per_track),
            (
                "queue_bytes_per_subscriber",
                self.queue_bytes_per_subscriber,
            ),
            ("queue_bytes", self.queue_bytes),
            ("object_bytes", self.object_bytes),
        ];
        let rates = [
            ("connect_rate", self.connect_rate),
            ("connect_rate_per_address", self.connect_rate_per_address),
            ("request_rate", self.request_rate),
            ("publish_rate", self.publish_rate),
            ("fetch_bytes_rate", self.fetch_bytes_rate),
        ];
        if let Some((name, _)) = rates.iter().find(|(_, r)| r.per_second > 0 && r.burst == 0) {
            return Err(format!("the burst of {name} must be at least 1"));
        }
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(format!("the limit {name} must be at least 1")),
            None => Ok(()),
        }
    }
}
