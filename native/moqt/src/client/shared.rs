//! What the parts of a client share: events, routes of requests, counters.

use super::types::{ClientConfig, ClientEvent, Handle};
use crate::delivery::StreamOwners;
use crate::hash::IntMap;
use crate::session::{RequestId, Session};
use crate::transport::Transport;
use std::collections::VecDeque;
use std::time::Instant;

/// Who waits for what happens to a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Route {
    /// Our PUBLISH_NAMESPACE: index of the namespace's entry.
    Namespace(u64),
    /// Our SUBSCRIBE: the feed.
    Feed(u64),
    /// The joining FETCH of a feed.
    FeedFetch(u64),
    /// Our FETCH for a reader: one of its own, or to join a feed that runs already.
    Fetch(Handle),
    /// Our TRACK_STATUS.
    Status(Handle),
    /// Our SUBSCRIBE_NAMESPACE: the wire discovery.
    Discovery(u64),
    /// The peer's SUBSCRIBE to this publication.
    Downstream(Handle),
    /// The peer's FETCH.
    Serve,
    /// The peer's SUBSCRIBE_NAMESPACE.
    Watcher,
    /// The peer's PUBLISH_NAMESPACE.
    Accepted,
}

/// What the parts of a client share.
pub(super) struct Shared {
    pub config: ClientConfig,
    pub events: VecDeque<ClientEvent>,
    pub routes: IntMap<RequestId, Route>,
    pub owners: StreamOwners,
    /// Requests to cancel at the next pump, with stream reset codes.
    pub cancels: Vec<(RequestId, u64)>,
    pub refused: u64,
    /// Something waits for [`Client::pump`](super::Client::pump).
    pub dirty: bool,
    /// A request waits to be sent, or a stream to be let flow: not only objects.
    pub control: bool,
    /// Largest datagram of the connection, as last seen.
    pub max_datagram: Option<usize>,
    /// A connection was there: what it cannot do is known.
    pub attached: bool,
    next_id: u64,
}

impl Shared {
    pub fn new(config: ClientConfig) -> Self {
        Shared {
            config,
            events: VecDeque::new(),
            routes: IntMap::default(),
            owners: StreamOwners::default(),
            cancels: Vec::new(),
            refused: 0,
            dirty: false,
            control: true,
            max_datagram: None,
            attached: false,
            next_id: 1,
        }
    }

    /// A number never used before in this client.
    pub fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// A session carries everything from now on: what waits is sent.
    pub fn attached(&mut self) {
        self.attached = true;
        self.want();
    }

    /// The session is over, with all its requests and streams.
    pub fn detached(&mut self) {
        self.routes.clear();
        self.owners = StreamOwners::default();
        self.cancels.clear();
    }

    /// Whether what is lost is asked for again.
    pub fn recovers(&self) -> bool {
        self.config.reconnect.is_some()
    }

    /// A request waits for the next pump.
    pub fn want(&mut self) {
        self.dirty = true;
        self.control = true;
    }

    pub fn next_handle(&mut self) -> Handle {
        Handle(self.next_id())
    }

    pub fn event(&mut self, event: ClientEvent) {
        self.events.push_back(event);
    }

    /// Cancels a request at the next pump; what still comes for it is ignored.
    pub fn cancel(&mut self, id: RequestId, code: u64) {
        self.routes.remove(&id);
        self.cancels.push((id, code));
        self.dirty = true;
    }
}

/// One call's view of a client with a session.
pub(super) struct Cx<'a> {
    pub now: Instant,
    pub session: &'a mut Session,
    pub t: &'a mut dyn Transport,
    pub shared: &'a mut Shared,
}
