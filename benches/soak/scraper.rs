//! Reads everything that the daemon shows, all the time, and does not let anything pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use lyve_cloud_exporter::clock::{Clock as _, unix_seconds};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::client::{Answer, request};
use crate::clock::Fast;
use crate::samples::{Sample, Samples};
use crate::vendor::{ACCOUNTS, GUEST, SECRET_MARK};

/// The longest that any answer may take, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every form of the metrics.
const FORMS: [[(&str, &str); 2]; 4] = [
    [("accept", "text/plain;version=0.0.4"), ("accept-encoding", "identity")],
    [("accept", "application/openmetrics-text;version=1.0.0"), ("accept-encoding", "identity")],
    [("accept", "text/plain;version=0.0.4"), ("accept-encoding", "gzip")],
    [("accept", "application/openmetrics-text;version=1.0.0"), ("accept-encoding", "gzip")],
];

/// How the scraping went.
#[derive(Debug, Default)]
pub(crate) struct Scraped {
    scrapes: Vec<Duration>,
    pages: Vec<Duration>,
    most_bytes: usize,
}

impl Scraped {
    pub(crate) fn add(&mut self, other: Self) {
        self.scrapes.extend(other.scrapes);
        self.pages.extend(other.pages);
        self.most_bytes = self.most_bytes.max(other.most_bytes);
    }
}

impl fmt::Display for Scraped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scrapes: {}; ", Times(&self.scrapes))?;
        write!(f, "the largest {} bytes; pages and status: {}", self.most_bytes, Times(&self.pages))
    }
}

struct Times<'a>(&'a [Duration]);

impl fmt::Display for Times<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times = self.0.to_vec();
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
        let [half, most, max] = [50, 99, 100].map(|share| at(share).copied().unwrap_or_default());
        write!(f, "{}, p50 {half:.1?}, p99 {most:.1?}, max {max:.1?}", times.len())
    }
}

/// One scrape, for a look at the samples.
pub(crate) async fn once(address: SocketAddr) -> Samples {
    let answer = in_time(request(address, Method::GET, "/metrics", &[])).await;
    assert_eq!(answer.status, 200);
    Samples::parse(&answer.text())
}

