use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::civil::date;

use super::*;
use crate::api::testing::{Notes, Reply, Request, Vendor};
use crate::api::{Api as _, LoginResult};
use crate::clock::Manual;
use crate::config::{Secret, SecretSource};
use crate::model::{AccessKey, Bucket, Expiry};

const BUCKETS: &str = "<ListAllMyBucketsResult><Buckets><Bucket><Name>media</Name></Bucket><Bucket><Name>backups</Name>\
                       </Bucket></Buckets></ListAllMyBucketsResult>";
const STATS: &str = r#"{"backups": {"size": 5, "objects": 2}, "deleted": {"size": 9, "objects": 9}}"#;

struct Setup {
    vendor: Vendor,
    client: Arc<Client>,
    clock: Manual,
    notes: Arc<Notes>,
    directory: tempfile::TempDir,
}

impl Setup {
    async fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let vendor = Vendor::start(handler).await;
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("secret"), "canary-secret\n").unwrap();
        let mut url = vendor.url("http");
        url.set_path("/");
        let api =
            config::ObjectStorage { iam_url: url.clone(), s3_url: url, max_age: None, key_digest: None };
        let account = config::Account {
            name: "production".to_owned(),
            api: config::Api::ObjectStorage(api.clone()),
            account_id: "acme".to_owned(),
            access_key: SecretSource::Inline(Secret::new("AKEXAMPLE".to_owned())),
            secret: SecretSource::File(directory.path().join("secret")),
            credential: Expiry::Never,
            ca_file: None,
            price: None,
            credential_warning: None,
            usage_drop: None,
        };
        let clock = Manual::new("2026-11-24T12:00:00Z".parse().unwrap());
        let notes = Arc::new(Notes::default());
        let transport = Transport::new(Duration::from_secs(20)).unwrap();
        let client = Client::new(&account, &api, transport, Arc::new(clock.clone()), notes.clone());
        Self { vendor, client: Arc::new(client), clock, notes, directory }
    }

    /// Asks for the buckets; the clock goes on once so many requests have come.
    async fn buckets_with_a_second_try_after(&self, requests: usize) -> Result<Collected<Buckets>, ApiError> {
        let waiting = async {
            self.vendor.requested(requests).await;
            loop {
                tokio::task::yield_now().await;
                self.clock.advance(SECOND_TRY);
            }
        };
        tokio::select! {
            answer = self.client.buckets() => answer,
            () = waiting => unreachable!(),
        }
    }
}

fn action(request: &Request) -> Option<String> {
    let pairs = form_urlencoded::parse(request.body.as_bytes());
    pairs.into_iter().find(|(name, _)| name == "Action").map(|(_, value)| value.into_owned())
}

fn good(request: &Request) -> Reply {
    match (request.line.as_str(), action(request).as_deref()) {
        ("GET / HTTP/1.1", None) => Reply::json(BUCKETS),
        ("GET /?rs-bucket-stats= HTTP/1.1", None) => Reply::json(STATS),
        (_, Some("RSListBillingData")) => Reply::json(
            r#"{"UsedSpace": [{"Date": "2026-11-24T00:00:00Z", "UsedSpace": 3}, {"Date": "2026-11-23T00:00:00Z", "UsedSpace": 7},
                {"Date": "2025-11-24T00:00:00Z", "UsedSpace": 1}]}"#,
        ),
        (_, Some("RSGetUserInfo")) => Reply::json(
            r#"[{"Name": "root", "Type": "root"}, {"Name": "b&b", "Type": "user", "PwdMustChange": true}]"#,
        ),
        (_, Some("ListUsers")) => Reply::json(
            "<ListUsersResponse><Users><member><UserName>b&amp;b</UserName></member><member><UserName>c</UserName></member>\
             </Users></ListUsersResponse>",
        ),
        (_, Some("ListAccessKeys")) if request.body.contains("UserName=root") => {
            Reply::status(404, "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>")
        }
        (_, Some("ListAccessKeys")) => Reply::json(
            "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>AK1</AccessKeyId><Status>Active</Status>\
             </member></AccessKeyMetadata></ListAccessKeysResponse>",
        ),
        _ => Reply::status(400, "IAM: Missing Action or Version param"),
    }
}

