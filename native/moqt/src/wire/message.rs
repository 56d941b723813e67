//! Control messages: one model for all drafts. How they are written is a draft profile's affair.

use super::location::Location;
use super::name::{FullTrackName, Namespace};
use super::params::Parameters;
use super::properties::Properties;
use super::token::AuthToken;
use bytes::Bytes;

/// Any message of a control or request stream.
#[derive(Clone, PartialEq, Debug)]
pub enum Message {
    /// First on each control stream.
    Setup(Setup),
    /// The sender wants to end the session or one request soon.
    Goaway(Goaway),
    /// First on a request stream.
    Request {
        /// The request's id.
        id: u64,
        /// The request.
        request: Request,
    },
    /// Changes a request.
    Update {
        /// The update's own id.
        id: u64,
        /// The request that is changed, where the draft names it (none in draft-18: the stream does).
        existing: Option<u64>,
        /// The changed parameters; absent ones keep their value.
        params: Parameters,
    },
    /// Answers a request or an update.
    Response {
        /// The request, where the draft names it (none in draft-18: the stream does).
        id: Option<u64>,
        /// The answer.
        response: Response,
    },
}

/// SETUP. Unknown options are ignored on receipt.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Setup {
    /// PATH: path and query of the URI; raw QUIC clients only.
    pub path: Option<Bytes>,
    /// AUTHORITY of the URI; raw QUIC clients only.
    pub authority: Option<Bytes>,
    /// AUTHORIZATION TOKEN, any number.
    pub tokens: Vec<AuthToken>,
    /// MAX_AUTH_TOKEN_CACHE_SIZE in bytes; absent means 0.
    pub max_auth_token_cache_size: Option<u64>,
    /// MOQT_IMPLEMENTATION: name and version.
    pub implementation: Option<Bytes>,
}

/// GOAWAY.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Goaway {
    /// Where to go on, at most 8,192 bytes; empty for the same place. Always empty from a client.
    pub uri: Bytes,
    /// How long the sender waits, in milliseconds; 0 for no stated time.
    pub timeout: u64,
    /// The smallest request of the receiver that was not processed; on the control stream only.
    pub request_id: Option<u64>,
}

/// The messages that begin a request stream.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// SUBSCRIBE: objects of a track from now on.
    Subscribe(Subscribe),
    /// PUBLISH: the publisher begins a subscription.
    Publish(Publish),
    /// FETCH: past objects.
    Fetch(Fetch),
    /// TRACK_STATUS: what a SUBSCRIBE would be told.
    TrackStatus(Subscribe),
    /// PUBLISH_NAMESPACE: tracks are to be had under a namespace.
    PublishNamespace(NamespaceRequest),
    /// SUBSCRIBE_NAMESPACE: which namespaces exist under a prefix.
    SubscribeNamespace(NamespaceRequest),
    /// SUBSCRIBE_TRACKS: a PUBLISH for every track under a prefix.
    SubscribeTracks(NamespaceRequest),
}

/// Which of the [`Request`]s one is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RequestKind {
    /// SUBSCRIBE.
    Subscribe,
    /// PUBLISH.
    Publish,
    /// FETCH.
    Fetch,
    /// TRACK_STATUS.
    TrackStatus,
    /// PUBLISH_NAMESPACE.
    PublishNamespace,
    /// SUBSCRIBE_NAMESPACE.
    SubscribeNamespace,
    /// SUBSCRIBE_TRACKS.
    SubscribeTracks,
}

impl Request {
    /// Which request this is.
    pub fn kind(&self) -> RequestKind {
        match self {
            Request::Subscribe(_) => RequestKind::Subscribe,
            Request::Publish(_) => RequestKind::Publish,
            Request::Fetch(_) => RequestKind::Fetch,
            Request::TrackStatus(_) => RequestKind::TrackStatus,
            Request::PublishNamespace(_) => RequestKind::PublishNamespace,
            Request::SubscribeNamespace(_) => RequestKind::SubscribeNamespace,
            Request::SubscribeTracks(_) => RequestKind::SubscribeTracks,
        }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        match self {
            Request::Subscribe(m) | Request::TrackStatus(m) => &m.params,
            Request::Publish(m) => &m.params,
            Request::Fetch(m) => &m.params,
            Request::PublishNamespace(m)
            | Request::SubscribeNamespace(m)
            | Request::SubscribeTracks(m) => &m.params,
        }
    }

    /// The namespace or prefix that the request names; none for joining fetches.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Request::Subscribe(m) | Request::TrackStatus(m) => Some(m.track.namespace()),
            Request::Publish(m) => Some(m.track.namespace()),
            Request::Fetch(m) => match &m.range {
                FetchRange::Standalone { track, .. } => Some(track.namespace()),
                _ => None,
            },
            Request::PublishNamespace(m)
            | Request::SubscribeNamespace(m)
            | Request::SubscribeTracks(m) => Some(&m.namespace),
        }
    }
}

