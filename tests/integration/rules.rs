//! The shipped rules and the shipped Alertmanager configuration, read and run by the real programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use lyve_cloud_exporter::metrics;
use regex::Regex;
use serde_json::{Value, json};

use crate::programs::{Program, eventually, repository};

const RULES: &str = "deploy/prometheus/rules.yml";
const ALERTMANAGER: &str = "deploy/alertmanager/alertmanager.yml";
const TEMPLATE: &str = "deploy/alertmanager/lyve-cloud.tmpl";
const RUNBOOK: &str =
    "https://github.com/lyve-cloud-exporter/lyve-cloud-exporter/blob/main/docs/runbooks.md#";

/// It always fires.
const WATCHDOG: &str = "LyveCloudWatchdog";

/// The exporter itself posts it, always.
const HEARTBEAT: &str = "LyveCloudExporterHeartbeat";

/// The output of a program that has to succeed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(repository(""))
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}; ./tests/run installs it"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{said}\n{complaints}", output.status);
    said
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn yaml(path: &Path) -> Value {
    let file = config::File::from(path).format(config::FileFormat::Yaml);
    let read = config::Config::builder().add_source(file).build();
    read.and_then(config::Config::try_deserialize)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Every rule that alerts.
fn alerts() -> Vec<Value> {
    let rules = yaml(&repository(RULES));
    let rules = list(&rules["groups"]).flat_map(|group| list(&group["rules"]));
    let alerts: Vec<_> = rules.filter(|rule| rule.get("alert").is_some()).cloned().collect();
    assert!(!alerts.is_empty());
    alerts
}

fn names() -> BTreeSet<String> {
    alerts().iter().map(|alert| text(&alert["alert"]).to_owned()).collect()
}

fn rule_tests() -> Vec<String> {
    let directory = fs::read_dir(repository("deploy/prometheus/tests")).unwrap();
    let paths = directory.map(|entry| entry.unwrap().path().to_str().unwrap().to_owned());
    let mut tests: Vec<_> = paths.filter(|path| path.ends_with(".yml")).collect();
    tests.sort();
    assert!(!tests.is_empty());
    tests
}

#[test]
fn prometheus_takes_the_configuration_and_its_rules() {
    run("promtool", &["check", "config", "deploy/prometheus/prometheus.yml"]);
    run("promtool", &["check", "rules", RULES]);
}

#[test]
fn the_rules_pass_their_tests() {
    // Two at a time: each takes a while.
    let tests = rule_tests();
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(test) = tests.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    run("promtool", &["test", "rules", test]);
                }
            });
        }
    });
}

#[test]
fn each_alert_has_a_case_that_fires_and_one_that_does_not() {
    let (mut fires, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for path in rule_tests() {
        for test in list(&yaml(Path::new(&path))["tests"]) {
            for case in list(&test["alert_rule_test"]) {
                let set = if list(&case["exp_alerts"]).next().is_some() { &mut fires } else { &mut quiet };
                set.insert(text(&case["alertname"]).to_owned());
            }
        }
    }
    assert_eq!(fires, names());
    quiet.insert(WATCHDOG.to_owned());
    assert_eq!(quiet, names());
}

#[test]
fn each_alert_says_what_it_is_and_where_to_read_on() {
    for alert in alerts() {
        let name = text(&alert["alert"]);
        assert!(name.starts_with("LyveCloud"), "{name}");
        let labels = alert["labels"].as_object().unwrap();
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["severity"], "{name}");
        let severities: &[&str] = if name == WATCHDOG { &["none"] } else { &["critical", "warning", "info"] };
        assert!(severities.contains(&text(&labels["severity"])), "{name}");
        let annotations = &alert["annotations"];
        assert!(!text(&annotations["summary"]).contains('\n'), "{name}");
        assert!(text(&annotations["description"]).contains(" First: "), "{name}");
        assert_eq!(annotations["runbook_url"], format!("{RUNBOOK}{}", name.to_lowercase()));
    }
}

