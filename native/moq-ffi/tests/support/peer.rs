//! A server under the test's own control, over real QUIC on loopback.
#![allow(dead_code)]

use moqt::transport::{CloseReason, Transport, TransportEvent};
use moqt_net::{ConnId, ConnInfo, Context, Handler, ListenConfig, Runtime, ServerCertificate};
use std::sync::mpsc::{channel, Sender};
use std::time::{Duration, Instant};

/// What a peer does on its newest connection.
pub trait Script: Send + 'static {
    fn connected(&mut self, now: Instant, t: &mut dyn Transport);
    fn event(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent);
    /// The connection ended.
    fn closed(&mut self, reason: &CloseReason) {
        let _ = reason;
    }
    /// Called every 10 ms, with how often it was called before.
    fn tick(&mut self, now: Instant, t: &mut dyn Transport, count: u32);
}

struct Server<S> {
    script: S,
    certificate: ServerCertificate,
    ready: Sender<u16>,
    conn: Option<ConnId>,
    next: Option<Instant>,
    ticks: u32,
}

impl<S: Script> Handler for Server<S> {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        let address = "127.0.0.1:0".parse().expect("an address");
        let config = ListenConfig::new(address, self.certificate.clone());
        let bound = cx.listen(config).expect("a free port");
        self.ready.send(bound.port()).expect("the test waits");
    }

    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, _: ConnInfo) {
        self.conn = Some(conn);
        let now = cx.now();
        self.next = Some(now + Duration::from_millis(10));
        if let Some(t) = cx.transport(conn) {
            self.script.connected(now, t);
        }
    }

    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent) {
        let now = cx.now();
        if let TransportEvent::Closed(reason) = &event {
            self.script.closed(reason);
        }
        if let Some(t) = cx.transport(conn) {
            self.script.event(now, t, event);
        }
    }

    fn on_wake(&mut self, _: &mut Context<'_>) {}

    fn next_timeout(&self) -> Option<Instant> {
        self.next
    }

    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        self.next = Some(now + Duration::from_millis(10));
        if let Some(t) = self.conn.and_then(|conn| cx.transport(conn)) {
            self.script.tick(now, t, self.ticks);
            self.ticks += 1;
        }
    }
}

/// A running peer; it stops when dropped.
pub struct Peer {
    runtime: Runtime,
    port: u16,
    hash: String,
}

impl Peer {
    pub fn start(script: impl Script) -> Self {
        let certificate = ServerCertificate::development(&[]).expect("a certificate");
        let hash = certificate.sha256_hex();
        let runtime = Runtime::start("peer").expect("a thread");
        let (ready, port) = channel();
        runtime.spawn(Box::new(Server {
            script,
            certificate,
            ready,
            conn: None,
            next: None,
            ticks: 0,
        }));
        let port = port
            .recv_timeout(Duration::from_secs(20))
            .expect("it listens");
        Self {
            runtime,
            port,
            hash,
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// SHA-256 of its certificate in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Options of a client that connects here.
    pub fn client_options(&self) -> String {
        self.client_options_with("")
    }

    /// The same with more fields, each behind a comma.
    pub fn client_options_with(&self, more: &str) -> String {
        format!(
            r#"{{"url":"moqt://127.0.0.1:{}","serverCertificateHashes":["{}"]{more}}}"#,
            self.port, self.hash
        )
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.runtime.shutdown().expect("not on its own thread");
    }
}
