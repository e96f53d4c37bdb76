//! `RSListBillingData`: usage by day.

use std::collections::BTreeMap;
use std::io::BufRead;

use jiff::civil::Date;
use jiff::tz::Offset;
use serde::de::{IgnoredAny, MapAccess};

use crate::api::consistent::{Consistent, Listed, consistent};
use crate::api::figure::{self, Absurd};
use crate::api::wire::{self, KeyOf, MAX_NAME, Scalar, Seed, Shape, Take, Undecodable, each, record};
use crate::model::{BilledDay, Billing, Collected, DropReason, Dropped, RegionTransfer, TransferDay};

/// Far more than there are regions.
const MAX_REGIONS: usize = 1000;

record!(UsedItem { date = "Date", used = "UsedSpace", ghost = "GhostSpace" });
record!(ObjectItem { date = "Date", objects = "ObjectCount" });
record!(TransferItem {
    date = "Date",
    upload = "UploadBytes",
    download = "DownloadBytes",
    delete = "DeleteBytes",
});

/// Understands the figures of the days from `first` to `last`, both included; what else the answer has is passed over:
/// the day that is not over is always there (seen on the wire).
pub(super) fn billing(
    body: impl BufRead,
    first: Date,
    last: Date,
) -> Result<Collected<Billing>, Undecodable> {
    let mut root = Root {
        days: first..=last,
        used: BTreeMap::new(),
        objects: BTreeMap::new(),
        regions: BTreeMap::new(),
        found: false,
        listed: [Listed::default(); 3],
        dropped: Dropped::default(),
        fault: None,
    };
    wire::read_object(body, &mut root)?;
    if let Some(fault) = root.fault.take() {
        return Err(fault);
    }
    // An answer without any of them is a page of something else.
    if !root.found {
        return Err("none of UsedSpace, ObjectCount and Stats is there".into());
    }
    let root = consistent(root)?;
    let days = days(root.used, root.objects);
    let has_figures = |day: &Date| days.binary_search_by_key(day, |known| known.day).is_ok();
    let regions = root.regions.into_iter().map(|(region, transfers)| RegionTransfer {
        region,
        days: transfers.into_values().filter(|transfer| has_figures(&transfer.day)).collect(),
    });
    let regions = regions.filter(|region| !region.days.is_empty()).collect();
    Ok(Collected { data: Billing { first, last, days, regions }, dropped: root.dropped })
}

type Used = (Option<u64>, Option<u64>);

/// Puts together what is known of each day. The vendor has an entry for each day that was asked for, and fills those
/// without data with zeros (seen on the wire), so zeros everywhere are no figures.
fn days(used: BTreeMap<Date, Used>, mut objects: BTreeMap<Date, u64>) -> Vec<BilledDay> {
    let mut days: BTreeMap<Date, (Used, Option<u64>)> =
        used.into_iter().map(|(day, used)| (day, (used, objects.remove(&day)))).collect();
    days.extend(objects.into_iter().map(|(day, count)| (day, ((None, None), Some(count)))));
    let zero = |figure: Option<u64>| figure.unwrap_or(0) == 0;
    days.into_iter()
        .filter_map(|(day, ((used_bytes, ghost_bytes), objects))| {
            let (no_space, no_objects) = (zero(used_bytes) && zero(ghost_bytes), zero(objects));
            match (no_space, no_objects) {
                (true, true) => None,
                // One list may be filled in later than the other.
                (true, false) => Some(BilledDay { day, used_bytes: None, ghost_bytes: None, objects }),
                (false, true) if !zero(used_bytes) => {
                    Some(BilledDay { day, used_bytes, ghost_bytes, objects: None })
                }
                (false, _) => Some(BilledDay { day, used_bytes, ghost_bytes, objects }),
            }
        })
        .collect()
}

struct Root {
    days: std::ops::RangeInclusive<Date>,
    used: BTreeMap<Date, Used>,
    objects: BTreeMap<Date, u64>,
    regions: BTreeMap<Box<str>, BTreeMap<Date, TransferDay>>,
    found: bool,
    /// The days of `UsedSpace`, `ObjectCount` and all regions.
    listed: [Listed; 3],
    dropped: Dropped,
    fault: Option<Undecodable>,
}

impl Consistent for Root {
    fn contradiction(&self) -> Option<Undecodable> {
        let [used, objects, transfer] = self.listed;
        let lists =
            [(used, "days of UsedSpace"), (objects, "days of ObjectCount"), (transfer, "days of Stats")];
        let useless = lists.into_iter().find_map(|(list, things)| list.useless(things, "a date"));
        useless.or_else(|| {
            let used = || self.used.values().filter_map(|(used, _)| *used);
            // A single day may have one list filled in later than the other.
            let nothing_used = used().next().is_some() && used().all(|bytes| bytes == 0);
            let any_objects = self.objects.values().any(|count| *count > 0);
            (nothing_used && any_objects).then(|| "UsedSpace is 0 on each day, and there are objects".into())
        })
    }
}

