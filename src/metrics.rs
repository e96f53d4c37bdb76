//! Metric families, made from the store: names, types, labels, HELP, and the function that walks an account's state
//! for the samples of each. Pure: the same state at the same instant gives the same samples.
//!
//! A family reads one [`StatePart`] of the state, so that whoever keeps what was made from it knows when it is out of date.
//! A value that is not known gives no sample. To add a family, add an entry to the table of its group.

mod cost;
mod credentials;
mod health;
mod history;
mod inventory;
mod keys;
mod object_storage;
mod own;
mod thresholds;
mod usage;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;

pub use own::{Build, ExporterMetrics};
pub(crate) use own::{NOTIFICATIONS, NOTIFIER, RELOAD, ROTATION, STATE_FILE, WEB_CONFIG_RELOAD};

use crate::model::{AnyData, Collected, Dropped, StatePart};
use crate::store::{AccountSpec, AccountState};

/// How the samples of a family are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricType {
    /// It goes up and down.
    Gauge,
    /// It only goes up, from the exporter's start on.
    Counter,
    /// Counts of observations by size.
    Histogram,
}

impl MetricType {
    /// The word for it in the exposition formats.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// Takes samples: the values of the family's labels, in their order, and the sample's value.
pub type Sink<'a> = dyn FnMut(&[&str], f64) + 'a;

/// A metric family with samples of accounts.
#[derive(Debug)]
pub struct Family {
    /// Its name, which is the name of its samples too.
    pub name: &'static str,
    /// Its HELP text: what it is and its unit, in at most 100 characters.
    pub help: &'static str,
    /// A gauge or a counter.
    pub kind: MetricType,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What its samples are made from; beside it, only the instant decides.
    pub part: StatePart,
    /// Gives one account's samples to a sink, in the order of their identities, none twice.
    pub walk: fn(&AccountState, Timestamp, &mut Sink<'_>),
}

/// Every family with samples of accounts, in the order of their names.
#[must_use]
pub fn families() -> &'static [&'static Family] {
    static FAMILIES: LazyLock<Vec<&'static Family>> = LazyLock::new(|| {
        let groups = [
            usage::FAMILIES,
            history::FAMILIES,
            cost::FAMILIES,
            credentials::FAMILIES,
            inventory::FAMILIES,
            keys::FAMILIES,
            object_storage::FAMILIES,
            health::FAMILIES,
            thresholds::FAMILIES,
        ];
        let mut families: Vec<_> = groups.into_iter().flatten().collect();
        families.sort_by_key(|family| family.name);
        families
    });
    &FAMILIES
}

/// How many series an answer makes at `now`.
#[must_use]
pub fn series(spec: &Arc<AccountSpec>, data: AnyData, now: Timestamp) -> usize {
    let parts = data.parts();
    let count = |state: &AccountState| {
        let mut count = 0_usize;
        let families = families().iter().filter(|family| parts.contains(&family.part));
        families.for_each(|family| (family.walk)(state, now, &mut |_, _| count += 1));
        count
    };
    let mut state = AccountState::new(Arc::clone(spec));
    let without = count(&state);
    state.succeed(Collected { data, dropped: Dropped::default() }, now, Duration::ZERO);
    count(&state).saturating_sub(without)
}

/// What a user of the metrics knows of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyInfo {
    /// Its name.
    pub name: &'static str,
    /// How its samples are to be read.
    pub kind: MetricType,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Its HELP text: what it is and its unit, in at most 100 characters.
    pub help: &'static str,
}

/// Every family that the exporter can show, in the order of their names; without `process_*`, which come from the
/// client library.
#[must_use]
pub fn catalogue() -> Vec<FamilyInfo> {
    let of_accounts = families().iter().map(|family| FamilyInfo {
        name: family.name,
        kind: family.kind,
        labels: family.labels,
        help: family.help,
    });
    let mut all: Vec<_> = of_accounts.chain(own::CATALOGUE).collect();
    all.sort_by_key(|family| family.name);
    all
}

/// A count or a size as a sample's value. Above 2^53 (9 petabytes) the last digits are rounded, as Prometheus keeps
/// no more.
#[allow(clippy::cast_precision_loss, reason = "a sample's value is a double in both formats")]
pub(crate) const fn number(value: u64) -> f64 {
    value as f64
}

/// A truth as a sample's value.
const fn flag(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
