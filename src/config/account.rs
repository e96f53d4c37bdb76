//! One account: from its table to its final type.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Value, ValueKind};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;
use zeroize::Zeroizing;

use super::errors::Errors;
use super::reader::{Section, Text};
use super::tree::Table;
use super::value::{self, Limits};
use super::{Account, Api, ObjectStorage, Secret, SecretSource, alertmanager, secret, without_mark};
use crate::model::{Expiry, Price};

/// Where the vendor's Account API is (vendor guide).
const BASE_URL: &str = "https://api.lyvecloud.seagate.com/v2";

/// Where users, keys and billing of the vendor's direct customers are (seen on the wire).
const IAM_URL: &str = "https://iam.global.lyve.seagate.com";

/// Which API an account is watched through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ApiKind {
    AccountV2,
    ObjectStorage,
}

/// Reads the table of one account. Relative paths start at `directory`.
pub(super) fn read(mut section: Section, directory: &Path, errors: &mut Errors) -> Option<Account> {
    let name =
        section.required_text("name", errors).and_then(|text| without_control_characters(text, errors));
    let has_kind = section.has("api");
    let kind = match section.parsed("api", kind, errors) {
        None if has_kind => None,
        kind => Some(kind.unwrap_or(ApiKind::AccountV2)),
    };
    let api = api(kind, &mut section, errors);
    let has_account_id = section.has("account_id");
    let account_id = if kind != Some(ApiKind::AccountV2) && !has_account_id {
        // Read in any case, so that the key counts as known.
        section.text("account_id", errors);
        name.clone()
    } else {
        section.required_text("account_id", errors).and_then(|text| without_control_characters(text, errors))
    };
    let access_key_place = section.place("access_key_file");
    let access_key = secret_source(&mut section, "access_key", "access_key_file", directory, errors);
    let secret = secret_source(&mut section, "secret", "secret_file", directory, errors);
    let credentials = section.section("credential", errors);
    let (credential, max_age) = match kind {
        Some(ApiKind::AccountV2) => (credential(credentials, errors), None),
        Some(ApiKind::ObjectStorage) => (Expiry::Never, max_age(credentials, errors)),
        None => (Expiry::Unknown, None),
    };
    let ca_file = section.text("ca_file", errors).and_then(|text| ca_file(text, directory, errors));
    let price = section.has("price").then(|| price(section.section("price", errors), errors));
    if price.is_none() {
        // Read in any case, so that the key counts as known.
        section.text("price", errors);
    }
    let credential_warning = alertmanager::steps(&mut section, errors);
    let usage_drop = section.share("usage_drop", errors);
    section.finish(errors);
    let mut api = api?;
    if let Api::ObjectStorage(api) = &mut api {
        api.max_age = max_age;
        if !has_account_id {
            let digest =
                digest(access_key.as_ref()?).map_err(|problem| errors.add(access_key_place, problem));
            api.key_digest = Some(digest.ok()?);
        }
    }
    Some(Account {
        name: name?,
        api,
        account_id: account_id?,
        access_key: access_key?,
        secret: secret?,
        credential,
        ca_file,
        price: price.flatten(),
        credential_warning,
        usage_drop,
    })
}

