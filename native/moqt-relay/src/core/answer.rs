//! FETCH: the response on its way to the peer, and how fetches end.

use super::fetch::FetchJob;
use super::turns::PIECE;
use super::Core;
use crate::cache::{Item, TrackCache, Unsent, OBJECT_COST};
use crate::io::Io;
use moqt::delivery::priority::transport_priority;
use moqt::delivery::StreamSignal;
use moqt::session::SessionError;
use moqt::transport::StreamId;
use moqt::wire::{
    request_codes, stream_codes, FetchItem, FetchObject, FetchOk, Parameters, RequestError,
    Response,
};
use moqt_net::ConnId;

/// Items of a response that are made ready at once.
const ITEMS: usize = 64;

impl Core {
    /// Sends FETCH_OK and the objects, or the reason why there is nothing.
    pub(super) fn answer_fetch(&mut self, io: &mut dyn Io, fetch: u64) {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return;
        };
        if job.answered {
            return;
        }
        let unknown = job.store.unknown(job.span).is_some();
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
        job.unsent = Unsent::new(job.span, job.order);
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
            self.want_turn(fetch);
        } else {
            self.fetch_gone(io, fetch);
        }
    }

    /// Writes a piece of a response, as much as the connection takes. Gives what that has cost.
    pub(super) fn send_fetch(&mut self, io: &mut dyn Io, fetch: u64) -> usize {
        let Some(job) = self.fetches.get_mut(&fetch) else {
            return 0;
        };
        let conn = job.conn;
        let Some(peer) = self.peers.get_mut(&conn) else {
            return 0;
        };
        let Some(transport) = io.transport(conn) else {
            return 0;
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
                        return 0;
                    }
                    Err(e) => {
                        log::debug!("a fetch response could not be opened: {e}");
                        let request = job.request;
                        self.end_fetch(io, fetch);
                        let code = stream_codes::INTERNAL_ERROR;
                        self.cancel_request(io, conn, request, code);
                        return 0;
                    }
                }
            }
        };
        if peer.session.is_blocked(stream) {
            return 0;
        }
        let (mut failed, mut blocked, mut cost) = (false, false, 0);
        while !blocked && cost < PIECE {
            if job.items.is_empty() {
                job.items = job.store.take(&mut job.unsent, ITEMS).into();
            }
            let Some(item) = job.items.front() else {
                break;
            };
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
                Ok(full) => {
                    blocked = full;
                    cost += OBJECT_COST;
                    if let FetchItem::Object(object) = &item {
                        self.counts.objects.fetched += 1;
                        cost += object.payload.len();
                    }
                    job.items.pop_front();
                }
                Err(SessionError::Blocked) => blocked = true,
                Err(e) => {
                    log::debug!("a fetch response ends early: {e}");
                    failed = true;
                    break;
                }
            }
        }
        let all = job.items.is_empty() && job.unsent.is_empty();
        if failed {
            peer.session
                .reset_stream(transport, stream, stream_codes::INTERNAL_ERROR);
        } else if all {
            peer.session.finish_stream(transport, stream);
        }
        self.touch(conn);
        if failed || all {
            self.end_fetch(io, fetch);
        } else if !blocked {
            self.want_turn(fetch);
        }
        cost
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
            StreamSignal::Writable => self.want_turn(fetch),
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
    pub(super) fn refuse_fetch(&mut self, io: &mut dyn Io, fetch: u64, error: RequestError) {
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
    pub(super) fn end_fetch(&mut self, io: &mut dyn Io, fetch: u64) -> Option<FetchJob> {
        let mut job = self.fetches.remove(&fetch)?;
        if let Some(peer) = self.peers.get_mut(&job.conn) {
            peer.fetches -= 1;
            peer.roles.remove(&job.request);
            peer.blocked_fetches.retain(|f| *f != fetch);
            if job.wants_turn {
                peer.fetch_turns.retain(|f| *f != fetch);
            }
        }
        if let Some(fill) = job.fill.take() {
            self.cancel_request(io, fill.conn, fill.request, stream_codes::CANCELLED);
        }
        if let Some(track) = self.tracks.get_mut(&job.track) {
            track.fetches -= 1;
        }
        self.review_track(io, job.track);
        let store = std::mem::replace(&mut job.store, TrackCache::new(0, 1));
        self.discard(store);
        Some(job)
    }
}
