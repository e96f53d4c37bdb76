//! What the vendor's error answers mean.
//!
//! No catalogue of them is documented. They come as XML, as JSON or as plain text, so known words are looked for in
//! whatever came, and the status decides wherever there is none. But the key is rejected only by an error in the form of
//! AWS, XML or JSON with a code: a proxy or firewall rejects with the same statuses. Nothing of the answer is ever shown.

use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::api::rejection::NOT_THE_VENDOR;
use crate::api::transport::FailureReply;
use crate::api::{ApiError, Endpoint, Reason};

/// A word of an error answer that changes what the status alone would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The action is for another kind of key.
    NotSupported,
    /// The key or its signature is rejected.
    Key,
    /// The time of the request is too far from the vendor's.
    Skew,
    /// The key works but may not do this.
    Denied,
    /// There is no such user.
    NoUser,
    /// Too many requests.
    SlowDown,
    /// There are as many of a thing as may be.
    Limit,
    /// Parameters are wrong.
    Params,
}

/// The words by which errors are known, each with the form in which it is shown. The first that is found counts.
const WORDS: [(&str, Known, &str); 23] = [
    ("actionnotsupported", Known::NotSupported, "Action not supported"),
    ("requesttimetooskewed", Known::Skew, "RequestTimeTooSkewed"),
    ("requestexpired", Known::Skew, "RequestExpired"),
    ("signatureexpired", Known::Skew, "Signature expired"),
    ("signaturenotyetcurrent", Known::Skew, "Signature not yet current"),
    ("signaturedoesnotmatch", Known::Key, "SignatureDoesNotMatch"),
    ("invalidaccesskeyid", Known::Key, "InvalidAccessKeyId"),
    ("invalidclienttokenid", Known::Key, "InvalidClientTokenId"),
    ("unrecognizedclient", Known::Key, "UnrecognizedClientException"),
    ("authorizationheadermalformed", Known::Key, "AuthorizationHeaderMalformed"),
    ("incompletesignature", Known::Key, "IncompleteSignature"),
    ("expiredtoken", Known::Key, "ExpiredToken"),
    ("inactiveaccesskey", Known::Key, "InactiveAccessKey"),
    ("accessdenied", Known::Denied, "AccessDenied"),
    ("notauthorized", Known::Denied, "not authorized"),
    ("unauthorized", Known::Key, "Unauthorized"),
    ("nosuchentity", Known::NoUser, "NoSuchEntity"),
    ("limitexceeded", Known::Limit, "LimitExceeded"),
    ("slowdown", Known::SlowDown, "SlowDown"),
    ("throttling", Known::SlowDown, "Throttling"),
    ("invalidrequestparams", Known::Params, "Invalid request params"),
    ("missingactionorversion", Known::Params, "Missing Action or Version param"),
    ("badrequest", Known::Params, "BadRequest"),
];

/// An error answer, understood.
pub(super) struct Judged {
    pub(super) error: ApiError,
    /// It may be the vendor's short confusion after a change of users or keys: the same request is worth a second try.
    pub(super) may_pass: bool,
    /// The user that was asked about is not there.
    pub(super) no_user: bool,
    /// The vendor says, in words that are known, that the key may not ask this.
    pub(super) not_permitted: bool,
}

