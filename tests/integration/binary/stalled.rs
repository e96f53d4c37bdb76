//! A log that nobody reads.

use std::io::Read as _;
use std::os::fd::AsFd as _;

use lyve_cloud_exporter::store::state_file;

use super::*;
use crate::client::post;
use crate::programs::{eventually, free_port};

/// A pipe that is full, and its other end.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let (reader, writer) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(writer.as_fd()).unwrap();
    fcntl_setfl(writer.as_fd(), flags | OFlags::NONBLOCK).unwrap();
    while std::io::Write::write(&mut &writer, b"\n").is_ok() {}
    fcntl_setfl(writer.as_fd(), flags).unwrap();
    (reader, writer)
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let site = Site::new().await;
    let config =
        site.configure("credential: {expires: never}\npoll: {current_usage: 30s}\nstate_file: state.json");
    let address = free_port();
    let (mut reader, writer) = full_pipe();
    let mut command = with_config(&config);
    command
        .arg(format!("--web.listen-address={address}"))
        .args(["--web.enable-lifecycle", "--log.level=debug"]);
    let mut child = command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    // The copy of the pipe's end that the command holds would keep its reader waiting.
    drop(command);
    eventually("it is ready", async || {
        let stream = tokio::net::TcpStream::connect(address).await.ok()?;
        drop(stream);
        (get(address, "/-/ready").await.status == 200).then_some(())
    })
    .await;

    // Each is a line of the log with every fault of the configuration, and together they are more than waits.
    let faults: String =
        (0..3000).map(|number| format!("unknown_key_of_some_length_{number}: 1\n")).collect();
    let good = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{good}{faults}")).unwrap();
    for _ in 0..12 {
        assert_eq!(post(address, "/-/reload", String::new()).await.status, 500);
    }
    let dropped = async || {
        let samples = Samples::parse(&get(address, "/metrics").await.text());
        samples.value("lyvecloud_exporter_log_lines_dropped_total", &[]).expect("a figure")
    };
    for _ in 0..10 {
        assert!(dropped().await > 0.0);
    }
    // A changed secret makes it poll at once.
    std::fs::write(&config, &good).unwrap();
    let before = site.simulator.request_count(Endpoint::CurrentUsage);
    std::fs::write(&config, good.replace("current_usage: 30s", "current_usage: 30s, timeout: 9s")).unwrap();
    assert_eq!(post(address, "/-/reload", String::new()).await.status, 200);
    tokio::time::timeout(PATIENCE, site.simulator.wait_for_requests(Endpoint::CurrentUsage, before + 1))
        .await
        .expect("polls go on");

    let lost = dropped().await;
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let status = tokio::time::timeout(Duration::from_secs(8), child.wait()).await.expect("an end in time");
    assert_eq!(status.unwrap().code(), Some(0));
    let state = state_file::read(&site.path("state.json"), &lyve_cloud_exporter::poll::formats())
        .unwrap()
        .expect("a state file");
    assert!(
        state.accounts[0].memory.answers.contains_key(&lyve_cloud_exporter::model::Collector::CURRENT_USAGE)
    );
    assert!(lost >= 1.0);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.trim().is_empty() || text.contains("ts="), "{text}");
}

#[tokio::test]
async fn a_reader_that_goes_on_is_told_what_it_lost() {
    let site = Site::new().await;
    let config = site.config();
    let address = free_port();
    let (mut reader, writer) = full_pipe();
    let mut command = with_config(&config);
    command.arg(format!("--web.listen-address={address}")).arg("--web.enable-lifecycle");
    let mut child = command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    drop(command);
    eventually("it listens", async || tokio::net::TcpStream::connect(address).await.ok()).await;
    let faults: String =
        (0..3000).map(|number| format!("unknown_key_of_some_length_{number}: 1\n")).collect();
    std::fs::write(&config, format!("{}{faults}", std::fs::read_to_string(&config).unwrap())).unwrap();
    for _ in 0..12 {
        assert_eq!(post(address, "/-/reload", String::new()).await.status, 500);
    }
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    // What is read now makes room for the line that tells.
    eventually("there is room again", async || {
        let before = Samples::parse(&get(address, "/metrics").await.text());
        assert_eq!(post(address, "/-/reload", String::new()).await.status, 500);
        let after = Samples::parse(&get(address, "/metrics").await.text());
        let dropped = |samples: &Samples| samples.value("lyvecloud_exporter_log_lines_dropped_total", &[]);
        (dropped(&before) == dropped(&after)).then_some(())
    })
    .await;
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    let text = reading.await.unwrap();
    let line = text.lines().find(|line| line.contains("log lines were dropped")).expect("a line that tells");
    assert!(line.contains("level=warn component=logging msg=") && line.contains(" count="), "{line}");
    assert!(text.trim_end().ends_with("msg=stopped"), "the last words are read");
}
