//! The client of the Account API v2: usage, its months, and the inventory of one account.
//!
//! It only reads. Where the guide and the wire differ it takes both; what it cannot use of an answer it leaves out and
//! counts. An answer is whole or an error, never a part.

mod collect;
mod contract;
mod errors;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod history;
mod inventory;
mod login;
mod monthly;
mod months;
mod session;
mod usage;
pub mod writer;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

pub use self::collect::endpoints;
pub use self::history::final_at;
pub use self::months::{MAX_MONTHS, queries};

use self::login::Login;
use self::months::Window;
use self::session::{Sessions, Token};
use super::transport::{Call, Incoming, Reply};
use super::{Api, ApiError, Asked, Declared, Endpoint, Reason, Settings, Telemetry, Transport, Zeros};
use crate::clock::{self, Clock};
use crate::config::{self, Secret};
use crate::model::{
    Collected, CurrentUsage, Month, MonthlyUsage, PastUsage, Permissions, ServiceAccount, Session,
};

/// Understands an answer of `GET /usage/current`, for who has one at hand.
///
/// # Errors
/// Why it cannot be understood, in words that hold nothing of it.
pub fn decode_current_usage(body: impl std::io::BufRead) -> Result<Collected<CurrentUsage>, Box<str>> {
    usage::current(body)
}

/// Asks the vendor about one account. Its collectors share it, and with it one session.
pub struct Client {
    account: String,
    base: Url,
    transport: Transport,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
    telemetry: Arc<dyn Telemetry>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `account`, whose API is at `base`; nothing is asked yet.
    #[must_use]
    pub fn new(
        account: &config::Account,
        base: &Url,
        transport: Transport,
        clock: Arc<dyn Clock>,
        telemetry: Arc<dyn Telemetry>,
    ) -> Self {
        let login = Login::new(
            account,
            url(base, Endpoint::Login),
            transport.clone(),
            Arc::clone(&clock),
            Arc::clone(&telemetry),
        );
        Self {
            account: account.name.clone(),
            base: base.clone(),
            transport,
            sessions: Sessions::new(login),
            clock,
            telemetry,
        }
    }

