//! Shapes as the rows of a table that a person can read and a program can read back.

use std::fmt;
use std::str::FromStr;

use super::form::Order;
use super::walk::MAX_DEPTH;
use super::{Form, Range, Seen, Shape};

/// Larger counts are not shown.
const MANY: u64 = 999;

/// A row of a shape's table is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a row of a shape")]
pub struct BadRow;

const CUT_OFF: &str = "cut off";

impl Form {
    /// What it is called, without any number.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Object => "object",
            Self::List => "list",
            Self::Null => "null",
            Self::Flag => "true or false",
            Self::Whole => "whole number",
            Self::Fraction => "number with a fraction",
            Self::MonthFromOne => "month counted from 1",
            Self::Empty => "empty text",
            Self::Text => "text",
            Self::WholeText => "whole number as text",
            Self::FractionText => "number with a fraction as text",
            Self::FlagText => "true or false as text",
            Self::Date => "date",
            Self::Instant(_) => "instant",
            Self::DateLike(_) => "text",
            Self::Known(name) => name,
            Self::Other(_) => "other",
        }
    }

    const PLAIN: [Self; 13] = [
        Self::Object,
        Self::List,
        Self::Null,
        Self::Flag,
        Self::Whole,
        Self::Fraction,
        Self::MonthFromOne,
        Self::Empty,
        Self::Text,
        Self::WholeText,
        Self::FractionText,
        Self::FlagText,
        Self::Date,
    ];
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(digits) => write!(f, "instant ({digits} digits of a second)"),
            Self::DateLike(mask) => write!(f, "text like `{mask}`"),
            Self::Known(name) => write!(f, "`{name}`"),
            Self::Other(length) => write!(f, "other ({length} letters)"),
            form => f.write_str(form.name()),
        }
    }
}

impl FromStr for Form {
    type Err = BadRow;

    fn from_str(text: &str) -> Result<Self, BadRow> {
        let between = |before: &str, after: &str| text.strip_prefix(before)?.strip_suffix(after);
        if let Some(form) = Self::PLAIN.into_iter().find(|form| form.name() == text) {
            return Ok(form);
        }
        if let Some(digits) = between("instant (", " digits of a second)") {
            return digits.parse().map(Self::Instant).map_err(|_| BadRow);
        }
        if let Some(length) = between("other (", " letters)") {
            return length.parse().map(Self::Other).map_err(|_| BadRow);
        }
        if let Some(mask) = between("text like `", "`") {
            return Ok(Self::DateLike(mask.into()));
        }
        between("`", "`").map(|name| Self::Known(name.to_owned().into())).ok_or(BadRow)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            None => f.write_str("0"),
            Some((negative, exponent)) => write!(f, "{}10^{exponent}", if negative { "-" } else { "" }),
        }
    }
}

impl FromStr for Order {
    type Err = BadRow;

    fn from_str(text: &str) -> Result<Self, BadRow> {
        if text == "0" {
            return Ok(Self(0));
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let exponent = rest.strip_prefix("10^").and_then(|exponent| exponent.parse().ok()).ok_or(BadRow)?;
        Ok(Self::from_parts(negative, exponent))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orders(least, most) if least == most => write!(f, "of the order {least}"),
            Self::Orders(least, most) => write!(f, "of the orders {least} to {most}"),
            Self::Exact(least, most) => write!(f, "from {least} to {most}"),
        }
    }
}

impl FromStr for Range {
    type Err = BadRow;

    fn from_str(text: &str) -> Result<Self, BadRow> {
        if let Some(order) = text.strip_prefix("of the order ") {
            let order = order.parse()?;
            return Ok(Self::Orders(order, order));
        }
        if let Some(orders) = text.strip_prefix("of the orders ") {
            let (least, most) = orders.split_once(" to ").ok_or(BadRow)?;
            return Ok(Self::Orders(least.parse()?, most.parse()?));
        }
        let (least, most) =
            text.strip_prefix("from ").and_then(|range| range.split_once(" to ")).ok_or(BadRow)?;
        Ok(Self::Exact(least.parse().map_err(|_| BadRow)?, most.parse().map_err(|_| BadRow)?))
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forms = self.forms.iter().map(|(form, count)| format!("{} × {form}", shown(*count)));
        let range = self.range.iter().map(ToString::to_string);
        let cut_off = (self.open > 0).then(|| CUT_OFF.to_owned());
        f.write_str(&forms.chain(range).chain(cut_off).collect::<Vec<_>>().join(", "))
    }
}

impl FromStr for Seen {
    type Err = BadRow;

    fn from_str(text: &str) -> Result<Self, BadRow> {
        let mut seen = Self::default();
        for part in text.split(", ") {
            if part == CUT_OFF {
                seen.open = 1;
            } else if let Some((count, form)) = part.split_once(" × ") {
                let count: u64 = match count.strip_suffix('+') {
                    Some(more) if more.parse() == Ok(MANY) => MANY + 1,
                    _ => count.parse().map_err(|_| BadRow)?,
                };
                // More than is ever written would make a giant of its replay.
                if count > MANY + 1 {
                    return Err(BadRow);
                }
                seen.forms.insert(form.parse()?, count);
            } else {
                seen.range = Some(part.parse()?);
            }
        }
        Ok(seen)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| Where | What is there |\n| --- | --- |\n")?;
        for (path, seen) in &self.nodes {
            let path = if path.is_empty() { ANSWER } else { path };
            writeln!(f, "| `{path}` | {seen} |")?;
        }
        Ok(())
    }
}

/// How the path of the whole answer is shown.
const ANSWER: &str = "(answer)";

impl Shape {
    /// Adds one row of a table.
    ///
    /// # Errors
    /// Where it is none.
    pub fn add_row(&mut self, row: &str) -> Result<(), BadRow> {
        let cells = row.trim().strip_prefix("| `").and_then(|row| row.strip_suffix(" |")).ok_or(BadRow)?;
        let (path, seen) = cells.split_once("` | ").ok_or(BadRow)?;
        let path = if path == ANSWER { "" } else { path };
        if path.matches(['.', '[']).count() > MAX_DEPTH {
            return Err(BadRow);
        }
        self.nodes.insert(path.into(), seen.parse()?);
        Ok(())
    }
}

fn shown(count: u64) -> String {
    if count > MANY { format!("{MANY}+") } else { count.to_string() }
}
