//! The time that a poll may take, without what it waits for on purpose: for its turn, for another's login, or before it asks
//! a second time. So a wait is never taken for a vendor that does not answer.

use std::cell::RefCell;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    static WAITED: RefCell<Waited>;
}

/// How often a poll may pause for free. The time of further pauses is its own.
const MAX_PAUSES: u32 = 6;

#[derive(Clone, Copy, Debug, Default)]
struct Waited {
    pauses: u32,
    /// By waits that have ended.
    total: Duration,
    /// How many waits are under way, and since when.
    now: Option<(usize, Instant)>,
}

/// Runs `work` for at most `limit`, and says what came of it, if anything, and how long it took; both without waits.
pub(crate) async fn within<F: Future>(limit: Duration, work: F) -> (Option<F::Output>, Duration) {
    let began = Instant::now();
    let run = async {
        let mut work = pin!(work);
        let mut end = pin!(sleep_until(began + limit));
        let outcome = std::future::poll_fn(|context| {
            if let Poll::Ready(outcome) = work.as_mut().poll(context) {
                return Poll::Ready(Some(outcome));
            }
            let waited = WAITED.with(|waited| *waited.borrow());
            if waited.now.is_some() {
                // Its end wakes this task.
                return Poll::Pending;
            }
            end.as_mut().reset(began + limit + waited.total);
            end.as_mut().poll(context).map(|()| None)
        });
        let outcome = outcome.await;
        (outcome, began.elapsed().saturating_sub(WAITED.with(|waited| waited.borrow().total)))
    };
    WAITED.scope(RefCell::default(), run).await
}

/// Waits for something that is no part of the time that a poll may take.
pub(super) async fn apart<F: Future>(wait: F) -> F::Output {
    let _waiting = Waiting::begin();
    wait.await
}

/// Waits before something is asked a second time.
pub(super) async fn pause<F: Future>(wait: F) -> F::Output {
    let is_free = WAITED.try_with(|waited| {
        let pauses = &mut waited.borrow_mut().pauses;
        *pauses += 1;
        *pauses <= MAX_PAUSES
    });
    if is_free == Ok(true) { apart(wait).await } else { wait.await }
}

struct Waiting;

impl Waiting {
    fn begin() -> Self {
        // Outside of a poll nobody counts.
        let _ = WAITED.try_with(|waited| {
            let now = &mut waited.borrow_mut().now;
            let (count, since) = now.unwrap_or_else(|| (0, Instant::now()));
            *now = Some((count + 1, since));
        });
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = WAITED.try_with(|waited| {
            let mut waited = waited.borrow_mut();
            match waited.now {
                Some((1, since)) => {
                    waited.total += since.elapsed();
                    waited.now = None;
                }
                Some((count, since)) => waited.now = Some((count - 1, since)),
                None => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[tokio::test(start_paused = true)]
    async fn waits_are_no_part_of_the_time() {
        let work = async {
            sleep(seconds(1)).await;
            apart(sleep(seconds(10))).await;
            sleep(seconds(1)).await;
            "done"
        };
        assert_eq!(within(seconds(3), work).await, (Some("done"), seconds(2)));

        let began = Instant::now();
        let endless = async {
            apart(async { tokio::join!(apart(sleep(seconds(10))), sleep(seconds(5))) }).await;
            std::future::pending::<()>().await
        };
        assert_eq!(within(seconds(3), endless).await, (None, seconds(3)));
        assert_eq!(began.elapsed(), seconds(13));

        let pausing = async {
            loop {
                pause(sleep(seconds(10))).await;
            }
        };
        let began = Instant::now();
        let (outcome, took): (Option<()>, _) = within(seconds(3), pausing).await;
        assert_eq!((outcome, took, began.elapsed()), (None, seconds(3), seconds(63)));

        apart(sleep(seconds(1))).await;
        pause(sleep(seconds(1))).await;
    }
}
