//! A new secret is in the file, and nowhere else.

use std::process::{Output, Stdio};

use lyve_cloud_exporter::simulator::Endpoint;

use super::site::{PATIENCE, Site, said, shown};

const RENEW: [&str; 5] = ["service-accounts", "renew", "sa-1", "--secret-file=pair.json", "--yes"];

/// Runs a command with this limit on the size of each file that it writes, in blocks of 512 bytes: to the program it is a
/// disk that is full.
async fn run_limited(site: &Site, blocks: u64, arguments: &[&str]) -> Output {
    let command = site.manage(arguments);
    let command = command.as_std();
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut limited = tokio::process::Command::new("/bin/sh");
    limited.args(["-c", &script, "sh"]).arg(command.get_program()).args(command.get_args());
    limited.current_dir(site.directory.path()).kill_on_drop(true).stdin(Stdio::null());
    tokio::time::timeout(PATIENCE, limited.output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_full_disk_is_found_before_the_vendor_is_asked() {
    let site = Site::new().await;
    for blocks in [0, 1, 7] {
        let output = run_limited(&site, blocks, &RENEW).await;
        assert_eq!(output.status.code(), Some(1));
        let end = "cannot write --secret-file pair.json: File too large (os error 27); the vendor was not asked for anything new\n";
        assert!(said(&output).ends_with(end), "{}", said(&output));
        assert!(!site.path("pair.json").exists());
    }
    assert_eq!(site.simulator.violations(), []);
}

#[tokio::test]
async fn a_disk_that_fills_up_afterwards_is_told_with_what_to_do() {
    let site = Site::new().await;
    // A secret for which the room that was made is too small.
    site.simulator.configure(|settings| settings.secret_length = 9000);
    for create in [
        &RENEW[..],
        &["service-accounts", "create", "--name=a", "--permission=p-1", "--secret-file=pair.json", "--yes"],
    ] {
        let output = run_limited(&site, 8, create).await;
        assert_eq!((output.status.code(), shown(&output)), (Some(1), ""));
        let accounts = site.acme.service_accounts();
        let [_, made] = &accounts[..] else { panic!("{accounts:?}") };
        let (access_key, secret) = made.pair().unwrap();
        let told = said(&output);
        assert!(
            told.contains(&format!(
                "the vendor made {} with the access key {access_key}, but its secret could not be written to pair.json: File too large",
                made.id()
            )),
            "{told}"
        );
        assert!(told.ends_with(&format!(" service-accounts delete {}\n", made.id())), "{told}");
        assert!(!told.contains(&secret[..16]), "not even a part of it");
        assert!(!site.path("pair.json").exists(), "nor is a part of it left");
        site.done(&["service-accounts", "delete", made.id(), "--yes"]).await;
    }
}

#[tokio::test]
async fn what_exists_is_never_overwritten() {
    let site = Site::new().await;
    std::fs::write(site.path("pair.json"), "somebody's").unwrap();
    std::os::unix::fs::symlink("nowhere", site.path("link")).unwrap();
    for (file, problem) in [
        ("pair.json", "--secret-file pair.json exists and is not overwritten; choose another name."),
        ("link", "--secret-file link exists and is not overwritten; choose another name."),
        ("/dev/full", "--secret-file /dev/full exists and is not overwritten; choose another name."),
        (
            "missing/pair.json",
            "cannot write --secret-file missing/pair.json: No such file or directory (os error 2);",
        ),
    ] {
        let flag = format!("--secret-file={file}");
        for arguments in [
            &["service-accounts", "renew", "sa-1", &flag, "--yes"][..],
            &["service-accounts", "create", "--name=a", "--permission=p-1", &flag, "--yes"],
            &["access-keys", "create", "restic", &flag, "--yes"],
        ] {
            let rejected = site.rejected(1, arguments).await;
            assert!(rejected.contains(problem), "{rejected}");
            assert!(rejected.ends_with("he vendor was not asked for anything new\n"), "{rejected}");
        }
    }
    assert_eq!(std::fs::read_to_string(site.path("pair.json")).unwrap(), "somebody's");
    assert_eq!(site.simulator.violations(), []);
}

#[tokio::test]
async fn without_a_file_and_without_a_terminal_no_secret_is_made() {
    let site = Site::new().await;
    for arguments in [
        &["service-accounts", "renew", "sa-1", "--yes"][..],
        &["service-accounts", "create", "--name=a", "--permission=p-1", "--yes"],
        &["access-keys", "create", "restic", "--yes"],
        &["access-keys", "renew", "AKLONE", "--yes"],
    ] {
        let rejected = site.rejected(2, arguments).await;
        assert_eq!(
            rejected,
            "lyve-cloud-exporter: standard output is no terminal, and a secret goes nowhere else: give --secret-file\n"
        );
        let rejected = site.rejected(2, &[arguments, &["--output=json"]].concat()).await;
        assert_eq!(rejected, "lyve-cloud-exporter: with --output json a new secret needs --secret-file\n");
    }
    assert_eq!(site.simulator.request_count(None), 0);
}

/// Whether a file of this directory, or of one in it, holds any of these texts.
fn holders(directory: &std::path::Path, texts: &[&str]) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let holds = |path: &std::path::PathBuf| {
        let content = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        texts.iter().any(|text| content.contains(text))
    };
    entries.filter(holds).collect()
}

#[tokio::test]
async fn the_secret_is_in_the_file_and_nowhere_else() {
    let site = Site::new().await;
    let mut outputs = Vec::new();
    for arguments in [
        &RENEW[..],
        &RENEW,
        &["service-accounts", "renew", "sa-1", "--secret-file=c", "--yes"],
        &["service-accounts", "list"],
        &["service-accounts", "list", "--output=json"],
        &["service-accounts", "disable", "sa-1", "--yes"],
        &["service-accounts", "delete", "sa-1", "--yes"],
        &["permissions", "list", "--output=json"],
        &["access-keys", "create", "restic", "--secret-file=b", "--yes"],
        &["access-keys", "list", "--output=json"],
        &["access-keys", "delete", "AKOLD", "--yes", "--output=json"],
    ] {
        outputs.push(site.run(&[&["--log.level=trace", "--log.format=json"], arguments].concat()).await);
    }
    let accounts = site.acme.service_accounts();
    let service_account = accounts[0].pair().unwrap().1;
    let users = site.archive.users();
    let restic = users.iter().find(|user| user.name() == "restic").unwrap();
    let key = restic.keys()[1].2.unwrap();
    for output in &outputs {
        let all = format!("{}{}", shown(output), said(output));
        for secret in [service_account, key, "canary"] {
            assert!(!all.contains(secret), "{all}");
        }
        assert!(site.simulator.tokens().iter().all(|token| !all.contains(token)), "{all}");
    }
    assert_eq!(holders(site.directory.path(), &[service_account]), [site.path("pair.json")]);
    assert_eq!(holders(site.directory.path(), &[key]), [site.path("b")]);
    assert_eq!(site.simulator.request_count(Endpoint::CreateServiceAccount), 1);
}

#[tokio::test]
async fn an_answer_that_repeats_what_it_was_sent_is_not_shown() {
    use lyve_cloud_exporter::simulator::Fault;

    let site = Site::new().await;
    let evil = r#"[{"id":"a","name":"canary-of-the-account"}]"#;
    site.simulator.fail_once(Endpoint::ServiceAccounts, Fault::raw("application/json", evil));
    let rejected = site.rejected(1, &["service-accounts", "list"]).await;
    assert!(rejected.contains("the answer repeats a secret that it was sent"), "{rejected}");
    assert!(!rejected.contains("canary"), "{rejected}");
}
