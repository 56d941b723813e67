//! How a track's sources end, and what that means for those who read or wait.

use super::Core;
use crate::io::Io;
use moqt::session::{RequestEnd, RequestId};
use moqt::wire::{done_codes, request_codes, stream_codes, PublishDone, RequestError};
use moqt_net::ConnId;
use std::time::Duration;

/// How soon publishers that lack a track are asked again while someone waits for it.
const RETRY: Duration = Duration::from_millis(250);

impl Core {
    /// A source's request is over.
    pub(super) fn source_gone(
        &mut self,
        io: &mut dyn Io,
        id: u64,
        conn: ConnId,
        request: RequestId,
        end: RequestEnd,
    ) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let Some(source) = track
            .sources
            .iter()
            .find(|s| s.conn == conn && s.request == request)
        else {
            return;
        };
        let (established, done) = (source.established, source.done.clone());
        self.drop_source(io, id, conn);
        if !established {
            if let (RequestEnd::TimedOut, Some(track)) = (end, self.tracks.get_mut(&id)) {
                track.refusal = Some(RequestError::new(
                    request_codes::TIMEOUT,
                    "the publisher did not answer in time",
                ));
            }
            return self.waiting_without_source(io, id, true);
        }
        let done = done.unwrap_or_else(|| match end {
            RequestEnd::Finished => PublishDone {
                status: done_codes::TRACK_ENDED,
                reason: "the publisher ended the track".into(),
                ..PublishDone::default()
            },
            _ => PublishDone {
                status: done_codes::INTERNAL_ERROR,
                reason: "the publisher ended the subscription".into(),
                ..PublishDone::default()
            },
        });
        self.source_ended(io, id, done);
    }

    /// A source's session is over. `left`: the peer meant to go.
    pub(super) fn source_lost(&mut self, io: &mut dyn Io, id: u64, conn: ConnId, left: bool) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let Some(source) = track.source_mut(conn) else {
            return;
        };
        let (established, done) = (source.established, source.done.clone());
        track.sources.retain(|s| s.conn != conn);
        if !established {
            return self.waiting_without_source(io, id, true);
        }
        if let Some(done) = done {
            return self.source_ended(io, id, done);
        }
        if left {
            let done = PublishDone {
                status: done_codes::TRACK_ENDED,
                reason: "the publisher has left".into(),
                ..PublishDone::default()
            };
            return self.source_ended(io, id, done);
        }
        let grace = self.config.limits.publisher_grace;
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.sources.is_empty() {
            track.grace = Some(io.now() + grace);
        }
        self.review_track(io, id);
    }

    /// One source has ended; with the last one the track ends for its subscribers.
    pub(super) fn source_ended(&mut self, io: &mut dyn Io, id: u64, done: PublishDone) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.sources.is_empty() {
            track.ended = true;
            self.review_orphans(io, id, None);
            self.end_subscribers(io, id, &done);
            self.withdraw_offers(io, id, &done);
            self.waiting_without_source(io, id, true);
        }
        self.review_track(io, id);
    }

    /// A lost publisher has not come back.
    pub(super) fn end_track_lost(&mut self, io: &mut dyn Io, id: u64) {
        if self.tracks.get(&id).is_some_and(|t| t.sources.is_empty()) {
            let done = PublishDone {
                status: done_codes::INTERNAL_ERROR,
                reason: "the publisher's connection was lost".into(),
                ..PublishDone::default()
            };
            self.source_ended(io, id, done);
        }
    }

    /// Those who wait learn that no source is left, or go on waiting.
    pub(super) fn waiting_without_source(&mut self, io: &mut dyn Io, id: u64, may_wait: bool) {
        let now = io.now();
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.is_pending() || track.is_established() {
            return;
        }
        let error = track.refusal.clone().unwrap_or_else(|| {
            RequestError::new(
                request_codes::DOES_NOT_EXIST,
                "nobody publishes this track here; check the namespace, or wait for a publisher",
            )
        });
        let absent = matches!(
            error.code,
            request_codes::DOES_NOT_EXIST | request_codes::TIMEOUT | request_codes::GOING_AWAY
        );
        let (keep, refuse): (Vec<_>, Vec<_>) = std::mem::take(&mut track.waiting)
            .into_iter()
            .partition(|w| may_wait && absent && w.until.is_some_and(|until| until > now));
        if !keep.is_empty() {
            track.retry = Some(now + RETRY);
        }
        track.waiting = keep;
        for one in refuse {
            self.reject_waiting(io, one.conn, one.request, error.clone());
        }
        self.review_track(io, id);
    }

    /// The track contradicts itself: everything ends, nothing of it is kept (draft-18 "Malformed
    /// Tracks").
    pub(super) fn malformed(&mut self, io: &mut dyn Io, id: u64, why: &str) {
        let Some(track) = self.tracks.get(&id) else {
            return;
        };
        log::info!("track {} is malformed: {why}", track.name);
        self.counts.drops.malformed += 1;
        let sources = track.sources.clone();
        let subscribers: Vec<usize> = track.subscribers.iter().map(|(slot, _)| slot).collect();
        for slot in subscribers {
            self.end_subscriber(
                io,
                id,
                slot,
                done_codes::MALFORMED_TRACK,
                stream_codes::MALFORMED_TRACK,
                why,
            );
        }
        self.abort_fetches(io, id, stream_codes::MALFORMED_TRACK);
        for source in sources {
            self.drop_source(io, id, source.conn);
            self.cancel_request(
                io,
                source.conn,
                source.request,
                stream_codes::MALFORMED_TRACK,
            );
        }
        self.reset_track(id);
        if let Some(track) = self.tracks.get_mut(&id) {
            track.ended = true;
        }
        self.review_track(io, id);
    }
}
