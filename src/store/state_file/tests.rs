use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::model::{
    AccessKey, BilledDay, Billing, Bucket, BucketHistory, BucketUsage, Buckets, CurrentUsage, Data, Expiry,
    Logins, Month, MonthTotal, MonthlyUsage, Permission, PermissionCount, Permissions, RegionTransfer,
    ServiceAccount, Settled, SubAccount, SubAccountHistory, Timestamped, TransferDay, User,
};
use crate::poll::formats;
use crate::store::{RecentUsage, Source};

fn instant() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(), 0i32..1_000_000_000)
        .prop_filter_map("not in the calendar", |(second, nano)| Timestamp::new(second, nano).ok())
}

fn some<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(value)
}

fn text() -> impl Strategy<Value = Box<str>> {
    prop_oneof![any::<String>(), "[a-z\"\\\\\u{0}\n]{0,4}"].prop_map(Into::into)
}

/// Items in the order of their identities, none twice.
fn by_identity<T: std::fmt::Debug>(
    item: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<(Box<str>, T)>> {
    prop::collection::btree_map(text(), item, 0..6).prop_map(|items| items.into_iter().collect())
}

fn months() -> impl Strategy<Value = Box<[MonthTotal]>> {
    prop::collection::btree_map(0i32..120_000, any::<u64>(), 0..5).prop_map(|months| {
        let first = Month::new(0, 1).unwrap();
        let total = |(month, average_bytes)| MonthTotal { month: first.plus(month), average_bytes };
        months.into_iter().filter(|(month, _)| *month < 12 * 10_000).map(total).collect()
    })
}

type Remembered = (Collector, Timestamped<Option<AnyData>>);

fn good<T: Data>(data: impl Strategy<Value = T>) -> impl Strategy<Value = Option<Remembered>> {
    some((instant(), data).prop_map(|(at, data)| (T::COLLECTOR, Timestamped { at, data: Some(data.into()) })))
}

fn current_usage() -> impl Strategy<Value = CurrentUsage> {
    let number = || some(any::<u64>());
    let sub = (text(), number(), number(), (number(), number(), number()), some(instant()));
    (number(), number(), number(), by_identity(any::<u64>()), by_identity(sub)).prop_map(
        |(usage_bytes, bucket_count, usage_with_sub_accounts_bytes, buckets, subs)| CurrentUsage {
            usage_bytes,
            bucket_count,
            buckets: buckets
                .into_iter()
                .map(|(name, usage_bytes)| BucketUsage { name, usage_bytes })
                .collect(),
            usage_with_sub_accounts_bytes,
            sub_accounts: subs
                .into_iter()
                .map(|(id, (name, usage_bytes, users, (service_accounts, buckets, trial_days), created))| {
                    SubAccount {
                        id,
                        name,
                        usage_bytes,
                        users,
                        service_accounts,
                        buckets,
                        trial_days,
                        created,
                    }
                })
                .collect(),
        },
    )
}

fn monthly_usage() -> impl Strategy<Value = MonthlyUsage> {
    let settled = (0i32..100_000, 0i32..12).prop_map(|(first, length)| {
        let first = Month::new(0, 1).unwrap().plus(first);
        Settled { first, last: first.plus(length) }
    });
    let parts = (months(), by_identity(months()), by_identity((text(), months())), some(settled));
    parts.prop_map(|(all, buckets, subs, settled)| MonthlyUsage {
        months: all.into(),
        buckets: buckets.into_iter().map(|(name, months)| BucketHistory { name, months }).collect(),
        sub_accounts: subs
            .into_iter()
            .map(|(id, (name, months))| SubAccountHistory { id, name, months })
            .collect(),
        settled,
    })
}

fn expiry() -> impl Strategy<Value = Expiry> {
    prop_oneof![Just(Expiry::Unknown), Just(Expiry::Never), instant().prop_map(Expiry::At)]
}

fn day() -> impl Strategy<Value = Date> {
    (-9999i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

fn by_day<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<(Date, T)>> {
    prop::collection::btree_map(day(), value, 0..4).prop_map(|days| days.into_iter().collect())
}

fn figures() -> impl Strategy<Value = (Option<u64>, Option<u64>, Option<u64>)> {
    (some(any::<u64>()), some(any::<u64>()), some(any::<u64>()))
}

fn billing() -> impl Strategy<Value = Billing> {
    (day(), day(), by_day(figures()), by_identity(by_day(figures()))).prop_map(
        |(first, last, days, regions)| {
            let used = |(day, (used_bytes, ghost_bytes, objects))| BilledDay {
                day,
                used_bytes,
                ghost_bytes,
                objects,
            };
            let transfer = |(day, (upload_bytes, download_bytes, delete_bytes))| TransferDay {
                day,
                upload_bytes,
                download_bytes,
                delete_bytes,
            };
            let region = |(region, days): (_, Vec<_>)| RegionTransfer {
                region,
                days: days.into_iter().map(transfer).collect(),
            };
            Billing {
                first,
                last,
                days: days.into_iter().map(used).collect(),
                regions: regions.into_iter().map(region).collect(),
            }
        },
    )
}

fn buckets() -> impl Strategy<Value = Buckets> {
    (any::<u64>(), by_identity((some(any::<u64>()), some(any::<u64>())))).prop_map(|(count, items)| {
        let bucket = |(name, (size_bytes, objects))| Bucket { name, size_bytes, objects };
        Buckets { count, buckets: items.into_iter().map(bucket).collect() }
    })
}

fn keys() -> impl Strategy<Value = Vec<User>> {
    let keys = by_identity((some(any::<bool>()), some(instant())));
    by_identity((text(), some(any::<bool>()), some(instant()), keys)).prop_map(|users| {
        let key = |(id, (active, created))| AccessKey { id, active, created };
        let user = |(name, (kind, password_change_required, created, keys)): (_, (_, _, _, Vec<_>))| User {
            name,
            kind,
            password_change_required,
            created,
            keys: keys.into_iter().map(key).collect(),
        };
        users.into_iter().map(user).collect()
    })
}

fn memory() -> impl Strategy<Value = Memory> {
    let service_accounts = by_identity((text(), some(any::<bool>()), some(any::<bool>()), expiry()))
        .prop_map(|items| {
            let account =
                |(id, (name, enabled, ready, expiry))| ServiceAccount { id, name, enabled, ready, expiry };
            items.into_iter().map(account).collect::<Vec<_>>()
        });
    let permissions = by_identity((text(), text(), text(), some(any::<bool>()))).prop_map(|items| {
        let permission = |(id, (name, kind, actions, ready))| Permission { id, name, kind, actions, ready };
        items.into_iter().map(permission).collect::<Vec<_>>()
    });
    // All of them are counted, and some of them listed.
    let permissions = (permissions, any::<prop::sample::Index>()).prop_map(|(all, listed)| {
        let mut permissions = Permissions::of(all);
        permissions.permissions.truncate(listed.index(permissions.permissions.len() + 1));
        permissions
    });
    let answers = (
        some(instant().prop_map(|at| (Collector::CREDENTIALS, Timestamped { at, data: None }))),
        good(current_usage()),
        good(monthly_usage()),
        good(service_accounts),
        good(permissions),
        (good(billing()), good(buckets()), good(keys())),
    );
    let recent = prop::collection::vec((0i64..400, any::<u64>()), 0..5).prop_map(|figures| {
        let mut recent = RecentUsage::default();
        for (step, bytes) in figures {
            recent.record(Timestamp::constant(1_795_521_600 + step * 21_600, 0), bytes);
        }
        recent
    });
    (some(instant()), some(instant()), answers, recent).prop_map(
        |(
            last_accepted,
            rejected_at,
            (credentials, current, monthly, accounts, permissions, others),
            recent,
        )| {
            let answers =
                [credentials, current, monthly, accounts, permissions, others.0, others.1, others.2];
            Memory {
                logins: Logins { last_accepted, rejected_at },
                answers: answers.into_iter().flatten().collect(),
                recent: std::sync::Arc::new(recent),
            }
        },
    )
}

fn alert() -> impl Strategy<Value = KnownAlert> {
    let labels = prop::collection::btree_map(any::<String>(), any::<String>(), 0..3);
    let source = prop_oneof![Just(Source::Logins), Just(Source::ServiceAccounts), Just(Source::AccessKeys)];
    let times = (instant(), some(instant()), some(instant()));
    (labels, any::<String>(), any::<String>(), source, times).prop_map(
        |(labels, summary, description, source, (since, posted, ended))| KnownAlert {
            labels,
            summary,
            description,
            source,
            since,
            posted,
            ended,
        },
    )
}

fn state() -> impl Strategy<Value = State> {
    let identity = (any::<String>(), any::<String>()).prop_map(|(id, address)| Identity { id, address });
    let saved = (any::<String>(), identity, memory(), prop::collection::vec(alert(), 0..3));
    let saved = saved.prop_map(|(name, identity, memory, alerts)| Saved { name, identity, memory, alerts });
    (any::<String>(), prop::collection::vec(saved, 0..3))
        .prop_map(|(series, accounts)| State { series, accounts })
}

fn encoded(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(state, &formats(), &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn any_state_comes_back_as_it_was(state in state()) {
        let decoded = decode(&encoded(&state), &formats()).unwrap();
        prop_assert_eq!(format!("{decoded:?}"), format!("{state:?}"));
    }

    #[test]
    fn any_bytes_are_rejected_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&bytes, &formats()).is_err());
    }

    /// What is read from a damaged file can be shown: it is in order, and nothing overflows.
    #[test]
    fn a_damaged_state_is_rejected_or_harmless(
        state in state(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut bytes = encoded(&state);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(State { accounts, .. }) = decode(&bytes, &formats()) {
            let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
            for saved in accounts {
                let shown = crate::metrics::testing::state(crate::metrics::testing::spec("acme"), |state| {
                    state.recall(saved.memory.until(now));
                });
                let mut page = crate::exposition::Page::new();
                page.refresh(&[shown], now);
            }
        }
    }
}

#[test]
fn each_kind_of_stranger_is_told_from_the_others() {
    for (bytes, message) in [
        (&b""[..], "it is damaged: it ends too early, line 1 column 0"),
        (b"\0\0\0\0", "it is damaged: it is not JSON, line 1 column 1"),
        (b"{}", "it is not a state file of this program"),
        (br#"{"version": 1, "accounts": []}"#, "it is not a state file of this program"),
        (
            br#"{"format": "lyve-cloud-exporter state", "version": 2}"#,
            "it has version 2, and this program reads version 1",
        ),
        (
            br#"{"format": "lyve-cloud-exporter state", "version": 1}"#,
            "it is damaged: it has no list of accounts",
        ),
        (
            br#"{"format": "lyve-cloud-exporter state", "version": 1, "series": "", "accounts": [{"name": "a",
               "account_id": "a", "base_url": "", "permissions": {"at": "2026-11-24T12:00:00Z", "data": [
               {"id": "b", "name": "", "kind": "", "actions": "", "ready": null},
               {"id": "b", "name": "", "kind": "", "actions": "", "ready": null}]}}]}"#,
            "it is damaged: a list is out of order",
        ),
    ] {
        assert_eq!(decode(bytes, &formats()).unwrap_err().to_string(), message);
    }
}

