//! What the vendor's error answers mean.
//!
//! The guide documents a JSON body `{"code","message"}`. On the wire the code may also be a number, end with a space,
//! or be empty, and the whole body may be empty or the HTML page of a proxy. The status decides wherever the code says
//! nothing, but a rejection counts only in the vendor's own form: a proxy or firewall rejects with the same statuses.

use jiff::Timestamp;

use crate::api::confidential::Confidential;
use crate::api::rejection::NOT_THE_VENDOR;
use crate::api::transport::FailureReply;
use crate::api::wire::{self, Scalar, record};
use crate::api::{ApiError, Endpoint, Reason};

/// Codes of letters that are longer than this are not shown.
const MAX_CODE: usize = 40;

/// Codes of digits that are longer than this are not shown.
const MAX_NUMBER: usize = 6;

record!(ErrorBody { code = "code", message = "message" });

/// An error answer, understood.
pub(super) struct Judged {
    pub(super) error: ApiError,
    /// A new token may help: the one that was used is no longer accepted. Never so for a login.
    pub(super) token_dead: bool,
}

/// The codes that change what the status alone would say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// `ExpiredToken`, `TokenExpired` or `InvalidToken`.
    Token,
    /// `AuthenticationFailed`, also written `Authentication failed`.
    Credentials,
    /// `NoServiceAvailable`.
    NoService,
    /// `PermissionNotReady` or `ServiceAccountNotReady`: it is still spreading to the regions.
    NotReady,
}

impl Known {
    fn of(word: &str) -> Option<Self> {
        let letters: String = word
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .take(MAX_CODE)
            .collect();
        match letters.as_str() {
            "expiredtoken" | "tokenexpired" | "invalidtoken" => Some(Self::Token),
            "authenticationfailed" => Some(Self::Credentials),
            "noserviceavailable" => Some(Self::NoService),
            "permissionnotready" | "serviceaccountnotready" => Some(Self::NotReady),
            _ => None,
        }
    }
}

/// What an error answer to a request for `endpoint` means; `now` is for a `Retry-After` that is a date. A code that repeats
/// what is `confidential` is none.
pub(super) fn judge(
    endpoint: Endpoint,
    reply: &FailureReply,
    now: Timestamp,
    confidential: &Confidential,
) -> Judged {
    let mut body = ErrorBody::default();
    // What is not JSON has no code.
    let _ = wire::read(reply.body.as_slice(), &mut body);
    let code = plain_word(&body.code).filter(|code| !confidential.is_in(code));
    let is_vendors = is_vendors(&body);
    let known = code.as_deref().and_then(Known::of).or_else(|| body.message.as_text().and_then(Known::of));
    let known = known.filter(|_| is_vendors);

    let status = reply.status;
    let login = endpoint == Endpoint::Login;
    let (reason, meaning) = match (status, known) {
        (500.., _) => (Reason::Server, "an error on the vendor's side"),
        (429, _) => (Reason::RateLimited, "too many requests"),
        (408, _) => (Reason::Timeout, "the vendor gave up waiting"),
        (404 | 405, _) if !is_vendors => (Reason::Connect, NOT_THE_VENDOR.at_this_place),
        (400..=499, _) if !is_vendors => (Reason::Connect, NOT_THE_VENDOR.anywhere),
        (409, Some(Known::NotReady)) => (Reason::Server, "the vendor is not ready yet"),
        (400..=499, Some(Known::NoService)) => (Reason::Forbidden, "the account has no service enabled"),
        (400..=499, Some(Known::Credentials)) => {
            (Reason::Auth, "the credentials are rejected: expired, regenerated or deleted")
        }
        (401, _) if login => (Reason::Auth, "the vendor rejects this login; check the credentials"),
        // It has not taken this for a login, which needs no token.
        (_, Some(Known::Token)) if login => {
            (Reason::Request, "the vendor did not take this for a login; check that base_url ends with /v2")
        }
        (401, _) | (400..=499, Some(Known::Token)) => {
            (Reason::Auth, "the vendor no longer accepts the session's token")
        }
        (403, None) => (Reason::Forbidden, "the credentials may not do this; check the role behind them"),
        (404 | 405, _) => (Reason::Request, "there is no such thing; check base_url"),
        (400..=499, _) => (Reason::Request, "the vendor says that the request is wrong"),
        (300..=399, _) => (Reason::Request, "an unexpected redirect; check base_url"),
        _ => (Reason::Decode, "not a status of this API"),
    };
    let detail = match &code {
        Some(code) => format!("{status} ({code}): {meaning}"),
        None => format!("{status}: {meaning}"),
    };
    Judged {
        // A bare 401 may be of something in between, but a new token is cheap to try.
        token_dead: !login && (reason == Reason::Auth || status == 401),
        error: ApiError {
            status: Some(status),
            code,
            retry_after: reply.retry_after(now),
            ..ApiError::new(reason, endpoint, detail)
        },
    }
}

