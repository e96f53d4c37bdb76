//! What a failure of the HTTP client means, in a kind and in words.
//!
//! The client's own text is never shown, as it holds the whole URL. Its innermost cause does not: it comes from the
//! system, from the TLS library or from the HTTP parser, and names neither URL nor header nor body.

use std::error::Error;
use std::io;

use jiff::Timestamp;
use jiff::tz::Offset;
use rustls::CertificateError;
use url::{Position, Url};

use super::Proxy;
use super::tls::NotTrusted;
use crate::api::Reason;

/// Longer causes are cut: a certificate can list thousands of names.
const MAX_CAUSE: usize = 300;

/// A request to `url`, the configured place, through `proxy`, that got no status. Of the URL the host is told, and a port that
/// is not the scheme's own.
pub(super) fn before_answer(error: &reqwest::Error, url: &Url, proxy: Option<&Proxy>) -> (Reason, Box<str>) {
    let cause = root_cause(error);
    let mut host = url[Position::BeforeHost..Position::AfterPort].to_owned();
    if let Some(proxy) = proxy {
        host.push_str(&format!(" through the proxy {proxy}"));
    }
    if find::<rustls::Error>(error).any(|error| matches!(error, rustls::Error::InvalidMessage(_))) {
        let advice = "use http in base_url, iam_url or s3_url, or the port that speaks TLS";
        (Reason::Tls, format!("{host} does not speak TLS on that port: {advice}").into())
    } else if is_tls(error) {
        let why = find::<rustls::Error>(error).find_map(certificate).unwrap_or_else(|| cause.into());
        (Reason::Tls, format!("the connection to {host} is not trusted: {why}").into())
    } else if error.is_timeout() {
        (Reason::Timeout, format!("no connection to {host} in time").into())
    } else if error.is_connect() {
        match proxy {
            // The HTTP library has no type for it that could be asked.
            Some(proxy) if &*cause == "tunnel error: proxy authorization required" => {
                (Reason::Connect, wants_password(proxy))
            }
            Some(_) if &*cause == "tunnel error: unsuccessful" => {
                (Reason::Connect, format!("cannot connect to {host}: the proxy rejects").into())
            }
            _ => (Reason::Connect, format!("cannot connect to {host}: {cause}").into()),
        }
    } else if find::<hyper::Error>(error).any(hyper::Error::is_parse) {
        (Reason::Decode, format!("the answer is not HTTP: {cause}").into())
    } else if error.is_builder() {
        (Reason::Request, "the request cannot be built; check base_url".into())
    } else {
        (Reason::Connect, format!("the connection was closed before an answer: {cause}").into())
    }
}

/// What is wrong with a certificate, where there is more to say of it than the TLS library's words: its dates as dates, and
/// its issuer.
fn certificate(error: &rustls::Error) -> Option<String> {
    let rustls::Error::InvalidCertificate(problem) = error else { return None };
    let date = |at: rustls::pki_types::UnixTime| {
        let at = Timestamp::from_second(i64::try_from(at.as_secs()).ok()?).ok()?;
        Some(Offset::UTC.to_datetime(at).date())
    };
    let words = match problem {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("certificate expired on {}", date(*not_after)?)
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("certificate not valid yet, but from {} on", date(*not_before)?)
        }
        CertificateError::Other(other) => other.0.downcast_ref::<NotTrusted>()?.to_string(),
        _ => return None,
    };
    Some(format!("invalid peer certificate: {words}"))
}

/// Whether the connection was there and was closed without a whole head of an answer.
pub(super) fn is_closed(error: &reqwest::Error) -> bool {
    !error.is_connect()
        && !error.is_timeout()
        && !is_tls(error)
        && (find::<hyper::Error>(error).any(|error| error.is_incomplete_message() || error.is_canceled())
            || find::<io::Error>(error).any(|error| is_cut(error.kind())))
}

const fn is_cut(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// What is said where a proxy lets nobody through without a password, or not with this one.
pub(super) fn wants_password(proxy: &Proxy) -> Box<str> {
    format!("407: the proxy {proxy} wants a name and password: check those in its URL").into()
}

/// An answer whose body broke. One that its sender cut short, in whatever way, is told like one that cannot be
/// understood: the connection worked, and what came over it was no whole answer.
pub(super) fn in_body(error: &(dyn Error + 'static)) -> (Reason, Box<str>) {
    let cut_short = find::<io::Error>(error).any(|error| is_cut(error.kind()))
        || find::<hyper::Error>(error)
            .any(|error| error.is_incomplete_message() || error.is_closed() || error.is_canceled());
    let timed_out = find::<reqwest::Error>(error).any(reqwest::Error::is_timeout);
    if is_tls(error) {
        let cause = root_cause(error);
        (Reason::Tls, format!("the connection broke: {cause}").into())
    } else if timed_out {
        (Reason::Timeout, "the answer stopped arriving".into())
    } else if cut_short {
        (Reason::Decode, "the answer ended early".into())
    } else {
        (Reason::Decode, "the answer is damaged: broken compression or chunks".into())
    }
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    find::<rustls::Error>(error).next().is_some()
}

/// The words of the innermost cause.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> Box<str> {
    match causes(error).last() {
        Some(cause) if !cause.is::<reqwest::Error>() => {
            cause.to_string().chars().take(MAX_CAUSE).collect::<String>().into()
        }
        _ => "no cause given".into(),
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a E> {
    causes(error).filter_map(|cause| cause.downcast_ref())
}

/// The error and what is behind it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| behind(*error))
}

fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // An I/O error passes over what it wraps, and names that error's source as its own.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
