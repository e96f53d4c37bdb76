//! What this platform answers to a request, faults apart: no I/O, and no time but the one that is given.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use crate::simulator::endpoint::Endpoint;
use crate::simulator::route::Reply;
use crate::simulator::settings::{ErrorForm, ObjectStorageSettings, Settings};

use super::answer;
use super::change;
use super::signature::{self, Received};
use super::state::{Accounts, State};
use super::user::{User, UserKind};
use super::wire;

/// The only version of the IAM host's API.
const VERSION: &str = "2010-05-08";

/// A request to this platform, read as far as can be done without looking into an account.
#[derive(Debug)]
pub(in crate::simulator) struct Question<'a> {
    pub(in crate::simulator) endpoint: Endpoint,
    /// Whether it would have changed something.
    pub(in crate::simulator) is_violation: bool,
    host: Host,
    received: Received<'a>,
    parameters: BTreeMap<String, String>,
}

/// The two hosts of the platform. Here one listener is both: the IAM host is posted to, the S3 host is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Iam,
    S3,
}

/// Why a request is not answered.
#[derive(Debug)]
pub(super) struct Rejection {
    status: u16,
    code: &'static str,
    message: &'static str,
}

impl Rejection {
    pub(super) const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    fn reply(&self, host: Host, form: ErrorForm) -> Reply {
        let (content_type, body) = match host {
            Host::Iam => answer::iam_error(form, self.code, self.message),
            Host::S3 => answer::s3_error(self.code, self.message),
        };
        Reply { status: self.status, headers: vec![("content-type", content_type.to_owned())], body }
    }
}

/// The rejections that AWS knows; no catalogue of the vendor's own is documented.
impl Host {
    pub(super) const fn service(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::S3 => "s3",
        }
    }

    pub(super) const fn not_signed(self) -> Rejection {
        match self {
            Self::Iam => Rejection::new(403, "MissingAuthenticationToken", "The request is not signed"),
            Self::S3 => Rejection::new(403, "AccessDenied", "Access Denied"),
        }
    }

    pub(super) const fn malformed(self) -> Rejection {
        match self {
            Self::Iam => Rejection::new(400, "IncompleteSignature", "The signature is not complete"),
            Self::S3 => {
                Rejection::new(400, "AuthorizationHeaderMalformed", "The authorization header is malformed")
            }
        }
    }

    pub(super) const fn unknown_key(self) -> Rejection {
        match self {
            Self::Iam => Rejection::new(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid",
            ),
            Self::S3 => {
                Rejection::new(403, "InvalidAccessKeyId", "The access key id does not exist in our records")
            }
        }
    }

    pub(super) const fn skewed(self) -> Rejection {
        match self {
            Self::Iam => Rejection::new(403, "SignatureDoesNotMatch", "Signature expired or not yet current"),
            Self::S3 => {
                Rejection::new(403, "RequestTimeTooSkewed", "The request's time is too far from the server's")
            }
        }
    }

    pub(super) const fn mismatch(self) -> Rejection {
        Rejection::new(403, "SignatureDoesNotMatch", "The signature is not the one that was calculated")
    }
}

impl<'a> Question<'a> {
    /// A request to this platform; `None` where its path is that of another API.
    pub(in crate::simulator) fn of(received: Received<'a>) -> Option<Self> {
        let name = received.path.strip_prefix('/').filter(|name| !name.contains('/'))?;
        if received.path == crate::simulator::endpoint::ROOT {
            return None;
        }
        let host = if received.method == "POST" && name.is_empty() { Host::Iam } else { Host::S3 };
        let parameters = match host {
            Host::Iam => received.body,
            Host::S3 => received.query.unwrap_or_default().as_bytes(),
        };
        let parameters: BTreeMap<_, _> = url::form_urlencoded::parse(parameters).into_owned().collect();
        let endpoint = match host {
            Host::Iam => Endpoint::of_action(parameters.get("Action").map(String::as_str)),
            Host::S3 if received.method != "GET" => Endpoint::Other,
            Host::S3 if name.is_empty() && parameters.contains_key("rs-bucket-stats") => {
                Endpoint::BucketStats
            }
            Host::S3 if name.is_empty() => Endpoint::ListBuckets,
            Host::S3 if parameters.contains_key("rs-info") => Endpoint::BucketInfo,
            Host::S3 => Endpoint::Other,
        };
        let is_violation = match host {
            Host::Iam => {
                endpoint.is_change() || endpoint == Endpoint::Other && parameters.contains_key("Action")
            }
            Host::S3 => received.method != "GET",
        };
        Some(Self { endpoint, is_violation, host, received, parameters })
    }

