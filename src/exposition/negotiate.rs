//! Which format and which encoding a client gets, from what its request says that it takes (RFC 9110, section 12.5).
//!
//! There is no rejection: a client that takes nothing that we have gets the text format as it is. Parts of a header
//! that cannot be understood are passed over. The work grows with the header's length and no faster.

/// A format of the metrics page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text format, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format for a client that sent this `Accept` (several such lines: joined by commas).
    ///
    /// The higher q-value wins. Where two are equal, the format that is named more precisely; then text.
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let mut text = Offer::default();
        let mut open_metrics = Offer::default();
        for range in elements(accept.unwrap_or_default(), ',').filter_map(MediaRange::parse) {
            text.consider(range.matches("text", "plain", |version| version == "0.0.4"), range.quality);
            open_metrics.consider(
                range.matches("application", "openmetrics-text", |version| {
                    version == "1.0.0" || version == "0.0.1"
                }),
                range.quality,
            );
        }
        if open_metrics.quality > 0
            && (open_metrics.quality, open_metrics.precision) > (text.quality, text.precision)
        {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// How the bytes of a page are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// With gzip.
    Gzip,
}

impl Encoding {
    /// The value of `Content-Encoding`, where there is one.
    #[must_use]
    pub const fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
        }
    }

    /// The encoding for a client that sent this `Accept-Encoding` (several such lines: joined by commas).
    #[must_use]
    pub fn negotiate(accept_encoding: Option<&str>) -> Self {
        let (mut gzip, mut identity, mut any) = (None, None, None);
        for element in elements(accept_encoding.unwrap_or_default(), ',') {
            let mut parts = elements(element, ';');
            let coding = parts.next().unwrap_or_default();
            let Some(quality) = quality(parts) else {
                continue;
            };
            let told = if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
                &mut gzip
            } else if coding.eq_ignore_ascii_case("identity") {
                &mut identity
            } else if coding == "*" {
                &mut any
            } else {
                continue;
            };
            *told = (*told).max(Some(quality));
        }
        let gzip = gzip.or(any).unwrap_or(0);
        if gzip > 0 && gzip >= identity.unwrap_or(0) { Self::Gzip } else { Self::Identity }
    }
}

/// What a client thinks of one format, by the most precise of its ranges that match.
#[derive(Default)]
struct Offer {
    precision: u8,
    quality: u16,
}

impl Offer {
    fn consider(&mut self, precision: Option<u8>, quality: u16) {
        if let Some(precision) = precision
            && (precision, quality) > (self.precision, self.quality)
        {
            *self = Self { precision, quality };
        }
    }
}

/// One element of `Accept`.
struct MediaRange<'a> {
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    quality: u16,
}

impl<'a> MediaRange<'a> {
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = elements(element, ';');
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let version = parts
            .clone()
            .filter_map(parameter)
            .find(|(name, _)| name.eq_ignore_ascii_case("version"))
            .map(|(_, value)| value);
        // White space beside the `/` makes it no range.
        Some(Self { kind, subtype, version, quality: quality(parts)? })
    }

    /// How precisely this range names a format, if it does: 1 for `*/*`, up to 4 with the format's version.
    fn matches(&self, kind: &str, subtype: &str, is_version: fn(&str) -> bool) -> Option<u8> {
        if self.kind == "*" && self.subtype == "*" {
            Some(1)
        } else if !self.kind.eq_ignore_ascii_case(kind) {
            None
        } else if self.subtype == "*" {
            Some(2)
        } else if !self.subtype.eq_ignore_ascii_case(subtype) {
            None
        } else {
            match self.version {
                None => Some(3),
                Some(version) => is_version(version).then_some(4),
            }
        }
    }
}

/// The q-value among an element's parameters, in thousandths; 1000 where there is none, nothing where it is no number
/// from 0 to 1.
fn quality<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let Some((_, value)) = parameters.filter_map(parameter).find(|(name, _)| name.eq_ignore_ascii_case("q"))
    else {
        return Some(1000);
    };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths =
        fraction.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match whole {
        "0" => Some(thousandths),
        "1" if fraction.bytes().all(|digit| digit == b'0') => Some(1000),
        _ => None,
    }
}

fn parameter(part: &str) -> Option<(&str, &str)> {
    let (name, value) = part.split_once('=')?;
    let value = value.trim();
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    Some((name.trim(), unquoted.unwrap_or(value)))
}