#[test]
fn each_summary_is_short_and_names_the_account_and_the_date() {
    let dated = ["ExpiresSoon", "CredentialExpired", "DateContradicted", "RotationDue", "AboveBudget"];
    let date = Regex::new(r"\b\d{4}-\d{2}(-\d{2})?\b").unwrap();
    let mut read = BTreeSet::new();
    for path in rule_tests() {
        for test in list(&yaml(Path::new(&path))["tests"]) {
            for case in list(&test["alert_rule_test"]) {
                let name = text(&case["alertname"]);
                for alert in list(&case["exp_alerts"]) {
                    let summary = text(&alert["exp_annotations"]["summary"]);
                    assert!(summary.chars().count() <= 80, "{summary}");
                    if let Some(account) = alert["exp_labels"].get("account") {
                        assert!(summary.contains(text(account)), "{summary}");
                    }
                    if dated.iter().any(|dated| name.contains(dated)) {
                        assert!(date.is_match(summary), "{name}: {summary}");
                    }
                    read.insert(name.to_owned());
                }
            }
        }
    }
    assert_eq!(read, names());
}

#[test]
fn each_alert_has_its_runbook_and_its_row_in_the_table_and_none_is_without_an_alert() {
    let runbooks = read("docs/runbooks.md");
    let headings = runbooks.lines().filter_map(|line| line.strip_prefix("## "));
    let headings: Vec<_> = headings.filter(|heading| heading.starts_with("LyveCloud")).collect();
    let unique: BTreeSet<_> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut expected = names();
    expected.insert(HEARTBEAT.to_owned());
    assert_eq!(unique, expected);
    assert_eq!(unique.len(), headings.len(), "a heading twice has two anchors");

    let row = Regex::new(r"(?m)^\| \[(LyveCloud\w+)\]\(runbooks\.md#(\w+)\) \| ([a-z, ]+) \| \S").unwrap();
    let mut told = BTreeSet::new();
    for found in row.captures_iter(&read("docs/alerts.md")) {
        assert_eq!(found[1].to_lowercase(), found[2]);
        told.extend(found[3].split(", ").map(|severity| (found[1].to_owned(), severity.to_owned())));
    }
    let fired = alerts()
        .into_iter()
        .map(|alert| (text(&alert["alert"]).to_owned(), text(&alert["labels"]["severity"]).to_owned()));
    let mut fired: BTreeSet<_> = fired.collect();
    fired.insert((HEARTBEAT.to_owned(), "none".to_owned()));
    assert_eq!(told, fired);
}

#[test]
fn the_rules_ask_only_for_metrics_and_labels_that_there_are() {
    let known: BTreeMap<_, _> =
        metrics::catalogue().into_iter().map(|family| (family.name, family.labels)).collect();
    let rules = read(RULES);
    let selector = Regex::new(r"\b(?:\w+:)?(lyvecloud_\w+)(:\w+)?(?:\{([^}]*)\})?").unwrap();
    let label = Regex::new(r#"(\w+)(?:=~|!~|!=|=)["%]"#).unwrap();
    let mut asked = 0;
    for found in selector.captures_iter(&rules).filter(|found| found.get(2).is_none()) {
        let name = &found[1];
        let labels = known.get(name).unwrap_or_else(|| panic!("{name} is not exported"));
        let matchers = found.get(3).map_or("", |matchers| matchers.as_str());
        for label in label.captures_iter(matchers) {
            let label = &label[1];
            let there = labels.contains(&label) || ["job", "instance"].contains(&label);
            assert!(there, "{name} has no label {label}");
        }
        asked += 1;
    }
    assert!(asked > 10, "the pattern finds the metrics");
}

#[test]
fn alertmanager_takes_its_configuration() {
    let said = run("amtool", &["check-config", ALERTMANAGER]);
    assert!(said.contains("8 inhibit rules") && said.contains("1 templates"), "{said}");
}

#[test]
fn each_alert_reaches_the_receiver_of_its_severity_and_others_do_not() {
    let route = |labels: &[String], receiver: &str| {
        let verify = format!("--verify.receivers={receiver}");
        let file = format!("--config.file={ALERTMANAGER}");
        let mut arguments = vec!["config", "routes", "test", &file, &verify];
        arguments.extend(labels.iter().map(String::as_str));
        run("amtool", &arguments);
    };
    for alert in alerts() {
        let severity = text(&alert["labels"]["severity"]);
        let receiver = match severity {
            "critical" => "lyve-cloud-page",
            "warning" => "lyve-cloud-mail",
            "none" => "lyve-cloud-watchdog",
            _ => "lyve-cloud-note",
        };
        let name = format!("alertname={}", text(&alert["alert"]));
        route(&[name, format!("severity={severity}"), "account=production".to_owned()], receiver);
    }
    route(&["alertname=LyveCloudSomethingOfYourOwn".to_owned()], "lyve-cloud-mail");
    route(&["alertname=NodeDown".to_owned(), "severity=critical".to_owned()], "everything-else");
}

#[test]
fn messages_are_repeated_before_alertmanager_forgets_that_it_sent_them() {
    let interval = Regex::new(r"repeat_interval: (\d+)([hm])\b").unwrap();
    let configuration = read(ALERTMANAGER);
    let hours = |found: regex::Captures<'_>| {
        let number: u32 = found[1].parse().unwrap();
        if &found[2] == "h" { number } else { number / 60 }
    };
    let repeats: Vec<u32> = interval.captures_iter(&configuration).map(hours).collect();
    assert_eq!(repeats.len(), configuration.matches("repeat_interval: ").count());
    assert!(!repeats.is_empty() && repeats.iter().all(|repeat| *repeat < 120), "{repeats:?}");
}

