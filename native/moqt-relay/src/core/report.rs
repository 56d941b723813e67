//! The statistics snapshot.

use super::work::add;
use super::Core;
use crate::io::Io;
use crate::stats::{RelayStats, TrackStats};
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
        stats.sessions.refused = endpoint.refused + endpoint.handshake_failures;
        stats.tracks_open = self.tracks.len() as u64;
        stats.namespaces_open = self.namespaces as u64;
        stats.subscriptions_open = self.subscriptions as u64;
        stats.cache.bytes = self.cached as u64;
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
        for peer in self.peers.values() {
            stats.limits.requests += peer.session.stats().requests_refused;
        }
        stats.objects.sent = sent.objects + sent.datagrams;
        stats.objects.sent_bytes = sent.bytes;
        stats.drops.replaced = sent.dropped;
        stats.drops.expired = sent.expired;
        stats.drops.datagram_queue = sent.datagrams_dropped;
        stats.drops.datagram_too_large = sent.datagrams_too_large;
        stats
    }
}
