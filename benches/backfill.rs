//! How much memory a backfill takes: ten years of 100,000 buckets, read by a pipe.
//!
//! `cargo bench --bench backfill`; `-- --years 1 --buckets 1000` for less. It fails where the memory reaches the bar.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot go on has failed"
)]
#![allow(clippy::print_stdout, reason = "its result")]

use std::io::Read as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lyve_cloud_exporter::clock::System;
use lyve_cloud_exporter::model::Month;
use lyve_cloud_exporter::simulator::{Endpoint, Simulator, Usage};

/// MiB.
const BAR: f64 = 100.0;

/// The last year of the range, long over.
const LAST_YEAR: i32 = 2023;

fn option(name: &str, default: i32) -> i32 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().map_or(default, |value| value.parse().expect("a number"))
}

/// The most memory that a process has had, MiB; `None` once it has ended.
fn peak(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

#[tokio::main]
async fn main() -> ExitCode {
    let (years, buckets) = (option("--years", 10), option("--buckets", 100_000));
    let simulator = Simulator::start(Arc::new(System)).await.unwrap();
    let mut account = simulator.account("acme");
    for bucket in 0..buckets {
        // Digits as real usage has them, and different in each month.
        let usage = Usage::curve(move |now| {
            Some(f64::from(bucket) + (now.as_second() / 86_400 % 3650) as f64 / 1000.0)
        });
        account = account.bucket(&format!("bucket-{bucket:06}"), usage);
    }
    let (access_key, secret) = account.pair();
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config.yaml");
    let base_url = simulator.base_url();
    let text = format!(
        "accounts: [{{name: acme, base_url: '{base_url}', account_id: acme, access_key: {access_key}, secret: {secret}}}]\n\
         poll: {{timeout: 10m}}\n"
    );
    std::fs::write(&config, text).unwrap();

    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lyve-cloud-exporter"))
        .arg("--config.file")
        .arg(&config)
        .arg("backfill")
        .arg(format!("--from={:04}-01", LAST_YEAR - years + 1))
        .arg(format!("--to={LAST_YEAR}-12"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let ended = Arc::new(AtomicBool::new(false));
    let watching = std::thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            let mut most = 0.0_f64;
            while !ended.load(Ordering::Relaxed) {
                most = most.max(peak(pid).unwrap_or(0.0));
                std::thread::sleep(Duration::from_millis(20));
            }
            most
        }
    });
    let mut out = child.stdout.take().unwrap();
    let reading = std::thread::spawn(move || {
        let (mut buffer, mut bytes, mut lines, mut tail) = (vec![0; 1 << 20], 0_u64, 0_u64, Vec::new());
        loop {
            let read = out.read(&mut buffer).unwrap();
            if read == 0 {
                return (bytes, lines, tail);
            }
            bytes += read as u64;
            lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
            tail = buffer[read.saturating_sub(6)..read].to_vec();
        }
    });
    let (bytes, lines, tail) = tokio::task::spawn_blocking(|| reading.join().unwrap()).await.unwrap();
    let status = child.wait().unwrap();
    ended.store(true, Ordering::Relaxed);
    let most = watching.join().unwrap();

    assert!(status.success() && tail == b"# EOF\n", "{status}: {tail:?}");
    let month = |year, month| Month::new(year, month).unwrap().start().as_second();
    let days = (month(LAST_YEAR + 1, 1) - month(LAST_YEAR - years + 1, 1)) / 86_400;
    // One sample a day of the account and of each bucket, the heads of these two families, and the end.
    assert_eq!(lines, u64::try_from(days).unwrap() * u64::try_from(buckets + 1).unwrap() + 2 * 3 + 1);
    println!(
        "{years} years of {buckets} buckets: {} queries, {lines} lines, {:.1} GB, {:.0} s, at most {most:.1} MiB (bar: {BAR} MiB)",
        simulator.request_count(Endpoint::MonthlyUsage),
        bytes as f64 / 1e9,
        began.elapsed().as_secs_f64(),
    );
    if most < BAR { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
