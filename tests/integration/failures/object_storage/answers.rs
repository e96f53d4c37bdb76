//! Answers that are no success, and answers that never come, at every endpoint.

use std::time::Duration;

use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::super::play::play;
use super::super::second_poll::{Outcome, Row, Wait, play_rows, play_rows_for};
use super::{ENDPOINTS, requests_of};

/// Long enough for a busy machine: no row of these waits for it.
const PATIENT: Duration = Duration::from_secs(15);

/// What a whole answer may take where the rows wait for it.
const HURRIED: Duration = Duration::from_secs(4);

/// After a 403 the same is asked once more.
const SECOND_TRY: Duration = Duration::from_secs(10);

/// A row for each endpoint, which meets `faults`.
fn everywhere(name: &str, faults: &[Fault], outcome: Outcome, wait: Wait, says: &str) -> Vec<Row> {
    let row = |(endpoint, collector): (Endpoint, _)| Row {
        name: format!("{endpoint:?}: {name}"),
        collector,
        faults: faults.iter().map(|fault| (endpoint, fault.clone())).collect(),
        outcome,
        wait,
        requests: faults.len() + if outcome == Outcome::Works { requests_of(endpoint) } else { 0 },
        logins: 0.0,
        says: says.to_owned(),
    };
    ENDPOINTS.map(row).into()
}

fn fails(name: &str, fault: Fault, reason: Reason, wait: Wait, says: &str) -> Vec<Row> {
    everywhere(name, &[fault], Outcome::Fails(reason), wait, says)
}

fn xml(status: u16, code: &str) -> Fault {
    Fault::xml_error(status, code, "a canary that the vendor says")
}

fn json(status: u16, code: &str) -> Fault {
    Fault::error(status, code, "a canary that the vendor says")
}

fn text(status: u16, text: &str) -> Fault {
    Fault::Answer { status, headers: Vec::new(), body: format!("{text} (canary)").into() }
}

fn statuses() -> Vec<Row> {
    use Reason::{Connect, RateLimited, Request, Server, Timeout};
    use Wait::{Backoff, Interval};
    let between = "not the vendor's answer, but of something in between; check proxy and firewall";
    let misplaced = "in between; check iam_url, s3_url or region, proxy and firewall";
    let ours = "the vendor says that the request is wrong";
    let theirs = "an error on the vendor's side";
    let place = "there is no such thing; check iam_url, s3_url or region";
    let rows = [
        fails(
            "400 Invalid request params",
            text(400, "IAM: Invalid request params"),
            Request,
            Interval,
            ours,
        ),
        fails(
            "400 Missing Action",
            xml(400, "IAM: Missing Action or Version param"),
            Request,
            Interval,
            "400 (Missing Action or Version param): the vendor says that the request is wrong",
        ),
        fails(
            "400 BadRequest",
            json(400, "BadRequest"),
            Request,
            Interval,
            "400 (BadRequest): the vendor says that the request is wrong",
        ),
        fails(
            "400 that nobody knows",
            xml(400, "Canary"),
            Request,
            Interval,
            "400: the vendor says that the request is wrong",
        ),
        fails("400 without a body", Fault::empty(400), Connect, Backoff, between),
        fails("400 with a page", Fault::html(400), Connect, Backoff, between),
        fails(
            "403 RequestTimeTooSkewed",
            xml(403, "RequestTimeTooSkewed"),
            Request,
            Interval,
            "the vendor's clock and this machine's differ: set the clock of this machine right",
        ),
        fails("404 NoSuchKey", xml(404, "NoSuchKey"), Request, Interval, place),
        fails("404 without a body", Fault::empty(404), Connect, Backoff, misplaced),
        fails("404 with a page", Fault::html(404), Connect, Backoff, misplaced),
        fails("405", xml(405, "MethodNotAllowed"), Request, Interval, place),
        fails("401 without a body", Fault::empty(401), Connect, Backoff, between),
        fails("401 with a page", Fault::html(401), Connect, Backoff, between),
        fails("401 in plain text", text(401, "Unauthorized"), Connect, Backoff, between),
        fails("408", Fault::empty(408), Timeout, Backoff, "the vendor gave up waiting"),
        fails("409", xml(409, "Canary"), Request, Interval, ours),
        fails("409 without a body", Fault::empty(409), Connect, Backoff, between),
        fails("429", Fault::empty(429), RateLimited, Backoff, "too many requests"),
        fails("429 with a page", Fault::html(429), RateLimited, Backoff, "too many requests"),
        fails(
            "503 SlowDown",
            xml(503, "SlowDown"),
            RateLimited,
            Backoff,
            "503 (SlowDown): too many requests",
        ),
        fails(
            "400 Throttling",
            xml(400, "Throttling"),
            RateLimited,
            Backoff,
            "400 (Throttling): too many requests",
        ),
        fails("500", xml(500, "InternalError"), Server, Backoff, theirs),
        fails("500 without a body", Fault::empty(500), Server, Backoff, theirs),
        fails("502 with a page", Fault::html(502), Server, Backoff, theirs),
        fails("503 that names a key", xml(503, "InvalidAccessKeyId"), Server, Backoff, theirs),
        fails("504 with a page", Fault::html(504), Server, Backoff, theirs),
        fails("599", Fault::empty(599), Server, Backoff, theirs),
        fails("999", Fault::empty(999), Server, Backoff, theirs),
    ];
    rows.concat()
}

