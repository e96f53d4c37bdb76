//! `ListBuckets` and `rs-bucket-stats`.

use std::io::BufRead;

use serde::de::MapAccess;

use super::xml::{self, List, Page};
use crate::api::consistent::{Consistent, Listed, consistent};
use crate::api::figure;
use crate::api::wire::{self, MAX_LISTED, Scalar, Seed, Shape, Take, Undecodable, record};
use crate::model::{Bucket, DropReason, Dropped};

const BUCKETS: List<1> = List { root: "ListAllMyBuckets", list: "Buckets", item: "Bucket", fields: ["Name"] };

record!(StatsItem { size = "size", objects = "objects" });

/// Understands one answer of the list of buckets: their names.
pub(super) fn list(body: impl BufRead) -> Result<Page<Box<str>>, Undecodable> {
    xml::page(body, &BUCKETS, ("buckets", "a name"), |[name]| name)
}

/// Understands the figures of the buckets in `names`, which are in order. The answer goes on telling of buckets that were
/// deleted (seen on the wire): those are passed over.
pub(super) fn stats(body: impl BufRead, names: &[Box<str>]) -> Result<(Vec<Bucket>, Dropped), Undecodable> {
    let mut root = Root {
        buckets: names
            .iter()
            .map(|name| Bucket { name: name.clone(), size_bytes: None, objects: None })
            .collect(),
        seen: vec![false; names.len()],
        listed: Listed::default(),
        dropped: Dropped::default(),
    };
    match wire::read(body, &mut root)? {
        Shape::Object | Shape::Null => consistent(root).map(|root| (root.buckets, root.dropped)),
        other => Err(format!("the answer is {other}, where an object was expected").into()),
    }
}

struct Root {
    buckets: Vec<Bucket>,
    seen: Vec<bool>,
    listed: Listed,
    dropped: Dropped,
}

impl Consistent for Root {
    /// An error in the place of the buckets has fields of another kind.
    fn contradiction(&self) -> Option<Undecodable> {
        self.listed.useless("buckets", "figures, or the name of one that is there")
    }
}

impl Take for Root {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        for _ in 0..=MAX_LISTED {
            let Some(name) = object.next_key::<String>()? else { return Ok(()) };
            let mut item = StatsItem::default();
            let shape = object.next_value_seed(Seed(&mut item))?;
            let index = self.buckets.binary_search_by(|bucket| (*bucket.name).cmp(&name));
            let has_figures =
                [&item.size, &item.objects].into_iter().any(|figure| *figure != Scalar::Missing);
            self.listed.add(index.is_ok() || has_figures);
            let Ok(index) = index else { continue };
            if std::mem::replace(&mut self.seen[index], true) {
                self.dropped.add(DropReason::Duplicate, 1);
                continue;
            }
            let mut figure = |scalar| {
                figure::whole(scalar).unwrap_or_else(|figure::Absurd| {
                    self.dropped.add(DropReason::Invalid, 1);
                    None
                })
            };
            let (size_bytes, objects) = (figure(&item.size), figure(&item.objects));
            match shape {
                Shape::Object | Shape::Null => {
                    self.buckets[index] =
                        Bucket { name: std::mem::take(&mut self.buckets[index].name), size_bytes, objects };
                }
                _ => self.dropped.add(DropReason::Invalid, 1),
            }
        }
        Err(wire::too_many())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<Box<str>> {
        names.iter().copied().map(Into::into).collect()
    }

    #[test]
    fn the_list_has_names_and_counts_what_has_none() {
        let listed = list(
            &br#"<?xml version="1.0"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
                <Owner><ID>o</ID><Name>owner</Name></Owner><Buckets>
                <Bucket><Name>media</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>
                <Bucket><Name>backups</Name></Bucket><Bucket><Name>media</Name></Bucket><Bucket/>
                </Buckets></ListAllMyBucketsResult>"#[..],
        )
        .unwrap();
        assert_eq!(listed.items, names(&["media", "backups", "media"]));
        assert_eq!(listed.dropped.get(DropReason::Invalid), 1);
        assert!(list(&b"<Error><Code>AccessDenied</Code></Error>"[..]).is_err());
    }

    #[test]
    fn only_buckets_that_are_there_get_figures() {
        let (buckets, dropped) = stats(
            &br#"{"ghost": {"size": 9, "objects": 9}, "media": {"size": "12", "objects": 3, "replicationPolicy": ["x"]},
                "backups": {"size": 5.0, "objects": -1}, "empty": null, "media": {"size": 1}, "odd": 7}"#[..],
            &names(&["backups", "empty", "media", "new", "odd"]),
        )
        .unwrap();
        let bucket = |name: &str, size_bytes, objects| Bucket { name: name.into(), size_bytes, objects };
        assert_eq!(
            buckets,
            [
                bucket("backups", Some(5), None),
                bucket("empty", None, None),
                bucket("media", Some(12), Some(3)),
                bucket("new", None, None),
                bucket("odd", None, None),
            ]
        );
        assert_eq!(dropped.get(DropReason::Duplicate), 1);
        assert_eq!(dropped.get(DropReason::Invalid), 2);
        assert_eq!(stats(&b"null"[..], &[]).unwrap().0, []);
        assert_eq!(
            &*stats(&b"[]"[..], &[]).unwrap_err(),
            "the answer is a list, where an object was expected"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_json_never_panics(body in crate::api::arbitrary::json(&["a", "size", "objects"])) {
            if let Ok((buckets, _)) = stats(body.as_bytes(), &names(&["a", "size"])) {
                prop_assert_eq!(buckets.len(), 2);
            }
        }
    }
}
