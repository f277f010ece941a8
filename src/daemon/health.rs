//! [`Health`]: what `/health/ready` says.
//!
//! Not ready is only what keeps the daemon from its work: the store has stopped, the disk is full, this machine's clock is wrong, or
//! HTTP intake can let nobody in. Anything
//! else that a person should look at is a note. Next: [`super::run`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::config::SecretError;
use crate::endpoint::Endpoint;
use crate::endpoint::auth::skew;
use crate::intake::folder::Board;
use crate::intake::http::{Intake, Readiness};
use crate::store::Keeper;

/// What readiness is made from.
pub(super) struct Health {
    keeper: Keeper,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    endpoints: Vec<Arc<dyn Endpoint>>,
    folders: Vec<Arc<Board>>,
    /// The intake asks for readiness: it must not be kept by it.
    intake: Option<Weak<Intake>>,
    /// Whether it was said that the intake lets nobody in.
    is_shut: bool,
    refused: bool,
}

impl Health {
    pub(super) fn new(keeper: Keeper) -> Self {
        Self { keeper, state: Mutex::default() }
    }

    /// These are the endpoints and watched folders from now on.
    pub(super) fn watches(&self, endpoints: Vec<Arc<dyn Endpoint>>, folders: Vec<Arc<Board>>) {
        let mut state = self.lock();
        state.endpoints = endpoints;
        state.folders = folders;
    }

    /// This is the HTTP intake from now on.
    pub(super) fn watches_intake(&self, intake: &Arc<Intake>) {
        self.lock().intake = Some(Arc::downgrade(intake));
    }

    /// Says once when the intake lets nobody in, because its token or key cannot be used, and once when it does again.
    pub(super) fn look_at_intake(&self) {
        let mut state = self.lock();
        let trouble = state.trouble_of_intake();
        match (std::mem::replace(&mut state.is_shut, trouble.is_some()), trouble) {
            (false, Some(problem)) => {
                tracing::error!(%problem, "HTTP intake takes nothing in: its token or key cannot be used; `sp-fhir check` says more");
            }
            (true, None) => tracing::info!("HTTP intake can use its token or key again"),
            _ => {}
        }
    }

    /// The configuration was read again: taken, or refused.
    pub(super) fn reloaded(&self, taken: bool) {
        self.lock().refused = !taken;
    }

    pub(super) fn now(&self) -> Readiness {
        let state = self.lock();
        let skews = state.endpoints.iter().filter_map(|one| Some((one.name(), one.vitals().skew?)));
        let (mut reasons, mut notes) = clocks(&skews.collect::<Vec<_>>());
        let troubles = state.endpoints.iter().filter_map(|one| Some((one.name(), one.vitals().trouble?)));
        notes.extend(troubles.map(|(name, trouble)| format!("endpoint {name}: {trouble}")));
        if self.keeper.has_stopped() {
            reasons.push("the store has stopped".to_owned());
        }
        if self.keeper.is_full() {
            reasons.push("the disk is full; make room".to_owned());
        }
        // Not which file: whoever may ask is not asked who he is.
        if state.trouble_of_intake().is_some() {
            reasons
                .push("HTTP intake cannot use its token or key; see the log, and `sp-fhir check`".to_owned());
        }
        if state.refused {
            notes.push(
                "the configuration file was refused when it was read again; the one before is in use"
                    .to_owned(),
            );
        }
        notes.extend(state.folders.iter().flat_map(|board| board.notes()));
        Readiness { ready: reasons.is_empty(), reasons, notes }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn trouble_of_intake(&self) -> Option<SecretError> {
        self.intake.as_ref().and_then(Weak::upgrade).and_then(|intake| intake.trouble())
    }
}

/// Whose clock is wrong. One server's may be its own; where all that answered are off in the same direction, it is ours, and what
/// we sign and date is wrong. Gives what makes us not ready, and what is only to be noted.
fn clocks(skews: &[(&str, i64)]) -> (Vec<String>, Vec<String>) {
    let large: Vec<_> = skews.iter().filter(|(_, seconds)| skew::is_large(*seconds)).collect();
    let all_agree = large.len() == skews.len()
        && large.windows(2).all(|two| matches!(two, [a, b] if a.1.signum() == b.1.signum()));
    if all_agree && let Some((_, seconds)) = large.first() {
        let text = format!("this machine's clock differs from the endpoints' by {} s; set it", seconds.abs());
        return (vec![text], Vec::new());
    }
    let note = |(endpoint, seconds): &&(&str, i64)| {
        format!("endpoint {endpoint}: its clock and ours differ by {} s", seconds.abs())
    };
    (Vec::new(), large.iter().map(note).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_all_others_contradict_is_ours() {
        let none = (Vec::new(), Vec::new());
        assert_eq!(clocks(&[]), none);
        assert_eq!(clocks(&[("a", 60), ("b", -3)]), none);
        for skews in [&[("a", 61)][..], &[("a", 400), ("b", 90)]] {
            let (reasons, notes) = clocks(skews);
            assert!(reasons[0].contains("this machine's clock") && notes.is_empty(), "{reasons:?}");
        }
        for skews in [&[("a", -400), ("b", 0)][..], &[("a", -400), ("b", 300)]] {
            let (reasons, notes) = clocks(skews);
            assert!(
                reasons.is_empty() && notes[0].contains("endpoint a") && notes[0].contains("400 s"),
                "{notes:?}"
            );
        }
    }
}
