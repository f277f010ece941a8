//! [`Gate`]: how many entries may leave now, at the rate that an endpoint is given.
//!
//! It is asked before entries are claimed, so that nothing waits under a lease, and it never sleeps, so that whoever waits
//! can be told to stop. Invariant: in the long run no more leave than the rate allows, and at once no more than a tenth
//! of a second's worth (but one always may). Next: [`super::attempt`].

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// How many entries may leave now.
#[derive(Debug)]
pub struct Gate {
    limiter: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
    /// Passes drawn and not used yet.
    in_hand: usize,
    /// Never more than this.
    most: usize,
}

impl Gate {
    /// A gate for so many entries a second; without a rate it is always open.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        let quota = rate.and_then(quota);
        let most = quota.map_or(usize::MAX, |(_, most)| usize::try_from(most.get()).unwrap_or(usize::MAX));
        let limiter = quota.map(|(quota, _)| RateLimiter::direct(quota));
        Self { limiter, clock: DefaultClock::default(), in_hand: 0, most }
    }

    /// How many of `wanted` may leave now, at least one.
    ///
    /// # Errors
    /// None; after this long there will be one.
    pub fn open(&mut self, wanted: usize) -> Result<usize, Duration> {
        let Some(limiter) = &self.limiter else { return Ok(wanted) };
        while self.in_hand < wanted.min(self.most) {
            match limiter.check() {
                Ok(()) => self.in_hand += 1,
                Err(_) if self.in_hand > 0 => break,
                Err(not_yet) => return Err(not_yet.wait_time_from(self.clock.now())),
            }
        }
        Ok(self.in_hand.min(wanted))
    }

    /// So many left.
    pub fn left(&mut self, count: usize) {
        self.in_hand = self.in_hand.saturating_sub(count);
    }
}

/// One entry every so often, and how many at once.
fn quota(rate: f64) -> Option<(Quota, NonZeroU32)> {
    let period = Duration::try_from_secs_f64(1.0 / rate).ok()?;
    let tenth = period.checked_mul(10).filter(|ten| !ten.is_zero())?;
    let most = u32::try_from(Duration::from_secs(1).as_nanos() / tenth.as_nanos()).unwrap_or(u32::MAX);
    let most = NonZeroU32::new(most.max(1))?;
    Some((Quota::with_period(period)?.allow_burst(most), most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_rate_it_is_open() {
        assert_eq!(Gate::new(None).open(64), Ok(64));
    }

    #[test]
    fn a_low_rate_lets_one_pass_and_says_when_the_next_may() {
        let mut gate = Gate::new(Some(0.01));
        assert_eq!(gate.open(4), Ok(1));
        // Nothing was there to leave: the pass is kept.
        assert_eq!(gate.open(4), Ok(1));
        gate.left(1);
        let wait = gate.open(4).unwrap_err();
        assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100), "{wait:?}");
    }

    #[test]
    fn a_high_rate_lets_several_pass_together_but_no_more_than_a_tenth_of_a_second_is_worth() {
        let mut gate = Gate::new(Some(500.0));
        assert_eq!(gate.open(8), Ok(8));
        gate.left(8);
        let more = gate.open(1000).unwrap();
        assert!((42..=60).contains(&more), "{more}");
    }

    #[test]
    fn in_the_long_run_it_is_the_rate() {
        let mut gate = Gate::new(Some(200.0));
        let (began, mut left) = (std::time::Instant::now(), 0u32);
        while began.elapsed() < Duration::from_millis(500) {
            match gate.open(64) {
                Ok(open) => {
                    gate.left(open);
                    left += u32::try_from(open).unwrap();
                }
                Err(wait) => std::thread::sleep(wait),
            }
        }
        // A hundred, and the twenty that may go at once; a busy machine lets fewer.
        assert!((60..=125).contains(&left), "{left}");
    }
}
