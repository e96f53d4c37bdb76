//! How bad something is, and which credential comes first.

use std::cmp::Ordering;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::clock;
use crate::model::{Collector, CredentialStatus, Expiry, WarningSteps};
use crate::store::{AccountState, CredentialView, KeyView};

/// How bad something is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// It does not work.
    Broken,
    /// It will not work within days.
    Urgent,
    /// Somebody should look at it in office hours.
    Soon,
    /// Nothing is known yet.
    Waiting,
    /// It is as it should be.
    Good,
}

/// How bad it is that a credential stands like this.
pub(super) fn credential_level(
    status: CredentialStatus,
    expiry: Expiry,
    steps: &WarningSteps,
    now: Timestamp,
) -> Level {
    match (status, expiry) {
        (CredentialStatus::Rejected | CredentialStatus::Expired, _) => Level::Broken,
        (CredentialStatus::Expires, Expiry::At(end)) => match clock::until(now, end) {
            left if steps.critical.is_some_and(|step| left < step) => Level::Urgent,
            left if steps.warning.is_some_and(|step| left < step) => Level::Soon,
            _ => Level::Good,
        },
        (CredentialStatus::Expires | CredentialStatus::Unknown, _) => Level::Soon,
        (CredentialStatus::NeverExpires, _) => Level::Good,
    }
}

/// How bad it is that an access key is as old as it is. It has no end, so nothing stops working.
pub(super) fn key_level(view: &KeyView<'_>, steps: &WarningSteps, now: Timestamp) -> Level {
    let soon = view.rotation_due.is_some_and(|due| clock::until(now, due) < steps.rotation);
    if soon { Level::Soon } else { Level::Good }
}

/// What gives access: it ends, or it gets old.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access<'a> {
    /// A credential that can end.
    Credential(CredentialView<'a>),
    /// An access key.
    Key(KeyView<'a>),
}

/// A credential or key with the account that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned<'a> {
    /// The name of the account.
    pub(super) account: &'a str,
    /// Whether the account's own credentials are among the access keys that are listed.
    pub(super) own_is_listed: bool,
    /// What it is.
    pub(super) access: Access<'a>,
    /// How bad it is.
    pub(super) level: Level,
}

/// The credentials and access keys of an account, its own pair first.
pub(super) fn credentials(
    state: &AccountState,
    now: Timestamp,
) -> impl Iterator<Item = Owned<'_>> + Clone + use<'_> {
    let own_is_listed = state.spec.polls(Collector::KEYS);
    let owned = move |access, level| Owned { account: &state.spec.name, own_is_listed, access, level };
    let steps = &state.spec.warning;
    let credentials = state.credentials(now).map(move |view| {
        owned(Access::Credential(view), credential_level(view.status, view.expiry, steps, now))
    });
    let keys = state.access_keys(now).map(move |view| owned(Access::Key(view), key_level(&view, steps, now)));
    credentials.chain(keys)
}

/// Which of two comes first: what no longer works, the newest end first, as that is what changed; then by level what ends
/// or is due for rotation, the nearest first, with those of unknown end among what is to be looked at soon; then what never
/// ends.
pub(super) fn by_urgency(a: &Owned<'_>, b: &Owned<'_>) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| (a.account, a.identity()).cmp(&(b.account, b.identity())))
}

fn rank(owned: &Owned<'_>) -> (u8, i64) {
    let ahead = |at: Timestamp| {
        let class = match owned.level {
            Level::Broken | Level::Urgent => 2,
            Level::Soon | Level::Waiting => 3,
            Level::Good => 4,
        };
        (class, at.as_second())
    };
    match owned.access {
        Access::Credential(view) => match (view.status, view.expiry) {
            (CredentialStatus::Rejected, _) => (0, 0),
            (CredentialStatus::Expired, Expiry::At(end)) => (1, -end.as_second()),
            (CredentialStatus::Expired, _) => (1, 0),
            (CredentialStatus::Unknown, _) => (3, i64::MAX),
            (CredentialStatus::Expires, Expiry::At(end)) => ahead(end),
            (CredentialStatus::Expires, _) => (4, i64::MAX),
            (CredentialStatus::NeverExpires, _) => (5, 0),
        },
        Access::Key(KeyView { rotation_due: Some(due), .. }) => ahead(due),
        Access::Key(KeyView { key, .. }) => (if key.active == Some(false) { 6 } else { 5 }, 1),
    }
}

impl<'a> Owned<'a> {
    /// What it is for, its name and its id: what tells it from the others of its account.
    fn identity(&self) -> (u8, &'a str, &'a str) {
        match self.access {
            Access::Credential(view) => (view.kind as u8, view.name, view.id),
            Access::Key(view) => (u8::MAX, view.user, &view.key.id),
        }
    }

