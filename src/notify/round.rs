use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Alert, EVERY};
use crate::clock;

/// An active alert ends by itself at the Alertmanager after this long without being sent again.
const ENDS_AFTER: Duration = Duration::from_secs(4 * 60);

/// How long a cured alert is sent as resolved, for an Alertmanager that was away.
const RESOLVED_FOR: Duration = Duration::from_secs(15 * 60);

/// One alert as `POST /api/v2/alerts` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

impl Post {
    /// The same, telling a person to look at `status_page`.
    pub(super) fn seen_at(self, status_page: &str) -> Self {
        Self { generator_url: status_page.to_owned(), ..self }
    }
}

/// What is remembered of the alerts between two rounds.
#[derive(Debug, Default)]
pub struct Round {
    known: BTreeMap<Vec<(&'static str, String)>, Known>,
}

#[derive(Debug)]
struct Known {
    alert: Alert,
    since: Timestamp,
    sent: bool,
    cured: Option<Timestamp>,
}

const RUNBOOK: &str =
    "https://github.com/lyve-cloud-exporter/lyve-cloud-exporter/blob/main/docs/runbooks.md#";

impl Round {
    /// What to post at `now`, when `active` are the alerts that are active.
    #[must_use]
    pub fn posts(&mut self, active: Vec<Alert>, now: Timestamp) -> Vec<Post> {
        for known in self.known.values_mut() {
            // A clock that was ahead and was set right must not leave instants in the future: an Alertmanager refuses an
            // alert that ends before it starts, and keeps one until its end.
            known.since = known.since.min(now);
            known.cured = Some(known.cured.map_or(now, |cured| cured.min(now)));
        }
        for alert in active {
            let known = self.known.entry(alert.labels.clone()).or_insert_with(|| Known {
                alert: alert.clone(),
                since: now,
                sent: false,
                cured: None,
            });
            if known.cured.is_some_and(|cured| cured < now) {
                // It came back: a new alert, which has to hold again.
                (known.since, known.sent) = (now, false);
            }
            (known.alert, known.cured) = (alert, None);
        }
        // One that was cured before it was sent concerns nobody.
        self.known.retain(|_, known| match known.cured {
            None => true,
            Some(cured) => known.sent && now <= clock::after(cured, RESOLVED_FOR),
        });
        let mut posts = Vec::new();
        for known in self.known.values_mut() {
            known.sent |= clock::until(known.since, now) >= known.alert.hold;
            if known.sent {
                posts.push(known.post(now));
            }
        }
        posts
    }
}

impl Known {
    fn post(&self, now: Timestamp) -> Post {
        let name = self.alert.labels.iter().find(|(label, _)| *label == "alertname");
        let anchor = name.map(|(_, name)| name.to_lowercase()).unwrap_or_default();
        Post {
            labels: self.alert.labels.iter().cloned().collect(),
            annotations: BTreeMap::from([
                ("summary", self.alert.summary.clone()),
                ("description", self.alert.description.clone()),
                ("runbook_url", format!("{RUNBOOK}{anchor}")),
            ]),
            starts_at: self.since.to_string(),
            ends_at: self.cured.unwrap_or_else(|| clock::after(now, ENDS_AFTER)).to_string(),
            generator_url: String::new(),
        }
    }
}

// An alert that is sent every round has several tries before it ends by itself.
const _: () = assert!(ENDS_AFTER.as_secs() >= 3 * EVERY.as_secs());

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn alert(hold_minutes: u64) -> Alert {
        Alert {
            labels: vec![
                ("account", "acme".to_owned()),
                ("alertname", "LyveCloudCredentialExpired".to_owned()),
            ],
            summary: "summary".to_owned(),
            description: "description".to_owned(),
            hold: Duration::from_secs(hold_minutes * 60),
        }
    }

    #[test]
    fn an_active_alert_is_sent_each_round_with_its_first_instant() {
        let mut round = Round::default();
        let first = round.posts(vec![alert(0)], at(0));
        let second = round.posts(vec![alert(0)], at(1));
        assert_eq!(first[0].starts_at, at(0).to_string());
        assert_eq!(first[0].ends_at, at(4).to_string());
        assert_eq!(second[0].starts_at, at(0).to_string());
        assert_eq!(second[0].ends_at, at(5).to_string());
        assert!(first[0].annotations["runbook_url"].ends_with("#lyvecloudcredentialexpired"));
    }

    #[test]
    fn a_cured_alert_is_sent_as_resolved_for_a_while() {
        let mut round = Round::default();
        assert_eq!(round.posts(vec![alert(0)], at(0)).len(), 1);
        for minute in 1..=16 {
            let posts = round.posts(Vec::new(), at(minute));
            assert_eq!(posts.len(), 1, "minute {minute}");
            assert_eq!(posts[0].ends_at, at(1).to_string());
        }
        assert!(round.posts(Vec::new(), at(17)).is_empty());
    }

    #[test]
    fn an_alert_that_has_to_hold_is_not_sent_before() {
        let mut round = Round::default();
        assert!(round.posts(vec![alert(5)], at(0)).is_empty());
        assert!(round.posts(vec![alert(5)], at(4)).is_empty());
        assert_eq!(round.posts(vec![alert(5)], at(5)).len(), 1);
        // Cured before it was sent: nothing to resolve, and the next one holds from its own beginning.
        let mut round = Round::default();
        assert!(round.posts(vec![alert(5)], at(0)).is_empty());
        assert!(round.posts(Vec::new(), at(4)).is_empty());
        assert!(round.posts(vec![alert(5)], at(6)).is_empty());
    }

    #[test]
    fn a_clock_that_was_ahead_leaves_nothing_in_the_future() {
        let mut round = Round::default();
        let _ = round.posts(vec![alert(0)], at(100_000));
        let posts = round.posts(vec![alert(0)], at(1));
        assert_eq!((&posts[0].starts_at, &posts[0].ends_at), (&at(1).to_string(), &at(5).to_string()));
        let _ = round.posts(Vec::new(), at(100_000));
        let posts = round.posts(Vec::new(), at(3));
        assert_eq!(posts[0].ends_at, at(3).to_string());
    }

    #[test]
    fn an_alert_that_comes_back_starts_anew() {
        let mut round = Round::default();
        let _ = round.posts(vec![alert(0)], at(0));
        let _ = round.posts(Vec::new(), at(1));
        let posts = round.posts(vec![alert(0)], at(2));
        assert_eq!(posts[0].starts_at, at(2).to_string());
        assert_eq!(posts[0].ends_at, at(6).to_string());
    }
}
