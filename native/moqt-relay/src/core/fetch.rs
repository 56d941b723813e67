//! FETCH: from the cache, and what is unknown there from upstream.

use super::Core;
use crate::cache::{Item, Span, TrackCache, Unsent};
use crate::io::Io;
use crate::peer::Role;
use moqt::session::RequestId;
use moqt::transport::StreamId;
use moqt::wire::{
    request_codes, Fetch, FetchOk, FetchRange, FullTrackName, GroupOrder, Location, Properties,
    RequestError, Token,
};
use moqt_net::ConnId;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a joining fetch counts from.
#[derive(Clone, Copy, Debug)]
pub(super) enum JoiningStart {
    Relative(u64),
    Absolute(u64),
}

/// Our FETCH on behalf of a job.
#[derive(Debug)]
pub(super) struct Fill {
    pub(super) conn: ConnId,
    pub(super) request: RequestId,
    pub(super) span: Span,
    /// Everything of the span before this location is settled.
    pub(super) cursor: Location,
    pub(super) ok: Option<FetchOk>,
}

/// One FETCH of a peer.
#[derive(Debug)]
pub(super) struct FetchJob {
    pub(super) conn: ConnId,
    pub(super) request: RequestId,
    /// The track; 0 while a joining fetch waits for its subscription.
    pub(super) track: u64,
    pub(super) joining: Option<(RequestId, JoiningStart)>,
    pub(super) span: Span,
    pub(super) order: GroupOrder,
    pub(super) priority: u8,
    pub(super) fill_timeout: Option<Duration>,
    pub(super) deadline: Option<Instant>,
    /// What is known of the range.
    pub(super) store: TrackCache,
    /// Up to where the track's cache was copied there; `None`: not begun.
    pub(super) gathered: Option<Location>,
    pub(super) fill: Option<Fill>,
    pub(super) tried: Vec<ConnId>,
    pub(super) refusal: Option<RequestError>,
    pub(super) properties: Option<Properties>,
    pub(super) end_of_track: bool,
    pub(super) answered: bool,
    /// What is written next, and what of the store comes after that.
    pub(super) items: VecDeque<Item>,
    pub(super) unsent: Unsent,
    pub(super) stream: Option<StreamId>,
    /// Whether it waits for its turn.
    pub(super) wants_turn: bool,
}

impl FetchJob {
    /// Whether it was put off until the track's joining fetch is over.
    pub(super) fn waits_for_prefetch(&self) -> bool {
        !self.answered && self.fill.is_none() && self.joining.is_none() && self.deadline.is_some()
    }
}

pub(super) fn invalid_range(reason: &str) -> RequestError {
    RequestError::new(request_codes::INVALID_RANGE, reason)
}

