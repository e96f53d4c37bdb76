use jiff::Timestamp;

use super::Request;
use super::partial::Key;
use crate::api::account_v2::final_at;
use crate::api::account_v2::queries;
use crate::config::{Account, Config, Filter};
use crate::model::Month;

/// How far back it goes: 20 years, longer than any account has existed. More would only be a typing error, and thousands of
/// requests.
const MOST_MONTHS: i32 = 20 * 12;

/// What has to be asked for.
pub(super) struct Plan<'a> {
    /// In the order of their names, which is that of every metrics page.
    pub(super) accounts: Vec<&'a Account>,
    /// Which buckets get series.
    pub(super) buckets: &'a Filter,
    windows: Vec<(Month, Month)>,
    keep_zeros: bool,
}

impl<'a> Plan<'a> {
    /// The plan of a request at `now`.
    ///
    /// # Errors
    /// What is wrong with the command line.
    pub(super) fn of(config: &'a Config, request: &Request, now: Timestamp) -> Result<Self, String> {
        let closed = Month::of(now).plus(-1);
        for (flag, month) in [("--to", request.to), ("--from", Some(request.from))] {
            if let Some(month) = month.filter(|month| *month > closed) {
                return Err(format!(
                    "{flag}: {month} is not over yet; the last month that is over is {closed}"
                ));
            }
        }
        let (from, to) = (request.from, request.to.unwrap_or(closed));
        let oldest = closed.plus(-MOST_MONTHS);
        if from < oldest {
            return Err(format!(
                "--from: {from} is too long ago; the oldest month that can be asked for is {oldest}"
            ));
        }
        if from > to {
            return Err(format!("--from: {from} is later than --to, which is {to}"));
        }
        let known = |name: &&String| config.accounts.iter().any(|account| account.name == **name);
        if let Some(unknown) = request.accounts.iter().find(|name| !known(name)) {
            return Err(format!("--account: the configuration has no account {unknown:?}"));
        }
        let wanted =
            |account: &&Account| request.accounts.is_empty() || request.accounts.contains(&account.name);
        let mut accounts: Vec<&Account> = config.accounts.iter().filter(wanted).collect();
        accounts.sort_by(|one, other| one.name.cmp(&other.name));
        let windows = queries(from, to).collect();
        Ok(Self { accounts, buckets: &config.series.buckets, windows, keep_zeros: request.keep_zeros })
    }

    /// Everything that has to be asked for.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.accounts.iter().flat_map(|account| self.keys_of(account))
    }

    /// The same of one account, oldest months first.
    pub(super) fn keys_of(&self, account: &Account) -> impl Iterator<Item = Key> {
        self.windows.iter().map(|(first, last)| Key {
            identity: account.identity(),
            first: *first,
            last: *last,
            keep_zeros: self.keep_zeros,
        })
    }

    /// The newest month, if its figures may still change.
    pub(super) fn unsettled(&self, now: Timestamp) -> Option<Month> {
        self.windows.last().map(|(_, last)| *last).filter(|last| now < final_at(*last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Api, Secret, SecretSource};
    use crate::model::Expiry;

    fn config() -> Config {
        let account = |name: &str| Account {
            name: name.to_owned(),
            api: Api::AccountV2 { base_url: "https://example.com/v2".parse().unwrap() },
            account_id: format!("id-of-{name}"),
            access_key: SecretSource::Inline(Secret::new("key".to_owned())),
            secret: SecretSource::Inline(Secret::new("secret".to_owned())),
            credential: Expiry::Unknown,
            ca_file: None,
            price: None,
            credential_warning: None,
            usage_drop: None,
        };
        Config::of(vec![account("b"), account("a")])
    }

    fn request(from: &str, to: Option<&str>, accounts: &[&str]) -> Request {
        Request {
            from: from.parse().unwrap(),
            to: to.map(|to| to.parse().unwrap()),
            accounts: accounts.iter().map(|name| (*name).to_owned()).collect(),
            output: None,
            keep_zeros: false,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn accounts_by_name_and_windows_of_six_months_up_to_the_last_closed_one() {
        let config = config();
        let plan = Plan::of(&config, &request("2025-10", None, &[]), at("2026-11-24T12:00:00Z")).unwrap();
        let keys: Vec<String> =
            plan.keys().map(|key| format!("{} {} {}", key.identity.id, key.first, key.last)).collect();
        assert_eq!(
            keys,
            [
                "id-of-a 2025-10 2026-03",
                "id-of-a 2026-04 2026-09",
                "id-of-a 2026-10 2026-10",
                "id-of-b 2025-10 2026-03",
                "id-of-b 2026-04 2026-09",
                "id-of-b 2026-10 2026-10",
            ]
        );
        let one = Plan::of(&config, &request("2026-10", None, &["b", "b"]), at("2026-11-24T12:00:00Z"));
        assert_eq!(one.unwrap().keys().count(), 1);
    }

    #[test]
    fn a_month_may_still_change_for_three_days() {
        let config = config();
        let plan = Plan::of(&config, &request("2026-10", None, &[]), at("2026-11-02T12:00:00Z")).unwrap();
        assert_eq!(plan.unsettled(at("2026-11-03T23:59:59Z")), Some("2026-10".parse().unwrap()));
        assert_eq!(plan.unsettled(at("2026-11-04T00:00:00Z")), None);
    }

    #[test]
    fn what_there_cannot_be_is_rejected_in_words() {
        let config = config();
        for (from, to, accounts, problem) in [
            (
                "2026-11",
                None,
                &[][..],
                "--from: 2026-11 is not over yet; the last month that is over is 2026-10",
            ),
            (
                "2026-01",
                Some("2026-11"),
                &[],
                "--to: 2026-11 is not over yet; the last month that is over is 2026-10",
            ),
            (
                "2026-01",
                Some("2027-01"),
                &[],
                "--to: 2027-01 is not over yet; the last month that is over is 2026-10",
            ),
            ("2026-05", Some("2026-04"), &[], "--from: 2026-05 is later than --to, which is 2026-04"),
            (
                "0001-01",
                None,
                &[],
                "--from: 0001-01 is too long ago; the oldest month that can be asked for is 2006-10",
            ),
            ("2026-05", None, &["a", "c"], "--account: the configuration has no account \"c\""),
        ] {
            let plan = Plan::of(&config, &request(from, to, accounts), at("2026-11-24T12:00:00Z"));
            assert_eq!(plan.err().as_deref(), Some(problem));
        }
    }
}
