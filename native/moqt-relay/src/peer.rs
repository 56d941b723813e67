//! One session and what it has going with the relay.

use crate::farewell::Farewell;
use crate::timers::Scheduled;
use moqt::bucket::Bucket;
use moqt::delivery::StreamOwners;
use moqt::hash::IntMap;
use moqt::session::{RequestId, Session};
use moqt::transport::StreamId;
use moqt::wire::{FullTrackName, Namespace, SubgroupHeader, Token};
use moqt_net::{ConnId, ConnInfo};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::time::Instant;

/// What a live request is for.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// The peer's SUBSCRIBE, not answered yet.
    Waiting { track: u64 },
    /// The peer's SUBSCRIBE, answered, or our PUBLISH to it: a place among the track's subscribers.
    Subscriber { track: u64, slot: usize },
    /// Our PUBLISH to it, not answered yet.
    Offered { track: u64 },
    /// Our SUBSCRIBE, or the peer's PUBLISH: a source of the track.
    Upstream { track: u64 },
    /// The peer's FETCH.
    Fetch { fetch: u64 },
    /// Our joining FETCH that goes with a SUBSCRIBE.
    Prefetch { track: u64 },
    /// Our FETCH on behalf of one.
    UpstreamFetch { fetch: u64 },
    /// The peer's TRACK_STATUS that was passed on.
    Status,
    /// Our TRACK_STATUS on behalf of another session's request.
    UpstreamStatus {
        conn: ConnId,
        request: RequestId,
        track: FullTrackName,
        tried: Vec<ConnId>,
    },
    /// The peer's PUBLISH_NAMESPACE.
    Namespace { namespace: Namespace },
    /// The peer's SUBSCRIBE_NAMESPACE, with the namespaces that it was told.
    Discovery {
        prefix: Namespace,
        told: HashSet<Namespace>,
    },
    /// The peer's SUBSCRIBE_TRACKS.
    Tracks {
        prefix: Namespace,
        forward: bool,
        blocked: HashSet<u64>,
    },
}

/// A subgroup stream that comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) track: u64,
    pub(crate) header: SubgroupHeader,
    /// Known at once, or with the first object.
    pub(crate) subgroup: Option<u64>,
    /// Last object id on this stream.
    pub(crate) last: Option<u64>,
}

/// One session.
pub(crate) struct Peer {
    pub(crate) session: Session,
    pub(crate) farewell: Farewell,
    pub(crate) owners: StreamOwners,
    pub(crate) info: ConnInfo,
    pub(crate) path: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) ready: bool,
    pub(crate) going_away: bool,
    /// Bytes that its session held when it was looked at last.
    pub(crate) held: usize,
    /// Whether it is in the list of sessions with events to take.
    pub(crate) dirty: bool,
    pub(crate) timer: Scheduled,
    pub(crate) roles: HashMap<RequestId, Role>,
    pub(crate) incoming: IntMap<StreamId, Incoming>,
    /// Fetch responses on their way, by their stream.
    pub(crate) fetch_streams: IntMap<StreamId, u64>,
    /// Live fetches of the peer.
    pub(crate) fetches: usize,
    /// Fetches that have something to do, and whether the session waits for its turn with them.
    pub(crate) fetch_turns: VecDeque<u64>,
    pub(crate) in_turn: bool,
    /// Bytes that it has fetched.
    pub(crate) fetched: Bucket,
    /// Requests of all kinds, and those that publish.
    pub(crate) requested: Bucket,
    pub(crate) published: Bucket,
    /// Requests that came too fast, with the time at which they are refused and whether they
    /// publish; as many as the peer may have streams open.
    pub(crate) refusals: BinaryHeap<Reverse<(Instant, RequestId, bool)>>,
    pub(crate) refusal_timer: Scheduled,
    /// Tracks whose SUBSCRIBE waits for a request stream.
    pub(crate) blocked_tracks: Vec<u64>,
    /// Fetches whose response waits for a data stream.
    pub(crate) blocked_fetches: Vec<u64>,
    /// Senders (track, slot) are pumped when streams or datagrams are available again.
    pub(crate) subscriptions: HashSet<(u64, usize)>,
}

impl Peer {
    pub(crate) fn new(session: Session, info: ConnInfo) -> Self {
        Peer {
            session,
            farewell: Farewell::default(),
            owners: StreamOwners::default(),
            path: info.path.clone(),
            info,
            tokens: Vec::new(),
            ready: false,
            going_away: false,
            held: 0,
            dirty: false,
            timer: Scheduled::default(),
            roles: HashMap::new(),
            incoming: IntMap::default(),
            fetch_streams: IntMap::default(),
            fetches: 0,
            fetch_turns: VecDeque::new(),
            in_turn: false,
            fetched: Bucket::default(),
            requested: Bucket::default(),
            published: Bucket::default(),
            refusals: BinaryHeap::new(),
            refusal_timer: Scheduled::default(),
            blocked_tracks: Vec::new(),
            blocked_fetches: Vec::new(),
            subscriptions: HashSet::new(),
        }
    }
}
