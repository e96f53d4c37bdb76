//! Texts: values as the text that they are shown as, and characters that must not be shown as they are.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value as the text that it is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| D::Error::custom("not what it should be"))
    }
}

/// Whether a character would do something to a terminal or to the order of a line, and not only show.
pub(crate) fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];

/// A size in the decimal units by which the vendor bills, three figures at least: `9.84 TB`.
#[allow(clippy::cast_precision_loss, reason = "a few figures are shown")]
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut units = UNITS.iter().peekable();
    let mut unit = "";
    while let Some(next) = units.next() {
        unit = next;
        // 999.96 is shown as 1000.0, which is 1 of the next unit.
        if value < 999.95 || units.peek().is_none() {
            break;
        }
        value /= 1000.0;
    }
    if value < 9.995 { format!("{value:.2} {unit}") } else { format!("{value:.1} {unit}") }
}

/// A number with its thousands apart: `10,000`.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 bucket`, `26 buckets`.
pub(crate) fn count(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(count), if count == 1 { "" } else { "s" })
}

/// A number of things of a list.
pub(crate) fn length(length: usize, thing: &str) -> String {
    count(length as u64, thing)
}
