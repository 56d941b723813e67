//! What a session needs of a QUIC-like connection, and what the connection tells the session.
//!
//! A transport pushes [`TransportEvent`]s; the session answers with calls on [`Transport`]. There
//! are no futures and no threads in the contract, so the same session runs over QUIC, over
//! WebTransport and over [`crate::memory`]. All codes are MOQT application error codes; a link that
//! maps them (WebTransport over HTTP/3) does so on its own side.

use bytes::Bytes;
use std::time::Duration;

/// Identifies a stream within its connection, whichever side opened it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId(pub u64);

/// Whether both sides or only the opener send on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dir {
    /// Bidirectional: request streams.
    Bi,
    /// Unidirectional: control and data streams.
    Uni,
}

/// The stream was finished, reset or stopped, or its connection is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamClosed;

/// Why a datagram was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatagramError {
    /// The peer does not take datagrams, or the connection is gone.
    Unsupported,
    /// Larger than the connection can carry now; `limit` is the largest MOQT datagram in bytes.
    TooLarge {
        /// Largest whole MOQT datagram in bytes.
        limit: usize,
    },
    /// The send buffer is full; [`TransportEvent::DatagramsAvailable`] follows.
    Blocked,
}

/// Why a certificate was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CertificateReason {
    /// None of the others; the text says more.
    Other,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// Its issuer is not known here; self-signed ones too.
    UnknownIssuer,
    /// Its SHA-256 is not among those that are accepted.
    WrongHash,
    /// Its issuer took it back.
    Revoked,
    /// The peer wants a certificate of this side, which has none.
    ClientMissing,
    /// The peer does not take the certificate of this side.
    ClientRefused,
}

impl CertificateReason {
    /// Name as scripts have it.
    pub const fn name(self) -> &'static str {
        match self {
            CertificateReason::Other => "other",
            CertificateReason::Expired => "expired",
            CertificateReason::NotYetValid => "not_yet_valid",
            CertificateReason::WrongName => "wrong_name",
            CertificateReason::UnknownIssuer => "unknown_issuer",
            CertificateReason::WrongHash => "wrong_hash",
            CertificateReason::Revoked => "revoked",
            CertificateReason::ClientMissing => "client_missing",
            CertificateReason::ClientRefused => "client_refused",
        }
    }
}

/// Why a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// This side called [`Transport::close`].
    Local,
    /// The peer closed with an MOQT session termination code (draft-18 section "Termination").
    Peer {
        /// The peer's raw code.
        code: u64,
        /// The peer's reason phrase, lossily decoded and bounded to 1,024 bytes.
        reason: String,
    },
    /// Nothing was heard of the peer for the idle timeout.
    TimedOut,
    /// The peer could not be reached or refused the handshake (address, ALPN, HTTP status).
    Refused(String),
    /// A certificate was not accepted: the peer's, or by the peer that of this side.
    Certificate {
        /// Why, to branch on.
        reason: CertificateReason,
        /// Whose, why, and what to do.
        text: String,
    },
    /// No protocol version in common; the text names what each side offered.
    Protocol(String),
    /// The transport failed below MOQT.
    Transport(String),
}

/// Counters and estimates of a connection. Zero where a transport cannot know.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct TransportStats {
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Congestion window in bytes.
    pub congestion_window: u64,
    /// UDP payload bytes sent.
    pub bytes_sent: u64,
    /// UDP payload bytes received.
    pub bytes_received: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// UDP datagrams received.
    pub packets_received: u64,
    /// Packets declared lost.
    pub packets_lost: u64,
}

