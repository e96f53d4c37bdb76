//! Figures and instants as people read them.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};

use crate::clock;
pub(crate) use crate::text::{count, length, number, size};

/// By how much `now` is more than `before`: `+3.1 %`. `None` where there is nothing to compare with.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "one decimal is shown, and none of what is large"
)]
pub(super) fn change(before: u64, now: u64) -> Option<String> {
    (before > 0).then(|| {
        let percent = (now as f64 / before as f64 - 1.0) * 100.0;
        // Not "-0.0".
        let percent = if percent.abs() < 0.05 { 0.0 } else { percent };
        // Decimals of thousands of percent say nothing.
        if percent < 1000.0 { format!("{percent:+.1} %") } else { format!("+{} %", number(percent as u64)) }
    })
}

/// What part of `whole` this is: `4.2 %`. `None` of nothing.
#[allow(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(super) fn share(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| match part as f64 / whole as f64 * 100.0 {
        percent if part > 0 && percent < 0.05 => "< 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    })
}

/// How far an instant is from now: `3 min ago`, `in 12 days`. Rounded down, as the console does.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("in {}", span(clock::until(now, at).as_secs()))
    } else {
        match clock::until(at, now).as_secs() {
            0..5 => "just now".to_owned(),
            seconds => format!("{} ago", span(seconds)),
        }
    }
}

/// A length of time in its largest unit, rounded down.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => count(seconds / 86_400, "day"),
    }
}

/// An amount of money, not below zero: `2,745.43 USD`.
pub(super) fn money(amount: f64, currency: &str) -> String {
    let text = format!("{amount:.2}");
    // An amount so large that it has no such digits is shown as it is.
    let grouped = text
        .split_once('.')
        .and_then(|(whole, hundredths)| Some(format!("{}.{hundredths}", number(whole.parse().ok()?))));
    format!("{} {currency}", grouped.unwrap_or(text))
}

/// How long something took: `3 ms`, `1.5 s`.
pub(super) fn took(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

/// A date and a time of day with its zone: `2026-11-24 12:00 UTC`.
pub(super) fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// An instant, for people and for programs.
pub(super) fn instant(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (utc(at)) } }
}

/// How far away an instant is, with the instant itself as title.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(utc(at)) { (relative(at, now)) } }
}

/// A name that somebody else chose. It is set apart, so that its direction of writing does not change the order of what
/// is around it.
pub(super) fn name(name: &str) -> Markup {
    html! { bdi { (name) } }
}

/// A name where there can be no element around it: without the characters that are not seen but change what is.
pub(super) fn plain(name: &str) -> String {
    let invisible = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    name.chars().filter(|letter| !invisible(*letter)).collect()
}

/// Such a name in the middle of a text: set apart by characters, as [`name`] does by an element.
pub(super) fn isolated(name: &str) -> String {
    format!("\u{2068}{}\u{2069}", plain(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::testing::at;

    #[test]
    fn sizes_are_decimal() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_995, "10.0 kB"),
            (999_940, "999.9 kB"),
            (999_960, "1.00 MB"),
            (534_510_000_000, "534.5 GB"),
            (330_000_000_000_000, "330.0 TB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn numbers_have_their_thousands_apart_and_things_their_plural() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_000), "1,000");
        assert_eq!(number(12_345_678), "12,345,678");
        assert_eq!(count(1, "bucket"), "1 bucket");
        assert_eq!(length(10_000, "bucket"), "10,000 buckets");
    }

    #[test]
    fn changes_and_shares_need_something_to_compare_with() {
        assert_eq!(change(100, 103).as_deref(), Some("+3.0 %"));
        assert_eq!(change(100_000, 99_999).as_deref(), Some("+0.0 %"));
        assert_eq!(change(100, 50).as_deref(), Some("-50.0 %"));
        assert_eq!(change(1, 1235).as_deref(), Some("+123,400 %"));
        assert_eq!(change(0, 50), None);
        assert_eq!(share(1, 3).as_deref(), Some("33.3 %"));
        assert_eq!(share(1, 10_000).as_deref(), Some("< 0.1 %"));
        assert_eq!(share(0, 1).as_deref(), Some("0.0 %"));
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn instants_have_a_zone_and_a_distance() {
        let now = at("2026-11-24T12:00:00Z");
        for (instant, text) in [
            ("2026-11-24T12:00:00Z", "just now"),
            ("2026-11-24T11:59:50Z", "10 s ago"),
            ("2026-11-24T11:57:00Z", "3 min ago"),
            ("2026-11-24T10:00:01Z", "1 h ago"),
            ("2026-11-21T00:00:00Z", "3 days ago"),
            ("2026-12-06T12:00:00Z", "in 12 days"),
            ("2026-11-24T12:00:30Z", "in 30 s"),
        ] {
            assert_eq!(relative(at(instant), now), text);
        }
        assert_eq!(
            moment(at("2026-11-24T11:57:00Z"), now).into_string(),
            "<time datetime=\"2026-11-24T11:57:00Z\" title=\"2026-11-24 11:57 UTC\">3 min ago</time>"
        );
    }

    #[test]
    fn money_has_hundredths() {
        assert_eq!(money(2_745.434, "USD"), "2,745.43 USD");
        assert_eq!(money(0.0, "EUR"), "0.00 EUR");
        assert_eq!(money(f64::INFINITY, "EUR"), "inf EUR");
    }

    #[test]
    fn what_took_time_is_told_in_the_unit_that_fits() {
        assert_eq!(took(Duration::from_micros(2_900)), "2 ms");
        assert_eq!(took(Duration::from_millis(1_500)), "1.5 s");
    }

    #[test]
    fn names_are_escaped_and_set_apart() {
        assert_eq!(name("<script>\"&").into_string(), "<bdi>&lt;script&gt;&quot;&amp;</bdi>");
        assert_eq!(plain("a\u{202e}b\u{2069}c\nd שלום"), "abcd שלום");
    }

    proptest! {
        #[test]
        fn a_size_of_any_number_is_short(bytes in any::<u64>()) {
            let text = size(bytes);
            prop_assert!(text.len() <= 9, "{text}");
            prop_assert!(!text.starts_with("1000"), "{text}");
        }

        #[test]
        fn any_two_instants_have_a_distance(a in any::<i32>(), b in any::<i32>()) {
            let at = |second: i32| Timestamp::from_second(second.into()).unwrap();
            let text = relative(at(a), at(b));
            prop_assert!(text == "just now" || text.starts_with("in ") || text.ends_with(" ago"));
        }
    }
}
