//! What there is to see in a glance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, Render, html};

use super::layout::{class, icon};
use super::overview::{MONTH, WEEK};
use super::query::{Filter, Query};
use super::urgency::{Access, Level, Owned, credentials, freshness};
use super::{problems, words};
use crate::clock;
use crate::http::answers::stored::Stored;
use crate::model::{Collector, CredentialStatus, Expiry, Month, ServiceAccount};
use crate::problems::Problem;
use crate::store::AccountState;

/// The steps of the links to what expires soon, days.
const WITHIN: [u32; 2] = [7, 30];

/// Counts over all that is shown.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    /// The worst of all.
    pub(super) level: Level,
    problems: &'a [Problem],
    credentials: Level,
    by_status: BTreeMap<CredentialStatus, u64>,
    /// Credentials that end within the critical step, and that step.
    urgent: u64,
    critical: Duration,
    /// Access keys, and those of them that are due for rotation.
    keys: u64,
    due: u64,
    /// Credentials that expire and keys that are due within each of [`WITHIN`].
    within: [u64; WITHIN.len()],
    next: Option<(Timestamp, Owned<'a>)>,
    /// Accounts whose service accounts are not known, so that there may be more that ends.
    unseen: u64,
    collectors: u64,
    working: u64,
    waiting: u64,
    failing_accounts: u64,
    /// Those of them of which nothing can be read.
    unreadable: u64,
    /// The name of one of them.
    failing: Option<&'a str>,
    polls: Level,
    accounts: u64,
    known: u64,
    usage: u64,
    /// Before and now, of the accounts of which both is known: a week ago, 30 days ago, and the average of the last closed
    /// month.
    week: (u64, u64),
    month: (u64, u64),
    closed_month: (u64, u64),
    /// What the open month costs at the configured prices, by currency.
    costs: BTreeMap<&'a str, Cost>,
    buckets: u64,
    oldest: Option<Timestamp>,
}

impl<'a> Summary<'a> {
    /// Counts what is known of these accounts.
    pub(super) fn of(states: &'a [Arc<AccountState>], problems: &'a [Problem], now: Timestamp) -> Self {
        let mut summary = Self {
            level: Level::Good,
            problems,
            credentials: Level::Good,
            by_status: BTreeMap::new(),
            urgent: 0,
            critical: Duration::ZERO,
            keys: 0,
            due: 0,
            within: [0; WITHIN.len()],
            next: None,
            unseen: 0,
            collectors: 0,
            working: 0,
            waiting: 0,
            failing_accounts: 0,
            unreadable: 0,
            failing: None,
            polls: Level::Good,
            accounts: states.len() as u64,
            known: 0,
            usage: 0,
            week: (0, 0),
            month: (0, 0),
            closed_month: (0, 0),
            costs: BTreeMap::new(),
            buckets: 0,
            oldest: None,
        };
        for state in states {
            summary.add(state, now);
        }
        let exporter = if problems.is_empty() { Level::Good } else { Level::Soon };
        summary.level = summary.credentials.min(summary.polls).min(exporter);
        summary
    }

    fn add(&mut self, state: &'a AccountState, now: Timestamp) {
        self.critical = self.critical.max(state.spec.warning.critical.unwrap_or_default());
        for owned in credentials(state, now) {
            self.credentials = self.credentials.min(owned.level);
            for (count, days) in self.within.iter_mut().zip(WITHIN) {
                *count += u64::from(Filter::Within(days).takes(&owned, now));
            }
            match owned.access {
                Access::Credential(view) => {
                    *self.by_status.entry(view.status).or_default() += 1;
                    if let (CredentialStatus::Expires, Expiry::At(end)) = (view.status, view.expiry) {
                        self.urgent += u64::from(owned.level == Level::Urgent);
                        if self.next.as_ref().is_none_or(|(next, _)| end < *next) {
                            self.next = Some((end, owned));
                        }
                    }
                }
                Access::Key(view) => {
                    self.keys += 1;
                    self.due += u64::from(view.rotation_due.is_some_and(|due| due <= now));
                }
            }
        }
        let listed = state.spec.collectors.contains(&Collector::SERVICE_ACCOUNTS);
        self.unseen += u64::from(listed && state.good::<Vec<ServiceAccount>>(now).is_none());
        let (mut worst, mut broken) = (Level::Good, 0);
        for collector in state.spec.collectors.iter().copied() {
            let level = freshness(state, collector, now).level;
            worst = worst.min(level);
            broken += usize::from(level == Level::Broken);
            self.collectors += 1;
            self.working += u64::from(level == Level::Good);
            self.waiting += u64::from(level == Level::Waiting);
        }
        if worst == Level::Broken {
            self.failing_accounts += 1;
            self.unreadable += u64::from(broken == state.spec.collectors.len());
            self.failing = Some(&state.spec.name);
        }
        self.polls = self.polls.min(worst);
        if let Some(stored) = Stored::of(state, now) {
            self.known += u64::from(stored.usage_bytes.is_some());
            self.usage = self.usage.saturating_add(stored.usage_bytes.unwrap_or(0));
            self.add_trend(state, now);
            self.buckets = self.buckets.saturating_add(stored.buckets.unwrap_or(0));
            self.oldest = Some(self.oldest.map_or(stored.at, |oldest| oldest.min(stored.at)));
        }
    }

