//! The world that the demo shows: five accounts of made-up companies, with everything that a page or an alert can
//! say something about. Its last 60 days have a bucket that was deleted and one that moved from the old platform to the
//! new one, whose account is about to pass its budget since.
//!
//! It depends on the clock alone, so a fixed clock gives the same answers to the byte.

mod archive_global;
mod curve;
mod tables;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::config::Secret;
use crate::model::{Expiry, Month};

use super::{
    Actions, ExpirationDate, Permission, ServiceAccount, SimulatedAccount, Simulator, SubAccount, Usage,
};

pub use self::archive_global::{
    ObjectStorageDemo, object_storage_account, usage_over_time as object_storage_usage_over_time,
};

use self::curve::{Curve, Migration, hash};
use self::tables::Row;

/// How many closed months the demo's history has.
pub const MONTHS: i32 = 14;

/// An account of the demo on the Account API, as one would configure it.
#[derive(Clone, Debug)]
pub struct DemoAccount {
    /// The label `account`.
    pub name: &'static str,
    /// The vendor's id of the account.
    pub account_id: &'static str,
    /// The first half of the pair.
    pub access_key: Secret,
    /// The second half of the pair.
    pub secret: Secret,
    /// What the console shows of this pair.
    pub credential: Expiry,
}

impl DemoAccount {
    fn new(name: &'static str, account_id: &'static str, credential: Expiry) -> Self {
        Self {
            name,
            account_id,
            access_key: Secret::new(format!("AKDEMO{:08X}", hash(name) >> 32)),
            secret: Secret::new(format!("demo-{:016x}", hash(account_id))),
            credential,
        }
    }
}

/// The demo's accounts on the Account API, as they are configured by someone who starts it at `now`: the pair of the first expires in 24
/// days, that of the second never, that of the third expired three days ago, and that of the fourth is rejected although it should work.
#[must_use]
pub fn accounts(now: Timestamp) -> [DemoAccount; 4] {
    [
        DemoAccount::new("northwind-master", "northwind", Expiry::At(midnight(now, 25))),
        DemoAccount::new("contoso-backup", "contoso", Expiry::Never),
        DemoAccount::new("fabrikam-archive", "fabrikam", Expiry::At(midnight(now, -3))),
        DemoAccount::new("litware-research", "litware", Expiry::At(midnight(now, 143))),
    ]
}

/// What an account that can be read stored over time, bytes.
#[must_use]
pub fn usage_over_time(account: &str, now: Timestamp) -> Option<impl Fn(Timestamp) -> u64 + use<>> {
    let rows = match account {
        "northwind-master" => tables::NORTHWIND,
        "contoso-backup" => tables::CONTOSO,
        _ => return None,
    };
    let curves: Vec<Curve> = rows.iter().map(|row| curve_of(row, MONTHS, now)).collect();
    Some(move |time| curves.iter().map(|curve| archive_global::bytes(curve, time)).sum())
}

/// Fills a simulator with the demo's accounts, their past and their present, for its clock as it is now.
pub fn world(simulator: &Simulator) {
    let now = simulator.now();
    let [northwind, contoso, fabrikam, litware] = accounts(now).map(|configured| {
        let account = simulator
            .account(configured.account_id)
            .access_key(configured.access_key.expose())
            .secret(configured.secret.expose());
        match configured.credential {
            Expiry::At(end) => account.credentials_until(end),
            Expiry::Never | Expiry::Unknown => account,
        }
    });
    fill_northwind(northwind, now);
    fill_contoso(contoso, now);
    // Nobody can look inside while the pair has expired; there is something to see once it is regenerated.
    let _fabrikam = buckets(fabrikam, tables::FABRIKAM, MONTHS, now);
    // Somebody regenerated the pair, and the exporter still has the old one.
    let _litware = litware.secret("regenerated");
    archive_global::fill(simulator, now);
}

