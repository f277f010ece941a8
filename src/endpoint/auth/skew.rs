//! [`Skew`]: how far our clock is from those of an endpoint's servers, by the `Date` header of their answers.
//!
//! A signed assertion is refused when clocks differ, with words that send people to look at their keys; and dates that
//! we write are wrong. What this is not: it corrects nothing. Invariant: one measurement is one answer, precise to a
//! second and half its round trip. Next: [`super::token_client`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// From here on it is said aloud.
pub const TOO_LARGE: Duration = Duration::from_secs(60);
/// Answers that took longer say too little about the time.
const SLOW: i64 = 10;

/// The difference between our clock and those of an endpoint's servers: its own, and the one that gives tokens.
#[derive(Debug, Default)]
pub struct Skew {
    /// By server.
    state: Mutex<BTreeMap<String, State>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// In seconds; positive when the server's clock is ahead of ours.
    seconds: i64,
    warned: bool,
}

impl Skew {
    /// Takes the `Date` of an answer to a request of ours. `cached` when it has an `Age`: then its date is old.
    pub fn observe(
        &self,
        server: &str,
        date: Option<&str>,
        cached: bool,
        sent: Timestamp,
        received: Timestamp,
    ) {
        let Some(theirs) = date.filter(|_| !cached).and_then(seconds_of) else { return };
        let (sent, received) = (sent.as_second(), received.as_second());
        let took = received.saturating_sub(sent);
        if !(0..=SLOW).contains(&took) {
            return;
        }
        let seconds = theirs.saturating_sub(sent + took / 2);
        let mut servers = self.lock();
        let state = servers.entry(server.to_owned()).or_default();
        state.seconds = seconds;
        let large = is_large(seconds);
        match (large, state.warned) {
            (true, false) => tracing::warn!(
                server,
                seconds,
                "our clock and the server's differ by more than a minute (positive: ours is behind); set this machine's clock"
            ),
            (false, true) => tracing::info!(server, seconds, "our clock and the server's agree again"),
            _ => {}
        }
        state.warned = large;
    }

    /// The largest difference of the last measurements in seconds, positive when the server's clock is ahead; none before the
    /// first.
    #[must_use]
    pub fn seconds(&self) -> Option<i64> {
        self.lock().values().map(|state| state.seconds).max_by_key(|seconds| seconds.unsigned_abs())
    }

    /// For readiness and `check`: false when the clocks are known to differ by more than a minute.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        !self.seconds().is_some_and(is_large)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is more than a minute.
#[must_use]
pub const fn is_large(seconds: i64) -> bool {
    seconds.unsigned_abs() > TOO_LARGE.as_secs()
}

/// Seconds since 1970 of an HTTP date.
fn seconds_of(date: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(date).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_more_than_a_minute_is_not_fine() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (sent, received) = (at("2026-11-21T12:00:00Z"), at("2026-11-21T12:00:02Z"));
        for (date, seconds, fine) in [
            ("Sat, 21 Nov 2026 12:00:01 GMT", 0, true),
            ("Sat, 21 Nov 2026 12:01:01 GMT", 60, true),
            ("Sat, 21 Nov 2026 12:01:02 GMT", 61, false),
            ("Sat, 21 Nov 2026 11:59:01 GMT", -60, true),
            ("Sat, 21 Nov 2026 11:58:59 GMT", -62, false),
            (
                "Mon, 01 Jan 1990 00:00:00 GMT",
                at("1990-01-01T00:00:00Z").as_second() - sent.as_second() - 1,
                false,
            ),
        ] {
            let skew = Skew::default();
            assert!(skew.is_fine());
            skew.observe("a server", Some(date), false, sent, received);
            assert_eq!((skew.seconds(), skew.is_fine()), (Some(seconds), fine), "{date}");
        }
    }

    #[test]
    fn what_says_nothing_about_the_time_is_not_a_measurement() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let late = now.checked_add(Duration::from_secs(11)).unwrap();
        let far = Some("Sat, 21 Nov 2026 18:00:00 GMT");
        let skew = Skew::default();
        skew.observe("a server", None, false, now, now);
        skew.observe("a server", Some("tomorrow"), false, now, now);
        skew.observe("a server", far, true, now, now);
        skew.observe("a server", far, false, now, late);
        skew.observe("a server", far, false, late, now);
        assert_eq!((skew.seconds(), skew.is_fine()), (None, true));
        skew.observe("a server", far, false, now, now);
        assert!(!skew.is_fine());
        skew.observe("a server", Some("Sat, 21 Nov 2026 12:00:00 GMT"), false, now, now);
        assert!(skew.is_fine(), "a clock that was set right is fine again");
        skew.observe("another", far, false, now, now);
        skew.observe("a server", Some("Sat, 21 Nov 2026 12:00:01 GMT"), false, now, now);
        assert_eq!(skew.seconds(), Some(6 * 3600), "the one that is wrong counts");
    }
}
