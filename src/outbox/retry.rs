//! When to try again: exponential with full jitter, the endpoint's own wait honoured within bounds. Pure.
//!
//! Next: [`super::transition`].

use std::time::Duration;

/// How an endpoint's entries are retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first wait is between zero and this.
    pub base: Duration,
    /// No wait is longer.
    pub cap: Duration,
    /// After so many attempts an entry is a dead letter.
    pub max_attempts: u32,
    /// After an answer was lost, the endpoint is asked only after this: it may still be at work.
    pub settle_time: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(2),
            cap: Duration::from_secs(15 * 60),
            max_attempts: 50,
            settle_time: Duration::from_secs(30),
        }
    }
}

/// The shortest and longest wait an endpoint may ask for.
pub const RETRY_AFTER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

impl RetryPolicy {
    /// The wait before the attempt after attempt number `attempts` (from 1). `jitter` lies in `0.0..1.0` and comes
    /// from the caller's randomness.
    #[must_use]
    pub fn wait(&self, attempts: u32, jitter: f64, retry_after: Option<Duration>) -> Duration {
        let doubled = 2u32.saturating_pow(attempts.saturating_sub(1).min(30));
        let ceiling = self.base.saturating_mul(doubled).min(self.cap);
        let drawn = ceiling.mul_f64(jitter.clamp(0.0, 1.0));
        match retry_after {
            // At least what was asked for, and a little spread, so that all do not come back at once.
            Some(asked) => asked.clamp(RETRY_AFTER.0, RETRY_AFTER.1) + drawn.min(Duration::from_secs(10)),
            None => drawn.max(Duration::from_millis(100)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_the_cap() {
        let policy = RetryPolicy::default();
        for (attempts, seconds) in [(1, 2), (2, 4), (5, 32), (10, 900), (4_000_000_000, 900)] {
            assert_eq!(policy.wait(attempts, 1.0, None), Duration::from_secs(seconds));
        }
        assert_eq!(policy.wait(3, 0.0, None), Duration::from_millis(100));
    }

    #[test]
    fn the_endpoints_own_wait_counts_within_bounds() {
        let policy = RetryPolicy::default();
        let wait = |seconds| policy.wait(1, 0.0, Some(Duration::from_secs(seconds))).as_secs();
        assert_eq!((wait(0), wait(120), wait(315_360_000)), (1, 120, 3600));
    }
}
