//! When a lost connection is tried again, and when no longer.

use super::error::{ClientError, ErrorCode};
use std::time::{Duration, Instant};

/// Refusals in a row after which a renewed token does not help either.
const MAX_REFUSALS: u32 = 3;

/// How a lost connection is repaired: attempts with exponential backoff and jitter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reconnect {
    /// Upper bound of the wait before the second attempt; it doubles with each.
    pub initial_delay: Duration,
    /// Longest wait between attempts.
    pub max_delay: Duration,
    /// The client closes after so long without a connection; `None`: never.
    pub timeout: Option<Duration>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Reconnect {
            initial_delay: Duration::from_millis(200),
            max_delay: Duration::from_millis(5_000),
            timeout: Some(Duration::from_millis(120_000)),
        }
    }
}

/// Further attempts cannot succeed without a change by someone.
fn is_final(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidArgument
            | ErrorCode::Unsupported
            | ErrorCode::Certificate
            | ErrorCode::ProtocolMismatch
            | ErrorCode::ProtocolViolation
            | ErrorCode::Cancelled
            | ErrorCode::Unavailable
    )
}

/// Whether reconnecting can help a session that ended with this error.
pub(super) fn can_reconnect(code: ErrorCode, renews_token: bool) -> bool {
    match code {
        ErrorCode::Unauthorized => renews_token,
        code => !is_final(code),
    }
}

/// Waits between attempts: exponential with jitter, so that a crowd does not come back at once.
pub(super) struct Backoff {
    policy: Reconnect,
    random: fastrand::Rng,
    attempts: u32,
}

impl Backoff {
    pub fn new(policy: Reconnect, seed: u64) -> Self {
        Backoff {
            policy,
            random: fastrand::Rng::with_seed(seed),
            attempts: 0,
        }
    }

    /// Until the next attempt: the first comes soon, the n-th within (half to all of)
    /// `initial_delay` · 2ⁿ⁻².
    pub fn next(&mut self) -> Duration {
        let attempt = self.attempts;
        self.attempts = attempt.saturating_add(1);
        let Reconnect {
            initial_delay,
            max_delay,
            ..
        } = self.policy;
        let random = self.random.f64();
        if attempt == 0 {
            return (initial_delay / 2).min(max_delay).mul_f64(random);
        }
        let doubled = initial_delay.saturating_mul(1 << (attempt - 1).min(30));
        doubled.min(max_delay).mul_f64(0.5 + random / 2.0)
    }

    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// Decides after each failure of an effort to reconnect whether another attempt is worth it.
pub(super) struct Effort {
    started: Instant,
    timeout: Option<Duration>,
    renews_token: bool,
    refusals: u32,
}

impl Effort {
    pub fn new(policy: &Reconnect, renews_token: bool, now: Instant) -> Self {
        Effort {
            started: now,
            timeout: policy.timeout,
            renews_token,
            refusals: 0,
        }
    }

    /// When the time is up.
    pub fn until(&self) -> Option<Instant> {
        self.timeout.map(|timeout| self.started + timeout)
    }

    /// Whether the client ends with this error because no other attempt may help.
    pub fn is_ended_by(&mut self, error: &ClientError) -> bool {
        if error.code != ErrorCode::Unauthorized {
            self.refusals = 0;
            return is_final(error.code);
        }
        self.refusals += 1;
        !self.renews_token || self.refusals >= MAX_REFUSALS
    }

    /// The time is up.
    pub fn gave_up(&self, last: &ClientError, now: Instant) -> ClientError {
        let seconds = now.saturating_duration_since(self.started).as_secs_f64();
        let message = format!(
            "The connection was lost and could not be made again within {seconds:.0} s. Last: {}",
            last.message
        );
        ClientError {
            message,
            retryable: true,
            ..last.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(initial: u64, max: u64) -> Reconnect {
        Reconnect {
            initial_delay: Duration::from_millis(initial),
            max_delay: Duration::from_millis(max),
            timeout: Some(Duration::from_secs(1)),
        }
    }

    proptest! {
        #[test]
        fn waits_double_to_their_limit_and_lie_between_half_and_all_of_it(
            initial in 1..60_000_u64,
            more in 0..600_000_u64,
            seed in any::<u64>(),
        ) {
            let policy = policy(initial, initial + more);
            let mut backoff = Backoff::new(policy, seed);
            for round in 0..2 {
                prop_assert!(backoff.next() <= policy.initial_delay / 2);
                for attempt in 0..60_u32 {
                    let most = policy.initial_delay.saturating_mul(1 << attempt.min(30));
                    let most = most.min(policy.max_delay);
                    let wait = backoff.next();
                    prop_assert!(wait <= most && wait >= most / 2, "{round} {attempt} {wait:?}");
                }
                backoff.reset();
            }
        }
    }

    #[test]
    fn two_clients_do_not_come_back_together() {
        let waits = |seed| {
            let mut backoff = Backoff::new(policy(200, 5_000), seed);
            std::iter::repeat_with(move || backoff.next())
                .take(8)
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    #[test]
    fn ends_for_what_no_attempt_can_mend_and_for_a_renewed_token_after_three_refusals() {
        let now = Instant::now();
        let refused = ClientError::new(ErrorCode::Unauthorized, "no");
        let lost = ClientError::new(ErrorCode::ConnectionFailed, "lost");
        let mut fixed = Effort::new(&policy(1, 1), false, now);
        assert!(!fixed.is_ended_by(&lost));
        assert!(fixed.is_ended_by(&refused));
        assert!(fixed.is_ended_by(&ClientError::new(ErrorCode::Certificate, "wrong")));
        let mut renewed = Effort::new(&policy(1, 1), true, now);
        let outcomes = [&refused, &lost, &refused, &refused, &refused];
        let outcomes = outcomes.map(|error| renewed.is_ended_by(error));
        assert_eq!(outcomes, [false, false, false, false, true]);
        assert_eq!(fixed.until(), Some(now + Duration::from_secs(1)));
        let error = fixed.gave_up(&lost, now + Duration::from_secs(2));
        assert_eq!(error.code, ErrorCode::ConnectionFailed);
        assert!(error.retryable && error.message.contains("2 s"), "{error}");
        assert!(!can_reconnect(ErrorCode::Unauthorized, false));
        assert!(can_reconnect(ErrorCode::Unauthorized, true));
        assert!(can_reconnect(ErrorCode::GoingAway, false));
        assert!(!can_reconnect(ErrorCode::ProtocolViolation, true));
    }
}
