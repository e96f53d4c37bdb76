//! The README says what the code does.

use clap::CommandFactory;
use lyve_cloud_exporter::cli::Cli;
use lyve_cloud_exporter::metrics;

use crate::programs::repository;

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).unwrap()
}

/// What a HELP tells before it comes to how old the value may be.
fn told(help: &str) -> &str {
    let end = [" Polled from the vendor", " For kind="].iter().filter_map(|start| help.find(start)).min();
    help[..end.unwrap_or(help.len())].trim_end_matches('.')
}

#[test]
fn the_table_of_metrics_is_that_of_the_code() {
    let rows = metrics::catalogue().into_iter().map(|family| {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        format!(
            "| `{}` | {} | {} | {} |\n",
            family.name,
            family.kind.name(),
            labels.join(", "),
            told(family.help)
        )
    });
    let table: String = rows.collect();
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics.md");
    std::fs::write(&path, &table).unwrap();
    assert!(readme().contains(&table), "the README's table of metrics should be that of {}", path.display());
}

#[test]
fn every_flag_is_told() {
    let readme = readme();
    for argument in <Cli as CommandFactory>::command().get_arguments() {
        if let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help")) {
            assert!(readme.contains(&format!("`--{long}`")), "--{long}");
        }
    }
}

#[test]
fn every_key_of_the_example_is_told() {
    let readme = readme();
    let example = std::fs::read_to_string(repository("config/lyve-cloud-exporter.yaml")).unwrap();
    let keys = regex::Regex::new(r"(?m)^[# -]*([a-z_]+): +[^# ]").unwrap();
    let (_, body) = example.split_once("\naccounts:").unwrap();
    for key in keys.captures_iter(body).map(|found| found[1].to_owned()) {
        let told = [format!("`{key}`"), format!(".{key}`")];
        assert!(told.iter().any(|told| readme.contains(told)), "{key}");
    }
}

#[test]
fn every_reason_of_a_failure_is_told() {
    let readme = readme();
    for reason in lyve_cloud_exporter::api::Reason::ALL {
        assert!(readme.contains(&format!("`{}`", reason.name())), "{}", reason.name());
    }
}
