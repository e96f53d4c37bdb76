use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tracing::{debug, info, warn};

use crate::api::ApiError;
use crate::clock;
use crate::model::{Endpoint, Reason};

/// How often what was not told line by line is summed up.
const EVERY: Duration = Duration::from_secs(600);

/// How many lines of one kind are told in that time, so that an outage of a thousand accounts does not fill the disk. What
/// goes on with more than that is told by its sums alone.
const LINES: u32 = 50;

/// What the log says of polls, all accounts together.
///
/// The first failure for a reason is a line, and so is the end of failing. Failures that repeat themselves, and what is
/// more than a person reads, are counted and summed up. At the level `debug` each poll has its line.
///
/// All collectors of an account use the same credentials: a rejected or failed login is a line of the first of them, and its end
/// one of the last.
#[derive(Debug, Default)]
pub struct PollLog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When the next sum is due.
    due: Option<Timestamp>,
    /// Why a collector of an account fails.
    failing: BTreeMap<(Arc<str>, &'static str), Cause>,
    failures: BTreeMap<&'static str, Told>,
    recoveries: Told,
    notes: BTreeSet<(Arc<str>, String)>,
}

/// Why a poll failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cause {
    reason: &'static str,
    /// Whether it is the login, which all collectors of the account share.
    is_login: bool,
}

/// What was told, and what is to be summed up.
#[derive(Debug, Default)]
struct Told {
    lines: u32,
    count: u64,
    accounts: BTreeSet<Arc<str>>,
}

impl Told {
    /// Whether there is room for a line of its own.
    fn has_room(&mut self) -> bool {
        let has_room = self.lines < LINES;
        self.lines += u32::from(has_room);
        has_room
    }

    fn add(&mut self, account: &Arc<str>) {
        self.count += 1;
        if !self.accounts.contains(account) {
            self.accounts.insert(Arc::clone(account));
        }
    }
}

impl PollLog {
    /// A poll failed at `now`; the next one is at `due`.
    pub fn failed(
        &self,
        account: &Arc<str>,
        collector: &'static str,
        error: &ApiError,
        now: Timestamp,
        due: Timestamp,
    ) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.sum_up(now);
        let reason = error.reason.name();
        let is_login = error.reason == Reason::Auth || error.endpoint == Endpoint::Login;
        let cause = Cause { reason, is_login };
        let is_known = is_login && state.fails(account, cause);
        let is_new =
            state.failing.insert((Arc::clone(account), collector), cause) != Some(cause) && !is_known;
        let told = state.failures.entry(reason).or_default();
        let is_line = is_new && told.has_room();
        if !is_line {
            told.add(account);
        }
        drop(state);
        let (account, retry_in_seconds) = (&**account, clock::until(now, due).as_secs());
        if is_line {
            warn!(account, collector, reason, error = %error, retry_in_seconds, "poll failed");
        } else {
            debug!(account, collector, reason, error = %error, retry_in_seconds, "poll failed");
        }
    }

    /// A poll worked at `now`.
    pub fn worked(&self, account: &Arc<str>, collector: &'static str, now: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.sum_up(now);
        let ended = state.failing.remove(&(Arc::clone(account), collector));
        let failed = ended.is_some_and(|cause| !(cause.is_login && state.fails(account, cause)));
        let is_line = failed && state.recoveries.has_room();
        if failed && !is_line {
            state.recoveries.add(account);
        }
        drop(state);
        let account = &**account;
        if is_line {
            info!(account, collector, "poll works again");
        } else {
            debug!(account, collector, "poll worked");
        }
    }
}

impl PollLog {
    /// Logs a note about an account, unless it was logged before.
    pub fn noted(&self, account: &Arc<str>, note: String) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.notes.insert((Arc::clone(account), note.clone())) {
            drop(state);
            warn!(account = &**account, "{note}");
        }
    }
}

impl State {
    /// Whether any collector of the account fails for this cause.
    fn fails(&self, account: &Arc<str>, cause: Cause) -> bool {
        let of_account = self.failing.range((Arc::clone(account), "")..);
        of_account.take_while(|((name, _), _)| name == account).any(|(_, known)| *known == cause)
    }

