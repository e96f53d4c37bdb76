//! The proxies of the environment: which are rejected, which are used, and what is said where one fails.

use std::net::SocketAddr;
use std::process::Output;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::binary::program;
use crate::client::get;
use crate::programs::free_port;

const SECRET: &str = "canary-secret";

/// A proxy that answers everything with the same, and remembers what it was asked.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let task = tokio::spawn({
            let asked = Arc::clone(&asked);
            async move {
                while let Ok((mut connection, _)) = listener.accept().await {
                    let mut head = Vec::new();
                    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n")
                        && connection.read_buf(&mut head).await.unwrap_or(0) > 0
                    {}
                    asked.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                    let _ = connection.write_all(answer.as_bytes()).await;
                }
            }
        });
        Self { address, asked, task }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A configuration whose vendor has a name that no resolver knows.
fn site() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let config = format!(
        "accounts:\n  - name: acme\n    base_url: https://api.vendor.test/v2\n    account_id: acme\n    access_key: key\n    \
         secret: {SECRET}\n    credential: {{expires: never}}\n"
    );
    std::fs::write(directory.path().join("config.yaml"), config).expect("a configuration");
    directory
}

async fn run(site: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = program();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.arg("--config.file").arg(site.path().join("config.yaml")).args(arguments);
    command.envs(variables.iter().copied());
    let output = command.output().await.expect("a program to run");
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains("canary"), "{text}");
    }
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn one_that_cannot_be_used_ends_the_program_and_nobody_is_asked() {
    let site = site();
    for value in [
        "htpp://user:canary@127.0.0.1:3128",
        "ftp://127.0.0.1:3128",
        "\"http://127.0.0.1:3128\"",
        "http://127.0.0.1: 3128",
        "http://user:canary word@127.0.0.1:3128",
    ] {
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"] {
            for arguments in [&["check"][..], &["check", "--live"], &["once"], &["run"]] {
                let output = run(&site, arguments, &[(variable, value)]).await;
                let error = text(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{arguments:?} {variable}={value}: {error}");
                assert!(error.contains(&format!("lyve-cloud-exporter: {variable} has ")), "{error}");
                if variable != "HTTPS_PROXY" {
                    // The other commands read it in the same way.
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_check_says_which_is_used_and_for_whom_not() {
    let site = site();
    let proxy = ("HTTPS_PROXY", "http://user:canary@proxy.test:3128");
    let line = "https goes through the proxy http://proxy.test:3128 (HTTPS_PROXY)\n";
    let output = run(&site, &["check"], &[proxy]).await;
    assert_eq!((output.status.code(), text(&output.stdout).starts_with(line)), (Some(0), true));
    let direct = "account acme: no proxy, by NO_PROXY or as its address is local\n";
    assert!(!text(&output.stdout).contains(direct));
    for exceptions in ["*.vendor.test", ".vendor.test", "api.vendor.test:443", "10.0.0.0/8, vendor.test"] {
        let output = run(&site, &["check"], &[proxy, ("NO_PROXY", exceptions)]).await;
        assert!(text(&output.stdout).contains(&format!("{line}{direct}")), "{exceptions}");
    }
    for exceptions in ["api.vendor.test:8443", "endor.test"] {
        let output = run(&site, &["check"], &[proxy, ("no_proxy", exceptions)]).await;
        assert!(!text(&output.stdout).contains(direct), "{exceptions}");
    }
}

#[tokio::test]
async fn one_that_fails_is_named_and_not_called_the_vendor() {
    let site = site();
    let dead = free_port();
    let proxy = format!("http://user:canary@{dead}");
    let output = run(&site, &["check", "--live"], &[("HTTPS_PROXY", &proxy)]).await;
    let shown = text(&output.stdout);
    let says = format!(
        "POST /auth/token       proxy: cannot connect to api.vendor.test through the proxy http://{dead} \
         (HTTPS_PROXY): Connection refused"
    );
    assert!(shown.contains(&says), "{shown}");

    for (answer, says) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "407: the proxy http://PROXY (HTTPS_PROXY) wants a name and password: check those in its URL",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
            "cannot connect to api.vendor.test through the proxy http://PROXY (HTTPS_PROXY): the proxy rejects",
        ),
    ] {
        let rejecting = Proxy::start(answer).await;
        let proxy = format!("http://user:can%61ry@{}", rejecting.address);
        let output = run(&site, &["check", "--live"], &[("HTTPS_PROXY", &proxy)]).await;
        let shown = text(&output.stdout);
        let says = says
            .replace("PROXY)", "@)")
            .replace("PROXY", &rejecting.address.to_string())
            .replace("@)", "PROXY)");
        assert!(shown.contains(&says), "{says}\n{shown}");
        let asked = rejecting.asked();
        assert!(asked[0].starts_with("CONNECT api.vendor.test:443 HTTP/1.1\r\n"), "{asked:?}");
        // `user:canary`.
        assert!(asked[0].contains("proxy-authorization: Basic dXNlcjpjYW5hcnk=\r\n"), "{asked:?}");
    }
}

#[tokio::test]
async fn alerts_go_through_one_as_well() {
    let site = site();
    let config = std::fs::read_to_string(site.path().join("config.yaml")).unwrap();
    // There is something to tell from the start.
    let config = config.replace("expires: never", "expires: 2020-01-01");
    let config = format!("{config}alertmanager: {{urls: [\"http://alertmanager.test:9093\"]}}\n");
    std::fs::write(site.path().join("config.yaml"), config).unwrap();
    let asking = Proxy::start(
        "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
    .await;
    let dead = free_port();
    let mut command = program();
    command
        .arg("--config.file")
        .arg(site.path().join("config.yaml"))
        .env("HTTP_PROXY", format!("http://{}", asking.address))
        .env("HTTPS_PROXY", format!("http://{dead}"))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let running = crate::binary::Running::start(&mut command).await;
    crate::programs::eventually("a post has failed", async || {
        let metrics = get(running.address, "/metrics").await.text();
        metrics
            .lines()
            .any(|line| {
                line.contains("result=\"failed\"")
                    && line.contains("alertmanager.test")
                    && !line.ends_with(" 0")
            })
            .then_some(())
    })
    .await;
    assert!(asking.asked()[0].starts_with("POST http://alertmanager.test:9093/api/v2/alerts "));
    let log = running.stop("-TERM").await.1;
    let says = format!(
        "answered 407 Proxy Authentication Required, through the proxy http://{} (HTTP_PROXY)",
        asking.address
    );
    assert!(log.contains(&says), "{log}");
}
