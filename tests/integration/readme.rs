//! The README, and the pages in docs/ behind it, say what the code does and lead where they say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use lyve_cloud_exporter::cli::Cli;
use lyve_cloud_exporter::metrics;
use lyve_cloud_exporter::model::StatePart;
use regex::Regex;

use crate::programs::repository;
use crate::stage::Stage;

fn read(page: &str) -> String {
    std::fs::read_to_string(repository(page)).unwrap()
}

/// Each page by its path: those of the uppermost directory, and those in docs/.
fn pages() -> BTreeMap<PathBuf, String> {
    let docs = std::fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let pages = docs.chain(["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(repository));
    pages.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// All of them, one behind the other.
fn everything() -> String {
    pages().into_values().collect()
}

/// A page without what is set apart as code.
fn prose(page: &str) -> String {
    let mut inside = false;
    let outside = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    };
    page.lines().filter(outside).map(|line| format!("{line}\n")).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> Vec<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let headings = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    headings.map(|heading| heading.chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let link = Regex::new(r"\]\(([^()\s]+)\)").unwrap();
    let mut followed = 0;
    for (from, page) in &pages {
        for target in link.captures_iter(&prose(page)).map(|found| found[1].to_owned()) {
            if target.contains("://") {
                continue;
            }
            let (path, anchor) =
                target.split_once('#').map_or((&*target, None), |(path, anchor)| (path, Some(anchor)));
            let to = match path {
                "" => from.clone(),
                path => from.parent().unwrap().join(path).canonicalize().unwrap_or_else(|error| {
                    panic!("{target} in {}: {error}", from.display());
                }),
            };
            if let Some(anchor) = anchor {
                let page =
                    pages.get(&to).unwrap_or_else(|| panic!("{target} in {} is no page", from.display()));
                assert!(anchors(page).contains(&anchor.to_owned()), "{target} in {}", from.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 60, "the pattern finds the links: {followed}");
}

#[test]
fn no_page_has_two_headings_of_one_name_and_each_is_linked_from_the_readme() {
    let readme = read("README.md");
    for (path, page) in pages() {
        let mut anchors = anchors(&page);
        let count = anchors.len();
        anchors.sort();
        anchors.dedup();
        assert_eq!(anchors.len(), count, "{}", path.display());
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        let directory = if path.parent().unwrap().ends_with("docs") { "docs/" } else { "" };
        let linked = name == "README.md" || readme.contains(&format!("({directory}{name}"));
        assert!(linked, "nobody finds {name}");
    }
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    let command =
        Regex::new(r"\blyve-cloud-exporter((?: (?:--(?:account|config|from|keep-zeros|live|log|output|shard|to\b|web)[a-z.-]*(?:=[^\s`;]+)?|run|backfill|demo|check|once|health))+)")
            .unwrap();
    let mut taken = 0;
    for (path, page) in pages() {
        for found in command.captures_iter(&page) {
            let arguments = std::iter::once("lyve-cloud-exporter").chain(found[1].split_whitespace());
            if let Err(error) = Cli::try_parse_from(arguments) {
                panic!("{}: {}: {error}", path.display(), &found[0]);
            }
            taken += 1;
        }
    }
    assert!(taken > 10, "the pattern finds the command lines: {taken}");
}

/// The line for cron, with its paths in `directory`, run as cron runs it.
async fn cron(directory: &Path) -> std::process::Output {
    let page = std::fs::read_to_string(repository("docs/install.md")).unwrap();
    let (_, after) = page.split_once("```cron\n").unwrap();
    let (line, _) = after.split_once('\n').unwrap();
    let (schedule, command) = line.split_once(" root ").unwrap();
    assert_eq!(schedule, "*/15 * * * *");
    assert!(!command.contains('%'), "cron makes a new line of it");
    let here = directory.to_str().unwrap();
    let command = ["/var/lib/prometheus/node-exporter", "/etc/lyve-cloud-exporter"]
        .iter()
        .fold(command.to_owned(), |command, path| command.replace(path, here));
    let program = Path::new(env!("CARGO_BIN_EXE_lyve-cloud-exporter")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", program.display());
    let mut shell = tokio::process::Command::new("sh");
    shell.env_clear().env("PATH", path).args(["-c", &command]).kill_on_drop(true);
    shell.output().await.unwrap()
}

#[tokio::test]
async fn the_line_for_cron_leaves_whole_metrics_and_takes_none_away() {
    let stage = Stage::new().await;
    let (acme, _) = stage.acme();
    let (access_key, secret) = acme.pair();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let metrics = || std::fs::read_to_string(directory.path().join("lyve-cloud.prom")).unwrap();
    write("secret", &secret);
    let account = format!(
        "accounts: [{{name: a, account_id: acme, access_key: {access_key}, secret_file: secret, base_url: '{}'}}]\n",
        stage.simulator.base_url()
    );
    write("config.yaml", &account);
    let output = cron(directory.path()).await;
    assert!(output.status.success(), "{output:?}");
    assert!(metrics().contains("lyvecloud_up{account=\"a\"} 1"), "{}", metrics());

    write("secret", "another one");
    cron(directory.path()).await;
    let failed = metrics();
    assert!(failed.contains("lyvecloud_up{account=\"a\"} 0"), "{failed}");

    write("config.yaml", "acounts: []\n");
    assert!(!cron(directory.path()).await.status.success());
    assert_eq!(metrics(), failed, "a wrong configuration leaves the old file");
}

#[test]
fn the_pages_that_are_packed_are_all_there_are() {
    let manifest = std::fs::read_to_string(repository("Cargo.toml")).unwrap();
    let packed =
        Regex::new(r#"\["(README\.md|docs/\*\.md)", "usr/share/doc/lyve-cloud-exporter/(docs/)?""#).unwrap();
    assert_eq!(packed.find_iter(&manifest).count(), 2, "the package keeps the links between them");
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
            family.help.trim_end_matches('.')
        )
    });
    let table: String = rows.collect();
    let page = read("docs/metrics.md");
    let (before, rest) = page.split_once("| name | type | labels | |\n|---|---|---|---|\n").unwrap();
    let (found, after) = rest.split_once("\n\n").unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let page = format!("{before}| name | type | labels | |\n|---|---|---|---|\n{table}\n{after}");
        std::fs::write(repository("docs/metrics.md"), page).unwrap();
    } else {
        assert_eq!(format!("{found}\n"), table, "the table of metrics; UPDATE_GOLDEN=1 writes it");
    }
}

#[test]
fn every_polled_metric_has_its_source_and_interval_in_the_page() {
    let page = read("docs/metrics.md");
    let (_, table) =
        page.split_once("| collector | API | default interval | metrics |\n|---|---|---|---|\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let default = lyve_cloud_exporter::config::Poll::default();
    let mut rows = table.lines();
    let mut named = std::collections::BTreeSet::new();
    for declared in lyve_cloud_exporter::api::collectors() {
        let row = rows.next().unwrap();
        let minutes = (declared.interval)(&default).as_secs() / 60;
        let interval = if minutes < 60 { format!("{minutes}m") } else { format!("{}h", minutes / 60) };
        let [_, collector, _, shown, metrics, _] = row.split('|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("{row}");
        };
        assert_eq!((collector, shown), (&*format!("`{}`", declared.collector), &*interval));
        named.extend(metrics.split(", ").map(|name| name.trim_matches('`').to_owned()));
    }
    assert_eq!(rows.next(), None);
    let unpolled = [StatePart::Health, StatePart::Failures, StatePart::Configuration];
    let polled = metrics::families().iter().filter(|family| !unpolled.contains(&family.part));
    let polled: std::collections::BTreeSet<_> = polled.map(|family| family.name.to_owned()).collect();
    assert_eq!(named, polled);
}

#[test]
fn every_metric_in_a_page_is_exported() {
    let exported: Vec<_> = metrics::catalogue().into_iter().map(|family| family.name).collect();
    let name = Regex::new(r"(:?)\b(lyvecloud_[a-z_]+)").unwrap();
    let mut found = 0;
    for (path, page) in pages() {
        // Names of recording rules contain those of metrics.
        for name in name.captures_iter(&page).filter(|name| !name[2].ends_with('_')) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name[2].strip_suffix(end));
            let is_exported = exported.iter().any(|known| *known == &name[2] || Some(*known) == base);
            assert!(is_exported, "{} in {}", &name[2], path.display());
            found += 1;
        }
    }
    assert!(found > 100, "the pattern finds the names: {found}");
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 200, "{lines} lines: move some of it to docs/");
}

/// The queries in the blocks of a page that are marked as PromQL. A comment begins the next one.
fn queries(page: &str) -> Vec<String> {
    let block = Regex::new(r"(?s)```promql\n(.*?)```").unwrap();
    let blocks = block.captures_iter(page).map(|found| found[1].to_owned());
    let comment = Regex::new(r"(?m)^#.*\n").unwrap();
    blocks
        .flat_map(|block| comment.split(&block).map(|query| query.trim().to_owned()).collect::<Vec<_>>())
        .filter(|query| !query.is_empty())
        .collect()
}

#[test]
fn prometheus_accepts_every_query_of_the_pages() {
    let queries: Vec<String> = pages().values().flat_map(|page| queries(page)).collect();
    assert!(queries.len() >= 5, "{queries:?}");
    let rules = queries
        .iter()
        .enumerate()
        .map(|(index, query)| serde_json::json!({"record": format!("query:{index}"), "expr": query}));
    let file = serde_json::json!({"groups": [{"name": "pages", "rules": rules.collect::<Vec<_>>()}]});
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let output = std::process::Command::new("promtool").args(["check", "rules"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_flag_is_told() {
    let page = read("docs/commands.md");
    for argument in <Cli as CommandFactory>::command().get_arguments() {
        if let Some(long) = argument.get_long().filter(|long| !matches!(*long, "help")) {
            assert!(page.contains(&format!("`--{long}`")), "--{long}");
        }
    }
}

#[test]
fn every_key_of_the_example_is_told() {
    let page = read("docs/configuration.md");
    let example = std::fs::read_to_string(repository("config/lyve-cloud-exporter.yaml")).unwrap();
    let keys = Regex::new(r"(?m)^[# -]*([a-z_]+): +[^# ]").unwrap();
    let (_, body) = example.split_once("\naccounts:").unwrap();
    for key in keys.captures_iter(body).map(|found| found[1].to_owned()) {
        let told = [format!("`{key}`"), format!(".{key}`")];
        assert!(told.iter().any(|told| page.contains(told)), "{key}");
    }
}

#[test]
fn every_key_of_the_reference_is_in_the_example() {
    let page = read("docs/configuration.md");
    let (_, reference) = page.split_once("\n| key | default | |\n").unwrap();
    let (reference, _) = reference.split_once("\n\n").unwrap();
    let example = std::fs::read_to_string(repository("config/lyve-cloud-exporter.yaml")).unwrap();
    // What belongs to one key of the uppermost level, which begins a line.
    let top = Regex::new(r"(?m)^(?:# )?([a-z_]+):").unwrap();
    let begins: Vec<(usize, &str)> = top
        .captures_iter(&example)
        .map(|found| (found.get(0).unwrap().start(), found.extract::<1>().1[0]))
        .collect();
    let section = |name: &str| {
        let index = begins.iter().position(|(_, begun)| *begun == name).unwrap_or_else(|| panic!("{name}"));
        let end = begins.get(index + 1).map_or(example.len(), |(next, _)| *next);
        &example[begins[index].0..end]
    };
    let key = Regex::new(r"`([a-z_0-9.\[\]]+)`").unwrap();
    let mut found = 0;
    for row in reference.lines() {
        let names = row.split('|').nth(1).unwrap();
        for name in key.captures_iter(names).map(|found| found[1].to_owned()) {
            let (top, last) = (name.split(['.', '[']).next().unwrap(), name.rsplit('.').next().unwrap());
            let word = Regex::new(&format!(r"\b{last}\b")).unwrap();
            assert!(word.is_match(section(top)), "{name} is not in the example");
            found += 1;
        }
    }
    assert!(found > 35, "the pattern finds the keys: {found}");
}

#[test]
fn every_reason_of_a_failure_is_told() {
    let (page, everything) = (read("docs/failures.md"), everything());
    for &reason in lyve_cloud_exporter::model::Reason::ALL {
        let name = format!("`{}`", reason.name());
        assert!(
            page.contains(&name) && everything.contains(&format!("`reason=\"{}\"`", reason.name())),
            "{name}"
        );
    }
}