/// The calls a session makes on a connection. None blocks.
pub trait Transport {
    /// Opens a stream. `None` when the peer has granted no more streams of this direction;
    /// [`TransportEvent::StreamsAvailable`] follows when it does.
    fn open(&mut self, dir: Dir) -> Option<StreamId>;
    /// Takes bytes from the front of `data`, as many as flow control and the send window allow.
    /// A rest means that the stream is blocked; [`TransportEvent::Writable`] follows.
    fn write(&mut self, id: StreamId, data: &mut Bytes) -> Result<(), StreamClosed>;
    /// Ends our sending half after all bytes taken so far.
    fn finish(&mut self, id: StreamId);
    /// Abandons our sending half with a stream reset code.
    fn reset(&mut self, id: StreamId, code: u64);
    /// Asks the peer to abandon its sending half.
    fn stop(&mut self, id: StreamId, code: u64);
    /// Orders our streams when the connection is congested: higher goes first. Default 0.
    fn set_priority(&mut self, id: StreamId, priority: i32);
    /// While paused, no data of this stream is delivered and flow control holds the peer back.
    fn pause(&mut self, id: StreamId, paused: bool);
    /// Sends one unreliable datagram.
    fn send_datagram(&mut self, data: Bytes) -> Result<(), DatagramError>;
    /// The largest MOQT datagram in bytes that fits now; `None` when datagrams are not available.
    fn max_datagram_size(&self) -> Option<usize>;
    /// Closes the connection with an MOQT session termination code. Idempotent.
    fn close(&mut self, code: u64, reason: &str);
    /// Counters of this connection.
    fn stats(&self) -> TransportStats;
}

/// The transport of a connection that is gone, for the last event of its session: takes nothing,
/// gives nothing.
#[derive(Debug)]
pub struct Gone;

impl Transport for Gone {
    fn open(&mut self, _: Dir) -> Option<StreamId> {
        None
    }
    fn write(&mut self, _: StreamId, _: &mut Bytes) -> Result<(), StreamClosed> {
        Err(StreamClosed)
    }
    fn finish(&mut self, _: StreamId) {}
    fn reset(&mut self, _: StreamId, _: u64) {}
    fn stop(&mut self, _: StreamId, _: u64) {}
    fn set_priority(&mut self, _: StreamId, _: i32) {}
    fn pause(&mut self, _: StreamId, _: bool) {}
    fn send_datagram(&mut self, _: Bytes) -> Result<(), DatagramError> {
        Err(DatagramError::Unsupported)
    }
    fn max_datagram_size(&self) -> Option<usize> {
        None
    }
    fn close(&mut self, _: u64, _: &str) {}
    fn stats(&self) -> TransportStats {
        TransportStats::default()
    }
}

/// What a connection tells its session.
#[derive(Clone, PartialEq, Debug)]
pub enum TransportEvent {
    /// Bytes arrived in order on a stream. A peer's new stream shows first here, possibly with
    /// empty `data`.
    Data {
        /// The stream.
        id: StreamId,
        /// Its direction.
        dir: Dir,
        /// The bytes; they share the receive buffer.
        data: Bytes,
        /// Whether the peer finished its sending half with these bytes.
        fin: bool,
    },
    /// The peer abandoned its sending half; bytes not delivered yet are lost.
    Reset {
        /// The stream.
        id: StreamId,
        /// The peer's stream reset code.
        code: u64,
    },
    /// The peer no longer wants what we send on this stream.
    Stopped {
        /// The stream.
        id: StreamId,
        /// The peer's code.
        code: u64,
    },
    /// A blocked stream takes bytes again.
    Writable {
        /// The stream.
        id: StreamId,
    },
    /// The peer acknowledged everything that we wrote and the end of the stream.
    Acked {
        /// The stream.
        id: StreamId,
    },
    /// After [`Transport::open`] gave `None`: streams of this direction can be opened again.
    StreamsAvailable {
        /// The direction.
        dir: Dir,
    },
    /// After [`DatagramError::Blocked`]: datagrams are taken again.
    DatagramsAvailable,
    /// A datagram arrived.
    Datagram(Bytes),
    /// The connection ended; no event follows and calls have no effect.
    Closed(CloseReason),
}