impl Core {
    pub(super) fn on_fetch(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        message: Fetch,
        tokens: &[Token],
    ) {
        self.counts.requests.fetch += 1;
        let limits = &self.config.limits;
        let (fetch_bytes, max_fetches) = (limits.fetch_bytes, limits.fetches_per_session);
        let Some(peer) = self.peers.get(&conn) else {
            return;
        };
        if peer.fetches >= max_fetches {
            self.counts.limits.fetches += 1;
            return self.reject(
                io,
                conn,
                request,
                Self::overloaded("fetches of one session"),
            );
        }
        let (name, span, joining): (Option<FullTrackName>, Option<Span>, _) = match message.range {
            FetchRange::Standalone { track, start, end } => {
                (Some(track), Span::from_wire(start, end), None)
            }
            FetchRange::RelativeJoining { request_id, groups } => (
                None,
                None,
                Some((RequestId(request_id), JoiningStart::Relative(groups))),
            ),
            FetchRange::AbsoluteJoining { request_id, group } => (
                None,
                None,
                Some((RequestId(request_id), JoiningStart::Absolute(group))),
            ),
        };
        let track = match (&name, &joining) {
            (Some(name), _) => {
                if span.is_none() {
                    let error = invalid_range("the end of the range lies before its start");
                    return self.reject(io, conn, request, error);
                }
                match self.track_of(name) {
                    Some(id) => id,
                    None => return self.reject(io, conn, request, Self::overloaded("tracks")),
                }
            }
            (None, Some((joined, _))) => match peer.roles.get(joined) {
                Some(Role::Waiting { track } | Role::Subscriber { track, .. }) => *track,
                _ => {
                    let error = RequestError::new(
                        request_codes::INVALID_JOINING_REQUEST_ID,
                        "there is no such subscription in this session",
                    );
                    return self.reject(io, conn, request, error);
                }
            },
            (None, None) => return,
        };
        if joining.is_some() {
            // The subscription was allowed; a token of the fetch itself may say otherwise.
            let name = self.tracks.get(&track).map(|t| t.name.clone());
            if let Some(name) = name {
                let denied =
                    self.unauthorized(conn, name.namespace(), Some(name.name()), false, tokens);
                if let Some(error) = denied {
                    return self.reject(io, conn, request, error);
                }
            }
        }
        let zero = Location::default();
        let job = FetchJob {
            conn,
            request,
            track,
            joining,
            span: span.unwrap_or(Span {
                start: zero,
                end: zero,
            }),
            order: message.params.group_order.unwrap_or(GroupOrder::Ascending),
            priority: message.params.subscriber_priority.unwrap_or(128),
            fill_timeout: message.params.fill_timeout.map(Duration::from_millis),
            deadline: None,
            store: TrackCache::new(fetch_bytes, usize::MAX),
            gathered: None,
            fill: None,
            tried: Vec::new(),
            refusal: None,
            properties: None,
            end_of_track: false,
            answered: false,
            items: VecDeque::new(),
            unsent: Unsent::default(),
            stream: None,
            wants_turn: false,
        };
        let id = self.new_id();
        self.fetches.insert(id, job);
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.insert(request, Role::Fetch { fetch: id });
            peer.fetches += 1;
        }
        if let Some(track) = self.tracks.get_mut(&track) {
            track.fetches += 1;
            track.linger = None;
        }
        match joining {
            None => self.want_turn(id),
            Some((joined, _)) => {
                let subscription = self
                    .peers
                    .get(&conn)
                    .and_then(|p| p.roles.get(&joined))
                    .cloned();
                match (subscription, joining) {
                    (Some(Role::Subscriber { .. }), _) => self.begin_joining(io, id),
                    (Some(Role::Waiting { track }), Some((_, JoiningStart::Relative(groups)))) => {
                        self.prefetch(io, track, groups);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The fetches of a session that join a request.
    fn joining(&self, conn: ConnId, joined: RequestId) -> Vec<u64> {
        let Some(peer) = self.peers.get(&conn) else {
            return Vec::new();
        };
        if peer.fetches == 0 {
            return Vec::new();
        }
        let mut found: Vec<u64> = peer
            .roles
            .values()
            .filter_map(|role| match role {
                Role::Fetch { fetch } => Some(*fetch),
                _ => None,
            })
            .filter(|fetch| {
                self.fetches
                    .get(fetch)
                    .is_some_and(|job| job.joining.is_some_and(|(request, _)| request == joined))
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// The subscription that fetches join is established.
    pub(super) fn joining_ready(&mut self, io: &mut dyn Io, conn: ConnId, joined: RequestId) {
        for fetch in self.joining(conn, joined) {
            self.begin_joining(io, fetch);
        }
    }

    /// The subscription that fetches join was refused or cancelled.
    pub(super) fn joining_lost(&mut self, io: &mut dyn Io, conn: ConnId, joined: RequestId) {
        for fetch in self.joining(conn, joined) {
            let error = RequestError::new(
                request_codes::INVALID_JOINING_REQUEST_ID,
                "the subscription was not established",
            );
            self.refuse_fetch(io, fetch, error);
        }
    }

    /// Computes the range of a joining fetch (draft-18 "Joining Fetch Range Calculation").
    fn begin_joining(&mut self, io: &mut dyn Io, fetch: u64) {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        let Some((joined, start)) = job.joining.take() else {
            return;
        };
        let role = self.peers.get(&job.conn).and_then(|p| p.roles.get(&joined));
        let Some(Role::Subscriber { track, slot }) = role else {
            return;
        };
        let subscriber = self
            .tracks
            .get(track)
            .and_then(|t| t.subscribers.get(*slot));
        let Some(subscriber) = subscriber else { return };
        if !subscriber.sender.is_forwarding() {
            let error = invalid_range("the subscription does not forward");
            return self.refuse_fetch(io, fetch, error);
        }
        let Some(location) = subscriber.joining else {
            let error = invalid_range("nothing was published yet on this track");
            return self.refuse_fetch(io, fetch, error);
        };
        let group = match start {
            JoiningStart::Relative(groups) => location.group.saturating_sub(groups),
            JoiningStart::Absolute(group) => group,
        };
        if group > location.group {
            let error = invalid_range("the start lies after the joining location");
            return self.refuse_fetch(io, fetch, error);
        }
        job.span = Span {
            start: Location::new(group, 0),
            end: location,
        };
        self.want_turn(fetch);
    }
}
