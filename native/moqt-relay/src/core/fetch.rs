//! FETCH: from the cache, and what is unknown there from upstream.

use super::intake::{compact, compact_properties};
use super::Core;
use crate::cache::{Insert, Item, Span, TrackCache};
use crate::io::Io;
use crate::peer::Role;
use crate::timers::Timer;
use moqt::delivery::priority::transport_priority;
use moqt::delivery::{OutObject, SharedObject, StreamSignal};
use moqt::session::{RequestEnd, RequestId, SessionError, StreamEnd};
use moqt::transport::StreamId;
use moqt::wire::{
    property, request_codes, stream_codes, Fetch, FetchItem, FetchObject, FetchOk, FetchRange,
    FullTrackName, GroupOrder, Location, ObjectStatus, Parameters, Properties, Request,
    RequestError, Response, Token,
};
use moqt_net::ConnId;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a joining fetch counts from.
#[derive(Clone, Copy, Debug)]
enum JoiningStart {
    Relative(u64),
    Absolute(u64),
}

/// Our FETCH on behalf of a job.
#[derive(Debug)]
struct Fill {
    conn: ConnId,
    request: RequestId,
    span: Span,
    /// Everything of the span before this location is settled.
    cursor: Location,
    ok: Option<FetchOk>,
}

/// One FETCH of a peer.
#[derive(Debug)]
pub(super) struct FetchJob {
    conn: ConnId,
    request: RequestId,
    /// The track; 0 while a joining fetch waits for its subscription.
    track: u64,
    joining: Option<(RequestId, JoiningStart)>,
    span: Span,
    order: GroupOrder,
    priority: u8,
    fill_timeout: Option<Duration>,
    deadline: Option<Instant>,
    store: TrackCache,
    fill: Option<Fill>,
    tried: Vec<ConnId>,
    refusal: Option<RequestError>,
    properties: Option<Properties>,
    end_of_track: bool,
    answered: bool,
    items: VecDeque<Item>,
    stream: Option<StreamId>,
}

/// The location after one.
fn after(location: Location) -> Location {
    match location.object.checked_add(1) {
        Some(object) => Location::new(location.group, object),
        None => Location::new(location.group.saturating_add(1), 0),
    }
}

/// The location before one.
fn before(location: Location) -> Option<Location> {
    match location.object.checked_sub(1) {
        Some(object) => Some(Location::new(location.group, object)),
        None => Some(Location::new(location.group.checked_sub(1)?, u64::MAX)),
    }
}

fn out_object(object: &FetchObject, now: Instant) -> SharedObject {
    SharedObject::new(OutObject {
        group: object.group,
        subgroup: object.subgroup.unwrap_or(0),
        object: object.object,
        status: ObjectStatus::Normal,
        priority: Some(object.priority),
        properties: compact_properties(&object.properties),
        payload: compact(object.payload.clone()),
        datagram: object.subgroup.is_none(),
        first: false,
        end_of_group: false,
        with_properties: !object.properties.is_empty(),
        received: now,
    })
}

