//! What the exporter counted against what the vendor saw.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use lyve_cloud_exporter::api::account_v2;
use lyve_cloud_exporter::model::Endpoint;
use lyve_cloud_exporter::simulator;
use strum::VariantArray as _;

use crate::samples::Samples;
use crate::scraper;
use crate::vendor::{ACCOUNTS, ARCHIVE, Vendor};
use crate::weather::Tally;

/// How many looks it takes to meet a moment without a request under way.
const LOOKS: usize = 60;

/// Both sides at one moment, for the accounts that are always there.
#[derive(Debug)]
pub(crate) struct Ledger {
    polls: u64,
    failures: BTreeMap<String, u64>,
    /// Logins of the accounts that log in.
    logins: BTreeMap<String, u64>,
    /// Signed requests that were let in or rejected, of the account that has no login.
    admissions: BTreeMap<String, u64>,
    endpoints: Vec<Line>,
    /// How many tokens the vendor gave; it keeps at least its last 10,000.
    tokens: u64,
    violations: usize,
}

/// Requests to one endpoint.
#[derive(Debug)]
struct Line {
    endpoint: Endpoint,
    /// As the vendor saw them arrive.
    arrived: u64,
    /// As the exporter counted them: with a status, and without an answer.
    answered: u64,
    unanswered: u64,
}

impl Line {
    /// Arrivals that were not counted, less what was counted and never arrived.
    fn difference(&self) -> i128 {
        i128::from(self.arrived) - i128::from(self.answered) - i128::from(self.unanswered)
    }
}