/// SUBSCRIBE and TRACK_STATUS.
#[derive(Clone, PartialEq, Debug)]
pub struct Subscribe {
    /// The track.
    pub track: FullTrackName,
    /// Parameters.
    pub params: Parameters,
}

/// PUBLISH.
#[derive(Clone, PartialEq, Debug)]
pub struct Publish {
    /// The track.
    pub track: FullTrackName,
    /// The number that data streams and datagrams use for the track.
    pub track_alias: u64,
    /// Parameters.
    pub params: Parameters,
    /// Track properties.
    pub properties: Properties,
}

/// FETCH.
#[derive(Clone, PartialEq, Debug)]
pub struct Fetch {
    /// What is asked for.
    pub range: FetchRange,
    /// Parameters.
    pub params: Parameters,
}

/// The range of a FETCH.
#[derive(Clone, PartialEq, Debug)]
pub enum FetchRange {
    /// Independent of any subscription.
    Standalone {
        /// The track.
        track: FullTrackName,
        /// First object.
        start: Location,
        /// Last object plus one; object 0 stands for the whole group.
        end: Location,
    },
    /// Ends where a subscription begins, starts some groups before.
    RelativeJoining {
        /// The subscription's request id.
        request_id: u64,
        /// Groups before the subscription's joining group.
        groups: u64,
    },
    /// Ends where a subscription begins, starts at a group.
    AbsoluteJoining {
        /// The subscription's request id.
        request_id: u64,
        /// First group.
        group: u64,
    },
}

/// PUBLISH_NAMESPACE, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS.
#[derive(Clone, PartialEq, Debug)]
pub struct NamespaceRequest {
    /// The namespace, or the prefix that is subscribed to.
    pub namespace: Namespace,
    /// Parameters.
    pub params: Parameters,
}

/// The messages that answer on a request stream.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// SUBSCRIBE_OK.
    SubscribeOk(SubscribeOk),
    /// REQUEST_OK: answers everything but SUBSCRIBE and FETCH.
    RequestOk(RequestOk),
    /// REQUEST_ERROR.
    RequestError(RequestError),
    /// FETCH_OK.
    FetchOk(FetchOk),
    /// PUBLISH_DONE: the subscription is over.
    PublishDone(PublishDone),
    /// NAMESPACE: one more namespace exists; the fields after the subscribed prefix.
    Namespace(Namespace),
    /// NAMESPACE_DONE: it exists no longer.
    NamespaceDone(Namespace),
    /// PUBLISH_BLOCKED: a track for which no PUBLISH can be sent.
    PublishBlocked {
        /// Namespace fields after the subscribed prefix, and the track name.
        suffix: FullTrackName,
    },
}

/// SUBSCRIBE_OK.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SubscribeOk {
    /// The number that data streams and datagrams use for the track.
    pub track_alias: u64,
    /// Parameters.
    pub params: Parameters,
    /// Track properties.
    pub properties: Properties,
}

/// REQUEST_OK.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RequestOk {
    /// Parameters.
    pub params: Parameters,
    /// Track properties; only in answer to TRACK_STATUS.
    pub properties: Properties,
}

/// REQUEST_ERROR.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RequestError {
    /// A code of [`super::error::request_codes`], or one unknown to this library.
    pub code: u64,
    /// When to try again in milliseconds; `None`: do not. On the wire this plus one.
    pub retry_after: Option<u64>,
    /// Text, at most 1,024 bytes.
    pub reason: String,
    /// Where to go instead; with code REDIRECT only.
    pub redirect: Option<Redirect>,
}

impl RequestError {
    /// An error without retry and redirect.
    pub fn new(code: u64, reason: impl Into<String>) -> Self {
        RequestError {
            code,
            reason: reason.into(),
            ..Default::default()
        }
    }
}

/// Where a REDIRECT points.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Redirect {
    /// The server, empty for the same one. Always empty towards a server.
    pub uri: Bytes,
    /// The track to ask for there; namespace and name empty for the same one.
    pub track: FullTrackName,
}

/// FETCH_OK.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FetchOk {
    /// Whether `end` is the track's final object.
    pub end_of_track: bool,
    /// Last object plus one; object 0 stands for the whole group.
    pub end: Location,
    /// Parameters.
    pub params: Parameters,
    /// Track properties.
    pub properties: Properties,
}

/// Stream Count of a publisher that does not know it (2^62 - 1).
pub const STREAM_COUNT_UNKNOWN: u64 = (1 << 62) - 1;

/// PUBLISH_DONE.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PublishDone {
    /// A code of [`super::error::done_codes`], or one unknown to this library.
    pub status: u64,
    /// Data streams opened for the subscription. A [`crate::session::Session`] fills it in.
    pub stream_count: u64,
    /// Text, at most 1,024 bytes.
    pub reason: String,
}