#[test]
fn statuses_that_say_nothing_about_the_key() {
    play(async |log| play_rows(statuses(), PATIENT, log).await);
}

fn wishes() -> Vec<Row> {
    use Wait::{Backoff, Seconds};
    let wish = |value: &str, wait| {
        fails(
            &format!("429, Retry-After: {value}"),
            Fault::empty(429).retry_after(value),
            Reason::RateLimited,
            wait,
            "too many requests",
        )
    };
    let rows = [
        wish("120", Seconds(120)),
        // Six hours after the tests' day began, so ten minutes after the fault.
        wish("Tue, 24 Nov 2026 18:10:00 GMT", Seconds(600)),
        wish("Tue, 24 Nov 2026 17:00:00 GMT", Backoff),
        wish("0", Backoff),
        wish("soon", Backoff),
        wish("99999", Seconds(3600)),
        wish("99999999999999999999999", Seconds(3600)),
        fails(
            "503 and a wish",
            Fault::empty(503).retry_after("600"),
            Reason::Server,
            Seconds(600),
            "503: an error on the vendor's side",
        ),
        fails(
            "SlowDown and a wish",
            xml(503, "SlowDown").retry_after("600"),
            Reason::RateLimited,
            Seconds(600),
            "too many requests",
        ),
    ];
    rows.concat()
}

#[test]
fn a_wish_to_wait() {
    play(async |log| play_rows(wishes(), PATIENT, log).await);
}

fn lone() -> Vec<Row> {
    let lone = [
        ("AccessDenied", xml(403, "AccessDenied")),
        ("SignatureDoesNotMatch", xml(403, "SignatureDoesNotMatch")),
        ("InvalidAccessKeyId", json(403, "InvalidAccessKeyId")),
        ("InvalidClientTokenId", xml(403, "InvalidClientTokenId")),
        ("without a body", Fault::empty(403)),
        ("with a page", Fault::html(403)),
        ("in plain text", text(403, "Unauthorized")),
    ];
    let rows: Vec<Row> = lone
        .iter()
        .flat_map(|(name, fault)| {
            let faults = std::slice::from_ref(fault);
            everywhere(&format!("403 {name}"), faults, Outcome::Works, Wait::Interval, "")
        })
        .collect();
    rows
}

#[test]
fn a_lone_403_passes() {
    play(async |log| play_rows_for(lone(), PATIENT, SECOND_TRY, log).await);
}

fn repeated() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, fault) in [
        ("AccessDenied", xml(403, "AccessDenied")),
        ("with a code that nobody knows", xml(403, "Canary")),
        ("not authorized", text(403, "User is not authorized to perform: iam:ListUsers")),
    ] {
        let says = "the key may not do this; check the user and the policies behind it";
        let faults = [fault.clone(), fault];
        let outcome = Outcome::Fails(Reason::Forbidden);
        rows.extend(everywhere(&format!("403 {name}"), &faults, outcome, Wait::Interval, says));
    }
    for (name, fault) in [
        ("without a body", Fault::empty(403)),
        ("with a page", Fault::html(403)),
        ("of a firewall", text(403, "error code: 1020")),
    ] {
        let says = "403: not the vendor's answer, but of something in between; check proxy and firewall";
        let faults = [fault.clone(), fault];
        let outcome = Outcome::Fails(Reason::Connect);
        rows.extend(everywhere(&format!("403 {name}"), &faults, outcome, Wait::Backoff, says));
    }
    // What only some keys are told of users is done without.
    rows.retain(|row| row.faults[0].0 != Endpoint::UserInfo);
    rows
}

