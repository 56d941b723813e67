//! One UDP port with its QUIC endpoint, and the policy for new connections on it.

use crate::acks;
use crate::config::{LinkConfig, ListenConfig};
use crate::congestion::Floor;
use crate::handshake::Handshake;
use crate::link::quic::FIRST_STREAMS;
use crate::sources::{Connects, Source, Sources};
use crate::tls::TlsError;
use crate::udp::UdpSocket;
use quinn_proto::{
    ConnectionHandle, EndpointConfig, IdleTimeout, Incoming, MtuDiscoveryConfig,
    RandomConnectionIdGenerator, ServerConfig, TransportConfig, VarInt,
};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// The application protocol of HTTP/3.
pub(crate) const ALPN_H3: &[u8] = b"h3";

/// Bytes of the connection ids, which every packet carries: enough to tell the connections of one
/// socket apart, and QUIC draws again when one is taken. A client has few, and is sent the most.
const CLIENT_CID: usize = 3;
const SERVER_CID: usize = 4;

/// What is kept of a client's further packets while its first one waits for its turn: the rest of
/// a large first flight, which comes again if it does not fit.
const BYTES_PER_ARRIVAL: u64 = 8 << 10;

/// The part of an endpoint that accepts connections.
pub(crate) struct Listener {
    pub handler: u64,
    pub config: Arc<ListenConfig>,
    pub accepting: bool,
    /// Admitted connections that still exist.
    pub connections: usize,
    /// Those of them that are not ready yet.
    pub handshakes: usize,
    pub sources: Sources,
    pub connects: Connects,
}

pub(crate) struct Endpoint {
    pub socket: UdpSocket,
    pub quic: quinn_proto::Endpoint,
    pub local: SocketAddr,
    pub listener: Option<Listener>,
    /// Connection ids by the endpoint's own handles.
    conns: Vec<Option<u64>>,
    /// Connections that had more to send when the socket was full.
    pub stalled: Vec<u64>,
}

/// What to do with a new incoming connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    Accept,
    /// Make the client prove its address first: costs no state.
    Retry,
    Refuse(Excess),
}

/// What there is too much of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Excess {
    Stopped,
    Connections,
    Handshakes,
    PerAddress,
    /// They come too fast.
    Rate,
    RatePerAddress,
}

impl Endpoint {
    pub fn client(local: SocketAddr) -> io::Result<Self> {
        Self::new(local, None, None)
    }

    pub fn server(config: ListenConfig, handler: u64) -> io::Result<Self> {
        let server = server_config(&config)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e.to_string()))?;
        let listener = Listener {
            handler,
            accepting: true,
            connections: 0,
            handshakes: 0,
            sources: Sources::default(),
            connects: Connects::default(),
            config: Arc::new(config),
        };
        let local = listener.config.address;
        Self::new(local, Some(Arc::new(server)), Some(listener))
    }

    fn new(
        local: SocketAddr,
        server: Option<Arc<ServerConfig>>,
        listener: Option<Listener>,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind(local)?;
        let local = socket.io.local_addr()?;
        let mut config = EndpointConfig::default();
        let cid = match listener {
            Some(_) => SERVER_CID,
            None => CLIENT_CID,
        };
        config.cid_generator(move || Box::new(RandomConnectionIdGenerator::new(cid)));
        let quic =
            quinn_proto::Endpoint::new(Arc::new(config), server, !socket.may_fragment(), None);
        Ok(Endpoint {
            socket,
            quic,
            local,
            listener,
            conns: Vec::new(),
            stalled: Vec::new(),
        })
    }

    pub fn conn(&self, handle: ConnectionHandle) -> Option<u64> {
        self.conns.get(handle.0).copied().flatten()
    }

    pub fn set_conn(&mut self, handle: ConnectionHandle, conn: Option<u64>) {
        if self.conns.len() <= handle.0 {
            self.conns.resize(handle.0 + 1, None);
        }
        if let Some(slot) = self.conns.get_mut(handle.0) {
            *slot = conn;
        }
    }

    pub fn is_unused(&self) -> bool {
        self.conns.iter().all(Option::is_none)
    }

    pub fn admit(&mut self, now: Instant, incoming: &Incoming) -> Admission {
        let Some(listener) = self.listener.as_mut().filter(|l| l.accepting) else {
            return Admission::Refuse(Excess::Stopped);
        };
        let config = &listener.config;
        if listener.connections >= config.max_connections {
            return Admission::Refuse(Excess::Connections);
        }
        if listener.handshakes >= config.max_handshakes {
            return Admission::Refuse(Excess::Handshakes);
        }
        let source = listener.source(incoming);
        let count = listener.sources.count(source);
        let many = count.connections >= config.max_connections_per_address
            || count.handshakes >= config.max_handshakes_per_address;
        let busy = listener.handshakes >= config.max_handshakes.div_ceil(2)
            || listener.connects.is_low(config, source, now);
        // Whoever is not proved to be there may use another's address.
        if (busy || many) && !incoming.remote_address_validated() && incoming.may_retry() {
            return Admission::Retry;
        }
        if many {
            return Admission::Refuse(Excess::PerAddress);
        }
        match listener.connects.take(config, source, now) {
            Ok(()) => Admission::Accept,
            Err(excess) => Admission::Refuse(excess),
        }
    }
}

