//! How dates are written in requests and answers of this platform.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// "Never", as the vendor writes it.
pub(super) const NEVER: &str = "0001-01-01T00:00:00Z";

/// More days than that in one request are rejected; no source says what the service does.
const MAX_DAYS: usize = 4000;

/// 00:00 UTC of a day.
pub(super) fn midnight(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
}

/// An instant with so many digits after the point, nine at most.
pub(super) fn instant(time: Timestamp, digits: u8) -> String {
    let digits = usize::from(digits.min(9));
    let civil = Offset::UTC.to_datetime(time);
    if digits == 0 {
        return civil.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    }
    let fraction = format!("{:09}", civil.subsec_nanosecond());
    format!("{}.{}Z", civil.strftime("%Y-%m-%dT%H:%M:%S"), fraction.get(..digits).unwrap_or(&fraction))
}

/// The days of a query, first and last included, oldest first. `None` where a bound is no instant with milliseconds
/// (seen on the wire: without them the request is rejected) or the days are reversed.
pub(super) fn days(from: Option<&str>, till: Option<&str>) -> Option<Vec<Date>> {
    let (from, till) = (day(from?)?, day(till?)?);
    let days: Vec<_> =
        from.series(jiff::Span::new().days(1)).take_while(|day| *day <= till).take(MAX_DAYS + 1).collect();
    (!days.is_empty() && days.len() <= MAX_DAYS).then_some(days)
}

/// The UTC day of `2026-11-01T00:00:00.000Z`.
fn day(text: &str) -> Option<Date> {
    const FORM: &[u8] = b"0000-00-00T00:00:00.000Z";
    let has_form = text.len() == FORM.len()
        && text
            .bytes()
            .zip(FORM)
            .all(|(byte, form)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form });
    let time: Timestamp = has_form.then(|| text.parse().ok())??;
    Some(Offset::UTC.to_datetime(time).date())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn instants_have_the_digits_that_are_asked_for() {
        let time: Timestamp = "2026-11-23T01:02:03.0456Z".parse().unwrap();
        for (digits, text) in [
            (0, "2026-11-23T01:02:03Z"),
            (1, "2026-11-23T01:02:03.0Z"),
            (3, "2026-11-23T01:02:03.045Z"),
            (9, "2026-11-23T01:02:03.045600000Z"),
            (12, "2026-11-23T01:02:03.045600000Z"),
        ] {
            assert_eq!(instant(time, digits), text);
        }
    }

    #[test]
    fn days_are_bounded_by_instants_with_milliseconds() {
        let ask = |from, till| days(Some(from), Some(till));
        let end = "2026-03-01T23:59:59.999Z";
        assert_eq!(
            ask("2026-02-27T00:00:00.000Z", end),
            Some(vec![date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)])
        );
        assert_eq!(ask("2026-03-01T00:00:00.000Z", end), Some(vec![date(2026, 3, 1)]));
        for wrong in [
            "2026-03-01T00:00:00Z",
            "2026-03-01T00:00:00.00Z",
            "2026-03-01T00:00:00.0000Z",
            "2026-03-01",
            "2026-02-30T00:00:00.000Z",
            "2026-03-02T00:00:00.000Z",
            "1900-03-02T00:00:00.000Z",
            "",
        ] {
            assert_eq!(ask(wrong, end), None, "{wrong}");
        }
        assert_eq!(days(None, Some(end)), None);
    }
}