#[tokio::test]
async fn requests_are_signed_for_their_host() {
    let setup = Setup::new(good).await;
    let answer = setup.client.buckets().await.unwrap();
    let bucket = |name: &str, size_bytes, objects| Bucket { name: name.into(), size_bytes, objects };
    assert_eq!(answer.data.count, 2);
    assert_eq!(answer.data.buckets, [bucket("backups", Some(5), Some(2)), bucket("media", None, None)]);
    setup.client.billing(date(2026, 11, 1), date(2026, 11, 24)).await.unwrap();

    let requests = setup.vendor.requests();
    for (request, service, signed) in [
        (&requests[0], "s3", "host;x-amz-content-sha256;x-amz-date"),
        (&requests[1], "s3", "host;x-amz-content-sha256;x-amz-date"),
        (&requests[2], "iam", "content-type;host;x-amz-date"),
    ] {
        let authorization = request.header("authorization").unwrap();
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20261124/us-east-1/{service}/aws4_request, SignedHeaders={signed}, "
        );
        assert!(authorization.starts_with(&expected), "{authorization}");
        assert_eq!(request.header("x-amz-date"), Some("20261124T120000Z"));
        assert!(!format!("{request:?}").contains("canary"));
    }
    assert_eq!(requests[2].line, "POST / HTTP/1.1");
    assert_eq!(
        requests[2].body,
        "Action=RSListBillingData&Version=2010-05-08&From=2026-11-01T00%3A00%3A00.000Z&Till=2026-11-24T00%3A00%3A00.000Z"
    );
    assert_eq!(setup.notes.logins(), [LoginResult::Accepted; 3]);
}

#[tokio::test]
async fn a_long_time_is_asked_for_in_parts_and_the_running_day_left_out() {
    let setup = Setup::new(good).await;
    let answer = setup.client.billing(date(2024, 11, 1), date(2026, 11, 24)).await.unwrap();
    let days: Vec<_> = answer.data.days.iter().map(|day| (day.day.to_string(), day.used_bytes)).collect();
    assert_eq!(days, [("2025-11-24".to_owned(), Some(1)), ("2026-11-23".to_owned(), Some(7))]);
    assert_eq!((answer.data.first, answer.data.last), (date(2024, 11, 1), date(2026, 11, 23)));
    let asked: Vec<_> = setup.vendor.requests().iter().map(|request| request.body.clone()).collect();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].contains("From=2024-11-01T") && asked[0].contains("Till=2025-11-01T"), "{}", asked[0]);
    assert!(asked[1].contains("From=2025-11-02T") && asked[1].contains("Till=2026-11-02T"), "{}", asked[1]);
}

#[tokio::test]
async fn users_come_from_both_lists_with_their_keys() {
    let setup = Setup::new(good).await;
    let answer = setup.client.keys().await.unwrap();
    let key = AccessKey { id: "AK1".into(), active: Some(true), created: None };
    let [both, listed, root] = &answer.data[..] else { panic!("{:?}", answer.data) };
    assert_eq!((&*root.name, &*root.kind), ("root", "root"));
    assert_eq!(root.keys, [], "the vendor does not tell");
    assert_eq!((&*both.name, &*both.kind, both.password_change_required), ("b&b", "user", Some(true)));
    assert_eq!((&*listed.name, &*listed.kind, listed.password_change_required), ("c", "", None));
    assert_eq!(both.keys, std::slice::from_ref(&key));
    assert_eq!(listed.keys, [key]);
    let asked: Vec<_> = setup.vendor.requests().iter().map(|request| request.body.clone()).collect();
    assert!(asked.iter().any(|body| body.contains("UserName=b%26b")), "{asked:?}");
}

#[tokio::test]
async fn another_key_than_the_root_one_gets_all_but_billing() {
    let setup = Setup::new(|request| match action(request).as_deref() {
        Some("RSListBillingData" | "RSGetUserInfo") => Reply::status(400, "IAM: Action not supported"),
        _ => good(request),
    })
    .await;
    let error = setup.client.billing(date(2026, 11, 1), date(2026, 11, 24)).await.unwrap_err();
    assert_eq!(error.reason, Reason::Forbidden);
    assert!(error.to_string().ends_with("billing needs the account's root key"), "{error}");
    assert!(setup.client.buckets().await.is_ok());
    let users = setup.client.keys().await.unwrap().data;
    assert!(users.iter().all(|user| user.password_change_required.is_none() && user.keys.len() == 1));
    assert_eq!(setup.notes.logins().iter().filter(|login| **login == LoginResult::Rejected).count(), 0);
}

#[tokio::test]
async fn a_lone_403_is_asked_once_more_and_does_not_count() {
    let seen = AtomicUsize::new(0);
    let setup = Setup::new(move |request| match seen.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status(403, "<Error><Code>InvalidAccessKeyId</Code></Error>"),
        _ => good(request),
    })
    .await;
    let answer = setup.buckets_with_a_second_try_after(1).await;
    assert_eq!(answer.unwrap().data.count, 2);
    assert_eq!(setup.notes.logins(), [LoginResult::Accepted; 2]);
    assert_eq!(setup.notes.requests()[0], (Endpoint::ListBuckets, Ok(403)));
}

