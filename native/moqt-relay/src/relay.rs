//! Starting a relay and holding on to it.

use crate::config::{CertificateSource, HttpListen, RelayConfig};
use crate::error::RelayError;
use crate::handler::{Command, Commands, RelayHandler};
use crate::http::{HttpServer, Source};
use crate::stats::RelayStats;
use moqt_net::{HandlerId, Remote, Runtime, ServerCertificate};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the I/O thread may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// What a shutdown may take beyond its drain time.
const CLOSING: Duration = Duration::from_secs(2);

/// The embedded relay.
#[derive(Debug)]
pub struct Relay;

impl Relay {
    /// Starts a relay on an I/O thread of its own and returns when it listens. Errors say what to
    /// do: an address in use, a certificate that cannot be used, a limit out of range.
    pub fn start(config: RelayConfig) -> Result<RelayHandle, RelayError> {
        config.limits.check().map_err(RelayError::Config)?;
        if config.goaway_uri.len() > 8_192 {
            return Err(RelayError::Config(
                "goaway_uri is longer than 8,192 bytes".into(),
            ));
        }
        let certificate = match &config.certificate {
            CertificateSource::Development { names } => ServerCertificate::development(names),
            CertificateSource::Files { certificate, key } => {
                ServerCertificate::from_pem_files(certificate, key)
            }
        }
        .map_err(|e| RelayError::Certificate(e.to_string()))?;
        let sha256 = certificate.sha256_hex();
        let runtime = Runtime::start("moq-relay")
            .map_err(|e| RelayError::Internal(format!("cannot start the I/O thread: {e}")))?;
        let commands = Commands::default();
        let (started, listening) = channel();
        let (alive, ended) = channel();
        let http = config.http;
        let handler = RelayHandler::new(config, certificate, commands.clone(), started, alive);
        let remote = runtime.spawn(Box::new(handler));
        let addresses = match listening.recv_timeout(ANSWER) {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(e)) => {
                stop(&runtime);
                return Err(e);
            }
            Err(_) => {
                stop(&runtime);
                return Err(RelayError::Internal(
                    "the I/O thread did not start the relay".into(),
                ));
            }
        };
        let mut handle = RelayHandle {
            addresses,
            sha256,
            runtime,
            remote,
            commands,
            ended: Mutex::new(ended),
            http: Mutex::new(None),
            http_address: None,
        };
        let http_address = match http {
            HttpListen::Off => None,
            HttpListen::At(address) => Some(address),
            HttpListen::SamePort => handle.addresses.first().map(|udp| {
                let loopback = match udp.ip() {
                    IpAddr::V6(ip) if ip != Ipv6Addr::UNSPECIFIED => {
                        IpAddr::V6(Ipv6Addr::LOCALHOST)
                    }
                    _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
                };
                SocketAddr::new(loopback, udp.port())
            }),
        };
        if let Some(address) = http_address {
            let source = HttpSource {
                sha256: handle.sha256.clone(),
                commands: handle.commands.clone(),
                remote: handle.remote.clone(),
            };
            let server = HttpServer::start(address, source)?;
            handle.http_address = Some(server.address());
            handle.http = Mutex::new(Some(server));
        }
        Ok(handle)
    }
}

fn stop(runtime: &Runtime) {
    if let Err(e) = runtime.shutdown() {
        log::warn!("the relay's I/O thread could not be joined: {e}");
    }
}

/// Asks the I/O thread for a snapshot.
fn ask_stats(commands: &Commands, remote: &Remote) -> Option<RelayStats> {
    if !remote.is_alive() {
        return None;
    }
    let (reply, answer) = channel();
    commands.push(Command::Stats(reply));
    remote.wake();
    answer.recv_timeout(ANSWER).ok()
}

struct HttpSource {
    sha256: String,
    commands: Commands,
    remote: Remote,
}

impl Source for HttpSource {
    fn certificate_sha256(&self) -> String {
        self.sha256.clone()
    }

    fn stats(&self) -> Option<RelayStats> {
        ask_stats(&self.commands, &self.remote)
    }
}

/// A running relay. Dropping it shuts it down at once, without draining; inside a callback of its
/// own I/O thread the thread is told to end and not waited for.
#[derive(Debug)]
pub struct RelayHandle {
    addresses: Vec<SocketAddr>,
    sha256: String,
    runtime: Runtime,
    remote: Remote,
    commands: Commands,
    ended: Mutex<Receiver<()>>,
    http: Mutex<Option<HttpServer>>,
    http_address: Option<SocketAddr>,
}

impl RelayHandle {
    /// The UDP addresses it listens on, in the order of [`RelayConfig::listen`].
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The first UDP address.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.addresses.first().copied()
    }

    /// SHA-256 of the certificate in lower-case hex, for `serverCertificateHashes`.
    pub fn certificate_sha256(&self) -> &str {
        &self.sha256
    }

    /// One `https:` URL per UDP address, usable on this machine: an unspecified address is
    /// written as the loopback address. Replace the scheme by `moqt:` for raw QUIC.
    pub fn urls(&self) -> Vec<String> {
        let host = |ip: IpAddr| match ip {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        self.addresses
            .iter()
            .map(|a| format!("https://{}:{}", host(a.ip()), a.port()))
            .collect()
    }

    /// The first of [`RelayHandle::urls`].
    pub fn url(&self) -> Option<String> {
        self.urls().into_iter().next()
    }

    /// The address of the HTTP side, when there is one.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// The I/O thread: spawn a client's handler on it to connect without sockets.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The relay's handler, the target of [`moqt_net::Context::connect_memory`] on
    /// [`RelayHandle::runtime`].
    pub fn handler_id(&self) -> HandlerId {
        self.remote.id()
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.remote.is_alive()
    }

    /// A snapshot of the statistics; `None` after shutdown, or when called on the relay's own I/O
    /// thread.
    pub fn stats(&self) -> Option<RelayStats> {
        if self.runtime.is_current_thread() {
            return None;
        }
        ask_stats(&self.commands, &self.remote)
    }

    /// Shuts down: sends GOAWAY to every session, refuses new requests, waits up to `drain` for
    /// sessions to leave, closes the rest, and joins the threads. Blocks for that long; later
    /// calls return at once. Refused on the relay's own I/O thread (inside a callback).
    pub fn shutdown(&self, drain: Duration) -> Result<(), RelayError> {
        if self.runtime.is_current_thread() {
            return Err(RelayError::Internal(
                "shutdown was called from the relay's own I/O thread; call it from another thread"
                    .into(),
            ));
        }
        // One caller drains; another waits here and finds it done.
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if self.remote.is_alive() {
            self.commands.push(Command::Shutdown(drain));
            self.remote.wake();
            // Nothing is ever sent: the end of the channel is the end of the handler.
            if ended.recv_timeout(drain + CLOSING) == Err(RecvTimeoutError::Timeout) {
                log::warn!("the relay did not end in time; its thread is stopped now");
                self.remote.remove();
            }
        }
        drop(
            self.http
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        stop(&self.runtime);
        Ok(())
    }
}

impl Drop for RelayHandle {
    fn drop(&mut self) {
        if self.runtime.is_current_thread() {
            self.remote.remove();
        } else {
            let _ = self.shutdown(Duration::ZERO);
        }
    }
}
