use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::api::testing::{Notes, Reply, Request, Vendor};
use crate::clock::Manual;
use crate::config::SecretSource;
use crate::model::Expiry;

pub(super) const USAGE: &str =
    r#"{"usageByBucket":{"numBuckets":1,"totalUsageGB":2,"buckets":[{"name":"a","usageGB":2}]}}"#;
pub(super) const DEAD: &str = r#"{"code":"ExpiredToken","message":"canary"}"#;
pub(super) const REJECTED: &str = r#"{"code":"AuthenticationFailed ","message":"canary"}"#;

pub(super) struct Setup {
    pub(super) vendor: Vendor,
    account: config::Account,
    pub(super) client: Arc<Client>,
    pub(super) clock: Manual,
    pub(super) notes: Arc<Notes>,
    pub(super) directory: tempfile::TempDir,
}

impl Setup {
    pub(super) async fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let vendor = Vendor::start(handler).await;
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("secret"), "canary-secret\n").unwrap();
        let account = config::Account {
            name: "production".to_owned(),
            api: config::Api::AccountV2 { base_url: vendor.url("http") },
            account_id: "acme".to_owned(),
            access_key: SecretSource::Inline(Secret::new("canary-key".to_owned())),
            secret: SecretSource::File(directory.path().join("secret")),
            credential: Expiry::Unknown,
            ca_file: None,
            price: None,
            credential_warning: None,
            usage_drop: None,
        };
        let clock = Manual::new("2026-11-24T12:00:00Z".parse().unwrap());
        let notes = Arc::new(Notes::default());
        Self { client: Arc::new(client(&account, &clock, &notes)), vendor, account, clock, notes, directory }
    }

    pub(super) fn another_client(&self) -> Client {
        client(&self.account, &self.clock, &Arc::default())
    }

    pub(super) async fn usage(&self) -> Result<(), ApiError> {
        let usage = self.client.current_usage().await.inspect_err(|error| {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
        })?;
        assert_eq!(usage.data.usage_bytes, Some(2_000_000_000));
        Ok(())
    }

    pub(super) fn write_secret(&self, secret: &str) {
        std::fs::write(self.directory.path().join("secret"), secret).unwrap();
    }

    pub(super) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
}

fn client(account: &config::Account, clock: &Manual, notes: &Arc<Notes>) -> Client {
    let transport = Transport::new(Duration::from_secs(20)).unwrap();
    Client::new(account, account.address(), transport, Arc::new(clock.clone()), notes.clone())
}

