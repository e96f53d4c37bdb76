//! Which connections are open, and which of them gives way when there are too many.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::http::peer::Peer;

/// Of so many places one is kept free.
const SPARE: usize = 32;

/// The open connections of all listeners.
#[derive(Debug)]
pub(super) struct Connections {
    permits: Arc<Semaphore>,
    /// How many places are to be free for the next ones.
    spare: usize,
    open: Mutex<Open>,
}

/// Connections that have not been told to close.
#[derive(Debug, Default)]
struct Open {
    /// Counts admissions and requests; it tells which was first.
    clock: u64,
    /// By when each was used last. No peer is without any.
    peers: HashMap<Peer, BTreeMap<u64, CancellationToken>>,
    /// How many have been told, and have not done so yet.
    leaving: usize,
    /// How many new ones wait for a place.
    waiting: usize,
}

impl Open {
    fn insert(&mut self, peer: Peer, close: CancellationToken) -> u64 {
        self.clock += 1;
        self.peers.entry(peer).or_default().insert(self.clock, close);
        self.clock
    }

    fn remove(&mut self, peer: Peer, used: u64) -> Option<CancellationToken> {
        let connections = self.peers.get_mut(&peer)?;
        let close = connections.remove(&used);
        if connections.is_empty() {
            self.peers.remove(&peer);
        }
        close
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let (permits, spare) = (Arc::new(Semaphore::new(most)), most / SPARE);
        Arc::new(Self { permits, spare, open: Mutex::default() })
    }

    /// Makes room for one more connection, at the cost of another where there is none.
    pub(super) async fn admit(self: &Arc<Self>, peer: Peer) -> Slot {
        let permits = || Arc::clone(&self.permits);
        let permit = match permits().try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) => {
                let is_short = {
                    let mut open = self.open();
                    open.waiting += 1;
                    open.leaving < open.waiting
                };
                if is_short {
                    self.close_one();
                }
                // The semaphore is never closed.
                let permit = permits().acquire_owned().await.ok();
                self.open().waiting -= 1;
                permit
            }
        };
        let close = CancellationToken::new();
        let used = AtomicU64::new(self.open().insert(peer, close.clone()));
        let slot = Slot { connections: Arc::clone(self), peer, used, close, _permit: permit };
        // The next one then need not wait until another is closed. Those that are about to leave count: slow ends must
        // not cost more connections than quick ones.
        if self.permits.available_permits() + self.open().leaving < self.spare {
            self.close_one();
        }
        slot
    }

    /// Closes a connection of the peer that has the most of them: the one whose last request is the oldest.
    pub(super) fn close_one(&self) {
        let mut open = self.open();
        let oldest = open.peers.iter().filter_map(|(peer, connections)| {
            let (used, _) = connections.first_key_value()?;
            Some((connections.len(), Reverse(*used), *peer))
        });
        let victim = oldest.max_by_key(|(count, used, _)| (*count, *used));
        if let Some((_, Reverse(used), peer)) = victim
            && let Some(close) = open.remove(peer, used)
        {
            open.leaving += 1;
            close.cancel();
        }
    }

    /// Nothing between taking and returning the lock can panic half way through a change.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    connections: Arc<Connections>,
    peer: Peer,
    /// Changes under the lock alone.
    used: AtomicU64,
    close: CancellationToken,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// Takes note that the connection has asked something.
    pub(super) fn used(&self) {
        let mut open = self.connections.open();
        if let Some(close) = open.remove(self.peer, self.used.load(Ordering::Relaxed)) {
            self.used.store(open.insert(self.peer, close), Ordering::Relaxed);
        }
    }

    /// Ends when the connection has to give way to another.
    pub(super) async fn gives_way(&self) {
        self.close.cancelled().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        if open.remove(self.peer, self.used.load(Ordering::Relaxed)).is_none() {
            open.leaving = open.leaving.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use futures_util::FutureExt as _;

    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::from(address.parse::<IpAddr>().unwrap())
    }

    #[tokio::test]
    async fn the_one_that_asked_the_longest_time_ago_gives_way() {
        let connections = Connections::new(3);
        let one = peer("192.0.2.1");
        let (first, second, third) =
            (connections.admit(one).await, connections.admit(one).await, connections.admit(one).await);
        first.used();
        let mut fourth = Box::pin(connections.admit(one));
        assert!((&mut fourth).now_or_never().is_none(), "no more than three at once");
        assert!(second.gives_way().now_or_never().is_some());
        assert!(first.gives_way().now_or_never().is_none() && third.gives_way().now_or_never().is_none());
        drop(second);
        let _fourth = fourth.await;
        assert_eq!(connections.open().peers[&one].len(), 3);
    }

    #[tokio::test]
    async fn room_for_the_next_one_is_made_ahead() {
        let connections = Connections::new(64);
        let one = peer("192.0.2.1");
        let mut slots = Vec::new();
        for _ in 0..63 {
            slots.push(connections.admit(one).await);
        }
        let leaving: Vec<_> = (0..slots.len()).filter(|number| slots[*number].close.is_cancelled()).collect();
        assert_eq!(leaving, [0]);
        assert!(connections.admit(one).now_or_never().is_some(), "a place is free");
        assert!(slots[1].close.is_cancelled());
        assert!(connections.open().leaving == 2 && !slots[2].close.is_cancelled());
    }

    #[tokio::test]
    async fn who_has_the_most_gives_way_to_others() {
        let connections = Connections::new(4);
        let scraper = connections.admit(peer("192.0.2.1")).await;
        let mut greedy = Vec::new();
        for _ in 0..3 {
            greedy.push(connections.admit(peer("192.0.2.66")).await);
        }
        for slot in &greedy {
            slot.used();
        }
        let mut next = Box::pin(connections.admit(peer("192.0.2.66")));
        assert!((&mut next).now_or_never().is_none());
        assert!(scraper.gives_way().now_or_never().is_none());
        assert!(greedy[0].gives_way().now_or_never().is_some());
    }

    #[tokio::test]
    async fn nobody_is_told_twice() {
        let connections = Connections::new(1);
        let only = connections.admit(peer("192.0.2.1")).await;
        connections.close_one();
        connections.close_one();
        drop(only);
        assert!(connections.open().peers.is_empty());
        connections.close_one();
    }
}
