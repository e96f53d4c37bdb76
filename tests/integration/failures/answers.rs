//! Answers that are no success, and answers that never come, at every endpoint.

use std::time::Duration;

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::play::{endpoint, path, play};
use super::second_poll::{Outcome, Row, Wait, play_rows};

/// Long enough for a busy machine: no row of these waits for it.
const PATIENT: Duration = Duration::from_secs(15);

/// What a whole answer may take where the rows wait for it.
const HURRIED: Duration = Duration::from_millis(1500);

/// A row for each collector, whose endpoint meets `faults`.
fn everywhere(name: &str, faults: &[Fault], outcome: Outcome, wait: Wait, says: &str) -> Vec<Row> {
    let row = |collector: Collector| Row {
        name: format!("{collector}: {name}"),
        collector,
        faults: faults.iter().map(|fault| (endpoint(collector), fault.clone())).collect(),
        outcome,
        wait,
        requests: faults.len() + usize::from(outcome == Outcome::Works),
        logins: 0.0,
        says: says.to_owned(),
    };
    Collector::ACCOUNT_V2.map(row).into()
}

fn fails(name: &str, fault: Fault, reason: Reason, wait: Wait, says: &str) -> Vec<Row> {
    everywhere(name, &[fault], Outcome::Fails(reason), wait, says)
}

fn said(status: u16, code: impl Into<serde_json::Value>) -> Fault {
    Fault::error(status, code, "a canary that the vendor says")
}

fn plain(status: u16, body: &'static str) -> Fault {
    Fault::Answer { status, headers: Vec::new(), body: body.into() }
}

fn page(status: u16) -> Fault {
    let fault = Fault::html(status);
    if let Fault::Answer { headers, .. } = fault {
        return Fault::Answer { status, headers, body: "<html><p>a canary of a proxy</p></html>".into() };
    }
    fault
}

