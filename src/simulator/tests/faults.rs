use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;

use super::*;

/// The stage with a bucket, logged in, with a fault before the next current usage.
async fn failing(fault: Fault) -> (Stage, Client) {
    let stage = Stage::new().await;
    stage.acme.set_bucket_usage("backups", 534.51);
    let client = stage.log_in().await;
    stage.simulator.fail_once(Endpoint::CurrentUsage, fault);
    (stage, client)
}

#[tokio::test]
async fn errors_in_every_form() {
    let (_stage, client) =
        failing(Fault::error(429, "TooManyRequests", "slow down").retry_after("120")).await;
    let answer = client.get("/usage/current").await;
    assert_eq!(answer.error(), (429, "TooManyRequests".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("120"));
    assert_eq!(answer.json()["message"], json!("slow down"));
    assert_eq!(client.get("/usage/current").await.status, 200);

    let (_stage, client) = failing(Fault::error(500, 17, "")).await;
    assert_eq!(client.get("/usage/current").await.json(), json!({"code": 17, "message": ""}));

    let (_stage, client) = failing(Fault::empty(503)).await;
    let answer = client.get("/usage/current").await;
    assert_eq!((answer.status, answer.body.len()), (503, 0));

    let (_stage, client) = failing(Fault::html(502)).await;
    let answer = client.get("/usage/current").await;
    assert_eq!(answer.status, 502);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.body.starts_with(b"<!DOCTYPE html>"));

    let (_stage, client) = failing(Fault::redirect(302, "http://elsewhere.example/")).await;
    let answer = client.get("/usage/current").await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://elsewhere.example/")));
}

#[tokio::test]
async fn bodies_of_any_bytes() {
    let (_stage, client) = failing(Fault::raw("text/plain", &b"\xff\x00"[..])).await;
    let answer = client.get("/usage/current").await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"\xff\x00"[..]));
    assert_eq!(answer.header("content-type"), Some("text/plain"));

    let (_stage, client) = failing(Fault::gzip("no gzip at all")).await;
    let answer = client.get("/usage/current").await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.body, b"no gzip at all");
}

#[tokio::test]
async fn a_truncated_answer_announces_more_than_it_sends() {
    let (_stage, client) = failing(Fault::Truncated).await;
    let cut = client.get("/usage/current").await;
    let whole = client.get("/usage/current").await;
    assert_eq!(cut.status, 200);
    assert_eq!(cut.header("content-length"), whole.header("content-length"));
    assert_eq!(cut.body, whole.body[..whole.body.len() / 2]);
}

#[tokio::test]
async fn a_hang_in_the_middle_of_a_body_sends_the_first_half() {
    let (stage, client) = failing(Fault::HangMidBody).await;
    let mut stream = client.send("GET", "/usage/current", "").await.unwrap();
    let whole = client.get("/usage/current").await;
    let length: usize = whole.header("content-length").unwrap().parse().unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(&whole.body[..length / 2]) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
    assert_eq!(stage.simulator.in_flight(), 1);
}

#[tokio::test]
async fn a_hang_before_the_headers_lasts_as_long_as_the_client_waits() {
    let (stage, client) = failing(Fault::HangBeforeHeaders).await;
    let stream = client.send("GET", "/usage/current", "").await.unwrap();
    stage.simulator.wait_for_requests(Endpoint::CurrentUsage, 1).await;
    assert_eq!(stage.simulator.in_flight(), 1);
    drop(stream);
    while stage.simulator.in_flight() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_endless_answer_goes_on() {
    for (endpoint, path, opening) in [
        (Endpoint::CurrentUsage, "/usage/current", r#"{"usageByBucket":{"#),
        (Endpoint::MonthlyUsage, "/usage/monthly", r#"{"usageByBucket":["#),
        (Endpoint::Permissions, "/permissions", r#"[{"id":"#),
        (Endpoint::Session, "/auth/token", r#"{"description":"#),
    ] {
        let stage = Stage::new().await;
        let client = stage.log_in().await;
        stage.simulator.fail_once(endpoint, Fault::Endless);
        let mut stream = client.send("GET", path, "").await.unwrap();
        let mut bytes = vec![0; 1_000_000];
        stream.read_exact(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(opening), "{path}");
        assert!(text.contains("transfer-encoding: chunked"), "{path}");
    }
}

#[tokio::test]
async fn a_reset_gives_no_answer() {
    let (_stage, client) = failing(Fault::Reset).await;
    let failed = client.ask("GET", "/usage/current", "").await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ConnectionReset);
    assert_eq!(client.get("/usage/current").await.status, 200);
}

#[tokio::test]
async fn delay_and_latency_put_off_the_right_answer() {
    let (stage, client) = failing(Fault::Delay(Duration::from_millis(20))).await;
    stage.simulator.configure(|settings| settings.latency = Duration::from_millis(10));
    for (least, path) in [(30, "/usage/current"), (10, "/usage/current")] {
        let started = Instant::now();
        assert_eq!(client.get(path).await.status, 200);
        assert!(started.elapsed() >= Duration::from_millis(least));
    }
}

#[tokio::test]
async fn a_fault_of_one_account_leaves_the_others_alone() {
    let stage = Stage::new().await;
    let other = stage.simulator.account("other").secret("theirs");
    stage.acme.fail_always(None, Fault::empty(503));
    other.fail_once(Endpoint::Login, Fault::empty(500));
    let acme = || async { stage.client().log_in("acme", "AKEXAMPLE", "first").await.status };
    let theirs = || async { stage.client().log_in("other", "AKEXAMPLE", "theirs").await.status };
    assert_eq!((acme().await, theirs().await), (503, 500));
    assert_eq!((acme().await, theirs().await), (503, 200));
    stage.simulator.clear_faults();
    assert_eq!((acme().await, theirs().await), (200, 200));
}