    /// How it stands, in words.
    pub(super) fn words(&self, now: Timestamp) -> Markup {
        match self.access {
            Access::Credential(view) => html! { (view.status.words(view.expiry, now)) },
            Access::Key(view) => {
                let words = view.words(now);
                // Not broken in the middle of the date.
                match words.split_once("since ") {
                    Some((before, date)) => html! { (before) "since " time { (date) } },
                    None => html! { (words) },
                }
            }
        }
    }

    /// Its name; of a key the id, as it has no other.
    pub(super) const fn name(&self) -> &'a str {
        match self.access {
            Access::Credential(view) => view.name,
            Access::Key(view) => &view.key.id,
        }
    }
}

/// How the data of one collector stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Freshness {
    /// How bad it is.
    pub(super) level: Level,
    /// When the last whole success ended.
    pub(super) last_success: Option<Timestamp>,
    /// Whether what it brought is too old to be shown.
    pub(super) withdrawn: bool,
}

/// How the data of one collector stands at `now`.
pub(super) fn freshness(state: &AccountState, collector: Collector, now: Timestamp) -> Freshness {
    let health = state.health(collector);
    let last_success = health.last_success;
    let withdrawn = last_success.is_some_and(|at| clock::after(at, state.spec.data_max_age) <= now);
    let level = if health.failing.is_some() || withdrawn {
        Level::Broken
    } else if last_success.is_none() {
        Level::Waiting
    } else {
        Level::Good
    };
    Freshness { level, last_success, withdrawn }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::at;
    use crate::model::CredentialKind;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn owned(name: &'static str, status: CredentialStatus, expiry: Expiry) -> Owned<'static> {
        let view = CredentialView {
            kind: CredentialKind::ServiceAccount,
            id: name,
            name,
            expiry,
            status,
            last_accepted: None,
        };
        let level = credential_level(status, expiry, &WarningSteps::default(), at(NOW));
        Owned { account: "acme", own_is_listed: false, access: Access::Credential(view), level }
    }

    #[test]
    fn what_is_broken_comes_first_and_what_never_ends_last() {
        use CredentialStatus::{Expired, Expires, NeverExpires, Rejected, Unknown};
        let until = |text: &str| Expiry::At(at(text));
        let wanted = [
            owned("rejected", Rejected, Expiry::Never),
            owned("expired yesterday", Expired, until("2026-11-23T00:00:00Z")),
            owned("expired last year", Expired, until("2025-11-23T00:00:00Z")),
            owned("tomorrow", Expires, until("2026-11-25T00:00:00Z")),
            owned("in three weeks", Expires, until("2026-12-15T00:00:00Z")),
            owned("unknown", Unknown, Expiry::Unknown),
            owned("next year", Expires, until("2027-11-25T00:00:00Z")),
            owned("never", NeverExpires, Expiry::Never),
        ];
        let mut sorted = wanted;
        sorted.reverse();
        sorted.sort_by(by_urgency);
        assert_eq!(sorted.map(|owned| owned.name()), wanted.map(|owned| owned.name()));
        let levels = wanted.map(|owned| owned.level);
        assert_eq!(
            levels,
            [
                Level::Broken,
                Level::Broken,
                Level::Broken,
                Level::Urgent,
                Level::Soon,
                Level::Soon,
                Level::Good,
                Level::Good
            ]
        );
    }

    #[test]
    fn freshness_tells_waiting_from_failing_from_withdrawn() {
        use crate::api::ApiError;
        use crate::metrics::testing::{TOOK, answer, spec, state};
        use crate::model::CurrentUsage;
        use crate::model::{Endpoint, Reason};

        let collector = Collector::CURRENT_USAGE;
        let now = at(NOW);
        let error = ApiError::new(Reason::Server, Endpoint::CurrentUsage, "500");
        let usage = || answer(CurrentUsage::default());

        let waiting = state(spec("acme"), |_| ());
        assert_eq!(freshness(&waiting, collector, now).level, Level::Waiting);
        let never = state(spec("acme"), |state| state.fail(collector, error.failure(now), TOOK));
        assert_eq!(
            freshness(&never, collector, now),
            Freshness { level: Level::Broken, last_success: None, withdrawn: false }
        );
        let good = state(spec("acme"), |state| state.succeed(usage(), now, TOOK));
        assert_eq!(freshness(&good, collector, now).level, Level::Good);
        let old = freshness(&good, collector, at("2026-11-25T12:00:00Z"));
        assert_eq!(old, Freshness { level: Level::Broken, last_success: Some(now), withdrawn: true });
        assert!(good.good::<CurrentUsage>(at("2026-11-25T12:00:00Z")).is_none(), "as the store sees it");
    }
}
