//! Answers of a given shape, with made-up values.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

use crate::api::shape::{Form, Range, Seen, Shape, leaf, parent};
use crate::model::Month;

/// A list has no more items than this, however many the shape has.
const MOST_ITEMS: u64 = 1000;

/// What a request asks for, as far as an answer has to keep to it.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// Nothing.
    Nothing,
    /// These months, in their order.
    Months(Vec<Month>),
    /// These days, in their order.
    Days(Vec<Date>),
}

/// Makes answers of one shape. What was made is counted, so that several answers together have that shape.
#[derive(Debug)]
pub(super) struct Maker {
    shape: Shape,
    made: BTreeMap<String, u64>,
    now: Timestamp,
}

impl Maker {
    pub(super) const fn new(shape: Shape, now: Timestamp) -> Self {
        Self { shape, made: BTreeMap::new(), now }
    }

    /// The next answer.
    pub(super) fn json(&mut self, asked: &Asked) -> Value {
        self.value("", 0, asked)
    }

    /// The next answer as XML, whose outermost element is `root`.
    pub(super) fn xml(&mut self, root: &str) -> String {
        let Value::Object(lists) = self.value("", 0, &Asked::Nothing) else { return format!("<{root}/>") };
        let mut text = String::new();
        for (list, items) in &lists {
            let item = if list == "Buckets" { "Bucket" } else { "member" };
            let items = items.as_array().map(Vec::as_slice).unwrap_or_default().iter();
            let items: String = items.map(|fields| element(item, &inner(fields))).collect();
            text.push_str(&element(list, &items));
        }
        element(root, &text)
    }

    /// The value at a path, which is the `index`-th of those beside it.
    fn value(&mut self, path: &str, index: u64, asked: &Asked) -> Value {
        let Some(seen) = self.shape.at(path).cloned() else { return Value::Null };
        let made = self.count(path);
        let form = form(&seen, made);
        match form {
            Form::Object => Value::Object(self.object(path, &seen, index, asked)),
            Form::List => Value::Array(self.list(path, &seen, asked)),
            Form::Null => Value::Null,
            Form::Flag => json!(made.is_multiple_of(2)),
            Form::Whole | Form::MonthFromOne if leaf(path) == "month" || leaf(path) == "year" => {
                self.of_month(path, index, asked)
            }
            Form::Whole | Form::MonthFromOne => json!(whole(&seen, made)),
            Form::Fraction => json!(fraction(&seen, made)),
            Form::Empty => json!(""),
            Form::WholeText => json!(whole(&seen, made).to_string()),
            Form::FractionText => json!(fraction(&seen, made).to_string()),
            Form::FlagText => json!("true"),
            Form::Date => json!(self.day(made).to_string()),
            Form::Instant(digits) => json!(self.instant(path, index, made, digits, asked)),
            Form::DateLike(mask) => json!(mask.replace('9', "1")),
            Form::Known(word) => json!(word),
            Form::Other(length) => json!("x".repeat(length.min(1000))),
            Form::Text => json!(text(path, index, made)),
        }
    }

    fn object(&mut self, path: &str, seen: &Seen, index: u64, asked: &Asked) -> Map<String, Value> {
        let objects = seen.forms.get(&Form::Object).copied().unwrap_or(1).max(1);
        // How many objects of this path there were before this one.
        let before = self.count(&format!("{path} objects"));
        let mut fields = Map::new();
        for child in self.children(path) {
            let total = self.shape.at(&child).map_or(0, Seen::total);
            let share = share(total, objects, before);
            match leaf(&child) {
                "*" => {
                    for entry in 0..share.min(MOST_ITEMS) {
                        fields.insert(format!("name-{entry}"), self.value(&child, entry, asked));
                    }
                }
                // A hyphen keeps them from being taken for keys that can be shown.
                "?" => {
                    for entry in 0..share.min(2) {
                        fields.insert(format!("left-out-{entry}"), self.value(&child, entry, asked));
                    }
                }
                key => {
                    if share > 0 {
                        fields.insert(key.to_owned(), self.value(&child, index, asked));
                    }
                }
            }
        }
        fields
    }

