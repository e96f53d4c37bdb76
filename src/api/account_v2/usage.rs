//! `GET /usage/current`.

use std::io::BufRead;

use serde::de::{IgnoredAny, MapAccess};

use crate::api::consistent::{Consistent, Listed, consistent};
use crate::api::figure::{self, Absurd};

use crate::api::wire::{self, KeyOf, Scalar, Seed, Shape, Take, Undecodable, each, record, unique};
use crate::model::{BucketUsage, Collected, CurrentUsage, DropReason, Dropped, SubAccount};

record!(BucketItem { name = "name", usage = "usageGB" });
record!(SubAccountItem {
    id = "subAccountId",
    name = "subAccountName",
    usage = "usageGB",
    users = "users",
    service_accounts = "serviceAccounts",
    buckets = "buckets",
    trial = "trial",
    created = "createTime",
});

/// Understands the month to date.
pub(super) fn current(body: impl BufRead) -> Result<Collected<CurrentUsage>, Undecodable> {
    let mut root = Root::default();
    wire::read_object(body, &mut root)?;
    if let Some(fault) = root.fault.take() {
        return Err(fault);
    }
    let root = consistent(root)?;
    // An answer without it is a page of something else. Taking it for an empty account would tell a fall to 0.
    let own = root.own.ok_or("usageByBucket is missing")?;
    let mut dropped = root.dropped;

    let bucket_count = known(figure::count(&own.count), !own.listed.is_empty(), &mut dropped);
    let usage_bytes = known(figure::bytes(&own.total), !own.listed.is_empty(), &mut dropped);
    let buckets = unique(own.items, |bucket| &bucket.name, &mut dropped);

    let subs = root.subs.unwrap_or_default();
    let with_sub_accounts = known(figure::bytes(&subs.total), !subs.listed.is_empty(), &mut dropped);
    let is_master = !subs.listed.is_empty() || with_sub_accounts != Some(0);
    Ok(Collected {
        data: CurrentUsage {
            usage_bytes,
            bucket_count,
            buckets,
            usage_with_sub_accounts_bytes: with_sub_accounts.filter(|_| is_master),
            sub_accounts: unique(subs.items, |account| &account.id, &mut dropped),
        },
        dropped,
    })
}

/// A figure that describes a list. The wire leaves out what is zero, which it can be only if the list is empty.
fn known(figure: Result<Option<u64>, Absurd>, listed: bool, dropped: &mut Dropped) -> Option<u64> {
    match figure {
        Ok(Some(figure)) => Some(figure),
        Ok(None) => (!listed).then_some(0),
        Err(Absurd) => {
            dropped.add(DropReason::Invalid, 1);
            None
        }
    }
}

#[derive(Default)]
struct Root {
    own: Option<Section<BucketUsage>>,
    subs: Option<Section<SubAccount>>,
    dropped: Dropped,
    fault: Option<Undecodable>,
}

/// One half of the answer.
struct Section<T> {
    total: Scalar,
    count: Scalar,
    /// What the list has in it, usable or not.
    listed: Listed,
    items: Vec<T>,
    dropped: Dropped,
    fault: Option<Undecodable>,
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self {
            total: Scalar::Missing,
            count: Scalar::Missing,
            listed: Listed::default(),
            items: Vec::new(),
            dropped: Dropped::default(),
            fault: None,
        }
    }
}

impl Consistent for Root {
    fn contradiction(&self) -> Option<Undecodable> {
        let own = self.own.as_ref().and_then(Section::contradiction);
        own.or_else(|| self.subs.as_ref().and_then(Section::contradiction))
    }
}

impl<T: Lists> Consistent for Section<T> {
    fn contradiction(&self) -> Option<Undecodable> {
        let (things, identity) = T::WORDS;
        let any_bytes = self.items.iter().any(|item| item.bytes() > 0);
        self.listed.useless(things, identity).or_else(|| {
            match (figure::count(&self.count), figure::bytes(&self.total)) {
                (Ok(Some(1..)), _) if self.listed.is_empty() => {
                    Some(format!("{things} are counted, and none is listed").into())
                }
                (Ok(Some(0)), _) if !self.listed.is_empty() => {
                    Some(format!("the count of {things} is 0, and some are listed").into())
                }
                (_, Ok(Some(0))) if any_bytes => {
                    Some(format!("the total usage is 0, and {things} with usage are listed").into())
                }
                _ => None,
            }
        })
    }
}

