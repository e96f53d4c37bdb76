//! Who may ask the vendor next: a cap on the requests of all accounts together, and a fair order of those that wait.
//!
//! A request holds its place from before it is sent until its answer is read, and no longer: not while its poll waits for
//! something else. The [`Queue`] decides; this is how tasks wait for it.

mod queue;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use url::Url;

use super::allowance;
use queue::{Queue, Ticket};

/// The entrance that the requests of all accounts share.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    waiting: BTreeMap<Ticket, oneshot::Sender<()>>,
    lanes: u64,
}

impl Gate {
    /// Lets at most `limit` requests through at once.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        let state = State { queue: Queue::new(limit), waiting: BTreeMap::new(), lanes: 0 };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Changes how many requests may be under way. Those that are stay.
    pub fn set_limit(&self, limit: usize) {
        let mut state = self.lock();
        state.queue.set_limit(limit);
        state.admit();
    }

    /// A way through the gate for the requests of one account.
    #[must_use]
    pub fn lane(self: &Arc<Self>) -> Arc<Lane> {
        let mut state = self.lock();
        state.lanes += 1;
        Arc::new(Lane { gate: Arc::clone(self), id: state.lanes })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self) {
        while let Some(ticket) = self.queue.admit() {
            // One that gave up in the meantime leaves by itself.
            if let Some(waiting) = self.waiting.remove(&ticket) {
                let _ = waiting.send(());
            }
        }
    }
}

/// Where the requests of one account line up.
#[derive(Debug)]
pub struct Lane {
    gate: Arc<Gate>,
    id: u64,
}

impl Lane {
    /// Waits until a request to `url` may be sent. That is no part of the time that a poll may take.
    pub(super) async fn enter(self: &Arc<Self>, url: &Url) -> Place {
        let (admitted, admission) = oneshot::channel();
        let ticket = {
            let mut state = self.gate.lock();
            let ticket = state.queue.join(self.id, url.origin().ascii_serialization());
            state.waiting.insert(ticket, admitted);
            state.admit();
            ticket
        };
        let place = Place { lane: Arc::clone(self), ticket };
        // The other end is there until it was used.
        let _ = allowance::apart(admission).await;
        place
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.gate.lock().queue.forget(self.id);
    }
}

/// A request's place, in the queue or behind it; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    lane: Arc<Lane>,
    ticket: Ticket,
}

impl Place {
    /// Takes note of whether there was an answer in time, so that an account whose requests hang cannot hold up others.
    pub(super) fn ended(&self, answered: bool) {
        self.lane.gate.lock().queue.heard(self.lane.id, answered);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.lane.gate.lock();
        state.waiting.remove(&self.ticket);
        state.queue.leave(self.ticket);
        state.admit();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_place_is_free_again_however_its_request_ends() {
        let gate = Gate::new(1);
        let (one, other) = (gate.lane(), gate.lane());
        let url = "https://vendor.example/v2".parse().unwrap();
        let first = one.enter(&url).now_or_never().unwrap();
        assert!(other.enter(&url).now_or_never().is_none(), "it gave up while it waited");
        let mut second = Box::pin(other.enter(&url));
        let mut third = Box::pin(one.enter(&url));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        // Admitted, and dropped before it knew.
        drop(second);
        let third = third.now_or_never().unwrap();
        let mut fourth = Box::pin(other.enter(&url));
        assert!(fourth.as_mut().now_or_never().is_none());
        gate.set_limit(2);
        let fourth = fourth.now_or_never().unwrap();
        drop((third, fourth));
        assert!(other.enter(&url).now_or_never().is_some());
    }
}
