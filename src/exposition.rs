//! Metric families to bytes: made once a change, sent at each scrape.
//!
//! The [`Page`] keeps, for each family, the text of its samples, divided into runs of consecutive accounts of about
//! 50 KB. A refresh makes a run again only where the part of the state that the family reads got a new version, or
//! where an instant passed at which something shows differently. The lines of samples are the same in both formats,
//! so that both share the runs and differ in the headers alone. Text that is made
//! for scrapes with gzip is kept compressed alone, which takes a tenth of the memory; the other form is made for the first scrape
//! that asks for it and kept beside it. gzip members may follow one another, so that a page is a list of members.
//! A scrape looks whether the store counted a change or such an instant passed, refreshes if so, adds the exporter's
//! own families, and hands out references to what is kept. Scrapes that come meanwhile wait for that one refresh.
//!
//! Much is made ahead: each scrape orders one refresh behind the next change, in the background. A scrape that comes
//! before that is done gets the page of a moment ago, where it would have to wait for much (the constants below say how
//! much of each). Where nobody scrapes, nothing is made.

mod body;
mod dated;
mod lines;
mod negotiate;
mod page;
mod run;
mod samples;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

pub use body::Body;
pub(crate) use body::gzip;
pub use dated::{Dated, Written};
pub use negotiate::{Encoding, Format};
pub use page::Page;
pub use run::Remade;

use crate::clock::Clock;
use crate::metrics::ExporterMetrics;
use crate::store::{AccountSpec, AccountState, Store};

/// The most bytes of text that a scrape has made for itself while a refresh is on its way: some milliseconds' worth.
const MUCH: usize = 256 * 1024;

/// How long ago a page must have been right to be shown once more while the next one is made.
const MOMENT: Duration = Duration::from_secs(120);

/// How long a refresh in the background waits after the first change: accounts that are polled together are then made
/// together.
const SETTLE: Duration = Duration::from_millis(250);

/// What the server of the metrics page holds.
#[derive(Debug)]
pub struct Exposition {
    inner: Arc<Inner>,
    /// Makes what is ordered.
    follower: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    own: Arc<ExporterMetrics>,
    changes: watch::Receiver<u64>,
    shown: Mutex<Arc<Shown>>,
    /// Held by whoever makes the next page.
    making: Arc<tokio::sync::Mutex<()>>,
    /// Orders a refresh behind the next change.
    order: Notify,
    /// Whether one is ordered or under way.
    is_ordered: AtomicBool,
    /// Whether the last scrape asked for gzip.
    is_packed: AtomicBool,
}

/// A page, and which of the store's changes it shows.
#[derive(Debug)]
struct Shown {
    page: Page,
    seen: Option<u64>,
    /// The accounts as they were configured.
    accounts: Vec<Arc<AccountSpec>>,
    /// Whether all of it is packed.
    packed: AtomicBool,
    /// When it was last known to be right, seconds since 1970.
    right_at: AtomicI64,
}

impl Shown {
    fn new(
        page: Page,
        seen: Option<u64>,
        states: &[Arc<AccountState>],
        packed: bool,
        now: Timestamp,
    ) -> Self {
        let accounts = states.iter().map(|state| Arc::clone(&state.spec)).collect();
        let (packed, right_at) = (AtomicBool::new(packed), AtomicI64::new(now.as_second()));
        Self { page, seen, accounts, packed, right_at }
    }

    /// Whether no account came, went, or was configured anew. Who has just done that looks for it at once.
    fn is_of_accounts(&self, states: &[Arc<AccountState>]) -> bool {
        self.accounts.len() == states.len()
            && self.accounts.iter().zip(states).all(|(spec, state)| Arc::ptr_eq(spec, &state.spec))
    }

    fn holds(&self, change: u64, now: Timestamp) -> bool {
        let holds = self.seen == Some(change) && self.page.holds_at(now);
        if holds {
            self.right_at.store(now.as_second(), Ordering::Relaxed);
        }
        holds
    }

    fn is_of_a_moment_ago(&self, now: Timestamp) -> bool {
        let ago = now.as_second() - self.right_at.load(Ordering::Relaxed);
        self.page.holds_at(now) && u64::try_from(ago).is_ok_and(|ago| ago < MOMENT.as_secs())
    }
}

