use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;

use crate::api::ApiError;
use crate::daemon::{Daemon, Deps};
use crate::exposition::{Body, Encoding, Format, Page};
use crate::model::Collector;
use crate::store::Store;

/// What polling everything once came to.
#[derive(Debug)]
pub struct Once {
    /// What is known now.
    pub store: Arc<Store>,
    /// How each poll ended, in the order of the configuration.
    pub polls: Vec<(Arc<str>, Collector, Result<(), ApiError>)>,
}

/// Polls everything once.
///
/// # Errors
/// Where a client cannot be made.
pub async fn once(deps: Deps) -> io::Result<Once> {
    let daemon = Daemon::new(deps)?;
    let polls = join_all(daemon.pollers().into_iter().map(|poller| async move {
        let outcome = poller.poll().await.map(drop);
        (poller.account(), poller.collector(), outcome)
    }))
    .await;
    Ok(Once { store: daemon.store(), polls })
}

impl Once {
    /// The account families, text format 0.0.4.
    ///
    /// The exporter's own families are left out: a process that has ended has none, and node_exporter, whose textfile
    /// collector is to read this, has `process_*` of its own.
    ///
    /// # Errors
    /// None in practice: what is written goes to memory.
    pub fn metrics(&self, now: Timestamp) -> io::Result<Body> {
        let mut page = Page::new();
        page.refresh(&self.store.snapshot(), now);
        page.body(&[], Format::Text, Encoding::Identity)
    }

    /// The polls that failed, one line each: account, collector and why.
    pub fn failures(&self) -> impl Iterator<Item = String> {
        self.polls.iter().filter_map(|(account, collector, outcome)| {
            let error = outcome.as_ref().err()?;
            Some(format!("{account}: {collector}: {}: {error}", error.reason.name()))
        })
    }
}
