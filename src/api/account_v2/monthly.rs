//! `GET /usage/monthly`: an answer covers at most six months, and several answers make one history.
//!
//! An answer repeats each name in every month. It is turned around while it arrives, so that each name is held once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::months::{Base, Window, Written};
use crate::api::Zeros;
use crate::api::consistent::{Consistent, Listed, consistent};
use crate::api::figure::{self, Absurd};
use crate::api::wire::{self, KeyOf, Scalar, Seed, Shape, Take, Undecodable, each, record};
use crate::model::{
    BucketHistory, Collected, DropReason, Dropped, Month, MonthTotal, MonthlyUsage, SubAccountHistory,
};

record!(BucketItem { name = "name", usage = "usageGB" });
record!(SubAccountItem {
    id = "subAccountId",
    name = "subAccountName",
    usage = "usageGB",
});

/// What one answer says, its months understood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct WindowUsage {
    totals: Vec<MonthTotal>,
    buckets: BTreeMap<Box<str>, Vec<MonthTotal>>,
    /// With the name that each had in that month.
    sub_accounts: BTreeMap<Box<str>, Vec<(MonthTotal, Box<str>)>>,
    dropped: Dropped,
}

/// Understands the answer to a query for `window`.
pub(super) fn part(body: impl BufRead, window: Window, zeros: Zeros) -> Result<WindowUsage, Undecodable> {
    let mut root = Root::default();
    wire::read_object(body, &mut root)?;
    if let Some(fault) = root.fault.take().or(root.own.fault.take()).or(root.subs.fault.take()) {
        return Err(fault);
    }
    // The wire leaves out what is empty, so `{}` is a history without data. Fields of another kind alone are a page of
    // something else, which must not end the history that is shown.
    if root.is_foreign && !root.is_known {
        return Err("neither usageByBucket nor usageBySubAccount is in the answer".into());
    }
    let Root { own, subs, .. } = consistent(root)?;
    let written: Vec<Written> = own.written().chain(subs.written()).collect();
    let base = Base::of(&written, window)?;

    let mut dropped = own.dropped.clone();
    dropped.merge(&subs.dropped);
    let own_months = place(&own.slots, base, window, &mut dropped);
    let sub_months = place(&subs.slots, base, window, &mut dropped);
    // The API answers 0 where it has no data, so a month with nothing but zeros says nothing.
    let with_data: BTreeSet<Month> = own_months
        .iter()
        .zip(&own.slots)
        .chain(sub_months.iter().zip(&subs.slots))
        .filter(|(_, slot)| zeros == Zeros::Kept || slot.has_data())
        .filter_map(|(month, _)| *month)
        .collect();
    let placed = |months: &[Option<Month>], entry: u32| {
        let month = (*months.get(usize::try_from(entry).ok()?)?)?;
        with_data.contains(&month).then_some(month)
    };

    let totals = own_months.iter().zip(&own.slots).filter_map(|(month, slot)| {
        let month = month.filter(|month| with_data.contains(month))?;
        let average_bytes = slot.total?;
        Some(MonthTotal { month, average_bytes })
    });
    Ok(WindowUsage {
        totals: totals.collect(),
        buckets: own.series(|entry| {
            Some(MonthTotal { month: placed(&own_months, entry.slot)?, average_bytes: entry.bytes })
        }),
        sub_accounts: subs.series(|entry| {
            let total = MonthTotal { month: placed(&sub_months, entry.slot)?, average_bytes: entry.bytes };
            Some((total, entry.label))
        }),
        dropped,
    })
}

/// The month of each listed month; `None` for one that is not used.
fn place(slots: &[Slot], base: Base, window: Window, dropped: &mut Dropped) -> Vec<Option<Month>> {
    let mut seen = BTreeSet::new();
    slots
        .iter()
        .map(|slot| {
            let Some(month) = slot.written.and_then(|written| base.place(written, window)) else {
                dropped.add(DropReason::Invalid, 1);
                return None;
            };
            if !seen.insert(month) {
                dropped.add(DropReason::Duplicate, 1);
                return None;
            }
            Some(month)
        })
        .collect()
}

