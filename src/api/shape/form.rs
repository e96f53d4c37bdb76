use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;

/// The longest text of which the form of a date is shown.
const LONGEST_DATE: usize = 40;

/// Of what form a value is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// An object.
    Object,
    /// A list.
    List,
    /// Null.
    Null,
    /// True or false.
    Flag,
    /// A number without a fraction.
    Whole,
    /// A number with one.
    Fraction,
    /// The number of a month that was asked for only if months count from 1.
    MonthFromOne,
    /// A text without any character.
    Empty,
    /// A text.
    Text,
    /// A number without a fraction, written as a text.
    WholeText,
    /// A number with one, written as a text.
    FractionText,
    /// True or false, written as a text.
    FlagText,
    /// A date as in `2026-01-31`.
    Date,
    /// An instant as RFC 3339 has it, with so many digits of a second.
    Instant(u8),
    /// A text where a date should be: `9` for each digit and `a` for each letter.
    DateLike(Box<str>),
    /// A value that the contract knows by name.
    Known(Cow<'static, str>),
    /// A text where the contract knows names, and not this one; of so many characters.
    Other(usize),
}

impl Form {
    /// The form of a text of which the contract knows nothing.
    pub(super) fn of_text(text: &str) -> Self {
        if text.is_empty() {
            Self::Empty
        } else if text.parse::<i128>().is_ok() {
            Self::WholeText
        } else if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.parse::<f64>().is_ok() {
            Self::FractionText
        } else if matches!(text, "true" | "false") {
            Self::FlagText
        } else {
            Self::of_date(text).unwrap_or(Self::Text)
        }
    }

    /// The form of a text that should be a date.
    pub(super) fn of_date(text: &str) -> Option<Self> {
        if text.len() > LONGEST_DATE || !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if text.len() == "2026-01-31".len() && text.parse::<Date>().is_ok() {
            return Some(Self::Date);
        }
        text.parse::<Timestamp>().ok()?;
        let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        Some(Self::Instant(u8::try_from(digits).unwrap_or(u8::MAX)))
    }

    /// A text with a digit in it, with `9` for each digit and `a` for each letter.
    pub(super) fn masked(text: &str) -> Option<Self> {
        let fits = text.len() <= LONGEST_DATE && text.bytes().any(|byte| byte.is_ascii_digit());
        fits.then(|| {
            let mask = |c: char| match c {
                '0'..='9' => '9',
                '/' | '-' | '.' | ':' | '+' | ' ' => c,
                _ => 'a',
            };
            Self::DateLike(text.chars().map(mask).collect::<String>().into())
        })
    }
}

/// Between what numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// By their orders of magnitude.
    Orders(Order, Order),
    /// As they are. For numbers of months alone, which are not the user's.
    Exact(i8, i8),
}

impl Range {
    /// The range of one number.
    pub(super) fn of(number: f64) -> Self {
        Self::Orders(Order::of(number), Order::of(number))
    }

    /// The range of the number of one month; what can be none is 99.
    pub(super) fn of_month(number: f64) -> Self {
        let month = if (0.0..=12.0).contains(&number) {
            #[allow(clippy::cast_possible_truncation, reason = "0 to 12")]
            {
                number as i8
            }
        } else {
            99
        };
        Self::Exact(month, month)
    }

    /// The range of both. Of two kinds the first stays.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Orders(a, b), Self::Orders(c, d)) => Self::Orders(a.min(c), b.max(d)),
            (Self::Exact(a, b), Self::Exact(c, d)) => Self::Exact(a.min(c), b.max(d)),
            (one, _) => one,
        }
    }
}

/// The order of magnitude of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order(pub(super) i16);

/// What is added to an exponent, so that the order of a fraction is not that of 0.
const SHIFT: i16 = 100;

/// Numbers nearer to 0 than this power of ten are shown as if they had it.
const LEAST: i16 = -3;

impl Order {
    fn of(number: f64) -> Self {
        if number == 0.0 || !number.is_finite() {
            return Self(0);
        }
        #[allow(clippy::cast_possible_truncation, reason = "an exponent of a double has three digits")]
        let exponent = (number.abs().log10().floor() as i16).max(LEAST);
        Self::from_parts(number < 0.0, exponent)
    }

    pub(super) fn from_parts(negative: bool, exponent: i16) -> Self {
        let order = exponent.clamp(LEAST, 400) + SHIFT;
        Self(if negative { -order } else { order })
    }

    /// Whether it is below 0, and its power of ten; `None` for 0.
    #[must_use]
    pub fn parts(self) -> Option<(bool, i16)> {
        (self.0 != 0).then(|| (self.0 < 0, self.0.abs() - SHIFT))
    }
}
