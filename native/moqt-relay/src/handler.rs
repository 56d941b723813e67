//! The relay as a handler on an I/O thread.

use crate::config::RelayConfig;
use crate::core::Core;
use crate::error::RelayError;
use crate::stats::RelayStats;
use moqt::transport::TransportEvent;
use moqt_net::{ConnId, ConnInfo, Context, Handler, ListenConfig, ServerCertificate};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What other threads ask of the relay.
pub(crate) enum Command {
    /// A snapshot of the statistics.
    Stats(Sender<RelayStats>),
    /// GOAWAY, then close and end after the drain time.
    Shutdown(Duration),
}

/// Commands on their way; pushed by any thread, taken on the I/O thread.
#[derive(Clone, Default)]
pub(crate) struct Commands(Arc<Mutex<VecDeque<Command>>>);

impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Commands")
    }
}

impl Commands {
    pub(crate) fn push(&self, command: Command) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(command);
    }

    fn take(&self) -> VecDeque<Command> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells the starting thread where the relay listens, or why it cannot.
pub(crate) type Started = Sender<Result<Vec<SocketAddr>, RelayError>>;

/// The relay on its I/O thread.
pub(crate) struct RelayHandler {
    core: Core,
    certificate: ServerCertificate,
    commands: Commands,
    started: Option<Started>,
    addresses: Vec<SocketAddr>,
    /// Dropped with the handler: whoever holds the other end learns that the relay is gone.
    _alive: Sender<()>,
}

impl RelayHandler {
    pub(crate) fn new(
        config: RelayConfig,
        certificate: ServerCertificate,
        commands: Commands,
        started: Started,
        alive: Sender<()>,
    ) -> Self {
        RelayHandler {
            core: Core::new(config, Instant::now()),
            certificate,
            commands,
            started: Some(started),
            addresses: Vec::new(),
            _alive: alive,
        }
    }

    fn listen(&mut self, cx: &mut Context<'_>) -> Result<Vec<SocketAddr>, RelayError> {
        let mut bound = Vec::new();
        for address in self.core.config.listen.clone() {
            let mut listen = ListenConfig::new(address, self.certificate.clone());
            listen.clients = self.core.config.clients.clone();
            let limits = &self.core.config.limits;
            listen.max_connections = limits.sessions;
            listen.max_connections_per_address = limits.sessions_per_address;
            listen.max_handshakes = limits.handshakes;
            listen.max_handshakes_per_address = limits.handshakes_per_address;
            listen.connect_rate = limits.connect_rate;
            listen.connect_rate_per_address = limits.connect_rate_per_address;
            listen.exempt_addresses = self.core.config.exempt_addresses.clone();
            listen.link = self.core.config.link.clone();
            bound.push(
                cx.listen(listen)
                    .map_err(|e| RelayError::listen(address, "UDP", &e))?,
            );
        }
        Ok(bound)
    }

    fn end_if_drained(&mut self, cx: &mut Context<'_>) {
        if self.core.is_drained() {
            self.core.close_all(cx);
            cx.remove_self();
        }
    }
}

impl Handler for RelayHandler {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        let result = self.listen(cx);
        match &result {
            Ok(addresses) => self.addresses = addresses.clone(),
            Err(_) => cx.remove_self(),
        }
        if let Some(started) = self.started.take() {
            // The starting thread waits for it; if it is gone, so is the reason to run.
            if started.send(result).is_err() {
                cx.remove_self();
            }
        }
    }

    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, info: ConnInfo) {
        self.core.on_connected(cx, conn, info);
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        self.core.on_event(cx, conn, event);
        self.end_if_drained(cx);
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) {
        for command in self.commands.take() {
            match command {
                Command::Stats(reply) => {
                    let endpoint = cx.endpoint_stats();
                    // Whoever asked may have stopped waiting.
                    let _ = reply.send(self.core.stats(cx, endpoint));
                }
                Command::Shutdown(drain) => {
                    for address in std::mem::take(&mut self.addresses) {
                        cx.stop_accepting(address);
                    }
                    self.core.start_drain(cx, drain);
                }
            }
        }
        self.end_if_drained(cx);
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.core.next_timeout()
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        self.core.on_timeout(cx);
        self.end_if_drained(cx);
    }

    fn on_stop(&mut self, cx: &mut Context<'_>) {
        self.core.close_all(cx);
    }
}
