//! The Helm chart, as Helm renders it.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::kubernetes::{
    ANNOTATION_LIMIT, VERSION, build, configuration, dashboards, documents, only, validate,
};
use super::{parsed, succeeds, yaml};
use crate::pki::Ca;
use crate::programs::repository;

const CHART: &str = "deploy/helm/lyve-cloud-exporter";
/// The values that are rendered; each but the first is a file in the chart's `ci`.
const TABLE: [&str; 4] = ["default", "everything", "operator", "shards"];

fn values(name: &str) -> Option<PathBuf> {
    (name != "default").then(|| repository(CHART).join(format!("ci/{name}-values.yaml")))
}

fn template_of(chart: &Path, name: &str, more: &[&str]) -> Command {
    let mut helm = Command::new("helm");
    helm.args(["template", "lyve", "--namespace=exporters", &format!("--kube-version={VERSION}.0")]);
    if let Some(file) = values(name) {
        helm.arg("--values").arg(file);
    }
    helm.args(more).arg(chart);
    helm
}

fn template(name: &str, more: &[&str]) -> Command {
    template_of(&repository(CHART), name, more)
}

pub fn render(name: &str, more: &[&str]) -> Vec<Value> {
    documents(&succeeds(&mut template(name, more)))
}

fn workload(objects: &[Value]) -> &Value {
    let mut found = objects.iter().filter(|object| object["spec"]["template"].is_object());
    let first = found.next().expect("a Deployment or StatefulSet");
    assert!(found.next().is_none(), "two of them");
    first
}

#[test]
fn helm_has_no_complaints() {
    for name in TABLE {
        let mut helm = Command::new("helm");
        helm.args(["lint", "--strict", "--quiet", &format!("--kube-version={VERSION}.0")]);
        if let Some(file) = values(name) {
            helm.arg("--values").arg(file);
        }
        assert_eq!(succeeds(helm.arg(repository(CHART))), "", "{name}");
    }
}

#[test]
fn every_rendered_object_is_valid_in_kubernetes() {
    for name in TABLE {
        let text = succeeds(&mut template(name, &[]));
        validate(&text);
        for object in documents(&text) {
            let kind = &object["kind"];
            assert_eq!(
                object["metadata"]["labels"]["app.kubernetes.io/name"], "lyve-cloud-exporter",
                "{name}: {kind}"
            );
            assert!(object["metadata"]["namespace"].is_string(), "{name}: {kind}");
            assert!(
                object.to_string().len() < ANNOTATION_LIMIT,
                "{name}: {kind} is too large for kubectl apply"
            );
        }
    }
}

/// Rules and dashboards have tests of their own, and would change the file each time that they change.
fn without_copies(text: &str) -> String {
    let mut golden = String::new();
    for document in text.split_inclusive("\n---\n") {
        let cut = match document {
            rules if rules.contains("\nkind: PrometheusRule\n") => rules.find("\nspec:\n"),
            shown if shown.contains("\n    grafana_dashboard: ") => shown.find("\ndata:\n"),
            _ => None,
        };
        match cut {
            Some(at) => {
                golden.push_str(&document[..at]);
                golden.push_str("\n# …\n");
                golden.push_str(if document.ends_with("\n---\n") { "---\n" } else { "" });
            }
            None => golden.push_str(document),
        }
    }
    golden
}

#[test]
fn the_chart_renders_as_it_did() {
    for name in ["default", "everything", "shards"] {
        let found = without_copies(&succeeds(&mut template(name, &[])));
        let file = repository("tests/integration/install/helm").join(format!("{name}.yaml"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &found).unwrap();
        }
        let golden = std::fs::read_to_string(&file).expect("a golden file");
        assert_eq!(found, golden, "if this is meant: UPDATE_GOLDEN=1, and read the difference");
    }
}

