//! Places where no vendor answers, of the IAM host and of the S3 host apart from each other.

use std::sync::Arc;
use std::time::Duration;

use lyve_cloud_exporter::config::{Account, Api};
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::Simulator;
use tokio::net::TcpListener;

use super::super::places::{Listener, certificate, listener, says};
use super::super::play::{
    Log, assert_failures, assert_nothing_leaked, config, full_object_storage_account, play, scrape,
};
use crate::stage::{Stage, fill_archive};

/// Which host is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Host {
    Iam,
    S3,
}

impl Host {
    fn needs(self, collector: Collector) -> bool {
        (collector == Collector::BUCKETS) == matches!(self, Self::S3)
    }
}

fn moved(mut account: Account, host: Host, url: &str) -> Account {
    if let Api::ObjectStorage(api) = &mut account.api {
        let url = url.parse().expect("a URL");
        match host {
            Host::Iam => api.iam_url = url,
            Host::S3 => api.s3_url = url,
        }
    }
    account
}

#[test]
fn that_are_no_vendor() {
    play(async |log| tokio::task::LocalSet::new().run_until(scene(log)).await);
}

async fn scene(log: Log) {
    let stage = Stage::new().await;
    let directory = tempfile::tempdir().expect("a directory");
    let (tls, _) = certificate(directory.path(), "127.0.0.1", (2020, 4000));
    let stranger = Simulator::start_tls(Arc::new(stage.clock.clone()), tls).await.expect("a simulator");
    let rejected = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let closes = listener(async |stream| drop(stream)).await;
    let silent = listener(async |mut stream: tokio::net::TcpStream| {
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let ssh = says(b"SSH-2.0-canary\r\n").await;
    let chunk = says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\ncanary").await;
    let at = |listener: &Listener| format!("http://{}", listener.address);
    let rows = [
        ("rejected", format!("http://{rejected}"), Reason::Connect, "cannot connect to 127.0.0.1:"),
        ("closed at once", at(&closes), Reason::Connect, "the connection was closed before an answer"),
        ("silent", at(&silent), Reason::Timeout, "no whole answer within 2s"),
        ("not trusted", stranger.object_storage_url(), Reason::Tls, "is not trusted: "),
        ("SSH", at(&ssh), Reason::Decode, "the answer is not HTTP: "),
        ("no chunk", at(&chunk), Reason::Decode, "the answer is damaged"),
    ];
    let mut accounts = Vec::new();
    for (name, url, ..) in &rows {
        for host in [Host::Iam, Host::S3] {
            let (_, account) = full_object_storage_account(&stage, &format!("{host:?}: {name}"));
            accounts.push(moved(account, host, url));
        }
    }
    let mut config = config(accounts);
    config.poll.timeout = Duration::from_secs(2);
    let exporter = stage.polled_exporter(config).await;
    let samples = scrape(&exporter).await;
    let warnings = log.warnings();
    for (name, _, reason, says) in rows {
        for host in [Host::Iam, Host::S3] {
            let name = format!("{host:?}: {name}");
            for collector in Collector::OBJECT_STORAGE {
                let key = (name.as_str(), collector);
                if host.needs(collector) {
                    assert_failures(&samples[&name], key, Some(reason), 1.0);
                    warnings.assert_failure(key, reason, says, 30);
                } else {
                    assert_failures(&samples[&name], key, None, 0.0);
                }
            }
            let unknown = [("kind", "account_api"), ("status", "rejected")];
            let rejected = samples[&name].value("lyvecloud_credential_status", &unknown);
            assert_eq!(rejected, Some(0.0), "{name}: nobody rejected it");
        }
    }
    assert_eq!(stranger.request_count(None), 0, "nothing is sent to whom is not trusted");
    assert_nothing_leaked(&stage, &exporter, &log).await;
}

/// Both hosts behind certificates that only a file makes trusted, at two addresses.
#[test]
fn that_are_trusted() {
    play(async |log| {
        let stage = Stage::new().await;
        let directory = tempfile::tempdir().expect("a directory");
        let (tls, file) = certificate(directory.path(), "127.0.0.1", (2020, 4000));
        let (_, account) = full_object_storage_account(&stage, "archive");
        let (access_key, secret) = stage.simulator.object_storage_account("archive").pair();
        let mut vendors = Vec::new();
        for _ in 0..2 {
            let clock = Arc::new(stage.clock.clone());
            let vendor = Simulator::start_tls(clock, Arc::clone(&tls)).await.expect("a simulator");
            let archive = vendor.object_storage_account("archive");
            let _archive = fill_archive(archive).access_key(&access_key).secret(&secret);
            vendors.push(vendor);
        }
        let account = moved(account, Host::Iam, &vendors[0].object_storage_url());
        let account = moved(account, Host::S3, &vendors[1].object_storage_url());
        let account = Account { ca_file: Some(file), ..account };
        let exporter = stage.polled_exporter(config(vec![account])).await;
        let samples = &scrape(&exporter).await["archive"];
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
        let asked = |vendor: &Simulator| -> Vec<String> {
            let mut methods: Vec<_> = vendor.requests().into_iter().map(|request| request.method).collect();
            methods.dedup();
            methods
        };
        assert_eq!(
            (asked(&vendors[0]), asked(&vendors[1])),
            (vec!["POST".to_owned()], vec!["GET".to_owned()])
        );
        assert_eq!(stage.simulator.request_count(None), 0);
        assert_nothing_leaked(&stage, &exporter, &log).await;
    });
}
