//! Places where no vendor answers: rejected, closed, silent, or not to be trusted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lyve_cloud_exporter::clock::Manual;
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::model::Reason;
use lyve_cloud_exporter::simulator::{Endpoint, Simulator};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::play::{Log, assert_failures, assert_nothing_leaked, config, empty_account, play, scrape};
use crate::stage::{NOW, Stage, at, minutes};

struct Row {
    name: &'static str,
    base_url: String,
    ca_file: Option<PathBuf>,
    reason: Reason,
    says: &'static str,
}

/// Who is there in the vendor's place, why polls fail then, and what the log says.
pub const PLACES: [(&str, Reason, &str); 23] = [
    ("rejected", Reason::Connect, "cannot connect to 127.0.0.1:"),
    ("TLS, rejected", Reason::Connect, "cannot connect to 127.0.0.1:"),
    ("closed at once", Reason::Connect, CLOSED),
    ("TLS, closed at once", Reason::Connect, "cannot connect to 127.0.0.1:"),
    ("silent", Reason::Timeout, "no whole answer within 2s"),
    ("TLS, silent", Reason::Timeout, "no connection to "),
    ("TLS, unknown issuer", Reason::Tls, "is not trusted: invalid peer certificate: it was issued by \""),
    ("TLS, expired", Reason::Tls, "is not trusted: invalid peer certificate: certificate expired on 20"),
    (
        "TLS, not yet valid",
        Reason::Tls,
        "is not trusted: invalid peer certificate: certificate not valid yet, but from 4000-01-01 on",
    ),
    (
        "TLS, another name",
        Reason::Tls,
        "is not trusted: invalid peer certificate: certificate not valid for name",
    ),
    ("TLS, another's certificate", Reason::Tls, NOT_TRUSTED),
    (
        "TLS to plain HTTP",
        Reason::Tls,
        "does not speak TLS on that port: use http in base_url, iam_url or s3_url, or the port that speaks TLS",
    ),
    ("plain HTTP to TLS", Reason::Decode, NOT_HTTP),
    ("SSH", Reason::Decode, NOT_HTTP),
    ("SMTP", Reason::Decode, NOT_HTTP),
    ("no status", Reason::Decode, NOT_HTTP),
    ("no header", Reason::Decode, NOT_HTTP),
    ("two lengths", Reason::Decode, NOT_HTTP),
    ("no chunk", Reason::Decode, "the answer is damaged"),
    ("half of the headers", Reason::Connect, CLOSED),
    ("endless headers", Reason::Decode, NOT_HTTP),
    ("speaks first", Reason::Connect, CLOSED),
    ("another path", Reason::Request, "there is no such thing; check base_url"),
];

const CLOSED: &str = "the connection was closed before an answer: ";
const NOT_TRUSTED: &str = "is not trusted: ";
const NOT_HTTP: &str = "the answer is not HTTP: ";

/// A listener that does the same with each connection. It ends when it is dropped.
pub struct Listener {
    pub address: std::net::SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn listener(with: impl AsyncFn(TcpStream) + Clone + 'static) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let local = async move {
        let set = tokio::task::LocalSet::new();
        set.run_until(async {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let with = with.clone();
                tokio::task::spawn_local(async move { with(stream).await });
            }
        })
        .await;
    };
    Listener { address, task: spawn_here(local) }
}

/// Everything here runs on one thread, so that nothing has to be sent to another.
fn spawn_here(work: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    tokio::task::spawn_local(work)
}

/// Answers each connection with these bytes, and closes.
pub async fn says(bytes: &'static [u8]) -> Listener {
    listener(async move |mut stream: TcpStream| {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
    })
    .await
}

/// A certificate for this name, and a file that says to trust it.
pub fn certificate(
    directory: &std::path::Path,
    name: &str,
    years: (i32, i32),
) -> (Arc<ServerConfig>, PathBuf) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    parameters.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let made = parameters.self_signed(&key).expect("a certificate");
    let file = directory.join(format!("{name}-{}.pem", years.1));
    std::fs::write(&file, made.pem()).expect("a file");
    let chain: Vec<CertificateDer<'static>> = vec![made.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .expect("a configuration");
    (Arc::new(tls), file)
}