impl Take for Root {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(KeyOf(&["usageByBucket", "usageBySubAccount"]))? {
            match key {
                Some(key @ "usageByBucket") => {
                    let mut section = Section::default();
                    let shape = object.next_value_seed(Seed(&mut section))?;
                    self.own = self.close(key, shape, section);
                }
                Some(key) => {
                    let mut section = Section::default();
                    let shape = object.next_value_seed(Seed(&mut section))?;
                    self.subs = self.close(key, shape, section);
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

impl Root {
    fn close<T>(&mut self, key: &'static str, shape: Shape, mut section: Section<T>) -> Option<Section<T>> {
        wire::expect(Shape::Object, shape, key, &mut self.fault);
        self.fault = self.fault.take().or(section.fault.take());
        self.dropped.merge(&section.dropped);
        (shape == Shape::Object).then_some(section)
    }
}

/// What a section lists.
trait Lists: Sized {
    const KEYS: &'static [&'static str];
    type Item: Take + Default;

    /// What they are called, and what tells one from the others.
    const WORDS: (&'static str, &'static str);

    fn is_identified(item: &Self::Item) -> bool;

    fn from_item(item: Self::Item, dropped: &mut Dropped) -> Option<Self>;

    fn bytes(&self) -> u64;
}

impl Lists for BucketUsage {
    const KEYS: &'static [&'static str] = &["totalUsageGB", "numBuckets", "buckets"];
    type Item = BucketItem;
    const WORDS: (&'static str, &'static str) = ("buckets", "a name");

    fn is_identified(item: &BucketItem) -> bool {
        item.name.is_name()
    }

    fn bytes(&self) -> u64 {
        self.usage_bytes
    }

    fn from_item(item: BucketItem, _: &mut Dropped) -> Option<Self> {
        Some(Self {
            name: item.name.into_name()?,
            usage_bytes: figure::bytes(&item.usage).ok()?.unwrap_or(0),
        })
    }
}

impl Lists for SubAccount {
    const KEYS: &'static [&'static str] = &["totalUsageGB", "subAccounts"];
    type Item = SubAccountItem;
    const WORDS: (&'static str, &'static str) = ("sub-accounts", "an id");

    fn is_identified(item: &SubAccountItem) -> bool {
        item.id.is_id()
    }

    fn bytes(&self) -> u64 {
        self.usage_bytes.unwrap_or(0)
    }

    fn from_item(item: SubAccountItem, dropped: &mut Dropped) -> Option<Self> {
        let id = item.id.into_id()?;
        let usage_bytes = Some(figure::bytes(&item.usage).ok()?.unwrap_or(0));
        // A count that makes no sense costs that count alone: the usage beside it is still good.
        let mut count = |scalar| known(figure::count(scalar), false, dropped);
        Some(Self {
            id,
            name: item.name.into_name().unwrap_or_default(),
            usage_bytes,
            users: count(&item.users),
            service_accounts: count(&item.service_accounts),
            buckets: count(&item.buckets),
            trial_days: figure::trial_days(&item.trial).unwrap_or_else(|Absurd| {
                dropped.add(DropReason::Invalid, 1);
                None
            }),
            created: item.created.as_text().and_then(figure::instant),
        })
    }
}

impl<T: Lists> Take for Section<T> {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(KeyOf(T::KEYS))? {
            match key {
                Some("totalUsageGB") => self.total = object.next_value()?,
                Some("numBuckets") => self.count = object.next_value()?,
                Some(list) => {
                    let Self { listed, items, dropped, .. } = self;
                    // The same key may come again and again.
                    let before = items.len();
                    let mut sink = each(|item: Option<T::Item>| {
                        listed.add(item.as_ref().is_some_and(T::is_identified));
                        match item.and_then(|item| T::from_item(item, dropped)) {
                            Some(item) => items.push(item),
                            None => dropped.add(DropReason::Invalid, 1),
                        }
                    })
                    .after(before);
                    let shape = object.next_value_seed(Seed(&mut sink))?;
                    wire::expect(Shape::List, shape, list, &mut self.fault);
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