    fn add_trend(&mut self, state: &'a AccountState, now: Timestamp) {
        let Some(usage) = state.usage_now(now) else { return };
        let add = |sums: &mut (u64, u64), before: u64| {
            *sums = (sums.0.saturating_add(before), sums.1.saturating_add(usage.bytes));
        };
        if let Some(before) = state.recent_usage().before(now, WEEK) {
            add(&mut self.week, before);
        }
        if let Some(before) = state.recent_usage().before(now, MONTH) {
            add(&mut self.month, before);
        }
        let months = state.closed_months(now);
        if let Some(last) = months.last().filter(|total| usage.month.since(total.month) == 1) {
            add(&mut self.closed_month, last.average_bytes);
        }
        // A figure of a month that is over is no cost of the open one.
        if let Some(price) = state.spec.price.as_ref().filter(|_| usage.month == Month::of(now)) {
            let cost = price.estimate(usage.bytes);
            let sums = self.costs.entry(&price.currency).or_default();
            sums.cost += cost;
            if let Some(budget) = price.budget {
                sums.left = Some(sums.left.unwrap_or(0.0) + budget - cost);
                sums.over += u64::from(cost > budget);
            }
        }
    }

    /// How it stands, in one sentence.
    pub(super) fn verdict(&self, now: Timestamp) -> String {
        // Some that cannot be read at all are not in full either.
        let extent = if self.unreadable == self.failing_accounts { "" } else { " in full" };
        let unread = match (self.failing_accounts, self.failing) {
            (1, Some(name)) => Some(format!("{} cannot be read{extent}", words::isolated(name))),
            (0, _) => None,
            (count, _) => Some(format!("{} cannot be read{extent}", words::count(count, "account"))),
        };
        let broken: Vec<String> = [
            unread,
            self.counted(CredentialStatus::Expired, "has expired", "have expired"),
            self.counted(CredentialStatus::Rejected, "is rejected", "are rejected"),
        ]
        .into_iter()
        .flatten()
        .collect();
        match self.level {
            Level::Broken => format!("Broken: {}", broken.join(", ")),
            Level::Urgent => format!(
                "Urgent: {} within {}",
                number_of(self.urgent, "credential ends", "credentials end"),
                words::span(self.critical.as_secs())
            ),
            Level::Soon => match (self.credentials, self.problems) {
                (Level::Soon, []) => "Works, but credentials need attention".to_owned(),
                (Level::Soon, _) => {
                    "Works, but credentials and the exporter itself need attention".to_owned()
                }
                _ => "Works, but the exporter itself needs attention".to_owned(),
            },
            Level::Waiting => "Waiting for the first answers".to_owned(),
            Level::Good => self.well(now),
        }
    }

    /// Whether there is nothing to do, so that usage comes before credentials and collectors.
    pub(super) fn is_well(&self) -> bool {
        self.level == Level::Good
    }

    fn well(&self, now: Timestamp) -> String {
        if self.accounts == 0 {
            return "No account is configured".to_owned();
        }
        let credentials = words::count(self.by_status.values().sum(), "credential");
        match &self.next {
            Some((end, _)) => {
                let left = words::span(clock::until(now, *end).as_secs());
                format!("All is well: {credentials}, none ends within {left}")
            }
            None => format!("All is well: {credentials}, none has an end"),
        }
    }

    fn having(&self, status: CredentialStatus) -> u64 {
        self.by_status.get(&status).copied().unwrap_or_default()
    }

    fn counted(&self, status: CredentialStatus, one: &str, many: &str) -> Option<String> {
        let count = self.having(status);
        (count > 0).then(|| number_of(count, &format!("credential {one}"), &format!("credentials {many}")))
    }

    /// The verdict, and beneath it one tile for each question: what is broken first, or usage where nothing is.
    pub(super) fn tiles(&self, query: &Query, now: Timestamp) -> Markup {
        let stored = html! { (self.stored(now)) (self.costs()) };
        html! {
            p class={ "verdict " (class(self.level)) } { (icon(self.level)) span { (self.verdict(now)) } }
            dl.tiles {
                @if self.is_well() { (stored) }
                (self.credentials(query))
                (self.next_to_end(query, now))
                (self.polled(query))
                @if !self.is_well() { (stored) }
            }
            (self.filters(query))
            (problems::section(self.problems, now))
        }
    }