/// What an error answer to a request for `endpoint` means; `now` is for a `Retry-After` that is a date.
pub(super) fn judge(endpoint: Endpoint, reply: &FailureReply, now: Timestamp) -> Judged {
    let form = Form::of(&reply.body);
    let known = known(&reply.body).filter(|_| form != Form::Page);
    let status = reply.status;
    let kind = known.map(|(kind, _)| kind);
    let (reason, meaning) = match (status, kind) {
        (429, _) | (400.., Some(Known::SlowDown)) => (Reason::RateLimited, "too many requests"),
        (500.., _) => (Reason::Server, "an error on the vendor's side"),
        (408, _) => (Reason::Timeout, "the vendor gave up waiting"),
        (404 | 405, None) if form != Form::Error => (Reason::Connect, NOT_THE_VENDOR.at_these_places),
        (400..=499, None | Some(Known::Key)) if form != Form::Error => {
            (Reason::Connect, NOT_THE_VENDOR.anywhere)
        }
        (400..=499, Some(Known::NotSupported)) if endpoint == Endpoint::Billing => {
            (Reason::Forbidden, "billing needs the account's root key")
        }
        (400..=499, Some(Known::NotSupported)) => (Reason::Forbidden, "this needs the account's root key"),
        (400..=499, Some(Known::Skew)) => (
            Reason::Request,
            "the vendor's clock and this machine's differ: set the clock of this machine right",
        ),
        (400..=499, Some(Known::Denied)) | (403, None | Some(Known::Params)) => {
            (Reason::Forbidden, "the key may not do this; check the user and the policies behind it")
        }
        (401, _) | (400..=499, Some(Known::Key)) => (
            Reason::Auth,
            "the key or its signature is rejected: deleted, switched off, or not the secret of this key",
        ),
        (400..=499, Some(Known::Limit)) => (Reason::Request, "there are as many of these as may be"),
        (400..=499, Some(Known::NoUser)) => (Reason::Request, "there is no such user"),
        (404 | 405, _) => (Reason::Request, "there is no such thing; check iam_url, s3_url or region"),
        (400..=499, _) => (Reason::Request, "the vendor says that the request is wrong"),
        (300..=399, _) => (Reason::Request, "an unexpected redirect; check iam_url, s3_url or region"),
        _ => (Reason::Decode, "not a status of this API"),
    };
    let code = known.map(|(_, shown)| shown);
    let detail = match code {
        Some(code) => format!("{status} ({code}): {meaning}"),
        None => format!("{status}: {meaning}"),
    };
    Judged {
        error: ApiError {
            status: Some(status),
            code: code.map(Into::into),
            retry_after: reply.retry_after(now),
            ..ApiError::new(reason, endpoint, detail)
        },
        may_pass: status == 403 && matches!(kind, None | Some(Known::Key | Known::Denied | Known::Params)),
        no_user: reason == Reason::Request && kind == Some(Known::NoUser),
        not_permitted: reason == Reason::Forbidden
            && matches!(kind, Some(Known::Denied | Known::NotSupported)),
    }
}

/// What form an error answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// An error as AWS writes it: a code, in XML or JSON.
    Error,
    /// A page of HTML.
    Page,
    /// Anything else: plain text, nothing.
    Other,
}

impl Form {
    fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('{') {
            let has_code = serde_json::from_str(text).is_ok_and(|answer: Value| has_code(&answer));
            return if has_code { Self::Error } else { Self::Other };
        }
        xml_form(text)
    }
}

/// Whether an object of JSON names a code, itself or in the error that it holds.
fn has_code(answer: &Value) -> bool {
    answer.as_object().into_iter().flatten().any(|(key, value)| {
        match key.to_ascii_lowercase().as_str() {
            "code" | "__type" => value.is_string() || value.is_number(),
            // One within another is no error of anybody's.
            "error" => value.as_object().into_iter().flatten().any(|(key, value)| {
                key.eq_ignore_ascii_case("code") && (value.is_string() || value.is_number())
            }),
            _ => false,
        }
    })
}

fn xml_form(text: &str) -> Form {
    let mut reader = Reader::from_str(text);
    let mut is_error = false;
    loop {
        match reader.read_event() {
            Ok(Event::DocType(_)) if !is_error => return Form::Page,
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                let tag = tag.local_name();
                let name: &str = tag.as_ref();
                match (is_error, name) {
                    (false, "Error" | "ErrorResponse") => is_error = true,
                    (false, name) if name.eq_ignore_ascii_case("html") => return Form::Page,
                    (false, _) => return Form::Other,
                    (true, "Code") => return Form::Error,
                    (true, _) => {}
                }
            }
            Ok(Event::Eof) | Err(_) => return Form::Other,
            Ok(_) => {}
        }
    }
}

