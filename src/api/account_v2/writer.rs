//! The client that `manage` alone uses: it reads, and it changes permissions and service accounts.
//!
//! It is another type than the client of the pollers, which has no method that changes anything. Nothing is sent twice, but
//! for a request that was rejected because its token had died.

mod decode;
mod meaning;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use self::decode::{PermissionBody, ServiceAccountBody};
use super::errors;
use super::login::Login;
use super::session::{Sessions, Token};
use crate::api::transport::{FailureReply, RawResponse, Request};
use crate::api::{ManageError, NewPair, NoTelemetry, Outcome, Transport, TransportError};
use crate::clock::Clock;
use crate::config;
use crate::model::{
    Endpoint, ManagedPermission, ManagedServiceAccount, PermissionSpec, Reason, ServiceAccountSpec,
};

const PERMISSIONS: &str = "/permissions";
const SERVICE_ACCOUNTS: &str = "/service-accounts";

/// Reads and changes permissions and service accounts of one account.
pub struct Writer {
    base: Url,
    transport: Transport,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// What is asked for: a name for messages, a method, and a path below the base URL.
struct Asked<'a> {
    name: &'static str,
    method: Method,
    path: [Option<&'a str>; 3],
}

/// What came of a request that the vendor answered.
enum Attempt {
    Done(RawResponse),
    /// Rejected, as the token is no longer accepted.
    TokenDead(ManageError),
}

impl<'a> Asked<'a> {
    fn list(name: &'static str, method: Method, list: &'a str) -> Self {
        Self { name, method, path: [Some(list), None, None] }
    }

    fn one(name: &'static str, method: Method, list: &'a str, id: &'a str) -> Self {
        Self { name, method, path: [Some(list), Some(id), None] }
    }
}

impl Writer {
    /// A writing client for `account`, whose API is at `base`; nothing is asked yet.
    ///
    /// # Errors
    /// Where the account's `ca_file` cannot be used.
    pub fn new(
        account: &config::Account,
        base: &Url,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TransportError> {
        let transport = Transport::new(timeout)?;
        let transport = match &account.ca_file {
            Some(ca_file) => transport.trusting(ca_file)?,
            None => transport,
        };
        let login = Login::new(
            account,
            super::url(base, Endpoint::Login),
            transport.clone(),
            Arc::clone(&clock),
            Arc::new(NoTelemetry),
        );
        Ok(Self { base: base.clone(), transport, sessions: Sessions::new(login), clock })
    }

    /// Every permission.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn permissions(&self) -> Result<Vec<ManagedPermission>, ManageError> {
        let asked = Asked::list("GET /permissions", Method::GET, PERMISSIONS);
        self.read(asked, |body| decode::list(body, decode::permission)).await
    }

    /// One permission.
    ///
    /// # Errors
    /// Where there is no whole answer, or no such permission.
    pub async fn permission(&self, id: &str) -> Result<ManagedPermission, ManageError> {
        let asked = Asked::one("GET /permissions/{id}", Method::GET, PERMISSIONS, id);
        self.read(asked, |body| decode::one(body, decode::permission)).await
    }

    /// Creates a permission: its id.
    ///
    /// # Errors
    /// Where the vendor rejects, or what it did is not known.
    pub async fn create_permission(&self, spec: &PermissionSpec) -> Result<String, ManageError> {
        let asked = Asked::list("POST /permissions", Method::POST, PERMISSIONS);
        self.create(asked, &PermissionBody::of(spec), |body| decode::one(body, decode::id)).await
    }

    /// Gives a permission these parameters.
    ///
    /// # Errors
    /// As those of [`Writer::create_permission`].
    pub async fn update_permission(&self, id: &str, spec: &PermissionSpec) -> Result<(), ManageError> {
        let asked = Asked::one("PUT /permissions/{id}", Method::PUT, PERMISSIONS, id);
        self.change(asked, Some(&PermissionBody::of(spec))).await
    }

    /// Deletes a permission.
    ///
    /// # Errors
    /// As those of [`Writer::create_permission`].
    pub async fn delete_permission(&self, id: &str) -> Result<(), ManageError> {
        let asked = Asked::one("DELETE /permissions/{id}", Method::DELETE, PERMISSIONS, id);
        self.change(asked, None::<&()>).await
    }