    /// The access key in its signature, whether it is a good one or not.
    #[cfg(feature = "testing")]
    pub(in crate::simulator) fn access_key(&self) -> Option<&'a str> {
        self.received.authorization().map(|authorization| authorization.access_key)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The right answer.
    pub(in crate::simulator) fn reply(
        &self,
        accounts: &mut Accounts,
        settings: &Settings,
        now: Timestamp,
    ) -> Reply {
        self.answer(accounts, settings, now)
            .unwrap_or_else(|rejection| rejection.reply(self.host, settings.object_storage.error_form))
    }

    fn answer(
        &self,
        accounts: &mut Accounts,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Reply, Rejection> {
        let name = signature::verify(accounts, &self.received, self.host, now)?;
        if self.is_violation && !self.endpoint.is_change() {
            return Err(Rejection::new(405, "MethodNotAllowed", "The simulator does not do this"));
        }
        if self.host == Host::Iam
            && (self.parameter("Version") != Some(VERSION) || self.parameter("Action").is_none())
        {
            return Err(Rejection::new(400, "BadRequest", "IAM: Missing Action or Version param"));
        }
        if self.endpoint.is_change() {
            let asked = change::Asked {
                endpoint: self.endpoint,
                user: self.parameter("UserName"),
                key: self.parameter("AccessKeyId"),
                status: self.parameter("Status"),
            };
            let body = change::keys(accounts.change(&name), &asked, settings, now)?;
            return Ok(Reply { status: 200, headers: vec![("content-type", answer::XML.to_owned())], body });
        }
        let state = accounts.get(&name).ok_or_else(|| self.host.unknown_key())?;
        let settings = &settings.object_storage;
        let (content_type, body) = match self.endpoint {
            Endpoint::Billing => (answer::JSON, self.billing(state, settings, now)?),
            Endpoint::UserInfo => (answer::JSON, answer::user_info(state, settings)),
            Endpoint::AvailableRegions => (answer::JSON, answer::regions(state, settings)),
            Endpoint::BucketStats => (answer::JSON, answer::bucket_stats(state, settings, now)),
            Endpoint::BucketInfo => (answer::JSON, self.bucket(state, settings, now)?),
            Endpoint::ListUsers => (answer::XML, answer::users(state, settings)),
            Endpoint::ListAccessKeys => (answer::XML, answer::access_keys(self.user(state)?, settings)),
            Endpoint::ListBuckets => (answer::XML, answer::buckets(state, settings)),
            _ => return Err(Rejection::new(404, "NoSuchKey", "The specified key does not exist")),
        };
        Ok(Reply { status: 200, headers: vec![("content-type", content_type.to_owned())], body })
    }

    fn billing(
        &self,
        state: &State,
        settings: &ObjectStorageSettings,
        now: Timestamp,
    ) -> Result<Bytes, Rejection> {
        if !state.is_root {
            // Seen on the wire, without its status.
            return Err(Rejection::new(400, "BadRequest", "Action not supported"));
        }
        let days = wire::days(self.parameter("From"), self.parameter("Till")).ok_or(Rejection::new(
            400,
            "BadRequest",
            "IAM: Invalid request params",
        ))?;
        Ok(answer::billing(state, settings, days, now))
    }

    fn bucket(
        &self,
        state: &State,
        settings: &ObjectStorageSettings,
        now: Timestamp,
    ) -> Result<Bytes, Rejection> {
        let name = self.received.path.trim_start_matches('/');
        answer::one_bucket(state, name, settings, now).ok_or(Rejection::new(
            404,
            "NoSuchBucket",
            "The specified bucket does not exist",
        ))
    }

    /// The user who is asked for; the root user where nobody is.
    fn user<'state>(&self, state: &'state State) -> Result<&'state User, Rejection> {
        let wanted = self.parameter("UserName");
        state
            .users
            .iter()
            .find(|user| wanted.map_or(user.kind == UserKind::Root, |wanted| user.name == wanted))
            .ok_or(Rejection::new(404, "NoSuchEntity", "The user cannot be found"))
    }
}