/// The first 64 bits of the SHA-256 of an access key's id: enough to tell apart the few keys that one name ever has.
fn digest(access_key: &SecretSource) -> Result<String, String> {
    let id = match access_key {
        SecretSource::Inline(id) => Zeroizing::new(id.expose().to_owned()),
        SecretSource::File(path) => read_file(path, &path.to_string_lossy())?,
    };
    let id = secret::alone(&id).map_err(str::to_owned)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
    Ok(digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn kind(text: &str) -> Result<ApiKind, String> {
    match text {
        "account_v2" => Ok(ApiKind::AccountV2),
        "object_storage" => Ok(ApiKind::ObjectStorage),
        _ => Err("must be account_v2 or object_storage".to_owned()),
    }
}

/// Where the API is. Where nobody knows which API it is, nothing more is said of its keys.
fn api(kind: Option<ApiKind>, section: &mut Section, errors: &mut Errors) -> Option<Api> {
    const HOSTS: [&str; 3] = ["iam_url", "s3_url", "region"];
    match kind {
        None => {
            let mut unheard = Errors::default();
            HOSTS.into_iter().chain(["base_url"]).for_each(|key| drop(section.text(key, &mut unheard)));
            None
        }
        Some(ApiKind::AccountV2) => {
            reject(&HOSTS, "it belongs to an account with `api: object_storage`", section, errors);
            let base_url = url(section, "base_url", BASE_URL, errors)?;
            Some(Api::AccountV2 { base_url })
        }
        Some(ApiKind::ObjectStorage) => {
            let advice = "an object_storage account has region, or iam_url and s3_url";
            reject(&["base_url"], advice, section, errors);
            let has_iam_url = section.has("iam_url");
            let iam_url = url(section, "iam_url", IAM_URL, errors);
            let s3_url = s3_url(section, errors);
            let beside = s3_url.as_ref().filter(|_| !has_iam_url).and_then(iam_url_of);
            let iam_url = beside.or(iam_url);
            Some(Api::ObjectStorage(ObjectStorage {
                iam_url: iam_url?,
                s3_url: s3_url?,
                max_age: None,
                key_digest: None,
            }))
        }
    }
}

/// Takes those of these keys that are there; each is an error. They are not among the keys that are known.
fn reject(keys: &[&'static str], advice: &str, section: &mut Section, errors: &mut Errors) {
    for key in keys.iter().copied().filter(|key| section.has(key)).collect::<Vec<_>>() {
        section.unsupported(key, advice, errors);
    }
}

/// Where users, keys and billing are, where that is not written: beside the buckets, which may be another reseller's than the
/// vendor's own.
fn iam_url_of(s3_url: &Url) -> Option<Url> {
    value::base_url(&format!("https://iam.{}{HOSTS_END}", reseller(s3_url)?)).ok()
}

/// How the hosts of the current platform end.
const HOSTS_END: &str = ".lyve.seagate.com";

/// Whose customers a host of the current platform is for: `global` for the vendor's own.
pub(super) fn reseller(url: &Url) -> Option<&str> {
    let before = url.host_str()?.strip_suffix(HOSTS_END)?;
    Some(before.rsplit('.').next().unwrap_or(before))
}

/// Where the buckets are: as it is written, or in a region of the vendor's direct customers.
fn s3_url(section: &mut Section, errors: &mut Errors) -> Option<Url> {
    let (has_url, has_region) = (section.has("s3_url"), section.has("region"));
    let places = (section.place("s3_url"), section.place("region"));
    let url = section.parsed("s3_url", value::base_url, errors);
    let by_region = section.parsed("region", s3_url_of, errors);
    match (has_url, has_region) {
        (true, false) => url,
        (false, true) => by_region,
        (true, true) => {
            errors.add(places.1, format!("is set as well as {}: keep one of them", places.0));
            None
        }
        (false, false) => {
            errors.add(
                places.1,
                "is not set: set the region of the account, such as us-east-1, or s3_url where it has an address of \
                 its own",
            );
            None
        }
    }
}

fn s3_url_of(region: &str) -> Result<Url, String> {
    let region = region.to_ascii_lowercase();
    let plain = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let url = plain.then(|| value::base_url(&format!("https://s3.{region}.global.lyve.seagate.com")).ok());
    url.flatten().ok_or_else(|| "must be letters, digits and hyphens, as in us-east-1".to_owned())
}

/// The age at which a key is due for rotation.
fn max_age(mut section: Section, errors: &mut Errors) -> Option<Duration> {
    let advice = "access keys of object_storage have no expiry; set max_age, the age at which a key is due for rotation";
    reject(&["expires", "generated", "valid_for"], advice, &mut section, errors);
    let max_age = section.duration("max_age", &Limits::LIFE, errors);
    section.finish(errors);
    max_age
}

/// The variables that describe one account, each with the key that it stands for.
pub(super) const VARIABLES: [(&str, &str); 8] = [
    ("LYVE_ACCOUNT_ID", "account_id"),
    ("LYVE_ACCOUNT_ID_FILE", "account_id_file"),
    ("LYVE_ACCESS_KEY", "access_key"),
    ("LYVE_ACCESS_KEY_FILE", "access_key_file"),
    ("LYVE_SECRET", "secret"),
    ("LYVE_SECRET_FILE", "secret_file"),
    ("LYVE_BASE_URL", "base_url"),
    ("LYVE_CREDENTIAL_EXPIRES", "expires"),
];

/// What the `LYVE_…` variables say of one account; `None` where none of them is set. A variable that is set to nothing
/// counts as not set: a container's list of variables often has them all.
pub(super) fn variables(environment: &BTreeMap<String, String>) -> Option<Section> {
    let values: Table = VARIABLES
        .into_iter()
        .filter_map(|(name, key)| {
            let text = environment.get(name).filter(|text| !text.trim().is_empty())?;
            let value = Value::new(Some(&name.to_owned()), ValueKind::String(text.clone()));
            Some((key.to_owned(), value))
        })
        .collect();
    (!values.is_empty()).then(|| Section::new("", values))
}

/// Reads the account of [`variables`]. Its name is its id.
pub(super) fn from_variables(mut section: Section, errors: &mut Errors) -> Option<Account> {
    let mut part = |variable: &str, inline, file| {
        if !section.has(inline) && !section.has(file) {
            let problem =
                format!("is not set, but other variables of the account are: set it or {variable}_FILE");
            errors.add(variable, problem);
            return None;
        }
        // A shell names files from the working directory.
        secret_source(&mut section, inline, file, Path::new(""), errors)
    };
    let account_id = part("LYVE_ACCOUNT_ID", "account_id", "account_id_file");
    let access_key = part("LYVE_ACCESS_KEY", "access_key", "access_key_file");
    let secret = part("LYVE_SECRET", "secret", "secret_file");
    let base_url = url(&mut section, "base_url", BASE_URL, errors);
    let credential = section.date("expires", value::expiry, errors).unwrap_or_default();
    let account_id = match account_id? {
        SecretSource::Inline(text) => text.expose().to_owned(),
        SecretSource::File(path) => secret::alone(&read_file(&path, "").ok()?).ok()?.to_owned(),
    };
    Some(Account {
        name: account_id.clone(),
        api: Api::AccountV2 { base_url: base_url? },
        account_id,
        access_key: access_key?,
        secret: secret?,
        credential,
        ca_file: None,
        price: None,
        credential_warning: None,
        usage_drop: None,
    })
}

fn url(section: &mut Section, key: &'static str, default: &str, errors: &mut Errors) -> Option<Url> {
    if section.has(key) {
        section.parsed(key, value::base_url, errors)
    } else {
        // Read in any case, so that the key counts as known.
        section.text(key, errors);
        value::base_url(default).ok()
    }
}

fn price(mut section: Section, errors: &mut Errors) -> Option<Price> {
    let per_terabyte_month = section.amount("per_terabyte_month", errors);
    let minimum_terabytes = if section.has("minimum_terabytes") {
        section.amount("minimum_terabytes", errors)
    } else {
        Some(0.0)
    };
    let currency = section.required_text("currency", errors).and_then(|text| {
        if text.text.len() == 3 && text.text.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Some(text.text);
        }
        errors.add(text.place, "must be the three capital letters of a currency: USD, EUR");
        None
    });
    let budget = section.has("budget").then(|| section.amount("budget", errors));
    if budget.is_none() {
        // So that the section knows the key.
        section.text("budget", errors);
    }
    section.finish(errors);
    Some(Price {
        per_terabyte_month: per_terabyte_month?,
        minimum_terabytes: minimum_terabytes?,
        currency: currency?,
        budget: budget.flatten(),
    })
}

fn without_control_characters(text: Text, errors: &mut Errors) -> Option<String> {
    if text.text.chars().any(char::is_control) {
        errors.add(text.place, "contains a line break or another control character");
        return None;
    }
    Some(text.text)
}

/// A secret that stands inline or in a file; exactly one of the two.
pub(super) fn secret_source(
    section: &mut Section,
    inline: &'static str,
    file: &'static str,
    directory: &Path,
    errors: &mut Errors,
) -> Option<SecretSource> {
    let places = (section.place(inline), section.place(file));
    let both = section.has(inline) && section.has(file);
    let none = !section.has(inline) && !section.has(file);
    let inline_text = section.text(inline, errors);
    let file_text = section.text(file, errors);
    if both {
        errors.add(places.0, format!("is set as well as {}: keep one of them", places.1));
        return None;
    }
    if none {
        errors.add(places.0, format!("is not set: set {inline} or {file}"));
        return None;
    }
    if let Some(text) = inline_text {
        return Some(SecretSource::Inline(Secret::new(text.text)));
    }
    let text = file_text?;
    let path = resolve(&text, directory);
    match read_file(&path, &text.text) {
        Ok(content) => match secret::alone(&content) {
            Ok("") => {
                errors
                    .add(text.place, format!("names {}, which is empty: write the value into it", text.text));
                None
            }
            Ok(_) => Some(SecretSource::File(path)),
            Err(problem) => {
                errors.add(text.place, format!("names {}, which {problem}", text.text));
                None
            }
        },
        Err(problem) => {
            errors.add(text.place, problem);
            None
        }
    }
}

/// A secret is short; a larger file is another file.
const LARGEST_SECRET: u64 = 64 * 1024;

/// Far above the bundle of a whole system.
const LARGEST_BUNDLE: u64 = 4 * 1024 * 1024;

/// The content of a file with a secret.
fn read_file(path: &Path, text: &str) -> Result<Zeroizing<String>, String> {
    if check_file(path, text)? > LARGEST_SECRET {
        return Err("names a file that is too large to hold a secret".to_owned());
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| unreadable(&error, text))
}

/// The size of a file. A pipe or a device is none: it could keep its reader waiting, or never end.
fn check_file(path: &Path, text: &str) -> Result<u64, String> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error, text))?;
    if metadata.is_file() { Ok(metadata.len()) } else { Err(format!("names {text}, which is not a file")) }
}

