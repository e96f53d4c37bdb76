//! The program with an account of the vendor's current platform.

use std::path::PathBuf;
use std::sync::Arc;

use lyve_cloud_exporter::clock::System;
use lyve_cloud_exporter::simulator::{self, Endpoint, Fault, Simulator};
use tempfile::TempDir;
use tokio::process::Command;

use super::{ACCESS_KEY, Running, SECRET, output, start_with_json, text, with_config, write_secret};
use crate::client::get;
use crate::samples::Samples;
use crate::stage::fill_archive;

/// A vendor with one account, and a directory with its configuration.
struct Site {
    simulator: Simulator,
    archive: simulator::ObjectStorageAccount,
    directory: TempDir,
}

impl Site {
    async fn new() -> Self {
        let simulator = Simulator::start(Arc::new(System)).await.expect("a simulator");
        let archive = fill_archive(simulator.object_storage_account("archive"));
        let archive = archive.access_key(ACCESS_KEY).secret(SECRET);
        let site = Self { simulator, archive, directory: tempfile::tempdir().expect("a directory") };
        write_secret(&site.path("secret"));
        let url = site.simulator.object_storage_url();
        let config = format!(
            "accounts:\n  - name: archive\n    api: object_storage\n    iam_url: {url}\n    s3_url: {url}\n    \
             access_key: {ACCESS_KEY}\n    secret_file: secret\n    credential: {{max_age: 90d}}\n"
        );
        std::fs::write(site.path("config.yaml"), config).expect("a configuration");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self) -> Command {
        with_config(&self.path("config.yaml"))
    }
}

const ENDPOINTS: [&str; 6] =
    ["RSListBillingData", "ListBuckets", "rs-bucket-stats", "RSGetUserInfo", "ListUsers", "ListAccessKeys"];

#[tokio::test]
async fn a_live_check_shows_what_the_key_may_do() {
    let site = Site::new().await;
    let good = output(site.command().args(["check", "--live"])).await;
    let report = text(&good.stdout);
    assert_eq!(good.status.code(), Some(0), "{report}\n{}", text(&good.stderr));
    let is = |report: &str, sign: char, endpoint: &str| {
        report.lines().any(|line| line.starts_with(&format!("  {sign} {endpoint}  ")))
    };
    for endpoint in ENDPOINTS {
        assert!(is(report, '✓', endpoint), "{endpoint} in {report}");
    }
    assert!(report.contains("Never expires"), "{report}");
    assert_eq!(site.simulator.violations(), []);

    site.archive.set_root(false);
    let bad = output(site.command().args(["check", "--live"])).await;
    assert_eq!(bad.status.code(), Some(1));
    let report = text(&bad.stdout);
    assert!(is(report, '✗', "RSListBillingData"), "{report}");
    assert!(report.contains("root key"), "{report}");
    for endpoint in &ENDPOINTS[1..] {
        assert!(is(report, '✓', endpoint), "{endpoint} in {report}");
    }
    assert!(!report.contains("canary") && !text(&bad.stderr).contains("canary"));
}

#[tokio::test]
async fn once_prints_what_there_is() {
    let site = Site::new().await;
    let good = output(site.command().arg("once")).await;
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    let samples = Samples::parse(text(&good.stdout));
    let value = |samples: &Samples, metric: &str| samples.value(metric, &[("account", "archive")]);
    assert_eq!(value(&samples, "lyvecloud_account_usage_bytes"), Some(6_485_663_588_183.0));
    assert_eq!(value(&samples, "lyvecloud_account_buckets"), Some(2.0));

    site.archive.set_root(false);
    let bad = output(site.command().arg("once")).await;
    assert_eq!(bad.status.code(), Some(1));
    let samples = Samples::parse(text(&bad.stdout));
    assert_eq!(value(&samples, "lyvecloud_account_usage_bytes"), None);
    assert_eq!(value(&samples, "lyvecloud_account_buckets"), Some(2.0));
    assert!(text(&bad.stderr).contains("archive: billing: forbidden"), "{}", text(&bad.stderr));
}

#[tokio::test]
async fn no_secret_is_in_a_log_or_an_answer() {
    for format in ["logfmt", "json"] {
        let site = Site::new().await;
        // Errors, bodies and redirects that repeat what was sent.
        site.archive.fail_once(Endpoint::ListUsers, Fault::xml_error(400, SECRET, SECRET));
        site.archive.fail_always(Endpoint::ListBuckets, Fault::raw("text/xml", format!("<{SECRET}>")));
        site.archive.fail_always(
            Endpoint::Billing,
            Fault::redirect(307, &format!("https://{SECRET}@{SECRET}.example/?{ACCESS_KEY}")),
        );
        let mut command = site.command();
        command.args(["--log.level=trace", "--log.format", format]);
        let running = match format {
            "logfmt" => Running::start(&mut command).await,
            _ => start_with_json(&mut command).await,
        };
        running.until_ready().await;
        for path in ["/metrics", "/", "/api/v1/status"] {
            let body = get(running.address, path).await.text();
            assert!(!body.contains("canary"), "{path}: {body}");
        }
        let (_, log) = running.stop("-TERM").await;
        assert!(log.contains("poll failed"), "{log}");
        for secret in ["canary", "AWS4-HMAC-SHA256", "Signature="] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}
