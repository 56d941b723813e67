//! Records: what the library tells its caller, in a layout that C, C++ and scripts read in place.
//!
//! Every record is 8-byte aligned and little-endian: a fixed header of 64 bytes and a payload that
//! is padded with zeros to a multiple of 8. `MOQ_ABI_VERSION` versions the layout; the golden
//! vectors in `test/vectors/records` pin it for Rust, C++ and TypeScript.

use crate::error::{Error, MoqResultCode};
use bytes::Bytes;
use moqt::transport::CertificateReason;
use serde_json::Value;

/// Size in bytes of a record's header.
pub const MOQ_RECORD_HEADER_SIZE: usize = 64;

/// What a record tells.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoqRecordKind {
    /// The client's state changed: `code` is a `MoqClientState`. The payload is JSON: for `OPEN`
    /// what was negotiated, `{"draft":18,"transport":"quic","peer":"...","capabilities":{...}}`; for
    /// `RECONNECTING` the reason as for `END`, with its `MoqResultCode` in `extra`. `OPEN` comes again
    /// when the connection stands again. `CLOSED` never shows here, it is the client's `END`.
    MOQ_RECORD_STATE = 1,
    /// The handle's request was accepted. For a subscription the payload is JSON
    /// `{"delivery":"reliable"}` with the class in force.
    MOQ_RECORD_READY = 2,
    /// The terminal record of the handle, exactly one; nothing follows for it. `code` is a
    /// `MoqResultCode`, `MOQ_OK` when the track, fetch or client ended normally. The payload is JSON
    /// `{"message":"...","peerCode":0,"retryable":false}`, `peerCode` only if the peer told one. With
    /// `MOQ_ERROR_CERTIFICATE`, `extra` is a `MoqCertificateReason` and the payload has its name too,
    /// `"reason":"expired"`.
    MOQ_RECORD_END = 3,
    /// One object: `group`, `object`, `subgroup`, `received_us`; the payload is its bytes; `extra`
    /// is the publisher's time in unix ms when the flag `MOQ_FLAG_PUBLISHED_AT` is set.
    MOQ_RECORD_OBJECT = 4,
    /// Objects that will not be delivered: `group` is the first, `object` the last group concerned;
    /// `extra` is the number of objects when `MOQ_FLAG_COUNT_KNOWN` is set; `code` is a
    /// `MoqGapReason`.
    MOQ_RECORD_GAP = 5,
    /// Discovery: a namespace appeared or, with `MOQ_FLAG_REMOVED`, went away. The payload is its
    /// fields as a JSON array of strings.
    MOQ_RECORD_NAMESPACE = 6,
    /// Publication: `extra` is how many subscriptions the next hop holds now.
    MOQ_RECORD_SUBSCRIBERS = 7,
    /// Publication: after `MOQ_ERROR_WOULD_BLOCK`, updates are accepted again.
    MOQ_RECORD_WRITABLE = 8,
    /// Publication: a subscriber asks for a new group; at most once a second.
    MOQ_RECORD_KEYFRAME_WANTED = 9,
    /// Track status: with `MOQ_FLAG_HAS_LARGEST`, `group` and `object` are the largest location. The
    /// payload is JSON, `{"delivery":"latest"}` or `{}`. An `END` follows.
    MOQ_RECORD_STATUS = 10,
    /// Client, with the option `askToken`: a connection is to be made and needs a token. Answer with
    /// `moq_client_supply_token` or `moq_client_refuse_token`, which take the number in `extra`,
    /// within the connect timeout.
    MOQ_RECORD_TOKEN_WANTED = 11,
}
pub use MoqRecordKind::*;

impl MoqRecordKind {
    /// The kind with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        let all = [
            MOQ_RECORD_STATE,
            MOQ_RECORD_READY,
            MOQ_RECORD_END,
            MOQ_RECORD_OBJECT,
            MOQ_RECORD_GAP,
            MOQ_RECORD_NAMESPACE,
            MOQ_RECORD_SUBSCRIBERS,
            MOQ_RECORD_WRITABLE,
            MOQ_RECORD_KEYFRAME_WANTED,
            MOQ_RECORD_STATUS,
            MOQ_RECORD_TOKEN_WANTED,
        ];
        let kind = all.get(usize::from(number).checked_sub(1)?).copied();
        kind.filter(|kind| *kind as u16 == number)
    }
}

/// Object record: the first object of its group.
pub const MOQ_FLAG_KEYFRAME: u16 = 1;
/// Object record: `extra` is the publisher's time in unix ms.
pub const MOQ_FLAG_PUBLISHED_AT: u16 = 2;
/// Gap record: `extra` is the number of objects lost.
pub const MOQ_FLAG_COUNT_KNOWN: u16 = 4;
/// Namespace record: the namespace went away.
pub const MOQ_FLAG_REMOVED: u16 = 8;
/// Status record: `group` and `object` are the largest location.
pub const MOQ_FLAG_HAS_LARGEST: u16 = 16;

