//! How often peers acknowledge.
//!
//! QUIC acknowledges every second packet, or after 25 ms. For a subscriber that takes one small
//! packet a tick that is half a packet back for each one out: a quarter of the relay's time and a
//! sixth of the bytes. With the acknowledgement frequency extension (draft-ietf-quic-ack-frequency)
//! a peer is asked to wait for more. Loss is noticed as early as before, because a gap is still
//! acknowledged at once; only the last packet before a silence is missed later, by the longer
//! delay. Peers without the extension, browsers among them, go on as they do.

use crate::link::h3::{read_varint, write_varint};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{AckFrequencyConfig, Side, VarInt};
use std::time::Duration;

/// Longest wait of a peer: eight packets at 60 Hz.
const MAX_DELAY: Duration = Duration::from_millis(125);
/// The packet after so many is acknowledged at once. Below the least congestion window (see
/// [`crate::congestion`]), which would stand still for the delay otherwise.
const PACKETS: u32 = 7;

/// Transport parameters (RFC 9000 section 18.2, draft-ietf-quic-ack-frequency section 3).
const MAX_ACK_DELAY: u64 = 0x0b;
const MIN_ACK_DELAY: u64 = 0xff04_de1b;

/// What a peer with the extension is asked for.
pub(crate) fn config() -> AckFrequencyConfig {
    let mut config = AckFrequencyConfig::default();
    config
        .ack_eliciting_threshold(VarInt::from_u32(PACKETS))
        .max_ack_delay(Some(MAX_DELAY))
        // Any gap is acknowledged at once.
        .reordering_threshold(VarInt::from_u32(1));
    config
}

/// The peer's parameters as QUIC is to see them. `quinn-proto` asks for a delay above the
/// round-trip time (or 25 ms) only where the peer cannot do with less, so a peer with the extension
/// is taken for one that cannot.
pub(crate) fn allow_delay(params: TransportParameters) -> TransportParameters {
    let mut bytes = Vec::with_capacity(128);
    params.write(&mut bytes);
    with_delay(&bytes)
        .and_then(|bytes| TransportParameters::read(Side::Server, &mut bytes.as_slice()).ok())
        .unwrap_or(params)
}

/// Raises both delays. `None`: nothing to do, the peer lacks the extension or waits longer anyway.
fn with_delay(mut params: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(params.len() + 16);
    let (mut least, mut most) = (None, Duration::ZERO);
    while !params.is_empty() {
        let whole = params;
        let id = read_varint(&mut params)?;
        let length = usize::try_from(read_varint(&mut params)?).ok()?;
        let (mut value, rest) = params.split_at_checked(length)?;
        params = rest;
        match id {
            MAX_ACK_DELAY => most = Duration::from_millis(read_varint(&mut value)?),
            MIN_ACK_DELAY => least = Some(Duration::from_micros(read_varint(&mut value)?)),
            _ => out.extend_from_slice(whole.get(..whole.len() - rest.len())?),
        }
    }
    if least? >= MAX_DELAY {
        return None;
    }
    put(
        &mut out,
        MAX_ACK_DELAY,
        most.max(MAX_DELAY).as_millis() as u64,
    );
    put(&mut out, MIN_ACK_DELAY, MAX_DELAY.as_micros() as u64);
    Some(out)
}

fn put(out: &mut Vec<u8>, id: u64, value: u64) {
    let mut bytes = Vec::with_capacity(8);
    write_varint(&mut bytes, value);
    write_varint(out, id);
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(&bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> TransportParameters {
        TransportParameters::read(Side::Server, &mut &*bytes).expect("valid")
    }

    fn written(params: TransportParameters) -> Vec<u8> {
        let mut bytes = Vec::new();
        params.write(&mut bytes);
        bytes
    }

    #[test]
    fn a_peer_with_the_extension_may_be_asked_for_the_delay() {
        let mut bytes = Vec::new();
        put(&mut bytes, 0x04, 1 << 20);
        put(&mut bytes, MIN_ACK_DELAY, 1_000);
        put(&mut bytes, 0x08, 100);
        let seen = written(allow_delay(read(&bytes)));
        let mut wanted = Vec::new();
        put(&mut wanted, 0x04, 1 << 20);
        put(&mut wanted, 0x08, 100);
        put(&mut wanted, MAX_ACK_DELAY, 125);
        put(&mut wanted, MIN_ACK_DELAY, 125_000);
        assert_eq!(seen, written(read(&wanted)));
        assert_ne!(seen, bytes);
    }

    #[test]
    fn others_are_left_alone() {
        let mut without = Vec::new();
        put(&mut without, MAX_ACK_DELAY, 40);
        assert_eq!(with_delay(&without), None);
        let mut slow = Vec::new();
        put(&mut slow, MAX_ACK_DELAY, 300);
        put(&mut slow, MIN_ACK_DELAY, 200_000);
        assert_eq!(with_delay(&slow), None);
        assert_eq!(with_delay(&[0x04, 9, 1]), None, "cut off");
    }
}
