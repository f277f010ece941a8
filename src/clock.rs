//! [`Clock`]: the only reading of the time and the only source of randomness of everything that runs on its own.
//!
//! The core never asks; it is told. Tests bring a clock that stands still or jumps. Invariant: nothing outside this
//! file and `cli/edge.rs` calls `Timestamp::now`. Next: [`crate::store`].

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

/// Time and chance.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock, for what is stored and compared across restarts.
    fn now(&self) -> Timestamp;

    /// A number in `0.0..1.0`.
    fn jitter(&self) -> f64;

    /// Random bytes, good enough for nonces and tokens.
    fn random(&self) -> [u8; 16];
}

/// The machine's clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn jitter(&self) -> f64 {
        rand::random()
    }

    fn random(&self) -> [u8; 16] {
        rand::random()
    }
}

/// A clock that a test sets, with chance from a seed.
#[derive(Debug)]
pub struct ManualClock {
    inner: Mutex<(Timestamp, u64)>,
}

impl ManualClock {
    /// A clock that shows an instant until it is moved.
    #[must_use]
    pub const fn new(now: Timestamp, seed: u64) -> Self {
        Self { inner: Mutex::new((now, seed)) }
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let mut inner = self.lock();
        inner.0 = inner.0.checked_add(by).unwrap_or(Timestamp::MAX);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Timestamp, u64)> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// SplitMix64: small, and good enough for spreading waits in a test.
    fn next(&self) -> u64 {
        let mut inner = self.lock();
        inner.1 = inner.1.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = inner.1;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().0
    }

    fn jitter(&self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (low, high) = (self.next().to_le_bytes(), self.next().to_le_bytes());
        bytes.iter_mut().zip(low.into_iter().chain(high)).for_each(|(to, from)| *to = from);
        bytes
    }
}
