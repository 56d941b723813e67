//! The statistics snapshot.

use super::work::add;
use super::Core;
use crate::io::Io;
use crate::stats::{RefusalCounts, RelayStats, TrackStats};
use moqt::session::SessionStats;
use moqt_net::EndpointStats;

/// Most tracks listed in a snapshot.
const MAX_TRACKS: usize = 1_000;

impl Core {
    /// Counters and gauges as they are now.
    pub(crate) fn stats(&self, io: &dyn Io, endpoint: EndpointStats) -> RelayStats {
        let mut stats = self.counts.clone();
        stats.version = env!("CARGO_PKG_VERSION").to_owned();
        stats.uptime_ms = io.now().saturating_duration_since(self.started).as_millis() as u64;
        stats.draining = self.drain.is_some();
        stats.sessions.open = self.peers.values().filter(|p| p.ready).count() as u64;
        stats.sessions.refused = endpoint.refused;
        stats.sessions.handshakes_failed = endpoint.handshake_failures;
        stats.sessions.handshakes_waiting = endpoint.waiting;
        stats.sessions.handshakes_expired = endpoint.expired;
        stats.sessions.retried = endpoint.retried;
        stats.limits.sessions += endpoint.refused_connections;
        stats.limits.sessions_per_address = endpoint.refused_per_address;
        stats.limits.handshakes = endpoint.refused_handshakes;
        stats.limits.connect_rate = endpoint.refused_rate;
        stats.limits.connect_rate_per_address = endpoint.refused_rate_per_address;
        stats.tracks_open = self.tracks.len() as u64;
        stats.namespaces_open = self.namespaces as u64;
        stats.subscriptions_open = self.subscriptions as u64;
        stats.cache.bytes = self.cached as u64;
        stats.queues.sessions = self.session_bytes as u64;
        let mut sent = self.retired;
        for track in self.tracks.values() {
            stats.upstreams_open += track.sources.len() as u64;
            stats.cache.groups += track.cache.groups() as u64;
            let mut queued = 0;
            for (_, subscriber) in track.subscribers.iter() {
                add(&mut sent, subscriber.sender.stats());
                let bytes = subscriber.sender.queued_bytes() as u64;
                queued += bytes;
                stats.queues.largest = stats.queues.largest.max(bytes);
            }
            stats.queues.bytes += queued;
            if stats.tracks.len() < MAX_TRACKS {
                stats.tracks.push(TrackStats {
                    name: track.name.to_string(),
                    class: track.info.class.map_or("none", |c| c.name()).to_owned(),
                    publishers: track.sources.len() as u64,
                    subscribers: track.subscribers.len() as u64,
                    objects: track.objects,
                    bytes: track.bytes,
                    largest_group: track.largest.map(|l| l.group),
                    cache_bytes: track.cache.bytes() as u64,
                    queue_bytes: queued,
                });
            }
        }
        stats.refusals = self.refusals;
        for peer in self.peers.values() {
            stats.refusals.add(peer.session.stats());
        }
        stats.limits.requests += stats.refusals.requests;
        stats.objects.sent = sent.objects + sent.datagrams;
        stats.objects.sent_bytes = sent.bytes;
        stats.drops.replaced = sent.dropped;
        stats.drops.expired = sent.expired;
        stats.drops.datagram_queue = sent.datagrams_dropped;
        stats.drops.datagram_too_large = sent.datagrams_too_large;
        stats
    }
}

impl RefusalCounts {
    /// Adds what one session has refused.
    pub(super) fn add(&mut self, session: &SessionStats) {
        self.requests += session.requests_refused;
        self.streams += session.streams_refused;
        self.unknown_streams += session.streams_unknown;
        self.datagrams += session.datagrams_dropped;
        self.large_objects += session.objects_too_large;
        self.partial += session.partial_refused;
        self.unread += session.backlog_refused;
    }
}
