//! Logins that fail: no collector has a token then, and all of them say why.

use std::time::Duration;

use lyve_cloud_exporter::clock;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Fault};
use serde_json::{Value, json};

use super::play::{
    Log, assert_failures, assert_nothing_leaked, config, data_of, full_account, play, scrape, settle,
};
use super::second_poll::Wait;
use crate::stage::{NOW, Stage, at, hours, minutes};

/// A login, the first one, that meets a fault.
pub struct Row {
    pub name: &'static str,
    fault: Fault,
    pub reason: Reason,
    /// Whether the vendor has decided against the credentials.
    rejected: bool,
    pub wait: Wait,
    pub says: &'static str,
}

/// What is said of a token whose life is not known.
pub const NO_LIFETIME: &str = "expirationSec is missing, or no number of seconds";

fn row(name: &'static str, fault: Fault, reason: Reason, wait: Wait, says: &'static str) -> Row {
    Row { name, fault, reason, rejected: reason == Reason::Auth, wait, says }
}

fn said(status: u16, code: impl Into<Value>) -> Fault {
    Fault::error(status, code, "a canary that the vendor says")
}

fn body(body: &str) -> Fault {
    Fault::raw("application/json", body.to_owned())
}

pub fn rows() -> Vec<Row> {
    use Reason::{Auth, Connect, Decode, Forbidden, RateLimited, Request, Server, Timeout};
    use Wait::{Backoff, Interval, Seconds};
    let rejected = "the credentials are rejected: mistyped, or expired, regenerated or deleted; compare account_id, access_key and secret";
    let between = "not the vendor's answer, but of something in between; check proxy and firewall";
    let misplaced =
        "not the vendor's answer, but of something in between; check base_url, proxy and firewall";
    let no_login_there = "the vendor did not take this for a login; check that base_url ends with /v2";
    let role = "the credentials may not do this; check the role behind them";
    let no_token = "the answer holds no token";
    let odd_token = "the token is empty or holds characters that no token has";
    vec![
        row("403 AuthenticationFailed", said(403, "AuthenticationFailed"), Auth, Backoff, rejected),
        row("403 AuthenticationFailed, a space", said(403, "AuthenticationFailed "), Auth, Backoff, rejected),
        row("403 Authentication failed", said(403, "Authentication failed"), Auth, Backoff, rejected),
        row(
            "403 in the message alone",
            Fault::error(403, 1, "Authentication failed"),
            Auth,
            Backoff,
            rejected,
        ),
        row("400 AuthenticationFailed", said(400, "AuthenticationFailed"), Auth, Backoff, rejected),
        row("401 Unauthorized", said(401, "Unauthorized"), Auth, Backoff, rejected),
        row("401", Fault::empty(401), Connect, Backoff, between),
        row("401 with a page", Fault::html(401), Connect, Backoff, between),
        row("400 InvalidToken", said(400, "InvalidToken"), Request, Interval, no_login_there),
        row("400 ExpiredToken", said(400, "ExpiredToken "), Request, Interval, no_login_there),
        row(
            "403 NoServiceAvailable",
            said(403, "NoServiceAvailable"),
            Forbidden,
            Interval,
            "no service enabled",
        ),
        row("403 AccessDenied", said(403, "AccessDenied"), Forbidden, Interval, role),
        row("403 without a body", Fault::empty(403), Connect, Backoff, between),
        row("403 with a page", Fault::html(403), Connect, Backoff, between),
        row(
            "400 InvalidArgument",
            said(400, "InvalidArgument"),
            Request,
            Interval,
            "400 (InvalidArgument): the vendor says that the request is wrong",
        ),
        row("404", said(404, "NotFound"), Request, Interval, "there is no such thing; check base_url"),
        row("404 with a page", Fault::html(404), Connect, Backoff, misplaced),
        row("405", Fault::empty(405), Connect, Backoff, misplaced),
        row("408", Fault::empty(408), Timeout, Backoff, "408: the vendor gave up waiting"),
        row("418", Fault::empty(418), Connect, Backoff, between),
        row("429", Fault::empty(429), RateLimited, Backoff, "too many requests"),
        row(
            "429 and a wish",
            Fault::empty(429).retry_after("600"),
            RateLimited,
            Seconds(600),
            "too many requests",
        ),
        row(
            "429 and a long wish",
            Fault::empty(429).retry_after("99999"),
            RateLimited,
            Seconds(3600),
            "too many requests",
        ),
        row(
            "500",
            said(500, "InternalError"),
            Server,
            Backoff,
            "500 (InternalError): an error on the vendor's side",
        ),
        row("502 with a page", Fault::html(502), Server, Backoff, "502: an error on the vendor's side"),
        row(
            "503 and a wish",
            said(503, "ServiceNotReady").retry_after("120"),
            Server,
            Seconds(120),
            "503 (ServiceNotReady): an error on the vendor's side",
        ),
        row(
            "503 that rejects",
            said(503, "AuthenticationFailed"),
            Server,
            Backoff,
            "503 (AuthenticationFailed): an error on the vendor's side",
        ),
        row(
            "a redirect",
            Fault::redirect(307, "/v2/auth/token"),
            Request,
            Interval,
            "a login is never sent twice",
        ),
        row(
            "a redirect to a GET",
            Fault::redirect(303, "/v2/auth/token"),
            Request,
            Interval,
            "a login is never sent twice",
        ),
        row(
            "a redirect elsewhere",
            Fault::redirect(308, "https://elsewhere.example/canary"),
            Request,
            Interval,
            "to another origin; not followed",
        ),
        row("reset", Fault::Reset, Connect, Backoff, "the connection was closed before an answer"),
        row("truncated", Fault::Truncated, Decode, Backoff, "the answer ended early"),
        row("a page", Fault::html(200), Decode, Backoff, "the answer is not JSON (it begins with `<`)"),
        row("empty", body(""), Decode, Backoff, "the answer is empty"),
        row("no content", Fault::empty(204), Decode, Backoff, "the answer is empty"),
        row("gzip that is none", Fault::gzip("canary"), Decode, Backoff, "the answer is damaged"),
        row("a list", body("[]"), Decode, Backoff, "the answer is a list, where an object was expected"),
        row("null", body("null"), Decode, Backoff, "the answer is null, where an object was expected"),
        row(
            "a text",
            body("\"canary\""),
            Decode,
            Backoff,
            "the answer is a text, where an object was expected",
        ),
        row("no token", body(r#"{"expirationSec":"86400"}"#), Decode, Backoff, no_token),
        row("null for a token", body(r#"{"token":null}"#), Decode, Backoff, no_token),
        row("a number for a token", body(r#"{"token":7}"#), Decode, Backoff, no_token),
        row("an object for a token", body(r#"{"token":{"token":"canary"}}"#), Decode, Backoff, no_token),
        row("an empty token", body(r#"{"token":""}"#), Decode, Backoff, odd_token),
        row("a token with a space", body(r#"{"token":"canary token"}"#), Decode, Backoff, odd_token),
        row("a token with a header", body(r#"{"token":"canary\r\nx: y"}"#), Decode, Backoff, odd_token),
        row(
            "a token with a letter of no header",
            body(r#"{"token":"canary\u00e9"}"#),
            Decode,
            Backoff,
            odd_token,
        ),
    ]
}

#[test]
fn that_fail_at_the_start() {
    play(play_rows);
}

async fn play_rows(log: Log) {
    let rows = rows();
    let stage = Stage::new().await;
    let (vendors, accounts): (Vec<_>, Vec<_>) = rows.iter().map(|row| full_account(&stage, row.name)).unzip();
    for (row, vendor) in rows.iter().zip(&vendors) {
        vendor.fail_once(Endpoint::Login, row.fault.clone());
    }
    let exporter = stage.polled_exporter(config(accounts)).await;
    let samples = scrape(&exporter).await;
    let warnings = log.warnings();
    let requests = stage.simulator.requests();
    for row in &rows {
        let name = row.name;
        let samples = &samples[name];
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(0.0), "{name}");
        for collector in Collector::ACCOUNT_V2 {
            let key = (name, collector);
            let up = samples.value("lyvecloud_collector_up", &[("collector", collector.name())]);
            assert_eq!(up, Some(0.0), "{name}");
            assert_failures(samples, key, Some(row.reason), 1.0);
            warnings.assert_failure(key, row.reason, "POST /auth/token: ", row.wait.seconds(collector));
            warnings.assert_failure(key, row.reason, row.says, row.wait.seconds(collector));
            if collector != Collector::CREDENTIALS {
                assert_eq!(data_of(samples, collector), [], "{name}: what is not known is absent");
            }
        }
        assert_eq!(samples.value("lyvecloud_session_expiry_timestamp_seconds", &[]), None, "{name}");
        let status = if row.rejected { "rejected" } else { "unknown" };
        let status =
            samples.value("lyvecloud_credential_status", &[("kind", "account_api"), ("status", status)]);
        assert_eq!(status, Some(1.0), "{name}");
        let (result, other) = if row.rejected { ("rejected", "failed") } else { ("failed", "rejected") };
        for (result, count) in [(result, 1.0), (other, 0.0), ("accepted", 0.0)] {
            let logins = samples.value("lyvecloud_logins_total", &[("result", result)]);
            assert_eq!(logins, Some(count), "{name}: five collectors share one login, {result}");
        }
        let asked = requests.iter().filter(|request| request.account.as_deref() == Some(name));
        assert_eq!(asked.map(|request| request.endpoint).collect::<Vec<_>>(), [Endpoint::Login], "{name}");
    }
    // The collector of the credentials tries a login whenever it is due, and the next one works.
    let due =
        |row: &Row| clock::after(at(NOW), Duration::from_secs(row.wait.seconds(Collector::CREDENTIALS)));
    let polls = |row: &Row| exporter.polls(row.name, Collector::CREDENTIALS);
    let instants: std::collections::BTreeSet<_> = rows.iter().map(due).collect();
    for instant in instants {
        stage.clock.set(instant - jiff::SignedDuration::from_secs(1));
        settle(&stage, &exporter).await;
        for row in rows.iter().filter(|row| due(row) >= instant) {
            assert_eq!(polls(row), 1, "{}: polled before it was due", row.name);
        }
        stage.clock.set(instant);
        let now_due: Vec<_> = rows.iter().filter(|row| due(row) == instant).collect();
        exporter.until("the logins due were made", |_| now_due.iter().all(|row| polls(row) == 2)).await;
        for row in now_due {
            let state = exporter.state(row.name);
            assert!(state.collector_up(Collector::CREDENTIALS), "{}: {state:#?}", row.name);
        }
    }
    stage.clock.set(clock::after(at(NOW), hours(7)));
    exporter.until("everything works", |store| store.snapshot().iter().all(|state| state.up())).await;
    let samples = scrape(&exporter).await;
    for row in &rows {
        let rejected = [("kind", "account_api"), ("status", "rejected")];
        let rejected = samples[row.name].value("lyvecloud_credential_status", &rejected);
        assert_eq!(rejected, Some(0.0), "{}", row.name);
    }
    assert_nothing_leaked(&stage, &exporter, &log).await;
}

/// What the vendor says of a new token's life, what the exporter believes, and how often it logs in within an hour.
#[test]
fn that_state_an_odd_lifetime() {
    for (stated, believed) in [
        (json!(0), None),
        (json!(-1), None),
        (json!("-86400"), None),
        (json!("soon"), None),
        (json!(""), None),
        (json!(null), None),
        (json!(true), None),
        (json!([86_400]), None),
        (json!({"seconds": 86_400}), None),
        (json!("NaN"), None),
        (json!(60), Some(60.0)),
        (json!("60"), Some(60.0)),
        (json!(60.9), Some(60.0)),
        (json!(86_400), Some(86_400.0)),
        (json!("86400"), Some(86_400.0)),
        (json!(864_000), Some(864_000.0)),
        (json!(1e300), Some(f64::INFINITY)),
        (json!("inf"), Some(f64::INFINITY)),
        (json!(u64::MAX), Some(f64::INFINITY)),
        (json!("99999999999999999999999999"), Some(f64::INFINITY)),
    ] {
        play(async |log| {
            let stage = Stage::new().await;
            stage.simulator.configure(|settings| settings.stated_expiration = Some(stated.clone()));
            let name = "acme";
            let (_, account) = full_account(&stage, name);
            let mut config = config(vec![account]);
            config.poll.verify_login = hours(1);
            let exporter = stage.polled_exporter(config).await;
            let samples = &scrape(&exporter).await[name];
            let expiry = samples.value("lyvecloud_session_expiry_timestamp_seconds", &[]);
            let collector = (name, Collector::CREDENTIALS);
            let failure = believed.is_none().then_some(Reason::Decode);
            assert_failures(samples, collector, failure, 1.0);
            match believed {
                None => {
                    assert_eq!(expiry, None, "{stated}");
                    log.warnings().assert_failure(collector, Reason::Decode, NO_LIFETIME, 30);
                }
                Some(seconds) => {
                    let end = (at(NOW).as_second() as f64 + seconds)
                        .min(jiff::Timestamp::MAX.as_millisecond() as f64 / 1000.0);
                    assert_eq!(expiry, Some(end), "{stated}");
                }
            }
            // The token works all the same: the others need no more than the one login.
            for other in Collector::ACCOUNT_V2.into_iter().filter(|other| *other != Collector::CREDENTIALS) {
                assert_failures(samples, (name, other), None, 0.0);
            }
            assert_eq!(stage.simulator.request_count(Endpoint::Login), 1, "{stated}");
            // An hour of the shortest interval brings no more than a login for each poll.
            for _ in 0..12 {
                exporter.next_poll(name, Collector::CREDENTIALS, minutes(5)).await;
            }
            settle(&stage, &exporter).await;
            let polled = || {
                let state = exporter.state(name);
                Collector::ACCOUNT_V2.iter().map(|collector| state.health(*collector).polls).sum::<u64>()
            };
            let logins = stage.simulator.request_count(Endpoint::Login);
            let others = stage.simulator.request_count(None) - logins;
            let no_more = |_: &_| polled() >= others as u64;
            exporter.until("there is a poll for each request: none is repeated", no_more).await;
            assert!(logins as u64 <= polled(), "{stated}: {logins} logins");
            if believed.is_some_and(|seconds| seconds > 7200.0) {
                assert_eq!(logins, 2, "{stated}: the first one, and the check of the hour");
            }
            assert_nothing_leaked(&stage, &exporter, &log).await;
        });
    }
}
