//! The shape of an answer: which keys it has, of what types and how often, and none of its values.
//!
//! It is what a user can send to others when the vendor answers in another way than its guide says. So nothing may get
//! into it that is the user's: no name, no id, no figure but its order of magnitude. Keys are shown where the
//! [contract](super::contract) knows them; others only where they cannot well be names of the user's.

mod form;
mod json;
mod text;
mod walk;
mod xml;

use std::collections::BTreeMap;
use std::io::Read;

use super::contract::{Contract, Months, Wire};

pub use form::{Form, Range};
pub use text::BadRow;

/// The shape of one answer, or of several of the same endpoint together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// What was seen, by path: `` for the whole answer, `a.b` for a key, `a[]` for the items of a list, `a.*` for the
    /// values of an object whose keys are names, and `a.?` for keys whose names are left out.
    pub nodes: BTreeMap<Box<str>, Seen>,
}

/// What was seen at one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often each form came.
    pub forms: BTreeMap<Form, u64>,
    /// Between what its numbers are.
    pub range: Option<Range>,
    /// How many of its objects and lists were not read to their ends, so that what is missing in them is not known.
    pub open: u64,
}

impl Seen {
    /// How often anything was there.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.forms.values().sum()
    }

    /// How many objects were read to their ends.
    #[must_use]
    pub fn whole_objects(&self) -> u64 {
        self.forms.get(&Form::Object).copied().unwrap_or_default().saturating_sub(self.open)
    }

    fn merge(&mut self, other: Self) {
        for (form, count) in other.forms {
            *self.forms.entry(form).or_default() += count;
        }
        self.range = match (self.range, other.range) {
            (Some(one), Some(other)) => Some(one.with(other)),
            (one, other) => one.or(other),
        };
        self.open += other.open;
    }
}

impl Shape {
    /// The shape of an answer to what `contract` is for, where these months were asked for. `body` may be its beginning
    /// alone.
    #[must_use]
    pub fn of(contract: &'static Contract, months: Months, body: impl Read) -> Self {
        match contract.wire {
            Wire::Json => json::shape(contract, months, body),
            Wire::Xml { list, item } => xml::shape(contract, list, item, body),
        }
    }

    /// Adds what was seen in another answer of the same endpoint.
    pub fn merge(&mut self, other: Self) {
        for (path, seen) in other.nodes {
            self.nodes.entry(path).or_default().merge(seen);
        }
    }

    /// What was seen at a path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Seen> {
        self.nodes.get(path)
    }

    /// Whether nothing could be read at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// The path of what holds this one, and `None` for the whole answer.
#[must_use]
pub fn parent(path: &str) -> Option<&str> {
    if let Some(list) = path.strip_suffix("[]") {
        return Some(list);
    }
    (!path.is_empty()).then(|| path.rsplit_once('.').map_or("", |(parent, _)| parent))
}

/// The last part of a path, as it is named in a sentence.
#[must_use]
pub fn leaf(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, leaf)| leaf)
}

#[cfg(test)]
mod tests;
