use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::sources::{Knowledge, Sources, Subject};
use super::{Alert, Alerts, EVERY};
use crate::clock;
use crate::model::Identity;
use crate::store::KnownAlert;

#[cfg(test)]
mod tests;

/// An active alert ends by itself at the Alertmanager after this long without being sent again. It is long, so that a
/// stop of the exporter, or a clock that is an hour off, ends nothing: what has ended is sent as resolved.
pub const ENDS_AFTER: Duration = Duration::from_secs(2 * 60 * 60);

/// How long an alert that ended is sent as resolved, for an Alertmanager that was away.
const RESOLVED_FOR: Duration = Duration::from_secs(15 * 60);

/// How old the time of the last post may be that the next process finds.
const NOTED_AGAIN: Duration = Duration::from_secs(15 * 60);

/// One alert as `POST /api/v2/alerts` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
    /// Without times the Alertmanager takes its own clock and its `resolve_timeout`.
    #[serde(flatten)]
    times: Option<Times>,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Times {
    starts_at: String,
    ends_at: String,
}

impl Post {
    /// The same, telling a person to look at `status_page`.
    pub(super) fn seen_at(self, status_page: &str) -> Self {
        Self { generator_url: status_page.to_owned(), ..self }
    }
}

type Labels = Vec<(&'static str, String)>;

/// What is remembered of the alerts between two rounds.
#[derive(Debug, Default)]
pub struct Round {
    known: BTreeMap<Labels, Known>,
    changed: bool,
    /// When what the next process is to know was last taken.
    noted: Option<Timestamp>,
}

/// What is remembered of one alert beside its labels.
#[derive(Debug)]
struct Known {
    summary: String,
    description: String,
    subject: Option<Subject>,
    since: Timestamp,
    /// The last post while it was active.
    posted: Option<Timestamp>,
    /// Whether it is in this round's posts.
    due: bool,
    ended: Option<Timestamp>,
}

const RUNBOOK: &str =
    "https://github.com/lyve-cloud-exporter/lyve-cloud-exporter/blob/main/docs/runbooks.md#";

/// Where the runbook of an alert is.
#[must_use]
pub fn runbook(alertname: &str) -> String {
    format!("{RUNBOOK}{}", alertname.to_lowercase())
}

/// Every label that an alert can have.
const LABELS: [&str; 8] =
    ["access_key_id", "account", "alertname", "credential", "credential_id", "kind", "severity", "user"];

impl Round {
    /// A round that goes on where an earlier process, or one that panicked, has stopped.
    pub(super) fn recall(alerts: Alerts) -> Self {
        let alerts = alerts.into_iter().filter_map(|(identity, alert)| {
            let label = |(name, value): (&String, &String)| {
                LABELS.into_iter().find(|known| known == name).map(|known| (known, value.clone()))
            };
            let labels: Labels = alert.labels.iter().map(label).collect::<Option<_>>()?;
            let account = Arc::from(alert.labels.get("account")?.as_str());
            let known = Known {
                summary: alert.summary,
                description: alert.description,
                subject: Some(Subject { account, identity, source: alert.source }),
                since: alert.since,
                posted: alert.posted,
                due: false,
                ended: alert.ended,
            };
            Some((labels, known))
        });
        Self { known: alerts.collect(), changed: false, noted: None }
    }

    /// Takes the alerts that are active at `now`. Of the others some have ended; which, `sources` say.
    pub fn update(&mut self, active: Vec<Alert>, sources: &Sources<'_>, now: Timestamp) {
        for known in self.known.values_mut() {
            // A clock that was ahead and was set right must not leave instants in the future: an Alertmanager rejects an
            // alert that ends before it starts, and keeps one until its end.
            known.since = known.since.min(now);
            known.posted = known.posted.map(|posted| posted.min(now));
            known.ended = known.ended.map(|ended| ended.min(now));
            known.due = false;
        }
        let mut seen = BTreeSet::new();
        for alert in active {
            seen.insert(alert.labels.clone());
            self.activate(alert, sources, now);
        }
        for (labels, known) in &mut self.known {
            if !seen.contains(labels) && known.ended.is_none() {
                self.changed |= known.miss(sources, now);
            }
        }
        let before = self.known.len();
        // One that ended before it was sent concerns nobody.
        self.known.retain(|_, known| {
            known.ended.is_none_or(|ended| known.posted.is_some() && now <= clock::after(ended, RESOLVED_FOR))
        });
        self.changed |= self.known.len() != before;
        let old = |noted| clock::until(noted, now) >= NOTED_AGAIN || noted > now;
        self.changed |= self.noted.is_none_or(old) && self.known.values().any(|known| known.due);
    }

    fn activate(&mut self, alert: Alert, sources: &Sources<'_>, now: Timestamp) {
        let Alert { labels, summary, description, hold, subject } = alert;
        // One that came back after its end is a new alert, which has to hold again.
        let before = self.known.get(&labels).filter(|before| before.ended.is_none());
        let (since, posted) = before.map_or((now, None), |before| (before.since, before.posted));
        let asked = subject.as_ref().is_none_or(|subject| sources.knowledge(subject) != Knowledge::NotAsked);
        let due = asked && (is_held(posted, now) || clock::until(since, now) >= hold);
        self.changed |= before.is_none() || (due && posted.is_none());
        let posted = if due { Some(now) } else { posted };
        let known = Known { summary, description, subject, since, posted, due, ended: None };
        self.known.insert(labels, known);
    }

    /// What the next process is to know, if that has changed since it was last asked for.
    pub(super) fn changes(&mut self, now: Timestamp) -> Option<Alerts> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.noted = Some(now);
        Some(self.known.iter().filter_map(|(labels, known)| known.keep(labels)).collect())
    }

    /// What to post at `now`. Each is made when it is asked for, so that no more of them are in memory than are posted
    /// together.
    pub fn posts(&self, now: Timestamp) -> impl Iterator<Item = Post> + Send + '_ {
        let told = |known: &Known| known.due || known.ended.is_some();
        let known = self.known.iter().filter(move |(_, known)| told(known));
        known.map(move |(labels, known)| known.post(labels, now))
    }
}