/// `code` of a state record.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoqClientState {
    /// Not open yet.
    MOQ_CLIENT_CONNECTING = 0,
    /// Requests and objects flow.
    MOQ_CLIENT_OPEN = 1,
    /// Lost, being repaired.
    MOQ_CLIENT_RECONNECTING = 2,
    /// Over.
    MOQ_CLIENT_CLOSED = 3,
}
pub use MoqClientState::*;

/// `extra` of the end record of a client whose `code` is `MOQ_ERROR_CERTIFICATE`: why. New ones are
/// added at the end.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoqCertificateReason {
    /// `other`: none of the others; the text says more.
    MOQ_CERTIFICATE_OTHER = 0,
    /// `expired`: the peer's certificate is over.
    MOQ_CERTIFICATE_EXPIRED = 1,
    /// `not_yet_valid`: it has not begun; a clock may be wrong.
    MOQ_CERTIFICATE_NOT_YET_VALID = 2,
    /// `wrong_name`: it is not for the host in the URL.
    MOQ_CERTIFICATE_WRONG_NAME = 3,
    /// `unknown_issuer`: self-signed, or of an authority that is not trusted here.
    MOQ_CERTIFICATE_UNKNOWN_ISSUER = 4,
    /// `wrong_hash`: not among `serverCertificateHashes`.
    MOQ_CERTIFICATE_WRONG_HASH = 5,
    /// `revoked`: its issuer took it back.
    MOQ_CERTIFICATE_REVOKED = 6,
    /// `client_missing`: the peer wants a certificate of this client, which has none.
    MOQ_CERTIFICATE_CLIENT_MISSING = 7,
    /// `client_refused`: the peer does not take this client's certificate.
    MOQ_CERTIFICATE_CLIENT_REFUSED = 8,
}
pub use MoqCertificateReason::*;

impl From<CertificateReason> for MoqCertificateReason {
    fn from(reason: CertificateReason) -> Self {
        match reason {
            CertificateReason::Other => MOQ_CERTIFICATE_OTHER,
            CertificateReason::Expired => MOQ_CERTIFICATE_EXPIRED,
            CertificateReason::NotYetValid => MOQ_CERTIFICATE_NOT_YET_VALID,
            CertificateReason::WrongName => MOQ_CERTIFICATE_WRONG_NAME,
            CertificateReason::UnknownIssuer => MOQ_CERTIFICATE_UNKNOWN_ISSUER,
            CertificateReason::WrongHash => MOQ_CERTIFICATE_WRONG_HASH,
            CertificateReason::Revoked => MOQ_CERTIFICATE_REVOKED,
            CertificateReason::ClientMissing => MOQ_CERTIFICATE_CLIENT_MISSING,
            CertificateReason::ClientRefused => MOQ_CERTIFICATE_CLIENT_REFUSED,
        }
    }
}

/// `code` of a gap record.
#[repr(C)]
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoqGapReason {
    /// Never arrived.
    MOQ_GAP_LOST = 0,
    /// The publisher or a relay gave up a stream before its end.
    MOQ_GAP_RESET = 1,
    /// Arrived after its deadline.
    MOQ_GAP_LATE = 2,
    /// Arrived after something newer.
    MOQ_GAP_STALE = 3,
    /// Dropped because the reader's queue was full. No record says so today: such objects are counted as
    /// `overflow` of the subscription.
    MOQ_GAP_OVERFLOW = 4,
    /// The peer ended the subscription because it was too far behind; it was joined again.
    MOQ_GAP_TOO_FAR_BEHIND = 5,
    /// Went by while there was no connection, or was lost with one.
    MOQ_GAP_RECONNECTED = 6,
}
pub use MoqGapReason::*;

/// The fixed start of every record.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MoqRecordHeader {
    /// Whole record in bytes: header, payload and padding; a multiple of 8.
    pub length: u32,
    /// A `MoqRecordKind`; skip kinds that you do not know.
    pub kind: u16,
    /// `MOQ_FLAG_…`; which ones apply depends on the kind.
    pub flags: u16,
    /// The handle that this is about.
    pub handle: u64,
    pub group: u64,
    pub object: u64,
    pub subgroup: u64,
    /// When it arrived, in µs of the clock of `moq_now_us`.
    pub received_us: u64,
    /// Depends on the kind.
    pub extra: u64,
    /// Bytes of payload, without padding.
    pub payload_length: u32,
    /// Depends on the kind.
    pub code: u32,
}

