//! The table of tracks: made on first use, given up when nobody has anything to do with them.

use super::Core;
use crate::cache::TrackCache;
use crate::io::Io;
use crate::timers::Timer;
use crate::track::Track;
use moqt::wire::{stream_codes, FullTrackName};
use moqt_net::ConnId;

impl Core {
    /// The track of a name, made if need be; `None` when there are too many.
    pub(super) fn track_of(&mut self, name: &FullTrackName) -> Option<u64> {
        if let Some(id) = self.names.get(name) {
            return Some(*id);
        }
        if self.tracks.len() >= self.config.limits.tracks {
            self.counts.limits.tracks += 1;
            return None;
        }
        let limits = &self.config.limits;
        let cache = TrackCache::new(limits.cache_bytes_per_track, limits.cache_groups_per_track);
        let id = self.new_id();
        self.names.insert(name.clone(), id);
        self.tracks_by_namespace.insert(name.namespace(), id);
        self.tracks.insert(id, Track::new(name.clone(), id, cache));
        Some(id)
    }

    /// Plans the track's next deadline.
    pub(super) fn schedule_track(&mut self, id: u64) {
        if let Some(track) = self.tracks.get_mut(&id) {
            let at = track.deadline();
            track.timer.want(&mut self.timers, at, Timer::Track(id));
        }
    }

    /// Starts (or stops) the wait after which an unused track is given up.
    pub(super) fn review_track(&mut self, io: &mut dyn Io, id: u64) {
        let linger = self.config.limits.linger;
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let published = track
            .sources
            .iter()
            .any(|s| s.kind == crate::track::SourceKind::Published);
        if track.is_used() {
            track.linger = None;
        } else if track.sources.is_empty() && track.properties.is_none() {
            // Nothing is known of it and nobody asks.
            return self.forget_track(io, id);
        } else if track.linger.is_none() && !(published && self.is_idle(id)) {
            let at = io.now() + linger;
            if let Some(track) = self.tracks.get_mut(&id) {
                track.linger = Some(at);
            }
        }
        self.schedule_track(id);
    }

    /// A published track whose publisher was told already that nobody reads.
    fn is_idle(&self, id: u64) -> bool {
        self.tracks
            .get(&id)
            .is_some_and(|t| t.sources.iter().all(|s| !s.forward && s.established))
    }

    /// Gives a track up: its sources are cancelled, its cache is freed.
    pub(super) fn forget_track(&mut self, io: &mut dyn Io, id: u64) {
        let Some(track) = self.tracks.remove(&id) else {
            return;
        };
        self.names.remove(&track.name);
        self.tracks_by_namespace
            .remove(track.name.namespace(), |other| *other == id);
        self.cached -= track.cache.bytes().min(self.cached);
        self.discard(track.cache);
        if let Some(prefetch) = &track.prefetch {
            let (conn, request) = (prefetch.conn, prefetch.request);
            self.cancel_request(io, conn, request, stream_codes::CANCELLED);
        }
        for source in &track.sources {
            self.cancel_request(io, source.conn, source.request, stream_codes::CANCELLED);
        }
    }

    /// Ends one of our requests, or one of the peer's, without an event.
    pub(super) fn cancel_request(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        id: moqt::session::RequestId,
        code: u64,
    ) {
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.roles.remove(&id);
        }
        self.with_session(io, conn, |session, transport| {
            session.cancel(transport, id, code)
        });
    }

    /// Some of a track's deadlines may have come.
    pub(super) fn track_timeout(&mut self, io: &mut dyn Io, id: u64) {
        let now = io.now();
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        track.timer.fired();
        if track.retry.is_some_and(|at| at <= now) {
            track.retry = None;
            self.request_sources(io, id);
        }
        self.expire_waiting(io, id);
        self.expire_endings(io, id);
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.grace.is_some_and(|at| at <= now) {
            track.grace = None;
            self.end_track_lost(io, id);
        }
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.linger.is_some_and(|at| at <= now) {
            track.linger = None;
            self.unused(io, id);
        }
        self.schedule_track(id);
    }

    /// Nobody has used the track for the linger time.
    fn unused(&mut self, io: &mut dyn Io, id: u64) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.is_used() {
            return;
        }
        let published = track
            .sources
            .iter()
            .any(|s| s.kind == crate::track::SourceKind::Published && s.done.is_none());
        if published {
            // The publisher offered it by itself: it stays, silent.
            self.set_forward(io, id, false);
            let subscribed: Vec<_> = self
                .tracks
                .get(&id)
                .map(|t| t.sources.clone())
                .unwrap_or_default()
                .into_iter()
                .filter(|s| s.kind == crate::track::SourceKind::Subscribed)
                .collect();
            for source in subscribed {
                self.drop_source(io, id, source.conn);
                self.cancel_request(io, source.conn, source.request, stream_codes::CANCELLED);
            }
        } else {
            self.forget_track(io, id);
        }
    }

    /// Removes a source from a track's list; what it was sending is cut.
    pub(super) fn drop_source(&mut self, io: &mut dyn Io, id: u64, conn: ConnId) {
        if let Some(track) = self.tracks.get_mut(&id) {
            track.sources.retain(|s| s.conn != conn);
        }
        let streams: Vec<_> = match self.peers.get_mut(&conn) {
            Some(peer) => {
                let of_track: Vec<_> = peer
                    .incoming
                    .iter()
                    .filter(|(_, incoming)| incoming.track == id)
                    .map(|(stream, incoming)| (*stream, *incoming))
                    .collect();
                for (stream, _) in &of_track {
                    peer.incoming.remove(stream);
                }
                of_track
            }
            None => Vec::new(),
        };
        for (stream, incoming) in streams {
            self.cut_stream(io, conn, stream, &incoming, stream_codes::CANCELLED);
        }
    }
}
