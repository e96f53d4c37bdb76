//! What is no error of a configuration, but most likely a mistake.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::account::reseller;
use super::load::is_open_to_others;
use super::{Account, Api, Config, SecretSource};
use crate::model::Expiry;

/// Where systemd, containers and pods put secrets, with rights that are not their reader's choice.
const HANDED_OVER: [&str; 4] =
    ["/run/credentials", "/run/secrets", "/var/run/credentials", "/var/run/secrets"];

/// A shorter interval is most likely a slip.
const SHORTEST: Duration = Duration::from_secs(30);

impl Config {
    /// What looks wrong at `now` though it can be run, a line each; nothing of a secret is in it.
    ///
    /// Blocks on the file system: the files with secrets are looked at.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut files = BTreeMap::new();
        for source in self.accounts.iter().flat_map(|account| [&account.access_key, &account.secret]) {
            if let SecretSource::File(path) = source {
                files.entry(path.as_path()).or_insert_with(|| Look::at(path));
            }
        }
        let mut warnings = judge(&self.accounts, &files, now);
        let poll = &self.poll;
        for (key, interval) in [
            ("current_usage", poll.current_usage),
            ("monthly_usage", poll.monthly_usage),
            ("credentials", poll.credentials),
            ("inventory", poll.inventory),
        ] {
            if interval < SHORTEST {
                warnings.push(format!(
                    "poll.{key} is {interval:?}: the vendor may answer so many requests with 429; set a minute or more"
                ));
            }
        }
        warnings
    }
}

/// How a file with a secret looks. One that is gone looks as it should: the poll that needs it says so.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    open_to_others: bool,
    has_white_space: bool,
    is_quoted: bool,
}

impl Look {
    fn at(path: &Path) -> Self {
        // A volume of Kubernetes is known by what its files are links into.
        let in_volume = path.parent().is_some_and(|directory| directory.join("..data").is_symlink());
        let handed_over = in_volume || HANDED_OVER.iter().any(|directory| path.starts_with(directory));
        let text = fs::read_to_string(path).ok().map(Zeroizing::new);
        Self {
            open_to_others: !handed_over
                && fs::metadata(path).is_ok_and(|metadata| is_open_to_others(&metadata)),
            has_white_space: text.as_deref().is_some_and(|text| has_white_space(text)),
            is_quoted: text.as_deref().is_some_and(|text| is_quoted(text)),
        }
    }
}

/// What is wrong with where an account is.
fn address(account: &Account) -> Option<String> {
    let name = &account.name;
    match &account.api {
        Api::AccountV2 { base_url } => (!base_url.path().ends_with("/v2"))
            .then(|| format!("account {name}: base_url does not end with /v2, where the vendor's API is")),
        Api::ObjectStorage(api)
            if api.s3_url.host_str().is_some_and(|host| host.ends_with(".lyvecloud.seagate.com")) =>
        {
            Some(format!("account {name}: s3_url is a host for accounts of account_v2"))
        }
        Api::ObjectStorage(api) => match (reseller(&api.iam_url), reseller(&api.s3_url)) {
            (Some(iam), Some(s3)) if iam != s3 => Some(format!(
                "account {name}: iam_url is of {iam} and s3_url of {s3}: a key of one is not valid at the other"
            )),
            _ => None,
        },
    }
}

/// Whether a secret is between quotes, which are then a part of it.
fn is_quoted(secret: &str) -> bool {
    let secret = secret.trim();
    secret.len() > 1 && ['"', '\''].iter().any(|quote| secret.starts_with(*quote) && secret.ends_with(*quote))
}

fn has_white_space(secret: &str) -> bool {
    secret.trim().contains(char::is_whitespace)
}

fn judge(accounts: &[Account], files: &BTreeMap<&Path, Look>, now: Timestamp) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut pairs: BTreeMap<&Path, &Account> = BTreeMap::new();
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for account in accounts {
        let name = &account.name;
        let identity = account.identity();
        if let Some(first) = known.insert(format!("{} {}", identity.address, identity.id), name) {
            warnings.push(format!(
                "account {name}: it is the same account at the vendor as {first}: every sum counts it twice; keep one of them"
            ));
        }
        warnings.extend(address(account));
        if let Expiry::At(end) = account.credential
            && end <= now
        {
            warnings.push(format!(
                "account {name}: its credential ended at {end} by its own date: create another in the vendor's \
                 console, or correct the date"
            ));
        }
        for (source, what) in [(&account.access_key, "access key"), (&account.secret, "secret")] {
            let (look, place) = match source {
                SecretSource::Inline(text) => (
                    Look {
                        has_white_space: has_white_space(text.expose()),
                        is_quoted: is_quoted(text.expose()),
                        open_to_others: false,
                    },
                    String::new(),
                ),
                SecretSource::File(path) => (
                    files.get(path.as_path()).copied().unwrap_or_default(),
                    format!(" in {}", path.display()),
                ),
            };
            if look.has_white_space {
                warnings.push(format!(
                    "account {name}: the {what}{place} has white space or a line break inside: it must be the {what} \
                     alone"
                ));
            }
            if look.is_quoted {
                warnings
                    .push(format!("account {name}: the {what}{place} is in quotes, which are sent with it"));
            }
            if look.open_to_others && what == "secret" {
                warnings.push(format!("account {name}: the {what}{place} can be read by its group or by others: make it readable by the exporter's user only"));
            }
        }
        if let SecretSource::File(path) = &account.secret {
            let first = *pairs.entry(path).or_insert(account);
            if first.access_key != account.access_key {
                warnings.push(format!(
                    "account {name}: its secret_file is that of account {} too, though their access keys differ: a \
                     secret belongs to one access key",
                    first.name
                ));
            }
        }
    }
    warnings
}
