//! The simulated vendor's accounts, and the configuration that watches them.

use std::fmt::Write as _;
use std::sync::Arc;

use lyve_cloud_exporter::clock::{Clock as _, System};
use lyve_cloud_exporter::model::Month;
use lyve_cloud_exporter::simulator::{Actions, Permission, ServiceAccount, Simulator};

pub(crate) fn account_name(account: usize) -> String {
    format!("account-{account:04}")
}

pub(crate) fn bucket_name(account: usize, bucket: usize) -> String {
    format!("bucket-{account:04}-{bucket:06}")
}

/// Different for each bucket, with digits as real usage has them.
pub(crate) fn gigabytes(account: usize, bucket: usize) -> f64 {
    let mixed = (account * 1_000_003 + bucket) as u64;
    let digits = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    f64::from(u32::try_from(digits).unwrap()) / 1000.0
}

/// A vendor with so many accounts of so many buckets. `history` is how many closed months each bucket has.
pub(crate) async fn vendor(accounts: usize, buckets: usize, history: i32) -> Simulator {
    let simulator = Simulator::start(Arc::new(System)).await.unwrap();
    let now = Month::of(System.now());
    for account in 0..accounts {
        let named = (0..buckets).map(|bucket| (bucket_name(account, bucket), gigabytes(account, bucket)));
        let named: Vec<(String, f64)> = named.collect();
        let mut made = simulator
            .account(&account_name(account))
            .service_account(ServiceAccount::new("sa-1", "backup"))
            .permission(Permission::all_buckets("p-1", "everything", Actions::AllOperations));
        for back in 1..=history {
            let figures: Vec<(&str, f64)> =
                named.iter().map(|(name, usage)| (name.as_str(), *usage)).collect();
            made = made.month(now.plus(-back), &figures);
        }
        made.buckets(named);
    }
    simulator
}

/// A configuration of all these accounts; `settings` are its other sections.
pub(crate) fn config(simulator: &Simulator, accounts: usize, settings: &str) -> String {
    let mut text = format!("{settings}\naccounts:\n");
    for account in 0..accounts {
        let name = account_name(account);
        let (access_key, secret) = simulator.account(&name).pair();
        let base_url = simulator.base_url();
        writeln!(
            text,
            "  - {{name: {name}, account_id: {name}, base_url: '{base_url}', access_key: {access_key}, secret: {secret}}}"
        )
        .unwrap();
    }
    text
}

/// An answer of `GET /usage/current` as the vendor writes it.
pub(crate) fn usage_answer(buckets: usize) -> String {
    let mut text = String::from("{\"usageByBucket\":{\"totalUsageGB\":1.5,\"numBuckets\":");
    write!(text, "{buckets},\"buckets\":[").unwrap();
    for bucket in 0..buckets {
        let comma = if bucket == 0 { "" } else { "," };
        let (name, usage) = (bucket_name(0, bucket), gigabytes(0, bucket));
        write!(text, "{comma}{{\"name\":\"{name}\",\"usageGB\":{usage}}}").unwrap();
    }
    text.push_str("]},\"usageBySubAccount\":{\"totalUsageGB\":0,\"subAccounts\":[]}}");
    text
}
