//! Waiting for the vendor, with progress.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::explain::is_not_ready;
use crate::api::ManageError;
use crate::clock::{self, Clock};

/// What is created needs some minutes at most; nobody waits longer than this.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The first wait; each further one is twice as long, up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A wait that goes on, as a person sees it on standard error: a line that moves on a terminal, lines elsewhere.
pub(super) struct Wait<'a> {
    clock: &'a dyn Clock,
    since: Timestamp,
    next: Duration,
    bar: Option<ProgressBar>,
}

impl<'a> Wait<'a> {
    pub(super) fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, since: clock.now(), next: FIRST_WAIT, bar: None }
    }

    /// Waits a moment for `what`; false once it has taken too long.
    pub(super) async fn moment(&mut self, what: &str) -> bool {
        let passed = clock::until(self.since, self.clock.now());
        if passed >= PATIENCE {
            return false;
        }
        let text = format!("waiting for {what} ({} s so far)", passed.as_secs());
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(ProgressBar::new_spinner);
            // Without a style of ours it has one of its own.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.set_message(text);
            bar.tick();
        } else {
            say(&text);
        }
        self.clock.sleep_until(clock::after(self.clock.now(), self.next)).await;
        self.next = (self.next * 2).min(LAST_WAIT);
        true
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tries again while the vendor says that something is not ready yet: nothing was done then.
pub(super) async fn patiently<T>(
    clock: &dyn Clock,
    mut attempt: impl AsyncFnMut() -> Result<T, ManageError>,
) -> Result<T, ManageError> {
    let mut wait = Wait::new(clock);
    loop {
        match attempt().await {
            Err(error) if is_not_ready(&error) => {
                let code = error.code.as_deref().unwrap_or_default();
                if !wait.moment(&format!("the vendor: not ready yet, {code}")).await {
                    return Err(error);
                }
            }
            ended => return ended,
        }
    }
}

/// A line on standard error. Where that is closed nobody wants to know.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
