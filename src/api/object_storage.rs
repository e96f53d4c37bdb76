//! The client of Lyve Cloud Object Storage: billing, buckets, users and keys of one account.
//!
//! It only reads. Each request is signed by itself, so that there is no session: a request that was accepted counts as a
//! login that worked. What it cannot use of an answer it leaves out and counts. An answer is whole or an error, never a part.

mod billing;
mod buckets;
mod collect;
mod contract;
mod errors;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod guard;
mod signing;
#[cfg(test)]
mod tests;
mod users;
pub mod writer;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use url::{Url, form_urlencoded};

use self::errors::Judged;
use self::guard::Guard;
use self::signing::{Service, Unsigned};
use self::users::Users;
use self::xml::{Page, Rest};
use super::rejection::{Pair, PairSource};
use super::transport::{Call, Incoming, Reply, Signed};
use super::{Api, ApiError, Declared, Endpoint, Reason, Settings, Telemetry, Transport, Zeros};
use super::{allowance, wire};
use crate::clock::{self, Clock};
use crate::config;
use crate::model::{AccessKey, Billing, Buckets, Collected, DropReason, Dropped, Month, PastUsage, User};

/// After a change of users or keys the vendor rejects good requests for a while (seen on the wire): what is rejected is asked
/// once more after this time, before it counts.
const SECOND_TRY: Duration = Duration::from_secs(10);

/// The most days that are asked for at once; thirteen months worked (seen on the wire).
const MAX_DAYS: i32 = 366;

/// The keys of no more users are asked for, as each takes a request.
const MAX_USERS: u32 = 1000;

/// A list is asked for in no more parts.
const MAX_PAGES: usize = 100;

/// The version of the IAM protocol.
const IAM_VERSION: &str = "2010-05-08";

/// Asks the vendor about one account. Its collectors share it.
pub struct Client {
    account: String,
    iam_url: Url,
    s3_url: Url,
    transport: Transport,
    guard: Guard,
    clock: Arc<dyn Clock>,
    telemetry: Arc<dyn Telemetry>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("account", &self.account).finish_non_exhaustive()
    }
}

/// What is asked.
#[derive(Clone, Copy)]
enum Question<'a> {
    /// An action of the IAM host, with its parameters.
    Action(&'a str, &'a [(&'a str, &'a str)]),
    /// A query of the S3 host.
    Query(Option<&'a str>),
}

/// A request that gave no answer.
enum Failed {
    /// The vendor answered with an error.
    Judged(Judged),
    /// There was no usable answer.
    Other(ApiError),
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Judged(Judged { error, .. }) | Failed::Other(error) => error,
        }
    }
}

impl Client {
    /// A client for `account`, whose API is `api`; nothing is asked yet.
    #[must_use]
    pub fn new(
        account: &config::Account,
        api: &config::ObjectStorage,
        transport: Transport,
        clock: Arc<dyn Clock>,
        telemetry: Arc<dyn Telemetry>,
    ) -> Self {
        let guard = Guard::new(PairSource::of(account), Arc::clone(&clock), Arc::clone(&telemetry));
        Self {
            account: account.name.clone(),
            iam_url: api.iam_url.clone(),
            s3_url: api.s3_url.clone(),
            transport,
            guard,
            clock,
            telemetry,
        }
    }

    /// The days from `first` to `last`, UTC, as far as they are over; a long range takes several requests. If one fails, all
    /// fail.
    ///
    /// # Errors
    /// Where there is no whole answer; for any but the account's root key.
    pub async fn billing(&self, first: Date, last: Date) -> Result<Collected<Billing>, ApiError> {
        let today = Offset::UTC.to_datetime(self.clock.now()).date();
        let mut whole = Collected {
            data: Billing { first, last: last.min(before(today)), ..Billing::default() },
            dropped: Dropped::default(),
        };
        let mut from = first;
        while from <= last {
            let till = from.saturating_add(Span::new().days(MAX_DAYS - 1)).min(last);
            // A day is over once the next one has begun; the vendor tells of the running one as well.
            let over = till.min(whole.data.last);
            // Without the milliseconds the vendor rejects them (seen on the wire).
            let [from_text, till_text] = [from, till].map(|day| format!("{day}T00:00:00.000Z"));
            let parameters = [("From", from_text.as_str()), ("Till", till_text.as_str())];
            let question = Question::Action("RSListBillingData", &parameters);
            let decode = move |body| billing::billing(body, from, over);
            let part = self.ask(Endpoint::Billing, question, decode).await?;
            whole.dropped.merge(&part.dropped);
            whole.data.append(part.data);
            from = till.saturating_add(Span::new().days(1));
            if from <= till {
                // The calendar's last day.
                break;
            }
        }
        self.guard.confidential().await.remove_from(&mut whole);
        Ok(whole)
    }

