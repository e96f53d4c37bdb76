//! What this program was built from; the build script finds it out.

/// The crate's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit, or `unknown` where the sources are not in a repository.
pub const REVISION: &str = env!("BUILD_REVISION");
/// The compiler's version, or `unknown`.
pub const RUSTC: &str = env!("BUILD_RUSTC");
/// All three, for `--version`.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("BUILD_REVISION"),
    ", rustc ",
    env!("BUILD_RUSTC"),
    ")"
);
