//! Congestion control: CUBIC with a floor, and growth only of a window that is used.
//!
//! A game sends little and often. Such a connection is limited by the application, not by its
//! window, so that CUBIC does not let the window grow, while each stray loss shrinks it: at a few
//! per cent of loss that are no congestion it ends at two packets, less than one tick. Below the
//! floor, which is what every connection may send at its start, the window does not go.

use quinn_proto::congestion::{
    Controller, ControllerFactory, ControllerMetrics, Cubic, CubicConfig,
};
use quinn_proto::RttEstimator;
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

/// Bytes that may be in flight in any case: ten packets of 1,200 bytes, the initial window (RFC 9002
/// section 7.2).
const FLOOR: u64 = 12_000;

/// Makes the controllers of connections.
#[derive(Default)]
pub(crate) struct Floor {
    cubic: Arc<CubicConfig>,
}

impl ControllerFactory for Floor {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        Box::new(Floored {
            cubic: Cubic::new(self.cubic.clone(), now, mtu),
            in_flight: 0,
        })
    }
}

#[derive(Clone)]
struct Floored {
    cubic: Cubic,
    /// Bytes sent and neither acknowledged nor given up when last looked at.
    in_flight: u64,
}

impl Floored {
    /// Whether at least half of the window was in flight when last looked at.
    fn is_used(&self) -> bool {
        self.in_flight >= self.window() / 2
    }
}

impl Controller for Floored {
    fn window(&self) -> u64 {
        self.cubic.window().max(FLOOR)
    }

    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = self.cubic.metrics();
        metrics.congestion_window = self.window();
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    // The rest is passed on.

    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.in_flight += bytes;
        self.cubic.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        // QUIC calls a connection limited by the application when it was asked for more than it
        // had, and the I/O thread asks only when it must. As in TCP, a window that is not half used
        // does not grow.
        let limited = app_limited || !self.is_used();
        self.cubic.on_ack(now, sent, bytes, limited, rtt);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        largest_acked: Option<u64>,
    ) {
        self.in_flight = in_flight;
        self.cubic
            .on_end_acks(now, in_flight, app_limited, largest_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        self.cubic
            .on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
    }

    fn on_mtu_update(&mut self, mtu: u16) {
        self.cubic.on_mtu_update(mtu);
    }

    fn initial_window(&self) -> u64 {
        self.cubic.initial_window()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_window_counts_as_used_from_its_half_on() {
        let now = Instant::now();
        let mut controller = Floored {
            cubic: Cubic::new(Arc::default(), now, 1_200),
            in_flight: 0,
        };
        let half = controller.window() / 2;
        controller.on_sent(now, half - 1, 0);
        assert!(!controller.is_used());
        controller.on_sent(now, 1, 1);
        assert!(controller.is_used());
        controller.on_end_acks(now, half - 1, false, Some(0));
        assert!(!controller.is_used());
    }

    #[test]
    fn losses_do_not_take_the_window_below_the_floor() {
        let start = Instant::now();
        let mut controller = Arc::new(Floor::default()).build(start, 1_200);
        assert_eq!(controller.initial_window(), FLOOR);
        for second in 1..30 {
            let now = start + Duration::from_secs(second);
            controller.on_congestion_event(now, now, second % 7 == 0, 1_200);
            assert_eq!(controller.window(), FLOOR);
        }
        assert_eq!(controller.metrics().congestion_window, FLOOR);
    }
}