/// Puts together the answers for windows that do not overlap.
pub(super) fn merge(parts: impl IntoIterator<Item = WindowUsage>) -> Collected<MonthlyUsage> {
    let mut all = WindowUsage::default();
    for part in parts {
        all.totals.extend(part.totals);
        all.dropped.merge(&part.dropped);
        append(&mut all.buckets, part.buckets);
        append(&mut all.sub_accounts, part.sub_accounts);
    }
    all.totals.sort_by_key(|total| total.month);
    let buckets = all.buckets.into_iter().map(|(name, mut months)| {
        months.sort_by_key(|total| total.month);
        BucketHistory { name, months: months.into() }
    });
    let sub_accounts = all.sub_accounts.into_iter().map(|(id, mut months)| {
        months.sort_by_key(|(total, _)| total.month);
        let name = months.last().map(|(_, name)| name.clone()).unwrap_or_default();
        SubAccountHistory { id, name, months: months.into_iter().map(|(total, _)| total).collect() }
    });
    Collected {
        data: MonthlyUsage {
            months: all.totals,
            buckets: buckets.collect(),
            sub_accounts: sub_accounts.collect(),
            settled: None,
        },
        dropped: all.dropped,
    }
}

fn append<T>(into: &mut BTreeMap<Box<str>, Vec<T>>, from: BTreeMap<Box<str>, Vec<T>>) {
    if into.is_empty() {
        *into = from;
    } else {
        for (name, months) in from {
            into.entry(name).or_default().extend(months);
        }
    }
}

#[derive(Default)]
struct Root {
    own: Months<BucketItem>,
    subs: Months<SubAccountItem>,
    fault: Option<Undecodable>,
    /// Whether there is a field that belongs into this answer.
    is_known: bool,
    /// Whether there is one that does not.
    is_foreign: bool,
}

impl Consistent for Root {
    fn contradiction(&self) -> Option<Undecodable> {
        self.own.contradiction().or_else(|| self.subs.contradiction())
    }
}

impl<I: Lists> Consistent for Months<I> {
    fn contradiction(&self) -> Option<Undecodable> {
        let (things, identity) = I::WORDS;
        let useless = self.months.useless("months", "a year and a month");
        useless.or_else(|| self.things.useless(things, identity)).or_else(|| {
            let slot = self.slots.iter().find(|slot| slot.total == Some(0) && slot.any_usage)?;
            let year = slot.written.map_or(0, |written| written.year);
            Some(format!("the total of a month of {year} is 0, and {things} with usage are listed").into())
        })
    }
}

impl Take for Root {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(KeyOf(&["usageByBucket", "usageBySubAccount"]))? {
            let shape = match key {
                Some("usageByBucket") => object.next_value_seed(Seed(&mut self.own))?,
                Some(_) => object.next_value_seed(Seed(&mut self.subs))?,
                None => {
                    object.next_value::<IgnoredAny>()?;
                    self.is_foreign = true;
                    continue;
                }
            };
            self.is_known = true;
            wire::expect(Shape::List, shape, key.unwrap_or_default(), &mut self.fault);
        }
        Ok(())
    }
}

/// What a month lists.
trait Lists: Take + Default {
    /// What is kept of it beside its identity and its figure.
    type Label;
    const KEYS: &'static [&'static str];
    /// What they are called, and what tells one from the others.
    const WORDS: (&'static str, &'static str);

    fn split(self) -> (Option<Box<str>>, Self::Label, Scalar);
}

impl Lists for BucketItem {
    type Label = ();
    const KEYS: &'static [&'static str] = &["year", "month", "totalUsageGB", "buckets"];
    const WORDS: (&'static str, &'static str) = ("buckets", "a name");

    fn split(self) -> (Option<Box<str>>, (), Scalar) {
        (self.name.into_name(), (), self.usage)
    }
}

impl Lists for SubAccountItem {
    type Label = Box<str>;
    const KEYS: &'static [&'static str] = &["year", "month", "totalUsageGB", "subAccounts"];
    const WORDS: (&'static str, &'static str) = ("sub-accounts", "an id");

    fn split(self) -> (Option<Box<str>>, Box<str>, Scalar) {
        let name = self.name.into_name().unwrap_or_default();
        (self.id.into_id(), name, self.usage)
    }
}

/// One half of the answer. Which calendar month a slot is can be told only when the whole answer is read.
struct Months<I: Lists> {
    slots: Vec<Slot>,
    entries: BTreeMap<Box<str>, Vec<Entry<I::Label>>>,
    /// How many things all months list.
    listed: usize,
    /// The months, and the things in them.
    months: Listed,
    things: Listed,
    dropped: Dropped,
    fault: Option<Undecodable>,
}

impl<I: Lists> Default for Months<I> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            entries: BTreeMap::new(),
            listed: 0,
            months: Listed::default(),
            things: Listed::default(),
            dropped: Dropped::default(),
            fault: None,
        }
    }
}

