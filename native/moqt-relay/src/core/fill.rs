//! FETCH: what the cache has, and the rest from upstream.

use super::fetch::{invalid_range, Fill};
use super::intake::{compact, compact_properties};
use super::turns::PIECE;
use super::Core;
use crate::cache::{after, Insert, Span, TrackCache};
use crate::io::Io;
use crate::peer::Role;
use crate::timers::Timer;
use moqt::delivery::{OutObject, SharedObject};
use moqt::session::{RequestEnd, RequestId, StreamEnd};
use moqt::wire::{
    property, request_codes, stream_codes, Fetch, FetchItem, FetchObject, FetchRange, Location,
    ObjectStatus, Parameters, Request, RequestError, Response,
};
use moqt_net::ConnId;
use std::time::Instant;

/// What one fetch takes from the cache before others have their turn, in bytes as the cache counts
/// them: they are shared, not copied.
const SHARE: usize = 8 * PIECE;

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

/// Takes one item of an ascending fetch stream into caches: what lies between it and `cursor` is
/// known not to exist. Moves the cursor behind it. Gives why the first cache finds the track
/// malformed, if it does.
pub(super) fn absorb(
    caches: &mut [&mut TrackCache],
    cursor: &mut Location,
    end: Location,
    item: &FetchItem,
    now: Instant,
) -> Option<&'static str> {
    let location = match item {
        FetchItem::Object(object) => Location::new(object.group, object.object),
        FetchItem::EndOfRange { location, .. } => *location,
    };
    if location < *cursor || location > end {
        // Outside of what was asked for: not an answer to this request.
        return None;
    }
    let settled = match item {
        FetchItem::Object(_) => before(location),
        FetchItem::EndOfRange { unknown: false, .. } => Some(location),
        FetchItem::EndOfRange { unknown: true, .. } => None,
    };
    if let Some(last) = settled.filter(|last| *last >= *cursor) {
        for cache in caches.iter_mut() {
            cache.mark_known(Span {
                start: *cursor,
                end: last,
            });
        }
    }
    *cursor = after(location);
    let FetchItem::Object(object) = item else {
        return None;
    };
    if let Some(fault) = object.properties.object_fault(object.group, object.object) {
        return Some(fault);
    }
    let shared = out_object(object, now);
    let object_gap = object
        .properties
        .varint(property::PRIOR_OBJECT_ID_GAP)
        .unwrap_or(0);
    let group_gap = object.properties.varint(property::PRIOR_GROUP_ID_GAP);
    let mut fault = None;
    for (place, cache) in caches.iter_mut().enumerate() {
        let outcome = cache.insert(&shared, object_gap, group_gap);
        if let (0, Insert::Malformed(why)) = (place, outcome) {
            fault = Some(why);
        }
    }
    fault
}

impl Core {
    /// Takes what the cache has, a share of it at a time, and asks upstream for the rest. Gives the
    /// bytes that it took.
    pub(super) fn gather_fetch(&mut self, io: &mut dyn Io, fetch: u64) -> usize {
        let now = io.now();
        let Some(job) = self.fetches.get(&fetch) else {
            return 0;
        };
        if job.gathered.is_none() {
            self.begin_gathering(io, fetch);
        }
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return 0;
        };
        let (Some(start), Some(track)) = (job.gathered, self.tracks.get_mut(&job.track)) else {
            return 0;
        };
        let end = job.span.end;
        let (taken, next) = track
            .cache
            .copy(&mut job.store, Span { start, end }, SHARE, now);
        job.gathered = next;
        if next.is_some() {
            self.want_turn(fetch);
            return taken;
        }
        let complete = job.store.unknown(job.span).is_none();
        let fill_timeout = job.fill_timeout;
        let waits_for_prefetch = track.prefetch.is_some();
        if complete {
            self.counts.requests.fetch_cached += 1;
            self.answer_fetch(io, fetch);
            return taken;
        }
        let wait = fill_timeout.unwrap_or(self.config.limits.fill_timeout);
        let wait = wait.min(self.config.limits.fill_timeout);
        if wait.is_zero() {
            self.answer_fetch(io, fetch);
            return taken;
        }
        if let Some(job) = self.fetches.get_mut(&fetch) {
            job.deadline = Some(now + wait);
        }
        self.timers.add(now + wait, Timer::Fetch(fetch));
        if waits_for_prefetch {
            // What is missing may be on its way: begun again when that is over.
            return taken;
        }
        self.fill(io, fetch);
        taken
    }

    /// Looks what of the range there can be. Refuses a range of which there is nothing.
    fn begin_gathering(&mut self, io: &mut dyn Io, fetch: u64) {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&job.track) else {
            return;
        };
        let wanted = job.span.end;
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
        // Only where the last object is known by its id can the end be told exactly.
        let last = track
            .cache
            .end()
            .and_then(before)
            .filter(|last| last.object != u64::MAX);
        if let Some(last) = last.filter(|last| wanted >= *last && job.span.start <= *last) {
            job.end_of_track = true;
            job.span.end = last;
        }
        job.store = track.cache.part(self.config.limits.fetch_bytes);
        job.properties = track.properties.clone();
        job.gathered = Some(job.span.start);
    }

    /// Sends FETCH for what is unknown to the next publisher, or makes do with what is there.
    pub(super) fn fill(&mut self, io: &mut dyn Io, fetch: u64) {
        let now = io.now();
        loop {
            let Some(job) = self.fetches.get_mut(&fetch) else {
                return;
            };
            let Some(span) = job.store.unknown(job.span) else {
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
        let fetch = match self.peers.get(&conn).and_then(|p| p.roles.get(&request)) {
            Some(Role::UpstreamFetch { fetch }) => *fetch,
            Some(Role::Prefetch { track }) => {
                let track = *track;
                return self.on_prefetch_item(io, track, item);
            }
            _ => return,
        };
        let Some(job) = self.fetches.get_mut(&fetch) else {
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
        let caches = &mut [&mut track.cache, &mut job.store];
        let fault = absorb(caches, &mut fill.cursor, fill.span.end, &item, now);
        self.cached = self.cached - held.min(self.cached) + track.cache.bytes();
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
}
