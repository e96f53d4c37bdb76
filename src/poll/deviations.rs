//! What the log says of answers that are not as documented.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::api::contract::Deviation;
use crate::model::Endpoint;

/// More are not told apart.
const MAX_SAID: usize = 200;

/// What was said in this process: each deviation once, as every account of a platform has the same ones at every poll.
static SAID: LazyLock<Mutex<BTreeSet<(Endpoint, String)>>> = LazyLock::new(Mutex::default);

/// Logs figures of an account that do not fit to each other, once in this process.
pub(super) fn log_odd(account: &str, odd: Vec<String>) {
    static ODD: LazyLock<Mutex<BTreeSet<(String, String)>>> = LazyLock::new(Mutex::default);
    for words in odd {
        let is_new = {
            let mut said = ODD.lock().unwrap_or_else(PoisonError::into_inner);
            said.len() < MAX_SAID && said.insert((account.to_owned(), words.clone()))
        };
        if is_new {
            tracing::warn!(account, "{words}; said once");
        }
    }
}

/// Logs each deviation that no account had before.
pub(super) fn log(account: &str, endpoint: Endpoint, deviations: &[Deviation]) {
    for deviation in deviations {
        let is_new = {
            let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
            said.len() < MAX_SAID && said.insert((endpoint, deviation.id.clone()))
        };
        if is_new {
            tracing::info!(
                account,
                endpoint = endpoint.name(),
                "an answer is not as documented: {}; said once, check --live --report=FILE has all of it",
                deviation.words
            );
        }
    }
}
