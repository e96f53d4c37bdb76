//! What an account stores, whichever of the vendor's APIs it is watched through.

use std::cmp::{Ordering, Reverse};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::model::{Billing, Buckets, CurrentUsage, SubAccount};
use crate::store::{AccountState, BucketNow};

/// The figures of an account. What is not known is `None`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<'a> {
    /// When the vendor was asked; the older of two answers.
    pub(super) at: Timestamp,
    /// Bytes: month to date, or on `day`.
    pub(super) usage_bytes: Option<u64>,
    /// The newest day that has figures, of an account that is billed by day.
    pub(super) day: Option<Date>,
    /// Deleted, but still billed.
    pub(super) ghost_bytes: Option<u64>,
    /// How many objects it holds.
    pub(super) objects: Option<u64>,
    /// How many buckets it has, listed or not.
    pub(super) buckets: Option<u64>,
    /// With what its sub-accounts store, bytes.
    pub(super) with_sub_accounts_bytes: Option<u64>,
    /// Those.
    pub(super) sub_accounts: &'a [SubAccount],
}

impl<'a> Stored<'a> {
    /// What is known at `now`; `None` where no answer is new enough.
    pub(super) fn of(state: &'a AccountState, now: Timestamp) -> Option<Self> {
        let current = state.good::<CurrentUsage>(now);
        let (billing, buckets) = (state.good::<Billing>(now), state.good::<Buckets>(now));
        let asked = [current.map(|good| good.at), billing.map(|good| good.at), buckets.map(|good| good.at)];
        let newest = billing.and_then(|good| good.data.newest());
        Some(Self {
            at: asked.into_iter().flatten().min()?,
            usage_bytes: state.usage_now(now).map(|usage| usage.bytes),
            day: newest.map(|day| day.day),
            ghost_bytes: newest.and_then(|day| day.ghost_bytes),
            objects: newest.and_then(|day| day.objects),
            buckets: state.bucket_count(now),
            with_sub_accounts_bytes: current.and_then(|good| good.data.usage_with_sub_accounts_bytes),
            sub_accounts: current.map_or(&[], |good| &good.data.sub_accounts),
        })
    }
}

/// Which of two buckets comes first.
pub(super) fn largest_first(a: &BucketNow<'_>, b: &BucketNow<'_>) -> Ordering {
    (Reverse(a.bytes), a.name).cmp(&(Reverse(b.bytes), b.name))
}

#[cfg(test)]
pub(super) mod testing {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::civil::{Date, date};

    use crate::metrics::testing::{TOOK, answer, at, spec, state};
    use crate::model::{
        AccessKey, BilledDay, Billing, Bucket, Buckets, Collector, Expiry, RegionTransfer, TransferDay, User,
    };
    use crate::store::{AccountSpec, AccountState};

    pub(crate) const NOW: &str = "2026-11-24T12:00:00Z";

    fn key(id: &str, active: bool, created: &str) -> AccessKey {
        AccessKey { id: id.into(), active: Some(active), created: Some(at(created)) }
    }

    fn user(name: &str, kind: &str, password_change_required: bool, keys: Vec<AccessKey>) -> User {
        User {
            name: name.into(),
            kind: kind.into(),
            password_change_required: Some(password_change_required),
            created: Some(at("2025-11-24T12:00:00Z")),
            keys,
        }
    }

    fn billed(day: Date, used_bytes: u64) -> BilledDay {
        BilledDay {
            day,
            used_bytes: Some(used_bytes),
            ghost_bytes: Some(402_901_552_935),
            objects: Some(18_499),
        }
    }

    /// An account of the platform since 2024 whose keys are due after 90 days: one is overdue, one will be in twelve days, one
    /// is young, and one is switched off.
    pub(crate) fn modern() -> Arc<AccountState> {
        let spec = AccountSpec {
            credential: Expiry::Never,
            api: "object_storage",
            collectors: Collector::OBJECT_STORAGE.to_vec(),
            max_key_age: Some(Duration::from_secs(90 * 86_400)),
            ..spec("modern")
        };
        let yesterday = date(2026, 11, 23);
        let transfer = TransferDay {
            day: yesterday,
            upload_bytes: Some(12_000_000_000),
            download_bytes: Some(3_000_000_000),
            delete_bytes: None,
        };
        let billing = Billing {
            first: date(2026, 9, 1),
            last: yesterday,
            days: vec![
                billed(date(2026, 9, 30), 4_000_000_000_000),
                billed(date(2026, 10, 31), 5_000_000_000_000),
                billed(yesterday, 6_485_663_588_183),
            ],
            regions: vec![RegionTransfer { region: "US-EAST-1".into(), days: [transfer].into() }],
        };
        let bucket = |name: &str, size_bytes, objects| Bucket { name: name.into(), size_bytes, objects };
        let buckets = Buckets {
            count: 2,
            buckets: vec![
                bucket("backups", Some(6_000_000_000_000), Some(18_000)),
                bucket("new", None, None),
            ],
        };
        let users = vec![
            user("alice", "admin", true, vec![key("AKOFF", false, "2024-01-01T00:00:00Z")]),
            user(
                "backup",
                "user",
                false,
                vec![key("AKOLD", true, "2026-08-01T00:00:00Z"), key("AKSOON", true, "2026-09-07T12:00:00Z")],
            ),
            user("root", "root", false, vec![key("AKNEW", true, "2026-11-01T00:00:00Z")]),
        ];
        state(spec, |state| {
            let asked = at("2026-11-24T11:57:00Z");
            state.succeed(answer(billing), asked, TOOK);
            state.succeed(answer(buckets), asked, TOOK);
            state.succeed(answer(users), asked, TOOK);
        })
    }
}