/// Scrapes as Prometheus does, on one connection, in every form.
pub(crate) async fn prometheus(address: SocketAddr, clock: Fast, stop: CancellationToken) -> Scraped {
    let (mut scraped, mut series, mut connection) = (Scraped::default(), Series::default(), None);
    for form in FORMS.iter().cycle() {
        if stop.is_cancelled() {
            break;
        }
        let started = Instant::now();
        let answer = in_time(kept(&mut connection, address, form)).await;
        scraped.scrapes.push(started.elapsed());
        let text = read(&answer, form);
        scraped.most_bytes = scraped.most_bytes.max(text.len());
        series.follow(Samples::parse(&text), unix_seconds(clock.now()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scraped
}

/// Scrapes on a new connection each time.
pub(crate) async fn strangers(address: SocketAddr, stop: CancellationToken) -> Scraped {
    let (mut scraped, mut series) = (Scraped::default(), Series::default());
    for form in FORMS.iter().rev().cycle() {
        if stop.is_cancelled() {
            break;
        }
        let started = Instant::now();
        let answer = in_time(request(address, Method::GET, "/metrics", form)).await;
        scraped.scrapes.push(started.elapsed());
        series.follow(Samples::parse(&read(&answer, form)), f64::INFINITY);
        tokio::time::sleep(Duration::from_millis(90)).await;
    }
    scraped
}

/// Looks at the pages, the status and the health.
pub(crate) async fn people(address: SocketAddr, stop: CancellationToken) -> Scraped {
    let mut scraped = Scraped::default();
    let paths = [
        "/",
        "/?account=alpha",
        "/?account=beta",
        "/?account=archive",
        "/?search=a",
        "/?account=alpha&search=pool",
        "/api/v1/status",
        "/-/healthy",
    ];
    for path in paths.into_iter().cycle() {
        if stop.is_cancelled() {
            break;
        }
        let started = Instant::now();
        let answer = in_time(request(address, Method::GET, path, &[])).await;
        scraped.pages.push(started.elapsed());
        assert_eq!(answer.status, 200, "{path}");
        let text = answer.text();
        assert!(!text.contains(SECRET_MARK), "{path} shows a secret");
        match path {
            "/-/healthy" => assert_eq!(text, "healthy\n"),
            "/api/v1/status" => {
                let status = answer.json();
                let names: BTreeSet<_> = status["accounts"]
                    .as_array()
                    .expect("a list of accounts")
                    .iter()
                    .filter_map(|account| account["account"].as_str())
                    .collect();
                assert!(ACCOUNTS.iter().all(|name| names.contains(name)), "{names:?}");
            }
            _ => assert!(text.trim_end().ends_with("</html>"), "{path} is a whole page"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scraped
}

async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time")
}

/// Scrapes on the connection that there is, or on a new one where the last was closed.
async fn kept(
    connection: &mut Option<SendRequest<Empty<Bytes>>>,
    address: SocketAddr,
    headers: &[(&str, &str)],
) -> Answer {
    let sender = match connection {
        Some(sender) if !sender.is_closed() => sender,
        _ => {
            let stream = TcpStream::connect(address).await.expect("a connection");
            let (sender, running) = handshake(TokioIo::new(stream)).await.expect("a connection");
            tokio::spawn(running);
            connection.insert(sender)
        }
    };
    sender.ready().await.expect("a connection that is ready");
    let request = headers
        .iter()
        .fold(Request::get("/metrics").header("host", "localhost"), |request, (name, value)| {
            request.header(*name, *value)
        });
    let answer = sender.send_request(request.body(Empty::new()).expect("a request")).await;
    let (head, body) = answer.expect("an answer").into_parts();
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()));
    let headers = headers.collect();
    let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
    Answer { status: head.status.as_u16(), headers, body }
}

/// The text of an answer in the form that was asked for.
fn read(answer: &Answer, [(_, format), (_, encoding)]: &[(&str, &str); 2]) -> String {
    assert_eq!(answer.status, 200);
    let (kind, _) = format.split_once(';').expect("a type with a version");
    assert!(answer.header("content-type").is_some_and(|have| have.starts_with(kind)), "{:?}", answer.headers);
    let text = if *encoding == "gzip" { answer.unzipped() } else { answer.text() };
    assert_eq!(text.ends_with("# EOF\n"), kind.contains("openmetrics"));
    assert!(!text.contains(SECRET_MARK), "the metrics show a secret");
    text
}

/// What one scraper has seen last of each series.
#[derive(Default)]
struct Series(BTreeMap<String, f64>);

impl Series {
    /// Checks a scrape by itself, and against the one before it. `now` is a time not before the scrape.
    fn follow(&mut self, samples: Samples, now: f64) {
        let mut seen = BTreeMap::new();
        let mut statuses = BTreeMap::<Vec<String>, f64>::new();
        for sample in &samples.0 {
            let key = format!("{}{:?}", sample.name, sample.labels);
            assert!(seen.insert(key.clone(), sample.value).is_none(), "twice: {key}");
            assert!(!sample.value.is_nan(), "no number: {key}");
            if sample.name == "lyvecloud_credential_status" {
                let labels = sample.labels.iter().filter(|(label, _)| *label != "status");
                let identity = labels.map(|(_, value)| value.clone()).collect();
                *statuses.entry(identity).or_default() += sample.value;
            }
            if let Some(before) = self.0.get(&key).filter(|_| is_counter(sample)) {
                assert!(sample.value >= *before, "{key} fell from {before} to {}", sample.value);
            }
            if sample.name == "lyvecloud_exporter_task_panics_total" {
                assert_eq!(sample.value, 0.0, "{key}");
            }
            if sample.name.ends_with("_last_success_timestamp_seconds") {
                assert!(sample.value <= now, "{key} is in the future");
            }
        }
        for (credential, sum) in statuses {
            assert_eq!(sum, 1.0, "one status of {credential:?}");
        }
        for account in ACCOUNTS {
            self.follow_polls(&samples, account);
        }
        self.0 = seen;
    }

    /// Each poll is a success, which moves the time of the last one, or one failure, which does not.
    fn follow_polls(&self, samples: &Samples, account: &str) {
        let ups = samples.0.iter().filter(|sample| {
            sample.name == "lyvecloud_collector_up"
                && sample.labels.get("account").is_some_and(|have| have == account)
        });
        for up in ups {
            let collector = up.labels["collector"].as_str();
            let labels = [("account", account), ("collector", collector)];
            let is_of_this = |sample: &&Sample| {
                labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|have| have == value))
            };
            let before =
                |sample: &Sample| self.0.get(&format!("{}{:?}", sample.name, sample.labels)).copied();
            let (mut polls, mut failures, mut succeeded) = (0.0, 0.0, false);
            for sample in samples.0.iter().filter(is_of_this) {
                let grown = sample.value - before(sample).unwrap_or(0.0);
                match sample.name.as_str() {
                    "lyvecloud_collector_polls_total" => polls = grown,
                    "lyvecloud_collector_failures_total" => failures += grown,
                    "lyvecloud_collector_last_success_timestamp_seconds" => succeeded = grown != 0.0,
                    _ => {}
                }
            }
            let what =
                format!("{account}, {collector}: {polls} polls, {failures} failures, success: {succeeded}");
            assert!(failures <= polls, "{what}");
            assert_eq!(failures < polls, succeeded, "{what}");
            if polls == 1.0 {
                assert_eq!(up.value, if succeeded { 1.0 } else { 0.0 }, "{what}");
            }
        }
    }
}

/// Whether it may never fall. An account that comes again starts anew.
fn is_counter(sample: &Sample) -> bool {
    const ENDS: [&str; 4] =
        ["_total", "duration_seconds_bucket", "duration_seconds_count", "duration_seconds_sum"];
    sample.labels.get("account").is_none_or(|account| account != GUEST)
        && ENDS.iter().any(|end| sample.name.ends_with(end))
}
