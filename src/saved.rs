//! How the state file holds what a collector knows.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::Timestamped;

/// An object of JSON that is written entry by entry, so that what is large is not copied.
pub struct Object<'a> {
    out: &'a mut dyn Write,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object.
    pub(crate) fn begin(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{")?;
        Ok(Self { out, is_empty: true })
    }

    /// Writes the beginning of an entry, whose value follows.
    pub(crate) fn key(&mut self, key: &str) -> io::Result<&mut dyn Write> {
        self.out.write_all(if self.is_empty { b"" } else { b"," })?;
        self.is_empty = false;
        serde_json::to_writer(&mut *self.out, key)?;
        self.out.write_all(b":")?;
        Ok(self.out)
    }

    /// Writes an entry.
    pub(crate) fn entry(&mut self, key: &str, value: &impl Serialize) -> io::Result<()> {
        Ok(serde_json::to_writer(self.key(key)?, value)?)
    }

    /// Writes an answer that came `at`.
    pub(crate) fn dated(&mut self, key: &str, at: Timestamp, data: impl Serialize) -> io::Result<()> {
        self.entry(key, &Dated { at, data })
    }

    /// Ends the object.
    pub(crate) fn end(self) -> io::Result<()> {
        self.out.write_all(b"}")
    }
}

/// An answer with its time.
#[derive(Serialize, Deserialize)]
struct Dated<T> {
    at: Timestamp,
    data: T,
}

/// When an answer came, and the answer where it was kept; or what is wrong with the record of it.
pub type Loaded<T> = Result<Option<Timestamped<Option<T>>>, String>;

/// The entries of an object, not yet understood.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Entries<'a>(#[serde(borrow)] BTreeMap<String, &'a RawValue>);

impl<'a> Entries<'a> {
    /// The value of an entry; `None` where it is not there, or null.
    pub(crate) fn get<T: Deserialize<'a>>(&self, key: &str) -> Result<Option<T>, String> {
        let value = self.0.get(key).map(|value| serde_json::from_str(value.get()));
        value.transpose().map(Option::flatten).map_err(|_| format!("{key} is not what it should be"))
    }

    /// An answer that [`Object::dated`] wrote.
    pub(crate) fn dated<T: Deserialize<'a>, U>(
        &self,
        key: &str,
        understand: impl FnOnce(T) -> Result<U, String>,
    ) -> Loaded<U> {
        let Some(Dated { at, data }) = self.get(key)? else { return Ok(None) };
        Ok(Some(Timestamped { at, data: Some(understand(data)?) }))
    }
}

/// Whether the items are in the order of their identities and none is there twice: whatever shows them relies on it.
pub(crate) fn ascending<T, K: Ord + ?Sized>(items: &[T], identity: impl Fn(&T) -> &K) -> bool {
    items.is_sorted_by(|one, next| identity(one) < identity(next))
}

/// Has a struct written as the list of its fields, which is shorter. What serde derives reads that as well.
macro_rules! as_list {
    ($type:ident { $($field:ident),+ }) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ($(&self.$field,)+).serialize(serializer)
            }
        }
    };
}
pub(crate) use as_list;
