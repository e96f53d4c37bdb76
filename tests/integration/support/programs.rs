//! The real programs that read the exporter, each in a directory of its own, on ports of the system's choice.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hyper::Method;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::client::{Answer, get, request_over};

const PATIENCE: Duration = Duration::from_secs(60);

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A port that was free a moment ago.
pub fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// Tries again until `attempt` gives something, for a minute at most.
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let tried = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

fn run(program: &str, arguments: &[String], directory: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(directory.join("log")).expect("a log");
    Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}; ./tests/run installs it"))
}

/// A running Prometheus, Alertmanager or VictoriaMetrics; killed when it is dropped.
pub struct Program {
    program: &'static str,
    ready: &'static str,
    arguments: Vec<String>,
    child: Child,
    pub address: SocketAddr,
    directory: TempDir,
}

impl Program {
    /// Prometheus with this configuration.
    pub async fn prometheus(config: &str) -> Self {
        Self::prometheus_with(config, &[]).await
    }

    /// The same, with more flags.
    pub async fn prometheus_with(config: &str, more: &[&str]) -> Self {
        Self::start("prometheus", "/-/ready", config, |address, directory| {
            let arguments = [
                format!("--config.file={}", directory.join("config.yml").display()),
                format!("--storage.tsdb.path={}", directory.join("data").display()),
                format!("--web.listen-address={address}"),
            ];
            arguments.into_iter().chain(more.iter().map(|flag| (*flag).to_owned())).collect()
        })
        .await
    }

    /// Prometheus that scrapes nothing, with the blocks of a directory; it keeps them however old they are.
    pub async fn prometheus_on(blocks: &Path, more: &[&str]) -> Self {
        Self::start("prometheus", "/-/ready", "scrape_configs: []", |address, directory| {
            let arguments = [
                format!("--config.file={}", directory.join("config.yml").display()),
                format!("--storage.tsdb.path={}", blocks.display()),
                "--storage.tsdb.retention.time=100y".to_owned(),
                format!("--web.listen-address={address}"),
            ];
            arguments.into_iter().chain(more.iter().map(|flag| (*flag).to_owned())).collect()
        })
        .await
    }

    /// Alertmanager with this configuration.
    pub async fn alertmanager(config: &str) -> Self {
        Self::start("prometheus-alertmanager", "/-/ready", config, |address, directory| {
            vec![
                format!("--config.file={}", directory.join("config.yml").display()),
                format!("--storage.path={}", directory.join("data").display()),
                format!("--web.listen-address={address}"),
                "--cluster.listen-address=".to_owned(),
            ]
        })
        .await
    }

    /// VictoriaMetrics, which receives what a Prometheus writes on.
    pub async fn victoria_metrics() -> Self {
        Self::start("victoria-metrics", "/health", "", |address, directory| {
            vec![
                format!("-storageDataPath={}", directory.join("data").display()),
                format!("-httpListenAddr={address}"),
                // It would keep a month.
                "-retentionPeriod=100y".to_owned(),
                // It would answer for half a minute ago.
                "-search.latencyOffset=0s".to_owned(),
            ]
        })
        .await
    }

    async fn start(
        program: &'static str,
        ready: &'static str,
        config: &str,
        arguments: impl Fn(SocketAddr, &Path) -> Vec<String>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("config.yml"), config).expect("a configuration");
        let address = free_port();
        let arguments = arguments(address, directory.path());
        let child = run(program, &arguments, directory.path());
        let mut started = Self { program, ready, arguments, child, address, directory };
        started.until_ready().await;
        started
    }

    /// Ends it by a signal, waits for its end, and starts it again on the same port with the same data.
    pub async fn restart(&mut self, signal: &str) {
        let id = self.child.id().expect("a running program").to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.expect("kill").success());
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("an end in time").expect("a status");
        self.child = run(self.program, &self.arguments, self.directory.path());
        self.until_ready().await;
    }

    async fn until_ready(&mut self) {
        let (program, ready, address) = (self.program, self.ready, self.address);
        eventually(&format!("{program} is ready"), async || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("{program} ended ({status}):\n{}", self.log());
            }
            // One that is only just starting may close a connection without an answer.
            let stream = tokio::net::TcpStream::connect(address).await.ok()?;
            let answer = request_over(stream, Method::GET, ready, &[]).await.ok()?;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).expect("a log of text")
    }

    /// Its warnings and errors. Prometheus 3 writes levels in capitals.
    pub fn complaints(&self) -> Vec<String> {
        let levels = ["level=warn", "level=error"];
        let is_one = |line: &&str| levels.iter().any(|level| line.to_lowercase().contains(level));
        self.log().lines().filter(is_one).map(str::to_owned).collect()
    }

    pub async fn get(&self, path: &str) -> Answer {
        get(self.address, path).await
    }

    /// The result of a PromQL query, or of what else is below `/api/v1/`.
    pub async fn query(&self, query: &str) -> serde_json::Value {
        self.ask(query, "").await
    }

    /// The result of a PromQL query at an instant, seconds since 1970.
    pub async fn query_at(&self, query: &str, seconds: i64) -> serde_json::Value {
        self.ask(query, &format!("&time={seconds}")).await
    }

    /// The result of a PromQL query over a range, all in seconds since 1970.
    pub async fn range(&self, query: &str, start: i64, end: i64, step: i64) -> serde_json::Value {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let range = format!("start={start}&end={end}&step={step}");
        let answer = self.get(&format!("/api/v1/query_range?query={query}&{range}")).await.json();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].clone()
    }

    async fn ask(&self, query: &str, more: &str) -> serde_json::Value {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let answer = self.get(&format!("/api/v1/query?query={query}{more}")).await.json();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].clone()
    }

    /// The value of a query that has one; `None` where it has none.
    pub async fn value(&self, query: &str) -> Option<f64> {
        let result = self.query(query).await;
        result[0]["value"][1].as_str().and_then(|value| value.parse().ok())
    }
}
