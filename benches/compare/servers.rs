//! The three servers that are compared, each a process of its own on a loopback port.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{Process, this_program};
use crate::scrape::{Connection, Encoding};

/// The program that is measured: what cargo has built, or another build of it that `EXPORTER` names.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("EXPORTER")
        .map_or_else(|| env!("CARGO_BIN_EXE_lyve-cloud-exporter").into(), PathBuf::from)
}

pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

/// A port that was free a moment ago.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Asks until `path` is answered with 200; how long that took.
pub(crate) fn until_answered(address: SocketAddr, path: &str, patience: Duration) -> Duration {
    let began = Instant::now();
    let answered = || Connection::open(address)?.get(path, Encoding::Identity, None);
    while !answered().is_ok_and(|status| status == 200) {
        assert!(began.elapsed() < patience, "no answer at {address}{path} within {patience:?}");
        std::thread::sleep(Duration::from_micros(500));
    }
    began.elapsed()
}

/// The exporter with a configuration; it may not have polled yet.
pub(crate) fn exporter(directory: &Path, config: &str) -> Server {
    exporter_with(directory, config, None)
}

/// The same with one more argument.
pub(crate) fn exporter_with(directory: &Path, config: &str, more: Option<String>) -> Server {
    let path = directory.join("config.yaml");
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    std::io::Write::write_all(&mut file.unwrap(), config.as_bytes()).unwrap();
    let address = free_port();
    let process = Process::start(
        Command::new(program())
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .args(more),
    );
    Server { process, address }
}

/// nginx with the same bytes as files.
pub(crate) fn nginx(directory: &Path, identity: &[u8], gzip: &[u8]) -> Server {
    let root = directory.join("nginx");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("metrics"), identity).unwrap();
    std::fs::write(root.join("metrics.gz"), gzip).unwrap();
    let address = free_port();
    let place = root.display();
    // As root nginx would give up its rights, and with them those to a directory that is for us alone.
    let user = if std::fs::metadata(&root).unwrap().uid() == 0 { "user root;" } else { "" };
    let config = format!(
        "daemon off; {user} worker_processes 1; pid {place}/pid; error_log {place}/error.log warn;
         events {{}}
         http {{
             access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; gzip_static on;
             default_type 'text/plain; version=0.0.4; charset=utf-8';
             client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
             uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
             server {{ listen {address}; root {place}; }}
         }}"
    );
    let file = root.join("nginx.conf");
    std::fs::write(&file, config).unwrap();
    let process = Process::start(Command::new("nginx").arg("-p").arg(&root).arg("-c").arg(&file));
    until_answered(address, "/metrics", Duration::from_secs(10));
    Server { process, address }
}

/// A server as one writes it first: a GaugeVec and a TextEncoder, in another process of this very program.
pub(crate) fn naive(accounts: usize, buckets: usize) -> Server {
    let mut process = Process::start(
        Command::new(this_program())
            .args(["naive", &accounts.to_string(), &buckets.to_string()])
            .stdout(Stdio::piped()),
    );
    let mut said = String::new();
    let stdout = process.child().stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut said).unwrap();
    let address = said.trim().parse().unwrap();
    Server { process, address }
}
