//! Where the program listens and `health` asks, in networks of their own with other settings of the kernel than here.

use std::process::Output;
use std::time::Duration;

use tokio::process::Command;

use crate::binary::program;

/// Runs the demo in a network of its own, after `settings`, and asks it: by `health` as a container would, and at the loopback
/// address of either family. Each line of the output is a question and its exit status.
const SCRIPT: &str = r#"
set -u
ip link set lo up
eval "$SETTINGS"
"$PROGRAM" demo --web.listen-address=:10059 > /dev/null 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
until "$PROGRAM" health --web.listen-address=$READY 2> /dev/null; do
    kill -0 $daemon || exit 1
    sleep 0.1
done
for address in :10059 127.0.0.1:10059 [::1]:10059; do
    "$PROGRAM" health --web.listen-address=$address 2> /dev/null
    echo "$address $?"
done
"#;

/// `None` where this user may not make a network, as on a machine without user namespaces: nothing is tested then.
async fn asked(settings: &str, ready: &str) -> Option<String> {
    let allowed = Command::new("unshare").args(["-rn", "true"]).output().await;
    if !allowed.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let program = program();
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", SCRIPT]).kill_on_drop(true);
    command.env("PROGRAM", program.as_std().get_program()).env("SETTINGS", settings).env("READY", ready);
    let output = tokio::time::timeout(Duration::from_secs(60), command.output());
    let Output { stdout, stderr, .. } = output.await.expect("an end in time").expect("a shell");
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    Some(String::from_utf8(stdout).expect("text"))
}

#[tokio::test]
async fn both_families_are_served_whatever_the_kernel_prefers() {
    let Some(asked) = asked("sysctl -qw net.ipv6.bindv6only=1", "[::1]:10059").await else { return };
    assert_eq!(asked, ":10059 0\n127.0.0.1:10059 0\n[::1]:10059 0\n");
}

#[tokio::test]
async fn without_ipv6_the_program_is_healthy() {
    let Some(asked) = asked("sysctl -qw net.ipv6.conf.all.disable_ipv6=1", "127.0.0.1:10059").await else {
        return;
    };
    assert_eq!(asked, ":10059 0\n127.0.0.1:10059 0\n[::1]:10059 1\n");
}
