//! The session of one account: one token for all its collectors, renewed before it runs out.
//!
//! However many collectors need a token, one login is under way at a time, and those who waited for it take its end,
//! good or bad. Nothing is changed before a login has ended, so a caller that is dropped in the middle leaves nothing
//! behind, and the next in line makes the login.
//!
//! A login that was rejected, in whatever way and by whomever, is remembered, so that it does not hammer the vendor: further
//! calls fail at once until its own backoff is over, or until the credentials are others than those that were rejected.
//! Once others have been tried it is forgotten, whatever came of them. A login that failed without any rejection is not
//! remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::login::{Issued, Login, LoginError};
use crate::api::allowance;
use crate::api::confidential::Confidential;
use crate::api::rejection::{Pair, Rejection, is_rejection};
use crate::api::{ApiError, Endpoint, LoginResult};
use crate::clock;
use crate::config::Secret;

/// A token is renewed this long before it runs out, or a tenth of its life where that is less.
const MAX_MARGIN: Duration = Duration::from_secs(5 * 60);

/// What a rejection may mean as long as no login has worked.
const NEVER_WORKED: &str = "the credentials are rejected: mistyped, or expired, regenerated or deleted; compare account_id, access_key \
                            and secret";

/// A token, and how long it is believed to work.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: Secret,
    /// What no answer to a request with this token may repeat.
    pub(super) confidential: Confidential,
    /// Tells this token from those before it.
    pub(super) generation: u64,
    /// `None` where the vendor did not say; then it is used until it is rejected.
    pub(super) expires_at: Option<Timestamp>,
    margin: Duration,
}

impl Token {
    fn new(issued: Issued, pair: &Pair, generation: u64) -> Self {
        Self {
            confidential: Confidential::new([issued.token.clone(), pair.secret.clone()]),
            secret: issued.token,
            generation,
            expires_at: issued.life.map(|life| clock::after(issued.at, life)),
            margin: issued.life.map_or(MAX_MARGIN, |life| MAX_MARGIN.min(life / 10)),
        }
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| clock::until(now, end) > self.margin)
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    generations: u64,
    rejection: Option<Rejection>,
    /// How the last login ended, where it did not give a token.
    failure: Option<ApiError>,
}

/// Keeps the session of one account.
pub(super) struct Sessions {
    login: Login,
    state: Mutex<State>,
    /// How many logins have ended.
    ended: AtomicU64,
}

impl Sessions {
    pub(super) fn new(login: Login) -> Self {
        Self { login, state: Mutex::default(), ended: AtomicU64::new(0) }
    }

    /// A token that should work; `dead` is the generation of one that was found not to.
    pub(super) async fn token(&self, dead: Option<u64>) -> Result<Arc<Token>, ApiError> {
        let ended = self.ended.load(Ordering::Acquire);
        let mut state = allowance::apart(self.state.lock()).await;
        let now = self.login.clock.now();
        let current = state.token.clone().filter(|token| dead.is_none_or(|dead| token.generation != dead));
        if let Some(token) = current.as_ref().filter(|token| token.is_fresh(now)) {
            return Ok(Arc::clone(token));
        }
        let waited_for = self.ended.load(Ordering::Acquire) != ended;
        let renewed = match state.failure.clone().filter(|_| waited_for) {
            Some(failure) => Err(failure),
            None => self.log_in(&mut state, false).await,
        };
        // A renewal that came to nothing does not end a token that still works; a rejection has removed it.
        renewed.or_else(|error| {
            let still_good = current.filter(|token| state.token.is_some() && token.is_alive(now));
            still_good.ok_or(error)
        })
    }

    /// A new token, whatever there is, and whatever was rejected before.
    pub(super) async fn renew(&self) -> Result<Arc<Token>, ApiError> {
        let ended = self.ended.load(Ordering::Acquire);
        let mut state = allowance::apart(self.state.lock()).await;
        let waited_for = self.ended.load(Ordering::Acquire) != ended;
        match (waited_for, &state.failure, &state.token) {
            (true, Some(failure), _) => Err(failure.clone()),
            (true, None, Some(token)) => Ok(Arc::clone(token)),
            _ => self.log_in(&mut state, true).await,
        }
    }

    /// Takes in what the vendor said of a token's remaining life.
    pub(super) async fn learn(&self, generation: u64, expires_at: Timestamp) {
        let mut state = allowance::apart(self.state.lock()).await;
        if let Some(token) = &mut state.token
            && token.generation == generation
        {
            Arc::make_mut(token).expires_at = Some(expires_at);
        }
    }

    /// Whether the credentials were rejected and are others by now, or could not be read and can be.
    pub(super) async fn credentials_renewed(&self) -> bool {
        let state = self.state.lock().await;
        match &state.rejection {
            Some(rejection) => self.login.pair().await.is_ok_and(|pair| pair != *rejection.pair),
            None => self.login.pair.is_back(Endpoint::Login).await,
        }
    }

    async fn log_in(&self, state: &mut State, forced: bool) -> Result<Arc<Token>, ApiError> {
        let held = |rejection: &Rejection| !forced && rejection.holds(self.login.clock.now());
        let pair = match (self.login.pair().await, &state.rejection) {
            (Ok(pair), Some(rejection)) if held(rejection) && pair == *rejection.pair => {
                return Err(rejection.error.clone());
            }
            (Err(_), Some(rejection)) if held(rejection) => return Err(rejection.error.clone()),
            (Ok(pair), _) => pair,
            (Err(error), _) => {
                self.login.telemetry.login(LoginResult::Failed);
                state.failure = Some(error.clone());
                self.ended.fetch_add(1, Ordering::Release);
                return Err(error);
            }
        };
        let ended = self.login.log_in(&pair).await;
        self.ended.fetch_add(1, Ordering::Release);
        match ended {
            Ok(issued) => {
                state.generations += 1;
                let token = Arc::new(Token::new(issued, &pair, state.generations));
                state.token = Some(Arc::clone(&token));
                state.rejection = None;
                state.failure = None;
                Ok(token)
            }
            Err(LoginError::Rejected(mut error)) => {
                if state.generations == 0 {
                    let status = error.detail.split_once(": ").map_or("", |(status, _)| status);
                    error.detail = format!("{status}: {NEVER_WORKED}").into();
                }
                state.token = None;
                state.failure = Some(error.clone());
                let now = self.login.clock.now();
                state.rejection =
                    Some(Rejection::new(error.clone(), Arc::new(pair), now, state.rejection.as_ref()));
                Err(error)
            }
            Err(LoginError::Failed(error)) => {
                state.failure = Some(error.clone());
                if is_rejection(&error) {
                    let now = self.login.clock.now();
                    let rejection =
                        Rejection::new(error.clone(), Arc::new(pair), now, state.rejection.as_ref());
                    state.rejection = Some(rejection);
                } else {
                    state.rejection.take_if(|rejection| *rejection.pair != pair);
                }
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests;