/// One listed month.
#[derive(Default)]
struct Slot {
    written: Option<Written>,
    total: Option<u64>,
    any_usage: bool,
}

impl Slot {
    fn has_data(&self) -> bool {
        self.any_usage || self.total.is_some_and(|total| total > 0)
    }
}

/// The figure of one thing in one listed month.
struct Entry<L> {
    slot: u32,
    bytes: u64,
    label: L,
}

impl<I: Lists> Months<I> {
    fn written(&self) -> impl Iterator<Item = Written> {
        self.slots.iter().filter_map(|slot| slot.written)
    }

    fn series<T>(self, placed: impl Fn(Entry<I::Label>) -> Option<T>) -> BTreeMap<Box<str>, Vec<T>> {
        self.entries
            .into_iter()
            .map(|(name, entries)| (name, entries.into_iter().filter_map(&placed).collect::<Vec<_>>()))
            .filter(|(_, entries)| !entries.is_empty())
            .collect()
    }
}

impl<I: Lists> Take for Months<I> {
    fn list<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            let mut month = MonthItem {
                months: self,
                written: (Scalar::Missing, Scalar::Missing),
                total: Scalar::Missing,
                listed: false,
                any_usage: false,
            };
            match list.next_element_seed(Seed(&mut month))? {
                None => return Ok(()),
                Some(Shape::Object) => month.close(),
                Some(_) => {
                    self.months.add(false);
                    self.dropped.add(DropReason::Invalid, 1);
                }
            }
            wire::check_listed(self.slots.len())?;
        }
    }
}

/// One month while it is read.
struct MonthItem<'a, I: Lists> {
    months: &'a mut Months<I>,
    /// Year and month.
    written: (Scalar, Scalar),
    total: Scalar,
    listed: bool,
    any_usage: bool,
}

impl<I: Lists> MonthItem<'_, I> {
    fn close(self) {
        let written = match (figure::small(&self.written.0), figure::small(&self.written.1)) {
            (Ok(Some(year)), Ok(month)) => Some(Written { year, month }),
            _ => None,
        };
        self.months.months.add(written.is_some());
        let total = figure::bytes(&self.total).unwrap_or_else(|Absurd| {
            self.months.dropped.add(DropReason::Invalid, 1);
            None
        });
        // The wire leaves out what is zero, which the total can be only if nothing is listed.
        let left_out = self.total == Scalar::Missing && !self.listed;
        self.months.slots.push(Slot {
            written,
            total: if left_out { Some(0) } else { total },
            any_usage: self.any_usage,
        });
    }
}

impl<I: Lists> Take for MonthItem<'_, I> {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        // A slot that cannot be numbered cannot be reached: an answer has a limit that is far below it.
        let slot = u32::try_from(self.months.slots.len()).unwrap_or(u32::MAX);
        while let Some(key) = object.next_key_seed(KeyOf(I::KEYS))? {
            match key {
                Some("year") => self.written.0 = object.next_value()?,
                Some("month") => self.written.1 = object.next_value()?,
                Some("totalUsageGB") => self.total = object.next_value()?,
                Some(list) => {
                    let before = self.months.listed;
                    let mut sink = each(|item: Option<I>| {
                        self.listed = true;
                        self.any_usage |= self.months.add(slot, item);
                    })
                    .after(before);
                    let shape = object.next_value_seed(Seed(&mut sink))?;
                    self.months.listed = sink.listed;
                    wire::expect(Shape::List, shape, list, &mut self.months.fault);
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl<I: Lists> Months<I> {
    /// Takes one listed thing, and tells whether it has a figure above zero.
    fn add(&mut self, slot: u32, item: Option<I>) -> bool {
        let mut is_identified = false;
        let usable = item.and_then(|item| {
            let (name, label, usage) = item.split();
            is_identified = name.is_some();
            Some((name?, label, figure::bytes(&usage).ok()?.unwrap_or(0)))
        });
        self.things.add(is_identified);
        let Some((name, label, bytes)) = usable else {
            self.dropped.add(DropReason::Invalid, 1);
            return false;
        };
        let entries = self.entries.entry(name).or_default();
        // A month's list is read in one go, so the same name in it again follows directly.
        if entries.last().is_some_and(|last| last.slot == slot) {
            self.dropped.add(DropReason::Duplicate, 1);
            return false;
        }
        entries.push(Entry { slot, bytes, label });
        bytes > 0
    }
}

#[cfg(test)]
mod tests;
