//! The units, and the program as systemd runs it.

use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::UnixDatagram;

use crate::binary::program;
use crate::client::get;
use crate::programs::{eventually, free_port, repository};

const SERVICE: &str = "deploy/systemd/lyve-cloud-exporter.service";

fn demo() -> tokio::process::Command {
    let mut command = program();
    command.args(["demo", "--web.listen-address=127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn the_sandbox_is_as_tight_as_it_can_be() {
    // In tenths: 1.2 of 10, where 10 is a service without any protection.
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold=12"])
        .arg(repository(SERVICE))
        .output()
        .expect("systemd-analyze; ./tests/run installs it");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Overall exposure level"), "{said}");
    let unit = std::fs::read_to_string(repository(SERVICE)).unwrap();
    assert!(unit.lines().any(|line| line == "LimitCORE=0"), "a core dump has the secrets in it");
}

#[tokio::test]
async fn systemd_is_told_of_the_start_of_every_half_of_the_watchdogs_time_and_of_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut child =
        demo().env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000").spawn().expect("a program to run");
    let id = child.id().expect("a running program").to_string();
    let heard = async || {
        let mut message = vec![0; 1024];
        let length = tokio::time::timeout(Duration::from_secs(20), manager.recv(&mut message))
            .await
            .expect("a message in time")
            .unwrap();
        String::from_utf8_lossy(&message[..length]).trim().to_owned()
    };
    let mut messages = Vec::new();
    while messages.iter().filter(|message| *message == "WATCHDOG=1").count() < 3 {
        messages.push(heard().await);
    }
    assert!(messages.contains(&"READY=1".to_owned()), "{messages:?}");
    assert!(!messages.contains(&"STOPPING=1".to_owned()), "{messages:?}");
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    while heard().await != "STOPPING=1" {}
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_socket_without_a_file_is_told_as_well() {
    use std::os::linux::net::SocketAddrExt as _;
    let name = format!("lyve-cloud-exporter-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let manager = std::os::unix::net::UnixDatagram::bind_addr(&address).unwrap();
    manager.set_nonblocking(true).unwrap();
    let manager = UnixDatagram::from_std(manager).unwrap();
    let _child = demo().env("NOTIFY_SOCKET", format!("@{name}")).spawn().expect("a program to run");
    let mut message = vec![0; 1024];
    let length = tokio::time::timeout(Duration::from_secs(20), manager.recv(&mut message))
        .await
        .expect("a message in time")
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&message[..length]).trim(), "READY=1");
}

#[tokio::test]
async fn a_socket_of_systemd_is_served() {
    let address = free_port();
    let mut activated = tokio::process::Command::new("systemd-socket-activate");
    activated
        .arg(format!("--listen={address}"))
        .args([env!("CARGO_BIN_EXE_lyve-cloud-exporter"), "demo", "--web.systemd-socket"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // The program takes the place of systemd-socket-activate at the first connection.
    let mut child = activated.spawn().expect("systemd-socket-activate; ./tests/run installs it");
    eventually("systemd listens", async || tokio::net::TcpStream::connect(address).await.ok()).await;
    eventually("it is ready", async || (get(address, "/-/ready").await.status == 200).then_some(())).await;
    let id = child.id().expect("a running program").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_socket_that_systemd_did_not_hand_over_is_missed() {
    let output = demo().arg("--web.systemd-socket").stderr(Stdio::piped()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("lyve-cloud-exporter.socket"), "{said}");
}
