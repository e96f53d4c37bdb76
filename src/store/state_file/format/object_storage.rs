//! What is kept of an account of the platform since 2024.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::{List, ascending};
use crate::model::{AccessKey, BilledDay, Billing, Bucket, Buckets, RegionTransfer, TransferDay, User};
use crate::text::Text;

/// Day, used bytes, ghost bytes, objects; or day, upload, download and delete bytes.
type DayRecord = (Text<Date>, Option<u64>, Option<u64>, Option<u64>);

pub(super) struct BillingOut<'a>(pub(super) &'a Billing);

impl Serialize for BillingOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Billing { first, last, days, regions } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("first", &Text(first))?;
        map.serialize_entry("last", &Text(last))?;
        let day = |day: &BilledDay| (Text(day.day), day.used_bytes, day.ghost_bytes, day.objects);
        map.serialize_entry("days", &List(days, day))?;
        map.serialize_entry("regions", &List(regions, |region| (&*region.region, transfers(&region.days))))?;
        map.end()
    }
}

fn transfers(days: &[TransferDay]) -> List<'_, TransferDay, DayRecord> {
    List(days, |day| (Text(day.day), day.upload_bytes, day.download_bytes, day.delete_bytes))
}

#[derive(Deserialize)]
pub(super) struct BillingIn {
    first: Text<Date>,
    last: Text<Date>,
    days: Vec<DayRecord>,
    regions: Vec<(Box<str>, Vec<DayRecord>)>,
}

impl BillingIn {
    pub(super) fn billing(self) -> Result<Billing, String> {
        let day = |(Text(day), used_bytes, ghost_bytes, objects): DayRecord| BilledDay {
            day,
            used_bytes,
            ghost_bytes,
            objects,
        };
        let transfer = |(Text(day), upload_bytes, download_bytes, delete_bytes): DayRecord| TransferDay {
            day,
            upload_bytes,
            download_bytes,
            delete_bytes,
        };
        let regions = self.regions.into_iter().map(|(region, days)| {
            let days = ascending(days.into_iter().map(transfer), |transfer| &transfer.day)?;
            Ok(RegionTransfer { region, days: days.into() })
        });
        let regions: Vec<_> = regions.collect::<Result<_, String>>()?;
        Ok(Billing {
            first: self.first.0,
            last: self.last.0,
            days: ascending(self.days.into_iter().map(day), |day| &day.day)?,
            regions: ascending(regions.into_iter(), |region| &region.region)?,
        })
    }
}

pub(super) struct BucketsOut<'a>(pub(super) &'a Buckets);

impl Serialize for BucketsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.0.count)?;
        let bucket = |bucket: &'_ Bucket| (bucket.name.clone(), bucket.size_bytes, bucket.objects);
        map.serialize_entry("buckets", &List(&self.0.buckets, bucket))?;
        map.end()
    }
}

#[derive(Deserialize)]
pub(super) struct BucketsIn {
    count: u64,
    buckets: Vec<(Box<str>, Option<u64>, Option<u64>)>,
}

impl BucketsIn {
    pub(super) fn buckets(self) -> Result<Buckets, String> {
        let buckets =
            self.buckets.into_iter().map(|(name, size_bytes, objects)| Bucket { name, size_bytes, objects });
        Ok(Buckets { count: self.count, buckets: ascending(buckets, |bucket| &bucket.name)? })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct UserRecord<'a> {
    name: Cow<'a, str>,
    kind: Cow<'a, str>,
    password_change_required: Option<bool>,
    created: Option<Text<Timestamp>>,
    keys: Vec<KeyRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct KeyRecord<'a> {
    id: Cow<'a, str>,
    active: Option<bool>,
    created: Option<Text<Timestamp>>,
}

impl<'a> UserRecord<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        let key = |key: &'a AccessKey| KeyRecord {
            id: Cow::Borrowed(&key.id),
            active: key.active,
            created: key.created.map(Text),
        };
        Self {
            name: Cow::Borrowed(&user.name),
            kind: Cow::Borrowed(&user.kind),
            password_change_required: user.password_change_required,
            created: user.created.map(Text),
            keys: user.keys.iter().map(key).collect(),
        }
    }

    fn user(self) -> Result<User, String> {
        let key = |key: KeyRecord<'_>| AccessKey {
            id: key.id.into(),
            active: key.active,
            created: key.created.map(|Text(at)| at),
        };
        Ok(User {
            name: self.name.into(),
            kind: self.kind.into(),
            password_change_required: self.password_change_required,
            created: self.created.map(|Text(at)| at),
            keys: ascending(self.keys.into_iter().map(key), |key| &key.id)?,
        })
    }
}

pub(super) fn users(records: Vec<UserRecord<'_>>) -> Result<Vec<User>, String> {
    let users: Vec<_> = records.into_iter().map(UserRecord::user).collect::<Result<_, String>>()?;
    ascending(users.into_iter(), |user| &user.name)
}
