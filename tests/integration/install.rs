//! What is in deploy/ installs, and what it installs works.

mod container;
mod kubernetes;
mod package;
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
