//! What came of an attack.

use super::options::AttackOptions;
use crate::shared::add_traffic;
use crate::system::{rss_bytes, Cpu};
use moqt::transport::TransportStats;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts of the whole attack.
#[derive(Clone, Default, Debug)]
pub struct Tally {
    pub tried: u64,
    pub opened: u64,
    pub refused: u64,
    pub closed_by_relay: BTreeMap<String, u64>,
    /// What the relay gave as reason when it closed a connection last.
    pub last_reason: Option<String>,
    pub open_at_end: u64,
    pub actions: u64,
    pub blocked: u64,
    pub accepted: u64,
    pub rejected: BTreeMap<String, u64>,
    pub streams_refused: BTreeMap<String, u64>,
    pub packets: u64,
    pub answered_retry: u64,
    pub answered_version: u64,
    pub answered_other: u64,
    pub traffic: TransportStats,
    /// Why the last connection failed that never became ready.
    pub last_failure: Option<String>,
}

impl Tally {
    pub fn count(map: &mut BTreeMap<String, u64>, name: impl Into<String>) {
        *map.entry(name.into()).or_default() += 1;
    }

    pub fn add_traffic(&mut self, traffic: &TransportStats) {
        add_traffic(&mut self.traffic, traffic);
    }

    pub fn to_json(&self, options: &AttackOptions, took: Duration, cpu: Cpu) -> Value {
        json!({
            "event": "result",
            "role": "attack",
            "kind": options.kind.name(),
            "seconds": (took.as_secs_f64() * 1_000.0).round() / 1_000.0,
            "connections": {
                "tried": self.tried,
                "opened": self.opened,
                "refused": self.refused,
                "closed_by_relay": self.closed_by_relay,
                "last_reason": self.last_reason,
                "open_at_end": self.open_at_end,
            },
            "actions": self.actions,
            "blocked": self.blocked,
            "requests": { "accepted": self.accepted, "refused": self.rejected },
            "streams_refused": self.streams_refused,
            "packets": {
                "sent": self.packets,
                "retry": self.answered_retry,
                "version_negotiation": self.answered_version,
                "other": self.answered_other,
            },
            "packets_sent": self.traffic.packets_sent,
            "packets_received": self.traffic.packets_received,
            "bytes_sent": self.traffic.bytes_sent,
            "bytes_received": self.traffic.bytes_received,
            "cpu_us": (cpu.user + cpu.system).as_micros() as u64,
            "rss_bytes": rss_bytes(),
        })
    }
}