/// Whether this is in the documented form: a code and a message, or a code that the vendor alone has. Gateways answer in
/// JSON as well, most of them with a message alone.
fn is_vendors(body: &ErrorBody) -> bool {
    let has_code = matches!(body.code, Scalar::Text(_) | Scalar::Integer(_));
    let is_known = body.code.as_text().and_then(Known::of).is_some();
    is_known || (has_code && body.message.as_text().is_some())
}

/// The code, where it looks like one: a word or a few of letters, or a short number. Anything else could be something that
/// a faulty answer repeats of our request.
fn plain_word(code: &Scalar) -> Option<Box<str>> {
    let code = match code {
        Scalar::Integer(number) => number.to_string(),
        code => code.as_text()?.trim().to_owned(),
    };
    let word =
        code.len() <= MAX_CODE && code.chars().all(|letter| letter.is_ascii_alphabetic() || letter == ' ');
    let number = code.len() <= MAX_NUMBER && code.chars().all(|digit| digit.is_ascii_digit());
    (!code.is_empty() && (word || number)).then(|| code.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderMap;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn judged(endpoint: Endpoint, status: u16, body: &str) -> Judged {
        let reply = FailureReply { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        judge(endpoint, &reply, now(), &Confidential::default())
    }

    #[test]
    fn status_and_code_decide() {
        for (status, body, reason, token_dead) in [
            (400, r#"{"code":"ExpiredToken"}"#, Reason::Auth, true),
            (400, r#"{"code":"TokenExpired "}"#, Reason::Auth, true),
            (400, r#"{"code":"InvalidToken"}"#, Reason::Auth, true),
            (401, r#"{"code":"Unauthorized","message":"no"}"#, Reason::Auth, true),
            // A new token is tried, but this alone rejects nothing.
            (401, "", Reason::Connect, true),
            (401, "<html>", Reason::Connect, true),
            (401, r#"{"message":"Unauthorized"}"#, Reason::Connect, true),
            (400, r#"{"code":"InvalidTimeRange","message":"no"}"#, Reason::Request, false),
            (400, r#"{"code":"InvalidArgument","message":"no"}"#, Reason::Request, false),
            (400, "", Reason::Connect, false),
            (403, r#"{"code":"AuthenticationFailed "}"#, Reason::Auth, true),
            (403, r#"{"code":"Authentication failed"}"#, Reason::Auth, true),
            (403, r#"{"code":"","message":"Authentication failed"}"#, Reason::Auth, true),
            (403, r#"{"code":403,"message":"Authentication failed."}"#, Reason::Auth, true),
            (403, r#"{"code":"NoServiceAvailable"}"#, Reason::Forbidden, false),
            (403, r#"{"code":"AccessDenied","message":"no"}"#, Reason::Forbidden, false),
            (403, r#"{"code":"AccessDenied"}"#, Reason::Connect, false),
            (403, "", Reason::Connect, false),
            (403, "<html><h1>403</h1>", Reason::Connect, false),
            (403, "error code: 1020", Reason::Connect, false),
            (403, "[]", Reason::Connect, false),
            (403, r#"{"message":"Forbidden"}"#, Reason::Connect, false),
            (403, r#"{"message":"Authentication failed"}"#, Reason::Connect, false),
            (404, r#"{"code":"ServiceAccountNotFound","message":"no"}"#, Reason::Request, false),
            (404, "<html>", Reason::Connect, false),
            (409, r#"{"code":"PermissionNotReady"}"#, Reason::Server, false),
            (409, r#"{"code":"ServiceAccountNotReady "}"#, Reason::Server, false),
            (409, "", Reason::Connect, false),
            (400, r#"{"code":"PermissionNotReady"}"#, Reason::Request, false),
            (418, "", Reason::Connect, false),
            (408, "", Reason::Timeout, false),
            (429, "", Reason::RateLimited, false),
            (429, r#"{"code":"AuthenticationFailed"}"#, Reason::RateLimited, false),
            (500, r#"{"code":"InternalError"}"#, Reason::Server, false),
            (503, r#"{"code":"ServiceNotReady"}"#, Reason::Server, false),
            (503, r#"{"code":"ExpiredToken"}"#, Reason::Server, false),
            (599, "", Reason::Server, false),
            (304, "", Reason::Request, false),
        ] {
            let judged = judged(Endpoint::CurrentUsage, status, body);
            assert_eq!(judged.error.reason, reason, "{status} {body}");
            assert_eq!(judged.token_dead, token_dead, "{status} {body}");
            assert_eq!(judged.error.status, Some(status));
        }
    }

    #[test]
    fn a_login_has_no_token_that_could_be_dead() {
        for (status, body, reason) in [
            (403, r#"{"code":"AuthenticationFailed"}"#, Reason::Auth),
            (401, r#"{"code":"Unauthorized","message":"no"}"#, Reason::Auth),
            (401, "", Reason::Connect),
            (401, "<html>proxy login", Reason::Connect),
            (400, r#"{"code":"InvalidToken"}"#, Reason::Request),
            (403, r#"{"code":"NoServiceAvailable"}"#, Reason::Forbidden),
            (400, r#"{"code":"InvalidArgument","message":"no"}"#, Reason::Request),
        ] {
            let judged = judged(Endpoint::Login, status, body);
            assert_eq!(judged.error.reason, reason, "{status} {body}");
            assert!(!judged.token_dead);
        }
    }

    #[test]
    fn only_a_plain_code_is_shown_and_never_the_message() {
        for (body, code) in [
            (r#"{"code":"AuthenticationFailed ","message":"canary"}"#, Some("AuthenticationFailed")),
            (r#"{"code":1017,"message":"canary"}"#, Some("1017")),
            (r#"{"code":"canary<b>"}"#, None),
            (r#"{"code":"canary\nline"}"#, None),
            (r#"{"code":""}"#, None),
            (r#"{"code":null}"#, None),
            (r#"{"code":["canary"]}"#, None),
            ("canary", None),
        ] {
            let error = judged(Endpoint::Permissions, 403, body).error;
            assert_eq!(error.code.as_deref(), code, "{body}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
        let long = format!(r#"{{"code":"{}"}}"#, "a".repeat(65));
        assert_eq!(judged(Endpoint::Permissions, 403, &long).error.code, None);
        assert_eq!(
            judged(Endpoint::CurrentUsage, 403, r#"{"code":"NoServiceAvailable","message":"x"}"#)
                .error
                .to_string(),
            "GET /usage/current: 403 (NoServiceAvailable): the account has no service enabled"
        );
    }

    proptest! {
        #[test]
        fn any_body_with_any_status_is_judged(status in 100u16..1000, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let reply = FailureReply { status, headers: HeaderMap::new(), body };
            let judged = judge(Endpoint::CurrentUsage, &reply, now(), &Confidential::default());
            prop_assert_eq!(judged.error.status, Some(status));
        }
    }
}
