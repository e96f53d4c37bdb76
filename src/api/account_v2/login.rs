use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use super::errors;
use crate::api::confidential::Confidential;
use crate::api::figure;
use crate::api::rejection::{Pair, PairSource};
use crate::api::transport::{Call, Reply};
use crate::api::wire::{self, Scalar, record};
use crate::api::{ApiError, Endpoint, LoginResult, Reason, Telemetry, Transport};
use crate::clock::Clock;
use crate::config::{Account, Secret};

record!(TokenBody { token = "token", expiration = "expirationSec" });

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginBody<'a> {
    account_id: &'a str,
    access_key: &'a str,
    secret: &'a str,
}

/// A token, fresh from the vendor.
pub(super) struct Issued {
    pub(super) token: Secret,
    /// When it was asked for, which is before it was given.
    pub(super) at: Timestamp,
    /// How long it works from then; `None` where the vendor said nothing that makes sense.
    pub(super) life: Option<Duration>,
}

/// Why there is no token.
pub(super) enum LoginError {
    /// The vendor rejected the credentials.
    Rejected(ApiError),
    /// The vendor decided nothing.
    Failed(ApiError),
}

/// `POST /auth/token`.
pub(super) struct Login {
    pub(super) transport: Transport,
    pub(super) url: Url,
    pub(super) account_id: String,
    pub(super) pair: PairSource,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) telemetry: Arc<dyn Telemetry>,
}

impl Login {
    pub(super) fn new(
        account: &Account,
        url: Url,
        transport: Transport,
        clock: Arc<dyn Clock>,
        telemetry: Arc<dyn Telemetry>,
    ) -> Self {
        Self {
            transport,
            url,
            account_id: account.account_id.clone(),
            pair: PairSource::of(account),
            clock,
            telemetry,
        }
    }

    /// Reads the credentials from where they are kept.
    pub(super) async fn pair(&self) -> Result<Pair, ApiError> {
        self.pair.read(Endpoint::Login).await
    }

    /// Logs in once.
    pub(super) async fn log_in(&self, pair: &Pair) -> Result<Issued, LoginError> {
        let issued = self.request(pair).await;
        self.telemetry.login(match &issued {
            Ok(_) => LoginResult::Accepted,
            Err(LoginError::Rejected(_)) => LoginResult::Rejected,
            Err(LoginError::Failed(_)) => LoginResult::Failed,
        });
        issued
    }

    async fn request(&self, pair: &Pair) -> Result<Issued, LoginError> {
        let failed = |reason, detail| LoginError::Failed(ApiError::new(reason, Endpoint::Login, detail));
        let body = LoginBody {
            account_id: &self.account_id,
            access_key: pair.access_key.expose(),
            secret: pair.secret.expose(),
        };
        let json = serde_json::to_string(&body)
            .map(Zeroizing::new)
            .map_err(|_| failed(Reason::Request, "the login cannot be written as JSON"))?;
        let call = Call {
            endpoint: Endpoint::Login,
            url: self.url.clone(),
            bearer: None,
            json: Some(&json),
            signed: None,
        };
        let at = self.clock.now();
        let reply = self.transport.call(call, &*self.telemetry, issued).await.map_err(LoginError::Failed)?;
        let (token, seconds) = match reply {
            Reply::Success { value, .. } => value,
            Reply::Failure(reply) => {
                let confidential = Confidential::new([pair.secret.clone()]);
                let error = errors::judge(Endpoint::Login, &reply, self.clock.now(), &confidential).error;
                return Err(if error.reason == Reason::Auth {
                    LoginError::Rejected(error)
                } else {
                    LoginError::Failed(error)
                });
            }
        };
        // It has to fit into a header.
        if token.expose().is_empty() || !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(failed(Reason::Decode, "the token is empty or holds characters that no token has"));
        }
        Ok(Issued {
            token,
            at,
            // A new token without any life is as much nonsense as one with less.
            life: seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        })
    }
}

/// Understands the answer of `POST /auth/token`: a token, and how many seconds it works, where the vendor says so.
pub(super) fn issued(body: impl std::io::BufRead) -> Result<(Secret, Option<u64>), wire::Undecodable> {
    let mut answer = TokenBody::default();
    wire::read_object(body, &mut answer)?;
    match answer.token {
        Scalar::Text(token) => Ok((Secret::new(token), figure::seconds(&answer.expiration))),
        _ => Err("the answer holds no token".into()),
    }
}

/// Understands how many seconds a session has left: the answer of `GET /auth/token`.
pub(super) fn seconds_left(body: impl std::io::BufRead) -> Result<u64, wire::Undecodable> {
    let mut answer = TokenBody::default();
    wire::read_object(body, &mut answer)?;
    figure::seconds(&answer.expiration).ok_or_else(|| NO_LIFE.into())
}

/// The complaint about a session of which nobody knows how long it lasts.
pub(super) const NO_LIFE: &str = "expirationSec is missing, or no number of seconds";
