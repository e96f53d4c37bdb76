//! The manifests, as kustomize builds them.

use std::process::Command;

use serde_json::Value;

use super::{parsed, succeeds, yaml};
use crate::programs::repository;

/// The objects of a kustomization.
fn build(path: &str) -> Vec<Value> {
    let mut kustomize = Command::new("kubectl");
    // The dashboards are one copy, outside of the overlay.
    kustomize.args(["kustomize", "--load-restrictor=LoadRestrictionsNone"]);
    let text = succeeds(kustomize.arg(repository("deploy/kubernetes").join(path)));
    text.split("\n---\n").map(parsed).collect()
}

fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    first
}

#[test]
fn every_object_has_what_every_object_needs() {
    for path in ["base", "overlays/prometheus-operator", "overlays/shards"] {
        for object in build(path) {
            for field in ["/apiVersion", "/kind", "/metadata/name"] {
                assert!(object.pointer(field).is_some_and(Value::is_string), "{path}: {field} of {object}");
            }
            let label = &object["metadata"]["labels"]["app.kubernetes.io/name"];
            assert_eq!(label, "lyve-cloud-exporter", "{path}: {object}");
            if object["kind"] != "Namespace" {
                assert_eq!(object["metadata"]["namespace"], "lyve-cloud-exporter", "{path}: {object}");
            }
        }
    }
}

#[test]
fn probes_ports_and_selectors_meet() {
    let objects = build("overlays/prometheus-operator");
    let pod = &only(&objects, "Deployment")["spec"]["template"];
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["ports"][0]["name"], "http");
    assert_eq!(container["ports"][0]["containerPort"], 10059);
    for (probe, path) in
        [("startupProbe", "/-/healthy"), ("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")]
    {
        assert_eq!(container[probe]["httpGet"]["port"], "http", "{probe}");
        assert_eq!(container[probe]["httpGet"]["path"], path, "{probe}");
    }
    let service = &only(&objects, "Service")["spec"];
    assert_eq!(service["ports"][0]["targetPort"], "http");
    assert_eq!(only(&objects, "ServiceMonitor")["spec"]["endpoints"][0]["port"], service["ports"][0]["name"]);
    // The rules expect the job to have the name of the service.
    assert_eq!(only(&objects, "Service")["metadata"]["name"], "lyve-cloud-exporter");
    let policy = &only(&objects, "NetworkPolicy")["spec"];
    assert_eq!(policy["ingress"][0]["ports"][0]["port"], "http");
    let labels = &pod["metadata"]["labels"];
    for selector in [
        &service["selector"],
        &policy["podSelector"]["matchLabels"],
        &only(&objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &only(&objects, "Deployment")["spec"]["selector"]["matchLabels"],
        &only(&objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"],
    ] {
        assert!(selector.as_object().is_some_and(|selector| !selector.is_empty()), "{selector}");
        assert_eq!(selector, labels);
    }
}

#[test]
fn the_pod_is_restricted() {
    let objects = build("base");
    let level = &only(&objects, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"];
    assert_eq!(level, "restricted");
    let pod = &only(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0]["securityContext"];
    assert_eq!(container["allowPrivilegeEscalation"], false);
    assert_eq!(container["readOnlyRootFilesystem"], true);
    assert_eq!(container["capabilities"]["drop"][0], "ALL");
    let dockerfile = std::fs::read_to_string(repository("deploy/container/Dockerfile")).unwrap();
    let user = &pod["securityContext"]["runAsUser"];
    assert!(dockerfile.contains(&format!("USER {user}:{user}\n")), "{user}");
}

#[test]
fn the_configuration_is_one_that_the_exporter_takes_and_its_secret_is_mounted() {
    let objects = build("base");
    let container = &only(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    std::fs::write(&secret, "s").unwrap();
    let config = only(&objects, "ConfigMap")["data"]["config.yaml"].as_str().expect("a configuration");
    let mount = container["volumeMounts"][1]["mountPath"].as_str().expect("a path");
    let secret_file = format!("{mount}/secret");
    assert!(config.contains(&secret_file), "{config}");
    assert!(only(&objects, "Secret")["data"]["secret"].is_string());
    let file = directory.path().join("config.yaml");
    std::fs::write(&file, config.replace(&secret_file, secret.to_str().unwrap())).unwrap();
    let config = lyve_cloud_exporter::config::load(Some(&file), &std::collections::BTreeMap::new());
    assert_eq!(config.expect("a configuration without faults").accounts[0].name, "production");
}

#[test]
fn the_rules_and_dashboards_are_those_of_everybody_else() {
    let objects = build("overlays/prometheus-operator");
    let rules = &only(&objects, "PrometheusRule")["spec"];
    assert_eq!(rules, &yaml("deploy/prometheus/rules.yml"), "run make-rules beside rules.yaml");
    let shown = objects.iter().find(|object| object["metadata"]["labels"]["grafana_dashboard"] == "1");
    let shown = shown.expect("dashboards")["data"].as_object().expect("files");
    let mut files = 0;
    for file in std::fs::read_dir(repository("grafana/dashboards")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(shown[&name].as_str(), Some(text.as_str()), "{name}");
        files += 1;
    }
    assert_eq!(shown.len(), files);
}

#[test]
fn every_shard_is_there_and_knows_which_it_is() {
    let objects = build("overlays/shards");
    assert!(objects.iter().all(|object| object["kind"] != "Deployment"));
    let set = &only(&objects, "StatefulSet")["spec"];
    let [count, index] = ["COUNT", "INDEX"].map(|which| {
        let name = format!("LYVE_EXPORTER_SHARD_{which}");
        let variables = set["template"]["spec"]["containers"][0]["env"].as_array().expect("variables");
        variables.iter().find(|variable| variable["name"] == *name).expect("a variable")
    });
    assert_eq!(count["value"].as_str(), Some(&*set["replicas"].to_string()));
    let path = &index["valueFrom"]["fieldRef"]["fieldPath"];
    assert_eq!(path, "metadata.labels['apps.kubernetes.io/pod-index']");
    assert_eq!(set["serviceName"], only(&objects, "Service")["metadata"]["name"]);
}