/// One alert a line, with `!` before it where it has to be silenced by another one. Each account is a case of its own.
const SILENCE: &str = r#"
  ExpiresSoon severity=critical account=steps kind=service_account credential_id=a credential=x
! ExpiresSoon severity=warning account=steps kind=service_account credential_id=a credential=x
  ExpiresSoon severity=warning account=steps kind=service_account credential_id=b credential=x
  ExpiresSoon severity=warning account=other kind=service_account credential_id=a credential=x
  ExpiresSoon severity=critical kind=service_account credential_id=nowhere
  ExpiresSoon severity=warning kind=service_account credential_id=nowhere
  ExpiresSoon severity=critical account=anonymous kind=service_account
  ExpiresSoon severity=warning account=anonymous kind=service_account
  ExpiresSoon severity=critical account=vague credential_id=a
  ExpiresSoon severity=warning account=vague credential_id=a
  Expired severity=critical kind=account_api
  AccountDown severity=warning job=j
  DataTooOld severity=warning job=j
  Expired severity=critical account=ended kind=service_account credential_id=a credential=x
! ExpiresSoon severity=critical account=ended kind=service_account credential_id=a credential=x
! ExpiresSoon severity=warning account=ended kind=service_account credential_id=a credential=x
  ExpiresSoon severity=critical account=ended kind=service_account credential_id=b credential=y
  AccountDown severity=warning account=ended job=j
  Rejected severity=critical account=rejected kind=account_api credential_id=rejected credential=x job=j namespace=n
! ExpiryUnknown severity=info account=rejected kind=account_api credential_id=rejected credential=x job=j namespace=n
! DateContradicted severity=warning account=rejected kind=account_api credential_id=rejected credential=x job=j namespace=n
! AccountDown severity=warning account=rejected job=j namespace=n
! CollectorFailing severity=warning account=rejected job=j namespace=n collector=permissions
! DataTooOld severity=warning account=rejected job=j namespace=n collector=permissions
! LoginRejected severity=warning account=rejected job=j namespace=n
  AccountDown severity=warning account=rejected job=j namespace=elsewhere
  ServiceAccountNotReady severity=warning account=rejected service_account_id=a service_account=x
  AccountDown severity=warning account=dark job=j
! CollectorFailing severity=warning account=dark job=j collector=permissions
! DataTooOld severity=warning account=dark job=j collector=permissions
  CollectorFailing severity=warning account=dark job=other collector=permissions
  CollectorFailing severity=warning account=dark job=j namespace=elsewhere collector=permissions
  CollectorFailing severity=warning account=bright job=j collector=permissions
  ExpiresSoon severity=critical account=dark kind=service_account credential_id=a credential=x
  VendorDown severity=warning job=fleet instance=i api=account_v2
