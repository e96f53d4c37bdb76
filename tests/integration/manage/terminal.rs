//! A person at a terminal, and nobody at one.

use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;

use super::site::{PATIENCE, Site, shown};

/// Runs the command on a terminal of its own, at which this is typed.
async fn typed(site: &Site, text: &str, arguments: &[&str]) -> Output {
    let command = site.manage(arguments);
    let command = command.as_std();
    let words: Vec<String> = command.get_args().map(|word| format!("'{}'", word.display())).collect();
    let program = command.get_program().display();
    let mut script = tokio::process::Command::new("script");
    script.args(["--quiet", "--return", "--command"]);
    script.arg(format!("stty cols 300; exec '{program}' {}", words.join(" "))).arg("/dev/null");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.env("TERM", "xterm").env("SHELL", "/bin/sh");
    script.current_dir(site.directory.path()).kill_on_drop(true);
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().expect("script: Debian has it");
    child.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_change_asks_and_a_delete_wants_the_name() {
    let site = Site::new().await;
    let no = typed(&site, "no\n", &["service-accounts", "disable", "sa-1"]).await;
    assert_eq!(no.status.code(), Some(1));
    assert!(shown(&no).contains("Type yes to go on: "), "{}", shown(&no));
    assert!(shown(&no).contains("not confirmed: nothing was changed"), "{}", shown(&no));
    assert!(site.service_account("sa-1").unwrap().is_enabled());
    let yes = typed(&site, "yes\n", &["service-accounts", "disable", "sa-1"]).await;
    assert_eq!(yes.status.code(), Some(0), "{}", shown(&yes));
    assert!(!site.service_account("sa-1").unwrap().is_enabled());

    for wrong in ["yes\n", "\n", "Veeam\n", "veeam sa-1\n"] {
        let output = typed(&site, wrong, &["service-accounts", "delete", "sa-1"]).await;
        assert_eq!(output.status.code(), Some(1), "{wrong:?}: {}", shown(&output));
        assert!(site.service_account("sa-1").is_some());
    }
    let output = typed(&site, "veeam\n", &["service-accounts", "delete", "sa-1"]).await;
    assert!(
        shown(&output).contains("permissions p-1; it is disabled, so nobody uses its key"),
        "{}",
        shown(&output)
    );
    assert!(shown(&output).contains("Type veeam to go on: "), "{}", shown(&output));
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert!(site.service_account("sa-1").is_none());
    let output = typed(&site, "AKOLD\n", &["access-keys", "delete", "AKOLD"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}

#[tokio::test]
async fn on_a_terminal_the_new_pair_is_shown_once() {
    let site = Site::new().await;
    let output = typed(&site, "yes\n", &["service-accounts", "renew", "sa-1"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let accounts = site.acme.service_accounts();
    let (access_key, secret) = accounts[1].pair().unwrap();
    let screen = shown(&output);
    assert!(screen.contains(&format!("access key: {access_key}")), "{screen}");
    assert_eq!(screen.matches(secret).count(), 1, "{screen}");
    assert!(screen.contains("the vendor does not show the secret again"), "{screen}");
    assert!(screen.contains("waiting for the service account to be ready"), "{screen}");
    let (pair, rest) = screen.split_once(secret).unwrap();
    assert!(
        !pair.contains("waiting for the service account") && rest.contains(" is ready."),
        "first of all the pair"
    );

    let again = typed(&site, "yes\n", &["service-accounts", "renew", "sa-1"]).await;
    assert!(shown(&again).contains("Its secret was shown when it was created"), "{}", shown(&again));
    assert_eq!(site.acme.service_accounts().len(), 2);
}

#[tokio::test]
async fn with_a_file_nothing_of_the_pair_is_on_the_terminal() {
    let site = Site::new().await;
    let output = typed(&site, "yes\n", &["access-keys", "renew", "AKLONE", "--secret-file=pair.json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let [_, _, secret] = site.pair_in("pair.json");
    assert!(!shown(&output).contains(&secret), "{}", shown(&output));
}

#[tokio::test]
async fn without_a_terminal_and_without_yes_nothing_is_asked_or_changed() {
    let site = Site::new().await;
    for arguments in [
        &["permissions", "create", "--name=a", "--type=all-buckets", "--actions=read-only"][..],
        &["permissions", "update", "p-1", "--name=b"],
        &["permissions", "delete", "p-2"],
        &["service-accounts", "create", "--name=a", "--permission=p-1", "--secret-file=a"],
        &["service-accounts", "update", "sa-1", "--name=b"],
        &["service-accounts", "enable", "sa-1"],
        &["service-accounts", "disable", "sa-1"],
        &["service-accounts", "delete", "sa-1"],
        &["service-accounts", "renew", "sa-1", "--secret-file=a"],
        &["access-keys", "create", "veeam", "--secret-file=a"],
        &["access-keys", "enable", "AKOFF"],
        &["access-keys", "disable", "AKOLD"],
        &["access-keys", "delete", "AKOLD"],
        &["access-keys", "renew", "AKLONE", "--secret-file=a"],
    ] {
        let rejected = site.rejected(2, arguments).await;
        assert_eq!(
            rejected,
            "lyve-cloud-exporter: this changes something, and there is no terminal to ask on: give --yes, or --dry-run to see what it \
             would do\n",
            "{arguments:?}"
        );
    }
    assert_eq!(site.simulator.request_count(None), 0);
}
