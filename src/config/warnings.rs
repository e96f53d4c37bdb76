//! What is no fault of a configuration, but most likely a mistake.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::load::is_open_to_others;
use super::{Account, Config, SecretSource};
use crate::model::Expiry;

/// Where systemd, containers and pods put secrets, with rights that are not their reader's choice.
const HANDED_OVER: [&str; 4] =
    ["/run/credentials", "/run/secrets", "/var/run/credentials", "/var/run/secrets"];

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
        judge(&self.accounts, &files, now)
    }
}

/// How a file with a secret looks. One that is gone looks as it should: the poll that needs it says so.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    open_to_others: bool,
    has_white_space: bool,
}

impl Look {
    fn at(path: &Path) -> Self {
        // A volume of Kubernetes is known by what its files are links into.
        let in_volume = path.parent().is_some_and(|directory| directory.join("..data").is_symlink());
        let handed_over = in_volume || HANDED_OVER.iter().any(|directory| path.starts_with(directory));
        Self {
            open_to_others: !handed_over
                && fs::metadata(path).is_ok_and(|metadata| is_open_to_others(&metadata)),
            has_white_space: fs::read_to_string(path)
                .map(Zeroizing::new)
                .is_ok_and(|text| has_white_space(&text)),
        }
    }
}

fn has_white_space(secret: &str) -> bool {
    secret.trim().contains(char::is_whitespace)
}

fn judge(accounts: &[Account], files: &BTreeMap<&Path, Look>, now: Timestamp) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut pairs: BTreeMap<&Path, &Account> = BTreeMap::new();
    for account in accounts {
        let name = &account.name;
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
                    Look { has_white_space: has_white_space(text.expose()), open_to_others: false },
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
            if look.open_to_others && what == "secret" {
                warnings.push(format!("account {name}: the {what}{place} can be read by its group or by others: let the exporter's user alone read it"));
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
