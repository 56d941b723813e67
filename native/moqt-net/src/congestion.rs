//! Congestion control: CUBIC with a floor, growth only of a window that is used, and an answer to
//! losses only where they look like congestion.
//!
//! A game sends little and often. Such a connection is limited by the application, not by its
//! window, so that CUBIC does not let the window grow, while each stray loss shrinks it: at a few
//! per cent of loss that are no congestion it ends at two packets, less than one tick. Below the
//! floor, which is what every connection may send at its start, the window does not go.
//!
//! Radio links lose packets without any queue being full. CUBIC halves for each: at 2 % and 20 ms it
//! carries half a megabyte a second, whatever the link has. As in BBR (draft-ietf-ccwg-bbr, which
//! lets 2 % go by), a loss counts here only with a second sign of congestion: packets that take
//! longer than they did, so that a queue stands somewhere; a share of them lost that no radio link
//! explains; a mark of the network (ECN); or nothing that gets through at all.

use quinn_proto::congestion::{
    Controller, ControllerFactory, ControllerMetrics, Cubic, CubicConfig,
};
use quinn_proto::RttEstimator;
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes that may be in flight in any case: ten packets of 1,200 bytes, the initial window (RFC 9002
/// section 7.2).
const FLOOR: u64 = 12_000;

/// Of what was sent lately, the share that may be lost without a queue: one in twelve.
const STRAY_SHARE: u64 = 12;
/// "Lately", in bytes: what came before it counts half, a quarter, and so on.
const LATELY: u64 = 400_000;
/// Of fewer bytes than these, five losses are the least that count.
const TOO_FEW: u64 = 5 * FLOOR;
/// A queue is said to stand where the round trip is longer by half than the shortest one, and by
/// this, which timers and busy machines take.
const QUEUE: Duration = Duration::from_millis(10);

/// Makes the controllers of connections.
#[derive(Default)]
pub(crate) struct Floor {
    cubic: Arc<CubicConfig>,
}

impl ControllerFactory for Floor {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        Box::new(Floored::new(Cubic::new(self.cubic.clone(), now, mtu)))
    }
}

#[derive(Clone)]
struct Floored {
    cubic: Cubic,
    /// Bytes sent and neither acknowledged nor given up when last looked at.
    in_flight: u64,
    /// Bytes acknowledged and lost lately.
    arrived: u64,
    lost: u64,
    /// Whether round trips have become longer.
    queue: bool,
}

impl Floored {
    fn new(cubic: Cubic) -> Self {
        Floored {
            cubic,
            in_flight: 0,
            arrived: 0,
            lost: 0,
            queue: false,
        }
    }

    /// Whether at least half of the window was in flight when last looked at.
    fn is_used(&self) -> bool {
        self.in_flight >= self.window() / 2
    }

    fn note_arrival(&mut self, bytes: u64, round_trip: Duration, shortest: Duration) {
        self.arrived += bytes;
        self.forget_old();
        self.queue = round_trip > shortest + (shortest / 2).max(QUEUE);
    }

    fn forget_old(&mut self) {
        if self.arrived + self.lost > LATELY {
            self.arrived /= 2;
            self.lost /= 2;
        }
    }

    /// Whether more was lost lately than stray losses explain.
    fn lost_much(&self) -> bool {
        self.lost * STRAY_SHARE > (self.arrived + self.lost).max(TOO_FEW)
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
        self.note_arrival(bytes, rtt.get(), rtt.min());
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
        self.lost += lost_bytes;
        self.forget_old();
        // A mark of the network comes without a loss.
        let marked = lost_bytes == 0;
        if marked || is_persistent_congestion || self.queue || self.lost_much() {
            self.cubic
                .on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
        }
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

    const PACKET: u64 = 1_200;
    const ROUND_TRIP: Duration = Duration::from_millis(20);

    fn controller(now: Instant, window: u64) -> Floored {
        let mut config = CubicConfig::default();
        config.initial_window(window);
        Floored::new(Cubic::new(Arc::new(config), now, 1_200))
    }

    /// Of 4,000 packets every `nth` is lost, at this round trip; the window afterwards.
    fn after_losses(nth: u64, round_trip: Duration) -> u64 {
        let start = Instant::now();
        let mut controller = controller(start, 10 * FLOOR);
        for n in 1..=4_000 {
            let now = start + Duration::from_millis(n);
            if n % nth == 0 {
                controller.on_congestion_event(now, now, false, PACKET);
            } else {
                controller.note_arrival(PACKET, round_trip, ROUND_TRIP);
            }
        }
        controller.window()
    }

    #[test]
    fn stray_losses_leave_the_window_alone() {
        for nth in [15, 20, 50] {
            assert_eq!(after_losses(nth, ROUND_TRIP), 10 * FLOOR, "one in {nth}");
        }
    }

    #[test]
    fn losses_beside_a_queue_or_too_many_of_them_shrink_it() {
        assert_eq!(after_losses(50, 2 * ROUND_TRIP), FLOOR);
        assert_eq!(after_losses(8, ROUND_TRIP), FLOOR);
    }

    #[test]
    fn so_does_a_mark_of_the_network_and_silence() {
        let now = Instant::now();
        let sent = now + Duration::from_millis(1);
        for (persistent, lost) in [(false, 0), (true, PACKET)] {
            let mut controller = controller(now, 10 * FLOOR);
            controller.on_congestion_event(sent, sent, persistent, lost);
            assert!(controller.window() < 10 * FLOOR);
        }
    }

    #[test]
    fn a_window_counts_as_used_from_its_half_on() {
        let now = Instant::now();
        let mut controller = controller(now, FLOOR);
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
