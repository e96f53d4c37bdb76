//! From the command line's file and the environment to the final types, or to everything that is wrong.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use config::FileFormat;

use super::errors::Errors;
use super::reader::{Section, Text};
use super::tree::{self, Table};
use super::value::{self, Limits};
use super::{Account, Config, ConfigErrors, Filter, History, Poll, Series, account, alertmanager, variables};

/// The largest file that is read as a configuration, in bytes: far above any list of accounts.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Reads the configuration: `path` (YAML, or TOML or JSON where it ends in `.toml` or `.json`), overridden by the
/// `LYVE_EXPORTER__…` variables of `environment`, or the one account that its `LYVE_…` variables describe. Also looks
/// whether the files that it names can be read. Relative paths in a file start at that file's directory.
///
/// Blocks on the file system. A file that others may read and that holds a secret is logged as a warning.
///
/// # Errors
/// With everything that is wrong, not only the first error.
pub fn load(path: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Config, ConfigErrors> {
    let (mut values, open_to_others) = match path.map(read_file).transpose() {
        Ok(read) => read.unwrap_or_default(),
        // What the file says is not known, so nothing can be said of the rest.
        Err(problem) => return Err(ConfigErrors::one("", problem)),
    };
    let mut errors = Errors::default();
    check_encoding(environment, &mut errors);
    variables::check(environment, &mut errors);
    tree::override_from(environment, &mut values, &mut errors);
    let directory = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let (config, inline_secret) = read(values, environment, directory, &mut errors);
    let config = errors.or(config)?;
    if open_to_others && inline_secret {
        tracing::warn!(
            "the configuration file holds a secret and other users can read it: chmod 600 it, or use secret_file"
        );
    }
    Ok(config)
}

/// The process's own variables that begin with `LYVE_`, for [`load`].
#[must_use]
pub fn process_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| {
            // Never dropped in silence: a replaced character is an error in `load`.
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        })
        .filter(|(name, _)| name.to_ascii_uppercase().starts_with("LYVE_"))
        .collect()
}

fn check_encoding(environment: &BTreeMap<String, String>, errors: &mut Errors) {
    for (name, value) in environment {
        if value.contains(char::REPLACEMENT_CHARACTER) {
            errors.add(name.as_str(), "is not UTF-8 text");
        }
    }
}

/// The values in the file at `path`, and whether users other than its owner can read it.
fn read_file(path: &Path) -> Result<(Table, bool), String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("cannot read the configuration file {shown}: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let open_to_others = is_open_to_others(&file.metadata().map_err(unreadable)?);
    let mut text = String::new();
    file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(format!("the configuration file {shown} is too large"));
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let format = match ending.as_deref() {
        Some("toml") => FileFormat::Toml,
        Some("json") => FileFormat::Json,
        _ => FileFormat::Yaml,
    };
    let table =
        tree::parse(&text, format).map_err(|problem| format!("the configuration file {shown} {problem}"))?;
    Ok((table, open_to_others))
}

#[cfg(unix)]
pub(super) fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
pub(super) fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

/// Reads the whole tree, and tells whether the file itself holds a secret. Of no use where an error was found.
pub(super) fn read(
    values: Table,
    environment: &BTreeMap<String, String>,
    directory: &Path,
    errors: &mut Errors,
) -> (Config, bool) {
    let mut root = Section::new("", values);
    let before = errors.count();
    let sections = root.sections("accounts", "account", errors);
    let misread = errors.count() > before;
    let inline_secret = sections.iter().any(|section| section.has_in_file("secret"));
    let variables = account::variables(environment);
    let mut config = Config::of(match (variables, sections.is_empty() && misread) {
        // There are some, and what is wrong with the list of them is told.
        (None, true) => Vec::new(),
        (variables, _) => accounts(sections, variables, directory, errors),
    });
    config.poll = poll(root.section("poll", errors), errors);
    config.history = history(root.section("history", errors), errors);
    config.series = series(root.section("series", errors), errors);
    let place = root.place("data_max_age");
    if let Some(age) = root.duration("data_max_age", &Limits::AGE, errors) {
        config.data_max_age = age;
    }
    config.state_file = root.text("state_file", errors).and_then(|text| state_file(&text, directory, errors));
    config.alertmanager = alertmanager::read(root.section("alertmanager", errors), directory, errors);
    config.warning = alertmanager::warning(&mut root, errors);
    if let Some(drop) = root.share("usage_drop", errors) {
        config.usage_drop = drop;
    }
    root.finish(errors);
    check_age(&place, &config, errors);
    (config, inline_secret)
}

