//! What is noted while an answer is walked through: bounded, whatever the answer is.

use super::{Form, Range, Seen, Shape};
use crate::api::contract::{Contract, Expected, Field, Months, is_schema_word};

/// The most different keys of one object that are told apart, beside those of the contract.
const MAX_UNKNOWN: usize = 32;

/// The most different paths that are told apart.
const MAX_NODES: usize = 500;

/// Objects and lists that are deeper than this are not looked into.
pub(super) const MAX_DEPTH: usize = 16;

/// The longest key that is shown.
const MAX_KEY: usize = 40;

/// A place in the answer.
pub(super) type At = usize;

/// The whole answer.
pub(super) const ROOT: At = 0;

pub(super) struct Walk {
    contract: &'static Contract,
    months: Months,
    nodes: Vec<Node>,
}

struct Node {
    path: String,
    field: Option<&'static Field>,
    seen: Seen,
    children: Vec<(Key, At)>,
}

#[derive(PartialEq, Eq)]
enum Key {
    /// The contract has it.
    Known(&'static str),
    /// The contract does not have it.
    New(Box<str>),
    /// Whatever else.
    Withheld,
    /// The items of a list.
    Item,
    /// The values of an object whose keys are names.
    Entry,
}

impl Walk {
    pub(super) fn new(contract: &'static Contract, months: Months) -> Self {
        let root = Node {
            path: String::new(),
            field: contract.field(""),
            seen: Seen::default(),
            children: Vec::new(),
        };
        Self { contract, months, nodes: vec![root] }
    }

    /// Notes an object or a list, of which the end is not there yet.
    pub(super) fn enter(&mut self, at: At, form: Form) {
        self.nodes[at].seen.open += 1;
        self.note(at, form);
    }

    /// Notes the end of an object or a list.
    pub(super) fn leave(&mut self, at: At) {
        self.nodes[at].seen.open -= 1;
    }

    pub(super) fn note(&mut self, at: At, form: Form) {
        *self.nodes[at].seen.forms.entry(form).or_default() += 1;
    }

    pub(super) fn number(&mut self, at: At, number: f64, form: Form) {
        let node = &mut self.nodes[at];
        let (range, form) = match node.field.map(|field| field.expected) {
            Some(Expected::Month) if form == Form::Whole && self.months.count_from_one(number) => {
                (Range::of_month(number), Form::MonthFromOne)
            }
            Some(Expected::Month) => (Range::of_month(number), form),
            _ => (Range::of(number), form),
        };
        node.seen.range = Some(node.seen.range.map_or(range, |known| known.with(range)));
        self.note(at, form);
    }

    pub(super) fn text(&mut self, at: At, text: &str) {
        let form = match self.nodes[at].field.map(|field| field.expected) {
            _ if text.is_empty() => Form::Empty,
            Some(Expected::Text) => Form::Text,
            Some(Expected::OneOf(known)) => match known.iter().find(|known| **known == text) {
                Some(known) => Form::Known((*known).into()),
                None => Form::Other(text.chars().count()),
            },
            Some(Expected::Date | Expected::Instant) => {
                Form::of_date(text).or_else(|| Form::masked(text)).unwrap_or(Form::Text)
            }
            _ => Form::of_text(text),
        };
        match (&form, text.parse()) {
            (Form::WholeText | Form::FractionText, Ok(number)) => self.number(at, number, form),
            _ => self.note(at, form),
        }
    }

    /// The place of a key's value; `None` where it is not looked at.
    pub(super) fn child(&mut self, at: At, key: &str) -> Option<At> {
        let Node { path, field, children, .. } = &self.nodes[at];
        if field.is_some_and(|field| field.expected == Expected::Map) {
            return self.place(at, Key::Entry);
        }
        let has = |known: &Key| match known {
            Key::Known(known) => *known == key,
            Key::New(known) => **known == *key,
            _ => false,
        };
        if let Some((_, place)) = children.iter().find(|(known, _)| has(known)) {
            return Some(*place);
        }
        let new = match self.contract.key(path, key) {
            Some(known) => Key::Known(known),
            None if looks_like_a_key(key) && children.len() < MAX_UNKNOWN => Key::New(key.into()),
            None => Key::Withheld,
        };
        self.place(at, new)
    }

    /// The place of the items of a list.
    pub(super) fn item(&mut self, at: At) -> Option<At> {
        self.place(at, Key::Item)
    }

    fn place(&mut self, at: At, key: Key) -> Option<At> {
        if let Some((_, place)) = self.nodes[at].children.iter().find(|(known, _)| *known == key) {
            return Some(*place);
        }
        if self.nodes.len() == MAX_NODES {
            return None;
        }
        let path = match &key {
            Key::Item => format!("{}[]", self.nodes[at].path),
            Key::Known(name) => join(&self.nodes[at].path, name),
            Key::New(name) => join(&self.nodes[at].path, name),
            Key::Entry => join(&self.nodes[at].path, "*"),
            Key::Withheld => join(&self.nodes[at].path, "?"),
        };
        let place = self.nodes.len();
        let field = self.contract.field(&path);
        self.nodes.push(Node { path, field, seen: Seen::default(), children: Vec::new() });
        self.nodes[at].children.push((key, place));
        Some(place)
    }

    /// What was seen, without the keys that could be the user's.
    pub(super) fn finish(self) -> Shape {
        let mut shape = Shape::default();
        if self.nodes[ROOT].seen.total() > 0 {
            self.add(ROOT, &mut shape);
        }
        shape
    }

    fn add(&self, at: At, shape: &mut Shape) {
        let Node { path, seen, children, .. } = &self.nodes[at];
        shape.nodes.insert(path.as_str().into(), seen.clone());
        let known = children.iter().filter(|(key, _)| matches!(key, Key::Known(_))).count();
        let unknown = children.iter().filter(|(key, _)| matches!(key, Key::New(_) | Key::Withheld)).count();
        for (key, place) in children {
            let child = &self.nodes[*place];
            let is_shown = match key {
                Key::Known(_) | Key::Item | Key::Entry => true,
                Key::Withheld => false,
                // A name of the user's that has become a key is one among many, and not among those of the contract.
                Key::New(name) => {
                    let is_usual =
                        child.seen.total() * 2 >= seen.forms.get(&Form::Object).copied().unwrap_or(0);
                    is_schema_word(name) || (known >= unknown && is_usual)
                }
            };
            if is_shown {
                self.add(*place, shape);
            } else {
                let withheld = join(path, "?");
                let forms = shape.nodes.entry(withheld.into()).or_default();
                forms.merge(Seen { range: None, open: 0, ..child.seen.clone() });
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Whether a key has the form of one that a program's author chose.
fn looks_like_a_key(key: &str) -> bool {
    key.len() <= MAX_KEY
        && key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}