impl Ledger {
    /// At a moment when as few requests as possible were under way.
    pub(crate) async fn settled(vendor: &Vendor, address: SocketAddr) -> Self {
        let mut best: Option<Self> = None;
        for _ in 0..LOOKS {
            let samples = scraper::once(address).await;
            // The vendor is looked at behind the exporter, so that nothing seems to be counted that did not arrive.
            let ledger = Self::new(&samples, vendor);
            if best.as_ref().is_none_or(|best| ledger.difference() <= best.difference()) {
                best = Some(ledger);
            }
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
        best.expect("a look")
    }

    fn new(samples: &Samples, vendor: &Vendor) -> Self {
        let by_label = |name: &str, label: &str, accounts: &[&str]| {
            let mut sums = BTreeMap::<String, u64>::new();
            for sample in samples.0.iter().filter(|sample| {
                let account = sample.labels.get("account");
                sample.name == name && account.is_some_and(|account| accounts.contains(&account.as_str()))
            }) {
                *sums.entry(sample.labels.get(label).cloned().unwrap_or_default()).or_default() +=
                    count(sample.value);
            }
            sums
        };
        let (archive, with_login): (Vec<_>, Vec<_>) =
            ACCOUNTS.into_iter().partition(|account| *account == ARCHIVE);
        let endpoints = Endpoint::ALL.iter().copied().map(|endpoint| {
            let requests = samples.0.iter().filter(|sample| {
                sample.name == "lyvecloud_api_requests_total"
                    && sample.labels["endpoint"] == endpoint.name()
                    && ACCOUNTS.contains(&sample.labels["account"].as_str())
            });
            let (mut answered, mut unanswered) = (0, 0);
            for request in requests {
                let is_status = request.labels["code"].bytes().all(|byte| byte.is_ascii_digit());
                *(if is_status { &mut answered } else { &mut unanswered }) += count(request.value);
            }
            let arrived = vendor.main.request_count(theirs(endpoint)) as u64;
            Line { endpoint, arrived, answered, unanswered }
        });
        Self {
            polls: by_label("lyvecloud_collector_polls_total", "", &ACCOUNTS).values().sum(),
            failures: by_label("lyvecloud_collector_failures_total", "reason", &ACCOUNTS),
            logins: by_label("lyvecloud_logins_total", "result", &with_login),
            admissions: by_label("lyvecloud_logins_total", "result", &archive),
            endpoints: endpoints.collect(),
            tokens: vendor.main.tokens().len() as u64,
            violations: vendor.main.violations().len() + vendor.other.violations().len(),
        }
    }

    fn difference(&self) -> i128 {
        self.endpoints.iter().map(Line::difference).sum()
    }

    fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// That both sides agree, as far as they can.
    pub(crate) fn check(&self, tally: &Tally) {
        assert_eq!(self.violations, 0, "the vendor is only read");
        // A poll that takes too long gives its request up without an end; so does one whose question has changed.
        let timeouts = self.failures.get("timeout").copied().unwrap_or(0);
        let given_up = timeouts + tally.given_up;
        for line in &self.endpoints {
            let Line { endpoint, arrived, answered, unanswered } = *line;
            assert!(answered <= arrived, "{endpoint}: {answered} answers to {arrived} requests");
            assert!(
                arrived <= answered + unanswered + given_up,
                "{endpoint}: {arrived} requests arrived, {answered} + {unanswered} were counted, {given_up} given up"
            );
        }
        let login = self.endpoints.iter().find(|line| line.endpoint == Endpoint::Login).expect("a line");
        let accepted = self.logins["accepted"];
        let counted = login.answered + login.unanswered;
        assert_eq!(self.logins.values().sum::<u64>(), counted, "a login is one request, however it ends");
        assert!(accepted <= self.tokens, "{accepted} logins with {} tokens", self.tokens);
        assert!(
            self.tokens <= accepted + self.logins["failed"] + given_up,
            "{} tokens were given, {accepted} logins counted",
            self.tokens
        );
        // The second try of a rejected request counts with the first as one.
        let admissions = &self.admissions;
        let signed = self
            .endpoints
            .iter()
            .filter(|line| !account_v2::endpoints().any(|endpoint| endpoint == line.endpoint));
        let answered: u64 = signed.map(|line| line.answered).sum();
        let [let_in, rejected, failed] = ["accepted", "rejected", "failed"].map(|result| admissions[result]);
        assert!(let_in + rejected <= answered, "{admissions:?} of {answered} answers to signed requests");
        assert!(let_in > 0 && rejected > 0, "the key was rotated: {admissions:?}");
        assert_eq!(failed, 0, "the files of the key are always there");
        let reasons = self.failures.values().filter(|count| **count > 0).count();
        assert!(reasons >= 6, "there was too little weather: {:?}", self.failures);
        assert!(self.failed() * 20 < self.polls * 19, "next to nothing worked");
    }

    /// That in quiet hours all that was asked was counted, and worked.
    pub(crate) fn check_quiet_since(&self, before: &Self) {
        // A request that a busy machine was late with may not have arrived at all, or may have been given up.
        let late = self.failures["timeout"] - before.failures["timeout"];
        let strayed = (self.difference() - before.difference()).unsigned_abs();
        assert!(strayed <= u128::from(late), "{before:#?} {self:#?}");
        assert!(self.polls >= before.polls + 5 * ACCOUNTS.len() as u64, "everything was polled");
        for (reason, count) in &self.failures {
            let before = before.failures[reason];
            assert!(*count == before || reason == "timeout", "{reason} in quiet hours: {before} → {count}");
        }
        for (line, before) in self.endpoints.iter().zip(&before.endpoints) {
            let endpoint = line.endpoint;
            // Some days into a month all closed ones are final: the polls go on, and need no request.
            if endpoint == Endpoint::MonthlyUsage {
                continue;
            }
            assert!(line.arrived > before.arrived, "{endpoint} was asked for");
            assert!(line.answered > before.answered, "{endpoint} was answered");
        }
    }
}

/// The simulator's endpoint of the same name.
fn theirs(endpoint: Endpoint) -> simulator::Endpoint {
    let name = format!("{endpoint:?}");
    let theirs = simulator::Endpoint::VARIANTS.iter().find(|theirs| format!("{theirs:?}") == name);
    *theirs.unwrap_or_else(|| panic!("the simulator has no endpoint {name}"))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is checked to be a whole number"
)]
fn count(value: f64) -> u64 {
    assert!(value >= 0.0 && value.fract() == 0.0, "a count: {value}");
    value as u64
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failed();
        write!(f, "polls: {}, {} worked, {failed} failed:", self.polls, self.polls - failed)?;
        self.failures.iter().try_for_each(|(reason, count)| write!(f, " {reason} {count}"))?;
        write!(f, "\nlogins:")?;
        self.logins.iter().try_for_each(|(result, count)| write!(f, " {result} {count}"))?;
        write!(f, "; tokens given: {}; violations: {}\nsigned requests:", self.tokens, self.violations)?;
        self.admissions.iter().try_for_each(|(result, count)| write!(f, " {result} {count}"))?;
        for line in &self.endpoints {
            let Line { endpoint, arrived, answered, unanswered } = line;
            write!(
                f,
                "\n{endpoint}: {arrived} arrived, {answered} answered, {unanswered} without an answer"
            )?;
        }
        Ok(())
    }
}