    /// Every service account, without the permissions of each.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub async fn service_accounts(&self) -> Result<Vec<ManagedServiceAccount>, ManageError> {
        let asked = Asked::list("GET /service-accounts", Method::GET, SERVICE_ACCOUNTS);
        self.read(asked, |body| decode::list(body, decode::service_account)).await
    }

    /// One service account, with its permissions.
    ///
    /// # Errors
    /// Where there is no whole answer, or no such service account.
    pub async fn service_account(&self, id: &str) -> Result<ManagedServiceAccount, ManageError> {
        let asked = Asked::one("GET /service-accounts/{id}", Method::GET, SERVICE_ACCOUNTS, id);
        self.read(asked, |body| decode::one(body, decode::service_account)).await
    }

    /// Creates a service account: its pair.
    ///
    /// # Errors
    /// As those of [`Writer::create_permission`].
    pub async fn create_service_account(&self, spec: &ServiceAccountSpec) -> Result<NewPair, ManageError> {
        let asked = Asked::list("POST /service-accounts", Method::POST, SERVICE_ACCOUNTS);
        self.create(asked, &ServiceAccountBody::of(spec), |body| decode::one(body, decode::new_pair)).await
    }

    /// Gives a service account these parameters. They do not move its end.
    ///
    /// # Errors
    /// As those of [`Writer::create_permission`].
    pub async fn update_service_account(
        &self,
        id: &str,
        spec: &ServiceAccountSpec,
    ) -> Result<(), ManageError> {
        let asked = Asked::one("PUT /service-accounts/{id}", Method::PUT, SERVICE_ACCOUNTS, id);
        self.change(asked, Some(&ServiceAccountBody::of(spec))).await
    }

    /// Switches the key of a service account on or off.
    ///
    /// # Errors
    /// As those of [`Writer::create_permission`].
    pub async fn switch_service_account(&self, id: &str, on: bool) -> Result<(), ManageError> {
        let (name, method) = if on {
            ("PUT /service-accounts/{id}/enabled", Method::PUT)
        } else {
            ("DELETE /service-accounts/{id}/enabled", Method::DELETE)
        };
        let path = [Some(SERVICE_ACCOUNTS), Some(id), Some("enabled")];
        self.change(Asked { name, method, path }, None::<&()>).await
    }

    /// Deletes a service account.
    ///
    /// # Errors
    /// As those of [`Writer::create_permission`].
    pub async fn delete_service_account(&self, id: &str) -> Result<(), ManageError> {
        let asked = Asked::one("DELETE /service-accounts/{id}", Method::DELETE, SERVICE_ACCOUNTS, id);
        self.change(asked, None::<&()>).await
    }

    async fn read<T>(
        &self,
        asked: Asked<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, decode::Undecodable>,
    ) -> Result<T, ManageError> {
        let name = asked.name;
        let body = self.whole(asked, None::<&()>, Outcome::NotDone).await?;
        decode(&body).map_err(|detail| undecodable(name, detail, Outcome::NotDone))
    }

    /// What is created is known by the answer alone.
    async fn create<T>(
        &self,
        asked: Asked<'_>,
        body: &impl Serialize,
        decode: impl FnOnce(&[u8]) -> Result<T, decode::Undecodable>,
    ) -> Result<T, ManageError> {
        let name = asked.name;
        let body = self.whole(asked, Some(body), Outcome::Unknown).await?;
        decode(&body).map_err(|detail| undecodable(name, detail, Outcome::Unknown))
    }

    async fn whole(
        &self,
        asked: Asked<'_>,
        body: Option<&impl Serialize>,
        outcome: Outcome,
    ) -> Result<Zeroizing<Vec<u8>>, ManageError> {
        let name = asked.name;
        let (answer, token) = self.ask(asked, body).await?;
        let body = answer.body.map_err(|broken| ManageError {
            detail: broken.detail,
            ..error(name, broken.reason, Some(answer.status), outcome)
        })?;
        if token.confidential.is_in(&String::from_utf8_lossy(&body)) {
            return Err(undecodable(name, "the answer repeats a secret that it was sent", outcome));
        }
        Ok(body)
    }

