//! Figures and dates as the vendor writes them, in base units.

use jiff::Timestamp;

use super::wire::Scalar;
use crate::clock;
use crate::model::Expiry;

/// The largest usage that is believed: 10 EB.
const MAX_GIGABYTES: f64 = 1e10;

/// The largest count that is believed.
const MAX_COUNT: f64 = 1e12;

/// A figure that is negative, absurd or no number at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Absurd;

/// A number, also as a text; `None` where there is none.
fn number(scalar: &Scalar) -> Result<Option<f64>, Absurd> {
    match scalar {
        Scalar::Missing => Ok(None),
        Scalar::Float(number) => Ok(Some(*number)),
        #[allow(
            clippy::cast_precision_loss,
            reason = "whole numbers that a double cannot hold are out of every range here"
        )]
        Scalar::Integer(number) => Ok(Some(*number as f64)),
        Scalar::Text(text) => text.trim().parse().map(Some).map_err(|_| Absurd),
        Scalar::Flag(_) | Scalar::Other => Err(Absurd),
    }
}

/// Bytes from decimal gigabytes: 1 GB is 10^9 bytes, seen on the wire.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
pub(super) fn bytes(gigabytes: &Scalar) -> Result<Option<u64>, Absurd> {
    match number(gigabytes)? {
        None => Ok(None),
        Some(number) if (0.0..=MAX_GIGABYTES).contains(&number) => Ok(Some((number * 1e9).round() as u64)),
        Some(_) => Err(Absurd),
    }
}

/// Whole bytes, or a count that may be as large: up to 10^19, which is 10 EB.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
pub(super) fn whole(scalar: &Scalar) -> Result<Option<u64>, Absurd> {
    const MAX: u64 = 10_000_000_000_000_000_000;
    let exact = match scalar {
        Scalar::Integer(number) => Some(*number),
        Scalar::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    if let Some(exact) = exact {
        return u64::try_from(exact).ok().filter(|number| *number <= MAX).map(Some).ok_or(Absurd);
    }
    match number(scalar)? {
        None => Ok(None),
        Some(number) if (0.0..=1e19).contains(&number) && number.fract() == 0.0 => Ok(Some(number as u64)),
        Some(_) => Err(Absurd),
    }
}

/// A count of things.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
pub(super) fn count(count: &Scalar) -> Result<Option<u64>, Absurd> {
    match number(count)? {
        None => Ok(None),
        Some(number) if (0.0..=MAX_COUNT).contains(&number) && number.fract() == 0.0 => {
            Ok(Some(number as u64))
        }
        Some(_) => Err(Absurd),
    }
}

/// Days left of a trial. The guide says that -1 means no trial; any other negative number is taken for the same.
pub(super) fn trial_days(days: &Scalar) -> Result<Option<u64>, Absurd> {
    match number(days)? {
        Some(number) if number < 0.0 => Ok(None),
        _ => count(days),
    }
}

/// A small whole number: a year or a month's number.
#[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
pub(super) fn small(scalar: &Scalar) -> Result<Option<i32>, Absurd> {
    match number(scalar)? {
        None => Ok(None),
        Some(number) if (0.0..=9999.0).contains(&number) && number.fract() == 0.0 => Ok(Some(number as i32)),
        Some(_) => Err(Absurd),
    }
}

/// Whole seconds left; never negative. A length that no calendar holds is kept as a very long one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast of a double saturates, and it is not negative"
)]
pub(super) fn seconds(scalar: &Scalar) -> Option<u64> {
    match number(scalar) {
        Ok(Some(number)) if number >= 0.0 => Some(number as u64),
        _ => None,
    }
}

/// An instant, leniently: RFC 3339; without an offset it is UTC; a date is its first instant.
///
/// Instants before 1970 are none: the year 1 is how the vendor's platform writes a date that was never set.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let instant = text.parse::<Timestamp>().ok().or_else(|| text.parse().ok().map(clock::utc))?;
    (instant > Timestamp::UNIX_EPOCH).then_some(instant)
}

