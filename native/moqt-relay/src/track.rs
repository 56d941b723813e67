//! One track: where it comes from, who reads it, what is kept of it.

use crate::cache::TrackCache;
use crate::slots::Slots;
use crate::timers::Scheduled;
use moqt::delivery::{DeliveryClass, OutObject, Sender, TrackInfo};
use moqt::session::RequestId;
use moqt::transport::StreamId;
use moqt::wire::{
    property, FetchItem, FullTrackName, Location, Parameters, Properties, PublishDone, RequestError,
};
use moqt_net::ConnId;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How a source came to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SourceKind {
    /// By our SUBSCRIBE.
    Subscribed,
    /// By the peer's PUBLISH.
    Published,
}

/// A session that the track is received from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) conn: ConnId,
    pub(crate) request: RequestId,
    pub(crate) kind: SourceKind,
    /// SUBSCRIBE_OK has come, or PUBLISH was accepted.
    pub(crate) established: bool,
    /// The Forward State that we asked for.
    pub(crate) forward: bool,
    /// Its PUBLISH_DONE; the source goes when its streams have ended.
    pub(crate) done: Option<PublishDone>,
}

/// A downstream SUBSCRIBE that waits for a source.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) conn: ConnId,
    pub(crate) request: RequestId,
    pub(crate) params: Parameters,
    /// End of its RENDEZVOUS_TIMEOUT.
    pub(crate) until: Option<Instant>,
}

/// A downstream subscription.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) conn: ConnId,
    pub(crate) request: RequestId,
    pub(crate) sender: Sender,
    /// Joining Location (draft-18 "Subscriptions"): where a joining fetch ends.
    pub(crate) joining: Option<Location>,
    /// How it ends once everything is handed over, and until when that may take.
    pub(crate) done: Option<(PublishDone, Instant)>,
    pub(crate) timer: Scheduled,
    /// Bytes waiting when last looked at.
    pub(crate) queued: usize,
}

/// A joining fetch that went upstream together with our SUBSCRIBE, so that the first subscriber
/// waits for one round trip and not for two.
#[derive(Debug)]
pub(crate) struct Prefetch {
    pub(crate) conn: ConnId,
    pub(crate) request: RequestId,
    /// Groups before the joining location's.
    pub(crate) groups: u64,
    /// The joining location, once SUBSCRIBE_OK has told it.
    pub(crate) location: Option<Location>,
    /// What has come. Its place is known only with the location.
    pub(crate) items: Vec<FetchItem>,
    /// Bytes of what has come.
    pub(crate) bytes: usize,
}

/// A subgroup that is being received.
#[derive(Clone, Debug)]
pub(crate) struct LiveSubgroup {
    /// Last object forwarded.
    pub(crate) last: Option<u64>,
    /// The stream that it came on.
    pub(crate) from: (ConnId, StreamId),
    /// All streams that carry the subgroup; none while its publisher is lost.
    pub(crate) streams: Vec<(ConnId, StreamId)>,
    /// Publisher priority, which all its objects share.
    pub(crate) priority: Option<u8>,
}

/// One track.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) name: FullTrackName,
    /// The Track Alias towards every subscriber: encoded objects are shared.
    pub(crate) alias: u64,
    pub(crate) info: TrackInfo,
    /// Track properties as last received; `None` before any source is established.
    pub(crate) properties: Option<Properties>,
    pub(crate) largest: Option<Location>,
    pub(crate) cache: TrackCache,
    pub(crate) sources: Vec<Source>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) subscribers: Slots<Subscriber>,
    pub(crate) live: HashMap<(u64, u64), LiveSubgroup>,
    /// Those of `live` whose publisher was lost: it may come back and go on with them.
    pub(crate) orphans: Vec<(u64, u64)>,
    /// NEW_GROUP_REQUEST that is outstanding upstream.
    pub(crate) group_request: Option<u64>,
    /// Why the last source refused, for those who still wait.
    pub(crate) refusal: Option<RequestError>,
    /// How the last source ended.
    pub(crate) ended: bool,
    /// Our PUBLISH to those who follow a prefix, not answered yet.
    pub(crate) offers: Vec<(ConnId, RequestId)>,
    /// A joining fetch that went upstream together with our SUBSCRIBE.
    pub(crate) prefetch: Option<Prefetch>,
    /// Live fetches of it.
    pub(crate) fetches: usize,
    /// When an unused track is given up.
    pub(crate) linger: Option<Instant>,
    /// Until when subscribers wait for a lost publisher.
    pub(crate) grace: Option<Instant>,
    /// When sources are asked again.
    pub(crate) retry: Option<Instant>,
    pub(crate) timer: Scheduled,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

