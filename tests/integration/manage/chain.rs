//! From a warning to its cure, as the runbook says, with the real programs in between.

use lyve_cloud_exporter::clock::{Clock as _, after};
use lyve_cloud_exporter::model::Collector;
use lyve_cloud_exporter::simulator::{Actions, Permission, ServiceAccount};

use super::docs::commands;
use super::site::{PATIENCE, said};
use crate::alerting::{ending_soon, shipped_alertmanager};
use crate::binary::program;
use crate::programs::{Program, eventually, repository};
use crate::prometheus::scraping;
use crate::stage::minutes;
use crate::webhook::Webhook;

const SOON: &str = "LyveCloudCredentialExpiresSoon";

/// The commands of an alert's runbook for service accounts.
fn runbook(alert: &str) -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(repository("docs/runbooks.md")).unwrap();
    let (_, section) = page.split_once(&format!("\n## {alert}\n")).expect("a section");
    commands(section.split("\n## ").next().unwrap())
}

#[tokio::test]
async fn a_service_account_that_ends_in_five_days_is_cured_as_the_runbook_says() {
    let webhook = Webhook::start().await;
    let alertmanager = Program::alertmanager(&shipped_alertmanager(&webhook)).await;
    let (stage, exporter, end) = ending_soon(None).await;
    stage.simulator.configure(|settings| settings.ready_after = std::time::Duration::ZERO);
    let acme = stage.simulator.account("acme").service_account_days(365);
    acme.add_permission(Permission::all_buckets("p-1", "everything", Actions::AllOperations));
    acme.remove_service_account("sa-1");
    acme.add_service_account(ServiceAccount::new("sa-1", "veeam").expires(end).permission("p-1"));
    let directory = tempfile::tempdir().unwrap();
    // The shipped rules, without their patience: they look back a quarter of an hour, so that a missed scrape resolves nothing.
    let rules =
        std::fs::read_to_string(repository("deploy/prometheus/rules.yml")).unwrap().replace("[15m]", "[10s]");
    std::fs::write(directory.path().join("rules.yml"), rules).unwrap();
    let rules = directory.path().join("rules.yml");
    let more = format!(
        "rule_files: ['{}']\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        rules.display(),
        alertmanager.address
    );
    let _prometheus = Program::prometheus(&scraping(&exporter, &more)).await;
    let fired =
        eventually("a person is warned", async || webhook.notified("firing", SOON, "critical").pop()).await;
    let label = |name: &str| fired["labels"][name].as_str().unwrap().to_owned();
    let (account, id) = (label("account"), label("credential_id"));

    let (access_key, secret) = acme.pair();
    let config = serde_json::json!({"accounts": [{"name": "acme", "base_url": stage.simulator.base_url(),
        "account_id": "acme", "access_key": access_key, "secret": secret}]});
    std::fs::write(directory.path().join("config.yaml"), config.to_string()).unwrap();
    let steps = runbook(SOON);
    let verbs: Vec<&str> = steps.iter().map(|words| words[3].as_str()).collect();
    assert_eq!(verbs, ["renew", "disable", "delete"]);
    for words in steps {
        let words: Vec<String> =
            words.iter().map(|word| word.replace("ACCOUNT", &account).replace("ID", &id)).collect();
        let mut command = program();
        command.arg("manage").args(&words).arg("--yes").current_dir(directory.path());
        let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", said(&output));
    }
    let [new] = &acme.service_accounts()[..] else { panic!("{:?}", acme.service_accounts()) };
    let keys = std::fs::read_to_string(directory.path().join("new-keys.json")).unwrap();
    let (_, secret) = new.pair().unwrap();
    assert!(keys.contains(secret));
    assert!(new.is_enabled() && end < after(stage.clock.now(), 100 * minutes(24 * 60)));

    // That one which was about to end is gone counts once two answers say so.
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    exporter.next_poll("acme", Collector::SERVICE_ACCOUNTS, minutes(1)).await;
    eventually("the cure is told", async || webhook.notified("resolved", SOON, "critical").pop()).await;
    let active = alertmanager.get("/api/v2/alerts?active=true").await.json();
    assert!(!active.to_string().contains(SOON), "{active}");
    for place in ["/metrics", "/", "/api/v1/status"] {
        assert!(!exporter.get(place).await.text().contains(secret), "{place}");
    }
}
