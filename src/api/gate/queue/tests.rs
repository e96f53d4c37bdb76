use std::collections::BTreeMap;

use super::{Queue, Ticket};

/// Seconds; everything here is in simulated time.
type Seconds = f64;

const TIMEOUT: Seconds = 30.0;
const CONNECT_TIMEOUT: Seconds = 10.0;
const ANSWER: Seconds = 0.05;
const INTERVAL: Seconds = 300.0;
const LIMIT: usize = 8;

#[derive(Clone, Copy, PartialEq)]
enum Vendor {
    Answers,
    Hangs,
    DropsConnections,
}

/// Accounts that are polled again and again through one queue, each with several pollers.
struct World {
    queue: Queue,
    now: Seconds,
    accounts: Vec<(&'static str, Vendor)>,
    /// Pollers that wait until they are due, and when.
    due: BTreeMap<(u64, u64), Seconds>,
    waiting: BTreeMap<Ticket, ((u64, u64), Seconds)>,
    under_way: BTreeMap<Ticket, ((u64, u64), Seconds)>,
    /// When each account was answered last, and the longest time between two answers.
    answered: BTreeMap<u64, (Seconds, Seconds)>,
    /// The longest that a request of an account that answers waited for its turn, since this was emptied.
    longest_wait: Seconds,
}

impl World {
    fn new(accounts: Vec<(&'static str, Vendor)>, pollers: u64) -> Self {
        let all =
            (0..accounts.len() as u64).flat_map(|account| (0..pollers).map(move |poller| (account, poller)));
        // As the schedule spreads them.
        let due = all.enumerate().map(|(index, key)| (key, index as Seconds * 0.005)).collect();
        Self {
            queue: Queue::new(LIMIT),
            now: 0.0,
            accounts,
            due,
            waiting: BTreeMap::new(),
            under_way: BTreeMap::new(),
            answered: BTreeMap::new(),
            longest_wait: 0.0,
        }
    }

    fn vendor(&self, account: u64) -> Vendor {
        self.accounts[usize::try_from(account).unwrap()].1
    }

    fn run_until(&mut self, end: Seconds) {
        loop {
            let next_due = self.due.iter().map(|(key, at)| (*at, *key)).min_by(|a, b| a.0.total_cmp(&b.0));
            let next_end = self
                .under_way
                .iter()
                .map(|(ticket, (_, at))| (*at, *ticket))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let at =
                next_due.map_or(Seconds::MAX, |due| due.0).min(next_end.map_or(Seconds::MAX, |end| end.0));
            if at > end {
                self.now = end;
                return;
            }
            self.now = at;
            if let Some((due_at, key)) = next_due
                && due_at <= at
            {
                self.due.remove(&key);
                let host = self.accounts[usize::try_from(key.0).unwrap()].0;
                let ticket = self.queue.join(key.0, host.to_owned());
                self.waiting.insert(ticket, (key, at));
            } else if let Some((_, ticket)) = next_end {
                let (key, _) = self.under_way.remove(&ticket).unwrap();
                self.end(key);
                self.queue.leave(ticket);
            }
            while let Some(ticket) = self.queue.admit() {
                let (key, since) = self.waiting.remove(&ticket).unwrap();
                let takes = match self.vendor(key.0) {
                    Vendor::Answers => {
                        self.longest_wait = self.longest_wait.max(at - since);
                        ANSWER
                    }
                    Vendor::Hangs => TIMEOUT,
                    Vendor::DropsConnections => CONNECT_TIMEOUT,
                };
                self.under_way.insert(ticket, (key, at + takes));
            }
            assert!(self.under_way.len() <= LIMIT);
        }
    }

    fn end(&mut self, key: (u64, u64)) {
        let answers = self.vendor(key.0) == Vendor::Answers;
        self.queue.heard(key.0, answers);
        if answers && key.1 == 0 {
            let (last, longest) = self.answered.get(&key.0).copied().unwrap_or_default();
            self.answered.insert(key.0, (self.now, longest.max(self.now - last)));
        }
        self.due.insert(key, self.now + if answers { INTERVAL } else { 30.0 });
    }

    /// The oldest that an answer of an account that answers ever was; from the start on.
    fn oldest(&self) -> Seconds {
        let good = (0..self.accounts.len() as u64).filter(|account| self.vendor(*account) == Vendor::Answers);
        let ages = good.map(|account| {
            let (last, longest) = self.answered.get(&account).copied().unwrap_or_default();
            longest.max(self.now - last)
        });
        ages.fold(0.0, Seconds::max)
    }

    fn set(&mut self, accounts: impl Iterator<Item = usize>, vendor: Vendor) {
        accounts.for_each(|account| self.accounts[account].1 = vendor);
    }
}

fn accounts(hanging: usize, good: usize) -> Vec<(&'static str, Vendor)> {
    let hanging = std::iter::repeat_n(("vendor", Vendor::Hangs), hanging);
    hanging.chain(std::iter::repeat_n(("vendor", Vendor::Answers), good)).collect()
}

#[test]
fn sixty_hanging_accounts_of_64_make_no_other_later_than_an_interval_and_a_timeout() {
    let mut world = World::new(accounts(60, 4), 1);
    world.run_until(3600.0);
    assert!(world.oldest() < INTERVAL + TIMEOUT, "{}", world.oldest());
    world.longest_wait = 0.0;
    world.run_until(7200.0);
    assert!(world.longest_wait <= ANSWER, "{}", world.longest_wait);

    // All worked, and then they hang. Each of them has to be found out once, eight at a time.
    let mut world = World::new(accounts(0, 64), 5);
    world.run_until(900.0);
    world.set(0..60, Vendor::Hangs);
    world.run_until(1800.0);
    assert!(world.oldest() < 2.0 * INTERVAL, "{}", world.oldest());
    world.answered.values_mut().for_each(|(_, longest)| *longest = 0.0);
    world.run_until(7200.0);
    assert!(world.oldest() < INTERVAL + TIMEOUT, "{}", world.oldest());
}

#[test]
fn eight_hanging_accounts_of_200_delay_the_others_by_less_than_a_timeout() {
    let mut world = World::new(accounts(8, 192), 1);
    world.run_until(600.0);
    assert!(world.longest_wait < TIMEOUT + 192.0 * ANSWER / LIMIT as Seconds, "{}", world.longest_wait);
    world.longest_wait = 0.0;
    world.run_until(7200.0);
    assert!(world.longest_wait < 1.0, "{}", world.longest_wait);
}

#[test]
fn a_host_that_drops_connections_delays_no_other_for_longer_than_one_of_them() {
    let dead = std::iter::repeat_n(("dead", Vendor::DropsConnections), 24);
    let good = std::iter::repeat_n(("good", Vendor::Answers), 4);
    let mut world = World::new(dead.chain(good).collect(), 5);
    world.run_until(3600.0);
    assert!(world.longest_wait <= CONNECT_TIMEOUT, "{}", world.longest_wait);
    assert!(world.oldest() < INTERVAL + CONNECT_TIMEOUT, "{}", world.oldest());
}

#[test]
fn an_account_that_answers_again_is_as_any_other() {
    let mut world = World::new(accounts(60, 4), 1);
    world.run_until(3600.0);
    world.set(0..60, Vendor::Answers);
    world.run_until(5000.0);
    world.longest_wait = 0.0;
    world.run_until(7200.0);
    assert!(world.longest_wait < 1.0, "{}", world.longest_wait);
    let now = world.now;
    assert!(world.answered.values().all(|(last, _)| now - last <= INTERVAL + 1.0));
    assert_eq!(world.answered.len(), 64);
}

#[test]
fn a_silent_account_has_one_place_and_all_of_them_a_quarter() {
    let mut queue = Queue::new(8);
    for lane in 0..5 {
        queue.heard(lane, false);
        for _ in 0..3 {
            queue.join(lane, "vendor".to_owned());
        }
    }
    let (first, second) = (queue.admit().unwrap(), queue.admit().unwrap());
    assert_ne!((first - 1) / 3, (second - 1) / 3, "of different accounts");
    assert_eq!(queue.admit(), None);
    for _ in 0..6 {
        let good = queue.join(9, "vendor".to_owned());
        assert_eq!(queue.admit(), Some(good));
    }
    queue.join(9, "vendor".to_owned());
    assert_eq!(queue.admit(), None, "no more than eight");
    // Even where there is always something else to do, one of them is tried.
    queue.leave(first);
    queue.leave(second);
    assert_eq!(queue.admit().map(|ticket| ticket < 16), Some(true));
    assert_eq!(queue.admit().map(|ticket| ticket < 16), Some(false));
}

#[test]
fn nothing_is_kept_of_what_is_gone() {
    let mut queue = Queue::new(1);
    let (first, second) = (queue.join(1, "a".to_owned()), queue.join(2, "b".to_owned()));
    assert_eq!((queue.admit(), queue.admit()), (Some(first), None));
    queue.heard(1, true);
    queue.leave(second);
    queue.leave(first);
    queue.forget(1);
    assert!(queue.waiting.is_empty() && queue.under_way.is_empty());
    assert!(queue.hosts.is_empty() && queue.lanes.is_empty() && queue.heard.is_empty());
}