fn statuses() -> Vec<Row> {
    use Reason::{Connect, Forbidden, RateLimited, Request, Server, Timeout};
    use Wait::{Backoff, Interval};
    let between = "not the vendor's answer, but of something in between; check proxy and firewall";
    let misplaced =
        "not the vendor's answer, but of something in between; check base_url, proxy and firewall";
    let ours = "the vendor says that the request is wrong";
    let theirs = "an error on the vendor's side";
    let place = "there is no such thing; check base_url";
    let role = "the credentials may not do this";
    let rows = [
        fails("400 InvalidTimeRange", said(400, "InvalidTimeRange"), Request, Interval, ours),
        fails(
            "400 InvalidArgument, a space",
            said(400, "InvalidArgument "),
            Request,
            Interval,
            "400 (InvalidArgument): the vendor says that the request is wrong",
        ),
        fails(
            "400 with a number for a code",
            said(400, 1017),
            Request,
            Interval,
            "400 (1017): the vendor says that the request is wrong",
        ),
        fails(
            "400 with an empty code",
            said(400, ""),
            Request,
            Interval,
            "400: the vendor says that the request is wrong",
        ),
        fails("400 with null for a code", said(400, serde_json::Value::Null), Connect, Backoff, between),
        fails(
            "400 with a list for a code",
            said(400, serde_json::json!(["canary"])),
            Connect,
            Backoff,
            between,
        ),
        fails("400 without a body", Fault::empty(400), Connect, Backoff, between),
        fails("400 with a page", page(400), Connect, Backoff, between),
        fails(
            "403 NoServiceAvailable",
            said(403, "NoServiceAvailable"),
            Forbidden,
            Interval,
            "the account has no service enabled",
        ),
        fails(
            "403 AccessDenied",
            said(403, "AccessDenied"),
            Forbidden,
            Interval,
            "403 (AccessDenied): the credentials may not do this",
        ),
        fails("403 with a code that nobody knows", said(403, "Canary"), Forbidden, Interval, role),
        fails("403 without a body", Fault::empty(403), Connect, Backoff, between),
        fails("403 with a page", page(403), Connect, Backoff, between),
        fails("403 in plain text", plain(403, "error code: 1020"), Connect, Backoff, between),
        fails(
            "403 of a gateway in JSON",
            plain(403, r#"{"message":"Forbidden"}"#),
            Connect,
            Backoff,
            between,
        ),
        fails("404 ServiceAccountNotFound", said(404, "ServiceAccountNotFound"), Request, Interval, place),
        fails("404 PermissionNotFound", said(404, "PermissionNotFound"), Request, Interval, place),
        fails("404 BucketNotFound", said(404, "BucketNotFound"), Request, Interval, place),
        fails("404 with a page", page(404), Connect, Backoff, misplaced),
        fails("405", said(405, "MethodNotAllowed"), Request, Interval, place),
        fails("405 without a body", Fault::empty(405), Connect, Backoff, misplaced),
        fails("407 with a page", page(407), Connect, Backoff, between),
        fails("408", Fault::empty(408), Timeout, Backoff, "the vendor gave up waiting"),
        fails(
            "409 PermissionNotReady",
            said(409, "PermissionNotReady"),
            Server,
            Backoff,
            "409 (PermissionNotReady): the vendor is not ready yet",
        ),
        fails(
            "409 ServiceAccountNotReady",
            said(409, "ServiceAccountNotReady "),
            Server,
            Backoff,
            "not ready yet",
        ),
        fails("409", said(409, "Conflict"), Request, Interval, ours),
        fails("409 without a body", Fault::empty(409), Connect, Backoff, between),
        fails("418 with a page", page(418), Connect, Backoff, between),
        fails("451 with a page", page(451), Connect, Backoff, between),
        fails("429", Fault::empty(429), RateLimited, Backoff, "too many requests"),
        fails("429 with a page", page(429), RateLimited, Backoff, "too many requests"),
        fails(
            "500 InternalError",
            said(500, "InternalError"),
            Server,
            Backoff,
            "500 (InternalError): an error on the vendor's side",
        ),
        fails("500 without a body", Fault::empty(500), Server, Backoff, theirs),
        fails("501", Fault::empty(501), Server, Backoff, theirs),
        fails("502 with a page", page(502), Server, Backoff, theirs),
        fails(
            "503 ServiceNotReady",
            said(503, "ServiceNotReady"),
            Server,
            Backoff,
            "503 (ServiceNotReady): an error on the vendor's side",
        ),
        fails("503 that names a token", said(503, "ExpiredToken"), Server, Backoff, theirs),
        fails("504 with a page", page(504), Server, Backoff, theirs),
        fails("599", Fault::empty(599), Server, Backoff, theirs),
        fails("999", Fault::empty(999), Server, Backoff, theirs),
    ];
    rows.concat()
}

#[test]
fn statuses_that_a_new_token_does_not_cure() {
    play(async |log| play_rows(statuses(), PATIENT, log).await);
}

fn wishes() -> Vec<Row> {
    use Wait::{Backoff, Seconds};
    let busy = |value: &str| Fault::empty(429).retry_after(value);
    let wish = |value: &str, wait| {
        fails(
            &format!("429, Retry-After: {value}"),
            busy(value),
            Reason::RateLimited,
            wait,
            "too many requests",
        )
    };
    let rows = [
        wish("120", Seconds(120)),
        wish("600", Seconds(600)),
        // Six hours after the tests' day began, so ten minutes after the fault.
        wish("Tue, 24 Nov 2026 18:10:00 GMT", Seconds(600)),
        wish("Tuesday, 24-Nov-26 18:10:00 GMT", Seconds(600)),
        wish("Fri, 31 Dec 9999 23:59:59 GMT", Seconds(3600)),
        wish("Tue, 24 Nov 2026 17:00:00 GMT", Backoff),
        wish("0", Backoff),
        wish("1", Backoff),
        wish("-5", Backoff),
        wish("1.5", Backoff),
        wish("soon", Backoff),
        wish("99999", Seconds(3600)),
        wish("18446744073709551615", Seconds(3600)),
        wish("99999999999999999999999", Seconds(3600)),
        fails(
            "503 and a wish",
            Fault::empty(503).retry_after("600"),
            Reason::Server,
            Seconds(600),
            "503: an error on the vendor's side",
        ),
        fails(
            "500 and nonsense",
            Fault::empty(500).retry_after("\u{e9}"),
            Reason::Server,
            Backoff,
            "500: an error on the vendor's side",
        ),
    ];
    rows.concat()
}

#[test]
fn a_wish_to_wait() {
    play(async |log| play_rows(wishes(), PATIENT, log).await);
}

fn dead_tokens() -> Vec<Row> {
    let dead = [
        ("400 ExpiredToken", said(400, "ExpiredToken")),
        ("400 ExpiredToken, a space", said(400, "ExpiredToken ")),
        ("400 TokenExpired", said(400, "TokenExpired")),
        ("400 InvalidToken", said(400, "InvalidToken")),
        ("401 AccessDenied", said(401, "AccessDenied")),
        ("403 AuthenticationFailed, a space", said(403, "AuthenticationFailed ")),
        ("403 Authentication failed", said(403, "Authentication failed")),
        ("403 in the message alone", Fault::error(403, 403, "Authentication failed.")),
    ];
    let rows = dead.iter().flat_map(|(name, fault)| {
        // One login, one replay; if that fails too, the poll has failed.
        let once = everywhere(
            &format!("{name}, once"),
            std::slice::from_ref(fault),
            Outcome::Works,
            Wait::Interval,
            "",
        );
        let again = [fault.clone(), fault.clone()];
        let says = "although it comes from a new login";
        let twice =
            everywhere(&format!("{name}, twice"), &again, Outcome::Fails(Reason::Auth), Wait::Backoff, says);
        once.into_iter().chain(twice).map(|row| Row { logins: 1.0, ..row })
    });
    // Of something in between, perhaps: a new token is tried all the same, and where it does not help nothing is rejected.
    let bare = [("401 without a body", Fault::empty(401)), ("401 with a page", page(401))];
    let bare = bare.iter().flat_map(|(name, fault)| {
        let faults = std::slice::from_ref(fault);
        let once = everywhere(&format!("{name}, once"), faults, Outcome::Works, Wait::Interval, "");
        let says = "401: not the vendor's answer, but of something in between; check proxy and firewall";
        let again = [fault.clone(), fault.clone()];
        let fails = Outcome::Fails(Reason::Connect);
        let twice = everywhere(&format!("{name}, twice"), &again, fails, Wait::Backoff, says);
        once.into_iter().chain(twice).map(|row| Row { logins: 1.0, ..row })
    });
    rows.chain(bare).collect()
}

#[test]
fn tokens_that_are_not_accepted() {
    play(async |log| play_rows(dead_tokens(), PATIENT, log).await);
}

fn redirected() -> Vec<Row> {
    let wrong = Outcome::Fails(Reason::Request);
    let elsewhere = |name: &str, status: u16, location: &str| {
        let says = "to another origin; not followed, check base_url";
        everywhere(name, &[Fault::redirect(status, location)], wrong, Wait::Interval, says)
    };
    let mut rows = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        for row in everywhere(&format!("{status} once"), &[], Outcome::Works, Wait::Interval, "") {
            let there = path(endpoint(row.collector));
            let fault = (endpoint(row.collector), Fault::redirect(status, there));
            rows.push(Row { faults: vec![fault.clone()], requests: 2, ..row.clone() });
            rows.push(Row {
                name: format!("{}, and again", row.name),
                faults: vec![fault.clone(), fault],
                requests: 2,
                outcome: wrong,
                says: "an unexpected redirect; check base_url".to_owned(),
                ..row
            });
        }
    }
    rows.extend(elsewhere(
        "to another host",
        307,
        "https://canary@elsewhere.example/v2/usage/current?canary=1",
    ));
    rows.extend(elsewhere("to another host without a scheme", 302, "//elsewhere.example/canary"));
    rows.extend(elsewhere("to another port", 301, "http://127.0.0.1:1/canary"));
    rows.extend(elsewhere("to a script", 301, "javascript:canary()"));
    rows.extend(elsewhere("to a file", 301, "file:///etc/canary"));
    let nowhere = "without a place to go to; check base_url";
    for (name, fault) in [
        ("to no URL", Fault::redirect(301, "http://[canary")),
        ("to what is no text", Fault::redirect(301, "\u{e9}canary")),
        ("without a place", Fault::empty(302)),
    ] {
        rows.extend(everywhere(name, &[fault], wrong, Wait::Interval, nowhere));
    }
    for status in [300, 304, 305] {
        let name = format!("{status}, which is none to follow");
        let says = "an unexpected redirect; check base_url";
        rows.extend(everywhere(&name, &[Fault::redirect(status, "/v2/canary")], wrong, Wait::Interval, says));
    }
    rows
}

