//! [`TokenCache`]: one access token for all who need it.
//!
//! It is renewed at 80% of its life by one request, however many wait for it; until then, and while renewing fails
//! before its end, the old one is given out. Invariant: at most one request for a token is on its way, and one
//! after the endpoint's 401 in [`FORCED_EVERY`]. Next: [`super::token_client`].

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::clock::Clock;
use crate::outbox::Reason;

/// How often a 401 may lead to a new token. More would hammer the authorisation server with a loop that new tokens
/// cannot end.
pub const FORCED_EVERY: Duration = Duration::from_secs(60);
/// How long a failure is given to all who ask, before the authorisation server is asked again.
pub const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// A token is not used in its last seconds: it must still be valid when it arrives.
const LAST_SECONDS: Duration = Duration::from_secs(10);
/// No access token that servers give is longer; headers have limits too.
const LONGEST: usize = 16 << 10;

/// An access token.
#[derive(Clone)]
pub struct Token {
    /// The value of the `Authorization` header.
    pub value: SecretString,
    /// How long it lives from the moment in which it was asked for.
    pub life: Duration,
}

/// Its life only.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({} s)", self.life.as_secs())
    }
}

/// `Bearer` and a token, if it is one: visible ASCII without spaces, of a sensible length.
#[must_use]
pub fn bearer_value(token: &str) -> Option<SecretString> {
    let fits =
        !token.is_empty() && token.len() <= LONGEST && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| SecretString::from(format!("Bearer {token}")))
}

/// The token in use.
pub struct TokenCache {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held by who asks for a new token.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// How many requests for a token have ended, and how the last one did.
    rounds: u64,
    last: Option<(Timestamp, Result<SecretString, Reason>)>,
    forced: Option<Timestamp>,
}

struct Held {
    value: SecretString,
    renew: Timestamp,
    end: Timestamp,
}

/// What the cache has now.
enum Have {
    /// A token to use.
    Fresh(SecretString),
    /// A token to use, and to renew.
    Ageing(SecretString),
    /// None, since so many rounds.
    Nothing(u64),
    /// None, and it was asked for just now.
    Failed(Reason),
}

impl TokenCache {
    /// An empty cache.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default(), gate: tokio::sync::Mutex::new(()) }
    }

    /// The value of the header, from a token that is held or from `fetch`.
    ///
    /// # Errors
    ///
    /// What `fetch` gave, where no token is held that can still be used.
    pub async fn header<F, W>(&self, fetch: F) -> Result<SecretString, Reason>
    where
        F: FnOnce() -> W + Send,
        W: Future<Output = Result<Token, Reason>> + Send,
    {
        let since = match self.have() {
            Have::Fresh(value) => return Ok(value),
            Have::Failed(reason) => return Err(reason),
            Have::Ageing(value) => {
                // Somebody renews it already, or has just done so.
                let Ok(_gate) = self.gate.try_lock() else { return Ok(value) };
                if !matches!(self.have(), Have::Ageing(_)) {
                    return Ok(value);
                }
                return self.renew(fetch).await.or_else(|reason| match self.have() {
                    Have::Fresh(value) | Have::Ageing(value) => Ok(value),
                    Have::Nothing(_) | Have::Failed(_) => Err(reason),
                });
            }
            Have::Nothing(rounds) => rounds,
        };
        let _gate = self.gate.lock().await;
        if let Some(result) = self.ended_since(since) {
            return result;
        }
        self.renew(fetch).await
    }

    /// The endpoint answered 401. The next request for the header brings a new token, unless a 401 did so in the last
    /// minute: the many answers to requests under way with the old token count once, and a new token that is
    /// refused as well is not replaced at once.
    pub fn refused(&self) {
        let now = self.clock.now();
        let mut state = self.lock();
        let recently = state.forced.is_some_and(|at| now >= at && now < after(at, FORCED_EVERY));
        if state.held.is_some() && !recently {
            state.held = None;
            state.last = None;
            state.forced = Some(now);
        }
    }

    async fn renew<F, W>(&self, fetch: F) -> Result<SecretString, Reason>
    where
        F: FnOnce() -> W + Send,
        W: Future<Output = Result<Token, Reason>> + Send,
    {
        let asked = self.clock.now();
        let result = fetch().await;
        let mut state = self.lock();
        state.rounds += 1;
        let given = match result {
            Ok(Token { value, life }) => {
                let unused = LAST_SECONDS.min(life / 10);
                state.held = Some(Held {
                    value: value.clone(),
                    renew: after(asked, life.mul_f64(0.8)),
                    end: after(asked, life.saturating_sub(unused)),
                });
                Ok(value)
            }
            Err(reason) => {
                // Renewing early failed: the old token is good for its time, and is not renewed in every call.
                let later = after(self.clock.now(), PAUSE_AFTER_FAILURE);
                if let Some(held) = &mut state.held {
                    held.renew = later;
                }
                Err(reason)
            }
        };
        state.last = Some((self.clock.now(), given.clone()));
        given
    }

    fn have(&self) -> Have {
        let now = self.clock.now();
        let state = self.lock();
        match (&state.held, &state.last) {
            (Some(held), _) if now < held.end.min(held.renew) => Have::Fresh(held.value.clone()),
            (Some(held), _) if now < held.end => Have::Ageing(held.value.clone()),
            (_, Some((at, Err(reason)))) if now >= *at && now < after(*at, PAUSE_AFTER_FAILURE) => {
                Have::Failed(*reason)
            }
            _ => Have::Nothing(state.rounds),
        }
    }

    /// How the request ended for which we waited, if there was one: its failure is ours too.
    fn ended_since(&self, rounds: u64) -> Option<Result<SecretString, Reason>> {
        let state = self.lock();
        if state.rounds == rounds { None } else { state.last.as_ref().map(|(_, result)| result.clone()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a token is held, and no more.
impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenCache({})", if self.lock().held.is_some() { "a token" } else { "empty" })
    }
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}