fn unreadable(error: &std::io::Error, text: &str) -> String {
    value::cannot_read(text, value::words(error))
}

pub(super) fn resolve(text: &Text, directory: &Path) -> PathBuf {
    if text.from_environment { PathBuf::from(&text.text) } else { directory.join(&text.text) }
}

/// A file of certificates, PEM.
pub(super) fn ca_file(text: Text, directory: &Path, errors: &mut Errors) -> Option<PathBuf> {
    let path = resolve(&text, directory);
    match check_certificates(&path, &text.text) {
        Ok(()) => Some(path),
        Err(problem) => {
            errors.add(text.place, problem);
            None
        }
    }
}

fn check_certificates(path: &Path, text: &str) -> Result<(), String> {
    if check_file(path, text)? > LARGEST_BUNDLE {
        return Err("names a file that is too large to hold certificates".to_owned());
    }
    let pem = fs::read(path).map_err(|error| unreadable(&error, text))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(without_mark(&pem)) {
        certificate
            .ok()
            .and_then(|certificate| store.add(certificate).ok())
            .ok_or("names a file with a certificate in it that cannot be read: it must be PEM")?;
    }
    if store.is_empty() {
        return Err("names a file without a certificate in it: it must be PEM".to_owned());
    }
    Ok(())
}

