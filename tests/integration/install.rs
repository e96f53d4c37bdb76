//! What is in deploy/ installs, and what it installs works.

mod package;
mod systemd;

use std::process::Command;

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
