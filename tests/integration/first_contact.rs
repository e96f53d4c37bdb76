//! The first contact with the vendor: what `check --live` says of it, and what its report holds.

use std::sync::Arc;
use std::time::Duration;

use lyve_cloud_exporter::api::Proxies;
use lyve_cloud_exporter::clock::{Clock, Manual};
use lyve_cloud_exporter::command::{Findings, check};
use lyve_cloud_exporter::config::Config;
use lyve_cloud_exporter::model::Month;
use lyve_cloud_exporter::simulator::{
    Actions, Endpoint, Fault, Permission, ServiceAccount, Simulator, SubAccount, User, UserKind,
};
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::{NOW, at};

mod deviations;

/// Nobody waits longer than this for an answer.
const WAIT: Duration = Duration::from_secs(2);

/// What a user has: everything that a report must not repeat.
#[derive(Clone, Debug)]
struct Inventory {
    words: Vec<String>,
    figures: Vec<f64>,
    counts: Vec<u64>,
    fault: u8,
}

impl Inventory {
    fn word(&self, index: usize) -> &str {
        &self.words[index % self.words.len()]
    }

    fn figure(&self, index: usize) -> f64 {
        self.figures[index % self.figures.len()]
    }

    fn count(&self, index: usize) -> u64 {
        self.counts[index % self.counts.len()]
    }

    /// Everything that is written in the configuration or in an answer.
    fn values(&self) -> Vec<String> {
        let figures = self.figures.iter().map(ToString::to_string);
        let counts = self.counts.iter().map(ToString::to_string);
        self.words.iter().cloned().chain(figures).chain(counts).collect()
    }
}

fn inventory() -> impl Strategy<Value = Inventory> {
    // Names in every form: plain words, which could be keys of a schema, and what only a name can be.
    let word = prop_oneof![
        "[a-z]{6,12}q[a-z]{2,6}",
        "[A-Za-z]{8,20}",
        "[a-z0-9][a-z0-9.-]{6,30}[a-z0-9]",
        "[0-9a-f]{24}"
    ];
    (
        prop::collection::vec(word, 12),
        prop::collection::vec(0.001_f64..1e6, 4),
        prop::collection::vec(4000_u64..90_000_000, 4),
        0_u8..8,
    )
        .prop_map(|(words, figures, counts, fault)| Inventory { words, figures, counts, fault })
}

async fn run(inventory: &Inventory) -> (Findings, String) {
    let clock: Arc<dyn Clock> = Arc::new(Manual::new(at(NOW)));
    let simulator = Simulator::start(Arc::clone(&clock)).await.unwrap();
    let word = |index| inventory.word(index);
    let august: Month = "2026-08".parse().unwrap();
    simulator
        .account(word(0))
        .access_key(word(1))
        .secret(word(2))
        .master()
        .bucket(word(3), inventory.figure(0))
        .bucket(word(4), inventory.figure(1))
        .month(august, &[(word(5), inventory.figure(2))])
        .sub_account(SubAccount::new(word(6), word(7), inventory.figure(3)).counts(
            inventory.count(0),
            inventory.count(1),
            inventory.count(2),
        ))
        .service_account(ServiceAccount::new(word(8), word(9)).described(word(10)))
        .permission(
            Permission::bucket_prefix(word(11), word(3), word(5), Actions::ReadOnly).described(word(4)),
        );
    let user = User::new(word(6), at(NOW)).kind(UserKind::User).key(word(7), at(NOW));
    let archive = simulator.object_storage_account(word(0)).access_key(word(1)).secret(word(2)).user(user);
    for (index, name) in [3, 4].into_iter().enumerate() {
        archive.clone().bucket(word(name), inventory.count(index), inventory.count(index + 1));
    }
    // Answers in another form, in which names are where keys were, or the other way round.
    let names: serde_json::Map<_, _> =
        (3..8).map(|index| (word(index).to_owned(), json!(inventory.figure(index)))).collect();
    let raw = |body: serde_json::Value| Fault::raw("application/json", body.to_string());
    match inventory.fault {
        0 => simulator.fail_always(Endpoint::CurrentUsage, raw(json!({"usageByBucket": {"buckets": names}}))),
        1 => simulator
            .fail_always(Endpoint::ServiceAccounts, raw(json!({word(3): [{"id": word(4), word(5): 1}]}))),
        2 => simulator.fail_always(
            Endpoint::Permissions,
            raw(json!([{"id": word(4), "type": word(5), "owner": word(6)}])),
        ),
        3 => simulator.fail_always(Endpoint::Session, Fault::error(403, word(3), word(4))),
        4 => simulator.fail_always(Endpoint::Login, Fault::error(400, word(3), word(4))),
        5 => simulator
            .fail_always(Endpoint::BucketStats, raw(json!({"buckets": names, "expirationSec": word(3)}))),
        6 => simulator.fail_always(Endpoint::ListUsers, Fault::xml_error(400, word(3), word(4))),
        _ => {}
    }
    let (base, url) = (simulator.base_url(), simulator.object_storage_url());
    let config = json!({
        "accounts": [
            {"name": word(9), "base_url": base, "account_id": word(0), "access_key": word(1), "secret": word(2)},
            {"name": word(10), "api": "object_storage", "iam_url": url, "s3_url": url, "access_key": word(1),
             "secret": word(2)},
        ],
        "poll": {"timeout": "2s"},
    });
    checked(&config, clock).await
}

