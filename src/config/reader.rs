//! Typed keys out of a tree of values. Every error is noted and reading goes on, so that all are told at once.

use std::time::Duration;

use config::{Value, ValueKind};

use super::errors::Errors;
use super::tree::Table;
use super::value::{self, Limits};

/// One table of the configuration. Keys are taken out of it; what is left in the end is unknown.
#[derive(Debug)]
pub(super) struct Section {
    path: String,
    values: Table,
    /// Every key that was asked for, found or not.
    known: Vec<&'static str>,
}

/// A text with its place, for the errors that are found when it is understood.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) place: String,
    pub(super) text: String,
    /// Whether a variable gave it, rather than the file.
    pub(super) from_environment: bool,
}

impl Section {
    /// The table at `path`; the path of the whole tree is empty.
    pub(super) fn new(path: impl Into<String>, values: Table) -> Self {
        Self { path: path.into(), values, known: Vec::new() }
    }

    /// Where `key` of this table is.
    pub(super) fn place(&self, key: &str) -> String {
        let path = join(&self.path, key);
        match self.values.get(key) {
            Some(value) => place(&path, value),
            None => path,
        }
    }

    /// Where this table is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether `key` is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Whether `key` is there and its value is in the file, not in a variable.
    pub(super) fn has_in_file(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| value.origin().is_none())
    }

    /// Whether no key is left in this table.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The text of `key`, left where it is, with no error noted.
    pub(super) fn peek_text(&self, key: &str) -> Option<String> {
        match &self.values.get(key)?.kind {
            ValueKind::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    fn take(&mut self, key: &'static str) -> Option<(String, Value)> {
        self.known.push(key);
        let place = self.place(key);
        self.values.remove(key).map(|value| (place, value))
    }

    /// The text of `key`, without the white space around it; `None` where there is none, or no good one.
    pub(super) fn text(&mut self, key: &'static str, errors: &mut Errors) -> Option<Text> {
        let (place, value) = self.take(key)?;
        text(place, value, errors)
    }

    /// As [`Section::text`], where it is an error that the key is not there.
    pub(super) fn required_text(&mut self, key: &'static str, errors: &mut Errors) -> Option<Text> {
        if !self.has(key) {
            errors.add(self.place(key), "is not set");
        }
        self.text(key, errors)
    }

    /// As [`Section::text`], where a blank text stands for none.
    pub(super) fn text_or_blank(&mut self, key: &'static str, errors: &mut Errors) -> Option<Text> {
        let (place, value) = self.take(key)?;
        match &value.kind {
            ValueKind::Nil => None,
            ValueKind::String(text) if text.trim().is_empty() => None,
            _ => text(place, value, errors),
        }
    }

    /// What `parse` makes of the text of `key`; its error is the error.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        errors: &mut Errors,
    ) -> Option<T> {
        let Text { place, text, .. } = self.text(key, errors)?;
        parse(&text).map_err(|problem| errors.add(place, problem)).ok()
    }

    /// What `parse` makes of a date.
    pub(super) fn date<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        errors: &mut Errors,
    ) -> Option<T> {
        if self.is_number(key) {
            let (place, _) = self.take(key)?;
            errors.add(place, value::NUMBER_FOR_DATE);
            return None;
        }
        self.parsed(key, parse, errors)
    }

    fn is_number(&self, key: &str) -> bool {
        let kind = self.values.get(key).map(|value| &value.kind);
        matches!(kind, Some(ValueKind::I64(_) | ValueKind::U64(_) | ValueKind::Float(_)))
    }

    /// A duration within `limits`.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        limits: &Limits,
        errors: &mut Errors,
    ) -> Option<Duration> {
        if self.is_number(key) {
            let (place, _) = self.take(key)?;
            errors.add(place, value::NO_UNIT);
            return None;
        }
        self.parsed(key, |text| value::duration(text, limits), errors)
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        least: u32,
        most: u32,
        errors: &mut Errors,
    ) -> Option<u32> {
        let (place, value) = self.take(key)?;
        let number = match &value.kind {
            ValueKind::I64(number) => i128::from(*number),
            ValueKind::U64(number) => i128::from(*number),
            // A variable has no types: its text is the number.
            ValueKind::String(text) if value.origin().is_some() => text.trim().parse().unwrap_or(-1),
            ValueKind::Nil => {
                errors.add(place, EMPTY);
                return None;
            }
            other => {
                errors.add(place, format!("must be an integer, not {}", kind(other)));
                return None;
            }
        };
        let number = u32::try_from(number).ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            errors.add(place, format!("must be an integer from {least} to {most}"));
        }
        number
    }

    /// An amount of money, at least 0; it is an error that the key is not there.
    pub(super) fn amount(&mut self, key: &'static str, errors: &mut Errors) -> Option<f64> {
        let Some((place, value)) = self.take(key) else {
            errors.add(self.place(key), "is not set");
            return None;
        };
        #[allow(clippy::cast_precision_loss, reason = "no price has sixteen digits")]
        let amount = match &value.kind {
            ValueKind::I64(number) => *number as f64,
            ValueKind::Float(number) => *number,
            // A variable has no types: its text is the number.
            ValueKind::String(text) if value.origin().is_some() => text.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        if amount.is_finite() && amount >= 0.0 {
            return Some(amount);
        }
        errors.add(place, "must be a number that is not negative, such as 7.99");
        None
    }

    /// A share, more than 0 and less than 1; `None` where it is not set.
    pub(super) fn share(&mut self, key: &'static str, errors: &mut Errors) -> Option<f64> {
        let (place, value) = self.take(key)?;
        let share = match &value.kind {
            ValueKind::Float(number) => *number,
            // A variable has no types: its text is the number.
            ValueKind::String(text) if value.origin().is_some() => text.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        if share > 0.0 && share < 1.0 {
            return Some(share);
        }
        errors.add(place, "must be a number between 0 and 1, such as 0.5");
        None
    }

    /// A truth.
    pub(super) fn boolean(&mut self, key: &'static str, errors: &mut Errors) -> Option<bool> {
        let (place, value) = self.take(key)?;
        match &value.kind {
            ValueKind::Boolean(truth) => Some(*truth),
            other => {
                errors.add(place, format!("must be true or false, not {}", kind(other)));
                None
            }
        }
    }

    /// Gives every key with its text to `each`, where the keys are names that the file's author chose. A name that
    /// looks like a misplaced secret is not shown in a place.
    pub(super) fn for_each(self, errors: &mut Errors, mut each: impl FnMut(String, Text, &mut Errors)) {
        for (name, value) in self.values {
            let shown = if looks_like_a_name(&name) { &name } else { "(a name not shown here)" };
            if let Some(text) = text(place(&join(&self.path, shown), &value), value, errors) {
                each(name, text, errors);
            }
        }
    }

    /// Takes `key`, whose presence is an error; `advice` is what to do instead.
    pub(super) fn unsupported(&mut self, key: &'static str, advice: &str, errors: &mut Errors) {
        if let Some((place, _)) = self.take(key) {
            errors.add(place, format!("is not supported: {advice}"));
        }
    }

    /// A list of strings, each with its place.
    pub(super) fn texts(&mut self, key: &'static str, errors: &mut Errors) -> Option<Vec<Text>> {
        let (path, items) = self.items(key, "strings", errors)?;
        let texts = items.into_iter().enumerate();
        Some(
            texts
                .filter_map(|(index, item)| text(place(&format!("{path}[{index}]"), &item), item, errors))
                .collect(),
        )
    }

    /// A list of tables, each of which is called an `item`.
    pub(super) fn sections(&mut self, key: &'static str, item: &str, errors: &mut Errors) -> Vec<Self> {
        if let Some(ValueKind::Table(_)) = self.values.get(key).map(|value| &value.kind) {
            if let Some((place, _)) = self.take(key) {
                errors.add(place, format!("must be a list: begin each {item} with `- `"));
            }
            return Vec::new();
        }
        let Some((path, items)) = self.items(key, "tables", errors) else {
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            match item.kind {
                ValueKind::Table(table) => sections.push(Self::new(path, table.into_iter().collect())),
                ref other => {
                    errors.add(place(&path, &item), format!("must be a table of keys, not {}", kind(other)))
                }
            }
        }
        sections
    }

    fn items(&mut self, key: &'static str, of: &str, errors: &mut Errors) -> Option<(String, Vec<Value>)> {
        let (place, value) = self.take(key)?;
        match value.kind {
            ValueKind::Array(items) => Some((join(&self.path, key), items)),
            // All its items commented out.
            ValueKind::Nil => None,
            ref other => {
                let example = if of == "strings" { ": write it as [a, b]" } else { "" };
                errors.add(place, format!("must be a list of {of}, not {}{example}", kind(other)));
                None
            }
        }
    }

    /// The table under `key`; an empty one where there is none, or all of it is commented out.
    pub(super) fn section(&mut self, key: &'static str, errors: &mut Errors) -> Self {
        let path = join(&self.path, key);
        let values = match self.take(key) {
            None => Table::new(),
            Some((place, value)) => match value.kind {
                ValueKind::Table(table) => table.into_iter().collect(),
                ValueKind::Nil => Table::new(),
                ref other => {
                    errors.add(place, format!("must be a table of keys, not {}", kind(other)));
                    Table::new()
                }
            },
        };
        Self::new(path, values)
    }

    /// Ends the reading of this table: every key that nobody asked for is an error.
    pub(super) fn finish(self, errors: &mut Errors) {
        for (key, value) in &self.values {
            let near = nearest(key, &self.known);
            // What does not look like a key at all may be a secret that lost its key.
            let shown = near.is_some() || looks_like_a_key(key);
            let path = join(&self.path, if shown { key } else { "(a key not shown here)" });
            let advice = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", self.known.join(", ")),
            };
            errors.add(place(&path, value), format!("is not a known key; {advice}"));
        }
    }
}

