//! Metric families to bytes: made once a change, sent at each scrape.
//!
//! The [`Page`] keeps, for each family, the text of its samples, divided into runs of consecutive accounts of about
//! 50 KB. A refresh makes a run again only where the part of the state that the family reads got a new version, or
//! where an instant passed at which something shows differently. The lines of samples are the same in both formats,
//! so that both share the runs and differ in the headers alone. What is compressed is made at the first scrape that
//! asks for it and kept beside the text: gzip members may follow one another, so that a page is a list of members.
//! A scrape looks whether the store counted a change or such an instant passed, refreshes if so, adds the exporter's
//! own families, and hands out references to what is kept. Scrapes that come meanwhile wait for that one refresh.

mod body;
mod negotiate;
mod openmetrics;
mod page;
mod run;
mod samples;

use std::io;
use std::sync::Arc;

use tokio::sync::{Mutex, watch};

pub use body::Body;
pub use negotiate::{Encoding, Format};
pub use page::Page;
pub use run::Remade;

use crate::clock::Clock;
use crate::metrics::Own;
use crate::store::Store;

/// What the server of the metrics page holds.
#[derive(Debug)]
pub struct Exposition {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    own: Arc<Own>,
    changes: watch::Receiver<u64>,
    kept: Arc<Mutex<Kept>>,
}

/// The page, and which of the store's changes it shows.
#[derive(Debug)]
struct Kept {
    page: Page,
    seen: Option<u64>,
}

impl Exposition {
    /// The exposition of a store's accounts and of the exporter's own metrics.
    #[must_use]
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, own: Arc<Own>) -> Self {
        let changes = store.changes();
        Self {
            store,
            clock,
            own,
            changes,
            kept: Arc::new(Mutex::new(Kept { page: Page::new(), seen: None })),
        }
    }

    /// The whole page as it is now.
    ///
    /// # Errors
    ///
    /// When the runtime is shutting down, or there is a fault in this program.
    pub async fn scrape(&self, format: Format, encoding: Encoding) -> io::Result<Body> {
        let mut kept = Arc::clone(&self.kept).lock_owned().await;
        let store = Arc::clone(&self.store);
        let own = Arc::clone(&self.own);
        let now = self.clock.now();
        // Before the snapshot: a change between the two is shown now and looked at once more later, never missed.
        let change = *self.changes.borrow();
        // The lock goes along, so that a client that leaves does not spoil what is being made.
        tokio::task::spawn_blocking(move || {
            if kept.seen != Some(change) || !kept.page.holds_at(now) {
                kept.page.refresh(&store.snapshot(), now);
                kept.seen = Some(change);
            }
            kept.page.body(&own.gather(), format, encoding)
        })
        .await?
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
