//! `check --live`: asks everything once, and says what each endpoint answered, what that means, and what to do next.

mod advice;
mod ask;
mod findings;
mod probe;
mod report;
mod show;

use std::io;
use std::sync::Arc;

use crate::api::Proxies;
use crate::clock::Clock;
use crate::config::Config;

pub use findings::Findings;
pub(super) use report::TITLE;

use report::report;

/// Asks everything once, and looks closer at connections that fail.
///
/// # Errors
/// Where a client cannot be made.
pub async fn check(
    config: Config,
    proxies: &Proxies,
    clock: Arc<dyn Clock>,
) -> io::Result<(Findings, String)> {
    let config = Arc::new(config);
    let asked = ask::ask(&config, Arc::clone(&clock)).await?;
    let probes = probe::probe(&asked, &config, proxies).await;
    let now = clock.now();
    let findings = Findings::of(&asked, &config, proxies, &probes, now);
    Ok((findings, report(&asked, &config, now)))
}
