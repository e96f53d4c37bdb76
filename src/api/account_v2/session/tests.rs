use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::api::account_v2::tests::{DEAD, REJECTED, Setup, USAGE, well_behaved};
use crate::api::testing::Reply;
use crate::api::{Api as _, Endpoint, LoginResult, Reason};

#[tokio::test]
async fn logs_in_once_and_keeps_the_token() {
    let setup = Setup::new(well_behaved("86400")).await;
    setup.usage().await.unwrap();
    setup.usage().await.unwrap();
    let requests = setup.vendor.requests();
    let lines: Vec<_> = requests.iter().map(|request| &*request.line).collect();
    assert_eq!(
        lines,
        ["POST /v2/auth/token HTTP/1.1", "GET /v2/usage/current HTTP/1.1", "GET /v2/usage/current HTTP/1.1",]
    );
    assert_eq!(requests[0].body, r#"{"accountId":"acme","accessKey":"canary-key","secret":"canary-secret"}"#);
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(setup.notes.logins(), [LoginResult::Accepted]);
    assert_eq!(
        setup.notes.requests(),
        [(Endpoint::Login, Ok(200)), (Endpoint::CurrentUsage, Ok(200)), (Endpoint::CurrentUsage, Ok(200)),]
    );
}

#[tokio::test]
async fn renews_before_the_token_runs_out() {
    // (life, still used, renewed): the margin is five minutes, or a tenth of a short life.
    for (life, used, renewed) in [
        ("86400", 86_099, 86_100),
        (r#""86400""#, 86_099, 86_100),
        ("100", 89, 90),
        // Nothing that makes sense: used until it is rejected.
        ("0", 1_000_000, 0),
        ("-1", 1_000_000, 0),
        (r#""soon""#, 1_000_000, 0),
        ("null", 1_000_000, 0),
        ("{}", 1_000_000, 0),
        ("1e300", 1_000_000, 0),
    ] {
        let setup = Setup::new(well_behaved(life)).await;
        setup.usage().await.unwrap();
        setup.clock.advance(Duration::from_secs(used));
        setup.usage().await.unwrap();
        assert_eq!(setup.vendor.logins(), 1, "{life}");
        if renewed > used {
            setup.clock.advance(Duration::from_secs(renewed - used));
            setup.usage().await.unwrap();
            assert_eq!(setup.vendor.logins(), 2, "{life}");
        }
    }
}

#[tokio::test]
async fn a_dead_token_costs_one_login_and_one_replay() {
    let setup = Setup::new(well_behaved("86400")).await;
    setup.usage().await.unwrap();
    // Another client of the same credentials logs in, so the first token is no longer the newest.
    setup.another_client().login_now().await.unwrap();
    setup.usage().await.unwrap();
    assert_eq!(setup.vendor.logins(), 3);
    assert_eq!(
        setup.notes.requests()[2..],
        [(Endpoint::CurrentUsage, Ok(400)), (Endpoint::Login, Ok(200)), (Endpoint::CurrentUsage, Ok(200)),]
    );
}

#[tokio::test]
async fn a_new_token_that_is_dead_as_well_is_no_reason_to_go_on() {
    const UNAUTHORIZED: &str = r#"{"code":"Unauthorized","message":""}"#;
    for (status, body) in
        [(400, DEAD), (400, r#"{"code":"InvalidToken"}"#), (401, UNAUTHORIZED), (403, REJECTED)]
    {
        let setup = Setup::new(move |request| {
            if request.is_login() {
                Reply::json(r#"{"token":"canary","expirationSec":86400}"#)
            } else {
                Reply::status(status, body)
            }
        })
        .await;
        let error = setup.usage().await.unwrap_err();
        assert_eq!((error.reason, error.status), (Reason::Auth, Some(status)));
        assert_eq!(error.endpoint, Endpoint::CurrentUsage);
        assert!(error.detail.ends_with("although it comes from a new login"));
        assert_eq!(setup.vendor.requests().len(), 4, "{status} {body}");
    }
}

#[tokio::test]
async fn twenty_collectors_share_one_login() {
    let gate = Arc::new(Semaphore::new(0));
    let handler = well_behaved("86400");
    let setup = Setup::new({
        let gate = Arc::clone(&gate);
        move |request| {
            let reply = handler(request);
            if request.is_login() { Reply::After(Arc::clone(&gate), Box::new(reply)) } else { reply }
        }
    })
    .await;
    let collect = || {
        let client = Arc::clone(&setup.client);
        tokio::spawn(async move { client.current_usage().await.map(|_| ()) })
    };
    let callers: Vec<_> = (0..20).map(|_| collect()).collect();
    setup.vendor.requested(1).await;
    gate.add_permits(1);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(setup.vendor.logins(), 1);
}

#[tokio::test]
async fn twenty_collectors_with_the_same_dead_token_share_one_login() {
    let logins = AtomicUsize::new(0);
    let gate = Arc::new(Semaphore::new(0));
    let setup = Setup::new({
        let gate = Arc::clone(&gate);
        move |request| {
            if request.is_login() {
                let number = logins.fetch_add(1, Ordering::SeqCst) + 1;
                Reply::json(format!(r#"{{"token":"canary-{number}","expirationSec":86400}}"#))
            } else if request.header("authorization") == Some("Bearer canary-1") {
                // Nobody hears of it before all have asked.
                Reply::After(Arc::clone(&gate), Box::new(Reply::status(401, "")))
            } else {
                Reply::json(USAGE)
            }
        }
    })
    .await;
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let client = Arc::clone(&setup.client);
            tokio::spawn(async move { client.current_usage().await.map(|_| ()) })
        })
        .collect();
    setup.vendor.requested(21).await;
    gate.add_permits(20);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(setup.vendor.logins(), 2);
}

#[tokio::test]
async fn those_who_waited_for_a_failed_login_take_its_end() {
    let gate = Arc::new(Semaphore::new(0));
    let setup = Setup::new({
        let gate = Arc::clone(&gate);
        move |_| Reply::After(Arc::clone(&gate), Box::new(Reply::status(503, "")))
    })
    .await;
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let client = Arc::clone(&setup.client);
            tokio::spawn(async move { client.current_usage().await.map(|_| ()) })
        })
        .collect();
    setup.vendor.requested(1).await;
    tokio::task::yield_now().await;
    gate.add_permits(100);
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap_err().reason, Reason::Server);
    }
    assert_eq!(setup.vendor.logins(), 1);
    // It is not remembered beyond that.
    setup.usage().await.unwrap_err();
    assert_eq!(setup.vendor.logins(), 2);
    assert_eq!(setup.notes.logins(), [LoginResult::Failed; 2]);
}

#[tokio::test]
async fn a_caller_that_is_dropped_in_its_login_leaves_the_others_theirs() {
    let gate = Arc::new(Semaphore::new(0));
    let handler = well_behaved("86400");
    let setup = Setup::new({
        let gate = Arc::clone(&gate);
        move |request| {
            let reply = handler(request);
            if request.is_login() { Reply::After(Arc::clone(&gate), Box::new(reply)) } else { reply }
        }
    })
    .await;
    let call = || {
        let client = Arc::clone(&setup.client);
        tokio::spawn(async move { client.current_usage().await.map(|_| ()) })
    };
    let first = call();
    setup.vendor.requested(1).await;
    let second = call();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    setup.vendor.requested(2).await;
    gate.add_permits(2);
    second.await.unwrap().unwrap();
    assert_eq!(setup.vendor.logins(), 2);
}

#[tokio::test]
async fn a_rejection_is_remembered_with_a_backoff_of_its_own() {
    let setup = Setup::new(|_| Reply::status(403, REJECTED)).await;
    let first = setup.usage().await.unwrap_err();
    assert_eq!((first.reason, first.status), (Reason::Auth, Some(403)));
    assert_eq!(
        first.to_string(),
        "POST /auth/token: 403 (AuthenticationFailed): the credentials are rejected: mistyped, or expired, \
         regenerated or deleted; compare account_id, access_key and secret"
    );
    assert_eq!(setup.usage().await.unwrap_err(), first);
    assert_eq!(setup.client.permissions().await.unwrap_err(), first);
    assert_eq!(setup.vendor.requests().len(), 1);

    let minutes = [1, 2, 4, 8, 16, 32, 60, 60];
    for (asked_before, wait) in minutes.into_iter().enumerate() {
        setup.clock.advance(Duration::from_secs(wait * 60 - 1));
        setup.usage().await.unwrap_err();
        assert_eq!(setup.vendor.logins(), asked_before + 1, "before {wait} minutes");
        setup.clock.advance(Duration::from_secs(1));
        setup.usage().await.unwrap_err();
        assert_eq!(setup.vendor.logins(), asked_before + 2, "after {wait} minutes");
    }
    assert_eq!(setup.notes.logins(), vec![LoginResult::Rejected; minutes.len() + 1]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stretch_a_rejection() {
    let setup = Setup::new(|_| Reply::status(403, REJECTED)).await;
    setup.usage().await.unwrap_err();
    setup.clock.set(Setup::at("2020-01-01T00:00:00Z"));
    setup.usage().await.unwrap_err();
    assert_eq!(setup.vendor.logins(), 2);
}

#[tokio::test]
async fn a_new_secret_is_tried_at_once() {
    let setup = Setup::new(|request| {
        if !request.is_login() {
            Reply::json(USAGE)
        } else if request.body.contains("renewed") {
            Reply::json(r#"{"token":"canary","expirationSec":"86400"}"#)
        } else {
            Reply::status(403, REJECTED)
        }
    })
    .await;
    assert!(!setup.client.credentials_renewed().await);
    setup.usage().await.unwrap_err();
    assert!(!setup.client.credentials_renewed().await);
    setup.write_secret("also wrong");
    assert!(setup.client.credentials_renewed().await);
    setup.usage().await.unwrap_err();
    assert!(!setup.client.credentials_renewed().await);
    assert_eq!(setup.vendor.logins(), 2);

    // A file that is gone for a moment while it is replaced changes nothing.
    std::fs::remove_file(setup.directory.path().join("secret")).unwrap();
    assert_eq!(setup.usage().await.unwrap_err().status, Some(403));
    assert!(!setup.client.credentials_renewed().await);

    setup.write_secret("renewed\n");
    assert!(setup.client.credentials_renewed().await);
    setup.usage().await.unwrap();
    assert!(!setup.client.credentials_renewed().await);
    assert_eq!(setup.vendor.logins(), 3);
}

#[tokio::test]
async fn a_forced_login_asks_again() {
    let reject = Arc::new(AtomicBool::new(true));
    let setup = Setup::new({
        let reject = Arc::clone(&reject);
        move |request| {
            if !request.is_login() {
                Reply::json(USAGE)
            } else if reject.load(Ordering::SeqCst) {
                Reply::status(403, REJECTED)
            } else {
                Reply::json(r#"{"token":"canary","expirationSec":3600}"#)
            }
        }
    })
    .await;
    setup.usage().await.unwrap_err();
    setup.client.login_now().await.unwrap_err();
    assert_eq!(setup.vendor.logins(), 2);
    reject.store(false, Ordering::SeqCst);
    setup.usage().await.unwrap_err();
    assert_eq!(setup.vendor.logins(), 2);
    let session = setup.client.login_now().await.unwrap();
    assert_eq!(session.expires_at, Setup::at("2026-11-24T13:00:00Z"));
    setup.usage().await.unwrap();
    assert_eq!(setup.vendor.logins(), 3);

    // A rejection ends the session that there was.
    reject.store(true, Ordering::SeqCst);
    setup.client.login_now().await.unwrap_err();
    assert_eq!(setup.usage().await.unwrap_err().reason, Reason::Auth);
    assert_eq!(setup.vendor.logins(), 4);
}

#[tokio::test]
async fn a_failed_renewal_does_not_end_a_token_that_still_works() {
    let down = Arc::new(AtomicBool::new(false));
    let setup = Setup::new({
        let down = Arc::clone(&down);
        move |request| {
            if !request.is_login() {
                Reply::json(USAGE)
            } else if down.load(Ordering::SeqCst) {
                Reply::status(500, "")
            } else {
                Reply::json(r#"{"token":"canary","expirationSec":86400}"#)
            }
        }
    })
    .await;
    setup.usage().await.unwrap();
    down.store(true, Ordering::SeqCst);
    setup.clock.advance(Duration::from_secs(86_200));
    setup.usage().await.unwrap();
    assert_eq!(setup.vendor.logins(), 2);
    setup.clock.advance(Duration::from_secs(200));
    assert_eq!(setup.usage().await.unwrap_err().reason, Reason::Server);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named_by_its_file() {
    let setup = Setup::new(well_behaved("86400")).await;
    setup.write_secret("\n");
    let error = setup.usage().await.unwrap_err();
    assert_eq!(error.reason, Reason::Auth);
    assert!(error.detail.ends_with("secret is empty"), "{error}");
    assert!(setup.vendor.requests().is_empty());
    assert_eq!(setup.notes.logins(), [LoginResult::Failed]);
    setup.write_secret("canary-secret");
    setup.usage().await.unwrap();
}

#[tokio::test]
async fn the_session_says_how_long_it_lives() {
    let setup = Setup::new(|request| {
        if request.is_login() {
            Reply::json(r#"{"token":"canary","expirationSec":86400}"#)
        } else if request.line.starts_with("GET /v2/auth/token ") {
            Reply::json(r#"{"expirationSec":"600"}"#)
        } else {
            Reply::json(USAGE)
        }
    })
    .await;
    let session = setup.client.session().await.unwrap();
    assert_eq!(session.expires_at, Setup::at("2026-11-24T12:10:00Z"));
    assert_eq!(setup.vendor.requests()[1].header("authorization"), Some("Bearer canary"));
    // From then on that is when it ends, and it is renewed before.
    setup.clock.advance(Duration::from_secs(299));
    setup.usage().await.unwrap();
    assert_eq!(setup.vendor.logins(), 1);
    setup.clock.advance(Duration::from_secs(1));
    setup.usage().await.unwrap();
    assert_eq!(setup.vendor.logins(), 2);
}

#[tokio::test]
async fn a_session_without_a_length_is_used_but_not_told() {
    let setup = Setup::new(|request| {
        if request.is_login() {
            Reply::json(r#"{"token":"canary"}"#)
        } else if request.line.starts_with("GET /v2/auth/token ") {
            Reply::json(r#"{"expirationSec":-1}"#)
        } else {
            Reply::json(USAGE)
        }
    })
    .await;
    for error in [setup.client.login_now().await.unwrap_err(), setup.client.session().await.unwrap_err()] {
        assert_eq!(error.reason, Reason::Decode);
        assert_eq!(&*error.detail, "expirationSec is missing, or no number of seconds");
    }
    setup.usage().await.unwrap();
    assert_eq!(setup.notes.logins(), [LoginResult::Accepted]);
}

#[tokio::test]
async fn a_token_that_is_none_is_rejected() {
    for token in [r#""""#, r#""two\r\nlines""#, r#""gr\u00fcn""#, "7", "null"] {
        let setup =
            Setup::new(move |_| Reply::json(format!(r#"{{"token":{token},"expirationSec":9}}"#))).await;
        assert_eq!(setup.usage().await.unwrap_err().reason, Reason::Decode, "{token}");
        assert_eq!(setup.notes.logins(), [LoginResult::Failed]);
    }
}

#[tokio::test]
async fn every_rejected_login_is_remembered_whoever_rejected_it() {
    const FORBIDDEN: &str = r#"{"code":"NoServiceAvailable","message":""}"#;
    for (status, body, reason) in [
        (403, "", Reason::Connect),
        (403, "<html>blocked", Reason::Connect),
        (403, FORBIDDEN, Reason::Forbidden),
        (400, DEAD, Reason::Request),
        (403, REJECTED, Reason::Auth),
    ] {
        let setup = Setup::new(move |_| Reply::status(status, body)).await;
        for _ in 0..20 {
            let error = setup.usage().await.unwrap_err();
            assert_eq!((error.reason, error.status), (reason, Some(status)), "{body}");
        }
        assert_eq!(setup.vendor.logins(), 1, "{status} {body}");
        setup.clock.advance(Duration::from_secs(60));
        setup.usage().await.unwrap_err();
        assert_eq!(setup.vendor.logins(), 2, "{status} {body}");
        // What is not the vendor's may be gone in a minute, the rest is asked less and less often.
        setup.clock.advance(Duration::from_secs(60));
        setup.usage().await.unwrap_err();
        let expected = if reason == Reason::Connect { 3 } else { 2 };
        assert_eq!(setup.vendor.logins(), expected, "{status} {body}");
    }
}
