//! What goes into a session and what comes out of it.

use crate::transport::{CloseReason, Dir, StreamId};
use crate::wire::{
    FetchItem, ObjectDatagram, Parameters, Request, RequestError, RequestOk, Response,
    SubgroupHeader, SubgroupObject, Token, WireError,
};
use bytes::Bytes;
use std::fmt;

/// A request of either side: the client's are even, the server's odd.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// What the peer's SETUP said.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PeerSetup {
    /// PATH with query, from a raw QUIC client.
    pub path: Option<String>,
    /// AUTHORITY, from a raw QUIC client.
    pub authority: Option<String>,
    /// Name and version of the peer's implementation, lossily decoded, at most 256 bytes.
    pub implementation: Option<String>,
    /// Tokens of SETUP.
    pub tokens: Vec<Token>,
    /// Bytes of registered tokens that the peer keeps.
    pub max_auth_token_cache_size: u64,
}

/// Why a request is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestEnd {
    /// Our request was refused: a [`Response::RequestError`] came before.
    Rejected,
    /// It ran its course: the status was told, the fetch is complete, or PUBLISH_DONE came and all
    /// its streams have ended (or the drain time has passed).
    Done,
    /// The peer finished the stream of a request that ends so (namespaces, discovery), or a
    /// publisher finished without PUBLISH_DONE.
    Finished,
    /// The peer cancelled with this stream reset code, by reset or STOP_SENDING.
    Cancelled(u64),
    /// No answer in time; the session has cancelled it.
    TimedOut,
}

/// How a peer's data stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEnd {
    /// All objects arrived.
    Fin,
    /// The peer reset it; an object that had begun is lost.
    Reset {
        /// The stream reset code.
        code: u64,
        /// Whether the reset cut an object.
        truncated: bool,
    },
    /// An object above [`super::Limits::max_object_size`], or one that does not fit into
    /// [`super::Limits::max_receive_buffer`] beside the other unfinished ones; the session has
    /// stopped the stream.
    TooLarge,
}

/// What a session tells its owner.
#[derive(Clone, PartialEq, Debug)]
pub enum SessionEvent {
    /// Both SETUPs are exchanged.
    Ready {
        /// What the peer said.
        peer: PeerSetup,
    },
    /// The peer asks; answer once with [`super::Session::respond`] or [`super::Session::reject`].
    Request {
        /// Its id.
        id: RequestId,
        /// The request.
        request: Request,
        /// Its tokens, aliases resolved.
        tokens: Vec<Token>,
    },
    /// An answer to our request.
    Response {
        /// Our request.
        id: RequestId,
        /// The answer.
        response: Response,
    },
    /// The peer changes a request; answer each with [`super::Session::respond_update`], in order.
    /// Told only after the request itself was answered.
    Update {
        /// The request (ours, for a PUBLISH that its subscriber changes).
        id: RequestId,
        /// The changed parameters.
        params: Parameters,
        /// Its tokens, aliases resolved.
        tokens: Vec<Token>,
    },
    /// The answer to the oldest unanswered [`super::Session::update`] of a request.
    UpdateResponse {
        /// The request.
        id: RequestId,
        /// The answer.
        result: Result<RequestOk, RequestError>,
    },
    /// The peer wants this one request to move.
    RequestGoaway {
        /// The request.
        id: RequestId,
        /// Where to, empty for the same session.
        uri: Bytes,
        /// How long the peer waits, in milliseconds; 0 for no stated time.
        timeout: u64,
    },
    /// A request of either side is over. Once per request, except for those that this side ended
    /// by a call (cancel, reject, an error or final answer).
    RequestClosed {
        /// The request.
        id: RequestId,
        /// Why.
        end: RequestEnd,
    },
    /// The peer opened a subgroup stream.
    SubgroupOpened {
        /// The stream.
        stream: StreamId,
        /// The subscription: our SUBSCRIBE or the peer's PUBLISH.
        request: RequestId,
        /// The header.
        header: SubgroupHeader,
    },
    /// A whole object of a subgroup stream. With [`crate::wire::SubgroupId::FirstObject`] the
    /// subgroup's id is the first object's.
    Object {
        /// The stream.
        stream: StreamId,
        /// The subscription.
        request: RequestId,
        /// The object.
        object: SubgroupObject,
    },
    /// The peer opened the data stream of our FETCH.
    FetchOpened {
        /// The stream.
        stream: StreamId,
        /// Our FETCH.
        request: RequestId,
    },
    /// A whole item of a fetch stream.
    FetchItem {
        /// The stream.
        stream: StreamId,
        /// Our FETCH.
        request: RequestId,
        /// The item.
        item: FetchItem,
    },
    /// A peer's data stream ended.
    StreamEnded {
        /// The stream.
        stream: StreamId,
        /// The subscription or fetch.
        request: RequestId,
        /// How.
        end: StreamEnd,
    },
    /// An object in a datagram.
    Datagram {
        /// The subscription.
        request: RequestId,
        /// The object.
        datagram: ObjectDatagram,
    },
    /// The peer does not want our data stream any more. The session has reset it. A FETCH of the
    /// peer is over with its stream, once answered.
    Stopped {
        /// The stream.
        stream: StreamId,
        /// The peer's stream reset code.
        code: u64,
    },
    /// The peer has all of our data stream and its end.
    Acked {
        /// The stream.
        stream: StreamId,
    },
    /// Our data stream was blocked and takes objects again.
    Writable {
        /// The stream.
        stream: StreamId,
    },
    /// Streams can be opened again after [`SessionError::NoStreams`].
    StreamsAvailable {
        /// `Bi` for requests, `Uni` for data.
        dir: Dir,
    },
    /// Datagrams are taken again after [`SessionError::Blocked`].
    DatagramsAvailable,
    /// The peer ends the session soon; new requests are refused with
    /// [`SessionError::GoingAway`] from now on.
    Goaway {
        /// Where to go on, empty for the same place.
        uri: Bytes,
        /// How long the peer waits, in milliseconds; 0 for no stated time.
        timeout: u64,
        /// The smallest of our requests that the peer has not processed.
        request_id: u64,
    },
    /// The session is over. Last event.
    Closed {
        /// Why.
        reason: SessionClose,
    },
}

