//! How far a backfill is, as a person sees it on a terminal.

use std::process::Stdio;
use std::time::Duration;

use lyve_cloud_exporter::simulator::{Endpoint, Fault};

use super::PATIENCE;
use crate::backfill::site::Site;

#[tokio::test]
async fn a_bar_shows_how_far_it_is() {
    let site = Site::new().await;
    // Slow enough that each step is drawn.
    site.stage.simulator.configure(|settings| settings.latency = Duration::from_millis(120));
    let globex = site.stage.simulator.account("globex");
    globex.fail_once(Endpoint::MonthlyUsage, Fault::empty(503));
    let command = site.backfill(&["--output=past.om"]);
    let words = command.as_std().get_args().map(|word| format!("'{}'", word.display()));
    let words: Vec<String> = words.collect();
    let program = command.as_std().get_program().display();
    // It runs its command on a terminal of its own, and tells what appears there.
    let mut script = tokio::process::Command::new("script");
    script.args(["--quiet", "--return", "--command"]);
    script.arg(format!("stty cols 120; exec '{program}' {}", words.join(" "))).arg("/dev/null");
    script.current_dir(site.directory.path()).stdin(Stdio::null()).kill_on_drop(true);
    for name in std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.display().to_string().starts_with("LYVE_"))
    {
        script.env_remove(name);
    }
    script.env("TERM", "xterm").env("SHELL", "/bin/sh");
    let output =
        tokio::time::timeout(PATIENCE, script.output()).await.unwrap().expect("script: Debian has it");
    let screen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{screen}");
    for step in ["0/6", "2/6 acme: 2024-05 to 2024-10", "4/6 globex: 2023-11 to 2024-04"] {
        assert!(screen.contains(step), "{step}: {screen:?}");
    }
    assert!(!screen.contains("(1 of 6)"), "a bar, and not a line for each step: {screen:?}");
    // What stays on the screen is what somebody has to know, above the bar; the bar itself is gone in the end.
    assert!(
        screen.contains("globex: GET /usage/monthly: 503: an error on the vendor's side; trying again"),
        "{screen:?}"
    );
    let (_, last) = screen.rsplit_once("/6").unwrap();
    assert!(last.contains("\u{1b}[2K"), "the bar is cleared away: {screen:?}");
    // And what came of it, with what to do next.
    let text = std::fs::read_to_string(site.path("past.om")).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    let end = screen.lines().rev().take(2).collect::<Vec<_>>();
    let (next, sum) = (end[0], end[1]);
    let thousands = format!("{},{:03}", samples / 1000, samples % 1000);
    assert!(
        sum.contains("Wrote past.om: ") && sum.contains(&format!(" series, {thousands} samples, ")),
        "{sum:?}"
    );
    assert!(sum.contains(", 2 accounts, in "), "{sum:?}");
    let command =
        "Next: promtool tsdb create-blocks-from openmetrics --max-block-duration=1458h past.om blocks";
    assert_eq!(next, command, "{screen:?}");
}
