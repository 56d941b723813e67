//! Outgoing connections: name, address after address, and giving up.

use super::{Core, Link};
use crate::address::Address;
use crate::config::{ConnectConfig, ConnectError};
use crate::endpoint::{transport_config, Endpoint, ALPN_H3};
use crate::handler::TransportKind;
use crate::link::quic::{Origin, Outgoing, QuicLink};
use crate::link::webtransport::{Role, WebTransport};
use crate::link::Mapping;
use crate::resolve::resolve;
use crate::verify::{client_config, Refusal};
use bytes::Bytes;
use moqt::transport::{CloseReason, TransportEvent};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use web_transport_proto::ConnectRequest;

/// How long an address may be silent before the next one of the same host is tried.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(400);
/// Most addresses tried for one connection.
const MAX_ADDRESSES: usize = 8;

/// What an outgoing connection needs until it is ready.
pub(super) struct Attempt {
    address: Address,
    config: ConnectConfig,
    quic: quinn_proto::ClientConfig,
    request: ConnectRequest,
    offered: String,
    refusal: Refusal,
    remaining: VecDeque<SocketAddr>,
    /// When the next address is tried unless the current one has answered.
    pub next_at: Option<Instant>,
    last_error: Option<String>,
}

impl Core {
    /// Checks everything that can be checked without the network and starts.
    pub fn connect(&mut self, config: ConnectConfig, handler: u64) -> Result<u64, ConnectError> {
        let address = Address::parse(&config.url)?;
        if config.protocols.is_empty() {
            return Err(ConnectError::Config(
                "protocols is empty; name at least one draft".into(),
            ));
        }
        let webtransport = address.kind == TransportKind::WebTransport;
        let alpn = if webtransport {
            vec![ALPN_H3.to_vec()]
        } else {
            config
                .protocols
                .iter()
                .map(|p| p.as_bytes().to_vec())
                .collect()
        };
        let wrong = |e: crate::TlsError| ConnectError::Config(e.to_string());
        let (tls, refusal) =
            client_config(&config.trust, config.certificate.as_ref(), alpn).map_err(wrong)?;
        let mut quic = quinn_proto::ClientConfig::new(Arc::new(tls));
        quic.transport_config(Arc::new(transport_config(&config.link).map_err(wrong)?));
        let request = ConnectRequest::new(address.url.clone())
            .with_protocols(config.protocols.iter().cloned());
        if let Err(e) = request.encode(&mut Vec::new()) {
            let text = format!("protocols or URL cannot be sent in a request: {e}");
            return Err(ConnectError::Config(text));
        }
        let offered = config.protocols.join(", ");
        let offered = if webtransport {
            format!("h3 ({offered})")
        } else {
            offered
        };

        let id = self.new_conn(handler, Link::Pending);
        let deadline = self.now + config.timeout;
        let (host, port) = (address.host.clone(), address.port);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.deadline = Some(deadline);
            conn.attempt = Some(Box::new(Attempt {
                address,
                config,
                quic,
                request,
                offered,
                refusal,
                remaining: VecDeque::new(),
                next_at: None,
                last_error: None,
            }));
        }
        if let Ok(ip) = host.parse::<IpAddr>() {
            self.on_resolved(id, Ok(vec![SocketAddr::new(ip, port)]));
        } else if let Err(e) = resolve(self.inbox.clone(), id, host, port) {
            self.on_resolved(id, Err(e));
        }
        Ok(id)
    }

    pub fn on_resolved(&mut self, id: u64, result: io::Result<Vec<SocketAddr>>) {
        let Some(attempt) = self.conns.get_mut(id).and_then(|c| c.attempt.as_mut()) else {
            return;
        };
        match result {
            Ok(found) => attempt
                .remaining
                .extend(found.into_iter().take(MAX_ADDRESSES)),
            Err(e) => attempt.last_error = Some(e.to_string()),
        }
        self.try_next_address(id);
    }

    /// Tries the next address of the host; the one before, if any, has not answered.
    pub(super) fn try_next_address(&mut self, id: u64) {
        loop {
            let Some(conn) = self.conns.get_mut(id) else {
                return;
            };
            let Some(attempt) = conn.attempt.as_mut() else {
                return;
            };
            attempt.next_at = None;
            if let Link::Quic(link) = &conn.link {
                if attempt.remaining.is_empty() || link.conn.stats().udp_rx.datagrams > 0 {
                    return;
                }
            }
            let Some(remote) = attempt.remaining.pop_front() else {
                let why = attempt.last_error.as_deref().unwrap_or("it has no address");
                let host = &attempt.address.host;
                let text = format!("cannot reach {host}: {why}; check the name and the network");
                self.fail_pending(id, CloseReason::Refused(text));
                return;
            };
            match self.start(id, remote) {
                Ok(()) => return,
                Err(e) => {
                    let attempt = self.conns.get_mut(id).and_then(|c| c.attempt.as_mut());
                    if let Some(attempt) = attempt {
                        attempt.last_error = Some(format!("{remote}: {e}"));
                    }
                }
            }
        }
    }

    /// The failure is reported with the next round, never from inside `connect`.
    fn fail_pending(&mut self, id: u64, reason: CloseReason) {
        if let Some(conn) = self.conns.get_mut(id) {
            let old = std::mem::replace(&mut conn.link, Link::Failed(Some(reason)));
            if let Link::Quic(link) = old {
                self.discard(link.endpoint, link.handle);
            }
        }
        self.mark(id);
    }

    fn start(&mut self, id: u64, remote: SocketAddr) -> Result<(), String> {
        let index = self.client_endpoint(remote).map_err(|e| e.to_string())?;
        let now = self.now;
        let Some(Some(endpoint)) = self.endpoints.get_mut(index) else {
            return Err("no socket".into());
        };
        let Some(conn) = self.conns.get_mut(id) else {
            return Ok(());
        };
        let Some(attempt) = conn.attempt.as_mut() else {
            return Ok(());
        };
        let (handle, connection) = endpoint
            .quic
            .connect(now, attempt.quic.clone(), remote, &attempt.address.host)
            .map_err(|e| e.to_string())?;
        endpoint.set_conn(handle, Some(id));
        let outgoing = Outgoing {
            path: attempt.address.path.clone(),
            authority: attempt.address.authority.clone(),
            offered: attempt.offered.clone(),
            refusal: attempt.refusal.clone(),
        };
        let mapping = match attempt.address.kind {
            TransportKind::WebTransport => {
                Mapping::WebTransport(Box::new(WebTransport::new(Role::Client {
                    request: Box::new(attempt.request.clone()),
                    peer: attempt.address.authority.clone(),
                })))
            }
            _ => Mapping::Raw,
        };
        let link = QuicLink::new(
            connection,
            index,
            handle,
            now,
            mapping,
            &attempt.config.link,
            Origin::Outgoing(outgoing),
        );
        attempt.next_at = (!attempt.remaining.is_empty()).then_some(now + NEXT_ADDRESS_AFTER);
        let old = std::mem::replace(&mut conn.link, Link::Quic(Box::new(link)));
        if let Link::Quic(mut old) = old {
            old.conn.close(now, 0u32.into(), Bytes::new());
            self.discard(old.endpoint, old.handle);
        }
        self.mark(id);
        Ok(())
    }

    fn client_endpoint(&mut self, remote: SocketAddr) -> io::Result<usize> {
        let (family, any): (usize, IpAddr) = match remote {
            SocketAddr::V4(_) => (0, Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (1, Ipv6Addr::UNSPECIFIED.into()),
        };
        if let Some(index) = self.client_endpoints.get(family).copied().flatten() {
            return Ok(index);
        }
        let endpoint = Endpoint::client(SocketAddr::new(any, 0))?;
        let index = self.add_endpoint(endpoint)?;
        if let Some(slot) = self.client_endpoints.get_mut(family) {
            *slot = Some(index);
        }
        Ok(index)
    }

    /// Closes one of the handler's connections, ready or not.
    pub fn close_conn(&mut self, id: u64, handler: u64, code: u64, reason: &str) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(id).filter(|c| c.handler == handler) else {
            return;
        };
        match &mut conn.link {
            Link::Quic(link) => {
                use moqt::transport::Transport;
                link.set_now(now);
                link.close(code, reason);
                self.mark(id);
            }
            Link::Pending => self.fail_pending(id, CloseReason::Local),
            Link::Failed(_) => {}
            Link::Memory(_) => self.close_memory(id, code, reason),
        }
    }

    pub(super) fn failed_event(reason: &mut Option<CloseReason>) -> Option<TransportEvent> {
        reason.take().map(TransportEvent::Closed)
    }
}
