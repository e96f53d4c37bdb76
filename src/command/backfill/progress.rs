use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::exposition::Written;

/// How the file is turned into blocks of Prometheus.
const NEXT: &str = "promtool tsdb create-blocks-from openmetrics --max-block-duration=1458h";

/// How far it is, on standard error: a bar on a terminal, lines elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    done: usize,
    all: usize,
}

impl Progress {
    /// `done` of `all` questions were answered by an earlier run.
    pub(super) fn new(done: usize, all: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(all as u64).with_position(done as u64);
            // Without a style of ours it has one of its own.
            if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        let progress = Self { bar, done, all };
        if done > 0 {
            progress.say(&format!("{done} of {all} queries were answered before: going on from there"));
        }
        progress
    }

    /// A line that stays.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => plain(line),
        }
    }

    /// One more question is answered.
    pub(super) fn step(&mut self, what: &str) {
        self.done += 1;
        match &self.bar {
            Some(bar) => {
                bar.set_message(what.to_owned());
                bar.inc(1);
            }
            None => plain(&format!("{what} ({} of {})", self.done, self.all)),
        }
    }

    /// Says on a terminal what was written, and what to do with it. Elsewhere nobody reads it.
    pub(super) fn sum_up(&self, path: Option<&Path>, accounts: usize, written: Written, took: Duration) {
        if self.bar.is_none() {
            return;
        }
        let what = path.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
        let Written { series, samples, bytes } = written;
        plain(&format!(
            "Wrote {what}: {} series, {} samples, {}, {accounts} {}, in {}",
            HumanCount(series),
            HumanCount(samples),
            HumanBytes(bytes),
            if accounts == 1 { "account" } else { "accounts" },
            HumanDuration(took)
        ));
        if let Some(path) = path {
            let path = path.display();
            plain(&format!("Next: {NEXT} {path} blocks"));
        }
    }

    /// Nothing is left to ask.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn plain(line: &str) {
    // Where standard error is closed nobody wants to know.
    let _ = writeln!(std::io::stderr(), "{line}");
}
