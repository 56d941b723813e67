//! Rate limits: a token bucket that is told the time.

use std::time::{Duration, Instant};

/// How much is allowed in the long run, and how much at once after a pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Tokens that come back in a second; 0 is no limit at all.
    pub per_second: u64,
    /// Most tokens that are saved up, at least 1.
    pub burst: u64,
}

impl Rate {
    /// No limit.
    pub const UNLIMITED: Rate = Rate {
        per_second: 0,
        burst: 0,
    };

    /// The time in which `tokens` come back.
    fn time(self, tokens: u64) -> Duration {
        let nanos = u128::from(tokens) * 1_000_000_000 / u128::from(self.per_second.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// A token bucket, full at first. It holds one moment, whatever its size: the one at which it will
/// be full again (the "generic cell rate algorithm").
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes `tokens` if there are as many, or leaves the bucket as it is and tells how long to
    /// wait until there are. More than the burst is never there: it counts as the burst.
    pub fn take(&mut self, rate: Rate, now: Instant, tokens: u64) -> Result<(), Duration> {
        let tokens = tokens.min(rate.burst.max(1));
        let wait = self.wait(rate, now, tokens);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.charge(rate, now, tokens);
        Ok(())
    }

    /// How long until `tokens` are there; zero when they are.
    pub fn wait(&self, rate: Rate, now: Instant, tokens: u64) -> Duration {
        if rate.per_second == 0 {
            return Duration::ZERO;
        }
        let full_at = self.after(rate, now, tokens);
        full_at.saturating_duration_since(now + rate.time(rate.burst.max(1)))
    }

    /// Takes `tokens` whether or not they are there. What is not is a debt: [`Bucket::debt`] tells
    /// for how long. For work whose size is known only once it is done.
    pub fn charge(&mut self, rate: Rate, now: Instant, tokens: u64) {
        if rate.per_second > 0 {
            self.full_at = Some(self.after(rate, now, tokens));
        }
    }

    /// How long until nothing is owed; zero when nothing is.
    pub fn debt(&self, rate: Rate, now: Instant) -> Duration {
        self.wait(rate, now, 0)
    }

    /// Whether less than half of the burst is left.
    pub fn is_low(&self, rate: Rate, now: Instant) -> bool {
        self.fill(rate, now) > rate.time(rate.burst) / 2
    }

    /// Whether it is full: it may be forgotten.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }

    /// The time until it is full; zero without a limit.
    fn fill(&self, rate: Rate, now: Instant) -> Duration {
        match self.full_at {
            Some(at) if rate.per_second > 0 => at.saturating_duration_since(now),
            _ => Duration::ZERO,
        }
    }

    fn after(&self, rate: Rate, now: Instant, tokens: u64) -> Instant {
        // Far beyond any clock is as good as never.
        let from = self.full_at.map_or(now, |at| at.max(now));
        from.checked_add(rate.time(tokens)).unwrap_or(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 3,
    };

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, at(0), 1), Ok(()));
        }
        assert_eq!(bucket.take(RATE, at(0), 1), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(RATE, at(60), 1), Err(Duration::from_millis(40)));
        assert_eq!(bucket.take(RATE, at(100), 1), Ok(()), "a refusal took none");
        let allowed = (0..10_000)
            .filter(|ms| bucket.take(RATE, at(100 + ms), 1).is_ok())
            .count();
        assert_eq!(allowed, 99, "10 a second, the first after 100 ms");
        assert!(!bucket.is_full(at(10_100)) && bucket.is_full(at(20_000)));
        assert!(
            (0..5)
                .filter(|_| bucket.take(RATE, at(30_000), 1).is_ok())
                .count()
                == 3
        );
    }

    #[test]
    fn no_rate_is_no_limit_and_more_than_the_burst_is_the_burst() {
        let now = Instant::now();
        let mut bucket = Bucket::default();
        for _ in 0..1_000 {
            assert_eq!(bucket.take(Rate::UNLIMITED, now, u64::MAX), Ok(()));
            bucket.charge(Rate::UNLIMITED, now, u64::MAX);
        }
        assert!(bucket.is_full(now) && !bucket.is_low(Rate::UNLIMITED, now));
        assert!(bucket.debt(Rate::UNLIMITED, now).is_zero());
        assert_eq!(bucket.take(RATE, now, 1_000), Ok(()));
        assert_eq!(
            bucket.take(RATE, now, 1_000),
            Err(Duration::from_millis(300))
        );
    }

    #[test]
    fn what_is_charged_beyond_the_burst_is_owed() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut bucket = Bucket::default();
        bucket.charge(RATE, at(0), 1);
        assert!(!bucket.is_low(RATE, at(0)) && bucket.debt(RATE, at(0)).is_zero());
        bucket.charge(RATE, at(0), 12);
        assert!(bucket.is_low(RATE, at(0)));
        assert_eq!(bucket.debt(RATE, at(0)), Duration::from_millis(1_000));
        assert_eq!(bucket.debt(RATE, at(900)), Duration::from_millis(100));
        assert!(bucket.debt(RATE, at(1_000)).is_zero());
        // Out of all proportion: no overflow.
        bucket.charge(
            Rate {
                per_second: 1,
                burst: u64::MAX,
            },
            at(0),
            u64::MAX,
        );
        assert!(bucket.take(RATE, at(0), 1).is_err());
    }
}
