use proptest::prelude::*;

use super::*;
use crate::command::backfill::row::Subject;
use crate::model::{BilledDay, Billing, BucketHistory, MonthTotal, MonthlyUsage, SubAccountHistory};

fn key(first: &str, account_id: &str) -> Key {
    let first: Month = first.parse().unwrap();
    Key {
        identity: Identity { id: account_id.to_owned(), address: "https://example.com/v2".to_owned() },
        first,
        last: first.plus(5),
        keep_zeros: false,
    }
}

fn answered(figure: u64, names: &[&str]) -> Answered {
    let months = || vec![MonthTotal { month: "2026-05".parse().unwrap(), average_bytes: figure }];
    let buckets = names.iter().map(|name| BucketHistory { name: (*name).into(), months: months().into() });
    let subs =
        vec![SubAccountHistory { id: "8d1c".into(), name: "e\"mea\n".into(), months: months().into() }];
    Answered {
        is_final: true,
        usage: PastUsage::Months(MonthlyUsage {
            months: months(),
            buckets: buckets.collect(),
            sub_accounts: subs,
            settled: None,
        }),
    }
}

/// What is in the answer to `key`.
fn content(partial: &Partial, key: &Key) -> Vec<Row> {
    partial.rows(key).unwrap().collect::<Result<_, _>>().unwrap()
}

fn expected(answered: &Answered) -> Vec<Row> {
    rows(&answered.usage).collect()
}

#[test]
fn days_come_out_as_well() {
    let billing = Billing {
        first: "2026-10-01".parse().unwrap(),
        last: "2026-10-31".parse().unwrap(),
        days: vec![BilledDay {
            day: "2026-10-31".parse().unwrap(),
            used_bytes: Some(7),
            ghost_bytes: None,
            objects: Some(3),
        }],
        regions: Vec::new(),
    };
    let answered = Answered { is_final: true, usage: PastUsage::Days(billing) };
    let mut partial = Partial::unnamed().unwrap();
    let key = key("2026-05", "a");
    partial.add(key.clone(), &answered).unwrap();
    let figure = |kind| -> Vec<String> {
        let rows = content(&partial, &key).into_iter().filter(|Row(its, ..)| *its == kind);
        let figures = rows.flat_map(|Row(_, _, figures)| figures);
        figures.map(|figure| format!("{} {}", figure.0.0, figure.1)).collect()
    };
    assert_eq!(figure(Subject::Account), ["2026-10 7"]);
    assert_eq!(figure(Subject::Used), ["2026-10-31 7"]);
    assert_eq!(figure(Subject::Ghost), [""; 0]);
    assert_eq!(figure(Subject::Objects), ["2026-10-31 3"]);
}

#[test]
fn what_goes_in_comes_out_by_kinds_now_and_after_it_was_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("past.om.partial");
    let keys = [key("2026-05", "a"), key("2025-11", "a"), key("2026-05", "b")];
    let mut partial = Partial::open(&path).unwrap();
    for (key, figure) in keys.iter().zip(1..) {
        assert!(!partial.has(key));
        partial.add(key.clone(), &answered(figure, &["b1", "b2"])).unwrap();
    }
    let check = |partial: &Partial| {
        for (key, figure) in keys.iter().zip(1..) {
            assert!(partial.has(key));
            assert_eq!(content(partial, key), expected(&answered(figure, &["b1", "b2"])));
        }
    };
    check(&partial);
    assert!(Partial::open(&path).unwrap_err().to_string().contains("another backfill"));
    drop(partial);
    let mut partial = Partial::open(&path).unwrap();
    check(&partial);
    // The same question once more, with another answer: the later one counts.
    partial.add(keys[0].clone(), &answered(9, &[])).unwrap();
    drop(partial);
    let partial = Partial::open(&path).unwrap();
    assert_eq!(content(&partial, &keys[0]), expected(&answered(9, &[])));
    partial.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn what_may_still_change_is_not_taken_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("past.om.partial");
    let mut partial = Partial::open(&path).unwrap();
    partial.add(key("2026-05", "a"), &Answered { is_final: false, ..answered(1, &["b"]) }).unwrap();
    assert!(partial.has(&key("2026-05", "a")));
    drop(partial);
    assert!(!Partial::open(&path).unwrap().has(&key("2026-05", "a")));
}

#[test]
fn one_without_a_name_works_the_same() {
    let mut partial = Partial::unnamed().unwrap();
    let key = key("2026-05", "a");
    partial.add(key.clone(), &answered(1, &["b"])).unwrap();
    assert_eq!(content(&partial, &key), expected(&answered(1, &["b"])));
    assert_eq!(content(&partial, &self::key("2025-05", "a")), []);
    assert!(partial.path().is_none());
    partial.remove().unwrap();
}

#[test]
fn neither_a_foreign_file_nor_a_link_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("past.om.partial");
    fs::write(&path, "my diary").unwrap();
    assert!(Partial::open(&path).unwrap_err().to_string().contains("remove it"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "my diary");
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(Partial::open(&link).is_err());
}

proptest! {
    /// However a file was cut off or damaged, what is taken from it is whole parts as they were written, in their order.
    #[test]
    fn a_part_counts_whole_or_not_at_all(cut in 0_usize..1200, flip in prop::option::of((0_usize..1200, 1_u8..))) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("past.om.partial");
        let keys = [key("2026-05", "a"), key("2025-11", "a"), key("2026-05", "b")];
        let mut partial = Partial::open(&path).unwrap();
        for (key, figure) in keys.iter().zip(1..) {
            partial.add(key.clone(), &answered(figure, &["b1", "b2"])).unwrap();
        }
        drop(partial);
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(cut.max(1));
        if let Some((at, mask)) = flip && let Some(byte) = bytes.get_mut(at) {
            *byte ^= mask;
        }
        fs::write(&path, &bytes).unwrap();
        // Without its first line it is another's file.
        let Ok(mut partial) = Partial::open(&path) else {
            prop_assert!(flip.is_some_and(|(at, _)| at < MAGIC.len()));
            return Ok(());
        };
        let found = keys.iter().take_while(|key| partial.has(key)).count();
        prop_assert!(keys[found..].iter().all(|key| !partial.has(key)));
        for (key, figure) in keys[..found].iter().zip(1..) {
            prop_assert_eq!(content(&partial, key), expected(&answered(figure, &["b1", "b2"])));
        }
        // It goes on from there.
        for (key, figure) in keys.iter().zip(1..).skip(found) {
            partial.add(key.clone(), &answered(figure, &["b1", "b2"])).unwrap();
        }
        drop(partial);
        let partial = Partial::open(&path).unwrap();
        prop_assert!(keys.iter().all(|key| partial.has(key)));
    }
}