/// Why a session is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionClose {
    /// This side closed it with a session termination code: by call, or because the peer broke
    /// the protocol.
    Local {
        /// The code.
        code: u64,
        /// Why.
        reason: String,
    },
    /// The connection ended below or by the peer.
    Transport(CloseReason),
}

/// Why a call on a session was refused. Nothing has changed then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionError {
    /// The session is over.
    Closed,
    /// A GOAWAY forbids new requests.
    GoingAway,
    /// The peer grants no more streams now; [`SessionEvent::StreamsAvailable`] follows.
    NoStreams,
    /// The stream or datagram queue takes nothing now; [`SessionEvent::Writable`] or
    /// [`SessionEvent::DatagramsAvailable`] follows.
    Blocked,
    /// No such live request.
    UnknownRequest,
    /// No such stream of ours: it was finished, reset or stopped.
    UnknownStream,
    /// Not what this request, or its state, allows.
    WrongState(&'static str),
    /// Larger than the connection carries.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection carries no datagrams.
    DatagramsUnsupported,
    /// The peer's token cache is full, or a bound of this side.
    LimitExceeded(&'static str),
    /// An argument that the draft does not allow.
    InvalidArgument(&'static str),
}

impl From<WireError> for SessionError {
    fn from(e: WireError) -> Self {
        SessionError::InvalidArgument(e.reason())
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::Closed => f.write_str("the session is over"),
            SessionError::GoingAway => f.write_str("the peer is going away: no new requests"),
            SessionError::NoStreams => f.write_str("the peer grants no more streams now"),
            SessionError::Blocked => f.write_str("blocked by flow or congestion control"),
            SessionError::UnknownRequest => f.write_str("no such live request"),
            SessionError::UnknownStream => f.write_str("no such open stream"),
            SessionError::TooLarge { limit } => write!(f, "larger than {limit} bytes"),
            SessionError::DatagramsUnsupported => f.write_str("the peer takes no datagrams"),
            SessionError::WrongState(what)
            | SessionError::LimitExceeded(what)
            | SessionError::InvalidArgument(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for SessionError {}

/// Counters of a session since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SessionStats {
    /// Requests sent.
    pub requests_sent: u64,
    /// Requests received.
    pub requests_received: u64,
    /// Inbound requests refused by the session itself: too many, going away, `.session`, tokens.
    pub requests_refused: u64,
    /// Our requests that were not answered in time.
    pub requests_timed_out: u64,
    /// Data streams opened.
    pub streams_opened: u64,
    /// Data streams received.
    pub streams_received: u64,
    /// Inbound streams stopped because too many were live or held.
    pub streams_refused: u64,
    /// Inbound streams stopped because their alias or fetch stayed unknown or is over.
    pub streams_unknown: u64,
    /// Objects sent on streams.
    pub objects_sent: u64,
    /// Objects received on streams.
    pub objects_received: u64,
    /// Objects cut by a reset.
    pub objects_truncated: u64,
    /// Streams stopped because of an object above the size limit.
    pub objects_too_large: u64,
    /// Streams and requests ended because unfinished messages and objects held too many bytes.
    pub partial_refused: u64,
    /// Requests reset because the peer does not read what it asked for.
    pub backlog_refused: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Inbound datagrams dropped: their alias is unknown or over, or too many were held.
    pub datagrams_dropped: u64,
    /// Bytes of padding thrown away.
    pub padding_bytes: u64,
}
