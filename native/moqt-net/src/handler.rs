//! What runs on an I/O thread: the [`Handler`] trait and what it is told about connections.

use crate::context::Context;
use moqt::transport::TransportEvent;
use std::net::SocketAddr;
use std::time::Instant;

/// Names a handler of one [`crate::Runtime`]. Never reused within the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HandlerId(pub u64);

/// Names a connection. Never reused within the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(pub u64);

/// What carries a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransportKind {
    /// QUIC with an MOQT application protocol.
    Quic,
    /// WebTransport over HTTP/3.
    WebTransport,
    /// In-process pair, no sockets.
    Memory,
}

impl TransportKind {
    /// A short stable name: `quic`, `webtransport` or `memory`.
    pub fn as_str(self) -> &'static str {
        match self {
            TransportKind::Quic => "quic",
            TransportKind::WebTransport => "webtransport",
            TransportKind::Memory => "memory",
        }
    }
}

/// What is known of a connection once it is established.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnInfo {
    /// What carries it.
    pub kind: TransportKind,
    /// The negotiated MOQT protocol, for example `moqt-18`.
    pub protocol: String,
    /// Path and query of the URL, beginning with `/`. On a server with raw QUIC it is empty:
    /// there the client sends it in SETUP.
    pub path: String,
    /// Host and port of the URL. On a server with raw QUIC the TLS server name, or empty.
    pub authority: String,
    /// The peer's address; `None` for memory.
    pub remote: Option<SocketAddr>,
    /// Whether the peer opened the connection.
    pub incoming: bool,
}

/// State that lives on an I/O thread and owns connections.
///
/// All calls come from that one thread, one at a time. A callback must not block. From any
/// callback, any connection of the handler may be written to through [`Context::transport`].
/// A panic in a callback is caught; it removes the handler and closes its connections.
pub trait Handler: Send {
    /// The first call, on the I/O thread.
    fn on_start(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// A connection is ready: the handshake (and for WebTransport the CONNECT exchange) is done.
    fn on_connected(&mut self, cx: &mut Context<'_>, conn: ConnId, info: ConnInfo);

    /// Something happened on a connection. An outgoing connection that fails reports
    /// [`TransportEvent::Closed`] here without [`Handler::on_connected`] before; an incoming one
    /// that fails before it is ready is not reported (it is counted, see
    /// [`crate::EndpointStats`]). `Closed` is the last event of a connection; in that callback
    /// [`Context::transport`] gives `None` for it already.
    fn on_event(&mut self, cx: &mut Context<'_>, conn: ConnId, event: TransportEvent);

    /// The events at hand have all been told: once per round for a handler that was called in it,
    /// before packets are sent. For what is better done once for many events than for each.
    fn on_settled(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// [`crate::Remote::wake`] was called at least once since the last call of this.
    fn on_wake(&mut self, cx: &mut Context<'_>);

    /// When [`Handler::on_timeout`] is wanted next. Asked after each batch of callbacks.
    fn next_timeout(&self) -> Option<Instant> {
        None
    }

    /// The time that [`Handler::next_timeout`] named has come.
    fn on_timeout(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// The handler is about to go: it was removed or the runtime shuts down. What it writes or
    /// closes now still gets one chance to be sent. Its connections are closed afterwards.
    fn on_stop(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }
}
