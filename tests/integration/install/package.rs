//! The Debian package: built, checked, installed, run, removed and purged.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use lyve_cloud_exporter::clock::System;
use lyve_cloud_exporter::simulator::Simulator;

use super::succeeds;
use crate::programs::{free_port, repository};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lyve-cloud-exporter");

/// The package of the program that is tested, in a directory of its own.
fn build(directory: &Path) -> PathBuf {
    // The example's output is where the package's metadata expects it.
    succeeds(
        Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--locked", "--example=manual", "target/manual"])
            .current_dir(repository("")),
    );
    // Where cargo deb looks for a release build; one that is optimised would take minutes and tests nothing more.
    std::fs::create_dir(directory.join("release")).unwrap();
    std::fs::copy(PROGRAM, directory.join("release/lyve-cloud-exporter")).unwrap();
    let package = directory.join("package.deb");
    succeeds(
        Command::new("cargo-deb")
            .args(["deb", "--no-build", "--fast", "--locked", "--quiet", "--output"])
            .arg(&package)
            .env("CARGO_TARGET_DIR", directory)
            .current_dir(repository("")),
    );
    package
}

#[tokio::test(flavor = "multi_thread")]
async fn the_package_installs_runs_and_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    let package = build(directory.path());
    succeeds(Command::new("lintian").args(["--allow-root", "--fail-on=error,warning"]).arg(&package));

    let simulator = Simulator::start(Arc::new(System)).await.expect("a simulator");
    simulator.account("acme").access_key("AKEXAMPLE").secret("not-the-real-one").bucket("backups", 534.5);
    let mut install = Command::new("timeout");
    install.args(["--kill-after=10", "120"]).arg(repository("tests/integration/install/package.sh"));
    install.arg(package).arg(simulator.base_url()).arg(free_port().port().to_string());
    tokio::task::spawn_blocking(move || succeeds(&mut install)).await.unwrap();
}

#[test]
fn the_changelog_begins_with_the_version_that_is_built() {
    let changelog = std::fs::read_to_string(repository("deploy/debian/changelog")).unwrap();
    let version = lyve_cloud_exporter::build_info::VERSION;
    assert!(changelog.starts_with(&format!("lyve-cloud-exporter ({version}-1) ")), "{changelog}");
}