    /// A change is judged by its status: what is answered is a text, or nothing.
    async fn change(&self, asked: Asked<'_>, body: Option<&impl Serialize>) -> Result<(), ManageError> {
        self.ask(asked, body).await.map(drop)
    }

    /// Sends a request. Where its token turns out to be dead, so that nothing was done, one login and one replay follow.
    async fn ask(
        &self,
        asked: Asked<'_>,
        body: Option<&impl Serialize>,
    ) -> Result<(RawResponse, Arc<Token>), ManageError> {
        let no_json = |_| ManageError {
            detail: "the request cannot be written as JSON".into(),
            ..error(asked.name, Reason::Request, None, Outcome::NotDone)
        };
        let body = body.map(serde_json::to_string).transpose().map_err(no_json)?.map(Zeroizing::new);
        let token = self.sessions.token(None).await?;
        let dead = match self.attempt(&asked, body.clone(), &token).await? {
            Attempt::Done(answer) => return Ok((answer, token)),
            Attempt::TokenDead(_) => token.generation,
        };
        let token = self.sessions.token(Some(dead)).await?;
        match self.attempt(&asked, body, &token).await? {
            Attempt::Done(answer) => Ok((answer, token)),
            Attempt::TokenDead(error) => Err(error),
        }
    }

    async fn attempt(
        &self,
        asked: &Asked<'_>,
        body: Option<Zeroizing<String>>,
        token: &Token,
    ) -> Result<Attempt, ManageError> {
        let request = self.request(asked, body, token)?;
        let is_read = asked.method == Method::GET;
        let answer = self.transport.exchange(request).await.map_err(|broken| {
            let outcome = if broken.sent && !is_read { Outcome::Unknown } else { Outcome::NotDone };
            ManageError { detail: broken.detail, ..error(asked.name, broken.reason, None, outcome) }
        })?;
        if (200..300).contains(&answer.status) {
            return Ok(Attempt::Done(answer));
        }
        let reply = FailureReply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body.map(|body| body.to_vec()).unwrap_or_default(),
        };
        let judged = errors::judge(Endpoint::ServiceAccounts, &reply, self.clock.now(), &token.confidential);
        // What is no answer of the vendor's own may stand between us and one that was lost.
        let is_vendors =
            answer.status < 500 && !matches!(judged.error.reason, Reason::Connect | Reason::Timeout);
        let outcome = if is_read || is_vendors { Outcome::NotDone } else { Outcome::Unknown };
        let code = judged.error.code.as_deref().filter(|_| judged.error.reason != Reason::Connect);
        let error = ManageError {
            detail: code.and_then(|code| meaning::words(answer.status, code)).unwrap_or(judged.error.detail),
            code: judged.error.code,
            ..error(asked.name, judged.error.reason, Some(answer.status), outcome)
        };
        let is_dead = judged.token_dead && (is_read || is_vendors);
        if is_dead { Ok(Attempt::TokenDead(error)) } else { Err(error) }
    }

    fn request(
        &self,
        asked: &Asked<'_>,
        body: Option<Zeroizing<String>>,
        token: &Token,
    ) -> Result<Request, ManageError> {
        let mut url = self.base.clone();
        let [list, rest @ ..] = asked.path;
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), list.unwrap_or_default()));
        if let Ok(mut path) = url.path_segments_mut() {
            // Each is encoded whole, so that no id leads to another place.
            path.extend(rest.into_iter().flatten());
        }
        let mut headers = HeaderMap::new();
        let bearer = Zeroizing::new(format!("Bearer {}", token.secret.expose()));
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| ManageError {
            detail: "the token holds characters that a header cannot carry".into(),
            ..error(asked.name, Reason::Decode, None, Outcome::NotDone)
        })?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(Request { method: asked.method.clone(), url, headers, body })
    }
}

fn error(request: &'static str, reason: Reason, status: Option<u16>, outcome: Outcome) -> ManageError {
    ManageError { request, reason, status, code: None, detail: Box::default(), outcome }
}

fn undecodable(request: &'static str, detail: &str, outcome: Outcome) -> ManageError {
    ManageError { detail: detail.into(), ..error(request, Reason::Decode, Some(200), outcome) }
}
