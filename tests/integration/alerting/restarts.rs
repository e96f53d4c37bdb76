//! A day with fifty restarts, by a clock that is fast: the exporter is a process of its own that is killed or stopped, and
//! the Alertmanager is a real one. Between them the times are translated.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use lyve_cloud_exporter::clock::{Clock, System, until};
use lyve_cloud_exporter::config;
use lyve_cloud_exporter::daemon::{self, Deps};
use lyve_cloud_exporter::http::Web;
use lyve_cloud_exporter::poll::Jitter;
use lyve_cloud_exporter::simulator::{Fault, ServiceAccount, Simulator, User};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::client::post_json;
use crate::programs::Program;
use crate::stage::{at, hours, minutes};
use crate::webhook::Webhook;

/// The day on which it all happens.
const DAY: &str = "2026-11-24T00:00:00Z";

/// How many seconds of that day pass in one.
const SPEED: i32 = 600;

const RESTARTS: usize = 50;

/// What the exporter's process is told: when the day began, by the system's clock, and where its configuration is.
const BEGAN: &str = "RESTARTS_TEST_BEGAN";
const CONFIG: &str = "RESTARTS_TEST_CONFIG";

/// The time of day in a hurry.
#[derive(Clone, Copy, Debug)]
struct Fast {
    began: Timestamp,
}

impl Fast {
    fn real(&self, fast: Timestamp) -> Timestamp {
        self.began + at(DAY).duration_until(fast) / SPEED
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        at(DAY) + self.began.duration_until(System.now()) * SPEED
    }

    fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'_, ()> {
        async move {
            while self.now() < deadline {
                let left = until(self.now(), deadline) / SPEED.unsigned_abs();
                tokio::time::sleep(left.max(Duration::from_millis(1))).await;
            }
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the exporter's process in the test of fifty restarts"]
async fn exporter_process() {
    let Ok(config) = std::env::var(CONFIG) else { return };
    let clock = Fast { began: std::env::var(BEGAN).unwrap().parse().unwrap() };
    let config = config::load(Some(Path::new(&config)), &BTreeMap::new()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            terminate.recv().await;
            shutdown.cancel();
        }
    });
    let web = Web { external_url: Some("http://exporter.test/".parse().unwrap()), ..Web::default() };
    let deps = Deps { config, loader: None, clock: Arc::new(clock), jitter: Jitter(0.1), web };
    daemon::run(deps, vec![listener], shutdown).await.unwrap();
}

