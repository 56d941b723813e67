//! The line that says what was measured.

use crate::options::{Options, Role};
use crate::shared::{add_traffic, Published, Received, Times};
use crate::system::{rss_bytes, Cpu};
use moqt::transport::TransportStats;
use serde_json::{json, Value};
use std::time::Duration;

/// Sums up, in the order of arrival.
#[derive(Default)]
pub struct Totals {
    pub published: Published,
    pub received: Received,
    pub traffic: TransportStats,
    pub closed: u64,
}

impl Totals {
    pub fn add_published(&mut self, published: Published) {
        add_traffic(&mut self.traffic, &published.traffic);
        self.published = published;
    }

    pub fn add_received(&mut self, one: &Received) {
        add_traffic(&mut self.traffic, &one.traffic);
        let sum = &mut self.received;
        sum.objects += one.objects;
        sum.bytes += one.bytes;
        sum.lost += one.lost;
        sum.out_of_order += one.out_of_order;
        sum.gaps_reported += one.gaps_reported;
    }

    pub fn to_json(
        &self,
        options: &Options,
        times: &Times,
        connections: usize,
        took: Duration,
        cpu: Cpu,
    ) -> Value {
        let seconds = took.as_secs_f64();
        let per_second = |n: u64| (n as f64 / seconds.max(1e-9) * 10.0).round() / 10.0;
        let (published, received) = (&self.published, &self.received);
        let role = match options.role {
            Role::Publish => "publish",
            Role::Subscribe => "subscribe",
            Role::Both => "both",
        };
        json!({
            "event": "result",
            "role": role,
            "class": options.class.name(),
            "size": options.size,
            "rate": options.rate,
            "connections": connections,
            "seconds": (seconds * 1_000.0).round() / 1_000.0,
            "sent": published.sent,
            "refused": published.refused,
            "delivered": received.objects,
            "delivered_per_s": per_second(received.objects),
            "bytes": received.bytes,
            "lost": received.lost,
            "out_of_order": received.out_of_order,
            "gaps_reported": received.gaps_reported,
            "first_us": times.first.to_json(),
            "age_us": times.age.to_json(),
            "interval_us": times.interval.to_json(),
            "cpu_us": (cpu.user + cpu.system).as_micros() as u64,
            "cpu_user_us": cpu.user.as_micros() as u64,
            "cpu_sys_us": cpu.system.as_micros() as u64,
            "rss_bytes": rss_bytes(),
            "packets_sent": self.traffic.packets_sent,
            "packets_received": self.traffic.packets_received,
            "bytes_sent": self.traffic.bytes_sent,
            "bytes_received": self.traffic.bytes_received,
            "closed": self.closed,
        })
    }
}