/// Gives a token that is numbered by login, and usage for the newest token only.
pub(super) fn well_behaved(expiration: &'static str) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let logins = AtomicUsize::new(0);
    move |request| {
        if request.is_login() {
            let number = logins.fetch_add(1, Ordering::SeqCst) + 1;
            return Reply::json(format!(r#"{{"token":"canary-{number}","expirationSec":{expiration}}}"#));
        }
        let newest = format!("Bearer canary-{}", logins.load(Ordering::SeqCst));
        if request.header("authorization") == Some(&newest) {
            Reply::json(USAGE)
        } else {
            Reply::status(400, DEAD)
        }
    }
}

#[tokio::test]
async fn other_failures_cost_no_login() {
    let setup = Setup::new(|request| {
        if request.is_login() {
            return Reply::json(r#"{"token":"canary","expirationSec":86400}"#);
        }
        match request.line.split(' ').nth(1) {
            Some("/v2/usage/current") => Reply::with(429, "retry-after: 90\r\n", ""),
            Some("/v2/permissions") => Reply::status(403, r#"{"code":"NoServiceAvailable"}"#),
            _ => Reply::status(200, "<html>canary</html>"),
        }
    })
    .await;
    let error = setup.usage().await.unwrap_err();
    assert_eq!((error.reason, error.retry_after), (Reason::RateLimited, Some(Duration::from_secs(90))));
    let error = setup.client.permissions().await.unwrap_err();
    assert_eq!((error.reason, error.code.as_deref()), (Reason::Forbidden, Some("NoServiceAvailable")));
    let error = setup.client.service_accounts().await.unwrap_err();
    assert_eq!((error.reason, error.status), (Reason::Decode, Some(200)));
    assert_eq!(error.to_string(), "GET /service-accounts: the answer is not JSON (it begins with `<`)");
    assert_eq!(setup.vendor.logins(), 1);
}

fn month(year: i32, number: i32) -> Month {
    Month::new(year, number).unwrap()
}

#[tokio::test]
async fn a_long_history_is_asked_for_in_parts_and_put_together() {
    let setup = Setup::new(|request| {
        if request.is_login() {
            return Reply::json(r#"{"token":"canary","expirationSec":86400}"#);
        }
        let month = match request.line.split(' ').nth(1) {
            Some("/v2/usage/monthly?fromMonth=9&fromYear=2025&toMonth=2&toYear=2026") => {
                r#""year":2025,"month":11"#
            }
            Some("/v2/usage/monthly?fromMonth=3&fromYear=2026&toMonth=8&toYear=2026") => {
                r#""year":2026,"month":8"#
            }
            Some("/v2/usage/monthly?fromMonth=9&fromYear=2026&toMonth=9&toYear=2026") => {
                r#""year":2026,"month":9"#
            }
            _ => return Reply::status(400, r#"{"code":"InvalidTimeRange"}"#),
        };
        Reply::json(format!(
            r#"{{"usageByBucket":[{{{month},"totalUsageGB":1,"buckets":[{{"name":"a","usageGB":1}}]}}]}}"#
        ))
    })
    .await;
    let answer = setup.client.monthly_usage(month(2025, 10), month(2026, 10), Zeros::NoData).await.unwrap();
    let months: Vec<_> = answer.data.months.iter().map(|total| total.month.to_string()).collect();
    assert_eq!(months, ["2025-12", "2026-09", "2026-10"]);
    assert_eq!(answer.data.buckets.len(), 1);
    assert_eq!(answer.data.buckets[0].months.len(), 3);

    let nothing = setup.client.monthly_usage(month(2026, 10), month(2026, 9), Zeros::NoData).await;
    assert_eq!(nothing.unwrap().data, MonthlyUsage::default());
    assert_eq!(setup.vendor.requests().len(), 4);
}

#[tokio::test]
async fn a_history_of_which_one_part_fails_fails() {
    let setup = Setup::new(|request| {
        if request.is_login() {
            Reply::json(r#"{"token":"canary","expirationSec":86400}"#)
        } else if request.line.contains("toYear=2026") {
            Reply::status(500, "")
        } else {
            Reply::json(r#"{"usageByBucket":[{"year":2025,"month":11,"totalUsageGB":1}]}"#)
        }
    })
    .await;
    let error = setup.client.monthly_usage(month(2025, 7), month(2026, 6), Zeros::NoData).await.unwrap_err();
    assert_eq!(error.reason, Reason::Server);
}

#[tokio::test]
async fn what_an_answer_repeats_of_the_secret_or_the_token_is_left_out() {
    // Letters alone, so that it looks like a code too.
    const SECRET: &str = "canarysecret";
    let setup = Setup::new(|request| {
        if request.is_login() {
            return Reply::json(r#"{"token":"canary-token","expirationSec":86400}"#);
        }
        Reply::json(match request.line.split(' ').nth(1).and_then(|path| path.split('?').next()) {
            Some("/v2/usage/current") => {
                r#"{"usageByBucket":{"buckets":[{"name":"a"},{"name":"my-canarysecret"},{"name":"canary-token"}]},
                    "usageBySubAccount":{"subAccounts":[{"subAccountId":"s","subAccountName":"canarysecret"}]}}"#
            }
            Some("/v2/usage/monthly") => {
                r#"{"usageByBucket":[{"year":2026,"month":5,"totalUsageGB":1,
                    "buckets":[{"name":"a","usageGB":1},{"name":"canary-token","usageGB":1}]}]}"#
            }
            Some("/v2/service-accounts") => {
                r#"[{"id":"a","name":"n","expirationDate":"soon"},{"id":"canary-token","expirationDate":"soon"},
                    {"id":"b","name":"x canarysecret"}]"#
            }
            _ => return Reply::status(403, format!(r#"{{"code":"{SECRET}"}}"#)),
        })
    })
    .await;
    setup.write_secret(SECRET);
    let invalid = |dropped: &crate::model::Dropped| dropped.get(crate::model::DropReason::Invalid);
    let client = &setup.client;
    let usage = client.current_usage().await.unwrap();
    assert_eq!(invalid(&usage.dropped), 3);
    assert_eq!((usage.data.buckets.len(), usage.data.sub_accounts.len()), (1, 0));
    let months = client.monthly_usage(month(2026, 5), month(2026, 10), Zeros::NoData).await.unwrap();
    assert_eq!((invalid(&months.dropped), months.data.buckets.len()), (1, 1));
    let accounts = client.service_accounts().await.unwrap();
    assert_eq!((invalid(&accounts.dropped), accounts.data.len()), (2, 1));
    let error = client.permissions().await.unwrap_err();
    let shown = format!("{usage:?} {months:?} {accounts:?} {error:?} {error}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_base_url_with_a_slash_at_its_end_works() {
    for base in ["http://host/v2", "http://host/v2/", "http://host/v2//"] {
        assert_eq!(url(&base.parse().unwrap(), Endpoint::Permissions).as_str(), "http://host/v2/permissions");
    }
    assert_eq!(url(&"http://host".parse().unwrap(), Endpoint::Login).as_str(), "http://host/auth/token");
}