    /// Tells what has come together since the last time, if it is time for that.
    fn sum_up(&mut self, now: Timestamp) {
        let next = clock::after(now, EVERY);
        match self.due {
            // A clock that was set back does not delay it.
            Some(due) if now < due && due <= next => return,
            Some(_) => {}
            None => {
                self.due = Some(next);
                return;
            }
        }
        self.due = Some(next);
        for (reason, told) in &mut self.failures {
            let Told { count, accounts, .. } = std::mem::take(told);
            if count > 0 {
                warn!(reason, accounts = accounts.len(), count, "polls failing");
            }
            // An outage that goes on is told by its sums alone.
            told.lines = if count >= u64::from(LINES) { LINES } else { 0 };
        }
        let recoveries = std::mem::take(&mut self.recoveries);
        if recoveries.count > 0 {
            info!(accounts = recoveries.accounts.len(), count = recoveries.count, "polls work again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::tests::captured;
    use crate::logging::{LogFormat, LogLevel};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_521_600 + minute * 60).unwrap()
    }

    /// What it says, without time and level.
    fn said(work: impl FnOnce(&PollLog)) -> Vec<String> {
        let text = captured(LogLevel::Info, LogFormat::Logfmt, || work(&PollLog::default()));
        text.lines().map(|line| line.split_once(" component=poll ").unwrap().1.to_owned()).collect()
    }

    fn names(count: usize) -> Vec<Arc<str>> {
        (0..count).map(|number| format!("a{number}").into()).collect()
    }

    fn fail(log: &PollLog, accounts: &[Arc<str>], reason: Reason, minute: i64) {
        let error = ApiError::new(reason, Endpoint::CurrentUsage, "503");
        for account in accounts {
            for collector in ["one", "two", "three", "four", "five"] {
                log.failed(account, collector, &error, at(minute), at(minute + 1));
            }
        }
    }

    #[test]
    fn a_failure_is_told_once_and_its_end_too() {
        let acme: Arc<str> = "acme".into();
        let error = |reason| ApiError::new(reason, Endpoint::CurrentUsage, "why");
        let lines = said(|log| {
            log.worked(&acme, "usage", at(0));
            for minute in [1, 2, 3] {
                log.failed(&acme, "usage", &error(Reason::Server), at(minute), at(minute + 1));
            }
            log.failed(&acme, "usage", &error(Reason::Timeout), at(4), at(5));
            log.worked(&acme, "usage", at(5));
            log.worked(&acme, "usage", at(9));
            log.worked(&acme, "usage", at(10));
        });
        assert_eq!(
            lines,
            [
                "msg=\"poll failed\" account=acme collector=usage reason=server error=\"GET /usage/current: why\" \
                 retry_in_seconds=60",
                "msg=\"poll failed\" account=acme collector=usage reason=timeout error=\"GET /usage/current: why\" \
                 retry_in_seconds=60",
                "msg=\"poll works again\" account=acme collector=usage",
                "msg=\"polls failing\" reason=server accounts=1 count=2",
            ]
        );
    }

    #[test]
    fn a_rejected_login_is_told_once_and_not_by_each_collector() {
        let acme: Arc<str> = "acme".into();
        let other: Arc<str> = "acme-2".into();
        let rejected = ApiError::new(Reason::Auth, Endpoint::Login, "403");
        let lines = said(|log| {
            for account in [&acme, &other] {
                for collector in ["credentials", "permissions", "usage"] {
                    log.failed(account, collector, &rejected, at(0), at(1));
                }
            }
            // What belongs to one collector is told beside it.
            let error = ApiError::new(Reason::Server, Endpoint::CurrentUsage, "503");
            log.failed(&acme, "usage", &error, at(1), at(2));
            for collector in ["credentials", "permissions", "usage"] {
                log.worked(&acme, collector, at(3));
            }
            log.noted(&acme, "a note".to_owned());
            log.noted(&acme, "a note".to_owned());
        });
        let line = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
        assert_eq!(line("reason=auth"), 2, "{lines:#?}");
        assert_eq!(line("reason=server"), 1, "{lines:#?}");
        assert_eq!(line("works again\" account=acme"), 2, "{lines:#?}");
        assert_eq!(line("a note"), 1, "{lines:#?}");
        assert_eq!(lines.len(), 6, "{lines:#?}");
    }

    #[test]
    fn an_outage_of_a_thousand_accounts_is_a_few_lines() {
        let accounts = names(1000);
        let lines = said(|log| {
            for minute in 0..60 {
                fail(log, &accounts, Reason::Connect, minute);
            }
            // Something else is told all the same, and so is a failure for the same reason once the outage is over.
            fail(log, &accounts[..1], Reason::Auth, 60);
            for account in &accounts {
                log.worked(account, "one", at(61));
            }
            fail(log, &accounts[..1], Reason::Connect, 85);
        });
        let begin = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(begin("msg=\"poll failed\""), 50 + 1 + 5);
        assert_eq!(begin("msg=\"polls failing\" reason=connect accounts=1000 count="), 6);
        assert_eq!(begin("msg=\"poll works again\""), 50);
        assert_eq!(begin("msg=\"polls work again\" accounts=949 count=949"), 1);
        assert_eq!(lines.len(), 56 + 7 + 51, "{lines:#?}");
        assert_eq!(lines[50], "msg=\"polls failing\" reason=connect accounts=1000 count=49950");
    }

    #[test]
    fn nothing_is_said_where_all_is_well() {
        let lines = said(|log| {
            for minute in 0..600 {
                for account in names(20) {
                    log.worked(&account, "usage", at(minute));
                }
            }
        });
        assert_eq!(lines, [""; 0]);
    }

    #[test]
    fn the_end_of_an_outage_is_summed_up_too_whatever_the_clock_does() {
        let accounts = names(1000);
        let lines = said(|log| {
            fail(log, &accounts, Reason::Connect, 100);
            for account in &accounts {
                log.worked(account, "one", at(101));
            }
            log.worked(&accounts[0], "two", at(-5000));
        });
        assert_eq!(lines[50..100].iter().filter(|line| line.contains("works again")).count(), 50);
        assert_eq!(
            lines[100..],
            [
                "msg=\"polls failing\" reason=connect accounts=990 count=4950",
                "msg=\"polls work again\" accounts=950 count=950",
                "msg=\"poll works again\" account=a0 collector=two",
            ]
        );
    }
}