fn invalid_range(reason: &str) -> RequestError {
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
            fill: None,
            tried: Vec::new(),
            refusal: None,
            properties: None,
            end_of_track: false,
            answered: false,
            items: VecDeque::new(),
            stream: None,
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
            None => self.begin_fetch(io, id),
            Some((joined, _)) => {
                let subscription = self
                    .peers
                    .get(&conn)
                    .and_then(|p| p.roles.get(&joined))
                    .cloned();
                if matches!(subscription, Some(Role::Subscriber { .. })) {
                    self.begin_joining(io, id);
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
        self.begin_fetch(io, fetch);
    }

    /// Takes what the cache has, and asks upstream for the rest.
    fn begin_fetch(&mut self, io: &mut dyn Io, fetch: u64) {
        let now = io.now();
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&job.track) else {
            return;
        };
        if track.is_established() {
            let Some(largest) = track.largest else {
                let error = invalid_range("nothing was published yet on this track");
                return self.refuse_fetch(io, fetch, error);
            };
            if job.span.start > largest {
                let error = invalid_range("the range lies after the largest object");
                return self.refuse_fetch(io, fetch, error);
            }
            job.span.end = job.span.end.min(largest);
        }
        if let Some(end) = track.cache.end() {
            if let Some(last) = before(end).filter(|_| job.span.end >= end) {
                job.end_of_track = true;
                // Only where the last object is known by id can the end be told exactly.
                if last.object != u64::MAX && job.span.start <= last {
                    job.span.end = last;
                }
            }
        }
        let max_bytes = self.config.limits.fetch_bytes;
        job.store = track.cache.extract(job.span, max_bytes, now);
        job.properties = track.properties.clone();
        if job.store.unknown(job.span, now).is_none() {
            self.counts.requests.fetch_cached += 1;
            return self.answer_fetch(io, fetch);
        }
        let wait = job.fill_timeout.unwrap_or(self.config.limits.fill_timeout);
        let wait = wait.min(self.config.limits.fill_timeout);
        if wait.is_zero() {
            return self.answer_fetch(io, fetch);
        }
        job.deadline = Some(now + wait);
        self.timers.add(now + wait, Timer::Fetch(fetch));
        self.fill(io, fetch);
    }

    /// Sends FETCH for what is unknown to the next publisher, or makes do with what is there.
    fn fill(&mut self, io: &mut dyn Io, fetch: u64) {
        let now = io.now();
        loop {
            let Some(job) = self.fetches.get_mut(&fetch) else {
                return;
            };
            let Some(span) = job.store.unknown(job.span, now) else {
                return self.answer_fetch(io, fetch);
            };
            let Some(track) = self.tracks.get(&job.track) else {
                return;
            };
            let sources = track
                .sources
                .iter()
                .filter(|s| s.established)
                .map(|s| s.conn);
            let publishers = self
                .publishers
                .matching(track.name.namespace())
                .map(|(conn, _)| *conn);
            let next = sources.chain(publishers).find(|conn| {
                !job.tried.contains(conn) && self.peers.get(conn).is_some_and(|p| !p.going_away)
            });
            let Some(conn) = next else {
                return self.answer_fetch(io, fetch);
            };
            job.tried.push(conn);
            let request = Request::Fetch(Fetch {
                range: FetchRange::Standalone {
                    track: track.name.clone(),
                    start: span.start,
                    end: span.wire_end(),
                },
                params: Parameters::default(),
            });
            let sent = self.with_session(io, conn, |session, transport| {
                session.request(now, transport, request)
            });
            let Some(Ok(request)) = sent else { continue };
            self.counts.requests.fetch_upstream += 1;
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.roles.insert(request, Role::UpstreamFetch { fetch });
            }
            if let Some(job) = self.fetches.get_mut(&fetch) {
                job.fill = Some(Fill {
                    conn,
                    request,
                    span,
                    cursor: span.start,
                    ok: None,
                });
            }
            return;
        }
    }

    /// One item of our FETCH.
    pub(super) fn on_fetch_item(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        item: FetchItem,
    ) {
        let now = io.now();
        let role = self.peers.get(&conn).and_then(|p| p.roles.get(&request));
        let Some(Role::UpstreamFetch { fetch }) = role else {
            return;
        };
        let Some(job) = self.fetches.get_mut(fetch) else {
            return;
        };
        let id = job.track;
        let Some(fill) = job.fill.as_mut().filter(|f| f.conn == conn) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let held = track.cache.bytes();
        let mut fault = None;
        let (location, exists) = match &item {
            FetchItem::Object(object) => (Location::new(object.group, object.object), true),
            FetchItem::EndOfRange { location, .. } => (*location, false),
        };
        if location < fill.cursor || location > fill.span.end {
            // Outside of what was asked for: not an answer to this request.
            log::debug!("an item outside of the fetched range was dropped");
            return;
        }
        let settled = match &item {
            FetchItem::Object(_) => before(location),
            FetchItem::EndOfRange { unknown: false, .. } => Some(location),
            FetchItem::EndOfRange { unknown: true, .. } => None,
        };
        if let Some(end) = settled.filter(|end| *end >= fill.cursor) {
            let span = Span {
                start: fill.cursor,
                end,
            };
            job.store.mark_known(span);
            track.cache.mark_known(span);
        }
        fill.cursor = after(location);
        if let FetchItem::Object(object) = &item {
            let shared = out_object(object, now);
            let object_gap = object
                .properties
                .varint(property::PRIOR_OBJECT_ID_GAP)
                .unwrap_or(0);
            let group_gap = object.properties.varint(property::PRIOR_GROUP_ID_GAP);
            job.store.insert(&shared, object_gap, group_gap);
            let faulty = object.properties.object_fault(object.group, object.object);
            fault = faulty.or(match track.cache.insert(&shared, object_gap, group_gap) {
                Insert::Malformed(why) => Some(why),
                _ => None,
            });
        }
        self.cached = self.cached - held.min(self.cached) + track.cache.bytes();
        debug_assert!(exists || fault.is_none());
        match fault {
            Some(why) => self.malformed(io, id, why),
            None => self.bound_cache(id),
        }
    }

    /// FETCH_OK or REQUEST_ERROR for our FETCH.
    pub(super) fn on_fetch_response(&mut self, io: &mut dyn Io, fetch: u64, response: Response) {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        match response {
            Response::FetchOk(ok) => {
                if let Some(key) = ok.properties.unknown_mandatory(|_| false) {
                    let error = RequestError::new(
                        request_codes::UNSUPPORTED_EXTENSION,
                        format!("the track needs the property {key:#x}"),
                    );
                    return self.refuse_fetch(io, fetch, error);
                }
                if job.properties.is_none() {
                    job.properties = Some(ok.properties.clone());
                    if let Some(track) = self.tracks.get_mut(&job.track) {
                        track.set_properties(ok.properties.clone());
                    }
                }
                if let Some(fill) = &mut job.fill {
                    fill.ok = Some(ok);
                }
            }
            Response::RequestError(error) => job.refusal = Some(error),
            _ => {}
        }
    }

    /// Our FETCH is over.
    pub(super) fn upstream_fetch_gone(&mut self, io: &mut dyn Io, fetch: u64, end: RequestEnd) {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        let Some(fill) = job.fill.take() else { return };
        if let (RequestEnd::Done, Some(ok)) = (end, &fill.ok) {
            let Some(track) = self.tracks.get_mut(&job.track) else {
                return;
            };
            let told = Span::from_wire(fill.span.start, ok.end).map(|span| span.end);
            let last = told.map_or(fill.span.end, |end| end.min(fill.span.end));
            if last >= fill.cursor {
                let span = Span {
                    start: fill.cursor,
                    end: last,
                };
                let held = track.cache.bytes();
                job.store.mark_known(span);
                track.cache.mark_known(span);
                self.cached = self.cached - held.min(self.cached) + track.cache.bytes();
            }
            if last < fill.span.end && fill.span.end == job.span.end {
                // There is no more of the track.
                job.span.end = last.max(job.span.start);
                job.end_of_track |= ok.end_of_track;
            }
        }
        self.fill(io, fetch);
    }

    /// The data stream of our FETCH ended; the request's own end follows if that was a FIN.
    pub(super) fn on_fetch_stream_end(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        request: RequestId,
        end: StreamEnd,
    ) {
        if end == StreamEnd::Fin {
            return;
        }
        let role = self.peers.get(&conn).and_then(|p| p.roles.get(&request));
        let Some(Role::UpstreamFetch { fetch }) = role else {
            return;
        };
        let fetch = *fetch;
        self.cancel_request(io, conn, request, stream_codes::CANCELLED);
        self.upstream_fetch_gone(io, fetch, RequestEnd::Cancelled(stream_codes::CANCELLED));
    }

    /// The time for upstream is over.
    pub(super) fn fetch_timeout(&mut self, io: &mut dyn Io, fetch: u64) {
        let now = io.now();
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        if job.answered || job.deadline.is_none_or(|at| at > now) {
            return;
        }
        if let Some(fill) = job.fill.take() {
            self.cancel_request(io, fill.conn, fill.request, stream_codes::CANCELLED);
        }
        self.answer_fetch(io, fetch);
    }

    /// Sends FETCH_OK and the objects, or the reason why there is nothing.
    fn answer_fetch(&mut self, io: &mut dyn Io, fetch: u64) {
        let now = io.now();
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        if job.answered {
            return;
        }
        let unknown = job.store.unknown(job.span, now).is_some();
        if unknown && job.store.is_empty() {
            let established = self
                .tracks
                .get(&job.track)
                .is_some_and(|t| t.is_established());
            let error = job.refusal.clone().or_else(|| {
                (!established).then(|| {
                    RequestError::new(
                        request_codes::DOES_NOT_EXIST,
                        "nobody publishes this track here, and it is not cached",
                    )
                })
            });
            if let Some(error) = error {
                return self.refuse_fetch(io, fetch, error);
            }
        }
        job.items = job.store.collect(job.span, job.order, now).into();
        job.store = TrackCache::new(0, 1);
        job.answered = true;
        job.deadline = None;
        let ok = FetchOk {
            end_of_track: job.end_of_track,
            end: job.span.wire_end(),
            params: Parameters::default(),
            properties: job.properties.clone().unwrap_or_default(),
        };
        let (conn, request) = (job.conn, job.request);
        if self.respond(io, conn, request, Response::FetchOk(ok)) {
            self.send_fetch(io, fetch);
        } else {
            self.fetch_gone(io, fetch);
        }
    }

    /// Writes as much of a response as the connection takes.
    pub(super) fn send_fetch(&mut self, io: &mut dyn Io, fetch: u64) {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        let conn = job.conn;
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        let Some(transport) = io.transport(conn) else {
            return;
        };
        let stream = match job.stream {
            Some(stream) => stream,
            None => {
                let info = self.tracks.get(&job.track).map_or(128, |t| t.info.priority);
                let group = job.span.start.group;
                let priority = transport_priority(job.priority, info, job.order, group, 0);
                match peer.session.open_fetch(transport, job.request, priority) {
                    Ok(stream) => {
                        job.stream = Some(stream);
                        peer.fetch_streams.insert(stream, fetch);
                        stream
                    }
                    Err(SessionError::NoStreams) => {
                        peer.blocked_fetches.push(fetch);
                        return;
                    }
                    Err(e) => {
                        log::debug!("a fetch response could not be opened: {e}");
                        return self.fetch_gone(io, fetch);
                    }
                }
            }
        };
        if peer.session.is_blocked(stream) {
            return;
        }
        let mut failed = false;
        while let Some(item) = job.items.front() {
            let item = match item {
                Item::EndOfRange { location, unknown } => FetchItem::EndOfRange {
                    location: *location,
                    unknown: *unknown,
                },
                Item::Object(object) => FetchItem::Object(FetchObject {
                    group: object.group,
                    subgroup: (!object.datagram).then_some(object.subgroup),
                    object: object.object,
                    priority: object.priority.unwrap_or_else(|| {
                        self.tracks.get(&job.track).map_or(128, |t| t.info.priority)
                    }),
                    properties: object.properties.clone(),
                    payload: object.payload.clone(),
                }),
            };
            match peer.session.write_fetch_item(transport, stream, &item) {
                Ok(blocked) => {
                    if matches!(item, FetchItem::Object(_)) {
                        self.counts.objects.fetched += 1;
                    }
                    job.items.pop_front();
                    if blocked {
                        break;
                    }
                }
                Err(SessionError::Blocked) => break,
                Err(e) => {
                    log::debug!("a fetch response ends early: {e}");
                    failed = true;
                    break;
                }
            }
        }
        let all = job.items.is_empty();
        if failed {
            peer.session
                .reset_stream(transport, stream, stream_codes::INTERNAL_ERROR);
        } else if all {
            peer.session.finish_stream(transport, stream);
        }
        self.touch(conn);
        if failed || all {
            self.end_fetch(io, fetch);
        }
    }

    /// A stream of a response is writable, acknowledged or stopped.
    pub(super) fn on_fetch_stream(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        stream: StreamId,
        fetch: u64,
        signal: StreamSignal,
    ) {
        match signal {
            StreamSignal::Writable => self.send_fetch(io, fetch),
            StreamSignal::Acked | StreamSignal::Stopped => {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.fetch_streams.remove(&stream);
                }
                if signal == StreamSignal::Stopped {
                    self.fetch_gone(io, fetch);
                }
            }
        }
    }

    /// REQUEST_UPDATE of a FETCH: its priority.
    pub(super) fn update_fetch(&mut self, fetch: u64, params: &Parameters) {
        if let (Some(job), Some(priority)) =
            (self.fetches.get_mut(&fetch), params.subscriber_priority)
        {
            job.priority = priority;
        }
    }

    /// Answers a fetch with REQUEST_ERROR.
    fn refuse_fetch(&mut self, io: &mut dyn Io, fetch: u64, error: RequestError) {
        let Some(job) = self.end_fetch(io, fetch) else {
            return;
        };
        self.reject(io, job.conn, job.request, error);
    }

    /// The peer has cancelled a fetch, its session is gone, or it cannot go on.
    pub(super) fn fetch_gone(&mut self, io: &mut dyn Io, fetch: u64) {
        self.end_fetch(io, fetch);
    }

    /// Ends the fetches of a malformed track.
    pub(super) fn abort_fetches(&mut self, io: &mut dyn Io, track: u64, code: u64) {
        let fetches: Vec<u64> = self
            .fetches
            .iter()
            .filter(|(_, job)| job.track == track)
            .map(|(id, _)| *id)
            .collect();
        for fetch in fetches {
            let Some(job) = self.fetches.get(&fetch) else {
                continue;
            };
            let (conn, request, answered) = (job.conn, job.request, job.answered);
            if answered {
                self.end_fetch(io, fetch);
                self.cancel_request(io, conn, request, code);
            } else {
                let error =
                    RequestError::new(request_codes::MALFORMED_TRACK, "the track is malformed");
                self.refuse_fetch(io, fetch, error);
            }
        }
    }

    /// Forgets a fetch and what was going on for it upstream.
    fn end_fetch(&mut self, io: &mut dyn Io, fetch: u64) -> Option<FetchJob> {
        let mut job = self.fetches.remove(&fetch)?;
        if let Some(peer) = self.peers.get_mut(&job.conn) {
            peer.fetches -= 1;
            peer.roles.remove(&job.request);
            peer.blocked_fetches.retain(|f| *f != fetch);
        }
        if let Some(fill) = job.fill.take() {
            self.cancel_request(io, fill.conn, fill.request, stream_codes::CANCELLED);
        }
        if let Some(track) = self.tracks.get_mut(&job.track) {
            track.fetches -= 1;
        }
        self.review_track(io, job.track);
        Some(job)
    }
}