/// The expiry of a service account: an empty text means never, seen on the wire; no field at all means that nobody
/// said. An error for what is neither of these nor a date.
pub(super) fn expiry(scalar: &Scalar) -> Result<Expiry, Absurd> {
    match scalar {
        Scalar::Missing => Ok(Expiry::Unknown),
        Scalar::Text(text) if text.is_empty() => Ok(Expiry::Never),
        Scalar::Text(text) => instant(text).map(Expiry::At).ok_or(Absurd),
        _ => Err(Absurd),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    #[test]
    fn gigabytes_are_decimal_and_may_be_texts() {
        for (gigabytes, expected) in [
            (Scalar::Float(4491.96), Ok(Some(4_491_960_000_000))),
            (Scalar::Float(36_498.950_999_999_994), Ok(Some(36_498_951_000_000))),
            (text(" 534.51 "), Ok(Some(534_510_000_000))),
            (text("1e3"), Ok(Some(1_000_000_000_000))),
            (Scalar::Integer(0), Ok(Some(0))),
            (Scalar::Float(-0.0), Ok(Some(0))),
            (Scalar::Float(4e-10), Ok(Some(0))),
            (Scalar::Integer(10_000_000_000), Ok(Some(10_000_000_000_000_000_000))),
            (Scalar::Integer(10_000_000_001), Err(Absurd)),
            (Scalar::Integer(i128::MAX), Err(Absurd)),
            (Scalar::Float(-0.001), Err(Absurd)),
            (Scalar::Float(f64::NAN), Err(Absurd)),
            (text("inf"), Err(Absurd)),
            (text("NaN"), Err(Absurd)),
            (text(""), Err(Absurd)),
            (text("12 GB"), Err(Absurd)),
            (Scalar::Flag(true), Err(Absurd)),
            (Scalar::Other, Err(Absurd)),
            (Scalar::Missing, Ok(None)),
        ] {
            assert_eq!(bytes(&gigabytes), expected, "{gigabytes:?}");
        }
    }

    #[test]
    fn whole_bytes_are_exact() {
        for (bytes, expected) in [
            (Scalar::Integer(9_007_199_254_740_993), Ok(Some(9_007_199_254_740_993))),
            (text(" 9007199254740993 "), Ok(Some(9_007_199_254_740_993))),
            (text("1e3"), Ok(Some(1000))),
            (Scalar::Float(6_485_663_588_183.0), Ok(Some(6_485_663_588_183))),
            (Scalar::Integer(0), Ok(Some(0))),
            (Scalar::Missing, Ok(None)),
            (Scalar::Integer(-1), Err(Absurd)),
            (Scalar::Integer(10_000_000_000_000_000_001), Err(Absurd)),
            (Scalar::Float(0.5), Err(Absurd)),
            (Scalar::Float(f64::NAN), Err(Absurd)),
            (text("many"), Err(Absurd)),
            (Scalar::Flag(true), Err(Absurd)),
            (Scalar::Other, Err(Absurd)),
        ] {
            assert_eq!(whole(&bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn counts_and_trials() {
        assert_eq!(count(&Scalar::Integer(7)), Ok(Some(7)));
        assert_eq!(count(&Scalar::Float(7.0)), Ok(Some(7)));
        assert_eq!(count(&text("7")), Ok(Some(7)));
        assert_eq!(count(&Scalar::Float(7.5)), Err(Absurd));
        assert_eq!(count(&Scalar::Integer(-1)), Err(Absurd));
        assert_eq!(count(&Scalar::Float(1e300)), Err(Absurd));
        assert_eq!(trial_days(&Scalar::Integer(-1)), Ok(None));
        assert_eq!(trial_days(&text("-7")), Ok(None));
        assert_eq!(trial_days(&Scalar::Integer(0)), Ok(Some(0)));
        assert_eq!(trial_days(&Scalar::Integer(14)), Ok(Some(14)));
        assert_eq!(trial_days(&Scalar::Missing), Ok(None));
        assert_eq!(trial_days(&Scalar::Other), Err(Absurd));
    }

    #[test]
    fn seconds_left() {
        assert_eq!(seconds(&Scalar::Integer(864_000)), Some(864_000));
        assert_eq!(seconds(&text("86400")), Some(86_400));
        assert_eq!(seconds(&Scalar::Integer(0)), Some(0));
        assert_eq!(seconds(&Scalar::Float(1e300)), Some(u64::MAX));
        assert_eq!(seconds(&Scalar::Integer(-1)), None);
        assert_eq!(seconds(&text("soon")), None);
        assert_eq!(seconds(&text("NaN")), None);
        assert_eq!(seconds(&Scalar::Missing), None);
    }

    #[test]
    fn expiry_dates() {
        let at = |text: &str| Ok(Expiry::At(text.parse().unwrap()));
        for (scalar, expected) in [
            (Scalar::Missing, Ok(Expiry::Unknown)),
            (text(""), Ok(Expiry::Never)),
            (text("2022-11-15"), at("2022-11-15T00:00:00Z")),
            (text("2028-02-29"), at("2028-02-29T00:00:00Z")),
            (text("2022-11-15T10:30:00Z"), at("2022-11-15T10:30:00Z")),
            (text("2022-11-15T10:30:00.123+02:00"), at("2022-11-15T08:30:00.123Z")),
            (text("2022-11-15T10:30:00"), at("2022-11-15T10:30:00Z")),
            (text("2026-02-30"), Err(Absurd)),
            (text("2026-02-29"), Err(Absurd)),
            (text("0001-01-01T00:00:00Z"), Err(Absurd)),
            (text("never"), Err(Absurd)),
            (text(" "), Err(Absurd)),
            (Scalar::Integer(1_700_000_000), Err(Absurd)),
            (Scalar::Flag(false), Err(Absurd)),
        ] {
            assert_eq!(expiry(&scalar), expected, "{scalar:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_none(anything in "\\PC{0,40}") {
            let _ = instant(&anything);
        }

        #[test]
        fn any_number_is_bytes_or_absurd(number in any::<f64>()) {
            let believed = (0.0..=MAX_GIGABYTES).contains(&number);
            prop_assert_eq!(bytes(&Scalar::Float(number)).is_ok(), believed);
        }
    }
}