! AccountDown severity=warning account=one job=fleet api=account_v2 account_id=one
! CollectorFailing severity=warning account=two job=fleet api=account_v2 account_id=two collector=permissions
! DataTooOld severity=warning account=two job=fleet api=account_v2 account_id=two collector=permissions
  AccountDown severity=warning account=one job=fleet api=object_storage account_id=one
  AccountDown severity=warning account=one job=another api=account_v2 account_id=one
  ExpiresSoon severity=critical account=one job=fleet kind=service_account credential_id=a credential=x
  ExporterDown severity=critical job=fleet instance=i
  AccountUsageHalved severity=critical account=emptied job=j account_id=emptied
! BucketUsageHalved severity=warning account=emptied job=j account_id=emptied bucket=b
  BucketUsageHalved severity=warning account=emptied job=j account_id=another bucket=b
  BucketUsageHalved severity=warning account=full job=j account_id=full bucket=b
  Expired severity=critical account=twice kind=service_account credential_id=a credential=x job=j
! Expired severity=critical account=twice kind=service_account credential_id=a credential=x
  RotationDue severity=warning account=twice user=backup access_key_id=a job=j
! RotationDue severity=warning account=twice user=backup access_key_id=a
  RotationDue severity=warning account=twice user=backup access_key_id=b
  RotationDue severity=warning account=keys user=backup access_key_id=a
! RotationDue severity=info account=keys user=backup access_key_id=a
  RotationDue severity=info account=keys user=backup access_key_id=b
  RotationDue severity=info account=keys user=other access_key_id=a
  RotationDue severity=info account=others user=backup access_key_id=a
  RotationDue severity=info access_key_id=a
  ExpiresSoon severity=critical account=last kind=service_account credential_id=a credential=x
! ExpiresSoon severity=warning account=last kind=service_account credential_id=a credential=x
"#;

/// The full name of a shortened one.
fn full(short: &str) -> String {
    let about_credentials = ["ExpiresSoon", "Expired", "Rejected", "ExpiryUnknown", "DateContradicted"];
    let middle = match short {
        "RotationDue" => "AccessKey",
        short if about_credentials.contains(&short) => "Credential",
        _ => "",
    };
    format!("LyveCloud{middle}{short}")
}

#[tokio::test]
async fn what_is_worse_silences_what_it_explains_and_nothing_else() {
    let shipped = read(ALERTMANAGER);
    let (_, after) = shipped.split_once("\ninhibit_rules:").unwrap();
    let (inhibit_rules, _) = after.split_once("\nreceivers:").unwrap();
    let configuration = format!(
        "route: {{receiver: none, group_wait: 1h}}\ninhibit_rules:{inhibit_rules}\nreceivers: [{{name: none}}]\n"
    );
    let alertmanager = Program::alertmanager(&configuration).await;
    let url = format!("--alertmanager.url=http://{}", alertmanager.address);
    let known = names();

    let mut expected = BTreeMap::new();
    for line in SILENCE.lines().filter(|line| !line.is_empty()) {
        let (silenced, alert) = line.split_at(2);
        let (short, labels) = alert.split_once(' ').unwrap();
        assert!(known.contains(&full(short)), "{short}");
        let alertname = format!("alertname={}", full(short));
        let mut labels: Vec<_> = labels.split(' ').collect();
        labels.push(&alertname);
        let mut arguments = vec!["alert", "add", &url];
        arguments.extend(&labels);
        run("amtool", &arguments);
        labels.sort_unstable();
        expected.insert(labels.join(" "), silenced == "! ");
    }

    // Alertmanager looks at alerts in the order in which they came. So once the last one is silenced, all are decided.
    eventually("the alerts silence each other", async || {
        let held = alertmanager.get("/api/v2/alerts").await.json();
        let found: BTreeMap<_, _> = list(&held)
            .map(|alert| {
                let labels = alert["labels"].as_object().unwrap().iter();
                let mut labels: Vec<_> =
                    labels.map(|(name, value)| format!("{name}={}", text(value))).collect();
                labels.sort_unstable();
                (labels.join(" "), alert["status"]["state"] == "suppressed")
            })
            .collect();
        let last = found
            .iter()
            .find(|(labels, _)| labels.contains("account=last") && labels.contains("severity=warning"));
        last.is_some_and(|(_, silenced)| *silenced).then(|| assert_eq!(found, expected))
    })
    .await;
}