#[tokio::test]
async fn a_rejected_key_is_left_alone_until_it_is_another_one() {
    let rejected = "<Error><Code>SignatureDoesNotMatch</Code><Message>canary</Message></Error>";
    let setup = Setup::new(move |_| Reply::status(403, rejected)).await;
    let error = setup.buckets_with_a_second_try_after(1).await.unwrap_err();
    assert_eq!(error.reason, Reason::Auth);
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert_eq!(setup.vendor.requests().len(), 2);
    assert_eq!(setup.notes.logins(), [LoginResult::Rejected]);
    // The clock went on by more than one wait; the rejection is as old as the last of them.
    let since = setup.clock.now();
    assert_eq!(setup.client.keys().await.unwrap_err().reason, Reason::Auth);
    assert_eq!(setup.vendor.requests().len(), 2, "no request within a minute");
    assert!(!setup.client.credentials_renewed().await);
    std::fs::write(setup.directory.path().join("secret"), "another").unwrap();
    assert!(setup.client.credentials_renewed().await);
    assert_eq!(setup.clock.now(), since);
    assert!(setup.buckets_with_a_second_try_after(3).await.is_err());
    assert_eq!(setup.vendor.requests().len(), 4, "the new one is tried at once");
}

#[tokio::test]
async fn collectors_that_start_together_try_a_key_once() {
    let setup = Setup::new(|_| Reply::status(401, "<Error><Code>Unauthorized</Code></Error>")).await;
    let billing = setup.client.billing(date(2026, 11, 1), date(2026, 11, 24));
    let (billing, buckets, keys) = tokio::join!(billing, setup.client.buckets(), setup.client.keys());
    for reason in [billing.unwrap_err().reason, buckets.unwrap_err().reason, keys.unwrap_err().reason] {
        assert_eq!(reason, Reason::Auth);
    }
    assert_eq!(setup.vendor.requests().len(), 1);
}

#[tokio::test]
async fn a_signed_request_is_never_sent_elsewhere() {
    let setup = Setup::new(|_| Reply::with(307, "location: /elsewhere\r\n", "")).await;
    let error = setup.client.buckets().await.unwrap_err();
    assert_eq!(error.reason, Reason::Request);
    assert!(error.to_string().contains("not followed, check iam_url, s3_url or region"), "{error}");
    assert_eq!(setup.vendor.requests().len(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_read_makes_no_request() {
    let setup = Setup::new(good).await;
    std::fs::remove_file(setup.directory.path().join("secret")).unwrap();
    assert_eq!(setup.client.buckets().await.unwrap_err().reason, Reason::Auth);
    assert_eq!(setup.vendor.requests().len(), 0);
    assert_eq!(setup.notes.logins(), [LoginResult::Failed]);
}

#[tokio::test]
async fn what_repeats_the_secret_is_left_out() {
    let setup = Setup::new(|request| match (request.line.as_str(), action(request).as_deref()) {
        ("GET / HTTP/1.1", None) => Reply::json(BUCKETS.replace("media", "my-canary-secret")),
        (_, Some("RSListBillingData")) => Reply::json(
            r#"{"UsedSpace": [{"Date": "2026-11-23T00:00:00Z", "UsedSpace": 7}],
                "Stats": {"canary-secret": [{"Date": "2026-11-23T00:00:00Z", "UploadBytes": 1}]}}"#,
        ),
        (_, Some("RSGetUserInfo")) => Reply::json(r#"[{"Name": "canary-secret", "Type": "root"}, {"Name": "b"}]"#),
        (_, Some("ListAccessKeys")) => Reply::json(
            "<ListAccessKeysResponse><AccessKeyMetadata><member><AccessKeyId>canary-secret</AccessKeyId></member>\
             </AccessKeyMetadata></ListAccessKeysResponse>",
        ),
        _ => good(request),
    })
    .await;
    let invalid = |dropped: &Dropped| dropped.get(DropReason::Invalid);
    let buckets = setup.client.buckets().await.unwrap();
    assert_eq!((invalid(&buckets.dropped), buckets.data.buckets.len()), (1, 1));
    let billing = setup.client.billing(date(2026, 11, 1), date(2026, 11, 24)).await.unwrap();
    assert_eq!((invalid(&billing.dropped), billing.data.regions.len()), (1, 0));
    let users = setup.client.keys().await.unwrap();
    // The keys of four users, and one of the users.
    assert!(invalid(&users.dropped) > 1, "{users:?}");
    assert!(users.data.iter().all(|user| user.keys.is_empty()));
    let shown = format!("{buckets:?} {billing:?} {users:?}");
    assert!(!shown.contains("canary"), "{shown}");
}
