//! The order in which requests are let through, without any task or clock.
//!
//! An account whose last request got no answer in time is a silent one. All silent accounts together have a quarter of the
//! places, and each of them one, so that however many hang, the places for the others are free. Of those that wait,
//! accounts that answered come before accounts that were not asked yet. Of equal ones the host with the fewest requests
//! under way is next, then the account with the fewest, so that none of them can hold up another one; and then the one that
//! waits longest.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A request. Later ones have greater numbers.
pub(super) type Ticket = u64;

#[derive(Debug)]
struct Request {
    lane: u64,
    host: Arc<str>,
}

/// What is known of an account's last request. Without any, it was not asked yet.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Answer,
    Silence,
}

#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    last_ticket: Ticket,
    waiting: BTreeMap<Ticket, Request>,
    under_way: BTreeMap<Ticket, Request>,
    /// How many of those each host and each account has.
    hosts: BTreeMap<Arc<str>, usize>,
    lanes: BTreeMap<u64, usize>,
    heard: BTreeMap<u64, Heard>,
}

/// Smaller ones are next.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// There is always one silent account that is tried, so that it is noticed when it answers again.
    Probe,
    Answering,
    Untried,
    Silent,
}

impl Queue {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            last_ticket: 0,
            waiting: BTreeMap::new(),
            under_way: BTreeMap::new(),
            hosts: BTreeMap::new(),
            lanes: BTreeMap::new(),
            heard: BTreeMap::new(),
        }
    }

    pub(super) const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// A request of an account to a host lines up.
    pub(super) fn join(&mut self, lane: u64, host: String) -> Ticket {
        self.last_ticket += 1;
        self.waiting.insert(self.last_ticket, Request { lane, host: host.into() });
        self.last_ticket
    }

    /// Lets one request through, if any may go.
    pub(super) fn admit(&mut self) -> Option<Ticket> {
        if self.under_way.len() >= self.limit {
            return None;
        }
        let silent = self.under_way.values().filter(|request| self.is_silent(request.lane)).count();
        let of_lane = |lane: u64| self.lanes.get(&lane).copied().unwrap_or_default();
        let of_host = |host: &str| self.hosts.get(host).copied().unwrap_or_default();
        let share = (self.limit / 4).max(1);
        let may_go = |request: &Request| {
            !self.is_silent(request.lane) || (silent < share && of_lane(request.lane) == 0)
        };
        let turn = |request: &Request| match self.heard.get(&request.lane) {
            Some(Heard::Silence) if silent == 0 && self.limit > 1 => Turn::Probe,
            Some(Heard::Silence) => Turn::Silent,
            Some(Heard::Answer) => Turn::Answering,
            None => Turn::Untried,
        };
        let candidates = self.waiting.iter().filter(|(_, request)| may_go(request));
        let next = candidates.min_by_key(|(ticket, request)| {
            (turn(request), of_host(&request.host), of_lane(request.lane), **ticket)
        });
        let ticket = *next?.0;
        let request = self.waiting.remove(&ticket)?;
        *self.hosts.entry(Arc::clone(&request.host)).or_default() += 1;
        *self.lanes.entry(request.lane).or_default() += 1;
        self.under_way.insert(ticket, request);
        Some(ticket)
    }

    /// A request has ended, or gives up waiting.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
        if let Some(Request { lane, host }) = self.under_way.remove(&ticket) {
            decrement(&mut self.hosts, &host);
            decrement(&mut self.lanes, &lane);
        }
    }

    /// A request of an account was answered, or got no answer in time.
    pub(super) fn heard(&mut self, lane: u64, answered: bool) {
        self.heard.insert(lane, if answered { Heard::Answer } else { Heard::Silence });
    }

    /// There will be no requests of this account any more.
    pub(super) fn forget(&mut self, lane: u64) {
        self.heard.remove(&lane);
    }

    fn is_silent(&self, lane: u64) -> bool {
        self.heard.get(&lane) == Some(&Heard::Silence)
    }
}

/// Counts one down, and forgets what is at zero.
fn decrement<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
