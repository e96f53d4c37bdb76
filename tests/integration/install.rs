//! What is in deploy/ installs, and what it installs works.

mod container;
mod helm;
mod kubernetes;
mod package;
mod prefix;
mod systemd;

use std::process::Command;

use config::{Config, File, FileFormat};
use serde_json::Value;

use crate::programs::repository;

/// A file of the repository that is YAML.
fn yaml(path: &str) -> Value {
    parsed(&std::fs::read_to_string(repository(path)).unwrap())
}

/// YAML of one mapping.
fn parsed(text: &str) -> Value {
    let source = File::from_str(text, FileFormat::Yaml);
    Config::builder().add_source(source).build().unwrap().try_deserialize().unwrap()
}

/// What the program prints; the test fails where it does.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("cannot run {}: {error}; ./tests/run installs it", command.get_program().to_string_lossy())
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The port that the exporter listens on where nothing else is set.
fn default_port() -> String {
    let help = succeeds(Command::new(env!("CARGO_BIN_EXE_lyve-cloud-exporter")).args(["run", "--help"]));
    let after = help.split_once("--web.listen-address").expect("the flag").1;
    let default = after.split_once("[default: :").expect("a default").1;
    default.split(']').next().expect("a number").to_owned()
}

#[test]
fn what_is_in_deploy_names_the_default_port() {
    let port = default_port();
    for (file, line) in [
        ("deploy/container/Dockerfile", format!("EXPOSE {port}\n")),
        ("deploy/container/compose.yaml", format!("[\"127.0.0.1:{port}:{port}\"]\n")),
        ("deploy/container/prometheus.yml", format!("[lyve-cloud-exporter:{port}]\n")),
        ("deploy/kubernetes/base/deployment.yaml", format!("containerPort: {port}}}\n")),
        ("deploy/kubernetes/base/service.yaml", format!("port: {port}\n")),
        ("deploy/helm/lyve-cloud-exporter/templates/workload.yaml", format!("containerPort: {port}}}\n")),
        ("deploy/helm/lyve-cloud-exporter/values.yaml", format!("port: {port}\n")),
        ("deploy/prometheus/prometheus.yml", format!("[localhost:{port}]\n")),
        ("deploy/systemd/lyve-cloud-exporter.socket", format!("ListenStream={port}\n")),
        ("docs/install.md", format!("localhost:{port}/metrics")),
        ("docs/commands.md", format!("`:{port}`")),
        ("README.md", format!("localhost:{port}/")),
    ] {
        let text = std::fs::read_to_string(repository(file)).unwrap();
        assert!(text.contains(&line), "{file}: {line}");
    }
}

#[test]
fn every_file_that_names_the_version_names_that_of_the_program() {
    let version = lyve_cloud_exporter::build_info::VERSION;
    for (file, line) in [
        ("Cargo.toml", format!("version = \"{version}\"\n")),
        ("Cargo.lock", format!("name = \"lyve-cloud-exporter\"\nversion = \"{version}\"\n")),
        ("fuzz/Cargo.lock", format!("name = \"lyve-cloud-exporter\"\nversion = \"{version}\"\n")),
        ("deploy/container/Dockerfile", format!("\nARG VERSION={version}\n")),
        ("deploy/helm/lyve-cloud-exporter/Chart.yaml", format!("\nversion: {version}\n")),
        ("deploy/helm/lyve-cloud-exporter/Chart.yaml", format!("\nappVersion: {version}\n")),
        ("deploy/kubernetes/base/kustomization.yaml", format!("newTag: {version}\n")),
    ] {
        let text = std::fs::read_to_string(repository(file)).unwrap();
        assert!(text.contains(&line), "{file}: {line}");
    }
    // The newest entry of the package's changelog.
    let changelog = std::fs::read_to_string(repository("deploy/debian/changelog")).unwrap();
    assert!(changelog.starts_with(&format!("lyve-cloud-exporter ({version}-")), "{changelog}");
}

#[test]
fn the_memory_limit_is_that_of_the_formula() {
    let page = std::fs::read_to_string(repository("docs/performance.md")).unwrap();
    let number = |before: &str, after: &str| -> u64 {
        let rest = page.split_once(before).unwrap_or_else(|| panic!("{before}")).1;
        rest.split_once(after).unwrap_or_else(|| panic!("{after}")).0.replace(',', "").parse().unwrap()
    };
    let base = number("**Memory limit**: ", " MiB + ");
    let each = number(" MiB + ", " bytes × series");
    let shipped = number("shipped limit of ", " MiB is for");
    let (accounts, buckets) =
        (number(" MiB is for ", " accounts of "), number(" accounts of ", " buckets with six"));
    let needed = base + (accounts * buckets * 7 * each).div_ceil(1024 * 1024);
    assert!(needed <= shipped, "{needed} MiB");
    for file in ["deploy/kubernetes/base/deployment.yaml", "deploy/helm/lyve-cloud-exporter/values.yaml"] {
        let text = std::fs::read_to_string(repository(file)).unwrap();
        assert!(text.contains(&format!("limits: {{memory: {shipped}Mi}}")), "{file}");
    }
}