#[test]
fn permissions_without_their_counts_are_counted() {
    let state = decode(
        br#"{"format": "lyve-cloud-exporter state", "version": 1, "series": "", "accounts": [{"name": "a",
        "account_id": "a", "base_url": "", "permissions": {"at": "2026-11-24T12:00:00Z", "data": [
        {"id": "b", "name": "", "kind": "policy", "actions": "", "ready": null},
        {"id": "c", "name": "", "kind": "policy", "actions": "", "ready": null}]}}]}"#,
        &formats(),
    );
    let memory = state.unwrap().accounts.remove(0).memory;
    let permissions = memory.answers[&Collector::PERMISSIONS].data.clone().unwrap();
    let counts = &permissions.get::<Permissions>().unwrap().counts;
    assert_eq!(*counts, [PermissionCount { kind: "policy".into(), actions: "".into(), count: 2 }]);
}

/// What earlier builds of this version wrote, with every key that they had.
#[test]
fn an_earlier_file_of_this_version_is_read_in_full() {
    let state = decode(include_bytes!("testdata/version-1.json"), &formats()).unwrap();
    let [acme, archive] = &state.accounts[..] else { panic!("{state:?}") };
    let known = |saved: &Saved| saved.memory.answers.keys().map(|known| known.name()).collect::<Vec<_>>();
    let names = ["credentials", "current_usage", "monthly_usage", "permissions", "service_accounts"];
    assert_eq!(known(acme), names);
    assert_eq!(known(archive), ["billing", "buckets", "keys"]);
    let at = |text: &str| Some(text.parse().unwrap());
    assert_eq!(acme.memory.logins.last_accepted, at("2026-11-24T11:00:00Z"));
    assert_eq!(archive.memory.logins.rejected_at, at("2026-11-24T11:59:00Z"));
    assert_eq!(acme.memory.answers[&Collector::CREDENTIALS].at, at("2026-11-24T11:57:00Z").unwrap());
    let months = acme.memory.answers[&Collector::MONTHLY_USAGE].data.clone().unwrap();
    let months = months.get::<MonthlyUsage>().unwrap();
    let settled = Settled { first: "2026-09".parse().unwrap(), last: "2026-10".parse().unwrap() };
    assert_eq!(months.settled, Some(settled));
    assert_eq!((months.months.len(), months.buckets.len(), months.sub_accounts.len()), (2, 1, 1));
    let permissions = acme.memory.answers[&Collector::PERMISSIONS].data.clone().unwrap();
    assert_eq!(permissions.get::<Permissions>().unwrap().counts[0].count, 7);
    let again = decode(&encoded(&state), &formats()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{state:?}"));
}

#[test]
fn it_is_readable_json_of_version_1() {
    let at = "2026-11-24T12:00:00Z".parse().unwrap();
    let usage = CurrentUsage {
        usage_bytes: Some(3),
        buckets: vec![BucketUsage { name: "backups".into(), usage_bytes: 3 }],
        ..CurrentUsage::default()
    };
    let answers = [(Collector::CURRENT_USAGE, Timestamped { at, data: Some(usage.into()) })];
    let memory = Memory { answers: answers.into(), ..Memory::default() };
    let identity = Identity { id: "b".to_owned(), address: "c".to_owned() };
    let saved = Saved { name: "a".to_owned(), identity, memory, alerts: Vec::new() };
    let text = String::from_utf8(encoded(&State { series: "d".to_owned(), accounts: vec![saved] })).unwrap();
    // A change of this is a change of the version.
    assert_eq!(
        text,
        concat!(
            r#"{"format":"lyve-cloud-exporter state","version":1,"series":"d","accounts":[{"name":"a","account_id":"b","#,
            r#""base_url":"c","last_accepted":null,"rejected_at":null,"current_usage":{"#,
            r#""at":"2026-11-24T12:00:00Z","data":{"usage_bytes":3,"bucket_count":null,"#,
            r#""buckets":[["backups",3]],"usage_with_sub_accounts_bytes":null,"sub_accounts":[]}}}]}"#,
            "\n"
        )
    );
}

#[test]
fn a_state_is_written_and_read_and_one_that_is_no_use_is_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.json");
    assert!(read(&path, &formats()).unwrap().is_none());
    Writer::default().write(&path, &State::default(), &formats()).unwrap();
    assert!(read(&path, &formats()).unwrap().is_some());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    std::fs::write(&path, "{").unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink("state.json", &link).unwrap();
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let moved = set_aside(&link, now).unwrap();
    assert_eq!(moved, directory.path().join("state.json.unusable-1795521600"));
    assert_eq!(std::fs::read_to_string(moved).unwrap(), "{");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn what_is_no_regular_file_is_neither_opened_nor_renamed() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(read(directory.path(), &formats()), Err(Unusable::Foreign)));
    let pipe = directory.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert!(matches!(read(&pipe, &formats()), Err(Unusable::Foreign)));
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    assert!(set_aside(&pipe, now).unwrap_err().to_string().contains("a pipe"));
    assert!(check(&pipe).unwrap_err().to_string().contains("a pipe"));
    assert!(
        Writer::default()
            .write(&pipe, &State::default(), &formats())
            .unwrap_err()
            .to_string()
            .contains("a pipe")
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_file_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.json");
    let (mut one, mut other) = (Writer::default(), Writer::default());
    // Both start without a file.
    one.claim(&path).unwrap();
    other.claim(&path).unwrap();
    for _ in 0..2 {
        one.write(&path, &State::default(), &formats()).unwrap();
        let before = std::fs::read(&path).unwrap();
        let rejected =
            other.write(&path, &State { series: "other".to_owned(), accounts: Vec::new() }, &formats());
        assert!(rejected.unwrap_err().to_string().contains("another exporter"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    drop(one);
    other.write(&path, &State::default(), &formats()).unwrap();
    other.release();
    Writer::default().claim(&path).unwrap();
}

#[test]
fn no_more_is_written_than_is_read() {
    let mut out = Vec::new();
    let mut bounded = Bounded { out: &mut out, left: 10 };
    bounded.write_all(b"0123456789").unwrap();
    assert!(bounded.write_all(b"x").is_err());
    assert_eq!(out.len(), 10);
}
