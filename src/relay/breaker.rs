//! [`Breaker`]: whether an endpoint may be tried, and how hard. Pure.
//!
//! After several failures in a row nothing is sent but a probe now and then, so that an endpoint that is down costs no
//! entry its attempts and no operator a flood. When it answers again, work starts slowly: one at a time, then twice as many after
//! each success. Invariant: at most one probe a minute once the endpoint has been down for a while. Next: [`super::gate`].

use std::time::Duration;

use jiff::Timestamp;

/// Failures in a row that open it.
const OPENS_AFTER: u32 = 5;
/// The first pause, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Whether an endpoint may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// While open: when the next probe is due, and the pause before it.
    open: Option<(Timestamp, Duration)>,
    /// When it opened.
    since: Option<Timestamp>,
    /// How many may be in flight now.
    allowed: usize,
    most: usize,
}

/// What may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Up to so many may be in flight.
    Send(usize),
    /// Ask once whether it is there.
    Probe,
    /// Nothing before this instant.
    Wait(Timestamp),
}

impl Breaker {
    /// A closed breaker of an endpoint that takes `most` requests at once.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { failures: 0, open: None, since: None, allowed: most, most }
    }

    /// What may be done now.
    #[must_use]
    pub fn go(&self, now: Timestamp) -> Go {
        match self.open {
            None => Go::Send(self.allowed),
            // A clock that was set back must not keep it shut for longer than its pause.
            Some((due, pause)) if now >= due || due.duration_since(now).unsigned_abs() > pause => Go::Probe,
            Some((due, _)) => Go::Wait(due),
        }
    }

    /// The endpoint answered sensibly.
    pub fn succeeded(&mut self) {
        let was_open = self.open.take().is_some();
        self.failures = 0;
        self.since = None;
        self.allowed = if was_open { 1 } else { self.allowed.saturating_mul(2).min(self.most) };
    }

    /// The endpoint did not answer, or not sensibly. Says whether this opened the breaker.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        let pause = match self.open {
            Some((_, pause)) => pause.saturating_mul(2).min(PAUSE.1),
            None if self.failures >= OPENS_AFTER => PAUSE.0,
            None => return false,
        };
        let opened = self.open.is_none();
        self.open = Some((now.checked_add(pause).unwrap_or(now), pause));
        self.since.get_or_insert(now);
        opened
    }

    /// The endpoint asked to be left alone for a while: that counts for all entries, not for one.
    pub fn asked_to_wait(&mut self, wait: Duration, now: Timestamp) {
        let due = now.checked_add(wait).unwrap_or(now);
        self.since.get_or_insert(now);
        self.open = Some((due, wait.max(PAUSE.0)));
    }

    /// Since when it is open, if it is.
    #[must_use]
    pub const fn open_since(&self) -> Option<Timestamp> {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_probes_ever_more_rarely() {
        let mut breaker = Breaker::new(8);
        let opened: Vec<bool> = (0..5).map(|_| breaker.failed(at(0))).collect();
        assert_eq!(opened, [false, false, false, false, true]);
        assert_eq!(breaker.go(at(0)), Go::Wait(at(1)));
        let mut now = 1;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert_eq!(breaker.go(at(now)), Go::Probe);
            assert!(!breaker.failed(at(now)));
            let Go::Wait(due) = breaker.go(at(now)) else { panic!("it is open") };
            pauses.push(due.as_second() - now);
            now = due.as_second();
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(breaker.open_since(), Some(at(0)));
    }

    #[test]
    fn work_starts_slowly_after_an_outage() {
        let mut breaker = Breaker::new(8);
        for _ in 0..5 {
            breaker.failed(at(0));
        }
        let mut allowed = Vec::new();
        for _ in 0..5 {
            breaker.succeeded();
            allowed.push(breaker.go(at(1)));
        }
        assert_eq!(allowed, [Go::Send(1), Go::Send(2), Go::Send(4), Go::Send(8), Go::Send(8)]);
    }

    #[test]
    fn single_failures_do_not_open_it() {
        let mut breaker = Breaker::new(2);
        for _ in 0..100 {
            (0..4).for_each(|_| assert!(!breaker.failed(at(0))));
            breaker.succeeded();
        }
        assert_eq!(breaker.go(at(0)), Go::Send(2));
    }

    #[test]
    fn a_clock_set_back_does_not_keep_it_shut() {
        let mut breaker = Breaker::new(1);
        for _ in 0..5 {
            breaker.failed(at(100_000));
        }
        assert_eq!(breaker.go(at(5)), Go::Probe);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept() {
        let mut breaker = Breaker::new(1);
        breaker.asked_to_wait(Duration::from_secs(120), at(0));
        assert_eq!(breaker.go(at(119)), Go::Wait(at(120)));
        assert_eq!(breaker.go(at(120)), Go::Probe);
    }
}
