//! Statistics: what the I/O thread last told, joined with what callers can see themselves.

use crate::client::ClientShared;
use crate::handles;
use moqt::client::{ClientState, PublicationStats, SubscriptionStats};
use moqt::delivery::DeliveryClass;
use moqt::transport::TransportStats;
use serde_json::{json, Value};
use std::collections::VecDeque;
use std::sync::PoisonError;

/// What the I/O thread knows, a few ms old at most.
#[derive(Default)]
pub struct Snapshot {
    pub state: Option<ClientState>,
    pub transport: Option<TransportStats>,
    pub reconnects: u64,
    pub datagrams_dropped: u64,
    /// Ours, not the session's, handles.
    pub subscriptions: Vec<(u64, String, DeliveryClass, SubscriptionStats)>,
    pub publications: Vec<(u64, String, DeliveryClass, PublicationStats)>,
    /// The last counters of the subscriptions that ended last, oldest first.
    pub ended: VecDeque<(u64, SubscriptionStats)>,
}

/// Most ended subscriptions whose last counters are kept.
const MOST_ENDED: usize = 64;

impl Snapshot {
    pub fn subscription_ended(&mut self, handle: u64, stats: SubscriptionStats) {
        if self.ended.len() == MOST_ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back((handle, stats));
    }
}

/// The name that TypeScript uses.
pub fn state_name(state: Option<ClientState>) -> &'static str {
    match state {
        None | Some(ClientState::Connecting) => "connecting",
        Some(ClientState::Open) => "open",
        Some(ClientState::Reconnecting) => "reconnecting",
        Some(ClientState::Closed) => "closed",
    }
}

/// `ClientStats` of the TypeScript interface as JSON, each track with its `handle` beside.
pub fn client_json(client: &ClientShared) -> String {
    let snapshot = client
        .snapshot
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let transport = snapshot.transport.as_ref();
    let subscriptions: Vec<Value> = snapshot
        .subscriptions
        .iter()
        .map(|entry| subscription(client, entry))
        .collect();
    let ended: Vec<Value> = snapshot
        .ended
        .iter()
        .map(|(handle, stats)| counters(client, *handle, stats))
        .collect();
    let publications: Vec<Value> = snapshot.publications.iter().map(publication).collect();
    let (requests, publishes) = client.rate_limited();
    json!({
        "rateLimited": { "requests": requests, "publishes": publishes },
        "state": state_name(snapshot.state),
        "reconnects": snapshot.reconnects,
        "rtt": transport.map(|t| t.rtt.as_secs_f64() * 1_000.0),
        "bytesSent": transport.map(|t| t.bytes_sent),
        "bytesReceived": transport.map(|t| t.bytes_received),
        "packetsSent": transport.map(|t| t.packets_sent),
        "packetsLost": transport.map(|t| t.packets_lost),
        "datagramsDropped": snapshot.datagrams_dropped,
        "subscriptions": subscriptions,
        "ended": ended,
        "publications": publications,
    })
    .to_string()
}

fn subscription(
    client: &ClientShared,
    (handle, track, class, stats): &(u64, String, DeliveryClass, SubscriptionStats),
) -> Value {
    let mut value = counters(client, *handle, stats);
    value["track"] = json!(track);
    value["delivery"] = json!(class.name());
    value
}

fn counters(client: &ClientShared, handle: u64, stats: &SubscriptionStats) -> Value {
    let lane = client.queue.stats(handle).unwrap_or_default();
    json!({
        "handle": handle,
        "objects": stats.objects,
        "bytes": stats.bytes,
        "queuedObjects": stats.queued_objects + lane.queued_objects,
        "queuedBytes": stats.queued_bytes + lane.queued_bytes,
        "stale": stats.stale,
        "late": stats.late + lane.expired,
        "overflow": stats.overflow + lane.overflow,
        "reset": stats.reset,
        "gaps": stats.gaps,
    })
}

fn publication(
    (handle, track, class, stats): &(u64, String, DeliveryClass, PublicationStats),
) -> Value {
    use std::sync::atomic::Ordering::Relaxed;
    let shared = handles::publication(*handle).ok();
    let shared = shared.as_ref();
    json!({
        "handle": handle,
        "track": track,
        "delivery": class.name(),
        "objects": shared.map_or(stats.objects, |p| p.objects.load(Relaxed)),
        "bytes": shared.map_or(stats.bytes, |p| p.bytes.load(Relaxed)),
        "queuedObjects": stats.queued_objects,
        "queuedBytes": stats.queued_bytes + shared.map_or(0, |p| p.waiting() as u64),
        "dropped": stats.dropped + shared.map_or(0, |p| p.dropped.load(Relaxed)),
        "subscribers": stats.subscribers,
    })
}
