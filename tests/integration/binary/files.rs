//! What the program does to files: its own ones are replaced as a whole, and it touches no others.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};

use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::store::state_file;

use super::*;
use crate::programs::eventually;

/// Runs a command in a shell, after `before`, where the site's directory is the working directory.
fn after(site: &Site, before: &str, command: &Command) -> Command {
    in_shell(Command::new("/bin/sh"), site, before, command)
}

/// The same with mounts of its own.
fn with_mounts(site: &Site, before: &str, command: &Command) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "/bin/sh"]);
    in_shell(unshare, site, before, command)
}

fn in_shell(mut shell: Command, site: &Site, before: &str, command: &Command) -> Command {
    let command = command.as_std();
    shell.args(["-e", "-c", &format!("{before}\nexec \"$@\""), "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.current_dir(site.directory.path()).stdin(Stdio::null()).kill_on_drop(true);
    shell
}

fn command(site: &Site, arguments: &[&str]) -> Command {
    let mut command = with_config(&site.config());
    command.args(arguments).current_dir(site.directory.path());
    command
}

fn names(site: &Site) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(site.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

const BACKFILL: [&str; 3] = ["backfill", "--from=2024-01", "--to=2024-02"];

/// Makes a device of the site's own that is like `/dev/null`; where that needs rights that are missing, a pipe.
fn make_device(site: &Site, name: &str) {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, site.path(name), FileType::CharacterDevice, mode, makedev(1, 3))
        .or_else(|_| mknodat(CWD, site.path(name), FileType::Fifo, mode, 0))
        .unwrap();
}

#[tokio::test]
async fn a_device_or_a_pipe_stays_what_it_is() {
    let site = Site::new().await;
    make_device(&site, "device");
    let looks = || {
        let metadata = fs::symlink_metadata(site.path("device")).unwrap();
        (metadata.ino(), metadata.mode(), metadata.rdev())
    };
    let (before, there) = (looks(), names(&site));
    let is_pipe = fs::metadata(site.path("device")).unwrap().file_type().is_fifo();
    for arguments in [&[&BACKFILL[..], &["--output=device"]].concat()[..], &["once", "--output=device"]] {
        let reader = is_pipe.then(|| {
            let path = site.path("device");
            std::thread::spawn(move || fs::read(path).unwrap())
        });
        let output = output(&mut command(&site, arguments)).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert!(reader.is_none_or(|reader| !reader.join().unwrap().is_empty()));
        assert_eq!(looks(), before, "{arguments:?}");
        assert_eq!(names(&site), there, "{arguments:?}");
    }

    let config = site.configure("credential: {expires: never}\nstate_file: device");
    let checked = output(with_config(&config).arg("check")).await;
    let fault = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(2), "{fault}");
    assert!(fault.contains("a device or a pipe, and not a regular file"), "{fault}");
    let running = Running::start(&mut with_config(&config)).await;
    running.until_ready().await;
    let (status, log) = running.stop("-TERM").await;
    assert_eq!(status, Some(0));
    assert!(log.contains("cannot write the state file"), "{log}");
    assert_eq!((looks(), names(&site)), (before, there));
}

#[tokio::test]
async fn files_of_others_stay() {
    let site = Site::new().await;
    let theirs = ["past.om.new", "out.prom.new", "state.json.new"];
    for name in theirs {
        fs::write(site.path(name), "precious").unwrap();
    }
    let config = site.configure("credential: {expires: never}\nstate_file: state.json");
    for arguments in [&[&BACKFILL[..], &["--output=past.om"]].concat()[..], &["once", "--output=out.prom"]] {
        let output = output(&mut command(&site, arguments)).await;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let running = Running::start(&mut with_config(&config)).await;
    running.until_ready().await;
    running.stop("-TERM").await;
    for name in theirs {
        assert_eq!(fs::read_to_string(site.path(name)).unwrap(), "precious", "{name}");
    }
    let ours = ["config.yaml", "out.prom", "past.om", "secret", "state.json"];
    let mut expected: Vec<&str> = ours.into_iter().chain(theirs).collect();
    expected.sort_unstable();
    assert_eq!(names(&site), expected);
}

#[tokio::test]
async fn once_writes_a_file_that_others_may_read() {
    let site = Site::new().await;
    let good = output(&mut command(&site, &["once", "--output=out.prom"])).await;
    assert_eq!((good.status.code(), text(&good.stdout)), (Some(0), ""), "{}", text(&good.stderr));
    let read = || Samples::parse(&fs::read_to_string(site.path("out.prom")).unwrap());
    assert_eq!(read().value("lyvecloud_up", &[("account", "production")]), Some(1.0));
    fs::write(site.path("usual"), "").unwrap();
    let mode = |name: &str| fs::metadata(site.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("out.prom"), mode("usual"));

    // A failed poll is in the metrics, and the file is replaced all the same.
    site.simulator.fail_always(Endpoint::Permissions, Fault::empty(500));
    let partly = output(&mut command(&site, &["once", "--output=out.prom"])).await;
    assert_eq!(partly.status.code(), Some(1));
    assert!(text(&partly.stderr).contains("production: permissions: server"), "{}", text(&partly.stderr));
    assert_eq!(read().value("lyvecloud_up", &[("account", "production")]), Some(0.0));
}

#[tokio::test]
async fn once_on_a_full_disk_keeps_the_old_file_and_has_a_status_of_its_own() {
    let site = Site::new().await;
    let once = command(&site, &["once", "--output=disk/out.prom"]);
    let small = "mkdir disk; mount -t tmpfs -o size=8k none disk; echo old > disk/out.prom";
    let keep = "trap 'cat disk/out.prom; ls -A disk' EXIT";
    let script = format!("{small}\n{keep}\n\"$@\" || status=$?; exit $status\n:");
    let full = output(&mut with_mounts(&site, &script, &once)).await;
    assert_eq!(full.status.code(), Some(3), "{}", text(&full.stderr));
    assert!(
        text(&full.stderr).contains("cannot write disk/out.prom: No space left on device"),
        "{}",
        text(&full.stderr)
    );
    assert_eq!(text(&full.stdout), "old\nout.prom\n", "the old file stays, and nothing half is left");

    // Both failures are in the message, and the status is that of the worse one.
    site.simulator.fail_always(Endpoint::Permissions, Fault::empty(500));
    let limit = "trap '' XFSZ; ulimit -f 1";
    let both = output(&mut after(&site, limit, &command(&site, &["once", "--output=out.prom"]))).await;
    assert_eq!(both.status.code(), Some(3));
    let said = text(&both.stderr);
    assert!(said.contains("permissions: server") && said.contains("File too large"), "{said}");
    assert!(!site.path("out.prom").exists());

    let printed = output(&mut after(&site, "exec > /dev/full", &command(&site, &["once"]))).await;
    assert_eq!(printed.status.code(), Some(3), "{}", text(&printed.stderr));
}

#[tokio::test]
async fn a_file_that_is_a_mount_of_its_own_is_rejected_and_told_what_to_mount() {
    let site = Site::new().await;
    site.configure("credential: {expires: never}\nstate_file: state.json");
    let mount = |name: &str| format!("echo old > kept; touch {name}; mount --bind kept {name}");
    for (name, arguments, status) in [
        ("state.json", &["check"][..], 2),
        ("out.prom", &["once", "--output=out.prom"], 3),
        ("past.om", &[&BACKFILL[..], &["--output=past.om"]].concat(), 3),
    ] {
        let rejected = output(&mut with_mounts(&site, &mount(name), &command(&site, arguments))).await;
        let said = text(&rejected.stderr);
        assert_eq!(rejected.status.code(), Some(status), "{arguments:?}: {said}");
        let advice = "it is a mount of its own, which cannot be replaced";
        assert!(said.contains(advice) && said.contains("mount the directory"), "{said}");
        assert_eq!(fs::read_to_string(site.path("kept")).unwrap(), "old\n");
    }
    let mut command = with_mounts(&site, &mount("state.json"), &command(&site, &["run"]));
    let running = Running::start(&mut command).await;
    running.until_ready().await;
    let (status, log) = running.stop("-TERM").await;
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("cannot write the state file") && log.contains("mount the directory"), "{log}");
}

#[tokio::test]
async fn a_check_on_a_full_disk_says_so() {
    let site = Site::new().await;
    site.configure("credential: {expires: never}\nstate_file: disk/state.json");
    let full = "mkdir disk; mount -t tmpfs -o size=8k none disk";
    let checked = output(&mut with_mounts(&site, full, &command(&site, &["check"]))).await;
    assert_eq!(checked.status.code(), Some(2), "{}", text(&checked.stderr));
    assert!(text(&checked.stderr).contains("No space left on device"), "{}", text(&checked.stderr));
}

/// Waits until the state file has the figures of the first polls.
async fn until_kept(site: &Site) {
    eventually("the first answers are kept", async || {
        let state =
            state_file::read(&site.path("state.json"), &lyve_cloud_exporter::poll::formats()).ok()??;
        let account = state.accounts.first()?;
        account.memory.answers.contains_key(&Collector::CURRENT_USAGE).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_first_answers_outlive_an_early_kill() {
    let site = Site::new().await;
    let config = site.configure("credential: {expires: never}\nstate_file: state.json");
    let started = std::time::Instant::now();
    let running = Running::start(&mut with_config(&config)).await;
    until_kept(&site).await;
    assert!(started.elapsed() < Duration::from_secs(45), "within the minute that writes are apart later");
    let mut child = running.child;
    child.kill().await.unwrap();
    site.simulator.stop().await;
    let running = Running::start(&mut with_config(&config)).await;
    running.until_ready().await;
    let samples = Samples::parse(&get(running.address, "/metrics").await.text());
    let usage = samples.value("lyvecloud_account_usage_bytes", &[("account", "production")]);
    assert_eq!(usage, Some(534.5e9));
}

#[tokio::test]
async fn two_daemons_do_not_share_a_state_file() {
    let site = Site::new().await;
    let config = site.configure("credential: {expires: never}\nstate_file: state.json");
    let first = Running::start(&mut with_config(&config)).await;
    until_kept(&site).await;
    let second = Running::start(&mut with_config(&config)).await;
    second.until_ready().await;
    eventually("the second one has tried to write", async || {
        let samples = Samples::parse(&get(second.address, "/metrics").await.text());
        (samples.value("lyvecloud_exporter_state_file_last_write_successful", &[])? == 0.0).then_some(())
    })
    .await;
    let checked = output(with_config(&config).arg("check")).await;
    assert_eq!(checked.status.code(), Some(0), "a check beside a running exporter is no second one");
    let (status, log) = second.stop("-TERM").await;
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("another exporter is using it; give each one a state_file of its own"), "{log}");
    let samples = Samples::parse(&get(first.address, "/metrics").await.text());
    assert_eq!(samples.value("lyvecloud_exporter_state_file_last_write_successful", &[]), Some(1.0));
    first.stop("-TERM").await;
    let third = Running::start(&mut with_config(&config)).await;
    third.until_ready().await;
    let (_, log) = third.stop("-TERM").await;
    assert!(!log.contains("cannot write the state file"), "{log}");
}

#[tokio::test]
async fn a_backfill_without_standard_output_is_an_error() {
    let site = Site::new().await;
    let closed = output(&mut after(&site, "exec >&-", &command(&site, &BACKFILL))).await;
    let said = text(&closed.stderr);
    assert_eq!(closed.status.code(), Some(3), "{said}");
    assert!(said.contains("cannot write to standard output: it is closed; give --output"), "{said}");
    assert_eq!(site.simulator.request_count(None), 0);
    let nobody = output(&mut after(&site, "exec > /dev/null", &command(&site, &BACKFILL))).await;
    assert_eq!(nobody.status.code(), Some(0), "{}", text(&nobody.stderr));
}
