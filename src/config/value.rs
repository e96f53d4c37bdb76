//! Single values: from a text to a final type, or to what is wrong with it. No error quotes the text.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{Span, SpanRelativeTo, Timestamp};
use regex::{Regex, RegexBuilder};
use url::{Host, Url};

use crate::clock;
use crate::model::Expiry;

/// What is wrong with a file that `text` names and that cannot be read. The path is shown unless somebody may have written
/// the secret itself in its place: an absolute path below a directory that is there is no secret.
pub(super) fn cannot_read(text: &str, why: impl Display) -> String {
    let mut parts = Path::new(text).components();
    let top: PathBuf = parts.by_ref().take(2).collect();
    let is_path = top.is_absolute() && parts.next().is_some() && top.is_dir();
    if is_path && !text.contains(char::is_control) {
        format!("names the file {text}, which cannot be read ({why}): check its path and permissions")
    } else {
        format!("names a file that cannot be read ({why}): check its path and permissions")
    }
}

/// The system's words for an error, without its number.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// What a duration may be.
#[derive(Debug)]
pub(super) struct Limits {
    least: Duration,
    most: Duration,
    text: &'static str,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Limits {
    /// Between two polls.
    pub(super) const INTERVAL: Self =
        Self { least: Duration::from_secs(1), most: DAY.saturating_mul(90), text: "from 1s to 90d" };
    /// For one request.
    pub(super) const TIMEOUT: Self =
        Self { least: Duration::from_millis(100), most: Duration::from_secs(600), text: "from 100ms to 10m" };
    /// How old data may become.
    pub(super) const AGE: Self =
        Self { least: Duration::from_secs(1), most: DAY.saturating_mul(366), text: "from 1s to 366d" };
    /// How long a credential lives.
    pub(super) const LIFE: Self =
        Self { least: Duration::from_secs(1), most: DAY.saturating_mul(36_500), text: "from 1s to 36500d" };
}

pub(super) const NO_UNIT: &str = "has no unit: write 30s, 15m, 6h or 90d";

/// `15m`, `1h30m`, `90d`: with units, a day being 24 hours.
pub(super) fn duration(text: &str, limits: &Limits) -> Result<Duration, String> {
    if text.parse::<f64>().is_ok() {
        return Err(NO_UNIT.to_owned());
    }
    let span: Span =
        text.parse().map_err(|_| "is not a duration: write 30s, 15m, 1h30m or 90d".to_owned())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| {
        "counts months or years, which have no fixed length: write days, as in 90d".to_owned()
    })?;
    Duration::try_from(duration)
        .ok()
        .filter(|duration| (limits.least..=limits.most).contains(duration))
        .ok_or_else(|| format!("must be {}", limits.text))
}

/// `never`, a date or an instant.
pub(super) fn expiry(text: &str) -> Result<Expiry, String> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(Expiry::Never);
    }
    instant(text).map(Expiry::At).ok_or_else(|| format!("{NO_DATE}, or never"))
}

/// A date or an instant.
pub(super) fn generated(text: &str) -> Result<Timestamp, String> {
    instant(text).ok_or_else(|| NO_DATE.to_owned())
}

pub(super) const NUMBER_FOR_DATE: &str = "must be a date like 2027-01-31, in quotes, not a number";

const NO_DATE: &str =
    "is not a date: write 2027-01-31 (00:00 UTC of it), or 2027-01-31T12:00:00Z with its offset";

fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    // A time of day without an offset is ambiguous, so what is longer than a date is not cut to its date.
    if text.len() != "2027-01-31".len() {
        return None;
    }
    text.parse().ok().map(clock::utc)
}

/// The address of an API, without a trailing slash.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = bare_url(text, "must begin with https:// (http:// is for this machine only)")?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(
            "is http, which would send the credentials in clear: use https (http is for this machine only)"
                .to_owned(),
        );
    }
    Ok(url)
}

/// The address of a web server, without a trailing slash.
pub(crate) fn web_url(text: &str) -> Result<Url, String> {
    bare_url(text, "must begin with https:// or http://")
}

