//! Tells the crate what it is built from: the commit, and the compiler's version.

use std::env;
use std::path::Path;
use std::process::Command;

/// Names the commit where there is no repository to ask, as in a container's build.
const REVISION: &str = "SOURCE_REVISION";
const UNKNOWN: &str = "unknown";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={REVISION}");
    let revision = env::var(REVISION).ok().filter(|revision| !revision.is_empty()).or_else(commit);
    let rustc = env::var("RUSTC").ok().and_then(|rustc| output(&rustc, &["--version"]));
    let rustc = rustc.as_deref().and_then(|text| text.split(' ').nth(1));
    println!("cargo::rustc-env=BUILD_REVISION={}", revision.as_deref().unwrap_or(UNKNOWN));
    println!("cargo::rustc-env=BUILD_RUSTC={}", rustc.unwrap_or(UNKNOWN));
}

/// The commit that is checked out. `None` where this is not a repository, or the sources lie in somebody else's.
fn commit() -> Option<String> {
    let top = output("git", &["rev-parse", "--show-toplevel"])?;
    let here = env::var("CARGO_MANIFEST_DIR").ok()?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&here).canonicalize().ok()? {
        return None;
    }
    let branch = output("git", &["symbolic-ref", "--quiet", "HEAD"]);
    for name in [Some("HEAD"), Some("logs/HEAD"), Some("packed-refs"), branch.as_deref()] {
        let path = name.and_then(|name| output("git", &["rev-parse", "--git-path", name]));
        // A path that does not exist would make every build a new one.
        if let Some(path) = path.filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    output("git", &["rev-parse", "HEAD"])
}

/// What a program says, in one line; `None` where it cannot be run, fails, or says nothing.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