    /// The links to parts of what is shown; nothing where all is well.
    fn filters(&self, query: &Query) -> Markup {
        use CredentialStatus::{Expired, NeverExpires, Rejected, Unknown};
        let status = |status: CredentialStatus| (Filter::Status(status), self.having(status));
        let within = WITHIN.into_iter().zip(self.within).map(|(days, count)| (Filter::Within(days), count));
        let mut filters = vec![(Filter::Failing, self.failing_accounts), status(Rejected), status(Expired)];
        filters.extend(within);
        filters.extend([status(Unknown), status(NeverExpires)]);
        filters.retain(|(filter, count)| *count > 0 || query.filter == Some(*filter));
        if self.is_well() && query.filter.is_none() {
            filters.clear();
        }
        if query.account.is_some() {
            filters.retain(|(filter, _)| *filter != Filter::Failing);
        }
        let mut filters: Vec<_> = filters.into_iter().map(|(filter, count)| (filter, Some(count))).collect();
        // The address may have another number of days.
        if let Some(asked) = query.filter.filter(|asked| filters.iter().all(|(filter, _)| filter != asked)) {
            filters.push((asked, None));
        }
        let current = |filter: Option<Filter>| (query.filter == filter).then_some("true");
        html! {
            @if !filters.is_empty() {
                nav.filters aria-label="Show only" {
                    a href=(query.with_filter(None).href()) aria-current=[current(None)] { "All" }
                    @for (filter, count) in filters {
                        a href=(query.with_filter(Some(filter)).href()) aria-current=[current(Some(filter))] {
                            (filter.words()) @if let Some(count) = count { " " span.count { (words::number(count)) } }
                        }
                    }
                }
            }
        }
    }

    fn credentials(&self, query: &Query) -> Markup {
        use CredentialStatus::{Expired, Expires, NeverExpires, Rejected, Unknown};
        let told = |statuses: &[(CredentialStatus, &str)]| {
            let counts = statuses.iter().map(|(status, word)| (*status, self.having(*status), *word));
            let counts: Vec<_> = counts.filter(|(_, count, _)| *count > 0).collect();
            let is_none = counts.is_empty();
            let links = html! {
                @for (index, (status, count, word)) in counts.into_iter().enumerate() {
                    @if index > 0 { ", " }
                    a href=(query.with_filter(Some(Filter::Status(status))).href()) { (words::number(count)) " " (word) }
                }
            };
            (links, is_none)
        };
        let (bad, none_bad) = told(&[(Rejected, "rejected"), (Expired, "expired")]);
        let figure = if none_bad {
            html! { "None expired" }
        } else {
            bad
        };
        let (others, none_else) =
            told(&[(Unknown, "unknown"), (Expires, "will expire"), (NeverExpires, "never expire")]);
        let all: u64 = self.by_status.values().sum();
        let details = html! {
            (others) @if !none_else { "; " } (words::number(all)) " in all"
            @if self.keys > 0 {
                span.detail {
                    (words::count(self.keys, "access key")) ", "
                    @if self.due == 0 { "none" } @else { (words::number(self.due)) } " due for rotation"
                }
            }
        };
        tile(self.credentials, "Credentials", figure, details)
    }

    fn next_to_end(&self, query: &Query, now: Timestamp) -> Markup {
        let Some((end, owned)) = &self.next else {
            return match (self.unseen, self.accounts) {
                (0, _) => {
                    tile(Level::Good, "Ends next", "Nothing", html! { "no credential has an end to come" })
                }
                (_, 1) => {
                    tile(self.polls, "Ends next", "Not known", html! { "the service accounts are not known" })
                }
                (unseen, _) => {
                    let details = html! { "the service accounts of " (words::count(unseen, "account")) " are not known" };
                    tile(self.polls, "Ends next", "Not known", details)
                }
            };
        };
        let details = html! {
            (words::name(owned.name()))
            @if query.account.is_none() { " of " (words::name(owned.account)) }
            span.detail { (words::instant(*end)) }
            @match (self.unseen, self.accounts) {
                (0, _) => {}
                (_, 1) => { span.detail { "service accounts not known" } }
                (unseen, _) => { span.detail { (words::count(unseen, "account")) " not known" } }
            }
        };
        let left = words::relative(*end, now);
        let left = left.strip_prefix("in ").unwrap_or(&left);
        let left = format!("In {left}");
        let step = WITHIN.into_iter().zip(self.within).find(|(_, count)| *count > 0);
        let figure = match step {
            Some((days, _)) => {
                html! { a href=(query.with_filter(Some(Filter::Within(days))).href()) { (left) } }
            }
            None => html! { (left) },
        };
        tile(owned.level, "Ends next", figure, details)
    }

