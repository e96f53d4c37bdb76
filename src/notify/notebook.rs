use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Identity;
use crate::store::KnownAlert;

/// Alerts, each with the identity of its account.
pub type Alerts = Vec<(Arc<Identity>, KnownAlert)>;

/// What the next process is to know of the alerts.
#[derive(Debug, Default)]
pub struct Notebook(Mutex<Page>);

#[derive(Debug, Default)]
struct Page {
    alerts: Alerts,
    version: u64,
}

impl Notebook {
    /// Takes the place of what was there.
    pub fn write(&self, alerts: Alerts) {
        let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *page = Page { alerts, version: page.version + 1 };
    }

    /// What is there, and a number that counts up with each writing.
    #[must_use]
    pub fn read(&self) -> (u64, Alerts) {
        let page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (page.version, page.alerts.clone())
    }
}
