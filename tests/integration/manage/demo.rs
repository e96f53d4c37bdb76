//! `manage` against a running demo, as the demo prints it.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::site::{PATIENCE, said, shown};
use crate::binary::program;

#[tokio::test]
async fn the_demo_takes_changes_and_prints_how() {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = program();
    demo.args(["demo", "--write-config=demo.yaml", "--web.listen-address=127.0.0.1:0"]);
    demo.current_dir(directory.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut demo = demo.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let told = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("a line");
            if let Some(command) = line.strip_prefix("Demo: try lyve-cloud-exporter ") {
                return command.to_owned();
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await.unwrap();
    let run = async |words: &[&str]| {
        let mut command: Command = program();
        command.args(words).current_dir(directory.path());
        let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", said(&output));
        output
    };
    let words: Vec<&str> = told.split(' ').collect();
    assert!(shown(&run(&words).await).contains("backup-writer"));

    let [manage, config, account, ..] = words[..] else { panic!("{told}") };
    let list = run(&[manage, config, account, "service-accounts", "list", "--output=json"]).await;
    let list: Vec<Value> = serde_json::from_slice(&list.stdout).unwrap();
    let ending = list.iter().find(|account| account["name"] == "backup-writer").unwrap();
    let id = ending["id"].as_str().unwrap();
    let verbs = [manage, config, account, "service-accounts"];
    run(&[&verbs[..], &["renew", id, "--secret-file=new.json", "--yes"]].concat()).await;
    run(&[&verbs[..], &["disable", id, "--yes"]].concat()).await;
    run(&[&verbs[..], &["delete", id, "--yes"]].concat()).await;
    let list = run(&[&verbs[..], &["list"]].concat()).await;
    assert!(shown(&list).contains("backup-writer-renewed-"), "{}", shown(&list));
    assert!(!shown(&list).contains(id), "{}", shown(&list));
    let keys = run(&[manage, config, "access-keys", "list"]).await;
    assert!(shown(&keys).contains("records-scanner"), "{}", shown(&keys));
    demo.kill().await.unwrap();
}
