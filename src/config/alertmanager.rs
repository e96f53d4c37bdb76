//! Where the daemon itself sends alerts, and when it warns.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::account::{ca_file, secret_source};
use super::errors::Errors;
use super::reader::Section;
use super::value::{self, Limits};
use crate::config::SecretSource;
use crate::model::WarningSteps;

/// The Alertmanagers to which the daemon itself sends alerts about credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alertmanager {
    /// Every one of them gets every alert; without trailing slashes.
    pub urls: Vec<Url>,
    /// Name and password for all of them.
    pub basic_auth: Option<BasicAuth>,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Where people reach the status page; the machine's name and the first listener's port where it is not given.
    pub external_url: Option<Url>,
}

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuth {
    /// The name.
    pub username: String,
    /// The password; a file is read again for each round.
    pub password: SecretSource,
}

/// Reads the table of the Alertmanagers; `None` where it is not there.
pub(super) fn read(mut section: Section, directory: &Path, errors: &mut Errors) -> Option<Alertmanager> {
    let place = section.place("urls");
    let texts = section.texts("urls", errors);
    let absent = texts.is_none();
    let mut urls = Vec::new();
    for text in texts.unwrap_or_default() {
        match value::web_url(&text.text) {
            Ok(url) => urls.push(url),
            Err(problem) => errors.add(text.place, problem),
        }
    }
    let has_auth = section.has("basic_auth");
    let mut auth = section.section("basic_auth", errors);
    let basic_auth = has_auth.then(|| {
        let username = auth.required_text("username", errors).map(|text| text.text);
        let password = secret_source(&mut auth, "password", "password_file", directory, errors);
        Some(BasicAuth { username: username?, password: password? })
    });
    auth.finish(errors);
    let used = has_auth || section.has("ca_file") || section.has("external_url");
    let ca_file = section.text("ca_file", errors).and_then(|text| ca_file(text, directory, errors));
    let external_url = section.parsed("external_url", value::web_url, errors);
    section.finish(errors);
    if absent && used {
        errors.add(place.as_str(), "is not set: list the addresses of your Alertmanagers");
    }
    if has_auth && urls.iter().any(|url| url.scheme() == "http" && !value::is_loopback(url)) {
        errors.add(
            place,
            "has an http address, which would send the password of basic_auth in clear: use https",
        );
    }
    (!urls.is_empty()).then(|| Alertmanager { urls, basic_auth: basic_auth.flatten(), ca_file, external_url })
}

/// Reads `credential_warning` and `rotation_warning`.
pub(super) fn warning(root: &mut Section, errors: &mut Errors) -> WarningSteps {
    let mut warning = WarningSteps::default();
    if let Some(steps) = steps(root, errors) {
        warning = WarningSteps::of(&steps);
    }
    if let Some(notice) = root.duration("rotation_warning", &Limits::LIFE, errors) {
        warning.rotation = notice;
    }
    warning
}

/// Reads the steps of `credential_warning`, of all accounts or of one; `None` where they are not set.
pub(super) fn steps(section: &mut Section, errors: &mut Errors) -> Option<Vec<Duration>> {
    let texts = section.texts("credential_warning", errors)?;
    let steps = texts.into_iter().filter_map(|text| {
        let step = value::duration(&text.text, &Limits::LIFE);
        step.map_err(|problem| errors.add(text.place, problem)).ok()
    });
    Some(steps.collect())
}
