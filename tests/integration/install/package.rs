//! The Debian and the RPM package: built, checked, installed, run, upgraded and removed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use lyve_cloud_exporter::clock::System;
use lyve_cloud_exporter::simulator::Simulator;

use super::succeeds;
use crate::programs::{free_port, repository};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lyve-cloud-exporter");

/// A version that is newer than any other.
const NEWER: &str = "99.0.0";

/// Where the packagers look for a release build; one that is optimised would take minutes and tests nothing more.
fn stage(directory: &Path) {
    // The example's output is where the package's metadata expects it.
    succeeds(
        Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--locked", "--example=manual", "target/manual"])
            .current_dir(repository("")),
    );
    std::fs::create_dir(directory.join("release")).unwrap();
    // Without what is for debuggers: ten times less to pack.
    succeeds(Command::new("strip").arg(PROGRAM).arg("-o").arg(directory.join("release/lyve-cloud-exporter")));
}

/// The Debian package of the program that is tested, in a directory of its own.
fn deb(directory: &Path, version: &str) -> PathBuf {
    let package = directory.join(format!("{version}.deb"));
    succeeds(
        Command::new("cargo-deb")
            .args(["deb", "--no-build", "--fast", "--locked", "--quiet"])
            .arg(format!("--deb-version={version}-1"))
            .arg("--output")
            .arg(&package)
            .env("CARGO_TARGET_DIR", directory)
            .current_dir(repository("")),
    );
    package
}

fn rpm(directory: &Path, version: &str) -> PathBuf {
    let package = directory.join(format!("{version}.rpm"));
    succeeds(
        Command::new("cargo-generate-rpm")
            // Its own look for libraries would name those of the machine that builds.
            .args(["generate-rpm", "--auto-req=disabled", "--payload-compress=none"])
            .arg(format!("--set-metadata=version = \"{version}\""))
            .arg(format!("--target-dir={}", directory.display()))
            .arg("--output")
            .arg(&package)
            .current_dir(repository("")),
    );
    package
}

#[test]
fn the_rpm_installs_upgrades_and_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    stage(directory.path());
    let version = lyve_cloud_exporter::build_info::VERSION;
    let [package, newer] = [version, NEWER].map(|version| rpm(directory.path(), version));
    let mut install = Command::new("timeout");
    install.args(["--kill-after=10", "120"]).arg(repository("tests/integration/install/rpm.sh"));
    succeeds(install.arg(package).arg(newer));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_package_installs_runs_and_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    stage(directory.path());
    let version = lyve_cloud_exporter::build_info::VERSION;
    let [package, newer] = [version, NEWER].map(|version| deb(directory.path(), version));
    succeeds(Command::new("lintian").args(["--allow-root", "--fail-on=error,warning"]).arg(&package));

    let simulator = Simulator::start(Arc::new(System)).await.expect("a simulator");
    simulator.account("acme").access_key("AKEXAMPLE").secret("not-the-real-one").bucket("backups", 534.5);
    let mut install = Command::new("timeout");
    install.args(["--kill-after=10", "120"]).arg(repository("tests/integration/install/package.sh"));
    install.arg(package).arg(simulator.base_url()).arg(free_port().port().to_string()).arg(newer);
    tokio::task::spawn_blocking(move || succeeds(&mut install)).await.unwrap();
}

#[test]
fn the_changelog_begins_with_the_version_that_is_built() {
    let changelog = std::fs::read_to_string(repository("deploy/debian/changelog")).unwrap();
    let version = lyve_cloud_exporter::build_info::VERSION;
    assert!(changelog.starts_with(&format!("lyve-cloud-exporter ({version}-1) ")), "{changelog}");
}
