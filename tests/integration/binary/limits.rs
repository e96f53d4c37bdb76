//! Limits of the system that are too small: the program says which one it is, and goes on.

use std::fs;

use hyper::Method;
use tokio::net::TcpStream;

use super::*;
use crate::client::request;
use crate::programs::{eventually, repository};

/// The program behind another one, which limits it.
fn limited_by(limiter: &str, arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(limiter);
    command.args(arguments).arg(env!("CARGO_BIN_EXE_lyve-cloud-exporter")).arg("--config.file").arg(config);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LYVE_")) {
        command.env_remove(name);
    }
    // An allocator reserves address space for each thread, so the figures hold for so many.
    command.env("TOKIO_WORKER_THREADS", "2").kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Has the configuration read again and the account polled again, and scrapes several times, in both encodings.
async fn keeps_serving(running: &Running, site: &Site) {
    running.until_ready().await;
    let polled = site.simulator.request_count(Endpoint::CurrentUsage);
    site.configure("credential: {expires: never}\nseries: {max_per_account: 40000}");
    let id = running.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().await.unwrap().success());
    eventually("it polls again", async || {
        (site.simulator.request_count(Endpoint::CurrentUsage) > polled).then_some(())
    })
    .await;
    for _ in 0..5 {
        let metrics = get(running.address, "/metrics").await;
        assert_eq!(metrics.status, 200);
        let samples = Samples::parse(&metrics.text());
        assert_eq!(samples.value("lyvecloud_up", &[("account", "production")]), Some(1.0));
        let packed = request(running.address, Method::GET, "/metrics", &[("accept-encoding", "gzip")]).await;
        assert_eq!(packed.status, 200);
    }
}

fn many_buckets(site: &Site, count: usize) {
    let account = site.simulator.account("acme");
    (0..count).fold(account, |account, number| account.bucket(&format!("bucket-{number:05}"), 1.5));
}

/// Whether the page of failures has what the log says.
fn is_documented(message: &str) -> bool {
    fs::read_to_string(repository("docs/failures.md")).unwrap().contains(message)
}

#[tokio::test]
async fn with_64_open_files_it_serves_fewer_connections() {
    let site = Site::new().await;
    let running = Running::start(&mut limited_by("prlimit", &["--nofile=64"], &site.config())).await;
    let mut idle = Vec::new();
    for _ in 0..150 {
        idle.push(TcpStream::connect(running.address).await.unwrap());
    }
    keeps_serving(&running, &site).await;
    let samples = Samples::parse(&get(running.address, "/metrics").await.text());
    assert_eq!(samples.value("process_max_fds", &[]), Some(64.0));
    drop(idle);
    let (code, log) = running.stop("-TERM").await;
    assert_eq!(code, Some(0), "{log}");
    let message = "few open files are allowed (ulimit -n): fewer connections at once are served";
    assert!(log.contains(message), "{log}");
    assert!(is_documented(message));
}

#[tokio::test]
async fn with_a_small_address_space_it_says_so() {
    let site = Site::new().await;
    many_buckets(&site, 2000);
    let limit = format!("--as={}", 600 * 1024 * 1024);
    let running = Running::start(&mut limited_by("prlimit", &[&limit], &site.config())).await;
    keeps_serving(&running, &site).await;
    let (code, log) = running.stop("-TERM").await;
    assert_eq!(code, Some(0), "{log}");
    let message = "the address space is limited (ulimit -v): scrapes may fail, or the exporter may end; ";
    assert!(log.contains(message) && log.contains("mebibytes=600"), "{log}");
    assert!(is_documented(message));
}

/// A control group of so many bytes of memory, where this process may make one.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn new(bytes: u64) -> Option<Self> {
        let name = format!("lyve-cloud-exporter-test-{}", std::process::id());
        let versions = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        versions.into_iter().find_map(|(root, limit)| {
            let group = Self(Path::new(root).join(&name));
            fs::create_dir(&group.0).ok()?;
            // Dropped, and removed with it, where it has no such limit.
            fs::OpenOptions::new().write(true).open(group.0.join(limit)).ok()?;
            fs::write(group.0.join(limit), bytes.to_string()).ok()?;
            Some(group)
        })
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // Where a test fails, its program was killed a moment ago.
        let is_gone = || fs::remove_dir(&self.0).is_ok();
        let _ = (0..40).any(|_| {
            is_gone() || {
                std::thread::sleep(Duration::from_millis(25));
                false
            }
        });
    }
}

#[tokio::test]
async fn in_64_mib_of_memory_it_keeps_serving() {
    let Some(group) = MemoryGroup::new(64 * 1024 * 1024) else {
        eprintln!("NOT CHECKED: this process may not make a control group with a memory limit");
        return;
    };
    let site = Site::new().await;
    many_buckets(&site, 2000);
    let join = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", group.0.display());
    let mut command = limited_by("sh", &["-c", &join, "sh"], &site.config());
    let running = Running::start(&mut command).await;
    let id = running.child.id().unwrap().to_string();
    let members = fs::read_to_string(group.0.join("cgroup.procs")).unwrap();
    assert!(members.lines().any(|member| member == id), "{members}");
    keeps_serving(&running, &site).await;
    let (code, log) = running.stop("-TERM").await;
    assert_eq!(code, Some(0), "{log}");
}