    fn list(&mut self, path: &str, seen: &Seen, asked: &Asked) -> Vec<Value> {
        let lists = seen.forms.get(&Form::List).copied().unwrap_or(1).max(1);
        let before = self.count(&format!("{path} lists"));
        let item = format!("{path}[]");
        let total = self.shape.at(&item).map_or(0, Seen::total);
        let most = match asked {
            // No item of another month or day than was asked for.
            Asked::Months(months) if self.shape.at(&format!("{item}.month")).is_some() => months.len() as u64,
            Asked::Days(days) if self.shape.at(&format!("{item}.Date")).is_some() => days.len() as u64,
            _ => MOST_ITEMS,
        };
        (0..share(total, lists, before).min(most)).map(|index| self.value(&item, index, asked)).collect()
    }

    fn of_month(&self, path: &str, index: u64, asked: &Asked) -> Value {
        let Asked::Months(months) = asked else { return json!(0) };
        let Some(month) = usize::try_from(index).ok().and_then(|index| months.get(index)) else {
            return json!(0);
        };
        if leaf(path) == "year" {
            return json!(month.year());
        }
        let from_one = self.shape.at(path).is_some_and(|seen| seen.forms.contains_key(&Form::MonthFromOne));
        json!(month.number() - i32::from(!from_one))
    }

    /// A day, some before and most after now.
    fn day(&self, made: u64) -> Date {
        let today = jiff::tz::Offset::UTC.to_datetime(self.now).date();
        today.saturating_add(Span::new().days(i64::try_from(made % 100).unwrap_or(0) * 20 - 20))
    }

    fn instant(&self, path: &str, index: u64, made: u64, digits: u8, asked: &Asked) -> String {
        let day = match (asked, leaf(path)) {
            (Asked::Days(days), "Date") => {
                usize::try_from(index).ok().and_then(|index| days.get(index)).copied()
            }
            _ => None,
        };
        // An instant of the past, so that keys have an age.
        let day = day.unwrap_or_else(|| self.day(made).saturating_sub(Span::new().days(3000)));
        let fraction = if digits == 0 { String::new() } else { format!(".{}", "0".repeat(digits.into())) };
        format!("{day}T00:00:00{fraction}Z")
    }

    /// How often this was asked for before.
    fn count(&mut self, what: &str) -> u64 {
        let count = self.made.entry(what.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    fn children(&self, path: &str) -> Vec<String> {
        let is_child = |child: &&str| !child.ends_with("[]") && parent(child) == Some(path);
        self.shape.nodes.keys().map(AsRef::as_ref).filter(is_child).map(str::to_owned).collect()
    }
}

/// What the `index`-th of `among` gets of `total`, so that all of them together get just that.
fn share(total: u64, among: u64, index: u64) -> u64 {
    let index = index % among;
    (index + 1) * total / among - index * total / among
}

/// The form of the `made`-th value.
fn form(seen: &Seen, made: u64) -> Form {
    let mut left = made % seen.total().max(1);
    for (form, count) in &seen.forms {
        match left.checked_sub(*count) {
            Some(rest) => left = rest,
            None => return form.clone(),
        }
    }
    Form::Null
}

/// A number of the range: first the largest, then the smallest.
fn fraction(seen: &Seen, made: u64) -> f64 {
    let order = match seen.range {
        Some(Range::Orders(_, most)) if made.is_multiple_of(2) => most.parts(),
        Some(Range::Orders(least, _)) => least.parts(),
        _ => None,
    };
    let size = order
        .map_or(0.0, |(negative, exponent)| 10_f64.powi(exponent.into()) * if negative { -1.0 } else { 1.0 });
    size * 1.25
}

fn whole(seen: &Seen, made: u64) -> i64 {
    #[allow(clippy::cast_possible_truncation, reason = "a made-up number; too large ones become the largest")]
    {
        (fraction(seen, made) / 1.25) as i64
    }
}

fn text(path: &str, index: u64, made: u64) -> String {
    match leaf(path).trim_end_matches("[]") {
        // The same in the answers of all endpoints.
        "name" | "Name" | "UserName" => format!("name-{index}"),
        "token" => "replayed-token".to_owned(),
        key => format!("{}-{made}", key.to_ascii_lowercase()),
    }
}

fn inner(fields: &Value) -> String {
    let fields = fields.as_object().into_iter().flatten();
    fields.map(|(name, value)| element(name, value.as_str().unwrap_or_default())).collect()
}

fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}
