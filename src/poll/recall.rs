//! What an earlier process knew, as far as this one's configuration still has a use for it.

use std::sync::Arc;

use jiff::Timestamp;

use super::admit::admit;
use crate::config::{Config, Series};
use crate::model::{Answer, Data, Dropped};
use crate::store::state_file::{Saved, State};
use crate::store::{Memory, Store, Timestamped};

/// A choice of series as a text: equal texts mean equal choices.
#[must_use]
pub fn series_text(series: &Series) -> String {
    let texts = |list: &[regex::Regex]| list.iter().map(|text| text.as_str().to_owned()).collect::<Vec<_>>();
    let (include, exclude) = (texts(&series.buckets.include), texts(&series.buckets.exclude));
    format!("include {include:?}, exclude {exclude:?}, at most {}", series.max_per_account)
}

/// Puts into `store` what `state` holds of the accounts of `config`, with its true times: how many accounts. An account
/// that has another id or another address now is another account; what is from after `now` is of a wrong clock.
pub fn recall(state: State, config: &Config, store: &Store, now: Timestamp) -> usize {
    let same_series = state.series == series_text(&config.series);
    let mut recalled = 0;
    for Saved { name, identity, memory } in state.accounts {
        let is_same =
            |account: &&crate::config::Account| account.name == name && account.identity() == identity;
        if let Some(cell) = config.accounts.iter().find(is_same).and_then(|_| store.account(&name)) {
            let memory = memory.until(now);
            let memory = if same_series { memory } else { cut(memory, &config.series) };
            cell.update(|state| state.recall(memory));
            recalled += 1;
        }
    }
    recalled
}

/// Leaves out what another choice of series has no place for. What it would have in addition is not known.
fn cut(memory: Memory, series: &Series) -> Memory {
    fn admitted<T: Clone>(
        good: Option<Timestamped<T>>,
        series: &Series,
        into: fn(T) -> Data,
        from: fn(Data) -> Option<T>,
    ) -> Option<Timestamped<T>> {
        let Timestamped { at, data } = good?;
        let answer = Answer { data: into(Arc::unwrap_or_clone(data)), dropped: Dropped::default() };
        from(admit(answer, series).data).map(|data| Timestamped { at, data: Arc::new(data) })
    }
    macro_rules! admitted {
        ($good:expr, $variant:ident) => {
            admitted($good, series, Data::$variant, |data| match data {
                Data::$variant(data) => Some(data),
                _ => None,
            })
        };
    }
    Memory {
        current_usage: admitted!(memory.current_usage, CurrentUsage),
        monthly_usage: admitted!(memory.monthly_usage, MonthlyUsage),
        settled: None,
        service_accounts: admitted!(memory.service_accounts, ServiceAccounts),
        permissions: admitted!(memory.permissions, Permissions),
        billing: admitted!(memory.billing, Billing),
        buckets: admitted!(memory.buckets, Buckets),
        keys: admitted!(memory.keys, Keys),
        ..memory
    }
}
