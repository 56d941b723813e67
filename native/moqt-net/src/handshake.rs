//! What a server adds to the TLS handshake.
//!
//! It says which protocols it speaks when a client offers none of them: the TLS alert alone does
//! not tell; the reason phrase beside it in QUIC's CONNECTION_CLOSE can. And it reads a client's
//! transport parameters so that acknowledgements may come seldom, see [`crate::acks`].

use crate::acks;
use quinn_proto::crypto::{
    ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, ServerConfig, Session,
    UnsupportedVersion,
};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectionId, Side, TransportError, TransportErrorCode};
use std::any::Any;
use std::sync::Arc;

/// TLS alert `no_application_protocol`.
pub(crate) const ALERT_NO_PROTOCOL: u8 = 120;

/// The TLS configuration of a server, with these additions.
pub(crate) struct Handshake {
    pub inner: Arc<dyn ServerConfig>,
    pub phrase: Arc<str>,
}

impl ServerConfig for Handshake {
    fn initial_keys(&self, version: u32, cid: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        self.inner.initial_keys(version, cid)
    }

    fn retry_tag(&self, version: u32, cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.inner.retry_tag(version, cid, packet)
    }

    fn start_session(
        self: Arc<Self>,
        version: u32,
        params: &TransportParameters,
    ) -> Box<dyn Session> {
        let inner = self.inner.clone().start_session(version, params);
        Box::new(HandshakeSession {
            inner,
            phrase: self.phrase.clone(),
        })
    }
}

struct HandshakeSession {
    inner: Box<dyn Session>,
    phrase: Arc<str>,
}

impl Session for HandshakeSession {
    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        self.inner.read_handshake(buf).map_err(|mut error| {
            if error.code == TransportErrorCode::crypto(ALERT_NO_PROTOCOL) {
                error.reason = self.phrase.to_string();
            }
            error
        })
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        let params = self.inner.transport_parameters()?;
        Ok(params.map(acks::allow_delay))
    }

    // The rest is passed on.

    fn initial_keys(&self, cid: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.inner.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        self.inner.write_handshake(buf)
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.inner.next_1rtt_keys()
    }

    fn is_valid_retry(&self, cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}