impl MoqRecordHeader {
    /// As it lies in memory that others read, on every machine.
    pub fn to_bytes(&self) -> [u8; MOQ_RECORD_HEADER_SIZE] {
        let mut out = [0; MOQ_RECORD_HEADER_SIZE];
        out[0..4].copy_from_slice(&self.length.to_le_bytes());
        out[4..6].copy_from_slice(&self.kind.to_le_bytes());
        out[6..8].copy_from_slice(&self.flags.to_le_bytes());
        let words = [
            self.handle,
            self.group,
            self.object,
            self.subgroup,
            self.received_us,
            self.extra,
        ];
        for (slot, word) in out[8..56].chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        out[56..60].copy_from_slice(&self.payload_length.to_le_bytes());
        out[60..64].copy_from_slice(&self.code.to_le_bytes());
        out
    }

    /// What [`MoqRecordHeader::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8; MOQ_RECORD_HEADER_SIZE]) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let first = word(0);
        let last = word(56);
        Self {
            length: first as u32,
            kind: (first >> 32) as u16,
            flags: (first >> 48) as u16,
            handle: word(8),
            group: word(16),
            object: word(24),
            subgroup: word(32),
            received_us: word(40),
            extra: word(48),
            payload_length: last as u32,
            code: (last >> 32) as u32,
        }
    }
}

/// A record before it is copied out.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    pub kind: MoqRecordKind,
    pub flags: u16,
    pub handle: u64,
    pub group: u64,
    pub object: u64,
    pub subgroup: u64,
    pub received_us: u64,
    pub extra: u64,
    pub code: u32,
    pub payload: Bytes,
}

impl Record {
    /// An empty record of a kind about a handle.
    pub fn new(kind: MoqRecordKind, handle: u64) -> Self {
        Self {
            kind,
            flags: 0,
            handle,
            group: 0,
            object: 0,
            subgroup: 0,
            received_us: 0,
            extra: 0,
            code: 0,
            payload: Bytes::new(),
        }
    }

    /// Whole size in bytes once encoded, padding included.
    pub fn encoded_len(&self) -> usize {
        MOQ_RECORD_HEADER_SIZE + self.payload.len().next_multiple_of(8)
    }

    /// What it begins with once encoded.
    pub fn header(&self) -> MoqRecordHeader {
        MoqRecordHeader {
            length: u32::try_from(self.encoded_len()).unwrap_or(u32::MAX),
            kind: self.kind as u16,
            flags: self.flags,
            handle: self.handle,
            group: self.group,
            object: self.object,
            subgroup: self.subgroup,
            received_us: self.received_us,
            extra: self.extra,
            payload_length: u32::try_from(self.payload.len()).unwrap_or(u32::MAX),
            code: self.code,
        }
    }

    /// The record with this header and payload; `None` when there is no such kind.
    pub fn of(header: &MoqRecordHeader, payload: Bytes) -> Option<Self> {
        Some(Self {
            kind: MoqRecordKind::from_number(header.kind)?,
            flags: header.flags,
            handle: header.handle,
            group: header.group,
            object: header.object,
            subgroup: header.subgroup,
            received_us: header.received_us,
            extra: header.extra,
            code: header.code,
            payload,
        })
    }

    /// Writes the record to the start of `out`. False when it does not fit; nothing is written then.
    pub fn encode(&self, out: &mut [u8]) -> bool {
        let Some(out) = out.get_mut(..self.encoded_len()) else {
            return false;
        };
        let (header, body) = out.split_at_mut(MOQ_RECORD_HEADER_SIZE);
        header.copy_from_slice(&self.header().to_bytes());
        let (payload, rest) = body.split_at_mut(self.payload.len());
        payload.copy_from_slice(&self.payload);
        rest.copy_from_slice(padding(self.payload.len()));
        true
    }
}

/// What follows a payload of so many bytes, up to the next multiple of 8.
pub fn padding(payload: usize) -> &'static [u8] {
    &[0; 8][..payload.next_multiple_of(8) - payload]
}

impl Record {
    /// What an `END` says: `None` when it ended normally.
    pub fn error(&self) -> Option<Error> {
        let code = MoqResultCode::from_number(self.code)?;
        let said: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        let message = said.get("message").and_then(Value::as_str);
        Some(Error {
            code,
            message: message.unwrap_or("it ended without a reason").to_owned(),
            peer_code: said.get("peerCode").and_then(Value::as_u64),
            retryable: said
                .get("retryable")
                .and_then(Value::as_bool)
                .unwrap_or(code.retryable()),
            certificate: None,
        })
    }
}