    /// The month to date.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn current_usage(&self) -> Result<Collected<CurrentUsage>, ApiError> {
        let url = url(&self.base, Endpoint::CurrentUsage);
        let (mut answer, sent) = self.get(Endpoint::CurrentUsage, url, usage::current).await?;
        sent.token.confidential.remove_from(&mut answer);
        Ok(answer)
    }

    /// The averages of the months from `first` to `last`, both included; nothing where `last` is earlier.
    ///
    /// The API answers at most six months at once, so a longer range takes several requests. If one fails, all fail.
    ///
    /// # Errors
    /// Where there is no whole answer for every month asked for.
    pub async fn monthly_usage(
        &self,
        first: Month,
        last: Month,
        zeros: Zeros,
    ) -> Result<Collected<MonthlyUsage>, ApiError> {
        Ok(self.dated_months(first, last, zeros).await?.0)
    }

    /// The same, and when the first part of it was answered, by the vendor's clock.
    async fn dated_months(
        &self,
        first: Month,
        last: Month,
        zeros: Zeros,
    ) -> Result<(Collected<MonthlyUsage>, Option<Timestamp>), ApiError> {
        const ENDPOINT: Endpoint = Endpoint::MonthlyUsage;
        let (mut parts, mut tokens, mut date) = (Vec::new(), Vec::new(), None);
        for (first, last) in queries(first, last) {
            let window = Window { first, last };
            let mut url = url(&self.base, ENDPOINT);
            // In a query months count from 0: the guide says so.
            url.query_pairs_mut()
                .append_pair("fromMonth", &(window.first.number() - 1).to_string())
                .append_pair("fromYear", &window.first.year().to_string())
                .append_pair("toMonth", &(window.last.number() - 1).to_string())
                .append_pair("toYear", &window.last.year().to_string());
            let (part, sent) =
                self.get(ENDPOINT, url, move |body| monthly::part(body, window, zeros)).await?;
            parts.push(part);
            tokens.push(sent.token);
            date = earliest(date, sent.date);
        }
        // Putting together the months of 100,000 buckets would hold up every other task of this thread.
        let merging = tokio::task::spawn_blocking(move || {
            let mut answer = monthly::merge(parts);
            tokens.iter().for_each(|token| token.confidential.remove_from(&mut answer));
            answer
        });
        let answer = merging
            .await
            .map_err(|_| ApiError::new(Reason::Decode, ENDPOINT, "the months could not be put together"))?;
        Ok((answer, date))
    }

    /// The service accounts.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn service_accounts(&self) -> Result<Collected<Vec<ServiceAccount>>, ApiError> {
        let url = url(&self.base, Endpoint::ServiceAccounts);
        let (mut found, sent) = self.get(Endpoint::ServiceAccounts, url, inventory::service_accounts).await?;
        let confidential = &sent.token.confidential;
        confidential.remove_from(&mut found.answer);
        found.unreadable_expiry.retain(|id| !confidential.is_in(id));
        if let Some(first) = found.unreadable_expiry.first() {
            tracing::warn!(
                account = %self.account,
                service_account_id = %first,
                count = found.unreadable_expiry.len(),
                "the expiry of a service account is no date; it counts as unknown"
            );
        }
        Ok(found.answer)
    }

    /// The permissions.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn permissions(&self) -> Result<Collected<Permissions>, ApiError> {
        let url = url(&self.base, Endpoint::Permissions);
        let (mut answer, sent) = self.get(Endpoint::Permissions, url, inventory::permissions).await?;
        sent.token.confidential.remove_from(&mut answer);
        Ok(answer.map(Permissions::of))
    }

    /// How long the session still lives, as the vendor says; logs in first where there is none.
    ///
    /// # Errors
    /// Where there is no whole answer, or none that says how long.
    pub async fn session(&self) -> Result<Session, ApiError> {
        let url = url(&self.base, Endpoint::Session);
        let (seconds, sent) = self.get(Endpoint::Session, url, login::seconds_left).await?;
        let expires_at = clock::after(sent.at, Duration::from_secs(seconds));
        self.sessions.learn(sent.token.generation, expires_at).await;
        Ok(Session { expires_at })
    }

    /// Makes a fresh login, even where the last one was rejected a moment ago.
    ///
    /// # Errors
    /// Where the login is rejected or fails, or where it works and the vendor does not say for how long; then the
    /// session is used all the same.
    pub async fn login_now(&self) -> Result<Session, ApiError> {
        let token = self.sessions.renew().await?;
        let expires_at =
            token.expires_at.ok_or_else(|| ApiError::new(Reason::Decode, Endpoint::Login, login::NO_LIFE))?;
        Ok(Session { expires_at })
    }

    /// Makes one authorized request. Where the token turns out to be dead, one login and one replay follow.
    async fn get<T, D>(&self, endpoint: Endpoint, url: Url, decode: D) -> Result<(T, Sent), ApiError>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Clone + Send + 'static,
    {
        let token = self.sessions.token(None).await?;
        let dead = match self.attempt(endpoint, &url, token, decode.clone()).await? {
            Ok(success) => return Ok(success),
            Err(dead) => dead,
        };
        let token = self.sessions.token(Some(dead.generation)).await?;
        match self.attempt(endpoint, &url, token, decode).await? {
            Ok(success) => Ok(success),
            Err(dead) if dead.error.reason != Reason::Auth => Err(dead.error),
            Err(dead) => Err(ApiError {
                detail: format!("{}, although it comes from a new login", dead.error.detail).into(),
                ..dead.error
            }),
        }
    }

    async fn attempt<T, D>(
        &self,
        endpoint: Endpoint,
        url: &Url,
        token: Arc<Token>,
        decode: D,
    ) -> Result<Result<(T, Sent), Dead>, ApiError>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Send + 'static,
    {
        let at = self.clock.now();
        let bearer: &Secret = &token.secret;
        let call = Call { endpoint, url: url.clone(), bearer: Some(bearer), json: None, signed: None };
        match self.transport.call(call, &*self.telemetry, decode).await? {
            Reply::Success { value, date } => Ok(Ok((value, Sent { token, at, date }))),
            Reply::Failure(reply) => {
                let judged = errors::judge(endpoint, &reply, self.clock.now(), &token.confidential);
                if judged.token_dead {
                    Ok(Err(Dead { generation: token.generation, error: judged.error }))
                } else {
                    Err(judged.error)
                }
            }
        }
    }
}

impl Api for Client {
    const COLLECTORS: &'static [Declared<Self>] = &collect::COLLECTORS;
    const SETTINGS: Settings =
        Settings { address: "base_url", credentials: "account_id, access_key and secret" };
    const LOGIN: &'static [Asked] = &[Asked::new(
        Endpoint::Login,
        contract::LOGIN,
        "nothing of the account can be read, and no alert but those about failures can fire",
    )];

    async fn credentials_renewed(&self) -> bool {
        self.sessions.credentials_renewed().await
    }

    async fn past_usage(&self, first: Month, last: Month, zeros: Zeros) -> Result<PastUsage, ApiError> {
        Ok(PastUsage::Months(self.monthly_usage(first, last, zeros).await?.data))
    }
}

/// The earlier of two instants, where both are known.
fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// With what, and when, a request was sent.
struct Sent {
    token: Arc<Token>,
    at: Timestamp,
    /// When it was answered, by the vendor's clock.
    date: Option<Timestamp>,
}

/// A token that the vendor no longer accepts.
struct Dead {
    generation: u64,
    error: ApiError,
}

/// Where an endpoint is. Paths end without a `/`, as both public clients write them.
fn url(base: &Url, endpoint: Endpoint) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), endpoint.path()));
    url
}

#[cfg(test)]
mod tests;
