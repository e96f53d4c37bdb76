//! Words that docs/glossary.md lists as not used are in no text that a user reads.

use std::path::{Path, PathBuf};

use clap::CommandFactory;
use lyve_cloud_exporter::{cli, metrics};
use regex::Regex;

use crate::programs::repository;

/// Matches every word of the glossary's second table.
fn avoided() -> Regex {
    let page = std::fs::read_to_string(repository("docs/glossary.md")).unwrap();
    let (_, table) = page.split_once("| not | but |\n|---|---|\n").unwrap();
    let words: Vec<_> = table
        .lines()
        .filter_map(|row| row.split('|').nth(1))
        .flat_map(|words| words.split(','))
        .map(|word| regex::escape(word.trim()).replace(' ', r"\s+"))
        .collect();
    assert!(words.len() > 10, "{words:?}");
    Regex::new(&format!(r"(?i)\b(?:{})\b", words.join("|"))).unwrap()
}

/// The files below a directory, without those of tests.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "testing"].contains(&&*name) {
            sources(&path, found);
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs"].contains(&&*name) {
            found.push(path);
        }
    }
}

/// Every text with the place that it is from.
fn texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut file = |path: &Path| {
        let name = path.strip_prefix(repository("")).unwrap_or(path).display().to_string();
        texts.push((name, std::fs::read_to_string(path).unwrap()));
    };
    for page in std::fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().path()) {
        if page.extension().is_some_and(|extension| extension == "md") && !page.ends_with("glossary.md") {
            file(&page);
        }
    }
    for dashboard in std::fs::read_dir(repository("grafana/dashboards")).unwrap() {
        file(&dashboard.unwrap().path());
    }
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "config/lyve-cloud-exporter.yaml",
        "deploy/prometheus/rules.yml",
        "deploy/alertmanager/alertmanager.yml",
        "deploy/alertmanager/lyve-cloud.tmpl",
        "deploy/helm/lyve-cloud-exporter/values.yaml",
        "deploy/helm/lyve-cloud-exporter/templates/NOTES.txt",
    ] {
        file(&repository(page));
    }
    for family in metrics::catalogue() {
        texts.push((family.name.to_owned(), family.help.to_owned()));
    }
    let mut command = <cli::Cli as CommandFactory>::command();
    texts.push(("--help".to_owned(), command.render_long_help().to_string()));
    for command in command.get_subcommands_mut() {
        texts.push((format!("{} --help", command.get_name()), command.render_long_help().to_string()));
    }
    // Log lines and errors: what stands between quotes.
    let quoted = Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let placeholder = Regex::new(r"\{[^}]*\}").unwrap();
    let mut files = Vec::new();
    sources(&repository("src"), &mut files);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for found in quoted.captures_iter(line) {
                texts.push((path.display().to_string(), placeholder.replace_all(&found[1], "").into_owned()));
            }
        }
    }
    texts
}

#[test]
fn no_text_has_a_word_that_is_not_used() {
    let avoided = avoided();
    assert!(avoided.is_match("it Tells every fault") && avoided.is_match("for\n  ever"));
    assert!(!avoided.is_match("by default the total is installed"));
    let found: Vec<_> = texts()
        .iter()
        .flat_map(|(place, text)| avoided.find_iter(text).map(move |found| (place, text, found)))
        .map(|(place, text, found)| {
            let from = text.floor_char_boundary(found.start().saturating_sub(40));
            let to = text.ceil_char_boundary(found.end() + 20);
            format!("{place}: {:?} in {:?}", found.as_str(), &text[from..to])
        })
        .collect();
    assert!(found.is_empty(), "see docs/glossary.md:\n{}", found.join("\n"));
}
