//! What the pages say of `manage` is what the program takes.

use std::path::PathBuf;

use clap::Parser as _;
use lyve_cloud_exporter::cli::Cli;
use regex::Regex;

use super::site::{Site, is_valid, shown};
use crate::programs::repository;

fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    docs.chain([repository("README.md")]).collect()
}

/// The words of a command of `manage` in a page, as they are written there.
pub fn commands(page: &str) -> Vec<Vec<String>> {
    let command = Regex::new(r"lyve-cloud-exporter manage((?: [A-Za-z0-9=._/-]+)+)").unwrap();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    command.captures_iter(page).map(|found| words(&found[1])).collect()
}

#[test]
fn every_command_of_it_is_one_that_the_program_takes() {
    let mut taken = 0;
    for path in pages() {
        for words in commands(&std::fs::read_to_string(&path).unwrap()) {
            let arguments = ["lyve-cloud-exporter", "manage"].map(str::to_owned).into_iter().chain(words);
            let arguments: Vec<String> = arguments.collect();
            if let Err(error) = Cli::try_parse_from(&arguments) {
                panic!("{}: {arguments:?}: {error}", path.display());
            }
            taken += 1;
        }
    }
    assert!(taken > 12, "the pattern finds the commands: {taken}");
}

#[test]
fn every_verb_and_flag_is_in_the_page() {
    let page = std::fs::read_to_string(repository("docs/manage.md")).unwrap();
    let command = <Cli as clap::CommandFactory>::command();
    let manage = command.find_subcommand("manage").unwrap();
    for flag in manage.get_arguments().filter_map(|argument| argument.get_long()) {
        assert!(page.contains(&format!("`--{flag}")), "--{flag}");
    }
    for kind in manage.get_subcommands() {
        let row = page
            .lines()
            .find(|line| line.starts_with('|') && line.contains(&format!("`{}`", kind.get_name())));
        let row = row.unwrap_or_else(|| panic!("{}", kind.get_name()));
        for verb in kind.get_subcommands() {
            let name = verb.get_name();
            assert!(
                [format!("`{name}`"), format!("`{name} ")].iter().any(|told| row.contains(told)),
                "{name}: {row}"
            );
        }
    }
}

#[test]
fn the_runbook_of_each_alert_that_it_cures_shows_the_command() {
    let page = std::fs::read_to_string(repository("docs/runbooks.md")).unwrap();
    for (alert, verbs) in [
        ("LyveCloudCredentialExpiresSoon", &["renew", "disable", "delete"][..]),
        ("LyveCloudCredentialExpired", &["renew", "delete"]),
        ("LyveCloudAccessKeyRotationDue", &["renew", "disable", "delete"]),
        ("LyveCloudServiceAccountDisabled", &["enable", "delete"]),
        ("LyveCloudAccountUsageHalved", &["disable"]),
    ] {
        let (_, section) = page.split_once(&format!("\n## {alert}\n")).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let shown = commands(section);
        for verb in verbs {
            assert!(shown.iter().any(|words| words.iter().any(|word| word == verb)), "{alert}: {verb}");
        }
    }
}

#[tokio::test]
async fn whoever_looks_for_the_accounts_own_credentials_is_told_that_the_console_makes_those() {
    let site = Site::new().await;
    let help = site.done(&["--help"]).await;
    assert!(shown(&help).contains("Not for the account's own API credentials"), "{}", shown(&help));
    assert!(shown(&help).contains("only the console makes those"), "{}", shown(&help));
}

#[test]
fn the_schema_rejects_what_is_not_so() {
    for (kind, document, is_good) in [
        (
            "change",
            r#"{"account":"a","kind":"permission","action":"create","dry_run":true,"changed":false,"name":"n"}"#,
            true,
        ),
        (
            "change",
            r#"{"account":"a","kind":"permission","action":"make","dry_run":true,"changed":false,"name":"n"}"#,
            false,
        ),
        (
            "change",
            r#"{"account":"a","kind":"permission","action":"create","dry_run":true,"changed":false,"name":"n","secret":"s"}"#,
            false,
        ),
        (
            "service_accounts",
            r#"[{"id":"a","name":"","description":"","enabled":null,"ready":true,"expires":"2026-11-29T00:00:00Z"}]"#,
            true,
        ),
        (
            "service_accounts",
            r#"[{"id":"a","name":"","description":"","enabled":null,"ready":true,"expires":"soon"}]"#,
            false,
        ),
        ("access_keys", "{}", false),
    ] {
        assert_eq!(is_valid(kind, document.as_bytes()).is_ok(), is_good, "{document}");
    }
}