async fn checked(config: &serde_json::Value, clock: Arc<dyn Clock>) -> (Findings, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let config: Config = lyve_cloud_exporter::config::load(Some(&path), &Default::default()).unwrap();
    check(config, &Proxies::default(), clock).await.unwrap()
}

#[test]
fn no_report_holds_a_value_of_its_user() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(100));
    runner
        .run(&inventory(), |inventory| {
            let (findings, report) = runtime.block_on(run(&inventory));
            prop_assert!(findings.polls == 8, "{}", findings.polls);
            for value in inventory.values().into_iter().filter(|value| value.len() > 3) {
                prop_assert!(!report.contains(&value), "{value} is in {report}");
            }
            prop_assert!(report.contains("### GET /usage/current") || inventory.fault == 4, "{report}");
            Ok(())
        })
        .unwrap();
}

/// The step, what was found by looking closer, and the number of lines that tell of it.
async fn failing(base_url: &str) -> (String, String) {
    let config = json!({
        "accounts": [{"name": "acme", "base_url": base_url, "account_id": "i", "access_key": "k", "secret": "s"}],
        "poll": {"timeout": format!("{}s", WAIT.as_secs())},
    });
    let (findings, report) = checked(&config, Arc::new(Manual::new(at(NOW)))).await;
    let shown = findings.shown(None);
    assert_eq!(findings.failed_polls, 5, "{shown}");
    assert_eq!(shown.matches("✗").count(), 1, "told once: {shown}");
    assert_eq!(shown.matches('→').count(), 1, "{shown}");
    assert!(!report.contains("127.0.0.1") && report.contains("another one than the vendor's"), "{report}");
    let json = serde_json::to_value(&findings).unwrap();
    let error = &json["accounts"][0]["endpoints"][0]["error"];
    (error["step"].as_str().unwrap().to_owned(), error["looked"].as_str().unwrap_or_default().to_owned())
}

/// A firewall may have the name of its owner in the names of its headers.
#[tokio::test]
async fn headers_of_a_proxy_are_not_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 8192]).await;
            let answer = "HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\nX-Contoso-Gateway: 1\r\n\
                          x-amz-request-id: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let config = json!({
        "accounts": [
            {"name": "acme", "base_url": format!("http://{address}"), "account_id": "i", "access_key": "k", "secret": "s"},
        ],
    });
    let (_, report) = checked(&config, Arc::new(Manual::new(at(NOW)))).await;
    answering.abort();
    assert!(!report.to_lowercase().contains("contoso"), "{report}");
    let headers = "Headers: connection, content-length, content-type, x-amz-request-id, other (17 letters).";
    assert!(report.contains(headers), "{report}");
}

/// The secret is read anew for each login; the file may be gone by then.
#[tokio::test]
async fn a_secret_that_cannot_be_read_is_no_fault_of_the_vendor() {
    let clock: Arc<dyn Clock> = Arc::new(Manual::new(at(NOW)));
    let simulator = Simulator::start(Arc::clone(&clock)).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "s").unwrap();
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let config = json!({
        "accounts": [
            {"name": "acme", "base_url": simulator.base_url(), "account_id": "i", "access_key": "k",
             "secret_file": secret.to_str()},
        ],
    });
    let path = directory.path().join("config.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let config: Config = lyve_cloud_exporter::config::load(Some(&path), &Default::default()).unwrap();
    std::fs::remove_file(&secret).unwrap();
    let (findings, report) = check(config, &Proxies::default(), clock).await.unwrap();
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(json["accounts"][0]["endpoints"][0]["error"]["step"], "secret", "{json:#}");
    let shown = findings.shown(None);
    assert!(shown.contains("credentials\u{1b}[0m: cannot read the secret file"), "{shown}");
    assert!(shown.contains("Make the file or variable of the credentials readable"), "{shown}");
    assert!(!report.contains(secret.to_str().unwrap()), "{report}");
    assert_eq!(simulator.request_count(None), 0);
}

#[tokio::test]
async fn what_fails_is_told_apart() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (step, looked) = failing(&format!("http://{closed}/v2")).await;
    assert_eq!(step, "tcp");
    assert!(looked.contains("Connection refused"), "{looked}");

    // No resolver is asked for a name that can be none.
    let (step, looked) = failing(&format!("https://{}.test:1/v2", "a".repeat(70))).await;
    assert_eq!(step, "dns");
    assert!(looked.contains("has no address"), "{looked}");

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (step, _) = failing(&format!("http://{}/v2", silent.local_addr().unwrap())).await;
    assert_eq!(step, "time");

    let clock: Arc<dyn Clock> = Arc::new(Manual::new(at(NOW)));
    let simulator = Simulator::start(clock).await.unwrap();
    // It speaks no TLS.
    let (step, _) = failing(&simulator.base_url().replace("http:", "https:")).await;
    assert_eq!(step, "tls");
    for (fault, step) in [
        (Fault::html(403), "between"),
        (Fault::error(403, "AuthenticationFailed", "no"), "status"),
        (Fault::raw("application/json", "[]"), "answer"),
    ] {
        simulator.clear_faults();
        simulator.fail_always(Endpoint::Login, fault);
        assert_eq!(failing(&simulator.base_url()).await.0, step);
    }
}