impl Take for Root {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(KeyOf(&["UsedSpace", "ObjectCount", "Stats"]))? {
            self.found |= key.is_some();
            let Self { days, used, objects, dropped, listed: [used_days, object_days, _], .. } = self;
            let shape = match key {
                Some("UsedSpace") => object.next_value_seed(Seed(&mut each(|item: Option<UsedItem>| {
                    let figures =
                        |item: &UsedItem| Ok((figure::whole(&item.used)?, figure::whole(&item.ghost)?));
                    take(item, days, used, (used_days, dropped), |item| &item.date, figures);
                })))?,
                Some("ObjectCount") => {
                    object.next_value_seed(Seed(&mut each(|item: Option<ObjectItem>| {
                        let count = |item: &ObjectItem| Ok(figure::whole(&item.objects)?.unwrap_or(0));
                        take(item, days, objects, (object_days, dropped), |item| &item.date, count);
                    })))?
                }
                Some(_) => {
                    let mut regions = Regions(self);
                    let shape = object.next_value_seed(Seed(&mut regions))?;
                    wire::expect(Shape::Object, shape, "Stats", &mut self.fault);
                    continue;
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            wire::expect(Shape::List, shape, key.unwrap_or_default(), &mut self.fault);
        }
        Ok(())
    }
}

/// Puts the figures of one item under its day. The first item of a day counts.
fn take<R, T>(
    item: Option<R>,
    days: &std::ops::RangeInclusive<Date>,
    into: &mut BTreeMap<Date, T>,
    (listed, dropped): (&mut Listed, &mut Dropped),
    date: impl Fn(&R) -> &Scalar,
    figures: impl Fn(&R) -> Result<T, Absurd>,
) {
    let dated = item.and_then(|item| Some((day(date(&item))?, item)));
    listed.add(dated.is_some());
    let Some((day, item)) = dated else {
        dropped.add(DropReason::Invalid, 1);
        return;
    };
    if !days.contains(&day) {
        return;
    }
    match figures(&item) {
        Err(Absurd) => dropped.add(DropReason::Invalid, 1),
        Ok(_) if into.contains_key(&day) => dropped.add(DropReason::Duplicate, 1),
        Ok(figures) => drop(into.insert(day, figures)),
    }
}

fn day(date: &Scalar) -> Option<Date> {
    figure::instant(date.as_text()?).map(|at| Offset::UTC.to_datetime(at).date())
}

/// The object of `Stats`, whose keys are regions.
struct Regions<'a>(&'a mut Root);