    fn polled(&self, query: &Query) -> Markup {
        let figure = format!("{} of {} work", words::number(self.working), words::number(self.collectors));
        let details = html! {
            @match (self.failing_accounts, self.waiting, self.accounts) {
                (0, 0, _) => { "every last poll brought an answer" }
                (0, ..) => { "the others had no answer yet" }
                (_, _, 1) if self.working == 0 => { "all fail: see below" }
                (_, _, 1) => { "the others fail: see below" }
                (count, ..) => { (number_of(count, "account fails", "accounts fail")) ": see below" }
            }
        };
        let figure = if self.failing_accounts > 0 && query.account.is_none() {
            html! { a href=(query.with_filter(Some(Filter::Failing)).href()) { (figure) } }
        } else {
            html! { (figure) }
        };
        tile(self.polls, "Collectors", figure, details)
    }

    /// What the open month costs; nothing where no price is set.
    fn costs(&self) -> Markup {
        let over: u64 = self.costs.values().map(|cost| cost.over).sum();
        let sums: Vec<String> =
            self.costs.iter().map(|(currency, sums)| words::money(sums.cost, currency)).collect();
        let details = html! {
            "estimated for the whole month"
            @for (currency, sums) in &self.costs {
                @if let Some(left) = sums.left {
                    span.detail {
                        @if left < 0.0 { (words::money(-left, currency)) " over the budget" }
                        @else { (words::money(left, currency)) " left of the budget" }
                    }
                }
            }
            @if over > 0 && self.accounts > 1 { span.detail { (number_of(over, "account is over its budget", "accounts are over their budgets")) } }
        };
        let level = if over == 0 { Level::Good } else { Level::Soon };
        html! { @if !sums.is_empty() { (tile(level, "Cost", sums.join(", "), details)) } }
    }

    fn stored(&self, now: Timestamp) -> Markup {
        let Some(oldest) = self.oldest else {
            let level = if self.polls == Level::Waiting { Level::Waiting } else { Level::Broken };
            return tile(level, "Stored", "Not known", html! { "no figures to show" });
        };
        let level = if self.known == self.accounts { Level::Good } else { Level::Soon };
        let details = html! {
            "in " (words::count(self.buckets, "bucket"))
            @if self.accounts > 1 {
                " of "
                @if self.known < self.accounts { (words::number(self.known)) " of " }
                (words::count(self.accounts, "account"))
            }
            @if let Some(change) = words::change(self.week.0, self.week.1) { span.detail { (change) " in a week" } }
            @if let Some(change) = words::change(self.month.0, self.month.1) { span.detail { (change) " in 30 days" } }
            @else if let Some(change) = words::change(self.closed_month.0, self.closed_month.1) {
                span.detail { (change) " on last month's average" }
            }
            span.detail { @if self.known > 1 { "Oldest figure " } @else { "Figure of " } (words::moment(oldest, now)) }
        };
        tile(level, "Stored", words::size(self.usage), details)
    }
}

/// What a month costs, and what is left of the budgets of those accounts that have one.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    cost: f64,
    left: Option<f64>,
    /// How many accounts are over their budget.
    over: u64,
}

fn number_of(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", words::number(count), if count == 1 { one } else { many })
}

fn tile(level: Level, term: &str, figure: impl Render, details: Markup) -> Markup {
    html! {
        div class={ "tile " (class(level)) } {
            dt { (icon(level)) (term) }
            dd { span.figure { (figure) } span.detail { (details) } }
        }
    }
}

/// The worst of what is known of one collector of an account, in words.
pub(super) fn account_state(state: &AccountState, now: Timestamp) -> (Level, String) {
    let levels =
        || state.spec.collectors.iter().map(|collector: &Collector| freshness(state, *collector, now).level);
    let count = |level: Level| levels().filter(|other| *other == level).count();
    match (count(Level::Broken), count(Level::Waiting)) {
        (0, 0) => (Level::Good, "Data is up to date".to_owned()),
        (0, waiting) => (Level::Waiting, format!("{} not polled yet", words::length(waiting, "collector"))),
        (broken, _) if broken == state.spec.collectors.len() => (Level::Broken, "Cannot be read".to_owned()),
        (1, _) => (Level::Broken, "1 collector fails".to_owned()),
        (broken, _) => (Level::Broken, format!("{broken} collectors fail")),
    }
}
