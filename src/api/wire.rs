//! Reading JSON while it arrives, taking every way in which the vendor writes a thing.
//!
//! Nothing here fails because of a type: a field that should be a number may be a numeric text, null, missing, or
//! something else entirely, and only the part that needs it has to decide what that means. Only text that is no JSON
//! at all is an error. So no message of the JSON library that quotes what it read can come up.

mod numbers;
mod text;

use std::fmt;
use std::io::{BufRead, BufReader};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::model::{DropReason, Dropped};

use numbers::Numbers;
pub(super) use text::Text;

/// The longest name or id that is believed, bytes. The vendor's own have at most some hundred.
pub(super) const MAX_NAME: usize = 1024;

/// The most things that are believed to be in one list, or in all lists of one kind together. The largest real answer,
/// 100,000 buckets over six months, lists 600,000; an answer of the greatest length could list twenty million, which would
/// take far more memory than its text.
pub(super) const MAX_LISTED: usize = 1_000_000;

/// The longest text that is kept while an answer is read, bytes; a longer one is no value that is used anywhere.
const MAX_TEXT: usize = 64 * 1024;

/// Why an answer cannot be understood, in words that hold nothing of it.
pub(super) type Undecodable = Box<str>;

/// What kind of value was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    Object,
    List,
    Text,
    Number,
    Flag,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Object => "an object",
            Self::List => "a list",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Flag => "a truth value",
        })
    }
}

/// Takes in an object or a list as it is read. What it does not expect, it skips.
pub(super) trait Take {
    fn object<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn list<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Reads any value into a [`Take`], and tells what kind it was.
pub(super) struct Seed<'a, T>(pub(super) &'a mut T);

impl<'de, T: Take> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Take> Visitor<'de> for Seed<'_, T> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Shape, A::Error> {
        self.0.object(object).map(|()| Shape::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Shape, A::Error> {
        self.0.list(list).map(|()| Shape::List)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Flag)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }
}

/// Reads a key: the one of these names that it is, without keeping a copy; `None` for any other.
pub(super) struct KeyOf(pub(super) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for KeyOf {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|name| *name == key))
    }
}

/// One plain value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar {
    /// Null, or no such field.
    #[default]
    Missing,
    Flag(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    /// An object or a list, where neither makes sense.
    Other,
}

impl Scalar {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A name or an id; `None` where it is missing, empty, or longer than any name is: a label of megabytes would spoil the
    /// scrape of every account.
    pub(super) fn into_name(self) -> Option<Box<str>> {
        match self {
            Self::Text(text) if (1..=MAX_NAME).contains(&text.len()) => Some(text.into()),
            Self::Integer(number) => Some(number.to_string().into()),
            _ => None,
        }
    }

    /// Whether it is a name.
    pub(super) fn is_name(&self) -> bool {
        match self {
            Self::Text(text) => (1..=MAX_NAME).contains(&text.len()),
            Self::Integer(_) => true,
            _ => false,
        }
    }

    /// Whether it is an id.
    pub(super) fn is_id(&self) -> bool {
        self.is_name() && self.as_text().is_none_or(is_id)
    }

    /// The same for what tells a thing from others: one in which a character was replaced could be anybody's.
    pub(super) fn into_id(self) -> Option<Box<str>> {
        self.into_name().filter(|id| is_id(id))
    }

