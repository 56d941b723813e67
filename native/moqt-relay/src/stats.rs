//! What a relay counts, as JSON (serde) and as Prometheus text.

mod prometheus;

use serde::Serialize;
use std::collections::BTreeMap;

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
