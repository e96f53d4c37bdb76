//! What the vendor knows before the weather: two simulators, as one of them has an account that comes and goes.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lyve_cloud_exporter::simulator::{
    Account, Actions, Permission, ServiceAccount, Simulator, SubAccount, Usage,
};

use crate::clock::Fast;

/// The accounts that are always there. Their counters must agree with what the first simulator saw.
pub(crate) const ACCOUNTS: [&str; 3] = ["alpha", "beta", "gamma"];

/// The account that comes and goes with reloads, at a simulator of its own.
pub(crate) const GUEST: &str = "guest";

/// What every secret starts with, and what is not to be seen anywhere.
pub(crate) const SECRET_MARK: &str = "soak-secret-";

/// How many names of buckets come and go in each account; there are no others, so that what is known is bounded.
pub(crate) const BUCKET_POOL: usize = 40;

pub(crate) struct Vendor {
    pub(crate) main: Simulator,
    pub(crate) other: Simulator,
    pub(crate) accounts: Vec<Account>,
    pub(crate) guest: Account,
}

impl Vendor {
    pub(crate) async fn start(clock: Fast) -> Self {
        let main = Simulator::start(Arc::new(clock)).await.expect("a simulator");
        let other = Simulator::start(Arc::new(clock)).await.expect("a simulator");
        let alpha = furnished(&main, "alpha", 200).bucket("twice", 1.0).bucket("twice", 2.0);
        let beta = furnished(&main, "beta", 20)
            .sub_account(SubAccount::new("sub-1", "emea", curve(900.0)).counts(3, 4, 5).trial_days(30))
            .sub_account(SubAccount::new("sub-2", "apac", curve(1200.0)).counts(1, 1, 1));
        let accounts = vec![alpha, beta, furnished(&main, "gamma", 3)];
        let guest = furnished(&other, GUEST, 10);
        Self { main, other, accounts, guest }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().chain([&self.guest])
    }
}

fn furnished(simulator: &Simulator, name: &str, buckets: usize) -> Account {
    let account = simulator.account(name).secret(&format!("{SECRET_MARK}{name}"));
    let account = (0..buckets).fold(account, |account, index| {
        let name = format!("{name} \"{index}\"");
        account.bucket(&name, curve(10.0 + f64::from(u32::try_from(index).unwrap_or(0))))
    });
    account
        .service_account(ServiceAccount::new("sa-0", "backup").permission("p-0"))
        .permission(Permission::all_buckets("p-0", "everything", Actions::AllOperations))
}

/// Usage that swings by the day around so many GB.
pub(crate) fn curve(gigabytes: f64) -> Usage {
    Usage::curve(move |time: Timestamp| {
        let day = Duration::from_secs(86_400).as_secs_f64();
        let part = time.as_duration().as_secs_f64() / day;
        Some(gigabytes * (1.0 + 0.1 * (part * TAU).sin()))
    })
}
