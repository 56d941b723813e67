//! Connections: QUIC (raw or with WebTransport on top) and in-memory pairs.

pub(crate) mod close;
mod events;
mod exchange;
pub(crate) mod h3;
pub(crate) mod incoming;
pub(crate) mod quic;
mod transport;
pub(crate) mod webtransport;

use crate::handler::ConnInfo;
use moqt::transport::TransportEvent;

/// What a link tells the driver for its handler.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// The link is ready; comes once, before every [`LinkEvent::Transport`].
    Connected(ConnInfo),
    /// An event of the [`moqt::transport`] contract. `Closed` is the last event of a link.
    Transport(TransportEvent),
}

/// How MOQT maps to the QUIC connection.
pub(crate) enum Mapping {
    /// Streams and datagrams as they are.
    Raw,
    /// In a WebTransport session.
    WebTransport(Box<webtransport::WebTransport>),
}