#[test]
fn that_are_no_vendor() {
    play(async |log| tokio::task::LocalSet::new().run_until(scene(log)).await);
}

async fn scene(log: Log) {
    let stage = Stage::new().await;
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(Manual::new(at(NOW)));
    let tls = async |name: &str, years| {
        let (config, file) = certificate(directory.path(), name, years);
        (Simulator::start_tls(clock.clone(), config).await.expect("a simulator"), file)
    };
    let (trusted, trusted_file) = tls("127.0.0.1", (2020, 4000)).await;
    let (expired, expired_file) = tls("127.0.0.1", (2019, 2020)).await;
    let (future, future_file) = tls("127.0.0.1", (4000, 4001)).await;
    let (stranger, stranger_file) = tls("elsewhere.example", (2020, 4000)).await;
    let lost = Simulator::start(clock.clone()).await.expect("a simulator");
    let rejected = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let closes = listener(async |stream: TcpStream| drop(stream)).await;
    let silent = listener(async |mut stream: TcpStream| {
        // Hears everything and says nothing until the other side leaves.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let ssh = says(b"SSH-2.0-OpenSSH_9.6\r\n").await;
    let smtp = says(b"220 canary.example ESMTP\r\n").await;
    let odd_status = says(b"HTTP/1.1 abc canary\r\n\r\n").await;
    let odd_header = says(b"HTTP/1.1 200 OK\r\ncan ary: 1\r\n\r\n").await;
    let odd_chunk = says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\ncanary").await;
    let two_lengths = says(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}").await;
    let half_headers = says(b"HTTP/1.1 200 OK\r\ncontent-ty").await;
    let headers = listener(async |mut stream: TcpStream| {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x: canary\r\n").await.is_ok() {}
    })
    .await;

    let first = listener(async |mut stream: TcpStream| {
        let _ = stream.write_all(b"220 canary.example ESMTP\r\n").await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;

    let plain = |listener: &Listener| format!("http://{}/v2", listener.address);
    let mut rows = Vec::new();
    for (name, reason, says) in PLACES {
        let (base_url, ca_file) = match name {
            "rejected" => (format!("http://{rejected}/v2"), None),
            "TLS, rejected" => (format!("https://{rejected}/v2"), None),
            "closed at once" => (plain(&closes), None),
            "TLS, closed at once" => (format!("https://{}/v2", closes.address), None),
            "silent" => (plain(&silent), None),
            "TLS, silent" => (format!("https://{}/v2", silent.address), None),
            "TLS, unknown issuer" => (trusted.base_url(), None),
            "TLS, expired" => (expired.base_url(), Some(&expired_file)),
            "TLS, not yet valid" => (future.base_url(), Some(&future_file)),
            "TLS, another name" => (stranger.base_url(), Some(&stranger_file)),
            "TLS, another's certificate" => (stranger.base_url(), Some(&trusted_file)),
            "TLS to plain HTTP" => (stage.simulator.base_url().replace("http:", "https:"), None),
            "plain HTTP to TLS" => (trusted.base_url().replace("https:", "http:"), None),
            "SSH" => (plain(&ssh), None),
            "SMTP" => (plain(&smtp), None),
            "no status" => (plain(&odd_status), None),
            "no header" => (plain(&odd_header), None),
            "two lengths" => (plain(&two_lengths), None),
            "no chunk" => (plain(&odd_chunk), None),
            "half of the headers" => (plain(&half_headers), None),
            "endless headers" => (plain(&headers), None),
            "speaks first" => (plain(&first), None),
            "another path" => (lost.base_url().replace("/v2", "/v3"), None),
            other => panic!("nobody is there: {other}"),
        };
        rows.push(Row { name, base_url, ca_file: ca_file.cloned(), reason, says });
    }

    let good = "a good one";
    let mut accounts = vec![empty_account(&stage, good).1];
    for row in &rows {
        let (_, account) = empty_account(&stage, row.name);
        let base_url = row.base_url.parse().expect("a URL");
        accounts.push(lyve_cloud_exporter::config::Account {
            api: lyve_cloud_exporter::config::Api::AccountV2 { base_url },
            ca_file: row.ca_file.clone(),
            ..account
        });
    }
    let mut config = config(accounts);
    config.poll.timeout = Duration::from_secs(2);
    let exporter = stage.polled_exporter(config).await;
    let samples = scrape(&exporter).await;
    let warnings = log.warnings();
    for row in &rows {
        let (name, samples) = (row.name, &samples[row.name]);
        let wait = |collector| {
            if row.reason == Reason::Request {
                super::second_poll::Wait::Interval.seconds(collector)
            } else {
                30
            }
        };
        for collector in Collector::ACCOUNT_V2 {
            assert_failures(samples, (name, collector), Some(row.reason), 1.0);
            warnings.assert_failure((name, collector), row.reason, row.says, wait(collector));
        }
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(0.0), "{name}");
        assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), None, "{name}");
        assert_eq!(samples.value("lyvecloud_logins_total", &[("result", "failed")]), Some(1.0), "{name}");
        let unknown = [("kind", "account_api"), ("status", "unknown")];
        assert_eq!(
            samples.value("lyvecloud_credential_status", &unknown),
            Some(1.0),
            "{name}: nobody rejected it"
        );
    }
    assert_eq!(samples[good].value("lyvecloud_up", &[]), Some(1.0), "the good one is not harmed");
    for vendor in [&trusted, &expired, &future, &stranger] {
        assert_eq!(vendor.request_count(None), 0, "nothing is sent to whom is not trusted");
    }
    // The next poll of all of them is their first backoff away, save of the one whose path is wrong.
    let before = lost.request_count(Endpoint::Other);
    stage.clock.advance(Duration::from_secs(30));
    let again = |row: &&Row| row.reason != Reason::Request;
    let polled =
        |_: &_| rows.iter().filter(again).all(|row| exporter.polls(row.name, Collector::CURRENT_USAGE) == 2);
    exporter.until("all were tried again", polled).await;
    assert_eq!(lost.request_count(Endpoint::Other), before, "a wrong path is not tried again early");
    stage.clock.advance(minutes(1));
    let third =
        |_: &_| rows.iter().filter(again).all(|row| exporter.polls(row.name, Collector::CURRENT_USAGE) == 3);
    exporter.until("all were tried a third time, after twice the wait", third).await;
    assert_nothing_leaked(&stage, &exporter, &log).await;
}

/// A vendor behind a certificate that only a file makes trusted works like any other.
#[test]
fn that_are_trusted() {
    play(async |log| {
        let stage = Stage::new().await;
        let directory = tempfile::tempdir().expect("a directory");
        let (tls, file) = certificate(directory.path(), "127.0.0.1", (2020, 4000));
        let vendor = Simulator::start_tls(Arc::new(stage.clock.clone()), tls).await.expect("a simulator");
        let acme = vendor.account("acme").secret("canary-secret").bucket("data", 2.0);
        let (access_key, secret) = acme.pair();
        let source = |text| {
            lyve_cloud_exporter::config::SecretSource::Inline(lyve_cloud_exporter::config::Secret::new(text))
        };
        let account = lyve_cloud_exporter::config::Account {
            api: lyve_cloud_exporter::config::Api::AccountV2 {
                base_url: vendor.base_url().parse().expect("a URL"),
            },
            access_key: source(access_key),
            secret: source(secret),
            ca_file: Some(file),
            ..stage.account("acme")
        };
        let exporter = stage.polled_exporter(config(vec![account])).await;
        let samples = &scrape(&exporter).await["acme"];
        assert_eq!(samples.value("lyvecloud_up", &[]), Some(1.0));
        assert_eq!(samples.value("lyvecloud_account_usage_bytes", &[]), Some(2e9));
        assert_eq!(log.warnings().of("acme", Collector::CURRENT_USAGE), [] as [serde_json::Value; 0]);
        assert_nothing_leaked(&stage, &exporter, &log).await;
    });
}
