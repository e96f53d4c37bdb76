//! The report: what the vendor's answers look like, in Markdown, without any value of the user's.
//!
//! Whoever changes what is written keeps that promise: only fixed texts, the names of endpoints, headers and documented
//! codes, statuses, times, sizes, and shapes.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::ask::{Answers, Asked};
use crate::api::ApiError;
use crate::build_info;
use crate::config::{Account, Config};
use crate::model::Endpoint;

/// The first line, by which a report is known.
pub(in crate::command) const TITLE: &str = "# How Lyve Cloud answers: a report of lyve-cloud-exporter";

/// Hosts that are the vendor's and are named.
const VENDOR: [&str; 2] = ["lyvecloud.seagate.com", "lyve.seagate.com"];

/// Headers that are named. A proxy on the way may add headers that have the name of an organisation in theirs.
const HEADERS: [&str; 38] = [
    "accept-ranges",
    "access-control-allow-origin",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "pragma",
    "proxy-authenticate",
    "referrer-policy",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "www-authenticate",
    "x-cache",
    "x-content-type-options",
    "x-correlation-id",
    "x-frame-options",
    "x-powered-by",
    "x-request-id",
    "x-total-count",
    "x-xss-protection",
];

/// The beginnings of further ones.
const HEADER_PREFIXES: [&str; 2] = ["x-amz-", "x-ratelimit-"];

/// Codes of errors that are documented, or that AWS has: others could be anything.
const CODES: [&str; 36] = [
    "ExpiredToken",
    "TokenExpired",
    "InvalidToken",
    "InvalidTimeRange",
    "InvalidArgument",
    "AuthenticationFailed",
    "Authentication failed",
    "NoServiceAvailable",
    "ServiceAccountNotFound",
    "PermissionNotFound",
    "BucketNotFound",
    "PermissionNotReady",
    "ServiceAccountNotReady",
    "ServiceNotReady",
    "InternalError",
    "Action not supported",
    "RequestTimeTooSkewed",
    "RequestExpired",
    "Signature expired",
    "Signature not yet current",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthorizationHeaderMalformed",
    "IncompleteSignature",
    "InactiveAccessKey",
    "AccessDenied",
    "not authorized",
    "Unauthorized",
    "NoSuchEntity",
    "LimitExceeded",
    "SlowDown",
    "Throttling",
    "Invalid request params",
    "BadRequest",
];

const INTRODUCTION: &str = "\
This file says what the answers of the vendor look like: their status, time, size, the names of their headers, which fields
they have, of what types, and how often. It was made by `check --live --report`.

**What is left out:** every name, id, key, token, figure and date of yours; of numbers there is the order of magnitude, and of the
numbers of months the range. Accounts are numbered. Hosts are named only where they are the vendor's own. A text that the vendor's
guide does not list is `other`, with its length; so is a header that is not a common one. Keys that could be names of yours are shown as `?`.

**Please read it before you send it.** Remove what you do not want to send; leave the tables in their form where you can.
`lyve-cloud-exporter demo --from-report=FILE` shows what this file says.
";

/// The report on what was asked.
#[must_use]
pub(super) fn report(asked: &Asked, config: &Config, now: Timestamp) -> String {
    let mut text =
        format!("{TITLE}\n\n{INTRODUCTION}\nVersion {}, {}.\n", build_info::VERSION, std::env::consts::OS);
    for (index, account) in config.accounts.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n## Account {}: {}\n\nHosts: {}.\n",
            index + 1,
            account.api.name(),
            hosts(account)
        );
        let errors: Vec<&ApiError> = asked
            .polls
            .iter()
            .filter(|(name, ..)| **name == *account.name)
            .filter_map(|(.., outcome)| outcome.as_ref().err())
            .collect();
        let none = std::collections::BTreeMap::new();
        let answers = asked.answers.get(&account.name).unwrap_or(&none);
        for &endpoint in Endpoint::ALL {
            let error = errors.iter().copied().find(|error| error.endpoint == endpoint);
            if let (None, None) = (answers.get(&endpoint), error) {
                continue;
            }
            let _ = write!(text, "\n### {endpoint}\n\n");
            if let Some(error) = error {
                let _ = writeln!(text, "- It failed: {}.", failure(error));
            }
            if let Some(answers) = answers.get(&endpoint) {
                of_endpoint(&mut text, endpoint, answers);
            }
        }
        if let Some(state) = asked.store.account(&account.name).map(|cell| cell.state()) {
            for odd in state.odd_figures(now) {
                let _ = write!(text, "\n- Odd: {odd}.\n");
            }
        }
    }
    text
}

fn of_endpoint(text: &mut String, endpoint: Endpoint, answers: &Answers) {
    let Answers { count, status, slowest, bytes, headers, .. } = answers;
    let _ = writeln!(
        text,
        "- {count} {}, the last one with status {status}; the slowest took {}, the largest has {}.",
        if *count == 1 { "answer" } else { "answers" },
        took(*slowest),
        about(*bytes)
    );
    let headers: Vec<_> = headers.iter().map(|name| header(name)).collect();
    let _ = writeln!(
        text,
        "- Headers: {}.",
        if headers.is_empty() { "none".to_owned() } else { headers.join(", ") }
    );
    let Some(shape) = &answers.shape else { return };
    let deviations = answers.deviations(endpoint);
    if deviations.is_empty() {
        let _ = writeln!(text, "- As documented.");
    }
    for deviation in deviations {
        let _ = writeln!(text, "- **Not as documented:** {deviation}.");
    }
    if !shape.is_empty() {
        let _ = write!(text, "\n{shape}");
    }
}

fn header(name: &str) -> Cow<'_, str> {
    if HEADERS.contains(&name) || HEADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        name.into()
    } else {
        format!("other ({} letters)", name.len()).into()
    }
}

fn hosts(account: &Account) -> String {
    let host = |url: &url::Url| {
        let host = url.host_str().unwrap_or_default();
        let is_vendors = VENDOR.iter().any(|vendor| {
            host.strip_suffix(vendor).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        if is_vendors { format!("`{host}`") } else { "another one than the vendor's".to_owned() }
    };
    let mut hosts: Vec<String> = account.api.urls().into_iter().map(host).collect();
    hosts.dedup();
    hosts.join(", ")
}

/// What failed, without the words of the error: they can name hosts.
fn failure(error: &ApiError) -> String {
    let mut parts = vec![error.reason.name().to_owned()];
    parts.extend(error.status.map(|status| format!("status {status}")));
    parts.extend(error.code.as_deref().map(|code| {
        if CODES.contains(&code) || code.bytes().all(|byte| byte.is_ascii_digit()) && code.len() <= 3 {
            format!("code `{code}`")
        } else {
            format!("code other ({} letters)", code.chars().count())
        }
    }));
    if error.reason == crate::model::Reason::Decode {
        // It holds nothing of the answer.
        parts.push(error.detail.to_string());
    }
    parts.join(", ")
}

/// Two figures of a time.
fn took(time: std::time::Duration) -> String {
    match time.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        millis => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
    }
}

/// A size without the figures that could be told from others.
fn about(bytes: usize) -> String {
    if bytes < 1000 { "less than 1 kB".to_owned() } else { format!("about {} kB", bytes / 1000) }
}
