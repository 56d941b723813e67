//! Options of listeners, connections and links, with their limits.

use crate::tls::{ClientCertificate, ClientTrust, ServerCertificate, Trust};
use moqt::bucket::Rate;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The MOQT protocol spoken by default: draft-18.
pub const MOQT_18: &str = "moqt-18";

/// Options of one QUIC connection.
///
/// Memory a peer can make one connection hold: at most `receive_window` of received stream data,
/// `datagram_receive_buffer` of received datagrams, `max(64 KiB, 2 x congestion window)` capped by
/// `max_send_window` of unacknowledged sent data, and `datagram_send_buffer` of datagrams to send.
/// With the defaults: 8 MiB + 1 MiB + 8 MiB + 256 KiB.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// A packet is sent at least this often so that the connection stays up. Default 4 s;
    /// `None` for never.
    pub keep_alive: Option<Duration>,
    /// The connection is lost when nothing is heard of the peer for this long. Default 15 s.
    /// The smaller of both sides' values counts.
    pub idle_timeout: Duration,
    /// Most unidirectional streams the peer may have open at once. Default 1,024.
    pub max_incoming_uni: u32,
    /// Most bidirectional streams the peer may have open at once. Each live request takes one,
    /// so this is above the limit of requests in a session (1,024). Default 2,048.
    pub max_incoming_bidi: u32,
    /// Most unread bytes on one stream. Default 1 MiB.
    pub stream_receive_window: u32,
    /// Most unread bytes on all streams together. Default 8 MiB.
    pub receive_window: u32,
    /// Upper bound of the send window, which follows the congestion window. Default 8 MiB.
    pub max_send_window: u64,
    /// Bytes of datagrams waiting to be sent; beyond it a datagram is `Blocked`.
    /// Default 256 KiB.
    pub datagram_send_buffer: usize,
    /// Bytes of received datagrams not yet delivered; beyond it the oldest are dropped.
    /// Default 1 MiB.
    pub datagram_receive_buffer: usize,
    /// UDP payload bytes assumed to fit before path MTU discovery has found out. Default 1,200.
    pub initial_mtu: u16,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig {
            keep_alive: Some(Duration::from_secs(4)),
            idle_timeout: Duration::from_secs(15),
            max_incoming_uni: 1_024,
            max_incoming_bidi: 2_048,
            stream_receive_window: 1 << 20,
            receive_window: 8 << 20,
            max_send_window: 8 << 20,
            datagram_send_buffer: 256 << 10,
            datagram_receive_buffer: 1 << 20,
            initial_mtu: 1_200,
        }
    }
}

/// Options of [`crate::Context::listen`].
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// The UDP address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Certificate and key.
    pub certificate: ServerCertificate,
    /// Which client certificates are accepted; `None`, the default: clients are not asked for one.
    pub clients: Option<ClientTrust>,
    /// MOQT protocols, best first. Default [`MOQT_18`] only.
    pub protocols: Vec<String>,
    /// Whether raw QUIC is accepted. Default true.
    pub quic: bool,
    /// Whether WebTransport over HTTP/3 is accepted on the same port. Default true.
    pub webtransport: bool,
    /// Most connections at once, handshakes included; more are refused and counted.
    /// Default 10,000.
    pub max_connections: usize,
    /// Most handshakes in progress at once (TLS and the WebTransport CONNECT exchange); more are
    /// refused. From half of it on, clients must first prove their address with a Retry.
    /// Default 512.
    pub max_handshakes: usize,
    /// The same from one source: an IPv4 address, or an IPv6 network of 64 bits. More are refused
    /// once the source is proved to be theirs, and asked to prove it before. Default: as many as
    /// `max_connections`.
    pub max_connections_per_address: usize,
    /// Most handshakes in progress from one source. Default: as many as `max_handshakes`.
    pub max_handshakes_per_address: usize,
    /// New connections; more are refused. From half of the burst on, clients must first prove
    /// their address with a Retry. Default no limit.
    pub connect_rate: Rate,
    /// New connections from one source. Default no limit.
    pub connect_rate_per_address: Rate,
    /// Addresses to which the bounds per address do not apply, such as those of the operator's own
    /// proxies. Default none.
    pub exempt_addresses: Vec<IpAddr>,
    /// Time for TLS and the CONNECT exchange. Default 10 s.
    pub handshake_timeout: Duration,
    /// Options of each accepted connection.
    pub link: LinkConfig,
}

impl ListenConfig {
    /// The defaults for an address and a certificate.
    pub fn new(address: SocketAddr, certificate: ServerCertificate) -> Self {
        ListenConfig {
            address,
            certificate,
            clients: None,
            protocols: vec![MOQT_18.to_owned()],
            quic: true,
            webtransport: true,
            max_connections: 10_000,
            max_handshakes: 512,
            max_connections_per_address: 10_000,
            max_handshakes_per_address: 512,
            connect_rate: Rate::UNLIMITED,
            connect_rate_per_address: Rate::UNLIMITED,
            exempt_addresses: Vec::new(),
            handshake_timeout: Duration::from_secs(10),
            link: LinkConfig::default(),
        }
    }
}

/// Options of [`crate::Context::connect`].
#[derive(Clone, Debug)]
pub struct ConnectConfig {
    /// `https://host:port/path` (WebTransport), `moqt://` or `quic://` (raw QUIC).
    pub url: String,
    /// Which certificates are accepted. Default: the system's roots.
    pub trust: Trust,
    /// Shown to a server that asks who the client is. Default none.
    pub certificate: Option<ClientCertificate>,
    /// MOQT protocols to offer, best first. Default [`MOQT_18`] only.
    pub protocols: Vec<String>,
    /// Time for name resolution, TLS and the CONNECT exchange together. Default 10 s.
    pub timeout: Duration,
    /// Options of the connection.
    pub link: LinkConfig,
}

impl ConnectConfig {
    /// The defaults for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        ConnectConfig {
            url: url.into(),
            trust: Trust::default(),
            certificate: None,
            protocols: vec![MOQT_18.to_owned()],
            timeout: Duration::from_secs(10),
            link: LinkConfig::default(),
        }
    }
}

/// Why a connection attempt was refused before it began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectError {
    /// The URL cannot be used; the text says why and what is accepted.
    Url(String),
    /// The options cannot be used (trust, protocols, limits).
    Config(String),
    /// No socket could be made.
    Socket(String),
    /// No such handler on this runtime (memory connections).
    NoPeer,
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConnectError::Url(text) | ConnectError::Config(text) | ConnectError::Socket(text) => {
                f.write_str(text)
            }
            ConnectError::NoPeer => {
                f.write_str("no such handler on this runtime; it was removed or never existed")
            }
        }
    }
}

impl std::error::Error for ConnectError {}
