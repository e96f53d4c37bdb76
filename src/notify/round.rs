use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Alert, EVERY};
use crate::clock;

/// An active alert ends by itself at the Alertmanager after this long without being sent again.
const ENDS_AFTER: Duration = Duration::from_secs(4 * 60);

/// How long an alert that ended is sent as resolved, for an Alertmanager that was away.
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

/// What is remembered of one alert beside its labels.
#[derive(Debug)]
struct Known {
    summary: String,
    description: String,
    hold: Duration,
    since: Timestamp,
    sent: bool,
    ended: Option<Timestamp>,
}

const RUNBOOK: &str =
    "https://github.com/lyve-cloud-exporter/lyve-cloud-exporter/blob/main/docs/runbooks.md#";

impl Round {
    /// What to post at `now`, when `active` are the alerts that are active. Each is made when it is asked for, so that
    /// no more of them are in memory than are posted together.
    pub fn posts(&mut self, active: Vec<Alert>, now: Timestamp) -> impl Iterator<Item = Post> + Send + '_ {
        self.update(active, now);
        self.known.iter().filter(|(_, known)| known.sent).map(move |(labels, known)| known.post(labels, now))
    }

    fn update(&mut self, active: Vec<Alert>, now: Timestamp) {
        for known in self.known.values_mut() {
            // A clock that was ahead and was set right must not leave instants in the future: an Alertmanager refuses an
            // alert that ends before it starts, and keeps one until its end.
            known.since = known.since.min(now);
            known.ended = Some(known.ended.map_or(now, |ended| ended.min(now)));
        }
        for Alert { labels, summary, description, hold } in active {
            let mut known = Known { summary, description, hold, since: now, sent: false, ended: None };
            // One that came back is a new alert, which has to hold again.
            if let Some(before) = self.known.get(&labels)
                && before.ended.is_none_or(|ended| ended >= now)
            {
                (known.since, known.sent) = (before.since, before.sent);
            }
            known.sent |= clock::until(known.since, now) >= known.hold;
            self.known.insert(labels, known);
        }
        // One that ended before it was sent concerns nobody.
        self.known.retain(|_, known| match known.ended {
            None => true,
            Some(ended) => known.sent && now <= clock::after(ended, RESOLVED_FOR),
        });
    }
}

impl Known {
    fn post(&self, labels: &[(&'static str, String)], now: Timestamp) -> Post {
        let name = labels.iter().find(|(label, _)| *label == "alertname");
        let anchor = name.map(|(_, name)| name.to_lowercase()).unwrap_or_default();
        Post {
            labels: labels.iter().cloned().collect(),
            annotations: BTreeMap::from([
                ("summary", self.summary.clone()),
                ("description", self.description.clone()),
                ("runbook_url", format!("{RUNBOOK}{anchor}")),
            ]),
            starts_at: self.since.to_string(),
            ends_at: self.ended.unwrap_or_else(|| clock::after(now, ENDS_AFTER)).to_string(),
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

    fn post(round: &mut Round, active: Vec<Alert>, now: Timestamp) -> Vec<Post> {
        round.posts(active, now).collect()
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
        let first = post(&mut round, vec![alert(0)], at(0));
        let second = post(&mut round, vec![alert(0)], at(1));
        assert_eq!(first[0].starts_at, at(0).to_string());
        assert_eq!(first[0].ends_at, at(4).to_string());
        assert_eq!(second[0].starts_at, at(0).to_string());
        assert_eq!(second[0].ends_at, at(5).to_string());
        assert!(first[0].annotations["runbook_url"].ends_with("#lyvecloudcredentialexpired"));
    }

    #[test]
    fn an_alert_that_ended_is_sent_as_resolved_for_a_while() {
        let mut round = Round::default();
        assert_eq!(post(&mut round, vec![alert(0)], at(0)).len(), 1);
        for minute in 1..=16 {
            let posts = post(&mut round, Vec::new(), at(minute));
            assert_eq!(posts.len(), 1, "minute {minute}");
            assert_eq!(posts[0].ends_at, at(1).to_string());
        }
        assert!(post(&mut round, Vec::new(), at(17)).is_empty());
    }

    #[test]
    fn an_alert_that_has_to_hold_is_not_sent_before() {
        let mut round = Round::default();
        assert!(post(&mut round, vec![alert(5)], at(0)).is_empty());
        assert!(post(&mut round, vec![alert(5)], at(4)).is_empty());
        assert_eq!(post(&mut round, vec![alert(5)], at(5)).len(), 1);
        // It ended before it was sent: nothing to resolve, and the next one holds from its own beginning.
        let mut round = Round::default();
        assert!(post(&mut round, vec![alert(5)], at(0)).is_empty());
        assert!(post(&mut round, Vec::new(), at(4)).is_empty());
        assert!(post(&mut round, vec![alert(5)], at(6)).is_empty());
    }

    #[test]
    fn a_clock_that_was_ahead_leaves_nothing_in_the_future() {
        let mut round = Round::default();
        let _ = post(&mut round, vec![alert(0)], at(100_000));
        let posts = post(&mut round, vec![alert(0)], at(1));
        assert_eq!((&posts[0].starts_at, &posts[0].ends_at), (&at(1).to_string(), &at(5).to_string()));
        let _ = post(&mut round, Vec::new(), at(100_000));
        let posts = post(&mut round, Vec::new(), at(3));
        assert_eq!(posts[0].ends_at, at(3).to_string());
    }

    #[test]
    fn an_alert_that_comes_back_starts_anew() {
        let mut round = Round::default();
        let _ = post(&mut round, vec![alert(0)], at(0));
        let _ = post(&mut round, Vec::new(), at(1));
        let posts = post(&mut round, vec![alert(0)], at(2));
        assert_eq!(posts[0].starts_at, at(2).to_string());
        assert_eq!(posts[0].ends_at, at(6).to_string());
    }
}