impl Take for Regions<'_> {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(region) = object.next_key::<String>()? {
            let Root { days, regions, dropped, fault, listed: [_, _, transfer_days], .. } = &mut *self.0;
            if regions.len() >= MAX_REGIONS {
                return Err(wire::too_many());
            }
            let mut transfers = BTreeMap::new();
            let shape = object.next_value_seed(Seed(&mut each(|item: Option<TransferItem>| {
                let figures = |item: &TransferItem| {
                    Ok(TransferDay {
                        day: day(&item.date).unwrap_or_default(),
                        upload_bytes: figure::whole(&item.upload)?,
                        download_bytes: figure::whole(&item.download)?,
                        delete_bytes: figure::whole(&item.delete)?,
                    })
                };
                take(item, days, &mut transfers, (transfer_days, dropped), |item| &item.date, figures);
            })))?;
            wire::expect(Shape::List, shape, "a region of Stats", fault);
            if region.is_empty() || region.len() > MAX_NAME {
                dropped.add(DropReason::Invalid, 1);
            } else if regions.contains_key(&*region) {
                dropped.add(DropReason::Duplicate, 1);
            } else {
                regions.insert(region.into(), transfers);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> Result<Collected<Billing>, Undecodable> {
        billing(body.as_bytes(), date(2026, 11, 1), date(2026, 11, 23))
    }

    fn day(number: i8, used: Option<u64>, ghost: Option<u64>, objects: Option<u64>) -> BilledDay {
        BilledDay { day: date(2026, 11, number), used_bytes: used, ghost_bytes: ghost, objects }
    }

    #[test]
    fn days_in_any_order_and_with_any_fraction_of_a_second() {
        let answer = read(
            r#"{"Stats": {"US-WEST-1": null, "US-EAST-1": [
                    {"Date": "2026-11-24T00:00:00Z", "UploadBytes": 9},
                    {"Date": "2026-11-23T00:00:00.000000000Z", "UploadBytes": 1, "DownloadBytes": "2", "DeleteBytes": 3.0},
                    {"Date": "2026-11-02T00:00:00Z", "UploadBytes": 5}]},
                "UsedSpace": [
                    {"Date": "2026-11-24T00:00:00Z", "UsedSpace": 7, "GhostSpace": 7},
                    {"Date": "2026-11-23T00:00:00.123456789Z", "UsedSpace": 6485663588183, "GhostSpace": "402901552935"},
                    {"Date": "2026-11-21T00:00:00.5Z", "UsedSpace": 9007199254740993, "New": {"a": [1]}},
                    {"Date": "2026-11-22T00:00:00Z", "UsedSpace": 0, "GhostSpace": 3}],
                "ObjectCount": [{"Date": "2026-11-23", "ObjectCount": 18499}, {"Date": "2026-11-22", "ObjectCount": 0}],
                "UseDecimalByte": true, "Tomorrow": null}"#,
        )
        .unwrap();
        assert_eq!(
            answer.data.days,
            [
                day(21, Some(9_007_199_254_740_993), None, None),
                day(22, Some(0), Some(3), Some(0)),
                day(23, Some(6_485_663_588_183), Some(402_901_552_935), Some(18_499)),
            ]
        );
        let [east] = &answer.data.regions[..] else { panic!("{:?}", answer.data.regions) };
        assert_eq!(&*east.region, "US-EAST-1");
        let transfer = TransferDay {
            day: date(2026, 11, 23),
            upload_bytes: Some(1),
            download_bytes: Some(2),
            delete_bytes: Some(3),
        };
        assert_eq!(*east.days, [transfer], "the second had no figures");
        assert_eq!(answer.dropped, Dropped::default());
    }

    #[test]
    fn zeros_are_no_data_and_never_a_figure() {
        let answer = read(
            r#"{"Stats": {}, "UsedSpace": [
                    {"Date": "2026-11-01T00:00:00Z", "UsedSpace": 0, "GhostSpace": 0},
                    {"Date": "2026-11-02T00:00:00Z", "UsedSpace": 5, "GhostSpace": 0},
                    {"Date": "2026-11-03T00:00:00Z", "UsedSpace": 0, "GhostSpace": 0}],
                "ObjectCount": [
                    {"Date": "2026-11-01T00:00:00Z", "ObjectCount": 0},
                    {"Date": "2026-11-02T00:00:00Z", "ObjectCount": 0},
                    {"Date": "2026-11-03T00:00:00Z", "ObjectCount": 8}]}"#,
        )
        .unwrap();
        assert_eq!(answer.data.days, [day(2, Some(5), Some(0), None), day(3, None, None, Some(8))]);
        assert_eq!(answer.data.newest(), Some(&day(2, Some(5), Some(0), None)));
        let none = read(r#"{"Stats": null, "UsedSpace": null, "ObjectCount": null}"#).unwrap();
        assert_eq!(none.data.days, []);
        assert_eq!(none.data.newest(), None);
    }

    #[test]
    fn what_makes_no_sense_is_left_out_and_counted() {
        let answer = read(
            r#"{"UsedSpace": [7, {"UsedSpace": 1}, {"Date": "0001-01-01T00:00:00Z", "UsedSpace": 1},
                    {"Date": "2026-11-02T00:00:00Z", "UsedSpace": -1}, {"Date": "2026-11-02", "UsedSpace": 2},
                    {"Date": "2026-11-02T10:00:00Z", "UsedSpace": 3}, {"Date": "soon"}]}"#,
        )
        .unwrap();
        assert_eq!(answer.data.days, [day(2, Some(2), None, None)]);
        assert_eq!(answer.dropped.get(DropReason::Invalid), 5);
        assert_eq!(answer.dropped.get(DropReason::Duplicate), 1);
        for (body, problem) in [
            ("{}", "none of UsedSpace, ObjectCount and Stats is there"),
            (r#"{"error":"canary"}"#, "none of"),
            ("[]", "the answer is a list"),
            (r#"{"UsedSpace": {}}"#, "UsedSpace is an object, where a list was expected"),
            (r#"{"Stats": []}"#, "Stats is a list"),
            (r#"{"Stats": {"canary": 7}}"#, "a region of Stats is a number"),
            (r#"{"UsedSpace": ["#, "the answer ended early"),
            ("<html>canary", "the answer is not JSON"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.starts_with(problem) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_list_without_end_is_rejected() {
        let item = r#"{"Date":"2026-11-02"},"#;
        let body = format!(r#"{{"ObjectCount":[{}{{}}]}}"#, item.repeat(wire::MAX_LISTED));
        assert_eq!(&*read(&body).unwrap_err(), wire::TOO_MANY);
    }

    proptest! {
        #[test]
        fn arbitrary_json_never_panics(body in crate::api::arbitrary::json(&[
            "Stats", "UsedSpace", "ObjectCount", "Date", "GhostSpace", "UploadBytes", "US-EAST-1",
        ])) {
            if let Ok(answer) = read(&body) {
                prop_assert!(answer.data.days.is_sorted_by(|a, b| a.day < b.day));
                prop_assert!(answer.data.regions.is_sorted_by(|a, b| a.region < b.region));
            }
        }
    }
}
