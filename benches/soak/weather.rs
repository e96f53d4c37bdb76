//! What happens to the daemon, one event after the other: drawn from decks by a seed, so that everything happens, in an
//! order that can be had again.

mod changes;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use hyper::Method;
use lyve_cloud_exporter::simulator::{Endpoint, Fault, Settings, SimulatedAccount, Simulator};

use crate::client;
use crate::faults::{FAULTS, fault};
use crate::place::{Choices, Place};
use crate::scraper;
use crate::vendor::{ACCOUNTS, Customer, GUEST, SECRET_MARK, Vendor};

/// The kinds of events; those that are there several times happen as many times more often.
const EVENTS: [Event; 25] = [
    Event::Faults,
    Event::Faults,
    Event::Faults,
    Event::Faults,
    Event::Faults,
    Event::Spell,
    Event::Spell,
    Event::Outage,
    Event::Revoked,
    Event::Regenerated,
    Event::Expired,
    Event::Rotated,
    Event::Deleted,
    Event::NotRoot,
    Event::ArchiveBuckets,
    Event::Users,
    Event::Buckets,
    Event::Buckets,
    Event::ServiceAccounts,
    Event::Permissions,
    Event::Habits,
    Event::Reload,
    Event::Reload,
    Event::BrokenReload,
    Event::Sunshine,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Single requests fail.
    Faults,
    /// All requests to an endpoint, or of an account, fail for a while.
    Spell,
    /// The vendor is down for a while.
    Outage,
    Revoked,
    /// A new secret, which reaches its file somewhat later.
    Regenerated,
    /// The pair expires, and is regenerated somewhat later.
    Expired,
    /// A new key of Object Storage, which reaches its files somewhat later, and one after the other.
    Rotated,
    /// The key is deleted, and there is a new one somewhat later.
    Deleted,
    /// The key is another user's for a while, who is not told what is billed.
    NotRoot,
    ArchiveBuckets,
    Users,
    Buckets,
    ServiceAccounts,
    Permissions,
    /// The vendor answers slower, or in another of its ways.
    Habits,
    Reload,
    BrokenReload,
    /// Nothing, for longer.
    Sunshine,
}

/// One of each, in any order; then again.
struct Deck<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Clone> Deck<T> {
    fn new(all: Vec<T>) -> Self {
        Self { all, left: Vec::new() }
    }

    fn draw(&mut self, rng: &mut Rng) -> T {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
            rng.shuffle(&mut self.left);
        }
        self.left.pop().expect("a deck with cards")
    }
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    events: BTreeMap<Event, usize>,
    faults: BTreeMap<&'static str, usize>,
    pub(crate) reloads: usize,
    /// How many requests may have been given up, and so counted by the vendor alone, as a reload changed the question.
    pub(crate) given_up: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "events:")?;
        self.events.iter().try_for_each(|(event, count)| write!(f, " {event:?} {count}"))?;
        write!(
            f,
            "\nfaults set up: {} of {} kinds;",
            self.faults.values().sum::<usize>(),
            self.faults.len()
        )?;
        self.faults.iter().try_for_each(|(kind, count)| write!(f, " {kind} {count}"))
    }
}

pub(crate) struct Weather<'a> {
    vendor: &'a Vendor,
    place: &'a Place,
    address: SocketAddr,
    rng: Rng,
    events: Deck<Event>,
    faults: Deck<&'static str>,
    choices: Choices,
    tally: Tally,
}

impl<'a> Weather<'a> {
    pub(crate) fn new(vendor: &'a Vendor, place: &'a Place, address: SocketAddr, seed: u64) -> Self {
        Self {
            vendor,
            place,
            address,
            rng: Rng::with_seed(seed),
            events: Deck::new(EVENTS.to_vec()),
            faults: Deck::new(FAULTS.to_vec()),
            choices: Choices::default(),
            tally: Tally::default(),
        }
    }

    /// Begins with what takes most memory: answers without an end, to everything that is polled at the start. What the
    /// allocator keeps of it later peaks can use, so that only what is really held makes memory grow from here on.
    pub(crate) fn begin(&self) {
        for customer in self.vendor.customers() {
            for endpoint in customer.endpoints().iter().filter(|endpoint| **endpoint != Endpoint::Login) {
                customer.fail_always(Some(*endpoint), Fault::Endless);
            }
        }
    }

    /// Ends what [`Weather::begin`] began.
    pub(crate) async fn get_going(&self) {
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.vendor.main.clear_faults();
        self.vendor.other.clear_faults();
    }

    /// Lets the next thing happen, and waits a moment.
    pub(crate) async fn next(&mut self) {
        let event = self.events.draw(&mut self.rng);
        *self.tally.events.entry(event).or_default() += 1;
        match event {
            Event::Faults => self.single_faults(),
            Event::Spell => self.spell().await,
            Event::Outage => {
                let simulator = self.simulator();
                simulator.stop().await;
                self.pause(100..1500).await;
                up_again(simulator).await;
            }
            Event::Revoked => match self.rng.bool() {
                true => self.vendor.main.revoke_all_sessions(),
                false => self.account().revoke_sessions(),
            },
            Event::Regenerated => {
                let account = self.account();
                self.regenerate(account).await;
            }
            Event::Expired => {
                let account = self.account();
                account.expire_credentials();
                self.pause(50..500).await;
                self.regenerate(account).await;
            }
            Event::Rotated => self.rotate().await,
            Event::Deleted => {
                self.vendor.archive.delete_credentials();
                self.pause(50..500).await;
                self.rotate().await;
            }
            Event::NotRoot => {
                self.vendor.archive.set_root(false);
                self.pause(200..800).await;
                self.vendor.archive.set_root(true);
            }
            Event::ArchiveBuckets => self.change_archive_buckets(),
            Event::Users => self.change_users(),
            Event::Buckets => self.change_buckets(),
            Event::ServiceAccounts => self.change_service_accounts(),
            Event::Permissions => self.change_permissions(),
            Event::Habits => self.change_habits(),
            Event::Reload => self.reload().await,
            Event::BrokenReload => {
                self.place.write_broken();
                assert_eq!(self.post_reload().await, 500, "a broken file is rejected");
                self.place.write(self.choices);
            }
            Event::Sunshine => self.pause(500..1500).await,
        }
        self.pause(20..150).await;
    }