impl Listener {
    /// Who a new connection counts for.
    pub fn source(&self, incoming: &Incoming) -> Option<Source> {
        Source::of(incoming.remote_address().ip(), &self.config)
    }

    /// A connection was admitted.
    pub fn begin(&mut self, source: Option<Source>) {
        self.connections += 1;
        self.handshakes += 1;
        self.sources.begin(source);
    }

    /// A connection became ready.
    pub fn ready(&mut self, source: Option<Source>) {
        self.handshakes = self.handshakes.saturating_sub(1);
        self.sources.ready(source);
    }

    /// A connection is over; `ready` if it had been.
    pub fn end(&mut self, source: Option<Source>, ready: bool) {
        self.connections = self.connections.saturating_sub(1);
        if !ready {
            self.handshakes = self.handshakes.saturating_sub(1);
        }
        self.sources.end(source, ready);
    }
}

fn server_config(config: &ListenConfig) -> Result<ServerConfig, TlsError> {
    let mut alpn: Vec<Vec<u8>> = Vec::new();
    if config.quic {
        alpn.extend(config.protocols.iter().map(|p| p.as_bytes().to_vec()));
    }
    if config.webtransport {
        alpn.push(ALPN_H3.to_vec());
    }
    if alpn.is_empty() || config.protocols.is_empty() {
        return Err(TlsError(
            "no protocols: allow QUIC or WebTransport and name a draft".into(),
        ));
    }
    let crypto = config
        .certificate
        .quic_config(&alpn, config.clients.as_ref())?;
    let speaks: Vec<_> = alpn.iter().map(|p| String::from_utf8_lossy(p)).collect();
    let crypto = Handshake {
        inner: Arc::new(crypto),
        phrase: format!("this server speaks {}", speaks.join(", ")).into(),
    };
    let mut server = ServerConfig::with_crypto(Arc::new(crypto));
    server
        // Those that wait and the one being judged; beyond it QUIC would ignore them uncounted.
        .max_incoming(config.max_handshakes.saturating_add(1))
        .incoming_buffer_size(BYTES_PER_ARRIVAL)
        .incoming_buffer_size_total(BYTES_PER_ARRIVAL.saturating_mul(config.max_handshakes as u64));
    server.transport_config(Arc::new(transport_config(&config.link)?));
    Ok(server)
}

/// The QUIC parameters for a link.
pub(crate) fn transport_config(link: &LinkConfig) -> Result<TransportConfig, TlsError> {
    let idle = IdleTimeout::try_from(link.idle_timeout)
        .map_err(|_| TlsError("idle_timeout is too long".into()))?;
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(link.keep_alive)
        .max_concurrent_uni_streams(VarInt::from_u32(link.max_incoming_uni.min(FIRST_STREAMS)))
        .max_concurrent_bidi_streams(VarInt::from_u32(link.max_incoming_bidi.min(FIRST_STREAMS)))
        .stream_receive_window(VarInt::from_u32(link.stream_receive_window))
        .receive_window(VarInt::from_u32(link.receive_window))
        .send_window(link.max_send_window)
        .datagram_receive_buffer_size(Some(link.datagram_receive_buffer))
        .datagram_send_buffer_size(link.datagram_send_buffer)
        .initial_mtu(link.initial_mtu.clamp(1_200, 1_452))
        .ack_frequency_config(Some(acks::config()))
        .congestion_controller_factory(Arc::new(Floor::default()))
        .mtu_discovery_config(Some(MtuDiscoveryConfig::default()));
    Ok(config)
}
