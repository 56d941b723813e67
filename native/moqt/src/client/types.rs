//! Options, ids and events of the client.

use super::connector::LinkId;
use super::error::ClientError;
use super::reconnect::Reconnect;
pub use crate::delivery::inbound::{Gap, GapReason, InObject};
use crate::delivery::DeliveryClass;
use crate::wire::location::{GroupOrder, Location};
use crate::wire::name::{FullTrackName, Namespace};
use bytes::Bytes;
use std::time::Duration;

/// Names a publication, subscription, discovery, fetch, status or flush of one client. Never
/// reused within a client, never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle(pub u64);

/// Limits and timeouts of a client.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Sent as authorization token with SETUP.
    pub token: Option<Bytes>,
    /// A token is asked for before each connection, with [`ClientEvent::TokenWanted`].
    pub ask_token: bool,
    /// How a lost connection is repaired; `None`: a loss closes the client.
    pub reconnect: Option<Reconnect>,
    /// Of the jitter between attempts: clients with different seeds do not come back together.
    pub seed: u64,
    /// MOQT_IMPLEMENTATION.
    pub implementation: String,
    /// Longest wait for the token, the connection and the peer's SETUP together.
    pub connect_timeout: Duration,
    /// Longest wait for the answer to a request, without the time that it waits for a publisher.
    pub request_timeout: Duration,
    /// Largest object in bytes accepted from the peer.
    pub max_object_size: usize,
    /// Most publications of this client at one time.
    pub max_publications: usize,
    /// Most subscriptions, discoveries, fetches and status requests together at one time.
    pub max_requests: usize,
    /// Most subscriptions of the peer to this client's publications at one time.
    pub max_downstream: usize,
    /// Most events waiting for [`poll_event`](super::Client::poll_event) beside objects.
    pub max_namespaces: usize,
    /// Which side of the session this client is: `true` for the side that opened the connection.
    pub initiator: bool,
}

impl Default for ClientConfig {
    fn default() -> Self {
        ClientConfig {
            token: None,
            ask_token: false,
            reconnect: None,
            seed: 0,
            implementation: concat!("moq-game/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            max_object_size: 16 << 20,
            max_publications: 1_024,
            max_requests: 4_096,
            max_downstream: 4_096,
            max_namespaces: 65_536,
            initiator: true,
        }
    }
}

/// Options of [`publish`](super::Client::publish).
#[derive(Clone, Debug)]
pub struct PublishOptions {
    /// Delivery class.
    pub delivery: DeliveryClass,
    /// For `deadline`: age after which an update is worthless; 1 to 60,000 ms.
    pub deadline: Duration,
    /// 0 is the highest, 255 the lowest.
    pub priority: u8,
    /// Most bytes that may wait before `send` gives [`SendError::WouldBlock`].
    pub queue_bytes: usize,
    /// `reliable`: bytes of the current group kept for late joiners.
    pub retain_bytes: usize,
    /// Largest whole datagram in bytes for `datagram`; 64 to 65,000.
    pub max_datagram_size: usize,
}

impl Default for PublishOptions {
    fn default() -> Self {
        PublishOptions {
            delivery: DeliveryClass::Reliable,
            deadline: Duration::from_millis(200),
            priority: 128,
            queue_bytes: 1 << 20,
            retain_bytes: 8 << 20,
            max_datagram_size: 1_100,
        }
    }
}

/// Where a subscription begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Start {
    /// At the newest group's start, joined with what follows.
    #[default]
    LatestGroup,
    /// At the next group.
    Next,
    /// At the next object.
    Now,
}

/// Options of [`subscribe`](super::Client::subscribe).
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    /// Where to begin.
    pub start: Start,
    /// How to read a track whose publisher did not say its class.
    pub delivery: DeliveryClass,
    /// `datagram` only: deliver in arrival order, also what is older than the newest.
    pub unordered: bool,
    /// 0 is the highest, 255 the lowest.
    pub priority: u8,
    /// Waits up to this long for a publisher to appear (RENDEZVOUS_TIMEOUT).
    pub wait: Duration,
    /// Objects that waited longer than this for the reader are dropped and counted.
    pub max_age: Option<Duration>,
    /// Most bytes that may wait for the reader. When full: `reliable` pushes back, the others drop
    /// the oldest.
    pub queue_bytes: usize,
    /// Bounded wait for a missing group before it is reported as a gap (`reliable`).
    pub gap_timeout: Duration,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        SubscribeOptions {
            start: Start::LatestGroup,
            delivery: DeliveryClass::Reliable,
            unordered: false,
            priority: 128,
            wait: Duration::ZERO,
            max_age: None,
            queue_bytes: 8 << 20,
            gap_timeout: Duration::from_millis(2_000),
        }
    }
}

/// Options of [`fetch`](super::Client::fetch).
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// First group.
    pub from_group: u64,
    /// Last group, inclusive.
    pub to_group: u64,
    /// Order of groups.
    pub order: GroupOrder,
    /// 0 is the highest, 255 the lowest.
    pub priority: u8,
    /// Most bytes that may wait for the reader before the fetch stream is paused.
    pub queue_bytes: usize,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            from_group: 0,
            to_group: 0,
            order: GroupOrder::Ascending,
            priority: 128,
            queue_bytes: 8 << 20,
        }
    }
}

