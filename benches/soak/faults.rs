//! The ways in which a request can fail.

use std::time::Duration;

use fastrand::Rng;
use lyve_cloud_exporter::simulator::Fault;

/// Each way in which a request can fail.
pub(crate) const FAULTS: [&str; 34] = [
    "dead_token",
    "delay",
    "empty",
    "endless",
    "error_500",
    "error_503",
    "forbidden",
    "gateway_page",
    "gzip_lie",
    "hang",
    "hang_mid_body",
    "long_retry_after",
    "moved_away",
    "moved_here",
    "moved_nowhere",
    "not_a_list",
    "not_found",
    "not_json",
    "numeric_code",
    "page_200",
    "rate_limited",
    "rate_limited_date",
    "rate_limited_nonsense",
    "reset",
    "teapot",
    "truncated",
    "unauthorized",
    "wrong_types",
    "xml_denied",
    "xml_no_such_user",
    "xml_not_supported",
    "xml_signature",
    "xml_skewed",
    "xml_throttled",
];

/// A fault of one of these kinds.
pub(crate) fn fault(kind: &str, rng: &mut Rng) -> Fault {
    match kind {
        "dead_token" => Fault::error(400, "ExpiredToken", "The session token is not valid"),
        "delay" => Fault::Delay(Duration::from_millis(rng.u64(1..700))),
        "empty" => Fault::empty(200),
        "endless" => Fault::Endless,
        "error_500" => Fault::error(500, "InternalError", "An internal error"),
        "error_503" => Fault::error(503, "ServiceUnavailable", "Down for maintenance").retry_after("30"),
        "forbidden" => Fault::error(403, "AccessDenied", "Access denied"),
        "gateway_page" => Fault::html(502),
        "gzip_lie" => Fault::gzip("this is no gzip"),
        "hang" => Fault::HangBeforeHeaders,
        "hang_mid_body" => Fault::HangMidBody,
        "long_retry_after" => Fault::empty(503).retry_after("99999"),
        "moved_away" => Fault::redirect(302, "http://127.0.0.1:9/elsewhere"),
        // An empty reference is to the very same address, whichever it is.
        "moved_here" => Fault::redirect(307, ""),
        "moved_nowhere" => Fault::empty(301),
        "not_a_list" => Fault::raw("application/json", "[]"),
        "not_found" => Fault::error(404, "NotFound", "No such path"),
        "not_json" => Fault::raw("application/json", "{\"usageByBucket\": {"),
        "numeric_code" => Fault::error(400, 31, "A code that is a number"),
        "page_200" => Fault::html(200),
        "rate_limited" => Fault::error(429, "SlowDown", "Too many requests").retry_after("120"),
        "rate_limited_date" => Fault::empty(429).retry_after("Fri, 01 Jan 2027 00:00:00 GMT"),
        "rate_limited_nonsense" => Fault::empty(429).retry_after("a while"),
        "reset" => Fault::Reset,
        "teapot" => Fault::empty(418),
        "truncated" => Fault::Truncated,
        "unauthorized" => Fault::error(401, "AuthenticationFailed", "Authentication failed"),
        "wrong_types" => Fault::raw(
            "application/json",
            r#"{"token": 7, "expirationSec": [], "usageByBucket": 7, "serviceAccounts": {}, "permissions": "none"}"#,
        ),
        "xml_denied" => Fault::xml_error(403, "AccessDenied", "Access Denied"),
        "xml_no_such_user" => Fault::xml_error(404, "NoSuchEntity", "The user cannot be found"),
        "xml_not_supported" => Fault::xml_error(400, "BadRequest", "Action not supported"),
        "xml_signature" => Fault::xml_error(403, "SignatureDoesNotMatch", "The signature does not match"),
        "xml_skewed" => {
            Fault::xml_error(403, "RequestTimeTooSkewed", "The time is too far from the server's")
        }
        "xml_throttled" => Fault::xml_error(503, "SlowDown", "Reduce your request rate"),
        other => panic!("no fault of this kind: {other}"),
    }
}