fn accounts(
    sections: Vec<Section>,
    variables: Option<Section>,
    directory: &Path,
    errors: &mut Errors,
) -> Vec<Account> {
    match (sections.is_empty(), variables) {
        (false, Some(_)) => errors.add(
            "accounts",
            "are set as well as an account in the LYVE_ACCOUNT_ID, LYVE_ACCESS_KEY and LYVE_SECRET variables: \
             keep one of the two",
        ),
        (true, Some(variables)) => return account::from_variables(variables, errors).into_iter().collect(),
        (true, None) => errors.add(
            "accounts",
            "not set: list them in a file that --config.file names, or set LYVE_ACCOUNT_ID, \
             LYVE_ACCESS_KEY and LYVE_SECRET (or each with _FILE)",
        ),
        (false, None) => {}
    }
    let mut accounts: Vec<Account> = Vec::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for section in sections {
        let path = section.path().to_owned();
        let place = section.place("name");
        // A name is compared even where the rest of its account is wrong.
        if let Some(name) = section.peek_text("name") {
            if let Some(first) = places.get(&name) {
                errors.add(
                    place,
                    format!("is the same as that of {first}: each account needs a name of its own"),
                );
            } else {
                places.insert(name, path);
            }
        }
        accounts.extend(account::read(section, directory, errors));
    }
    accounts
}

fn poll(mut section: Section, errors: &mut Errors) -> Poll {
    let default = Poll::default();
    let mut interval = |key, default| section.duration(key, &Limits::INTERVAL, errors).unwrap_or(default);
    let current_usage = interval("current_usage", default.current_usage);
    let monthly_usage = interval("monthly_usage", default.monthly_usage);
    let credentials = interval("credentials", default.credentials);
    let verify_login = interval("verify_login", default.verify_login);
    let inventory = interval("inventory", default.inventory);
    let timeout = section.duration("timeout", &Limits::TIMEOUT, errors).unwrap_or(default.timeout);
    let max_concurrent_requests = section
        .number("max_concurrent_requests", 1, 1000, errors)
        .map_or(default.max_concurrent_requests, |number| number as usize);
    section.finish(errors);
    Poll {
        current_usage,
        monthly_usage,
        credentials,
        verify_login,
        inventory,
        timeout,
        max_concurrent_requests,
    }
}

fn history(mut section: Section, errors: &mut Errors) -> History {
    let months = section.number("months", 0, 120, errors);
    section.finish(errors);
    months.map_or_else(History::default, |months| History { months })
}

fn series(mut section: Section, errors: &mut Errors) -> Series {
    let mut buckets = section.section("buckets", errors);
    let mut expressions = |key| {
        let texts = buckets.texts(key, errors).unwrap_or_default();
        let compiled = texts.into_iter().filter_map(|text| {
            let compiled = value::anchored(&text.text);
            compiled.map_err(|problem| errors.add(text.place, problem)).ok()
        });
        compiled.collect()
    };
    let include = expressions("include");
    let exclude = expressions("exclude");
    buckets.finish(errors);
    let max_per_account = section.number("max_per_account", 1, u32::MAX, errors);
    section.finish(errors);
    let default = Series::default();
    Series {
        buckets: Filter { include, exclude },
        max_per_account: max_per_account.map_or(default.max_per_account, |number| number as usize),
    }
}

/// Where to keep the last good answers. Whether it can be written shows when it is: a daemon without it still works.
fn state_file(text: &Text, directory: &Path, errors: &mut Errors) -> Option<PathBuf> {
    let path = account::resolve(text, directory);
    if path.is_dir() || path.file_name().is_none() {
        errors.add(text.place.as_str(), "names a directory: name a file in it");
        return None;
    }
    Some(path)
}

/// Data must outlive the wait for the next poll, or a collector's series would come and go.
fn check_age(place: &str, config: &Config, errors: &mut Errors) {
    let Config { poll, history, data_max_age: age, .. } = config;
    let feeds = [
        ("current_usage", poll.current_usage, true),
        ("monthly_usage", poll.monthly_usage, history.months > 0),
        ("credentials", poll.credentials, true),
        ("inventory", poll.inventory, true),
    ];
    for (key, interval, used) in feeds {
        if used && interval >= *age {
            errors.add(
                place,
                format!(
                    "must be longer than poll.{key}, or series would vanish between two polls: raise it, or shorten \
                     poll.{key}"
                ),
            );
        }
    }
}