fn credential(mut section: Section, errors: &mut Errors) -> Expiry {
    let path = section.path().to_owned();
    let (has_expires, has_generated, has_valid_for) =
        (section.has("expires"), section.has("generated"), section.has("valid_for"));
    let expires = section.date("expires", value::expiry, errors);
    let generated = section.date("generated", value::generated, errors);
    let advice = "these credentials expire on a date: set expires, or generated and valid_for; max_age belongs to object_storage";
    reject(&["max_age"], advice, &mut section, errors);
    let valid_for = section.duration("valid_for", &Limits::LIFE, errors);
    section.finish(errors);
    match (has_expires, has_generated, has_valid_for) {
        (true, false, false) => expires.unwrap_or_default(),
        (false, true, true) => match (generated, valid_for) {
            (Some(generated), Some(valid_for)) => Expiry::At(crate::clock::after(generated, valid_for)),
            _ => Expiry::Unknown,
        },
        (false, false, false) => Expiry::Unknown,
        (true, ..) => {
            errors.add(path, "has expires as well as generated or valid_for: keep expires, or the other two");
            Expiry::Unknown
        }
        (false, true, false) => {
            errors.add(path, "has generated without valid_for: add valid_for, or set expires instead");
            Expiry::Unknown
        }
        (false, false, true) => {
            errors.add(path, "has valid_for without generated: add generated, or set expires instead");
            Expiry::Unknown
        }
    }
}