/// Whether an Alertmanager that had this alert at `posted` still has it.
fn is_held(posted: Option<Timestamp>, now: Timestamp) -> bool {
    posted.is_some_and(|posted| now < clock::after(posted, ENDS_AFTER))
}

impl Known {
    /// Takes note that it is not among the active alerts: whether that is an end.
    fn miss(&mut self, sources: &Sources<'_>, now: Timestamp) -> bool {
        let knowledge = self.subject.as_ref().map_or(Knowledge::Gone, |subject| sources.knowledge(subject));
        match knowledge {
            Knowledge::NotAsked => false,
            // Nothing says that it ended.
            Knowledge::Nothing if is_held(self.posted, now) => {
                self.due = true;
                self.posted = Some(now);
                false
            }
            Knowledge::Nothing | Knowledge::Gone | Knowledge::Answer => {
                self.ended = Some(now);
                true
            }
        }
    }

    fn keep(&self, labels: &Labels) -> Option<(Arc<Identity>, KnownAlert)> {
        let subject = self.subject.as_ref()?;
        let alert = KnownAlert {
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            summary: self.summary.clone(),
            description: self.description.clone(),
            source: subject.source,
            since: self.since,
            posted: self.posted,
            ended: self.ended,
        };
        Some((Arc::clone(&subject.identity), alert))
    }

    fn post(&self, labels: &Labels, now: Timestamp) -> Post {
        let name = labels.iter().find(|(label, _)| *label == "alertname");
        let runbook = runbook(name.map(|(_, name)| &**name).unwrap_or_default());
        // What is about no account says that this process runs, and ends soon after it.
        let timed = self.subject.is_some() || self.ended.is_some();
        Post {
            labels: labels.iter().cloned().collect(),
            annotations: BTreeMap::from([
                ("summary", self.summary.clone()),
                ("description", self.description.clone()),
                ("runbook_url", runbook),
            ]),
            times: timed.then(|| Times {
                starts_at: self.since.to_string(),
                ends_at: self.ended.unwrap_or_else(|| clock::after(now, ENDS_AFTER)).to_string(),
            }),
            generator_url: String::new(),
        }
    }
}

// An alert that is sent every round has several tries before it ends by itself.
const _: () = assert!(ENDS_AFTER.as_secs() >= 3 * EVERY.as_secs() + NOTED_AGAIN.as_secs());
