//! Disks that are full. A limit on the size of files is one for whoever has no right to make a small disk.

use std::process::{Output, Stdio};

use super::{PATIENCE, said};
use crate::backfill::site::Site;

/// Runs a command with this limit on the size of each file that it writes, in blocks of 512 bytes.
async fn run_limited(site: &Site, blocks: u64, arguments: &[&str]) -> Output {
    let command = site.backfill(arguments);
    let command = command.as_std();
    // What would end the process otherwise makes the write fail, as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut limited = tokio::process::Command::new("/bin/sh");
    limited.args(["-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
    limited.current_dir(site.directory.path()).kill_on_drop(true).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    tokio::time::timeout(PATIENCE, limited.output()).await.unwrap().unwrap()
}

fn files(site: &Site) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(site.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn no_room_for_the_output_keeps_every_answer() {
    let site = Site::new().await;
    let undisturbed = site.text(&[]).await;
    // Room for the answers, and not for a tenth of the text.
    let output = run_limited(&site, 40, &["--output=past.om"]).await;
    assert_eq!(output.status.code(), Some(3));
    let last: Vec<&str> = said(&output).lines().skip(6).collect();
    assert_eq!(
        last,
        [
            "lyve-cloud-exporter: cannot write past.om: File too large (os error 27)",
            "what was answered is kept: the same command goes on from there"
        ]
    );
    assert_eq!(files(&site), ["config.yaml", "past.om.partial"], "nothing half is left");

    site.stage.simulator.forget_requests();
    let output = site.run(&["--output=past.om"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "6 of 6 queries were answered before: going on from there\n");
    assert_eq!(site.stage.simulator.request_count(None), 0, "nothing has to be asked for again");
    assert_eq!(std::fs::read_to_string(site.path("past.om")).unwrap(), undisturbed);
    assert_eq!(files(&site), ["config.yaml", "past.om"]);
}

#[tokio::test]
async fn an_output_that_was_there_before_stays_where_there_is_no_room_for_another() {
    let site = Site::new().await;
    std::fs::write(site.path("past.om"), "a former one").unwrap();
    let output = run_limited(&site, 40, &["--output=past.om"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(site.path("past.om")).unwrap(), "a former one");
}

#[tokio::test]
async fn no_room_for_an_answer_keeps_those_before_it() {
    let site = Site::new().await;
    let undisturbed = site.text(&[]).await;
    let output = run_limited(&site, 3, &["--output=past.om"]).await;
    assert_eq!(output.status.code(), Some(3));
    let said_first = said(&output);
    let problem = "lyve-cloud-exporter: cannot write past.om.partial: File too large (os error 27)\n\
                   what was answered is kept: the same command goes on from there\n";
    let (steps, rest) = said_first.split_at(said_first.find("lyve-cloud-exporter").expect("an error"));
    assert_eq!(rest, problem);
    let kept = steps.lines().count();
    assert!((1..6).contains(&kept), "some answers had room: {said_first}");
    assert_eq!(files(&site), ["config.yaml", "past.om.partial"]);

    site.stage.simulator.forget_requests();
    let output = site.run(&["--output=past.om"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let begin = format!("{kept} of 6 queries were answered before: going on from there\n");
    assert!(said(&output).starts_with(&begin), "{}", said(&output));
    assert_eq!(site.queries(), 6 - kept);
    assert_eq!(std::fs::read_to_string(site.path("past.om")).unwrap(), undisturbed);
}

#[tokio::test]
async fn no_room_for_temporary_files_is_told() {
    let site = Site::new().await;
    let output = run_limited(&site, 3, &[]).await;
    assert_eq!(output.status.code(), Some(3));
    let last = said(&output).lines().last().unwrap();
    assert!(last.starts_with("lyve-cloud-exporter: cannot write a temporary file in "), "{last}");
    let end = ": File too large (os error 27); name another directory in TMPDIR, or give --output";
    assert!(last.ends_with(end), "{last}");
    assert!(output.stdout.is_empty(), "nothing half is written");
}

#[tokio::test]
async fn a_full_standard_output_is_told() {
    let site = Site::new().await;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = site.backfill(&[]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let problem =
        "lyve-cloud-exporter: cannot write to standard output: No space left on device (os error 28)\n";
    assert!(said(&output).ends_with(problem), "{}", said(&output));
}