/// The known word of an answer, and how it is shown.
fn known(body: &[u8]) -> Option<(Known, &'static str)> {
    let letters: String = String::from_utf8_lossy(body)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let found = WORDS.iter().find(|(word, ..)| letters.contains(word));
    found.map(|(_, kind, shown)| (*kind, *shown))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderMap;

    use super::*;

    fn judged(endpoint: Endpoint, status: u16, body: &str) -> Judged {
        let reply = FailureReply { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        judge(endpoint, &reply, "2026-11-24T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn status_and_words_decide() {
        let xml = |code: &str| {
            format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>canary</Message></Error>")
        };
        for (status, body, reason, may_pass) in [
            (400, "Action not supported".to_owned(), Reason::Forbidden, false),
            (403, r#"{"message":"Action not supported"}"#.to_owned(), Reason::Forbidden, false),
            (403, xml("SignatureDoesNotMatch"), Reason::Auth, true),
            (403, xml("InvalidAccessKeyId"), Reason::Auth, true),
            (400, xml("InvalidClientTokenId"), Reason::Auth, false),
            (401, xml("Nobody"), Reason::Auth, false),
            (401, r#"{"Error":{"Code":"Unauthorized"}}"#.to_owned(), Reason::Auth, false),
            (401, r#"{"__type":"UnrecognizedClientException"}"#.to_owned(), Reason::Auth, false),
            (401, format!("\u{feff}{}", xml("Unauthorized")), Reason::Auth, false),
            (401, String::new(), Reason::Connect, false),
            (401, "<html><title>401 Unauthorized</title>".to_owned(), Reason::Connect, false),
            (
                401,
                "<!DOCTYPE html><Error><Code>Unauthorized</Code></Error>".to_owned(),
                Reason::Connect,
                false,
            ),
            (401, r#"{"message":"Unauthorized"}"#.to_owned(), Reason::Connect, false),
            (400, "Unauthorized".to_owned(), Reason::Connect, false),
            (403, xml("AccessDenied"), Reason::Forbidden, true),
            (403, "User is not authorized to perform: iam:ListUsers".to_owned(), Reason::Forbidden, true),
            (403, xml("Nobody"), Reason::Forbidden, true),
            (403, String::new(), Reason::Connect, true),
            (403, "<html>canary</html>".to_owned(), Reason::Connect, true),
            (403, "<html>AccessDenied</html>".to_owned(), Reason::Connect, true),
            (403, "error code: 1020".to_owned(), Reason::Connect, true),
            (403, xml("RequestTimeTooSkewed"), Reason::Request, false),
            (400, "IAM: Invalid request params".to_owned(), Reason::Request, false),
            (400, "IAM: Missing Action or Version param".to_owned(), Reason::Request, false),
            (404, xml("NoSuchEntity"), Reason::Request, false),
            (404, String::new(), Reason::Connect, false),
            (408, String::new(), Reason::Timeout, false),
            (429, String::new(), Reason::RateLimited, false),
            (503, xml("SlowDown"), Reason::RateLimited, false),
            (503, "InvalidAccessKeyId".to_owned(), Reason::Server, false),
            (500, String::new(), Reason::Server, false),
            (307, String::new(), Reason::Request, false),
            (101, String::new(), Reason::Decode, false),
        ] {
            let judged = judged(Endpoint::ListUsers, status, &body);
            assert_eq!(judged.error.reason, reason, "{status} {body}");
            assert_eq!(judged.may_pass, may_pass, "{status} {body}");
            assert!(!format!("{} {:?}", judged.error, judged.error).contains("canary"));
        }
    }

    #[test]
    fn a_message_tells_what_to_do() {
        for (endpoint, status, body, text) in [
            (
                Endpoint::Billing,
                400,
                "IAM: Action not supported",
                "RSListBillingData: 400 (Action not supported): billing needs the account's root key",
            ),
            (
                Endpoint::ListBuckets,
                403,
                "<Error><Code>RequestTimeTooSkewed</Code></Error>",
                "ListBuckets: 403 (RequestTimeTooSkewed): the vendor's clock and this machine's differ: set the clock of \
                 this machine right",
            ),
            (
                Endpoint::ListUsers,
                403,
                "<Error><Code>Canary</Code></Error>",
                "ListUsers: 403: the key may not do this; check the user and the policies behind it",
            ),
        ] {
            assert_eq!(judged(endpoint, status, body).error.to_string(), text);
        }
        assert!(judged(Endpoint::ListAccessKeys, 404, "<Code>NoSuchEntity</Code>").no_user);
    }

    proptest! {
        #[test]
        fn any_body_with_any_status_is_judged(status in 100u16..1000, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let reply = FailureReply { status, headers: HeaderMap::new(), body };
            let judged = judge(Endpoint::Billing, &reply, Timestamp::UNIX_EPOCH);
            prop_assert_eq!(judged.error.status, Some(status));
        }
    }
}