#[test]
fn redirects() {
    play(async |log| play_rows(redirected(), PATIENT, log).await);
}

fn broken() -> Vec<Row> {
    let rows = [
        everywhere("reset once", &[Fault::Reset], Outcome::Works, Wait::Interval, ""),
        everywhere(
            "reset",
            &[Fault::Reset, Fault::Reset],
            Outcome::Fails(Reason::Connect),
            Wait::Backoff,
            "the connection was closed before an answer",
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
    let says = "no whole answer within 1.5s";
    let rows = [
        fails("no headers", Fault::HangBeforeHeaders, Reason::Timeout, Wait::Backoff, says),
        fails("half a body", Fault::HangMidBody, Reason::Timeout, Wait::Backoff, says),
        fails("late", Fault::Delay(Duration::from_secs(30)), Reason::Timeout, Wait::Backoff, says),
        everywhere(
            "a little late",
            &[Fault::Delay(Duration::from_millis(20))],
            Outcome::Works,
            Wait::Interval,
            "",
        ),
    ];
    let rows = rows.concat().into_iter().map(|row| Row { requests: 1, ..row });
    // The token is dead and the login hangs: there is no answer within the time of the login's own request.
    let login = everywhere(
        "a login that hangs",
        &[],
        Outcome::Fails(Reason::Timeout),
        Wait::Backoff,
        "POST /auth/token: no whole answer within 1.5s",
    );
    let login = login.into_iter().map(|row| Row {
        faults: vec![
            (endpoint(row.collector), Fault::error(400, "ExpiredToken", "expired")),
            (Endpoint::Login, Fault::HangBeforeHeaders),
        ],
        requests: 1,
        logins: 1.0,
        ..row
    });
    let rows: Vec<Row> = rows.chain(login).collect();
    rows
}

#[test]
fn answers_that_do_not_come_in_time() {
    play(async |log| play_rows(late(), HURRIED, log).await);
}

/// Every row of these tables.
pub fn rows() -> Vec<Row> {
    [statuses(), wishes(), dead_tokens(), redirected(), broken(), late()].concat()
}