/// What the template makes of these alerts: the subject and the text.
fn message(status: &str, alerts: &Value, common: &Value) -> (String, String) {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data.json");
    let notification = json!({
        "status": status, "receiver": "lyve-cloud-mail", "alerts": alerts, "externalURL": "http://am:9093",
        "groupLabels": {"account": "production"}, "commonLabels": common, "commonAnnotations": {},
    });
    fs::write(&data, notification.to_string()).unwrap();
    let data = format!("--template.data={}", data.display());
    let glob = format!("--template.glob={TEMPLATE}");
    let render = |name: &str| {
        let template = format!(r#"--template.text={{{{ template "lyve-cloud.{name}" . }}}}"#);
        run("amtool", &["template", "render", &glob, &data, &template])
    };
    (render("subject"), render("text"))
}

fn notified(status: &str, what: &str, severity: &str) -> Value {
    json!({
        "status": status, "startsAt": "2026-11-24T10:00:00+02:00", "endsAt": "2026-11-24T11:30:00+02:00",
        "labels": {"account": "production", "severity": severity},
        "annotations": {
            "summary": format!("Lyve Cloud account production: {what}"),
            "description": format!("About {what}. First: look."),
            "runbook_url": "https://runbook.example/#x",
        },
        "generatorURL": "http://prometheus:9090/graph",
    })
}

#[test]
fn a_message_says_what_is_wrong_and_what_to_do() {
    let alerts = json!([
        notified("firing", "service account backup will end soon", "critical"),
        notified("resolved", "API credentials expired", "critical"),
    ]);
    let (subject, text) = message("firing", &alerts, &json!({"severity": "critical"}));
    assert_eq!(subject, "[critical] Lyve Cloud account production: service account backup will end soon");
    let expected = "\
Lyve Cloud account production: service account backup will end soon
(critical, since 2026-11-24 08:00 UTC)

About service account backup will end soon.

First: look.

Runbook: https://runbook.example/#x
Source: http://prometheus:9090/graph

Resolved, or no longer reported:
- Lyve Cloud account production: API credentials expired (until 2026-11-24 09:30 UTC)

All alerts, and silences: http://am:9093
";
    assert_eq!(text, expected);
}

#[test]
fn a_message_of_several_alerts_names_the_worst_and_one_of_an_end_says_no_more() {
    let alerts = json!([
        notified("firing", "one", "info"),
        notified("firing", "two", "warning"),
        notified("firing", "three", "critical"),
        notified("firing", "four", "critical"),
    ]);
    let (subject, text) = message("firing", &alerts, &json!({}));
    assert_eq!(subject, "[alert] Lyve Cloud account production: three, and 3 more");
    assert!(text.contains("About one.") && text.contains("About four."), "{text}");

    let cured = json!([notified("resolved", "one", "critical")]);
    let (subject, _) = message("resolved", &cured, &json!({"severity": "critical"}));
    assert_eq!(subject, "[resolved] Lyve Cloud account production: one");
}

#[test]
fn a_message_of_ten_thousand_buckets_is_short() {
    let many = |status: &str| -> Value {
        (0..10_000).map(|number| notified(status, &format!("bucket {number}."), "warning")).collect()
    };
    let (subject, text) = message("firing", &many("firing"), &json!({"severity": "warning"}));
    assert_eq!(subject, "[warning] Lyve Cloud account production: bucket 0., and 9999 more");
    assert!(text.contains("About bucket 9..") && !text.contains("About bucket 10.."), "{text}");
    assert!(text.contains("\nAnd 9990 more alerts, 10000 in all.\n"), "{text}");
    assert!(text.len() < 5_000, "{}", text.len());
    let (subject, text) = message("resolved", &many("resolved"), &json!({"severity": "warning"}));
    assert_eq!(subject, "[resolved] Lyve Cloud account production: bucket 0., and 9999 more");
    assert!(text.contains("\n- and 9990 more\n"), "{text}");
    assert!(text.len() < 5_000, "{}", text.len());
}

/// The metrics and recordings that an expression asks for.
fn asked(expression: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\b(?:\w+:)?(?:lyvecloud_\w+)(?::\w+)?").unwrap();
    name.find_iter(expression).map(|found| found.as_str().to_owned()).collect()
}

#[test]
fn a_rule_uses_recordings_of_its_own_group_that_come_before_it_and_have_no_gaps() {
    let rules = yaml(&repository(RULES));
    let recorded: BTreeSet<_> = list(&rules["groups"])
        .flat_map(|group| list(&group["rules"]))
        .filter_map(|rule| rule.get("record").map(|name| text(name).to_owned()))
        .collect();
    assert!(recorded.len() > 10);
    for group in list(&rules["groups"]) {
        // Prometheus looks back five minutes: a longer interval leaves gaps.
        let interval = group.get("interval").map_or("1m", text);
        assert!(["30s", "1m", "4m"].contains(&interval), "{interval}");
        let mut before = BTreeSet::new();
        for rule in list(&group["rules"]) {
            let own = rule.get("record").map(|name| text(name).to_owned());
            before.extend(own);
            let used = asked(text(&rule["expr"]));
            let foreign: Vec<_> =
                used.iter().filter(|name| recorded.contains(*name) && !before.contains(*name)).collect();
            assert!(foreign.is_empty(), "{rule}: {foreign:?}");
        }
    }
}

#[test]
fn a_restart_of_prometheus_ends_no_alert() {
    for group in list(&yaml(&repository(RULES))["groups"]) {
        for rule in list(&group["rules"]) {
            let Some(wait) = rule.get("for").map(text) else { continue };
            // Prometheus restores what waits for ten minutes at least (--rules.alert.for-grace-period).
            let minutes: Option<u64> = wait.strip_suffix('m').map(|minutes| minutes.parse().unwrap());
            assert!(minutes.is_none_or(|minutes| minutes >= 10), "{}: {wait}", rule["alert"]);
            assert!(
                group.get("interval").is_some(),
                "{}: the interval of others may be too long",
                rule["alert"]
            );
        }
    }
}

#[test]
fn the_rules_keep_the_labels_of_the_target_and_know_no_job() {
    let rules = read(RULES);
    assert!(!rules.contains("job="), "exporters are found by their build info");
    let aggregated = Regex::new(r"\b(?:sum|min|max|avg|count|group|topk|bottomk) by \(([^)]*)\)").unwrap();
    for rule in alerts() {
        let expression = text(&rule["expr"]);
        for found in aggregated.captures_iter(expression) {
            // It only decides which of the series there are.
            assert_eq!(&found[1], "account, account_id", "{expression}");
        }
    }
}

#[test]
fn a_summary_is_short_and_names_what_it_is_about() {
    let dated = Regex::new(r"\b\d{4}-\d\d-\d\d$").unwrap();
    // By the longest of the examples in the tests of the rules.
    let mut seen = 0;
    for path in rule_tests() {
        for test in list(&yaml(Path::new(&path))["tests"]) {
            for case in list(&test["alert_rule_test"]) {
                for alert in list(&case["exp_alerts"]) {
                    let (labels, summary) =
                        (&alert["exp_labels"], text(&alert["exp_annotations"]["summary"]));
                    assert!(summary.chars().count() <= 80, "{}: {summary}", summary.len());
                    for label in ["account", "credential", "access_key_id", "bucket"] {
                        if let Some(value) = labels.get(label) {
                            let value = value.to_string();
                            assert!(summary.contains(value.trim_matches('"')), "{summary}: {value}");
                        }
                    }
                    let name = text(&case["alertname"]);
                    if [
                        "LyveCloudCredentialExpiresSoon",
                        "LyveCloudCredentialExpired",
                        "LyveCloudAccessKeyRotationDue",
                    ]
                    .contains(&name)
                    {
                        assert!(dated.is_match(summary), "{summary}");
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 30);
}
