//! The demo's account of the vendor's current platform: an archive in two regions, with what is worth a warning there.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::config::Secret;
use crate::model::Month;
use crate::simulator::{DailyTransfer, Figure, ObjectStorageAccount, Simulator, Transfer, User, UserKind};

use super::MONTHS;
use super::curve::{Curve, Wave, hash};
use super::tables::{ARCHIVE_GLOBAL, ARCHIVE_GLOBAL_DELETED, Row};

/// How old an access key may become.
const MAX_AGE: Duration = Duration::from_secs(90 * 86_400);

/// The account as one would configure it.
#[derive(Clone, Debug)]
pub struct ObjectStorageDemo {
    /// The label `account`.
    pub name: &'static str,
    /// The first half of the root user's pair.
    pub access_key: Secret,
    /// The second half of the pair.
    pub secret: Secret,
    /// The age at which an access key is due for rotation.
    pub max_age: Duration,
}

/// The account of this platform.
#[must_use]
pub fn object_storage_account() -> ObjectStorageDemo {
    ObjectStorageDemo {
        name: NAME,
        access_key: Secret::new(access_key("owner")),
        secret: Secret::new(format!("demo-{:016x}", hash(NAME))),
        max_age: MAX_AGE,
    }
}

const NAME: &str = "archive-global";

fn access_key(user: &str) -> String {
    format!("AKDEMO{:08X}", hash(&format!("{NAME} {user}")) >> 32)
}

pub(super) fn fill(simulator: &Simulator, now: Timestamp) {
    let configured = object_storage_account();
    let account = simulator
        .object_storage_account(NAME)
        .access_key(configured.access_key.expose())
        .secret(configured.secret.expose());
    let account = figures(account, now);
    let account = buckets(account, now);
    let _account = users(account, now);
}

/// What is billed over time, bytes.
pub fn usage_over_time(now: Timestamp) -> impl Fn(Timestamp) -> u64 + use<> {
    const PER_MILLE_OF_THE_BUCKETS: u64 = 1034;
    let held: Vec<Curve> = ARCHIVE_GLOBAL.iter().map(|row| curve(&row.usage, now)).collect();
    move |time| {
        let bytes: u64 = held.iter().map(|curve| bytes(curve, time)).sum();
        bytes / 1000 * PER_MILLE_OF_THE_BUCKETS
    }
}

/// What is billed. It is more than the buckets hold together, as it is on the wire.
fn figures(account: ObjectStorageAccount, now: Timestamp) -> ObjectStorageAccount {
    let since = Month::of(now).plus(-MONTHS).start();
    let curves: Vec<_> =
        ARCHIVE_GLOBAL.iter().map(|row| (row.objects_per_gb, curve(&row.usage, now))).collect();
    let used = usage_over_time(now);
    let objects = move |time| curves.iter().map(|(per_gb, curve)| objects(curve, *per_gb, time)).sum();
    // Deleted within the time for which the vendor bills what is deleted.
    let ghosts = curve(&Row::new("ghosts", 9_420.6, 0.03, Wave::Rotating), now);
    account
        .since(Offset::UTC.to_datetime(since).date())
        .used_space(Figure::curve(used))
        .ghost_space(Figure::curve(move |time| bytes(&ghosts, time)))
        .objects(Figure::curve(objects))
        .region("us-east-1", transfer("us-east-1", 842, 61, 130))
        .region("eu-west-1", transfer("eu-west-1", 317, 204, 48))
}

/// Transfer around so many GB a day, more on some days than on others.
fn transfer(region: &'static str, upload: u64, download: u64, delete: u64) -> DailyTransfer {
    DailyTransfer::by_day(move |day: Date| {
        let part = |what: &str, gigabytes: u64| {
            let chance = hash(&format!("{region} {what} {day}")) % 1000;
            gigabytes * (600 + chance) * 1_000_000
        };
        Transfer {
            upload: part("upload", upload),
            download: part("download", download),
            delete: part("delete", delete),
        }
    })
}

fn buckets(account: ObjectStorageAccount, now: Timestamp) -> ObjectStorageAccount {
    let account = ARCHIVE_GLOBAL.iter().fold(account, |account, row| {
        let per_gb = row.objects_per_gb;
        let (size, count) = (curve(&row.usage, now), curve(&row.usage, now));
        let size = Figure::curve(move |time| bytes(&size, time));
        let count = Figure::curve(move |time| objects(&count, per_gb, time));
        account.bucket(row.usage.name, size, count)
    });
    let account = account.replicated("records-vault", "to-eu-west-1");
    ARCHIVE_GLOBAL_DELETED
        .iter()
        .fold(account, |account, (name, size, objects)| account.deleted_bucket(name, *size, *objects))
}

fn users(account: ObjectStorageAccount, now: Timestamp) -> ObjectStorageAccount {
    let ago = |days: i64| super::midnight(now, -days) + SignedDuration::from_mins(9 * 60 + 41);
    account
        .user(
            User::new("owner", ago(400))
                .kind(UserKind::Root)
                .last_access(ago(1))
                .key(&access_key("owner"), ago(34)),
        )
        .user(User::new("ops-admin", ago(396)).kind(UserKind::Admin).last_access(ago(2)))
        // Past the age that the configuration allows.
        .user(User::new("backup-writer", ago(131)).key(&access_key("backup-writer"), ago(131)))
        // Close to it.
        .user(User::new("records-scanner", ago(80)).key(&access_key("records-scanner"), ago(80)))
        .user(
            User::new("ci-deploy", ago(220))
                .inactive_key(&access_key("ci-deploy, the old one"), ago(220))
                .key(&access_key("ci-deploy"), ago(5)),
        )
        .user(User::new("j.doe", ago(3)).must_change_password())
}

fn curve(row: &Row, now: Timestamp) -> Curve {
    super::curve_of(row, MONTHS, now)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a curve is positive and far below 2^53"
)]
fn megabytes(curve: &Curve, time: Timestamp) -> u64 {
    curve.at(time).map_or(0, |gigabytes| (gigabytes * 1000.0).round() as u64)
}

pub(super) fn bytes(curve: &Curve, time: Timestamp) -> u64 {
    megabytes(curve, time) * 1_000_000
}

fn objects(curve: &Curve, per_gb: u64, time: Timestamp) -> u64 {
    megabytes(curve, time) * per_gb / 1000
}