    /// Ends all of it: the vendor is well, and the files say what it wants.
    pub(crate) async fn clear(mut self) -> Tally {
        for simulator in [&self.vendor.main, &self.vendor.other] {
            simulator.clear_faults();
            simulator.configure(|settings| *settings = Settings::default());
            up_again(simulator).await;
        }
        for account in self.vendor.all() {
            self.new_secret(account);
            self.place.write_secret(account);
        }
        self.rotate().await;
        let choices = Choices { guest: false, ..self.choices };
        self.go_over_to(choices).await;
        self.tally
    }

    async fn pause(&mut self, milliseconds: std::ops::Range<u64>) {
        tokio::time::sleep(Duration::from_millis(self.rng.u64(milliseconds))).await;
    }

    /// The one that matters, mostly.
    fn simulator(&mut self) -> &'a Simulator {
        if self.rng.u8(..8) == 0 { &self.vendor.other } else { &self.vendor.main }
    }

    fn account(&mut self) -> &'a SimulatedAccount {
        match self.rng.usize(..=self.vendor.accounts.len()) {
            index if index < self.vendor.accounts.len() => &self.vendor.accounts[index],
            _ => &self.vendor.guest,
        }
    }

    /// One of either API, and something that is asked for it.
    fn customer(&mut self) -> (Customer<'a>, Endpoint) {
        let customers = self.vendor.customers();
        // The archive is as likely as all others together.
        let customer = match self.rng.bool() {
            true => customers[self.rng.usize(..customers.len())],
            false => Customer::ObjectStorage(&self.vendor.archive),
        };
        (customer, customer.endpoints()[self.rng.usize(..customer.endpoints().len())])
    }

    fn fault(&mut self) -> Fault {
        let kind = self.faults.draw(&mut self.rng);
        *self.tally.faults.entry(kind).or_default() += 1;
        fault(kind, &mut self.rng)
    }

    fn single_faults(&mut self) {
        for _ in 0..self.rng.usize(1..6) {
            let (customer, endpoint) = self.customer();
            let fault = self.fault();
            match self.rng.bool() {
                true => customer.fail_once(endpoint, fault),
                false => self.simulator().fail_once(endpoint, fault),
            }
        }
    }

    async fn spell(&mut self) {
        let (customer, endpoint) = self.customer();
        let fault = self.fault();
        match self.rng.u8(..4) {
            0 => customer.fail_always(None, fault),
            1 => customer.fail_always(Some(endpoint), fault),
            2 => self.simulator().fail_always(None, fault),
            _ => self.simulator().fail_always(endpoint, fault),
        }
        self.pause(200..1500).await;
        // Also those that nobody has met yet, so that they do not pile up.
        self.vendor.main.clear_faults();
        self.vendor.other.clear_faults();
    }

    /// The vendor knows the new secret first, the exporter's file somewhat later.
    async fn regenerate(&mut self, account: &SimulatedAccount) {
        self.new_secret(account);
        self.pause(0..700).await;
        self.place.write_secret(account);
    }

    fn new_secret(&mut self, account: &SimulatedAccount) {
        let secret = format!("{SECRET_MARK}{:x}", self.rng.u64(..));
        account.regenerate_as(&account.pair().0, &secret);
    }

    /// The same with a key of Object Storage: the old one is dead at once, and its files are replaced one after the other.
    async fn rotate(&mut self) {
        let archive = &self.vendor.archive;
        let (key, secret) = (self.rng.u32(..), self.rng.u64(..));
        archive.rotate(&format!("AK{key:X}"), &format!("{SECRET_MARK}{secret:x}"));
        self.pause(0..700).await;
        self.place.write_access_key(archive);
        self.pause(0..50).await;
        self.place.write_archive_secret(archive);
    }

    async fn reload(&mut self) {
        let mut choices = self.choices;
        match self.rng.u8(..8) {
            0 => choices.filtered = !choices.filtered,
            1 => choices.months = 18 - choices.months,
            2 => choices.current_usage = if choices.current_usage == 5 { 10 } else { 5 },
            3 => choices.dated = !choices.dated,
            _ => choices.guest = !choices.guest,
        }
        self.go_over_to(choices).await;
    }

    async fn go_over_to(&mut self, choices: Choices) {
        self.place.write(choices);
        assert_eq!(self.post_reload().await, 200, "a good configuration is taken: {choices:?}");
        if choices.asks_otherwise(&self.choices) {
            // No more are under way at once.
            self.tally.given_up += 8;
        }
        self.choices = choices;
        self.tally.reloads += 1;
        let samples = scraper::once(self.address).await;
        let is_shown = |account: &str| samples.value("lyvecloud_up", &[("account", account)]).is_some();
        assert!(ACCOUNTS.into_iter().all(is_shown), "every account of the configuration is shown");
        assert_eq!(is_shown(GUEST), choices.guest, "an account that is gone leaves nothing behind");
    }

    async fn post_reload(&self) -> u16 {
        client::request(self.address, Method::POST, "/-/reload", &[]).await.status
    }
}

/// A simulator that is up, after it was down or not.
async fn up_again(simulator: &Simulator) {
    for _ in 0..100 {
        if simulator.start_again().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the simulator does not get its address again");
}