const EMPTY: &str = "is empty: give it a value, or remove the key";

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn place(path: &str, value: &Value) -> String {
    match value.origin() {
        Some(variable) => format!("{path} ({variable})"),
        None => path.to_owned(),
    }
}

fn text(place: String, value: Value, errors: &mut Errors) -> Option<Text> {
    let from_environment = value.origin().is_some();
    match value.kind {
        ValueKind::String(text) if !text.trim().is_empty() => {
            Some(Text { place, text: text.trim().to_owned(), from_environment })
        }
        ValueKind::String(_) | ValueKind::Nil => {
            errors.add(place, EMPTY);
            None
        }
        // The file's own spelling (a leading zero, an exponent) is lost by now, so it cannot be taken as a text.
        ref other @ (ValueKind::Table(_) | ValueKind::Array(_)) => {
            errors.add(place, format!("must be a string, not {}", kind(other)));
            None
        }
        ref other => {
            errors.add(place, format!("must be a string, not {}: put it in quotes", kind(other)));
            None
        }
    }
}

/// What a value is, without the value.
fn kind(value: &ValueKind) -> &'static str {
    match value {
        ValueKind::Nil => "empty",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a number",
        ValueKind::Float(_) => "a number with a fraction",
        ValueKind::String(_) => "a string",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    }
}

fn looks_like_a_key(key: &str) -> bool {
    key.len() <= 32 && key.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-')
}

fn looks_like_a_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c))
}

/// The known key that `key` most likely stands for.
pub(super) fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-', ' '], "");
    let wanted = plain(key);
    // Keys are short; a longer text is no slip of the finger, and the comparison is quadratic.
    if wanted.len() > 40 {
        return None;
    }
    known
        .iter()
        .map(|known| (distance(&wanted, &plain(known)), *known))
        .filter(|(distance, known)| *distance <= 2 && *distance * 3 <= known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many letters must be put in, left out or exchanged to turn one word into the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