    /// A truth value, also as a text; `None` where it is neither.
    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// Whether every character of an id is the vendor's.
pub(super) fn is_id(id: &str) -> bool {
    !id.contains(char::REPLACEMENT_CHARACTER)
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Missing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(if text.len() > MAX_TEXT { Scalar::Other } else { Scalar::Text(text.to_owned()) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// An object of plain values: `record!(Name { field = "key on the wire" })`.
macro_rules! record {
    ($name:ident { $($field:ident = $key:literal),+ $(,)? }) => {
        #[derive(Default)]
        struct $name {
            $($field: $crate::api::wire::Scalar,)+
        }

        impl $crate::api::wire::Take for $name {
            fn object<'de, A: serde::de::MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
                while let Some(key) =
                    object.next_key_seed($crate::api::wire::KeyOf(&[$($key),+]))?
                {
                    match key {
                        $(Some($key) => self.$field = object.next_value()?,)+
                        _ => {
                            object.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(())
            }
        }
    };
}
pub(super) use record;

/// A list whose items are handed on one by one, so that they need not be held twice; `None` for one that is no object.
pub(super) struct Each<R, F> {
    sink: F,
    /// How many there were so far.
    pub(super) listed: usize,
    record: PhantomData<fn() -> R>,
}

pub(super) fn each<R: Take + Default, F: FnMut(Option<R>)>(sink: F) -> Each<R, F> {
    Each { sink, listed: 0, record: PhantomData }
}

impl<R, F> Each<R, F> {
    /// The same, for a list that goes on where others have listed `listed` things already.
    pub(super) fn after(self, listed: usize) -> Self {
        Self { listed, ..self }
    }
}

/// Rejects a list once it has more than [`MAX_LISTED`] things.
pub(super) fn check_listed<E: serde::de::Error>(listed: usize) -> Result<(), E> {
    if listed > MAX_LISTED { Err(too_many()) } else { Ok(()) }
}

/// The error of whoever counts what is read and has had too much of it. [`read`] knows it by its category, as nothing else
/// here complains of data.
pub(super) fn too_many<E: serde::de::Error>() -> E {
    E::custom("too many")
}

/// The same, in words.
pub(super) const TOO_MANY: &str = "the answer lists more than 1000000 things, which is the most that is read";

impl<R: Take + Default, F: FnMut(Option<R>)> Take for Each<R, F> {
    fn list<'de, A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            let mut record = R::default();
            let Some(shape) = list.next_element_seed(Seed(&mut record))? else { return Ok(()) };
            self.listed += 1;
            check_listed(self.listed)?;
            (self.sink)((shape == Shape::Object).then_some(record));
        }
    }
}

/// The items in the order of their identities, the first of each.
pub(super) fn unique<T>(mut items: Vec<T>, identity: impl Fn(&T) -> &str, dropped: &mut Dropped) -> Vec<T> {
    let listed = items.len();
    // Stable, so that of equal ones the first stays the first.
    items.sort_by(|a, b| identity(a).cmp(identity(b)));
    items.dedup_by(|later, earlier| identity(later) == identity(earlier));
    dropped.add(DropReason::Duplicate, (listed - items.len()) as u64);
    items.shrink_to_fit();
    items
}

/// Notes that a field that is needed whole has the wrong shape. The first such note stays.
pub(super) fn expect(wanted: Shape, found: Shape, field: &'static str, fault: &mut Option<Undecodable>) {
    if found != wanted && found != Shape::Null && fault.is_none() {
        *fault = Some(format!("{field} is {found}, where {wanted} was expected").into());
    }
}

/// Reads a whole answer into `root`.
pub(super) fn read(body: impl BufRead, root: &mut impl Take) -> Result<Shape, Undecodable> {
    let mut body = Numbers::of(Text::json(body));
    let first = body
        .fill_buf()
        .map_err(|_| "the answer could not be read to its end")?
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace());
    // The library reads byte by byte, which is fast from this type alone.
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(body));
    let read = Seed(root).deserialize(&mut json).and_then(|shape| json.end().map(|()| shape));
    read.map_err(|error| match (error.classify(), first) {
        (Category::Eof, None) => "the answer is empty".into(),
        (Category::Eof, _) => {
            format!("the answer ended early, in line {} column {}", error.line(), error.column()).into()
        }
        (Category::Syntax, Some(b'<')) => "the answer is not JSON (it begins with `<`)".into(),
        // These name what was expected and where, never what was found.
        (Category::Syntax, _) => format!("the answer is not JSON: {error}").into(),
        (Category::Io, _) => "the answer could not be read to its end".into(),
        // Nothing fails because of a type, so this is the only one.
        (Category::Data, _) => TOO_MANY.into(),
    })
}

/// Reads a whole answer that has to be an object.
pub(super) fn read_object(body: impl BufRead, root: &mut impl Take) -> Result<(), Undecodable> {
    match read(body, root)? {
        Shape::Object => Ok(()),
        other => Err(format!("the answer is {other}, where an object was expected").into()),
    }
}

/// Reads a whole answer that has to be a list; null is an empty one.
pub(super) fn read_list(body: impl BufRead, root: &mut impl Take) -> Result<(), Undecodable> {
    match read(body, root)? {
        Shape::List | Shape::Null => Ok(()),
        other => Err(format!("the answer is {other}, where a list was expected").into()),
    }
}

#[cfg(test)]
mod tests;
