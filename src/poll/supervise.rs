use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use tracing::error;

use super::{Meter, Poller};
use crate::backoff::Backoff;

/// Keeps a task going: where it panics, that is counted and logged, and it is started again. Ends when it does.
pub async fn supervise<F>(task: &'static str, meter: Arc<dyn Meter>, mut start: impl FnMut() -> F)
where
    F: Future<Output = ()>,
{
    let mut restarts = Restarts::new(task, meter);
    while AssertUnwindSafe(start()).catch_unwind().await.is_err() {
        error!(task, "a task panicked and is started again: please report this bug");
        restarts.wait().await;
    }
}

/// The same for a poller, which goes on where it was.
pub(super) async fn supervise_poller(mut poller: Poller, meter: Arc<dyn Meter>) {
    let task = poller.collector().name();
    let mut restarts = Restarts::new(task, meter);
    while AssertUnwindSafe(poller.run()).catch_unwind().await.is_err() {
        error!(
            account = &*poller.account(),
            collector = task,
            "a collector panicked and is started again: please report this bug"
        );
        // Where not even this can be noted, the wait and the new start are all the more needed.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| poller.note_panic()));
        restarts.wait().await;
    }
}

struct Restarts {
    task: &'static str,
    meter: Arc<dyn Meter>,
    in_a_row: u32,
    started: Instant,
}

impl Restarts {
    fn new(task: &'static str, meter: Arc<dyn Meter>) -> Self {
        Self { task, meter, in_a_row: 0, started: Instant::now() }
    }

    async fn wait(&mut self) {
        self.meter.panicked(self.task);
        // What ran for long before it panicked is not what panics at each start.
        let ran_long = self.started.elapsed() > 2 * Backoff::RESTART.max;
        self.in_a_row = if ran_long { 1 } else { self.in_a_row.saturating_add(1) };
        // By the runtime and not by the clock of the rest, which may have the error.
        tokio::time::sleep(Backoff::RESTART.delay(self.in_a_row)).await;
        self.started = Instant::now();
    }
}
