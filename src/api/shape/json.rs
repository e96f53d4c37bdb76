use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::walk::{At, MAX_DEPTH, ROOT, Walk};
use super::{Form, Shape};
use crate::api::contract::{Contract, Months};
use crate::api::wire::Text;

/// The shape of JSON, as far as it can be read.
pub(super) fn shape(contract: &'static Contract, months: Months, body: impl Read) -> Shape {
    let mut walk = Walk::new(contract, months);
    // The library reads byte by byte, which is fast from a `BufReader` alone.
    let text = BufReader::new(Text::json(BufReader::new(body)));
    let mut json = serde_json::Deserializer::from_reader(text);
    // What comes behind a fault, or behind the end of what is looked at, is not known.
    let _ = Value { walk: &mut walk, at: ROOT, depth: 0 }.deserialize(&mut json);
    walk.finish()
}

struct Value<'a> {
    walk: &'a mut Walk,
    at: At,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { walk, at, depth } = self;
        walk.enter(at, Form::Object);
        while let Some(child) = object.next_key_seed(Key { walk: &mut *walk, at })? {
            match child.filter(|_| depth < MAX_DEPTH) {
                Some(at) => object.next_value_seed(Value { walk: &mut *walk, at, depth: depth + 1 })?,
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        walk.leave(at);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { walk, at, depth } = self;
        walk.enter(at, Form::List);
        loop {
            // The place is made with the first item: an empty list has none.
            let seed = Item { walk: &mut *walk, list: at, depth: depth + 1 };
            if list.next_element_seed(seed)?.is_none() {
                break;
            }
        }
        walk.leave(at);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.walk.note(self.at, Form::Null);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.walk.note(self.at, Form::Flag);
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, reason = "its order of magnitude is wanted")]
    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.walk.number(self.at, number as f64, Form::Whole);
        Ok(())
    }

    #[allow(clippy::cast_precision_loss, reason = "its order of magnitude is wanted")]
    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.walk.number(self.at, number as f64, Form::Whole);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.walk.number(self.at, number, Form::Fraction);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.walk.text(self.at, text);
        Ok(())
    }
}

struct Item<'a> {
    walk: &'a mut Walk,
    list: At,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { walk, list, depth } = self;
        match walk.item(list).filter(|_| depth < MAX_DEPTH) {
            Some(at) => Value { walk, at, depth }.deserialize(deserializer),
            None => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
        }
    }
}

struct Key<'a> {
    walk: &'a mut Walk,
    at: At,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<At>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<At>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<At>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<At>, E> {
        Ok(self.walk.child(self.at, key))
    }
}