impl Exposition {
    /// The exposition of a store's accounts and of the exporter's own metrics. It needs a runtime around it.
    #[must_use]
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, own: Arc<ExporterMetrics>) -> Self {
        let (changes, now) = (store.changes(), clock.now());
        let inner = Arc::new(Inner {
            store,
            clock,
            own,
            changes,
            shown: Mutex::new(Arc::new(Shown::new(Page::new(), None, &[], false, now))),
            making: Arc::default(),
            order: Notify::new(),
            is_ordered: AtomicBool::new(false),
            is_packed: AtomicBool::new(false),
        });
        let follower = tokio::spawn(Arc::clone(&inner).follow());
        Self { inner, follower }
    }

    /// The whole page as it is now.
    ///
    /// # Errors
    ///
    /// When the runtime is shutting down, or there is a fault in this program.
    pub async fn scrape(&self, format: Format, encoding: Encoding) -> io::Result<Body> {
        let inner = &self.inner;
        let (change, now, mut shown) = (*inner.changes.borrow(), inner.clock.now(), inner.shown());
        if !shown.holds(change, now) && !inner.will_be_fresh(&shown, now) {
            shown = Arc::clone(inner).refreshed(encoding).await?;
        }
        let own = Arc::clone(&inner.own);
        let is_at_hand = match encoding {
            Encoding::Identity => shown.page.is_at_hand(encoding),
            Encoding::Gzip => shown.packed.load(Ordering::Acquire),
        };
        let body = if is_at_hand {
            shown.page.body(&own.gather(), format, encoding)
        } else {
            // Packing and unpacking take time. They go on if the client leaves, for the next one.
            let making = tokio::task::spawn_blocking(move || {
                let body = shown.page.body(&own.gather(), format, encoding)?;
                if encoding == Encoding::Gzip {
                    shown.packed.store(true, Ordering::Release);
                }
                Ok(body)
            });
            making.await?
        };
        inner.is_packed.store(encoding == Encoding::Gzip, Ordering::Relaxed);
        inner.is_ordered.store(true, Ordering::Release);
        inner.order.notify_one();
        body
    }
}

impl Drop for Exposition {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Inner {
    fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a refresh is on its way of which a scrape would have to make too much for itself.
    fn will_be_fresh(&self, shown: &Shown, now: Timestamp) -> bool {
        if !self.is_ordered.load(Ordering::Acquire) || !shown.is_of_a_moment_ago(now) {
            return false;
        }
        let states = self.store.snapshot();
        shown.is_of_accounts(&states) && shown.page.stale(&states, now) > MUCH
    }

    /// The page as it is now, made where it has to be, and packed before anybody sees it where that was asked for.
    async fn refreshed(self: Arc<Self>, encoding: Encoding) -> io::Result<Arc<Shown>> {
        let making = Arc::clone(&self.making).lock_owned().await;
        let refreshing = tokio::task::spawn_blocking(move || {
            // The lock goes along, so that a client that leaves does not spoil what is being made.
            let _making = making;
            let now = self.clock.now();
            // Before the snapshot: a change between the two is shown now and looked at once more later, never missed.
            let change = *self.changes.borrow();
            let shown = self.shown();
            if shown.holds(change, now) {
                self.is_ordered.store(false, Ordering::Release);
                return shown;
            }
            let (mut page, states) = (shown.page.clone(), self.store.snapshot());
            page.refresh_for(&states, now, encoding);
            let packed = encoding == Encoding::Gzip && page.body(&[], Format::Text, encoding).is_ok();
            let shown = Arc::new(Shown::new(page, Some(change), &states, packed, now));
            // Before anybody sees it: nothing newer than this is on its way then.
            self.is_ordered.store(false, Ordering::Release);
            *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&shown);
            shown
        });
        Ok(refreshing.await?)
    }

    /// Makes one page for each order, behind the next change.
    async fn follow(self: Arc<Self>) {
        let mut changes = self.store.changes();
        loop {
            // Orders that come until it is made are one order more.
            self.order.notified().await;
            self.is_ordered.store(true, Ordering::Release);
            let seen = self.shown().seen;
            if changes.wait_for(|change| Some(*change) != seen).await.is_err() {
                return;
            }
            tokio::time::sleep(SETTLE).await;
            let packed = self.is_packed.load(Ordering::Relaxed);
            let encoding = if packed { Encoding::Gzip } else { Encoding::Identity };
            // What goes wrong there goes wrong at the next scrape as well, which tells of it.
            let _ = Arc::clone(&self).refreshed(encoding).await;
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
