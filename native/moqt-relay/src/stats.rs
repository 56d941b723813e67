//! What a relay counts, as JSON (serde) and as Prometheus text.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A snapshot of a relay's counters and gauges. Counters run since the start.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct RelayStats {
    /// Version of the relay.
    pub version: String,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// Whether GOAWAY was sent.
    pub draining: bool,
    /// Sessions.
    pub sessions: SessionCounts,
    /// Requests of peers.
    pub requests: RequestCounts,
    /// What sessions refused by themselves.
    pub refusals: RefusalCounts,
    /// Objects.
    pub objects: ObjectCounts,
    /// Objects and streams given up, by cause.
    pub drops: DropCounts,
    /// What waits for subscribers.
    pub queues: QueueCounts,
    /// The cache.
    pub cache: CacheCounts,
    /// How often each limit was hit.
    pub limits: LimitCounts,
    /// Tracks known now.
    pub tracks_open: u64,
    /// Namespaces published now.
    pub namespaces_open: u64,
    /// Downstream subscriptions now.
    pub subscriptions_open: u64,
    /// Upstream subscriptions now.
    pub upstreams_open: u64,
    /// One entry per track, at most 1,000.
    pub tracks: Vec<TrackStats>,
}

/// Sessions.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct SessionCounts {
    /// Open now.
    pub open: u64,
    /// Became ready.
    pub accepted: u64,
    /// Ended, for whatever reason.
    pub closed: u64,
    /// Ended because the peer broke the protocol.
    pub violations: u64,
    /// Refused by admission.
    pub unauthorized: u64,
    /// Closed by the relay, by session termination code: `PROTOCOL_VIOLATION`,
    /// `CONTROL_MESSAGE_TIMEOUT` and so on.
    pub closed_by_code: BTreeMap<&'static str, u64>,
    /// Connections refused below MOQT: too many of them or of their handshakes (see `limits`), or
    /// the relay is shutting down.
    pub refused: u64,
    /// Connections that did not get through TLS and the WebTransport exchange, or not in time.
    pub handshakes_failed: u64,
    /// Connections whose handshake waits for its turn now.
    pub handshakes_waiting: u64,
    /// Those of `handshakes_failed` whose turn did not come in time.
    pub handshakes_expired: u64,
    /// Connections that were first asked to prove their address.
    pub retried: u64,
}

/// What sessions refused by themselves, before the relay heard of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RefusalCounts {
    /// Requests: too many, or too large together.
    pub requests: u64,
    /// Data streams stopped because too many were live or held.
    pub streams: u64,
    /// Data streams stopped because nobody asked for them.
    pub unknown_streams: u64,
    /// Datagrams that nobody asked for.
    pub datagrams: u64,
    /// Data streams stopped because of an object above the limit.
    pub large_objects: u64,
    /// Streams and requests ended because unfinished messages and objects held too many bytes.
    pub partial: u64,
    /// Requests reset because their answers are not read.
    pub unread: u64,
}

/// Requests of peers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RequestCounts {
    /// Received.
    pub received: u64,
    /// Answered with REQUEST_ERROR.
    pub rejected: u64,
    /// Refused by admission (also counted as rejected).
    pub unauthorized: u64,
    /// SUBSCRIBE received.
    pub subscribe: u64,
    /// FETCH received.
    pub fetch: u64,
    /// FETCH answered without asking upstream.
    pub fetch_cached: u64,
    /// FETCH sent upstream.
    pub fetch_upstream: u64,
    /// Subscriptions ended with TOO_FAR_BEHIND.
    pub too_far_behind: u64,
}

/// Objects.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ObjectCounts {
    /// Received on streams and in datagrams.
    pub received: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
    /// Sent to subscribers.
    pub sent: u64,
    /// Payload bytes sent to subscribers.
    pub sent_bytes: u64,
    /// Sent in answer to fetches.
    pub fetched: u64,
}

