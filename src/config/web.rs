//! The web configuration: a file of its own, in the format that the Prometheus exporter toolkit gave all exporters.
//!
//! Keys of that format that this exporter does not have are rejected by name, so that nobody relies on what is not
//! there.

mod files;
mod password;
mod protection;
mod tls;

use std::collections::BTreeMap;
use std::path::Path;

use config::FileFormat;
use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS, X_XSS_PROTECTION,
};

use super::ConfigErrors;
use super::errors::Errors;
use super::reader::Section;
use super::tree::{self, Table};
use files::Files;

pub use files::Stamps;
pub use password::{PASSWORD_BYTES, PasswordHash};
pub use tls::{ClientCertificates, Tls, TlsVersion};

/// How the web side is protected.
#[derive(Debug, Default)]
pub struct WebConfig {
    /// TLS on every listener; `None` where plain HTTP is spoken.
    pub tls: Option<Tls>,
    /// Headers that every answer gets, in place of the exporter's own of the same names.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Who may ask, with the hashes of their passwords; where there is nobody, everybody may.
    pub users: BTreeMap<String, PasswordHash>,
}

impl WebConfig {
    /// Reads the file at `path` and what it names. Relative paths in it start at its directory. Blocks on the file
    /// system.
    ///
    /// # Errors
    /// With everything that is wrong, not only the first error.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::load_stamped(path).0
    }

    /// As [`WebConfig::load`], together with how the files were when they were read, whatever came of it.
    pub fn load_stamped(path: &Path) -> (Result<Self, ConfigErrors>, Stamps) {
        let mut files = Files::default();
        let config = match values(path, &mut files) {
            Ok(values) => {
                let directory = path.parent().unwrap_or(Path::new(""));
                let mut errors = Errors::default();
                let config = read(values, directory, &mut files, &mut errors);
                errors.or(config)
            }
            Err(problem) => {
                Err(ConfigErrors::one("", format!("the web configuration file {} {problem}", path.display())))
            }
        };
        (config, files.into_stamps())
    }
}

fn values(path: &Path, files: &mut Files) -> Result<Table, String> {
    let bytes = files.read(path).map_err(|problem| format!("cannot be read: {problem}"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    // A file of comments alone is a good one.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Table::new());
    }
    tree::parse(text, FileFormat::Yaml)
}

fn read(values: Table, directory: &Path, files: &mut Files, errors: &mut Errors) -> WebConfig {
    let mut root = Section::new("", values);
    let tls = tls::read(root.section("tls_server_config", errors), directory, files, errors);
    let mut http = root.section("http_server_config", errors);
    let place = http.place("http2");
    if http.boolean("http2", errors) == Some(true) {
        errors.add(place, "is not supported: only HTTP/1.1 is; write false, or remove the key");
    }
    let headers = headers(http.section("headers", errors), errors);
    http.finish(errors);
    let users = users(root.section("basic_auth_users", errors), errors);
    root.unsupported(
        "rate_limit",
        "remove it; a scrape costs little, and the number of connections is limited",
        errors,
    );
    root.finish(errors);
    WebConfig { tls, headers, users }
}

/// The headers that the format allows, each with its name there and the values that it may have; no values: any.
const HEADERS: [(&str, HeaderName, &[&str]); 5] = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY, &[]),
    ("X-Frame-Options", X_FRAME_OPTIONS, &["deny", "sameorigin"]),
    ("X-Content-Type-Options", X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
    ("X-XSS-Protection", X_XSS_PROTECTION, &[]),
    ("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY, &[]),
];

fn headers(mut section: Section, errors: &mut Errors) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for (key, name, allowed) in HEADERS {
        let Some(text) = section.text_or_blank(key, errors) else { continue };
        if !allowed.is_empty() && !allowed.iter().any(|value| text.text.eq_ignore_ascii_case(value)) {
            errors.add(text.place, format!("must be {}", allowed.join(" or ")));
            continue;
        }
        match HeaderValue::from_str(&text.text) {
            Ok(value) => headers.push((name, value)),
            Err(_) => errors.add(text.place, "contains a line break or another control character"),
        }
    }
    section.finish(errors);
    headers
}

fn users(section: Section, errors: &mut Errors) -> BTreeMap<String, PasswordHash> {
    let mut users = BTreeMap::new();
    section.for_each(errors, |name, text, errors| {
        // A client cannot send either as a part of the name.
        if name.is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
            errors
                .add(text.place, "has a name that no client can send: it must hold no `:`, and not be empty");
            return;
        }
        match PasswordHash::parse(&text.text) {
            Ok(hash) => {
                users.insert(name, hash);
            }
            Err(problem) => errors.add(text.place, problem),
        }
    });
    users
}

#[cfg(test)]
mod tests;
