use crate::config::Series;
use crate::model::{Answer, Bucket, BucketHistory, Data, DropReason, Dropped, Expiry, Permissions, User};

/// Leaves out of an answer what the configuration wants no series for, and counts it in series.
///
/// Account totals always stay. Where there is more than the limit, the largest stay: they are what a bill or an alert
/// is about, and which ones they are changes least from poll to poll.
pub(super) fn admit(answer: Answer<Data>, series: &Series) -> Answer<Data> {
    let Answer { mut data, mut dropped } = answer;
    let mut budget = Budget { left: series.max_per_account, dropped: &mut dropped };
    match &mut data {
        Data::CurrentUsage(usage) => {
            budget.filter(&mut usage.buckets, |bucket| series.buckets.allows(&bucket.name), |_| 1);
            budget.keep_largest(
                &mut usage.sub_accounts,
                |sub_account| sub_account.usage_bytes.unwrap_or(0),
                |_| 6,
            );
            budget.keep_largest(&mut usage.buckets, |bucket| bucket.usage_bytes, |_| 1);
        }
        Data::MonthlyUsage(usage) => {
            budget.filter(&mut usage.buckets, |bucket| series.buckets.allows(&bucket.name), months);
            let newest =
                |months: &[crate::model::MonthTotal]| months.last().map_or(0, |month| month.average_bytes);
            budget.keep_largest(
                &mut usage.sub_accounts,
                |sub_account| newest(&sub_account.months),
                |sub_account| sub_account.months.len(),
            );
            budget.keep_largest(&mut usage.buckets, |bucket| newest(&bucket.months), months);
        }
        // Expiry, the five statuses, enabled and ready. What ends first is what somebody has to be warned of.
        Data::ServiceAccounts(accounts) => {
            budget.keep_largest(accounts, |account| urgency(account.expiry), |_| 8)
        }
        // The counts are of all of them, and a handful: the vendor has few kinds and actions.
        Data::Permissions(Permissions { counts, permissions }) => {
            budget.keep_largest(counts, |sort| sort.count, |_| 1);
            budget.keep_largest(permissions, |_| 0, |_| 1);
        }
        Data::Buckets(buckets) => {
            budget.filter(&mut buckets.buckets, |bucket| series.buckets.allows(&bucket.name), bucket_series);
            budget.keep_largest(&mut buckets.buckets, |bucket| bucket.size_bytes.unwrap_or(0), bucket_series);
        }
        // Whether the password has to change, and of each key: made, due, and switched on. The oldest key is what somebody
        // has to be told of.
        Data::Keys(users) => budget.keep_largest(users, oldest_key, |user| 1 + 3 * user.keys.len()),
        // A handful of regions, and the account's totals.
        Data::Billing(_) => {}
        Data::Credentials(_) => {}
    }
    Answer { data, dropped }
}

fn months(bucket: &BucketHistory) -> usize {
    bucket.months.len()
}

fn bucket_series(bucket: &Bucket) -> usize {
    usize::from(bucket.size_bytes.is_some()) + usize::from(bucket.objects.is_some())
}

/// The greater, the older the oldest key in use.
fn oldest_key(user: &User) -> u64 {
    let in_use = user.keys.iter().filter(|key| key.active != Some(false));
    let made = in_use.filter_map(|key| key.created).min();
    made.map_or(0, |at| u64::MAX.saturating_sub(at.as_second().max(0).unsigned_abs()))
}

/// The greater, the sooner something ends.
fn urgency(expiry: Expiry) -> u64 {
    match expiry {
        Expiry::At(end) => u64::MAX.saturating_sub(end.as_second().max(0).unsigned_abs()),
        Expiry::Unknown => 1,
        Expiry::Never => 0,
    }
}

struct Budget<'a> {
    left: usize,
    dropped: &'a mut Dropped,
}

