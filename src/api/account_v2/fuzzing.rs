//! Entry points for fuzzing: each decoder on any bytes. They panic where a promise is broken, and answer nothing.

use jiff::Timestamp;

use super::months::Window;
use super::{errors, inventory, login, monthly, usage};
use crate::api::confidential::Confidential;
use crate::api::promises::{assert_plain, assert_unique, decode, failure_reply};
use crate::api::{Endpoint, Reason};
use crate::model::Month;

/// The answer of `GET /usage/current`.
pub fn current_usage(bytes: &[u8]) {
    if let Some(answer) = decode(bytes, |body| usage::current(body)) {
        assert_unique(answer.data.buckets.iter().map(|bucket| &*bucket.name));
        assert_unique(answer.data.sub_accounts.iter().map(|sub_account| &*sub_account.id));
    }
}

/// The answer of `GET /usage/monthly`.
pub fn monthly_usage(bytes: &[u8]) {
    let month = |number| Month::new(2026, number);
    let (Some(first), Some(last)) = (month(5), month(10)) else { return };
    let window = Window { first, last };
    let Some(part) = decode(bytes, |body| monthly::part(body, window, super::Zeros::NoData)) else { return };
    let usage = monthly::merge([part]).data;
    let assert_months = |months: &mut dyn Iterator<Item = Month>| {
        let months: Vec<Month> = months.collect();
        assert!(months.iter().all(|month| (first..=last).contains(month)), "{months:?}");
        assert!(months.is_sorted_by(|a, b| a < b), "{months:?}");
    };
    assert_months(&mut usage.months.iter().map(|total| total.month));
    assert_unique(usage.buckets.iter().map(|bucket| &*bucket.name));
    assert_unique(usage.sub_accounts.iter().map(|sub_account| &*sub_account.id));
    for bucket in &usage.buckets {
        assert_months(&mut bucket.months.iter().map(|total| total.month));
    }
    for sub_account in &usage.sub_accounts {
        assert_months(&mut sub_account.months.iter().map(|total| total.month));
    }
}

/// The answer of `GET /service-accounts`.
pub fn service_accounts(bytes: &[u8]) {
    let found = decode(bytes, |body| {
        inventory::service_accounts(body).map(|found| (found.answer, found.unreadable_expiry))
    });
    if let Some((answer, _)) = found {
        assert_unique(answer.data.iter().map(|account| &*account.id));
    }
}

/// The answer of `GET /permissions`.
pub fn permissions(bytes: &[u8]) {
    if let Some(answer) = decode(bytes, |body| inventory::permissions(body)) {
        assert_unique(answer.data.iter().map(|permission| &*permission.id));
    }
}

/// The answers of `GET /auth/token` and `POST /auth/token`.
pub fn session(bytes: &[u8]) {
    decode(bytes, |body| login::seconds_left(body));
    decode(bytes, |body| login::issued(body).map(|(token, seconds)| (token.expose().to_owned(), seconds)));
}

/// An answer that is no success, as [`failure_reply`] makes it.
pub fn error_answer(bytes: &[u8]) {
    let Some(reply) = failure_reply(bytes) else { return };
    for endpoint in [Endpoint::Login, Endpoint::CurrentUsage] {
        let judged = errors::judge(endpoint, &reply, Timestamp::UNIX_EPOCH, &Confidential::default());
        assert_plain(&judged.error.to_string());
        assert_eq!(judged.token_dead, endpoint != Endpoint::Login && judged.error.reason == Reason::Auth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::promises::{Target, assert_seeds};

    /// What once broke a promise, and what is right, must hold for good.
    #[test]
    fn every_seed_keeps_the_promises() {
        let targets: [Target; 6] = [
            ("current_usage", current_usage),
            ("monthly_usage", monthly_usage),
            ("service_accounts", service_accounts),
            ("permissions", permissions),
            ("session", session),
            ("error_answer", error_answer),
        ];
        assert_seeds(&targets);
    }
}