/// What stands between separators, trimmed; a separator in a quoted string separates nothing.
fn elements(header: &str, separator: char) -> impl Iterator<Item = &str> + Clone {
    let mut quoted = false;
    let mut escaped = false;
    header
        .split(move |character| {
            if escaped {
                escaped = false;
            } else if character == '"' {
                quoted = !quoted;
            } else if quoted {
                escaped = character == '\\';
            } else {
                return character == separator;
            }
            false
        })
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_and_people_get_what_they_ask_for() {
        use Format::{OpenMetrics, Text};
        for (accept, format) in [
            (None, Text),
            (Some(""), Text),
            (Some("*/*"), Text),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Text),
            (
                Some("application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
                OpenMetrics,
            ),
            (
                Some(
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ),
                OpenMetrics,
            ),
            (
                Some(
                    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                ),
                OpenMetrics,
            ),
            (Some("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.4"), Text),
            (Some("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0"), Text),
            (Some("application/openmetrics-text"), OpenMetrics),
            (Some("Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.3"), OpenMetrics),
            (Some("application/*"), OpenMetrics),
            (Some("text/*;q=0.4, application/*;q=0.5"), OpenMetrics),
            (Some("text/*, application/openmetrics-text"), OpenMetrics),
            (Some("text/plain;q=0.1, */*;q=0.2"), OpenMetrics),
        ] {
            assert_eq!(Format::negotiate(accept), format, "{accept:?}");
        }
    }

    #[test]
    fn a_version_that_we_do_not_have_and_a_q_of_zero_are_no_offer() {
        for accept in [
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;version=1.0.0;q=0",
            "application/openmetrics-text;version=1.0.0;q=0.000, application/openmetrics-text;version=0.0.1;q=0",
            "*/*, application/openmetrics-text;q=0.0",
            "text/plain;q=0, application/openmetrics-text;q=0",
            "image/png",
            "application/json;q=1",
        ] {
            assert_eq!(Format::negotiate(Some(accept)), Format::Text, "{accept}");
        }
        assert_eq!(Format::negotiate(Some("*/*, text/plain;q=0")), Format::OpenMetrics);
    }

    #[test]
    fn what_cannot_be_understood_is_passed_over() {
        for accept in [
            ",,,;;;===",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text;q=1.5",
            "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=\"",
            "/;q=1",
            "application/ *",
            "application /openmetrics-text",
            "application",
            "text/plain;a=\"application/openmetrics-text, application/openmetrics-text",
            "\u{1f9ff}/\u{1f9ff};q=\u{1f9ff}",
        ] {
            assert_eq!(Format::negotiate(Some(accept)), Format::Text, "{accept}");
        }
        assert_eq!(
            Format::negotiate(Some(
                "???, text/plain;note=\"a,b;q=1\";q=0.1, application/openmetrics-text;q=0.2"
            )),
            Format::OpenMetrics
        );
    }

    #[test]
    fn a_header_of_megabytes_is_read_through_once() {
        let accept = "text/html;q=0.1,".repeat(200_000) + "application/openmetrics-text";
        assert_eq!(Format::negotiate(Some(&accept)), Format::OpenMetrics);
        let accept = "text/plain;".to_owned() + &"x=\"\\\"\";".repeat(200_000) + "q=0.1, application/*;q=0.2";
        assert_eq!(Format::negotiate(Some(&accept)), Format::OpenMetrics);
    }

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        use Encoding::{Gzip, Identity};
        for (accept, encoding) in [
            (None, Identity),
            (Some(""), Identity),
            (Some("gzip"), Gzip),
            (Some("GZIP"), Gzip),
            (Some("x-gzip"), Gzip),
            (Some("deflate, gzip;q=1.0, *;q=0.5"), Gzip),
            (Some("br, zstd"), Identity),
            (Some("*"), Gzip),
            (Some("*;q=0"), Identity),
            (Some("gzip;q=0"), Identity),
            (Some("gzip;q=0, *"), Identity),
            (Some("identity;q=0, gzip;q=0.001"), Gzip),
            (Some("identity;q=1, gzip;q=0.5"), Identity),
            (Some("identity;q=0.5, gzip;q=1"), Gzip),
            (Some("identity;q=0"), Identity),
            (Some("gzip;q=zero"), Identity),
            (Some("gzipped, notgzip"), Identity),
        ] {
            assert_eq!(Encoding::negotiate(accept), encoding, "{accept:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nobody_gets_what_was_not_named(header in "([a-z*/;=,.01\" ]|gzip|application|text|q=|.){0,60}") {
            let lower = header.to_ascii_lowercase();
            if Format::negotiate(Some(&header)) == Format::OpenMetrics {
                assert!(lower.contains("openmetrics-text") || lower.contains("/*"));
            }
            if Encoding::negotiate(Some(&header)) == Encoding::Gzip {
                assert!(lower.contains("gzip") || lower.contains('*'));
            }
        }
    }
}
