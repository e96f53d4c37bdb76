//! The container's image, without an engine: its Dockerfile is linted, and its files are run in a chroot.

use std::process::Command;
use std::sync::Arc;

use lyve_cloud_exporter::clock::System;
use lyve_cloud_exporter::simulator::Simulator;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::{succeeds, yaml};
use crate::programs::{free_port, repository};

#[test]
fn the_dockerfile_is_without_complaints() {
    succeeds(Command::new("hadolint").arg(repository("deploy/container/Dockerfile")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_image_are_enough() {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let simulator = Simulator::start_tls(Arc::new(System), Arc::new(tls)).await.expect("a simulator");
    simulator.account("acme").access_key("AKEXAMPLE").secret("not-the-real-one").bucket("backups", 534.5);
    let directory = tempfile::tempdir().unwrap();
    let trusted = directory.path().join("authority.pem");
    std::fs::write(&trusted, authority.pem()).unwrap();

    let mut run = Command::new("timeout");
    run.args(["--kill-after=10", "120"]).arg(repository("tests/integration/install/container.sh"));
    run.arg(env!("CARGO_BIN_EXE_lyve-cloud-exporter")).arg(simulator.base_url()).arg(trusted);
    run.arg(free_port().port().to_string());
    tokio::task::spawn_blocking(move || succeeds(&mut run)).await.unwrap();
}

#[test]
fn what_compose_mounts_is_there() {
    let compose = yaml("deploy/container/compose.yaml");
    let services = compose["services"].as_object().expect("services");
    let beside = repository("deploy/container");
    let mut mounted = 0;
    for (name, service) in services {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let (source, _) = volume.as_str().and_then(|volume| volume.split_once(':')).expect("a volume");
            if source.starts_with('.') {
                assert!(beside.join(source).exists(), "{name}: {source}");
                mounted += 1;
            } else {
                assert!(compose["volumes"].get(source).is_some(), "{name}: {source}");
            }
        }
        let image = service["image"].as_str().unwrap_or_default();
        assert!(service["build"].is_object() || image.contains("@sha256:"), "{name}: {image}");
    }
    assert_eq!(mounted, 6);
    // What the configurations name is reached under that name, and the dashboards lie where their provider looks.
    let prometheus = yaml("deploy/container/prometheus.yml");
    let target = &prometheus["scrape_configs"][0]["static_configs"][0]["targets"][0];
    let alertmanager = &prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"][0];
    let source = &yaml("grafana/provisioning/datasources/prometheus.yaml")["datasources"][0]["url"];
    for address in [target, alertmanager, source] {
        let address = address.as_str().expect("an address");
        let host = address.trim_start_matches("http://").split(':').next().expect("a host");
        assert!(services.contains_key(host), "{address}");
    }
    let dashboards = yaml("grafana/provisioning/dashboards/lyve-cloud.yaml");
    let path = dashboards["providers"][0]["options"]["path"].as_str().expect("a path");
    let volumes = services["grafana"]["volumes"].to_string();
    assert!(volumes.contains(&format!("grafana/dashboards:{path}:ro")), "{volumes}");
    succeeds(
        Command::new("promtool")
            .args(["check", "config", "--syntax-only"])
            .arg(beside.join("prometheus.yml")),
    );
}