#[test]
fn a_403_that_comes_again_is_of_this_alone() {
    play(async |log| play_rows_for(repeated(), PATIENT, SECOND_TRY, log).await);
}

fn not_supported() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, fault) in [
        ("400 in XML", Fault::xml_error(400, "BadRequest", "IAM: Action not supported")),
        ("400 in JSON", Fault::error(400, "BadRequest", "Action not supported")),
        ("400 in plain text", text(400, "Action not supported")),
        ("403 in plain text", text(403, "Action not supported")),
    ] {
        let says = "root key";
        rows.extend(fails(name, fault, Reason::Forbidden, Wait::Interval, says));
    }
    rows.retain(|row| row.faults[0].0 != Endpoint::UserInfo);
    rows
}

#[test]
fn an_action_that_is_not_supported_is_not_asked_for_twice() {
    play(async |log| play_rows(not_supported(), PATIENT, log).await);
}

fn redirected() -> Vec<Row> {
    let wrong = Outcome::Fails(Reason::Request);
    let mut rows = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        let says = "the signature is for this place alone";
        let name = format!("{status} to another path");
        let fault = Fault::redirect(status, "/canary");
        rows.extend(everywhere(&name, &[fault], wrong, Wait::Interval, says));
    }
    for (name, location) in [
        ("to another host", "https://canary@elsewhere.example/?canary=1"),
        ("to another host without a scheme", "//elsewhere.example/canary"),
        ("to another port", "http://127.0.0.1:1/canary"),
        ("to a file", "file:///etc/canary"),
    ] {
        let says = "to another origin; not followed, check iam_url, s3_url or region";
        rows.extend(everywhere(name, &[Fault::redirect(307, location)], wrong, Wait::Interval, says));
    }
    for (name, fault) in
        [("to no URL", Fault::redirect(301, "http://[canary")), ("without a place", Fault::empty(302))]
    {
        rows.extend(everywhere(
            name,
            &[fault],
            wrong,
            Wait::Interval,
            "without a place to go to; check iam_url, s3_url or region",
        ));
    }
    for status in [300, 304, 305] {
        let name = format!("{status}, which is none to follow");
        let fault = Fault::redirect(status, "/canary");
        rows.extend(everywhere(
            &name,
            &[fault],
            wrong,
            Wait::Interval,
            "an unexpected redirect; check iam_url, s3_url or region",
        ));
    }
    rows
}

#[test]
fn redirects_are_not_followed() {
    play(async |log| play_rows(redirected(), PATIENT, log).await);
}

fn broken() -> Vec<Row> {
    let closed = "the connection was closed before an answer";
    let rows = [
        everywhere("reset once", &[Fault::Reset], Outcome::Works, Wait::Interval, ""),
        everywhere(
            "reset",
            &[Fault::Reset, Fault::Reset],
            Outcome::Fails(Reason::Connect),
            Wait::Backoff,
            closed,
        ),
        fails("truncated", Fault::Truncated, Reason::Decode, Wait::Backoff, "the answer ended early"),
    ];
    rows.concat()
}

#[test]
fn connections_that_break() {
    play(async |log| play_rows(broken(), PATIENT, log).await);
}

fn late() -> Vec<Row> {
    let says = "no whole answer within 4s";
    let rows = [
        fails("no headers", Fault::HangBeforeHeaders, Reason::Timeout, Wait::Backoff, says),
        fails("half a body", Fault::HangMidBody, Reason::Timeout, Wait::Backoff, says),
        fails("late", Fault::Delay(Duration::from_secs(30)), Reason::Timeout, Wait::Backoff, says),
    ];
    let late = Fault::Delay(Duration::from_millis(20));
    let late = everywhere("a little late", &[late], Outcome::Works, Wait::Interval, "");
    // A late answer is the right one: nothing is asked again.
    let late = late.into_iter().map(|row| Row { requests: row.requests - 1, ..row });
    rows.concat().into_iter().chain(late).collect()
}

#[test]
fn answers_that_do_not_come_in_time() {
    play(async |log| play_rows(late(), HURRIED, log).await);
}

/// Every row of these tables.
pub fn rows() -> Vec<Row> {
    [statuses(), wishes(), lone(), repeated(), not_supported(), redirected(), broken(), late()].concat()
}