impl Budget<'_> {
    fn filter<T>(&mut self, items: &mut Vec<T>, allows: impl Fn(&T) -> bool, series: impl Fn(&T) -> usize) {
        items.retain(|item| {
            let stays = allows(item);
            if !stays {
                self.dropped.add(DropReason::Filtered, series(item) as u64);
            }
            stays
        });
        items.shrink_to_fit();
    }

    /// Keeps as many of the largest items as the budget has series for; they stay in their order.
    fn keep_largest<T>(
        &mut self,
        items: &mut Vec<T>,
        size: impl Fn(&T) -> u64,
        series: impl Fn(&T) -> usize,
    ) {
        let wanted: usize = items.iter().map(&series).sum();
        if wanted <= self.left {
            self.left -= wanted;
            return;
        }
        let mut by_size: Vec<usize> = (0..items.len()).collect();
        by_size.sort_by_key(|index| std::cmp::Reverse(size(&items[*index])));
        let mut stays = vec![false; items.len()];
        for index in by_size {
            let needed = series(&items[index]);
            if needed > self.left {
                break;
            }
            self.left -= needed;
            stays[index] = true;
        }
        let mut stays = stays.into_iter();
        items.retain(|item| {
            let stays = stays.next().unwrap_or(false);
            if !stays {
                self.dropped.add(DropReason::Limit, series(item) as u64);
            }
            stays
        });
        items.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Filter;
    use crate::model::{
        AccessKey, BucketUsage, Buckets, CurrentUsage, Month, MonthTotal, MonthlyUsage, Permission,
        ServiceAccount,
    };

    fn current(buckets: &[(&str, u64)]) -> Answer<Data> {
        let buckets = buckets
            .iter()
            .map(|(name, usage_bytes)| BucketUsage { name: (*name).into(), usage_bytes: *usage_bytes });
        let usage =
            CurrentUsage { usage_bytes: Some(600), buckets: buckets.collect(), ..CurrentUsage::default() };
        Answer { data: Data::CurrentUsage(usage), dropped: Dropped::default() }
    }

    fn names(answer: &Answer<Data>) -> Vec<&str> {
        match &answer.data {
            Data::CurrentUsage(usage) => usage.buckets.iter().map(|bucket| &*bucket.name).collect(),
            Data::MonthlyUsage(usage) => usage.buckets.iter().map(|bucket| &*bucket.name).collect(),
            other => panic!("no buckets in {other:?}"),
        }
    }

    #[test]
    fn the_largest_stay_in_their_order_and_the_total_is_kept() {
        let series = Series { max_per_account: 2, ..Series::default() };
        let answer = admit(current(&[("a", 200), ("b", 100), ("c", 300)]), &series);
        assert_eq!(names(&answer), ["a", "c"]);
        assert_eq!(answer.dropped.get(DropReason::Limit), 1);
        let Data::CurrentUsage(usage) = &answer.data else { panic!() };
        assert_eq!(usage.usage_bytes, Some(600));
    }

    #[test]
    fn what_ends_first_stays() {
        let account = |id: &str, expiry| ServiceAccount {
            id: id.into(),
            name: id.into(),
            enabled: None,
            ready: None,
            expiry,
        };
        let end = |second| Expiry::At(jiff::Timestamp::from_second(second).unwrap());
        let listed = vec![
            account("a", Expiry::Never),
            account("b", end(2_000_000_000)),
            account("c", Expiry::Unknown),
            account("d", end(1_500_000_000)),
        ];
        let answer = Answer { data: Data::ServiceAccounts(listed), dropped: Dropped::default() };
        let answer = admit(answer, &Series { max_per_account: 16, ..Series::default() });
        let Data::ServiceAccounts(kept) = &answer.data else { panic!() };
        assert_eq!(kept.iter().map(|account| &*account.id).collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(answer.dropped.get(DropReason::Limit), 16);
    }

    #[test]
    fn permissions_that_are_not_listed_are_counted_all_the_same() {
        let permission = |id: &str, actions: &str| Permission {
            id: id.into(),
            name: id.into(),
            kind: "bucket-names".into(),
            actions: actions.into(),
            ready: Some(true),
        };
        let listed = [("a", "read-only"), ("b", "write-only"), ("c", "read-only"), ("d", "read-only")];
        let all = Permissions::of(listed.map(|(id, actions)| permission(id, actions)).to_vec());
        let answer = Answer { data: Data::Permissions(all.clone()), dropped: Dropped::default() };
        let answer = admit(answer, &Series { max_per_account: 4, ..Series::default() });
        let Data::Permissions(kept) = &answer.data else { panic!() };
        assert_eq!(kept.counts, all.counts);
        assert_eq!(kept.counts.iter().map(|sort| sort.count).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(kept.permissions, all.permissions[..2]);
        assert_eq!(answer.dropped.get(DropReason::Limit), 2);
    }

    #[test]
    fn buckets_with_sizes_are_chosen_as_others_and_their_count_stays() {
        let bucket = |name: &str, size_bytes, objects| Bucket { name: name.into(), size_bytes, objects };
        let buckets = Buckets {
            count: 4,
            buckets: vec![
                bucket("a", Some(1), Some(1)),
                bucket("b", None, None),
                bucket("c", Some(9), Some(1)),
                bucket("tmp-1", Some(99), None),
            ],
        };
        let answer = Answer { data: Data::Buckets(buckets), dropped: Dropped::default() };
        let exclude = vec![regex::Regex::new("^(?:tmp-.*)$").unwrap()];
        let series = Series { max_per_account: 3, buckets: Filter { include: Vec::new(), exclude } };
        let answer = admit(answer, &series);
        let Data::Buckets(kept) = &answer.data else { panic!() };
        assert_eq!(kept.count, 4);
        assert_eq!(kept.buckets, [bucket("c", Some(9), Some(1))]);
        assert_eq!(answer.dropped.get(DropReason::Filtered), 1);
        assert_eq!(answer.dropped.get(DropReason::Limit), 2);
    }

    #[test]
    fn users_with_the_oldest_keys_in_use_stay() {
        let user = |name: &str, active, year: i64| User {
            name: name.into(),
            kind: "user".into(),
            password_change_required: None,
            created: None,
            keys: vec![AccessKey {
                id: name.into(),
                active: Some(active),
                created: jiff::Timestamp::from_second(year * 31_556_952).ok(),
            }],
        };
        let users = vec![user("a", true, 50), user("b", false, 40), user("c", true, 45)];
        let answer = Answer { data: Data::Keys(users), dropped: Dropped::default() };
        let answer = admit(answer, &Series { max_per_account: 8, ..Series::default() });
        let Data::Keys(kept) = &answer.data else { panic!() };
        assert_eq!(kept.iter().map(|user| &*user.name).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(answer.dropped.get(DropReason::Limit), 4);
    }

    #[test]
    fn filtered_buckets_do_not_use_up_the_limit() {
        let exclude = vec![regex::Regex::new("^(?:tmp-.*)$").unwrap()];
        let series = Series { max_per_account: 1, buckets: Filter { include: Vec::new(), exclude } };
        let answer = admit(current(&[("data", 1), ("tmp-1", 2), ("tmp-2", 3)]), &series);
        assert_eq!(names(&answer), ["data"]);
        assert_eq!(answer.dropped.get(DropReason::Filtered), 2);
        assert_eq!(answer.dropped.get(DropReason::Limit), 0);
    }

    #[test]
    fn a_bucket_is_kept_with_all_its_months_or_not_at_all() {
        let month =
            |number, average_bytes| MonthTotal { month: Month::new(2026, number).unwrap(), average_bytes };
        let bucket =
            |name: &str, months: &[MonthTotal]| BucketHistory { name: name.into(), months: months.into() };
        let usage = MonthlyUsage {
            buckets: vec![
                bucket("large", &[month(8, 9), month(9, 9)]),
                bucket("small", &[month(8, 1), month(9, 1)]),
            ],
            ..MonthlyUsage::default()
        };
        let answer = Answer { data: Data::MonthlyUsage(usage), dropped: Dropped::default() };
        let answer = admit(answer, &Series { max_per_account: 3, ..Series::default() });
        assert_eq!(names(&answer), ["large"]);
        assert_eq!(answer.dropped.get(DropReason::Limit), 2);
    }
}