/// A URL with nothing in front of its host or behind its path; `schemes` says which ones it may have.
fn bare_url(text: &str, schemes: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| {
        format!("is not a URL ({error}): write it with its scheme, like https://host.example/path")
    })?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(schemes.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password: they have keys of their own".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain `?` or `#`: paths are appended to it".to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Whether the address is of this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The compiled size, in bytes, that one expression may have: far above any list of names, far below harm.
const EXPRESSION_SIZE: usize = 1 << 20;

/// A regular expression that has to match a whole name.
pub(super) fn anchored(text: &str) -> Result<Regex, String> {
    let compile = |text: &str| RegexBuilder::new(text).size_limit(EXPRESSION_SIZE).build();
    // By itself first: `a)(b` is only whole within our parentheses.
    compile(text).and_then(|_| compile(&format!("^(?:{text})$"))).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large a regular expression: make it simpler".to_owned(),
        regex::Error::Syntax(message) => {
            match message.lines().last().and_then(|l| l.strip_prefix("error: ")) {
                // The value itself is not shown, so neither is what it would be.
                Some(reason) if text.starts_with('*') => format!(
                    "is not a regular expression: {reason}; it is not a shell pattern: write .* for any text, as \
                     in `.*-prod`"
                ),
                Some(reason) => format!("is not a regular expression: {reason}"),
                None => "is not a regular expression".to_owned(),
            }
        }
        _ => "is not a regular expression".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_days_of_24_hours() {
        for (text, seconds) in [
            ("15m", 900),
            ("6h", 21_600),
            ("30d", 2_592_000),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("90d", 7_776_000),
            ("1w", 604_800),
            ("PT15M", 900),
        ] {
            assert_eq!(duration(text, &Limits::INTERVAL), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for (text, problem) in [
            ("15", NO_UNIT),
            ("1.5", NO_UNIT),
            ("0", NO_UNIT),
            ("soon", "is not a duration"),
            ("0s", "must be from 1s to 90d"),
            ("-5m", "must be from 1s to 90d"),
            ("5m ago", "must be from 1s to 90d"),
            ("15ms", "must be from 1s to 90d"),
            ("91d", "must be from 1s to 90d"),
            ("999999h", "must be from 1s to 90d"),
            ("99999999999999h", "is not a duration"),
            ("1mo", "counts months or years"),
            ("1y", "counts months or years"),
        ] {
            let error = duration(text, &Limits::INTERVAL).unwrap_err();
            assert!(error.starts_with(problem), "{text}: {error}");
        }
    }

    #[test]
    fn a_date_is_its_first_instant_in_utc() {
        let at = |text: &str| Ok(Expiry::At(text.parse().unwrap()));
        assert_eq!(expiry("2027-01-31"), at("2027-01-31T00:00:00Z"));
        assert_eq!(expiry("2027-01-31T02:00:00+02:00"), at("2027-01-31T00:00:00Z"));
        assert_eq!(expiry("never"), Ok(Expiry::Never));
        assert_eq!(expiry("Never"), Ok(Expiry::Never));
        for text in
            ["2027-02-30", "2027-01-31T12:00:00", "31.01.2027", "20270131", "Nevermore", "90d", "tomorrow"]
        {
            assert!(expiry(text).unwrap_err().starts_with("is not a date"), "{text}");
        }
        assert!(generated("never").is_err());
    }

    #[test]
    fn a_base_url_is_https_and_bare() {
        for (text, shown) in [
            ("https://api.lyvecloud.seagate.com/v2", "https://api.lyvecloud.seagate.com/v2"),
            ("https://api.lyvecloud.seagate.com/v2//", "https://api.lyvecloud.seagate.com/v2"),
            ("https://example.com", "https://example.com/"),
            ("http://127.0.0.1:8080/v2/", "http://127.0.0.1:8080/v2"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
            ("http://localhost", "http://localhost/"),
        ] {
            assert_eq!(base_url(text).unwrap().as_str(), shown);
        }
        for (text, problem) in [
            ("api.lyvecloud.seagate.com/v2", "is not a URL"),
            ("ftp://example.com", "must begin with https:// (http:// is for this machine only)"),
            ("localhost:8080", "must begin with https:// (http://"),
            ("http://example.com", "is http, which"),
            ("http://localhost.example.com", "is http, which"),
            ("https://user:canary@example.com", "must not contain a user name"),
            ("https://canary@example.com", "must not contain a user name"),
            ("https://example.com/?canary", "must not contain `?`"),
            ("https://example.com/#canary", "must not contain `?`"),
            ("https://", "is not a URL"),
        ] {
            let error = base_url(text).unwrap_err();
            assert!(error.starts_with(problem), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_path_is_shown_where_it_cannot_be_a_secret() {
        let directory = std::env::temp_dir();
        let path = directory.join("nowhere/secret");
        let shown = cannot_read(path.to_str().unwrap(), "why");
        assert!(shown.starts_with(&format!("names the file {}, which", path.display())), "{shown}");
        let with_newline = format!("{}/canary\n", directory.display());
        for text in ["canary", "/canary", "canary/x", "/nowhere-canary/x", "/", "", "//canary", &with_newline]
        {
            let shown = cannot_read(text, "why");
            assert_eq!(
                shown, "names a file that cannot be read (why): check its path and permissions",
                "{text}"
            );
        }
    }

    #[test]
    fn an_expression_matches_whole_names() {
        let expression = anchored("logs|tmp-.*").unwrap();
        assert!(expression.is_match("logs") && expression.is_match("tmp-1"));
        assert!(!expression.is_match("old-logs") && !expression.is_match("logs2"));
        for (text, problem) in [
            ("[a-", "is not a regular expression: unclosed character class"),
            ("a)(b", "is not a regular expression: unopened group"),
            (
                "*-canary",
                "is not a regular expression: repetition operator missing expression; it is not a shell pattern: \
                 write .* for any text, as in `.*-prod`",
            ),
            (r"\p{canary}", "is not a regular expression: Unicode property not found"),
            ("(?:a{1000}){1000}", "is too large a regular expression: make it simpler"),
        ] {
            assert_eq!(anchored(text).unwrap_err(), problem);
        }
    }
}