/// The test's program again, as an exporter.
fn exporter(clock: Fast, config: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "alerting::restarts::exporter_process", "--ignored", "--nocapture"])
        .env(BEGAN, clock.began.to_string())
        .env(CONFIG, config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Ends an exporter by a signal, and waits for its end.
async fn end(mut exporter: Child, signal: &str) {
    let id = exporter.id().expect("a running process").to_string();
    assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
    tokio::time::timeout(Duration::from_secs(20), exporter.wait()).await.expect("an end in time").unwrap();
}

/// Between the exporter and the Alertmanager: puts the times of the fast clock into the system's.
async fn translator(clock: Fast, alertmanager: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |request: Request<Incoming>| async move {
                let body = request.into_body().collect().await?.to_bytes();
                let mut alerts: Value = serde_json::from_slice(&body).expect("alerts");
                for alert in alerts.as_array_mut().expect("a list") {
                    for key in ["startsAt", "endsAt"] {
                        if let Some(time) = alert.get_mut(key) {
                            *time = clock.real(at(time.as_str().expect("a time"))).to_string().into();
                        }
                    }
                }
                let answer = post_json(alertmanager, "/api/v2/alerts", &alerts).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                Ok::<_, hyper::Error>(Response::new(Full::<bytes::Bytes>::new(answer.body.into())))
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Each alert has a message of its own, so that each message says what has changed.
pub fn patient_alertmanager(webhook: &Webhook) -> String {
    format!(
        "route: {{receiver: all, group_by: ['...'], group_wait: 0s, group_interval: 500ms, repeat_interval: 1h}}\n\
         receivers: [{{name: all, webhook_configs: [{{url: 'http://{}/', send_resolved: true}}]}}]\n",
        webhook.address
    )
}

/// What was told, without what always fires: which alert, and its states one after the other.
pub fn told(webhook: &Webhook) -> BTreeMap<String, Vec<String>> {
    let mut told = BTreeMap::<_, Vec<String>>::new();
    for alert in webhook.messages().into_iter().flatten() {
        let label = |name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
        let about = label("credential_id") + &label("access_key_id");
        let about = if about.is_empty() { label("account") } else { about };
        let key = format!("{} {} {about}", label("alertname"), label("severity"));
        told.entry(key).or_default().push(alert["status"].as_str().unwrap().to_owned());
    }
    told
}

/// The vendor's day, by the fast clock.
async fn day(clock: Fast, simulator: &Simulator) {
    let hour = |number: u64| clock.sleep_until(at(DAY) + hours(number));
    let acme = simulator.account("acme");
    hour(6).await;
    acme.set_service_account_expiry("sa-renewed", at(DAY) + hours(24 * 300));
    hour(9).await;
    acme.add_service_account(ServiceAccount::new("sa-late", "late").expires(at(DAY) + hours(24 * 3)));
    hour(13).await;
    simulator.fail_always(None, Fault::empty(503));
    hour(16).await;
    simulator.clear_faults();
    hour(18).await;
    simulator.stop().await;
    hour(20).await;
    simulator.start_again().await.unwrap();
    hour(24).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_restarts_in_a_day_end_nothing_and_tell_nothing_twice() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&patient_alertmanager(&webhook)).await;
    let clock = Fast { began: System.now() };
    let simulator = Simulator::start(Arc::new(clock)).await.unwrap();
    let ends = |hours_left: u64| at(DAY) + hours(hours_left);
    let acme = simulator
        .account("acme")
        .bucket("backups", 1.0)
        .service_account(ServiceAccount::new("sa-soon", "soon").expires(ends(24 * 5)))
        .service_account(ServiceAccount::new("sa-weeks", "weeks").expires(ends(24 * 20)))
        .service_account(ServiceAccount::new("sa-ended", "ended").expires(at("2026-11-20T00:00:00Z")))
        .service_account(ServiceAccount::new("sa-renewed", "renewed").expires(ends(24 * 3)))
        .service_account(ServiceAccount::new("sa-fine", "fine").expires(ends(24 * 300)));
    let undated = simulator.account("undated").bucket("backups", 1.0);
    let rejected = simulator.account("rejected");
    let old = rejected.pair();
    let _ = rejected.regenerate();
    let owner = User::new("owner", at("2026-01-01T00:00:00Z")).key("AK-OLD", at("2026-02-01T00:00:00Z"));
    let keys = simulator.object_storage_account("keys").user(owner);

    let directory = tempfile::tempdir().unwrap();
    let account = |name: &str, (access_key, secret): (String, String), more: &str| {
        format!(
            "  - {{name: {name}, account_id: {name}, access_key: '{access_key}', secret: '{secret}', {more}}}\n"
        )
    };
    let former = format!("base_url: '{}'", simulator.base_url());
    let never = format!("{former}, credential: {{expires: never}}");
    let url = simulator.object_storage_url();
    let current =
        format!("api: object_storage, iam_url: '{url}', s3_url: '{url}', credential: {{max_age: 90d}}");
    let path = directory.path().join("config.yaml");
    let text = format!(
        "accounts:\n{}{}{}{}state_file: '{}'\nalertmanager: {{urls: ['http://{}']}}\n\
         poll: {{credentials: 5m, inventory: 10m, current_usage: 15m}}\n",
        account("acme", acme.pair(), &never),
        account("undated", undated.pair(), &former),
        account("rejected", old, &never),
        account("keys", keys.pair(), &current),
        directory.path().join("state.json").display(),
        translator(clock, alertmanager.address).await,
    );
    std::fs::write(&path, text).unwrap();

    // Always the same moments.
    let mut random = fastrand::Rng::with_seed(22);
    let mut moments: Vec<u64> = (0..RESTARTS).map(|_| random.u64(20..23 * 60)).collect();
    moments.sort_unstable();
    let restarts = async {
        let mut running = exporter(clock, &path);
        for moment in moments {
            clock.sleep_until(at(DAY) + minutes(moment)).await;
            end(running, if random.bool() { "-KILL" } else { "-TERM" }).await;
            clock.sleep_until(clock.now() + minutes(random.u64(0..15))).await;
            running = exporter(clock, &path);
        }
        running
    };
    let (running, ()) = tokio::join!(restarts, day(clock, &simulator));
    end(running, "-TERM").await;

    let firing = |name: &str| (name.to_owned(), vec!["firing".to_owned()]);
    let resolved = |name: &str| (name.to_owned(), vec!["firing".to_owned(), "resolved".to_owned()]);
    let expected = BTreeMap::from([
        firing("LyveCloudCredentialRejected critical rejected"),
        firing("LyveCloudCredentialExpiryUnknown info undated"),
        firing("LyveCloudCredentialExpired critical sa-ended"),
        firing("LyveCloudCredentialExpiresSoon critical sa-ended"),
        firing("LyveCloudCredentialExpiresSoon warning sa-ended"),
        firing("LyveCloudCredentialExpiresSoon critical sa-soon"),
        firing("LyveCloudCredentialExpiresSoon warning sa-soon"),
        firing("LyveCloudCredentialExpiresSoon warning sa-weeks"),
        firing("LyveCloudCredentialExpiresSoon critical sa-late"),
        firing("LyveCloudCredentialExpiresSoon warning sa-late"),
        resolved("LyveCloudCredentialExpiresSoon critical sa-renewed"),
        resolved("LyveCloudCredentialExpiresSoon warning sa-renewed"),
        firing("LyveCloudAccessKeyRotationDue info AK-OLD"),
        firing("LyveCloudAccessKeyRotationDue warning AK-OLD"),
    ]);
    assert_eq!(told(&webhook), expected);
}
