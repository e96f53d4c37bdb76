//! What answers should look like: one table of fields for each endpoint, declared by the collector that asks it.
//!
//! [`Contract::deviations`] compares the shape of an answer with it, in words. The report of `check --live`, the log, the
//! gauge and the replay of a report all go by that one comparison.

mod compare;
mod months;

use std::sync::LazyLock;

use super::collect::Descriptor;
use super::shape::leaf;
use crate::model::Endpoint;

pub use compare::{Deviation, Deviations};
pub use months::Months;

/// What the answers of one endpoint should look like.
#[derive(Debug)]
pub struct Contract {
    /// What they are written in.
    pub(crate) wire: Wire,
    /// What is in them, each behind what holds it.
    pub(crate) fields: &'static [Field],
}

/// What an answer is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Json,
    /// XML with one list in it, at any depth.
    Xml {
        list: &'static str,
        item: &'static str,
    },
}

/// One field of an answer.
#[derive(Debug)]
pub(crate) struct Field {
    /// Where it is, as in [`Shape::nodes`](super::shape::Shape::nodes).
    pub(crate) path: &'static str,
    pub(crate) expected: Expected,
    pub(crate) presence: Presence,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// An object; several of them are named like this.
    Object(&'static str),
    /// An object whose keys are names.
    Map,
    List,
    Text,
    Number,
    /// A number, or one written as a text: both were seen.
    NumberOrText,
    /// The number of a month.
    Month,
    Flag,
    /// A date, an instant, or an empty text for none.
    Date,
    Instant,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// Whether a field has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Always. Where it is not, this is what comes of it.
    Always(&'static str),
    /// It may be missing or null.
    Sometimes,
}

/// A field that has to be there.
pub(crate) const fn always(path: &'static str, expected: Expected, otherwise: &'static str) -> Field {
    Field { path, expected, presence: Presence::Always(otherwise) }
}

/// A field that may be missing or null.
pub(crate) const fn sometimes(path: &'static str, expected: Expected) -> Field {
    Field { path, expected, presence: Presence::Sometimes }
}

impl Contract {
    /// The contract of an endpoint.
    #[must_use]
    pub fn of(endpoint: Endpoint) -> &'static Self {
        /// Without a collector that asks: nothing is known of it.
        static NONE: Contract = Contract { wire: Wire::Json, fields: &[] };
        super::asked(endpoint).map_or(&NONE, |asked| &asked.contract)
    }

    /// The field at a path.
    pub(crate) fn field(&self, path: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.path == path)
    }

    /// The name of a key as the contract has it.
    pub(crate) fn key(&self, parent: &str, key: &str) -> Option<&'static str> {
        let mut names = self.fields.iter().filter_map(|field| {
            let below = field.path.strip_prefix(parent)?;
            if parent.is_empty() { Some(below) } else { below.strip_prefix('.') }
        });
        names.find(|name| *name == key)
    }
}

/// Words that programs use in answers, so that they say nothing of a user.
const WORDS: [&str; 48] = [
    "account",
    "accountId",
    "accounts",
    "code",
    "content",
    "continuationToken",
    "count",
    "createdAt",
    "cursor",
    "data",
    "details",
    "enabled",
    "error",
    "errors",
    "expirationDate",
    "expiresAt",
    "expiresIn",
    "first",
    "hasMore",
    "hasNext",
    "isTruncated",
    "items",
    "last",
    "limit",
    "links",
    "list",
    "message",
    "meta",
    "metadata",
    "next",
    "nextPage",
    "nextToken",
    "number",
    "offset",
    "page",
    "pageNumber",
    "pageSize",
    "pagination",
    "previous",
    "records",
    "result",
    "results",
    "size",
    "status",
    "success",
    "total",
    "totalCount",
    "totalPages",
];

/// Whether a key may be shown wherever it comes: one of a contract, or one of those words.
pub(crate) fn is_schema_word(key: &str) -> bool {
    static CONTRACTS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let asked = super::collectors().flat_map(Descriptor::asked);
        asked.flat_map(|asked| asked.contract.fields).map(|field| leaf(field.path)).collect()
    });
    WORDS.contains(&key) || CONTRACTS.contains(&key)
}

#[cfg(test)]
mod tests;