/// Objects and streams given up, by cause.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct DropCounts {
    /// Received more than once.
    pub duplicate: u64,
    /// Received although known not to exist, or too old to tell.
    pub absent: u64,
    /// On tracks that turned out to be malformed.
    pub malformed: u64,
    /// Arrived while no subscription wanted them.
    pub unwanted: u64,
    /// Replaced by a newer update before they were sent (`latest`).
    pub replaced: u64,
    /// Not sent because too old (`deadline`, delivery timeouts).
    pub expired: u64,
    /// Datagrams dropped from a full queue.
    pub datagram_queue: u64,
    /// Datagrams larger than a subscriber's connection carries.
    pub datagram_too_large: u64,
    /// Waiting when a subscription ended (TOO_FAR_BEHIND, cancelled).
    pub ended: u64,
}

/// What waits for subscribers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct QueueCounts {
    /// Bytes waiting now.
    pub bytes: u64,
    /// Bytes waiting for the slowest subscriber.
    pub largest: u64,
    /// Bytes that sessions hold: unfinished messages and objects, requests, unread answers.
    pub sessions: u64,
}

/// The cache.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct CacheCounts {
    /// Bytes held now.
    pub bytes: u64,
    /// Groups held now.
    pub groups: u64,
    /// Bytes evicted by the bound on all tracks together.
    pub evicted_bytes: u64,
}

/// How often each limit was hit.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct LimitCounts {
    /// Sessions.
    pub sessions: u64,
    /// Sessions from one address.
    pub sessions_per_address: u64,
    /// Handshakes in progress.
    pub handshakes: u64,
    /// New connections a second.
    pub connect_rate: u64,
    /// The same from one address.
    pub connect_rate_per_address: u64,
    /// Requests a second of a session.
    pub request_rate: u64,
    /// Tracks and namespaces published a second by a session.
    pub publish_rate: u64,
    /// Fetched bytes a second of a session: how often its fetches had to wait.
    pub fetch_rate: u64,
    /// Live requests of a session.
    pub requests: u64,
    /// Published namespaces.
    pub namespaces: u64,
    /// Matches of one prefix.
    pub matches: u64,
    /// Tracks.
    pub tracks: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Live fetches of a session.
    pub fetches: u64,
    /// Bytes of a fetch response.
    pub fetch_bytes: u64,
    /// Bytes waiting for one subscriber or for all.
    pub queue_bytes: u64,
    /// Bytes that all sessions hold.
    pub session_bytes: u64,
}

/// One track.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct TrackStats {
    /// The full track name in the draft's safe text form.
    pub name: String,
    /// The delivery class, or `none`.
    pub class: String,
    /// Publishers it is received from.
    pub publishers: u64,
    /// Subscribers.
    pub subscribers: u64,
    /// Objects received.
    pub objects: u64,
    /// Payload bytes received.
    pub bytes: u64,
    /// Largest group seen, if any.
    pub largest_group: Option<u64>,
    /// Bytes cached.
    pub cache_bytes: u64,
    /// Bytes waiting for its subscribers.
    pub queue_bytes: u64,
}

impl RelayStats {
    /// The snapshot as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_carry_the_numbers() {
        let mut stats = RelayStats::default();
        stats.objects.sent = 41;
        stats.drops.replaced = 7;
        stats.refusals.unknown_streams = 5;
        stats
            .sessions
            .closed_by_code
            .insert("PROTOCOL_VIOLATION", 3);
        stats.tracks.push(TrackStats {
            name: "a--b".into(),
            ..TrackStats::default()
        });
        let json: serde_json::Value = serde_json::from_str(&stats.to_json()).expect("valid JSON");
        assert_eq!(json["objects"]["sent"], 41);
        assert_eq!(json["tracks"][0]["name"], "a--b");
        let text = stats.to_prometheus();
        assert!(
            text.contains("\nmoq_relay_objects_sent_total 41\n"),
            "{text}"
        );
        assert!(
            text.contains("moq_relay_drops_total{cause=\"replaced\"} 7\n"),
            "{text}"
        );
        assert_eq!(json["refusals"]["unknown_streams"], 5);
        assert_eq!(json["sessions"]["closed_by_code"]["PROTOCOL_VIOLATION"], 3);
        let closed = "closed_by_relay_total{code=\"PROTOCOL_VIOLATION\"} 3\n";
        assert!(text.contains(closed), "{text}");
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').expect("name and value");
            assert!(
                name.starts_with("moq_relay_") && value.parse::<u64>().is_ok(),
                "{line}"
            );
        }
    }
}
