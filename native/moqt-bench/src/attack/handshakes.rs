//! Handshakes that nobody means to finish: Initial packets from many ports, and packets that are
//! none at all.

use super::bytes::noise;
use super::options::AttackOptions;
use super::tally::Tally;
use crate::peer::setup_options;
use quinn_proto::crypto::rustls::QuicClientConfig;
use quinn_proto::{ClientConfig, ConnectionHandle, Endpoint, EndpointConfig, EndpointEvent};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ports that packets come from.
const PORTS: usize = 256;
/// Packets sent between two looks at the answers.
const BATCH: u64 = 32;

/// Sends until the time is over; what the relay answers is counted and not answered.
pub fn flood(options: &AttackOptions, begun: impl FnOnce()) -> Result<Tally, String> {
    let address = target(&options.url)?;
    let sockets = sockets(address)?;
    let mut clients = Clients::new()?;
    let (start, mut tally, mut seed) = (Instant::now(), Tally::default(), 1);
    begun();
    while start.elapsed() < options.seconds && tally.actions < options.attempts {
        let due = match options.rate {
            rate if rate > 0.0 => (start.elapsed().as_secs_f64() * rate) as u64,
            _ => u64::MAX,
        };
        if due <= tally.actions {
            std::thread::sleep(Duration::from_millis(1));
        }
        for _ in 0..BATCH.min(due.saturating_sub(tally.actions)) {
            let socket = sockets.get(tally.actions as usize % sockets.len());
            let packet = match tally.actions % 4 {
                3 => garbage(&mut seed),
                _ => clients.initial(address)?,
            };
            tally.actions += 1;
            match socket.map(|socket| socket.send_to(&packet, address)) {
                Some(Ok(_)) => {
                    tally.packets += 1;
                    tally.traffic.packets_sent += 1;
                    tally.traffic.bytes_sent += packet.len() as u64;
                }
                _ => tally.blocked += 1,
            }
        }
        listen(&sockets, &mut tally);
    }
    // The last answers.
    std::thread::sleep(Duration::from_millis(50));
    listen(&sockets, &mut tally);
    Ok(tally)
}

fn target(url: &str) -> Result<SocketAddr, String> {
    let authority = match setup_options(url) {
        (_, Some(authority)) => authority,
        _ => {
            let rest = url.strip_prefix("https://").unwrap_or(url);
            rest.split('/').next().unwrap_or(rest).to_owned()
        }
    };
    let addresses = authority.to_socket_addrs();
    let mut addresses = addresses.map_err(|e| format!("{authority}: {e}; name host and port"))?;
    addresses
        .next()
        .ok_or_else(|| format!("{authority} has no address"))
}

fn sockets(target: SocketAddr) -> Result<Vec<UdpSocket>, String> {
    let any = |number: usize| match target.ip() {
        // Many addresses besides many ports, where the machine has them all.
        IpAddr::V4(ip) if ip.is_loopback() && cfg!(target_os = "linux") => {
            IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1 + (number % 200) as u8))
        }
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    (0..PORTS)
        .map(|number| {
            let socket = UdpSocket::bind((any(number), 0))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        })
        .collect::<std::io::Result<_>>()
        .map_err(|e| format!("cannot open {PORTS} UDP sockets: {e}"))
}

fn listen(sockets: &[UdpSocket], tally: &mut Tally) {
    let mut buffer = [0; 2_048];
    for socket in sockets {
        while let Ok(length) = socket.recv(&mut buffer) {
            tally.traffic.packets_received += 1;
            tally.traffic.bytes_received += length as u64;
            let version = buffer.get(1..5);
            match buffer.first() {
                Some(first) if first & 0x80 != 0 && version == Some(&[0; 4]) => {
                    tally.answered_version += 1;
                }
                // Long header, type Retry (RFC 9000 section 17.2.5).
                Some(first) if first & 0xF0 == 0xF0 => tally.answered_retry += 1,
                _ => tally.answered_other += 1,
            }
        }
    }
}

/// Makes the first packets of connections.
struct Clients {
    endpoint: Endpoint,
    config: ClientConfig,
}

impl Clients {
    fn new() -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Nothing is ever trusted: it does not come that far.
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| e.to_string())?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"moqt-18".to_vec()];
        let tls = QuicClientConfig::try_from(tls).map_err(|e| e.to_string())?;
        Ok(Clients {
            endpoint: Endpoint::new(Arc::new(EndpointConfig::default()), None, true, None),
            config: ClientConfig::new(Arc::new(tls)),
        })
    }

    fn initial(&mut self, address: SocketAddr) -> Result<Vec<u8>, String> {
        let now = Instant::now();
        let (handle, mut connection) = self
            .endpoint
            .connect(now, self.config.clone(), address, "relay")
            .map_err(|e| e.to_string())?;
        let mut packet = Vec::new();
        let transmit = connection.poll_transmit(now, 1, &mut packet);
        self.forget(handle);
        packet.truncate(transmit.map_or(0, |t| t.size));
        Ok(packet)
    }

    fn forget(&mut self, handle: ConnectionHandle) {
        let _ = self.endpoint.handle_event(handle, EndpointEvent::drained());
    }
}

/// Random bytes; half of them dressed as an Initial, a quarter as one of an unknown version.
fn garbage(seed: &mut u64) -> Vec<u8> {
    let mut packet = noise(seed, 1_200).to_vec();
    let dress: &[u8] = match packet.first().copied().unwrap_or_default() % 4 {
        0 => &[],
        1 => &[0xC3, 0x0A, 0x0A, 0x0A, 0x0A, 8],
        _ => &[0xC3, 0, 0, 0, 1, 8],
    };
    packet.splice(..dress.len(), dress.iter().copied());
    packet
}
