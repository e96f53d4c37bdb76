//! Behind a reverse proxy: what asks the exporter in Kubernetes asks below its path.

use std::process::Command;
use std::sync::Arc;

use lyve_cloud_exporter::clock::System;
use lyve_cloud_exporter::simulator::Simulator;
use serde_json::Value;

use super::helm::{notes, render};
use super::kubernetes::{documents, only};
use super::succeeds;
use crate::binary::{Running, program};
use crate::client::get;
use crate::programs::{eventually, repository};

/// Runs the exporter with the variables of the container, and asks it where the probes and the ServiceMonitor ask.
async fn is_found_below(prefix: &str, objects: &[Value]) {
    let container = &only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let mut paths: Vec<&str> = ["startupProbe", "livenessProbe", "readinessProbe"]
        .iter()
        .map(|probe| container[probe]["httpGet"]["path"].as_str().expect("a path"))
        .collect();
    // prometheus-operator asks at /metrics where nothing is said.
    let endpoint = &only(objects, "ServiceMonitor")["spec"]["endpoints"][0];
    paths.push(endpoint["path"].as_str().unwrap_or("/metrics"));
    assert!(paths.iter().all(|path| path.starts_with(&format!("{prefix}/"))), "{prefix}: {paths:?}");

    let simulator = Simulator::start(Arc::new(System)).await.expect("a simulator");
    simulator.account("acme").access_key("AKEXAMPLE").secret("s").bucket("backups", 1.5);
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config.yaml");
    std::fs::write(directory.path().join("secret"), "s").unwrap();
    let base_url = simulator.base_url();
    std::fs::write(
        &config,
        format!(
            "accounts: [{{name: a, account_id: acme, access_key: AKEXAMPLE, secret_file: secret, base_url: '{base_url}'}}]"
        ),
    )
    .unwrap();
    let mut command = program();
    command.arg("run").arg("--config.file").arg(&config);
    for variable in container["env"].as_array().into_iter().flatten() {
        let (name, value) = (variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
        command.env(name, value);
    }
    let running = Running::start(&mut command).await;
    for path in paths {
        eventually(path, async || (get(running.address, path).await.status == 200).then_some(())).await;
    }
    running.stop("-TERM").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chart_asks_below_the_path_of_the_exporter() {
    for (more, prefix) in [
        (&[][..], ""),
        (&["--set=web.externalURL=https://monitoring.example"], ""),
        (&["--set=web.externalURL=https://monitoring.example/lyve/"], "/lyve"),
        (&["--set=web.externalURL=https://monitoring.example/lyve/", "--set=web.routePrefix=/"], ""),
        (&["--set=web.routePrefix=/ops/lyve/"], "/ops/lyve"),
    ] {
        is_found_below(prefix, &render("operator", more)).await;
        let notes = notes("operator", more);
        assert!(notes.contains(&format!("curl -s http://localhost:10059{prefix}/metrics | ")), "{notes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_kustomization_asks_below_the_path_of_the_exporter() {
    let docs = std::fs::read_to_string(repository("docs/install.md")).unwrap();
    let mut blocks = docs.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap());
    let kustomization = blocks.find(|block| block.contains("kind: Kustomization")).expect("a kustomization");
    let directory = tempfile::tempdir().unwrap();
    // The overlays name the dashboards, too.
    for part in ["deploy", "grafana"] {
        succeeds(Command::new("cp").arg("--recursive").arg(repository(part)).arg(directory.path()));
    }
    let own = directory.path().join("deploy/kubernetes/overlays/lyve");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("kustomization.yaml"), kustomization).unwrap();
    let objects = documents(&succeeds(Command::new("kubectl").arg("kustomize").arg(own)));
    is_found_below("/lyve", &objects).await;
}
