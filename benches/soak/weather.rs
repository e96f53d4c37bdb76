//! What happens to the daemon, one event after the other: drawn from decks by a seed, so that everything happens, in an
//! order that can be had again.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use hyper::Method;
use lyve_cloud_exporter::simulator::{
    Account, Actions, DeadTokenCode, Endpoint, ExpirationDate, Fault, Permission, ServiceAccount, Settings,
    Simulator,
};

use crate::client;
use crate::place::{Choices, Place};
use crate::scraper;
use crate::vendor::{ACCOUNTS, BUCKET_POOL, GUEST, SECRET_MARK, Vendor, curve};

/// Every endpoint that the exporter asks, with its path.
pub(crate) const ENDPOINTS: [(Endpoint, &str); 6] = [
    (Endpoint::Login, "/v2/auth/token"),
    (Endpoint::Session, "/v2/auth/token"),
    (Endpoint::CurrentUsage, "/v2/usage/current"),
    (Endpoint::MonthlyUsage, "/v2/usage/monthly"),
    (Endpoint::ServiceAccounts, "/v2/service-accounts"),
    (Endpoint::Permissions, "/v2/permissions"),
];

/// The kinds of events; those that are there several times happen as many times more often.
const EVENTS: [Event; 20] = [
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
            Event::Buckets => self.change_buckets(),
            Event::ServiceAccounts => self.change_service_accounts(),
            Event::Permissions => self.change_permissions(),
            Event::Habits => self.change_habits(),
            Event::Reload => self.reload().await,
            Event::BrokenReload => {
                self.place.write_broken();
                assert_eq!(self.post_reload().await, 500, "a broken file is refused");
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

    fn account(&mut self) -> &'a Account {
        match self.rng.usize(..=self.vendor.accounts.len()) {
            index if index < self.vendor.accounts.len() => &self.vendor.accounts[index],
            _ => &self.vendor.guest,
        }
    }

    fn fault(&mut self, path: &str) -> Fault {
        let kind = self.faults.draw(&mut self.rng);
        *self.tally.faults.entry(kind).or_default() += 1;
        fault(kind, path, &mut self.rng)
    }

    fn single_faults(&mut self) {
        for _ in 0..self.rng.usize(1..6) {
            let (endpoint, path) = ENDPOINTS[self.rng.usize(..ENDPOINTS.len())];
            let fault = self.fault(path);
            match self.rng.bool() {
                true => self.account().fail_once(endpoint, fault),
                false => self.simulator().fail_once(endpoint, fault),
            }
        }
    }

    async fn spell(&mut self) {
        let (endpoint, path) = ENDPOINTS[self.rng.usize(..ENDPOINTS.len())];
        let fault = self.fault(path);
        match self.rng.u8(..4) {
            0 => self.account().fail_always(None, fault),
            1 => self.account().fail_always(endpoint, fault),
            2 => self.simulator().fail_always(None, fault),
            _ => self.simulator().fail_always(endpoint, fault),
        }
        self.pause(200..1500).await;
        // Also those that nobody has met yet, so that they do not pile up.
        self.vendor.main.clear_faults();
        self.vendor.other.clear_faults();
    }

    /// The vendor knows the new secret first, the exporter's file somewhat later.
    async fn regenerate(&mut self, account: &Account) {
        self.new_secret(account);
        self.pause(0..700).await;
        self.place.write_secret(account);
    }

    fn new_secret(&mut self, account: &Account) {
        let secret = format!("{SECRET_MARK}{:x}", self.rng.u64(..));
        account.regenerate_as(&account.pair().0, &secret);
    }

    fn change_buckets(&mut self) {
        let account = self.account();
        for _ in 0..self.rng.usize(1..10) {
            let name = format!("pool-{}", self.rng.usize(..BUCKET_POOL));
            match self.rng.u8(..3) {
                0 => account.remove_bucket(&name),
                1 => account.set_bucket_usage(&name, self.rng.f64() * 1000.0),
                _ => account.set_bucket_usage(&name, curve(self.rng.f64() * 1000.0)),
            }
        }
    }

    fn change_service_accounts(&mut self) {
        let account = self.account();
        let id = format!("sa-{}", self.rng.u8(1..20));
        account.remove_service_account(&id);
        let end = lyve_cloud_exporter::clock::after(self.vendor.main.now(), Duration::from_secs(86_400));
        let expires = match self.rng.u8(..6) {
            0 => return,
            1 => ExpirationDate::Missing,
            2 => ExpirationDate::Null,
            3 => ExpirationDate::Never,
            4 => ExpirationDate::At(end),
            _ => ExpirationDate::Text("soon".to_owned()),
        };
        account.add_service_account(ServiceAccount::new(&id, "a \\ name\n").expires(expires));
    }

    fn change_permissions(&mut self) {
        let account = self.account();
        let id = format!("p-{}", self.rng.u8(1..20));
        account.remove_permission(&id);
        if self.rng.bool() {
            account.add_permission(Permission::bucket_prefix(&id, "some", "pool-", Actions::ReadOnly));
        }
    }

    fn change_habits(&mut self) {
        let codes = [DeadTokenCode::ExpiredToken, DeadTokenCode::TokenExpired, DeadTokenCode::InvalidToken];
        let lifetimes = [86_400, 3600, 600];
        let (code, lifetime) = (codes[self.rng.usize(..3)], lifetimes[self.rng.usize(..3)]);
        let (number, empty) = (self.rng.bool(), self.rng.bool());
        let latency = Duration::from_millis(self.rng.u64(..30));
        self.simulator().configure(|settings| {
            settings.dead_token_code = code;
            settings.token_lifetime = Duration::from_secs(lifetime);
            settings.expiration_as_number = number;
            settings.leave_out_empty = empty;
            settings.latency = latency;
        });
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

/// Each way in which a request can fail.
const FAULTS: [&str; 28] = [
    "dead_token",
    "delay",
    "empty",
    "endless",
    "error_500",
    "error_503",
    "forbidden",
    "gateway_page",
    "gzip_lie",
    "hang",
    "hang_mid_body",
    "long_retry_after",
    "moved_away",
    "moved_here",
    "moved_nowhere",
    "not_a_list",
    "not_found",
    "not_json",
    "numeric_code",
    "page_200",
    "rate_limited",
    "rate_limited_date",
    "rate_limited_nonsense",
    "reset",
    "teapot",
    "truncated",
    "unauthorized",
    "wrong_types",
];

fn fault(kind: &str, path: &str, rng: &mut Rng) -> Fault {
    match kind {
        "dead_token" => Fault::error(400, "ExpiredToken", "The session token is not valid"),
        "delay" => Fault::Delay(Duration::from_millis(rng.u64(1..700))),
        "empty" => Fault::empty(200),
        "endless" => Fault::Endless,
        "error_500" => Fault::error(500, "InternalError", "An internal error"),
        "error_503" => Fault::error(503, "ServiceUnavailable", "Down for maintenance").retry_after("30"),
        "forbidden" => Fault::error(403, "AccessDenied", "Access denied"),
        "gateway_page" => Fault::html(502),
        "gzip_lie" => Fault::gzip("this is no gzip"),
        "hang" => Fault::HangBeforeHeaders,
        "hang_mid_body" => Fault::HangMidBody,
        "long_retry_after" => Fault::empty(503).retry_after("99999"),
        "moved_away" => Fault::redirect(302, "http://127.0.0.1:9/elsewhere"),
        "moved_here" => Fault::redirect(307, path),
        "moved_nowhere" => Fault::empty(301),
        "not_a_list" => Fault::raw("application/json", "[]"),
        "not_found" => Fault::error(404, "NotFound", "No such path"),
        "not_json" => Fault::raw("application/json", "{\"usageByBucket\": {"),
        "numeric_code" => Fault::error(400, 31, "A code that is a number"),
        "page_200" => Fault::html(200),
        "rate_limited" => Fault::error(429, "SlowDown", "Too many requests").retry_after("120"),
        "rate_limited_date" => Fault::empty(429).retry_after("Fri, 01 Jan 2027 00:00:00 GMT"),
        "rate_limited_nonsense" => Fault::empty(429).retry_after("a while"),
        "reset" => Fault::Reset,
        "teapot" => Fault::empty(418),
        "truncated" => Fault::Truncated,
        "unauthorized" => Fault::error(401, "AuthenticationFailed", "Authentication failed"),
        "wrong_types" => Fault::raw(
            "application/json",
            r#"{"token": 7, "expirationSec": [], "usageByBucket": 7, "serviceAccounts": {}, "permissions": "none"}"#,
        ),
        other => panic!("no fault of this kind: {other}"),
    }
}
