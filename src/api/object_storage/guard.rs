//! Whether the key may be used: a rejected one is left alone for a while, and one that nobody has tried yet is tried by one
//! request at a time, so that a bad key makes one rejected request and not one for each collector.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::api::allowance;
use crate::api::confidential::Confidential;
use crate::api::rejection::{Pair, PairSource, Rejection};
use crate::api::{ApiError, Endpoint, LoginResult, Reason, Telemetry};
use crate::clock::Clock;

#[derive(Default)]
struct State {
    /// The pair that the vendor accepted last.
    accepted: Option<Arc<Pair>>,
    rejection: Option<Rejection>,
}

/// Keeps what is known of an account's key.
pub(super) struct Guard {
    source: PairSource,
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    telemetry: Arc<dyn Telemetry>,
}

/// Leave to make a request. While it is held for a key that is not known to be good, nobody else gets one.
pub(super) struct Admission {
    pair: Arc<Pair>,
    /// The only one: the key is not known to be good.
    alone: Option<OwnedMutexGuard<State>>,
}

impl Admission {
    pub(super) fn pair(&self) -> &Pair {
        &self.pair
    }
}

impl Guard {
    pub(super) fn new(source: PairSource, clock: Arc<dyn Clock>, telemetry: Arc<dyn Telemetry>) -> Self {
        Self { source, state: Arc::default(), clock, telemetry }
    }

    /// Leave to make a request to `endpoint` with the key as it is now.
    ///
    /// # Errors
    /// Where the key cannot be read, or was rejected a moment ago.
    pub(super) async fn admit(&self, endpoint: Endpoint) -> Result<Admission, ApiError> {
        let state = allowance::apart(Arc::clone(&self.state).lock_owned()).await;
        let held = state.rejection.as_ref().filter(|rejection| rejection.holds(self.clock.now()));
        let pair = match (self.source.read(endpoint).await, held) {
            (Ok(pair), Some(rejection)) if *rejection.pair == pair => return Err(rejection.error.clone()),
            (Err(_), Some(rejection)) => return Err(rejection.error.clone()),
            (Ok(pair), _) => pair,
            (Err(error), None) => {
                self.telemetry.login(LoginResult::Failed);
                return Err(error);
            }
        };
        match &state.accepted {
            Some(accepted) if **accepted == pair => Ok(Admission { pair: Arc::clone(accepted), alone: None }),
            _ => Ok(Admission { pair: Arc::new(pair), alone: Some(state) }),
        }
    }

    /// Takes note of what came of a request.
    pub(super) async fn note(&self, admission: Admission, outcome: Result<(), &ApiError>) {
        let Admission { pair, alone } = admission;
        let mut state = match alone {
            Some(state) => state,
            None => allowance::apart(Arc::clone(&self.state).lock_owned()).await,
        };
        match outcome {
            Err(error) if error.reason == Reason::Auth && !was_let_in(error) => {
                self.telemetry.login(LoginResult::Rejected);
                let rejection =
                    Rejection::new(error.clone(), pair, self.clock.now(), state.rejection.as_ref());
                *state = State { accepted: None, rejection: Some(rejection) };
            }
            // The vendor has decided nothing about the key. What it said of another one before is of no use any more.
            Err(error) if !was_let_in(error) => {
                state.rejection.take_if(|rejection| *rejection.pair != *pair);
            }
            _ => {
                self.telemetry.login(LoginResult::Accepted);
                *state = State { accepted: Some(pair), rejection: None };
            }
        }
    }

    /// What no answer may repeat: the secrets of the pairs that were used last.
    pub(super) async fn confidential(&self) -> Confidential {
        let state = self.state.lock().await;
        let rejected = state.rejection.as_ref().map(|rejection| &rejection.pair);
        Confidential::new(state.accepted.iter().chain(rejected).map(|pair| pair.secret.clone()))
    }

    /// Whether the key was rejected and is another one by now, or could not be read and can be.
    pub(super) async fn credentials_renewed(&self) -> bool {
        let state = self.state.lock().await;
        match &state.rejection {
            Some(rejection) => {
                self.source.read(Endpoint::ListBuckets).await.is_ok_and(|pair| pair != *rejection.pair)
            }
            None => self.source.is_back(Endpoint::ListBuckets).await,
        }
    }
}

/// The key opened the door, although what came then was of no use.
fn was_let_in(error: &ApiError) -> bool {
    error.status.is_some_and(|status| (200..300).contains(&status))
}
