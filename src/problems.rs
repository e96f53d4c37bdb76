//! What of the exporter itself does not work while it goes on running.
//!
//! Whoever tries something reports how it went; the status page and the status JSON show what failed last. The metrics of
//! the exporter count the same things.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::clock::Clock;

/// What can fail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Reading the configuration again.
    Config,
    /// Reading the web configuration again.
    WebConfig,
    /// Writing the state file.
    StateFile,
    /// Posting alerts to this Alertmanager.
    Alertmanager(String),
}

impl Subject {
    /// Its name in the status JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Config => "config_reload",
            Self::WebConfig => "web_config_reload",
            Self::StateFile => "state_file",
            Self::Alertmanager(_) => "notifications",
        }
    }
}

/// One thing that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What fails.
    pub subject: Subject,
    /// Since when, without a success in between.
    pub since: Timestamp,
    /// The last error, for a person; no secret in it.
    pub message: Arc<str>,
}

/// Everything that fails now.
#[derive(Debug)]
pub struct Problems {
    clock: Arc<dyn Clock>,
    now: Mutex<BTreeMap<Subject, (Timestamp, Arc<str>)>>,
}

impl Problems {
    /// Nothing fails yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, now: Mutex::default() }
    }

    /// Takes note that the subject failed.
    pub fn failed(&self, subject: Subject, message: impl Into<Arc<str>>) {
        let (now, message) = (self.clock.now(), message.into());
        self.lock()
            .entry(subject)
            .and_modify(|(_, last)| last.clone_from(&message))
            .or_insert((now, message));
    }

    /// Takes note that the subject works, or is not there any more.
    pub fn over(&self, subject: &Subject) {
        self.lock().remove(subject);
    }

    /// All that fails now, in the order of the subjects.
    #[must_use]
    pub fn list(&self) -> Vec<Problem> {
        let known = self.lock();
        let problem = |(subject, (since, message)): (&Subject, &(Timestamp, Arc<str>))| Problem {
            subject: subject.clone(),
            since: *since,
            message: Arc::clone(message),
        };
        known.iter().map(problem).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Subject, (Timestamp, Arc<str>)>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Manual;

    #[test]
    fn a_problem_keeps_its_begin_and_takes_the_newest_message() {
        let start: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let clock = Manual::new(start);
        let problems = Problems::new(Arc::new(clock.clone()));
        problems.failed(Subject::StateFile, "no room");
        clock.advance(Duration::from_secs(60));
        problems.failed(Subject::StateFile, "read-only");
        problems.failed(Subject::Config, "line 3");
        let [config, file] = <[Problem; 2]>::try_from(problems.list()).unwrap();
        assert_eq!((config.subject, config.since), (Subject::Config, clock.now()));
        assert_eq!((file.since, &*file.message), (start, "read-only"));
        problems.over(&Subject::StateFile);
        problems.over(&Subject::StateFile);
        assert_eq!(problems.list().len(), 1);
    }
}
