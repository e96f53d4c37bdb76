//! The past: from the simulated vendor through the program into the databases that draw it.

mod beside;
mod full;
mod site;
mod terminal;

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lyve_cloud_exporter::clock::System;
use lyve_cloud_exporter::model::Month;
use lyve_cloud_exporter::simulator::{Endpoint, Fault, Simulator};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::binary::program;
use crate::client::post;
use crate::programs::{Program, eventually};

use self::site::Site;

const PATIENCE: Duration = Duration::from_secs(60);

const DAY: i64 = 86_400;

/// Fourteen months with a leap day in them, long over whatever the date is.
const FROM: &str = "2023-11";
const TO: &str = "2024-12";

/// A bucket's name with whatever a name may do to a text.
const AWKWARD: &str = "b\u{fc}cher \"q\" \\ x";

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn months() -> impl Iterator<Item = Month> {
    (0..14).map(|later| month(FROM).plus(later))
}

fn days(month: Month) -> i64 {
    (month.plus(1).start().as_second() - month.start().as_second()) / DAY
}

/// Series by their labels, as one text each.
type Figures = BTreeMap<String, f64>;

fn said(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

async fn promtool(arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let mut promtool = Command::new("promtool");
    promtool.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().expect("promtool: ./tests/run installs it");
    if !input.is_empty() {
        promtool.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    }
    let output = promtool.wait_with_output().await.unwrap();
    (output.status.code(), said(&output).to_owned() + &String::from_utf8_lossy(&output.stdout))
}

/// The first sample of each series, without its time: what one scrape would have. `promtool check metrics` reads scrapes,
/// and its version 3 rejects a series that is there twice.
fn as_one_scrape(text: &str) -> String {
    let mut seen = HashSet::new();
    let mut scrape = String::new();
    for line in text.lines() {
        // A label's value may have spaces; the value and the time after it have none.
        let sample = if line.starts_with('#') { line } else { line.rsplit_once(' ').expect("a time").0 };
        let series = if line.starts_with('#') { line } else { sample.rsplit_once(' ').expect("a value").0 };
        if seen.insert(series.to_owned()) {
            scrape.push_str(sample);
            scrape.push('\n');
        }
    }
    scrape
}

/// Every series of a query's result, by the values of these labels.
fn by_labels(result: &serde_json::Value, labels: &[&str]) -> Figures {
    let series = result.as_array().unwrap().iter().map(|series| {
        let values: Vec<&str> =
            labels.iter().map(|label| series["metric"][*label].as_str().unwrap_or_default()).collect();
        (values.join("|"), series["value"][1].as_str().unwrap().parse().unwrap())
    });
    series.collect()
}

/// The database has each month's figure on each of its days, and nothing else.
async fn has_the_whole_past(site: &Site, database: &Program) {
    let end = month(TO).plus(1).start().as_second() - 1;
    for (family, labels, expected) in [
        ("lyvecloud_bucket_monthly_average_usage_bytes", &["account", "bucket", "month"][..], &site.buckets),
        ("lyvecloud_account_monthly_average_usage_bytes", &["account", "month"], &site.accounts),
    ] {
        let over = async |function: &str| {
            by_labels(&database.query_at(&format!("{function}({family}[500d])"), end).await, labels)
        };
        assert_eq!(over("min_over_time").await, *expected);
        assert_eq!(over("max_over_time").await, *expected);
        for (series, count) in over("count_over_time").await {
            let (_, text) = series.rsplit_once('|').unwrap();
            assert_eq!(count, days(month(text)) as f64, "{series}");
        }
        // On each day, and at any hour of it, the month shows that the day is in, and no other.
        for (day, hour) in [(0, 1), (9, 13), (27, 23)] {
            for month in months() {
                let now = month.start().as_second() + day * DAY + hour * 3600;
                let shown = database.query_at(&format!("last_over_time({family}[1d])"), now).await;
                let of_the_month = |(series, figure): (&String, &f64)| {
                    series.ends_with(&month.to_string()).then(|| (series.clone(), *figure))
                };
                assert_eq!(by_labels(&shown, labels), expected.iter().filter_map(of_the_month).collect());
            }
        }
    }
    // A price of 8 for a terabyte.
    let costs = database.query_at("last_over_time(lyvecloud_account_estimated_cost[500d])", end).await;
    let expected = site.accounts.iter().filter(|(series, _)| series.starts_with("acme"));
    let expected =
        expected.map(|(series, bytes)| (format!("{series}|EUR"), (bytes / 1e12 * 800.0).round() / 100.0));
    assert_eq!(by_labels(&costs, &["account", "month", "currency"]), expected.collect());
    // Its name is the newest one throughout, as on the metrics page.
    let sub_accounts =
        database.query_at("count by (sub_account) (last_over_time(lyvecloud_sub_account_monthly_average_usage_bytes[500d]) == 3.5e9)", end).await;
    assert_eq!(by_labels(&sub_accounts, &["sub_account"]), Figures::from([("is".to_owned(), 26.0)]));
}

/// The graph of docs/history.md: one line an account, a step a month.
async fn draws_steps(site: &Site, database: &Program) {
    let page = std::fs::read_to_string(crate::programs::repository("docs/history.md")).unwrap();
    let (_, rest) = page.split_once("<!-- graph -->\n\n```promql\n").expect("the graph's query");
    let (query, _) = rest.split_once("```").unwrap();
    for month in months() {
        // A second past midnight and no earlier: whether a sample of this very instant counts is no matter of ours.
        for second in [1, 12 * 3600, 5 * DAY, days(month) * DAY - 1, days(month) * DAY] {
            let shown = database.query_at(query, month.start().as_second() + second).await;
            let expected = ["acme", "globex"].into_iter().filter_map(|name| {
                site.accounts.get(&format!("{name}|{month}")).map(|figure| (name.to_owned(), *figure))
            });
            assert_eq!(by_labels(&shown, &["account"]), expected.collect(), "{month} {second}");
        }
    }
}

#[tokio::test]
async fn the_past_arrives_in_prometheus_and_is_drawn_in_steps() {
    let site = Site::new().await;
    let text = site.text(&[]).await;
    assert_eq!(promtool(&["check", "metrics"], &as_one_scrape(&text)).await, (Some(0), String::new()));
    std::fs::write(site.path("past.om"), &text).unwrap();
    let (input, blocks) = (site.path("past.om"), site.path("blocks"));
    // As docs/history.md has it: without the flag there are 400 blocks, which take a minute on a busy machine.
    let command = "tsdb create-blocks-from openmetrics --max-block-duration=1458h";
    let paths = [input.to_str().unwrap(), blocks.to_str().unwrap()];
    let arguments: Vec<&str> = command.split(' ').chain(paths).collect();
    let (status, said) = promtool(&arguments, "").await;
    assert_eq!(status, Some(0), "{said}");
    let prometheus = Program::prometheus_on(&blocks, &[]).await;
    has_the_whole_past(&site, &prometheus).await;
    draws_steps(&site, &prometheus).await;
}

#[tokio::test]
async fn labels_can_be_written_in_as_the_docs_tell() {
    let site = Site::new().await;
    let text = site.text(&[]).await;
    let page = std::fs::read_to_string(crate::programs::repository("docs/history.md")).unwrap();
    let (_, rest) = page.split_once("`sed -i -E '").expect("the command");
    let (expression, _) = rest.split_once("' past.om`").unwrap();
    std::fs::write(site.path("past.om"), &text).unwrap();
    let sed = Command::new("sed")
        .args(["-i", "-E", expression, "past.om"])
        .current_dir(site.directory.path())
        .status();
    assert!(sed.await.unwrap().success());
    let changed = std::fs::read_to_string(site.path("past.om")).unwrap();
    let added = r#"{job="lyve-cloud-exporter",instance="localhost:10059","#;
    assert_eq!(changed.replace(added, "{"), text);
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(changed.matches(added).count(), samples);
}

#[tokio::test]
async fn the_past_arrives_in_victoria_metrics() {
    let site = Site::new().await;
    let text = site.text(&[]).await;
    let victoria = Program::victoria_metrics().await;
    let answer = post(victoria.address, "/api/v1/import/prometheus", text).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let newest = month(TO).plus(1).start().as_second() - DAY;
    eventually("it is there", async || {
        victoria.get("/internal/force_flush").await;
        let there = victoria.query_at("count(lyvecloud_bucket_monthly_average_usage_bytes)", newest).await;
        (!there.as_array()?.is_empty()).then_some(())
    })
    .await;
    has_the_whole_past(&site, &victoria).await;
    draws_steps(&site, &victoria).await;
}

#[tokio::test]
async fn whoever_was_killed_goes_on_and_ends_with_the_same_bytes() {
    let site = Site::new().await;
    let undisturbed = site.text(&[]).await;
    assert!(undisturbed.ends_with("\n# EOF\n"));
    assert_eq!(site.queries(), 6, "two accounts of three queries");

    site.stage.simulator.account("globex").fail_always(Endpoint::MonthlyUsage, Fault::HangBeforeHeaders);
    let mut child = site.backfill(&["--output=past.om"]).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::timeout(PATIENCE, site.stage.simulator.wait_for_requests(Endpoint::MonthlyUsage, 10))
        .await
        .expect("it to hang");
    let second = site.run(&["--output=past.om"]).await;
    assert_eq!(second.status.code(), Some(3));
    let problem = "past.om.partial: another backfill is writing it\n";
    assert!(said(&second).ends_with(problem), "{}", said(&second));
    child.kill().await.unwrap();
    assert!(!site.path("past.om").exists());
    let partial = site.path("past.om.partial");
    assert_eq!(std::fs::metadata(&partial).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!String::from_utf8_lossy(&std::fs::read(&partial).unwrap()).contains("simulated-secret"));

    site.stage.simulator.clear_faults();
    site.stage.simulator.forget_requests();
    let output = site.run(&["--output=past.om"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(
        said(&output),
        "3 of 6 queries were answered before: going on from there\n\
         globex: 2023-11 to 2024-04 (4 of 6)\n\
         globex: 2024-05 to 2024-10 (5 of 6)\n\
         globex: 2024-11 to 2024-12 (6 of 6)\n"
    );
    assert_eq!(site.queries(), 3);
    assert_eq!(std::fs::read_to_string(site.path("past.om")).unwrap(), undisturbed);
    assert_eq!(std::fs::metadata(site.path("past.om")).unwrap().permissions().mode() & 0o777, 0o600);
    let mut left: Vec<_> =
        std::fs::read_dir(site.directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["config.yaml", "past.om"]);
}

#[tokio::test]
async fn what_is_kept_is_used_only_for_the_same_question() {
    let site = Site::new().await;
    let globex = site.stage.simulator.account("globex");
    globex.fail_always(Endpoint::MonthlyUsage, Fault::error(400, "InvalidTimeRange", "canary"));
    let output = site.run(&["--output=past.om"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said(&output).lines().skip(3).collect::<Vec<_>>(),
        [
            "lyve-cloud-exporter: globex: 2023-11 to 2024-04: request: GET /usage/monthly: 400 (InvalidTimeRange): the \
             vendor says that the request is wrong; if the vendor does not go back that far, give a later --from; \
             otherwise try check --live",
            "what was answered is kept: the same command goes on from there"
        ]
    );
    assert!(!site.path("past.om").exists());

    // The account is left out now: nothing is left to ask.
    site.stage.simulator.forget_requests();
    let acme = site.run(&["--output=past.om", "--account=acme"]).await;
    assert_eq!((acme.status.code(), site.queries()), (Some(0), 0), "{}", said(&acme));
    assert_eq!(std::fs::read_to_string(site.path("past.om")).unwrap(), site.text(&["--account=acme"]).await);

    // Another question, or another account of that name, is asked anew.
    globex.fail_always(Endpoint::MonthlyUsage, Fault::error(400, "InvalidTimeRange", "canary"));
    assert_eq!(site.run(&["--output=past.om"]).await.status.code(), Some(1));
    site.stage.simulator.forget_requests();
    let zeros = site.run(&["--output=past.om", "--account=acme", "--keep-zeros"]).await;
    assert_eq!((zeros.status.code(), site.queries()), (Some(0), 3), "{}", said(&zeros));

    // A file of something else is left alone.
    std::fs::write(site.path("past.om.partial"), "my diary").unwrap();
    let foreign = site.run(&["--output=past.om"]).await;
    assert_eq!(foreign.status.code(), Some(3));
    assert!(
        said(&foreign).contains("past.om.partial: it is not of an interrupted backfill"),
        "{}",
        said(&foreign)
    );
    assert_eq!(std::fs::read_to_string(site.path("past.om.partial")).unwrap(), "my diary");
}

#[tokio::test]
async fn an_account_of_object_storage_has_its_true_days() {
    // Requests are signed with the time of the program.
    let simulator = Simulator::start(Arc::new(System)).await.unwrap();
    let day = |text: &str| text.parse().unwrap();
    let account = simulator.object_storage_account("archive").day(day("2023-12-31"), 100, 5, 3).day(
        day("2024-01-01"),
        200,
        0,
        4,
    );
    let ((access_key, secret), url) = (account.pair(), simulator.object_storage_url());
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config.yaml");
    let text = format!(
        "accounts: [{{name: archive, api: object_storage, iam_url: '{url}', s3_url: '{url}', access_key: {access_key}, secret: {secret}}}]\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut command = program();
    command.arg("--config.file").arg(config).args(["backfill", "--from=2023-11", "--to=2024-01"]);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let (averages, days): (Vec<&str>, Vec<&str>) =
        samples.into_iter().partition(|line| line.contains("monthly_average"));
    assert_eq!(
        days,
        [
            r#"lyvecloud_account_ghost_bytes{account="archive"} 5 1703980800"#,
            r#"lyvecloud_account_ghost_bytes{account="archive"} 0 1704067200"#,
            r#"lyvecloud_account_objects{account="archive"} 3 1703980800"#,
            r#"lyvecloud_account_objects{account="archive"} 4 1704067200"#,
            r#"lyvecloud_account_usage_bytes{account="archive"} 100 1703980800"#,
            r#"lyvecloud_account_usage_bytes{account="archive"} 200 1704067200"#,
        ]
    );
    // As on the metrics page: the mean of the month's days that have figures.
    for (month, figure) in [("2023-12", 100), ("2024-01", 200)] {
        let start = format!(
            r#"lyvecloud_account_monthly_average_usage_bytes{{account="archive",month="{month}"}} {figure} 17"#
        );
        assert_eq!(averages.iter().filter(|line| line.starts_with(&start)).count(), 31, "{averages:?}");
    }
    assert_eq!(averages.len(), 62);
    assert_eq!(promtool(&["check", "metrics"], &as_one_scrape(&text)).await, (Some(0), String::new()));
}

#[tokio::test]
async fn zeros_are_no_data_unless_they_are_kept() {
    let site = Site::new().await;
    let of_june = |text: &str| text.lines().filter(|line| line.contains(r#"month="2024-06""#)).count();
    assert_eq!(of_june(&site.text(&[]).await), 0);
    let kept = site.text(&["--keep-zeros"]).await;
    // Two accounts, their totals, two buckets each, and what the first of them cost.
    assert_eq!(of_june(&kept), 7 * 30);
    let first = month("2024-06").start().as_second();
    let line = format!(
        "lyvecloud_bucket_monthly_average_usage_bytes{{account=\"acme\",bucket=\"media\",month=\"2024-06\"}} 0 {first}\n"
    );
    assert!(kept.contains(&line), "{kept}");
}

#[tokio::test]
async fn the_configurations_choice_of_buckets_holds_and_its_state_file_is_left_alone() {
    let site = Site::new().await;
    site.configure("series: {buckets: {exclude: [back.*]}, max_per_account: 1}\nstate_file: state.json\n");
    let text = site.text(&[]).await;
    assert!(text.contains(r#"bucket="media""#) && !text.contains(r#"bucket="backups""#));
    assert!(!site.path("state.json").exists());
    assert_eq!(site.stage.simulator.violations(), []);
}

#[tokio::test]
async fn what_is_not_over_has_no_past() {
    let site = Site::new().await;
    for (arguments, problem) in [
        (&["--from=9998-01"][..], "--from: 9998-01 is not over yet"),
        (&["--from=2024-01", "--to=9998-01"], "--to: 9998-01 is not over yet"),
        (&["--from=2024-01", "--to=2023-12"], "--from: 2024-01 is later than --to"),
        (&["--from=2024-01", "--account=nobody"], "--account: the configuration has no account \"nobody\""),
    ] {
        let output = site.run(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(problem), "{}", said(&output));
        assert!(output.stdout.is_empty());
    }
    assert_eq!(site.stage.simulator.request_count(None), 0);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_told_before_anything_is_asked() {
    let site = Site::new().await;
    let output = site.run(&["--output=no/such/directory/past.om"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        said(&output),
        "lyve-cloud-exporter: cannot use no/such/directory/past.om: No such file or directory (os error 2)\n"
    );
    assert_eq!(site.stage.simulator.request_count(None), 0);
}
