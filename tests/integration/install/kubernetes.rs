//! The manifests, as kustomize builds them.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::{parsed, succeeds, yaml};
use crate::programs::repository;

/// The version of Kubernetes whose schemas the objects are held against.
pub const VERSION: &str = "1.34";

/// `kubectl apply` writes an object into an annotation of it, and all annotations together may have so many bytes.
pub const ANNOTATION_LIMIT: usize = 256 * 1024;

const OVERLAYS: [&str; 4] =
    ["base", "overlays/prometheus-operator", "overlays/shards", "overlays/prometheus-operator-shards"];

/// The objects of a stream of YAML.
pub fn documents(text: &str) -> Vec<Value> {
    let text = format!("\n{}", text.trim_end());
    text.split("\n---\n").filter(|document| !document.trim().is_empty()).map(parsed).collect()
}

/// Each object fits the schema of its kind. Those of prometheus-operator have none here.
pub fn validate(objects: &str) {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), objects).unwrap();
    let mut validate = Command::new("kubernetes-validate");
    validate.args(["--strict", "--quiet", "--no-warn", "--kubernetes-version", VERSION]);
    succeeds(validate.arg(file.path()));
}

fn kustomize(path: &str) -> String {
    // As `kubectl apply --kustomize` builds them: it takes no flag for files elsewhere.
    succeeds(Command::new("kubectl").arg("kustomize").arg(repository("deploy/kubernetes").join(path)))
}

/// The objects of a kustomization.
pub fn build(path: &str) -> Vec<Value> {
    documents(&kustomize(path))
}

/// The files of the ConfigMaps for Grafana's sidecar, by name.
pub fn dashboards(objects: &[Value]) -> BTreeMap<String, String> {
    let shown = objects.iter().filter(|object| object["metadata"]["labels"]["grafana_dashboard"] == "1");
    let files = shown.flat_map(|object| {
        assert_eq!(object["metadata"]["annotations"]["grafana_folder"], "Lyve Cloud");
        object["data"].as_object().expect("files")
    });
    files.map(|(name, text)| (name.clone(), text.as_str().expect("a text").to_owned())).collect()
}

/// The ConfigMap with the exporter's configuration.
pub fn configuration(objects: &[Value]) -> &Value {
    objects.iter().find(|object| object["data"]["config.yaml"].is_string()).expect("a configuration")
}

pub fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    first
}

#[test]
fn every_object_has_what_every_object_needs() {
    for path in OVERLAYS {
        let text = kustomize(path);
        validate(&text);
        for object in documents(&text) {
            assert!(object.to_string().len() < ANNOTATION_LIMIT, "{path}: {} is too large", object["kind"]);
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
    let config = configuration(&objects)["data"]["config.yaml"].as_str().expect("a configuration");
    let mount = container["volumeMounts"][1]["mountPath"].as_str().expect("a path");
    let secret_file = format!("{mount}/secret");
    assert!(config.contains(&secret_file), "{config}");
    assert!(only(&objects, "Secret")["data"]["secret"].is_string());
    let file = directory.path().join("config.yaml");
    std::fs::write(&file, config.replace(&secret_file, secret.to_str().unwrap())).unwrap();
    let config = lyve_cloud_exporter::config::load(Some(&file), &BTreeMap::new());
    assert_eq!(config.expect("a configuration without faults").accounts[0].name, "production");
}

#[test]
fn the_rules_and_dashboards_are_those_of_everybody_else() {
    let objects = build("overlays/prometheus-operator");
    let rules = &only(&objects, "PrometheusRule")["spec"];
    assert_eq!(rules, &yaml("deploy/prometheus/rules.yml"), "run deploy/sync");
    let files = std::fs::read_dir(repository("grafana/dashboards")).unwrap().map(|file| {
        let file = file.unwrap();
        (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap())
    });
    assert_eq!(dashboards(&objects), files.collect(), "grafana/kustomization.yaml names them all");
}

#[test]
fn every_shard_is_there_and_knows_which_it_is() {
    for path in ["overlays/shards", "overlays/prometheus-operator-shards"] {
        every_shard_of(&build(path));
    }
}

fn every_shard_of(objects: &[Value]) {
    assert!(objects.iter().all(|object| object["kind"] != "Deployment"));
    let set = &only(objects, "StatefulSet")["spec"];
    let [count, index] = ["COUNT", "INDEX"].map(|which| {
        let name = format!("LYVE_EXPORTER_SHARD_{which}");
        let variables = set["template"]["spec"]["containers"][0]["env"].as_array().expect("variables");
        variables.iter().find(|variable| variable["name"] == *name).expect("a variable")
    });
    assert_eq!(count["value"].as_str(), Some(&*set["replicas"].to_string()));
    let path = &index["valueFrom"]["fieldRef"]["fieldPath"];
    assert_eq!(path, "metadata.labels['apps.kubernetes.io/pod-index']");
    assert_eq!(set["serviceName"], only(objects, "Service")["metadata"]["name"]);
}