/// Why [`send`](super::Client::send) accepted nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The queue is full; [`ClientEvent::Writable`] follows.
    WouldBlock,
    /// Larger than a datagram may be, or than an object may be.
    TooLarge {
        /// Largest payload in bytes that is accepted now.
        limit: usize,
    },
    /// The publication ended, or never was.
    Closed,
}

/// connecting → open → closed. `Reconnecting` stands between two `Open`s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientState {
    /// No session yet.
    Connecting,
    /// SETUP was exchanged.
    Open,
    /// A session was lost, or its peer goes away, and another one is being established.
    Reconnecting,
    /// For good.
    Closed,
}

/// Why a handle ended. Each handle gets exactly one.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// The peer ended it in order: the track is over, the fetch is complete.
    Ended,
    /// This side closed it.
    Closed,
    /// It failed.
    Error(ClientError),
}

/// What was negotiated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionInfo {
    /// MoQ Transport draft, for example 18.
    pub draft: u32,
    /// The peer's MOQT_IMPLEMENTATION, lossily decoded.
    pub peer: Option<String>,
}

/// What happened. Events of one handle are in order; after [`ClientEvent::Ended`] none follows
/// for it, and after [`ClientEvent::Closed`] none at all.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// The state changed; `error` says why on the way down.
    State {
        /// The new state.
        state: ClientState,
        /// What was negotiated, with `Open`.
        info: Option<SessionInfo>,
        /// Why, when something failed.
        error: Option<ClientError>,
    },
    /// A connection is to be made and needs a token; [`supply_token`](super::Client::supply_token)
    /// answers. The attempt waits for it as long as for everything else.
    TokenWanted(LinkId),
    /// The peer accepted the namespace of the publication or announcement.
    PublicationReady(Handle),
    /// How many subscriptions the peer holds on the publication now.
    Subscribers(Handle, usize),
    /// A `send` that would have blocked would be accepted again.
    Writable(Handle),
    /// A subscriber asks for a new group; at most once a second.
    KeyframeWanted(Handle),
    /// A subscription was accepted.
    SubscriptionReady {
        /// The subscription.
        handle: Handle,
        /// The class in force.
        class: DeliveryClass,
        /// The largest location the publisher had, if anything was published.
        largest: Option<Location>,
    },
    /// An object of a subscription or of a fetch.
    Object(Handle, InObject),
    /// Something of a subscription that will not be delivered.
    Gap(Handle, Gap),
    /// The peer accepted a discovery.
    DiscoveryReady(Handle),
    /// A namespace appeared under a discovery's prefix.
    NamespaceAdded(Handle, Namespace),
    /// A namespace went away.
    NamespaceRemoved(Handle, Namespace),
    /// What the next hop knows of a track; `Ended` follows.
    Status {
        /// The status request.
        handle: Handle,
        /// The newest location, if anything was published.
        largest: Option<Location>,
        /// The class, if the publisher said it.
        class: Option<DeliveryClass>,
    },
    /// A handle ended: publication, announcement, subscription, discovery, fetch, status or flush. A flush that
    /// came through ends with [`End::Ended`].
    Ended(Handle, End),
    /// The client is closed and nothing follows.
    Closed(Option<ClientError>),
}

/// Counters of one subscription.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SubscriptionStats {
    /// Objects handed to the reader.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects waiting for the reader.
    pub queued_objects: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Dropped because something newer was delivered already.
    pub stale: u64,
    /// Dropped because they came after their deadline or waited longer than `max_age`.
    pub late: u64,
    /// Dropped because the reader's queue was full.
    pub overflow: u64,
    /// Streams reset or cut before their end.
    pub reset: u64,
    /// Gaps reported.
    pub gaps: u64,
}

/// Counters of one publication.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PublicationStats {
    /// Objects accepted.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects waiting for the network, over all subscribers.
    pub queued_objects: u64,
    /// Their bytes, over all subscribers.
    pub queued_bytes: u64,
    /// Updates replaced by a newer one, or dropped or reset past their deadline.
    pub dropped: u64,
    /// Subscriptions now.
    pub subscribers: u64,
}

/// Counters of a client.
#[derive(Clone, Debug, Default)]
pub struct ClientStats {
    /// Subscriptions with their track and class.
    pub subscriptions: Vec<(Handle, FullTrackName, DeliveryClass, SubscriptionStats)>,
    /// Publications with their track and class.
    pub publications: Vec<(Handle, FullTrackName, DeliveryClass, PublicationStats)>,
    /// Datagrams dropped on receipt (unknown track, malformed, over a bound).
    pub datagrams_dropped: u64,
    /// Requests of the peer that were refused.
    pub requests_refused: u64,
    /// How often a lost connection was replaced.
    pub reconnects: u64,
}
