//! From the command line's file and the environment to the final types, or to everything that is wrong.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use config::FileFormat;

use super::faults::Faults;
use super::reader::{Section, Text};
use super::tree::{self, Table};
use super::value::{self, Limits};
use super::{Account, Config, ConfigFaults, Filter, History, Poll, Series, account, alertmanager, variables};

/// The largest file that is read as a configuration, in bytes: far above any list of accounts.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Reads the configuration: `path` (YAML, or TOML or JSON where it ends in `.toml` or `.json`), overridden by the
/// `LYVE_EXPORTER__…` variables of `environment`, or the one account that its `LYVE_…` variables describe. Also looks
/// whether the files that it names can be read. Relative paths in a file start at that file's directory.
///
/// Blocks on the file system. A file that others may read and that holds a secret is logged as a warning.
///
/// # Errors
/// With everything that is wrong, not only the first fault.
pub fn load(path: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Config, ConfigFaults> {
    let (mut values, open_to_others) = match path.map(read_file).transpose() {
        Ok(read) => read.unwrap_or_default(),
        // What the file says is not known, so nothing can be said of the rest.
        Err(problem) => return Err(ConfigFaults::one("", problem)),
    };
    let mut faults = Faults::default();
    check_encoding(environment, &mut faults);
    variables::check(environment, &mut faults);
    tree::override_from(environment, &mut values, &mut faults);
    let directory = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let (config, inline_secret) = read(values, environment, directory, &mut faults);
    let config = faults.or(config)?;
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
            // Never dropped in silence: a replaced character is a fault in `load`.
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        })
        .filter(|(name, _)| name.to_ascii_uppercase().starts_with("LYVE_"))
        .collect()
}

