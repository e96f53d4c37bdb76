//! The command line, in the way of cargo's own test programs as far as cargo and its friends use it.

use std::time::Duration;

/// How long to soak, and in which weather.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) duration: Duration,
    pub(crate) seed: u64,
}

impl Options {
    /// `None` where there is nothing to do: a list was asked for, or other tests.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let (mut minutes, mut seed, mut filters) = (None, fastrand::u64(..), Vec::new());
        let (mut bench, mut list, mut ignored) = (false, false, false);
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
            match argument.as_str() {
                // Cargo says so when it runs benchmarks and not tests.
                "--bench" => bench = true,
                "--minutes" => minutes = Some(value().parse().expect("a number of minutes")),
                "--seed" => seed = value().parse().expect("a number for a seed"),
                "--list" => list = true,
                "--ignored" => ignored = true,
                "--format" | "--test-threads" | "--skip" => drop(value()),
                flag if flag.starts_with('-') => {}
                filter => filters.push(filter.to_owned()),
            }
        }
        if list && !ignored {
            println!("soak: test");
        }
        let wanted = filters.is_empty() || filters.iter().any(|filter| "soak".contains(filter.as_str()));
        let minutes: f64 = minutes.unwrap_or(if bench { 10.0 } else { 1.0 });
        let duration = Duration::try_from_secs_f64(minutes * 60.0).expect("a number of minutes");
        assert!(duration >= Duration::from_secs(60), "less than a minute shows nothing");
        (wanted && !list && !ignored).then_some(Self { duration, seed })
    }

    /// How long memory, files and tasks may grow.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(60).min(self.duration / 4)
    }

    pub(crate) fn length(&self) -> String {
        format!("{} minutes", self.duration.as_secs_f64() / 60.0)
    }
}