    /// The buckets that are there, with their sizes.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn buckets(&self) -> Result<Collected<Buckets>, ApiError> {
        let listed = self.list(Endpoint::ListBuckets, None, buckets::list).await?;
        let mut dropped = listed.dropped;
        let names: Arc<[_]> = wire::unique(listed.data, |name| name, &mut dropped).into();
        let count = names.len() as u64;
        let question = Question::Query(Some("rs-bucket-stats="));
        let (buckets, of_stats) =
            self.ask(Endpoint::BucketStats, question, move |body| buckets::stats(body, &names)).await?;
        dropped.merge(&of_stats);
        let mut answer = Collected { data: Buckets { count, buckets }, dropped };
        self.guard.confidential().await.remove_from(&mut answer);
        Ok(answer)
    }

    /// The users with their access keys. What only the root key is told of a user stays unknown with another key.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn keys(&self) -> Result<Collected<Vec<User>>, ApiError> {
        let question = Question::Action("RSGetUserInfo", &[]);
        let Collected { data: mut users, mut dropped } = match self
            .ask(Endpoint::UserInfo, question, users::info)
            .await
        {
            Err(error) if may_not_ask(&error) => {
                tracing::debug!(account = %self.account, %error, "continuing without what it reports of users");
                Collected { data: Users::new(), dropped: Dropped::default() }
            }
            answer => answer?,
        };
        let listed = self.list(Endpoint::ListUsers, Some(("ListUsers", None)), users::list).await?;
        dropped.merge(&listed.dropped);
        let listed = wire::unique(listed.data, |(name, _)| name, &mut dropped);
        for (name, created) in &listed {
            let user = users.entry(name.clone()).or_insert_with_key(|name| users::nobody(name.clone()));
            user.created = created.or(user.created);
        }
        let is_listed = |user: &User| listed.binary_search_by(|(name, _)| name.cmp(&user.name)).is_ok();
        let left_out = users.len().saturating_sub(MAX_USERS as usize);
        dropped.add(DropReason::Limit, left_out as u64);
        let mut all = Vec::new();
        for mut user in users.into_values().take(MAX_USERS as usize) {
            match self.keys_of(&user.name).await {
                Ok(keys) => {
                    dropped.merge(&keys.dropped);
                    user.keys = keys.data;
                }
                // Somebody deleted it since it was listed.
                Err(Failed::Judged(Judged { no_user: true, .. })) if is_listed(&user) => {
                    continue;
                }
                // The root user need not be one of whom keys can be listed.
                Err(Failed::Judged(Judged { error, no_user, not_permitted, .. }))
                    if (no_user || not_permitted) && !is_listed(&user) =>
                {
                    tracing::debug!(account = %self.account, %error, "going on without the keys of a user who is not listed");
                }
                Err(failed) => return Err(failed.into()),
            }
            all.push(user);
        }
        let mut answer = Collected { data: all, dropped };
        self.guard.confidential().await.remove_from(&mut answer);
        Ok(answer)
    }

    async fn keys_of(&self, user: &str) -> Result<Collected<Vec<AccessKey>>, Failed> {
        let action = Some(("ListAccessKeys", Some(("UserName", user))));
        let Collected { data, mut dropped } =
            self.list(Endpoint::ListAccessKeys, action, users::keys).await?;
        Ok(Collected { data: wire::unique(data, |key| &key.id, &mut dropped), dropped })
    }

    /// Asks for a list, of the IAM host by an action and its parameter, else of the S3 host, until its end.
    async fn list<T, D>(
        &self,
        endpoint: Endpoint,
        action: Option<(&str, Option<(&str, &str)>)>,
        decode: D,
    ) -> Result<Collected<Vec<T>>, Failed>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<Page<T>, Box<str>> + Clone + Send + 'static,
    {
        let mut all = Collected { data: Vec::new(), dropped: Dropped::default() };
        let mut marker: Option<Box<str>> = None;
        for _ in 0..MAX_PAGES {
            let page = if let Some((name, parameter)) = action {
                let parameters: Vec<_> =
                    parameter.into_iter().chain(marker.as_deref().map(|marker| ("Marker", marker))).collect();
                self.answer(endpoint, Question::Action(name, &parameters), decode.clone()).await?
            } else {
                let query = marker.as_deref().map(|marker| {
                    let mut query = form_urlencoded::Serializer::new(String::new());
                    query.append_pair("continuation-token", marker).finish()
                });
                self.answer(endpoint, Question::Query(query.as_deref()), decode.clone()).await?
            };
            all.data.extend(page.items);
            all.dropped.merge(&page.dropped);
            match page.rest {
                Rest::Behind(next) if Some(&next) != marker.as_ref() => marker = Some(next),
                Rest::None => return Ok(all),
                Rest::Behind(_) | Rest::Lost => break,
            }
        }
        let detail = format!("the list has no end: the same marker twice, or more than {MAX_PAGES} parts");
        Err(Failed::Other(ApiError::new(Reason::Decode, endpoint, detail)))
    }

    async fn ask<T, D>(&self, endpoint: Endpoint, question: Question<'_>, decode: D) -> Result<T, ApiError>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Clone + Send + 'static,
    {
        self.answer(endpoint, question, decode).await.map_err(ApiError::from)
    }

    /// Asks, and asks once more where the vendor may have been confused for a moment.
    async fn answer<T, D>(&self, endpoint: Endpoint, question: Question<'_>, decode: D) -> Result<T, Failed>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Clone + Send + 'static,
    {
        let admission = self.guard.admit(endpoint).await.map_err(Failed::Other)?;
        let mut answer = self.attempt(endpoint, question, admission.pair(), decode.clone()).await;
        if let Err(Failed::Judged(Judged { may_pass: true, .. })) = answer {
            let later = clock::after(self.clock.now(), SECOND_TRY);
            allowance::pause(self.clock.sleep_until(later)).await;
            answer = self.attempt(endpoint, question, admission.pair(), decode).await;
        }
        let outcome = match &answer {
            Ok(_) => Ok(()),
            Err(Failed::Judged(Judged { error, .. }) | Failed::Other(error)) => Err(error),
        };
        self.guard.note(admission, outcome).await;
        answer
    }

    async fn attempt<T, D>(
        &self,
        endpoint: Endpoint,
        question: Question<'_>,
        pair: &Pair,
        decode: D,
    ) -> Result<T, Failed>
    where
        T: Send + 'static,
        D: FnOnce(Incoming) -> Result<T, Box<str>> + Send + 'static,
    {
        let (url, signed) = self.signed(question, pair).ok_or_else(|| {
            let detail =
                "the request cannot be signed: the access key holds characters that no header can carry";
            Failed::Other(ApiError::new(Reason::Auth, endpoint, detail))
        })?;
        let call = Call { endpoint, url, bearer: None, json: None, signed: Some(&signed) };
        match self.transport.call(call, &*self.telemetry, decode).await.map_err(Failed::Other)? {
            Reply::Success { value, .. } => Ok(value),
            Reply::Failure(reply) => Err(Failed::Judged(errors::judge(endpoint, &reply, self.clock.now()))),
        }
    }

    fn signed(&self, question: Question<'_>, pair: &Pair) -> Option<(Url, Signed)> {
        const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
        let now: Timestamp = self.clock.now();
        let (url, service, form) = match question {
            Question::Action(action, parameters) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.append_pair("Action", action).append_pair("Version", IAM_VERSION);
                form.extend_pairs(parameters);
                (self.iam_url.clone(), Service::Iam, Some(form.finish()))
            }
            Question::Query(query) => {
                let mut url = self.s3_url.clone();
                url.set_query(query);
                (url, Service::S3, None)
            }
        };
        let content_type = [(CONTENT_TYPE.as_str(), FORM)];
        let request = Unsigned {
            method: if form.is_some() { "POST" } else { "GET" },
            url: &url,
            headers: if form.is_some() { &content_type } else { &[] },
            body: form.as_deref().unwrap_or_default(),
        };
        let mut headers = signing::headers(&request, pair, service, now)?;
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        Some((url, Signed { headers, form }))
    }
}

/// The key may not ask for this, or a 403 without a word says so.
fn may_not_ask(error: &ApiError) -> bool {
    error.reason == Reason::Forbidden || (error.reason == Reason::Connect && error.status == Some(403))
}

impl Api for Client {
    const COLLECTORS: &'static [Declared<Self>] = &collect::COLLECTORS;
    const SETTINGS: Settings =
        Settings { address: "iam_url, s3_url and region", credentials: "access_key and secret" };

    async fn credentials_renewed(&self) -> bool {
        self.guard.credentials_renewed().await
    }

    async fn past_usage(&self, first: Month, last: Month, _: Zeros) -> Result<PastUsage, ApiError> {
        let [first, end] = [first, last.plus(1)].map(|month| Offset::UTC.to_datetime(month.start()).date());
        Ok(PastUsage::Days(self.billing(first, end.yesterday().unwrap_or(end)).await?.data))
    }
}

fn before(day: Date) -> Date {
    day.saturating_sub(Span::new().days(1))
}
