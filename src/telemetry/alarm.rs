//! [`Alarm`]: calm alerts. One when a queue sticks, one when it clears. Pure.
//!
//! A queue sticks when its oldest due entry has waited longer than a limit, or when something needs a person. What
//! this is not: it sends no mail; it says words that are logged and counted. Next: [`crate::relay`].

use std::collections::BTreeMap;
use std::time::Duration;

/// The waits after which somebody should know, and know again.
pub const STEPS: [Duration; 2] = [Duration::from_secs(15 * 60), Duration::from_secs(4 * 3600)];

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// Nothing has left for this long.
    Stuck(Duration),
    /// It moves again.
    Clear,
}

/// Remembers what was said, by queue.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    said: BTreeMap<String, usize>,
}

impl Alarm {
    /// Tells how long the oldest due entry of a queue has waited; gives what is to be said, if anything.
    pub fn waited(&mut self, queue: &str, waited: Option<Duration>) -> Option<Alert> {
        let reached = waited.map_or(0, |waited| STEPS.iter().filter(|step| waited >= **step).count());
        let said = self.said.get(queue).copied().unwrap_or_default();
        if reached == 0 {
            return self.said.remove(queue).map(|_| Alert::Clear);
        }
        if reached <= said {
            return None;
        }
        self.said.insert(queue.to_owned(), reached);
        waited.map(Alert::Stuck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_when_it_sticks_one_when_it_clears() {
        let mut alarm = Alarm::default();
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        let said: Vec<Option<Alert>> = [1, 14, 15, 16, 200, 240, 241, 500]
            .into_iter()
            .map(|waited| alarm.waited("practice", minutes(waited)))
            .collect();
        let stuck = |waited| minutes(waited).map(Alert::Stuck);
        assert_eq!(said, [None, None, stuck(15), None, None, stuck(240), None, None]);
        assert_eq!(alarm.waited("other", minutes(1)), None);
        assert_eq!(alarm.waited("practice", None), Some(Alert::Clear));
        assert_eq!(alarm.waited("practice", None), None);
    }
}
