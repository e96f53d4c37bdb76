use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock;

/// How often a poll out of turn can be asked for.
const EVERY: Duration = Duration::from_secs(60);

/// Has everything polled out of turn. A clone asks the same pollers.
#[derive(Clone, Debug, Default)]
pub struct PollNow(watch::Sender<Option<Timestamp>>);

impl PollNow {
    /// Has every collector of every account polled at once, where nobody asked for that within the last minute.
    ///
    /// # Errors
    /// How long it takes until that can be asked for again.
    pub fn ask(&self, now: Timestamp) -> Result<(), Duration> {
        let mut outcome = Ok(());
        self.0.send_if_modified(|last| {
            // One from the future is of a clock that was set back.
            let next = last.filter(|last| *last <= now).map(|last| clock::after(last, EVERY));
            match next.filter(|next| *next > now) {
                Some(next) => outcome = Err(clock::until(now, next)),
                None => *last = Some(now),
            }
            outcome.is_ok()
        });
        outcome
    }

    /// Changes whenever a poll is asked for.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Timestamp>> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_minute_whatever_the_clock_does() {
        let at = |second: i64| Timestamp::from_second(1_795_521_600 + second).unwrap();
        let poll_now = PollNow::default();
        let mut heard = poll_now.subscribe();
        assert_eq!(poll_now.ask(at(0)), Ok(()));
        assert!(heard.has_changed().unwrap());
        heard.mark_unchanged();
        assert_eq!(poll_now.ask(at(20)), Err(Duration::from_secs(40)));
        assert!(!heard.has_changed().unwrap());
        assert_eq!(poll_now.ask(at(60)), Ok(()));
        assert_eq!(poll_now.ask(at(-1000)), Ok(()));
    }
}
