//! What the vendor knows before the weather: two simulators, as one of them has an account that comes and goes.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use lyve_cloud_exporter::simulator::{
    Actions, Endpoint, Fault, Figure, ObjectStorageAccount, Permission, ServiceAccount, SimulatedAccount,
    Simulator, SubAccount, Transfer, Usage, User, UserKind,
};

use crate::clock::Fast;

/// The accounts that are always there. Their counters must agree with what the first simulator saw.
pub(crate) const ACCOUNTS: [&str; 4] = ["alpha", "beta", "gamma", ARCHIVE];

/// The one of them that is watched through Object Storage.
pub(crate) const ARCHIVE: &str = "archive";

/// The account that comes and goes with reloads, at a simulator of its own.
pub(crate) const GUEST: &str = "guest";

/// What every secret starts with, and what is not to be seen anywhere.
pub(crate) const SECRET_MARK: &str = "soak-secret-";

/// How many names of buckets come and go in each account; there are no others, so that what is known is bounded.
pub(crate) const BUCKET_POOL: usize = 40;

pub(crate) struct Vendor {
    pub(crate) main: Simulator,
    pub(crate) other: Simulator,
    pub(crate) accounts: Vec<SimulatedAccount>,
    pub(crate) guest: SimulatedAccount,
    pub(crate) archive: ObjectStorageAccount,
}

/// An account of either API.
#[derive(Clone, Copy)]
pub(crate) enum Customer<'a> {
    AccountV2(&'a SimulatedAccount),
    ObjectStorage(&'a ObjectStorageAccount),
}

impl Customer<'_> {
    /// What is asked for it.
    pub(crate) const fn endpoints(self) -> &'static [Endpoint] {
        match self {
            Self::AccountV2(_) => &[
                Endpoint::Login,
                Endpoint::Session,
                Endpoint::CurrentUsage,
                Endpoint::MonthlyUsage,
                Endpoint::ServiceAccounts,
                Endpoint::Permissions,
            ],
            Self::ObjectStorage(_) => &[
                Endpoint::Billing,
                Endpoint::ListBuckets,
                Endpoint::BucketStats,
                Endpoint::UserInfo,
                Endpoint::ListUsers,
                Endpoint::ListAccessKeys,
            ],
        }
    }

    pub(crate) fn fail_once(self, endpoint: Endpoint, fault: Fault) {
        match self {
            Self::AccountV2(account) => account.fail_once(endpoint, fault),
            Self::ObjectStorage(account) => account.fail_once(endpoint, fault),
        }
    }

    pub(crate) fn fail_always(self, endpoint: Option<Endpoint>, fault: Fault) {
        match self {
            Self::AccountV2(account) => account.fail_always(endpoint, fault),
            Self::ObjectStorage(account) => account.fail_always(endpoint, fault),
        }
    }
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
        let archive = furnished_archive(&main);
        Self { main, other, accounts, guest, archive }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &SimulatedAccount> {
        self.accounts.iter().chain([&self.guest])
    }

    /// The same with the account of the other API.
    pub(crate) fn customers(&self) -> Vec<Customer<'_>> {
        self.all().map(Customer::AccountV2).chain([Customer::ObjectStorage(&self.archive)]).collect()
    }
}

fn furnished(simulator: &Simulator, name: &str, buckets: usize) -> SimulatedAccount {
    let account = simulator.account(name).secret(&format!("{SECRET_MARK}{name}"));
    let account = (0..buckets).fold(account, |account, index| {
        let name = format!("{name} \"{index}\"");
        account.bucket(&name, curve(10.0 + f64::from(u32::try_from(index).unwrap_or(0))))
    });
    account
        .service_account(ServiceAccount::new("sa-0", "backup").permission("p-0"))
        .permission(Permission::all_buckets("p-0", "everything", Actions::AllOperations))
}

fn furnished_archive(simulator: &Simulator) -> ObjectStorageAccount {
    let transfer = |upload, download, delete| Transfer { upload, download, delete };
    let created: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let archive = simulator
        .object_storage_account(ARCHIVE)
        .secret(&format!("{SECRET_MARK}{ARCHIVE}"))
        .since(date(2025, 8, 1))
        .used_space(tide(6_000_000_000_000))
        .ghost_space(400_000_000_000)
        .objects(tide(18_000))
        .region("us-east-1", transfer(1_000, 200, 30))
        .region("eu-west-1", transfer(5, 6, 7))
        .user(User::new("owner", created).kind(UserKind::Root).key("AKOWNER", created))
        .user(User::new("user-0", created).key("AK0", created).inactive_key("AKOFF", created));
    let archive = (0..20).fold(archive, |archive, index| {
        archive.bucket(&format!("{ARCHIVE}-{index}"), tide(1_000_000_000 * (index + 1)), 100 + index)
    });
    // One listed twice, and one deleted and still told of.
    let archive = archive.bucket("twice", 1, 1).bucket("twice", 2, 2).deleted_bucket("ghost", 3, 3);
    (0..BUCKET_POOL).fold(archive, |archive, index| archive.bucket(&format!("pool-{index}"), 1_000, 1))
}

/// A figure that rises by a tenth in the course of each day.
pub(crate) fn tide(least: u64) -> Figure {
    Figure::curve(move |time: Timestamp| {
        let seconds = time.as_second().rem_euclid(86_400).unsigned_abs();
        least + least / 10 * seconds / 86_400
    })
}

/// Usage that swings by the day around so many GB.
pub(crate) fn curve(gigabytes: f64) -> Usage {
    Usage::curve(move |time: Timestamp| {
        let day = Duration::from_secs(86_400).as_secs_f64();
        let part = time.as_duration().as_secs_f64() / day;
        Some(gigabytes * (1.0 + 0.1 * (part * TAU).sin()))
    })
}