impl Track {
    pub(crate) fn new(name: FullTrackName, alias: u64, cache: TrackCache) -> Self {
        Track {
            name,
            alias,
            info: TrackInfo::default(),
            properties: None,
            largest: None,
            cache,
            sources: Vec::new(),
            waiting: Vec::new(),
            subscribers: Slots::default(),
            live: HashMap::new(),
            orphans: Vec::new(),
            group_request: None,
            refusal: None,
            ended: false,
            offers: Vec::new(),
            prefetch: None,
            fetches: 0,
            linger: None,
            grace: None,
            retry: None,
            timer: Scheduled::default(),
            objects: 0,
            bytes: 0,
        }
    }

    /// Whether it can be received now.
    pub(crate) fn is_established(&self) -> bool {
        self.sources
            .iter()
            .any(|s| s.established && s.done.is_none())
    }

    /// Whether an answer of a source is outstanding.
    pub(crate) fn is_pending(&self) -> bool {
        self.sources.iter().any(|s| !s.established)
    }

    /// Whether there are subscriptions that have not begun to end.
    pub(crate) fn has_live_subscribers(&self) -> bool {
        self.subscribers.iter().any(|(_, s)| s.done.is_none())
    }

    /// Whether anyone wants objects.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.waiting.is_empty()
            || self
                .subscribers
                .iter()
                .any(|(_, s)| s.done.is_none() && s.sender.is_forwarding())
    }

    /// Whether anyone has anything to do with it.
    pub(crate) fn is_used(&self) -> bool {
        !self.waiting.is_empty() || !self.subscribers.is_empty() || self.fetches > 0
    }

    /// The source of a session.
    pub(crate) fn source_mut(&mut self, conn: ConnId) -> Option<&mut Source> {
        self.sources.iter_mut().find(|s| s.conn == conn)
    }

    /// The live subscription or waiting request of a session.
    pub(crate) fn is_subscribed(&self, conn: ConnId) -> bool {
        self.waiting.iter().any(|w| w.conn == conn)
            || self
                .subscribers
                .iter()
                .any(|(_, s)| s.conn == conn && s.done.is_none())
    }

    /// Takes over track properties.
    pub(crate) fn set_properties(&mut self, properties: Properties) {
        self.info = TrackInfo::from_properties(&properties);
        let max_age = properties.varint(property::MAX_CACHE_DURATION);
        // A day is as good as forever, and keeps time arithmetic in range.
        let max_age = max_age.map(|ms| Duration::from_millis(ms.min(86_400_000)));
        self.cache.configure(max_age, self.info.priority);
        self.properties = Some(properties);
    }

    /// The only publisher of a subgroup was lost. True: subscribers' streams stay open for it, because
    /// a publisher of this library sends the newest group of a `reliable` track again.
    pub(crate) fn orphan(&mut self, key: (u64, u64), from: (ConnId, StreamId)) -> bool {
        let alone = self
            .sources
            .iter()
            .all(|s| s.conn == from.0 && s.done.is_none());
        if !alone || self.info.class != Some(DeliveryClass::Reliable) {
            return false;
        }
        let Some(live) = self.live.get_mut(&key) else {
            return false;
        };
        if live.streams != [from] {
            return false;
        }
        live.streams.clear();
        self.orphans.push(key);
        true
    }

    /// Whether subscribers wait for an object of a subgroup that others of them had.
    pub(crate) fn lacks(&self, object: &OutObject) -> bool {
        let live = self.live.get(&(object.group, object.subgroup));
        live.and_then(|live| live.last)
            .is_some_and(|last| object.object > last)
    }

    /// Raises the largest location. Gives whether the largest group went up.
    pub(crate) fn saw(&mut self, location: Location) -> bool {
        let before = self.largest;
        if before.is_some_and(|largest| largest >= location) {
            return false;
        }
        self.largest = Some(location);
        let new_group = before.is_none_or(|largest| location.group > largest.group);
        if new_group {
            self.group_request = None;
        }
        new_group
    }

    /// The earliest of its deadlines.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        // With an answer outstanding, the session's own time-out decides.
        let pending = self.is_pending();
        let waiting = self
            .waiting
            .iter()
            .filter_map(|w| w.until.filter(|_| !pending));
        let done = self
            .subscribers
            .iter()
            .filter_map(|(_, s)| s.done.as_ref().map(|d| d.1));
        waiting
            .chain(done)
            .chain(self.linger)
            .chain(self.grace)
            .chain(self.retry)
            .min()
    }
}
