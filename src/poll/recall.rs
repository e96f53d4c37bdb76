//! What an earlier process knew, as far as this one's configuration still has a use for it.

use std::sync::Arc;

use jiff::Timestamp;

use super::admit;
use crate::api;
use crate::config::{Config, Series};
use crate::model::{Collected, Dropped, Timestamped};
use crate::store::state_file::{Format, Saved, State};
use crate::store::{AccountSpec, Memory, Store};

/// How the state file holds what each collector knows.
#[must_use]
pub fn formats() -> Vec<Format> {
    api::collectors().map(|declared| declared.saved).collect()
}

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
    for Saved { name, identity, memory, .. } in state.accounts {
        let is_same =
            |account: &&crate::config::Account| account.name == name && account.identity() == identity;
        if let Some(cell) = config.accounts.iter().find(is_same).and_then(|_| store.account(&name)) {
            let memory = memory.until(now);
            let spec = Arc::clone(&cell.state().spec);
            let memory = if same_series { memory } else { cut(memory, &config.series, &spec, now) };
            cell.update(|state| state.recall(memory));
            recalled += 1;
        }
    }
    recalled
}

/// Leaves out what another choice of series has no place for. What it would have in addition is not known.
fn cut(mut memory: Memory, series: &Series, spec: &Arc<AccountSpec>, now: Timestamp) -> Memory {
    for declared in api::collectors() {
        if let Some(Timestamped { data: known, .. }) = memory.answers.get_mut(&declared.collector)
            && let Some(data) = known.take()
        {
            let answer = Collected { data, dropped: Dropped::default() };
            let admitted = admit(declared, answer, series, spec, now);
            *known = Some((declared.series_changed)(admitted.data));
        }
    }
    memory
}