fn fill_northwind(account: SimulatedAccount, now: Timestamp) {
    let mut account = buckets(account, tables::NORTHWIND, MONTHS, now);
    for (name, counts, row) in tables::NORTHWIND_SUB_ACCOUNTS {
        let mut sub_account = SubAccount::new(&id(name), name, usage(row, MONTHS, now))
            .counts(counts.0, counts.1, counts.2)
            .created(&Month::of(now).plus(-row.born.unwrap_or(MONTHS)).start().to_string());
        if row.name == tables::ON_TRIAL {
            sub_account = sub_account.trial_until(now + SignedDuration::from_hours(12 * 24));
        }
        account = account.sub_account(sub_account);
    }
    let permission = |name: &str| id(&format!("northwind permission {name}"));
    let service = |name: &str| ServiceAccount::new(&id(&format!("northwind service {name}")), name);
    let _account = account
        .permission(
            Permission::all_buckets(&permission("everything"), "everything", Actions::AllOperations)
                .described("For administrators' tools"),
        )
        .permission(Permission::all_buckets(
            &permission("audit"),
            "audit",
            Actions::ReadOnly,
        ))
        .permission(Permission::bucket_prefix(
            &permission("write-logs"),
            "write-logs",
            "logs-",
            Actions::WriteOnly,
        ))
        .permission(Permission::bucket_names(
            &permission("media-pipeline"),
            "media-pipeline",
            &["media-originals", "media-renditions"],
            Actions::AllOperations,
        ))
        .permission(
            Permission::policy(
                &permission("warehouse-export"),
                "warehouse-export",
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::warehouse-*"]}]}"#,
            )
            .not_ready(),
        )
        .service_account(
            service("backup-writer")
                .described("Nightly backups; its keys end this week")
                .expires(date(now, 6))
                .permission(&permission("everything")),
        )
        .service_account(
            service("migration-2025")
                .described("Its keys ended last week")
                .expires(date(now, -7))
                .permission(&permission("everything")),
        )
        .service_account(service("log-shipper").permission(&permission("write-logs")))
        .service_account(
            service("media-ingest")
                .expires(ExpirationDate::Missing)
                .permission(&permission("media-pipeline")),
        )
        .service_account(
            service("monthly-reports")
                .described("Switched off until the audit is over")
                .disabled()
                .expires(date(now, 143))
                .permission(&permission("audit")),
        )
        .service_account(
            service("warehouse-export")
                .described("Still spreading to the regions")
                .not_ready()
                .expires(date(now, 365))
                .permission(&permission("warehouse-export")),
        );
}

fn fill_contoso(account: SimulatedAccount, now: Timestamp) {
    let permission = |name: &str| id(&format!("contoso permission {name}"));
    let service = |name: &str| ServiceAccount::new(&id(&format!("contoso service {name}")), name);
    let _account = buckets(account, tables::CONTOSO, MONTHS, now)
        .permission(Permission::bucket_prefix(
            &permission("backup-jobs"),
            "backup-jobs",
            "backup-",
            Actions::AllOperations,
        ))
        .permission(Permission::bucket_names(
            &permission("restore-tests"),
            "restore-tests",
            &["backup-sql-full", "backup-vm-weekly"],
            Actions::ReadOnly,
        ))
        .service_account(
            service("veeam-repository").expires(date(now, 21)).permission(&permission("backup-jobs")),
        )
        .service_account(service("restic").permission(&permission("backup-jobs")))
        .service_account(
            service("restore-drill").expires(date(now, 80)).permission(&permission("restore-tests")),
        );
}

/// The buckets of a table, as old as the account where the table does not say otherwise.
fn buckets(account: SimulatedAccount, rows: &[Row], age: i32, now: Timestamp) -> SimulatedAccount {
    rows.iter().fold(account, |account, row| account.bucket(row.name, usage(row, age, now)))
}

fn usage(row: &Row, age: i32, now: Timestamp) -> Usage {
    let curve = curve_of(row, age, now);
    Usage::curve(move |time| curve.at(time))
}

fn curve_of(row: &Row, age: i32, now: Timestamp) -> Curve {
    let months_back = |months: i32| Month::of(now).plus(-months).start();
    Curve {
        name: row.name,
        gigabytes: row.gigabytes,
        monthly_growth: row.monthly_growth,
        wave: row.wave,
        anchor: now,
        born: months_back(row.born.unwrap_or(age)),
        gone: row.gone.map(|days| midnight(now, -days)),
        migration: row.migrates.map(|side| Migration {
            start: midnight(now, -tables::MIGRATION.0),
            end: midnight(now, -tables::MIGRATION.1),
            side,
        }),
    }
}

/// An id of the form of the vendor's, always the same for the same name.
fn id(name: &str) -> String {
    let (high, low) = (hash(name), hash(&format!("{name} again")));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// 00:00 UTC of the day that is so many days after today.
fn midnight(now: Timestamp, days: i64) -> Timestamp {
    const DAY_SECONDS: i64 = 86_400;
    let day = now.as_second().div_euclid(DAY_SECONDS).saturating_add(days);
    Timestamp::from_second(day.saturating_mul(DAY_SECONDS)).unwrap_or(now)
}

/// That day as a date.
fn date(now: Timestamp, days: i64) -> jiff::civil::Date {
    Offset::UTC.to_datetime(midnight(now, days)).date()
}

#[cfg(test)]
mod tests;
