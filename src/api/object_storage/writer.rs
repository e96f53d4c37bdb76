//! The client that `manage` alone uses: it makes, switches and deletes access keys.
//!
//! It is another type than the client of the pollers, which has no method that changes anything. Nothing is sent twice, but
//! for a request that was rejected in the confusion that follows a change of keys.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::errors::{self, Judged};
use super::signing::{self, Service, Unsigned};
use super::xml::{self, List};
use super::{IAM_VERSION, SECOND_TRY};
use crate::api::confidential::Confidential;
use crate::api::rejection::{Pair, PairSource};
use crate::api::transport::{FailureReply, RawResponse, Request};
use crate::api::{ManageError, NewPair, Outcome, Transport, TransportError};
use crate::clock::{self, Clock};
use crate::config;
use crate::model::{Endpoint, Expiry, Reason};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

const NEW_KEY: List<2> = List {
    root: "CreateAccessKey",
    list: "CreateAccessKeyResult",
    item: "AccessKey",
    fields: ["AccessKeyId", "SecretAccessKey"],
};

/// Changes access keys of one account.
pub struct Writer {
    iam_url: Url,
    transport: Transport,
    source: PairSource,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Why the vendor rejected a request.
struct Rejected {
    error: ManageError,
    /// It may pass by itself: the same request is worth a second try.
    may_pass: bool,
}

/// An action that changes something, with its parameters.
struct Action<'a> {
    name: &'static str,
    parameters: &'a [(&'a str, &'a str)],
}

impl Writer {
    /// A writing client for `account`, whose API is `api`; nothing is asked yet.
    ///
    /// # Errors
    /// Where the account's `ca_file` cannot be used.
    pub fn new(
        account: &config::Account,
        api: &config::ObjectStorage,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TransportError> {
        let transport = Transport::new(timeout)?;
        let transport = match &account.ca_file {
            Some(ca_file) => transport.trusting(ca_file)?,
            None => transport,
        };
        Ok(Self { iam_url: api.iam_url.clone(), transport, source: PairSource::of(account), clock })
    }

    /// Makes an access key for a user.
    ///
    /// # Errors
    /// Where the vendor rejects, or what it did is not known.
    pub async fn create_access_key(&self, user: &str) -> Result<NewPair, ManageError> {
        let action = Action { name: "CreateAccessKey", parameters: &[("UserName", user)] };
        let (answer, confidential) = self.send(&action).await?;
        let broken = |reason, detail: &str| ManageError {
            detail: detail.into(),
            ..error(action.name, reason, Some(answer.status), Outcome::Unknown)
        };
        let body = match &answer.body {
            Ok(body) => body,
            Err(error) => return Err(broken(error.reason, &error.detail)),
        };
        if confidential.is_in(&String::from_utf8_lossy(body)) {
            return Err(broken(Reason::Decode, "the answer repeats a secret that it was sent"));
        }
        let mut made = None;
        xml::each(body.as_slice(), &NEW_KEY, |fields| made = Some(fields))
            .map(drop)
            .map_err(|detail| broken(Reason::Decode, &detail))?;
        let Some([Some(id), Some(secret)]) = made else {
            return Err(broken(Reason::Decode, "the answer holds no access key with its secret"));
        };
        Ok(NewPair {
            id: id.clone().into(),
            access_key: id.into(),
            secret: config::Secret::new(secret.into()),
            expiry: Expiry::Never,
        })
    }

    /// Switches an access key on or off.
    ///
    /// # Errors
    /// As those of [`Writer::create_access_key`].
    pub async fn switch_access_key(&self, user: &str, id: &str, on: bool) -> Result<(), ManageError> {
        let status = if on { "Active" } else { "Inactive" };
        let parameters = [("UserName", user), ("AccessKeyId", id), ("Status", status)];
        self.send(&Action { name: "UpdateAccessKey", parameters: &parameters }).await.map(drop)
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// As those of [`Writer::create_access_key`].
    pub async fn delete_access_key(&self, user: &str, id: &str) -> Result<(), ManageError> {
        let parameters = [("UserName", user), ("AccessKeyId", id)];
        self.send(&Action { name: "DeleteAccessKey", parameters: &parameters }).await.map(drop)
    }

    /// The access key that signs the requests.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn own_access_key(&self) -> Result<String, ManageError> {
        let pair = self.source.read(Endpoint::ListAccessKeys).await?;
        Ok(pair.access_key.expose().to_owned())
    }

    /// Sends a request; a lone rejection, by which nothing was done, is asked once more.
    async fn send(&self, action: &Action<'_>) -> Result<(RawResponse, Confidential), ManageError> {
        let pair = self.source.read(Endpoint::ListAccessKeys).await?;
        let mut attempt = self.attempt(action, &pair).await?;
        if let Err(Rejected { may_pass: true, .. }) = attempt {
            self.clock.sleep_until(clock::after(self.clock.now(), SECOND_TRY)).await;
            attempt = self.attempt(action, &pair).await?;
        }
        let answer = attempt.map_err(|rejected| rejected.error)?;
        Ok((answer, Confidential::new([pair.secret.clone()])))
    }

    /// Sends a request once; within, why the vendor rejected it.
    async fn attempt(
        &self,
        action: &Action<'_>,
        pair: &Pair,
    ) -> Result<Result<RawResponse, Rejected>, ManageError> {
        let request = self.request(action, pair).ok_or_else(|| ManageError {
            detail: "the request cannot be signed: the access key holds characters that no header can carry"
                .into(),
            ..error(action.name, Reason::Auth, None, Outcome::NotDone)
        })?;
        let answer = self.transport.exchange(request).await.map_err(|broken| {
            let outcome = if broken.sent { Outcome::Unknown } else { Outcome::NotDone };
            ManageError { detail: broken.detail, ..error(action.name, broken.reason, None, outcome) }
        })?;
        if (200..300).contains(&answer.status) {
            return Ok(Ok(answer));
        }
        let status = answer.status;
        let reply = FailureReply {
            status,
            headers: answer.headers,
            body: answer.body.map(|body| body.to_vec()).unwrap_or_default(),
        };
        let Judged { error: judged, may_pass, .. } =
            errors::judge(Endpoint::ListAccessKeys, &reply, self.clock.now());
        // What is no answer of the vendor's own may stand between us and one that was lost.
        let is_vendors = status < 500 && !matches!(judged.reason, Reason::Connect | Reason::Timeout);
        let outcome = if is_vendors { Outcome::NotDone } else { Outcome::Unknown };
        let error = ManageError {
            code: judged.code,
            detail: judged.detail,
            ..error(action.name, judged.reason, Some(status), outcome)
        };
        Ok(Err(Rejected { error, may_pass: may_pass && is_vendors }))
    }

    fn request(&self, action: &Action<'_>, pair: &Pair) -> Option<Request> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action.name).append_pair("Version", IAM_VERSION);
        form.extend_pairs(action.parameters);
        let body = form.finish();
        let content_type = [(CONTENT_TYPE.as_str(), FORM)];
        let unsigned = Unsigned { method: "POST", url: &self.iam_url, headers: &content_type, body: &body };
        let mut headers = signing::headers(&unsigned, pair, Service::Iam, self.clock.now())?;
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let url = self.iam_url.clone();
        Some(Request { method: Method::POST, url, headers, body: Some(Zeroizing::new(body)) })
    }
}

fn error(request: &'static str, reason: Reason, status: Option<u16>, outcome: Outcome) -> ManageError {
    ManageError { request, reason, status, code: None, detail: Box::default(), outcome }
}
