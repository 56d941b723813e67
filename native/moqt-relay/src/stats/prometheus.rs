//! The counters as Prometheus text.

use super::RelayStats;
use std::fmt::Write;

impl RelayStats {
    /// The snapshot in the Prometheus text format, without the list of tracks.
    pub fn to_prometheus(&self) -> String {
        let mut out = String::with_capacity(4_096);
        let mut metric = |kind: &str, name: &str, help: &str, value: u64| {
            // Writing to a String cannot fail.
            let _ = write!(
                out,
                "# HELP moq_relay_{name} {help}\n# TYPE moq_relay_{name} {kind}\nmoq_relay_{name} {value}\n"
            );
        };
        metric(
            "gauge",
            "uptime_seconds",
            "Time since the start.",
            self.uptime_ms / 1_000,
        );
        metric("gauge", "sessions", "Sessions open.", self.sessions.open);
        metric("gauge", "tracks", "Tracks known.", self.tracks_open);
        metric(
            "gauge",
            "namespaces",
            "Namespaces published.",
            self.namespaces_open,
        );
        metric(
            "gauge",
            "subscriptions",
            "Downstream subscriptions.",
            self.subscriptions_open,
        );
        metric(
            "gauge",
            "upstreams",
            "Upstream subscriptions.",
            self.upstreams_open,
        );
        metric(
            "gauge",
            "queue_bytes",
            "Bytes waiting for subscribers.",
            self.queues.bytes,
        );
        metric(
            "gauge",
            "session_bytes",
            "Bytes that sessions hold.",
            self.queues.sessions,
        );
        metric("gauge", "cache_bytes", "Bytes cached.", self.cache.bytes);
        metric(
            "gauge",
            "handshakes_waiting",
            "Connections whose handshake waits for its turn.",
            self.sessions.handshakes_waiting,
        );
        let mut counter = |name: &str, help: &str, value: u64| metric("counter", name, help, value);
        counter(
            "sessions_accepted_total",
            "Sessions that became ready.",
            self.sessions.accepted,
        );
        counter(
            "sessions_closed_total",
            "Sessions ended.",
            self.sessions.closed,
        );
        counter(
            "sessions_violations_total",
            "Sessions ended because the peer broke the protocol.",
            self.sessions.violations,
        );
        counter(
            "sessions_unauthorized_total",
            "Sessions refused by admission.",
            self.sessions.unauthorized,
        );
        counter(
            "sessions_refused_total",
            "Connections refused below MOQT.",
            self.sessions.refused,
        );
        counter(
            "handshakes_failed_total",
            "Connections that did not become ready.",
            self.sessions.handshakes_failed,
        );
        counter(
            "handshakes_expired_total",
            "Connections whose handshake was not begun in time.",
            self.sessions.handshakes_expired,
        );
        counter(
            "handshakes_retried_total",
            "Connections asked to prove their address.",
            self.sessions.retried,
        );
        counter(
            "requests_total",
            "Requests received.",
            self.requests.received,
        );
        counter(
            "requests_rejected_total",
            "Requests refused.",
            self.requests.rejected,
        );
        counter("fetches_total", "FETCH received.", self.requests.fetch);
        counter(
            "fetches_cached_total",
            "FETCH answered from the cache alone.",
            self.requests.fetch_cached,
        );
        counter(
            "too_far_behind_total",
            "Subscriptions ended because the subscriber was too slow.",
            self.requests.too_far_behind,
        );
        counter(
            "objects_received_total",
            "Objects received.",
            self.objects.received,
        );
        counter(
            "object_bytes_received_total",
            "Payload bytes received.",
            self.objects.received_bytes,
        );
        counter(
            "objects_sent_total",
            "Objects sent to subscribers.",
            self.objects.sent,
        );
        counter(
            "object_bytes_sent_total",
            "Payload bytes sent to subscribers.",
            self.objects.sent_bytes,
        );
        counter(
            "objects_fetched_total",
            "Objects sent for fetches.",
            self.objects.fetched,
        );
        let drops = &self.drops;
        let mut labelled = |name: &str, help: &str, label: &str, rows: &[(&str, u64)]| {
            let _ = write!(
                out,
                "# HELP moq_relay_{name} {help}\n# TYPE moq_relay_{name} counter\n"
            );
            for (value, count) in rows {
                let _ = writeln!(out, "moq_relay_{name}{{{label}=\"{value}\"}} {count}");
            }
        };
        let closes: Vec<(&str, u64)> = self
            .sessions
            .closed_by_code
            .iter()
            .map(|(code, count)| (*code, *count))
            .collect();
        labelled(
            "sessions_closed_by_relay_total",
            "Sessions that the relay closed.",
            "code",
            &closes,
        );
        let refusals = &self.refusals;
        labelled(
            "refusals_total",
            "What sessions refused by themselves.",
            "what",
            &[
                ("requests", refusals.requests),
                ("streams", refusals.streams),
                ("unknown_streams", refusals.unknown_streams),
                ("datagrams", refusals.datagrams),
                ("large_objects", refusals.large_objects),
                ("partial", refusals.partial),
                ("unread", refusals.unread),
            ],
        );
        labelled(
            "drops_total",
            "Objects given up.",
            "cause",
            &[
                ("duplicate", drops.duplicate),
                ("absent", drops.absent),
                ("malformed", drops.malformed),
                ("unwanted", drops.unwanted),
                ("replaced", drops.replaced),
                ("expired", drops.expired),
                ("datagram_queue", drops.datagram_queue),
                ("datagram_too_large", drops.datagram_too_large),
                ("ended", drops.ended),
            ],
        );
        let limits = &self.limits;
        labelled(
            "limit_hits_total",
            "How often a limit was hit.",
            "limit",
            &[
                ("sessions", limits.sessions),
                ("sessions_per_address", limits.sessions_per_address),
                ("handshakes", limits.handshakes),
                ("connect_rate", limits.connect_rate),
                ("connect_rate_per_address", limits.connect_rate_per_address),
                ("request_rate", limits.request_rate),
                ("publish_rate", limits.publish_rate),
                ("fetch_rate", limits.fetch_rate),
                ("requests", limits.requests),
                ("namespaces", limits.namespaces),
                ("matches", limits.matches),
                ("tracks", limits.tracks),
                ("subscriptions", limits.subscriptions),
                ("fetches", limits.fetches),
                ("fetch_bytes", limits.fetch_bytes),
                ("queue_bytes", limits.queue_bytes),
                ("session_bytes", limits.session_bytes),
            ],
        );
        out
    }
}
