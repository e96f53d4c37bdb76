//! A real browser, driven over the `DevTools` protocol through a pipe: no port, no client library.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Each browser is a dozen processes: one at a time leaves the machine to the other tests.
static BROWSERS: Semaphore = Semaphore::const_new(1);

/// The names under which distributions have it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

const PATIENCE: Duration = Duration::from_secs(60);

/// It speaks on the descriptors 3 and 4, messages end with a zero byte.
const ON_A_PIPE: &str = r#"exec 3<&0 4>&1 </dev/null >/dev/null 2>&1; exec "$@""#;

/// Whether the page is looked at in the light or in the dark.
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    Light,
    Dark,
}

/// A browser with one tab. It ends when it is dropped.
pub struct Chromium {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: String,
    last_id: u64,
    events: Vec<Value>,
    _process: Child,
    _profile: TempDir,
    _permit: SemaphorePermit<'static>,
}

/// What happened while a page was loaded.
#[derive(Debug)]
pub struct Visit {
    /// The status of the document.
    pub status: u64,
    /// The address of every request that was made or tried.
    pub requests: Vec<String>,
    /// What the browser complained about: errors and warnings of the console, of the log, and uncaught ones.
    pub complaints: Vec<String>,
}

impl Chromium {
    pub async fn start() -> Self {
        let permit = BROWSERS.acquire().await.expect("an open semaphore");
        let program = NAMES.into_iter().find(|name| on_path(name)).unwrap_or_else(|| {
            panic!(
                "these tests need a browser: install Debian's package chromium (looked for {NAMES:?} on PATH)"
            )
        });
        let profile = tempfile::tempdir().expect("a directory");
        let mut process = Command::new("sh")
            .args(["-c", ON_A_PIPE, "sh", program])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-lcd-text",
                "--hide-scrollbars",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a shell");
        let input = process.stdin.take().expect("a pipe");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut browser = Self {
            input,
            output,
            session: String::new(),
            last_id: 0,
            events: Vec::new(),
            _process: process,
            _profile: profile,
            _permit: permit,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let target = target["targetId"].as_str().expect("a tab");
        let attached =
            browser.call("Target.attachToTarget", json!({"targetId": target, "flatten": true})).await;
        attached["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        for domain in ["Page", "Network", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Sends a command, and waits for its answer.
    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut message = message.to_string().into_bytes();
        message.push(0);
        self.input.write_all(&message).await.expect("a browser that listens");
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    /// The next message. Events are kept.
    async fn receive(&mut self) -> Value {
        let mut message = Vec::new();
        let read = self.output.read_until(0, &mut message);
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("a message in time")
            .expect("a browser that answers");
        assert_eq!(message.pop(), Some(0), "the browser ended");
        let message: Value = serde_json::from_slice(&message).expect("JSON");
        if message["method"].is_string() {
            self.events.push(message.clone());
        }
        message
    }

    async fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|message| message["method"] == event) {
            self.receive().await;
        }
    }

    /// The size of the window, CSS pixels, and the scheme.
    pub async fn look(&mut self, width: u32, height: u32, scheme: Scheme) {
        let mobile = width < 600;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Loads a page to its end.
    pub async fn visit(&mut self, url: &str) -> Visit {
        self.events.clear();
        let navigated = self.call("Page.navigate", json!({"url": url})).await;
        assert!(navigated["errorText"].is_null(), "{url}: {}", navigated["errorText"]);
        self.wait_for("Page.loadEventFired").await;
        // What is only found while it is drawn is reported before this answer.
        self.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            .await;
        self.visited()
    }

    /// Follows what a script on the page does, such as to send a form.
    pub async fn act(&mut self, script: &str) -> Visit {
        self.events.clear();
        self.evaluate(script).await;
        self.wait_for("Page.loadEventFired").await;
        self.visited()
    }

    fn visited(&self) -> Visit {
        let of = |method: &'static str| self.events.iter().filter(move |event| event["method"] == method);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let requests = of("Network.requestWillBeSent").map(|event| text(&event["params"]["request"]["url"]));
        let complaints = of("Log.entryAdded")
            .filter(|event| event["params"]["entry"]["level"] != "verbose")
            .chain(of("Runtime.consoleAPICalled"))
            .chain(of("Runtime.exceptionThrown"))
            .chain(of("Network.loadingFailed"));
        let status = of("Network.responseReceived")
            .find(|event| event["params"]["type"] == "Document")
            .and_then(|event| event["params"]["response"]["status"].as_u64());
        Visit {
            status: status.expect("a document"),
            requests: requests.collect(),
            complaints: complaints.map(|event| event["params"].to_string()).collect(),
        }
    }

    /// The value of an expression on the page.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", params).await;
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// A picture of what a window of this size shows, so many pixels for each of its own: PNG in base64.
    pub async fn screenshot(&mut self, width: u32, height: u32, scale: f64) -> String {
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": scale});
        let shot = self.call("Page.captureScreenshot", json!({"format": "png", "clip": clip})).await;
        shot["data"].as_str().expect("a picture").to_owned()
    }
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
}