fn check_encoding(environment: &BTreeMap<String, String>, faults: &mut Faults) {
    for (name, value) in environment {
        if value.contains(char::REPLACEMENT_CHARACTER) {
            faults.add(name.as_str(), "is not UTF-8 text");
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
        return Err(format!("the configuration file {shown} is too large to be one"));
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

/// Reads the whole tree, and tells whether the file itself holds a secret. Of no use where a fault was found.
pub(super) fn read(
    values: Table,
    environment: &BTreeMap<String, String>,
    directory: &Path,
    faults: &mut Faults,
) -> (Config, bool) {
    let mut root = Section::new("", values);
    let before = faults.count();
    let sections = root.sections("accounts", "account", faults);
    let misread = faults.count() > before;
    let inline_secret = sections.iter().any(|section| section.has_in_file("secret"));
    let variables = account::variables(environment);
    let mut config = Config::of(match (variables, sections.is_empty() && misread) {
        // There are some, and what is wrong with the list of them is told.
        (None, true) => Vec::new(),
        (variables, _) => accounts(sections, variables, directory, faults),
    });
    config.poll = poll(root.section("poll", faults), faults);
    config.history = history(root.section("history", faults), faults);
    config.series = series(root.section("series", faults), faults);
    let place = root.place("data_max_age");
    if let Some(age) = root.duration("data_max_age", &Limits::AGE, faults) {
        config.data_max_age = age;
    }
    config.state_file = root.text("state_file", faults).and_then(|text| state_file(&text, directory, faults));
    config.alertmanager = alertmanager::read(root.section("alertmanager", faults), directory, faults);
    config.warning = alertmanager::warning(&mut root, faults);
    if let Some(drop) = root.share("usage_drop", faults) {
        config.usage_drop = drop;
    }
    root.finish(faults);
    check_age(&place, &config, faults);
    (config, inline_secret)
}

fn accounts(
    sections: Vec<Section>,
    variables: Option<Section>,
    directory: &Path,
    faults: &mut Faults,
) -> Vec<Account> {
    match (sections.is_empty(), variables) {
        (false, Some(_)) => faults.add(
            "accounts",
            "are given as well as an account in the LYVE_ACCOUNT_ID, LYVE_ACCESS_KEY and LYVE_SECRET variables: \
             keep one of the two",
        ),
        (true, Some(variables)) => return account::from_variables(variables, faults).into_iter().collect(),
        (true, None) => faults.add(
            "accounts",
            "there is none: list accounts in a file that --config.file names, or set LYVE_ACCOUNT_ID, \
             LYVE_ACCESS_KEY and LYVE_SECRET (or each with _FILE)",
        ),
        (false, None) => {}
    }
    let mut accounts: Vec<Account> = Vec::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for section in sections {
        let path = section.path().to_owned();
        let place = section.place("name");
        // A name is compared even where the rest of its account is faulty.
        if let Some(name) = section.peek_text("name") {
            if let Some(first) = places.get(&name) {
                faults.add(
                    place,
                    format!("is the same as that of {first}: each account needs a name of its own"),
                );
            } else {
                places.insert(name, path);
            }
        }
        accounts.extend(account::read(section, directory, faults));
    }
    accounts
}

fn poll(mut section: Section, faults: &mut Faults) -> Poll {
    let default = Poll::default();
    let mut interval = |key, default| section.duration(key, &Limits::INTERVAL, faults).unwrap_or(default);
    let current_usage = interval("current_usage", default.current_usage);
    let monthly_usage = interval("monthly_usage", default.monthly_usage);
    let credentials = interval("credentials", default.credentials);
    let verify_login = interval("verify_login", default.verify_login);
    let inventory = interval("inventory", default.inventory);
    let timeout = section.duration("timeout", &Limits::TIMEOUT, faults).unwrap_or(default.timeout);
    let max_concurrent_requests = section
        .number("max_concurrent_requests", 1, 1000, faults)
        .map_or(default.max_concurrent_requests, |number| number as usize);
    section.finish(faults);
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

fn history(mut section: Section, faults: &mut Faults) -> History {
    let months = section.number("months", 0, 120, faults);
    section.finish(faults);
    months.map_or_else(History::default, |months| History { months })
}

fn series(mut section: Section, faults: &mut Faults) -> Series {
    let mut buckets = section.section("buckets", faults);
    let mut expressions = |key| {
        let texts = buckets.texts(key, faults).unwrap_or_default();
        let compiled = texts.into_iter().filter_map(|text| {
            let compiled = value::anchored(&text.text);
            compiled.map_err(|problem| faults.add(text.place, problem)).ok()
        });
        compiled.collect()
    };
    let include = expressions("include");
    let exclude = expressions("exclude");
    buckets.finish(faults);
    let max_per_account = section.number("max_per_account", 1, u32::MAX, faults);
    section.finish(faults);
    let default = Series::default();
    Series {
        buckets: Filter { include, exclude },
        max_per_account: max_per_account.map_or(default.max_per_account, |number| number as usize),
    }
}

/// Where to keep the last good answers. Whether it can be written shows when it is: a daemon without it still works.
fn state_file(text: &Text, directory: &Path, faults: &mut Faults) -> Option<PathBuf> {
    let path = account::resolve(text, directory);
    if path.is_dir() || path.file_name().is_none() {
        faults.add(text.place.as_str(), "names a directory: name a file in it");
        return None;
    }
    Some(path)
}

/// Data must outlive the wait for the next poll, or a collector's series would come and go.
fn check_age(place: &str, config: &Config, faults: &mut Faults) {
    let Config { poll, history, data_max_age: age, .. } = config;
    let feeds = [
        ("current_usage", poll.current_usage, true),
        ("monthly_usage", poll.monthly_usage, history.months > 0),
        ("credentials", poll.credentials, true),
        ("inventory", poll.inventory, true),
    ];
    for (key, interval, used) in feeds {
        if used && interval >= *age {
            faults.add(
                place,
                format!(
                    "must be longer than poll.{key}, or series would vanish between two polls: raise it, or shorten \
                     poll.{key}"
                ),
            );
        }
    }
}
