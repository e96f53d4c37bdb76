use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::clock;

/// What came back.
pub(in crate::api) enum Reply<T> {
    /// A success.
    Success {
        /// Its body, decoded.
        value: T,
        /// When it was made, by the clock of whoever made it, if it says so.
        date: Option<Timestamp>,
    },
    /// Any other status.
    Failure(FailureReply),
}

/// The time in `Date`.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Timestamp::try_from(date).ok()
}

/// An answer that is no success.
pub(in crate::api) struct FailureReply {
    pub(in crate::api) status: u16,
    pub(in crate::api) headers: HeaderMap,
    /// The beginning of the body; empty where it could not be read.
    pub(in crate::api) body: Vec<u8>,
}

impl FailureReply {
    /// `Retry-After`, in seconds or as a date. The vendor does not document it; a gateway in front may send it.
    pub(in crate::api) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        // More seconds than a number holds, and the last days of the year 9999, are a very long time all the same.
        if !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit()) {
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        Some(clock::until(now, Timestamp::try_from(date).unwrap_or(Timestamp::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn retry_after(headers: HeaderMap) -> Option<Duration> {
        FailureReply { status: 503, headers, body: Vec::new() }.retry_after(now())
    }

    #[test]
    fn retry_after_in_seconds_or_as_a_date() {
        for (value, wait) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("Tue, 24 Nov 2026 12:01:30 GMT", Some(90)),
            ("Tuesday, 24-Nov-26 12:01:30 GMT", Some(90)),
            ("Tue, 24 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
            ("99999999999999999999999", Some(u64::MAX)),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(headers), wait.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(HeaderMap::new()), None);
        let end = HeaderValue::from_static("Fri, 31 Dec 9999 23:59:59 GMT");
        let wait = retry_after(HeaderMap::from_iter([(RETRY_AFTER, end)]));
        assert_eq!(wait, Some(clock::until(now(), Timestamp::MAX)));
    }
}
