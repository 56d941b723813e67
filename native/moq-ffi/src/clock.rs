//! The clock of records: µs since a second before the library first looked at it, so never 0.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(|| {
        let now = Instant::now();
        now.checked_sub(Duration::from_secs(1)).unwrap_or(now)
    })
}

/// Now, in µs.
pub fn now_us() -> u64 {
    at_us(Instant::now())
}

/// A moment of the monotonic clock, in µs; 0 for what lies before the origin.
pub fn at_us(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(origin()).as_micros()).unwrap_or(u64::MAX)
}