/// What Kubernetes adds by itself, and what names a release or a generation, is taken out.
fn normal(value: &Value) -> Value {
    const DEFAULTS: [(&str, &str); 4] =
        [("imagePullPolicy", "IfNotPresent"), ("scheme", "HTTP"), ("type", "ClusterIP"), ("type", "Opaque")];
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, value)| {
                !DEFAULTS.iter().any(|(name, default)| key == name && *value == default)
                    && *key != "app.kubernetes.io/instance"
                    && *key != "namespace"
            })
            .map(|(key, value)| (key.clone(), normal(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(normal).collect(),
        // kustomize names generated objects after their content.
        Value::String(text) => {
            let hash = regex::Regex::new("^(lyve-cloud-exporter)-[a-z0-9]{10}$").unwrap();
            hash.replace(text, "$1").into_owned().into()
        }
        other => other.clone(),
    }
}

#[test]
fn the_chart_and_the_overlay_mean_the_same() {
    for (overlay, name, more) in [
        ("overlays/prometheus-operator", "operator", &[][..]),
        ("overlays/shards", "default", &["--set=shards=2", "--set=secret.values.secret=replace-this"]),
        ("overlays/prometheus-operator-shards", "operator", &["--set=shards=2"]),
    ] {
        let more: Vec<&str> =
            ["--set=fullnameOverride=lyve-cloud-exporter"].iter().chain(more).copied().collect();
        let [helm, kustomize] = [render(name, &more), build(overlay)].map(|objects| {
            let mut objects: Vec<Value> = objects
                .iter()
                // Helm leaves it to its user.
                .filter(|object| object["kind"] != "Namespace")
                .map(|object| {
                    let mut object = normal(object);
                    object["metadata"].as_object_mut().unwrap().remove("labels");
                    let template = object.pointer_mut("/spec/template");
                    if let Some(template) = template {
                        template["metadata"].as_object_mut().unwrap().remove("annotations");
                        let container = template.pointer_mut("/spec/containers/0").unwrap();
                        // Each names the place where its users get the image.
                        container.as_object_mut().unwrap().remove("image");
                    }
                    // The same configuration in another order of the keys.
                    if let Some(config) = object.pointer_mut("/data/config.yaml") {
                        *config = parsed(config.as_str().unwrap());
                    }
                    object
                })
                .collect();
            objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
            objects
        });
        for (ours, theirs) in helm.iter().zip(&kustomize) {
            assert_eq!(ours, theirs, "{overlay}");
        }
        assert_eq!(helm.len(), kustomize.len(), "{overlay}");
    }
}

/// The paths of the container, moved into this directory.
fn moved(text: &str, directory: &Path) -> String {
    let mut text = text.to_owned();
    for (path, name) in [
        ("/run/secrets/lyve-cloud-exporter-tls/", "tls"),
        ("/run/secrets/lyve-cloud-exporter/", "secrets"),
        ("/etc/lyve-cloud-exporter-ca/", "ca"),
        ("/var/lib/lyve-cloud-exporter/", "state"),
    ] {
        let there = directory.join(name);
        std::fs::create_dir_all(&there).unwrap();
        text = text.replace(path, &format!("{}/", there.display()));
    }
    text
}

#[test]
fn the_exporter_takes_what_the_chart_mounts() {
    for name in TABLE {
        let more: &[&str] = if name == "everything" { &[] } else { &["--set=secret.values.secret=s"] };
        let more = if name == "operator" { &[] } else { more };
        let objects = render(name, more);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let pod = &workload(&objects)["spec"]["template"]["spec"];
        let mounted = |volume: &str| {
            let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
            mounts.iter().any(|mount| mount["name"] == volume)
        };
        let named = |object_name: &str| {
            let all = objects.iter().filter(|object| object["metadata"]["name"] == object_name);
            all.cloned().collect::<Vec<_>>()
        };

        let config = &configuration(&objects)["data"]["config.yaml"];
        std::fs::write(path.join("config.yaml"), moved(config.as_str().unwrap(), path)).unwrap();
        let volumes = pod["volumes"].as_array().unwrap();
        let secret = volumes.iter().find(|volume| volume["name"] == "secret").unwrap();
        let secrets = named(secret["secret"]["secretName"].as_str().unwrap());
        let secret =
            secrets.iter().find(|object| object["kind"] == "Secret").expect("the Secret that is mounted");
        for (key, value) in secret["data"].as_object().unwrap() {
            std::fs::write(path.join("secrets").join(key), value.as_str().unwrap()).unwrap();
        }

        let mut check = Command::new(env!("CARGO_BIN_EXE_lyve-cloud-exporter"));
        check.arg("check").arg("--config.file").arg(path.join("config.yaml"));
        if mounted("ca") {
            std::fs::write(path.join("ca/ca.crt"), Ca::new().pem()).unwrap();
        }
        if mounted("web") {
            let web = objects.iter().find(|object| object["data"]["web-config.yaml"].is_string()).unwrap();
            let web = BASE64_STANDARD.decode(web["data"]["web-config.yaml"].as_str().unwrap()).unwrap();
            let web = String::from_utf8(web).unwrap();
            std::fs::write(path.join("web-config.yaml"), moved(&web, path)).unwrap();
            assert!(mounted("tls"));
            let pair = Ca::new().issue();
            std::fs::write(path.join("tls/tls.crt"), pair.certificate).unwrap();
            std::fs::write(path.join("tls/tls.key"), pair.key).unwrap();
            check.arg("--web.config.file").arg(path.join("web-config.yaml"));
        }
        succeeds(&mut check);
        assert_eq!(mounted("state"), name == "everything" || name == "shards", "{name}");
    }
}

#[test]
fn rules_are_left_out_and_changed_by_name() {
    let shipped = yaml("deploy/prometheus/rules.yml");
    let unchanged = render("operator", &[]);
    assert_eq!(only(&unchanged, "PrometheusRule")["spec"], shipped, "run deploy/sync");

    let objects = render("everything", &[]);
    let alerts = |rules: &Value| {
        let groups = rules["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        rules.filter(|rule| rule["alert"].is_string()).cloned().collect::<Vec<_>>()
    };
    let changed = alerts(&only(&objects, "PrometheusRule")["spec"]);
    let shipped = alerts(&shipped);
    assert_eq!(changed.len(), shipped.len() - 1);
    let mut seen = 0;
    let kept = shipped.iter().filter(|alert| alert["alert"] != "LyveCloudCostForecastAboveBudget");
    for (alert, before) in changed.iter().zip(kept) {
        let name = &alert["alert"];
        let url = before["annotations"]["runbook_url"].as_str().unwrap();
        let mut expected = before.clone();
        let anchor = url.split_once('#').unwrap().1;
        expected["annotations"]["runbook_url"] = format!("https://wiki.example/lyve-cloud#{anchor}").into();
        if name == "LyveCloudExporterDown" {
            expected["for"] = "30m".into();
            expected["labels"]["severity"] = "warning".into();
            seen += 1;
        }
        assert_eq!(*alert, expected, "{name}");
    }
    assert_eq!(seen, 1);
}

#[test]
fn the_dashboards_are_those_of_grafana() {
    assert_eq!(dashboards(&render("operator", &[])), dashboards(&build("overlays/prometheus-operator")));
}

#[test]
fn wrong_values_are_rejected_by_name() {
    for (more, complaint) in [
        (&["--set=image.tags=1"][..], "tags"),
        (&["--set=shards=0"], "shards"),
        (&["--set=monitor.kind=Probe"], "kind"),
        (&["--set-json=config.accounts=[]"], "accounts"),
        (
            &["--set=config.accounts[0].name=a", "--set=config.accounts[0].secret=s3cret"],
            "/config/accounts/0/secret",
        ),
        (&["--set=secret.name=mine", "--set=secret.values.secret=s"], "secret: set name or values"),
        (
            &["--set=shards=2", "--set=persistence.enabled=true", "--set=persistence.existingClaim=c"],
            "existingClaim",
        ),
        (&["--set=extraCA.secret=a", "--set=extraCA.configMap=b"], "extraCA"),
        (
            &["--set=prometheusRule.enabled=true", "--set=prometheusRule.disabled={LyveCloudExporterDwon}"],
            "LyveCloudExporterDwon",
        ),
        (&["--set=prometheusRule.enabled=true", "--set=prometheusRule.overrides.Nobody.for=1m"], "Nobody"),
    ] {
        let output = template("default", more).output().expect("helm; ./tests/run installs it");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{more:?}");
        assert!(said.contains(complaint), "{more:?}: {said}");
    }
}

/// What Helm prints behind an installation. `helm template` has no notes, so a copy of the chart renders them as an object.
pub fn notes(name: &str, more: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let chart = directory.path().join("chart");
    succeeds(Command::new("cp").arg("--recursive").arg(repository(CHART)).arg(&chart));
    std::fs::rename(chart.join("templates/NOTES.txt"), chart.join("files/NOTES.txt")).unwrap();
    let object = r#"notes: {{ tpl (.Files.Get "files/NOTES.txt") . | toJson }}"#;
    std::fs::write(chart.join("templates/notes.yaml"), object).unwrap();
    let more: Vec<&str> = ["--show-only=templates/notes.yaml"].iter().chain(more).copied().collect();
    let rendered = documents(&succeeds(&mut template_of(&chart, name, &more)));
    rendered[0]["notes"].as_str().expect("notes").to_owned()
}

#[test]
fn the_notes_say_how_to_see_that_it_works() {
    let plain = notes("default", &[]);
    for line in [
        "kubectl -n exporters create secret generic lyve-lyve-cloud-exporter --from-file=secret=./secret",
        "kubectl -n exporters rollout status deployment/lyve-lyve-cloud-exporter",
        "kubectl -n exporters exec deployment/lyve-lyve-cloud-exporter -- /usr/bin/lyve-cloud-exporter check --live",
        "curl -s http://localhost:10059/metrics | grep ^lyvecloud_up",
        "WARNING: the account production is the example's",
        "Nothing scrapes it yet",
    ] {
        assert!(plain.contains(line), "{line}: {plain}");
    }
    let everything = notes("everything", &[]);
    for line in
        ["rollout status statefulset/lyve\n", "curl -s -k https://localhost:10059/lyve/metrics -u USER |"]
    {
        assert!(everything.contains(line), "{line}: {everything}");
    }
    assert!(!everything.contains("WARNING") && !everything.contains("create secret"), "{everything}");
    let unscraped = notes("everything", &["--set=monitor.basicAuth=null", "--set=monitor.tlsConfig=null"]);
    assert_eq!(unscraped.matches("WARNING").count(), 2, "{unscraped}");
    // The program is where the commands look for it.
    let dockerfile = std::fs::read_to_string(repository("deploy/container/Dockerfile")).unwrap();
    assert!(dockerfile.contains(r#"ENTRYPOINT ["/usr/bin/lyve-cloud-exporter"]"#));
}

#[test]
fn the_chart_packs_without_its_tests() {
    let directory = tempfile::tempdir().unwrap();
    let mut helm = Command::new("helm");
    succeeds(helm.args(["package", "--destination"]).arg(directory.path()).arg(repository(CHART)));
    let version = lyve_cloud_exporter::build_info::VERSION;
    let archive = directory.path().join(format!("lyve-cloud-exporter-{version}.tgz"));
    let files = succeeds(Command::new("tar").arg("--list").arg("--file").arg(&archive));
    assert!(files.contains("lyve-cloud-exporter/files/rules.yml"), "{files}");
    assert!(!files.contains("/ci/"), "{files}");
    // Helm keeps the chart in a Secret, which holds a mebibyte; what is packed goes there in base64, twice.
    let bytes = std::fs::metadata(&archive).unwrap().len();
    assert!(bytes < 200_000, "{bytes}");
}
